"""The Calibrate tab: how far the confidences can be trusted, before and after a constraint and a temperature.

The server sends the logits that judge, once, and fits T when asked, on the others. Everything that a slider moves is
computed and drawn in the browser (assets/web/calibrate, over assets/web/twins/calibration.js, the twin of
`calibration`), and so is the sweep of the bounds: it needs nothing but those logits, and on the server it would
stand in the way of other visitors.
"""

import base64
import functools
import html
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import gradio as gr
from torch import Tensor

from ... import calibration, models, registry, validation
from ...parameters import Number, Value
from ...registry import PARAMETERS, TEMPERATURE
from ...validation import ValidationError
from ..controls import (
    BROWSER,
    Control,
    HeldFile,
    Island,
    handle,
    in_words,
    message,
    notice,
    position,
    rows,
    speaker,
    wire,
)
from ..languages import said, t
from ..server.workers import WORKERS, WorkerError

SPARSE = tuple(key for key, entry in registry.REGISTRY.items() if entry.sparse)
UNFITTED = {"slider.temperature": position(TEMPERATURE, 1.0), "setting.temperature": 1.0, "result": ""}
BUNDLED = "CIFAR-10's test pictures, as seen by the bundled model"
PLAIN = "#plain"
TROUBLE = (ValidationError, WorkerError)
GONE = "Your file is no longer available: upload it again, or go back to the bundled set."
# A fit of a million numbers takes a second or two of a core: few at a time, so that pictures go on being classified.
SERVER = {"concurrency_id": "calibrate", "concurrency_limit": 2, "api_visibility": "private"}

_CSV = said(
    "a header with a column “label” and one column for each class, in order. Each row holds the index of the right "
    "class, counted from 0, and the logits from the last layer, not probabilities. Separate columns with commas, "
    "semicolons or tabs; write decimal points."
)
_SAFETENSORS = said("tensors “logits” (N, C), floating-point, and “labels” (N,), integers.")
_LIMITS = said(
    "{few} to {rows} rows, {two} to {classes} classes, up to {numbers} logits in all and {size} MB. T is fitted on "
    "60 % of the rows, drawn at random; the figures come from the others.",
    few=validation.MIN_ROWS,
    rows=f"{validation.MAX_ROWS:,}",
    two=validation.MIN_CLASSES,
    classes=f"{validation.MAX_CLASSES:,}",
    numbers=f"{validation.MAX_NUMBERS:,}",
    size=validation.MAX_BYTES // 2**20,
)
FORMAT = f"""<details class="cal-format"><summary>{said("What the file must look like")}</summary>
<p><b>CSV</b>: {_CSV}</p>
<pre>label,cat,dog,frog
0,3.1,0.2,-1.4
2,-0.5,0.1,2.2</pre>
<p><b>safetensors</b>: {_SAFETENSORS}</p>
<p>{_LIMITS}</p></details>"""


class Parts(NamedTuple):
    """A validation set in two parts: one to fit T on, the other to judge by."""

    name: str
    classes: tuple[str, ...]
    fit: tuple[Tensor, Tensor]  # (F, C) float32, (F,) int64
    judge: tuple[Tensor, Tensor]  # (J, C) float32, (J,) int64


class Own(Parts):
    """A visitor's, whose numbers may look like something else than logits.

    Attributes:
        kind: what they look like, see `validation.ValidationSet`.
        plain: whether probabilities are taken for logits all the same.
    """

    kind, plain = validation.LOGITS, False


class HeldSet(HeldFile):
    """The path of a visitor's set, with `PLAIN` behind it where its probabilities are to be taken for logits."""

    is_template = True

    def preprocess(self, payload: str | None) -> str:
        """As in `HeldFile`."""
        text = str(payload or "")
        path = super().preprocess(text.removesuffix(PLAIN))
        return path + PLAIN if path and text.endswith(PLAIN) else path


@functools.cache
def bundled() -> Parts:
    """The bundled model's logits of CIFAR-10's test pictures."""
    checkpoint = models.bundled()
    logits, labels, fit = checkpoint.tested("logits", "labels", "fit")
    logits, labels, classes = logits.float(), labels.long(), checkpoint.labels
    return Parts(BUNDLED, classes, (logits[fit], labels[fit]), (logits[~fit], labels[~fit]))


