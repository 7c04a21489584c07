"""The Explore tab: a picture, its logits, and what each constraint makes of them.

The server runs the network once a picture and sends the logits; everything a slider moves is computed and drawn in
the browser (assets/web/twins/constraints.js, assets/web/explore). Only the gradient, which is PyTorch's autograd, comes
from the server, and only once a control has settled.
"""

import base64
import copy
import functools
import io
import json
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

import gradio as gr
import numpy as np
import PIL.Image
import safetensors
import torch
from gradio.context import Context
from gradio.data_classes import ImageData
from torch import Tensor

from .. import gradients, heads, images, registry, training
from ..checkpoints import CHECKPOINTS, TITLES, Checkpoint, CheckpointError
from ..heads import HeadError
from ..inference import FRAME, PICTURE, Network, network
from ..registry import HI, LAM, LO, PARAMETERS, RADIUS, TEMPERATURE
from ..workers import WORKERS, WorkerError
from . import lessons
from .controls import (
    ASSETS,
    BROWSER,
    Control,
    HeldBytes,
    HeldFile,
    Island,
    bounds,
    in_browser,
    log_slider,
    notice,
    position,
    speaker,
    wire,
)
from .languages import said, t

SAMPLES = sorted((ASSETS / "samples").glob("*.jpg"))
FIRST_SAMPLE = ASSETS / "samples" / "cat.jpg"
METHODS = {"bounded": "clamp", "probability": "softmax", "regularised": "prox_l1"}  # what the page opens with

CLASSES, LARGEST = 1000, 1e6  # of logits that are sent here

HEAD_GONE = "Your head is no longer here: train or upload it again, or choose another model."
YOURS = "yours"  # the bundled network under the visitor's own head, for those who have one
# What can be wrong with a visitor's picture, head or choice; see `sentence`.
TROUBLE = (images.PictureError, CheckpointError, HeadError, WorkerError, FileNotFoundError)
_LARGE_AT_ONCE = threading.BoundedSemaphore(2)  # so that large pictures never take all workers
_LARGE_IN_ALL = threading.BoundedSemaphore(6)  # nor, waiting for one, all places of the line

# Everything that runs the network shares one limit, so that requests wait in gradio's queue and not in threads.
NETWORK = {"concurrency_id": "network", "concurrency_limit": 16, "api_visibility": "private"}
# Live webcams hold a place for as long as they are on: a line of their own, which `line` has taken in turns.
CAMERA = {"concurrency_id": "camera", "concurrency_limit": 16, "api_visibility": "private"}
REST, LONGEST_REST = 1.5, 0.3  # after a frame, in the time that it took, and in seconds; while another one waits
# Nor do they wait for a model that is being fetched: those who do have places of their own.
MODELS = {"concurrency_id": "models", "concurrency_limit": 4, "api_visibility": "private"}


class Pace:
    """Has one done at a time, and, as long as others wait, leaves the machine to everybody else in between."""

    def __init__(self) -> None:
        self._lock, self._waiting, self._counting = threading.Lock(), 0, threading.Lock()

    def _count(self, change: int) -> int:
        with self._counting:
            self._waiting += change
            return self._waiting

    def __enter__(self) -> None:
        self._count(1)
        self._lock.acquire()
        self._started = time.monotonic()

    def __exit__(self, *_) -> None:
        took = time.monotonic() - self._started
        if self._count(-1):
            time.sleep(min(REST * took, LONGEST_REST))
        self._lock.release()


_FRAMES = Pace()  # of all live webcams: there is always another frame, and nobody waits for a certain one


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


class Model(gr.Textbox):
    """The name of a model, for programs; an unknown one gets a sentence."""

    is_template = True

    def api_info(self) -> dict:
        """What "Use via API" says of it."""
        about = "The network; imagenet is downloaded when it is first asked for."
        return {"type": "string", "enum": list(CHECKPOINTS), "additional_description": about}

    def example_payload(self) -> str:
        """The bundled one."""
        return "cifar10"


