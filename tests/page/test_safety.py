"""The server among strangers: what they can reach, how much they can send, and that every value ends in a sentence.

``CASES=1000 python -m pytest tests/page/test_safety.py -k stranger`` tries every parameter that often.
"""

import asyncio
import base64
import dataclasses
import hashlib
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import gradio as gr
import httpx
import numpy as np
import pytest
import torch
from gradio.routes import App
from gradio.state_holder import SessionState
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app
from constrained import heads, images, models, registry, training
from constrained.export import ExportError
from constrained.modules import ConstrainedLinear
from constrained.page import api, pictures
from constrained.page import layout as ui
from constrained.page import links as share
from constrained.page import models as menu
from constrained.page.server import guard, inference, line
from constrained.page.tabs import calibrate, code, explore, export, lessons, train
from constrained.parameters import Number
from tests.load.server import free_port

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("CASES", "5"))
MB = 2**20
DEFAULTS = {key: parameter.default for key, parameter in registry.PARAMETERS.items()}
ROWS = [p.default if isinstance(p, Number) else "" for p in registry.PARAMETERS.values()]  # what a tab's controls hold


# A server of its own ------------------------------------------------------------------------------------------------


class Server:
    """``python app.py`` in a process of its own, with a folder in which it makes its own."""

    def __init__(self, around: Path, environment: dict[str, str] | None = None, **options) -> None:
        self.port = free_port()
        own = {key: value for key, value in os.environ.items() if not key.startswith(("GRADIO", "CONSTRAINED"))}
        own |= {"GRADIO_TEMP_DIR": str(around), "PYTHONUNBUFFERED": "1"} | (environment or {})
        self.around = around
        self.log = around.parent / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, ROOT / "app.py", "--port", str(self.port)],
                env=own,
                stdout=log,
                stderr=subprocess.STDOUT,
                **options,
            )
        self.url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 120
        while "Running on local URL" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        httpx.get(self.url, timeout=60)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A path exactly as it is written, which httpx would tidy up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest("GET", path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        found = httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
        connection.close()
        return found

    def upload(self, data: bytes, name: str = "picture.png") -> str:
        """The path at which the server says that it put a file."""
        (path,) = httpx.post(f"{self.url}/gradio_api/upload", files={"files": (name, data)}, timeout=30).json()
        return path

    def ask(self, function, data: list, session: str, event: object = None) -> dict:
        """What the page does: join the queue, wait for the answer; ``named`` has its values by name."""
        (asked,) = (fn for fn in app.demo.fns.values() if fn.fn is function)
        body = {"data": data, "fn_index": asked._id, "session_hash": session, "event_data": event, "trigger_id": None}
        joined = httpx.post(f"{self.url}/gradio_api/queue/join", json=body, timeout=30)
        assert joined.status_code == 200, joined.text
        with httpx.stream(
            "GET", f"{self.url}/gradio_api/queue/data", params={"session_hash": session}, timeout=60
        ) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {}
                if message.get("msg") == "process_completed":
                    output = message["output"]
                    names, parts = getattr(asked, "named", ()), output.get("data", ())  # none after an error
                    return output | {"named": dict(zip(names, parts, strict=False))}
        raise AssertionError("no answer")

    def memory(self, field: str) -> float:
        """Megabytes, from what Linux says of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("around") / "uploads")
    yield started
    started.process.kill()
    started.process.wait()


def file(path: str) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def held(data: bytes) -> str:
    """A head as the page keeps it."""
    return base64.b64encode(data).decode()


def head_file(seed: int) -> bytes:
    known = training.data()
    layer = ConstrainedLinear(known.width, len(known.classes))
    torch.nn.init.normal_(layer.weight, std=0.1, generator=torch.Generator().manual_seed(seed))
    return heads.save(layer, "", known.classes, known.network)


# Where it listens ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_listens_on_this_machine_alone(server):
    outside = app.address()
    if outside.startswith("127."):
        pytest.skip("this machine is in no network")
    with socket.create_connection(("127.0.0.1", server.port), timeout=5):
        pass
    with pytest.raises(OSError):  # noqa: PT011, refused on one system and timed out on another
        socket.create_connection((outside, server.port), timeout=5)


def test_a_classroom_is_asked_for():
    assert app.options([]).host is None
    assert app.options(["--classroom"]).host == app.options(["--host", "0.0.0.0"]).host == app.EVERYWHERE
    with pytest.raises(SystemExit):
        app.options(["--classroom", "--host", "127.0.0.1"])


# How much can be sent -----------------------------------------------------------------------------------------------


def part(size: int, name: str = "a.png") -> bytes:
    disposition = f'Content-Disposition: form-data; name="files"; filename="{name}"'
    return f"--X\r\n{disposition}\r\n\r\n".encode() + bytes(size) + b"\r\n"


def pieces(size: int):
    return itertools.repeat(bytes(MB), size // MB)


MULTIPART = {"content-type": "multipart/form-data; boundary=X"}
JSON = {"content-type": "application/json"}
THROWN = {  # 200 MB in all; without a length unless there is one
    "one file with its length": ("upload", lambda: (part(40 * MB) + b"--X--\r\n",), MULTIPART),
    "one file without its length": ("upload", lambda: itertools.chain([part(0)[:-2]], pieces(40 * MB)), MULTIPART),
    "many files, each small": ("upload", lambda: itertools.repeat(part(900_000), 45), MULTIPART),
    "a question": ("queue/join", lambda: itertools.chain([b'{"data": ["'], pieces(40 * MB)), JSON),
    "a call": ("call/classify", lambda: itertools.chain([b'{"data": ["'], pieces(40 * MB)), JSON),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is read from /proc")
def test_200_mb_are_refused_with_a_sentence_and_20_mb_of_memory(server):
    before = server.memory("VmRSS")
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak starts anew
    for name, (path, body, headers) in THROWN.items():
        chunks = body()
        if isinstance(chunks, tuple):
            headers = headers | {"content-length": str(sum(map(len, chunks)))}
            chunks = (data[at : at + MB] for data in chunks for at in range(0, len(data), MB))
        answer = httpx.post(f"{server.url}/gradio_api/{path}", content=chunks, headers=headers, timeout=60)
        assert answer.status_code == 413, name
        told = answer.text if path == "upload" else answer.json()["error"]
        assert f"{guard.limits('/gradio_api/' + path)[0] // (MB if path == 'upload' else 1024)} " in told, name
        assert told.endswith("."), name
    assert server.memory("VmHWM") - before <= 20
    halves = [path.stat().st_size for path in server.around.rglob("tmp*")]  # until they are swept
    assert sum(halves) <= 2 * guard.UPLOAD


def test_an_upload_of_a_thousand_files_is_refused(server):
    """gradio opens all of them at once, and a process may open about as many."""
    body = part(1) * 1000 + b"--X--\r\n"
    answer = httpx.post(f"{server.url}/gradio_api/upload", content=body, headers=MULTIPART, timeout=30)
    assert answer.status_code == 413


def test_what_the_limit_allows_arrives(server):
    data = os.urandom(guard.FILE)
    assert Path(server.upload(data)).read_bytes() == data
    question = {"data": [[0.5] * api.CLASSES, "softmax", *DEFAULTS.values()]}
    assert httpx.post(f"{server.url}/gradio_api/call/constrain", json=question, timeout=30).status_code == 200


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"data": [' + b"9" * 60_000 + b"]}", b"null", b"\xff\xfe", b""])
@pytest.mark.parametrize("path", ["queue/join", "call/constrain", "run/predict", "cancel", "stream/1"])
def test_a_body_that_is_no_question_is_refused(server, path, body):
    answer = httpx.post(f"{server.url}/gradio_api/{path}", content=body, headers=JSON, timeout=30)
    assert answer.status_code in (400, 404, 422)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("number", [-1, 10**6, 2**70])
def test_a_question_that_is_not_known_gets_a_sentence(server, number):
    """A page that was open while the server was renewed may ask one."""
    body = {"data": [], "fn_index": number, "session_hash": "s"}
    answer = httpx.post(f"{server.url}/gradio_api/queue/join", json=body, timeout=30)
    assert answer.status_code == 500
    assert answer.json()["error"] == ui.FAILED


# What is open -------------------------------------------------------------------------------------------------------

FILLED = {"api_name": "classify", "path_or_url": "/x", "path": "x"}


def test_of_gradios_addresses_only_those_of_this_page_are_open():
    """Of all that this version of gradio has; a new one has to be looked at."""
    opened = set()
    included = App.create_app(app.demo, app_kwargs={}).routes
    routes = [
        one
        for some in included
        for one in (some.original_router.routes if hasattr(some, "original_router") else [some])
    ]
    for route in routes:
        filled = FILLED | ({"api_name": "predict"} if "/run/" in route.path else {})
        path = route.path.replace(":path", "")
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", filled.get(name, "1"))
        opened |= {
            f"{method} {route.path.rstrip('/') or '/'}"
            for method in route.methods - {"HEAD"}
            if method in guard.OPEN and guard.OPEN[method].fullmatch(path)
        }
    assert len(routes) > 60, "all of gradio's, not those of a part"
    assert opened == {
        *(f"GET {path}" for path in ("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")),
        *("GET /assets/{path:path}", "GET /static/{path:path}"),
        *(
            f"GET /gradio_api/{path}"
            for path in ("app_id", "info", "startup-events", "theme.css", "queue/data", "upload_progress")
        ),
        "GET /gradio_api/file={path_or_url:path}",
        "GET /gradio_api/heartbeat/{session_hash}",
        *("GET /gradio_api/call/{api_name}/{event_id}", "GET /gradio_api/call/v2/{api_name}/{event_id}"),
        *(f"POST /gradio_api/{path}" for path in ("upload", "queue/join", "cancel", "reset")),
        *("POST /gradio_api/run/{api_name}", "POST /gradio_api/call/{api_name}", "POST /gradio_api/call/v2/{api_name}"),
        *("POST /gradio_api/stream/{event_id}", "POST /gradio_api/stream/{event_id}/close"),
    }


@pytest.mark.parametrize(
    "path",
    [
        *("/openapi.json", "/docs", "/redoc", "/gradio_api/openapi.json", "/monitoring", "/monitoring/summary"),
        *("/gradio_api/dev/reload", "/gradio_api/token", "/gradio_api/deep_link", "/gradio_api/runs", "/login"),
        *("/gradio_api/run-history/records", "/gradio_api/vibe-code", "/gradio_api/mcp", "/gradio_api/mcp/schema"),
        "/gradio_api/custom_component/1/client/component/index.js",
        *(
            "/gradio_api/proxy=https://example.org/",
            "/gradio_api/file=https://example.org/",
            "/gradio_api/file=%20http://x/",
        ),
    ],
)
def test_closed_addresses_answer_nothing(server, path):
    answer = server.get(path)
    assert (answer.status_code, answer.text) == (404, "There is nothing here.")


def test_posts_that_pass_the_queue_by_are_refused(server):
    """They would not be counted by any limit."""
    for fn in app.demo.fns.values():
        if fn.fn and fn.queue:
            body = {"fn_index": fn._id, "session_hash": "s", "data": [None] * len(fn.inputs)}
            answer = httpx.post(f"{server.url}/gradio_api/run/predict", json=body, timeout=30)
            assert answer.status_code == 404, fn.name
    for name in ("classify", "constrain", "on_picture", "on_run"):
        assert httpx.post(f"{server.url}/gradio_api/run/{name}", json={"data": []}).status_code == 404
        assert httpx.post(f"{server.url}/gradio_api/api/{name}", json={"data": []}).status_code == 404
    assert httpx.post(f"{server.url}/gradio_api/call/on_picture", json={"data": []}).status_code == 404


def test_what_passes_the_queue_by_is_light():
    light = {fn.fn for fn in app.demo.fns.values() if fn.fn and not fn.queue}
    assert {fn.__name__ for fn in light} == {"<lambda>", "on_halt", "on_write"}
    queued = [fn for fn in app.demo.fns.values() if fn.fn and fn.queue]
    assert all(fn.concurrency_limit for fn in queued)  # none without a limit
    assert isinstance(app.demo._queue, line.Line)


def test_scripts_of_other_sites_are_told_nothing(server):
    for host in (f"127.0.0.1:{server.port}", "page.example.org"):
        for origin in ("https://evil.example", "null", "http://localhost:3000"):
            answer = server.get("/config", Host=host, Origin=origin)
            assert answer.status_code == 200
            assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{server.url}/gradio_api/queue/join", headers=asked | {"Host": "page.example.org"})
    assert answer.status_code == 404
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/gradio_api/heartbeat"])
def test_no_cache_in_front_hands_an_answer_on(server, path):
    """It might have been made for whoever named another host, or be of somebody's own picture."""
    assert server.get(path, **{"X-Forwarded-Host": "evil.example"}).headers["cache-control"] == "private, no-cache"
    picture = server.get(f"/gradio_api/file={server.upload(PICTURE)}")
    assert "private" in picture.headers["cache-control"]


def test_an_address_in_a_header_is_nothing_but_an_address(server):
    for address in ("http://x/'><script>", "http://x/?a=b", "http://x/#a", "javascript:x", "http://x y", "//x"):
        assert server.get("/", **{"X-Gradio-Server": address}).status_code == 400
    assert server.get("/", **{"X-Gradio-Server": "http://127.0.0.1:7860/demo"}).status_code == 200


def test_forms_of_other_sites_are_refused(server):
    files = {"files": ("a.png", b"a")}
    for said, expected in {"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200}.items():
        answer = httpx.post(f"{server.url}/gradio_api/upload", files=files, headers={"Sec-Fetch-Site": said})
        assert answer.status_code == expected


def test_forms_of_other_sites_are_refused_without_sec_fetch_too(server):
    """Browsers send those to https and to their own machine only, not to a classroom's server by its name."""
    files, host = {"files": ("a.png", b"a")}, "classroom.test:7860"
    expected = {"http://classroom.test:7860": 200, None: 200, "http://evil.example": 403, "null": 403}
    expected |= {"http://classroom.test": 403, "http://evil.classroom.test:7860": 403, "": 403}
    for origin, status in expected.items():
        headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
        assert httpx.post(f"{server.url}/gradio_api/upload", files=files, headers=headers).status_code == status, origin
    behind = {"Host": "127.0.0.1:7860", "X-Forwarded-Host": "page.example", "Origin": "https://page.example"}
    assert httpx.post(f"{server.url}/gradio_api/upload", files=files, headers=behind).status_code == 200


@pytest.mark.parametrize("host", ["", "a b", "a/b", "evil.example/x", "x" * 300, "a:b", "<b>", "[zz]", "a@b"])
def test_a_host_that_is_none_is_refused(server, host):
    assert server.get("/", Host=host).status_code == 400
    assert server.get("/", **{"X-Forwarded-Host": host or "/"}).status_code == 400


def test_whatever_host_is_named_nothing_of_it_reaches_others(server):
    """gradio keeps what it says of its API with the address of whoever asked first."""
    for path in ("/", "/gradio_api/info", "/gradio_api/info?all_endpoints=1", "/config"):
        evil = server.get(path, Host="evil.example")
        assert b"evil.example" in evil.content
        assert b"evil.example" not in server.get(path).content
        assert b"evil.example" not in server.get(path, Host="page.example").content
    body = {"picture": None, "model": "cifar10"}
    httpx.post(f"{server.url}/gradio_api/call/v2/classify", json=body, headers={"Host": "evil.example"})
    assert b"evil.example" not in server.get("/gradio_api/info").content


@pytest.mark.parametrize("asked", ["bytes=0-10", "bytes=0-1,2-3", "--", "bytes=-1", "bytes=9-", "bytes=5-1"])
def test_no_header_of_a_request_comes_back(server, asked):
    """gradio answers a range with the request's own headers, cookies that scripts cannot read among them."""
    own = server.upload(PICTURE)
    sent = {
        "Range": asked,
        "If-Range": "x",
        "Cookie": "page=secret",
        "Authorization": "secret",
        "Set-Cookie": "a=secret",
    }
    sent |= {"Access-Control-Allow-Origin": "secret", "X-Secret": "secret"}
    for path in (f"/gradio_api/file={own}", "/", "/config", "/theme.css", "/gradio_api/info"):
        answer = server.get(path, **sent)
        assert answer.status_code == 200
        assert "secret" not in str(answer.headers.raw)
        assert len(answer.headers.get_list("content-type")) == 1
    assert server.get(f"/gradio_api/file={own}", **sent).content == PICTURE


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/info", "/nothing", "/gradio_api/queue/data?session_hash=x"]
)
def test_every_answer_says_how_a_browser_is_to_treat_it(server, path):
    headers = server.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors *" in policy  # on purpose: Hugging Face and teachers show the page in theirs
    assert "http" not in policy


BOUNDARIES = ["", '""', "é", "x" * 71, "x" * 300, "a b", None]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: repr(boundary)[:8])
def test_an_upload_whose_parts_cannot_be_counted_is_refused(server, boundary):
    """gradio would take an empty one, and open a file for each of a thousand parts."""
    mark = (boundary or "").strip('"').encode()
    part = b"--" + mark + b'\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nx\r\n'
    kind = b"multipart/form-data" + (b"" if boundary is None else b"; boundary=" + boundary.encode())
    answer = httpx.post(
        f"{server.url}/gradio_api/upload", content=part * 990, headers={b"content-type": kind}, timeout=30
    )
    assert answer.status_code == 400
    assert answer.text.endswith(".")
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) < 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/mixed; boundary=X"])
def test_an_upload_of_another_kind_is_refused(server, kind):
    answer = httpx.post(f"{server.url}/gradio_api/upload", content=part(1), headers={"content-type": kind})
    assert answer.status_code == 400


