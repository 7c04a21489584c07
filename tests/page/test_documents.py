"""The documents lead where they say."""

import re
from pathlib import Path

import pytest

from tests.documents import DOCUMENTS, ROOT

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile("NAME|CODE|NN")


def prose(path: Path) -> str:
    """What a document says outside of its blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The names that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.relative_to(ROOT).as_posix() for path in DOCUMENTS])
def test_every_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^()\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue  # another site
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.is_relative_to(ROOT), target
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_document_is_reached_from_the_readme():
    linked = {
        (ROOT / target.partition("#")[0]).resolve() for target in re.findall(r"\]\((\S+?)\)", prose(ROOT / "README.md"))
    }
    assert {path for path in DOCUMENTS if path != ROOT / "README.md"} <= linked


def test_every_file_that_the_layout_names_is_there():
    """In the code spans of CONTRIBUTING.md, names with a folder are paths of the repository."""
    for span in re.findall(r"`([^`\s]+)`", prose(ROOT / "CONTRIBUTING.md")):
        if re.fullmatch(r"(constrained|assets|tests|checkpoints)/[\w./-]+", span) and not PLACEHOLDER.search(span):
            assert (ROOT / span).exists(), span


def test_every_test_that_is_named_is_there():
    """The list of gradio's internals says which test fails when one changes."""
    spans = set(re.findall(r"`([^`\s]+)`", prose(ROOT / "CONTRIBUTING.md")))
    files = {span for span in spans if re.fullmatch(r"(library|page|browser)/test_\w+\.py", span)}
    names = {span for span in spans if re.fullmatch(r"test_\w+", span)}
    assert len(files) > 5
    assert len(names) > 20
    tests = "".join((ROOT / "tests" / file).read_text(encoding="utf-8") for file in files)
    assert names <= set(re.findall(r"^(?:async )?def (test_\w+)", tests, re.MULTILINE))
