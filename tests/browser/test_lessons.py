"""Lessons as a person takes them: the catalogue, the panel beside the chart, the teacher's sheet."""

import io
import re
import unicodedata
from urllib.parse import parse_qsl

import pypdf
import pytest
from playwright.sync_api import Page, expect

from constrained import registry
from constrained.page.course import catalogue, experiments, files, settings
from constrained.page.tabs import explore as tab

from .conftest import visiting
from .driver import Explore, serious

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
# Whether the chart has a setting, key by key.
SHOWN = """(wanted) => {
  const { image, family, methods, settings, k, gradientOn, targetName } = globalThis.explore.state;
  const now = { image, family, ...methods, ...settings, k, gradient: gradientOn, target: targetName };
  return Object.entries(wanted).every(([key, value]) => now[key] === value);
}"""


def chart(query: str) -> dict:
    """What the chart should hold under a step's setting: what is not said stands as the page opens."""
    told = dict(parse_qsl(query))
    wanted = {key: parameter.default for key, parameter in registry.PARAMETERS.items()} | dict(tab.METHODS)
    wanted |= {"image": told["image"], "family": told["family"], told["family"]: told["method"]}
    wanted |= {"k": int(told.get("k", 10)), "gradient": "gradient" in told, "target": told.get("target")}
    wanted |= {key: told[key] for key in registry.FAMILIES if key in told}
    return wanted | {settings.NAMES[key].key: float(value) for key, value in told.items() if key in settings.NAMES}


