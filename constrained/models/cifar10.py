"""The bundled network: a ResNet18 trained on CIFAR-10 (`pretrain`), with what is stored of its test pictures."""

import functools
import json

import safetensors.torch
from torch import Tensor

from .. import shipped
from ..views import SQUARES, crops
from .checkpoint import Checkpoint, CheckpointError, check, prepare
from .script import TORCHVISION, Script

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
        sha256=known["sha256"],
        file=FOLDER / known["file"],
        tested=tested,
        figures=known["test"] | {"judged": known["features"]["judge"]},
    )


# In a script ---------------------------------------------------------------------------------------------------------

_IMPORTS = f"""\
import argparse
import json
import math
from pathlib import Path

import torch
from PIL import Image, ImageOps

{TORCHVISION}
from torchvision.transforms import functional as TF"""

_READ = '''\
def read(path):
    """A safetensors file: its header's length in 8 bytes, the header in JSON, the tensors."""
    data = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    dtypes = {"F16": torch.float16, "F32": torch.float32, "I64": torch.int64}
    state = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensor = torch.frombuffer(data[start + first : start + last], dtype=dtypes[entry["dtype"]])
        state[name] = tensor.reshape(entry["shape"])
    return state'''

_CROPS = '''\
def crops(picture):
    """As few squares as cover the long side, ends included, and the whole squeezed into one."""
    width, height = picture.size
    side = min(width, height)
    count = min(math.ceil(max(width, height) / side), SQUARES)
    starts = [i / max(count - 1, 1) for i in range(count)]
    corners = [(round(start * (width - side)), round(start * (height - side))) for start in starts]
    boxes = [(x, y, x + side, y + side) for x, y in corners] + [(0, 0, width, height)]
    return [
        picture.resize((DETAIL, DETAIL), Image.Resampling.BOX, box=box, reducing_gap=3.0)
        for box in dict.fromkeys(boxes)  # without repeats
    ]'''

_LOGITS = '''\
@torch.inference_mode()
def logits(picture, weights):
    """Of a picture, (10,): the mean over its crops and their mirror images."""
    model = torchvision.models.resnet18(num_classes=len(LABELS))
    model.load_state_dict(read(weights))
    x = torch.stack([TF.to_tensor(crop) for crop in crops(picture)])  # (V, 3, DETAIL, DETAIL)
    x = torch.nn.functional.interpolate(x, size=(SIZE, SIZE), mode="bilinear")
    x = TF.normalize(x, MEAN, STD)
    return model.eval()(torch.cat([x, x.flip(-1)])).mean(0)'''


def _facts(known: dict) -> str:
    geometry = known["input"]
    return f"""\
LABELS = "{" ".join(known["labels"])}".split()
SQUARES = {SQUARES}  # at most, of a long picture
DETAIL, SIZE = {geometry["detail"]}, {geometry["size"]}  # pixels of a crop, and of what the network sees
MEAN, STD = {geometry["mean"]}, {geometry["std"]}"""


def script() -> Script:
    """What a script needs for this network.

    Raises:
        CheckpointError: as `facts`.
    """
    known = facts()
    classes = len(known["labels"])
    network = (_facts(known), _READ, _CROPS, _LOGITS)
    return Script(_IMPORTS, network, known["file"], f"num_classes={classes}", classes)
