"""The Train tab as a person uses it: runs, live training, sweeps, and heads that leave and come back."""

import base64
import csv
import dataclasses
import io
import threading
import time

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from constrained import heads, images, registry, training
from constrained.page.pictures import FIRST_SAMPLE
from constrained.page.server.inference import network
from constrained.page.tabs import train as tab

from .conftest import WIDE, visiting
from .driver import Explore, reading, serious

SLOW = 500  # epochs; nobody waits for them here


class Train:
    """A page with the tab open, and its controls."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.get_by_role("tab", name="Train").click()
        page.wait_for_selector("#train-chart .runs")
        page.wait_for_selector("#train-actions button")

    def slider(self, key: str):
        return self.page.locator(f"#train-{key}-slider input[type=range]")

    def type(self, key: str, value: float) -> None:
        """Put a number into a box, as by hand."""
        own = (
            f"#train-{key}-value"
            if (registry.PARAMETERS | training.PARAMETERS)[key].scale == "log"
            else f"#train-{key}-slider"
        )
        box = self.page.locator(f"{own} input[type=number]")
        box.click()
        box.press("ControlOrMeta+a")
        box.press_sequentially(str(value), delay=20)
        box.blur()
        holds = "([k, v]) => ({ ...train.settings, ...train.settings.settings })[k] === v"
        self.page.wait_for_function(holds, arg=[key, value])

    def for_epochs(self, epochs: int) -> None:
        """Have the next fit take so many: few, mostly, so that nobody waits."""
        self.page.evaluate("(epochs) => train.set('epochs', epochs)", epochs)

    def method(self, key: str) -> None:
        entry = registry.REGISTRY[key]
        self.page.locator("#train-method input").click()
        self.page.locator("#train-method").get_by_role("option", name=entry.title).click()
        self.page.wait_for_function("(key) => train.settings.method === key", arg=key)

    def penalty(self, name: str) -> None:
        self.page.locator("#train-penalty").get_by_label(name, exact=True).check()
        self.page.wait_for_function("(key) => train.settings.penalty === key", arg=name.lower())

    def press(self, name: str) -> None:
        self.page.locator("#train").get_by_role("button", name=name, exact=True).click()

    def runs(self) -> list[dict]:
        return self.page.evaluate(
            "() => train.runs.map(({ question, name, state, points, setting, head }) => "
            "({ question, name, state, points, setting, head }))"
        )

    def trained(self, count: int) -> list[dict]:
        """Wait until so many runs are there and all have ended."""
        ended = "(n) => train.runs.length === n && train.runs.every(({ state }) => !/waiting|running/.test(state))"
        self.page.wait_for_function(ended, arg=count, timeout=60_000)
        return self.runs()

    def run(self) -> dict:
        """Train, and wait for it."""
        before = self.page.evaluate("() => train.runs.length")
        self.press("Train")
        return self.trained(min(before + 1, 6))[-1]

    def rows(self) -> list[list[str]]:
        """The table's cells, a list a run."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        rows = self.page.locator("table.runs tbody tr")
        return [rows.nth(i).locator("td").all_inner_texts()[1:] for i in range(rows.count())]

    def status(self) -> Locator:
        """What the page says of the last run: drawn a frame after that is so, hence a thing to expect, not to read."""
        return self.page.locator(".train-progress span")

    def lines(self, plot: int = 0) -> int:
        """How many lines a plot has."""
        return self.page.locator("#train-chart figure.plot").nth(plot).locator("path.plot-line").count()


@pytest.fixture(autouse=True, scope="module")
def few_examples():
    """Every sixth of the features, so that the many fits of this file take no time."""
    data = training.data()
    fit, judge = ((features[::6], labels[::6]) for features, labels in (data.fit, data.judge))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "data", lambda: data._replace(fit=fit, judge=judge))
        yield


@pytest.fixture
def train(shared_visit):
    """The tab with few epochs and no run; what a test chose goes back to what a new visitor meets."""
    train = Train(shared_visit.page)
    train.press("Clear all")
    train.for_epochs(20)
    yield train
    problems, shared_visit.problems[:] = list(shared_visit.problems), []
    assert problems == []


@pytest.fixture
def slowly(monkeypatch):
    """Counts the fits that are going on in the server, and makes them slow: a few points soon, all of them never."""
    going, lock, fits = [0], threading.Lock(), tab.fits

    def counted(*args, **options):
        with lock:
            going[0] += 1
        try:
            for number, step in enumerate(fits(*args, **options)):
                time.sleep(0.05 if number < 10 else 1)  # no machine is so busy that a test takes longer than a fit
                yield step
        finally:
            with lock:
                going[0] -= 1

    monkeypatch.setattr(tab, "fits", counted)
    return going