@pytest.mark.slow
@pytest.mark.parametrize("root", ["/demo", "https://page.example/demo/"])
def test_below_a_path_behind_a_proxy_that_strips_it_and_one_that_does_not(tmp_path, root):
    behind = Server(tmp_path / "uploads", environment={"GRADIO_ROOT_PATH": root})
    proxied = {"Host": "page.example", "X-Forwarded-Host": "page.example", "X-Forwarded-Proto": "https"}
    try:
        for prefix in ("", "/demo"):
            page = behind.get(f"{prefix}/", **proxied)
            assert page.status_code == 200
            assert b"https://page.example/demo" in page.content
            answer = httpx.post(f"{behind.url}{prefix}/gradio_api/upload", files={"files": ("a.jpg", PICTURE)})
            (path,) = answer.json()
            assert behind.get(f"{prefix}/gradio_api/file={path}", **proxied).content == PICTURE
            assert behind.get(f"{prefix}/openapi.json", **proxied).status_code == 404
        assert behind.get("/demo/demo/", **proxied).status_code == 404
        assert behind.get("/demonstration/", **proxied).status_code == 404
    finally:
        behind.process.kill()
        behind.process.wait()


CHARSETS = ["punycode", "unicode_escape", "utf-7", "undefined", "x" * 50_000]


