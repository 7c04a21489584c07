"""The models a person can choose: their weights, labels, facts, and how a picture becomes their input."""

import json
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


class CheckpointError(RuntimeError):
    """A model cannot be used; the message is for a person and says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained ResNet18.

    Attributes:
        key: its name on the command line and in the API.
        title: as a person reads it.
        labels: one a class, in the order of the logits.
        facts: a sentence about accuracy and data.
        views: a picture, mode RGB, to the square crops that the network sees; more than one are averaged.
        batch: such crops to the network's input, ``(V, 3, H, W)`` float32.
        load: the weights, as a ``state_dict``; raises `CheckpointError`.
    """

    key: str
    title: str
    labels: tuple[str, ...]
    facts: str
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


def bundled() -> Checkpoint:
    """The CIFAR-10 model that comes with the project (`pretrain`)."""
    facts = json.loads((FOLDER / "resnet18-cifar10.json").read_text())
    geometry = facts["input"]
    detail = geometry["detail"]

    def views(picture: PIL.Image.Image) -> list[PIL.Image.Image]:
        return [crop.resize((detail, detail), PIL.Image.Resampling.BOX, reducing_gap=3.0) for crop in squares(picture)]

    def batch(crops: list[PIL.Image.Image]) -> Tensor:
        return normalise(upsample(pixels(crops), geometry["size"]), geometry["mean"], geometry["std"])

    def load() -> dict[str, Tensor]:
        path = FOLDER / facts["file"]
        try:
            state = safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            raise CheckpointError(
                f"The bundled weights {path.name} are missing or damaged: restore them with git checkout {path.name}."
            ) from error
        return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}

    test = facts["test"]
    return Checkpoint(
        key="cifar10",
        title="CIFAR-10, bundled",
        labels=tuple(facts["labels"]),
        facts=f"10 classes, {test['accuracy']:.1%} right on {test['pictures']:,} test pictures",
        views=views,
        batch=batch,
        load=load,
    )


def squares(picture: PIL.Image.Image) -> list[PIL.Image.Image]:
    """The centre square of a picture."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return [picture.crop((left, top, left + side, top + side))]


def imagenet() -> Checkpoint:
    """torchvision's own ResNet18 for the 1,000 classes of ImageNet, with its own transforms; downloaded when chosen."""
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    transforms = weights.transforms()  # resize to 256, centre crop of 224, normalise
    functional = torchvision.transforms.functional

    def views(picture: PIL.Image.Image) -> list[PIL.Image.Image]:
        # What lies further out is cropped away anyway; resizing a 1 x 5000 strip to 256 pixels would cost gigabytes.
        short = min(picture.size)
        strip = functional.center_crop(picture, [min(picture.height, 2 * short), min(picture.width, 2 * short)])
        resized = functional.resize(strip, transforms.resize_size, transforms.interpolation)
        return [functional.center_crop(resized, transforms.crop_size)]

    def batch(crops: list[PIL.Image.Image]) -> Tensor:
        return normalise(pixels(crops).float() / 255, transforms.mean, transforms.std)

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
        facts=f"1,000 classes, {weights.meta['_metrics']['ImageNet-1K']['acc@1']:.1f}% right (torchvision's figure)",
        views=views,
        batch=batch,
        load=load,
    )


CHECKPOINTS: dict[str, Callable[[], Checkpoint]] = {"cifar10": bundled, "imagenet": imagenet}
