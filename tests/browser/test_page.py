"""The page in a browser: every control by mouse and by keyboard, and every number on screen against PyTorch."""

import base64
import math
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from constrained import images, registry
from constrained.page import formats
from constrained.page.pictures import FIRST_SAMPLE, SAMPLES
from constrained.page.server.inference import network
from constrained.registry import PARAMETERS

from .driver import COLUMNS, FAMILIES, FAMILY_OF, Explore, honest, load, picture, reading, serious

SETTLED = 600  # ms, longer than a control takes to count as settled


def logits_of(data: bytes) -> list[float]:
    """What the network says to a file, past the page."""
    return network("cifar10").logits(images.decode(data)).tolist()


CRAFT = """(logits) => explore.receive(
  JSON.stringify({ kind: 'logits', model: 'crafted', labels: logits.map((_, i) => `class ${i}`), logits })
)"""


# Opening ------------------------------------------------------------------------------------------------------------


def test_opens_with_a_full_chart(explore, visited):
    state = explore.agree()
    assert state["logits"] == pytest.approx(logits_of(FIRST_SAMPLE.read_bytes()), abs=2e-6)
    for column in COLUMNS:
        assert len(explore.rows(column)) == 10
        assert explore.badges(column)[0].startswith("top-1")
    assert [row["label"] for row in explore.rows("raw")] == [state["labels"][i] for i in state["order"]]
    assert explore.notice() == ""
    expect(visited.page.locator("#samples button img")).to_have_count(len(SAMPLES))
    expect(visited.page.locator("#seen img").first).to_be_visible()  # what the network sees
    assert len(SAMPLES) >= 6


def test_controls_show_what_the_chart_uses(explore):
    settings = explore.state()["settings"]
    for key in ("lo", "hi", "temperature", "lam"):
        assert explore.boxed(key) == settings[key] == PARAMETERS[key].default


# Pictures -----------------------------------------------------------------------------------------------------------


def test_upload_by_file_chooser(explore, visited):
    page, before = visited.page, explore.state()["logits"]
    page.locator("#picture").get_by_role("button", name="Remove Image").click()
    with page.expect_file_chooser() as chooser:
        page.locator("#picture button[aria-dropeffect]").click()
    data = picture((200, 30, 30))
    chooser.value.set_files({"name": "red.png", "mimeType": "image/png", "buffer": data})
    assert explore.new_logits(before) == pytest.approx(logits_of(data), abs=2e-6)
    explore.agree()


def drop(page, path: Path, onto: str) -> None:
    """As a hand does, from outside of the browser: what is dropped is gone once its events are over."""
    box, session = page.locator(onto).bounding_box(), page.context.new_cdp_session(page)
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    carried = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": carried})
    session.detach()


def test_drop_onto_the_picture(explore, visited, tmp_path):
    """Onto the box as it opens, and onto a picture of one's own: gradio would clear the old one, and lose the new."""
    for colour in ((30, 200, 30), (200, 30, 30)):
        before, data = explore.state()["logits"], picture(colour)
        path = tmp_path / "own.png"
        path.write_bytes(data)
        drop(visited.page, path, "#picture")
        assert explore.new_logits(before) == pytest.approx(logits_of(data), abs=2e-6)
        expect(visited.page.locator("#picture img").first).to_be_visible()


def test_what_is_dropped_beside_the_boxes_does_not_take_the_page_away(explore, visited, tmp_path):
    path = tmp_path / "own.png"
    path.write_bytes(picture((30, 200, 30)))
    address, tabs, before = visited.page.url, len(visited.page.context.pages), explore.state()["logits"]
    drop(visited.page, path, "#header")
    visited.page.wait_for_timeout(500)
    assert (visited.page.url, len(visited.page.context.pages)) == (address, tabs)
    assert explore.state()["logits"] == before


def test_the_upload_icon_opens_a_chooser_and_leaves_the_picture(explore, visited, tmp_path):
    page, before, data = visited.page, explore.state()["logits"], picture((30, 30, 200))
    icon, shown = page.get_by_role("button", name="Upload file"), page.locator("#picture img[src]").first
    for _ in range(2):  # a second click as well
        with page.expect_file_chooser() as chooser:
            icon.click()
        expect(shown).to_be_visible()
    path = tmp_path / "own.png"
    path.write_bytes(data)
    chooser.value.set_files(path)
    assert explore.new_logits(before) == pytest.approx(logits_of(data), abs=2e-6)


COPY = """(text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) })]);
}"""


