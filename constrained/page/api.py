"""What programs can ask of the page: the logits of a picture, and what a constraint makes of logits."""

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Literal

import gradio as gr
import torch
from torch import Tensor

from .. import registry
from ..models import BUNDLED, CHECKPOINTS
from ..parameters import Number, Parameter, Value, Vector
from ..registry import PARAMETERS
from .models import TROUBLE, classified, sentence
from .pictures import views
from .server.inference import network

CLASSES, LARGEST = 1000, 1e6  # of logits that are sent here


class Model(gr.Textbox):
    """The name of a model, for programs; an unknown one gets a sentence."""

    is_template = True

    def api_info(self) -> dict:
        """What "Use via API" says of it."""
        about = f"The network; all but {BUNDLED} are downloaded when they are first used."
        return {"type": "string", "enum": list(CHECKPOINTS), "additional_description": about}

    def example_payload(self) -> str:
        """The bundled one."""
        return BUNDLED


def checked(logits: object, least: int) -> Tensor:
    """Logits from outside as a float64 tensor ``(C,)``.

    Raises:
        ValueError: for anything but ``least`` to `CLASSES` numbers below `LARGEST`.
    """
    if not isinstance(logits, list) or not least <= len(logits) <= CLASSES:
        raise ValueError(f"logits must be a list of {least} to {CLASSES} numbers")
    # Compared, not converted: a whole number may be too large for a float.
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < LARGEST for v in logits):
        raise ValueError("logits must be finite numbers below a million")
    return torch.tensor(logits, dtype=torch.float64)


def classify(picture: str | bytes | None, model: str = BUNDLED) -> dict:
    """Logits of a picture: ``{"model", "labels", "logits"}``, for programs."""
    if picture is None:
        raise gr.Error("picture must be an image file", print_exception=False)
    try:
        net = network(model, wait=False)
        return classified(net.checkpoint.labels, net.logits_of(views(picture, net.checkpoint)), model)
    except TROUBLE as error:
        raise gr.Error(sentence(error), print_exception=False) from error


def constrain(logits: list[float], method: str, *values: Value) -> dict:
    """Constrained outputs of logits: ``{"method", "outputs"}``, for programs; method is a key of the registry."""
    try:
        z, settings = checked(logits, least=1), dict(zip(PARAMETERS, values, strict=True))
        outputs = registry.build(str(method), settings, classes=len(z))(z)
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    return {"method": method, "outputs": outputs.tolist()}


def _arguments(function: Callable) -> None:
    """Have a function whose further arguments are the registry's parameters name them, as gradio asks."""
    kinds = {"number": float, "vector": float | list[float], "mask": bool | list[bool]}
    signature = inspect.signature(function)
    named = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    more = [
        inspect.Parameter(p.key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=p.default, annotation=kinds[p.kind])
        for p in PARAMETERS.values()
    ]
    function.__signature__ = signature.replace(parameters=[*named, *more])
    function.__annotations__ |= {"method": Literal[tuple(registry.REGISTRY)]} | {p.name: p.annotation for p in more}


_arguments(constrain)


def described(arguments: list) -> None:
    """Say in "Use via API" what each argument of `constrain` is; gradio knows their types alone."""
    most = f"{LARGEST:,.0f}"
    about = {
        "logits": (f"1 to {CLASSES:,} numbers, each below {most}.", [3.6, 1.2, -0.4]),
        "method": ("The constraint, by its key in the registry.", "clamp"),
    }
    for parameter in PARAMETERS.values():
        used = ", ".join(key for key, entry in registry.REGISTRY.items() if parameter in entry.parameters)
        about[parameter.key] = (f"{parameter.help} {_values(parameter)}; used by {used}.", parameter.default)
    for argument, (name, (text, example)) in zip(arguments, about.items(), strict=True):
        argument.label, argument._api_info["additional_description"] = name, text
        argument.example_payload = functools.partial(copy.copy, example)


def _values(parameter: Parameter) -> str:
    """Which values a parameter takes, in words."""
    if isinstance(parameter, Number):
        return f"{parameter.least:g} to {parameter.high:g}"
    one = f"a number from {parameter.low:g} to {parameter.high:g}" if isinstance(parameter, Vector) else "true or false"
    return f"{one}, or a list with one for each class".capitalize()
