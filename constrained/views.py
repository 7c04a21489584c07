"""What a network is shown of a picture: square crops, made with Pillow alone, so that a worker needs no torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import PIL.Image

SQUARES = 4  # at most, of a very long picture


def crops(picture: PIL.Image.Image, detail: int) -> list[PIL.Image.Image]:
    """What a network that knows tightly framed subjects of ``detail`` pixels is shown of a photograph.

    As few squares as cover the long side, both ends included, and the whole squeezed into one: somewhere among these
    the subject is large and complete. Crops that are the same are shown once, so a square picture has one.
    """
    from PIL.Image import Resampling  # the library itself does without Pillow

    width, height = picture.size
    side = min(width, height)
    count = min(math.ceil(max(width, height) / side), SQUARES)
    starts = [i / max(count - 1, 1) for i in range(count)]
    corners = [(round(start * (width - side)), round(start * (height - side))) for start in starts]
    boxes = [(left, top, left + side, top + side) for left, top in corners] + [(0, 0, width, height)]
    boxes = dict.fromkeys(boxes)  # in order, without repeats
    return [picture.resize((detail, detail), Resampling.BOX, box=box, reducing_gap=3.0) for box in boxes]


def middle(picture: PIL.Image.Image, short: int, side: int, resampling: PIL.Image.Resampling) -> list[PIL.Image.Image]:
    """The middle square of ``side`` pixels, once the short side has ``short``: torchvision's transforms of ImageNet."""
    # What lies further out is cropped away anyway; resizing a 1 x 5000 strip to 256 pixels would cost gigabytes.
    least = min(picture.size)
    strip = _centre(picture, min(picture.width, 2 * least), min(picture.height, 2 * least))
    scaled = (int(short * strip.width / least), int(short * strip.height / least))  # torchvision rounds down
    return [_centre(strip if strip.size == scaled else strip.resize(scaled, resampling), side, side)]


def _centre(picture: PIL.Image.Image, width: int, height: int) -> PIL.Image.Image:
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return picture.crop((left, top, left + width, top + height))
