"""One scale for all columns of logits, an axis that follows its bars, and what the page opens with."""

import itertools
from xml.etree import ElementTree

import pytest

from constrained import registry

from .conftest import WIDE

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
LOGITS = ("raw", "bounded", "regularised")
# Of each column that is seen: px of the plot's bars and numbers, texts and places of the ticks, names of bounds.
COLUMNS = """() => Object.fromEntries(['raw', 'bounded', 'probability', 'regularised'].map((column) => {
  const figure = document.querySelector(`figure.${column}`);
  const box = (node) => node.getBoundingClientRect();
  const around = box(figure.querySelector('svg'));
  const ticks = [...figure.querySelectorAll('.axis text')].map((t) => [t.textContent, box(t).left, box(t).right]);
  const rows = [...figure.querySelectorAll('g[data-class]')].map((row) => [
    Number(row.dataset.class), row.querySelector('.value').textContent, box(row.querySelector('.bar')).width]);
  const bounds = [...figure.querySelectorAll('.bounds text')].map((text) => text.textContent);
  return [column, { ticks, rows, bounds, left: around.left, right: around.right, seen: around.width > 0 }];
}))"""
WIDTHS = [360, 1280, 2560, *(pytest.param(width, marks=pytest.mark.slow) for width in (390, 768, 1000, 1366, 1920))]


def number(text: str) -> float:
    return float(text.replace("−", "-").rstrip("%"))


def one_scale(explore) -> None:
    """All bars of logits have one length a unit, and every axis three ticks that do not touch."""
    state, found = explore.state(), explore.page.evaluate(COLUMNS)
    scales = []
    for column in LOGITS:
        values = state["logits"] if column == "raw" else state["outputs"][column]["y"]
        low, high = state["axes"]["logit"]
        for index, _, width in found[column]["rows"]:
            value = values[index]
            assert low <= value <= high
            if abs(value) > 0.5:
                scales.append(width / abs(value))
    assert max(scales) / min(scales) < 1.01
    for column, seen in found.items():
        ticks = seen["ticks"]
        assert len(ticks) >= 3, column
        for (_, _, right), (_, left, _) in itertools.pairwise(ticks):
            assert left > right, f"{column}: {[text for text, _, _ in ticks]}"
        middles = [(left + right) / 2 for _, left, right in ticks]
        unit = (middles[-1] - middles[0]) / (number(ticks[-1][0]) - number(ticks[0][0]))
        if column != "probability":
            assert unit == pytest.approx(scales[0], rel=0.03), "the ticks measure the bars"


@pytest.mark.parametrize("width", WIDTHS)
def test_one_number_is_one_length_at_every_width(explore, width):
    page = explore.page
    page.set_viewport_size({"width": width, "height": 900})
    try:
        for lo, hi in ((-2, 1.5), (-20, 20), (-7, -3)):
            explore.type("lo", lo)
            explore.type("hi", hi)
            explore.agree()
            page.wait_for_timeout(300)  # until the axis has settled
            one_scale(explore)
    finally:
        page.set_viewport_size(WIDE)


@pytest.mark.slow
def test_one_scale_in_present_mode(explore):
    page = explore.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    try:
        page.get_by_role("button", name="Present").click()
        page.wait_for_selector(".present-bar")
        page.wait_for_timeout(500)
        one_scale(explore)
    finally:
        page.get_by_role("button", name="Leave").click()
        page.set_viewport_size(WIDE)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
def test_one_scale_in_the_picture_that_is_taken_home(explore, width):
    page = explore.page
    page.set_viewport_size({"width": width, "height": 900})
    try:
        with page.expect_download() as download:
            page.get_by_role("button", name="Chart as SVG").click()
        text = download.value.path().read_text(encoding="utf-8")
    finally:
        page.set_viewport_size(WIDE)
    state = explore.state()
    best = state["order"][0]
    wanted = [state["logits"][best], *(state["outputs"][f]["y"][best] for f in ("bounded", "regularised"))]
    columns = [g for g in ElementTree.fromstring(text).findall(f"{SVG}g") if g.get("font-family")]
    assert len(columns) == 4
    lengths = []
    for column in (columns[0], columns[1], columns[3]):
        first = next(row for row in column.iter(f"{SVG}g") if row.get("transform", "").startswith("translate(0 15"))
        lengths.append(next(float(bar.get("width")) for bar in first.findall(f"{SVG}rect") if bar.get("y") == "5"))
    assert [length / lengths[0] for length in lengths] == pytest.approx([v / wanted[0] for v in wanted], rel=0.02)


def test_bounds_off_the_axis_are_named_at_its_edge(explore):
    explore.type("lo", -20)
    explore.type("hi", 20)
    explore.agree()
    assert explore.page.evaluate(COLUMNS)["raw"]["bounds"] == ["◂ lo", "hi ▸"]
    explore.type("hi", 2)
    explore.agree()
    assert explore.page.evaluate(COLUMNS)["raw"]["bounds"] == ["hi", "◂ lo"]


def test_the_axis_follows_a_bar_that_would_leave_it_and_comes_back(explore):
    opened = explore.state()["axes"]["logit"]
    explore.type("hi", 18)
    explore.type("lo", 12)
    explore.page.wait_for_function("() => explore.state.axes.logit[1] > 12")
    one_scale(explore)
    assert explore.state()["axes"]["probability"] == [0, 1]
    explore.type("lo", -2)
    explore.page.wait_for_function("(axis) => explore.state.axes.logit.join() === axis.join()", arg=opened)


def test_the_axis_does_not_jump_while_a_slider_is_dragged(explore):
    """It may grow with the bars; it gives nothing up before the slider is let go."""
    page = explore.page
    explore.method("project_simplex")
    explore.grab("radius")
    seen = []
    for share in (0.6, 0.75, 0.9, 1.0, 0.8, 0.5, 0.3, 0.2):
        explore.drag_to("radius", share)
        page.wait_for_timeout(300)  # longer than it takes to settle, with the pointer down
        seen.append(page.evaluate("() => explore.state.axes.logit"))
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(seen)), "it only grows"
    assert seen[3][1] > seen[0][1], "and it does grow"
    page.mouse.up()
    page.wait_for_function("(axis) => explore.state.axes.logit[1] < axis[1]", arg=seen[-1])


def test_what_opens_shows_its_point(explore):
    """By the shipped weights: the winner is cut and ties, its bar is hatched, and the badges say so."""
    state = explore.state()
    first, second = state["order"][:2]
    hi = registry.HI.default
    assert state["settings"]["hi"] == hi
    assert state["logits"][first] > state["logits"][second] > hi
    assert state["outputs"]["bounded"]["dead"][first]
    badges = explore.page.locator("figure.bounded .badges li")
    assert "top-1 tied: 2 of 10 at" in badges.nth(0).inner_text()
    assert explore.page.locator("figure.bounded g[data-class] .bar.dead").count() >= 2
