"""What training would send back to each logit through a constraint, by autograd: the arrows of the page."""

from typing import NamedTuple

import torch
from torch import Tensor

from .modules import Constraint, Entmax15, Softmax, Sparsemax


class SentBack(NamedTuple):
    """A loss and what it sends back."""

    name: str  # how the loss is written
    loss: float  # infinite where the target is out of reach
    gradient: Tensor  # (C,)


def through(constraint: Constraint | None, logits: Tensor, target: int) -> SentBack:
    """The gradient at the logits of a loss that looks at what a constraint makes of them.

    The loss is the cross-entropy of the outputs read as logits; for softmax that of the probabilities; for sparsemax
    and 1.5-entmax, where it is infinite once the target gets probability 0, half the squared distance to the target.

    Args:
        constraint: what stands between the logits and the loss; None for nothing.
        logits: ``(C,)``, floating.
        target: index of the class that training would want.
    """
    z = logits.clone().requires_grad_()
    wanted = torch.tensor(target)
    if isinstance(constraint, Sparsemax | Entmax15):
        name = "½‖p − target‖²"
        loss = (constraint(z) - torch.nn.functional.one_hot(wanted, len(z))).square().sum() / 2
    elif isinstance(constraint, Softmax):
        name = "−log p(target)"
        loss = -torch.log_softmax(z / constraint.temperature, 0)[target]
    else:
        name = "cross-entropy of softmax(y)" if constraint else "cross-entropy of softmax(z)"
        loss = torch.nn.functional.cross_entropy(constraint(z) if constraint else z, wanted)
    (gradient,) = torch.autograd.grad(loss, z)
    return SentBack(name, loss.item(), gradient)