@pytest.mark.parametrize("way", ["button", "keyboard", "keyboard after the button"])
def test_paste(explore, visited, way):
    before, data = explore.state()["logits"], picture((30, 30, 200))
    if way == "keyboard after the button":  # which finds no picture, and leaves gradio's box without a place for one
        visited.page.evaluate("() => navigator.clipboard.writeText('no picture')")
        visited.page.locator("#picture").get_by_role("button", name="Paste from clipboard").click()
        expect(visited.page.locator("#picture input[type=file]")).to_have_count(0)
    visited.page.evaluate(COPY, base64.b64encode(data).decode())
    if way == "button":
        visited.page.locator("#picture").get_by_role("button", name="Paste from clipboard").click()
    else:
        visited.page.locator("#title").click()
        visited.page.keyboard.press("ControlOrMeta+v")
    assert explore.new_logits(before) == pytest.approx(logits_of(data), abs=2e-6)


def test_samples_by_mouse_and_keyboard(explore, visited):
    thumbnails, last = visited.page.locator("#samples button"), len(SAMPLES) - 1
    before = explore.state()["logits"]
    thumbnails.nth(0).click()
    before = explore.new_logits(before)
    assert before == pytest.approx(logits_of(SAMPLES[0].read_bytes()), abs=2e-6)
    thumbnails.nth(last).focus()
    visited.page.keyboard.press("Enter")
    assert explore.new_logits(before) == pytest.approx(logits_of(SAMPLES[last].read_bytes()), abs=2e-6)
    explore.agree()


def test_samples_clicked_fast(explore, visited):
    """Faster than the network answers: the last one wins, and the picture shown is the one whose logits are shown."""
    for at in (0, 1, 2, 4):
        visited.page.locator("#samples button").nth(at).evaluate("(button) => button.click()")
    expect(visited.page.locator("#picture img")).to_have_attribute("src", re.compile(SAMPLES[4].name))
    visited.page.wait_for_timeout(SETTLED)
    assert SAMPLES[4].name in visited.page.locator("#picture img").get_attribute("src")
    assert explore.state()["logits"] == pytest.approx(logits_of(SAMPLES[4].read_bytes()), abs=2e-6)


# Sliders ------------------------------------------------------------------------------------------------------------

DRAGS = {"lo": (0.5, 0.52), "hi": (0.49, 0.46), "temperature": (0.8, 0.2), "lam": (0.9, 0.3), "radius": (0.1, 0.25)}


@pytest.fixture
def ready(explore):
    """Makes a parameter's slider visible."""

    def ready(key: str) -> str:
        if key == "radius":
            explore.method("project_l2_ball")
        return FAMILY_OF[key]

    return ready


@pytest.mark.parametrize("key", DRAGS)
def test_slider_by_mouse(explore, ready, key):
    family = ready(key)
    opened = explore.state()
    seen = [explore.texts(family)]
    explore.grab(key)
    for share in DRAGS[key]:
        explore.drag_to(key, share)
        state = explore.agree()
        assert state["axes"] == opened["axes"], "axes stay put while a slider moves"
        assert explore.boxed(key) == pytest.approx(state["settings"][key])
        seen.append(explore.texts(family))
    explore.drop()
    assert len({tuple(texts) for texts in seen}) == 3, "the column follows the mouse"
    p, value = PARAMETERS[key], explore.state()["settings"][key]
    share = DRAGS[key][-1]
    wanted = p.low * (p.high / p.low) ** share if p.scale == "log" else p.low + share * (p.high - p.low)
    assert value == pytest.approx(wanted, rel=0.25, abs=0.5)
    others = [column for column in COLUMNS if column != family]
    assert all(explore.state()["outputs"][f] == opened["outputs"][f] for f in others if f != "raw")


# Slider events to those that were not drawn at once, and to the setting after each and then frame by frame.
FAST = """async ([key, values]) => {
  const range = document.querySelector(`#explore-${key}-slider input[type=range]`);
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const widths = () => [...document.querySelectorAll('#chart .bar')].map((bar) => bar.getAttribute('width')).join();
  const frame = () => new Promise(requestAnimationFrame);
  const seen = [], late = [];
  for (const value of values) {
    await frame();
    const before = widths();
    set.call(range, String(value));
    range.dispatchEvent(new Event('input', { bubbles: true }));
    if (widths() === before) late.push(value);
    for (let i = 0; i < 2; i++) {
      seen.push(explore.state.settings[key]);
      await new Promise((done) => setTimeout(done));
    }
  }
  for (let i = 0; i < 20; i++) {
    await frame();
    seen.push(explore.state.settings[key]);
  }
  return { seen, late };
}"""


