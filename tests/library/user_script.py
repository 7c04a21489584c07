"""A user's script, as mypy and pyright read it: tests/library/test_install.py and .ci/run have them do so."""

import torch
from torch import Tensor, nn

import constrained
from constrained import Clamp, ConstrainedLinear, ConstrainedOutput, Softmax, functional


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(8, 16)
        self.head = ConstrainedLinear(16, 3, constraint=Softmax(temperature=2.0, learnable=True))

    def forward(self, x: Tensor) -> ConstrainedOutput:
        output: ConstrainedOutput = self.head(self.body(x).relu())
        return output


network = Network()
x, labels = torch.randn(4, 8), torch.tensor([0, 1, 2, 0])
output = network(x)
loss: Tensor = network.head.loss(output.logits, labels)
loss.backward()
probabilities: Tensor = output.constrained
bounded: Tensor = functional.clamp(output.logits, lo=-1.0, hi=torch.ones(3))
clamped: Tensor = Clamp(-1.0, 1.0, gradient="inward")(output.logits)
projected: Tensor = functional.project_simplex(output.logits, radius=1.0, dim=-1)
assert probabilities.shape == bounded.shape == clamped.shape == projected.shape == (4, 3)
print(constrained.__version__)
