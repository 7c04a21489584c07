"""`constrained.images.decode`: every format and colour mode against numpy, and files made to hurt."""

import random
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from constrained import images
from constrained.images import MAX_BYTES, PictureError, decode

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
    assert [str(warning.message) for warning in caught] == []


@pytest.fixture
def little_memory():
    """128 MB more than now, for the whole process: what needs more fails, and then not with the expected message."""
    resource = pytest.importorskip("resource")
    try:
        with open("/proc/self/statm") as statm:
            now = int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        pytest.skip("the size of this process is not known here")
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + 2**27, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, old)


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
TURNED = {  # name: upright pixels, mode in the file, format, options, grey levels that it may be off
    "jpeg": (SMOOTH, "RGB", "JPEG", SHARP, 2),
    "jpeg grey": (GREY, "L", "JPEG", SHARP, 2),
    "jpeg cmyk": (SMOOTH, "CMYK", "JPEG", SHARP, 2),
    "png": (SMOOTH, "RGB", "PNG", {}, 0),
    "png grey": (GREY, "L", "PNG", {}, 0),
    "png rgba": (SMOOTH, "RGBA", "PNG", {}, 0),
    "webp": (SMOOTH, "RGB", "WEBP", {"lossless": True}, 0),
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("name", TURNED)
def test_orientation(name, orientation, order):
    upright, mode, kind, options, within = TURNED[name]
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))).convert(mode)
    data = saved(stored, kind, exif=b"Exif\0\0" + exif(orientation, order), **options)
    assert_close(decode(data), upright, within)


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
    assert_refused(data + bytes(MAX_BYTES - len(data) + 1), "6.1 MB", "limit is 6:")


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

BOMBS = {
    "png": (png(30000, 30000, 8, 2, bytes(100)), "has 900 megapixels, the limit is 25:"),
    "png animated": (png(30000, 30000, 8, 6, bytes(100), *APNG), "has 900 megapixels, the limit is 25:"),
    "png with a second header": (
        png(1, 1, 8, 2, bytes(4), png(30000, 30000, 8, 2, b"", *APNG)[8:]),
        "has 900 megapixels",
    ),
    "png with the largest sides": (png(2**31 - 1, 2**31 - 1, 8, 2, b""), "4,611,686,014,132.5 megapixels"),
    "gif": (gif(60000, 60000, b""), "has 3,600 megapixels"),
    "gif animated": (gif(13000, 13000, REMOVE_LATER, (13000, 13000)), "has 169 megapixels"),
    "gif frame larger than the canvas": (gif(9, 9, REMOVE_LATER, (13000, 13000)), "has 169 megapixels"),
    "jpeg": (jpeg_bomb(), "has 4,290.3 megapixels"),
    "bmp": (bmp_bomb(), "has 900 megapixels"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_without_the_memory_for_it(name, little_memory):
    assert_refused(*BOMBS[name], "make it smaller")


def test_webp_bomb():
    # libwebp reserves 2 GB of addresses, without touching them: too much for `little_memory`.
    assert_refused(webp_bomb(), "has 268.5 megapixels")


def test_pixel_limit_is_exact(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", WIDTH * HEIGHT)
    assert_close(decode(saved(RGB, "PNG")), SMOOTH)
    assert_refused(saved(RGB.resize((WIDTH + 1, HEIGHT)), "PNG"), "megapixels")


def test_exif_that_copies_itself(little_memory):
    # 100 entries, each of which claims the same 3 MB, where Pillow copies every one.
    entries = b"".join(struct.pack("<HHII", tag, 1, 3_000_000, 8) for tag in range(1000, 1100))
    bomb = b"II*\0\x08\0\0\0" + struct.pack("<H", 100) + entries + bytes(3_000_000)
    assert_close(decode(saved(RGB, "WEBP", lossless=True, exif=bomb)), SMOOTH)
    assert_close(decode(png(1, 1, 8, 0, b"\0\x07", chunk(b"eXIf", bomb))), np.array([[7]]))


def test_text_that_unpacks_to_much(little_memory):
    texts = [chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20 - 1)))] * 300
    assert_close(decode(png(1, 1, 8, 0, b"\0\x07", *texts)), np.array([[7]]))


def test_line_that_a_resize_would_blow_up():
    assert decode(saved(Image.new("L", (100, 1)), "PNG")).size == (100, 1)
    assert_refused(saved(Image.new("L", (101, 1)), "PNG"), "100 times longer than wide", "crop")
    assert_refused(saved(Image.new("L", (2, 201)), "GIF"), "100 times longer than wide", "crop")


def test_jpeg_of_endless_scans():
    data = saved(RGB, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert_refused(data[:-2] + last * images.MAX_PARTS + b"\xff\xd9", "JPEG", "too many parts")


def test_jpeg_of_endless_segments():
    assert_refused(jpeg_with(*[(0xE0, b"")] * images.MAX_PARTS), "JPEG", "too many parts")
    assert_close(decode(jpeg_with(*[(0xE1, b"")] * images.MAX_PARTS)), SMOOTH, 2)


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


# Mutations


def mutated(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        position, length = chance.randrange(len(damaged)), chance.randint(1, 20)
        match chance.randrange(5):
            case 0:
                damaged[position] ^= 1 << chance.randrange(8)
            case 1:
                damaged[position] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 2:
                del damaged[position : position + length]
            case 3:
                damaged[position:position] = damaged[: length * 3]
            case 4:  # most of what can be claimed is claimed near the beginning
                damaged[position % 40 % len(damaged)] = chance.randrange(256)
        if not damaged:
            break
    return bytes(damaged)


def test_mutated_files_are_pictures_or_picture_errors():
    chance = random.Random(0)
    originals = [data for data, _, _ in MODES.values()]
    originals += [saved(RGB, kind, exif=b"Exif\0\0" + exif(6)) for kind in ("JPEG", "PNG", "WEBP")]
    originals += list(WITH_SECRETS.values())
    decoded = 0
    for _ in range(300):
        data = mutated(chance.choice(originals), chance)
        try:
            picture = decode(data)
        except PictureError:
            continue
        assert_plain_rgb(picture)
        decoded += 1
    assert 30 < decoded < 270  # both happen