@pytest.mark.parametrize("charset", CHARSETS, ids=lambda charset: charset[:10])
def test_an_upload_names_no_codec(server, charset):
    """gradio would decode names by it in the loop that answers everybody; by punycode that takes minutes."""
    name = "a" * 50_000 + "-" + "a" * 50_000
    body = (
        b'--X\r\nContent-Disposition: form-data; name="x-"\r\n\r\n' + name.encode() + b"\r\n" + part(1) + b"--X--\r\n"
    )
    before = time.process_time()
    headers = {"content-type": f"multipart/form-data; boundary=X; charset={charset}"}
    answer = httpx.post(f"{server.url}/gradio_api/upload", content=body, headers=headers, timeout=30)
    assert answer.status_code in (200, 400, 431)
    assert time.process_time() - before < 1
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_an_upload_without_its_end_leaves_nothing(server):
    answer = httpx.post(f"{server.url}/gradio_api/upload", content=part(1000), headers=MULTIPART, timeout=30)
    assert answer.status_code in (200, 400)
    other = part(1000).replace(b'name="files"', b'name="other"') + b"--X--\r\n"
    httpx.post(f"{server.url}/gradio_api/upload", content=other, headers=MULTIPART, timeout=30)
    assert not halves(server)


@pytest.mark.parametrize("header", ["Origin", "X-Gradio-Server"])
@pytest.mark.parametrize("value", ["http://[", "http://[::1", "javascript://x/EVIL", "//x", "http://x/\x7f"])
def test_an_address_that_is_none_takes_no_traceback(server, header, value):
    before = server.log.read_text(encoding="utf-8")
    for path in ("queue/join", "upload"):
        answer = httpx.post(f"{server.url}/gradio_api/{path}", headers={header: value.encode()}, content=b"{}")
        assert answer.status_code in (400, 403, 422)
    assert len(server.log.read_text(encoding="utf-8").removeprefix(before).splitlines()) <= 2


