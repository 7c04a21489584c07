"""torchvision's own ResNet18 for the 1,000 classes of ImageNet, whose weights are downloaded when it is chosen."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from torch import Tensor

from ..views import middle
from .checkpoint import Checkpoint, CheckpointError, check, normalise, pixels
from .hub import HubFile
from .script import TORCHVISION, Script

if TYPE_CHECKING:
    import PIL.Image

KEY, TITLE = "imagenet", "ImageNet-1k"
# timm's copy of torchvision's IMAGENET1K_V1: the same numbers as safetensors, where torchvision has a pickle.
IMAGENET = {
    "repo": "timm/resnet18.tv_in1k",
    "commit": "bbd144b3e5565108aad885f145491d11bc6ce807",
    "file": "model.safetensors",
    "bytes": 46_807_446,
    "sha256": "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
}

# To a visitor, who is told no path of the server.
RETRY = "try again later; the server's log says how to install them by hand. The bundled model stays in use."


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
        wanted = HubFile(**IMAGENET)
        # Where a person can put the file by hand: the hub's cache has longer names, and links.
        by_hand = Path(torch.hub.get_dir(), "checkpoints", IMAGENET["repo"].split("/")[1], IMAGENET["file"])
        trouble = "could not be downloaded"

        def right(path: Path) -> bool:
            nonlocal trouble
            try:
                check(path, IMAGENET["sha256"])
                return True
            except FileNotFoundError:
                return False
            except (OSError, ValueError):
                trouble = "on this machine are damaged and could not be downloaded again"
                return False

        try:
            if right(by_hand):
                return safetensors.torch.load_file(by_hand)
            return safetensors.torch.load_file(wanted.path if right(wanted.path) else wanted.fetch())
        except CheckpointError as error:
            log(
                f"The ImageNet weights {trouble} ({error}): put {wanted.url} into {by_hand.parent} by hand and choose "
                "the model again."
            )
            raise CheckpointError(f"The ImageNet weights {trouble} ({error}): {RETRY}") from error
        except OSError as error:
            why = f"could not be stored ({error.strerror or type(error).__name__})"
            log(f"The ImageNet weights {why}: make room for 47 MB in {wanted.folder}, or let this program write there.")
            raise CheckpointError(f"The ImageNet weights {why}: {RETRY}") from error

    return Checkpoint(
        key=KEY,
        title=TITLE,
        labels=tuple(weights.meta["categories"]),
        sees=f"the central {side} × {side} pixels",
        size=side,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        views=functools.partial(middle, short=short, side=side, resampling=resampling),
        batch=batch,
        load=load,
        sha256=IMAGENET["sha256"],
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
