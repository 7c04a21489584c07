"""The Code tab as a person uses it: the script is that of the setting, and it leaves by clipboard and as a file."""

import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from playwright.sync_api import Page, expect

from constrained import registry, snippets
from constrained.models import cifar10
from constrained.page.tabs import code as tab

from .conftest import WIDE, visiting
from .driver import Explore, serious

SHOWN = "() => document.querySelector('#code-board pre').textContent"


class Code:
    """A page, and what its Code tab shows."""

    def __init__(self, visit) -> None:
        self.visit = visit
        self.page: Page = visit.page
        self.explore = Explore(visit.page)

    def open(self, name: str = "Code") -> None:
        self.page.get_by_role("tab", name=name).click()

    def choose(self, title: str) -> None:
        """Take a column or a script. gradio passes a choice on a moment later; what `expected` reads must be it."""
        self.page.locator("#code").get_by_label(title, exact=True).check()
        for family, name in registry.FAMILIES.items():
            if name == title:
                self.page.wait_for_function("(family) => explore.state.family === family", arg=family)

    def asked(self) -> int:
        """How often the page has asked the server for anything but files."""
        return sum(request.startswith("POST") for request in self.visit.requests)

    def expected(self, script: str = "plain") -> str:
        """The script of the page's setting."""
        state = self.page.evaluate(
            "() => { const { family, methods, settings } = explore.state; return { family, methods, settings }; }"
        )
        key = state["methods"][state["family"]]
        if script == "training":
            return snippets.training(key, state["settings"], "cifar10", state["methods"]["regularised"])
        return {"plain": snippets.plain, "library": snippets.library}[script](key, state["settings"])

    def shows(self, script: str = "plain") -> str:
        """Wait until that is what the tab shows."""
        expected = self.expected(script)
        self.page.wait_for_function(f"(code) => ({SHOWN})() === code", arg=expected)
        return expected


@pytest.fixture(scope="module")
def opened(browser, server):
    """One page for the tests of this file."""
    with visiting(browser, server, permissions=["clipboard-read", "clipboard-write"]) as visit:
        yield Code(visit)
        assert visit.problems == []


@pytest.fixture
def code(opened):
    """The page with the tab open, at the setting it opened with."""
    opened.open("Explore")
    opened.explore.button("Reset").click()
    opened.page.evaluate("() => explore.set('family', 'bounded')")
    opened.open()
    for title in ("Bounded", "PyTorch alone"):
        opened.choose(title)
    opened.shows()
    return opened


@pytest.mark.slow
def test_the_script_is_that_of_the_setting(code):
    code.open("Explore")
    before = code.asked()
    slider = code.explore.slider("hi")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowLeft")
    code.explore.type("temperature", 0.37)
    code.explore.method("sparsemax")
    code.page.wait_for_timeout(600)
    assert code.asked() == before, "nobody looks at the code"
    code.open()
    shown = code.shows()
    assert "T = 0.37" in shown
    assert "def project_simplex" in shown
    assert code.asked() == before + 1
    expect(code.page.locator("#code-board h2")).to_have_text("Probability: Sparsemax, T = 0.37")
    expect(code.page.locator("#code-family").get_by_label("Probability")).to_be_checked()  # the column touched last

    code.choose("Bounded")
    shown = code.shows()
    assert "HI = 1.2" in shown
    assert code.page.evaluate("() => explore.state.family") == "bounded"
    code.choose("With this library")
    assert "constraint = Clamp(lo=-2.0, hi=1.2)" in code.shows("library")
    code.choose("Regularised")
    code.choose("A training step")
    assert "return F.cross_entropy(constrain(z), labels)" in code.shows("training")
    expect(code.page.locator(".code-about")).to_contain_text("The loss is taken after the proximal step")
    code.choose("Bounded")
    assert "LAM * z.abs()" in code.shows("training")
    expect(code.page.locator(".code-about")).to_contain_text("the L1 penalty, with λ = 0.5 from the Regularised column")
    code.choose("PyTorch alone")
    code.shows()


def test_it_follows_while_the_tab_is_open(code):
    before = code.asked()
    for value in (-3.0, -3.25, -3.5):
        code.page.evaluate("(value) => explore.set('lo', value)", value)
    assert "LO = -3.5" in code.shows()
    assert code.asked() == before + 1, "once it has settled"
    code.page.evaluate("() => explore.set('project_simplex')")  # nothing that is a control
    code.page.wait_for_timeout(500)
    assert code.asked() == before + 1, "what is the same is not asked again"