@pytest.mark.parametrize(("key", "values"), [("temperature", range(60, 90)), ("lo", [v / 10 for v in range(-19, 11)])])
def test_a_drag_is_drawn_at_once_and_never_steps_back(explore, key, values):
    told = explore.page.evaluate(FAST, [key, list(values)])
    assert told["late"] == []
    assert told["seen"] == sorted(told["seen"])
    explore.page.wait_for_timeout(100)
    explore.agree()


@pytest.mark.parametrize("key", DRAGS)
def test_slider_by_keyboard(explore, ready, visited, key):
    family = ready(key)
    p, slider = PARAMETERS[key], explore.slider(key)
    opened = explore.state()
    slider.focus()
    visited.page.keyboard.press("End")
    highest = explore.agree()
    assert highest["settings"][key] == pytest.approx(p.high)
    visited.page.keyboard.press("ArrowLeft")
    assert explore.agree()["settings"][key] < p.high
    visited.page.keyboard.press("Home")
    lowest = explore.agree()
    assert lowest["settings"][key] == pytest.approx(0 if p.zero else p.low)
    low, high = lowest["axes"]["logit"]
    assert all(low <= y <= high for y in lowest["outputs"]["bounded"]["y"])
    assert lowest["axes"]["probability"] == opened["axes"]["probability"]
    assert explore.boxed(key) == pytest.approx(lowest["settings"][key])
    assert lowest["rows"][family] != highest["rows"][family]
    expect(slider).to_be_focused()


def test_the_left_end_of_lambda_is_off(explore):
    explore.slider("lam").focus()
    explore.page.keyboard.press("Home")
    state = explore.agree()
    assert state["settings"]["lam"] == 0
    assert state["outputs"]["regularised"]["y"] == state["logits"]


@pytest.mark.slow
def test_number_boxes(explore, ready):
    typed = [("lo", 0.4), ("hi", 0.7), ("temperature", 2.5), ("lam", 0.07), ("lam", 0), ("radius", 0.35)]
    for key, value in typed:
        family = ready(key)
        shown = explore.texts(family)
        explore.type(key, value)
        state = explore.agree()
        assert state["settings"][key] == value
        assert explore.texts(family) != shown
        p, at = PARAMETERS[key], float(explore.slider(key).input_value())
        if p.scale == "linear":
            assert at == pytest.approx(value)
        else:
            share = 0 if value == 0 else math.log(value / p.low) / math.log(p.high / p.low)
            assert at == pytest.approx(100 * share, abs=0.51), "the slider goes along"


@pytest.mark.parametrize("key", ["lo", "temperature", "lam", "radius"])
def test_a_number_out_of_range(explore, ready, key):
    """The chart stays within the range, and the box does not go on to claim another number."""
    ready(key)
    p = PARAMETERS[key]
    for typed in ("1e9", "-1e9"):
        explore.type(key, typed)
        used = explore.agree()["settings"][key]
        assert (0 if p.zero else p.low) <= used <= p.high
        assert explore.boxed(key) == pytest.approx(used), "what the box says is what the chart uses"


@pytest.mark.parametrize("key", ["lo", "temperature"])
def test_an_emptied_box_changes_nothing(explore, key):
    before = explore.state()["settings"]
    box = explore.box(key)
    box.click()
    box.press("ControlOrMeta+a")
    box.press("Delete")
    assert explore.agree()["settings"] == before
    box.blur()
    settings = explore.agree()["settings"]
    assert explore.boxed(key) == settings[key], "what the box says is what the chart uses"


def test_bounds_cannot_cross(explore):
    explore.slider("lo").focus()
    explore.page.keyboard.press("End")
    assert explore.agree()["settings"]["hi"] == 20
    assert (explore.boxed("lo"), explore.boxed("hi")) == (20, 20)
    assert explore.slider("hi").input_value() == "20"
    explore.slider("hi").focus()
    explore.page.keyboard.press("Home")
    assert explore.agree()["settings"]["lo"] == -20
    assert (explore.boxed("lo"), explore.boxed("hi")) == (-20, -20)


def test_bounds_cannot_cross_when_typed(explore):
    explore.type("hi", -3.5)
    settings = explore.agree()["settings"]
    assert settings["lo"] <= settings["hi"] == -3.5
    assert explore.boxed("lo") == settings["lo"]


def test_typing_one_bound_leaves_the_other_alone(explore):
    """On the way to 12 there is a 1, and before it nothing: neither may take the lower bound along."""
    explore.type("lo", 3)
    box = explore.box("hi")
    box.click()
    box.press("ControlOrMeta+a")
    box.press("Delete")
    assert explore.state()["settings"]["lo"] == 3
    box.press_sequentially("12", delay=50)
    box.blur()
    settings = explore.agree()["settings"]
    assert (settings["lo"], settings["hi"]) == (3, 12)
    assert (explore.boxed("lo"), explore.boxed("hi")) == (3, 12)


