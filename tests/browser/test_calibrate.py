"""The Calibrate tab: its arithmetic against PyTorch, and the tab as a person uses it."""

import base64
import json
import math
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors.torch import save

from constrained import calibration, registry, validation
from constrained.page.server import guard
from constrained.page.tabs import calibrate as tab
from constrained.registry import PARAMETERS, REGISTRY

from .conftest import WIDE, visiting
from .driver import honest, serious

READY = "() => globalThis.calibrate?.state.after && calibrate.jobs.size === 0"
COLUMNS = ("accuracy", "nll", "ece", "brier", "impossible")
SETTLED = 600


class Calibrate:
    """A page with the tab open, and its controls."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        self.page.get_by_role("tab", name="Calibrate").click()
        self.page.wait_for_function("() => calibrate.state.after")

    def state(self) -> dict:
        """Setting and figures, once nothing has moved for a few frames."""
        text = self.page.evaluate(
            """async () => {
              const look = () => JSON.stringify([calibrate.state.method, calibrate.state.settings,
                calibrate.state.after.nll, calibrate.state.set.name, document.querySelector('.cal-figures').innerText]);
              let [last, still] = ['', 0];
              while (still < 4) {
                await new Promise((done) => setTimeout(done, 15));
                still = look() === last ? still + 1 : 0;
                last = look();
              }
              const { method, settings, before, after, set } = calibrate.state;
              const plain = (f) => ({ ...f, nll: String(f.nll), table: Object.fromEntries(
                Object.entries(f.table).map(([key, list]) => [key, Array.from(list)])) });
              return JSON.stringify({ method, settings, name: set.name, before: plain(before), after: plain(after) });
            }"""
        )
        state = json.loads(text)
        for part in ("before", "after"):
            state[part]["nll"] = float(state[part]["nll"].replace("Infinity", "inf"))
        return state

    def cells(self, row: str = "") -> dict[str, str]:
        """What is on screen: the figures after, or a row of the comparison by the start of its name."""
        if not row:
            return dict(zip(COLUMNS, self.page.locator(".cal-figures .cal-a").all_inner_texts(), strict=True))
        found = self.page.locator(".cal-compare tbody tr").filter(has=self.page.locator(f"th:text('{row}')"))
        return dict(zip(COLUMNS, found.first.locator("td").all_inner_texts(), strict=True))

    def slider(self, key: str):
        return self.page.locator(f"#calibrate-{key}-slider input[type=range]")

    def box(self, key: str):
        own = f"#calibrate-{key}-value" if PARAMETERS[key].scale == "log" else f"#calibrate-{key}-slider"
        return self.page.locator(f"{own} input[type=number]")

    def type(self, key: str, value: float) -> None:
        box = self.box(key)
        box.click()
        box.press("ControlOrMeta+a")
        box.press_sequentially(str(value), delay=20)
        box.blur()
        self.state()

    def method(self, key: str) -> None:
        names = {"softmax": "No constraint: softmax"}
        title = names.get(key, f"{registry.FAMILIES[REGISTRY[key].family]}: {REGISTRY[key].title}")
        self.page.locator("#calibrate-method input").click()
        self.page.locator("#calibrate-method").get_by_role("option", name=title, exact=True).click()
        self.page.wait_for_function("(key) => calibrate.state.method === key", arg=key)
        self.state()

    def fit(self) -> str:
        """Press the button; what it answers."""
        said = """(before) => {
          const text = document.querySelector('#calibrate-result [role=status]')?.innerText ?? '';
          return text !== before && text;
        }"""
        before = self.page.evaluate(said, None)
        self.page.locator("#calibrate-fit").click()
        text = self.page.wait_for_function(said, arg=before).json_value()
        self.state()
        return text

    def upload(self, data: bytes, name: str) -> None:
        """Put a file into the box, which is there for the next one as soon as the last one was looked at."""
        field = self.page.locator("#calibrate-file input[type=file]")
        field.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})

    def notice(self) -> str:
        return self.page.locator("#calibrate-notice").inner_text().strip()

    def agree(self, parts: tab.Parts | None = None) -> dict:
        """Check all figures, and the text they are shown as, against PyTorch; the state that was compared."""
        state, shown = self.state(), parts or tab.bundled()
        logits, labels = shown.judge
        y = predicted(state["method"], state["settings"], logits)
        compare(state["after"], y, labels)
        compare(state["before"], logits.double(), labels)
        for column, text in self.cells().items():
            value = state["after"][column]
            if math.isinf(value):
                assert text == "∞"
            elif column in ("nll", "brier"):
                assert text == f"{value:.4f}"
            else:
                assert honest(text, value), f"{column} says {text} for {value}"
        return state


def predicted(method: str, settings: dict, logits: torch.Tensor) -> torch.Tensor:
    return calibration.as_logits(registry.build(method, settings), logits, settings["temperature"])


def compare(got: dict, logits: torch.Tensor, labels: torch.Tensor) -> None:
    """The browser's figures and bins with PyTorch's."""
    expected = calibration.figures(logits, labels)
    for column in COLUMNS:
        assert got[column] == pytest.approx(getattr(expected, column), rel=1e-6, abs=1e-12), column
    table = calibration.reliability(logits.softmax(-1), labels)
    assert got["table"]["count"] == table.count.tolist()
    for name in ("confidence", "accuracy"):
        numbers = [math.nan if v is None else v for v in got["table"][name]]
        np.testing.assert_allclose(numbers, getattr(table, name), rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.fixture(scope="module")
def shared_visit(browser, server):
    with visiting(browser, server) as visit:
        assert visit.page.evaluate("() => calibrate.state.set") is None, "nothing is sent before the tab is seen"
        Calibrate(visit.page).open()
        yield visit


@pytest.fixture
def calibrate(shared_visit):
    """One page for all; each test begins with softmax at T = 1 on the bundled set."""
    one = Calibrate(shared_visit.page)
    if one.state()["name"] != tab.bundled().name:
        shared_visit.page.locator("#calibrate-back").click()
        shared_visit.page.wait_for_function("(name) => calibrate.state.set.name === name", arg=tab.bundled().name)
    if one.state()["method"] != "softmax":
        one.method("softmax")
    if one.state()["settings"]["temperature"] != 1:
        one.type("temperature", 1)
    yield one
    problems, shared_visit.problems[:] = list(shared_visit.problems), []
    assert problems == []
    assert "Traceback" not in shared_visit.page.locator("body").inner_text()


# The twin -----------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(11)


def labelled(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With labels that are the top class half of the time."""
    rows, classes = z.shape
    any_class = RNG.integers(0, classes, rows)
    return z, np.where(RNG.random(rows) < 0.5, z.argmax(1), any_class).astype(np.int32)


