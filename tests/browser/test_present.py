"""Present mode: big type on a projector, and everything by keys."""

import pytest
from playwright.sync_api import expect

from .conftest import visiting
from .driver import Explore, serious
from .test_lessons import PHONE, SHOWN, Lessons, by_slug, chart

PROJECTORS = [{"width": 1280, "height": 720}, {"width": 1920, "height": 1080}]
READABLE = 45  # a letter's height, as a part of the screen's, that can be read from the last row
# Sizes on screen: of the type in the chart, in the lesson, and how far the page goes on below the screen.
LOOK = """() => {
  const size = (where) => {
    const found = document.querySelector(where);
    return found && parseFloat(getComputedStyle(found).fontSize) * (found.currentCSSZoom ?? 1);
  };
  const box = document.querySelector('#grid').getBoundingClientRect();
  return {
    sizes: ['.value', '.label', '.formula', '.badges li', '#controls-bounded h2', '.lesson-text p', '.lesson h2']
      .map(size).filter((found) => found !== null),
    below: box.bottom - innerHeight,
    share: (box.width * box.height) / (innerWidth * innerHeight),
    wide: document.documentElement.scrollWidth - innerWidth,
    bars: Math.max(...Array.from(document.querySelectorAll('#chart .bar'), (bar) => bar.getBoundingClientRect().width)),
  };
}"""


@pytest.fixture(scope="module")
def page(browser, server):
    with visiting(browser, server, viewport=PROJECTORS[0]) as visit:
        yield visit.page
        assert visit.problems == []


@pytest.fixture
def presenting(page):
    """The shared page in present mode, as it opens, with nothing in focus."""
    page.evaluate(
        "() => { document.activeElement.blur(); present.toggle(false); lessons.close();"
        " share.apply('image=cat&family=bounded&method=clamp'); }"
    )
    page.wait_for_function(SHOWN, arg={"image": "cat"})
    page.locator("#present").click()
    expect(page.get_by_role("toolbar", name="Present mode")).to_be_visible()
    page.evaluate("() => document.activeElement.blur()")
    yield page
    page.evaluate("() => present.toggle(false)")


def test_the_button_and_escape(page):
    page.locator("#present").click()
    expect(page.locator("#title")).to_be_hidden()
    expect(page.locator("#picture-panel")).to_be_hidden()
    page.wait_for_function("() => location.search.includes('present=1')")
    page.keyboard.press("Escape")
    expect(page.locator("#title")).to_be_visible()
    expect(page.locator("#present")).to_be_focused()
    page.wait_for_function("() => !location.search.includes('present')")


@pytest.mark.parametrize(
    ("choose", "key"), [("l", "lo"), ("h", "hi"), ("t", "temperature"), ("w", "lam"), ("k", "k")], ids=str
)
def test_keys_move_each_slider(presenting, choose, key):
    explore, keys = Explore(presenting), presenting.keyboard

    def press(name: str) -> float:
        keys.press(name)
        state = explore.agree()
        return state["k"] if key == "k" else state["settings"][key]

    start = press(choose)
    if key != "k":  # which is out of sight in this mode
        expect(explore.slider(key)).to_be_focused()
    lower = press("ArrowDown")
    assert lower < start
    assert press("ArrowUp") == pytest.approx(start, rel=0.01)  # a log slider has steps
    assert press("[") == pytest.approx(lower, rel=0.01)
    assert press("]") == pytest.approx(start, rel=0.01)
    far = press("Shift+ArrowDown")
    assert far < lower
    if key != "k":
        assert explore.boxed(key) == pytest.approx(far), "the box follows"
    expect(presenting.locator(".present-slider")).to_contain_text(" = ")


def test_w_is_the_radius_where_the_method_has_one(presenting):
    presenting.evaluate("() => share.apply('image=cat&family=regularised&method=project_l1_ball')")
    explore = Explore(presenting)
    explore.state()
    presenting.keyboard.press("w")
    expect(explore.slider("radius")).to_be_focused()
    before = explore.state()["settings"]["radius"]
    presenting.keyboard.press("ArrowUp")
    assert explore.agree()["settings"]["radius"] > before


