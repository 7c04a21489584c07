"""A visitor, as gradio's own browser client talks: the page, a heartbeat, an upload, a place in the queue, the answer.

Each has a connection pool, cookies and a session of their own. What a browser also fetches, scripts and style sheets,
is left out: a server in front, or the browser's cache, answers those.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import numpy as np

from .pictures import File

PATIENCE = 120  # seconds that a visitor waits for any one thing
API = "/gradio_api"
_TLS = httpx.create_ssl_context()  # made once: it takes longer than a page


class RefusedError(Exception):
    """The server answered, but not as it does when all is well."""


@dataclass
class Visit:
    """What happened to a visitor.

    Attributes:
        file: what they uploaded.
        logits: ``(C,)`` of the chart, or None without one.
        told: the page's sentence about a file that it refuses.
        waited: seconds from the click that uploads to the answer.
        stayed: seconds from asking for the page to the answer.
        refusals: what went wrong on the way, each with the step; a visitor who is to start over does so after each.
    """

    file: File
    logits: np.ndarray | None = None
    told: str = ""
    waited: float = 0.0
    stayed: float = 0.0
    refusals: list[str] = field(default_factory=list)


class Page:
    """Where the page's events are, read from the page itself: ids of functions and components differ with its version.

    Args:
        html: the page.
    """

    def __init__(self, html: str) -> None:
        _, mark, rest = html.partition("window.gradio_config = ")
        if not mark:
            raise RefusedError("page: not one of gradio's")
        config, _ = json.JSONDecoder().raw_decode(rest)
        self._ids = {c["props"].get("elem_id"): c["id"] for c in config["components"] if c["props"].get("elem_id")}
        self._functions = {tuple(target): d["id"] for d in config["dependencies"] for target in d["targets"]}

    def event(self, element: str, name: str) -> dict[str, int]:
        """The part of a question that names the event."""
        component = self._ids[element]
        return {"fn_index": self._functions[component, name], "trigger_id": component}


class Visitor:
    """One person with one tab open; use with ``async with``, and the tab is closed at the end.

    Args:
        url: of the server.
        page: where the events are.
    """

    def __init__(self, url: str, page: Page) -> None:
        self._page = page
        # The server closes a connection that has been quiet for 5 s. A browser asks again where its request crosses
        # with that; httpx does not, and keeps none for so long.
        limits = httpx.Limits(keepalive_expiry=2)
        self._http = httpx.AsyncClient(base_url=url, timeout=PATIENCE, verify=_TLS, trust_env=False, limits=limits)
        self._heart: asyncio.Task | None = None
        self._session = ""

    async def __aenter__(self) -> "Visitor":
        return self

    async def __aexit__(self, *_) -> None:
        await self._leave()
        await self._http.aclose()

    async def open(self) -> None:
        """The page, and a heartbeat for as long as the tab is open."""
        await self._leave()
        self._session = f"{random.getrandbits(52):011x}"
        await self._ask("page", "GET", "/")
        self._heart = asyncio.create_task(self._beat())

    async def upload(self, file: File) -> dict:
        """A file's place on the server."""
        response = await self._ask("upload", "POST", f"{API}/upload", files={"files": (file.name, file.data)})
        path = response.json()[0]
        return {"path": path, "orig_name": file.name, "size": len(file.data), "meta": {"_type": "gradio.FileData"}}

    async def call(self, element: str, event: str, data: list, event_data: object = None) -> AsyncIterator[dict]:
        """An event's outputs, as they come: ``{"data": [...]}``, the last of them final."""
        body = self._page.event(element, event)
        body |= {"data": data, "event_data": event_data, "session_hash": self._session}
        asked = (await self._ask("join", "POST", f"{API}/queue/join", json=body)).json()["event_id"]
        async with self._http.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as stream:
            self._check("data", stream)
            async for line in stream.aiter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if message["msg"] == "unexpected_error":
                    raise RefusedError(f"data: {message.get('message') or 'the session is not known'}")
                if message.get("event_id") != asked or message["msg"] not in (
                    "process_generating",
                    "process_completed",
                ):
                    continue
                if not message["success"]:
                    raise RefusedError(f"data: {message['output'].get('error') or 'an error without a word'}")
                yield message["output"]
                if message["msg"] == "process_completed":
                    return
        raise RefusedError("data: the stream ended without an answer")

    async def look(self, file: File) -> tuple[np.ndarray | None, str]:
        """Upload a picture to the Explore tab: the chart's logits, or None and the sentence about it."""
        data = [await self.upload(file), "cifar10", None]
        async for output in self.call("picture", "input", data):
            chart, _, notice = output["data"][:3]
        if isinstance(chart, str):
            return np.array(json.loads(chart)["logits"], dtype=np.float32), ""
        return None, notice

    async def train(self, epochs: int, run: int) -> None:
        """Train a head on the Train tab, to its end."""
        async for _ in self.call("train-block", "run", [], {"question": run, "setting": {"epochs": epochs}}):
            pass

    async def film(self, files: list[File]) -> AsyncIterator[bool]:
        """A live webcam, which sends the next frame when it has an answer to the one before; whether there was one."""
        frames = itertools.cycle("data:image/jpeg;base64," + base64.b64encode(file.data).decode() for file in files)
        body = self._page.event("camera", "stream") | {"session_hash": self._session, "event_data": None}

        def with_frame() -> dict:
            return body | {"data": [{"path": None, "url": next(frames), "is_stream": True}, "cifar10", None]}

        asked = (await self._ask("join", "POST", f"{API}/queue/join", json=with_frame())).json()["event_id"]
        async with self._http.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as stream:
            self._check("data", stream)
            async for line in stream.aiter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("event_id") != asked:
                    continue
                if message["msg"] == "process_streaming":
                    yield isinstance(message["output"]["data"][0], str)
                    with contextlib.suppress(RefusedError):  # its turn is over, which the next message says
                        await self._ask("frame", "POST", f"{API}/stream/{asked}", json=with_frame())
                elif message["msg"] == "process_completed":
                    return

    async def break_off(self, file: File) -> None:
        """Half an upload, and then no more."""

        async def half() -> AsyncIterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.jpg"\r\n\r\n'
            yield file.data[: len(file.data) // 2]
            await asyncio.sleep(0.05)
            raise ConnectionAbortedError

        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(len(file.data))}
        with contextlib.suppress(ConnectionAbortedError):
            await self._http.post(f"{API}/upload", content=half(), headers=headers)

    async def walk_out(self, file: File) -> None:
        """Ask for a picture's logits, and close the tab at the first sign of an answer."""
        body = self._page.event("picture", "input") | {"session_hash": self._session, "event_data": None}
        body["data"] = [await self.upload(file), "cifar10", None]
        await self._ask("join", "POST", f"{API}/queue/join", json=body)
        async with self._http.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as stream:
            self._check("data", stream)
            async for _ in stream.aiter_lines():
                return

    async def _beat(self) -> None:
        with contextlib.suppress(httpx.HTTPError):  # a server that is gone is noticed by who asks for something
            async with self._http.stream("GET", f"{API}/heartbeat/{self._session}", timeout=None) as stream:
                async for _ in stream.aiter_bytes():
                    pass

    async def _leave(self) -> None:
        if self._heart:
            self._heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heart
            self._heart = None

    async def _ask(self, step: str, method: str, path: str, **options) -> httpx.Response:
        response = await self._http.request(method, path, **options)
        self._check(step, response)
        return response

    @staticmethod
    def _check(step: str, response: httpx.Response) -> None:
        if response.status_code != 200:
            raise RefusedError(f"{step}: status {response.status_code}")


async def visit(url: str, page: Page, file: File, tries: int = 1) -> Visit:
    """One visitor with one picture. Who is refused, or cut off, loads the page again, up to ``tries`` times in all."""
    done = Visit(file)
    started = time.perf_counter()
    async with Visitor(url, page) as visitor:
        for attempt in range(tries):
            if attempt:
                await asyncio.sleep(min(2**attempt / 4, 4))
            try:
                await visitor.open()
                clicked = time.perf_counter()
                done.logits, done.told = await visitor.look(file)
                ended = time.perf_counter()
                done.waited, done.stayed = ended - clicked, ended - started
                break
            except RefusedError as error:
                done.refusals.append(str(error))
            except (httpx.HTTPError, ValueError, KeyError) as error:  # cut off, or an answer that cannot be read
                done.refusals.append(f"{type(error).__name__} {error}".strip())
    return done


async def page_of(url: str) -> Page:
    """The page of a running server."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, verify=_TLS, trust_env=False) as http:
        response = await http.get("/")
    if response.status_code != 200:
        raise RefusedError(f"page: status {response.status_code}")
    return Page(response.text)
