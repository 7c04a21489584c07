"""What stands in front of the page: which addresses are open, what may be sent, and how long uploads are kept.

gradio has many more addresses than this page uses: one fetches other sites for whoever asks, one runs ffmpeg, one holds
a connection open for developers. Its own size limit counts each file of an upload alone, and other bodies not at all.
It takes whatever a request calls a session, a question or an upload, and keeps some of these names for ever.
"""

import asyncio
import atexit
import collections
import contextlib
import contextvars
import errno
import functools
import json
import math
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
import traceback
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import gradio
import orjson
from gradio import route_utils, routes
from gradio.server_messages import UnexpectedErrorMessage
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from ... import heads, images, validation
from . import connections, crowd, web
from .workers import WORKERS

PAGE = secrets.token_hex(8)  # this process, as the pages that it makes know it
# This server keeps what a visitor has on a page: their picture, head, set. A page from another server, before a restart
# or beside this one, would get answers about other things than it shows.
GONE = (
    "The server that made this page is gone. The page will reload with the settings in its address; your own runs, "
    "heads and picture are lost."
)
UNKNOWN = "Something went wrong on the server, and nothing has changed: try again, or reload the page."
NO_NAME = "The name of a session, a question or an upload may have up to 100 letters, digits, spaces and _ . : - in it."
NO_ROOM = "The server has no room for this file at the moment: try again in a few minutes."
SLOW = "This arrived too slowly and was given up: try again on a faster connection."

BODY = 2**16  # bytes of a request; a question about 1,000 classes has up to 24,000, a head that was trained here 28,000
BRACKETS = 200  # lists and objects in a request; in memory they take fifty times as much
# The live webcam sends its frames in JSON. 320 x 240, which the page asks for, make up to 57 KB, and 640 x 480, the
# least that some cameras have, up to 224 KB (measured, with the noise of a dark room).
FRAME = 2**18
FILE = max(images.MAX_BYTES, heads.MAX_BYTES, validation.MAX_BYTES)
UPLOAD = FILE + 2**16  # what multipart adds is less
PARTS = 8  # of an upload, which the page and its clients send one by one; gradio holds a file open for each
PAUSE = 10.0  # seconds within which some of a body must arrive
LONGEST = 120.0  # seconds for all of it

KEPT = 3600  # seconds after which an upload is deleted
ROOM = 2**30  # bytes of all uploads, and at most half of what is free
MANY = 20_000  # files of all uploads
BLOCK = 4096  # bytes that a file of one byte takes, and a folder
SPARE = 2**26  # bytes that stay free on the disk
SWEEP = 60  # seconds between two checks of all uploads
SCARCE = 5  # seconds, while the disk is nearly full

_NAME = r"[A-Za-z0-9 _.:-]{1,100}"
_ENDPOINT = r"call/(v2/)?(classify|constrain)"
_READ = r"config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json|(assets|static)/.+"
_READ_API = rf"info/?|app_id/?|startup-events|theme\.css|queue/data|upload_progress|heartbeat/{_NAME}"
# A file by its whole path. Given a web address instead, gradio would fetch what is there.
_FILE = r"file=(/|[A-Za-z]:[/\\]).{1,1000}"
_WRITE_API = rf"upload|queue/join|run/predict|cancel|reset/?|stream/{_NAME}(/close)?"
OPEN = {
    "GET": re.compile(rf"/({_READ}|gradio_api/({_READ_API}|{_FILE}|{_ENDPOINT}/{_NAME}))?", re.DOTALL),
    "POST": re.compile(rf"/gradio_api/({_WRITE_API}|{_ENDPOINT}/?)"),
}
OPEN["HEAD"] = re.compile(rf"/({_READ}|gradio_api/{_FILE})?", re.DOTALL)
_BARE = re.compile(r"/gradio_api/(cancel|reset/?|stream/[^/]+/close)")  # questions without data
_PLAIN = re.compile(r"[A-Za-z0-9:/._~\[\]-]{1,300}")  # an address that needs no quotes in a page
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")

