"""The Explore tab: a picture, its logits, and what each constraint makes of them.

The server runs the network once a picture and sends the logits; everything a slider moves is computed and drawn in
the browser (assets/web/twins/constraints.js, assets/web/explore). Only the gradient, which is PyTorch's autograd, comes
from the server, and only once a control has settled.
"""

import json
import threading
import time
from typing import NamedTuple

import gradio as gr
from gradio.context import Context
from torch import Tensor

from ... import gradients, registry
from ...models import BUNDLED, CheckpointError
from ...parameters import Value
from ...registry import PARAMETERS
from ..api import Model, checked, classify, constrain, described
from ..controls import (
    BROWSER,
    Control,
    HeldBytes,
    Island,
    handle,
    in_browser,
    message,
    notice,
    question_number,
    rows,
    speaker,
    wire,
)
from ..languages import said, t
from ..models import (
    METHODS,
    MOST,
    RAW_TOP,
    TROUBLE,
    Chooser,
    choices,
    chosen,
    classes,
    look,
    models,
    targets,
    trouble,
)
from ..pictures import FIRST_SAMPLE, SAMPLES, Picture, Shown
from ..server.inference import FRAME, PICTURE, network
from . import lessons

# Everything that runs the network shares one limit, so that requests wait in gradio's queue and not in threads.
NETWORK = {"concurrency_id": "network", "concurrency_limit": 16, "api_visibility": "private"}
# A live webcam holds a place for as long as it is on. So webcams have their own line, in which `line` makes them take
# turns.
CAMERA = {"concurrency_id": "camera", "concurrency_limit": 16, "api_visibility": "private"}
REST, LONGEST_REST = (
    1.5,
    0.3,
)  # after a frame while another one waits: relative to the time that it took, and in seconds
# Pictures do not wait for a model that is being fetched: visitors who choose such a model have their own places.
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


def sent_back(logits: Tensor, methods: dict[str, str], settings: dict[str, Value], target: int) -> dict:
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
    built = {family: registry.build(key, settings, classes=len(logits)) for family, key in methods.items()}
    columns = {"raw": None} | built
    sent = {family: gradients.through(constraint, logits, target) for family, constraint in columns.items()}
    return {family: one._asdict() | {"gradient": one.gradient.tolist()} for family, one in sent.items()}


# Events -------------------------------------------------------------------------------------------------------------


def on_picture(source: str | bytes | None, model: str, head: bytes | None) -> dict:
    """A visitor's picture to chart, crops, notice, shown, model and current.

    An answer names everything that it is about, because other answers may have come meanwhile. The picture box is left
    to assets/web/explore/picture.js, which knows what else has been asked by then.
    """
    if source is None:
        return {"notice": ""}
    path = source if isinstance(source, str) else ""
    try:
        return look(source, model, head) | {"shown": path, "model": model, "current": model}
    except TROUBLE as error:
        return trouble(error)


def on_frame(source: str | bytes | None, model: str, head: bytes | None) -> dict:
    """A frame of the webcam to chart, crops and notice."""
    if source is None:
        return {"notice": ""}
    with _FRAMES:
        return seen(source, model, head, FRAME)


def on_live(on: bool, model: str, head: bytes | None, shown: str) -> dict:
    """The live webcam goes on, or off to chart, crops and notice of the picture that is in the box again."""
    return {} if on else seen(shown, model, head)


def seen(source: str | bytes, model: str, head: bytes | None, kind: int = PICTURE) -> dict:
    """A picture to chart, crops and notice; where there is trouble, the first two stay."""
    try:
        return look(source, model, head, kind)
    except TROUBLE as error:
        return trouble(error)


def on_sample(model: str, head: bytes | None, event: gr.EventData) -> dict:
    """A click into the gallery to chart, crops, notice, picture, shown, model and current."""
    index = event._data.get("index") if isinstance(event._data, dict) else None
    if not isinstance(index, int) or not 0 <= index < len(SAMPLES):
        raise gr.Error("There is no such sample.", print_exception=False)
    path = str(SAMPLES[index])
    try:
        return look(path, model, head) | {"picture": path, "shown": path, "model": model, "current": model}
    except TROUBLE as error:
        return trouble(error)


def on_model(
    model: str,
    head: bytes | None,
    shown: str,
    current: str,
    progress: gr.Progress = gr.Progress(track_tqdm=True),  # noqa: B008
) -> dict:
    """Another model to the ``model_outputs`` of the tab.

    Where there is trouble, or the menu was opened and nothing else chosen, all stays as it is.
    """
    if model == current:  # an answer might be late, and put back what has changed meanwhile
        return {}
    try:
        progress(0, desc="Loading the model")
        net, own, _ = chosen(model, head, wait=True)
        looked = look(shown, model, head)
    except TROUBLE as error:
        return trouble(error) | {"model": current}
    looked |= {"picture": shown, "shown": shown, "model": model, "current": model}
    return looked | choices(classes(net, own))


def on_gradient(event: gr.EventData) -> str:
    """The chart's question for gradients, with everything in it, to the chart's message."""
    question = event._data
    try:
        logits = checked(question["logits"], least=2)
        methods = {family: str(question["methods"][family]) for family in registry.FAMILIES}
        settings = {key: p.check(question["settings"][key], len(logits)) for key, p in PARAMETERS.items()}
        target = question["target"]
        if type(target) is not int or not 0 <= target < len(logits):  # True is an int as well
            raise ValueError("target must be the index of a class")
        columns = sent_back(logits, methods, settings, target)
    except (KeyError, TypeError, ValueError) as error:
        raise gr.Error(f"The gradient cannot be computed: {error}", print_exception=False) from error
    return message("gradient", question_number(event), gradient=columns)


