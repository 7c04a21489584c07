"""The load test itself: it sees right answers as right, wrong ones as wrong, and whoever gets none."""

import asyncio
from dataclasses import replace

import pytest

from tests.load.scenarios import Bench, Report
from tests.load.visitor import Visitor, page_of


@pytest.fixture(scope="module")
def url():
    from app import demo

    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url.rstrip("/")
    demo.close(verbose=False)


def test_six_visitors_one_of_them_with_a_poisoned_picture(url):
    async def come():
        bench = Bench(url, await page_of(url), None, Report())
        files = [*bench.take(5), bench.pictures.bad()[0]]
        async with Visitor(url, bench.page) as half, Visitor(url, bench.page) as gone:
            await half.open()
            await half.break_off(files[0])
            await gone.open()
            await gone.walk_out(files[1])
        visits = await bench.together(files)
        return bench, visits

    bench, visits = asyncio.run(come())
    assert bench.judge(visits) == 6
    assert bench.report.failures == []
    assert "incomplete, damaged" in visits[-1].told

    swapped = [
        replace(one, logits=other.logits) for one, other in zip(visits[:5], visits[1:5] + visits[:1], strict=True)
    ]
    assert bench.judge(swapped) == 0
    assert bench.report.failures == [f"{one.file.name}: a wrong answer" for one in visits[:5]]


def test_whoever_finds_no_server_is_told_of():
    async def come(tries):
        bench = Bench("http://127.0.0.1:9", page, None, Report(), tries)
        visits = await bench.together(bench.take(1))
        return bench, visits[0]

    page = None  # nobody comes as far as asking for something
    bench, lost = asyncio.run(come(2))
    assert len(lost.refusals) == 2
    assert bench.judge([lost]) == 0
    assert "no answer" in bench.report.failures[0]
