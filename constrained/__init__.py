"""Constrain the output of a ResNet18's linear layer: bounds, probabilities, penalties, projections."""

from . import functional
from .model import constrained_resnet18
from .modules import (
    Clamp,
    ConstrainedLinear,
    ConstrainedOutput,
    Entmax15,
    PenaltyL1,
    PenaltyL2,
    ProjectL1Ball,
    ProjectL2Ball,
    ProjectSimplex,
    ProxL1,
    ProxL2,
    SmoothClamp,
    Softmax,
    Sparsemax,
)

__all__ = [
    "Clamp",
    "ConstrainedLinear",
    "ConstrainedOutput",
    "Entmax15",
    "PenaltyL1",
    "PenaltyL2",
    "ProjectL1Ball",
    "ProjectL2Ball",
    "ProjectSimplex",
    "ProxL1",
    "ProxL2",
    "SmoothClamp",
    "Softmax",
    "Sparsemax",
    "constrained_resnet18",
    "functional",
]
