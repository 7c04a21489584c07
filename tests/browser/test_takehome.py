"""What the Explore tab lets a visitor take home: files that stand alone and say the same as the screen and PyTorch."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page

from constrained import registry
from constrained.page.models import METHODS
from constrained.registry import PARAMETERS

from .driver import COLUMNS, FAMILIES, Explore, picture

pytestmark = pytest.mark.slow

OPENING = {key: p.default for key, p in PARAMETERS.items()}
MOVED = {
    "methods": METHODS | {"probability": "sparsemax"},
    "settings": OPENING | {"hi": 0.3, "temperature": 4.7, "lam": 0.123},
}
# Put values into tabs and their controls, as a link does.
ASSIGN = "(wanted) => share.put(wanted)"
TEXTS = """() => Array.from(document.querySelectorAll(
  'figure.column :is(svg text, .formula, .a-words, .badges span), #grid .controls h2'
), (e) => e.textContent).filter(Boolean)"""


def download(page: Page, name: str) -> tuple[str, bytes]:
    """Press one of the buttons; the file's name and content."""
    with page.expect_download() as told:
        page.get_by_role("button", name=name).click()
    with open(told.value.path(), "rb") as file:
        return told.value.suggested_filename, file.read()


def move(page: Page) -> None:
    """Pin A and move the controls."""
    page.evaluate("() => explore.pinA(explore.state)")
    page.evaluate(ASSIGN, {"explore": MOVED["methods"] | MOVED["settings"]})


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.fixture
def alone(browser, tmp_path):
    """A function that opens an SVG file with nothing around it, and gives the tab."""
    context = browser.new_context(viewport={"width": 1600, "height": 1200})

    def open_file(data: bytes) -> Page:
        file = tmp_path / "chart.svg"
        file.write_bytes(data)
        page = context.new_page()
        page.on("request", lambda request: request.url == file.as_uri() or pytest.fail(f"it asks for {request.url}"))
        page.goto(file.as_uri())
        return page

    yield open_file
    context.close()


