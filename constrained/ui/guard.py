"""What stands in front of the page: which addresses are open, how much may be sent, and how long uploads are kept.

gradio has many more addresses than this page uses: one fetches other sites for whoever asks, one runs ffmpeg, one holds
a connection open for developers. Its own size limit counts each file of an upload alone, and other bodies not at all.
"""

import asyncio
import atexit
import contextlib
import functools
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from pathlib import Path

import fastapi
import gradio
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from .. import heads, images, validation
from . import crowd

PAGE = secrets.token_hex(8)  # this process, as the pages that it makes know it
# What a visitor has on a page is kept here: their picture, head, set. To the page of another server, from before a
# restart or beside this one, an answer would be about other things than it shows.
GONE = "The server that made this page is gone. The page loads anew, with the setting that its address has."
BODY = 2**16  # bytes of a request
# The live webcam sends its frames in JSON. 320 x 240, which the page asks for, make up to 57 KB, and 640 x 480, the
# least that some cameras have, up to 224 KB (measured, with the noise of a dark room).
FRAME = 2**18
FILE = max(images.MAX_BYTES, heads.MAX_BYTES, validation.MAX_BYTES)
UPLOAD = FILE + BODY  # what multipart adds is less
PARTS = 8  # of an upload, which the page and its clients send one by one; gradio holds a file open for each

KEPT = 3600  # seconds after which an upload goes
ROOM = 2**30  # bytes of all uploads; the oldest go first
SWEEP = 60  # seconds

_ENDPOINT = r"call/(v2/)?(classify|constrain)"
_READ = r"config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json|(assets|static)/.+"
_READ_API = r"info/?|app_id/?|startup-events|theme\.css|queue/data|upload_progress|heartbeat/[^/]+"
# A file by its whole path. Of an address in its place gradio would fetch what is there.
_FILE = r"file=(/|[A-Za-z]:[/\\]).+"
_WRITE_API = r"upload|queue/join|run/predict|cancel|reset/?|stream/[^/]+(/close)?"
OPEN = {
    "GET": re.compile(rf"/({_READ}|gradio_api/({_READ_API}|{_FILE}|{_ENDPOINT}/[^/]+))?", re.DOTALL),
    "POST": re.compile(rf"/gradio_api/({_WRITE_API}|{_ENDPOINT}/?)"),
}
OPEN["HEAD"] = OPEN["GET"]


class Guard:
    """ASGI middleware that answers what is closed or too large itself, and lets everything else through.

    No answer permits a script of another site to read it: gradio permits that by the request's Origin, which is taken
    away here. A browser says what another site has made it send, and that is refused.
    """

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, path = Headers(scope=scope), scope["path"]
        if scope["method"] not in OPEN or not OPEN[scope["method"]].fullmatch(path):
            return await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
        if scope["method"] == "POST" and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return await PlainTextResponse("Another site may not send anything here.", 403)(scope, receive, send)
        if headers.get("x-page", PAGE) != PAGE:  # programs do not say
            return await sentence(GONE, 409)(scope, receive, send)

        limit, refusal = limits(path)
        if int(headers.get("content-length", 0)) > limit:  # the server in front has checked that it is a number
            return await refusal(scope, receive, send)
        _, options = parse_options_header(headers.get("content-type", ""))
        boundary = options.get(b"boundary")
        mark = b"--" + boundary if boundary else None
        received, parts, tail, refused, answering = 0, 0, b"", False, False

        async def counted():
            nonlocal received, parts, tail, refused
            message = await receive()
            if message["type"] == "http.request":
                body = message.get("body", b"")
                received += len(body)
                if mark:
                    parts += (tail + body).count(mark)
                    tail = (tail + body)[1 - len(mark) :]  # too short to be counted again
                if received > limit or parts > PARTS + 1:  # one mark is the end
                    refused = True
                    return {"type": "http.disconnect"}
            return message

        async def answer(message):
            nonlocal answering
            if answering or not refused:  # what the application makes of half a body is of no interest
                answering = True
                await send(message)

        inner = scope | {"headers": [(key, value) for key, value in scope["headers"] if key != b"origin"]}
        try:
            await self._app(inner, counted, answer)
        except Exception:
            if not refused:
                raise
        if refused and not answering:
            await refusal(scope, receive, send)


def sentence(told: str, status: int) -> JSONResponse:
    """An answer that says what is wrong, in the form that gradio's page understands."""
    return JSONResponse({"error": told, "detail": told}, status)


def limits(path: str) -> tuple[int, fastapi.Response]:
    """How many bytes may be sent to an address, and the answer to more."""
    if path == "/gradio_api/upload":
        told = f"An upload can have {UPLOAD // 2**20} MB and {PARTS} files: make it smaller and try again."
        return UPLOAD, PlainTextResponse(told, 413)
    limit = FRAME if path.startswith(("/gradio_api/queue/join", "/gradio_api/stream/")) else BODY
    told = f"A request can have {limit // 2**10} KB: send pictures as files, by /gradio_api/upload."
    return limit, sentence(told, 413)


# Uploads --------------------------------------------------------------------------------------------------------------


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


SIGNED = b"A folder of constrained/ui/guard.py, which deletes it once its process has ended.\n"
_made: list[Path] = []


def private(around: Path) -> Path:
    """Make a folder that only this user can read, and that goes with this process.

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
    """Delete what `private` made for processes that are gone. What looks like it and is something else stays.

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
    """Delete what `private` made for this process, even while something is still being written there."""
    for made in _made:
        for _ in range(10):
            shutil.rmtree(made, ignore_errors=True)
            if not made.exists():
                break
    _made.clear()


def sweep(keep: set[str], now: float) -> None:
    """Delete uploads that are older than `KEPT`, and the oldest of the others until they fit into `ROOM`.

    gradio's ``delete_cache`` knows uploads that were completed, and no other: half of one would stay for ever.

    Args:
        keep: paths of files that belong to the page itself.
        now: seconds since the epoch.
    """
    files = []
    for path in folder().rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # renamed or deleted meanwhile
            if path.is_file() and str(path) not in keep and path != folder() / "lock":
                files.append((path.stat().st_mtime, path.stat().st_size, path))
    size = sum(file[1] for file in files)
    for changed, bytes_, path in sorted(files):
        if now - changed < KEPT and size <= ROOM:
            break
        path.unlink(missing_ok=True)
        size -= bytes_
        if path.parent != folder():
            with contextlib.suppress(OSError):  # another file is in there
                path.parent.rmdir()


@contextlib.asynccontextmanager
async def lifespan(app):
    """While a gradio application runs: puts the guard in front of all of it, has the page ready, and sweeps.

    Middleware that is handed to gradio stands behind its own, which answers browsers about other sites.
    """
    app.middleware_stack = Guard(crowd.ready(app, app.middleware_stack or app.build_middleware_stack()))
    sweeping = asyncio.create_task(_sweep_on(app.get_blocks()))
    yield
    sweeping.cancel()


def own_files(blocks: gradio.Blocks) -> set[str]:
    """Paths of the files that a page brings along: samples, weights."""
    return set().union(*(block.keep_in_cache for block in blocks.blocks.values()))


async def _sweep_on(blocks: gradio.Blocks) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        await asyncio.to_thread(sweep, own_files(blocks), time.time())