SETS = {
    "random": labelled(RNG.normal(0, 4, (300, 10))),
    "two classes": labelled(RNG.normal(0, 2, (60, 2))),
    "100 classes": labelled(RNG.normal(0, 3, (60, 100))),
    "tied": labelled(np.round(RNG.normal(0, 2, (200, 10)))),
    "all equal": labelled(np.full((30, 7), 1.25)),
    "huge": labelled(RNG.normal(0, 1e5, (60, 10))),
    "tiny": labelled(RNG.normal(0, 1e-6, (60, 10))),
    "far ahead": labelled(RNG.normal(0, 1, (60, 5)) + 30 * np.eye(5)[RNG.integers(0, 5, 60)]),
    "negative": labelled(-np.abs(RNG.normal(0, 4, (60, 10)))),
}
MEASURE = """(cases) => JSON.stringify(JSON.parse(cases).map(([method, logits, labels, width, settings]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const set = { logits: new Float64Array(bytes(logits)), labels: new Int32Array(bytes(labels)), width };
  set.rows = set.labels.length;
  const { table, ...figures } = calibrate.measure(set, method, settings);
  figures.nll = String(figures.nll);
  figures.table = Object.fromEntries(Object.entries(table).map(([key, list]) => [key, Array.from(list)]));
  return figures;
}))"""


