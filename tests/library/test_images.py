"""`constrained.images.decode`: every format and colour mode against numpy, and files made to hurt."""

import base64
import json
import random
import re
import struct
import subprocess
import sys
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from constrained import images
from constrained.images import MAX_BYTES, PictureError, decode
from constrained.page import api, pictures

ROOT = Path(images.__file__).parent.parent
HEIGHT, WIDTH = 24, 40
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
# Smooth, so that lossy formats keep it within 2 grey levels; no symmetry, so that every wrong turn shows.
SMOOTH = np.stack([60 + 3 * COLUMNS, 60 + 3 * COLUMNS + 2 * ROWS, 90 + 3 * COLUMNS], axis=2).astype(np.uint8)
GREY = SMOOTH[:, :, 1]
RGB = Image.fromarray(SMOOTH)


@pytest.fixture(autouse=True)
def no_warning_escapes():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    # Event loops are those of tests before, which the garbage collector finds now and then.
    told = [str(warning.message) for warning in caught]
    assert [one for one in told if not one.startswith("unclosed event loop")] == []


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, colour: int, pixels: bytes, *chunks: bytes) -> bytes:
    """A PNG by hand: depths, claims and chunks that Pillow would not write. `pixels` has a 0 before each row."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND")


def gif(width: int, height: int, blocks: bytes, frame: tuple[int, int] = (1, 1)) -> bytes:
    """A GIF of two colours, red and blue, with one pixel of data."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\xff\0\0\0\0\xff"
    return head + blocks + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00;"


def exif(orientation: int, order: str = "<") -> bytes:
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return magic + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    """A JPEG of `RGB` with segments of these markers and contents."""
    plain = saved(RGB, "JPEG", quality=100, subsampling=0)
    added = [bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content for marker, content in segments]
    return plain[:2] + b"".join(added) + plain[2:]


def animation(kind: str, picture: Image.Image, **options) -> bytes:
    second = Image.new("RGB", picture.size, "red")
    return saved(picture, kind, save_all=True, append_images=[second], **options)


def assert_plain_rgb(picture: Image.Image) -> None:
    assert type(picture) is Image.Image  # an ImageFile would keep the metadata
    assert picture.mode == "RGB"
    assert picture.info == {}
    assert len(picture.getexif()) == 0


def assert_close(picture: Image.Image, expected: np.ndarray, within: int = 0) -> None:
    assert_plain_rgb(picture)
    got = np.asarray(picture).astype(int)
    if expected.ndim == 2:
        expected = np.repeat(expected[:, :, None], 3, axis=2)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= within


def assert_refused(data: bytes, *words: str) -> None:
    with pytest.raises(PictureError) as caught:
        decode(data)
    message = str(caught.value)
    assert re.fullmatch(r"[A-Z0-9].*: (save|make|choose|crop) .*\.", message), message
    for word in words:
        assert word in message


# Formats and colour modes

ALPHA = np.where(COLUMNS < 10, 0, 255 - 5 * ROWS).astype(np.uint8)


def on_white(colours: np.ndarray) -> np.ndarray:
    opaque = ALPHA / 255.0 if colours.ndim == 2 else ALPHA[:, :, None] / 255.0
    return np.rint(colours * opaque + 255 * (1 - opaque))


RGBA = Image.fromarray(np.dstack([SMOOTH, ALPHA]))
GREY_ALPHA = Image.merge("LA", [RGB.getchannel(1), RGBA.getchannel(3)])
BILEVEL = Image.fromarray((COLUMNS + ROWS) % 3 == 0)
PALETTE = RGB.quantize(200)
PALETTE_COLOURS = np.asarray(PALETTE.getpalette(), dtype=np.uint8).reshape(-1, 3)[np.asarray(PALETTE)]
SHARP = {"quality": 100, "subsampling": 0}
STORED_AS_RGB = saved(RGB, "JPEG", keep_rgb=True, **SHARP)

