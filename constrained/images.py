"""Bytes from a stranger -> an RGB picture, or one sentence that says what is wrong with them.

Pillow decodes, but it is handed no more of a file than a still picture needs: comments, profiles, animation and Exif
are cut away first. Its plugins spend memory or time on those parts before a caller can look at the size. With Pillow
12.3 (measured), opening a PNG of 126 bytes takes 764 MB, opening a GIF with a comment of 6 MB takes over a minute,
and Exif can be made to copy itself until the memory is full. JPEGs of kinds that encoders of pictures do not write are
refused: Pillow below 13 writes lossless ones past the end of its buffer (CVE-2026-112403). The plugins are called
directly, which is what
``Image.open(formats=...)`` does, less its process-wide pixel limit, its warnings and a further plugin for JPEGs with
several pictures. Nothing here changes the state of the process, so `decode` can run in any number of threads.

A file that is refused for its size or its parts costs less than 20 MB and 0.1 s (measured, as all here). One that is
just small enough costs up to 480 MB (WEBP; others 290 MB) and 0.8 s; whoever decodes several at once can have pictures
of more than `LARGE` pixels refused, to take those by turns.

This module needs Pillow and nothing else, so that a process that only decodes is small (`workers`).

Colour profiles are ignored: numbers are read as sRGB.
"""

import math
import os
import re
import struct
from collections.abc import Callable
from io import BytesIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_BYTES = 6 * 2**20  # of the file; messages call 2**20 bytes a MB
MAX_PIXELS = 25_000_000  # claimed by the header, before anything is decoded
MAX_ASPECT = 100  # long side / short side: scaling a line of 1 x 10000 to a height of 224 would take 1.5 GB
# Segments of a JPEG, chunks of a PNG, blocks of a GIF. Encoders write up to 2,000; without a limit, 6 MB have room for
# enough empty ones to take 1.6 s (measured).
MAX_PARTS = 10_000
# Of a JPEG. Encoders write 1, or if progressive 6 to 18; each of 25 megapixels takes 15 ms (measured), even if empty.
MAX_SCANS = 32
ENOUGH = (1024, 1024)  # a JPEG of twice this or more is decoded at 1/2, 1/4 or 1/8, never below this
LARGE = 4_000_000  # pixels, of a JPEG as it is decoded

_PNG_PARTS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PNG_GREYS = {"L;2": 85, "L;4": 17, "I;16B": 1 / 257}  # Pillow's name of the depth -> factor to 8 bits
_JPEG_PART = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")  # whatever else follows a 0xFF is of the pixels, or stray
# What a decoder needs of a JPEG before its first scan: a frame (baseline, extended or progressive), Huffman and
# quantisation tables, and a restart interval; APP0 and APP14 tell the colour model.
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2}
_JPEG_NEEDED = _JPEG_FRAMES | {0xC4, 0xDB, 0xDD, 0xE0, 0xEE}
# Lossless, hierarchical and arithmetic coding: hardly anything writes them.
_JPEG_RARE = {*range(0xC3, 0xD0), 0xDE, 0xDF} - {0xC4}
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class LargePictureError(Exception):
    """A picture of more than `LARGE` pixels, where `decode` was asked for none of those."""


class PictureError(ValueError):
    """A file that cannot be shown. Its message is one sentence for the visitor: what is wrong, and what to do."""


def views(
    source: str | bytes, cut: Callable[[Image.Image], list[Image.Image]], large: bool = True
) -> list[Image.Image]:
    """A file, or a path to one, to what ``cut`` makes of its picture: the crops that a network sees.

    Raises:
        FileNotFoundError: if there is no such file.
        PictureError, LargePictureError: as `decode`.
    """
    return cut(decode(read(source) if isinstance(source, str) else source, large))