def ends(going: list[int], seconds: float, left: int = 0) -> bool:
    """Whether no more fits than these are left after so many seconds at most."""
    end = time.monotonic() + seconds
    while going[0] > left and time.monotonic() < end:
        time.sleep(0.02)
    return going[0] == left


# Runs ---------------------------------------------------------------------------------------------------------------


def test_a_run_gives_the_figures_of_the_library(train):
    run = train.run()
    *_, (figures, head) = training.fit(training.Setting(epochs=20))
    assert run["state"] == "done"
    numbers = {key: parameter.default for key, parameter in registry.PARAMETERS.items()}
    assert run["setting"] == dataclasses.asdict(training.Setting(epochs=20)) | {"settings": numbers}
    last = run["points"][-1]
    for key in ("accuracy", "nll", "ece", "size", "dead", "train_loss"):
        assert last[key] == pytest.approx(getattr(figures, key), abs=2e-3), key
    accuracy, nll, ece, size, dead, temperature, words = train.rows()[0]
    assert "no constraint" in words
    assert "20 epochs" in words
    for text, value in ((accuracy, last["accuracy"]), (ece, last["ece"]), (dead, last["dead"])):
        shown, half = reading(text)
        assert abs(shown - value) <= half * 1.001 + 1e-9
    assert float(nll) == pytest.approx(last["nll"], rel=0.01)
    assert float(size) == pytest.approx(last["size"], rel=0.01)
    assert temperature == "–"
    assert train.lines() == 2  # judged and training
    expect(train.status()).to_contain_text("20 epochs")
    loaded = heads.load(base64.b64decode(run["head"])).layer
    torch.testing.assert_close(loaded.weight, head.weight, atol=1e-3, rtol=0)


def test_only_the_sliders_of_the_constraint_are_there(train):
    page = train.page
    shown = {
        "lo": ("clamp_inward",),
        "temperature": ("sparsemax",),
        "lam": ("prox_l2",),
        "radius": ("project_simplex",),
    }
    for key, (method,) in shown.items():
        train.method(method)
        expect(page.locator("#train-help")).to_contain_text(registry.REGISTRY[method].help)
        for other in shown:
            slider = expect(train.slider(other))
            slider.to_be_visible() if other == key else slider.to_be_hidden()
    train.penalty("L2")
    expect(train.slider("weight")).to_be_visible()
    train.page.locator("#train-penalty").get_by_label("none").check()
    expect(train.slider("weight")).to_be_hidden()


def test_a_dead_clamp_is_told_in_words(train):
    train.method("clamp")
    train.type("lo", 0)
    train.type("hi", 1)
    run = train.run()
    assert run["setting"]["settings"]["hi"] == 1
    assert run["points"][-1]["dead"] > 0.5
    expect(train.page.locator(".reading")).to_contain_text("get no gradient")
    assert "Hard clamp [0, 1]" in train.rows()[0][-1]


def test_bounds_cannot_cross(train):
    train.method("clamp")
    train.type("hi", 3)
    train.type("lo", 5)
    assert train.page.evaluate("() => train.settings.settings.hi") == 5
    expect(train.page.locator("#train-hi-slider input[type=number]")).to_have_value("5")


def test_live_training_replaces_its_own_run(train):
    train.method("softmax")
    train.run()
    train.page.locator("#train-live input").check()
    train.trained(2)
    slider = train.slider("temperature")
    slider.focus()
    for _ in range(4):
        train.page.keyboard.press("ArrowRight")
    moved = "({ temperature }) => temperature > 1 && temperature === train.settings.settings.temperature"
    train.page.wait_for_function(f"() => ({moved})(train.runs.at(-1).setting.settings)")
    first, live = train.trained(2)
    assert live["setting"]["settings"]["temperature"] > 1 == first["setting"]["settings"]["temperature"]
    train.page.locator("#train-live input").uncheck()
    slider.focus()
    train.page.keyboard.press("ArrowRight")
    train.page.wait_for_timeout(600)
    assert len(train.trained(2)) == 2


def test_a_live_run_with_a_name_is_kept(train):
    train.page.locator("#train-live input").check()
    train.trained(1)
    name = train.page.get_by_label("Name of run").first
    name.fill("my baseline")
    name.press("Enter")
    train.type("learning_rate", 0.05)
    first, second = train.trained(2)
    train.page.locator("#train-live input").uncheck()
    assert first["name"] == "my baseline"
    assert first["setting"]["learning_rate"] == 0.01
    assert second["setting"]["learning_rate"] == 0.05
    train.type("learning_rate", 0.01)


def test_stop_keeps_what_there_is(train, slowly):
    train.type("epochs", SLOW)
    train.press("Train")
    train.page.wait_for_function("() => train.runs[0].points.length > 2")
    train.press("Stop")
    (run,) = train.trained(1)
    assert run["state"] == "stopped"
    assert 0 < run["points"][-1]["epoch"] < SLOW
    assert run["head"]
    expect(train.status()).to_contain_text("stopped after epoch")
    assert ends(slowly, 5)


