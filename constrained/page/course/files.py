"""Lessons: short texts with a setting, a question, and what the chart shows once a person has guessed.

A lesson is a file ``assets/lessons/NN-slug.md``; adding one is adding a file. A header, then steps::

    title: What a bound does to the ranking
    minutes: 6
    summary: One sentence for the catalogue.
    teacher: What to watch in a class. (optional)

    # Title of a step
    setting: image=cat&family=bounded&method=clamp&lo=-20&hi=20

    Markdown. No number is typed: the {raw.top} has the logit {raw.max}.

    ? What will happen to the first place?
    - It stays with the {raw.top}
      check: bounded.kept
    * It is shared
      check: bounded.tied > 1
    reveal: hi=2
    check: bounded.clipped > before.bounded.clipped

    > What the chart shows now, and why.

The right choices are marked with a star. Instead of choices a step can ask for a number: ``slider: 0 to 100 %`` and
``answer: probability.max``. ``reveal`` is laid over ``setting``. Text, question and choices speak of the setting, the
part behind ``>`` of the revealed one. A step may go without a question, and may have ``run: key``, an experiment of
`experiments` whose table is shown with the reveal, or, where there is no question, when it is asked for.
Where a number is typed all the same, ``counts: two = bounded.tied; 5 = given`` says what it stands for; see
`checks.uncounted`.

In braces stands a measure or arithmetic on measures (see `measures.measure`); before the reveal, ``{reveal.hi}`` and
the like are the parameters that it will have. A ``check`` is a comparison of measures that holds under the revealed
setting, where ``before`` is the setting before it and ``run`` the experiment; the check of a choice holds exactly where
the choice is right. `checks.unsound` names the checks that fail: with another checkpoint a lesson may no longer be
true, and a test says so.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ... import shipped
from . import experiments
from .settings import setting

FOLDER = shipped.ROOT / "assets" / "lessons"

_HEADER = ("title", "minutes", "summary", "teacher", "counts")
_KEYS = ("setting", "reveal", "check", "slider", "answer", "run", "counts")


@dataclass(frozen=True)
class Choice:
    """One answer to choose: Markdown, whether it is right, and the expression that says so, if any."""

    text: str
    right: bool
    check: str | None = None


@dataclass(frozen=True)
class Slider:
    """A number to guess, from ``low`` to ``high`` in ``unit``; ``answer`` is an expression."""

    low: float
    high: float
    unit: str
    answer: str


@dataclass(frozen=True)
class Step:
    """One step of a lesson; texts are Markdown with measures in braces, settings are queries in full."""

    title: str
    setting: str
    text: str
    question: str | None
    choices: tuple[Choice, ...]
    slider: Slider | None
    reveal: str
    check: str | None
    why: str
    run: str | None
    where: str  # file and line, for messages
    counts: str = ""  # which of the numbers that are typed in its texts stand for what


@dataclass(frozen=True)
class Lesson:
    """A lesson as its file has it."""

    slug: str
    title: str
    minutes: int
    summary: str
    teacher: str | None
    steps: tuple[Step, ...]
    counts: str = ""  # the same of title, summary and what is for teachers


def read(path: Path) -> Lesson:
    """A lesson from its file; every expression and setting in it is tried.

    Raises:
        ValueError: with file and line in front, for whatever is wrong with it.
        DamagedError: if it cannot be read at all.
    """
    name = re.fullmatch(r"\d\d-([a-z0-9-]+)\.md", path.name)
    if not name:
        raise ValueError(f"{path.name}: a lesson's file is called NN-slug.md, with small letters, digits and hyphens")
    header, steps = {}, []
    for number, line in enumerate(shipped.text(path).splitlines(), 1):
        where = f"{path.name}:{number}"
        if line.startswith("# "):
            steps.append(_Draft(line[2:].strip(), where))
        elif steps:
            located(where, steps[-1].take, line)
        elif line.strip():
            key, colon, said = line.partition(":")
            if not colon or key not in _HEADER or key in header or not said.strip():
                raise ValueError(f"{where}: expected one of {', '.join(_HEADER)}, each once, with a text: {line!r}")
            header[key] = said.strip()
    for key in _HEADER[:3]:
        if key not in header:
            raise ValueError(f"{path.name}:1: the header lacks {key}:")
    if not header["minutes"].isdecimal() or not int(header["minutes"]):
        raise ValueError(f"{path.name}:1: minutes must be a whole number, got {header['minutes']!r}")
    if not steps:
        raise ValueError(f"{path.name}:1: no step: a line that begins with '# ' opens one")
    done = tuple(located(draft.where, draft.step) for draft in steps)
    teacher, counts = header.get("teacher"), header.get("counts", "")
    return Lesson(name[1], header["title"], int(header["minutes"]), header["summary"], teacher, done, counts)


def located(where: str, work: Callable, *arguments):
    """Do it; errors get file and line in front."""
    try:
        return work(*arguments)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


class _Draft:
    """A step of which lines are still being read."""

    def __init__(self, title: str, where: str) -> None:
        self.title, self.where = title, where
        self.parts = {"text": [], "question": [], "why": []}
        self.keys: dict[str, str] = {}
        self.choices: list[list] = []  # text, right, check
        self.at = "text"  # where a line without a mark goes on

    def take(self, line: str) -> None:
        key, _, said = line.partition(": ")
        if key in _KEYS:
            if key in self.keys:
                raise ValueError(f"{key}: is there twice in this step")
            self.keys[key] = said.strip()
            if key != "counts":
                self.at = "text" if key == "setting" else ""
        elif line.startswith(">"):
            self.at = "why"
            self.parts["why"].append(line[1:].strip())
        elif line.startswith("? "):
            if self.parts["question"]:
                raise ValueError("a step has one question")
            self.at = "question"
            self.parts["question"].append(line[2:])
        elif self.parts["question"] and line[:2] in ("- ", "* "):
            self.at = "choice"
            self.choices.append([line[2:].strip(), line[0] == "*", None])
        elif self.at == "choice" and line.strip().startswith("check: "):
            self.choices[-1][2] = line.strip()[7:]
        elif self.at in ("text", "question") and (line.strip() or self.at == "text"):
            self.parts[self.at].append(line)
        elif line.strip():
            raise ValueError(f"does not belong here: {line!r:.60}")

    def step(self) -> Step:
        text, question, why = ("\n".join(self.parts[part]).strip() for part in ("text", "question", "why"))
        keys = self.keys
        if not self.title or not text:
            raise ValueError("a step needs a title and a text")
        opening = setting(keys.get("setting", ""))
        if question:
            if not why:
                raise ValueError("a question needs an answer: lines that begin with '>'")
            if bool(self.choices) == ("slider" in keys) or ("slider" in keys) != ("answer" in keys):
                raise ValueError("a question needs choices, or slider: and answer:")
        elif why or {"reveal", "slider", "answer"} & set(keys):
            raise ValueError("reveal:, slider:, answer: and '>' need a question: a line that begins with '? '")
        if self.choices and (len(self.choices) < 2 or not any(right for _, right, _ in self.choices)):
            raise ValueError("there must be two choices or more, the right ones marked with '*'")
        checks = [check for _, _, check in self.choices]
        if any(checks) and not all(checks):
            raise ValueError("either every choice has a check: or none has")
        slider = None
        if "slider" in keys:
            found = re.fullmatch(r"(-?[\d.]+) to (-?[\d.]+)(?: (\S.*))?", keys["slider"])
            if not found or not float(found[1]) < float(found[2]):
                raise ValueError(f"slider: is written '0 to 100 %', got {keys['slider']!r}")
            slider = Slider(float(found[1]), float(found[2]), found[3] or "", keys["answer"])
        if "run" in keys and keys["run"] not in experiments.EXPERIMENTS:
            raise ValueError(f"run: must be one of {', '.join(experiments.EXPERIMENTS)}, got {keys['run']!r}")
        return Step(
            self.title,
            opening,
            text,
            question or None,
            tuple(Choice(*choice) for choice in self.choices),
            slider,
            setting(keys["setting"], keys.get("reveal", "")),
            keys.get("check"),
            why,
            keys.get("run"),
            self.where,
            keys.get("counts", ""),
        )


@functools.cache
def lessons() -> tuple[Lesson, ...]:
    """All lessons, in the order of their numbers."""
    found = tuple(read(path) for path in sorted(FOLDER.glob("*.md")))
    slugs = [lesson.slug for lesson in found]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"two lessons have one name: {', '.join(slugs)}")
    return found
