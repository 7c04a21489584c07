"""What the tabs have in common: sliders, how events are sent, and how the page keeps what its visitor has."""

import base64
import html
import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component
from gradio.context import Context
from gradio.events import Dependency

from .. import shipped
from ..parameters import Number, Parameter, Value, Vector
from .languages import t
from .server import guard

ASSETS = shipped.ROOT / "assets"
STEPS = 100  # a log slider goes from 0 to here

BROWSER = {"fn": None, "queue": False, "show_progress": "hidden", "api_visibility": "private"}
# All fits share one limit, so that a class that trains leaves the machine to those who look at pictures.
FITS = {"concurrency_id": "fits", "concurrency_limit": 2, "api_visibility": "private", "trigger_mode": "multiple"}


def in_browser(call: str, *arguments: str) -> str:
    """JavaScript for an event: a call of what main.js exports, which may not have arrived yet.

    Args:
        call: an expression, such as ``explore.set('lo', value)``, whose value goes to the event's outputs.
        arguments: names in it for the values of the event's inputs.
    """
    return f"async ({', '.join(arguments)}) => (await ready).{call}"


def handle(
    trigger: Callable, handler: Callable, inputs: object, outputs: dict[str, Component], **options
) -> Dependency:
    """Wire an event whose handler returns what it changes by name, as a dict; what it leaves out stays as it is.

    The handler is registered as it is, so that gradio and `layout.Demo` know it; `placed` reads what it returns.

    Args:
        trigger: of gradio, such as ``button.click``.
        handler: a function or a generator, with arguments as gradio passes them.
        inputs: as gradio takes them.
        outputs: name to component.
        options: of ``trigger``.
    """
    wired = trigger(handler, inputs, list(outputs.values()), **options)
    Context.root_block.fns[wired["id"]].named = outputs
    return wired


def placed(fn: BlockFunction, answer: object) -> object:
    """What a handler returned, as gradio takes it: with components in place of the names that `handle` was given.

    Raises:
        ValueError: for a name that is not among the handler's outputs.
    """
    outputs = getattr(fn, "named", None)
    if outputs is None or not isinstance(answer, dict):  # returned by place, or the end of a generator
        return answer
    if unknown := answer.keys() - outputs.keys():
        raise ValueError(f"{fn.name} returned {sorted(unknown)}, but its outputs are {sorted(outputs)}")
    return {outputs[name]: value for name, value in answer.items()} or gr.skip()


class Island(gr.HTML):
    """A part of the page that main.js draws and fills.

    Args:
        mount: which function of main.js makes it: it is given the element, gradio's ``props`` and ``watch``, and
            ``asks``, which has a function for each event.
        events: by which it asks the server, or gradio.
        value: the first `message`, if there is one from the start.
        node: the id of the element in it.
        more: further arguments of ``mount``, as JavaScript.
        options: of ``gr.HTML``.
    """

    def __init__(
        self, mount: str, events: Sequence[str] = (), value: str = "", node: str = "", more: str = "", **options
    ) -> None:
        asks = ", ".join(f"{name}: (data) => trigger('{name}', data)" for name in events)
        super().__init__(
            value,
            html_template=f'<div id="{node}"></div>',
            js_on_load=f"ready.then((page) => page.{mount}(element, props, watch, {{ {asks} }}{more and ', '}{more}));",
            apply_default_css=False,
            **options,
        )


def message(kind: str, question: int | None = None, **fields) -> str:
    """What an island is sent, as JSON; assets/web/base/messages.js hands it to whoever reads messages of its kind.

    Args:
        kind: by which the island tells it from its other messages.
        question: the `question_number` of what it answers; None where questions have none.
        fields: what it says.
    """
    number = {} if question is None else {"question": question}
    return json.dumps({"kind": kind} | number | fields)