def read(path: str) -> bytes:
    """A file's bytes, at most one more than are allowed, so that `decode` can tell.

    Raises:
        FileNotFoundError: if there is no such file, or something else of that name: a folder, a pipe.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def decode(data: bytes, large: bool = True) -> Image.Image:
    """Decodes a JPEG, PNG, WEBP, GIF or BMP file; of an animation, the first picture.

    The Exif orientation is applied, whatever is transparent is laid on white, and 16-bit grey is scaled to 8 bits.

    Args:
        data: the whole file, whatever its name was.
        large: whether a picture may have more than `LARGE` pixels.

    Returns:
        A picture of mode RGB with an empty ``info``: no metadata leaves. At most ``MAX_PIXELS`` large.

    Raises:
        PictureError: for everything that is not such a file, is too large or is damaged.
        LargePictureError: for a picture that could be decoded if ``large`` were true. Nothing else is raised.
    """
    if not data:
        raise PictureError("This file is empty: choose another one.")
    if len(data) > MAX_BYTES:
        size, limit = _rounded_up(len(data) / 2**20), _rounded_up(MAX_BYTES / 2**20)
        raise PictureError(
            f"This file is {size} MB, but the limit is {limit} MB: make the picture smaller and try again."
        )
    kinds = [kind for kind in _READERS if re.match(kind[1], data, re.DOTALL)]
    if not kinds:
        raise PictureError(_why_unknown(data))
    name, _, open_ = kinds[0]
    try:
        return _finish(*open_(data), large)
    except (PictureError, LargePictureError):
        raise
    except Exception as error:  # Pillow raises a dozen types on hostile bytes, and promises none
        if _is_text(data):
            raise PictureError(_why_unknown(data)) from error
        raise PictureError(
            f"This {name} file is incomplete, damaged or of an unusual kind: save the picture again as JPEG or PNG."
        ) from error


def _finish(im: ImageFile, exif: bytes, large: bool) -> Image.Image:
    _check_size(*im.size)
    im.draft(None, ENOUGH)  # does something for JPEG only
    if im.width * im.height > LARGE and not large:
        raise LargePictureError
    picture = _on_white(im)
    turn = _TURNS.get(_orientation(exif))
    if turn is not None:
        picture = picture.transpose(turn)
    picture.info = {}
    return picture


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        size, limit = _rounded_up(width * height / 1e6), _rounded_up(MAX_PIXELS / 1e6)
        raise PictureError(
            f"This picture has {size} megapixels, but the limit is {limit}: make it smaller and try again."
        )
    if max(width, height) > MAX_ASPECT * max(1, min(width, height)):
        raise PictureError(f"This picture is over {MAX_ASPECT} times as long as it is wide: crop it and try again.")


def _on_white(im: Image.Image) -> Image.Image:
    # The five formats come out as 1, L, LA, P, RGB, RGBA, CMYK or I;16.
    if im.mode == "I;16":
        # convert() alone would saturate: 99.6 % of the values are above 255. + 0.5 rounds, as point() truncates.
        im = im.point(lambda value: value * _PNG_GREYS["I;16B"] + 0.5).convert("L")
    if not im.has_transparency_data:
        return im.convert("RGB")
    rgba = im.convert("RGBA")
    white = Image.new("RGB", im.size, "white")
    white.paste(rgba, mask=rgba)
    return white


def _orientation(exif: bytes) -> int:
    """1 to 8 from the first directory of Exif data; 1 where there is none or it is broken.

    Pillow's own reader copies every entry of the directory, each of which may claim the whole of the data.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind, count, value = struct.unpack_from(order + "HHIH", exif, entry)
            if (tag, kind, count) == (_ORIENTATION, 3, 1):  # 3: a 16-bit integer
                return value
    except struct.error:
        pass
    return 1


# What reads a format hands over no more parts than MAX_PARTS: from then on next(parts) raises StopIteration.


def _jpeg(data: bytes) -> tuple[ImageFile, bytes]:
    parts, kept, exif, position, frames, scans = iter(range(MAX_PARTS)), [data[:2]], b"", 2, 0, []
    # Stray bytes between segments are skipped, as browsers and Pillow do.
    while found := _JPEG_PART.search(data, position):
        next(parts)
        start, marker = found.start(), found[1][0]
        position = start + 2
        if marker == 0xD9:  # the end; phones put a video behind it
            break
        if marker in _JPEG_RARE:
            raise ValueError(f"a JPEG with marker {marker:X}")
        length = int.from_bytes(data[position : position + 2], "big")
        position += length
        # Of a segment that lies about its length, libjpeg would see other parts than are seen here.
        if length < 2 or position > len(data):
            raise ValueError("a segment that is not whole")
        segment = data[start:position]
        frames += marker in _JPEG_FRAMES
        if frames > 1:
            raise ValueError("a second frame")
        if marker == 0xDA:  # pixels follow
            scans.append(start)
            if len(scans) > MAX_SCANS:
                raise PictureError("This JPEG file has far too many scans: save the picture again as JPEG or PNG.")
        elif scans:
            continue
        elif marker in _JPEG_NEEDED:
            kept.append(segment)
        elif marker == 0xE1 and segment[4:10] == b"Exif\0\0" and not exif:
            exif = segment[4:]
    # Further down, comments and the like are left in: Pillow looks at nothing that follows the first scan's header.
    return JpegImageFile(BytesIO(b"".join(kept) + data[scans[0] : position])), exif


