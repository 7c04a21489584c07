"""Where the tables of the benchmarks go."""

import re

import pytest

from tests.benchmarks.__main__ import MODULES, holder, placed
from tests.documents import DOCUMENTS

TEXT = "# A\n\n<!-- table one -->\n\nold\n\n<!-- end one -->\n\nB\n\n<!-- table two -->\n<!-- end two -->\nC\n"


def test_a_table_replaces_what_is_between_its_marks_and_nothing_else():
    once = placed(TEXT, "one", "| new |\n")
    assert once == TEXT.replace("old", "| new |")
    assert placed(once, "one", "| new |") == once
    assert placed(TEXT, "two", "x") == TEXT.replace("-->\n<!-- end two", "-->\n\nx\n\n<!-- end two")


@pytest.mark.parametrize("mark", ["<!-- table one -->", "<!-- end one -->"])
def test_a_missing_mark_is_named(mark):
    with pytest.raises(ValueError, match=mark):
        placed(TEXT.replace(mark, ""), "one", "x")


def test_marks_in_the_wrong_order_are_an_error():
    with pytest.raises(ValueError, match="<!-- end one -->"):
        placed("<!-- end one -->\n<!-- table one -->", "one", "x")


def test_every_mark_in_the_documents_is_that_of_a_benchmark():
    names = [name for path in DOCUMENTS for name in re.findall(r"^<!-- table (\S+) -->", path.read_text("utf-8"), re.M)]
    assert names
    assert set(names) <= set(MODULES)
    for name in names:
        placed(holder(name).read_text("utf-8"), name, "x")


def test_every_benchmark_has_a_place_for_its_table():
    for name in MODULES:
        holder(name)


@pytest.mark.parametrize("documents", [[], ["a.md", "b.md"]])
def test_a_table_is_in_one_document(tmp_path, documents):
    paths = [tmp_path / name for name in documents]
    for path in paths:
        path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(ValueError, match=f"<!-- table one --> is in {len(paths)} documents"):
        holder("one", paths)
