"""From a slider's event to the painted frame, here and in gradio's own plots: python -m tests.benchmarks.slider

The same chart four times: ten rows, and in four columns their raw logits, a clamp, a softmax with temperature, and a
proximal step. This page draws it in the browser. The others are what people would write: a slider whose event has the
server make a `gr.BarPlot`, a Plotly figure or a Matplotlib one. Each is there with 10 classes and with 1,000, of which
the ten highest have a row.

In headless Chromium the mouse takes the thumb of the T slider and drags it, one step after another. Chromium hands a
step to the page at the start of a frame. Time runs from there to the end of the frame that paints the changed bars:
their attributes differ, or the new picture is decoded, and the page has been laid out and painted. So one that is
painted in the very frame of its event takes a few milliseconds, and all others their work and the wait for a frame. The
pages take turns in one run, and each step waits until the one before is over, which spares the servers a queue.

Plotly and Matplotlib are needed for nothing else: pip install plotly matplotlib
"""

import contextlib
import importlib.util
import math
import statistics
from collections.abc import Callable
from typing import NamedTuple

import gradio as gr
import torch
from playwright.sync_api import Page, sync_playwright

from app import demo
from constrained import functional as F
from tests.browser.conftest import FLAGS, WIDE, chromium

ROUNDS = 5
ROWS = 10
LOGITS = [12 * math.sin(i * 12.9898) + 3 * math.cos(i) for i in range(1000)]

# Notes, for each input event, when the bars that it changes are painted. `pick`: bars and their attribute.
WATCH = """([slider, bars, attribute]) => {
  const picture = attribute === 'src';
  const look = () => [...document.querySelectorAll(bars)].map((bar) => bar.getAttribute(attribute)).join();
  let started = 0, before = '', changed = true;
  window.taken = [];
  window.addEventListener('input', (event) => {
    if (!event.target.matches(slider)) return;
    [started, before, changed] = [performance.now(), look(), false];
  }, true);
  new MutationObserver(async () => {
    if (changed || look() === before || look() === '') return;
    if (picture) await document.querySelector(bars).decode();
    changed = true;
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {  // a task after the frame's layout and paint
    if (started && changed) {
      taken.push(performance.now() - started);
      started = 0;
    }
  };
  const frame = () => {
    port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  frame();
}"""
# Painted, and what gradio does afterwards is over.
SETTLED = """async (count) => {
  for (const asked = performance.now(); taken.length < count; await new Promise(requestAnimationFrame)) {
    if (performance.now() - asked > 20_000) throw new Error('a step of the slider changed no bar');
  }
  await new Promise((done) => setTimeout(done, 60));
}"""
FILL = """(logits) => {
  const labels = logits.map((_, i) => `class ${i}`);
  explore.receive(JSON.stringify({ kind: 'logits', model: 'numbers', labels, logits }));
}"""


def columns(logits: list[float], lo: float, hi: float, temperature: float, lam: float) -> dict[str, list[float]]:
    """What the chart shows: a column's name to the numbers of the rows, the highest logit first."""
    z = torch.tensor(logits, dtype=torch.float64)
    rows = z.argsort(descending=True)[:ROWS]
    outputs = {
        "raw": z,
        "clamp": F.clamp(z, lo, hi),
        "softmax": F.softmax(z, temperature=temperature),
        "prox": F.prox_l1(z, lam),
    }
    return {name: y[rows].tolist() for name, y in outputs.items()}


def bar_plots(labels: list[str], numbers: dict[str, list[float]]) -> list:
    import pandas

    return [pandas.DataFrame({"class": labels, name: column}) for name, column in numbers.items()]


def plotly(labels: list[str], numbers: dict[str, list[float]]):
    from plotly.graph_objects import Bar
    from plotly.subplots import make_subplots

    figure = make_subplots(1, len(numbers), shared_yaxes=True, subplot_titles=list(numbers))
    for at, column in enumerate(numbers.values(), 1):
        figure.add_trace(Bar(x=column, y=labels, orientation="h"), 1, at)
    return figure


def matplotlib(labels: list[str], numbers: dict[str, list[float]]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="tight")
    for axes, (name, column) in zip(figure.subplots(1, len(numbers), sharey=True), numbers.items(), strict=True):
        axes.barh(labels, column)
        axes.set_title(name)
    return figure