def test_cookies_are_not_read(server):
    answer = server.get("/config", Cookie='a="' + '\\"' * 20_000 + '"', Authorization="x")
    assert answer.status_code == 200


# Half requests ------------------------------------------------------------------------------------------------------


def half(server, body: bytes, promised: int, path: str = "upload") -> socket.socket:
    """A request whose body is not all there."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    kind = MULTIPART["content-type"] if path == "upload" else JSON["content-type"]
    head = f"POST /gradio_api/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {promised}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def halves(server) -> list[Path]:
    return [path for path in server.around.glob("constrained-*/*") if path.is_file() and path.name != "lock"]


def test_half_an_upload_is_deleted_at_once_and_takes_no_line_of_the_log(server):
    before = server.log.read_text(encoding="utf-8")
    connection = half(server, part(100_000), 200_000)
    ends = time.monotonic() + 10
    while not halves(server):
        assert time.monotonic() < ends
        time.sleep(0.02)
    connection.close()
    while halves(server):
        assert time.monotonic() < ends
        time.sleep(0.02)
    too_many = part(1) * 50 + b"--X--\r\n"
    assert httpx.post(f"{server.url}/gradio_api/upload", content=too_many, headers=MULTIPART).status_code == 413
    no_name = b"--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + part(5) + b"--X--\r\n"
    assert httpx.post(f"{server.url}/gradio_api/upload", content=no_name, headers=MULTIPART).status_code == 400
    time.sleep(0.2)
    assert not halves(server)
    assert server.log.read_text(encoding="utf-8") == before


def test_what_a_stranger_sends_wrongly_takes_at_most_a_line_of_the_log(server):
    before = server.log.read_text(encoding="utf-8")
    own = server.upload(PICTURE)
    client = httpx.Client(base_url=f"{server.url}/gradio_api", timeout=30)
    client.get("/queue/data", params={"session_hash": "nobody"})
    client.get(f"/file={own}", headers={"Range": "bytes=0-1,2-3"})
    client.post("/queue/join", json={"data": [], "fn_index": -1, "session_hash": "s"})
    client.post("/upload", content=part(1), headers={"content-type": "multipart/form-data; boundary=" + "x" * 300})
    client.post("/call/v2/nothing", json={})
    client.post("/call/classify", json={"data": []})
    client.post("/call/classify", json={"data": [None] * 9})
    client.post("/call/constrain", json={"data": [None]})
    client.get("/queue/data", headers={"Upgrade": "websocket", "Connection": "upgrade"})
    httpx.get(f"{server.url}/assets/{'a' * 300}")
    client.get(f"/file=/{'a' * 300}")
    client.post("/call/nothing", json={"data": []})
    client.post("/run/predict", content=b"\xff")
    client.post("/queue/join", json={"data": "x", "fn_index": 1, "session_hash": "s"})
    client.post("/cancel", json={"session_hash": "s", "fn_index": 1, "event_id": "e"})
    client.get("/upload_progress", params={"upload_id": "nothing"}, timeout=10)
    half(server, part(10), 1000).close()
    half(server, b'{"data"', 1000, "queue/join").close()
    time.sleep(0.5)
    lines = server.log.read_text(encoding="utf-8").removeprefix(before).splitlines()
    assert not [one for one in lines if "Traceback" in one], lines
    assert len(lines) <= 2


HALF = b'"\\ud800"'  # of a character
BROKEN = [
    *(
        b'{"data": [%s], "fn_index": 1, "session_hash": "s"}' % value
        for value in (b"NaN", b"-Infinity", b"1e999", HALF)
    ),
    b'{"data": [], "fn_index": 1, "session_hash": "s", "event_data": {"a": [%s]}}' % HALF,
    b'{"data": [], "fn_index": 1, "session_hash": "s", %s: 1}' % HALF,
    b'{"data": [%s], "fn_index": 1, "session_hash": "s"}' % (b"9" * 5000),
    *(b'{"data": %s, "fn_index": 1, "session_hash": "s"}' % value for value in (b"1", b"{}", b"null", b'"x"')),
    b'{"fn_index": 1, "session_hash": "s"}',
    *(b"[]", b"1", b"null", b"", b"{", b'{"data": [' + b"[" * 10_000),
]


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: body[:60].decode())
@pytest.mark.parametrize("path", ["queue/join", "run/predict", "call/constrain", "call/v2/constrain"])
def test_what_is_no_question_is_told_in_a_sentence(server, path, body):
    before = server.log.read_text(encoding="utf-8")
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{server.url}/gradio_api/{path}", content=body, headers=headers, timeout=30)
    assert answer.status_code in (413, 422)
    assert answer.json()["detail"].endswith(".")
    assert server.log.read_text(encoding="utf-8") == before


def test_an_endpoint_says_which_arguments_it_takes(server):
    def told(body: dict) -> str:
        answer = httpx.post(f"{server.url}/gradio_api/call/v2/constrain", json=body, timeout=30)
        assert answer.status_code == 422
        return answer.json()["detail"]

    takes = f"it takes logits, method, {', '.join(DEFAULTS)}."
    assert told({"logits": [1, 2], "method": "clamp", "low": 0}) == f"constrain has no 'low': {takes}"
    assert told({"lo": 0}) == "constrain needs logits, method."
    asked = {"logits": [1, 9], "method": "clamp", "hi": 2}
    event = httpx.post(f"{server.url}/gradio_api/call/v2/constrain", json=asked, timeout=30).json()["event_id"]
    answer = httpx.get(f"{server.url}/gradio_api/call/v2/constrain/{event}", timeout=30).text
    assert '"outputs": [1.0, 2.0]' in answer


def test_a_name_that_comes_twice_has_one_value_for_all(server):
    """For the guard that checks it, and for gradio, whose parser is another one."""
    own = next(fn._id for fn in app.demo.fns.values() if fn.fn is explore.on_gradient)
    twice = b'{"data": [], "session_hash": "s", "fn_index": -1, "fn_index": %d}' % own
    headers = {"content-type": "application/json"}
    url = f"{server.url}/gradio_api/queue/join"
    assert httpx.post(url, content=twice, headers=headers, timeout=30).status_code == 200
    assert httpx.post(url, content=twice[:-1] + b', "fn_index": -1}', headers=headers, timeout=30).status_code == 500


@pytest.mark.parametrize("path", ["upload", "queue/join"])
def test_a_body_that_does_not_come_is_given_up(path):
    """In a process of its own it takes ten seconds; here, the clock is the test's."""

    async def tried():
        async def receive():
            await asyncio.sleep(60)

        body = guard.Body(receive, *guard.limits(f"/gradio_api/{path}"))
        message = await body.receive()
        return message, body.refusal

    guard_pause, guard.PAUSE = guard.PAUSE, 0.1
    try:
        message, refusal = asyncio.run(tried())
    finally:
        guard.PAUSE = guard_pause
    assert message == {"type": "http.disconnect"}
    assert refusal.status_code == 408
    assert json.loads(refusal.body)["error"] == guard.SLOW


