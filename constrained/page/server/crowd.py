"""The cost of a visitor before they do anything: gradio builds the whole page twice for each, here once for all.

Measured on two cores, for each visitor: 20 ms for the HTML, and 19 ms and 0.3 MB for a session's own copy of every
component's configuration, while nobody else is answered. A picture takes the network about as long.
"""

import asyncio
import gc
import gzip
import time
from collections import OrderedDict
from dataclasses import dataclass

from gradio import route_utils
from gradio.blocks import BlocksConfig
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from . import web

# What gradio computes for each visitor, although only the address in it differs. Here it is made once, for an address
# that nobody has. gradio itself keeps its answer about the API with the address of whoever asks first.
PATHS = ("/", "/config", "/gradio_api/info")
NOWHERE = "page.invalid"
ADDRESSES = 8  # for which an answer is kept compressed; a stranger can send any
KEPT = 600  # seconds after which an unused one gives way to another


class Config(BlocksConfig):
    """A page's components and events; a session's copy leaves out the components' configuration.

    It is there for gradio's deep links, which this page has none of: its links are its own (`share`).
    """

    def __copy__(self) -> BlocksConfig:
        new = super().__copy__()
        new.config_for_block = lambda *_: {}
        return new


@dataclass(frozen=True)
class Made:
    """An answer for all visitors, with `NOWHERE` in place of the address.

    Attributes:
        headers, body: of the answer.
        root: the address that the body contains.
    """

    headers: dict[str, str]
    body: bytes
    root: str

    def at(self, root: str) -> bytes:
        """The body, with an address."""
        return self.body.replace(self.root.encode(), root.encode())


class Once:
    """ASGI middleware that makes the page once, and fills in the address by which each visitor came.

    Args:
        app: what makes it.
        facts: what the page's scripts need to know (`web.early`).
        root_path: below which it is reached; gradio's.
    """

    def __init__(self, app, facts: dict, root_path: str = "") -> None:
        self._app, self._facts, self._root_path = app, facts, root_path
        self._made: dict[str, Made] = {}
        self._pages: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()  # compressed; when last used
        self._lock = asyncio.Lock()

    async def __call__(self, scope, receive, send) -> None:
        path = scope["path"].rstrip("/") or "/"
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or path not in PATHS:
            return await self._app(scope, receive, send)
        made = await self.make(scope, receive, path)
        if isinstance(made, Response):
            return await made(scope, receive, send)
        headers, body = made.headers, None
        root = self._root(scope, path)
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            body = await self._compressed(path, made, root)
        if body is None:
            body = made.at(root)
        else:
            headers = headers | {"content-encoding": "gzip"}
        await Response(body, 200, headers)(scope, receive, send)

    def _root(self, scope, path: str) -> str:
        """The address of the page, as gradio finds it in a request."""
        return route_utils.get_root_url(Request(scope), path, self._root_path or scope.get("root_path"))

    async def _compressed(self, path: str, made: Made, root: str) -> bytes | None:
        """The answer for an address, compressed; None if too many others have one."""
        now, key = time.monotonic(), (path, root)
        if key not in self._pages:
            async with self._lock:  # a class that arrives at once waits for one page to be made
                if key not in self._pages:
                    if len(self._pages) >= ADDRESSES:
                        oldest = next(iter(self._pages))
                        if now - self._pages[oldest][1] < KEPT:
                            return None
                        del self._pages[oldest]
                    self._pages[key] = await asyncio.to_thread(gzip.compress, made.at(root)), now
        self._pages[key] = self._pages[key][0], now
        self._pages.move_to_end(key)
        return self._pages[key][0]

    async def make(self, scope, receive, path: str) -> Made | Response:
        """The answer for a path, the same for all queries, which the browser reads; or an error, which is not kept."""
        async with self._lock:
            if path in self._made:
                return self._made[path]
            names = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
            headers = [(name, value) for name, value in scope["headers"] if name not in names]
            scope = scope | {"query_string": b"", "path": path, "raw_path": path.encode(), "scheme": "http"}
            scope["headers"] = [*headers, (b"host", NOWHERE.encode())]
            status, kept, parts = 500, {}, []

            async def keep(message):
                nonlocal status, kept
                if message["type"] == "http.response.start":
                    status = message["status"]
                    kept = {"content-type": Headers(raw=message["headers"])["content-type"], "vary": "accept-encoding"}
                else:
                    parts.append(message.get("body", b""))

            await self._app(scope, receive, keep)
            body = b"".join(parts)
            if status != 200:
                return Response(body, status, kept)
            if path == "/":
                body = web.early(body, self._facts)
            self._made[path] = Made(kept, body, self._root(scope, path))
            return self._made[path]


async def warm(once) -> None:
    """Make everything before anybody asks."""

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "http_version": "1.1", "headers": [], "root_path": ""}
    for path in PATHS:
        await once.make(scope | {"server": (NOWHERE, None), "client": None}, receive, path)


def ready(app, inner):
    """``inner``, a gradio application's stack, behind `Once`, unless the page is another for each or may change.

    What is there by then stays, and the garbage collector need not look at it again.
    """
    gc.freeze()  # otherwise each full collection goes through 300,000 objects, and all visitors wait 0.2 s for it
    blocks = app.get_blocks()
    if app.auth or app.auth_dependency or blocks.dev_mode:
        return inner
    return Once(inner, blocks.facts, app.root_path or blocks.custom_mount_path or "")
