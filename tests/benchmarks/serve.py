"""What Ray Serve costs on one machine, beside ``python app.py`` in the same run: python -m tests.benchmarks.serve

Both run meanwhile, and take turns: a picture for one, a picture for the other; a crowd for one, a crowd for the other.
Every answer is compared with the plain model's. Needs Ray (pip install -e ".[serve]") and Linux.
"""

import asyncio
import contextlib
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from tests.benchmarks import spread
from tests.load import pictures, server, visitor
from tests.load.visitor import Visitor
from tests.page.test_serve import Cluster

PICTURES, CROWD, ROUNDS = 60, 60, 3


def memory(processes: list[int]) -> float:
    """What processes hold in memory, in MB; what several share counts once."""
    held = 0
    for process in processes:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
            held += int(text.partition("Pss:")[2].split()[0])
    return held / 1024


def worked(processes: list[int]) -> dict[int, float]:
    """Milliseconds of a processor that each process has used so far."""
    used = {}
    for process in processes:
        with contextlib.suppress(OSError):
            spent = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
            used[process] = 1000 * sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
    return used


def check(logits, file: pictures.File) -> None:
    """Stop where an answer is wrong: what is wrong need not be fast."""
    if logits is None or not pictures.same(logits, file.logits):
        raise SystemExit("an answer was wrong or missing, so there is no table")


async def single(urls: list[str], page: visitor.Page, files: list[pictures.File]) -> list[list[float]]:
    """Seconds from the click that uploads to the answer, one picture at a time, for each address."""
    times = [[] for _ in urls]
    async with contextlib.AsyncExitStack() as stack:
        there = [await stack.enter_async_context(Visitor(url, page)) for url in urls]
        for one in there:
            await one.open()
        for i, file in enumerate(files):
            for one, taken in zip(there, times, strict=True):
                started = time.perf_counter()
                logits, _ = await one.look(file)
                if i >= 5:  # the first ones make connections
                    taken.append(time.perf_counter() - started)
                check(logits, file)
    return times


async def crowd(url: str, page: visitor.Page, files: list[pictures.File]) -> float:
    """Pictures per second for visitors who come at once, each with one, from the page to the answer."""
    started = time.perf_counter()
    for visit in await asyncio.gather(*(visitor.visit(url, page, file) for file in files)):
        check(visit.logits, visit.file)
    return len(files) / (time.perf_counter() - started)


def table() -> str:
    """The table, in Markdown. Takes about three minutes on two idle cores."""
    if importlib.util.find_spec("ray") is None:
        sys.exit('Ray is not installed: pip install -e ".[serve]"')
    model = pictures.Model()
    source = pictures.Pictures(model, seed=11)
    torch.set_num_threads(1)
    bare = model.speed(source.take(48))
    with contextlib.ExitStack() as stack:
        started = time.perf_counter()
        alone = stack.enter_context(server.serving())
        start_alone = time.perf_counter() - started
        started = time.perf_counter()
        cluster = Cluster(stack.enter_context(tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True)))
        stack.callback(cluster.end)
        cluster.wait()
        start_ray = time.perf_counter() - started

        page = asyncio.run(visitor.page_of(alone.url))
        taken, taken_ray = asyncio.run(single([alone.url, cluster.url], page, source.take(PICTURES)))
        one = alone._process.pid
        before, rates = worked([one, *cluster.processes()]), []
        for _ in range(ROUNDS):
            files = source.take(CROWD)
            rates.append([asyncio.run(crowd(url, page, files)) for url in (alone.url, cluster.url)])
        pages = cluster.processes("ray::ServeReplica:default:Page")
        networks = cluster.processes("ray::ServeReplica:default:network")
        rest = [process for process in cluster.processes() if process not in pages + networks]
        groups = [[one], pages, networks, rest]
        now = worked([one, *pages, *networks, *rest])
        costs = [sum(now[p] - before.get(p, 0) for p in group if p in now) / (ROUNDS * CROWD) for group in groups]
        held = list(map(memory, groups))
        count = f"{len(pages)} pages, {len(networks)} network{'s' if len(networks) > 1 else ''}"

    def latency(times: list[float]) -> str:
        return f"{1000 * statistics.median(times):.0f} ms; {1000 * sorted(times)[int(0.95 * len(times))]:.0f} ms"

    crowds = (spread(list(found), ".1f") for found in zip(*rates, strict=True))
    rows = [
        ("start to the first page", f"{start_alone:.0f} s", f"{start_ray:.0f} s"),
        (
            "memory, MB",
            f"{held[0]:.0f}",
            f"{held[1] / len(pages):.0f} a page, {held[2] / len(networks):.0f} a network, {held[3]:.0f} Ray itself",
        ),
        (
            "processor time a visitor, ms",
            f"{costs[0]:.0f}",
            f"{costs[1]:.0f} in pages, {costs[2]:.0f} in networks, {costs[3]:.0f} in Ray itself",
        ),
        ("one picture, idle server: median; 95th percentile", latency(taken), latency(taken_ray)),
        (f"{CROWD} visitors at once: pictures per second, median of {ROUNDS}", *crowds),
    ]
    lines = [f"| {os.cpu_count()} cores | one process | Ray: {count} |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", f"The bare network makes {bare:.0f} pictures per second on one core of this machine."]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