def plain(html: str) -> str:
    """Text of our own HTML, as it is read."""
    text = re.sub(r"<[^>]*>", "", html)
    for entity, sign in {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&"}.items():
        text = text.replace(entity, sign)
    return " ".join(text.split())


class Lessons:
    """A page, with its lessons."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.explore = Explore(page)
        self.panel = page.locator("#lesson")
        self.heading = self.panel.locator("h2")
        self.forget = page.get_by_role("button", name="Forget my progress")

    def catalogue(self) -> None:
        self.page.get_by_role("tab", name="Lessons").click()
        expect(self.page.locator(".lesson-card").first).to_be_visible()

    def card(self, lesson: dict):
        return self.page.locator(".lesson-card").filter(has=self.page.get_by_text(lesson["title"], exact=True))

    def button(self, name: str):
        return self.panel.get_by_role("button", name=name, exact=True)

    def at(self, lesson: dict, number: int) -> dict:
        """Check that a step is open, with its setting in the chart, and its heading in focus."""
        step = lesson["steps"][number - 1]
        expect(self.heading).to_have_text(f"Step {number} of {len(lesson['steps'])}: {step['title']}")
        expect(self.heading).to_be_focused()
        self.page.wait_for_function(SHOWN, arg=chart(step["setting"]))
        return step

    def revealed(self, step: dict) -> None:
        """Check that an answer is shown, with its setting in the chart and numbers that are PyTorch's."""
        expect(self.panel.get_by_role("heading", name="What happens")).to_be_focused()
        self.page.wait_for_function(SHOWN, arg=chart(step["reveal"]))
        self.explore.agree()
        told = self.panel.locator(".lesson-answer .lesson-text").inner_text()
        assert " ".join(told.split()) == plain(step["why"])
        right = [plain(step["choices"][at]) for at in step["right"]] or [step["slider"]["shown"]]
        assert " ".join(self.panel.locator(".it dd").inner_text().split()) == " ".join(right)

    def tab_to(self, target) -> None:
        """Press Tab until something has the focus, as who has no mouse."""
        for _ in range(80):
            if target.evaluate("(e) => e === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")


def by_slug(slug: str) -> dict:
    return next(lesson for lesson in catalogue.catalogue() if lesson["slug"] == slug)


@pytest.fixture(scope="module")
def opened(browser, server):
    with visiting(browser, server) as visit:
        yield visit


@pytest.fixture
def shown(opened):
    """The shared page, with no lesson open and no progress."""
    opened.page.evaluate("() => { lessons.close(); lessons.sheet(false); }")
    shown = Lessons(opened.page)
    shown.catalogue()
    if shown.forget.is_enabled():
        shown.forget.click()
    yield shown
    problems, opened.problems[:] = list(opened.problems), []
    assert problems == []


@pytest.mark.slow
def test_a_lesson_from_start_to_end_by_mouse(shown):
    lesson, page = by_slug("bounds"), shown.page
    shown.catalogue()
    shown.card(lesson).get_by_role("button", name="Start").click()
    for number in range(1, len(lesson["steps"]) + 1):
        step = shown.at(lesson, number)
        expect(shown.button("Reveal")).to_be_disabled()
        shown.panel.get_by_role("radio").first.check()
        shown.button("Reveal").click()
        shown.revealed(step)
        own = shown.panel.locator(".own dd")
        expect(own).to_have_text(plain(step["choices"][0]))
        marks = shown.panel.locator(".lesson-choice").evaluate_all("(all) => all.map((e) => e.innerText)")
        assert [("✓ the answer" in mark, "● yours" in mark) for mark in marks] == [
            (at in step["right"], at == 0) for at in range(len(marks))
        ]
        page.wait_for_function("(at) => location.search.includes(at)", arg=f"lesson=bounds&step={number}")
        shown.button("Finish" if number == len(lesson["steps"]) else "Next").click()
    expect(page.get_by_text(f"“{lesson['title']}” is finished.")).to_be_visible()
    expect(shown.card(lesson)).to_contain_text("✓ all steps done")
    expect(shown.panel).to_be_hidden()
    page.wait_for_function("() => !location.search.includes('lesson=')")


@pytest.mark.slow
def test_a_lesson_from_start_to_end_by_keyboard(visit):
    """One with a prediction by slider, by number, by choice, and an experiment."""
    lesson, shown = by_slug("zeros"), Lessons(visit().page)
    page, keys = shown.page, shown.page.keyboard
    shown.tab_to(page.get_by_role("tab", name="Explore"))
    shown.tab_to(page.get_by_role("tab", name="Lessons"))
    keys.press("Enter")
    shown.tab_to(shown.card(lesson).get_by_role("button"))
    keys.press("Enter")
    for number in range(1, len(lesson["steps"]) + 1):
        step = shown.at(lesson, number)
        if step["question"] is None:
            shown.tab_to(shown.button("Run it"))
            keys.press("Enter")
            expect(shown.panel.locator("tbody tr").first).to_be_visible(timeout=60_000)
        else:
            if step["slider"]:
                slider = shown.panel.locator("input[type=range]")
                shown.tab_to(slider)
                expect(slider).to_have_attribute("aria-valuetext", "no prediction yet")
                keys.press("ArrowRight")
                predicted = slider.get_attribute("aria-valuetext")
                assert predicted.endswith(step["slider"]["unit"])
            else:
                shown.tab_to(shown.panel.get_by_role("radio").first)
                keys.press("Space")
                keys.press("ArrowDown")
                predicted = plain(step["choices"][1])
            shown.tab_to(shown.button("Reveal"))
            keys.press("Enter")
            shown.revealed(step)
            expect(shown.panel.locator(".own dd")).to_have_text(predicted)
        shown.tab_to(shown.button("Finish" if number == len(lesson["steps"]) else "Next"))
        keys.press("Enter")
    expect(shown.card(lesson)).to_contain_text("✓ all steps done")
    expect(page.locator("#lessons h2")).to_be_focused()


def test_a_number_is_predicted_by_slider_or_box(shown):
    page, lesson = shown.page, by_slug("temperature")
    page.evaluate("() => lessons.open('temperature', 1)")
    slider = shown.at(lesson, 1)["slider"]
    box, range_ = shown.panel.locator("input[type=number]"), shown.panel.locator("input[type=range]")
    expect(box).to_have_value("")
    box.fill(str(slider["high"] + 1))
    expect(shown.button("Reveal")).to_be_disabled()
    near = round(slider["answer"])
    box.fill(str(near))
    expect(range_).to_have_value(str(near))
    expect(shown.button("Reveal")).to_be_enabled()
    box.press("Enter")
    shown.revealed(lesson["steps"][0])
    expect(shown.panel.locator(".lesson-verdict")).to_have_text("Very close.")
    shown.button("Back").is_disabled()
    page.evaluate("() => lessons.open('temperature', 1)")  # once more, far off
    shown.at(lesson, 1)
    box.fill(str(slider["low"]))
    shown.button("Reveal").click()
    expect(shown.panel.locator(".lesson-verdict")).to_have_text(re.compile(r"^Off by .* points\.$"))


def test_show_me_answers_without_a_prediction(shown):
    lesson = by_slug("bounds")
    shown.page.evaluate("() => lessons.open('bounds', 3)")
    shown.at(lesson, 3)
    shown.button("Show me").click()
    shown.revealed(lesson["steps"][2])
    expect(shown.panel.locator(".own dd")).to_have_text("none, this time")
    expect(shown.panel.locator("[role=status]")).to_contain_text("Your prediction: none")


def test_links_in_the_text_change_the_page_and_lead_back(shown):
    page, lesson = shown.page, by_slug("zeros")
    number, step = next((n, s) for n, s in enumerate(lesson["steps"], 1) if "method=entmax15" in s["why"])
    page.evaluate("(step) => lessons.open('zeros', step)", number)
    shown.at(lesson, number)
    shown.button("Show me").click()
    shown.revealed(step)
    link = shown.panel.locator(".lesson-answer a[href^='?']").first
    query = link.get_attribute("href")[1:]
    link.click()
    page.wait_for_function(SHOWN, arg=chart(query))
    expect(shown.heading).to_be_visible()
    shown.button("↺ Reset the chart").click()
    page.wait_for_function(SHOWN, arg=chart(step["reveal"]))

    page.evaluate("() => share.apply('tab=train&train.method=sparsemax')")  # as the links to other tabs do
    away = page.get_by_role("complementary", name="Open lesson")
    expect(away).to_contain_text(lesson["title"])
    away.get_by_role("button", name="Back to the lesson").click()
    expect(shown.heading).to_be_focused()
    expect(away).to_be_hidden()
    page.wait_for_function(SHOWN, arg=chart(step["reveal"]))


def test_an_experiment_shows_its_numbers(shown):
    lesson = by_slug("mistakes")
    number, step = next((n, s) for n, s in enumerate(lesson["steps"], 1) if s["run"])
    shown.page.evaluate("(step) => lessons.open('mistakes', step)", number)
    shown.at(lesson, number)
    shown.button("Show me").click()
    for again in (False, True):  # with the answer, and when asked to
        if again:
            shown.button("Run it again").click()
        expect(shown.button("Run it again")).to_be_enabled(timeout=60_000)
        expected = experiments.run(step["run"])
        table = shown.panel.locator(".lesson-table")
        assert table.locator(".lesson-caption").inner_text() == expected["caption"]
        cells = "(rows) => rows.map((row) => Array.from(row.cells, (cell) => cell.textContent))"
        rows = table.locator("tbody tr").evaluate_all(cells)
        assert rows == [[str(cell) for cell in row] for row in expected["rows"]]


@pytest.mark.slow
def test_every_step_opens_by_its_link(shown):
    """The link's way without loading the page anew for each; the next test loads one."""
    page, loaded = shown.page, None
    for lesson in catalogue.catalogue():
        for number, step in enumerate(lesson["steps"], 1):
            page.evaluate("(query) => share.apply(query)", f"lesson={lesson['slug']}&step={number}")
            shown.at(lesson, number)
            if step["setting"] != loaded:  # all numbers of the setting, against PyTorch
                shown.explore.agree()
            loaded = step["setting"]


RESTLESS = """async () => {
  let changes = 0;
  const watch = new MutationObserver((records) => (changes += records.length));
  const wait = () => new Promise((done) => setTimeout(done, 50));
  await wait();
  watch.observe(document.querySelector('#chart'), { subtree: true, attributes: true });
  await wait();
  watch.disconnect();
  return changes;
}"""


@pytest.mark.slow
def test_a_row_that_is_pointed_at_stays_where_it_is(shown):
    """In columns this narrow an example has two lines or three: it must not move the rows, and by that itself."""
    page = shown.page
    page.evaluate("(query) => share.apply(query)", "lesson=zeros&step=1")
    shown.at(by_slug("zeros"), 1)
    box = page.locator("figure.raw svg").bounding_box()
    for y in range(0, int(box["height"]), 6):
        page.mouse.move(box["x"] + 20, box["y"] + y)
        assert page.evaluate(RESTLESS) == 0, y


def test_a_link_opens_a_step_with_its_setting_or_with_another(visit):
    lesson, opened = by_slug("zeros"), visit("lesson=zeros&step=2")
    shown, page = Lessons(opened.page), opened.page
    shown.at(lesson, 2)
    # Where the link says a setting too, as the address of a page does, that counts.
    setting = "image=dog&family=bounded&method=clamp&lo=-1&hi=1"
    opened.open(f"{page.url.split('?')[0]}?{setting}&lesson=zeros&step=2")
    expect(shown.heading).to_be_focused()
    page.wait_for_function(SHOWN, arg=chart(setting))
    page.evaluate("() => share.apply('lesson=nonesuch')")
    expect(page.locator("#share-told")).to_contain_text("There is no lesson “nonesuch”")
    page.evaluate("() => share.apply('lesson=zeros&step=99')")
    expect(page.locator("#share-told")).to_contain_text("has no step 99; it starts at step 1.")
    shown.at(lesson, 1)


def test_progress_survives_a_reload_and_can_be_forgotten(shown, opened):
    lesson, page = by_slug("bounds"), opened.page
    expect(shown.forget).to_be_disabled()
    opened.requests.clear()
    shown.card(lesson).get_by_role("button", name="Start").click()
    shown.at(lesson, 1)
    shown.button("Show me").click()
    shown.button("Next").click()
    shown.at(lesson, 2)
    sent = [request for request in opened.requests if "progress" in request]
    opened.open(page.url.split("?")[0])
    shown.catalogue()
    expect(shown.card(lesson)).to_contain_text(f"1 of {len(lesson['steps'])} steps done")
    shown.card(lesson).get_by_role("button", name="Continue at step 2").click()
    shown.at(lesson, 2)
    shown.catalogue()
    shown.forget.click()
    expect(shown.card(lesson)).to_contain_text("not started")
    assert page.evaluate("() => localStorage.getItem('constrained.lessons')") is None
    assert sent == []


@pytest.mark.slow
def test_without_storage_progress_lasts_as_long_as_the_page(visit):
    """As in an iframe whose site may keep nothing."""
    lesson, opened = by_slug("bounds"), visit()
    deny = (
        "const deny = () => { throw new DOMException('denied', 'SecurityError'); };"
        "Object.defineProperty(window, 'localStorage', { get: deny });"
    )
    with opened.page.add_init_script(deny):
        opened.open(opened.page.url)
    shown = Lessons(opened.page)
    shown.catalogue()
    expect(opened.page.get_by_text("this browser stores nothing here")).to_be_visible()
    shown.card(lesson).get_by_role("button", name="Start").click()
    shown.at(lesson, 1)
    shown.button("Show me").click()
    shown.catalogue()
    expect(shown.card(lesson)).to_contain_text("1 of")


@pytest.mark.slow
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_printed_sheet_has_every_step(visit, paper):
    """Whole, and nothing else: boxes that scroll on the screen end where the paper does."""
    page = visit("teacher=1").page
    page.wait_for_selector(".lesson-sheet .lesson-item")
    file = pypdf.PdfReader(io.BytesIO(page.pdf(format=paper)))
    plain = "".join(unicodedata.normalize("NFKC", one.extract_text()) for one in file.pages)
    plain = re.sub(r"\s", "", plain)
    for lesson in files.lessons():
        for step in lesson.steps:
            assert re.sub(r"\s", "", step.title) in plain, step.title
    last = page.locator(".lesson-item").last.inner_text()
    assert re.sub(r"\s", "", last)[-40:] in plain
    assert "Rescaleaxes" not in plain
    for one in file.pages:  # no heading is left alone at the foot of a page
        assert not re.search(r"step=\d+\s*$", one.extract_text())


def test_teachers_sheet(visit):
    page = visit("teacher=1").page
    sheet = page.locator(".lesson-sheet")
    expect(sheet).to_be_visible(timeout=30_000)
    read = """(all) => all.map((item) => {
      const link = item.querySelector('a');
      return [link.getAttribute('href'), link.innerText, item.innerText];
    })"""
    items = {href: (title, plain(text)) for href, title, text in sheet.locator(".lesson-item").evaluate_all(read)}
    for lesson in catalogue.catalogue():
        expect(sheet.locator(".lesson-plan")).to_contain_text(lesson["title"])
        for number, step in enumerate(lesson["steps"], 1):
            title, item = items.pop(f"?lesson={lesson['slug']}&step={number}")
            assert title == f"{number}. {step['title']}"
            answers = [plain(step["choices"][at]) for at in step["right"]] if step["choices"] else []
            answers += [step["slider"]["shown"]] if step["slider"] else []
            for part in [plain(step["question"] or step["text"]), plain(step["why"]), *answers]:
                assert part in item
    assert items == {}
    total = sum(lesson["minutes"] for lesson in catalogue.catalogue())
    clocks = sheet.locator(".lesson-plan tbody td:first-child").all_inner_texts()
    assert total == 40
    assert clocks[0].startswith("0:00 – ")
    assert clocks[-1].endswith(" – 0:40")
    assert [c.split(" – ")[0] for c in clocks[1:]] == [c.split(" – ")[1] for c in clocks[:-1]], "the clock runs on"

    page.evaluate("() => document.body.classList.add('dark')")
    page.emulate_media(media="print")
    for furniture in ("#header", "footer", "#tabs > .tab-wrapper", ".lesson-sheet .lesson-actions"):
        expect(page.locator(furniture)).to_be_hidden()
    look = "(e) => { const { color, breakInside } = getComputedStyle(e); return [color, breakInside]; }"
    assert sheet.locator(".lesson-item").first.evaluate(look) == ["rgb(0, 0, 0)", "avoid"], "black, and uncut"
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
    sheet.locator(".lesson-item a").nth(1).click()
    Lessons(page).at(catalogue.catalogue()[0], 2)


def looks_well(shown: Lessons) -> None:
    """Each view of a lesson; the rest of the page is the matter of other tests."""
    page, fits = shown.page, "() => document.documentElement.scrollWidth <= innerWidth"
    page.evaluate("() => share.apply('tab=lessons')")
    expect(page.locator(".lesson-card").first).to_be_visible()
    assert serious(page) == []
    assert page.evaluate(fits), "catalogue"
    page.evaluate("() => lessons.open('temperature', 1)")
    shown.at(by_slug("temperature"), 1)
    assert serious(page, "#lesson") == []
    shown.button("Show me").click()
    expect(shown.panel.get_by_role("heading", name="What happens")).to_be_focused()
    assert serious(page, "#lesson") == []
    assert page.evaluate(fits), "panel"
    page.evaluate("() => lessons.sheet(true)")
    expect(page.locator(".lesson-sheet")).to_be_visible()
    assert serious(page, "#lessons") == []
    assert page.evaluate(fits), "sheet"


@pytest.mark.slow
def test_axe_and_width(shown):
    looks_well(shown)


@pytest.mark.slow
def test_axe_and_width_on_a_dark_phone(visit):
    looks_well(Lessons(visit(**PHONE, color_scheme="dark").page))


def test_a_lesson_that_cannot_be_read_is_named_beside_the_others(visit, monkeypatch):
    good = catalogue.catalogue()
    monkeypatch.setattr(
        catalogue, "catalogue", lambda: [*good[:4], {"slug": good[4]["slug"], "trouble": "05-zeros.md: no."}, *good[5:]]
    )
    page = visit("tab=lessons").page
    expect(page.locator(".lesson-card")).to_have_count(len(good))
    expect(page.locator(".lesson-card button")).to_have_count(len(good) - 1)
    expect(page.locator(".lesson-card").last).to_have_text("This lesson cannot be shown. 05-zeros.md: no.")