MODES = {  # name: file, expected, grey levels that it may be off
    "jpeg rgb": (saved(RGB, "JPEG", **SHARP), SMOOTH, 2),
    "jpeg progressive": (saved(RGB, "JPEG", progressive=True, **SHARP), SMOOTH, 2),
    "jpeg stored as rgb": (STORED_AS_RGB, SMOOTH, 2),
    "jpeg stored as rgb, as only adobe says": (
        STORED_AS_RGB.replace(b"R\x11\0G\x11\0B", b"\1\x11\0\2\x11\0\3").replace(b"R\0G\0B", b"\1\0\2\0\3"),
        SMOOTH,
        2,
    ),
    "jpeg grey": (saved(RGB.getchannel(1), "JPEG", quality=100), GREY, 2),
    "jpeg cmyk inverted by adobe": (saved(RGB.convert("CMYK"), "JPEG", **SHARP), SMOOTH, 2),
    "png rgb": (saved(RGB, "PNG"), SMOOTH, 0),
    "png grey": (saved(RGB.getchannel(1), "PNG"), GREY, 0),
    "png bilevel": (saved(BILEVEL, "PNG"), np.asarray(BILEVEL) * 255, 0),
    "png palette": (saved(PALETTE, "PNG"), PALETTE_COLOURS, 0),
    "png rgba": (saved(RGBA, "PNG"), on_white(SMOOTH), 1),
    "png grey alpha": (saved(GREY_ALPHA, "PNG"), on_white(GREY), 1),
    "apng": (animation("PNG", RGB), SMOOTH, 0),
    "gif palette": (saved(PALETTE, "GIF"), PALETTE_COLOURS, 0),
    "gif grey": (saved(RGB.getchannel(1), "GIF"), GREY, 0),
    "gif animated": (animation("GIF", PALETTE), PALETTE_COLOURS, 0),
    "webp lossless": (saved(RGB, "WEBP", lossless=True), SMOOTH, 0),
    "webp lossy": (saved(RGB, "WEBP", quality=100), SMOOTH, 5),  # always halves the resolution of colour
    "webp rgba": (saved(RGBA, "WEBP", lossless=True, exact=True), on_white(SMOOTH), 1),
    "webp animated": (animation("WEBP", RGB, lossless=True), SMOOTH, 0),
    "bmp rgb": (saved(RGB, "BMP"), SMOOTH, 0),
    "bmp grey": (saved(RGB.getchannel(1), "BMP"), GREY, 0),
    "bmp bilevel": (saved(BILEVEL, "BMP"), np.asarray(BILEVEL) * 255, 0),
    "bmp palette": (saved(PALETTE, "BMP"), PALETTE_COLOURS, 0),
}


@pytest.mark.parametrize("name", MODES)
def test_format_and_mode(name):
    data, expected, within = MODES[name]
    assert_close(decode(data), expected, within)


