"""The style sheets: which there are, in which order, and what they must not name."""

import re

import pytest

from constrained import registry, shipped, training
from constrained.page import layout
from constrained.page.server import web

SHEETS = {name: shipped.text(web.STYLES / f"{name}.css") for name in web.SHEETS}


def test_every_sheet_is_in_the_page_in_order():
    assert sorted(f"{name}.css" for name in web.SHEETS) == sorted(path.name for path in web.STYLES.iterdir())
    assert web.SHEETS[:2] == ("tokens", "base")  # what all others build upon
    assert f"<style>{''.join(SHEETS.values())}</style>" in web.head(layout.facts())


def test_breakpoints_are_the_named_ones():
    named = set(re.findall(r"^ +(\d+)px  ", SHEETS["tokens"], re.MULTILINE))
    queries = [query for sheet in SHEETS.values() for query in re.findall(r"@media ([^{]*)", sheet)]
    assert {size for query in queries for size in re.findall(r"\d+", query)} == named


@pytest.mark.parametrize("name", [name for name in web.SHEETS if name != "tokens"])
def test_no_sheet_lists_parameters_or_families(name):
    """Which sliders a constraint has is in the registry; what a family looks like is in tokens.css, once."""
    rules = re.sub(r"/\*.*?\*/", "", SHEETS[name], flags=re.DOTALL)
    words = {word for selector in re.findall(r"([^{};]+)\{", rules) for word in re.findall(r"[a-z]+", selector)}
    assert not words & {*registry.FAMILIES, *registry.PARAMETERS, *training.PARAMETERS}


@pytest.mark.parametrize("family", registry.FAMILIES)
def test_every_family_has_its_looks(family):
    (block,) = re.findall(rf"\n#controls-{family} \{{(.*?)\}}", SHEETS["tokens"], re.DOTALL)
    assert set(re.findall(r"(--[a-z-]+):", block)) == {"--own", "--own-text", "--hatch", "--place"}
    for theme in re.findall(r"^(?::root|\.dark) \{(.*?)\}", SHEETS["tokens"], re.DOTALL | re.MULTILINE)[:2]:
        assert {f"--{family}", f"--{family}-text"} <= set(re.findall(r"(--[a-z-]+):", theme))
