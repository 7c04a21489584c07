"""More than one page: a visitor's browser meets one of them, and goes on when that one dies."""

import asyncio
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

import httpx
import pytest

from constrained.page.server import sticky
from tests.load.server import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 400  # on a machine that does other things as well; 30 on two idle cores
VISITORS = 40


# Whose page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("page=a.1", "a.1"),
        ("theme=dark; page=a.1; other=page=b.2", "a.1"),
        ("", ""),
        ("homepage=a.1", ""),
        ("page", ""),
        ('page="a.1', ""),
        ("a[b=c; \x00; page", ""),
    ],
)
def test_cookie_among_whatever_else_a_browser_sends(header, value):
    assert sticky.cookie(header) == value


def test_visitors_stay_where_they_are_while_pages_come_and_go():
    visitors = [f"{page}.{i}" for page in "abc" for i in range(100)]
    assert all(sticky.choose(visitor, ["b", "new", "c", "a"]) == visitor[0] for visitor in visitors)


def test_visitors_of_a_page_that_is_gone_spread_over_the_others_and_each_meets_only_one():
    visitors = [f"gone.{i}" for i in range(300)]
    chosen = [sticky.choose(visitor, ["a", "b", "c"]) for visitor in visitors]
    assert chosen == [sticky.choose(visitor, ["c", "a", "b"]) for visitor in visitors]
    assert min(Counter(chosen).values()) > 60


def answer(cookies: str = "", **headers: str) -> dict[str, str]:
    """What page ``a`` answers, as headers, to a request with these cookies."""

    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"page"})

    sent = {"cookie": cookies, **headers} if cookies else headers
    transport = httpx.ASGITransport(sticky.Stamped(page, "a"))

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get("/", headers={key.replace("_", "-"): value for key, value in sent.items()})

    response = asyncio.run(ask())
    assert response.text == "page"
    return dict(response.headers)


def test_page_names_itself_to_who_is_new_or_comes_from_another_and_to_nobody_else():
    first, second = answer()["set-cookie"], answer("page=b.7")["set-cookie"]
    assert first.startswith("page=a.")
    assert second.startswith("page=a.")
    assert first != second
    assert first.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert answer("page=a.7").keys() == {"content-type"}
    assert "set-cookie" in answer("page=ab.7")


@pytest.mark.parametrize("came", ["https", "https, http", "https,http,http", "HTTPS", " https ", "https, https"])
def test_page_that_another_site_frames_keeps_its_cookie(came):
    """Behind one proxy or several."""
    assert answer(x_forwarded_proto=came)["set-cookie"].endswith("; SameSite=None; Secure; Partitioned")


@pytest.mark.parametrize("came", ["http", "http, https", "", ",https", "httpsx"])
def test_page_that_came_in_the_open_has_a_cookie_for_that(came):
    assert answer(x_forwarded_proto=came)["set-cookie"].endswith("; HttpOnly; SameSite=Lax")


def test_a_browser_may_send_each_cookie_by_itself():
    messages = []

    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message):
        messages.append(message)

    scope = {"type": "http", "headers": [(b"cookie", b"page=a.7"), (b"cookie", b"theme=dark")]}
    asyncio.run(sticky.Stamped(page, "a")(scope, None, keep))
    assert messages[0]["headers"] == []


# The two deployments ------------------------------------------------------------------------------------------------

ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[serve]'"
)


class Cluster:
    """``python -m constrained.page.server.cluster`` with two pages, in processes that carry a mark of their own."""

    def __init__(self, folder: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._mark = f"CONSTRAINED_TEST={uuid.uuid4()}"
        self._log = Path(folder, "log")
        name, _, value = self._mark.partition("=")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "RAY_", "PYTEST_"))}
        command = [sys.executable, "-m", "constrained.page.server.cluster", "--port", self.url.rpartition(":")[2]]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment | {name: value, "RAY_TMPDIR": folder}, stdout=log, stderr=log
            )

    def wait(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while "is ready at" not in self._log.read_text(encoding="utf-8"):
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")[-3000:]
            assert time.monotonic() < ends, self._log.read_text(encoding="utf-8")[-3000:]
            time.sleep(0.5)

    def processes(self, title: str = "") -> list[int]:
        """Those whose title begins so."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
                marked = self._mark.encode() in (path / "environ").read_bytes()
                if marked and (path / "cmdline").read_bytes().startswith(title.encode()):
                    found.append(int(path.name))
        return found

    def end(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(60)
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="module")
def cluster():
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:  # Ray's sockets need it short
        cluster = Cluster(folder)
        try:
            cluster.wait()
            yield cluster
        finally:
            cluster.end()


@ray
def test_crowd_goes_on_when_a_page_is_killed_and_nobody_gets_a_wrong_answer(cluster):
    from tests.load import pictures, visitor

    files = pictures.Pictures(pictures.Model(), seed=5).take(VISITORS + 16)
    crowd, early = files[:VISITORS], files[VISITORS:]

    async def run():
        page = await visitor.page_of(cluster.url)
        async with contextlib.AsyncExitStack() as stack:
            there = [await stack.enter_async_context(visitor.Visitor(cluster.url, page)) for _ in early]
            await asyncio.gather(*(one.open() for one in there))
            homes = [sticky.cookie(f"page={one._http.cookies['page']}").partition(".")[0] for one in there]
            assert len(set(homes)) == 2

            visits = [asyncio.create_task(visitor.visit(cluster.url, page, file, tries=6)) for file in crowd]
            while sum(visit.done() for visit in visits) < VISITORS // 4:
                await asyncio.sleep(0.01)
            os.kill(cluster.processes("ray::ServeReplica:default:Page")[0], signal.SIGKILL)
            done = await asyncio.gather(*visits)

            # Who was there before, and did nothing meanwhile, needs no new page.
            looks = await asyncio.gather(*(one.look(file) for one, file in zip(there, early, strict=True)))
            moved = [one._http.cookies["page"].partition(".")[0] for one in there]
            return done, looks, homes, moved

    done, looks, homes, moved = asyncio.run(run())
    for visit in done:
        assert visit.logits is not None, visit.refusals
        assert pictures.same(visit.logits, visit.file.logits)
    assert any(visit.refusals for visit in done), "nobody met the page that was killed"
    for (logits, told), file in zip(looks, early, strict=True):
        assert told == ""
        assert pictures.same(logits, file.logits)
    gone = {before for before, after in zip(homes, moved, strict=True) if before != after}
    assert len(gone) == 1
    assert gone.isdisjoint(moved)

    ends, met = time.monotonic() + START_SECONDS, set()
    while len(met) < 2:  # another page takes the place of the one that was killed
        assert time.monotonic() < ends
        met.add(httpx.get(cluster.url, timeout=60).cookies["page"].partition(".")[0])
        time.sleep(0.1)
    assert gone.isdisjoint(met)


@ray
def test_guard_stands_in_front_of_every_page(cluster):
    large = httpx.post(f"{cluster.url}/gradio_api/upload", files={"files": ("a.jpg", bytes(8 * 2**20))}, timeout=60)
    assert large.status_code == 413
    assert httpx.get(f"{cluster.url}/monitoring", timeout=60).status_code == 404
    direct = {"data": [[0.0, 1.0], "clamp"], "session_hash": "a"}
    assert httpx.post(f"{cluster.url}/gradio_api/run/constrain", json=direct, timeout=60).status_code == 404