def test_a_method_is_chosen_by_mouse_at_any_size(presenting):
    """gradio places its list in pixels of the screen, and the chart's are larger."""
    explore = Explore(presenting)
    box = presenting.locator("#method-regularised")
    box.locator("input").click()
    field, options = box.bounding_box(), box.get_by_role("listbox").bounding_box()
    assert options["x"] == pytest.approx(field["x"], abs=4)
    assert options["y"] == pytest.approx(field["y"] + field["height"], abs=8)
    assert options["width"] == pytest.approx(field["width"], abs=8)
    box.get_by_role("option", name="Project onto L2 ball", exact=True).click()
    assert explore.agree()["methods"]["regularised"] == "project_l2_ball"


def test_other_keys(presenting):
    page, keys = presenting, presenting.keyboard
    keys.press("g")
    page.wait_for_function("() => explore.state.gradients")
    keys.press("g")
    page.wait_for_function("() => !explore.state.gradientOn")
    keys.press("l")
    for _ in range(3):
        keys.press("Shift+ArrowUp")
    axes = page.evaluate("() => explore.state.axes.logit.join()")
    page.evaluate("() => share.apply('image=cat&family=bounded&method=clamp&hi=20&lo=15')")
    keys.press("r")
    page.wait_for_function("(axes) => explore.state.axes.logit.join() !== axes", arg=axes)
    names = page.evaluate(
        "() => Array.from(document.querySelectorAll('#samples .caption-label'), (e) => e.textContent)"
    )
    keys.press("7")
    page.wait_for_function(SHOWN, arg={"image": names[6].strip()})
    expect(page.locator(".present-title")).to_have_text(names[6].strip())
    keys.press("c")
    expect(page.locator("figure.probability")).to_be_hidden()
    expect(page.locator("figure.bounded")).to_be_visible()
    keys.press("c")
    expect(page.locator("figure.probability")).to_be_visible()
    dark = "() => document.body.classList.contains('dark')"
    before = page.evaluate(dark)
    keys.press("d")
    assert page.evaluate(dark) != before
    keys.press("d")


def test_keys_do_nothing_while_typing(presenting):
    explore = Explore(presenting)
    box = explore.box("lo")
    before = explore.state()
    box.click()
    for press in ("g", "c", "7", "Backspace", "ArrowRight", "?"):
        presenting.keyboard.press(press)
    expect(presenting.get_by_role("dialog")).to_be_hidden()
    state = explore.state()
    assert (state["logits"], state["gradients"]) == (before["logits"], before["gradients"])
    expect(presenting.locator("figure.probability")).to_be_visible()
    presenting.keyboard.press("Control+f")  # nor where a key belongs to the browser
    assert presenting.evaluate("() => document.fullscreenElement") is None


@pytest.mark.slow
def test_help_is_a_dialog(presenting):
    page, keys = presenting, presenting.keyboard
    keys.press("l")
    keys.press("?")
    dialog = page.get_by_role("dialog", name="Keys in present mode")
    expect(dialog).to_be_visible()
    inside = "() => document.querySelector('dialog').contains(document.activeElement)"
    for press in ("Tab", "Tab", "Shift+Tab"):
        keys.press(press)
        assert page.evaluate(inside), "focus stays in the dialog"
    keys.press("g")
    assert not page.evaluate("() => explore.state.gradientOn"), "no key works behind it"
    assert serious(page, "dialog") == []
    said = dialog.inner_text()
    assert all(
        word in said for word in ("next step", "lo,", "hi,", "temperature", "radius", "rescale", "fullscreen", "leave")
    )
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("() => present.state.on"), "Escape closes the dialog alone"
    expect(Explore(page).slider("lo")).to_be_focused()