def own(path: str) -> Own:
    """A visitor's file; probabilities by their logarithm, but for a path that ends in `PLAIN`.

    Raises:
        ValidationError: if it cannot be used, or is gone.
        WorkerError: if it is too much for its parser.
    """
    path, plain = str(path).removesuffix(PLAIN), str(path).endswith(PLAIN)
    try:
        with open(path, "rb") as file:
            data = file.read(validation.MAX_BYTES + 1)
    except OSError as error:
        raise ValidationError(GONE) from error
    parsed = WORKERS.run(validation.parse, data, path)  # gradio's own kind of str would load gradio there
    given = validation.tensors(*parsed)
    kind, (logits, labels, classes) = given.kind, given
    if kind in validation.BY_LOGARITHM and not plain:
        logits = validation.logarithms(logits)
    fit = validation.split(len(labels))
    shown = Own(Path(path).name[:60], classes, (logits[fit], labels[fit]), (logits[~fit], labels[~fit]))
    shown.kind, shown.plain = kind, plain
    return shown


def parts(path: str) -> Parts:
    """The set that is shown: a visitor's file, or, where ``path`` is empty, the bundled one."""
    return own(path) if path else bundled()


# What the page shows ------------------------------------------------------------------------------------------------


def set_message(shown: Parts) -> str:
    """The message with a set: its judging part in base64, little-endian, and softmax's fitted T."""
    logits, labels = shown.judge
    fit = calibration.fit_temperature(calibration.as_logits(None, shown.fit[0]), shown.fit[1])
    return message(
        "set",
        name=shown.name,
        classes=shown.classes,
        rows={"fit": len(shown.fit[1]), "judge": len(labels)},
        logits=base64.b64encode(logits.numpy().astype("<f4").tobytes()).decode(),
        labels=base64.b64encode(labels.numpy().astype("<i4").tobytes()).decode(),
        fitted=None if fit.edge else fit.temperature,
    )


def described(shown: Parts) -> str:
    """Which set is shown, in words, as HTML."""
    few = ", ".join(html.escape(name[:30]) for name in shown.classes[:4])
    classes = len(shown.classes)
    more = f", … {html.escape(shown.classes[-1][:30])}" if classes > 4 else ""
    name = said(shown.name) if shown.name == BUNDLED else html.escape(shown.name)
    count, rows, judge = f"{classes}", f"{len(shown.fit[1]):,}", f"{len(shown.judge[1]):,}"
    looks = _looks(shown) if isinstance(shown, Own) else ""
    split = said("T is fitted on {rows} rows; the figures come from the other {judge}.", rows=rows, judge=judge)
    return f"<p><b>{name}</b><br>{said('{count} classes', count=count)}: {few}{more}.<br>{split}</p>{looks}"


def _looks(shown: Own) -> str:
    """What the numbers of a file look like and how they are read, as HTML; nothing for logits."""
    if shown.kind in validation.BY_LOGARITHM and shown.plain:
        text = said(
            "These look like probabilities, since each row is positive and has the same sum. They are treated as "
            "logits anyway."
        )
    elif shown.kind in validation.BY_LOGARITHM:
        text = said(
            "These look like probabilities, since each row is positive and has the same sum. They are read as "
            "probabilities: their logarithms serve as logits, and a 0 counts as half of the smallest number in the "
            "file."
        )
    elif shown.kind == validation.LOG_PROBABILITIES:
        text = said("These are logarithms of probabilities, so they are logits too. Bounds act on them as they are.")
    elif shown.kind == validation.SHARES:
        text = said(
            "All numbers are between 0 and 1, but rows do not sum to 1, as with one sigmoid for each class. They are "
            "treated as logits: if they are not, save the numbers from before the sigmoid."
        )
    else:
        return ""
    kind = ("cal-plain" if shown.plain else "cal-read-as") if shown.kind in validation.BY_LOGARITHM else ""
    return f'<p role="status" class="{kind}">{text}</p>'


def words(method: str, settings: dict[str, Value], labels: Sequence[str]) -> str:
    """A constraint and its parameters, but for T, as a person reads them, as HTML."""
    parameters = [p for p in registry.REGISTRY[method].parameters if p != TEMPERATURE]
    values = [in_words(p, settings[p.key], labels) for p in parameters]
    return ", ".join([said(registry.REGISTRY[method].title), *filter(None, values)])