def random_settings() -> dict[str, float]:
    """Somewhere in the ranges; bounds from a hair apart to the whole range."""

    def log(p):
        return float(np.exp(RNG.uniform(np.log(p.low), np.log(p.high))))

    settings = {key: log(p) for key, p in PARAMETERS.items() if p.scale == "log"}
    settings["lam"] *= RNG.random() > 0.2
    middle, half = RNG.uniform(-5, 5), 10 ** RNG.uniform(-2, 1)
    return settings | {"lo": float(middle - half), "hi": float(middle + half)}


@pytest.mark.slow
@pytest.mark.parametrize("key", REGISTRY)
def test_the_browser_computes_what_pytorch_does(shared_visit, key):
    cases = [(name, *part, random_settings()) for name, part in SETS.items() for _ in range(5)]
    cases += [(name, *part, {p.key: p.default for p in PARAMETERS.values()}) for name, part in SETS.items()]
    sent = [
        [key, base64.b64encode(z.tobytes()).decode(), base64.b64encode(labels.tobytes()).decode(), z.shape[1], settings]
        for _, z, labels, settings in cases
    ]
    answers = json.loads(shared_visit.page.evaluate(MEASURE, json.dumps(sent)))
    infinite = 0
    for (name, z, labels, settings), got in zip(cases, answers, strict=True):
        got["nll"] = float(got["nll"].replace("Infinity", "inf"))
        infinite += math.isinf(got["nll"])
        try:
            logits = predicted(key, settings, torch.from_numpy(z))
            compare(got, logits, torch.from_numpy(labels).long())
        except AssertionError as error:
            raise AssertionError(f"{name}, {settings}: {error}") from error
    assert (infinite > 0) == (key in tab.SPARSE), "zeros are among the cases"


# Using it -----------------------------------------------------------------------------------------------------------


def test_opens_with_the_bundled_set(calibrate, shared_visit):
    calibrate.page.wait_for_function(READY)
    state = calibrate.agree()
    assert (state["method"], state["settings"]["temperature"]) == ("softmax", 1)
    logits, labels = tab.bundled().judge
    fit = calibration.fit_temperature(*tab.bundled().fit)
    rows = {
        "Softmax, T = 1": logits.double(),
        "Softmax, fitted T": logits / fit.temperature,
        "Sparsemax": predicted("sparsemax", state["settings"], logits),
        "1.5-entmax": predicted("entmax15", state["settings"], logits),
    }
    for name, y in rows.items():
        expected, shown = calibration.figures(y, labels), calibrate.cells(name)
        assert shown["nll"] == ("∞" if math.isinf(expected.nll) else f"{expected.nll:.4f}"), name
        assert honest(shown["impossible"], expected.impossible), name
    text = shared_visit.page.locator("#calibrate-set").inner_text()
    assert f"{len(labels):,}" in text
    assert calibrate.notice() == ""


def test_the_temperature_by_mouse(calibrate, shared_visit):
    page = calibrate.page
    page.wait_for_timeout(SETTLED)
    shared_visit.requests.clear()
    box, seen = calibrate.slider("temperature").bounding_box(), set()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.6, 0.75, 0.3):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=3)
        state = calibrate.agree()
        assert float(calibrate.box("temperature").input_value()) == pytest.approx(state["settings"]["temperature"])
        seen.add(state["after"]["nll"])
    page.mouse.up()
    assert len(seen) == 3
    assert state["settings"]["temperature"] < 0.6
    assert shared_visit.requests == [], "a slider asks the server nothing"


def test_the_temperature_by_keyboard(calibrate):
    slider = calibrate.slider("temperature")
    slider.focus()
    calibrate.page.keyboard.press("End")
    assert calibrate.agree()["settings"]["temperature"] == PARAMETERS["temperature"].high
    assert "20" in slider.get_attribute("aria-valuetext")
    calibrate.page.keyboard.press("Home")
    assert calibrate.agree()["settings"]["temperature"] == PARAMETERS["temperature"].low