def test_one_pixel():
    assert_close(decode(saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")), np.array([[[1, 2, 3]]]))


def test_grey_of_16_bits_is_scaled_not_saturated():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    data = saved(Image.fromarray(ramp), "PNG")
    assert data[24] == 16
    assert_close(decode(data), np.rint(ramp / 257.0))


def test_colour_of_16_bits():
    pixels = np.array([[[0, 0x1234, 0x8000], [0xFFFF, 0xFF00, 0x00FF]]], dtype=">u2")
    assert_close(decode(png(2, 1, 16, 2, b"\0" + pixels.tobytes())), pixels.astype(int) // 256)


def test_alpha_0_is_white_whatever_colour_it_hides():
    assert_close(decode(saved(Image.new("RGBA", (3, 2), (255, 0, 0, 0)), "PNG")), np.full((2, 3), 255))


# depth, colour type, pixels, transparent -> three grey levels; the second pixel is the transparent one
ONE_TRANSPARENT = {
    "2 bits": (2, 0, bytes([0b00_01_10_00]), struct.pack(">H", 1), (0, 255, 170)),
    "4 bits": (4, 0, bytes([0x03, 0xC0]), struct.pack(">H", 3), (0, 255, 204)),
    "8 bits": (8, 0, bytes([0, 7, 9]), struct.pack(">H", 7), (0, 255, 9)),
    "16 bits": (16, 0, struct.pack(">3H", 0, 1000, 65535), struct.pack(">H", 1000), (0, 255, 255)),
    "rgb": (8, 2, bytes([0, 0, 0, 7, 7, 7, 9, 9, 9]), struct.pack(">3H", 7, 7, 7), (0, 255, 9)),
    "rgb of 16 bits": (
        16,
        2,
        struct.pack(">9H", *[0] * 3, *[0x712] * 3, *[0x934] * 3),
        struct.pack(">3H", *[0x712] * 3),
        (0, 255, 9),
    ),
    "palette, one": (8, 3, bytes([0, 1, 2]), b"\xff\0", (10, 255, 30)),
    "palette, degrees": (8, 3, bytes([0, 1, 2]), b"\xff\0\x80", (10, 255, 142)),
}


@pytest.mark.parametrize("name", ONE_TRANSPARENT)
def test_transparent_colour_of_a_png(name):
    depth, colour, pixels, transparent, expected = ONE_TRANSPARENT[name]
    palette = [chunk(b"PLTE", bytes([10] * 3 + [20] * 3 + [30] * 3))] if colour == 3 else []
    data = png(3, 1, depth, colour, b"\0" + pixels, *palette, chunk(b"tRNS", transparent))
    assert_close(decode(data), np.array([expected]))


def test_transparent_colour_of_a_gif():
    palette = PALETTE.copy()
    palette.putpixel((5, 6), 201)
    expected = PALETTE_COLOURS.copy()
    expected[6, 5] = 255
    assert_close(decode(saved(palette, "GIF", transparency=201)), expected)


def test_large_jpeg_is_decoded_at_half_size():
    large = RGB.resize((2110, 2056), Image.Resampling.BICUBIC)
    expected = np.asarray(large.resize((1055, 1028), Image.Resampling.BOX)).astype(int)
    assert_close(decode(saved(large, "JPEG", quality=95)), expected, 3)
    assert decode(saved(large.crop((0, 0, 2110, 2047)), "JPEG")).size == (2110, 2047)


# Orientation

# How a file stores an upright picture; beside it where the Exif standard puts row 0 and column 0.
STORED = {
    1: lambda upright: upright,  # top, left
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.swapaxes(0, 1),  # left, top
    6: lambda upright: upright.swapaxes(0, 1)[::-1],  # right, top
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda upright: upright[::-1].swapaxes(0, 1),  # left, bottom
}
DEEP_GREY = (250 * GREY.astype(int) + COLUMNS).astype(">u2")
DEEP = (250 * SMOOTH.astype(int) + COLUMNS[:, :, None]).astype(">u2")
COLOUR_MODES = {  # what is stored in the file, before it is turned, and what is to be seen
    "bilevel": (np.asarray(BILEVEL), np.asarray(BILEVEL) * 255),
    "grey": (GREY, GREY),
    "grey of 16 bits": (DEEP_GREY, DEEP_GREY / 257),
    "grey and alpha": (np.dstack([GREY, ALPHA]), on_white(GREY)),
    "palette": (np.asarray(PALETTE), PALETTE_COLOURS),
    "rgb": (SMOOTH, SMOOTH),
    "rgb of 16 bits": (DEEP, DEEP / 257),
    "rgb and alpha": (np.dstack([SMOOTH, ALPHA]), on_white(SMOOTH)),
    "cmyk": (np.dstack([255 - SMOOTH, np.zeros_like(GREY)]), SMOOTH),
}
LOSSLESS = {"lossless": True, "exact": True}
FORMATS_WITH_EXIF = [
    *(("PNG", mode, {}) for mode in COLOUR_MODES if mode != "cmyk"),
    *(("JPEG", mode, SHARP) for mode in ("grey", "rgb", "cmyk")),
    *(("WEBP", mode, LOSSLESS) for mode in ("rgb", "rgb and alpha")),
]


def turned(kind: str, mode: str, turn, exif: bytes, options: dict) -> bytes:
    pixels = np.ascontiguousarray(turn(COLOUR_MODES[mode][0]))
    if mode == "rgb of 16 bits":  # Pillow would not write it
        rows = b"".join(b"\0" + row.tobytes() for row in pixels)
        return png(pixels.shape[1], pixels.shape[0], 16, 2, rows, chunk(b"eXIf", exif))
    if mode == "palette":
        picture = Image.frombytes("P", pixels.shape[::-1], pixels.tobytes())
        picture.putpalette(PALETTE.getpalette())
    elif mode == "cmyk":
        picture = Image.frombytes("CMYK", pixels.shape[1::-1], pixels.tobytes())
    else:
        picture = Image.fromarray(pixels.astype(np.uint16) if mode == "grey of 16 bits" else pixels)
    return saved(picture, kind, exif=b"Exif\0\0" + exif, **options)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(("kind", "mode", "options"), FORMATS_WITH_EXIF, ids=lambda v: v if isinstance(v, str) else "")
def test_orientation(kind, mode, options, orientation):
    for order in "<>":
        data = turned(kind, mode, STORED[orientation], exif(orientation, order), options)
        assert_close(decode(data), COLOUR_MODES[mode][1], within=2)


BROKEN_EXIF = {
    "nothing": b"",
    "no magic": b"nonsense",
    "cut": exif(6)[:-9],
    "directory elsewhere": b"II*\0\xff\xff\xff\x7f",
    "too many entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(24),
    "orientation 0": exif(0),
    "orientation 9": exif(9),
    "a reference out of the data": b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 2, 2**31, 2**31),
}


@pytest.mark.parametrize("name", BROKEN_EXIF)
def test_broken_exif_leaves_the_picture_as_stored(name):
    assert_close(decode(jpeg_with((0xE1, b"Exif\0\0" + BROKEN_EXIF[name]))), SMOOTH, 2)
    by_hand = png(1, 1, 8, 0, b"\0\x07", chunk(b"eXIf", BROKEN_EXIF[name]))
    assert_close(decode(by_hand), np.array([[7]]))


# What is not a picture

NOT_PICTURES = {
    "nothing": (b"", "empty"),
    "text": (b"dear diary,\n" * 20, "text file"),
    "text that begins like a bmp": (b"BMW is a maker of cars", "text file"),
    "bytes": (bytes(range(256)), "not a picture"),
    "one byte": (b"\0", "not a picture"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "HEIC"),
    "heic of another brand": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(99), "HEIC"),
    "avif": (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(99), "AVIF"),
    "video": (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(99), "Video"),
    "tiff": (saved(RGB, "TIFF"), "TIFF"),
    "icon": (saved(RGB, "ICO"), "Icon"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
    "svg": (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "web page": (b"\n<!DOCTYPE html><title>404</title>", "Web page"),
    "word document": (b"PK\3\4\x14\0\6\0", "document"),
    "sound": (b"RIFF\x24\0\0\0WAVEfmt ", "not a picture"),
}


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_not_a_picture(name):
    assert_refused(*NOT_PICTURES[name])


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_truncated(kind, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))
    data = saved(noise, kind)
    assert_refused(data[: max(16, int(share * len(data)))], kind, "incomplete")


def test_damaged_checksum_of_a_png():
    data = bytearray(saved(RGB, "PNG"))
    data[29] ^= 1
    assert_refused(bytes(data), "PNG", "damaged")


def test_file_over_the_limit():
    data = saved(RGB, "PNG")
    assert_close(decode(data + bytes(MAX_BYTES - len(data))), SMOOTH)
    assert_refused(data + bytes(MAX_BYTES - len(data) + 1), "6.1 MB", "limit is 6 MB:")


# Bombs


def webp_bomb() -> bytes:
    data = bytearray(animation("WEBP", RGB))
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\x3f\0" * 2
    return bytes(data)


def jpeg_bomb() -> bytes:
    data = bytearray(saved(RGB, "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 65500, 65500)
    return bytes(data)


def bmp_bomb() -> bytes:
    data = bytearray(saved(RGB, "BMP"))
    struct.pack_into("<ii", data, 18, 30000, 30000)
    return bytes(data)


# With an animation Pillow fills the canvas while it opens the file, before anybody can look at the size.
APNG = (
    chunk(b"acTL", struct.pack(">II", 2, 0)),
    chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 30000, 30000, 0, 0, 1, 1, 1, 0)),
)
REMOVE_LATER = b"\x21\xf9\x04\x08\0\0\0\0"

NOT_MUCH = "incomplete, damaged or of an unusual kind"


def bombs() -> dict[str, tuple[bytes, str]]:
    """Files, and what is said of them, or the size of the picture that they are after all."""
    plain, progressive = jpeg_with(), saved(Image.new("RGB", (5000, 5000)), "JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    png_head, png_tail = png(1, 1, 8, 0, b"\0\x07")[:33], png(1, 1, 8, 0, b"\0\x07")[33:]
    # 100 entries, each of which claims the same 3 MB, where Pillow copies every one.
    entries = b"".join(struct.pack("<HHII", tag, 1, 3_000_000, 8) for tag in range(1000, 1100))
    copies_itself = b"II*\0\x08\0\0\0" + struct.pack("<H", 100) + entries + bytes(3_000_000)
    texts = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20 - 1))) * 300
    return {
        "png": (png(30000, 30000, 8, 2, bytes(100)), "has 900 megapixels, but the limit is 25:"),
        "png animated": (png(30000, 30000, 8, 6, bytes(100), *APNG), "has 900 megapixels, but the limit is 25:"),
        "png with a second header": (
            png(1, 1, 8, 2, bytes(4), png(30000, 30000, 8, 2, b"", *APNG)[8:]),
            "has 900 megapixels",
        ),
        "png with the largest sides": (png(2**31 - 1, 2**31 - 1, 8, 2, b""), "4,611,686,014,132.5 megapixels"),
        "png of empty chunks": (png_head + chunk(b"IDAT") * 500_000 + png_tail, NOT_MUCH),
        "png of texts that unpack to 300 MB": (png_head + texts + png_tail, "1 x 1"),
        "png with exif that copies itself": (png_head + chunk(b"eXIf", copies_itself) + png_tail, "1 x 1"),
        "webp": (webp_bomb(), "has 268.5 megapixels"),
        "webp with exif that copies itself": (saved(RGB, "WEBP", exif=copies_itself), "40 x 24"),
        "gif": (gif(60000, 60000, b""), "has 3,600 megapixels"),
        "gif animated": (gif(13000, 13000, REMOVE_LATER, (13000, 13000)), "has 169 megapixels"),
        "gif frame larger than the canvas": (gif(9, 9, REMOVE_LATER, (13000, 13000)), "has 169 megapixels"),
        "gif of empty comments": (gif(1, 1, b"\x21\xfe\0" * 2_000_000), NOT_MUCH),
        "gif with a comment of small blocks": (gif(1, 1, b"\x21\xfe" + b"\1a" * 3_000_000 + b"\0"), NOT_MUCH),
        "jpeg": (jpeg_bomb(), "has 4,290.3 megapixels"),
        "jpeg of endless scans": (progressive[:-2] + scan * 100_000 + b"\xff\xd9", "far too many scans"),
        "jpeg of some more scans": (progressive[:-2] + scan * images.MAX_SCANS + b"\xff\xd9", "far too many scans"),
        "jpeg of empty segments": (plain[:2] + b"\xff\xe1\0\2" * 1_500_000 + plain[2:], NOT_MUCH),
        "jpeg of empty segments between scans": (plain[:-2] + b"\xff\xfe\0\2" * 1_500_000 + plain[-2:], NOT_MUCH),
        "bmp": (bmp_bomb(), "has 900 megapixels"),
    }