def test_a_body_that_drips_is_given_up_too(monkeypatch):
    monkeypatch.setattr(guard, "LONGEST", 0.3)

    async def tried():
        async def receive():
            await asyncio.sleep(0.05)
            return {"type": "http.request", "body": b"x", "more_body": True}

        body = guard.Body(receive, 1000, None)
        while (await body.receive())["type"] == "http.request":
            pass
        return body.refusal, body.size

    refusal, size = asyncio.run(tried())
    assert refusal.status_code == 408
    assert 3 <= size <= 8


# What can be read ---------------------------------------------------------------------------------------------------

PICTURE = pictures.FIRST_SAMPLE.read_bytes()
SECRETS = (b"root:x:0", b"PATH=", b"import argparse", b'\x00{"__metadata__"', b"[project]", b"ref: refs", b"nobody's")


def paths(own: str) -> list[str]:
    """Forty ways to ask for a file that is nobody's to read; ``own`` is an upload's path, which is somebody's."""
    folder, home = str(Path(own).parent.parent), str(ROOT)
    targets = [
        *(
            "/etc/passwd",
            "/proc/self/environ",
            "/proc/1/environ",
            "/proc/self/cmdline",
            "/proc/self/fd/0",
            "/dev/stdin",
        ),
        *(f"{home}/{name}" for name in ("app.py", "README.md", "pyproject.toml", ".git/HEAD", "requirements.txt")),
        *(
            f"{home}/{name}"
            for name in ("checkpoints/resnet18-cifar10.safetensors", "constrained/page/server/guard.py")
        ),
        *(f"{folder}/../secret", f"{folder}/../../../../../../etc/passwd", f"{own}/../../../secret", f"{own}/.."),
        *("/proc/self/cwd/app.py", "/proc/self/root/etc/passwd", "//etc/passwd", "/./etc/passwd", folder, "/tmp"),
        *(f"{folder}/{'0' * 64}/{Path(own).name}", f"{folder}/*/{Path(own).name}", f"{own}%00.png", f"{own}/x"),
    ]
    asked = [f"/gradio_api/file={target}" for target in targets]
    asked += [f"/gradio_api/file={quote(target, safe='')}" for target in targets[:6]]
    asked += [
        "/gradio_api/file=app.py",
        "/gradio_api/file=../app.py",
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/file=%2e%2e/%2e%2e/etc/passwd",
        "/gradio_api/file=/%2e%2e/etc/passwd",
        "/gradio_api/file=/etc%252fpasswd",
        *(f"/{kind}/../../../../../../../../../../etc/passwd" for kind in ("assets", "static")),
        *(f"/{kind}/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd" for kind in ("assets", "static")),
        *(f"/{kind}//etc/passwd" for kind in ("assets", "static")),
        "/assets/%5c..%5c..%5c..%5cetc%5cpasswd",
        "/svelte/../../../../../../etc/passwd",
    ]
    return asked