def test_a_slider_is_drawn_in_the_next_frame(calibrate):
    """The picture and the numbers change together, at the first frame after the change."""
    drawn = calibrate.page.evaluate(
        """async () => {
          const look = () => [document.querySelector('.cal-a').parentElement.parentElement.innerText,
            document.querySelector('.cal-reliability.own .cal-bin:last-of-type .cal-mean').getAttribute('y1')];
          const before = look();
          calibrate.set('temperature', 3);
          await new Promise((done) => requestAnimationFrame(done));
          const after = look();
          calibrate.set('temperature', 1);
          return after.map((text, at) => text !== before[at]);
        }"""
    )
    assert drawn == [True, True]


def test_fit_temperature(calibrate):
    calibrate.type("temperature", 4)
    text = calibrate.fit()
    fit = calibration.fit_temperature(*tab.bundled().fit)
    logits, labels = tab.bundled().judge
    assert f"T = {fit.temperature:.4g}" in text
    for y in (logits, logits / fit.temperature):
        figures = calibration.figures(y, labels)
        assert f"{figures.nll:.4f}" in text
        assert tab.percent(figures.ece) in text
    state = calibrate.agree()
    assert state["settings"]["temperature"] == pytest.approx(fit.temperature, rel=1e-3)
    share = math.log(fit.temperature / 0.05) / math.log(20 / 0.05)
    assert float(calibrate.slider("temperature").input_value()) == pytest.approx(100 * share, abs=0.6)
    legend = calibrate.page.locator(".cal-half", has_text="NLL against T").locator(".cal-quiet")
    expect(legend).to_contain_text(f"fitted T = {fit.temperature:.3g}")
    expect(calibrate.page.locator("#calibrate-board .plot-mark")).to_have_count(4)  # T and the fitted T, in both


def test_fit_of_a_clamp_and_its_curve(calibrate):
    calibrate.method("clamp_inward")
    calibrate.type("hi", 2)
    calibrate.page.wait_for_function(READY)
    settings = calibrate.agree()["settings"]
    logits, labels = tab.bundled().judge
    points = calibrate.page.evaluate("() => calibrate.state.curves.own.points.map(([t, f]) => [t, f.nll, f.ece])")
    assert (points[0][0], points[-1][0]) == (0.05, 20)
    for temperature, nll, ece in points[::8]:
        expected = calibration.figures(
            predicted("clamp_inward", settings | {"temperature": temperature}, logits), labels
        )
        assert (nll, ece) == pytest.approx((expected.nll, expected.ece), rel=1e-6)
    text = calibrate.fit()
    y = calibration.as_logits(registry.build("clamp_inward", settings), tab.bundled().fit[0])
    best = calibration.fit_temperature(y, tab.bundled().fit[1]).temperature
    assert f"T = {best:.4g}" in text
    assert "hi = 2" in text
    assert calibrate.agree()["settings"]["temperature"] == pytest.approx(best, rel=1e-3)


@pytest.mark.slow
def test_a_curve_is_never_under_another_constraints_name(calibrate):
    """Whatever is drawn while the new curve is computed, it is not the last constraint's."""
    page = calibrate.page
    calibrate.method("clamp")
    page.wait_for_function(READY)
    said = page.evaluate(
        """async () => {
          const own = '.cal-nll .plot-line:not([stroke-dasharray="5 4"])';
          calibrate.set('method', 'sparsemax');
          await new Promise((done) => requestAnimationFrame(done));
          const legend = document.querySelector('.cal-nll .cal-quiet').innerText;
          return [document.querySelector(own)?.getAttribute('d') ?? '', legend];
        }"""
    )
    assert said[0] == ""
    assert "Solid" not in said[1]
    assert "Sparsemax is being computed" in said[1]
    page.wait_for_function(READY)
    logits, labels = tab.bundled().judge
    settings = calibrate.state()["settings"] | {"temperature": PARAMETERS["temperature"].high}
    flattest = calibration.figures(predicted("sparsemax", settings, logits), labels)
    says = "Where the line is missing, the NLL is infinite"
    if math.isinf(flattest.nll):
        says = "Sparsemax has no line here: its NLL is infinite"
    expect(page.locator(".cal-nll .cal-quiet")).to_contain_text(says)
    expect(page.locator(".cal-ece .cal-quiet")).to_contain_text("Solid: Sparsemax.")
    page.evaluate("() => calibrate.set('method', 'softmax')")


