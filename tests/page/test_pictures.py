"""The documents' pictures show the bundled weights, and nothing else is shown there."""

import json
import re
from pathlib import Path

import PIL.Image

from constrained.models import cifar10
from tests.documents import DOCUMENTS
from tests.pictures import PICTURES, SHOWN

ROOT = Path(__file__).parents[2]


def test_the_pictures_are_of_the_bundled_weights():
    shown = json.loads(SHOWN.read_text(encoding="utf-8"))
    assert shown["weights"] == cifar10.facts()["sha256"], "make them anew: python -m tests.pictures"
    assert shown["pictures"] == list(PICTURES)


def test_the_documents_show_these_and_no_others():
    named = [
        document.parent / name
        for document in DOCUMENTS
        for name in re.findall(r"!\[[^\]]+\]\((\S+)\)", document.read_text(encoding="utf-8"))
    ]
    assert sorted(named) == sorted(ROOT / "assets" / name for name in PICTURES)
    for path in named:
        with PIL.Image.open(path) as picture:
            assert picture.width == 1440