def test_bounds_cannot_cross_in_a_drag(explore):
    explore.grab("hi")
    explore.drag_to("hi", 0.2)
    settings = explore.agree()["settings"]
    assert settings["lo"] == settings["hi"] == pytest.approx(-12, abs=1)
    explore.drop()
    assert explore.boxed("lo") == explore.boxed("hi") == settings["lo"]


def test_temperature_clicks_into_one(explore):
    explore.grab("temperature")
    explore.drag_to("temperature", 0.7)
    assert explore.state()["settings"]["temperature"] > 1.5
    explore.drag_to("temperature", 0.503)
    assert explore.agree()["settings"]["temperature"] == 1
    assert explore.boxed("temperature") == 1
    explore.drop()


@pytest.mark.parametrize("arrow", ["ArrowRight", "ArrowLeft"])
def test_the_keyboard_is_not_caught_at_one(explore, arrow):
    explore.slider("temperature").focus()
    for _ in range(4):
        explore.page.keyboard.press(arrow)
    value = explore.agree()["settings"]["temperature"]
    assert value > 1.05 if arrow == "ArrowRight" else value < 0.95


@pytest.mark.slow
def test_sliders_ask_the_server_nothing(explore, visited):
    visited.page.wait_for_timeout(SETTLED)
    visited.requests.clear()
    for key in ("lo", "hi", "temperature", "lam"):
        explore.grab(key)
        explore.drag_to(key, 0.2)
        explore.drag_to(key, 0.6)
        explore.drop()
        visited.page.keyboard.press("ArrowRight")
        explore.type(key, 0.5)
    explore.method("project_simplex")
    explore.button("Rescale").click()
    explore.button("Reset").click()
    visited.page.wait_for_timeout(SETTLED)
    assert visited.requests == []


@pytest.mark.parametrize(("typed", "value"), [("0,5", 0.5), ("0.25", 0.25), ("1,75", 1.75)])
def test_a_decimal_comma_is_a_point(explore, visited, typed, value):
    """Chromium would leave it out, and make 5 of 0,5."""
    box = visited.page.locator("#explore-temperature-value input[type=number]")
    box.click()
    box.press("ControlOrMeta+a")
    box.press_sequentially(typed, delay=20)
    box.blur()
    assert explore.agree()["settings"]["temperature"] == value


# Methods, rows, axes ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_method(explore, family):
    for key, entry in registry.family(family).items():
        if explore.state()["methods"][family] != key:
            explore.method(key)
        state = explore.agree()
        assert state["methods"][family] == key
        figure = explore.page.locator(f"figure.{family}")
        expect(figure.locator(".note")).to_contain_text(entry.help)
        assert "{" not in figure.locator(".formula").inner_text()
        for p in entry.parameters:
            expect(explore.slider(p.key)).to_be_visible()
        hidden = {p.key for e in registry.family(family).values() for p in e.parameters} - {
            p.key for p in entry.parameters
        }
        for other in hidden:
            expect(explore.slider(other)).to_be_hidden()


def test_method_by_keyboard(explore):
    box = explore.page.locator("#method-probability input")
    box.focus()
    explore.page.keyboard.press("ArrowDown")
    explore.page.keyboard.press("Enter")
    explore.page.wait_for_function("() => explore.state.methods.probability === 'sparsemax'")
    explore.agree()


def test_badges_say_what_happened(explore):
    explore.type("hi", 0.1)
    explore.type("lo", 0)
    state = explore.agree()
    z, y = (torch.tensor(v, dtype=torch.float64) for v in (state["logits"], state["outputs"]["bounded"]["y"]))
    badges = "\n".join(explore.badges("bounded"))
    clipped = ((z < 0) | (z > 0.1)).sum().item()
    assert f"{clipped} of 10 clipped" in badges
    tied = (y == y.max()).sum().item()
    assert (f"tied: {tied} of 10" in badges) == (tied > 1)
    moved = next(b for b in explore.badges("bounded") if "moved" in b)
    assert reading(moved.split()[-1] if moved[-1].isdigit() else moved.split()[1])[0] == pytest.approx(
        (y - z).norm().item(), rel=6e-3
    )
    p = torch.tensor(state["outputs"]["probability"]["y"], dtype=torch.float64)
    entropy = next(b for b in explore.badges("probability") if "entropy" in b).split()
    assert float(entropy[1]) == pytest.approx(-(p * p.log()).sum().item(), rel=6e-3)
    assert float(entropy[3]) == pytest.approx(math.log(10), abs=0.006)
    assert "sum 1" in explore.badges("probability")
    zeros = sum(v == 0 for v in state["outputs"]["regularised"]["y"])
    assert any(b.startswith(f"{zeros} ") and "zero" in b for b in explore.badges("regularised"))