def question_number(event: gr.EventData) -> int:
    """The number that assets/web/base/messages.js gave to a question, and that each answer to it brings back.

    Raises:
        gr.Error: for a question without one, which the page never asks.
    """
    number = event._data.get("question") if isinstance(event._data, dict) else None
    if type(number) is not int:  # True is an int as well
        raise gr.Error("question must be a whole number", print_exception=False)
    return number


def speaker(about: str, name: str, value: str = "") -> gr.HTML:
    """Where the sentences of a part of the page are shown, the server's and the browser's own.

    Args:
        about: where on the page that part takes files, as base/notices.js knows it.
        name: the element's id.
        value: the first sentence.
    """
    js = f"ready.then((page) => page.speaks('{about}', props));"
    return gr.HTML(value, elem_id=name, elem_classes="notice", js_on_load=js)


class Control(NamedTuple):
    """A part of a tab's setting: what a link can carry, and what a script can set."""

    component: gr.Slider | gr.Number | gr.Dropdown | gr.Radio | gr.Checkbox | gr.Textbox
    parameter: Parameter | None = None  # that it sets, where it is one
    slider: gr.Slider | None = None  # of a logarithmic scale, beside the box that is the component
    unit: float = 1.0  # how many of the component's units one of the setting's is


# What a page has of its visitor, the page itself keeps, out of sight, and sends along with each question. `gr.State`
# would keep it on the server, which drops it with the session; then its default is another picture, head or set than
# the page shows.


class HeldFile(gr.Textbox):
    """The path of a file that the page shows; ``""`` without one."""

    is_template = True  # the browser takes it for gr.Textbox

    def preprocess(self, payload: str | None) -> str:
        """The path of an upload. Of a file that is gone, or that nobody uploaded, a path where nothing is."""
        if not payload:
            return ""
        path, uploads = os.path.abspath(str(payload).replace("\0", "")), str(guard.folder())
        uploaded = os.path.dirname(os.path.dirname(path)) == uploads and os.path.isfile(path)
        return path if uploaded else os.path.join(uploads, "gone", "gone")


class HeldBytes(gr.Textbox):
    """A small file that the page keeps whole; None without one. A stranger may have written it."""

    is_template = True

    def preprocess(self, payload: str | None) -> bytes | None:
        """The file's bytes."""
        try:
            return base64.b64decode(payload or "", validate=True) or None
        except (TypeError, ValueError):
            return None

    def postprocess(self, value: bytes | None) -> str | None:
        """The same as text."""
        return base64.b64encode(value).decode() if value else None


def notice(text: str = "") -> str:
    """A sentence for the visitor, as HTML that a screen reader announces; nothing without text."""
    return f'<p role="alert">{html.escape(text)}</p>' if text else ""


def written(value: float) -> str:
    """A parameter's number as a sentence has it."""
    return f"{value:.4g}".replace("-", "−")


def in_words(parameter: Parameter, value: Value, labels: Sequence[str]) -> str:
    """A parameter and its value, as HTML: ``T = 0.5``, or ``b: cat=2``; nothing where no class differs.

    The browser's twin is in assets/web/base/words.js.
    """
    if isinstance(parameter, Number):
        return f"{parameter.symbol} = {written(value)}"
    text = html.escape(parameter.spell(value, labels))  # a file may have named the classes
    return text and f"{parameter.symbol}: {text}"


def position(parameter: Number, value: float) -> float:
    """Where a log slider stands for a value; the browser's twin is in assets/web/base/scales.js."""
    if parameter.zero and value < parameter.low:
        return 0.0
    return round(STEPS * math.log(value / parameter.low) / math.log(parameter.high / parameter.low), 2)


def classes(parameter: Parameter) -> list[str]:
    """By which assets/web/base/rows.js hides what belongs to a parameter, where a constraint does not have it."""
    return ["parameter", f"parameter-{parameter.key}"]


