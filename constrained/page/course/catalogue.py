"""All lessons as the page takes them: HTML with every number measured."""

import functools
from pathlib import Path

from markdown_it import MarkdownIt

from . import files
from .checks import answer, names
from .expressions import filled
from .files import Step, located, read
from .measures import measure
from .settings import NAMES

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": False})


def _html(text: str, known: dict) -> str:
    return _MARKDOWN.render(filled(text, known)).strip()


def _inline(text: str, known: dict) -> str:
    return _MARKDOWN.renderInline(filled(text, known))


def _told(step: Step) -> dict:
    """A step as the page takes it."""
    known = names(step)
    before = measure(step.setting) | {"reveal": {key: known[key] for key in NAMES}}
    slider = None
    if step.slider:
        number, said = answer(step.slider, known)
        slider = {"low": step.slider.low, "high": step.slider.high, "unit": step.slider.unit}
        slider |= {"answer": float(number), "shown": said}
    return {
        "title": step.title,
        "setting": step.setting,
        "text": _html(step.text, before),
        "question": _inline(step.question, before) if step.question else None,
        "choices": [_inline(choice.text, before) for choice in step.choices] or None,
        "right": [at for at, choice in enumerate(step.choices) if choice.right],
        "slider": slider,
        "reveal": step.reveal,
        "why": _html(step.why, known),
        "run": step.run,
    }


@functools.cache
def _measured(path: Path) -> dict:
    lesson = read(path)
    return {
        "slug": lesson.slug,
        "title": lesson.title,
        "minutes": lesson.minutes,
        "summary": lesson.summary,
        "teacher": lesson.teacher and _inline(lesson.teacher, {}),
        "steps": [located(step.where, _told, step) for step in lesson.steps],
    }


def catalogue() -> list[dict]:
    """All lessons for the page, as JSON has them, with every number measured; each is made when first asked for.

    A lesson with a mistake in it is replaced by ``{"slug", "trouble"}``: a sentence that names the file.
    """
    told = {}
    for path in sorted(files.FOLDER.glob("*.md")):
        try:
            lesson = _measured(path)
            if lesson["slug"] in told:
                raise ValueError(f"{path.name}: another lesson has this name")
        except Exception as error:  # whatever it is, the others are still there
            why = str(getattr(error, "strerror", None) or error)  # without the path of an OSError
            lesson = {"slug": path.stem, "trouble": why if path.name in why else f"{path.name}: {why}"}
        told[lesson["slug"]] = lesson
    return list(told.values())