def test_penalty_of_training_stands_beside_the_proximal_step(explore):
    explore.type("lam", 0.25)
    z = torch.tensor(explore.state()["logits"], dtype=torch.float64)
    note = explore.page.locator("figure.regularised .note")
    for key, norm in (("prox_l1", z.abs().sum()), ("prox_l2", z.square().sum())):
        if explore.state()["methods"]["regularised"] != key:
            explore.method(key)
        assert f"{0.25 * norm.item():.4g}" in note.inner_text()


def test_number_of_classes(explore):
    explore.slider("k").focus()
    explore.page.keyboard.press("Home")
    state = explore.agree()
    assert state["k"] == 2
    for column in COLUMNS:
        *_, rest = explore.rows(column)
        assert rest["index"] == -1
    assert explore.rows("raw")[-1]["label"] == "8 others"
    p = state["outputs"]["probability"]["y"]
    assert honest(explore.rows("probability")[-1]["value"], math.fsum(p[i] for i in state["order"][2:]))
    explore.page.keyboard.press("ArrowRight")
    assert explore.agree()["k"] == 3
    explore.grab("k")
    explore.drag_to("k", 1)
    explore.drop()
    explore.agree()
    assert len(explore.rows("raw")) == 10


def test_rescale_and_reset(explore):
    opened = explore.state()
    explore.method("smooth_clamp")
    explore.method("entmax15")
    explore.method("project_l1_ball")
    for key, value in {"lo": -9, "hi": 9, "temperature": 15, "radius": 0.2}.items():
        explore.type(key, value)
    assert explore.state()["axes"] == opened["axes"]
    explore.button("Rescale").click()
    explore.page.wait_for_function("() => explore.state.axes.probability[1] < 1")
    explore.agree()
    explore.button("Reset").click()
    explore.page.wait_for_function("() => explore.state.methods.regularised === 'prox_l1'")
    state = explore.agree()
    for part in ("settings", "methods", "k", "axes"):
        assert state[part] == opened[part], part
    for key in ("lo", "hi", "temperature", "lam"):
        assert explore.boxed(key) == PARAMETERS[key].default
    assert float(explore.slider("temperature").input_value()) == 50


def test_previous_setting_stays_as_an_outline(explore):
    assert all(row["ghost"] is None for row in explore.rows("probability"))
    bars = [row["bar"] for row in explore.rows("probability")]
    explore.grab("temperature")
    for share in (0.55, 0.65, 0.75):
        explore.drag_to("temperature", share)
    explore.drop()
    assert [row["ghost"] for row in explore.rows("probability")] == bars, "a drag is one change"
    assert [row["bar"] for row in explore.rows("probability")] != bars
    assert all(row["ghost"] is None for row in explore.rows("bounded")), "only where something changed"


def test_bounds_are_lines_over_the_raw_column(explore):
    explore.page.evaluate(CRAFT, [3.0, 1.0, -3.0])
    explore.type("hi", 1.5)
    explore.type("lo", -1.5)
    lines = explore.page.locator("figure.raw .bounds line")
    expect(lines).to_have_count(2)
    low, high = (float(lines.nth(at).get_attribute("x1")) for at in (0, 1))
    zero = float(explore.page.locator("figure.raw .axis .zero").get_attribute("x1"))
    assert low < zero < high
    assert (high - zero) == pytest.approx(zero - low, abs=0.01)


# One class in all columns -------------------------------------------------------------------------------------------


def lit(explore) -> list[list[int]]:
    return [[row["index"] for row in explore.rows(column) if row["lit"]] for column in COLUMNS]


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_pointing_at_a_class(explore, way):
    state, page = explore.state(), explore.page
    index = state["order"][3]
    row = page.locator(f"figure.raw g.row[data-class='{index}']")
    if way == "pointer":
        page.locator(f"figure.probability g.row[data-class='{index}'] .hit").hover()
    else:
        page.locator("figure.raw g.row").first.focus()
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        expect(row).to_be_focused()
    assert lit(explore) == [[index]] * 4
    label = state["labels"][index]
    for column in COLUMNS:
        expect(page.locator(f"figure.{column} .example")).to_contain_text(label)
    value = explore.rows("probability")[3]["value"]
    expect(page.locator("figure.probability .example")).to_contain_text(f"= {value}")
    if way == "pointer":
        page.mouse.move(2, 2)
    else:
        page.locator("#title").evaluate("() => document.activeElement.blur()")
    assert lit(explore) == [[]] * 4


