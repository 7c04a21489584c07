"""A running page and a real browser for the tests in this folder.

Chromium is taken from the variable CHROMIUM, or from where Debian and others put it. Without one, whatever needs a
browser is skipped; with ``CI=true`` it fails instead, so that no pipeline passes without having looked at the page.
"""

import collections
import contextlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.load.server import free_port

from .driver import Explore, faded

HERE = Path(__file__).parent
CANDIDATES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a moving shape
    "--use-fake-ui-for-media-stream",
)
WIDE = {"width": 1440, "height": 1000}
PATIENCE = 15_000  # ms; a busy machine takes its time
# The chart and every control are there, and gradio, which fills them in over several turns, is done with that.
LOADED = """async () => {
  const there = () =>
    document.querySelectorAll('#chart figure.column svg .bar').length >= 8 &&
    document.querySelectorAll('#explore input[type=range]').length >= 6 &&
    document.querySelector('#actions button');
  let still = 0;
  const end = performance.now() + 60_000;
  new MutationObserver(() => (still = 0)).observe(document.body, { subtree: true, childList: true, attributes: true });
  while (!there() || still < 8) {
    if (performance.now() > end) throw new Error(`the page ${there() ? "does not come to rest" : "is not complete"}`);
    await new Promise((done) => setTimeout(done, 15));
    still += 1;
  }
}"""

# Not by playwright's set_storage_state: that forgets the compiled scripts too. Storage that is denied holds nothing.
FORGET = """() => {
  for (const storage of ['localStorage', 'sessionStorage']) try { globalThis[storage].clear(); } catch {}
}"""


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


# The package's scope, not the session's: while playwright's loop exists, no other test could call asyncio.run.
@pytest.fixture(scope="package")
def server():
    """The address of the page, served by this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONSTRAINED_MODEL", raising=False)
        from app import demo
    port = free_port()
    demo.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    yield f"http://127.0.0.1:{port}"
    demo.close(verbose=False)


def chromium() -> str | None:
    """Where Chromium is, if anywhere."""
    wanted = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, [wanted] if wanted else CANDIDATES)), None)


@pytest.fixture(scope="package")
def browser():
    """A headless Chromium."""
    path = chromium()
    if path is None:
        reason = "no Chromium found: install one (apt install chromium) or name it in the variable CHROMIUM"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        idle.clear()
        browser.close()


@dataclass
class Visit:
    """A page, and what went on in it.

    Attributes:
        page: playwright's page.
        requests: method and address of everything the page asked a server for.
        problems: errors in the console, uncaught exceptions, and requests to another machine; a test fails if any are
            left at its end.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.listeners = {
            "request": self._asked,
            "websocket": lambda socket: self._outside(socket.url),
            "pageerror": lambda error: self.problems.append(f"uncaught: {error}"),
            "console": lambda m: m.type == "error" and self.problems.append(f"console: {m.text} {m.location}"),
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)

    def _asked(self, request):
        if urlparse(request.url).scheme in ("data", "blob"):
            return
        self.requests.append(f"{request.method} {request.url}")
        self._outside(request.url)

    def _outside(self, url):
        if urlparse(url).hostname not in ("127.0.0.1", "localhost"):
            self.problems.append(f"left this machine: {url}")

    def open(self, url: str) -> None:
        """Open the page anew and wait until the chart and the controls are there."""
        if self.page.url != "about:blank":
            self.page.goto("about:blank")  # gradio complains in the console when a page is left; of no interest here
        self.problems.clear()
        self.page.goto(url)
        self.page.evaluate(LOADED)

    def leave(self) -> None:
        """Go away, and leave nothing behind that the next visitor could meet."""
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        self.page.mouse.up()
        self.page.mouse.move(0, 0)
        self.page.evaluate(FORGET)
        self.page.context.clear_cookies()
        self.page.context.clear_permissions()
        self.page.goto("about:blank")


# Tabs that nobody is using, by what only a new one could change. The page opens in them at a third of the cost: their
# process has its scripts compiled.
idle: dict[str, list[Page]] = collections.defaultdict(list)


@contextlib.contextmanager
def visiting(
    browser: Browser,
    url: str,
    *,
    viewport=WIDE,
    color_scheme="light",
    reduced_motion="no-preference",
    permissions=(),
    **lasting,
):
    """A `Visit` of somebody new to the page at ``url``; options as for playwright's ``new_context``."""
    tabs = idle[json.dumps(lasting, sort_keys=True)]
    page = tabs.pop() if tabs else browser.new_context(**lasting).new_page()
    try:
        page.context.set_default_timeout(PATIENCE)
        page.context.grant_permissions(permissions)
        page.set_viewport_size(viewport)
        page.emulate_media(media="null", color_scheme=color_scheme, reduced_motion=reduced_motion, forced_colors="null")
        visit = Visit(page)
        visit.open(url)
        yield visit
        visit.leave()
        tabs.append(page)
    except BaseException:
        page.context.close()
        raise


@pytest.fixture
def visit(browser, server):
    """A function that opens the page afresh, by a link's query if any, and gives a `Visit`; options as playwright's."""
    with contextlib.ExitStack() as stack:
        opened = []

        def open_page(query: str = "", **options) -> Visit:
            url = f"{server}/?{query}" if query else server
            opened.append(stack.enter_context(visiting(browser, url, **options)))
            return opened[-1]

        yield open_page
        problems = [problem for one in opened for problem in one.problems]
    assert problems == []


@pytest.fixture(scope="module")
def shared_visit(browser, server):
    """One visit for the tests of a file."""
    with visiting(browser, server, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.opened = Explore(visit.page).looks()
        yield visit


@pytest.fixture
def visited(shared_visit, server):
    """The file's visit, as it opened. Most tests leave a page that Reset brings back there; else it is loaded anew."""
    explore = Explore(shared_visit.page)
    explore.reset(shared_visit.opened)
    if explore.looks() != shared_visit.opened:
        shared_visit.open(server)
        assert explore.looks() == shared_visit.opened
    yield shared_visit
    problems, shared_visit.problems[:] = list(shared_visit.problems), []
    assert problems == []


@pytest.fixture
def look(visited):
    """A function that shows that visit in a theme and size; it is light and wide again afterwards."""
    page, theme = visited.page, visited.page.locator("#theme")

    def change(scheme: str, size: dict = WIDE) -> None:
        if scheme == "dark":
            theme.click()
            faded(page)
        page.set_viewport_size(size)

    yield change
    page.set_viewport_size(WIDE)
    if theme.get_attribute("aria-label") == "Switch to light":
        theme.click()


@pytest.fixture
def explore(visited):
    """The controls of that visit."""
    return Explore(visited.page)
