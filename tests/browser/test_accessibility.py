"""The page without a mouse, without colours, without motion, and larger."""

import pytest

from .conftest import WIDE, visiting
from .driver import serious

pytestmark = pytest.mark.slow

TABS = ("explore", "train", "calibrate", "lessons", "code")
STOPS = 400  # more than any tab has; who is not back by then is caught somewhere

# The element in focus: who it is, its name, and whether it or what is around it looks different without the focus.
STOP = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const looks = () => {
    const seen = [];
    for (let [at, up] = [e, 0]; at && up < 4; at = at.parentElement, up += 1) {
      const style = getComputedStyle(at);
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } = style;
      const outline = outlineStyle === 'none' ? '' : outlineStyle + outlineWidth + outlineColor;
      seen.push(outline, boxShadow, borderColor, backgroundColor);
    }
    const hit = e.querySelector(':scope > .hit');
    if (hit) seen.push(getComputedStyle(hit).stroke);
    return seen.join('|');
  };
  const focused = looks();
  e.blur();
  const visible = looks() !== focused;
  e.focus({ preventScroll: true, focusVisible: true });
  globalThis.stops ??= new Map();
  if (!stops.has(e)) stops.set(e, stops.size);
  return { at: stops.get(e), visible, html: e.outerHTML.slice(0, 160) };
}"""

# Every slider in view, and what it says of itself.
SLIDERS = """() => Array.from(document.querySelectorAll('#explore input[type=range]'))
  .filter((e) => e.offsetParent)
  .map((e) => [e.closest('[id$=-slider]')?.id, e.getAttribute('aria-valuetext')])"""

# Buttons and headings whose text does not fit them; an accordion's turned arrow counts as wider.
CUT = """() => Array.from(document.querySelectorAll('main :is(button:not(.label-wrap), h1, h2, h3)'))
  .filter((e) => {
    const { width } = e.getBoundingClientRect();
    return width > 1 && e.clientWidth && e.scrollWidth > e.clientWidth + 1;
  })
  .map((e) => e.outerHTML.slice(0, 160))"""


@pytest.fixture(scope="module")
def page(browser, server):
    with visiting(browser, server, reduced_motion="reduce") as visit:
        visit.page.add_style_tag(content="* { transition: none !important; }")
        yield visit.page


@pytest.mark.parametrize("tab", TABS)
def test_every_stop_of_the_keyboard_is_seen_and_left(page, tab):
    page.evaluate("(tab) => share.apply(`tab=${tab}`)", tab)
    page.wait_for_function("(tab) => share.tab === tab", arg=tab)
    page.wait_for_timeout(500)
    page.evaluate("() => { globalThis.stops = new Map(); document.querySelector('#copy-link').focus(); }")
    seen, ended = {}, False
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None or stop["at"] in seen:
            ended = stop is None or stop["at"] == 0  # past the end, or around it
            break
        seen[stop["at"]] = stop
    assert ended, f"caught at {stop}"
    assert len(seen) >= 8
    assert [stop["html"] for stop in seen.values() if not stop["visible"]] == []


@pytest.mark.slow
def test_axe_with_a_and_the_gradient(page):
    page.evaluate("() => share.apply('tab=explore&gradient=1')")
    page.evaluate("() => { const { methods, settings } = explore.state; explore.pinA({ methods, settings }); }")
    page.wait_for_function("() => explore.state.gradients")
    assert serious(page) == []
    page.evaluate("() => share.apply('tab=explore')")
    page.evaluate("() => explore.pinA(null)")


def test_top_1_is_announced_when_it_changes(page):
    page.evaluate("() => share.apply('tab=explore')")
    page.wait_for_function("() => document.querySelector('#grid').offsetParent && share.tab === 'explore'")
    live, hi = page.locator("#chart [aria-live]").first, page.locator("#explore-hi-slider input[type=range]")
    hi.fill("15")
    page.wait_for_timeout(200)
    before = live.text_content()
    hi.fill("14.5")
    page.wait_for_timeout(200)
    assert live.text_content() == before
    hi.fill("-1")
    page.wait_for_timeout(200)
    assert live.text_content() != before


def test_sliders_speak(page):
    page.evaluate("() => share.apply('tab=explore&t=0.05&lam=0.3')")
    page.wait_for_timeout(300)
    spoken = dict(page.evaluate(SLIDERS))
    assert spoken["explore-temperature-slider"] == "T = 0.05"
    assert spoken["explore-lam-slider"] == "λ = 0.3"


@pytest.mark.parametrize("tab", TABS)
def test_twice_as_large(page, tab):
    page.set_viewport_size({"width": 720, "height": 500})
    page.evaluate("(tab) => share.apply(`tab=${tab}`)", tab)
    page.wait_for_function("(tab) => share.tab === tab", arg=tab)
    page.wait_for_timeout(200)
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    cut = page.evaluate(CUT)
    page.set_viewport_size(WIDE)
    assert cut == []
    assert wide <= 720


def test_bars_without_colours(page):
    page.evaluate("() => share.apply('tab=explore')")
    page.emulate_media(forced_colors="active")
    page.wait_for_timeout(300)
    told = page.evaluate(
        """() => ['.bar', '.zero'].map((name) => getComputedStyle(document.querySelector(`figure.bounded ${name}`)))
          .map((s) => [s.fill, s.stroke]).concat([[getComputedStyle(document.body).backgroundColor]])"""
    )
    page.emulate_media(forced_colors="none")
    assert told[0][0] not in ("none", told[2][0]), told