def _png(data: bytes) -> tuple[ImageFile, bytes]:
    parts, kept, exif, position, name = iter(range(MAX_PARTS)), [data[:8]], b"", 8, b""
    while name != b"IEND" and position + 8 <= len(data):
        next(parts)
        length, name = struct.unpack_from(">I4s", data, position)
        start, position = position, position + 12 + length  # 4 bytes each of length, name and checksum
        if name in _PNG_PARTS:
            kept.append(data[start:position])
        elif name == b"eXIf":
            exif = data[start + 8 : position - 4]
    im = PngImageFile(BytesIO(b"".join(kept)))
    # Pillow brings the pixels to 8 bits, but not the colour that is transparent.
    transparent, stored = im.info.get("transparency"), im.tile[0][3]
    if stored == "RGB;16B" and transparent is not None:
        im.info["transparency"] = tuple(value >> 8 for value in transparent)
    elif stored in _PNG_GREYS and transparent is not None:
        im.info["transparency"] = int(transparent * _PNG_GREYS[stored] + 0.5)
    return im, exif


def _gif(data: bytes) -> tuple[ImageFile, bytes]:
    position = 13 + (6 << (data[10] & 7) if data[10] & 0x80 else 0)  # behind the header and its palette
    parts, head, control = iter(range(MAX_PARTS)), data[:position], b""
    while data[position] != 0x2C:  # the first picture
        next(parts)
        start = position
        position += 1
        if data[start] != 0x21:  # an extension; anything else is a stray byte
            continue
        position += 1
        while data[position]:
            next(parts)
            position += data[position] + 1
        position += 1
        if data[start + 1] == 0xF9:  # the graphic control says which colour is transparent
            control = data[start:position]
    # A picture may stick out of the canvas that the header announces, which then grows. To be checked before Pillow
    # opens the file, as it may fill all of it by then.
    canvas = struct.unpack_from("<2H", data, 6)
    left, top, width, height = struct.unpack_from("<4H", data, position + 1)
    _check_size(max(canvas[0], left + width), max(canvas[1], top + height))
    return GifImageFile(BytesIO(head + control + data[position:])), b""


def _webp(data: bytes) -> tuple[ImageFile, bytes]:
    im = WebPImageFile(BytesIO(data))
    return im, im.info.get("exif", b"")


def _bmp(data: bytes) -> tuple[ImageFile, bytes]:
    im = BmpImageFile(BytesIO(data))
    if im.tile[0][0] == "bmp_rle":
        # Pillow unpacks runs in Python, and lets one of them ask for 255 times the picture.
        raise PictureError("BMP pictures with compression cannot be read here: save the picture as JPEG or PNG.")
    return im, b""


# name, how the file begins, what reads it
_READERS = (
    ("JPEG", rb"\xff\xd8\xff", _jpeg),
    ("PNG", rb"\x89PNG\r\n\x1a\n", _png),
    ("GIF", rb"GIF8[79]a", _gif),
    ("WEBP", rb"RIFF.{4}WEBP", _webp),
    ("BMP", rb"BM", _bmp),
)

# what else people choose, and how it begins
_OTHERS = (
    ("AVIF pictures", rb".{4}ftyp.{0,24}avi[fs]"),
    ("HEIC pictures", rb".{4}ftyp(hei|hev|mif1|msf1)"),
    ("Videos", rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI "),
    ("TIFF pictures", rb"II\*\0|MM\0\*"),
    ("JPEG XL pictures", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("JPEG 2000 pictures", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("Icons", rb"\0\0[\x01\x02]\0"),
    ("Photoshop files", rb"8BPS"),
    ("PDF documents", rb"%PDF"),
    ("Archives and office documents", rb"PK\x03\x04"),
    ("SVG drawings", rb".{0,1000}<svg[\s>]"),
    ("Web pages", rb"\s*(?i:<!doctype html|<html)"),
)


def _why_unknown(data: bytes) -> str:
    for name, magic in _OTHERS:
        if re.match(magic, data, re.DOTALL):
            return f"{name} cannot be read here: save the picture as JPEG or PNG and try again."
    if _is_text(data):
        return "This is a text file, whatever its name says: choose a JPEG, PNG, WEBP, GIF or BMP picture."
    return "This file is not a picture that can be read here: choose a JPEG, PNG, WEBP, GIF or BMP picture."


def _is_text(data: bytes) -> bool:
    # A thousand bytes without a control character or 0xFF: no picture starts like that.
    return not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\xff]", data[:1000])


def _rounded_up(value: float) -> str:
    # Up, so that no message says "25 megapixels, the limit is 25".
    return f"{math.ceil(value * 10) / 10:,.1f}".removesuffix(".0")