def test_files_that_are_nobodys_to_read(server):
    (server.around / "secret").write_text("nobody's")
    own = server.upload(PICTURE, "mine.jpg")
    asked = paths(own)
    assert len(asked) >= 30
    for path in asked:
        answer = server.get(path)
        assert answer.status_code in (403, 404), path
        assert not [secret for secret in SECRETS if secret in answer.content], path
    assert server.get(f"/gradio_api/file={own}").content == PICTURE


def test_an_upload_cannot_be_found_by_others(server):
    """Its address has a hash of the content and of a number that only the server has."""
    one, two = (Path(server.upload(PICTURE + bytes([i]), "mine.jpg")) for i in (1, 2))
    assert one.parent != two.parent
    assert all(len(path.parent.name) == 64 for path in (one, two))
    assert hashlib.sha256(PICTURE + b"\1").hexdigest() != one.parent.name
    assert server.get(f"/gradio_api/file={one.parent}").status_code == 403, "no list of a folder"
    config = server.get("/config").text
    assert one.parent.name not in config
    (own,) = server.around.glob("constrained-*")
    assert own.stat().st_mode & 0o777 == 0o700
    for lock in ("lock", "lock/.", "./lock", "x/../lock", "lock/"):
        assert server.get(f"/gradio_api/file={own}/{lock}").status_code == 404
    assert own in one.parents


def test_nothing_of_one_visitor_reaches_another(server):
    """Two with heads of their own, and one without."""
    files = {session: head_file(seed) for session, seed in (("ann", 1), ("bob", 2))}
    net = inference.network("cifar10")
    picture = images.decode(PICTURE)
    for session, data in files.items():
        path = server.upload(data, "head.safetensors")
        assert "data" in server.ask(train.on_upload, [file(path), "cat", ""], session)
    told = {}
    for session, data in files.items():
        answer = server.ask(explore.on_model, ["yours", held(data), "cat", "cifar10"], session)
        told[session] = json.loads(answer["named"]["chart"])
        expected = net.logits(picture, heads.load(data).layer)
        np.testing.assert_allclose(told[session]["logits"], expected, atol=1e-5)
    assert told["ann"]["logits"] != told["bob"]["logits"]
    answer = server.ask(explore.on_model, ["yours", "", "cat", "cifar10"], "eve")
    assert "Your head is no longer available" in answer["named"]["notice"]
    # What is no head is not looked at.
    head = list(files["ann"])[:10_000]
    answer = server.ask(explore.on_picture, [file(server.upload(PICTURE)), "cifar10", head], "eve")
    np.testing.assert_allclose(json.loads(answer["named"]["chart"])["logits"], net.logits(picture), atol=1e-5)


# Every parameter of every endpoint ----------------------------------------------------------------------------------

SETTING = dataclasses.asdict(training.Setting())
ASKED = {"logits": [2.0, -1.0, 0.5], "methods": dict(menu.METHODS), "settings": DEFAULTS, "target": 0, "question": 1}
WRITE = {"script": "plain", "family": "bounded", "model": "cifar10", "methods": dict(menu.METHODS)}
QUESTION = {"ending": ".pt2", "method": "clamp", "settings": DEFAULTS, "model": "cifar10"}
LINK = {"model": "cifar10", "image": "dog", "target": "cat", "k": 5}
FRAME = {"url": "data:image/jpeg;base64," + base64.b64encode(PICTURE).decode(), "path": None}
UPLOADED = guard.folder() / "uploaded.jpg"
HEAD = held(head_file(4))
# What the page asks: the function's inputs, and what comes with the event.
CALLS = {
    explore.on_picture: ([file(str(UPLOADED)), "cifar10", HEAD], None),
    explore.on_live: ([False, "cifar10", HEAD, "cat"], None),
    explore.on_frame: ([FRAME, "yours", HEAD], None),
    explore.on_sample: (["yours", HEAD], {"index": 0, "value": "cat"}),
    explore.on_model: (["yours", HEAD, str(UPLOADED), "cifar10"], None),
    explore.on_gradient: ([], ASKED),
    api.classify: ([file(str(UPLOADED)), "cifar10"], None),
    api.constrain: ([[2.0, -1.0], "softmax", *DEFAULTS.values()], None),
    train.on_run: ([], {"question": 1, "setting": SETTING}),
    train.on_sweep: ([], {"question": 1, "axis": "lambda", "setting": SETTING | {"penalty": "l1"}}),
    train.on_halt: ([], {"question": 1}),
    train.on_use: (["cat", HEAD], {"head": held(head_file(3))}),
    train.on_upload: ([file(str(UPLOADED)), "cat", HEAD], None),
    calibrate.on_open: ([""], None),
    calibrate.on_read: ([""], None),
    calibrate.on_upload: ([file(str(UPLOADED))], None),
    calibrate.on_bundled: ([], None),
    calibrate.on_fit: (["clamp", str(UPLOADED), *ROWS], None),
    lessons.on_open: ([], None),
    lessons.on_run: ([], {"question": 1, "key": "double-softmax"}),
    export.on_make: ([json.dumps(QUESTION), HEAD], None),
    code.on_write: ([], WRITE | {"settings": DEFAULTS, "question": 1}),
    share.on_link: ([HEAD, "cat"], LINK),
}


def places(value: object, at: tuple = ()) -> list[tuple]:
    """Where something can be put into a nested dictionary: its keys, and the whole."""
    inner = (
        [place for key, part in value.items() for place in places(part, (*at, key))] if isinstance(value, dict) else []
    )
    return [at, *inner]


PARAMETERS = [
    (function, (*where, *at))
    for function, (inputs, event) in CALLS.items()
    for where, value in [*((("input", i), value) for i, value in enumerate(inputs)), (("event",), event)]
    if value is not None
    for at in places(value)
]

