"""Two settings side by side: A is pinned and stays, B moves on; every number of both against PyTorch."""

import pytest
import torch
from playwright.sync_api import expect

from constrained import registry
from constrained.page.models import METHODS
from constrained.registry import PARAMETERS

from .driver import FAMILIES, Explore, honest, reading, serious

OPENING = {key: p.default for key, p in PARAMETERS.items()}

# What a column shows of A: each row's number, what a screen reader is told, and where its outline ends.
OF_A = """(column) => Array.from(document.querySelectorAll(`figure.${column} g.row`), (row) => ({
  index: Number(row.dataset.class ?? -1),
  value: row.querySelector('.a-value')?.textContent ?? null,
  name: row.querySelector('title').textContent,
  end: row.querySelector('.a-end')?.getAttribute('d') ?? null,
}))"""
TICKS = """(column) => Array.from(document.querySelectorAll(`figure.${column} .axis text`),
  (tick) => [Number(tick.getAttribute('x')), tick.textContent])"""


def outputs(state: dict, methods: dict[str, str], settings: dict[str, float]) -> dict[str, torch.Tensor]:
    """What PyTorch makes of the page's logits."""
    z = torch.tensor(state["logits"], dtype=torch.float64)
    return {family: registry.build(method, settings)(z) for family, method in methods.items()}


def shows_a(explore: Explore, methods: dict[str, str], settings: dict[str, float]) -> None:
    """Check every number and every outline of A."""
    state = explore.state()
    for family, y in outputs(state, methods, settings).items():
        rows = explore.page.evaluate(OF_A, family)
        assert [row["index"] for row in rows] == state["order"][: state["k"]]
        (x0, first), *_, (x1, last) = explore.page.evaluate(TICKS, family)
        v0, v1 = reading(first)[0], reading(last)[0]
        for row in rows:
            value = y[row["index"]].item()
            assert honest(row["value"].removeprefix("A "), value), f"{family} {methods} shows {row['value']}: {value!r}"
            assert f"; {row['value']}" in row["name"]
            if state["axes"]["logit"][0] < value < state["axes"]["logit"][1]:
                end = float(row["end"].removeprefix("M").split()[0])
                assert end == pytest.approx(x0 + (value - v0) / (v1 - v0) * (x1 - x0), abs=0.01)
            else:
                assert row["end"] == "", "beyond the axis the outline has no end"


def badge(explore: Explore, family: str, word: str) -> list[str]:
    """The lines of the badge that has a word in it: B's and A's."""
    (found,) = [said for said in explore.badges(family) if word in said.split("\n")[0]]
    return found.split("\n")


def differs(line: str, a: float, b: float) -> None:
    """Check A's line of a badge, its number and its difference."""
    then, by = line.removeprefix("A: ").split(", ")
    assert honest(then, a) or reading(then)[0] == pytest.approx(a, rel=6e-3), (line, a)
    assert reading(by)[0] == pytest.approx(b - a, rel=0.06, abs=0.006), (line, a, b)


def pinned_and_moved(visit) -> Explore:
    """A page with A as the page opens, and B changed by its controls in all three columns."""
    explore = Explore(visit.page)
    visit.page.locator("#pin-a").click()
    explore.type("hi", 0.5)
    explore.type("temperature", 2.5)
    explore.method("project_l1_ball")
    return explore


MOVED = {
    "methods": METHODS | {"regularised": "project_l1_ball"},
    "settings": OPENING | {"hi": 0.5, "temperature": 2.5},
}


