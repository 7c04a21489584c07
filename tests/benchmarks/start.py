"""From `python app.py` to a page that can be used, and its memory: python -m tests.benchmarks.start

Beside it stands an empty gradio page whose script imports torch and torchvision, which is what any such app costs.
Both are started in turn, each in a process of its own, on a free port of loopback. Time runs until headless Chromium,
which waits with an empty cache, has drawn the chart with its bars, or the empty page's one line of text. Memory is the
server's resident set at that moment. The files of both have been read before. Takes about two minutes.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks import spread
from tests.browser.conftest import FLAGS, WIDE, chromium
from tests.load.server import free_port

ROOT = Path(__file__).parents[2]
REPETITIONS = 7

# `constrained.model` and not torchvision itself: it imports where torchvision's wheel and torch's do not match, too.
EMPTY = """import sys

import gradio as gr
import torch
from constrained.model import torchvision

with gr.Blocks() as demo:
    gr.HTML('<p id="ready">Ready</p>')
demo.launch(server_port=int(sys.argv[2]))
"""


# Until what a person would use is there.
READY = """async ([selector, count]) => {
  while (document.querySelectorAll(selector).length < count) await new Promise((done) => setTimeout(done, 5));
}"""
LINE, CHART = [["#ready", 1]], [["#chart figure.column svg .bar", 40], ["#explore input[type=range]", 6]]


@contextlib.contextmanager
def started(script: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server from a script, and its address; it may not listen there yet."""
    port = str(free_port())
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    environment.pop("CONSTRAINED_MODEL", None)
    process = subprocess.Popen(
        [sys.executable, str(script), "--port", port], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def measure(browser: Browser, script: Path, wanted: list) -> tuple[float, float]:
    """Seconds until a page has what is ``wanted`` (selectors, and how many elements); and megabytes then.

    Raises:
        RuntimeError: if the server ends first.
    """
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    since = time.perf_counter()
    with started(script) as (process, url):
        while not listens(url):
            if process.poll() is not None:
                raise RuntimeError(f"{script.name} ended with code {process.returncode}")
            time.sleep(0.02)
        page.goto(url)
        for what in wanted:
            page.evaluate(READY, what)
        seconds = time.perf_counter() - since
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, check=True)
        page.wait_for_timeout(1000)  # what is still on its way shall not meet a server that has ended
        context.close()
    return seconds, int(told.stdout) / 1024


def table() -> str:
    """Both, and the ratios, as Markdown."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        empty = Path(folder, "empty.py")
        empty.write_text(EMPTY, encoding="utf-8")
        pages = {"an empty page": (empty, LINE), "this page": (ROOT / "app.py", CHART)}
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        taken = {name: [] for name in pages}
        for repetition in range(REPETITIONS + 1):
            for name, what in pages.items():
                result = measure(browser, *what)
                print(f"{name}: {result[0]:.1f} s, {result[1]:.0f} MB", flush=True)
                if repetition:  # the first reads the files
                    taken[name].append(result)
        browser.close()
    lines = ["| | seconds | MB |", "|---|---|---|"]
    for name, results in taken.items():
        seconds, memory = zip(*results, strict=True)
        lines.append(f"| {name} | {spread(seconds, '.1f')} | {statistics.median(memory):.0f} |")
    ratios = [
        [second[part] / first[part] for first, second in zip(*taken.values(), strict=True)]  # pairs of one repetition
        for part in (0, 1)
    ]
    lines.append(f"| ratio | {' | '.join(map(spread, ratios))} |")
    lines += ["", f"Medians and ranges of {REPETITIONS} starts each, in turn."]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