def test_the_last_setting_wins_over_a_slow_answer(code, monkeypatch):
    written = tab.written

    def slowly(asked):
        time.sleep(0.8)
        return written(asked)

    monkeypatch.setattr(tab, "written", slowly)
    for value in (5.5, 6.5, 7.5):
        code.page.evaluate("(value) => explore.set('hi', value)", value)
        code.page.wait_for_timeout(300)  # settled, and asked for while the one before is still being written
    assert "HI = 7.5" in code.shows()
    code.page.wait_for_timeout(1200)
    assert "HI = 7.5" in code.page.evaluate(SHOWN)


def test_copy_and_download(code, tmp_path):
    for script, title in snippets.SCRIPTS.items():
        code.choose(title)
        shown = code.shows(script)
        code.page.locator("#code").get_by_role("button", name="Copy", exact=True).click()
        expect(code.page.locator(".code-told")).to_have_text("Copied.")
        assert code.page.evaluate("() => navigator.clipboard.readText()") == shown
        with code.page.expect_download() as download:
            code.page.locator("#code").get_by_role("button", name="Download", exact=True).click()
        assert download.value.suggested_filename == snippets.name(script, "clamp")
        download.value.save_as(tmp_path / "script.py")
        assert (tmp_path / "script.py").read_text(encoding="utf-8") == shown
    with code.page.expect_download() as download:
        code.page.locator("#code-weights").click()
    weights = cifar10.FOLDER / cifar10.facts()["file"]
    assert download.value.suggested_filename == weights.name
    assert Path(download.value.path()).stat().st_size == weights.stat().st_size


def test_copying_by_hand_where_the_browser_forbids_it(code):
    code.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    code.page.locator("#code").get_by_role("button", name="Copy", exact=True).click()
    expect(code.page.locator(".code-told")).to_contain_text("press Ctrl+C")
    assert code.page.evaluate("() => String(getSelection())").strip() == code.expected().strip()
    code.page.evaluate("() => { delete navigator.clipboard.writeText; getSelection().removeAllRanges(); }")


def test_ones_own_head_and_another_model(code):
    message = """(model) => {
      const { labels, logits } = explore.state;
      explore.receive(JSON.stringify({ kind: 'logits', model, labels, logits: Array.from(logits), image: null }));
    }"""
    code.page.evaluate(message, "yours-1a2b3c4d")
    expect(code.page.locator(".code-about")).to_contain_text(
        'constrained_resnet18(weights=..., head="head.safetensors")'
    )
    assert code.page.evaluate(SHOWN) == code.expected()
    code.page.evaluate(message, "imagenet")
    code.page.wait_for_function(f"() => ({SHOWN})().includes('IMAGENET1K_V1')")
    expect(code.page.locator("#code-weights")).to_be_hidden()
    code.page.evaluate(message, "cifar10")
    code.shows()


def test_a_strange_question_is_refused():
    good = {
        "script": "plain",
        "family": "bounded",
        "methods": {"bounded": "clamp", "probability": "softmax", "regularised": "prox_l1"},
        "settings": {key: p.default for key, p in registry.PARAMETERS.items()},
        "model": "cifar10",
    }
    assert tab.written(good)["code"] == snippets.plain("clamp", good["settings"])
    for bad in (
        {"script": "exec"},
        {"family": "raw"},
        {"methods": good["methods"] | {"bounded": "softmax"}},
        {"methods": None},
        {"settings": good["settings"] | {"lo": '"""\nimport os'}},
        {"settings": good["settings"] | {"lo": 5, "hi": 4}},
        {"model": "cifar10\nimport os"},
    ):
        with pytest.raises(gr.Error, match="The code cannot be written"):
            tab.on_write(SimpleNamespace(_data=good | bad))
    for bad in ({}, [], None, "x"):
        with pytest.raises(gr.Error, match="The code cannot be written"):
            tab.on_write(SimpleNamespace(_data=bad))


@pytest.mark.slow
def test_axe_and_a_phone(code):
    page = code.page
    code.choose("A training step")
    code.shows("training")
    found = []
    try:
        for size in (WIDE, {"width": 360, "height": 740}):
            page.set_viewport_size(size)
            for dark in (False, True):
                page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
                found += serious(page, "#code")
            assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
        scrolls = page.locator("#code-board pre").evaluate(
            "(e) => [e.scrollWidth > e.clientWidth, e.clientWidth > 220]"
        )
        assert scrolls == [True, True]
    finally:
        page.evaluate("() => document.body.classList.remove('dark')")
        page.set_viewport_size(WIDE)
    assert found == []


def test_by_keyboard(code):
    page = code.page
    page.locator("#code-script input").first.focus()
    page.keyboard.press("Tab")  # gradio's radio buttons are stops of their own
    page.keyboard.press("Space")
    code.shows("library")
    page.locator("#code").get_by_role("button", name="Copy", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".code-told")).to_have_text("Copied.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.matches('#code-board pre')"), "it scrolls by the keyboard too"
