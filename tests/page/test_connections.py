"""Connections that nothing comes over, and more of them than there is room for."""

import asyncio
import contextlib
import os
import socket
import threading
import time

import pytest
import uvicorn
from starlette.responses import PlainTextResponse, StreamingResponse

from constrained.page.server import connections
from tests.page.test_safety import Server

LARGE = 64 * 2**20


async def answers(scope, receive, send):
    if scope["path"] == "/large":

        async def parts():
            for _ in range(LARGE // 2**16):
                yield bytes(2**16)

        return await StreamingResponse(parts())(scope, receive, send)
    if scope["path"] == "/late":
        await asyncio.sleep(1.5)
    await PlainTextResponse("here")(scope, receive, send)


@pytest.fixture
def port(monkeypatch):
    """A server with these connections, and less patience."""
    monkeypatch.setattr(connections, "HEAD", 0.6)
    monkeypatch.setattr(connections, "TAKEN", 0.6)
    monkeypatch.setattr(connections.Connection, "most", 20)
    config = uvicorn.Config(answers, port=0, log_level="warning", http=connections.Connection, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def opened(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(sent)
    return connection


def answered(connection: socket.socket) -> bool:
    """Whether all of the small answer comes."""
    received = b""
    while not received.endswith(b"here") and (data := connection.recv(2**16)):
        received += data
    return received.endswith(b"here")


def ends_after(connection: socket.socket) -> float:
    """Seconds until the server hangs up."""
    started = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(2**16):
            pass
    return time.monotonic() - started


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: b"])
def test_half_a_head_ends(port, sent):
    assert 0.3 < ends_after(opened(port, sent)) < 3


def test_a_head_that_drips_ends(port):
    connection = opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n")
    started = time.monotonic()
    with contextlib.suppress(OSError):  # a pipe that is broken, or a connection that is reset
        while time.monotonic() - started < 5:
            connection.sendall(b"a: b\r\n")
            time.sleep(0.05)
    assert time.monotonic() - started < 3


def test_half_a_second_request_ends(port):
    connection = opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answered(connection)
    connection.sendall(b"GET / HT")
    assert 0.3 < ends_after(connection) < 3


@pytest.mark.parametrize("rest", [b"a", b"", b"1\r\n"])
@pytest.mark.parametrize(
    "kind", [b"Content-Length: 9", b"Transfer-Encoding: chunked", b"Content-Length: 9\r\nUpgrade: websocket"]
)
def test_a_request_that_has_its_answer_and_goes_on_ends(port, monkeypatch, kind, rest):
    monkeypatch.setattr(connections, "LINGER", 0.6)
    connection = opened(port, b"POST / HTTP/1.1\r\nHost: x\r\n" + kind + b"\r\n\r\n" + b"1\r\na"[: 1 + len(rest)])
    assert answered(connection)
    connection.sendall(rest)
    assert ends_after(connection) < 3


def test_a_request_that_has_its_answer_first_may_be_followed_by_another(port):
    connection = opened(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
    assert answered(connection)
    connection.sendall(b"cdPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd")
    assert answered(connection)


@pytest.mark.parametrize("chunk", [b"1\r\na\r\n", b"10\r\n" + bytes(16) + b"\r\n", b"5;a=b\r\nabcde\r\n"])
def test_a_body_of_nothing_but_chunks_ends(port, chunk):
    """Each byte in a chunk of its own takes the server ten times as long as the browser."""
    connection = opened(port, b"POST /late HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 2**24:
            sent += connection.send(chunk * 1000)
    assert sent < 2**23
    connection = opened(port, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(20):  # a table of short lines is none
        connection.sendall(b"8000\r\n" + b"cat,1.5\r\n" * 3640 + bytes(8) + b"\r\n")
    connection.sendall(b"0\r\n\r\n")
    assert answered(connection)


def test_an_answer_that_nobody_takes_ends(port):
    connection = opened(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(2)
    received = 0
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(2**16):
            received += len(data)
    assert received < LARGE


def test_whoever_is_slow_but_there_is_served(port):
    late = opened(port, b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")  # an answer that takes longer than a head may
    assert answered(late)
    slow, received = opened(port, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 0
    while data := slow.recv(2**20):
        received += len(data)
        time.sleep(0.01)
    assert received > LARGE


def test_connections_have_a_limit_and_the_server_stays(port):
    held = [opened(port) for _ in range(15)]
    assert answered(opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    held += [opened(port) for _ in range(20)]
    assert ends_after(held[-1]) < 0.5
    time.sleep(1)  # those that hold the places have said nothing
    assert answered(opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))


INFINITY = -1
LIMITS = [(256, 256, 256), (256, 4096, 4096), (1024, 2**20, connections.FILES), (2**20, 2**20, 2**20)]


@pytest.mark.parametrize(("soft", "hard", "then"), [*LIMITS, (256, INFINITY, connections.FILES)])
def test_as_many_files_as_the_system_allows(monkeypatch, soft, hard, then):
    class System:
        RLIMIT_NOFILE, RLIM_INFINITY, limits = 7, INFINITY, (soft, hard)

        @classmethod
        def getrlimit(cls, which):
            return cls.limits

        @classmethod
        def setrlimit(cls, which, limits):
            cls.limits = limits

    monkeypatch.setattr(connections, "resource", System)
    most = connections.raise_file_limit()
    assert System.limits == (then, hard)
    assert then // 2 <= most <= then - 64


def test_without_limits_of_files_connections_have_one(monkeypatch):
    monkeypatch.setattr(connections, "resource", None)
    assert connections.raise_file_limit() == connections.Connection.most


@pytest.mark.slow
@pytest.mark.skipif(connections.resource is None, reason="this system has no limit of files")
def test_a_server_with_few_files_stays_up_and_its_log_small(tmp_path):
    """300 half requests to one that may open 256 files: uvicorn alone would write a hundred megabytes."""
    server = Server(tmp_path / "uploads", preexec_fn=_few_files)
    try:
        held = []
        for _ in range(300):
            with contextlib.suppress(OSError):
                held.append(opened(server.port, b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-"))
        ends = time.monotonic() + 10
        while len(os.listdir(f"/proc/{server.process.pid}/fd")) > 256 - 32:  # what is left is for others
            assert time.monotonic() < ends
            time.sleep(0.1)
        assert server.process.poll() is None
        for connection in held:
            connection.close()
        time.sleep(0.2)
        assert server.get("/").status_code == 200
        log = server.log.read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert len(log) < 2000
    finally:
        server.process.kill()
        server.process.wait()


def test_running_out_of_files_takes_a_line_a_minute(capfd):
    reported, loop = connections._Reported(), asyncio.new_event_loop()
    context = {"message": "socket.accept() out of system resource", "exception": OSError(24, "Too many open files")}
    for _ in range(1000):
        reported(loop, context)
    assert len(capfd.readouterr().err.splitlines()) == 1
    reported(loop, {"message": "something else"})  # asyncio's own report, by its logger
    loop.close()


def _few_files():
    connections.resource.setrlimit(connections.resource.RLIMIT_NOFILE, (256, 256))
