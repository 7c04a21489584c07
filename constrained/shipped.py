"""The files that come with the page and are read while it runs: whether each is what it was when it was shipped.

Their SHA-256 stand in ``assets/SHA256SUMS``, one line a file, as sha256sum writes and checks them. Git may give text
other line ends on Windows, so those do not count. After a change that is meant:

    python -m constrained.shipped
"""

import contextlib
import functools
import re
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUMS = ROOT / "assets" / "SHA256SUMS"
FILES = (
    *(
        "assets/web/**/*.js",
        "assets/styles/*.css",
        "assets/languages/*.json",
        "assets/lessons/*.md",
        "assets/samples/*.jpg",
    ),
    *("checkpoints/*.json", "checkpoints/*.safetensors"),
)
TEXT = {".js", ".css", ".json", ".md"}


class DamagedError(RuntimeError):
    """A file that comes with the page cannot be used; the message is for a person and says what to do."""


def sentence(path: Path) -> str:
    """What is wrong with a file and what to do about it."""
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    if not path.exists():
        return f"{name} is missing: restore it with git checkout {name}, or install the project again."
    return (
        f"{name} is damaged or has been edited: restore it with git checkout {name}, or, if the edit is intended, "
        "run python -m constrained.shipped."
    )


def digest(path: Path) -> str:
    """The SHA-256 of a file, of text without carriage returns."""
    data = path.read_bytes()
    return sha256(data.replace(b"\r\n", b"\n") if path.suffix in TEXT else data).hexdigest()


@functools.cache
def sums() -> dict[Path, str]:
    """Every file that was shipped, with its SHA-256.

    Raises:
        DamagedError: if the list itself cannot be read.
    """
    found = {}
    for line in text(SUMS).splitlines():
        entry = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        if not entry:
            raise DamagedError(sentence(SUMS))
        found[ROOT / entry[2]] = entry[1]
    return found


def intact(path: Path) -> bool:
    """Whether a file is as it was shipped, as far as that can be told: one that was not shipped counts as intact."""
    try:
        return sums().get(path) in (None, digest(path))
    except OSError:
        return False
    except DamagedError:
        return True


def damaged() -> list[str]:
    """A sentence about each file that is missing or not as it was shipped. Takes 40 ms for all 33 MB (measured)."""
    try:
        shipped = sums()
    except DamagedError as error:
        return [str(error)]
    return [sentence(path) for path in shipped if not intact(path)]


def within(folder: Path, ending: str) -> list[Path]:
    """Files with that ending in a folder and those below: those that are there, and those that should be."""
    found = set(folder.rglob(f"*{ending}"))
    with contextlib.suppress(DamagedError):
        found |= {path for path in sums() if path.is_relative_to(folder) and path.suffix == ending}
    return sorted(found)


def text(path: Path) -> str:
    """What a text file says.

    Raises:
        DamagedError: if it is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedError(sentence(path)) from error


def listing() -> str:
    """What `SUMS` has to say about the files that are there."""
    files = sorted(path for pattern in FILES for path in ROOT.glob(pattern))
    return "".join(f"{digest(path)}  {path.relative_to(ROOT).as_posix()}\n" for path in files)


if __name__ == "__main__":
    SUMS.write_text(listing(), encoding="utf-8", newline="\n")
