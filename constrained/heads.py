"""A trained head as a file: weights, constraint and penalty, and what it was fitted on.

The file is safetensors: tensors ``weight`` (C, F) and ``bias`` (C,), float32, and strings in the metadata. It cannot
carry code. A stranger may have written it, so its size, header, metadata and shapes are checked before a tensor is
made.
"""

import json
import os
import re
from collections.abc import Callable
from typing import NamedTuple

import safetensors
import safetensors.torch
import torch

from .modules import ConstrainedLinear, Constraint, PenaltyL1, PenaltyL2
from .parameters import Mask, Number, Parameter, Value
from .registry import REGISTRY

MAX_BYTES = 4 * 2**20  # of the file; a head for the 1,000 classes of ImageNet has half of that
MAX_HEADER = 2**17  # of the part with the metadata
MAX_NUMBER = 1e6  # of a weight or a parameter; logits then stay finite in float32
FORMAT, VERSION = "constrained head", "1"
PENALTIES = {"l1": PenaltyL1, "l2": PenaltyL2}

_KEYS = ("method", "settings", "penalty", "lam", "classes", "network")
_CHOOSE = "choose one that was saved as a head on this page"
_AGAIN = "save the head again"


class HeadError(ValueError):
    """A head that cannot be saved or loaded. Its message is one sentence: what is wrong, and what to do."""


class Head(NamedTuple):
    """A trained head, and what it was fitted on."""

    layer: ConstrainedLinear  # in evaluation mode
    method: str  # the constraint's key in the registry, "" without one
    classes: tuple[str, ...]  # C names, in the order of the logits
    network: str  # SHA-256 of the weights that made the features it was fitted on

    @property
    def settings(self) -> dict[str, Value]:
        """The parameters of the constraint; a learned one as the value that it has now."""
        return _settings(self.layer.constraint, self.method)


def save(layer: ConstrainedLinear, method: str, classes: tuple[str, ...], network: str) -> bytes:
    """A head as a file. A learned temperature is stored as the value that it ended at, and comes back fixed.

    Args:
        layer: with a bias; its constraint is the one that ``method`` builds, its penalty of this library.
        method, classes, network: as in `Head`.

    Raises:
        HeadError: for a layer that a file cannot hold: another constraint than ``method`` says, numbers for each class,
            no bias, a penalty that is not of this library; and if `load` would refuse the file, as it does where
            training has diverged.
    """
    if layer.bias is None:
        raise HeadError("This head has no bias, but a head file needs one: give it a bias of zeros.")
    penalty = next((key for key, kind in PENALTIES.items() if type(layer.penalty) is kind), "")
    if layer.penalty is not None and not penalty:
        raise HeadError(f"A head file cannot hold the penalty {layer.penalty}: use one of this library, or none.")
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "method": method,
        "settings": json.dumps(_settings(layer.constraint, method)),
        "penalty": penalty,
        "lam": json.dumps(_one("lam", layer.penalty.lam) if penalty else 0.0),
        "classes": json.dumps(classes),
        "network": network,
    }
    tensors = {key: getattr(layer, key).detach().float().cpu().contiguous() for key in ("weight", "bias")}
    data = safetensors.torch.save(tensors, metadata)
    load(data)
    return data


def _settings(constraint: Constraint | None, method: str) -> dict[str, Value]:
    """The parameters of a constraint, if it is the one that ``method`` builds."""
    if not method and constraint is None:
        return {}
    known = REGISTRY[method].parameters if method in REGISTRY else None
    if known is not None and all(hasattr(constraint, p.key) for p in known):
        held = {p: getattr(constraint, p.key) for p in known}
        settings = {p.key: _one(p.key, v) if isinstance(p, Number) else p.plain(v) for p, v in held.items()}
        if _kind(REGISTRY[method].build(**settings)) == _kind(constraint):
            return settings
    has, called = constraint or "none", _short(method or "no constraint")
    raise HeadError(f"This head's constraint is {has}, but method says {called}: name the one that it has.")


def _kind(constraint: object) -> tuple:
    """What a constraint is beside its parameters."""
    return type(constraint), getattr(constraint, "gradient", None), getattr(constraint, "dim", None)


def _one(key: str, value: float | torch.Tensor) -> float:
    if isinstance(value, torch.Tensor) and value.numel() != 1:
        raise HeadError(f"This head has a {key} for each class, but a head file holds one number: choose one for all.")
    return float(value.detach() if isinstance(value, torch.Tensor) else value)