def test_rows_can_be_reached_with_tab(explore):
    page = explore.page
    page.locator("#explore-lam-value input").focus()
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.activeElement.matches('figure.raw g.row')", timeout=3000)
    assert lit(explore) == [[explore.state()["order"][0]]] * 4


# Table --------------------------------------------------------------------------------------------------------------


def test_table_has_the_same_numbers(explore):
    page = explore.page
    table = page.locator(".numbers table")
    expect(table).to_have_count(0)
    page.locator(".numbers summary").click()
    expect(table).to_be_visible()
    explore.type("lam", 0.3)
    state = explore.agree()
    values = {"raw": state["logits"]} | {f: state["outputs"][f]["y"] for f in FAMILIES}
    rows = table.locator("tbody tr").all()
    assert len(rows) == 10
    for row, index in zip(rows, state["order"], strict=True):
        assert row.locator("th").inner_text() == state["labels"][index]
        for cell, column in zip(row.locator("td").all_inner_texts(), COLUMNS, strict=True):
            assert honest(cell, values[column][index]), f"{column} says {cell} for {values[column][index]!r}"


def test_numbers_are_written_as_in_python(explore):
    """`formats` is the twin, also for numbers that lie right between two."""
    rng = np.random.default_rng(5)
    shares = [0.9225, 0.00125, 0.0625, 0.5, 0.123, 0.99951171875, 1 - 2**-20, 3e-9, 0.0, 1.0, *rng.random(300).tolist()]
    shares += (rng.integers(0, 4001, 300) / 4000).tolist() + (rng.random(100) ** 12).tolist()
    numbers = [
        0.125,
        -0.375,
        2.5,
        0.0625,
        1.00005,
        12345.5,
        2.00025e-5,
        1e5,
        -99999.5,
        0.0,
        *rng.normal(0, 9, 300).tolist(),
    ]
    numbers += (10 ** rng.uniform(-12, 12, 300) * rng.choice([-1, 1], 300)).tolist()
    load(explore.page, "twins/formats.js", "formats")
    got = explore.page.evaluate(
        "(v) => [v[0].map(formats.percent), v[1].map(formats.logit), v[1].map((x) => formats.short(x))]",
        [shares, numbers],
    )
    expected = [
        list(map(f, values))
        for f, values in ((formats.percent, shares), (formats.logit, numbers), (formats.short, numbers))
    ]
    for mine, theirs, values in zip(expected, got, (shares, numbers, numbers), strict=True):
        assert [(v, a) for v, a in zip(values, mine, strict=True)] == [
            (v, a) for v, a in zip(values, theirs, strict=True)
        ]


# Gradient -----------------------------------------------------------------------------------------------------------


def gradients(state: dict) -> dict[str, torch.Tensor]:
    """The same by other means: each loss written out, through the library's own map."""
    result = {}
    for column in COLUMNS:
        z = torch.tensor(state["logits"], dtype=torch.float64, requires_grad=True)
        method = state["methods"].get(column)
        y = registry.build(method, state["settings"])(z) if method else z
        t = state["target"]
        if column != "probability":
            loss = y.exp().sum().log() - y[t]
        elif method == "softmax":
            loss = -y[t].log()
        else:
            u = z / state["settings"]["temperature"]
            loss = (y.detach() * u).sum() - u[t]  # Fenchel-Young, but for what does not depend on z
        loss.backward()
        result[column] = z.grad
    return result


def switch_gradient(explore, on: bool = True) -> None:
    explore.page.locator("#gradient input").set_checked(on)


def answered(explore) -> dict:
    """The state once the server has answered the latest question; every gradient agrees with `gradients`."""
    deadline = time.monotonic() + 10
    while True:
        state = explore.state()
        expected = gradients(state)
        try:
            assert state["gradients"], "the server has not answered"
            for column in COLUMNS:
                got = torch.tensor(state["gradients"][column]["gradient"], dtype=torch.float64)
                torch.testing.assert_close(got, expected[column], rtol=1e-6, atol=1e-12, msg=lambda m, c=column: c + m)
            break
        except AssertionError:
            if time.monotonic() > deadline:
                raise
    for column in COLUMNS:
        for row in state["rows"][column]:
            value = expected[column][row["index"]].item()
            assert row["unlearned"] == (value == 0), f"{column}: a dead logit is marked, and no other"
            if value == 0:
                assert row["slope"] == "no gradient"
            else:
                assert honest(row["slope"].removeprefix("∂ "), value)
    return state


