"""The models a person can choose: their weights, labels, facts, and how a picture becomes their input."""

import contextlib
import functools
import hashlib
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import safetensors.torch
import torch
from torch import Tensor, nn

from . import shipped
from .views import crops, middle

FOLDER = Path(__file__).parent.parent / "checkpoints"

# timm's copy of torchvision's IMAGENET1K_V1: the same numbers as safetensors, where torchvision has a pickle.
IMAGENET = {
    "file": "timm/resnet18.tv_in1k/resolve/bbd144b3e5565108aad885f145491d11bc6ce807/model.safetensors",
    "bytes": 46_807_446,
    "sha256": "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
}
SILENCE = 10  # seconds without a byte after which a server counts as gone
LONGEST = 900  # seconds for a whole download


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
        views: a picture, mode RGB, to the square crops that the network sees; of `views`, for a process without torch.
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
        from .model import torchvision  # a page with the bundled model does without, and starts sooner

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


def facts() -> dict:
    """What `pretrain` wrote about the bundled model: its files, labels, input and figures.

    Raises:
        CheckpointError: if it is missing or not as it was shipped: a wrong number there would be shown as a right one.
    """
    path = FOLDER / "resnet18-cifar10.json"
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
        raise ValueError(f"{path.name} has another SHA-256 than it should")


def download(url: str, path: Path, size: int, sha256: str) -> None:
    """Fetch a file to ``path``, whole and right or not at all.

    It grows under a name of its own and is moved into place once its SHA-256 is right. So any number of processes may
    do this at once, and be killed at any time; what a killed one leaves is deleted by a later one.

    Raises:
        CheckpointError: if it does not come; the message is no more than the reason.
        OSError: if it cannot be stored.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob("*.part"):
        with contextlib.suppress(OSError):  # another process may be quicker
            if time.time() - left.stat().st_mtime > LONGEST:
                left.unlink()
    part = path.with_name(f"{uuid.uuid4().hex}.part")
    try:
        # torch.hub has tqdm, which gradio shows on the page, or a simple one where that is not installed.
        with open(part, "xb") as file, torch.hub.tqdm(total=size, unit="B", unit_scale=True) as bar:
            for chunk in _chunks(url, size):
                file.write(chunk)
                bar.update(len(chunk))
        try:
            check(part, sha256)
        except ValueError as error:
            raise CheckpointError("something else came, with another SHA-256") from error
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _chunks(url: str, size: int) -> Iterator[bytes]:
    """What a server sends, up to ``size`` bytes and a little more; raises `CheckpointError` for less."""
    end, received = time.monotonic() + LONGEST, 0
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "constrained"})
        with urllib.request.urlopen(request, timeout=SILENCE) as response:
            # read1 returns what is there; read would wait for all of it, however slowly it drips.
            while received <= size and (chunk := response.read1(2**16)):
                if time.monotonic() > end:
                    raise TimeoutError(f"not done after {LONGEST // 60} minutes")
                received += len(chunk)
                yield chunk
    except (http.client.InvalidURL, ValueError) as error:
        raise CheckpointError("the variable HF_ENDPOINT is no address") from error
    except (OSError, http.client.HTTPException) as error:
        reason = error if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
        raise CheckpointError(str(getattr(reason, "strerror", None) or reason)) from error
    if received < size:
        raise CheckpointError(f"only {received:,} of {size:,} bytes came")


def bundled() -> Checkpoint:
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
        key="cifar10",
        title=TITLES["cifar10"],
        labels=tuple(known["labels"]),
        sees=f"crops of {detail} × {detail} pixels and their mirror images; their logits are averaged",
        size=geometry["size"],
        mean=tuple(geometry["mean"]),
        std=tuple(geometry["std"]),
        views=functools.partial(crops, detail=detail),
        batch=lambda views: prepare(views, geometry),
        load=load,
    )


# To a visitor, who is told no path of the server.
RETRY = "try again later; the server's log says how to put them in place by hand. The bundled model stays."


@functools.cache
def log(line: str) -> None:
    """Tell whoever runs this, once: visitors may meet the same trouble again and again."""
    print(line, file=sys.stderr, flush=True)


def imagenet() -> Checkpoint:
    """torchvision's own ResNet18 for the 1,000 classes of ImageNet, with its own transforms; downloaded when chosen.

    The page loads no pickle, not even with ``weights_only``: torchvision's own file in torch's cache is left alone.
    """
    from .model import torchvision  # as above

    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    transforms = weights.transforms()  # resize to 256, centre crop of 224, normalise
    (short,), (side,) = transforms.resize_size, transforms.crop_size
    resampling = torchvision.transforms.functional.pil_modes_mapping[transforms.interpolation]

    def batch(views: list[PIL.Image.Image]) -> Tensor:
        return normalise(pixels(views).float() / 255, transforms.mean, transforms.std)

    def load() -> dict[str, Tensor]:
        repository = IMAGENET["file"].split("/")[1]
        path = Path(torch.hub.get_dir(), "checkpoints", repository, "model.safetensors")
        # As huggingface_hub has it, for a mirror.
        hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
        url = f"{hub}/{IMAGENET['file']}"
        trouble = None
        try:
            check(path, IMAGENET["sha256"])
        except FileNotFoundError:
            trouble = "could not be downloaded"
        except (OSError, ValueError):
            trouble = "on this machine are damaged and could not be downloaded again"
        try:
            if trouble:
                download(url, path, IMAGENET["bytes"], IMAGENET["sha256"])
            return safetensors.torch.load_file(path)
        except CheckpointError as error:
            log(f"The ImageNet weights {trouble} ({error}): put {url} into {path.parent} by hand and choose it again.")
            raise CheckpointError(f"The ImageNet weights {trouble} ({error}): {RETRY}") from error
        except OSError as error:
            why = f"could not be stored ({error.strerror or type(error).__name__})"
            log(f"The ImageNet weights {why}: make room for 47 MB in {path.parent}, or let this program write there.")
            raise CheckpointError(f"The ImageNet weights {why}: {RETRY}") from error

    return Checkpoint(
        key="imagenet",
        title=TITLES["imagenet"],
        labels=tuple(weights.meta["categories"]),
        sees=f"the middle, {side} × {side} pixels",
        size=side,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        views=functools.partial(middle, short=short, side=side, resampling=resampling),
        batch=batch,
        load=load,
    )


TITLES = {"cifar10": "CIFAR-10, bundled", "imagenet": "ImageNet-1k"}  # for a menu, which needs no more of them
CHECKPOINTS: dict[str, Callable[[], Checkpoint]] = {"cifar10": bundled, "imagenet": imagenet}
