"""What the tabs have in common: sliders, how events are sent, and how the page keeps what its visitor has."""

import base64
import html
import math
import os
from pathlib import Path
from typing import NamedTuple

import gradio as gr

from ..registry import Parameter
from . import guard
from .languages import t

ASSETS = Path(__file__).parent.parent.parent / "assets"
STEPS = 100  # a log slider goes from 0 to here

BROWSER = {"fn": None, "queue": False, "show_progress": "hidden", "api_visibility": "private"}
# All fits share one limit, so that a class that trains leaves the machine to those who look at pictures.
FITS = {"concurrency_id": "fits", "concurrency_limit": 2, "api_visibility": "private", "trigger_mode": "multiple"}


class Control(NamedTuple):
    """A part of a tab's setting: what a link can carry, and what a script can set."""

    component: gr.Slider | gr.Number | gr.Dropdown | gr.Radio | gr.Checkbox
    slider: gr.Slider | None = None  # of a logarithmic scale, beside the box that is the component
    parameter: Parameter | None = None  # that scale
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


def position(parameter: Parameter, value: float) -> float:
    """Where a log slider stands for a value; the browser's twin is `page.position`."""
    if parameter.zero and value < parameter.low:
        return 0.0
    return round(STEPS * math.log(value / parameter.low) / math.log(parameter.high / parameter.low), 2)


def log_slider(owner: str, parameter: Parameter, name: str) -> tuple[gr.Slider, gr.Number]:
    """A slider whose positions are logarithmic beside a box with the value itself.

    ``owner`` names the tab: its object in the browser has the ``slide``, ``type`` and ``value`` of `page.logSliders`,
    and its elements are called ``{owner}-{key}-row``, ``-slider`` and ``-value``.
    """
    key = parameter.key
    with gr.Row(elem_id=f"{owner}-{key}-row", elem_classes="log-slider"):
        slider = gr.Slider(
            0,
            STEPS,
            position(parameter, parameter.default),
            step=0.5,
            label=name,
            elem_id=f"{owner}-{key}-slider",
            elem_classes="position",
            buttons=[],
            scale=4,
            min_width=80,
        )
        box = gr.Number(
            parameter.default,
            label=t("{symbol}, value", symbol=parameter.symbol),
            minimum=0 if parameter.zero else parameter.low,
            maximum=parameter.high,
            elem_id=f"{owner}-{key}-value",
            scale=1,
            min_width=72,
        )
    slider.input(inputs=slider, outputs=box, js=f"(position) => {owner}.slide('{key}', position)", **BROWSER)
    box.input(inputs=box, outputs=slider, js=f"(value) => {owner}.type('{key}', value)", **BROWSER)
    # Out of range, or emptied: what counts comes back.
    gr.on([box.blur, box.submit], outputs=box, js=f"() => {owner}.value('{key}')", **BROWSER)
    return slider, box


def linear_slider(owner: str, parameter: Parameter, name: str, step: float = 0.1) -> gr.Slider:
    """A slider with gradio's own number box."""
    return gr.Slider(
        parameter.low,
        parameter.high,
        parameter.default,
        step=step,
        label=name,
        elem_id=f"{owner}-{parameter.key}-slider",
        buttons=[],
    )


def wire(owner: str, controls: dict[str, Control], take: str = "set") -> None:
    """Tell the tab's object in the browser, through its method ``take``, whenever a control changes."""
    for key, control in controls.items():
        value = "value" if control.unit == 1 else f"value / {control.unit}"
        js = f"(value) => {{ {owner}.{take}('{key}', {value}); }}"
        control.component.change(inputs=control.component, js=js, **BROWSER)


def bounds(owner: str, lo: Parameter, hi: Parameter) -> tuple[gr.Slider, gr.Slider]:
    """Two sliders that cannot cross: the one that is not moved goes along."""
    low = linear_slider(owner, lo, t("lo, the lower bound"))
    high = linear_slider(owner, hi, t("hi, the upper bound"))
    low.input(inputs=[low, high], outputs=high, js="(lo, hi) => page.follow('lo', lo, hi)", **BROWSER)
    high.input(inputs=[high, low], outputs=low, js="(hi, lo) => page.follow('hi', hi, lo)", **BROWSER)
    return low, high