def rows(owner: str, parameters: Iterable[Parameter]) -> dict[str, Control]:
    """The controls of parameters, each in a row of its own; what the chosen constraint does not take is hidden.

    Args:
        owner: names the tab. Its object in the browser has the functions of base/sliders.js and base/texts.js, and its
            elements are called ``{owner}-{key}-row``, ``-slider`` and ``-value``.
        parameters: what they set.

    Returns:
        The controls, by the parameters' keys.
    """
    controls = {}
    for parameter in parameters:
        if not isinstance(parameter, Number):
            controls[parameter.key] = _text(owner, parameter)
        elif parameter.scale == "log":
            controls[parameter.key] = _log_slider(owner, parameter)
        else:
            controls[parameter.key] = Control(_linear_slider(owner, parameter), parameter)
    for key, control in controls.items():
        partner = control.parameter.above if isinstance(control.parameter, Number) else ""
        if partner:
            _together(controls[partner].component, control.component, partner, key)
    return controls


def _log_slider(owner: str, parameter: Number) -> Control:
    """A slider whose positions are logarithmic beside a box with the value itself."""
    key = parameter.key
    with gr.Row(elem_id=f"{owner}-{key}-row", elem_classes=["log-slider", *classes(parameter)]):
        slider = gr.Slider(
            0,
            STEPS,
            position(parameter, parameter.default),
            step=0.5,
            label=t(parameter.name),
            elem_id=f"{owner}-{key}-slider",
            elem_classes="position",
            buttons=[],
            scale=4,
            min_width=80,
        )
        box = gr.Number(
            parameter.default,
            label=t("{symbol}, value", symbol=parameter.symbol),
            minimum=parameter.least,
            maximum=parameter.high,
            elem_id=f"{owner}-{key}-value",
            scale=1,
            min_width=72,
        )
    slider.input(inputs=slider, outputs=box, js=in_browser(f"{owner}.slide('{key}', position)", "position"), **BROWSER)
    box.input(inputs=box, outputs=slider, js=in_browser(f"{owner}.type('{key}', value)", "value"), **BROWSER)
    # Out of range, or emptied: what counts comes back.
    gr.on([box.blur, box.submit], outputs=box, js=in_browser(f"{owner}.value('{key}')"), **BROWSER)
    return Control(box, parameter, slider)


def _linear_slider(owner: str, parameter: Number) -> gr.Slider:
    """A slider with gradio's own number box."""
    return gr.Slider(
        parameter.low,
        parameter.high,
        parameter.default,
        step=parameter.step,
        label=t(parameter.name),
        elem_id=f"{owner}-{parameter.key}-slider",
        elem_classes=classes(parameter),
        buttons=[],
    )


def _together(low: gr.Slider, high: gr.Slider, lower: str, upper: str) -> None:
    """Two sliders that cannot cross: the one that is not moved goes along."""
    for moved, key, other in ((low, lower, high), (high, upper, low)):
        js = in_browser(f"follow('{key}', moved, other)", "moved", "other")
        moved.input(inputs=[moved, other], outputs=other, js=js, **BROWSER)


def _text(owner: str, parameter: Parameter) -> Control:
    """A box for what differs by class, as `parameters` spells it."""
    each = isinstance(parameter, Vector)
    box = gr.Textbox(
        "",
        label=t(parameter.name),
        placeholder=t("cat = 2; dog = −1") if each else t("cat; dog"),
        info=t("A number for each class named; all others have {value}.", value=f"{parameter.default:g}")
        if each
        else t("The names of classes."),
        elem_id=f"{owner}-{parameter.key}-value",
        elem_classes=["each-class", *classes(parameter)],
    )
    js = in_browser(f"{owner}.write('{parameter.key}', text)", "text")
    gr.on([box.blur, box.submit], inputs=box, outputs=box, js=js, **BROWSER)
    return Control(box, parameter)


def wire(owner: str, controls: dict[str, Control], take: str = "set") -> None:
    """Tell the tab's object in the browser, through its method ``take``, whenever a control changes."""
    for key, control in controls.items():
        value = "value" if control.unit == 1 else f"value / {control.unit}"
        js = in_browser(f"{owner}.{take}('{key}', {value})", "value")
        control.component.change(inputs=control.component, js=js, **BROWSER)
