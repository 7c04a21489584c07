"""The README's pictures show the bundled weights, and nothing else is shown there."""

import json
import re
from pathlib import Path

import PIL.Image

from constrained import checkpoints
from tests.pictures import PICTURES, SHOWN

ROOT = Path(__file__).parent.parent


def test_the_pictures_are_of_the_bundled_weights():
    shown = json.loads(SHOWN.read_text(encoding="utf-8"))
    assert shown["weights"] == checkpoints.facts()["sha256"], "make them anew: python -m tests.pictures"
    assert shown["pictures"] == list(PICTURES)


def test_the_readme_shows_these_and_no_others():
    named = re.findall(r"!\[[^\]]+\]\((\S+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(f"assets/{name}" for name in PICTURES)
    for name in named:
        with PIL.Image.open(ROOT / name) as picture:
            assert picture.width == 1440
