"""The documents' pictures, made from the running page: ``python -m tests.pictures`` writes them all.

Beside them stands which weights they show (``assets/pictures.json``); tests/page/test_pictures.py compares that with
the bundled ones, so that no picture tells the numbers of others.
"""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from constrained.models import cifar10
from tests.browser.conftest import FLAGS, LOADED, chromium
from tests.load.server import serving

ASSETS = Path(__file__).parent.parent / "assets"
SHOWN = ASSETS / "pictures.json"
PATIENCE = 120_000  # ms


def explore(page: Page) -> None:
    """As the page opens."""


def train(page: Page) -> None:
    """Three clamps with the same bounds, and a sweep of the penalty's weight for the last one."""
    ended = "(n) => train.runs.length === n && train.runs.every(({ state }) => !/waiting|running/.test(state))"
    for count, method in enumerate(("clamp", "clamp_straight_through", "clamp_inward"), 1):
        page.evaluate("(method) => share.put({ train: { method, lo: 0, hi: 1 } })", method)
        page.wait_for_function("(method) => train.settings.method === method", arg=method)
        page.locator("#train-actions").get_by_role("button", name="Train", exact=True).click()
        page.wait_for_function(ended, arg=count)
    page.get_by_role("button", name="Sweep λ").click()
    page.wait_for_function("() => document.querySelectorAll('#train-block .plot-best').length >= 3")
    page.get_by_text("heads trained.").first.wait_for()


def calibrate(page: Page) -> None:
    """A clamp that costs confidence, and the bounds swept."""
    page.wait_for_selector("#calibrate-board .cal-bar", state="attached")
    page.get_by_role("button", name="Sweep the bounds").click()
    page.wait_for_function("() => calibrate.state.sweep && calibrate.state.sweep.done === calibrate.state.sweep.total")


def lesson(page: Page) -> None:
    """A step whose answer is revealed."""
    page.locator(".lesson-question input").nth(2).check()
    page.locator(".lesson-actions button").first.click()
    page.wait_for_selector(".lesson-answer:not([hidden])")
    page.evaluate("() => scrollTo(0, 0)")


# Name -> link, height, what is done before it is taken.
PICTURES: dict[str, tuple[str, int, Callable[[Page], None]]] = {
    "page.png": ("", 1000, explore),
    "train.png": ("?tab=train", 1128, train),
    "calibrate.png": ("?tab=calibrate&calibrate.method=clamp&calibrate.lo=-2&calibrate.hi=4", 1000, calibrate),
    "lessons.png": ("?lesson=gradients&step=2", 1000, lesson),
}


def small(data: bytes) -> bytes:
    """The same picture with 256 colours, a third of the size."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        buffer, "PNG", optimize=True
    )
    return buffer.getvalue()


def main() -> None:
    path = chromium()
    if path is None:
        sys.exit("The pictures need Chromium: apt install chromium, or name it in the variable CHROMIUM.")
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for name, (link, height, prepare) in PICTURES.items():
            page = browser.new_page(viewport={"width": 1440, "height": height}, locale="en-GB", color_scheme="light")
            page.set_default_timeout(PATIENCE)
            page.goto(server.url + "/" + link)
            page.wait_for_selector("#header")
            if not link:
                page.evaluate(LOADED)
            prepare(page)
            page.mouse.move(0, 0)
            page.wait_for_timeout(1500)  # until the last bar is drawn
            (ASSETS / name).write_bytes(small(page.screenshot()))
            print(name)
            page.close()
        browser.close()
    SHOWN.write_text(json.dumps({"weights": cifar10.facts()["sha256"], "pictures": list(PICTURES)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
