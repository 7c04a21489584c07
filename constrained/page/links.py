"""The page's setting as a link: what assets/web/links.js, which reads and writes it, needs to know of the controls.

A link is spelled and checked in the browser. Only a sample picture or another model, which the network must look at,
comes to the server (`on_link`).
"""

import json

import gradio as gr

from ..models import CHECKPOINTS
from ..parameters import Mask, Vector
from . import models as menu
from . import pictures
from .controls import BROWSER, Control, Island, handle, in_browser
from .server.inference import network
from .tabs import explore

# What a link says beside the controls of the Explore tab; links.js reads it.
TAKEN = ("image", "model", "tab", "method", "family", "lesson", "step", "present", "teacher", "hide", "a")


def describe(control: Control) -> dict:
    """A control for the browser: which values it takes, where it opens, and how its components show them."""
    component = control.component
    told = {"opening": component.value}
    if isinstance(component, gr.Checkbox):
        told["kind"] = "flag"
    elif isinstance(control.parameter, Vector | Mask):
        told |= {"kind": control.parameter.kind, "scale": control.parameter.facts()}
    elif isinstance(component, gr.Slider | gr.Number):
        slider = isinstance(component, gr.Slider)
        whole = control.unit == 1 and (float(component.step).is_integer() if slider else component.precision == 0)
        told |= {"kind": "number", "low": component.minimum, "high": component.maximum, "unit": control.unit}
        told["whole"] = whole
        for key in ("opening", "low", "high"):
            told[key] /= control.unit
        if control.slider:
            told["scale"] = control.parameter.facts()
    elif component.elem_id == "target":  # its choices are those of the model
        told["kind"] = "text"
    else:
        told |= {"kind": "choice", "values": [value for _, value in component.choices]}
    return told


def on_link(event: gr.EventData, head: bytes | None, shown: str) -> dict:
    """What a link shows, to the ``model_outputs`` of the Explore tab.

    The browser checks a link, but anybody can send this event: what is no sample leaves the picture, and what is no
    model changes nothing.
    """
    asked = event._data if isinstance(event._data, dict) else {}
    model, name = asked.get("model"), asked.get("image")
    path = next((str(sample) for sample in pictures.SAMPLES if sample.stem == name), shown)
    try:
        labels = network(model).checkpoint.labels
        looked = menu.look(path, model, head)
    except menu.TROUBLE as error:
        return menu.trouble(error)
    looked |= {"shown": path, "model": model, "current": model}
    if path != shown:
        looked["picture"] = path
    return looked | menu.choices(labels, asked.get("target"), asked.get("k"))


def build(tabs: gr.Tabs, explored: explore.Tab, train: dict[str, Control], calibrate: dict[str, Control]) -> gr.HTML:
    """Where the page speaks of links; wires its events."""
    owners = {"explore": explored.controls, "train": train, "calibrate": calibrate}
    outputs = {}
    for owner, controls in owners.items():
        for key, control in controls.items():
            outputs[f"{owner}.{key}"] = control.component
            if control.slider:
                outputs[f"{owner}.{key}@"] = control.slider
    names = [c.parameter.link if c.parameter else key for key, c in explored.controls.items()]
    if twice := {name for name in names if [*names, *TAKEN].count(name) > 1}:
        raise ValueError(f"{sorted(twice)} would mean two things in a link: give the parameter another key or link")
    facts = {
        "controls": {owner: {key: describe(c) for key, c in controls.items()} for owner, controls in owners.items()},
        "order": list(outputs),
        "images": [pictures.FIRST_SAMPLE.stem]
        + [path.stem for path in pictures.SAMPLES if path != pictures.FIRST_SAMPLE],
        "models": [explored.current.value] + [key for key in CHECKPOINTS if key != explored.current.value],
        "tabs": [tab.id for tab in tabs.children],
    }
    events = ("controls", "picture")
    block = Island("share.mount", events, node="share-told", more=json.dumps(facts), elem_id="share-block")
    block.controls(outputs=[*outputs.values(), tabs], js=in_browser("share.values()"), **BROWSER)
    handle(
        block.picture,
        on_link,
        [explored.head, explored.shown],
        explored.model_outputs,
        show_progress="hidden",
        **explore.MODELS,  # a link may ask for one that has to be fetched
    )
    for tab in tabs.children:
        tab.select(js=in_browser(f"open('{tab.id}')"), **BROWSER)
    return block