@pytest.mark.slow
def test_a_stays_while_b_and_the_picture_move(visited):
    page = visited.page
    page.locator(".numbers summary").click()
    page.wait_for_timeout(300)
    visited.requests.clear()
    explore = pinned_and_moved(visited)
    state = explore.agree()
    assert (state["methods"], state["settings"]) == (MOVED["methods"], MOVED["settings"])
    shows_a(explore, METHODS, OPENING)
    for family in FAMILIES:
        assert all(row["ghost"] is None for row in explore.rows(family)), "A takes the place of the previous setting"

    b, a = (outputs(state, *two) for two in ((state["methods"], state["settings"]), (METHODS, OPENING)))
    z = torch.tensor(state["logits"], dtype=torch.float64)
    for family in FAMILIES:
        differs(badge(explore, family, "moved")[1], *((y[family] - z).norm().item() for y in (a, b)))
    for family in ("bounded", "regularised"):
        differs(badge(explore, family, "sum")[1], a[family].sum().item(), b[family].sum().item())
        low, high = badge(explore, family, "range")[1].removeprefix("A: ").split(" … ")
        assert honest(low, a[family].min().item())
        assert honest(high, a[family].max().item())
    assert badge(explore, "probability", "sum") == ["sum 1", "same as A"]
    differs(
        badge(explore, "probability", "entropy")[1],
        *(-(p * p.log()).sum().item() for p in (a["probability"], b["probability"])),
    )
    differs(badge(explore, "regularised", "zero")[1], *((y["regularised"] == 0).sum().item() for y in (a, b)))
    clipped = [((z < -2) | (z > hi)).sum().item() for hi in (1.5, 0.5)]
    differs(badge(explore, "bounded", "clipped")[1], *clipped)
    assert badge(explore, "bounded", "top-1")[1] == "A tied: 2 of 10 at +1.50"
    assert badge(explore, "probability", "top-1")[1] == "same as A"

    expect(page.locator("figure.bounded .a-words")).to_have_text("A: Hard clamp [−2, 1.5]")
    expect(page.locator("figure.probability .a-words")).to_have_text("A: Softmax, T = 1")
    expect(page.locator("figure.regularised .a-words")).to_have_text("A: L1 proximal step, λ = 0.5")

    heads = page.locator(".numbers thead th").all_inner_texts()
    assert heads == ["Class", "Raw"] + [f"{title}, {side}" for title in FAMILIES.values() for side in "BA"]
    for row, index in zip(page.locator(".numbers tbody tr").all(), state["order"], strict=True):
        cells = row.locator("td").all_inner_texts()[1:]
        values = [side[family][index].item() for family in FAMILIES for side in (b, a)]
        assert all(honest(cell, value) for cell, value in zip(cells, values, strict=True)), (cells, values)
    assert visited.requests == []

    page.locator("#samples button").nth(0).click()  # A is a setting and not a picture
    explore.new_logits(state["logits"])
    explore.agree()
    shows_a(explore, METHODS, OPENING)


def test_swap_puts_a_into_the_controls(visited):
    explore = pinned_and_moved(visited)
    visited.requests.clear()
    swap = visited.page.get_by_role("button", name="Swap A and B")
    for b, a in (
        ({"methods": METHODS, "settings": OPENING}, MOVED),
        (MOVED, {"methods": METHODS, "settings": OPENING}),
    ):
        swap.click()
        visited.page.wait_for_function(
            "(t) => explore.state.settings.temperature === t", arg=b["settings"]["temperature"]
        )
        state = explore.agree()
        assert {key: state[key] for key in b} == b
        shows_a(explore, **a)
        for key in ("lo", "hi", "temperature"):
            assert explore.boxed(key) == b["settings"][key]
        share = PARAMETERS["temperature"]
        at = 100 * torch.tensor([b["settings"]["temperature"] / share.low, share.high / share.low]).log()
        assert float(explore.slider("temperature").input_value()) == pytest.approx(
            (at[0] / at[1] * 100).item(), abs=0.51
        )
        title = registry.REGISTRY[b["methods"]["regularised"]].title
        expect(visited.page.locator("#method-regularised input")).to_have_value(title)
    assert visited.requests == []


@pytest.mark.slow
def test_every_method_as_a(explore):
    settings = OPENING | {"lo": -0.7, "hi": 1.3, "temperature": 3.0, "lam": 0.9, "radius": 1.0}
    for keys in zip(*(list(registry.family(family)) * 2 for family in FAMILIES), strict=False):
        methods = dict(zip(FAMILIES, keys, strict=True))
        explore.page.evaluate("(a) => explore.pinA(a)", {"methods": methods, "settings": settings})
        shows_a(explore, methods, settings)
    assert explore.state()["methods"] == METHODS, "B is left alone"