def test_six_runs_stay(train):
    train.for_epochs(10)
    for _ in range(7):
        run = train.run()
    runs = train.runs()
    assert len(runs) == 6
    assert runs[-1]["question"] == run["question"]
    assert len({r["name"] for r in runs}) == 6
    page = train.page
    before = train.lines()
    page.get_by_label(f"Show {runs[0]['name']}").uncheck()
    page.wait_for_function(
        "(n) => document.querySelectorAll('#train-chart figure.plot')[0].querySelectorAll('path.plot-line').length < n",
        arg=before,
    )
    page.get_by_label(f"Show {runs[0]['name']}").check()
    page.get_by_label(f"Remove {runs[0]['name']}").click()
    page.wait_for_function("() => train.runs.length === 5")
    name = page.get_by_label("Name of run").first
    name.fill("=1+1")
    name.press("Enter")
    with page.expect_download() as download:
        train.press("Download as CSV")
    table = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert len(table) == 5
    assert table[0]["name"] == "'=1+1"  # no formula for a spreadsheet
    for row, run in zip(table, train.runs(), strict=True):
        assert float(row["accuracy"]) == run["points"][-1]["accuracy"]
        assert int(row["epochs"]) == 10


def test_the_table_sorts(train):
    train.for_epochs(10)
    for noise in (0, 60):
        train.page.evaluate("(v) => train.set('noise', v / 100)", noise)
        train.run()
    train.page.evaluate("() => train.set('noise', 0)")
    header = train.page.locator("table.runs thead").get_by_role("button", name="NLL")
    values = []
    for _ in range(2):
        header.click()
        values.append([float(row[1]) for row in train.rows()])
    assert values[0] == sorted(values[0])
    assert values[1] == sorted(values[1], reverse=True)


def test_a_run_that_diverges_says_what_to_do(train):
    train.page.evaluate("() => { train.set('optimizer', 'sgd'); train.set('weight', 10); train.set('penalty', 'l2'); }")
    train.page.evaluate("() => train.set('learning_rate', 1)")
    run = train.run()
    train.page.evaluate("() => { train.set('optimizer', 'adamw'); train.set('penalty', ''); }")
    train.page.evaluate("() => { train.set('weight', 0); train.set('learning_rate', 0.01); }")
    assert run["state"] == "failed"
    assert run["head"] is None
    expect(train.status()).to_contain_text("lower the learning rate")


# Sweeps -------------------------------------------------------------------------------------------------------------


def test_sweep_of_lambda_and_taking_a_point(train):
    page = train.page
    train.for_epochs(10)
    train.penalty("L1")
    train.press("Sweep λ")
    page.wait_for_function("() => train.sweep.lambda && !train.sweep.active", timeout=60_000)
    points = page.evaluate("() => train.sweep.lambda.points")
    assert [p["weight"] for p in points] == tab.LAMBDAS
    assert points[-1]["size"] < points[0]["size"]
    plot = page.locator("#train-chart section .plots figure.plot svg[tabindex]").first
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator(".plot-tip:visible")).to_contain_text("λ, weight of the penalty 1")
    train.penalty("L2")
    train.type("learning_rate", 0.02)
    plot.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")  # and all else that was swept comes along
    page.wait_for_function("() => train.settings.weight === 1")
    assert page.evaluate("() => [train.settings.penalty, train.settings.learning_rate]") == ["l1", 0.01]
    expect(page.locator("#train-penalty").get_by_label("L1")).to_be_checked()
    expect(page.locator("#train-learning_rate-value input")).to_have_value("0.01")
    expect(page.locator("#train-weight-value input")).to_have_value("1")


def test_sweep_of_the_bounds_and_taking_a_cell(train):
    page = train.page
    train.for_epochs(10)
    train.method("clamp_inward")
    train.press("Sweep lo and hi")
    page.wait_for_function("() => train.sweep.bounds && !train.sweep.active", timeout=60_000)
    points = page.evaluate("() => train.sweep.bounds.points")
    assert len(points) == 25
    lo, hi = tab.BOUNDS["lo"][2], tab.BOUNDS["hi"][3]
    found = next(p for p in points if (p["lo"], p["hi"]) == (lo, hi))
    cell = page.locator(".map button").nth(2 * 5 + 3)
    expect(cell).to_have_text(f"{100 * found['accuracy']:.1f}")
    cell.click()
    holds = "([lo, hi]) => train.settings.settings.lo === lo && train.settings.settings.hi === hi"
    page.wait_for_function(holds, arg=[lo, hi])
    expect(page.locator("#train-hi-slider input[type=number]")).to_have_value(f"{hi:g}")
    cell.focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".map button").nth(1 * 5 + 3)).to_be_focused()


