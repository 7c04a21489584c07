"""The page in another language: nothing left in English, nothing cut off on a phone, the same numbers."""

import json

import pytest
from playwright.sync_api import Page, expect

from constrained.page import languages

from .driver import Explore

CATALOGUES = languages.read()
LOCALES = {"de": "de-DE", "fr": "fr-FR", "es": "es-ES"}
PHONE = {"width": 360, "height": 800}
TABS = ("explore", "train", "calibrate", "lessons", "code")
PARTS = "button, label, legend, summary, figcaption, th, dt, h1, h2, h3, [role=tab], .badges li"

# Every text is looked up anew, and those without a translation are noted.
MISSING = """(code) => {
  globalThis.missing = new Set();
  const texts = gradio_config.i18n_translations;
  texts[code] = new Proxy(texts[code], { get: (all, key) => (key in all || missing.add(key), all[key]) });
  document.documentElement.lang = 'en';
  return new Promise((done) => setTimeout(() => {
    document.documentElement.lang = code;
    setTimeout(done, 50);
  }, 50));
}"""
# What a visitor can read or is told: texts of parts, of everything, and of attributes. Code and lessons stay English.
READ = f"""() => {{
  const own = (node) => !node.closest('pre, .lesson-cards, footer') && node.checkVisibility();
  const all = (where) => Array.from(document.querySelectorAll(where)).filter(own);
  const attributes = ['aria-label', 'title', 'placeholder'];
  return {{
    parts: all({json.dumps(PARTS)}).map((node) => node.innerText ?? node.textContent),
    whole: all('p, li, span, dd, td').map((node) => node.innerText),
    attributes: all('*').flatMap((node) => attributes.map((name) => node.getAttribute(name))),
  }};
}}"""
# An accordion's arrow, turned on its side, would count as cut off.
CUT = f"""() => {{
  const hidden = ".visually-hidden, .label-wrap";
  const seen = (node) => node.clientWidth > 1 && !node.closest(hidden) && node.checkVisibility();
  const cut = (node) => seen(node) && node.scrollWidth > node.clientWidth + 1;
  const parts = Array.from(document.querySelectorAll({json.dumps(PARTS + ", input[role=combobox]")}));
  return parts.filter(cut).map((node) => node.outerHTML.slice(0, 200));
}}"""


def go(page: Page, tab: str) -> None:
    """Open a tab; on a phone most are in a menu."""
    page.evaluate("(tab) => share.apply('tab=' + tab)", tab)
    expect(page.locator(f"#{tab if tab != 'lessons' else 'lessons-block'}")).to_be_visible()
    if tab == "calibrate":
        page.wait_for_function("() => calibrate.state.sweep && !calibrate.jobs.size", timeout=60_000)
    elif tab == "lessons":
        expect(page.locator(".lesson-card").first).to_be_visible()
    elif tab == "code":
        expect(page.locator("#code-board pre code")).not_to_be_empty()
    page.wait_for_timeout(50)


@pytest.mark.slow
@pytest.mark.parametrize("code", LOCALES)
def test_a_phone_shows_all_in_the_browsers_language(visit, code):
    one = visit(viewport=PHONE, locale=LOCALES[code])
    page, explore, texts = one.page, Explore(one.page), CATALOGUES[code]
    assert page.evaluate("() => document.documentElement.lang").startswith(code)
    page.evaluate(MISSING, code)
    english = {text for text, translation in texts.items() if text != translation and "{" not in text}
    english -= set(texts.values())  # "Simplex" here may be "simplex" there
    explore.slider("temperature").press("ArrowRight")
    for tab in TABS:
        go(page, tab)
        seen = page.evaluate(READ)
        found = {text for kind in seen.values() for text in kind if text and text.strip() in english}
        assert found == set(), tab
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), tab
        assert page.evaluate(CUT) == [], tab
    assert page.evaluate("() => [...missing]") == []
    go(page, "explore")
    explore.agree()
    assert texts["kept: {name}"].format(name="cat") in explore.badges("probability")[0]
    assert page.locator("#controls-bounded h2").inner_text() == texts["Bounded"]


def outside(explore: Explore) -> int:
    """How many logits are outside of the box."""
    state = explore.state()
    lo, hi = (state["settings"][key] for key in ("lo", "hi"))
    return sum(not lo <= z <= hi for z in state["logits"])


@pytest.mark.slow
def test_the_language_can_be_changed_in_the_settings(visit):
    one = visit()
    page, explore, german = one.page, Explore(one.page), CATALOGUES["de"]
    clipped = outside(explore)
    assert explore.badges("bounded")[1] == f"{clipped} of 10 clipped"
    state = explore.state()
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("combobox", name="Language").click()
    page.get_by_role("option", name="Deutsch").click()
    expect(page.locator("figure.bounded .badges li").nth(1)).to_have_text(f"{clipped} von 10 abgeschnitten")
    assert page.locator("#pin-a").inner_text() == german["Pin as A"]
    assert page.locator("#title h1").inner_text() == german["Constrain the output of a ResNet18"]
    assert page.locator("#explore-lo-slider label").first.inner_text() == german["lo, the lower bound"]
    assert page.locator("figure.bounded").get_attribute("aria-label") == german["Bounded"]
    assert page.locator("#theme").get_attribute("title") == german["Switch to dark"]
    assert explore.agree()["settings"] == state["settings"]


@pytest.mark.slow
def test_a_language_that_the_page_does_not_have_is_english(visit):
    one = visit(locale="ja-JP")
    page, explore = one.page, Explore(one.page)
    assert page.locator("#title h1").inner_text() == "Constrain the output of a ResNet18"
    assert explore.badges("bounded")[:2] == ["top-1 tied: 2 of 10 at +1.50", f"{outside(explore)} of 10 clipped"]
    assert page.get_by_role("tab", name="Calibrate").is_visible()
    assert page.locator("#pin-a").inner_text() == "Pin as A"
    assert page.locator("#seen figcaption").inner_text().startswith("What the network sees: crops of")
