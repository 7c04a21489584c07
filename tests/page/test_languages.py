"""The catalogues of the page's languages: whole, without leftovers, and true to what their English has filled in."""

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from constrained import calibration, registry, training
from constrained.models import CHECKPOINTS
from constrained.page import languages
from constrained.page import layout as ui
from constrained.page.tabs import calibrate

ROOT = Path(__file__).parents[2]
CATALOGUES = languages.read()
CALL = re.compile(r"(?<![\w.$])(?:page\.)?(?:t|label|phrase|called)\(\s*(\"(?:[^\"\\]|\\.)*\")")


def python_texts() -> set[str]:
    """What the modules of the page translate: texts as they stand there, and those that a module gives a name."""
    texts = set()
    for path in (ROOT / "constrained" / "page").rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in module.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(module):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in ("t", "said", "phrase"):
                text = node.args[0]
                text = constants.get(text.id) if isinstance(text, ast.Name) else text
                if isinstance(text, ast.Constant):
                    texts.add(text.value)
    return texts


def script_texts() -> set[str]:
    """The same of the browser's scripts."""
    scripts = [path.read_text(encoding="utf-8") for path in (ROOT / "assets" / "web").rglob("*.js")]
    return {json.loads(found) for script in scripts for found in CALL.findall(script)}


def table_texts() -> set[str]:
    """What is translated from tables that know nothing of languages."""
    entries = registry.REGISTRY.values()
    checkpoints = [checkpoint() for checkpoint in CHECKPOINTS.values()]
    return {
        *(entry.title for entry in entries),
        *(entry.help for entry in entries),
        *registry.FAMILIES.values(),
        *(parameter.name for parameter in (registry.PARAMETERS | training.PARAMETERS).values()),
        *calibration.EDGES.values(),
        *(checkpoint.title for checkpoint in checkpoints),
        *(checkpoint.sees for checkpoint in checkpoints),
        calibrate.BUNDLED,
    }


@functools.cache
def page_texts() -> set[str]:
    """The keys that the page's components have."""
    found = strings(ui.demo().get_config_file()["components"])
    return {key_of(text) for text in found if "__i18n__" in text}


def made() -> set[str]:
    """Texts that are put together in each language."""
    page_texts()
    return languages.catalogues()["en"].keys() - CATALOGUES["de"].keys()


def key_of(text: str) -> str:
    """The key in what `languages.t` writes, read as the frontend does: to the first closing brace."""
    assert text.startswith("__i18n__")
    return json.loads(text[len("__i18n__") : text.index("}") + 1])["key"]


def strings(value: object) -> Iterator[str]:
    """All strings in lists and dictionaries."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)


def names(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def test_there_are_three_languages_beside_english():
    assert len(CATALOGUES) >= 3
    assert "en" not in CATALOGUES


@pytest.mark.parametrize("code", CATALOGUES)
def test_every_text_is_translated_and_nothing_else(code):
    used = python_texts() | script_texts() | table_texts() | (page_texts() - made())
    assert len(used) > 300
    assert used - CATALOGUES[code].keys() == set(), "no translation"
    assert CATALOGUES[code].keys() - used == set(), "used nowhere"


@pytest.mark.parametrize("code", CATALOGUES)
def test_translations_fill_in_the_same(code):
    for text, translation in CATALOGUES[code].items():
        assert translation.strip(), text
        assert names(text) == names(translation), text


def test_gradio_has_the_languages():
    """The browser's code of gradio chooses among its own languages alone, and takes no notice of another file."""
    scripts = (Path(gr.__file__).parent / "templates" / "frontend" / "assets").glob("*.js")
    known = {name for path in scripts for name in re.findall(r"lang/([\w-]+)\.json", path.read_text(encoding="utf-8"))}
    assert {*CATALOGUES} <= known
    assert {len(code) for code in CATALOGUES} == {2}  # base/i18n.js goes by the first part of the document's language


@pytest.mark.parametrize("code", CATALOGUES)
def test_few_texts_stay_as_they_are(code):
    """What does is a name or a symbol, and short."""
    same = [text for text, translation in CATALOGUES[code].items() if text == translation]
    assert len(same) < 0.1 * len(CATALOGUES[code])
    assert max(map(len, same)) < 25


def test_every_marker_on_the_page_has_a_translation():
    keys = page_texts()
    catalogues = languages.catalogues()
    assert catalogues["en"].keys() == catalogues["de"].keys()
    assert all(key == text for key, text in catalogues["en"].items())
    assert len(keys) > 80
    for code, texts in catalogues.items():
        assert keys - texts.keys() == set(), code
        assert not [text for key, text in texts.items() if key in keys and "{" in text], "gradio fills nothing in"


def test_what_is_filled_in_is_translated_as_well():
    key = key_of(languages.t("{family}: {title}", family="Bounded", title="Hard clamp"))
    assert key == "Bounded: Hard clamp"
    catalogues = languages.catalogues()
    german = catalogues["de"]
    assert german[key] == f"{german['Bounded']}: {german['Hard clamp']}"
    assert key_of(languages.t("{symbol}, value", symbol="λ")) == "λ, value"
    assert languages.catalogues()["de"]["λ, value"] == "λ, Wert"


def test_what_is_said_is_no_markup():
    text = languages.said("The script {name}", name='<img src=x onerror="1">')
    assert "<img" not in text
    assert text.startswith('<span data-t="The script {name}" data-values=')


def test_no_text_is_hidden_behind_a_word_of_gradios_own():
    """gradio's catalogues have groups at their top, such as "image"; a text of that name would be one of them."""
    folder = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    (own,) = (path for path in folder.glob("de-*.js"))
    groups = set(re.findall(r"[{,]\"?(\w+)\"?:\w", own.read_text(encoding="utf-8").rpartition("_name:e")[2]))
    assert {"image", "label", "common"} <= groups
    assert not groups & CATALOGUES["de"].keys()
