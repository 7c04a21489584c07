"""The Explore page as a person uses it: move a control, read what is on screen; and what PyTorch says to it."""

import base64
import io
import json
import math
import re

import numpy as np
import torch
from axe_playwright_python.base import AXE_SCRIPT
from PIL import Image
from playwright.sync_api import Locator, Page

from constrained import registry
from constrained.page.controls import ASSETS

FAMILIES = registry.FAMILIES
COLUMNS = ("raw", *FAMILIES)
FAMILY_OF = {p.key: entry.family for entry in registry.REGISTRY.values() for p in entry.parameters}

# What is on screen and what the chart holds, once neither that nor a control has moved for a while: gradio hands a
# control's value on over several turns of the event loop.
LOOK = """async () => {
  const list = (values) => Array.from(values ?? []);
  const rowsOf = (column) => list(document.querySelectorAll(`figure.${column} svg g.row`)).map((row) => {
    const text = (name) => row.querySelector(name)?.textContent ?? null;
    const [bar, ghost] = ['.bar', '.ghost'].map((name) => row.querySelector(name));
    const box = (rect) => ['x', 'width'].map((name) => Number(rect.getAttribute(name)));
    return {
      index: row.dataset.class === undefined ? -1 : Number(row.dataset.class),
      label: text('.label'),
      value: text('.value'),
      slope: text('.slope'),
      bar: box(bar),
      ghost: ghost.getAttribute('display') === 'none' ? null : box(ghost),
      dead: bar.classList.contains('dead'),
      lit: row.classList.contains('lit'),
      unlearned: row.querySelector('.lane')?.classList.contains('none') ?? null,
    };
  });
  const look = () => {
    const { model, image, labels, logits, order, methods, settings, k, target, gradients, axes } = explore.state;
    const [outputs, rows] = [{}, { raw: rowsOf('raw') }];
    for (const [family, { y, dead }] of Object.entries(explore.state.outputs)) {
      outputs[family] = { y: list(y), dead: list(dead).map(Boolean) };
      rows[family] = rowsOf(family);
    }
    const state = { model, image, labels, order, methods, settings, k, target, gradients, axes, outputs, rows };
    return JSON.stringify({ ...state, logits: list(logits) });
  };
  // The chart is watched, and read once at the end: that is most of the work.
  let drawn = true;
  const watch = new MutationObserver(() => (drawn = true));
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  watch.observe(document.querySelector('#chart'), all);
  let [last, still] = ['', 0];
  const end = performance.now() + 20_000;
  while (still < 4) {
    if (performance.now() > end) throw new Error('the chart does not come to rest');
    await new Promise((done) => setTimeout(done, 15));
    const { model, image, order, logits, methods, settings, k, target, gradients } = explore.state;
    const boxes = Array.from(document.querySelectorAll('#explore input'), (input) => input.value);
    const now = JSON.stringify([model, image, order, list(logits), methods, settings, k, target, gradients, boxes]);
    still = now === last && !drawn ? still + 1 : 0;
    [last, drawn] = [now, false];
  }
  watch.disconnect();
  return look();
}"""

AXE = "async (within) => (await axe.run(within ?? document, { resultTypes: ['violations'] })).violations"


def picture(colour, size=(50, 40), kind="PNG", **options) -> bytes:
    """A file with a plain picture."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind, **options)
    return file.getvalue()


def load(page: Page, module: str, name: str) -> None:
    """Give a page what one of our modules exports, as a global; a blank page only modules that import nothing."""
    if page.url.startswith("http"):
        loader = "document.querySelector('link[rel=modulepreload][href$=\"/load.js\"]').href"
        address = f"(await import({loader})).addressOf('{module}')"
        page.evaluate(f"async () => {{ globalThis.{name} = await import({address}); }}")
        return
    code = (ASSETS / "web" / module).read_text(encoding="utf-8")
    source = json.dumps(f"data:text/javascript;base64,{base64.b64encode(code.encode()).decode()}")
    page.evaluate(f"async () => {{ globalThis.{name} = await import({source}); }}")


def faded(page: Page) -> None:
    """Wait until no colour is on its way: gradio's buttons fade from one theme to the other."""
    page.wait_for_function("() => !document.getAnimations().some((one) => one instanceof CSSTransition)")


def serious(page: Page, within: str | None = None) -> list[str]:
    """What axe calls serious or critical."""
    faded(page)
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(AXE, within)
    nodes = [(v["id"], node) for v in found if v["impact"] in ("serious", "critical") for node in v["nodes"]]
    return [f"{name}: {node['html'][:160]} {node['failureSummary'][:300]}" for name, node in nodes]


def reading(text: str) -> tuple[float, float]:
    """A number as the page shows it, and half a unit of its last digit: 0 where it claims to be exact."""
    plain = re.sub(r"[\s+]", "", text.replace("−", "-"))
    rest = re.fullmatch(r"100%-(.+)", plain)  # 100 % less something too small to write out
    if rest:
        value, half = reading(rest[1] + "%")
        return 1 - value, half
    found = re.fullmatch(r"(-?\d+(?:\.(\d+))?)(?:e(-?\d+))?(%?)", plain)
    assert found, f"{text!r} is no number"
    digits, exponent = len(found[2] or ""), int(found[3] or 0)
    unit = 0.01 if found[4] else 1.0
    value = float(found[1]) * 10.0**exponent * unit
    exact = value == 0 or (found[4] and value == 1)
    return value, 0.0 if exact else 0.5 * 10.0 ** (exponent - digits) * unit


def honest(text: str, value: float) -> bool:
    """Whether a text is a correct rounding of a value, and claims 0 or 100 % only where it is that."""
    shown, half = reading(text)
    return abs(shown - value) <= half * (1 + 1e-6) + 1e-12 * abs(value) if half else shown == value


