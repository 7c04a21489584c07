"""What a visitor costs before they do anything: gradio works the whole page out twice for each, here once for all.

Measured on two cores, for each visitor: 20 ms for the HTML, and 19 ms and 0.3 MB for a session's own copy of every
component's configuration, while nobody else is answered. A picture takes the network about as long.
"""

import asyncio
import gc
import gzip
from collections import OrderedDict

from gradio.blocks import BlocksConfig
from starlette.datastructures import Headers
from starlette.responses import Response

# What the address that gradio writes into the page depends on.
ADDRESS = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
ADDRESSES = 8  # by which the page is remembered; a stranger can name any


class Config(BlocksConfig):
    """A page's components and events, of which a session's copy does without the components' configuration.

    It is there for gradio's deep links, which this page has none of: its links are its own (`share`).
    """

    def __copy__(self) -> BlocksConfig:
        new = super().__copy__()
        new.config_for_block = lambda *_: {}
        return new


class Once:
    """ASGI middleware that has the page made once for each address that it is reached by, and compressed."""

    def __init__(self, app) -> None:
        self._app = app
        self._pages: OrderedDict[tuple, tuple[dict, bytes, bytes]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        key = (scope["scheme"], scope.get("root_path"), *(headers.get(name) for name in ADDRESS))
        async with self._lock:  # a class that comes at once waits for one page
            if key not in self._pages:
                status, kept, body = await self._make(scope, receive)
                if status != 200:
                    return await Response(body, status, kept)(scope, receive, send)
                self._pages[key] = kept, body, await asyncio.to_thread(gzip.compress, body)
                while len(self._pages) > ADDRESSES:
                    self._pages.popitem(last=False)
            self._pages.move_to_end(key)
            kept, body, small = self._pages[key]
        if "gzip" in headers.get("accept-encoding", ""):
            kept, body = kept | {"content-encoding": "gzip"}, small
        await Response(body, 200, kept)(scope, receive, send)

    async def _make(self, scope, receive) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the page, whatever the link says: that is read in the browser."""
        status, kept, parts = 500, {}, []

        async def keep(message):
            nonlocal status, kept
            if message["type"] == "http.response.start":
                status = message["status"]
                kept = {"content-type": Headers(raw=message["headers"])["content-type"], "vary": "accept-encoding"}
            else:
                parts.append(message.get("body", b""))

        await self._app(scope | {"query_string": b""}, receive, keep)
        return status, kept, b"".join(parts)


def ready(app, inner):
    """``inner``, a gradio application's stack, behind `Once`, unless the page is another for each or may change.

    What is there by then stays, and the garbage collector need not look at it again.
    """
    gc.freeze()  # or each full collection goes through 300,000 objects of libraries and page, and all wait 0.2 s for it
    blocks = app.get_blocks()
    return inner if app.auth or app.auth_dependency or blocks.dev_mode else Once(inner)
