"""Files to begin with: every format and frame type, small ones and ones that are large when decoded."""

import numpy as np
from PIL import Image

from tests.library.test_images import animation, hostile_jpegs, originals, saved

SIDE = 2304  # more than twice what a JPEG is decoded for, and more than `images.LARGE`


def seeds() -> dict[str, bytes]:
    """Name to file."""
    found = {f"{kind} {i}": data for kind, files in originals().items() for i, data in enumerate(files)}
    return found | {f"jpeg {name}": data for name, data in hostile_jpegs().items()} | large()


def large() -> dict[str, bytes]:
    """Pictures of five megapixels in a few kilobytes each, or, of formats that do not compress, in megabytes."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] // 64
    grey = Image.fromarray((7 * rows + 3 * columns).astype(np.uint8))
    colour = Image.merge("RGB", [grey, grey.transpose(Image.Transpose.ROTATE_90), grey.rotate(180)])
    alpha = colour.copy()
    alpha.putalpha(grey)
    pictures = {"grey": grey, "colour": colour, "cmyk": colour.convert("CMYK")}
    found = {
        f"large jpeg {name} {kind}": saved(picture, "JPEG", quality=30, **options)
        for name, picture in pictures.items()
        for kind, options in {
            "baseline": {},
            "progressive": {"progressive": True},
            "restarted": {"restart_marker_rows": 1},
            "optimised": {"optimize": True},
        }.items()
    }
    found |= {
        f"large jpeg subsampled {kind}": saved(colour, "JPEG", quality=30, subsampling=kind)
        for kind in ("4:2:2", "4:2:0")
    }
    palette = colour.quantize(16)
    deep = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
    found |= {f"large png {p.mode}": saved(p, "PNG", compress_level=9) for p in (grey, colour, alpha, palette, deep)}
    found |= {"large gif": saved(palette, "GIF"), "large gif animated": animation("GIF", palette)}
    found |= {
        "large webp lossy": saved(colour, "WEBP", quality=10),
        "large webp lossless": saved(colour, "WEBP", lossless=True, method=0),
        "large webp alpha": saved(alpha, "WEBP", quality=10),
        "large webp animated": animation("WEBP", colour, quality=10),
        "large bmp": saved(grey, "BMP"),
        "large bmp bilevel": saved(grey.convert("1"), "BMP"),
    }
    return found
