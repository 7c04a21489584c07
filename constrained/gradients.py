"""What training would send back to each logit through a constraint, by autograd: the arrows of the page."""

from typing import NamedTuple

import torch
from torch import Tensor

from .modules import Constraint


class SentBack(NamedTuple):
    """A loss and what it sends back."""

    name: str  # how the loss is written
    loss: float  # infinite where the target is out of reach
    gradient: Tensor  # (C,)


def through(constraint: Constraint | None, logits: Tensor, target: int) -> SentBack:
    """The gradient at the logits of the loss that belongs to a constraint, `Constraint.loss`.

    Args:
        constraint: what stands behind the logits; None for nothing.
        logits: ``(C,)``, floating.
        target: index of the class that training would want.
    """
    z = logits.clone().requires_grad_()
    wanted = torch.tensor([target])
    if constraint is None:
        name, loss = "cross-entropy of softmax(z)", torch.nn.functional.cross_entropy(z[None], wanted)
    else:
        name, loss = constraint.loss_name, constraint.loss(z[None], wanted)
    (gradient,) = torch.autograd.grad(loss, z)
    return SentBack(name, loss.item(), gradient)
