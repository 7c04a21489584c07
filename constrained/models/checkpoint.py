"""A trained ResNet18: what the page is about, and what a program loads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import PIL.Image


class CheckpointError(RuntimeError):
    """A model cannot be used; the message is for a person and says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained ResNet18: the subject of every tab.

    Attributes:
        key: its name on the command line and in the API.
        title: as a person reads it.
        labels: one a class, in the order of the logits.
        sees: how a picture becomes the network's input, for a person.
        views: a picture, mode RGB, to the square crops that the network sees; of `views`, for a process without torch.
        size: of the network's input, in pixels; it is square.
        mean, std: of the three channels; a picture in [0, 1] becomes input by taking off one and dividing by the other.
        batch: such crops to the network's input, ``(V, 3, size, size)`` float32; its logits are averaged over V.
        load: the weights, as a ``state_dict``; raises `CheckpointError`.
        sha256: of the file with the weights; heads name the network by it that they were fitted on.
        file: that file, where it comes with the project.
        tested: what is stored of labelled pictures that the network was not trained on, by name: ``features``
            ``(N, F)`` and ``logits`` ``(N, C)``, float16, ``labels`` ``(N,)``, uint8, and ``fit`` ``(N,)``, bool:
            whether a head, T or a bound may be fitted on that picture, or is judged by it. None without such a set.
        figures: how the network does on pictures, by name, such as ``accuracy``, and how many of them judge
            (``judged``); empty where that is not known.
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
    sha256: str = field(default="", repr=False)
    file: Path | None = field(default=None, repr=False)
    tested: Callable[..., list[Tensor]] | None = field(default=None, repr=False)
    figures: Mapping[str, float] = field(default_factory=dict, repr=False)

    def model(self) -> nn.Module:
        """A ResNet18 with these weights, in evaluation mode."""
        from ..model import torchvision  # a page with the bundled model does without, and starts sooner

        state = self.load()  # first: it is what can fail
        with torch.device("meta"):  # without drawing, or having room for, weights that are replaced at once
            model = torchvision.models.resnet18(num_classes=len(self.labels))
        model.load_state_dict(state, assign=True)
        return model.eval()


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


def prepare(views: list[PIL.Image.Image], geometry: dict) -> Tensor:
    """Crops to the input of a network with this ``geometry``, each beside its mirror image: ``(2 V, 3, S, S)``."""
    x = normalise(upsample(pixels(views), geometry["size"]), geometry["mean"], geometry["std"])
    return torch.cat([x, x.flip(-1)])


def check(path: Path, sha256: str) -> None:
    """Whether a file is the one it should be, to the last bit: a single wrong one would make wrong logits, silently.

    Takes 40 ms for the bundled model's 22 MB (measured, one core).

    Raises:
        OSError: if it cannot be read.
        ValueError: if it has another SHA-256.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    if digest.hexdigest() != sha256:
        raise ValueError(f"{path.name} does not have the expected SHA-256")