def test_100_percent_fits_into_a_cell(calibrate):
    """A set that is right everywhere: 100 and not 100.0, and no cell cuts its number off."""
    data = save({"logits": 5 * torch.eye(3)[torch.arange(40) % 3], "labels": (torch.arange(40) % 3).int()})
    calibrate.upload(data, "right.safetensors")
    shown(calibrate, "right.safetensors")
    calibrate.page.wait_for_function(READY)
    for metric in ("Accuracy", "NLL", "ECE"):
        calibrate.page.get_by_role("radio", name=metric).check()
        cells = calibrate.page.locator(".cal-sweep figure:not([hidden]) button:enabled")
        cut = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"
        assert cells.evaluate_all(cut) == []
        if metric == "Accuracy":
            assert "100" in cells.all_inner_texts()
    calibrate.page.get_by_role("radio", name="Accuracy").check()


@pytest.mark.parametrize("key", ["smooth_clamp", "project_l2_ball", "prox_l1"])
def test_controls_belong_to_the_constraint(calibrate, key):
    calibrate.method(key)
    calibrate.agree()
    own = {p.key for p in REGISTRY[key].parameters} | {"temperature"}
    for p in PARAMETERS:
        expect(calibrate.slider(p)).to_be_visible() if p in own else expect(calibrate.slider(p)).to_be_hidden()
    moved = next(iter(own - {"temperature"}))
    before = calibrate.state()["after"]["brier"]
    calibrate.slider(moved).focus()
    calibrate.page.keyboard.press("Home")
    assert calibrate.agree()["after"]["brier"] != before


@pytest.mark.parametrize("key", tab.SPARSE)
def test_an_infinite_nll_is_said_and_explained(calibrate, key):
    calibrate.method(key)
    state = calibrate.agree()
    assert calibrate.cells()["nll"] == "∞"
    assert state["after"]["impossible"] > 0
    expect(calibrate.page.locator(".cal-infinite")).to_contain_text("−log 0 = ∞")
    expect(calibrate.page.locator(".cal-compare")).to_contain_text("−log 0 = ∞")
    assert "no T is best by NLL" in calibrate.fit()
    assert calibrate.state()["settings"]["temperature"] == 1


@pytest.mark.slow
def test_sweep_the_bounds_and_take_one_over(calibrate):
    page = calibrate.page
    calibrate.type("temperature", 0.5)
    page.get_by_role("button", name="Sweep the bounds").click()
    page.wait_for_function("() => calibrate.state.sweep.done === calibrate.state.sweep.total")
    page.wait_for_function(READY)
    cells = page.locator(".cal-sweep figure:not([hidden]) button")
    logits, labels = tab.bundled().judge
    page.get_by_role("radio", name="NLL").check()
    for lo, hi in ((-2, 4), (0, 1), (-20, 20)):
        y = predicted("clamp", {"lo": lo, "hi": hi, "temperature": 0.5}, logits)
        name = f"lo {lo}, hi {hi}: NLL".replace("-", "−")
        cell = page.locator(f".cal-sweep figure:not([hidden]) button[aria-label^='{name}']")
        assert cell.inner_text() == f"{calibration.nll(y, labels).item():.3f}"
    values = page.locator(".cal-sweep figure:not([hidden]) table").evaluate(
        "(t) => [[...t.querySelectorAll('tbody th')], [...t.querySelectorAll('thead th')].slice(1)]"
        ".map((list) => list.map((th) => Number(th.textContent.replace('−', '-'))))"
    )
    possible = sum(lo < hi for lo in values[0] for hi in values[1])
    assert cells.count() == len(values[0]) * len(values[1]) > possible
    assert page.locator(".cal-sweep figure:not([hidden]) button:enabled").count() == possible
    page.locator(".cal-sweep figure:not([hidden]) button[aria-label^='lo −1, hi 6:']").click()
    page.wait_for_function("() => calibrate.state.method === 'clamp' && calibrate.state.settings.hi === 6")
    settings = calibrate.agree()["settings"]
    assert (settings["lo"], settings["hi"]) == (-1, 6)
    expect(calibrate.box("lo")).to_have_value("-1")
    expect(calibrate.box("hi")).to_have_value("6")
    expect(page.locator("#calibrate-method input")).to_have_value("Bounded: Hard clamp")
    assert (
        page.locator(".cal-sweep button[aria-pressed=true]").first.get_attribute("aria-label").startswith("lo −1, hi 6")
    )


