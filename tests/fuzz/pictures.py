"""A coverage-guided fuzzer for what happens to a stranger's picture: python -m tests.fuzz.pictures [-max_total_time=S]

Starts from the files of `seeds`, small and large, of every format and frame type, and from what earlier runs found
worth keeping in runs/fuzz, and takes five minutes unless told otherwise. Each file goes the way that it goes in a
worker of the page: decoded, and cut into the crops that both networks see. One that gives neither crops nor a
PictureError, or takes a second of this process, ends it and lies in runs/ as crash-.... All options are libFuzzer's.

Needs ``pip install -e ".[fuzz]"``. Coverage is that of Python code: this project's and Pillow's plugins; Pillow's C
code runs, but unseen.
"""

import functools
import sys
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit('atheris is not installed: pip install -e ".[fuzz]"')

with atheris.instrument_imports(include=["PIL", "constrained.images", "constrained.views"]):
    import PIL.Image

    from constrained import images, views

from tests.fuzz.seeds import seeds
from tests.library.test_images import assert_plain_rgb, repaired

LARGEST = 600_000  # bytes of a seed: a lossless JPEG has to be this large to overflow Pillow's buffer
SMALL = functools.partial(views.crops, detail=32)
MIDDLE = functools.partial(views.middle, short=256, side=224, resampling=PIL.Image.Resampling.BILINEAR)


def cut(picture: PIL.Image.Image) -> list[PIL.Image.Image]:
    """What both networks see."""
    assert_plain_rgb(picture)
    return SMALL(picture) + MIDDLE(picture)


def one(data: bytes) -> None:
    """Raises for a file that is not dealt with as it should be."""
    start = time.process_time()
    try:
        crops = images.views(data, cut)
    except images.PictureError:
        pass
    else:
        assert {crop.size for crop in crops} == {(32, 32), (224, 224)}
    assert time.process_time() - start < 1


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """libFuzzer's own mutation; every second time with checksums that let it pass."""
    changed = atheris.Mutate(data, most)
    return repaired(changed)[:most] if seed % 2 else changed


if __name__ == "__main__":
    corpus = Path("runs", "fuzz")
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in seeds().items():
        if len(data) <= LARGEST:
            Path(corpus, name.replace(" ", "-")).write_bytes(data)
    options = [
        "-max_total_time=300",
        f"-max_len={LARGEST}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-artifact_prefix=runs/",
    ]
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()