def percent(share: float) -> str:
    """A share as the tables beside it write it: a digit after the point, or two that count."""
    return f"{100 * share:.1f} %" if share >= 0.00995 else f"{100 * share:.2g} %"


def told(name: str, fit: calibration.TemperatureFit, shown: Parts, y: Tensor) -> str:
    """The result of a fit as HTML: T from one part, figures of the other before and after. ``name`` is HTML too."""
    rows, judged = len(shown.fit[1]), len(shown.judge[1])
    if fit.edge:
        return f'<p role="status"><b>{name}.</b> {said(calibration.EDGES[fit.edge])} {said("T stays as it is.")}</p>'
    one, best = (calibration.figures(y / t, shown.judge[1]) for t in (1.0, fit.temperature))
    beyond = ""
    if not TEMPERATURE.low <= fit.temperature <= TEMPERATURE.high:
        ends = {"low": f"{TEMPERATURE.low:g}", "high": f"{TEMPERATURE.high:g}"}
        beyond = " " + said("That is outside the slider's range, {low} to {high}.", **ends)
    level = f"{best.nll:.4f}" == f"{one.nll:.4f}"
    worse = ""
    if level or best.nll > one.nll:
        worse = " " + (
            said("Fitting did not help here: T = 1 was just as good.")
            if level
            else said("Fitting did not help here: T = 1 was better.")
        )
    compared = said("On the other {judged}, compared with T = 1:", judged=f"{judged:,}")
    return (
        f'<p role="status"><b>{name}: T = {fit.temperature:.4g}</b>, '
        f"{said('fitted on {rows} rows.', rows=f'{rows:,}')}{beyond} "
        f"{compared} NLL {one.nll:.4f} → {best.nll:.4f}, "
        f"ECE {percent(one.ece)} → {percent(best.ece)}, "
        f"Brier {one.brier:.4f} → {best.brier:.4f}.{worse}</p>"
    )


def shown_as(shown: Parts, path: str = "") -> dict:
    """A set, by its path but for the bundled one, as handlers return it: board, set, description, an empty notice."""
    return {"board": set_message(shown), "set": path, "description": described(shown), "notice": ""}


# Events -------------------------------------------------------------------------------------------------------------


def on_open(path: str) -> dict:
    """The tab is seen for the first time: what is `shown_as`."""
    try:
        shown = parts(path)
    except TROUBLE as error:
        return shown_as(bundled()) | {"notice": notice(str(error))}
    return shown_as(shown, path)


def on_read(path: str) -> dict:
    """Probabilities taken for what they are, or for logits, whichever was not: as `on_bundled`."""
    return on_open(path.removesuffix(PLAIN) if path.endswith(PLAIN) else path and path + PLAIN) | UNFITTED


def on_upload(path: str | None) -> dict:
    """A visitor's file: as `on_bundled`, and the file box.

    A bad one leaves all as it was. A good one opens at T = 1: what was fitted on another set says nothing about it. The
    file box is emptied, so that it goes on being the place where the next file is dropped.
    """
    try:
        shown = own(path or "")
    except TROUBLE as error:
        return {"file": None, "notice": notice(str(error))}
    return {"file": None} | shown_as(shown, path) | UNFITTED


def on_bundled() -> dict:
    """Back to the bundled set, at T = 1: what is `shown_as`, and what is `UNFITTED`."""
    return shown_as(bundled()) | UNFITTED


