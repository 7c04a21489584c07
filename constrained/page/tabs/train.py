"""The Train tab: a head fitted live on the bundled features, and sweeps over lambda and over the bounds.

A run is one event whose answers stream back while it trains. It works only as long as the page listens: gradio closes
it when the stream of answers breaks, as it does when the visitor leaves, and `on_halt` ends it at its next report. Runs
and the heads they end in are kept by the visitor's browser (assets/web/train) and not here.
"""

import base64
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, replace

import gradio as gr
import torch
from gradio.context import LocalContext

from ... import heads, models, registry, training
from ...modules import ConstrainedLinear
from ...registry import PARAMETERS, TEMPERATURE
from ...training import Setting
from .. import models as menu
from ..controls import (
    BROWSER,
    FITS,
    Control,
    Island,
    classes,
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
from . import explore

LAMBDAS = [0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0]
BOUNDS = {"lo": [-8.0, -4.0, -2.0, -1.0, 0.0], "hi": [0.5, 1.0, 2.0, 4.0, 8.0]}
STREAM = 0.1  # seconds between two answers of a run
HALTED = "halted"  # in a question that the page no longer wants answered
# gradio allows the events whose names it finds here in quotes.


def facts() -> dict:
    """What assets/web/train needs to know."""
    return {
        "parameters": {key: p.facts() for key, p in training.PARAMETERS.items()},
        "classes": models.bundled().labels,
        "setting": asdict(Setting()),
        "figures": training.Figures._fields,
        "lambdas": LAMBDAS,
        "bounds": BOUNDS,
        "judged": models.bundled().figures["judged"],  # the labelled set itself is read when it is first needed
    }


def plain(figures: training.Figures) -> list[float | None]:
    """Figures as JSON has them: it knows no infinity, so an infinite NLL is null."""
    return [round(v, 6) if v is not None and math.isfinite(v) else None for v in figures]


def fits(setting: Setting, reports: int = 50) -> Iterator[tuple[training.Figures, ConstrainedLinear]]:
    """`training.fit` in one thread of computation.

    Its matrices are small, and on a busy machine two threads that wait for each other at every step took four times
    as long as one alone. torch keeps that number for each thread, and each answer may find gradio in another one.
    """
    going = training.fit(setting, reports)
    while True:
        torch.set_num_threads(1)
        step = next(going, None)
        if step is None:
            return
        yield step


# Events -------------------------------------------------------------------------------------------------------------


def on_run(event: gr.EventData) -> Iterator[str]:
    """A setting to a run's messages: its figures so far and its state, at the end with its head."""
    question, points, head, state, why, file = question_number(event), [], None, "done", "", None
    started = reported = time.monotonic()
    try:
        setting = Setting.read(event._data.get("setting"))
        if event._data.get(HALTED):
            return  # it was halted in the queue; the page knows
        for step in fits(setting):
            figures, head = step
            points.append(plain(figures))
            if event._data.get(HALTED):
                state = "stopped"
                break
            if time.monotonic() - reported > STREAM:
                reported = time.monotonic()
                yield message("run", question, state="running", points=points)
        data = training.data()
        file = base64.b64encode(heads.save(head, setting.method, data.classes, data.network)).decode()
    except (training.DivergedError, ValueError) as error:  # a setting that cannot be, a head that cannot be kept
        state, why = "failed", str(error)
    seconds = round(time.monotonic() - started, 2)
    yield message("run", question, state=state, why=why, points=points, head=file, seconds=seconds)


def on_sweep(event: gr.EventData) -> Iterator[str]:
    """A setting and what to sweep to messages: the points so far, each with its final figures."""
    question, points, state, why = question_number(event), [], "done", ""
    axis = event._data.get("axis")
    if event._data.get(HALTED):
        return
    try:
        for setting in sweep(Setting.read(event._data.get("setting")), axis):
            figures = None
            try:
                for step in fits(setting, reports=5):
                    figures = step[0]
                    if event._data.get(HALTED):
                        state = "stopped"
                        break
            except training.DivergedError:
                figures = None  # no result
            if state == "stopped":
                break
            point = dict(zip(training.Figures._fields, plain(figures), strict=True)) if figures else {}
            box = {key: setting.settings[key] for key in BOUNDS if axis == "bounds"}
            points.append(point | box | {"weight": setting.weight})
            yield message("sweep", question, axis=axis, state="running", points=points)
    except ValueError as error:
        state, why = "failed", str(error)
    yield message("sweep", question, axis=axis, state=state, why=why, points=points)


def sweep(setting: Setting, axis: object) -> Iterator[Setting]:
    """The settings of a sweep, all else as in ``setting``."""
    if axis == "lambda" and setting.penalty:
        return (replace(setting, weight=weight) for weight in LAMBDAS)
    if axis == "bounds" and setting.method and {*BOUNDS} <= setting.settings.keys():
        boxes = itertools.product(BOUNDS["lo"], BOUNDS["hi"])
        return (replace(setting, settings=setting.settings | {"lo": lo, "hi": hi}) for lo, hi in boxes)
    raise ValueError("a sweep needs a penalty for lambda, or a constraint with bounds")


async def on_halt(event: gr.EventData, request: gr.Request) -> None:
    """End the page's runs up to this one: those that wait do not begin, the others end at their next report.

    The mark is put on each question, so nothing has to be remembered about a visitor, and later questions are not
    affected. A coroutine runs where the queue does, so no question can move from line to work meanwhile. This relies on
    gradio's internals: ``Queue.event_queue_per_concurrency_id``, ``Queue.active_jobs``, and that an event's data are
    the same object everywhere. It would not be needed if gradio had a way to find a session's events.
    """
    last, queue = question_number(event), LocalContext.blocks.get()._queue
    line = queue.event_queue_per_concurrency_id.get(FITS["concurrency_id"])
    for one in [*(line.queue if line else ()), *(one for job in queue.active_jobs for one in job or ())]:
        question = one.data.event_data if one.session_hash == request.session_hash else None
        if not isinstance(question, dict) or one.fn.fn not in (on_run, on_sweep):
            continue
        if question_number(gr.EventData(None, question)) <= last:
            question[HALTED] = True


def on_use(event: gr.EventData, shown: str, earlier: bytes | None) -> dict:
    """A run's head, from the browser, to the Explore tab."""
    try:
        data = base64.b64decode(str(event._data["head"])[: 2 * heads.MAX_BYTES], validate=True)
    except (KeyError, TypeError, ValueError):
        data = b""
    return arrive(data, shown, earlier)


def on_upload(path: str | None, shown: str, earlier: bytes | None) -> dict:
    """A head file to the Explore tab."""
    return arrive(heads.read(path) if path else b"", shown, earlier)


def arrive(data: bytes, shown: str, earlier: bytes | None) -> dict:
    """Take a head file: its changes to the Explore tab, which is then opened, and this tab's notice."""
    updates, trouble = menu.adopt(data, shown, earlier)
    if not trouble:
        updates |= {"picture": shown, "shown": shown, "tabs": gr.Tabs(selected="explore")}
    return updates | {"train.notice": notice(trouble)}


# The page -----------------------------------------------------------------------------------------------------------


def build(explored: explore.Tab, tabs: gr.Tabs) -> dict[str, Control]:
    """Lay out the tab and wire its events; heads go to Explore, which is then opened. Returns the tab's setting."""
    default = Setting()
    with gr.Row(elem_id="train", equal_height=False):
        with gr.Column(elem_id="train-setup", elem_classes="setup", scale=0, min_width=270):
            method = gr.Dropdown(
                [(t("None: plain logits"), "")]
                + [
                    (t("{family}: {title}", family=registry.FAMILIES[e.family], title=e.title), key)
                    for key, e in registry.REGISTRY.items()
                ],
                value=default.method,
                label=t("Constraint"),
                elem_id="train-method",
            )
            gr.HTML(f"<p>{said('The logits go into the loss unchanged.')}</p>", elem_id="train-help")
            parameters = rows("train", PARAMETERS.values())
            learned = gr.Checkbox(
                default.learned,
                label=t("Learn T from this value"),
                elem_id="train-learned",
                elem_classes=classes(TEMPERATURE),
            )
            penalty = gr.Radio(
                [(t("none"), ""), ("L1", "l1"), ("L2", "l2")],
                value=default.penalty,
                label=t("Penalty on the logits, in the loss"),
                elem_id="train-penalty",
            )
            own = rows("train", [training.PENALTY, training.LEARNING_RATE, training.EPOCHS])
            noise = gr.Slider(0, 60, 0, step=5, label=t(training.NOISE.name), elem_id="train-noise-slider", buttons=[])
            own |= rows("train", [training.EXAMPLES])
            with gr.Accordion(t("Optimiser"), open=False, elem_id="train-optimiser"):
                optimizer = gr.Radio(
                    [("AdamW", "adamw"), ("SGD, Nesterov", "sgd")], value=default.optimizer, label=t("Optimiser")
                )
                batch = gr.Dropdown(
                    [(t("all at once"), 0)] + [(str(b), b) for b in training.BATCHES if b],
                    value=default.batch,
                    label=t("Batch size"),
                    elem_id="train-batch",
                    filterable=False,
                )
                seed = gr.Number(
                    default.seed, label=t(training.SEED.name), precision=0, minimum=0, maximum=training.SEED.high
                )
            live = gr.Checkbox(label=t("Train live"), info=t("retrains when a control settles"), elem_id="train-live")
            with gr.Row(elem_id="train-actions"):
                begin = gr.Button(t("Train"), variant="primary", size="sm", min_width=80)
                stop = gr.Button(t("Stop"), size="sm", min_width=60)
            upload = gr.UploadButton(
                t("Upload a head"), file_types=[".safetensors"], size="sm", elem_id="train-upload", type="filepath"
            )
            told = speaker("#train-setup", "train-notice")
        with gr.Column(elem_id="train-panel", elem_classes="results", scale=1):
            line = gr.HTML("", elem_id="train-line", apply_default_css=False)
            events = ("run", "sweep", "halt", "use")
            chart = Island("train.mount", events, node="train-chart", elem_id="train-block")

    chart.run(on_run, None, chart, show_progress="minimal", show_progress_on=line, **FITS)
    chart.sweep(on_sweep, None, chart, show_progress="minimal", show_progress_on=line, **FITS)
    chart.halt(on_halt, None, None, queue=False, show_progress="hidden", api_visibility="private")
    shown = [explored.shown, explored.head]
    outputs = explored.head_outputs | {"tabs": tabs, "train.notice": told}
    arrival = {"outputs": outputs, "show_progress": "hidden", "api_visibility": "private"}
    handle(chart.use, on_use, shown, **arrival, concurrency_id="head", concurrency_limit=4)
    handle(upload.upload, on_upload, [upload, *shown], **arrival, concurrency_id="head")
    begin.click(js=in_browser("train.begin()"), **BROWSER)
    stop.click(js=in_browser("train.halt()"), **BROWSER)
    live.change(inputs=live, js=in_browser("train.goLive(on)", "on"), **BROWSER)

    setting = {"method": method, "learned": learned, "penalty": penalty, "optimizer": optimizer, "batch": batch}
    controls = {key: Control(component) for key, component in setting.items()} | parameters | own
    controls |= {"seed": Control(seed, training.SEED), "noise": Control(noise, training.NOISE, unit=100)}
    wire("train", controls)
    return controls
