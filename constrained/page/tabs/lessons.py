"""Lessons on the page: their catalogue in a tab of its own, and the panel beside the live chart.

Everything that a visitor does is in the browser (assets/web/lessons), and so is what they have done. The server sends
the texts, once, when a lesson or the catalogue is first opened, and does the experiments that a step may ask for.
"""

import gradio as gr

from ..controls import FITS, Island, message, question_number
from ..course import catalogue, experiments


def on_open() -> str:
    """All lessons as the browser takes them, with their numbers measured; one with a mistake in it is named."""
    return message("lessons", lessons=catalogue.catalogue())


def on_run(event: gr.EventData) -> str:
    """The key of an experiment to the message with its table."""
    key = event._data.get("key") if isinstance(event._data, dict) else None
    if not isinstance(key, str) or key not in experiments.EXPERIMENTS:
        raise gr.Error("There is no such experiment.", print_exception=False)
    return message("table", question_number(event), **experiments.run(key))


def panel() -> None:
    """The lesson beside the chart; empty until one is opened."""
    block = Island("lessons.mountPanel", ("open", "run"), node="lesson", elem_id="lesson-block")
    block.open(on_open, None, block, show_progress="hidden", api_visibility="private", concurrency_limit=4)
    block.run(on_run, None, block, show_progress="hidden", **FITS)


def build() -> None:
    """Lay out the tab inside a `gr.Tab`."""
    Island("lessons.mount", node="lessons", elem_id="lessons-block")