class Shown(HeldFile):
    """The path of the picture that the chart is about. The page knows a sample by its name."""

    def preprocess(self, payload: str | None) -> str:
        """The path of a sample or of an upload."""
        sample = next((str(path) for path in SAMPLES if path.stem == payload), None)
        return sample or super().preprocess(payload)

    def postprocess(self, value: str | None) -> str:
        """A sample's name, or the path of an upload."""
        return Path(value).stem if value and Path(value) in SAMPLES else value or ""


class Chooser(gr.Dropdown):
    """The menu of models, which lets pass what is not in it: `chosen` says what is wrong with that.

    That a visitor's menu has their own head in it, gradio forgets with their session.
    """

    is_template = True

    def preprocess(self, payload: str | None) -> str:
        """The model's key, if it is one."""
        return str(payload)

    def postprocess(self, value: str) -> str:
        """The same, without gradio's warning."""
        return value


# What the page shows ------------------------------------------------------------------------------------------------


def models() -> list[tuple[str, str]]:
    """What anybody can choose in the model menu."""
    return [(t(TITLES[key]), key) for key in CHECKPOINTS]


def chosen(model: str, head: bytes | None, wait: bool = False) -> tuple[Network, heads.Head | None, str]:
    """A choice of the model menu as a network, the head to use instead of its own, and a name for the two.

    Args:
        model: a key of ``CHECKPOINTS``, or ``YOURS``.
        head: the file of the visitor's own head, which only ``YOURS`` looks at.
        wait: as for `network`.

    Raises:
        CheckpointError: if there is no such model, or its weights cannot be had.
        HeadError: if there is no head of their own.
    """
    if model != YOURS:
        return network(model, wait), None, model
    if head is None:
        raise HeadError(HEAD_GONE)
    return network("cifar10", wait), own_head(head), named(head)


def classes(net: Network, head: heads.Head | None) -> tuple[str, ...]:
    """The names of what a network tells apart, or a head in place of its own."""
    return head.classes if head else net.checkpoint.labels


def named(head: bytes) -> str:
    """What the chart calls the model that a head of a visitor's makes."""
    return f"{YOURS}-{sha256(head).hexdigest()[:8]}"


def message(labels: tuple[str, ...], logits: np.ndarray, name: str) -> dict:
    """What the chart, or a program, is told about a picture: the labels and logits of a model."""
    return {"model": name, "labels": labels, "logits": [round(v, 6) for v in logits.tolist()]}


def words(head: heads.Head) -> str:
    """What a head was fitted with, as a run of the Train tab says it, as HTML."""
    told = said("no constraint")
    if head.method:
        told = said(registry.REGISTRY[head.method].title)
        numbers = {key: f"{value:.4g}".replace("-", "−") for key, value in head.settings.items()}
        if "lo" in numbers:
            told += f" [{numbers['lo']}, {numbers['hi']}]"
        else:
            told += "".join(f", {PARAMETERS[key].symbol} = {number}" for key, number in numbers.items())
    for key, kind in heads.PENALTIES.items():
        if isinstance(head.layer.penalty, kind) and head.layer.penalty.lam:
            told += f" · {said('{norm} penalty', norm=key.upper())}, λ = {head.layer.penalty.lam:.4g}"
    return told


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
            raise WorkerError("Too many large pictures at the moment: make it smaller, or try again later.") from error
        try:
            with _LARGE_AT_ONCE:
                return WORKERS.run(images.views, source, checkpoint.views)
        finally:
            _LARGE_IN_ALL.release()


def is_sample(source: object) -> bool:
    """Whether that is the path of a bundled picture."""
    return isinstance(source, str) and Path(source) in SAMPLES


def look(source: str | bytes, model: str, head: bytes | None = None, kind: int = PICTURE) -> tuple[str, str]:
    """A picture through a `chosen` model to the chart's message, as JSON, and the crops that it saw, as HTML.

    The chart is told the name of a sample, and of nobody's own picture. Raises what `chosen` and `views` raise.
    """
    net, own, name = chosen(model, head)
    crops = views(source, net.checkpoint)
    figures = []
    for crop in crops:
        buffer = io.BytesIO()
        crop.save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        figures.append(f'<img src="data:image/png;base64,{data}" alt="" width="{crop.width}" height="{crop.height}">')
    caption = f"<figcaption>{said('What the network sees:')} {said(net.checkpoint.sees)}</figcaption>"
    seen = f'<figure class="seen"><div>{"".join(figures)}</div>{caption}</figure>'
    if own:
        seen += f'<p class="own-head"><b>{said("Your head")}</b>: {words(own)}</p>'
    image = Path(source).stem if is_sample(source) else None
    return json.dumps(
        message(classes(net, own), net.logits_of(crops, own and own.layer, kind), name) | {"image": image}
    ), seen


