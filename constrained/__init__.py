"""Constrain the output of a ResNet18's linear layer: bounds, probabilities, penalties, projections.

What is named here is loaded when it is first used: a process that only decodes pictures (`workers`) does without torch.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        ScaledSigmoid,
        SmoothClamp,
        Softmax,
        Softplus,
        Sparsemax,
    )

__version__ = "0.1.0"

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
    "ScaledSigmoid",
    "SmoothClamp",
    "Softmax",
    "Softplus",
    "Sparsemax",
    "constrained_resnet18",
    "functional",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "functional":
        return importlib.import_module(".functional", __name__)
    module = ".model" if name == "constrained_resnet18" else ".modules"
    globals()[name] = value = getattr(importlib.import_module(module, __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
