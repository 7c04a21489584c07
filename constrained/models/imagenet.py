"""torchvision's own ResNet18 for the 1,000 classes of ImageNet, whose weights are downloaded when it is chosen."""

from __future__ import annotations

import contextlib
import functools
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from torch import Tensor

from ..views import middle
from .checkpoint import Checkpoint, CheckpointError, check, normalise, pixels
from .script import TORCHVISION, Script

if TYPE_CHECKING:
    import PIL.Image

KEY, TITLE = "imagenet", "ImageNet-1k"
# timm's copy of torchvision's IMAGENET1K_V1: the same numbers as safetensors, where torchvision has a pickle.
IMAGENET = {
    "file": "timm/resnet18.tv_in1k/resolve/bbd144b3e5565108aad885f145491d11bc6ce807/model.safetensors",
    "bytes": 46_807_446,
    "sha256": "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
}
SILENCE = 10  # seconds without a byte after which a server counts as gone
LONGEST = 900  # seconds for a whole download


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


# To a visitor, who is told no path of the server.
RETRY = "try again later; the server's log says how to put them in place by hand. The bundled model stays."


@functools.cache
def log(line: str) -> None:
    """Tell whoever runs this, once: visitors may meet the same trouble again and again."""
    print(line, file=sys.stderr, flush=True)


def checkpoint() -> Checkpoint:
    """torchvision's own ResNet18 for the 1,000 classes of ImageNet, with its own transforms; downloaded when chosen.

    The page loads no pickle, not even with ``weights_only``: torchvision's own file in torch's cache is left alone.
    """
    from ..model import torchvision  # as above

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
        key=KEY,
        title=TITLE,
        labels=tuple(weights.meta["categories"]),
        sees=f"the middle, {side} × {side} pixels",
        size=side,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        views=functools.partial(middle, short=short, side=side, resampling=resampling),
        batch=batch,
        load=load,
    )


# In a script ---------------------------------------------------------------------------------------------------------

_IMPORTS = f"""\
import argparse

import torch
from PIL import Image, ImageOps

{TORCHVISION}"""

_LABELS = """\
WEIGHTS = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
LABELS = WEIGHTS.meta["categories"]"""

_LOGITS = '''\
@torch.inference_mode()
def logits(picture):
    """Of a picture, (1000,)."""
    model = torchvision.models.resnet18(weights=WEIGHTS).eval()  # downloaded once
    return model(WEIGHTS.transforms()(picture)[None])[0]'''


def script() -> Script:
    """What a script needs for this network."""
    return Script(_IMPORTS, (_LABELS, _LOGITS), "", 'weights="IMAGENET1K_V1"', 1000)