def sent_back(logits: Tensor, methods: dict[str, str], settings: dict[str, float], target: int) -> dict:
    """What training would send back to each raw logit, in every column.

    Args:
        logits: ``(C,)``, float64.
        methods: family to registry key.
        settings: parameter key to value.
        target: index of the class that training would want.

    Returns:
        Family, and ``raw``, to ``{"loss", "name", "gradient": C numbers}``.

    Raises:
        ValueError: if a method or a parameter is not in the registry's range.
    """
    columns = {"raw": None} | {family: registry.build(key, settings) for family, key in methods.items()}
    sent = {family: gradients.through(constraint, logits, target) for family, constraint in columns.items()}
    return {family: one._asdict() | {"gradient": one.gradient.tolist()} for family, one in sent.items()}


# Events -------------------------------------------------------------------------------------------------------------


def on_picture(source: str | bytes | None, model: str, head: bytes | None):
    """A visitor's picture to (chart, crops, notice, shown, model box, current).

    An answer says all that it is about: others may have come meanwhile. The box is left to
    assets/web/explore/picture.js, which knows what else is on its way by then.
    """
    if source is None:
        return gr.skip(), gr.skip(), "", gr.skip(), gr.skip(), gr.skip()
    try:
        return *look(source, model, head), "", source if isinstance(source, str) else "", model, model
    except TROUBLE as error:
        return gr.skip(), gr.skip(), notice(sentence(error)), gr.skip(), gr.skip(), gr.skip()


def on_frame(source: str | bytes | None, model: str, head: bytes | None):
    """A frame of the webcam to (chart, crops, notice)."""
    if source is None:
        return gr.skip(), gr.skip(), ""
    with _FRAMES:
        return seen(source, model, head, FRAME)


def on_live(on: bool, model: str, head: bytes | None, shown: str):
    """The live webcam goes on, or off to (chart, crops, notice) of the picture that is in the box again."""
    return (gr.skip(), gr.skip(), gr.skip()) if on else seen(shown, model, head)


def seen(source: str | bytes, model: str, head: bytes | None, kind: int = PICTURE) -> tuple:
    """A picture to (chart, crops, notice); where there is trouble, the first two stay."""
    try:
        return *look(source, model, head, kind), ""
    except TROUBLE as error:
        return gr.skip(), gr.skip(), notice(sentence(error))


def on_sample(model: str, head: bytes | None, event: gr.EventData):
    """A click into the gallery to (chart, crops, notice, picture box, shown, model box, current)."""
    index = event._data.get("index") if isinstance(event._data, dict) else None
    if not isinstance(index, int) or not 0 <= index < len(SAMPLES):
        raise gr.Error("There is no such sample.", print_exception=False)
    path = str(SAMPLES[index])
    try:
        return *look(path, model, head), "", path, path, model, model
    except TROUBLE as error:
        return gr.skip(), gr.skip(), notice(sentence(error)), gr.skip(), gr.skip(), gr.skip(), gr.skip()


def on_model(
    model: str,
    head: bytes | None,
    shown: str,
    current: str,
    progress: gr.Progress = gr.Progress(track_tqdm=True),  # noqa: B008
):
    """Another model to (chart, crops, notice, target, classes shown, model box, picture box, shown, current).

    Where there is trouble, or the menu was opened and nothing else chosen, all stays as it is.
    """
    if model == current:  # an answer might be late, and put back what has changed meanwhile
        return [gr.skip() for _ in range(9)]
    try:
        progress(0, desc="Loading the model")
        net, own, _ = chosen(model, head, wait=True)
        chart, crops = look(shown, model, head)
    except TROUBLE as error:
        skipped = [gr.skip() for _ in range(3)]
        return gr.skip(), gr.skip(), notice(sentence(error)), gr.skip(), gr.skip(), current, *skipped
    return chart, crops, "", *choices(classes(net, own)), model, shown, shown, model