# Colours of the first bar of each column, the values, the frames and the ground.
COLOURS = """() => [
  ...['raw', 'bounded', 'probability', 'regularised'].map((column) =>
    getComputedStyle(document.querySelector(`figure.${column} .bar:not(.dead)`)).fill),
  getComputedStyle(document.querySelector('.column .value')).fill,
  getComputedStyle(document.querySelector('.a-outline')).stroke,
  getComputedStyle(document.querySelector('#grid')).backgroundColor,
]"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chart(visited, alone, look, scheme):
    page = visited.page
    look(scheme)
    move(page)
    page.locator("#gradient input").check()
    page.wait_for_function("() => explore.state.gradients && !explore.state.stale")
    Explore(page).agree()
    visited.requests.clear()
    name, data = download(page, "Chart as SVG")
    assert name == "constrained-cifar10-cat-chart.svg"

    root = ET.fromstring(data)
    said = {plain("".join(e.itertext())) for e in root.iter("{http://www.w3.org/2000/svg}text")}
    missing = {plain(text) for text in page.evaluate(TEXTS)} - said
    assert not missing
    for words in ("B: Hard clamp [−2, 0.3]", "A: Hard clamp [−2, 1.5]", "B: Sparsemax, T = 4.7", "A: Softmax, T = 1"):
        assert words in said
    text = data.decode()
    assert not re.search(r"var\(|class=|<style|<script|href|tabindex", text)
    for colour in page.evaluate(COLOURS):
        assert colour in text

    tab = alone(data)
    assert tab.evaluate("() => document.documentElement.tagName") == "svg"
    shown = tab.evaluate("() => Array.from(document.querySelectorAll('text'), (e) => e.textContent)")
    assert {plain(text) for text in shown} == said
    width, height = int(root.get("width")), int(root.get("height"))
    outside = """([width, height]) => Array.from(document.querySelectorAll('text, rect[fill], path')).filter((e) => {
      const { left, top, right, bottom } = e.getBoundingClientRect();
      return left < 0 || top < 0 || right > width + 0.5 || bottom > height + 0.5;
    }).map((e) => e.outerHTML)"""
    assert tab.evaluate(outside, [width, height]) == []
    tab.set_viewport_size({"width": width, "height": height})
    drawn = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")

    name, data = download(page, "Chart as PNG")
    assert name == "constrained-cifar10-cat-chart.png"
    image = Image.open(io.BytesIO(data)).convert("RGB")
    assert image.size == (2 * width, 2 * height)
    assert len(image.getcolors(1 << 24)) > 100, "it is not blank"
    apart = np.abs(np.asarray(image.resize(drawn.size, Image.BOX), float) - np.asarray(drawn, float))
    assert apart.mean() < 3, "the picture is the drawing"
    assert apart.mean() < np.abs(np.asarray(drawn, float) - np.asarray(drawn, float)[0, 0]).mean() / 3
    assert visited.requests == []


def test_chart_of_a_phone_has_the_columns_side_by_side(explore, look):
    page = explore.page
    look("light", {"width": 360, "height": 740})
    explore.state()
    root = ET.fromstring(download(page, "Chart as SVG")[1])
    assert int(root.get("width")) > 1000
    said = [plain("".join(e.itertext())) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert said.count("automobile") == 4
    assert {"Hard clamp [−2, 1.5]", "Softmax, T = 1"} <= set(said)
    assert not any(text.startswith("A") and text != "A" and ":" in text for text in said), "nothing is pinned"


def dead(method: str, settings: dict[str, float], z: torch.Tensor) -> list[bool]:
    """Which logits no gradient reaches, by autograd."""
    jacobian = torch.autograd.functional.jacobian(registry.build(method, settings), z)
    return (jacobian == 0).all(0).tolist()


def test_numbers(visited, explore):
    page = visited.page
    move(page)
    explore.agree()
    page.evaluate(ASSIGN, {"explore": {"k": 3}})  # all classes are in the files, however many are shown
    state = explore.state()
    visited.requests.clear()
    name, data = download(page, "Numbers as JSON")
    assert name == "constrained-cifar10-cat-numbers.json"
    told = json.loads(data)
    assert (told["model"], told["image"], told["classes"]) == ("cifar10", "cat", state["labels"])
    assert told["logits"] == state["logits"]
    z = torch.tensor(told["logits"], dtype=torch.float64)
    sides = {"": (told, MOVED), "a_": (told["a"], {"methods": METHODS, "settings": OPENING})}
    for side, setting in sides.values():
        assert (side["methods"], side["settings"]) == (setting["methods"], setting["settings"])
        for family, method in side["methods"].items():
            expected = registry.build(method, side["settings"])(z)
            torch.testing.assert_close(
                torch.tensor(side["outputs"][family], dtype=torch.float64), expected, rtol=1e-12, atol=1e-15
            )
            assert side["no_gradient"][family] == dead(method, side["settings"], z)
    assert told["outputs"] == {family: state["outputs"][family]["y"] for family in FAMILIES}, "to the last digit"
    assert told["words"]["bounded"] == "Hard clamp [−2, 0.3]"

    name, data = download(page, "Numbers as CSV")
    assert name == "constrained-cifar10-cat-numbers.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [row["class"] for row in rows] == state["labels"]
    for i, row in enumerate(rows):
        assert float(row["raw"]) == told["logits"][i]
        assert (row["model"], row["image"]) == ("cifar10", "cat")
        for prefix, (side, _) in sides.items():
            for family in FAMILIES:
                assert float(row[prefix + family]) == side["outputs"][family][i]
                assert bool(int(row[f"{prefix}{family}_no_gradient"])) == side["no_gradient"][family][i]
                assert row[f"{prefix}{family}_method"] == side["methods"][family]
            for key, value in side["settings"].items():
                assert float(row[prefix + key]) == value
    assert visited.requests == []


def test_without_a_there_are_no_columns_for_it(explore):
    page = explore.page
    assert "a" not in json.loads(download(page, "Numbers as JSON")[1])
    assert not any(
        name.startswith("a_") for name in download(page, "Numbers as CSV")[1].decode().split("\r\n")[0].split(",")
    )


def test_a_visitors_own_picture_has_no_name(explore):
    page = explore.page
    before = explore.state()["logits"]
    explore.upload(picture((200, 30, 30)), "secret.png")
    explore.new_logits(before)
    name, data = download(page, "Numbers as JSON")
    assert name == "constrained-cifar10-your-picture-numbers.json"
    assert json.loads(data)["image"] == "your picture"
    assert b"secret" not in data
    name, data = download(page, "Chart as SVG")
    assert "your picture" in "".join(ET.fromstring(data).itertext())


def test_odd_labels(explore):
    """A head's class names come from a stranger."""
    page = explore.page
    labels = ['a, "b"', "=1+1", "<b>&amp;", "x\u0001y", "línea\nzwei"]
    page.evaluate(
        """(labels) => explore.receive(
          JSON.stringify({ kind: 'logits', model: 'odd/../model', image: null, labels, logits: [5, 4, 3, 2, 1] })
        )""",
        labels,
    )
    name, data = download(page, "Numbers as CSV")
    assert name == "constrained-odd-..-model-your-picture-numbers.csv"
    read = [row["class"] for row in csv.DictReader(io.StringIO(data.decode(), newline=""))]
    assert read == [labels[0], "'=1+1", *labels[2:]], "no formula for a spreadsheet"
    assert json.loads(download(page, "Numbers as JSON")[1])["classes"] == labels
    said = "".join(ET.fromstring(download(page, "Chart as SVG")[1]).itertext())
    assert "<b>&amp;" in said
    assert "xy" in said
    assert len(COLUMNS) == sum(
        f">{title}<" in download(page, "Chart as SVG")[1].decode() for title in ("Raw", *FAMILIES.values())
    )
