"""Models to take home: the network with a column's constraint, as a file that other programs load (`export`).

A file is made by a process of its own, one at a time, which gives its half gigabyte of memory back and holds up no
picture. The last few files are kept, in a folder that only the server's user can read and that goes when it ends.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import gradio as gr

from ... import export, models, registry, shipped
from ...export import ExportError
from ...heads import HeadError
from ...parameters import Value
from .. import models as menu
from ..controls import handle, in_browser, notice, speaker
from ..languages import said
from ..server import guard
from . import explore

ROOT = shipped.ROOT
KEPT = 4  # files of 45 MB
LONGEST = 40_000  # characters of a question; a number for each of 1000 classes takes up to 25,000
SECONDS = 300  # after which a file is given up
FAILED = "The file could not be made: try again, or make it with python -m constrained.export, as in the README."

_made: OrderedDict[str, Path] = OrderedDict()  # the last one used comes last
_turn = threading.Lock()
_folder: Path | None = None


def folder() -> Path:
    """Where the files are, made when first needed; gradio serves it as it is, without copies."""
    global _folder
    if _folder is None:
        _folder = guard.private(guard.folder().parent)  # beside the uploads, which are swept
        gr.set_static_paths(_folder)
    return _folder


def checked(question: str, head: bytes | None) -> tuple[str, str, dict[str, float], str, bytes | None]:
    """What the page asks for: the file's ending, method, its settings, model, and the visitor's head if that is meant.

    Raises:
        HeadError: if that head is not here, or none.
        KeyError, RecursionError, TypeError, ValueError: for anything that the page never asks.
    """
    if len(question) > LONGEST:
        raise ValueError("the question is too long")
    asked = json.loads(question)
    ending, method, chosen = (str(asked[key]) for key in ("ending", "method", "model"))
    if ending not in export.FORMATS:
        raise ValueError(f"ending must be one of {', '.join(export.FORMATS)}, got {ending!r:.40}")
    if method not in registry.REGISTRY:
        raise ValueError(f"method must be one of {', '.join(registry.REGISTRY)}, got {method!r:.40}")
    settings = registry.checked(method, asked["settings"])
    registry.build(method, settings)  # lo above hi
    own = chosen.startswith(f"{menu.YOURS}-")
    if own and (head is None or chosen != menu.named(head)):
        raise HeadError(menu.HEAD_GONE)
    model = models.BUNDLED if own else chosen
    if model not in models.CHECKPOINTS:
        raise ValueError(f"model must be one of {', '.join(models.CHECKPOINTS)}, got {model!r:.40}")
    if own:
        menu.own_head(head)
    return ending, method, settings, model, head if own else None


def file(ending: str, method: str, settings: dict[str, Value], model: str, head: bytes | None) -> Path:
    """The file of a setting, made now or kept from before.

    Raises:
        ExportError: if it cannot be made.
    """
    key = sha256(repr((ending, method, sorted(settings.items()), model)).encode() + (head or b"")).hexdigest()[:32]
    with _turn:
        if key not in _made:
            if ending == ".onnx" and not export.onnx_installed():
                raise ExportError(f"{export.MISSING}.")
            path = folder() / key / f"resnet18-{model}-{method}{ending}"
            path.parent.mkdir()
            try:
                make(path, method, settings, model, head)
            except BaseException:
                shutil.rmtree(path.parent)
                raise
            _made[key] = path
            while len(_made) > KEPT:
                shutil.rmtree(_made.popitem(last=False)[1].parent)
        _made.move_to_end(key)
        return _made[key]


@contextlib.contextmanager
def leash() -> Iterator[int]:
    """The reading end of a pipe that closes when this process ends, however it ends."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


def _argument(value: Value) -> str:
    """A parameter for the command line, which takes texts as links do, and lists."""
    if isinstance(value, bool):  # a mask with all classes, or none
        return "*" if value else ""
    return json.dumps(value)


def make(path: Path, method: str, settings: dict[str, Value], model: str, head: bytes | None) -> None:
    """Run `constrained.export` for a file."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "constrained.export",
        str(path),
        method,
        "--model",
        model,
        "--leashed",
    ]
    command += [f"--{key}={_argument(value)}" for key, value in settings.items()]
    if head is not None:
        own = path.with_name("head.safetensors")
        own.write_bytes(head)
        command += ["--head", str(own)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}  # the other core is for pictures
    told = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
    try:
        with leash() as end:
            ran = subprocess.run(command, cwd=ROOT, env=environment, stdin=end, timeout=SECONDS, **told)
    except subprocess.TimeoutExpired as error:
        raise ExportError(FAILED) from error
    if ran.returncode == export.REFUSED:
        raise ExportError(ran.stderr.strip().splitlines()[-1])
    if ran.returncode:
        print(ran.stderr, file=sys.stderr)
        raise ExportError(FAILED)


def on_make(question: str, head: bytes | None) -> Iterator[dict]:
    """The page's question, to the file and a notice."""
    try:
        wanted = checked(question, head)
    except HeadError as error:
        yield {"file": None, "notice": notice(str(error))}
        return
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise gr.Error(f"The file cannot be made: {error}", print_exception=False) from error
    making = said("Making the file, which takes about ten seconds.")
    yield {"file": None, "notice": f'<p role="status">{making}</p>'}
    try:
        yield {"file": str(file(*wanted)), "notice": ""}
    except ExportError as error:
        yield {"file": None, "notice": notice(str(error))}


# The page -----------------------------------------------------------------------------------------------------------

TAKE = "() => { setTimeout(() => document.querySelector('#export-file')?.click(), 100); }"  # once it knows its file


def build(explored: explore.Tab) -> None:
    """Lay out the two buttons inside the Code tab and wire their events."""
    about = said("The whole network with this constraint, 43 MB. The file describes its inputs and outputs.")
    with gr.Column(elem_id="export", min_width=0):
        gr.HTML(f"<p>{about}</p>", elem_id="export-help")
        with gr.Row():
            buttons = {
                ending: gr.Button(name, size="sm", min_width=100, elem_id=f"export-{ending[1:]}")
                for ending, name in ((".pt2", "torch.export"), (".onnx", "ONNX"))
            }
        told = speaker("#export", "export-told")
        taken = gr.DownloadButton("", visible="hidden", elem_id="export-file")
        question = gr.Textbox(visible=False)
    for ending, button in buttons.items():
        handle(
            button.click,
            on_make,
            [question, explored.head],
            {"file": taken, "notice": told},
            js=in_browser(f"code.exported('{ending}', head)", "question", "head"),
            show_progress="minimal",
            show_progress_on=told,
            concurrency_id="export",
            concurrency_limit=1,
            api_visibility="private",
        ).success(js=TAKE, queue=False, show_progress="hidden", api_visibility="private")