def test_gradient(explore, visited):
    page = visited.page
    expect(page.locator("#target")).to_be_hidden()
    switch_gradient(explore)
    state = answered(explore)
    assert state["target"] == state["order"][0]
    expect(page.locator("#target")).to_be_visible()

    label = state["labels"][state["order"][-1]]
    explore.choose("target", label)
    state = answered(explore)
    assert state["labels"][state["target"]] == label
    for column in COLUMNS:  # which loss it is stands there
        assert label in page.locator(f"figure.{column}").get_attribute("data-loss")

    explore.type("hi", 0.2)
    explore.method("sparsemax")
    explore.method("project_l1_ball")
    state = answered(explore)
    for family in ("bounded", "regularised"):  # a loss of the outputs sends nothing where the map is flat
        unlearned = torch.tensor(state["gradients"][family]["gradient"]) == 0
        assert all(u for u, dead in zip(unlearned, state["outputs"][family]["dead"], strict=True) if dead), family
    # That of sparsemax sees the logits: p minus the target, so that the target is wanted even at exactly 0.
    assert state["outputs"]["probability"]["dead"][state["target"]]
    assert state["gradients"]["probability"]["gradient"][state["target"]] == pytest.approx(-1)

    switch_gradient(explore, False)
    page.wait_for_function("() => explore.state.gradients === null")
    assert all(row["slope"] is None for row in explore.rows("bounded"))
    visited.requests.clear()
    explore.type("temperature", 0.4)
    page.wait_for_timeout(SETTLED)
    assert visited.requests == [], "nothing is asked while the switch is off"


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_of_every_method(explore, family):
    switch_gradient(explore)
    explore.type("hi", 0.2)
    for key in registry.family(family):
        if explore.state()["methods"][family] != key:
            explore.method(key)
        answered(explore)


def test_old_gradients_are_marked_as_old(explore, visited):
    switch_gradient(explore)
    answered(explore)
    visited.requests.clear()
    old = """() => {
      explore.set('temperature', 3);
      document.querySelector('figure.raw g.row').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
      return document.querySelector('#chart').classList.contains('gradient-stale');
    }"""
    assert visited.page.evaluate(old), "until the answer is there, even if something else is drawn"
    answered(explore)
    visited.page.wait_for_function("() => !document.querySelector('.gradient-stale')")


# The number of the last question for gradients, as a global.
QUESTION = """() => document.addEventListener('asked', ({ detail: { event, data } }) => {
  if (event === 'gradient') globalThis.question = data.question;
})"""


def test_an_answer_that_comes_too_late_is_not_shown(explore, visited):
    visited.page.evaluate(QUESTION)
    switch_gradient(explore)
    state = answered(explore)
    question = visited.page.evaluate("() => question")
    visited.requests.clear()
    visited.page.evaluate(
        """() => {
          explore.set('temperature', 3);
          document.querySelector('#gradient input').click();
        }"""
    )
    explore.state()
    visited.page.evaluate(
        "(answer) => explore.receive(JSON.stringify(answer))",
        {"kind": "gradient", "question": question, "gradient": state["gradients"]},
    )
    visited.page.wait_for_timeout(SETTLED)
    assert explore.state()["gradients"] is None
    assert visited.requests == [], "nor is the server asked once more"


def test_gradient_waits_until_a_control_has_settled(explore, visited):
    switch_gradient(explore)
    answered(explore)
    visited.requests.clear()
    # Not with the mouse: on a busy machine it would pause, and each pause is a settled control.
    explore.slider("lo").evaluate(
        """(slider) => {
          for (const value of [-8, -6, -4, -2, -1, 0]) {
            slider.value = value;
            slider.dispatchEvent(new Event('input', { bubbles: true }));
          }
        }"""
    )
    assert answered(explore)["settings"]["lo"] == 0
    assert len([r for r in visited.requests if "queue/join" in r]) == 1


# Numbers that do not lie --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "probabilities",
    [
        [0.991, 0.009],
        [0.9997, 0.0003],
        [0.99996, 0.00003, 0.00001],
        [1 - 1e-9, 1e-9],
        [1 - 1e-15, 1e-15],
        [0.5, 0.5],
        [0.9, 0.0999, 1e-4, 1e-20, 1e-300],
        [0.00094, 0.00096, 0.9981],
    ],
)
def test_percentages_do_not_lie(explore, probabilities):
    explore.page.evaluate(CRAFT, [math.log(p) for p in probabilities])
    explore.agree()
    for p, text in zip(sorted(probabilities, reverse=True), explore.texts("probability"), strict=True):
        assert "<" not in text
        if p < 1:
            shown, _ = reading(text)
            assert shown > 0, f"{p} is not {text}"
            assert shown < 1 or text.startswith("100 % −"), f"{p} is not {text}"
            assert shown == pytest.approx(p, rel=0.051), f"{text} says too little about {p}"