def load(data: bytes, deserialize: Callable[[bytes], list] = safetensors.deserialize) -> Head:
    """A head from a file's bytes.

    Args:
        data: the bytes.
        deserialize: what takes safetensors apart, for a program that has it done elsewhere (`workers`).

    Raises:
        HeadError: for everything that `save` did not write. Only another ``deserialize`` can raise anything else.
    """
    tensors, metadata = _open(data, deserialize)
    for key in _KEYS:
        if key not in metadata:
            raise HeadError(f"This head file is missing its {key}: {_AGAIN}.")

    method, penalty = metadata["method"], metadata["penalty"]
    if method and method not in REGISTRY:
        raise HeadError(f"This head file uses a constraint {_short(method)} that is not known here: {_AGAIN}.")
    if penalty and penalty not in PENALTIES:
        raise HeadError(f"This head file uses a penalty {_short(penalty)} that is not known here: {_AGAIN}.")
    if not re.fullmatch("[0-9a-f]{64}", metadata["network"]):
        raise HeadError(f"This head file does not identify its network by a SHA-256: {_AGAIN}.")

    settings = _read(metadata, "settings")
    needed = {p.key: p for p in REGISTRY[method].parameters} if method else {}
    if not isinstance(settings, dict) or sorted(settings) != sorted(needed):
        wanted = " and ".join(needed) or "no parameters"
        raise HeadError(f"This head file must give {wanted} for its constraint and nothing else: {_AGAIN}.")
    settings = {key: _value(needed[key], value) for key, value in settings.items()}
    lam = _number("lam", _read(metadata, "lam"))
    try:
        constraint = REGISTRY[method].build(**settings) if method else None
        term = PENALTIES[penalty](lam) if penalty else None
    except ValueError as error:
        raise HeadError(f"This head file has invalid parameters ({error}): {_AGAIN}.") from error

    classes = _read(metadata, "classes")
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise HeadError(f"This head file does not list its classes: {_AGAIN}.")
    if len(set(classes)) < len(classes):
        raise HeadError("This head file has two classes with the same name: give each its own name, and save it again.")
    for key, value in settings.items():
        if isinstance(value, list) and len(value) != len(classes):
            raise HeadError(f"This head file has {len(value)} values of {key} for {len(classes)} classes: {_AGAIN}.")
    weight, bias = _matrix(tensors, len(classes))
    with torch.device("meta"):  # first weights would be drawn from the global generator, for nothing
        layer = ConstrainedLinear(weight.shape[1], len(classes), constraint=constraint, penalty=term)
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return Head(layer.eval(), method, tuple(classes), metadata["network"])


def read(path: str | os.PathLike) -> bytes:
    """The bytes of a file, at most one more than `MAX_BYTES`, so that `load` can tell."""
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def _open(data: bytes, deserialize: Callable[[bytes], list]) -> tuple[dict[str, dict], dict[str, str]]:
    """The raw tensors and the metadata of a file that has this format's mark."""
    if not data:
        raise HeadError(f"This file is empty: {_CHOOSE}.")
    if len(data) > MAX_BYTES:
        raise HeadError(f"This file is larger than {MAX_BYTES // 2**20} MB, which is too large for a head: {_CHOOSE}.")
    length = int.from_bytes(data[:8], "little")
    if data[8:9] != b"{" and data.startswith((b"PK\3\4", b"\x80")):
        raise HeadError(f"This looks like a torch.save file, which can run code and is not opened: {_CHOOSE}.")
    if data[8:9] != b"{" or length > len(data) - 8:
        raise HeadError(f"This is not a safetensors file, or only a part of one: {_CHOOSE}.")
    if length > MAX_HEADER:
        raise HeadError(
            f"This file has a header of {length:,} bytes, but a head has at most {MAX_HEADER:,}: {_CHOOSE}."
        )
    try:
        tensors = dict(deserialize(data))
    except (safetensors.SafetensorError, ValueError, MemoryError) as error:  # ValueError: a header that is no UTF-8
        raise HeadError(f"This safetensors file is damaged: {_AGAIN}, or {_CHOOSE}.") from error
    # The library has checked that this is JSON, that strings map to strings, and that nothing is nested deeply.
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    if metadata.get("format") != FORMAT:
        raise HeadError(f"This safetensors file does not hold a head: {_CHOOSE}.")
    if metadata.get("version") != VERSION:
        version = _short(metadata.get("version", "none"))
        raise HeadError(f"This head file has version {version}, but only version {VERSION} can be read: {_AGAIN}.")
    return tensors, metadata


def _read(metadata: dict[str, str], key: str) -> object:
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise HeadError(f"The {key} in this head file cannot be read: {_AGAIN}.") from error


def _number(key: str, value: object) -> float:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not abs(value) <= MAX_NUMBER:  # NaN is not
        raise HeadError(f"The {key} in this head file must be a number up to {MAX_NUMBER:,.0f}: {_AGAIN}.")
    if 0 < abs(value) < torch.finfo(torch.float32).tiny:  # logits divided by it would be 0 / 0
        raise HeadError(f"The {key} in this head file is too small for float32: {_AGAIN}.")
    return float(value)


def _value(parameter: Parameter, value: object) -> Value:
    """A parameter's value out of the file; one that differs by class may be a list."""

    def one(value: object) -> float | bool:
        if not isinstance(parameter, Mask):
            return _number(parameter.key, value)
        if not isinstance(value, bool):
            raise HeadError(f"The {parameter.key} in this head file must be true or false for each class: {_AGAIN}.")
        return value

    listed = isinstance(value, list) and not isinstance(parameter, Number)
    return [one(each) for each in value] if listed else one(value)


def _matrix(tensors: dict[str, dict], classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (C, F) and bias (C,), float32."""
    if sorted(tensors) != ["bias", "weight"]:
        raise HeadError(f"This head file must hold a weight, a bias and nothing else: {_AGAIN}.")
    (rows, *columns), bias = tensors["weight"]["shape"] or [0], tensors["bias"]["shape"]
    if rows != classes or bias != [classes] or len(columns) != 1 or columns[0] == 0:
        shapes = f"{json.dumps(tensors['weight']['shape'])[:40]} and {json.dumps(bias)[:40]}"
        raise HeadError(f"The weight and bias in this head file have shapes {shapes} for {classes} classes: {_AGAIN}.")
    if {tensor["dtype"] for tensor in tensors.values()} != {"F32"}:
        raise HeadError(f"The weight and bias in this head file are not float32: {_AGAIN}.")
    weight, bias = (torch.frombuffer(tensors[key]["data"], dtype=torch.float32) for key in ("weight", "bias"))
    if not all(t.abs().max() <= MAX_NUMBER for t in (weight, bias)):
        raise HeadError(
            f"This head has weights that are not finite or are above {MAX_NUMBER:,.0f}, because its training diverged: "
            "train it again with a lower learning rate."
        )
    return weight.reshape(classes, -1), bias


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text[:40])
    return f"“{text}”" if len(text) < 40 else f"“{text}…”"
