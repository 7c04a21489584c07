"""A coverage-guided fuzzer for the picture decoder: python -m tests.fuzz.pictures [-max_total_time=SECONDS]

Starts from the same files as the 2,000 mutations of tests/test_images.py and from what earlier runs found worth keeping
in runs/fuzz, and takes five minutes unless told otherwise. A file that gives neither a picture nor a PictureError, or
takes a second of this process, ends it and lies in runs/ as crash-.... Needs ``pip install -e ".[fuzz]"``. Coverage is
that of Python code: this project's and Pillow's plugins; Pillow's C code runs, but unseen. All options are libFuzzer's.
"""

import sys
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit('atheris is not installed: pip install -e ".[fuzz]"')

with atheris.instrument_imports(include=["PIL", "constrained.images"]):
    from constrained import images

from tests.test_images import assert_plain_rgb, originals, repaired


def one(data: bytes) -> None:
    """Raises for a file that is not dealt with as it should be."""
    start = time.process_time()
    try:
        picture = images.decode(data)
    except images.PictureError:
        pass
    else:
        assert_plain_rgb(picture)
    assert time.process_time() - start < 1


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """libFuzzer's own mutation; every second time with checksums that let it pass."""
    changed = atheris.Mutate(data, most)
    return repaired(changed)[:most] if seed % 2 else changed


if __name__ == "__main__":
    corpus = Path("runs", "fuzz")
    corpus.mkdir(parents=True, exist_ok=True)
    for kind, files in originals().items():
        for number, data in enumerate(files):
            Path(corpus, f"{kind}-{number}").write_bytes(data)
    options = ["-max_total_time=300", "-max_len=20000", "-timeout=10", "-rss_limit_mb=2048", "-artifact_prefix=runs/"]
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()
