"""From a slider's event to the next painted frame, at 10 and at 1,000 classes: python -m tests.benchmarks.slider

The page of this checkout is started on loopback and driven in headless Chromium. Each of 120 steps sets the T slider
as a drag would, waits until the chart has changed, and then for the end of the frame that paints the change; at 60
frames a second a frame takes 16.7 ms, and an event just after its start cannot be painted sooner. Beside it stands
the time from the event to the change alone. Requests sent meanwhile are counted.
"""

import statistics

from playwright.sync_api import sync_playwright

from app import demo
from tests.browser.conftest import FLAGS, chromium

STEPS = 120

MEASURE = """async (steps) => {
  const slider = document.querySelector('#explore-temperature-slider input[type=range]');
  const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const frame = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();  // a task after the paint, not before it
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  }));
  const chart = document.querySelector('#chart figure.probability svg');
  const change = () => new Promise((done) => {
    const observer = new MutationObserver(() => { observer.disconnect(); done(performance.now()); });
    observer.observe(chart, { attributes: true, subtree: true });
  });
  const painted = [], changed = [];
  for (let i = 0; i < steps; i++) {
    await frame();
    const drawn = change();
    const started = performance.now();
    value.call(slider, String(20 + (i * 7) % 60));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    changed.push((await drawn) - started);
    painted.push((await frame()) - started);
  }
  return { painted, changed };
}"""

ENLARGE = """() => {
  const { state, receive } = explore;
  const logits = Array.from({ length: 1000 }, (_, i) => 12 * Math.sin(i * 12.9898) + 3 * Math.cos(i));
  receive(JSON.stringify({ model: 'thousand', labels: logits.map((_, i) => `class ${i}`), logits }));
}"""


def table() -> str:
    """The table, in Markdown. Takes half a minute."""
    lines = [f"| headless Chromium, {STEPS} steps | median | 95th percentile |", "|---|---|---|"]
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_selector("#chart svg .bar")
        page.wait_for_timeout(1000)
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        for classes in (10, 1000):
            if classes == 1000:
                page.evaluate(ENLARGE)
            page.evaluate(MEASURE, 20)  # warm up
            result = page.evaluate(MEASURE, STEPS)
            for name, times in result.items():
                ordered = sorted(times)
                what = "the end of the frame that paints it" if name == "painted" else "changed chart"
                late = ordered[int(0.95 * len(ordered))]
                lines.append(
                    f"| {classes:,} classes, event to {what} | {statistics.median(ordered):.1f} ms | {late:.1f} ms |"
                )
        browser.close()
    demo.close()
    return "\n".join([*lines, "", f"Requests sent meanwhile: {len(requests)}."])


if __name__ == "__main__":
    print(table())