def test_logits_do_not_lie(explore):
    explore.type("lam", 0)
    explore.page.evaluate(
        CRAFT, [123456.7, 1234.5, 1.005, 0.0999, 0.05, 1e-5, 1e-9, 0.0, -1e-12, -0.004, -2.0, -99999.9]
    )
    explore.agree()
    for column in ("raw", "bounded", "regularised"):
        for row in explore.rows(column):
            if row["value"].startswith("0"):
                assert row["index"] == 7 or column == "bounded", row


@pytest.mark.parametrize("z", [[0.0, 0.0], [1e6, -1e6, 3.0], [5.0, 5.0, 5.0], [-3e-7, -4e-7], [-1e5, -2e5]])
def test_a_chart_of_odd_logits(explore, z):
    explore.page.evaluate(CRAFT, z)
    explore.button("Rescale").click()
    explore.agree()
    for column in COLUMNS:
        axis = explore.page.locator(f"figure.{column} .axis text").all_text_contents()
        assert len(set(axis)) == len(axis) >= 2, f"{column}: {axis}"


# Looks --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, scheme):
    page = visit(color_scheme=scheme).page
    explore = Explore(page)
    assert page.evaluate("() => document.body.classList.contains('dark')") == (scheme == "dark")
    page.locator(".numbers summary").click()
    explore.type("hi", 0.2)  # so that there are warnings and hatches
    explore.page.locator("figure.raw g.row").first.focus()
    switch_gradient(explore)
    answered(explore)
    explore.upload(b"no picture")
    expect(page.locator("#notice p")).to_be_visible()
    found = serious(page)
    assert not found, "\n".join(found)


def test_theme_switch(explore):
    page = explore.page
    colours = """() => ['#grid', '.column .value', '.formula', '#title h1'].map((selector) => {
      const { color, fill, backgroundColor } = getComputedStyle(document.querySelector(selector));
      return [color, fill, backgroundColor].join();
    })"""
    before = page.evaluate(colours)
    theme = page.locator("#theme")
    assert (theme.inner_text()[0], theme.get_attribute("aria-label")) == ("☾", "Switch to dark")
    theme.click()
    expect(theme).to_have_attribute("aria-label", "Switch to light")
    assert theme.inner_text()[0] == "☀"
    assert page.evaluate("() => document.body.classList.contains('dark')")
    explore.agree()
    after = page.evaluate(colours)
    assert all(a != b for a, b in zip(before, after, strict=True))
    page.locator("#theme").click()
    page.wait_for_function(f"(before) => JSON.stringify(({colours})()) === JSON.stringify(before)", arg=before)


@pytest.mark.slow
def test_phone(visit):
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True).page
    explore = Explore(page)
    explore.agree()
    page.locator(".numbers summary").click()
    width = "() => [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    assert page.evaluate(width) == [360, 360, 360]
    labels = explore.state()["labels"]
    tops = []
    for column in COLUMNS:
        controls, figure = (page.locator(s).bounding_box() for s in (f"#controls-{column}", f"figure.{column}"))
        assert controls["y"] < figure["y"], "a column stands under its own controls"
        tops += [controls["y"], figure["y"]]
        rows = explore.rows(column)
        assert [row["label"] for row in rows] == [labels[row["index"]] for row in rows], "class names stay, whole"
        for box in (controls, figure):
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
    assert tops == sorted(tops)
    clipped = page.evaluate(
        """() => [...document.querySelectorAll('#chart svg text, #explore button, #explore input')].filter((e) => {
          const { left, right, width } = e.getBoundingClientRect();
          return width > 1 && (left < 0 || right > innerWidth + 0.5);
        }).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert clipped == []
    found = serious(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("size", [(768, 1000), (1180, 800), (1280, 720), (1920, 1080)])
def test_no_width_needs_a_horizontal_scrollbar(visited, explore, size):
    visited.page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        visited.page.wait_for_timeout(100)
        assert visited.page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
        explore.agree()
    finally:
        visited.page.set_viewport_size({"width": 1440, "height": 1000})


def test_reduced_motion(visit):
    page = visit(reduced_motion="reduce").page
    explore = Explore(page)
    explore.grab("temperature")
    explore.drag_to("temperature", 0.8)
    moving = "() => document.getAnimations().filter((a) => a.effect?.target?.closest?.('#chart')).length"
    assert page.evaluate(moving) == 0
    explore.drop()
    explore.agree()