def costs() -> None:
    """In a process of its own: what each of the bombs costs, in MB and seconds of this process, and what it is told."""

    def megabytes(key: str) -> float:
        return int(re.search(rf"{key}:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))[1]) / 1024

    found = {}
    for data, _, _ in MODES.values():
        decode(data)  # what is needed the first time is not the bomb's
    for name, (data, _) in bombs().items():
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # VmHWM, the most memory so far, starts again
        before, start = megabytes("VmRSS"), time.process_time()
        try:
            told = "{} x {}".format(*decode(data).size)
        except PictureError as error:
            told = str(error)
        found[name] = megabytes("VmHWM") - before, time.process_time() - start, told
    print(json.dumps(found))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux has it")
def test_a_bomb_costs_at_most_50_mb_and_a_fifth_of_a_second():
    # Without constrained/__init__.py, which imports torch: this takes a fifth of the time.
    package = "name = 'constrained'; sys.modules[name] = types.ModuleType(name); sys.modules[name].__path__ = [name]"
    command = [
        sys.executable,
        "-c",
        f"import sys, types; {package}; from tests.library.test_images import costs; costs()",
    ]
    found = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    for name, (_, expected) in bombs().items():
        megabytes, seconds, told = found[name]
        print(f"{name}: {megabytes:.0f} MB, {1000 * seconds:.0f} ms")
        assert expected in told, name
        assert megabytes <= 50, name
        assert seconds <= 0.2, name


def test_pixel_limit_is_exact(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", WIDTH * HEIGHT)
    assert_close(decode(saved(RGB, "PNG")), SMOOTH)
    assert_refused(saved(RGB.resize((WIDTH + 1, HEIGHT)), "PNG"), "megapixels")


def test_line_that_a_resize_would_blow_up():
    assert decode(saved(Image.new("L", (100, 1)), "PNG")).size == (100, 1)
    assert_refused(saved(Image.new("L", (101, 1)), "PNG"), "100 times as long as it is wide", "crop")
    assert_refused(saved(Image.new("L", (2, 201)), "GIF"), "100 times as long as it is wide", "crop")


def test_what_encoders_write_is_not_too_many():
    """Scans of the largest script that libjpeg has, a PNG in small pieces, a GIF behind a long comment."""
    assert_close(decode(saved(RGB.convert("CMYK"), "JPEG", progressive=True, **SHARP)), SMOOTH, 2)
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1900), dtype=np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in noise)
    packed = zlib.compress(rows)
    pieces = b"".join(chunk(b"IDAT", packed[i : i + 1024]) for i in range(0, len(packed), 1024))
    whole = png(1900, 1000, 8, 0, b"")
    assert_close(decode(whole[:33] + pieces + chunk(b"IEND")), noise)
    assert_close(decode(gif(1, 1, b"\x21\xfe" + (b"\xff" + b"a" * 255) * 8000 + b"\0")), np.array([[[255, 0, 0]]]))


def test_what_follows_a_jpeg_is_not_looked_at():
    """A phone's video behind its picture."""
    video = np.random.default_rng(0).integers(0, 256, 4_000_000, dtype=np.uint8).tobytes()
    assert video.count(b"\xff\xda") > images.MAX_SCANS
    assert_close(decode(jpeg_with() + video), SMOOTH, 2)


def test_large_pictures_are_refused_where_they_have_to_wait(monkeypatch):
    monkeypatch.setattr(images, "LARGE", WIDTH * HEIGHT)
    decode(saved(RGB, "PNG"), large=False)
    larger = saved(RGB.resize((WIDTH + 1, HEIGHT)), "PNG")
    with pytest.raises(images.LargePictureError):
        decode(larger, large=False)
    decode(larger)
    monkeypatch.setattr(images, "ENOUGH", (WIDTH // 2, HEIGHT // 2))  # counted as it is decoded
    decode(saved(RGB.resize((WIDTH * 2, HEIGHT * 2)), "JPEG"), large=False)


# JPEGs that are not what they seem


def segment(marker: int, content: bytes, length: int | None = None) -> bytes:
    """A segment of a JPEG; ``length`` is what it says of itself, where that is a lie."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2 if length is None else length) + content


def frame(marker: int, side: int, channels: int = 1) -> bytes:
    planes = b"".join(bytes([plane + 1, 0x11, 0]) for plane in range(channels))
    return segment(marker, struct.pack(">BHHB", 8, side, side, channels) + planes)


def scan(channels: int = 1) -> bytes:
    planes = b"".join(bytes([plane + 1, 0]) for plane in range(channels))
    return segment(0xDA, bytes([channels]) + planes + b"\1\0\0") + bytes(2**19) + b"\xff\xd9"


TABLE = segment(0xC4, bytes([0, 1, *[0] * 15, 0]))  # a Huffman table with the one code "0"
RARE = [0xC3, *range(0xC5, 0xC8), 0xC9, 0xCA, 0xCB, *range(0xCD, 0xD0)]


def hostile_jpegs() -> dict[str, bytes]:
    """Lossless frames, large enough that Pillow's ``draft`` makes the buffer too small for them, in every disguise."""
    plain = saved(RGB, "JPEG")
    at = plain.index(b"\xff\xc0")
    hidden = b"JFIF\0" + bytes(20) + frame(0xC3, 2048) + TABLE + scan()[:-2]
    files = {
        f"frame {marker:X}, {channels} channels": b"\xff\xd8" + frame(marker, 2048, channels) + TABLE + scan(channels)
        for marker in RARE
        for channels in (1, 3)
    }
    files["a second frame, before the scan"] = plain[:at] + frame(0xC3, 2048) + TABLE + plain[at:]
    files["a second frame, baseline"] = plain[:at] + frame(0xC0, 2048) + plain[at:]
    files["a second frame, after the scan"] = plain[:-2] + frame(0xC3, 2048) + TABLE + scan()
    files["a second frame, baseline, after the scan"] = plain[:-2] + frame(0xC1, 2048) + plain[-2:]
    files["a hierarchy"] = plain[:2] + segment(0xDE, plain[at + 4 : at + 19]) + plain[2:]
    for length in (0, 1):
        for marker in (0xDB, 0xC4, 0xFE, 0xE1):
            lie = segment(marker, b"", length) + segment(0xE0, hidden[: 2**15])
            files[f"segment {marker:X} of length {length}"] = b"\xff\xd8" + lie + plain[2:]
            files[f"segment {marker:X} of length {length}, after the scan"] = plain[:-2] + lie + plain[-2:]
    files["a table that goes past the end"] = plain[:-2] + segment(0xDB, b"", 65535) + plain[-2:]
    files["a frame that goes past the end"] = b"\xff\xd8" + segment(0xC0, b"\x08", 65535)
    return files


def test_jpegs_of_rare_kinds_and_with_lying_segments_are_refused(monkeypatch):
    """libjpeg writes a lossless frame past the end of Pillow's buffer, so none of these may come as far as that."""
    seen = []
    monkeypatch.setattr(images, "JpegImageFile", seen.append)
    for name, data in hostile_jpegs().items():
        assert_refused(data, "JPEG")
        assert not seen, name


@pytest.mark.parametrize("progressive", [False, True])
def test_pillow_sees_the_segments_that_were_looked_at(progressive, monkeypatch):
    """Between segments there may be anything; of them, only what a decoder needs arrives, each as long as it says."""
    plain = saved(RGB, "JPEG", progressive=progressive, comment=b"secret")
    dressed = plain[:2] + segment(0xED, b"secret") + b"stray" + segment(0xF7, b"secret") + b"\xff\xff" + plain[2:]
    opened = []
    monkeypatch.setattr(images, "JpegImageFile", lambda file: opened.append(file.getvalue()) or JpegImageFile(file))
    assert_close(decode(dressed), np.asarray(decode(plain)))
    head, position = opened[0][: opened[0].index(b"\xff\xda")], 2
    while position < len(head):
        assert head[position] == 0xFF
        assert head[position + 1] in {0xC0, 0xC2, 0xC4, 0xDB, 0xE0}
        position += 2 + int.from_bytes(head[position + 2 : position + 4], "big")
    assert position == len(head)


def test_bmp_of_runs_is_not_unpacked():
    data = bytearray(saved(PALETTE, "BMP"))
    data[30] = 1  # run lengths
    assert_refused(bytes(data), "BMP", "compression")


SECRET = b"53.07N 8.80E"
WITH_SECRETS = {
    "JpegImageFile": jpeg_with(
        (0xE1, b"Exif\0\0" + exif(1) + SECRET),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
        (0xE2, b"ICC_PROFILE\0\1\1" + SECRET),
        (0xFE, SECRET),
    ),
    "PngImageFile": png(
        *(1, 1, 8, 0, b"\0\x07"),
        chunk(b"tEXt", b"Comment\0" + SECRET),
        chunk(b"iCCP", b"profile\0\0" + SECRET),
        chunk(b"eXIf", exif(1) + SECRET),
        chunk(b"prVt", SECRET),
    ),
    "GifImageFile": gif(1, 1, b"\x21\xfe\x0c" + SECRET + b"\0" + b"\x21\xff\x0bNETSCAPE2.0\x0c" + SECRET + b"\0"),
}


@pytest.mark.parametrize("plugin", WITH_SECRETS)
def test_metadata_does_not_reach_pillow(plugin, monkeypatch):
    """It takes Pillow time that grows with the square of some of it, and memory without a bound."""
    real, seen = getattr(images, plugin), []
    monkeypatch.setattr(images, plugin, lambda file: seen.append(file.getvalue()) or real(file))
    assert SECRET in WITH_SECRETS[plugin]
    decode(WITH_SECRETS[plugin])
    (handed,) = seen
    assert SECRET not in handed


def test_stray_bytes_between_blocks():
    blocks = b"\0\0" + b"\x21\xfe\1a\0" + b"\0" + b"\x21\xf9\4\1\0\0\0\0" + b"\0"
    assert_close(decode(gif(1, 1, blocks)), np.array([[255]]))
    plain = jpeg_with()
    assert_close(decode(plain[:20] + b"\0\0\xff\xff" + plain[20:]), SMOOTH, 2)  # 20: behind the first segment


def test_threads_share_nothing():
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    files = [data for data, _, _ in MODES.values()] * 5
    alone = [decode(data).tobytes() for data in files]
    with ThreadPoolExecutor(8) as threads:
        together = [picture.tobytes() for picture in threads.map(decode, files)]
    assert alone == together
    assert (limit, filters) == (Image.MAX_IMAGE_PIXELS, list(warnings.filters))


def test_every_way_a_picture_comes_is_decoded_here(monkeypatch, tmp_path):
    """An upload or a webcam's frame comes as a file, a program's as a file or a ``data:`` string."""
    from gradio.data_classes import ImageData

    from constrained.page.tabs import explore

    data = turned("PNG", "rgb of 16 bits", STORED[6], exif(6), {})
    path = tmp_path / "chosen by the client.exe"
    path.write_bytes(data)
    string = "data:image/svg+xml;base64," + base64.b64encode(data).decode()
    asked, real = [], pictures.WORKERS.run
    monkeypatch.setattr(pictures.WORKERS, "run", lambda *args: asked.append(args) or real(*args))
    for payload in (ImageData(path=str(path)), ImageData(url=string)):
        given = pictures.Picture().preprocess(payload)
        for way in (
            lambda given: explore.on_picture(given, "cifar10", None),
            lambda given: explore.on_frame(given, "cifar10", None),
            lambda given: api.classify(given, "cifar10"),
        ):
            asked.clear()
            way(given)
            ((parser, source, *_),) = asked
            assert parser is images.views
            (picture,) = images.views(source, lambda picture: [picture])
            assert_close(picture, DEEP / 257, within=1)


# Mutations


def originals() -> dict[str, list[bytes]]:
    """Real files of the five formats: photographs, and every colour mode above."""
    photographs = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    photograph = Image.open(photographs[0]).resize((120, 90))
    files = {kind: [saved(photograph, kind)] for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP")}
    files["JPEG"] += [path.read_bytes() for path in photographs[:2]]
    files["JPEG"].append(saved(photograph, "JPEG", progressive=True))
    files["WEBP"].append(saved(photograph, "WEBP", lossless=True))
    for name, (data, _, _) in MODES.items():
        files[name.split()[0].upper().replace("APNG", "PNG")].append(data)
    for kind, mode, options in FORMATS_WITH_EXIF:
        files[kind].append(turned(kind, mode, STORED[6], exif(6), options))
    for plugin, data in WITH_SECRETS.items():
        files[plugin.removesuffix("ImageFile").upper()].append(data)
    return files


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """1 to 4 of: flipped bits, header edits, a cut, a part left out or repeated, another file's part put in."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not damaged:
            break
        position, length = chance.randrange(len(damaged)), int(2 ** chance.uniform(0, 10))
        match chance.randrange(7):
            case 0:
                for _ in range(chance.randint(1, 8)):
                    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            case 1 | 2:  # most of what can be claimed is claimed near the beginning
                size = chance.choice([1, 2, 4])
                value = chance.choice([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 5000])
                start = position % 64
                damaged[start : start + size] = (value % 256**size).to_bytes(size, chance.choice(["big", "little"]))
            case 3:
                del damaged[position:]
            case 4:
                del damaged[position : position + length]
            case 5:
                damaged[position:position] = damaged[position : position + length] * chance.randint(1, 3)
            case 6:
                start = chance.randrange(len(other))
                damaged[position : position + length] = other[start : start + length]
    return bytes(damaged)


def repaired(data: bytes) -> bytes:
    """The same with right checksums, if it is a PNG: otherwise they would keep all damage from what lies behind."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    pieces, position = [data[:8]], 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        content = data[position + 4 : position + 8 + length]
        pieces.append(data[position : position + 4] + content + struct.pack(">I", zlib.crc32(content)))
        position += 12 + length
    return b"".join(pieces) + data[position:]


def test_2000_mutated_files_are_pictures_or_picture_errors():
    chance, files = random.Random(0), originals()
    every = [data for kind in files.values() for data in kind]
    decoded, slowest = 0, 0.0
    for number in range(2000):
        kind = list(files)[number % 5]
        data = mutated(chance.choice(files[kind]), chance.choice(every), chance)
        data = repaired(data) if number % 2 else data
        start = time.process_time()
        try:
            picture = decode(data)
        except PictureError:
            pass
        else:
            assert_plain_rgb(picture)
            decoded += 1
        slowest = max(slowest, time.process_time() - start)
    print(f"{decoded} of 2,000 are pictures; the slowest took {1000 * slowest:.0f} ms")
    assert 200 < decoded < 1800  # both happen
    assert slowest < 1


def test_the_fuzzer_says_what_it_needs():
    without = "import sys, runpy; sys.modules['atheris'] = None; runpy.run_module('tests.fuzz.pictures')"
    ran = subprocess.run([sys.executable, "-c", without], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (1, 'atheris is not installed: pip install -e ".[fuzz]"\n')