def test_a_from_outside_is_made_whole(explore):
    """A link may bring anything; what is out of range or unknown must not reach the chart."""
    odd = {
        "methods": {"bounded": "softmax", "probability": "nonsense", "regularised": "project_simplex"},
        "settings": {"lo": 5, "hi": 1e9, "temperature": -1, "lam": "much", "radius": None},
    }
    a = explore.page.evaluate(
        """(odd) => {
          let told = 0;
          document.addEventListener('setting', () => { told += 1; });
          explore.pinA(odd);
          return { ...explore.state.a, told };
        }""",
        odd,
    )
    assert a.pop("told") == 1
    assert a["methods"] == METHODS | {"regularised": "project_simplex"}
    assert a["settings"] == OPENING | {"lo": 5, "hi": 20, "temperature": 0.05, "lam": 0.5, "radius": 3}
    shows_a(explore, **a)


def test_by_keyboard_and_for_a_screen_reader(explore):
    page = explore.page
    live = page.locator("#chart [aria-live]")
    expect(page.get_by_role("button", name="Swap A and B")).to_be_hidden()
    page.locator("#pin-a").focus()
    page.keyboard.press("Enter")
    expect(live).to_have_text("Pinned as A: Hard clamp [−2, 1.5]; Softmax, T = 1; L1 proximal step, λ = 0.5.")
    explore.type("temperature", 4)
    page.locator("#pin-a").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#swap-a")).to_be_focused()
    page.keyboard.press("Space")
    expect(live).to_contain_text("A and B are swapped.")
    assert explore.agree()["settings"]["temperature"] == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(live).to_have_text("A is no longer pinned.")
    expect(page.locator("#pin-a")).to_be_focused()
    expect(page.locator(".a-value")).to_have_count(0)
    explore.agree()

    page.keyboard.press("Enter")
    expect(page.locator(".a-value").first).to_be_visible()
    explore.button("Reset").click()
    page.wait_for_function("() => explore.state.a === null")
    expect(page.locator(".a-words").first).to_be_hidden()


def test_rescale_keeps_a_in_sight(explore):
    a = {"methods": METHODS | {"bounded": "smooth_clamp"}, "settings": OPENING | {"lo": 15, "hi": 19}}
    explore.page.evaluate("(a) => explore.pinA(a)", a)
    explore.page.wait_for_function("() => explore.state.axes.logit[1] > 15")  # by itself
    shows_a(explore, **a)
    explore.button("Rescale").click()
    shows_a(explore, **a)
    assert explore.state()["axes"]["logit"][1] > 15


CUT = """() => Array.from(document.querySelectorAll('#chart svg text, #grid button, .badges li')).filter((e) => {
  const box = e.getBoundingClientRect();
  const around = (e.closest('figure') ?? e.closest('#grid')).getBoundingClientRect();
  return box.width > 1 && (box.left < around.left - 1 || box.right > around.right + 1);
}).map((e) => e.outerHTML.slice(0, 160))"""
LEVEL = """() => Array.from(document.querySelectorAll('figure.column svg'), (svg) => svg.getBoundingClientRect().top)"""


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1024), ("dark", 360)])
def test_looks(explore, look, scheme, width):
    page = explore.page
    look(scheme, {"width": width, "height": 900})
    page.locator(".numbers summary").click()
    page.evaluate(
        """() => {
          const { methods, settings } = explore.state;
          explore.pinA({ methods: { ...methods, bounded: 'clamp_straight_through' }, settings });
          explore.set('hi', 0.5);
          explore.set('probability', 'sparsemax');
        }"""
    )
    explore.agree()
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    assert page.evaluate(CUT) == []
    if width > 900:
        assert len(set(page.evaluate(LEVEL))) == 1, "bars of a class stand on one line"
    assert serious(page) == []