words = st.sampled_from(
    [
        *(
            "",
            "cifar10",
            "imagenet",
            "yours",
            "clamp",
            "softmax",
            "bounded",
            "l1",
            "lambda",
            "bounds",
            ".onnx",
            "plain",
        ),
        *(
            "app.py",
            "/etc/passwd",
            str(UPLOADED),
            str(guard.folder()),
            "http://127.0.0.1:1/",
            "data:image/png;base64,AA",
        ),
        *(
            "data:",
            "gradio.FileData",
            "NaN",
            "__class__",
            "{0.__class__}",
            "<img src=x onerror=alert(1)>",
            "\ud800",
            "\0",
        ),
    ]
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, 1e308, 5e-324, -0.0, 0, 1, 2, True]),
)
scalars = st.one_of(st.none(), numbers, words, st.text(max_size=20), st.binary(max_size=20).map(lambda b: b.hex()))
named = st.sampled_from(
    ["path", "url", "meta", "_type", "size", "question", "index", "value", "settings", "method", "lo"]
)
files = st.fixed_dictionaries({"path": words, "meta": st.just({"_type": "gradio.FileData"})}, optional={"url": words})
values = st.recursive(
    scalars | files,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(named | st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def put(value: object, at: tuple, new: object) -> object:
    """A nested value with something else in one place."""
    return value | {at[0]: put(value[at[0]], at[1:], new)} if at else new


async def carried_out(fn, data: list, event: object, state: SessionState) -> None:
    """Everything from the values of the wire to what goes back."""
    asked = {"block_fn": fn, "request": gr.Request(session_hash="stranger", headers={}), "state": state}
    asked["event_data"] = gr.EventData(None, event)
    try:
        told = await app.demo.process_api(inputs=data, **asked)
        while told["is_generating"]:
            told = await app.demo.process_api(inputs=data, iterator=told["iterator"], **asked)
    except gr.Error as error:
        if error.message == ui.FAILED:  # a sentence as well, but nobody has thought of this
            raise
    kept = state.state_data.values()
    assert all(value is None or isinstance(value, str | bytes) for value in kept), "no tensors in a session's state"


@pytest.fixture
def light(monkeypatch):
    """What takes long, cut short: a fit after its first step, a file before it is made."""

    def not_made(*_):
        raise ExportError("This is not made in a test.")

    fits = train.fits
    monkeypatch.setattr(train, "fits", lambda *args, **options: itertools.islice(fits(*args, **options), 1))
    monkeypatch.setattr(train, "LAMBDAS", train.LAMBDAS[:2])
    monkeypatch.setattr(train, "BOUNDS", {"lo": [-1.0], "hi": [1.0]})
    monkeypatch.setattr(export, "file", not_made)
    monkeypatch.setattr(lessons.experiments, "run", lambda key: {"table": key})
    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", not_had)
    monkeypatch.setattr(app.demo, "has_launched", True)  # gradio looks at paths only then
    UPLOADED.write_bytes(PICTURE)


def not_had():
    raise models.CheckpointError("This is not fetched in a test.")


def test_every_endpoint_is_tried():
    functions = {fn.fn for fn in app.demo.fns.values() if fn.fn}
    assert {function.__name__ for function in functions - CALLS.keys()} == {"<lambda>"}  # of the webcam's checkbox
    for fn in app.demo.fns.values():
        if fn.fn in CALLS:
            assert len(CALLS[fn.fn][0]) == sum(not isinstance(block, gr.State) for block in fn.inputs), fn.fn


@pytest.mark.parametrize(
    ("function", "place"),
    PARAMETERS,
    ids=[f"{function.__module__.split('.')[-1]}.{function.__name__}:{place}" for function, place in PARAMETERS],
)
def test_whatever_a_stranger_sends_ends_in_a_sentence(light, function, place):
    fn = next(fn for fn in app.demo.fns.values() if fn.fn is function)
    inputs, event = CALLS[function]
    state, loop = SessionState(app.demo), asyncio.new_event_loop()

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(values)
    def tried(value):
        data, told = list(inputs), event
        if place[0] == "input":
            data[place[1]] = put(inputs[place[1]], place[2:], value)
        else:
            told = put(event, place[1:], value)
        if function is export.on_make and isinstance(value, dict):
            data[0] = json.dumps(QUESTION | value, default=str)
        given_in_order = iter(data)
        whole = [None if isinstance(block, gr.State) else next(given_in_order) for block in fn.inputs]
        loop.run_until_complete(carried_out(fn, whole, told, state))

    tried()
    loop.close()


def test_files_that_are_nobodys_to_classify(light):
    """As a picture of a question, with and without the mark that gradio looks for, and a path as anything else."""
    (fn,) = (fn for fn in app.demo.fns.values() if fn.fn is api.classify)
    named = [path.removeprefix("/gradio_api/file=") for path in paths(str(UPLOADED.parent / ("0" * 64) / "a.jpg"))]
    for path in (path for path in named if not path.startswith(("/assets", "/static", "/svelte"))):
        for picture in (file(path), {"path": path}, {"path": path, "url": path, "orig_name": "cat.jpg"}):
            with pytest.raises(gr.Error) as told:
                asyncio.run(app.demo.process_api(fn, [picture, "cifar10"], state=SessionState(app.demo)))
            assert re.search("not in the cache folder|cannot be read here|no longer available", told.value.message), (
                path
            )
    asyncio.run(app.demo.process_api(fn, [{"path": str(UPLOADED)}, "cifar10"], state=SessionState(app.demo)))


def test_files_that_lie_elsewhere_are_not_fetched(light):
    for place in ([file("http://127.0.0.1:1/x.png"), "cifar10"], [file(str(UPLOADED)), file("https://example.org/x")]):
        (fn,) = (fn for fn in app.demo.fns.values() if fn.fn is api.classify)
        with pytest.raises(gr.Error, match="cannot be fetched from an address"):
            asyncio.run(app.demo.process_api(fn, place, state=SessionState(app.demo)))


# How long uploads are kept ------------------------------------------------------------------------------------------


def upload_of(folder: Path, name: str, age: float, size: int = 10) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_old_uploads_go_and_so_do_halves_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "folder", lambda: tmp_path)
    old = upload_of(tmp_path, "a/old.png", guard.KEPT + 1)
    half = upload_of(tmp_path, "tmpabc", guard.KEPT + 1)
    new = upload_of(tmp_path, "b/new.png", guard.KEPT - 1)
    own = upload_of(tmp_path, "c/sample.jpg", 10 * guard.KEPT)
    guard.sweep({str(own)}, 1e9)
    assert [path.exists() for path in (old, half, new, own)] == [False, False, True, True]
    assert not old.parent.exists()
    guard.sweep(set(), 2e9)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_refuses_uploads_with_a_sentence(server, monkeypatch):
    usage = type("Usage", (), {"free": 2**20})
    monkeypatch.setattr(guard.shutil, "disk_usage", lambda _: usage)
    assert not guard.make_room(app.demo, time.time())
    assert guard.room(100) == 50  # what is there gives way as well
    usage.free = 10 * guard.ROOM
    assert guard.make_room(app.demo, time.time())
    assert guard.room(0) == guard.ROOM


def test_room_is_looked_at_as_uploads_come(tmp_path, monkeypatch):
    """Not once a minute: a thousand of six megabytes come in between."""
    monkeypatch.setattr(guard, "folder", lambda: tmp_path)
    monkeypatch.setattr(guard, "ROOM", 2**20)
    guard.make_room(app.demo, time.time())
    most = 0
    for number in range(100):
        assert guard.make_room(app.demo, time.time())
        path = upload_of(tmp_path, f"{number}/x", 0, 2**15)
        os.utime(path)
        app.demo.upload_file_set.add(str(path))
        guard.came(2**15)
        most = max(most, sum(path.stat().st_size for path in tmp_path.rglob("x")))
    assert most <= guard.ROOM * 1.25
    assert len(app.demo.upload_file_set) <= guard.ROOM // 8 // 2**15 + 1  # the names that gradio remembers


def test_an_upload_of_a_byte_is_counted_as_what_it_takes(tmp_path, monkeypatch):
    """A block, another one for its folder, and one of the names of which a disk may have only so many."""
    assert guard.taken(upload_of(tmp_path, "0/x", 0, 1).stat()) >= 2 * guard.BLOCK or sys.platform == "win32"
    monkeypatch.setattr(guard, "folder", lambda: tmp_path)
    monkeypatch.setattr(guard, "MANY", 30)
    files = [upload_of(tmp_path, f"{age}/x", age, 1) for age in range(100)]
    guard.sweep(set(), 1e9)
    assert [path.exists() for path in files] == [True] * 30 + [False] * 70


def test_who_uploads_most_pushes_out_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "folder", lambda: tmp_path)
    modest = upload_of(tmp_path, "modest/x", 1000, 100)
    flood = [upload_of(tmp_path, f"{age}/x", age, 100) for age in range(100)]
    owners = {str(modest): "1.1.1.1"} | {str(path): "2.2.2.2" for path in flood}
    monkeypatch.setattr(guard, "owners", owners)
    size = guard.taken(modest.stat())
    monkeypatch.setattr(guard, "ROOM", 11 * size)
    guard.sweep(set(), 1e9)
    assert modest.exists()
    assert [path.exists() for path in flood] == [True] * 10 + [False] * 90
    monkeypatch.setattr(guard, "MANY", 4)
    guard.sweep(set(), 1e9)
    assert modest.exists()
    assert [path.exists() for path in flood[:10]] == [True] * 3 + [False] * 7
    assert set(owners) == {str(modest), *map(str, flood[:3])}
    guard.sweep(set(), 2e9)
    assert owners == {}


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="no such number on this system")
def test_a_disk_without_names_is_full(monkeypatch):
    assert not guard.is_full()
    monkeypatch.setattr(guard.shutil, "disk_usage", lambda _: type("Usage", (), {"free": guard.ROOM}))
    for files, left, full in ((1000, 3, True), (1000, 900, False), (0, 0, False)):  # some systems have no fixed number
        disk = type("Disk", (), {"f_files": files, "f_favail": left})
        monkeypatch.setattr(guard.os, "statvfs", lambda _, disk=disk: disk)
        assert guard.is_full() == full