# The page -----------------------------------------------------------------------------------------------------------

DOWNLOADS = {"Chart as SVG": "svg", "Chart as PNG": "png", "Numbers as CSV": "csv", "Numbers as JSON": "json"}


class Tab(NamedTuple):
    """The parts of this tab that others read or write."""

    model_outputs: dict[str, gr.components.Component]  # by name, what another model, or a link, changes
    current: gr.Textbox  # the model whose logits the chart shows
    shown: Shown  # the path of the picture that it shows
    head: HeldBytes  # the file of the visitor's own head; None without one
    controls: dict[str, Control]  # by family its method, by parameter its value, and what else belongs to the setting

    @property
    def head_outputs(self) -> dict[str, gr.components.Component]:
        """By name, what a head of the visitor's changes, see `adopt`.

        ``setting.KEY`` is the component of a control, and ``slider.KEY`` the slider beside it.
        """
        outputs = self.model_outputs | {"head": self.head}
        for key, control in self.controls.items():
            if key != "gradient":
                outputs[f"setting.{key}"] = control.component
                if control.slider:
                    outputs[f"slider.{key}"] = control.slider
        return outputs


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
        missing, model = str(error), BUNDLED
    labels = network(model).checkpoint.labels
    first = look(str(FIRST_SAMPLE), model)
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
            crops = gr.HTML(first["crops"], elem_id="seen")
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
                    f"<p>{said('To compare, pin these settings as A, then change them.')}</p>", elem_id="compare-help"
                )
                with gr.Row(elem_id="compare"):
                    pin = gr.Button(t("Pin as A"), size="sm", min_width=70, elem_id="pin-a")
                    swap = gr.Button(t("Swap A and B"), size="sm", min_width=100, elem_id="swap-a")
                    unpin = gr.Button(t("Unpin A"), size="sm", min_width=70, elem_id="unpin-a")
            methods, parameters = {}, {}
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
                    parameters |= rows("explore", registry.parameters(family).values())
            events = ("gradient", "back")
            chart = Island("explore.mount", events, value=first["chart"], node="chart", elem_id="chart-block")
            with gr.Row(elem_id="take-home"):
                gr.HTML(f"<p>{said('Download')}</p>")
                for name, method in DOWNLOADS.items():
                    download = gr.Button(t(name), size="sm", min_width=110)
                    download.click(js=in_browser(f"takehome.{method}()"), **BROWSER)

    view = {"chart": chart, "crops": crops, "notice": told}
    subject = {"shown": shown, "model": chooser, "current": current}
    model_outputs = view | {"picture": picture} | subject | {"setting.target": target, "setting.k": top_k}
    handle(
        picture.input,
        on_picture,
        [picture, chooser, head],
        view | subject,
        show_progress="hidden",
        trigger_mode="always_last",
        **NETWORK,
    )
    # As often as a camera has a new picture; the browser sends one only when it has an answer to the one before.
    often = {"stream_every": 1 / 30, "show_progress": "hidden"}
    handle(camera.stream, on_frame, [camera, chooser, head], view, **often, **CAMERA)
    handle(
        gallery.select,
        on_sample,
        [chooser, head],
        view | {"picture": picture} | subject,
        show_progress="hidden",
        trigger_mode="multiple",
        **NETWORK,
    )
    handle(
        chooser.input,
        on_model,
        [chooser, head, shown, current],
        model_outputs,
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
    handle(
        live.input,
        lambda on: {"picture": gr.update(visible=not on), "camera": gr.update(visible=on)},
        live,
        {"picture": picture, "camera": camera},
        show_progress="hidden",
        api_visibility="private",
        queue=False,
    )
    handle(live.input, on_live, [live, chooser, head, shown], view, show_progress="hidden", **NETWORK)

    others = {"k": top_k, "gradient": with_gradient, "target": target}
    controls = {key: Control(component) for key, component in methods.items()} | parameters
    if taken := controls.keys() & others.keys():
        raise ValueError(f"{sorted(taken)} are controls of the page: give the parameters other keys")
    controls |= {key: Control(component) for key, component in others.items()}
    wire("explore", controls, take="hear")
    rescale.click(js=in_browser("explore.rescale()"), **BROWSER)
    kept = [control for key, control in controls.items() if key != "gradient"]
    back = [part for control in kept for part in (control.component, control.slider) if part]
    opening = [component.value for component in back]
    again = in_browser(f"explore.reset({json.dumps(opening)})")
    reset.click(outputs=back, js=again, **BROWSER)
    pin.click(js=in_browser("explore.pinA()"), **BROWSER)
    swap.click(js=in_browser("explore.swap()"), **BROWSER)
    unpin.click(js=in_browser("explore.unpinA()"), **BROWSER)

    with gr.Column(visible=False):  # what a program calls; gradio checks uploads only for components
        given, answer = Picture(label="picture"), gr.JSON(label="logits")
        wanted = Model(BUNDLED, label="model")
        gr.Button().click(
            classify, [given, wanted], answer, api_name="classify", **(NETWORK | {"api_visibility": "public"})
        )
    gr.api(constrain, api_name="constrain", concurrency_limit=4)
    described(next(fn for fn in Context.root_block.fns.values() if fn.fn is constrain).inputs)
    return Tab(model_outputs, current, shown, head, controls)
