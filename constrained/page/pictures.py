"""Pictures on the page: samples, the box that takes a visitor's own, and what a network sees of one."""

import base64
import io
import threading
from pathlib import Path

import gradio as gr
import PIL.Image
from gradio.data_classes import ImageData

from .. import images, shipped
from ..models import Checkpoint
from .controls import HeldFile
from .server.workers import WORKERS, WorkerError

SAMPLES = sorted((shipped.ROOT / "assets" / "samples").glob("*.jpg"))
FIRST_SAMPLE = shipped.ROOT / "assets" / "samples" / "cat.jpg"

_LARGE_AT_ONCE = threading.BoundedSemaphore(2)  # so that large pictures never take all workers
_LARGE_IN_ALL = threading.BoundedSemaphore(6)  # nor, waiting for one, all places of the line


class Picture(gr.Image):
    """An image input that hands over a visitor's file as it came, for `images.views` to look at first.

    gradio's own conversion would decode them without a limit, saturate 16-bit pictures and drop alpha. This has to be
    a class: gradio makes components anew, from their class, for every visitor to whom one is updated. (For classes
    like this it also writes a .pyi file beside the source, which git ignores.)
    """

    is_template = True  # the browser draws it as gr.Image

    def preprocess(self, payload: ImageData | None) -> str | bytes | None:
        """The path of an uploaded file, or the bytes of a ``data:`` string, which frames and programs send."""
        if payload is None:
            return None
        if payload.path is not None:
            return payload.path
        encoded = (payload.url or "").partition(",")[2]
        try:
            return base64.b64decode(encoded[: 2 * images.MAX_BYTES], validate=True)
        except ValueError:
            return b""

    def postprocess(self, value: str | None) -> ImageData | None:
        """A file by its path. gradio would read one whose name ends in .svg, whatever it holds, as text."""
        return value and ImageData(path=value, orig_name=Path(value).name)

    def example_payload(self) -> dict:
        """What "Use via API" shows: gradio's own example is a web address, and this page fetches nothing."""
        buffer = io.BytesIO()
        with PIL.Image.open(FIRST_SAMPLE) as sample:
            sample.convert("RGB").resize((32, 32)).save(buffer, "JPEG", quality=60)
        return {"url": "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()}

    def api_info(self) -> dict:
        """What a picture is, for "Use via API"."""
        about = (
            "A file that the client uploads, as handle_file('cat.jpg') does, or {'url': 'data:image/jpeg;base64,…'}."
        )
        return super().api_info() | {"additional_description": about}


class Shown(HeldFile):
    """The path of the picture that the chart is about. The page knows a sample by its name."""

    def preprocess(self, payload: str | None) -> str:
        """The path of a sample or of an upload."""
        sample = next((str(path) for path in SAMPLES if path.stem == payload), None)
        return sample or super().preprocess(payload)

    def postprocess(self, value: str | None) -> str:
        """A sample's name, or the path of an upload."""
        return Path(value).stem if value and Path(value) in SAMPLES else value or ""


def views(source: str | bytes, checkpoint: Checkpoint) -> list[PIL.Image.Image]:
    """What a checkpoint's network sees of a stranger's picture, a file's path or its bytes, made by a worker.

    Raises:
        PictureError: if it is none.
        WorkerError: if it is too much for the decoder.
        FileNotFoundError: if it is gone.
    """
    if is_sample(source):
        return images.views(source, checkpoint.views)  # no stranger's: nothing to fear, and no worker to start
    try:
        return WORKERS.run(images.views, source, checkpoint.views, False)
    except images.LargePictureError as error:
        if not _LARGE_IN_ALL.acquire(blocking=False):
            raise WorkerError("Too many large pictures at the moment: make yours smaller, or try again.") from error
        try:
            with _LARGE_AT_ONCE:
                return WORKERS.run(images.views, source, checkpoint.views)
        finally:
            _LARGE_IN_ALL.release()


def is_sample(source: object) -> bool:
    """Whether that is the path of a bundled picture."""
    return isinstance(source, str) and Path(source) in SAMPLES