def sentence(error: Exception) -> str:
    """What to tell a visitor about an error of ``TROUBLE``, or about a picture's file that is gone."""
    gone = isinstance(error, FileNotFoundError)
    return "The picture is no longer here: choose another one." if gone else str(error)


def choices(labels: tuple[str, ...], target: object = None, k: object = None) -> tuple[gr.Dropdown, gr.Slider]:
    """What depends on a model's labels: the menu of target classes, and how many classes can be shown.

    ``target`` and ``k`` are chosen in them, where the model has that; from outside they may be anything.
    """
    most = min(MOST, len(labels))
    target = target if isinstance(target, str) and target in labels else RAW_TOP
    k = k if isinstance(k, int) and 2 <= k <= most else min(10, most)
    return gr.Dropdown(choices=targets(labels), value=target), gr.Slider(maximum=most, value=k)


def targets(labels: tuple[str, ...]) -> list[tuple[str, str]]:
    """The menu of target classes."""
    return [(t("raw top-1"), RAW_TOP), *((label, label) for label in labels)]


def deserialize(data: bytes) -> list:
    """`safetensors.deserialize` by a worker."""
    return WORKERS.run(safetensors.deserialize, data)


@functools.lru_cache(32)  # a page sends its head along with each picture
def own_head(data: bytes) -> heads.Head:
    """What a visitor's head file holds, if the bundled network's features fit it.

    Raises:
        HeadError: for everything else.
    """
    head = heads.load(data, deserialize)
    known = training.data()
    if len(head.classes) < 2:
        raise HeadError("This head has a single class, and a comparison needs two: choose another one.")
    if (head.network, head.layer.in_features) != (known.network, known.width):
        raise HeadError(
            "This head was fitted on the features of another network, where its weights mean nothing: use one that "
            "was trained here, or load it with constrained_resnet18 on its own network."
        )
    return head


def adopt(data: bytes, shown: str, earlier: bytes | None = None) -> tuple[list, str]:
    """A head becomes this visitor's model, and the column of its constraint opens on that.

    Args:
        data: a head file, from a stranger.
        shown: the path of the picture on the page.
        earlier: the head that this one replaces, if any; what it set goes back to what the page opens with.

    Returns:
        Updates for `Tab.adopting`, named in ``ADOPTING``, and an empty sentence; or updates that leave all as it is,
        and a sentence that says what is wrong.
    """
    try:
        head, before = own_head(data), earlier and own_head(earlier)
        chart, crops = look(shown, YOURS, data)
    except TROUBLE as error:
        return [gr.skip() for _ in ADOPTING], sentence(error)
    target, shown_classes = choices(head.classes)
    updates = {
        "notice": "",
        "chart": chart,
        "crops": crops,
        "target": target,
        "k": shown_classes,
        "chooser": gr.Dropdown(choices=[*models(), (t("CIFAR-10, your head"), YOURS)], value=YOURS),
        "current": YOURS,
        "head": data,
    }
    settings = {}
    if before:
        if before.method:
            family = registry.REGISTRY[before.method].family
            updates[family] = METHODS[family]
        settings |= {key: PARAMETERS[key].default for key in before.settings}
    if head.method:
        updates[registry.REGISTRY[head.method].family] = head.method
    for key, value in (settings | head.settings).items():
        parameter = PARAMETERS[key]
        value = float(f"{min(max(value, 0.0 if parameter.zero else parameter.low), parameter.high):.6g}")
        updates[key] = value
        updates[f"{key} position"] = position(parameter, value) if parameter.scale == "log" else value
    return [updates.get(name, gr.skip()) for name in ADOPTING], ""