# What a question may say; gradio reads more.
_SAID = {"data", "fn_index", "session_hash", "event_id", "event_data", "trigger_id"}
# Scripts and styles are inline, as gradio's own are, gr.HTML makes functions from texts, and the page's modules are
# blobs (assets/web/load.js). Any site may show the page in a frame: Hugging Face does, and so do teachers.
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors *",
        ]
    ),
}


# Answers that are the same for everybody. All others contain the address by which one visitor came, or belong to one
# visitor: a cache in front that kept them would hand them on to others.
ALIKE = ("/assets/", "/static/", "/gradio_api/web/", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")


class Refused(Exception):  # noqa: N818, an answer and no error
    """A request that ends here.

    Args:
        answer: what it gets.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class Guard:
    """ASGI middleware that answers what is closed, malformed or too large itself, and lets everything else through.

    No answer permits a script of another site to read it: gradio permits that by the request's Origin, which is taken
    away here. A browser says what another site has made it send, and that is refused.

    Args:
        app: what is guarded.
        blocks: its page; its ``larger`` names the functions that may be sent more than `BODY`, and how much.
    """

    def __init__(self, app, blocks: gradio.Blocks) -> None:
        self._app, self._blocks, self._line = app, blocks, blocks._queue
        # A proxy in front may leave it on or take it off.
        self._prefix = urlsplit(blocks.root_path or "").path.rstrip("/")

    @functools.cached_property
    def _endpoints(self) -> dict:
        """What programs may ask, computed once; gradio would compute it each time."""
        return self._blocks.get_api_info()["named_endpoints"]

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)

        started = False

        async def answer(message):
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name, value in HEADERS.items():
                    if not (self._blocks.share and name == "content-security-policy"):  # gradio's link loads scripts
                        headers.setdefault(name, value)
                if not scope["path"].removeprefix(self._prefix).startswith(ALIKE):
                    headers.setdefault("cache-control", "private, no-cache")
                message = message | {"headers": headers.raw}
            await send(message)

        try:
            if scope["type"] != "http":  # a websocket, of which there is none
                raise Refused(_closed())
            await self._let_in(scope, receive, answer)
        except Refused as refused:
            if scope["type"] == "http":
                await refused.answer(scope, receive, answer)
            else:
                await send({"type": "websocket.close"})
        except Exception as error:  # one line in the log; the server would write a hundred for each such request
            at = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(at.filename).name}:{at.lineno}"
            print(f"A request for {scope['path']!r:.80} failed: {type(error).__name__} in {place}.", file=sys.stderr)
            if not started:
                await sentence(UNKNOWN, 500)(scope, receive, answer)

    async def _let_in(self, scope, receive, send) -> None:
        if self._prefix and scope["path"].startswith(f"{self._prefix}/"):
            bare = scope["path"].removeprefix(self._prefix)
            scope = scope | {"path": bare, "raw_path": quote(bare).encode()}
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if method == "GET" and (file := web.answer(scope)):
            return await file(scope, receive, send)
        if method not in OPEN or not OPEN[method].fullmatch(path):
            raise Refused(_closed())
        # A proxy sends the latter two; gradio makes addresses from all three.
        forwarded = headers.get("x-forwarded-host", "x").partition(",")[0].strip()
        server = headers.get("x-gradio-server", "http://x")
        named = _PLAIN.fullmatch(server) and _netloc(server)
        if not all(_HOST.fullmatch(name or "") for name in (headers.get("host"), forwarded, named)):
            raise Refused(PlainTextResponse("This request does not name its host.", 400))
        if method == "POST" and _from_elsewhere(headers):
            raise Refused(PlainTextResponse("Another site may not send anything here.", 403))
        if headers.get("x-page", PAGE) != PAGE:  # programs do not send it
            raise Refused(sentence(GONE, 409))
        if "file=" in path and os.path.basename(os.path.normpath(path)) == "lock":
            raise Refused(_closed())
        if any(len(part) > 255 for part in path.split("/")):  # no file has such a name
            raise Refused(_closed())
        query = _query(scope)
        # Origin: see above. Range: gradio answers it with the request's own headers, cookies among them.
        taken = {b"origin", b"range", b"if-range"}
        if not self._blocks.auth:  # nobody reads them then, and Python before 3.11.10 takes seconds for some cookies
            taken |= {b"cookie", b"authorization"}
        scope = scope | {"headers": [(key, value) for key, value in scope["headers"] if key not in taken]}

        body = Body(receive, *limits(path))
        if int(headers.get("content-length", 0)) > body.limit:  # the server in front has checked that it is a number
            raise Refused(body.too_large)
        if method != "POST":
            return await self._read(scope, body, send, query)
        if path == "/gradio_api/upload":
            return await self._upload(scope, body, send, headers, query)
        said = self._question(path, await body.whole())
        scope["headers"] = [one for one in scope["headers"] if one[0] not in (b"content-length", b"transfer-encoding")]
        scope["headers"].append((b"content-length", str(len(said)).encode()))
        if path.startswith("/gradio_api/stream/") and not self._line.frame(path.split("/")[3]):
            raise Refused(_closed())
        if path == "/gradio_api/cancel":
            wanted = json.loads(said)
            self._line.cancel(wanted.get("session_hash"), wanted.get("event_id"))
            return await JSONResponse({"success": True})(scope, receive, send)
        await self._app(scope, _replay(said, receive), send)

    async def _read(self, scope, body: "Body", send, query: dict[str, str]) -> None:
        *_, kind, name = ["", *scope["path"].split("/")]
        session = query.get("session_hash") if name == "data" and kind == "queue" else None
        if re.fullmatch(rf"/gradio_api/{_ENDPOINT}/{_NAME}", scope["path"]):
            session = self._line.session_of(name) or name
        if session is None:
            try:
                return await self._app(scope, body.receive, send)
            finally:
                if name == "upload_progress" and (upload := query.get("upload_id")):
                    asyncio.get_running_loop().call_later(KEPT_PROGRESS, _forget_progress, upload)
        if session not in self._line.pending_messages_per_session:
            raise Refused(_unknown_session("call" in scope["path"]))
        with self._line.listening(session):
            await self._app(scope, body.receive, send)

    def _question(self, path: str, body: bytes) -> bytes:
        """A question, checked and rewritten for gradio."""
        try:
            said = json.loads(body, parse_constant=_no_number, parse_float=_finite)
            json.dumps(said, ensure_ascii=False).encode()  # fails for half a character, of which UTF-8 has none
        except (ValueError, RecursionError) as error:
            raise Refused(sentence("This question cannot be read: send JSON.", 422)) from error
        if not isinstance(said, dict):
            raise Refused(sentence("This question cannot be read: send a JSON object.", 422))
        for name in ("session_hash", "event_id"):
            value = said.get(name)
            if value is not None and not (isinstance(value, str) and re.fullmatch(_NAME, value)):
                raise Refused(sentence(NO_NAME, 422))
        if body.count(b"[") + body.count(b"{") > BRACKETS:
            raise Refused(sentence(f"A question can have up to {BRACKETS} lists and objects: leave some out.", 413))
        if "v2" in path.split("/"):  # the endpoint's own parameters by name
            return self._by_name(path.rstrip("/").rpartition("/")[2], said)
        if not isinstance(said.get("data"), list) and not _BARE.fullmatch(path):
            raise Refused(sentence("data must be a list.", 422))
        number = said.get("fn_index")
        asks = path in ("/gradio_api/queue/join", "/gradio_api/run/predict")
        if not isinstance(number, int if asks else int | None) or isinstance(number, bool):
            raise Refused(sentence("fn_index must be a whole number.", 422))
        if asks:
            if number not in self._blocks.fns:  # a page that was open while the server was updated may send one
                raise Refused(sentence(UNKNOWN, 500))
            most = self._blocks.larger.get(self._blocks.fns[number].fn, BODY)
            if len(body) > most:
                raise Refused(_too_large(most))
        if not isinstance(said.get("trigger_id"), int | None):
            raise Refused(sentence("trigger_id must be a whole number.", 422))
        # Rewritten: if a name occurs twice, another parser might take the other value.
        return _written({name: value for name, value in said.items() if name in _SAID})

    def _by_name(self, endpoint: str, said: dict) -> bytes:
        """The arguments of an endpoint, checked against what it takes."""
        taken = self._endpoints[f"/{endpoint}"]["parameters"]
        names = [parameter["parameter_name"] for parameter in taken]
        if unknown := [name for name in said if name not in names]:
            raise Refused(sentence(f"{endpoint} has no {unknown[0][:50]!r}: it takes {', '.join(names)}.", 422))
        needed = [parameter["parameter_name"] for parameter in taken if not parameter["parameter_has_default"]]
        if missing := [name for name in needed if name not in said]:
            raise Refused(sentence(f"{endpoint} needs {', '.join(missing)}.", 422))
        return _written(said)

    async def _upload(self, scope, body: "Body", send, headers: Headers, query: dict[str, str]) -> None:
        kind, options = parse_options_header(headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        # Multipart allows 70 characters. Without any, parts could not be counted.
        if kind != b"multipart/form-data" or not re.fullmatch(rb"[\x21-\x7e]{1,70}", boundary):
            raise Refused(PlainTextResponse("An upload has to be multipart/form-data with a boundary.", 400))
        body.mark = b"--" + boundary
        # gradio would decode names in the event loop by whatever codec is named here, and some take minutes.
        plain = (b"content-type", b"multipart/form-data; boundary=" + boundary)
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"content-type"] + [plain]
        if not await asyncio.to_thread(make_room, self._blocks, time.time()):
            raise Refused(sentence(NO_ROOM, 507))
        files, status, told = [], 500, b""
        _opened.set(files)

        async def answer(message):
            nonlocal status, told
            if message["type"] == "http.response.start":
                status = message["status"]
            told += message.get("body", b"")
            if status == 200 and told and not message.get("more_body") and scope.get("client"):
                owners.update(dict.fromkeys(json.loads(told), scope["client"][0]))
            if status < 500 and body.refusal is None:
                await send(message)

        try:
            await self._app(scope, body.receive, answer)
        except ClientDisconnect:
            status = 400
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
                raise
            print(f"An upload could not be stored: {error.strerror}.", file=sys.stderr)
            body.refusal = body.refusal or sentence(NO_ROOM, 507)
        finally:
            for name in files:  # gradio has moved those that it wants
                with contextlib.suppress(OSError):
                    os.unlink(name)
            if name := query.get("upload_id"):
                asyncio.get_running_loop().call_later(KEPT_PROGRESS, _forget_progress, name)
            came(body.size + 2 * BLOCK * body.parts)
        if body.refusal is not None:
            raise Refused(body.refusal)
        if status >= 500:
            raise Refused(sentence(UNKNOWN, 500))


class Body:
    """A request's body as it comes: counted, and given up when it is too large, in too many parts, or too slow.

    Attributes:
        limit: how many bytes it may have.
        too_large: the answer to more.
        mark: what stands between the parts of an upload.
        refusal: the answer to one that was given up; None as long as it was not.
        size: how many bytes have come.
        parts: how many parts have begun.
    """

    def __init__(self, receive, limit: int, too_large: Response) -> None:
        self._receive, self.limit, self.too_large = receive, limit, too_large
        self.mark, self.refusal = b"", None
        self.size, self.parts, self._tail, self._more = 0, 0, b"", True
        self._ends = time.monotonic() + LONGEST

    async def receive(self) -> dict:
        """The next message; once the body is given up, a message that the browser is gone."""
        if not self._more:
            return await self._receive()
        try:
            left = min(PAUSE, self._ends - time.monotonic())
            message = await asyncio.wait_for(self._receive(), max(left, 0))
        except (asyncio.TimeoutError, TimeoutError):
            return self._give_up(sentence(SLOW, 408))
        if message["type"] != "http.request":
            self._more = False
            return message
        body, self._more = message.get("body", b""), message.get("more_body", False)
        self.size += len(body)
        if self.mark:
            self.parts += (self._tail + body).count(self.mark)
            self._tail = (self._tail + body)[1 - len(self.mark) :]  # too short to be counted again
        if self.size > self.limit or self.parts > PARTS + 1:  # one mark is the end
            return self._give_up(self.too_large)
        return message

    def _give_up(self, refusal: Response) -> dict:
        self.refusal, self._more = refusal, False
        return {"type": "http.disconnect"}

    async def whole(self) -> bytes:
        """All of it; raises `Refused` for one that is given up."""
        parts = []
        while self._more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Refused(self.refusal or sentence("The connection was lost: try again.", 400))
            parts.append(message.get("body", b""))
        return b"".join(parts)


def _written(said: dict) -> bytes:
    return json.dumps(said, ensure_ascii=False, allow_nan=False).encode()


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_number(digits)


def _replay(body: bytes, receive):
    """What an application receives of a request whose body has been read."""
    sent = False

    async def replayed():
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _closed() -> Response:
    return PlainTextResponse("There is nothing here.", 404)


def sentence(told: str, status: int) -> JSONResponse:
    """An answer that says what is wrong, in the form that gradio's page understands."""
    return JSONResponse({"error": told, "detail": told}, status)


def limits(path: str) -> tuple[int, Response]:
    """The limit of bytes for a path, and the answer to a larger request."""
    if path == "/gradio_api/upload":
        told = f"An upload can have up to {UPLOAD // 2**20} MB and {PARTS} files: make it smaller and try again."
        return UPLOAD, PlainTextResponse(told, 413)
    limit = FRAME if path.startswith(("/gradio_api/queue/join", "/gradio_api/stream/")) else BODY
    return limit, _too_large(limit)


def _too_large(limit: int) -> Response:
    return sentence(
        f"A request can have up to {limit // 2**10} KB: send pictures as files, through /gradio_api/upload.", 413
    )


def _from_elsewhere(headers: Headers) -> bool:
    """Whether a page of another site made the browser send this."""
    if site := headers.get("sec-fetch-site"):
        return site in ("cross-site", "same-site")
    # Browsers send that header only over https or to their own machine. They send Origin to all; programs send neither.
    origin = headers.get("origin")
    own = {headers.get("host"), headers.get("x-forwarded-host", "").partition(",")[0].strip()}
    return origin is not None and _netloc(origin) not in own - {"", None}


def _netloc(address: str) -> str:
    """Host and port of a web address; nothing if it is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.netloc if parts.scheme in ("http", "https") else ""


def _query(scope) -> dict[str, str]:
    """The query of a request to gradio, in which every name is of the right form."""
    raw = scope["query_string"]
    if scope["path"] == "/":  # a link to a setting, which is read in the browser
        return {}
    if len(raw) > 2000:
        raise Refused(sentence("This address is too long.", 414))
    values = parse_qs(raw.decode("latin-1"), keep_blank_values=True)
    for name in ("session_hash", "upload_id"):
        for value in values.get(name, ()):
            if not re.fullmatch(_NAME, value):
                raise Refused(sentence(NO_NAME, 422))
    return {name: value[-1] for name, value in values.items()}


def _unknown_session(simple: bool) -> Response:
    """gradio's answer to a visitor that it does not know; gradio itself also logs a traceback."""
    if simple:
        return Response('event: error\ndata: "404: Not Found"\n\n', media_type="text/event-stream")
    message = UnexpectedErrorMessage(message="404: Not Found", session_not_found=True).model_dump()
    return Response(f"data: {orjson.dumps(message, default=str).decode()}\n\n", media_type="text/event-stream")


# Uploads --------------------------------------------------------------------------------------------------------------

KEPT_PROGRESS = 60.0  # seconds after an upload in which the page can learn that it is complete
_opened: contextvars.ContextVar[list[str]] = contextvars.ContextVar("files that an upload has opened")


def _temporary_file(**options):
    """`tempfile.NamedTemporaryFile` for gradio's parser of uploads, which leaves half a file behind if one breaks off.

    What would spare it: files that the parser deletes when it fails, in gradio.
    """
    file = tempfile.NamedTemporaryFile(**options)  # noqa: SIM115, the parser closes it
    if (files := _opened.get(None)) is not None:
        files.append(file.name)
    return file


def _forget_progress(name: str) -> None:
    """gradio keeps the names of all uploads that it was asked about."""
    routes.file_upload_statuses.stop_tracking(name)
    routes.file_upload_statuses._signals.pop(name, None)


@functools.cache
def folder() -> Path:
    """Where uploads of this process go. gradio looks for it in the environment whenever it makes a component.

    Raises:
        OSError: if nothing can be written there.
    """
    around = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    around.mkdir(parents=True, exist_ok=True)
    clear(around)
    made = private(around)
    os.environ["GRADIO_TEMP_DIR"] = str(made)
    return made


SIGNED = b"A folder of constrained/page/server/guard.py, which deletes it once its process has ended.\n"
_made: list[Path] = []


def private(around: Path) -> Path:
    """Make a folder that only this user can read, and that is deleted with this process.

    It goes when the process ends; where that was killed, when another one starts (`clear`). Its file ``lock`` is locked
    for as long as the process is there, and says that the folder may be deleted.
    """
    made = Path(tempfile.mkdtemp(prefix="constrained-", dir=around))
    _made.append(made)
    if fcntl:
        lock = made / "unlocked"
        held = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)  # stays open
        fcntl.flock(held, fcntl.LOCK_EX)
        os.write(held, SIGNED)
        lock.rename(made / "lock")
    return made