def served(draw: Callable, logits: list[float]) -> gr.Blocks:
    """The chart by a function on the server, as a page of its own."""
    labels = [f"class {i}" for i in range(ROWS)]
    with gr.Blocks() as page:
        sliders = [gr.Slider(-20, 20, -2), gr.Slider(-20, 20, 2)]
        sliders += [gr.Slider(0.05, 20, 1, step=0.01, label="T", elem_id="temperature"), gr.Slider(0, 10, 1)]

        def update(lo: float, hi: float, temperature: float, lam: float):
            return draw(labels, columns(logits, lo, hi, temperature, lam))

        opening = update(*(slider.value for slider in sliders))
        with gr.Row(elem_id="chart"):
            if draw is bar_plots:
                plots = [gr.BarPlot(frame, x="class", y=frame.columns[1], sort="-y") for frame in opening]
            else:
                plots = [gr.Plot(opening)]
        for slider in sliders:
            slider.input(update, sliders, plots, show_progress="hidden", queue=False, trigger_mode="always_last")
    return page


class How(NamedTuple):
    """One way to the chart."""

    draw: Callable | None  # what the server does; None where it does nothing
    needs: str  # the package
    slider: str
    bars: str
    attribute: str  # of the bars, which changes with them
    steps: int  # a round


HERE = "this page"
T = "#temperature input[type=range]"
DRAWN = {
    HERE: How(None, "gradio", "#explore-temperature-slider input[type=range]", "#chart .probability .bar", "width", 20),
    "`gr.BarPlot`": How(bar_plots, "pandas", T, "#chart .mark-rect path", "d", 20),
    "Plotly in `gr.Plot`": How(plotly, "plotly", T, "#chart .point path", "d", 20),
    "Matplotlib in `gr.Plot`": How(matplotlib, "matplotlib", T, "#chart img", "src", 8),
}


def drag(page: Page, how: How, steps: int) -> list[float]:
    """Milliseconds that each step of a drag to the right and back took until it was painted."""
    page.bring_to_front()
    box = page.locator(how.slider).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()  # the thumb comes to the mouse
    page.wait_for_timeout(500)
    page.evaluate("() => { taken.length = 0; }")
    for step in range(steps):
        there = 1 - abs(1 - 2 * (step + 1) / steps)
        page.mouse.move(box["x"] + (0.32 + 0.4 * there) * box["width"], y)
        page.evaluate(SETTLED, step + 1)
    page.mouse.up()
    return page.evaluate("() => taken")


def table() -> str:
    """The table, in Markdown. Takes about three minutes."""
    drawn = {name: how for name, how in DRAWN.items() if importlib.util.find_spec(how.needs)}
    missing = sorted(how.needs for name, how in DRAWN.items() if name not in drawn)
    pages, times = {}, {(name, classes): [] for name in drawn for classes in (10, 1000)}
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium(), args=list(FLAGS))
        requests = []
        for name, classes in times:
            how = drawn[name]
            blocks = demo if how.draw is None else served(how.draw, LOGITS[:classes])
            if not blocks.is_running:
                blocks.launch(prevent_thread_lock=True, quiet=True)
                stack.callback(blocks.close, verbose=False)
            page = pages[name, classes] = browser.new_page(viewport=WIDE)
            page.goto(blocks.local_url)
            page.locator(how.bars).first.wait_for(state="attached", timeout=120_000)
            if how.draw is None:
                page.evaluate(FILL, LOGITS[:classes])
            page.wait_for_timeout(1000)
            page.evaluate(WATCH, [how.slider, how.bars, how.attribute])
            drag(page, how, 4)  # warm up
            if how.draw is None:
                page.on("request", lambda request: requests.append(request.url))
        for _ in range(ROUNDS):
            for (name, classes), page in pages.items():
                times[name, classes] += drag(page, drawn[name], drawn[name].steps)
    lines = ["| event to painted frame, median (95th percentile) | 10 classes | 1,000 classes |", "|---|---|---|"]
    for name in drawn:
        cells = []
        for classes in (10, 1000):
            taken, ours = sorted(times[name, classes]), statistics.median(times[HERE, classes])
            middle = statistics.median(taken)
            cell = f"{middle:.1f} ms ({taken[math.ceil(0.95 * len(taken)) - 1]:.1f})"
            cells.append(cell if name == HERE else f"{cell}, {middle / ours:.0f} times as long")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    steps = "; ".join(f"{name} {ROUNDS * how.steps}" for name, how in drawn.items())
    lines += ["", f"Steps of a drag: {steps}. Requests by this page meanwhile: {len(requests)}."]
    if missing:
        lines.append(f"Not compared, because not installed: {', '.join(missing)}.")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