def checked(logits: object, least: int) -> Tensor:
    """Logits from outside as a float64 tensor ``(C,)``.

    Raises:
        ValueError: for anything but ``least`` to `CLASSES` numbers below `LARGEST`.
    """
    if not isinstance(logits, list) or not least <= len(logits) <= CLASSES:
        raise ValueError(f"logits must be a list of {least} to {CLASSES} numbers")
    # Compared, not converted: a whole number may be too large for a float.
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < LARGEST for v in logits):
        raise ValueError("logits must be finite numbers below a million")
    return torch.tensor(logits, dtype=torch.float64)


def on_gradient(event: gr.EventData) -> str:
    """The chart's question for gradients, with everything in it, to the answer, both as the chart's JSON."""
    asked = event._data
    try:
        logits = checked(asked["logits"], least=2)
        methods = {family: str(asked["methods"][family]) for family in registry.FAMILIES}
        settings = {key: registry.number(p, asked["settings"][key]) for key, p in PARAMETERS.items()}
        target = asked["target"]
        if type(target) is not int or not 0 <= target < len(logits):  # True is an int as well
            raise ValueError("target must be the index of a class")
        columns = sent_back(logits, methods, settings, target)
    except (KeyError, TypeError, ValueError) as error:
        raise gr.Error(f"The gradient cannot be computed: {error}", print_exception=False) from error
    return json.dumps({"gradient": columns, "asked": asked.get("asked")})


def classify(picture: str | bytes | None, model: str = "cifar10") -> dict:
    """Logits of a picture: ``{"model", "labels", "logits"}``, for programs."""
    if picture is None:
        raise gr.Error("picture must be an image file", print_exception=False)
    try:
        net = network(model, wait=False)
        return message(net.checkpoint.labels, net.logits_of(views(picture, net.checkpoint)), model)
    except TROUBLE as error:
        raise gr.Error(sentence(error), print_exception=False) from error


def constrain(
    logits: list[float],
    method: Literal[tuple(registry.REGISTRY)],
    lo: float = LO.default,
    hi: float = HI.default,
    temperature: float = TEMPERATURE.default,
    lam: float = LAM.default,
    radius: float = RADIUS.default,
) -> dict:
    """Constrained outputs of logits: ``{"method", "outputs"}``, for programs; method is a key of the registry."""
    try:
        settings = {"lo": lo, "hi": hi, "temperature": temperature, "lam": lam, "radius": radius}
        outputs = registry.build(str(method), settings)(checked(logits, least=1))
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    return {"method": method, "outputs": outputs.tolist()}


def described(arguments: list) -> None:
    """Say in "Use via API" what each argument of `constrain` is; gradio knows their types alone."""
    most = f"{LARGEST:,.0f}"
    about = {
        "logits": (f"1 to {CLASSES:,} numbers, each below {most}.", [3.6, 1.2, -0.4]),
        "method": ("The constraint, by its key in the registry.", "clamp"),
    }
    for parameter in PARAMETERS.values():
        used = ", ".join(key for key, entry in registry.REGISTRY.items() if parameter in entry.parameters)
        low = 0.0 if parameter.zero else parameter.low
        about[parameter.key] = (f"{parameter.help} {low:g} to {parameter.high:g}; used by {used}.", parameter.default)
    for argument, (name, (text, example)) in zip(arguments, about.items(), strict=True):
        argument.label, argument._api_info["additional_description"] = name, text
        argument.example_payload = functools.partial(copy.copy, example)


# The page -----------------------------------------------------------------------------------------------------------

RAW_TOP = "raw top-1"
MOST = 50  # classes that can be shown
DOWNLOADS = {"Chart as SVG": "svg", "Chart as PNG": "png", "Numbers as CSV": "csv", "Numbers as JSON": "json"}
LOGS = tuple(key for key, parameter in PARAMETERS.items() if parameter.scale == "log")
ADOPTING = (
    *("notice", "chart", "crops", "target", "k", "chooser", "current", "head"),
    *registry.FAMILIES,
    *PARAMETERS,
    *(f"{key} position" for key in LOGS),
)