@pytest.mark.slow
def test_which_bounds_is_chosen_and_reported_on_different_rows(calibrate):
    """And no box is recommended that gives up accuracy, or lies at the edge, without a word."""
    page = calibrate.page
    page.get_by_role("button", name="Sweep the bounds").click()
    page.wait_for_function("() => calibrate.state.sweep.done === calibrate.state.sweep.total")
    page.wait_for_function(READY)
    logits, labels = tab.bundled().judge
    boxes = page.evaluate("() => calibrate.state.sweep.cells.flatMap((row, r) => row.map((cell, c) => [r, c, !cell]))")
    los, his = [-20, -10, -5, -3, -2, -1, -0.5, 0, 1, 2], [0, 0.5, 1, 2, 3, 4, 6, 8, 12, 20]

    def figures(part: int, lo: float | None, hi: float | None) -> calibration.Figures:
        """Of every second row, from the first or the second one on."""
        z, wanted = logits[part::2], labels[part::2]
        y = z if lo is None else predicted("clamp", {"lo": lo, "hi": hi, "temperature": 1.0}, z)
        return calibration.figures(y, wanted)

    for metric, sign in (("accuracy", 1), ("nll", -1), ("ece", -1)):
        page.locator(f"#calibrate input[name=cal-metric][value={metric}]").check()
        told = page.locator(".cal-sweep .cal-quiet").nth(1).inner_text()
        lo, hi = (float(v.replace("−", "-")) for v in re.search(r"lo = (\S+), hi = (\S+?)\.? ", told).groups())
        scores = [sign * getattr(figures(0, los[r], his[c]), metric) for r, c, empty in boxes if not empty]
        assert sign * getattr(figures(0, lo, hi), metric) == pytest.approx(max(scores), abs=1e-9)
        box, plain = figures(1, lo, hi), figures(1, None, None)
        assert ("costs accuracy" in told) == (box.accuracy < plain.accuracy - 0.005)
        level = abs(getattr(box, metric) - getattr(plain, metric)) < (5e-5 if metric == "nll" else 5e-4)
        if not level:  # else what they are rounded to decides
            worse = sign * getattr(box, metric) < sign * getattr(plain, metric)
            assert ("Bounds do not help here" in told) == worse
        below, above = lo <= logits.min(), hi >= logits.max()
        edge = lo == los[-1] or hi == his[0] or (lo == los[0] and not below) or (hi == his[-1] and not above)
        assert ("It clips nothing" in told) == (below and above)
        assert ("edge of the map" in told) == (edge and not (below and above))
        best = page.locator(".cal-sweep figure:not([hidden]) button.best").first
        assert best.get_attribute("aria-label").startswith("lo ")
    told = page.locator(".cal-sweep .cal-quiet").nth(1)
    page.evaluate("() => (document.documentElement.lang = 'de')")
    expect(told).to_contain_text("Nach der einen Hälfte der Zeilen")
    page.evaluate("() => (document.documentElement.lang = 'en')")
    expect(told).to_contain_text("On one half of the rows")
    page.locator("#calibrate input[name=cal-metric][value=accuracy]").check()