# Heads --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_head_goes_to_explore_for_this_visitor_alone(train, server, browser):
    page = train.page
    train.method("clamp_inward")
    train.type("lo", -2)
    train.type("hi", 1)
    run = train.run()
    before = page.evaluate("() => Array.from(explore.state.logits)")
    with page.expect_download() as download:
        page.get_by_label("Download the head of").click()
    file = download.value.path().read_bytes()
    page.get_by_label("Use the head of").click()
    explore = Explore(page)
    logits = explore.new_logits(before)
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    head = heads.load(file)
    net = network("cifar10")
    views = net.checkpoint.views(images.decode(FIRST_SAMPLE.read_bytes()))
    assert logits == pytest.approx(net.logits_of(views, head.layer).tolist(), abs=2e-6)
    explore.page.wait_for_function(
        "() => explore.state.methods.bounded === 'clamp_inward' && explore.state.settings.hi === 1"
    )
    state = explore.agree()
    assert state["settings"]["lo"] == run["setting"]["settings"]["lo"]
    expect(page.locator("#model input")).to_have_value("CIFAR-10, your head")

    # Nobody else has this head.
    with visiting(browser, server) as other:
        assert other.page.evaluate("() => Array.from(explore.state.logits)") == pytest.approx(before)
        other.page.locator("#model input").click()
        expect(other.page.get_by_role("option", name="CIFAR-10, your head")).to_have_count(0)

        # The file comes back by upload, on another visitor's page.
        Train(other.page)
        upload = other.page.locator("#train-upload input[type=file], input#train-upload, #train-setup input[type=file]")
        upload.first.set_input_files(
            {"name": "head.safetensors", "mimeType": "application/octet-stream", "buffer": file}
        )
        assert Explore(other.page).new_logits(before) == pytest.approx(
            net.logits_of(views, head.layer).tolist(), abs=2e-6
        )
        assert other.problems == []


def test_a_bad_head_gets_a_sentence(train):
    page = train.page
    before = Explore(page).looks()
    upload = page.locator("#train-upload input[type=file], input#train-upload, #train-setup input[type=file]").first
    for name, data in {"a.safetensors": b"hello", "b.safetensors": b""}.items():
        upload.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
        expect(page.locator("#train-notice p")).to_contain_text("empty" if not data else "not a safetensors file")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    assert Explore(page).looks() == before


# Many at once -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_place_in_line_and_pictures_meanwhile(train, browser, server, slowly):
    """Two fits at once; the third waits and is told so, and pictures do not wait for any of them.

    Of the others one stops, and one leaves, who takes the run along.
    """
    with visiting(browser, server) as leaves:
        with visiting(browser, server) as waits:
            others = [Train(visit.page) for visit in (leaves, waits)]
            for one in (train, *others):
                one.for_epochs(SLOW)
                one.press("Train")
            last = others[-1]
            expect(last.status()).to_contain_text("place 1 of 1 in the queue")
            assert last.runs()[0]["state"] == "waiting"
            last.press("Stop")
            last.page.wait_for_function("() => train.runs.length === 0")
            expect(last.status()).to_contain_text("stopped before it began")
            last.press("Train")
            expect(last.status()).to_contain_text("in the queue")
            last.page.get_by_role("tab", name="Explore").click()
            explore = Explore(last.page)
            logits = explore.state()["logits"]
            last.page.locator("#samples button").first.click()
            explore.new_logits(logits)
            assert slowly[0] == 2, "the picture was answered while both fits went on"
            last.page.get_by_role("tab", name="Train").click()
            train.page.wait_for_function("() => train.runs[0].points.length > 1")
            train.press("Stop")
            train.trained(1)
            last.page.wait_for_function("() => train.runs[0].points.length > 1")  # with fewer it would go
            last.press("Stop")
            last.trained(1)
        leaves.page.wait_for_function("() => train.runs[0].points.length > 1")
        assert ends(slowly, 5, left=1)
    assert ends(slowly, 5)


# Looks --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_axe_has_no_serious_finding_in_either_theme_nor_a_phone_a_sideways_scroll(train):
    page = train.page
    train.method("clamp")
    train.run()
    found = serious(page)
    try:
        page.locator("#theme").click()
        found += serious(page, "#train")
        page.set_viewport_size({"width": 360, "height": 760})
        train.press("Sweep lo and hi")
        page.wait_for_function("() => train.sweep.bounds.points.length > 0")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
        train.press("Stop")
        page.wait_for_function("() => !train.sweep.active")
    finally:
        page.set_viewport_size(WIDE)
        page.locator("#theme").click()
    assert found == []