class Tab(NamedTuple):
    """The parts of this tab that others read or write."""

    notice: gr.HTML
    chart: gr.HTML
    crops: gr.HTML
    picture: Picture
    chooser: gr.Dropdown
    current: gr.Textbox  # the model whose logits the chart shows
    shown: Shown  # the path of the picture that it shows
    head: HeldBytes  # the file of the visitor's own head; None without one
    controls: dict[str, Control]  # by family its method, by parameter its value, and what else belongs to the setting

    @property
    def adopting(self) -> list[gr.components.Component]:
        """The outputs of `adopt`."""
        parts = self._asdict()
        for key, control in self.controls.items():
            parts |= {key: control.component, f"{key} position": control.slider}
        return [parts[name] for name in ADOPTING]


def camera_of(width: int, height: int) -> gr.WebcamOptions:
    """A webcam with pictures of about this size; the browser sends them as they come, far larger than they need be."""
    return gr.WebcamOptions(constraints={"video": {"width": {"ideal": width}, "height": {"ideal": height}}})


def build(model: str) -> Tab:
    """Lay out the tab inside a `gr.Blocks` and wire its events; the chart is full from the start.

    A starting model that cannot be had gives way to the bundled one, and the page says why.
    """
    missing = ""
    try:
        network(model)
    except CheckpointError as error:
        missing, model = str(error), "cifar10"
    labels = network(model).checkpoint.labels
    told_first, seen_first = look(str(FIRST_SAMPLE), model)
    shown, head = Shown(str(FIRST_SAMPLE), visible=False), HeldBytes(visible=False)
    current = gr.Textbox(model, visible=False)

    with gr.Row(elem_id="explore", equal_height=False):
        lessons.panel()
        with gr.Column(elem_id="picture-panel", scale=0, min_width=250):
            picture = Picture(
                str(FIRST_SAMPLE),
                label=t("Picture"),
                sources=["upload", "clipboard", "webcam"],
                webcam_options=camera_of(1280, 960),  # larger ones can be over the limit, as PNG
                height=210,
                elem_id="picture",
                buttons=[],
                placeholder=t("Drop a picture here, paste one, or click to upload"),
            )
            camera = Picture(
                label=t("Webcam, live"),
                sources=["webcam"],
                webcam_options=camera_of(320, 240),
                streaming=True,
                height=210,
                elem_id="camera",
                visible=False,
                buttons=[],
            )
            told = speaker("#picture", "notice", notice(missing))
            crops = gr.HTML(seen_first, elem_id="seen")
            gallery = gr.Gallery(
                [(str(path), path.stem) for path in SAMPLES],
                label=t("Samples"),
                columns=5,
                height="auto",
                object_fit="cover",
                allow_preview=False,
                buttons=[],
                elem_id="samples",
            )
            chooser = Chooser(models(), value=model, label=t("Model"), elem_id="model")
            live = gr.Checkbox(label=t("Live webcam"), elem_id="live")
            top_k = gr.Slider(
                2,
                min(MOST, len(labels)),
                min(10, len(labels)),
                step=1,
                label=t("Classes shown"),
                elem_id="top-k",
                buttons=[],
            )
            with_gradient = gr.Checkbox(
                label=t("Gradient"), elem_id="gradient", info=t("what training would send back")
            )
            target = gr.Dropdown(targets(labels), value=RAW_TOP, label=t("Target class of the loss"), elem_id="target")
            with gr.Row(elem_id="actions"):
                rescale = gr.Button(t("Rescale axes"), size="sm", min_width=90)
                reset = gr.Button(t("Reset"), size="sm", min_width=60)

        with gr.Column(elem_id="grid", scale=1):
            with gr.Column(elem_id="controls-raw", elem_classes="controls", min_width=120):
                gr.HTML(f"<h2>{said('Raw')}</h2><p>{said('the logits of the linear layer')}</p>")
                gr.HTML(
                    f"<p>{said('Compare two: keep this setting as A, then change it.')}</p>", elem_id="compare-help"
                )
                with gr.Row(elem_id="compare"):
                    pin = gr.Button(t("Pin as A"), size="sm", min_width=70, elem_id="pin-a")
                    swap = gr.Button(t("Swap A and B"), size="sm", min_width=100, elem_id="swap-a")
                    unpin = gr.Button(t("Unpin A"), size="sm", min_width=70, elem_id="unpin-a")
            methods = {}
            for family in registry.FAMILIES:
                with gr.Column(elem_id=f"controls-{family}", elem_classes="controls", min_width=120):
                    gr.HTML(f"<h2>{said(registry.FAMILIES[family])}</h2>")
                    methods[family] = gr.Dropdown(
                        [(t(entry.title), key) for key, entry in registry.family(family).items()],
                        value=METHODS[family],
                        label=t("Method"),
                        elem_id=f"method-{family}",
                        filterable=False,
                    )
                    if family == "bounded":
                        lo, hi = bounds("explore", LO, HI)
                    elif family == "probability":
                        logs = {TEMPERATURE: log_slider("explore", TEMPERATURE, t("T, temperature"))}
                    else:
                        logs[LAM] = log_slider("explore", LAM, t("λ, weight"))
                        logs[RADIUS] = log_slider("explore", RADIUS, t("r, radius"))
            chart = Island("explore.mount", ("gradient", "back"), value=told_first, node="chart", elem_id="chart-block")
            with gr.Row(elem_id="take-home"):
                gr.HTML(f"<p>{said('Download')}</p>")
                for name, method in DOWNLOADS.items():
                    download = gr.Button(t(name), size="sm", min_width=110)
                    download.click(js=in_browser(f"takehome.{method}()"), **BROWSER)

    on_chart = [chart, crops, told]
    picture.input(
        on_picture,
        [picture, chooser, head],
        [*on_chart, shown, chooser, current],
        show_progress="hidden",
        trigger_mode="always_last",
        **NETWORK,
    )
    # As often as a camera has a new picture; the browser sends one only when it has an answer to the one before.
    camera.stream(on_frame, [camera, chooser, head], on_chart, stream_every=1 / 30, show_progress="hidden", **CAMERA)
    gallery.select(
        on_sample,
        [chooser, head],
        [*on_chart, picture, shown, chooser, current],
        show_progress="hidden",
        trigger_mode="multiple",
        **NETWORK,
    )
    chooser.input(
        on_model,
        [chooser, head, shown, current],
        [*on_chart, target, top_k, chooser, picture, shown, current],
        show_progress_on=chooser,  # what the chart shows meanwhile can be worked with
        **MODELS,
    )
    chart.gradient(
        on_gradient,
        None,
        chart,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=4,
        trigger_mode="multiple",  # the newest question counts, and gradio would drop one that meets another on its way
    )
    chart.back(js=in_browser("picture.value()"), outputs=picture, **BROWSER)
    live.input(
        lambda on: (gr.update(visible=not on), gr.update(visible=on)),
        live,
        [picture, camera],
        show_progress="hidden",
        api_visibility="private",
        queue=False,
    )
    live.input(on_live, [live, chooser, head, shown], on_chart, show_progress="hidden", **NETWORK)

    setting = methods | {"lo": lo, "hi": hi, "k": top_k, "gradient": with_gradient, "target": target}
    controls = {key: Control(component) for key, component in setting.items()}
    controls |= {parameter.key: Control(box, slider, parameter) for parameter, (slider, box) in logs.items()}
    wire("explore", controls, take="hear")
    rescale.click(js=in_browser("explore.rescale()"), **BROWSER)
    back = [part for key, control in controls.items() if key != "gradient" for part in control[:2] if part]
    opening = [component.value for component in back]
    again = in_browser(f"explore.reset({json.dumps(opening)})")
    reset.click(outputs=back, js=again, **BROWSER)
    pin.click(js=in_browser("explore.pinA()"), **BROWSER)
    swap.click(js=in_browser("explore.swap()"), **BROWSER)
    unpin.click(js=in_browser("explore.unpinA()"), **BROWSER)

    with gr.Column(visible=False):  # what a program calls; gradio checks uploads only for components
        given, answer = Picture(label="picture"), gr.JSON(label="logits")
        wanted = Model("cifar10", label="model")
        gr.Button().click(
            classify, [given, wanted], answer, api_name="classify", **(NETWORK | {"api_visibility": "public"})
        )
    gr.api(constrain, api_name="constrain", concurrency_limit=4)
    described(next(fn for fn in Context.root_block.fns.values() if fn.fn is constrain).inputs)
    return Tab(told, chart, crops, picture, chooser, current, shown, head, controls)