def test_fullscreen_refused_stays_in_present_mode(presenting):
    presenting.evaluate("() => { document.documentElement.requestFullscreen = () => Promise.reject(new TypeError()); }")
    presenting.keyboard.press("f")
    expect(presenting.locator(".present-bar [role=status]")).to_have_text("The browser did not allow fullscreen.")
    assert presenting.evaluate("() => present.state.on")
    presenting.evaluate("() => { delete document.documentElement.requestFullscreen; }")
    presenting.keyboard.press("f")
    presenting.wait_for_function("() => document.fullscreenElement")
    presenting.keyboard.press("f")
    presenting.wait_for_function("() => !document.fullscreenElement")
    assert presenting.evaluate("() => present.state.on")


def test_a_lesson_by_keys(presenting):
    page, keys, lesson = presenting, presenting.keyboard, by_slug("bounds")
    shown = Lessons(page)
    keys.press("n")
    expect(page.locator(".present-bar [role=status]")).to_have_text("No lesson is open.")
    page.evaluate("() => lessons.open('bounds', 1)")
    shown.at(lesson, 1)
    keys.press("PageDown")  # as a presenter's remote sends it
    step = shown.at(lesson, 2)
    keys.press("q")
    expect(shown.panel.get_by_role("radio").first).to_be_focused()
    keys.press("Space")
    expect(shown.panel.get_by_role("radio").first).to_be_checked()
    keys.press("s")
    shown.revealed(step)
    expect(shown.panel.locator(".own dd")).not_to_have_text("none, this time")
    keys.press("ArrowRight")
    shown.at(lesson, 3)
    keys.press("p")
    shown.at(lesson, 2)
    keys.press("ArrowLeft")
    shown.at(lesson, 1)
    page.wait_for_function("() => /lesson=bounds.*present=1/.test(location.search)")


@pytest.mark.parametrize("lesson", [False, True], ids=["alone", "with a lesson"])
@pytest.mark.parametrize("size", PROJECTORS, ids=lambda size: f"{size['width']}")
def test_fills_a_projector_and_can_be_read_from_the_last_row(presenting, size, lesson):
    page = presenting
    page.set_viewport_size(size)
    if lesson:
        page.evaluate("() => lessons.open('bounds', 2)")
        Lessons(page).at(by_slug("bounds"), 2)
    fills = 0.55 if lesson else 0.75  # of the screen; right after the size has changed it is too small for a moment
    fits = f"look.below <= 0 && look.bars > 30 && look.share > {fills}"
    fits = f"() => {{ const look = ({LOOK})(); return {fits} && look; }}"
    look = page.wait_for_function(fits).json_value()
    assert min(look["sizes"]) * READABLE >= size["height"] * 0.85, look  # badges and formula are somewhat smaller
    assert (
        page.evaluate(
            "() => parseFloat(getComputedStyle(document.querySelector('.value')).fontSize) * "
            "document.querySelector('.value').currentCSSZoom"
        )
        * READABLE
        >= size["height"]
    )
    assert look["wide"] <= 0
    page.set_viewport_size(PROJECTORS[0])


@pytest.mark.slow
def test_a_link_opens_it_and_axe_has_no_serious_finding_in_either_theme(visit):
    page = visit("lesson=temperature&step=1&present=1", viewport=PROJECTORS[0]).page
    Lessons(page).at(by_slug("temperature"), 1)
    expect(page.get_by_role("toolbar", name="Present mode")).to_be_visible()
    page.wait_for_function(SHOWN, arg=chart(by_slug("temperature")["steps"][0]["setting"]))
    found = serious(page)
    page.keyboard.press("d")
    page.wait_for_function("() => document.body.classList.contains('dark')")
    assert found + serious(page) == []


@pytest.mark.slow
def test_a_phone_does_not_break(visit):
    page = visit(**PHONE).page
    page.evaluate("() => { present.toggle(true); lessons.open('bounds', 2); }")
    Lessons(page).at(by_slug("bounds"), 2)
    look = page.evaluate(LOOK)
    assert look["wide"] <= 0
    columns = page.locator("#chart figure.column").evaluate_all(
        "(all) => all.map((e) => e.getBoundingClientRect().width)"
    )
    assert min(columns) > 200, "the columns are stacked"
    assert serious(page) == []
