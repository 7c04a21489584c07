"""The models a person can choose: their weights, labels, facts, and how a picture becomes their input."""

import json
import math
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import PIL.Image
import safetensors.torch
import torch
from torch import Tensor, nn

from .model import torchvision

FOLDER = Path(__file__).parent.parent / "checkpoints"
CONNECT_SECONDS = 10
SQUARES = 4  # at most, of a very long picture


class CheckpointError(RuntimeError):
    """A model cannot be used; the message is for a person and says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained ResNet18.

    Attributes:
        key: its name on the command line and in the API.
        title: as a person reads it.
        labels: one a class, in the order of the logits.
        sees: how a picture becomes the network's input, for a person.
        views: a picture, mode RGB, to the square crops that the network sees.
        size: of the network's input, in pixels; it is square.
        mean, std: of the three channels; a picture in [0, 1] becomes input by taking off one and dividing by the other.
        batch: such crops to the network's input, ``(V, 3, size, size)`` float32; its logits are averaged over V.
        load: the weights, as a ``state_dict``; raises `CheckpointError`.
    """

    key: str
    title: str
    labels: tuple[str, ...]
    sees: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    views: Callable[[PIL.Image.Image], list[PIL.Image.Image]] = field(repr=False)
    batch: Callable[[list[PIL.Image.Image]], Tensor] = field(repr=False)
    load: Callable[[], dict[str, Tensor]] = field(repr=False)

    def model(self) -> nn.Module:
        """A ResNet18 with these weights, in evaluation mode."""
        state = self.load()  # first: it is what can fail
        model = torchvision.models.resnet18(num_classes=len(self.labels))
        model.load_state_dict(state)
        return model.eval().to(memory_format=torch.channels_last)


def pixels(pictures: list[PIL.Image.Image]) -> Tensor:
    """Pictures of one size, mode RGB, as ``(N, 3, H, W)`` uint8."""
    size = (pictures[0].height, pictures[0].width, 3)
    raw = [torch.frombuffer(bytearray(p.tobytes()), dtype=torch.uint8).view(size) for p in pictures]
    return torch.stack(raw).permute(0, 3, 1, 2)


def normalise(x: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """``(N, 3, H, W)`` in ``[0, 1]`` to the zero mean and unit variance that a network expects."""
    mean, std = (torch.tensor(v, device=x.device).view(1, 3, 1, 1) for v in (mean, std))
    return (x - mean) / std


def upsample(x: Tensor, size: int) -> Tensor:
    """``(N, 3, h, w)`` uint8 to ``(N, 3, size, size)`` float32 in ``[0, 1]``."""
    return nn.functional.interpolate(x.float() / 255, size=(size, size), mode="bilinear", align_corners=False)


def crops(picture: PIL.Image.Image, detail: int) -> list[PIL.Image.Image]:
    """What a network that knows tightly framed subjects of ``detail`` pixels is shown of a photograph.

    As few squares as cover the long side, both ends included, and the whole squeezed into one: somewhere among these
    the subject is large and complete. Crops that are the same are shown once, so a square picture has one.
    """
    width, height = picture.size
    side = min(width, height)
    count = min(math.ceil(max(width, height) / side), SQUARES)
    starts = [i / max(count - 1, 1) for i in range(count)]
    corners = [(round(start * (width - side)), round(start * (height - side))) for start in starts]
    boxes = [(left, top, left + side, top + side) for left, top in corners] + [(0, 0, width, height)]
    boxes = dict.fromkeys(boxes)  # in order, without repeats
    return [picture.resize((detail, detail), PIL.Image.Resampling.BOX, box=box, reducing_gap=3.0) for box in boxes]


def prepare(views: list[PIL.Image.Image], geometry: dict) -> Tensor:
    """Crops to the input of a network with this ``geometry``, each beside its mirror image: ``(2 V, 3, S, S)``."""
    x = normalise(upsample(pixels(views), geometry["size"]), geometry["mean"], geometry["std"])
    return torch.cat([x, x.flip(-1)])


def facts() -> dict:
    """What `pretrain` wrote about the bundled model: its files, labels, input and figures."""
    return json.loads((FOLDER / "resnet18-cifar10.json").read_text())


def bundled() -> Checkpoint:
    """The CIFAR-10 model that comes with the project (`pretrain`)."""
    known = facts()
    geometry = known["input"]

    def load() -> dict[str, Tensor]:
        path = FOLDER / known["file"]
        try:
            state = safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            raise CheckpointError(
                f"The bundled weights {path.name} are missing or damaged: restore them with git checkout {path.name}."
            ) from error
        return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}

    detail = geometry["detail"]
    return Checkpoint(
        key="cifar10",
        title="CIFAR-10, bundled",
        labels=tuple(known["labels"]),
        sees=f"crops of {detail} × {detail} pixels and their mirror images; their logits are averaged",
        size=geometry["size"],
        mean=tuple(geometry["mean"]),
        std=tuple(geometry["std"]),
        views=lambda picture: crops(picture, detail),
        batch=lambda views: prepare(views, geometry),
        load=load,
    )


def imagenet() -> Checkpoint:
    """torchvision's own ResNet18 for the 1,000 classes of ImageNet, with its own transforms; downloaded when chosen."""
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    transforms = weights.transforms()  # resize to 256, centre crop of 224, normalise
    functional = torchvision.transforms.functional

    def middle(picture: PIL.Image.Image) -> list[PIL.Image.Image]:
        # What lies further out is cropped away anyway; resizing a 1 x 5000 strip to 256 pixels would cost gigabytes.
        short = min(picture.size)
        strip = functional.center_crop(picture, [min(picture.height, 2 * short), min(picture.width, 2 * short)])
        resized = functional.resize(strip, transforms.resize_size, transforms.interpolation)
        return [functional.center_crop(resized, transforms.crop_size)]

    def batch(views: list[PIL.Image.Image]) -> Tensor:
        return normalise(pixels(views).float() / 255, transforms.mean, transforms.std)

    def load() -> dict[str, Tensor]:
        path = Path(torch.hub.get_dir(), "checkpoints", Path(urlparse(weights.url).path).name)
        by_hand = (
            f"put {weights.url} into {str(path.parent).replace(str(Path.home()), '~')} by hand and choose it again. "
            "The bundled model stays."
        )
        try:
            if not path.exists():
                # urlopen, inside, waits without a limit for a host that never answers.
                socket.create_connection((urlparse(weights.url).hostname, 443), CONNECT_SECONDS).close()
            return weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
        except (URLError, OSError) as error:
            raise CheckpointError(f"The ImageNet weights could not be downloaded: {by_hand}") from error
        except Exception as error:  # a damaged file: torch names no exception for it
            raise CheckpointError(
                f"The ImageNet weights on this machine are damaged: delete {path.name}, then {by_hand}"
            ) from error

    return Checkpoint(
        key="imagenet",
        title="ImageNet-1k",
        labels=tuple(weights.meta["categories"]),
        sees=f"the middle, {transforms.crop_size[0]} × {transforms.crop_size[0]} pixels",
        size=transforms.crop_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        views=middle,
        batch=batch,
        load=load,
    )


CHECKPOINTS: dict[str, Callable[[], Checkpoint]] = {"cifar10": bundled, "imagenet": imagenet}
