"""Whether lessons are true: what they claim, and the numbers that are typed in them."""

import math
import re

from ... import training
from . import experiments
from .expressions import shown, value
from .files import Slider, Step, located
from .measures import measure
from .settings import FIRST, labels

_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_WORDS |= {"eleven": 11, "twelve": 12, "hundred": 100, "thousand": 1000, "half": 0.5, "twice": 2, "double": 2}
_WORDS |= {"dozen": 12, "dozens": 24}  # those at least
# A number that is typed: "one" is not, which mostly means any.
_TYPED = re.compile(rf"(?<![\w.])(?:\d[\d,]*(?:\.\d+)?|{'|'.join(_WORDS)})\b", re.IGNORECASE)
_CONSTANTS = {"0", "1"}  # of mathematics
_FIXED = {"ten": "classes", "10": "classes", "4,000": "judged", "6,000": "fitted"}


def names(step: Step) -> dict:
    """What the reveal of a step can speak about."""
    return measure(step.reveal) | {"before": measure(step.setting)}


def unsound(step: Step) -> list[str]:
    """The claims of a step that its numbers do not support; empty for a step that is true."""
    known = names(step)
    if step.run:
        known["run"] = experiments.figures(step.run)
    wrong = []

    def holds(check: str) -> bool:
        answer = located(step.where, value, check, known)
        if not isinstance(answer, bool):
            raise ValueError(f"{step.where}: {check!r} is no comparison")
        return answer

    if step.check and not holds(step.check):
        wrong.append(f"{step.where}: not {step.check}")
    for choice in step.choices:
        if choice.check and holds(choice.check) != choice.right:
            wrong.append(f"{step.where}: {choice.text!r} is marked {'right' if choice.right else 'wrong'}")
    if step.slider and not step.slider.low <= answer(step.slider, known)[0] <= step.slider.high:
        wrong.append(f"{step.where}: the answer is outside of the slider")
    return wrong


def uncounted(text: str, counts: str, known: dict) -> list[str]:
    """The numbers that are typed in a text, as digits or words, and that nothing supports.

    Args:
        text: with measures in braces, which are no matter of this.
        counts: ``two = bounded.tied; 5 = given``: what each stands for, an expression that comes to it or is true, or
            ``given`` for what the text itself lays down. The classes and the parts of the test set need no word.
        known: what expressions can speak about.
    """
    known = known | {"classes": len(labels()), "judged": len(training.data().judge[1])}
    known |= {"fitted": len(training.data().fit[1]), "features": training.data().width, "columns": len(FIRST)}
    known |= {"e": math.e, "log_classes": math.log(len(labels()))}
    meant = dict(_FIXED)
    for part in filter(None, map(str.strip, counts.split(";"))):
        word, _, expression = part.partition(" = ")
        meant[word.lower()] = expression
    plain = re.sub(r"\{[^{}]*\}|`[^`]*`|\]\([^)]*\)", "", text)
    wrong = []
    for typed in dict.fromkeys(found.lower() for found in _TYPED.findall(plain)):
        if typed in _CONSTANTS or meant.get(typed) == "given":
            continue
        if typed not in meant:
            wrong.append(f"{typed!r} is typed: measure it, or say in counts: what it is")
            continue
        found = value(meant[typed], known)
        number = _WORDS[typed] if typed in _WORDS else float(typed.replace(",", ""))
        unit = 1e-9 if typed in _WORDS else 10.0 ** -len(typed.partition(".")[2])  # of the last digit
        if found is not True and (isinstance(found, bool | str) or abs(found - number) > unit / 2):
            wrong.append(f"{typed!r} is {found}")
    return wrong


def typed(step: Step) -> list[str]:
    """What `uncounted` finds in a step."""
    known = names(step) | ({"run": experiments.figures(step.run)} if step.run else {})
    text = " ".join([step.title, step.text, step.question or "", *(choice.text for choice in step.choices), step.why])
    return [f"{step.where}: {wrong}" for wrong in uncounted(text, step.counts, known)]


def answer(slider: Slider, known: dict) -> tuple[float, str]:
    """The answer in the slider's unit, and as the chart writes it."""
    found = value(slider.answer, known)
    if isinstance(found, str | bool) or not math.isfinite(found):
        raise ValueError(f"{slider.answer!r} is no number")
    return found * 100 if slider.unit == "%" else found, shown(found)