def on_fit(method: str, path: str, *values: float | str) -> dict:
    """The best T for a constraint, whose ``values`` the rows of parameters hold.

    Board, notice, result, and T's slider and setting where there is one.
    """
    try:
        shown = parts(path)
    except TROUBLE as error:
        return {"notice": notice(str(error))}
    try:
        given = dict(zip(PARAMETERS, values, strict=True)) | {TEMPERATURE.key: 1.0}
        entry = registry.REGISTRY[method]
        settings = {
            p.key: p.check(given[p.key]) if isinstance(p, Number) else p.read(str(given[p.key]), shown.classes)
            for p in entry.parameters
        }
        constraint = registry.build(method, settings, classes=len(shown.classes))
    except (KeyError, TypeError, ValueError) as error:
        raise gr.Error(f"T cannot be fitted: {error}", print_exception=False) from error
    if method in SPARSE:
        text = said(
            "{title} gives some classes probability 0. If the right class is one of them, the NLL is infinite, so no T "
            "is best by NLL: the table compares this map with softmax at its own fitted T.",
            title=registry.REGISTRY[method].title,
        )
        return {"notice": "", "result": f'<p role="status">{text}</p>'}
    fit = calibration.fit_temperature(calibration.as_logits(constraint, shown.fit[0]), shown.fit[1])
    text = told(words(method, settings, shown.classes), fit, shown, calibration.as_logits(constraint, shown.judge[0]))
    if fit.edge:
        return {"notice": "", "result": text}
    found = message("fit", method=method, settings=given, temperature=fit.temperature)
    value = float(f"{min(max(fit.temperature, TEMPERATURE.low), TEMPERATURE.high):.4g}")
    best = {"slider.temperature": position(TEMPERATURE, value), "setting.temperature": value}
    return {"board": found, "notice": "", "result": text} | best


# The page -----------------------------------------------------------------------------------------------------------


def build() -> dict[str, Control]:
    """Lay out the tab inside a `gr.Tab` and wire its events; returns the tab's setting."""
    path = HeldSet(visible=False)
    choices = [
        (
            t("No constraint: softmax")
            if key == "softmax"
            else t("{family}: {title}", family=registry.FAMILIES[entry.family], title=entry.title),
            key,
        )
        for key, entry in sorted(registry.REGISTRY.items(), key=lambda item: item[0] != "softmax")
    ]
    with gr.Row(elem_id="calibrate", equal_height=False):
        with gr.Column(elem_id="calibrate-panel", elem_classes="setup", scale=0, min_width=250):
            method = gr.Dropdown(
                choices, value="softmax", label=t("Constraint"), elem_id="calibrate-method", filterable=False
            )
            parameters = rows("calibrate", [*(p for p in PARAMETERS.values() if p != TEMPERATURE), TEMPERATURE])
            temperature = [parameters[TEMPERATURE.key].slider, parameters[TEMPERATURE.key].component]
            fit = gr.Button(t("Fit temperature"), variant="primary", elem_id="calibrate-fit")
            result = gr.HTML("", elem_id="calibrate-result")
            about = gr.HTML(described(bundled()), elem_id="calibrate-set")
            with gr.Row(elem_id="calibrate-reading"):  # calibrate.css shows the one that applies
                readings = [
                    gr.Button(t("Treat them as logits"), size="sm"),
                    gr.Button(t("Read them as probabilities"), size="sm"),
                ]
            told_notice = speaker("#calibrate-file", "calibrate-notice")
            upload = gr.File(
                label=t("Your own set, CSV or safetensors"), height=130, elem_id="calibrate-file", buttons=[]
            )
            back = gr.Button(t("Back to the bundled set"), size="sm", elem_id="calibrate-back")
            gr.HTML(FORMAT, elem_id="calibrate-format")
        with gr.Column(elem_id="calibrate-main", scale=1, min_width=0):
            board = Island("calibrate.mount", ("open",), node="calibrate-board", elem_id="calibrate-block")

    seen = {"board": board, "notice": told_notice, "set": path, "description": about}
    fitted = {"result": result, "slider.temperature": temperature[0], "setting.temperature": temperature[1]}
    quiet = {"show_progress": "hidden"} | SERVER
    read = functools.partial(gr.on, [button.click for button in readings])
    handle(board.open, on_open, path, seen, **quiet)
    others = [
        handle(upload.upload, on_upload, upload, {"file": upload} | seen | fitted, **quiet),
        handle(back.click, on_bundled, None, seen | fitted, **quiet),
        handle(read, on_read, path, seen | fitted, **quiet),
    ]
    fitting = handle(
        fit.click,
        on_fit,
        [method, path, *(parameters[key].component for key in PARAMETERS)],
        {"board": board, "notice": told_notice} | fitted,
        **quiet,
    )
    for other in others:
        other.success(cancels=[fitting], **BROWSER)  # its answer would be about the set that was there before
    controls = {"method": Control(method)} | parameters
    wire("calibrate", controls)
    return controls
