"""Measures: what the chart shows under a setting, by PyTorch."""

import functools
from collections.abc import Callable
from urllib.parse import parse_qsl

import torch
from torch import Tensor

from ... import gradients, images, models, registry
from ..server.inference import network
from .settings import FIRST, MODEL, NAMES, labels, samples


class Logit(float):
    """A number in the unit of logits."""


class Share(float):
    """A probability, or a share."""


@functools.cache
def logits(image: str) -> Tensor:
    """The bundled network's logits ``(C,)`` of a sample, as the chart gets them, in float64."""
    found = network(MODEL).logits(images.decode(samples()[image].read_bytes()))
    return torch.tensor([round(value, 6) for value in found.tolist()], dtype=torch.float64)


@functools.cache
def measure(query: str) -> dict:
    """What can be measured under a setting in full, by name.

    ``raw``, ``bounded``, ``probability`` and ``regularised`` are the columns. Each has the value of every class under
    the class's name, and

    * ``top``, ``second``, ``last``: classes by place; ``argmax``: what torch.argmax takes among equals;
      ``max``, ``next``, ``min``: values
    * ``kept``: whether the raw first place is alone in first place; ``tied``: classes that share the first place
    * ``zeros``: exact zeros; ``dead``: classes to which no output passes a gradient, as the chart hatches them
    * ``sum``, ``norm1``, ``norm2``, ``moved`` (distance from the raw logits), ``entropy`` (of a distribution, in nats)
    * ``clipped``: bounded alone, logits outside of the box
    * ``gradient``: what the loss sends back for every class, with ``loss`` and ``stopped``, the zeros among them

    Beside the columns: ``lo``, ``hi``, ``t``, ``lam``, ``radius``, ``target``, and ``network`` with ``accuracy``,
    ``nll`` and ``ece`` on the test pictures.
    """
    told = dict(parse_qsl(query))
    z, names = logits(told["image"]), labels()
    numbers = {key: p.read(told[key], names) if key in told else p.default for key, p in NAMES.items()}
    settings = {parameter.key: numbers[key] for key, parameter in NAMES.items()}
    first = names[int(z.argmax())]
    wanted = told.get("target", first)
    test = models.bundled().figures
    about = {key: Share(test[key]) for key in ("accuracy", "ece")} | {"nll": test["nll"]}
    measures = numbers | {"target": wanted, "network": about, "raw": _column("raw", None, z, wanted)}
    for family in registry.FAMILIES:
        method = told["method"] if family == told["family"] else told.get(family, FIRST[family])
        constraint = registry.build(method, settings)
        measures[family] = _column(family, constraint, z, wanted)
    inside = (z >= numbers["lo"]) & (z <= numbers["hi"])
    measures["bounded"]["clipped"] = int((~inside).sum())
    return measures


def _column(family: str, constraint: Callable | None, z: Tensor, target: str) -> dict:
    """The measures of one column."""
    names = labels()
    sent = gradients.through(constraint, z, names.index(target))
    y = z if constraint is None else constraint(z)
    unit = Share if family == "probability" else Logit
    best = y == y.max()
    raw = int(z.argmax())
    # By value, ties by raw logit, as the rows stand.
    order = sorted(range(len(names)), key=lambda i: (-y[i].item(), -z[i].item()))
    entropy = -torch.special.xlogy(y, y).sum().item() if family == "probability" else None
    return {name: unit(value) for name, value in zip(names, y.tolist(), strict=True)} | {
        "top": names[order[0]],
        "second": names[order[1]],
        "last": names[order[-1]],
        "argmax": names[int(y.argmax())],
        "max": unit(y[order[0]].item()),
        "next": unit(y[order[1]].item()),
        "min": unit(y.min().item()),
        "kept": bool(best[raw]) and int(best.sum()) == 1,
        "tied": int(best.sum()),
        "zeros": int((y == 0).sum()),
        "dead": 0 if constraint is None else int(constraint.blocked(z).sum()),
        "sum": round(y.sum().item(), 6) if unit is Share else unit(y.sum().item()),  # as the badge says it
        "norm1": y.abs().sum().item(),
        "norm2": y.norm().item(),
        "moved": (y - z).norm().item(),
        "entropy": entropy,
        "gradient": {name: Logit(value) for name, value in zip(names, sent.gradient.tolist(), strict=True)}
        | {"loss": sent.loss, "stopped": int((sent.gradient == 0).sum())},
    }
