"""What happens to the page when many come, each a coroutine that adds rows to a `Report`; `ALL` has them by name.

Times are ratios: to ``m``, the pictures per second of the bare network (`Model.speed`), or to ``t1``, what one visitor
waits for an answer while nobody else is there; both are measured anew beside each figure. A figure is the median of
three, with their range. A wrong or missing answer is a failure, whatever the clock says.
"""

import asyncio
import contextlib
import io
import itertools
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import PIL.Image

from tests.benchmarks import spread

from .pictures import File, Model, Pictures, encoded, same
from .server import BACK, Server
from .visitor import Page, RefusedError, Visit, Visitor, page_of, visit

REPEAT = 3
STEADY, AGAIN = 0.8, 3  # of the speed before; how many thirds are measured again at most
STOCK = 1200  # pictures before the first comes again: by then a server that remembers 512, or two, has forgotten it
TOGETHER = 50  # sessions open at once


@dataclass
class Report:
    """Rows of the table ``(what, goal, measured)``, failures, and what ratios were taken to."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    def add(self, what: str, goal: str, measured: str) -> None:
        """A row, which is also said at once: the whole takes a while."""
        self.rows.append((what, goal, measured))
        print(f"{what}: {measured} (goal: {goal})", flush=True)

    def markdown(self) -> str:
        """The table, and what it was measured on."""
        lines = ["| what | goal | measured |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in self.rows), ""]
        told = [f"{os.cpu_count()} cores, shared by the server, the visitors, and Chromium where it says so"]
        if self.speeds:
            told.append(f"m = {spread(self.speeds, '.1f')} pictures/s")
        if self.alone:
            told.append(f"t1 = {spread([1e3 * t for t in self.alone], '.0f')} ms")
        return "\n".join([*lines, "; ".join(told) + "."])


class Bench:
    """A server under test and visitors for it.

    Args:
        url: of the server.
        page: its page.
        server: its process, if it was started here.
        report: where figures go.
        tries: how often a visitor loads the page until there is an answer.
    """

    def __init__(self, url: str, page: Page, server: Server | None, report: Report, tries: int = 1) -> None:
        self.url, self.page, self.server, self.report, self.tries = url, page, server, report, tries
        self.model = Model()
        self.pictures = Pictures(self.model)
        self._stock: list[File] = []
        self._next = itertools.count()

    def take(self, count: int) -> list[File]:
        """So many pictures that nobody has sent lately."""
        wanted = [next(self._next) for _ in range(count)]
        missing = min(STOCK, wanted[-1] + 1) - len(self._stock)
        if missing > 0:
            self._stock += self.pictures.take(missing)
        return [self._stock[i % STOCK] for i in wanted]

    def visit(self, file: File) -> Awaitable[Visit]:
        """A visitor with a picture."""
        return visit(self.url, self.page, file, self.tries)

    async def together(self, files: list[File]) -> list[Visit]:
        """Visitors who all come at once, each with one of the files."""
        return await asyncio.gather(*map(self.visit, files))

    def speed(self) -> float:
        """m, now."""
        self.report.speeds.append(self.model.speed(self.take(48)))
        return self.report.speeds[-1]

    async def alone(self) -> float:
        """t1, now: seconds."""
        await self.visit(self.take(1)[0])
        waits = [(await self.visit(file)).waited for file in self.take(9)]
        self.report.alone.append(statistics.median(waits))
        return self.report.alone[-1]

    def judge(self, visits: list[Visit]) -> int:
        """How many were treated as they should be; the others go to the report's failures.

        A picture gets its own logits, anything else a sentence, and nobody is refused who was not to start over.
        """
        good = 0
        for one in visits:
            wanted = one.file.logits
            if wanted is None:
                trouble = "" if one.told and one.logits is None else "an answer where there is none"
            elif one.logits is None:
                trouble = f"no answer: {one.told or one.refusals}"
            else:
                trouble = "" if same(one.logits, wanted) else "a wrong answer"
            if not trouble and one.refusals and self.tries == 1:
                trouble = str(one.refusals)
            if trouble:
                self.report.failures.append(f"{one.file.name}: {trouble}")
            good += not trouble
        return good

    def tally(self, visits: list[Visit]) -> str:
        """What `judge` found, in words."""
        again = sum(bool(one.refusals) for one in visits)
        return f"{self.judge(visits)} of {len(visits)} right" + (f", {again} started over" if again else "")


def late(waits: list[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(waits, 95))


async def crowd(bench: Bench, visitors: list[int]) -> None:
    """All at once, each with a picture of its own."""
    for count in visitors:
        ratios, all_visits = [], []
        for _ in range(REPEAT):
            files, speed = bench.take(count), bench.speed()
            started = time.perf_counter()
            all_visits += await bench.together(files)
            ratios.append((time.perf_counter() - started) * speed / count)
        measured = f"{spread(ratios)} × N / m; {bench.tally(all_visits)}"
        bench.report.add(f"{count} visitors at once, page to answer", "all right within 3 × N / m", measured)


async def poisson(bench: Bench, seconds: float) -> None:
    """Visitors who come at random, on average at half of what the bare network could take; three times.

    A third in which the machine itself turned slower, by what the bare network does before and after, says nothing
    about the server, since then more came than half: it is measured again.
    """
    chance, waits, all_visits, rates, again = random.Random(1), [], [], [], 0

    async def later(moment: float, file: File) -> Visit:
        await asyncio.sleep(moment - time.perf_counter())
        return await bench.visit(file)

    while len(waits) < 3:
        one, speed = await bench.alone(), bench.speed()
        times = itertools.accumulate(iter(lambda: chance.expovariate(speed / 2), None))  # noqa: B023, used at once
        times = list(itertools.takewhile(lambda t: t < seconds / 3, times))
        files, started = bench.take(len(times)), time.perf_counter()
        visits = await asyncio.gather(*(later(started + t, file) for t, file in zip(times, files, strict=True)))
        all_visits += visits
        if bench.speed() < STEADY * speed and again < AGAIN:
            again += 1
            continue
        rates.append(speed / 2)
        waits.append([visit.waited / one for visit in visits if visit.waited])
    middle = statistics.median(wait for third in waits for wait in third)
    measured = (
        f"{spread([late(third) for third in waits], '.1f')} × t1; median {middle:.1f} × t1; {bench.tally(all_visits)}"
    )
    measured += f"; {again} thirds measured again" if again else ""
    what = f"Poisson arrivals at m / 2 = {spread(rates, '.1f')}/s for {seconds:g} s, upload to answer"
    bench.report.add(what, "95th percentile at most 5 × t1", measured)


async def faults(bench: Bench, visitors: int = 100) -> None:
    """Bad pictures, aborted uploads, closed tabs and bombs on top of the same crowd."""
    each = max(1, visitors // 20)

    async def break_off(file: File) -> None:
        async with Visitor(bench.url, bench.page) as visitor:
            await visitor.open()
            await visitor.break_off(file)

    async def walk_out(file: File) -> None:
        async with Visitor(bench.url, bench.page) as visitor:
            await visitor.open()
            await visitor.walk_out(file)

    ratios, good, bad = [], [], []
    for _ in range(REPEAT):
        plain = await bench.together(bench.take(visitors))
        wrong = [*itertools.islice(itertools.cycle(bench.pictures.bad()), each), *bench.pictures.bombs()[: each or 1]]
        coming = [*map(bench.visit, [*bench.take(visitors), *wrong])]
        coming += [*map(break_off, bench.take(each)), *map(walk_out, bench.take(each))]
        random.Random(0).shuffle(coming)
        mixed = [one for one in await asyncio.gather(*coming) if one]
        among = [one for one in mixed if one.file.logits is not None]
        good, bad = good + plain + among, bad + [one for one in mixed if one.file.logits is None]
        ratios.append(statistics.median(v.waited for v in among) / statistics.median(v.waited for v in plain))
    measured = f"{spread(ratios)} × slower; {bench.tally(good)}; {bench.judge(bad)} of {len(bad)} bad files told why"
    what = f"{visitors} visitors, and 5 % bad pictures, 5 % aborted uploads, 5 % closed tabs, 2 % bombs on top"
    bench.report.add(what, "others at most 1.3 × slower, nothing lost", measured)


async def poisoned(bench: Bench, visitors: int = 20) -> None:
    """Pictures, rare but readable kinds, and files that no decoder likes, in the same batches."""
    good, bad = [], []
    for _ in range(REPEAT):
        files = [*bench.take(visitors), *bench.pictures.odd(), *bench.pictures.bad(), *bench.pictures.bombs()]
        random.Random(0).shuffle(files)
        for one in await bench.together(files):
            (bad if one.file.logits is None else good).append(one)
    measured = f"{bench.tally(good)}; {bench.judge(bad)} of {len(bad)} bad files told why"
    bench.report.add("Good, odd and bad pictures in the same batches", "no good one fails", measured)


async def heads(bench: Bench, trainers: int = 10, visitors: int = 20) -> None:
    """Some train heads, again and again, while others look at pictures."""
    trained = 0

    async def train() -> None:
        nonlocal trained
        async with Visitor(bench.url, bench.page) as visitor:
            await visitor.open()
            for run in itertools.count(1):
                await visitor.train(200, run)
                trained += 1

    ratios, visits = [], []
    for _ in range(REPEAT):
        plain = await bench.together(bench.take(visitors))
        files = bench.take(visitors)
        async with background(train, trainers):
            await asyncio.sleep(2)  # they are under way
            beside = await bench.together(files)
        visits += plain + beside
        ratios.append(statistics.median(v.waited for v in beside) / statistics.median(v.waited for v in plain))
    measured = f"{spread(ratios)} × slower; {bench.tally(visits)}; {trained} heads trained meanwhile"
    bench.report.add(f"{visitors} classify while {trainers} train heads", "classifying at most 2 × slower", measured)


async def strangers(bench: Bench, webcams: int = 16, silent: int = 100, halves: int = 300) -> None:
    """Live webcams, webcams that send one frame and no more, and half requests, all at once beside one who looks."""
    # More than the server remembers, so that each has to be looked at, as those of a camera have.
    stock = [encoded(PIL.Image.open(io.BytesIO(f.data)).resize((320, 240)), "JPEG") for f in bench.take(640)]
    frames = [File("frame.jpg", data) for data in stock]
    places = itertools.count()
    filmed = turns = 0

    async def film() -> None:
        nonlocal filmed, turns
        async with Visitor(bench.url, bench.page) as visitor:
            await visitor.open()
            while True:
                at = 40 * next(places) % len(frames)
                async for _ in visitor.film(frames[at:] + frames[:at]):
                    filmed += 1
                turns += 1

    async def be_silent() -> None:
        while True:
            async with Visitor(bench.url, bench.page) as visitor:
                await visitor.open()
                with contextlib.suppress(RefusedError):
                    async for _ in visitor.film(frames):
                        await asyncio.sleep(60)

    async def half(number: int) -> None:
        host, port = bench.url.removeprefix("http://").split(":")
        body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.jpg"\r\n\r\n' + bytes(1000)
        head = b"POST /gradio_api/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nContent-Type: %s\r\n"
        sent = (
            head % (b"upload", b"multipart/form-data; boundary=x") + b"\r\n" + body,
            head % (b"queue/join", b"application/json") + b'\r\n{"data": [',
            head % (b"upload", b"multipart/form-data; boundary=x"),
        )
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(sent[number % len(sent)])
                await reader.read()
                writer.close()

    numbers = itertools.count()
    ratios, visits = [], []
    for _ in range(REPEAT):
        one = await bench.alone()
        async with (
            background(film, webcams),
            background(be_silent, silent),
            background(lambda: half(next(numbers)), halves),
        ):
            await asyncio.sleep(8)  # all are there, and the silent ones have been seen to be silent
            before, started = filmed, time.perf_counter()
            seen = [await bench.visit(file) for file in bench.take(25)]
            rate = (filmed - before) / (time.perf_counter() - started)
        visits += seen
        ratios.append(statistics.median(v.waited for v in seen) / one)
    measured = f"{spread(ratios)} × t1; {bench.tally(visits)}; {rate:.1f} frames/s meanwhile, {turns} turns"
    what = f"One looks at pictures beside {webcams} webcams, {silent} silent ones and {halves} half requests"
    bench.report.add(what, "median at most 1.5 × t1", measured)


async def sessions(bench: Bench, count: int) -> None:
    """Visitors who come, look at one small picture, and leave."""
    server = bench.server
    if server is None:
        raise ValueError("sessions looks into the server's process: it runs without --url alone")
    noise = np.random.default_rng(0)

    async def some(how_many: int) -> int:
        """So many sessions at once; how many handles that took."""
        data = [
            encoded(PIL.Image.fromarray(noise.integers(0, 256, (40, 40, 3), np.uint8)), "PNG") for _ in range(how_many)
        ]
        coming = asyncio.gather(*(bench.visit(File("small.png", one)) for one in data))
        await asyncio.sleep(0.3)
        handles = server.handles()
        lost = [v.refusals or v.told for v in await coming if v.logits is None]
        bench.report.failures.extend(f"a session without an answer: {one}" for one in lost)
        return handles

    for _ in range(2):  # libraries take what they keep for good
        await some(TOGETHER)
    await bench.together(bench.take(2 * TOGETHER))
    await asyncio.sleep(2)
    idle, handles, held, most = server.memory(), server.handles(), [], 0
    for _ in range(count // TOGETHER):
        most = max(most, await some(TOGETHER))
        held.append(server.memory())
    last = held[-len(held) // 3 :]
    slope = np.polyfit(TOGETHER * np.arange(len(last)), last, 1)[0] * 1024 if len(last) > 1 else 0.0
    after, ends = server.handles(), time.monotonic() + 30
    while after > handles and time.monotonic() < ends:
        await asyncio.sleep(0.5)
        after = server.handles()
    report = bench.report
    name = f"{count:,} sessions, {TOGETHER} at a time"
    report.add(f"{name}: memory", "peak at most 2 × idle", f"{server.peak() / idle:.2f} × idle, {idle:.0f} MB")
    report.add(f"{name}: memory, last third", "at most 2 KB a session", f"{slope:.2f} KB a session")
    report.add(f"{name}: files and sockets", "come back", f"{handles} before, {most} at most, {after} after")
    if after > handles + 2:
        report.failures.append(f"{after - handles} handles did not come back")


async def sliders(bench: Bench) -> None:
    """A real browser drags a slider while visitors keep the server busy: first as one program among others, then with
    server and visitors standing back, as if the browser had a machine of its own. They stay there: this comes last.
    """
    steps, visits = 30, []

    async def look() -> None:
        while True:
            visits.append(await bench.visit(bench.take(1)[0]))

    async def painting(count: int) -> float:
        async with background(look, count):
            await asyncio.sleep(2)
            return statistics.median(await loop.run_in_executor(thread, browser.drag, steps))

    bench.take(STOCK)  # made now, not beside the browser
    browser, loop = Browser(), asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:  # playwright wants to be called from one
        await loop.run_in_executor(thread, browser.open, bench.url)
        try:
            for where in ("sharing the cores alike", "server and visitors standing back"):
                if "back" in where:
                    if bench.server is None:
                        break
                    bench.server.stand_back()
                    os.setpriority(os.PRIO_PROCESS, 0, BACK)  # of this thread, the visitors'
                pairs = [(await painting(0), await painting(30)) for _ in range(REPEAT)]
                idle, busy = (spread(list(times), ".1f") for times in zip(*pairs, strict=True))
                measured = f"{spread([b / i for i, b in pairs])} × idle: {idle} ms, beside visitors {busy} ms; "
                measured += f"{len(browser.asked)} requests by sliders; {bench.tally(visits)}"
                what = f"Chromium drags a slider while 30 visitors come and go, {where}"
                bench.report.add(what, "paints at most 1.2 × idle", measured)
                visits.clear()
        finally:
            await loop.run_in_executor(thread, browser.close)
    if browser.asked:
        bench.report.failures.append(f"sliders sent {browser.asked[:3]}")


class Browser:
    """Chromium with the page open, as the benchmark of the sliders has it; all of it in one thread.

    Attributes:
        asked: what the page requested after it was there.
    """

    def open(self, url: str) -> None:
        """Open the page; an error if there is no Chromium."""
        from playwright.sync_api import sync_playwright

        from tests.benchmarks import slider
        from tests.browser.conftest import FLAGS, LOADED, WIDE, chromium

        path = chromium()
        if path is None:
            raise ValueError("sliders needs Chromium: apt install chromium, or name it in the variable CHROMIUM")
        self._slider, self._how, self.asked = slider, slider.DRAWN[slider.HERE], []
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        self._page = self._browser.new_page(viewport=WIDE)
        self._page.goto(url)
        self._page.evaluate(LOADED)
        self._page.evaluate(slider.WATCH, [self._how.slider, self._how.bars, self._how.attribute])
        self.drag(4)  # warm up
        self._page.on("request", lambda request: self.asked.append(request.url))

    def drag(self, steps: int) -> list[float]:
        """Milliseconds from event to painted frame."""
        return self._slider.drag(self._page, self._how, steps)

    def close(self) -> None:
        self._browser.close()
        self._playwright.stop()


@contextlib.asynccontextmanager
async def background(work: Callable[[], Awaitable[None]], count: int):
    """So many of ``work`` until the end of the block, which then stops them; what one of them raises is raised here."""
    tasks = [asyncio.create_task(work()) for _ in range(count)]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        while left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()  # again, if need be: what waits for a connection can lose it
            await asyncio.wait(left, timeout=1)


ALL = {
    "crowd": crowd,
    "poisson": poisson,
    "faults": faults,
    "poisoned": poisoned,
    "heads": heads,
    "strangers": strangers,
    "sessions": sessions,
    "sliders": sliders,
}


async def run(names: list[str], url: str, server: Server | None, report: Report, tries: int, **options) -> None:
    """Run scenarios against a server.

    Args:
        names: of ``ALL``.
        url, server, report, tries: as for `Bench`.
        options: by scenario, what it takes.
    """
    bench = Bench(url, await page_of(url), server, report, tries)
    await bench.together(bench.take(20))  # the first ones make a server load what it needs
    for name in names:
        await ALL[name](bench, **options.get(name, {}))
    if server is not None:
        # Half an upload is gradio's to mention; it does so with a traceback.
        report.failures += [one for one in server.complaints() if "ClientDisconnect" not in one]
