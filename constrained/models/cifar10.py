"""The bundled network: a ResNet18 trained on CIFAR-10 (`pretrain`), with what is stored of its test pictures."""

import functools
import json

import safetensors.torch
from torch import Tensor

from .. import shipped
from ..views import crops
from .checkpoint import Checkpoint, CheckpointError, check, prepare

FOLDER = shipped.ROOT / "checkpoints"
KEY, TITLE = "cifar10", "CIFAR-10, bundled"
ABSENT = "The bundled network is not part of the installed library: run this in a checkout of the project."


def facts() -> dict:
    """What `pretrain` wrote about the bundled model: its files, labels, input and figures.

    Raises:
        CheckpointError: if it is missing or not as it was shipped: a wrong number there would be shown as a right one.
    """
    path = FOLDER / "resnet18-cifar10.json"
    if not FOLDER.exists():
        raise CheckpointError(ABSENT)
    try:
        known = json.loads(shipped.text(path))
    except (shipped.DamagedError, ValueError) as error:
        raise CheckpointError(shipped.sentence(path)) from error
    if not shipped.intact(path):
        raise CheckpointError(shipped.sentence(path))
    return known


def tested(*names: str) -> list[Tensor]:
    """What is stored of the bundled model's 10,000 test pictures, and nothing but what is asked for.

    Args:
        names: of ``features`` ``(N, 512)`` and ``logits`` ``(N, 10)``, float16, ``labels`` ``(N,)``, uint8, and
            ``fit`` ``(N,)``, bool: whether a head may learn from that picture, or is judged by it.

    Raises:
        CheckpointError: if the file is missing or damaged.
    """
    known = facts()["features"]
    path = FOLDER / known["file"]
    try:
        check(path, known["sha256"])
        with safetensors.safe_open(path, "pt") as file:
            return [file.get_tensor(name) for name in names]
    except (OSError, ValueError) as error:
        raise CheckpointError(shipped.sentence(path)) from error


def checkpoint() -> Checkpoint:
    """The CIFAR-10 model that comes with the project (`pretrain`)."""
    known = facts()
    geometry = known["input"]

    def load() -> dict[str, Tensor]:
        path = FOLDER / known["file"]
        try:
            check(path, known["sha256"])
            state = safetensors.torch.load_file(path)
        except (OSError, ValueError) as error:
            raise CheckpointError(shipped.sentence(path)) from error
        return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}

    detail = geometry["detail"]
    return Checkpoint(
        key=KEY,
        title=TITLE,
        labels=tuple(known["labels"]),
        sees=f"crops of {detail} × {detail} pixels and their mirror images; their logits are averaged",
        size=geometry["size"],
        mean=tuple(geometry["mean"]),
        std=tuple(geometry["std"]),
        views=functools.partial(crops, detail=detail),
        batch=lambda views: prepare(views, geometry),
        load=load,
    )
