"""The documents: every Markdown file of the project but the lessons, which are a part of the page."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
_OTHERS = {"node_modules", "venv", "lessons", "build", "runs"}  # of these folders, and of those that begin with a dot


def _found(folder: Path) -> list[Path]:
    documents = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _OTHERS and not name.startswith("."))
        documents += [Path(place, name) for name in sorted(names) if name.endswith(".md")]
    return documents


DOCUMENTS = _found(ROOT)