def test_the_oldest_go_first_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "folder", lambda: tmp_path)
    files = [upload_of(tmp_path, f"{age}/x", age, 100) for age in (50, 40, 30, 20)]
    monkeypatch.setattr(guard, "ROOM", 2.5 * guard.taken(files[0].stat()))
    guard.sweep(set(), 1e9)
    assert [path.exists() for path in files] == [False, False, True, True]


@pytest.mark.skipif(guard.fcntl is None, reason="no such locks on this system")
def test_uploads_of_a_killed_process_go_when_another_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    for name in ("killed", "living"):
        upload_of(tmp_path, f"constrained-{name}/upload", 0)
        (tmp_path / f"constrained-{name}" / "lock").write_bytes(guard.SIGNED)
        (tmp_path / f"constrained-{name}").chmod(0o700)
    upload_of(tmp_path, "constrained-other/upload", 0)
    with (tmp_path / "constrained-living" / "lock").open() as lock:
        guard.fcntl.flock(lock, guard.fcntl.LOCK_EX)
        made = guard.folder.__wrapped__()
        assert not (tmp_path / "constrained-killed").exists()
        assert (tmp_path / "constrained-living" / "upload").exists()
        assert (tmp_path / "constrained-other" / "upload").exists()
        again = guard.folder.__wrapped__()  # inside the first, as of a child process
        assert made in again.parents
        assert made.exists()


def test_the_pages_own_files_stay():
    found = files_in(app.demo.get_config_file()["components"])
    shown = {path for path in map(Path, found) if guard.folder() in path.parents}
    assert len(shown) == len(pictures.SAMPLES) + 1  # and the weights
    guard.sweep(guard.own_files(app.demo), time.time() + 1e6)
    assert all(path.exists() for path in shown)


def files_in(value: object) -> list[str]:
    """The path of every file in a nested value."""
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return [value["path"]]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for part in parts for found in files_in(part)]


# The end, and with it that of the server above ----------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGTERM"), reason="no such signal on this system")
def test_uploads_go_when_the_server_ends(server):
    path = Path(server.upload(PICTURE))
    assert path.exists()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0, server.log.read_text()
    assert not list(server.around.glob("constrained-*"))
