"""ResNet18 with a constrained head, built the way torchvision builds its models."""

import functools
import importlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from . import heads
from .modules import ConstrainedLinear

if TYPE_CHECKING:
    import torchvision

WIDTH = 512  # features of a ResNet18, which its last layer takes


def _declare_missing_operators() -> None:
    """Make ``import torchvision`` work next to a build of torch that its wheel was not compiled for.

    A CPU build of torch cannot load the compiled operators of torchvision's ordinary wheel, and importing
    torchvision then stops at "operator torchvision::nms does not exist", because it registers shapes for two
    operators that were never declared. ResNet18 uses neither, so declaring them is enough; whoever calls one is told
    that it is not there. Where the wheels match, loading the library declares them and this function changes nothing.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return  # not installed: let the import below say so
    for library in Path(spec.submodule_search_locations[0]).glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))
        except (ImportError, OSError):
            continue  # the mismatch this function is for
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            torch.library.impl(f"torchvision::{name}", ["CPU", "CUDA"], functools.partial(_missing, name))


def _missing(name: str, *_: object) -> None:
    raise RuntimeError(
        f"torchvision's operator {name} cannot be used: the installed torch and torchvision are not builds that belong "
        "together; install both from the same place"
    )


_declare_missing_operators()


def __getattr__(name: str) -> object:
    """``torchvision``, imported when it is first asked for.

    With it comes the compiler of `torch.compile`: over a second and 76 MB, of which the page with the bundled model
    and the functions and modules of this library need nothing.
    """
    if name != "torchvision":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(name)


def constrained_resnet18(
    *,
    weights: "torchvision.models.ResNet18_Weights | str | dict[str, torch.Tensor] | None" = None,
    num_classes: int | None = None,
    constraint: torch.nn.Module | None = None,
    penalty: torch.nn.Module | None = None,
    head: "str | os.PathLike | bytes | None" = None,
    progress: bool = True,
) -> "torchvision.models.ResNet":
    """torchvision's ``resnet18`` whose last layer is a `ConstrainedLinear`.

    Args:
        weights: a ``ResNet18_Weights`` or its name, as in torchvision (downloaded, hash checked, cached); or a
            ``state_dict`` of a whole ResNet18, for example from ``safetensors.torch.load_file``.
        num_classes: width of the head. Default: that of the weights, 1000 without weights.
        constraint, penalty: as in `ConstrainedLinear`.
        head: a file that `heads.save` wrote, or its bytes: the last layer, with its constraint and penalty. What
            ``weights`` hold for that layer is then left out; they should be those that the head was fitted on.
        progress: show a bar while downloading.

    Raises:
        ValueError: if the weights' head has another width than ``num_classes``, if ``head`` is given together with
            what it decides itself, or (`heads.HeadError`) if it cannot be used.
    """
    fitted = None
    if head is not None:
        if num_classes is not None or constraint is not None or penalty is not None:
            raise ValueError("num_classes, constraint and penalty come from the head: leave them out")
        fitted = heads.load(head if isinstance(head, bytes) else heads.read(head)).layer
        if fitted.in_features != WIDTH:
            raise ValueError(f"a ResNet18 has {WIDTH} features, got a head for {fitted.in_features}")
    models = importlib.import_module("torchvision").models
    if weights is not None and not isinstance(weights, dict):
        weights = models.ResNet18_Weights.verify(weights)
        state = weights.get_state_dict(progress=progress, check_hash=True, weights_only=True)
    else:
        state = weights
    if state is not None and fitted is not None:
        state = {key: value for key, value in state.items() if not key.startswith("fc.")}
        state |= {f"fc.{key}": value for key, value in fitted.state_dict().items()}
    if state is not None:
        width = state["fc.weight"].shape[0]
        if num_classes not in (None, width):
            raise ValueError(
                f"these weights have a head of {width} classes, got num_classes={num_classes}: leave num_classes out, "
                f"or load them first and put a new ConstrainedLinear({WIDTH}, {num_classes}) in place of model.fc"
            )
        num_classes = width
    model = models.resnet18(num_classes=1000 if num_classes is None else num_classes)
    if fitted is not None:
        model.fc = fitted.train()
    else:
        plain = model.fc
        model.fc = ConstrainedLinear(plain.in_features, plain.out_features, constraint=constraint, penalty=penalty)
    if state is not None:
        # What a plain ResNet18's weights may lack: the parameters of a constraint or penalty that is not of here.
        fresh = {k: v for k, v in model.state_dict().items() if k.startswith(("fc.constraint.", "fc.penalty."))}
        model.load_state_dict(fresh | state)
    return model