def clear(around: Path) -> None:
    """Delete what `private` made for processes that are gone. Folders that only look like them stay.

    Anybody can put anything into the folder for temporary files: a lock that is a pipe, on which opening would wait for
    ever, or a link to somewhere else.
    """
    if not fcntl:
        return
    for lock in around.glob("constrained-*/lock"):
        with contextlib.suppress(OSError):  # another user's, or its process lives
            made = lock.parent.lstat()
            if not stat.S_ISDIR(made.st_mode) or stat.S_IMODE(made.st_mode) != 0o700 or made.st_uid != os.getuid():
                continue
            held = os.open(lock, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                if stat.S_ISREG(os.fstat(held).st_mode) and os.read(held, 2 * len(SIGNED)) == SIGNED:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(lock.parent)
            finally:
                os.close(held)


@atexit.register
def leave() -> None:
    """End the workers, and delete what `private` made for this process, even while something is still written there."""
    WORKERS.close()
    for made in _made:
        for _ in range(10):
            shutil.rmtree(made, ignore_errors=True)
            if not made.exists():
                break
    _made.clear()


def sweep(keep: set[str], now: float) -> None:
    """Delete uploads that are older than `KEPT`, and then, until the rest fits, the oldest of whoever has most.

    gradio's ``delete_cache`` knows uploads that were completed, and no other: half of one would stay for ever.

    Args:
        keep: paths of files that belong to the page itself.
        now: seconds since the epoch.
    """
    files = []
    for path in folder().rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # renamed or deleted meanwhile
            if path.is_file() and str(path) not in keep and path != folder() / "lock":
                status = path.stat()
                files.append((status.st_mtime, taken(status), path))
    theirs = collections.defaultdict(collections.deque)  # address -> its files, the oldest first
    for file in sorted(files):
        theirs[owners.get(str(file[2]))].append(file)
    sizes = {owner: sum(file[1] for file in files) for owner, files in theirs.items()}
    most, count = room(sum(sizes.values())), len(files)

    def delete(owner: str | None) -> None:
        nonlocal count
        _, bytes_, path = theirs[owner].popleft()
        path.unlink(missing_ok=True)
        owners.pop(str(path), None)
        sizes[owner] -= bytes_
        count -= 1
        if path.parent != folder():
            with contextlib.suppress(OSError):  # another file is in there
                path.parent.rmdir()

    for owner, files in theirs.items():
        while files and now - files[0][0] >= KEPT:
            delete(owner)
    while sum(sizes.values()) > most or count > MANY:
        delete(max(filter(theirs.get, theirs), key=sizes.get if count <= MANY else lambda owner: len(theirs[owner])))


def taken(status: os.stat_result) -> int:
    """The disk space of a file and the folder in which gradio puts each: a file of one byte takes 8 KB."""
    return max(status.st_size, 512 * getattr(status, "st_blocks", 0)) + BLOCK


def room(now: int) -> int:
    """The limit of bytes for all uploads, given their size now: `ROOM`, or half of the free space if that is less."""
    return min(ROOM, (now + max(0, shutil.disk_usage(folder()).free - SPARE)) // 2)


def is_full() -> bool:
    """Whether the disk has no room for an upload: no bytes, or no names, of which some systems have a fixed number."""
    if shutil.disk_usage(folder()).free <= UPLOAD:
        return True
    disk = os.statvfs(folder()) if hasattr(os, "statvfs") else None
    return bool(disk and disk.f_files and disk.f_favail <= 2 * PARTS)


owners: dict[str, str] = {}  # path of an upload -> the address that it came from
_looked, _come = 0.0, 0  # when uploads were last swept, and how many bytes have come since


def came(size: int) -> None:
    """Count the bytes of an upload that has arrived."""
    global _come
    _come += size


def make_room(blocks: gradio.Blocks, now: float) -> bool:
    """Before an upload: delete older ones where there might be too many; whether there is room for it."""
    global _looked, _come
    scarce = shutil.disk_usage(folder()).free < SPARE + 2 * UPLOAD and now - _looked > SCARCE
    if _come > ROOM // 8 or now - _looked > SWEEP or scarce:
        _looked, _come = now, 0
        sweep(own_files(blocks), now)
        for names in blocks.temp_file_sets:
            names.clear()  # gradio remembers the name of each file for ever, for its own way of deleting them
    return not is_full()


@contextlib.asynccontextmanager
async def lifespan(app):
    """While a gradio application runs: puts the guard in front of all of it, has the page ready, and sweeps.

    Middleware that is handed to gradio stands behind its own, which answers browsers about other sites.
    """
    blocks = app.get_blocks()
    inner = crowd.ready(app, app.middleware_stack or app.build_middleware_stack())
    if isinstance(inner, crowd.Once):
        await crowd.warm(inner)
    app.middleware_stack = Guard(inner, blocks)
    route_utils.NamedTemporaryFile = _temporary_file
    going = [asyncio.create_task(_sweep_on(blocks)), asyncio.create_task(connections.hold(blocks))]
    WORKERS.start()
    yield
    blocks._queue.close()
    for task in going:
        task.cancel()
    WORKERS.close()


def own_files(blocks: gradio.Blocks) -> set[str]:
    """Paths of the files that a page brings along: samples, weights."""
    return set().union(*(block.keep_in_cache for block in blocks.blocks.values()))


async def _sweep_on(blocks: gradio.Blocks) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        await asyncio.to_thread(make_room, blocks, time.time())