class Explore:
    """A page, and its controls by the names that the registry gives them."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # What is there

    def state(self) -> dict:
        """What the chart holds (logits, settings, outputs, gradients) and shows (``rows`` of each column)."""
        return json.loads(self.page.evaluate(LOOK))

    def rows(self, column: str) -> list[dict]:
        """What a column shows, a row each."""
        return self.state()["rows"][column]

    def texts(self, column: str) -> list[str]:
        return [row["value"] for row in self.rows(column)]

    def badges(self, column: str) -> list[str]:
        return self.page.locator(f"figure.{column} .badges li").all_inner_texts()

    def notice(self) -> str:
        return self.page.locator("#notice").inner_text().strip()

    # What a person can move

    def slider(self, key: str) -> Locator:
        return self.page.locator(f"{self._id(key)} input[type=range]")

    def box(self, key: str) -> Locator:
        logarithmic = getattr(registry.PARAMETERS.get(key), "scale", "") == "log"
        own = f"#explore-{key}-value" if logarithmic else self._id(key)
        return self.page.locator(f"{own} input[type=number]")

    def _id(self, key: str) -> str:
        return "#top-k" if key == "k" else f"#explore-{key}-slider"

    def boxed(self, key: str) -> float:
        return float(self.box(key).input_value())

    def button(self, name: str) -> Locator:
        return self.page.locator("#actions").get_by_role("button", name=name)

    def type(self, key: str, value: float | str) -> None:
        """Put a number into a box, as by hand: select all, type, leave."""
        box = self.box(key)
        box.click()
        box.press("ControlOrMeta+a")
        box.press_sequentially(str(value), delay=20)  # typed faster than by hand, gradio may lose a sign
        box.blur()  # not Tab: that would open the next dropdown
        self.state()  # nobody is at the next control before this one is done

    def choose(self, dropdown: str, title: str) -> None:
        """Pick an entry of a dropdown with the mouse."""
        self.page.locator(f"#{dropdown} input").click()
        self.page.locator(f"#{dropdown}").get_by_role("option", name=title, exact=True).click()

    def method(self, key: str) -> None:
        """Pick a constraint."""
        entry = registry.REGISTRY[key]
        self.choose(f"method-{entry.family}", entry.title)
        self.page.wait_for_function("([f, key]) => explore.state.methods[f] === key", arg=[entry.family, key])

    def at(self, key: str, share: float) -> tuple[float, float]:
        """Where on screen a share of a slider's length is."""
        box = self.slider(key).bounding_box()
        thumb = box["height"]
        return box["x"] + thumb / 2 + share * (box["width"] - thumb), box["y"] + box["height"] / 2

    def grab(self, key: str) -> None:
        """Press the mouse on a slider's thumb."""
        share = self.slider(key).evaluate("(s) => (s.value - s.min) / (s.max - s.min)")
        self.page.mouse.move(*self.at(key, share))
        self.page.mouse.down()

    def drag_to(self, key: str, share: float) -> None:
        """Move the pressed mouse."""
        self.page.mouse.move(*self.at(key, share), steps=3)

    def drop(self) -> None:
        self.page.mouse.up()

    def upload(self, data: bytes, name: str = "picture.png", mime: str = "image/png") -> None:
        """Hand a file to the picture box's file input."""
        self.page.locator("#picture input[type=file]").set_input_files({"name": name, "mimeType": mime, "buffer": data})

    def new_logits(self, before: list[float]) -> list[float]:
        """Wait until the chart has other logits than these; the new ones."""
        other = "(before) => JSON.stringify(Array.from(explore.state.logits)) !== JSON.stringify(before)"
        self.page.wait_for_function(other, arg=before)
        return self.state()["logits"]

    # Back to where it opened

    def looks(self) -> dict:
        """All that a visitor can see or set, to compare two moments."""
        state = self.state()
        for key in ("outputs", "order", "target", "gradients"):  # they follow from the rest
            del state[key]
        boxes = self.page.locator("#explore input").evaluate_all("(all) => all.map((e) => e.value + e.checked)")
        return state | {"boxes": boxes, "picture": self.page.locator("#picture img").get_attribute("src")}

    def reset(self, opened: dict) -> None:
        """Take back what a test did with the controls, by the page's own means, and give the chart its first logits."""
        gradient = self.page.locator("#gradient input")
        if gradient.is_checked():
            gradient.uncheck()
        self.page.evaluate("() => { document.activeElement.blur(); document.querySelector('.numbers').open = false; }")
        self.page.mouse.move(2, 2)
        self.button("Reset").click()
        first = {"kind": "logits"} | {key: opened[key] for key in ("model", "image", "labels", "logits")}
        self.page.evaluate("(first) => explore.receive(JSON.stringify(first))", first)

    # What PyTorch says to it

    def agree(self) -> dict:
        """Check every number on screen against PyTorch; the state that was compared."""
        state = self.state()
        z = torch.tensor(state["logits"], dtype=torch.float64)
        shown = state["order"][: state["k"]]
        values = {"raw": z.numpy()}
        for family, method in state["methods"].items():
            expected = registry.build(method, state["settings"])(z).numpy()
            y = np.array(state["outputs"][family]["y"])
            np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-12, err_msg=f"{method} {state['settings']}")
            values[family] = y
        assert shown == sorted(range(len(z)), key=lambda i: (-z[i].item(), i))[: state["k"]]
        for column in COLUMNS:
            rows = [row for row in state["rows"][column] if row["index"] >= 0]
            assert [row["index"] for row in rows] == shown, column
            for row in rows:
                value = values[column][row["index"]]
                assert honest(row["value"], value), f"{column} shows {row['value']} for {value!r}"
                assert all(0 <= edge < math.inf for edge in row["bar"]), row
        return state
