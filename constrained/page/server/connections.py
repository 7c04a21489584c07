"""Connections that end by themselves when nothing comes or goes, and no more of them than there is room for.

uvicorn waits for ever: for a request's head, for its rest, and for a browser that does not take its answer. gradio
hands it no options, so its protocol is replaced once the server is there (`hold`). It would not be needed if uvicorn
had time limits and gradio's ``launch`` passed options to it.
"""

import asyncio
import re
import sys
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    import resource
except ImportError:  # Windows, where a process may have far more than it uses
    resource = None

LINGER = 5.0  # seconds to wait for the rest of a request that has been answered
TINY = 256  # bytes a chunk; browsers send none, and what programs send in chunks comes in thousands of bytes
_CHUNK = re.compile(rb"\r\n[0-9A-Fa-f]{1,20}(;[^\r\n]*)?[ \t]*(?=\r\n)")
HEAD = 15.0  # seconds for the head of a request, from the first byte, or from the connection's beginning
TAKEN = 60.0  # seconds within which a browser must take some of what was sent
FILES = 65_536  # that the process may have open
_RESERVED = 128  # of these, for everything but connections


class Connection(H11Protocol):
    """`H11Protocol` with limits of time, and of the number of connections."""

    most = 10_000  # at once; further connections are closed

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._head = self._full = self._rest = None
        self._size = self._chunks = 0  # of a body in chunks: bytes, and how many chunks
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._head = self.loop.call_later(HEAD, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.SEND_BODY:
            if any(name == b"transfer-encoding" for name, _ in self.headers):
                self._size, self._chunks = self._size + len(data), self._chunks + len(_CHUNK.findall(data))
                if self._size > 2**16 and self._size < TINY * self._chunks:
                    self.transport.abort()
                    return
        else:
            self._size = self._chunks = 0
        super().data_received(data)
        if self.conn.their_state is not h11.SEND_BODY:
            self._rest = _cancelled(self._rest)
        waiting = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not waiting:
            self._head = _cancelled(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(HEAD, self.transport.abort)

    def _unsupported_upgrade_warning(self) -> None:
        """As in uvicorn, but without writing two lines to the log for anybody who asks."""

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and self._rest is None:
            self._rest = self.loop.call_later(LINGER, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._full is None:
            self._full = self.loop.call_later(TAKEN, self.transport.abort)

    def resume_writing(self) -> None:
        self._full = _cancelled(self._full)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head, self._full, self._rest = map(_cancelled, (self._head, self._full, self._rest))
        super().connection_lost(exc)


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


async def hold(blocks) -> None:
    """Give the server of a page that is being launched these connections, and as many files as the system allows.

    A page that is mounted into another server has that one's.
    """
    Connection.most = raise_file_limit()
    asyncio.get_running_loop().set_exception_handler(_Reported())
    earlier = getattr(blocks, "server", None)  # of a launch before this one
    ends = time.monotonic() + 30
    while time.monotonic() < ends:  # gradio sets it right after the server has started
        if (server := getattr(blocks, "server", None)) is not None and server is not earlier:
            server.config.http_protocol_class = Connection
            return
        await asyncio.sleep(0.02)


def raise_file_limit() -> int:
    """Allow the process up to `FILES` open files; returns how many of them may be connections."""
    if resource is None:
        return Connection.most
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = FILES if hard == unlimited else min(FILES, hard)
    if soft != unlimited and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # macOS has a lower limit of its own
            pass
    soft = FILES if soft == unlimited else soft
    return max(soft // 4, soft - max(_RESERVED, soft // 4))


class _Reported:
    """asyncio's report of errors, which writes a line a minute when files run out, and not a traceback each time."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict) -> None:
        if "out of system resource" not in context.get("message", ""):
            loop.default_exception_handler(context)
        elif time.monotonic() > self._next:
            self._next = time.monotonic() + 60
            print("No more files can be opened: new connections wait. Raise ulimit -n.", file=sys.stderr)