def test_the_diagram_by_keyboard(calibrate):
    state, page = calibrate.state(), calibrate.page
    svg = page.locator(".cal-reliability.own svg")
    svg.focus()
    page.keyboard.press("End")
    count = state["after"]["table"]["count"][-1]
    expect(page.locator(".cal-reliability.own .cal-read")).to_contain_text(f"93.3 to 100.0 %: {count} rows")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".cal-reliability.own .cal-read")).to_contain_text("86.7 to 93.3 %")
    page.keyboard.press("Escape")
    expect(page.locator(".cal-reliability.own .cal-read")).to_contain_text("Bar:")


# A set of one's own -------------------------------------------------------------------------------------------------


def example(rows: int, classes: int, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    z = 2 * torch.randn(rows, classes, generator=generator)
    return (scale * z).round(decimals=3), torch.multinomial(z.softmax(-1), 1, generator=generator)[:, 0]


def as_csv(logits: torch.Tensor, labels: torch.Tensor, delimiter: str = ",") -> bytes:
    head = delimiter.join(["label", *(f"class {i}" for i in range(logits.shape[1]))])
    rows = zip(labels.tolist(), logits.tolist(), strict=True)
    lines = [delimiter.join([str(label), *(f"{v:.3f}" for v in row)]) for label, row in rows]
    return "\n".join([head, *lines]).encode()


def parts_of(data: bytes, name: str) -> tab.Parts:
    logits, labels, classes = validation.read(data)
    fit = validation.split(len(labels))
    return tab.Parts(name, classes, (logits[fit], labels[fit]), (logits[~fit], labels[~fit]))


def shown(calibrate, name: str) -> None:
    calibrate.page.wait_for_function("(name) => calibrate.state.set.name === name", arg=name)


@pytest.mark.slow
def test_ones_own_set(calibrate):
    """A CSV and a safetensors file: every figure is of the part that judges, T of the other."""
    logits, labels = example(400, 5, 3.0)
    for name, data in {
        "own.csv": as_csv(logits, labels, ";"),
        "own.safetensors": save({"logits": logits, "labels": labels.int()}),
    }.items():
        calibrate.upload(data, name)
        shown(calibrate, name)
        parts = parts_of(data, name)
        calibrate.agree(parts)
        assert "5 classes" in calibrate.page.locator("#calibrate-set").inner_text()
        assert "240 rows; the figures come from the other 160" in calibrate.page.locator("#calibrate-set").inner_text()
        settings = calibrate.state()["settings"]
        assert settings["temperature"] == float(calibrate.box("temperature").input_value()) == 1, "not the last set's T"
        fit = calibration.fit_temperature(*parts.fit)
        assert fit.temperature == pytest.approx(3, rel=0.4)
        assert f"T = {fit.temperature:.4g}" in calibrate.fit()
        calibrate.agree(parts)
    calibrate.page.locator("#calibrate-back").click()
    shown(calibrate, tab.bundled().name)
    assert calibrate.agree()["settings"]["temperature"] == 1
    assert calibrate.page.locator("#calibrate-result").inner_text().strip() == ""


GOOD = as_csv(*example(60, 3, 1.0))
BAD = {
    "empty.csv": (b"", "empty"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a text file"),
    "no-label.csv": (GOOD.replace(b"label", b"answer"), "no column called label"),
    "nan.csv": (GOOD.replace(b"\n0,", b"\n0,nan", 1), "nan"),
    "word.csv": (GOOD + b"\n1,a,b,<img src=x>", "Line 62"),
    "no.safetensors": (b"hello, this is no safetensors file", "This safetensors file is damaged"),
    "half.safetensors": (save({"logits": torch.zeros(30, 3), "labels": torch.zeros(30).int()})[:-60], "damaged"),
    "large.csv": (GOOD + b"\n" * validation.MAX_BYTES, "the limit is 6"),
}


@pytest.mark.slow
def test_bad_files_get_a_sentence_and_the_last_good_set_stays(calibrate):
    page = calibrate.page
    calibrate.upload(GOOD, "good.csv")
    shown(calibrate, "good.csv")
    for name, (data, says) in BAD.items():
        calibrate.upload(data, name)
        page.wait_for_function(
            "(says) => document.querySelector('#calibrate-notice').innerText.includes(says)", arg=says
        )
        assert calibrate.notice().endswith(".")
        assert page.locator("#calibrate-notice [role=alert]").count() == 1
        assert calibrate.agree(parts_of(GOOD, "good.csv"))["name"] == "good.csv"
    assert "good.csv" in page.locator("#calibrate-set").inner_text()
    assert "fitted on 36 rows" in calibrate.fit(), "the server, too, still has it"
    assert calibrate.notice() == ""


def test_a_set_without_a_best_temperature(calibrate):
    separable = 5 * torch.eye(3)[torch.arange(40) % 3]
    data = save({"logits": separable, "labels": (torch.arange(40) % 3).int()})
    calibrate.upload(data, "separable.safetensors")
    shown(calibrate, "separable.safetensors")
    text = calibrate.fit()
    assert "T wants to be 0" in text
    assert "T stays" in text
    assert calibrate.agree(parts_of(data, "separable.safetensors"))["settings"]["temperature"] == 1
    expect(calibrate.page.get_by_role("rowheader", name="Softmax, fitted T")).to_be_hidden()


def test_a_file_that_is_gone(calibrate):
    data = as_csv(*example(45, 3, 1.0))
    calibrate.upload(data, "soon-gone.csv")
    shown(calibrate, "soon-gone.csv")
    for path in guard.folder().rglob("soon-gone.csv"):
        path.unlink()
    calibrate.page.locator("#calibrate-fit").click()
    calibrate.page.wait_for_function(
        "() => document.querySelector('#calibrate-notice').innerText.includes('no longer')"
    )
    calibrate.agree(parts_of(data, "soon-gone.csv"))


# Looks --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(calibrate):
    """The page as narrow as a phone; wide and light again afterwards."""
    calibrate.page.set_viewport_size({"width": 360, "height": 740})
    yield calibrate
    calibrate.page.evaluate("() => document.body.classList.remove('dark')")
    calibrate.page.set_viewport_size(WIDE)


@pytest.mark.slow
def test_phone_and_axe(phone):
    page = phone.page
    phone.method("sparsemax")
    phone.fit()
    phone.upload(b"no set", "bad.csv")
    expect(page.locator("#calibrate-notice p")).to_be_visible()
    page.locator(".cal-format summary").click()
    page.locator(".cal-reliability.own svg").focus()
    page.keyboard.press("End")
    page.wait_for_function(READY)
    found = serious(page, "#calibrate")
    page.evaluate("() => document.body.classList.add('dark')")
    found += serious(page, "#calibrate")
    assert not found, "\n".join(found)
    assert page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]") == [360, 360]
    wide = "(e) => e.scrollWidth - e.clientWidth"
    assert page.locator(".cal-compare .table-scroll").evaluate(wide) == 0
    frame = page.locator(".cal-sweep figure:not([hidden]) .map-frame")
    assert frame.evaluate(wide) > 0, "the map scrolls, and fades where it goes on"
    frame.evaluate("(e) => { e.scrollLeft = 999; }")
    last = "(e) => e.getBoundingClientRect().right - e.closest('.map-frame').getBoundingClientRect().right"
    assert frame.locator("tbody tr:first-child button").last.evaluate(last) <= -20
    frame.evaluate("(e) => { e.scrollLeft = 0; }")
    clipped = page.evaluate(
        """() => [...document.querySelectorAll('#calibrate :is(svg text, button, input)')].filter((e) => {
          const { left, right, width } = e.getBoundingClientRect();
          return !e.closest('.map-frame') && width > 1 && (left < 0 || right > innerWidth + 0.5);
        }).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert clipped == []
    phone.agree()
