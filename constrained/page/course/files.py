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
`constrained.experiments` whose table is shown with the reveal, or, where there is no question, when it is asked for.
Where a number is typed all the same, ``counts: two = bounded.tied; 5 = given`` says what it stands for; see
`uncounted`.

In braces stands a measure or arithmetic on measures (see `measure`); before the reveal, ``{reveal.hi}`` and the like
are the parameters that it will have. A ``check`` is a comparison of measures that holds under the revealed setting,
where ``before`` is the setting before it and ``run`` the experiment; the check of a choice holds exactly where the
choice is right. `unsound` names the checks that fail: with another checkpoint a lesson may no longer be true, and a
test says so.
"""

import ast
import functools
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import torch
from markdown_it import MarkdownIt
from torch import Tensor

from . import checkpoints, experiments, formats, gradients, images, registry, shipped, training
from .inference import network

ASSETS = Path(__file__).parent.parent / "assets"
FOLDER = ASSETS / "lessons"
MODEL = "cifar10"  # the bundled one: what lessons speak about
FIRST = {family: next(iter(registry.family(family))) for family in registry.FAMILIES}  # what the page opens with
NAMES = {"t" if key == "temperature" else key: parameter for key, parameter in registry.PARAMETERS.items()}  # in links

_HEADER = ("title", "minutes", "summary", "teacher", "counts")
_KEYS = ("setting", "reveal", "check", "slider", "answer", "run", "counts")
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_WORDS |= {"eleven": 11, "twelve": 12, "hundred": 100, "thousand": 1000, "half": 0.5, "twice": 2, "double": 2}
_WORDS |= {"dozen": 12, "dozens": 24}  # those at least
# A number that is typed: "one" is not, which mostly means any.
_TYPED = re.compile(rf"(?<![\w.])(?:\d[\d,]*(?:\.\d+)?|{'|'.join(_WORDS)})\b", re.IGNORECASE)
_CONSTANTS = {"0", "1"}  # of mathematics
_FIXED = {"ten": "classes", "10": "classes", "4,000": "judged", "6,000": "fitted"}
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": False})


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
    """A lesson as it stands in its file."""

    slug: str
    title: str
    minutes: int
    summary: str
    teacher: str | None
    steps: tuple[Step, ...]
    counts: str = ""  # the same of title, summary and what is for teachers


# Settings, as links spell them --------------------------------------------------------------------------------------


def setting(query: str, over: str = "") -> str:
    """A setting of the Explore tab in full and in one order, so that nothing is left to what stood there before.

    Args:
        query: for example ``image=cat&family=bounded&method=clamp&lo=-2``.
        over: the same for what is different from ``query``.

    Raises:
        ValueError: for a key or a value that the page would refuse.
    """
    known = _read(query) | _read(over)
    if "image" not in known or "family" not in known:
        raise ValueError("a setting needs image= and family=")
    lo, hi = (float(known.get(key, NAMES[key].default)) for key in ("lo", "hi"))
    if lo > hi:
        raise ValueError(f"lo={lo:g} is above hi={hi:g}")
    family = known["family"]
    told = {"image": known["image"], "model": MODEL, "family": family, "method": known.get(family, FIRST[family])}
    told |= {key: known[key] for key in (*registry.FAMILIES, *NAMES, "k", "gradient", "target") if key in known}
    told.pop(family, None)
    return urlencode(told)


def _read(query: str) -> dict[str, str]:
    """A query as a dictionary in which every family has its own method; checks keys and values."""
    known = {}
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    for key, value in pairs:
        if key in known:
            raise ValueError(f"{key}= stands there twice")
        known[key] = value
    method = known.pop("method", None)
    if method is not None:
        if method not in registry.REGISTRY:
            raise ValueError(f"method={method} is not in the registry")
        family = registry.REGISTRY[method].family
        if known.setdefault("family", family) != family:
            raise ValueError(f"method={method} is {family}, not {known['family']}")
        known[family] = method
    among = {"family": registry.FAMILIES, "image": samples(), "target": labels(), "gradient": ("1",)}
    among |= {family: registry.family(family) for family in registry.FAMILIES}
    for key, value in known.items():
        if key in among:
            if value not in among[key]:
                raise ValueError(f"{key}={value} is not one of {', '.join(among[key])}")
        elif key in NAMES:
            registry.number(NAMES[key], float(value))
        elif key != "k" or not value.isdecimal() or not 2 <= int(value) <= len(labels()):
            raise ValueError(f"{key}={value} is no part of a setting")
    return known


@functools.cache
def samples() -> dict[str, Path]:
    """The sample pictures by name."""
    return {path.stem: path for path in sorted((ASSETS / "samples").glob("*.jpg"))}


@functools.cache
def labels() -> tuple[str, ...]:
    """The classes of the bundled network."""
    return tuple(checkpoints.facts()["labels"])


# Measures: what the chart shows, by PyTorch -------------------------------------------------------------------------


class Logit(float):
    """A number in the unit of logits."""


class Share(float):
    """A probability, or a share."""


@functools.cache
def logits(image: str) -> Tensor:
    """The bundled network's logits ``(C,)`` of a sample, as the chart gets them, in float64."""
    found = network(MODEL).logits(images.decode(samples()[image].read_bytes()))
    return torch.tensor([round(value, 6) for value in found.tolist()], dtype=torch.float64)


@functools.cache
def measure(query: str) -> dict:
    """What can be measured under a setting in full, by name.

    ``raw``, ``bounded``, ``probability`` and ``regularised`` are the columns. Each has the value of every class under
    the class's name, and

    * ``top``, ``second``, ``last``: classes by place; ``argmax``: what torch.argmax takes among equals;
      ``max``, ``next``, ``min``: values
    * ``kept``: whether the raw first place is alone in first place; ``tied``: classes that share the first place
    * ``zeros``: exact zeros; ``dead``: classes to which no output passes a gradient, as the chart hatches them
    * ``sum``, ``norm1``, ``norm2``, ``moved`` (distance from the raw logits), ``entropy`` (of a distribution, in nats)
    * ``clipped``: bounded alone, logits outside of the box
    * ``gradient``: what the loss sends back for every class, with ``loss`` and ``stopped``, the zeros among them

    Beside the columns: ``lo``, ``hi``, ``t``, ``lam``, ``radius``, ``target``, and ``network`` with ``accuracy``,
    ``nll`` and ``ece`` on the test pictures.
    """
    told = dict(parse_qsl(query))
    z = logits(told["image"])
    numbers = {key: float(told.get(key, parameter.default)) for key, parameter in NAMES.items()}
    settings = {parameter.key: numbers[key] for key, parameter in NAMES.items()}
    names = labels()
    first = names[int(z.argmax())]
    wanted = told.get("target", first)
    test = checkpoints.facts()["test"]
    about = {key: Share(test[key]) for key in ("accuracy", "ece")} | {"nll": test["nll"]}
    measures = numbers | {"target": wanted, "network": about, "raw": _column("raw", None, z, wanted)}
    for family in registry.FAMILIES:
        method = told["method"] if family == told["family"] else told.get(family, FIRST[family])
        constraint = registry.build(method, settings)
        measures[family] = _column(family, constraint, z, wanted)
    inside = (z >= numbers["lo"]) & (z <= numbers["hi"])
    measures["bounded"]["clipped"] = int((~inside).sum())
    return measures


def _column(family: str, constraint: Callable | None, z: Tensor, target: str) -> dict:
    """The measures of one column."""
    names = labels()
    sent = gradients.through(constraint, z, names.index(target))
    y = z if constraint is None else constraint(z)
    unit = Share if family == "probability" else Logit
    best = y == y.max()
    raw = int(z.argmax())
    # By value, ties by raw logit, as the rows stand.
    order = sorted(range(len(names)), key=lambda i: (-y[i].item(), -z[i].item()))
    entropy = -torch.special.xlogy(y, y).sum().item() if family == "probability" else None
    return {name: unit(value) for name, value in zip(names, y.tolist(), strict=True)} | {
        "top": names[order[0]],
        "second": names[order[1]],
        "last": names[order[-1]],
        "argmax": names[int(y.argmax())],
        "max": unit(y[order[0]].item()),
        "next": unit(y[order[1]].item()),
        "min": unit(y.min().item()),
        "kept": bool(best[raw]) and int(best.sum()) == 1,
        "tied": int(best.sum()),
        "zeros": int((y == 0).sum()),
        "dead": 0 if constraint is None else int(_dead(constraint, z).sum()),
        "sum": round(y.sum().item(), 6) if unit is Share else unit(y.sum().item()),  # as the badge says it
        "norm1": y.abs().sum().item(),
        "norm2": y.norm().item(),
        "moved": (y - z).norm().item(),
        "entropy": entropy,
        "gradient": {name: Logit(value) for name, value in zip(names, sent.gradient.tolist(), strict=True)}
        | {"loss": sent.loss, "stopped": int((sent.gradient == 0).sum())},
    }


def _dead(constraint: Callable, z: Tensor) -> Tensor:
    """Which classes ``(C,)`` get no gradient, whatever comes back to the outputs."""
    count = len(z)
    several = z.repeat(2 * count, 1).requires_grad_()
    # Up and down for every output: what an inward gradient lets through depends on the sign.
    ask = torch.cat([torch.eye(count), -torch.eye(count)]).to(z)
    (gradient,) = torch.autograd.grad(constraint(several), several, ask)
    return (gradient == 0).all(0)


# Expressions on measures --------------------------------------------------------------------------------------------

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def value(expression: str, names: dict) -> object:
    """What an expression comes to: names with dots, numbers, strings, arithmetic, comparisons, and, or, not.

    Raises:
        ValueError: for anything else, and for a name that is not there.
    """

    def of(node: ast.AST) -> object:
        match node:
            case ast.Expression(body=body):
                return of(body)
            case ast.Constant(value=float() | int() | str() as constant):
                return constant
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.Attribute(value=inner, attr=name):
                found = of(inner)
                if isinstance(found, dict) and name in found:
                    return found[name]
            case ast.UnaryOp(op=op, operand=inner) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](of(inner))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](of(left), of(right))
            case ast.BoolOp(op=op, values=values):
                return (all if isinstance(op, ast.And) else any)(of(part) for part in values)
            case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in _OPERATORS for op in ops):
                terms = [of(left), *map(of, rest)]
                return all(_OPERATORS[type(op)](a, b) for op, a, b in zip(ops, terms, terms[1:], strict=False))
        raise ValueError(f"{ast.unparse(node)!r} is no measure")

    try:
        return of(ast.parse(" ".join(expression.split()), mode="eval"))  # a text may break its lines anywhere
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"{expression!r} cannot be read: {error}") from error


def shown(measured: object) -> str:
    """A measure as the page writes it."""
    if isinstance(measured, str):
        return measured
    if isinstance(measured, bool) or not isinstance(measured, int | float):
        raise ValueError(f"{measured!r:.40} is no number to show")
    if isinstance(measured, int):
        return str(measured).replace("-", "−")
    if isinstance(measured, Share):
        return formats.percent(measured)
    return formats.logit(measured) if isinstance(measured, Logit) else formats.short(measured, 3)


def filled(text: str, names: dict) -> str:
    """A text with its measures in it."""
    return re.sub(r"\{([^{}]*)\}", lambda found: shown(value(found[1], names)), text)


# Files --------------------------------------------------------------------------------------------------------------


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
            _located(where, steps[-1].take, line)
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
    done = tuple(_located(draft.where, draft.step) for draft in steps)
    teacher, counts = header.get("teacher"), header.get("counts", "")
    return Lesson(name[1], header["title"], int(header["minutes"]), header["summary"], teacher, done, counts)


def _located(where: str, work: Callable, *arguments):
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
                raise ValueError(f"{key}: stands there twice in this step")
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


def names(step: Step) -> dict:
    """What the reveal of a step can speak about."""
    return measure(step.reveal) | {"before": measure(step.setting)}


def unsound(step: Step) -> list[str]:
    """What a step claims and the numbers do not bear out; empty for a step that is true."""
    known = names(step)
    if step.run:
        known["run"] = experiments.figures(step.run)
    wrong = []

    def holds(check: str) -> bool:
        answer = _located(step.where, value, check, known)
        if not isinstance(answer, bool):
            raise ValueError(f"{step.where}: {check!r} is no comparison")
        return answer

    if step.check and not holds(step.check):
        wrong.append(f"{step.where}: not {step.check}")
    for choice in step.choices:
        if choice.check and holds(choice.check) != choice.right:
            wrong.append(f"{step.where}: {choice.text!r} is marked {'right' if choice.right else 'wrong'}")
    if step.slider and not step.slider.low <= _answer(step.slider, known)[0] <= step.slider.high:
        wrong.append(f"{step.where}: the answer is outside of the slider")
    return wrong


def uncounted(text: str, counts: str, known: dict) -> list[str]:
    """Which numbers are typed in a text, as digits or words, without anything that bears them out.

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


# For the page -------------------------------------------------------------------------------------------------------


def _html(text: str, known: dict) -> str:
    return _MARKDOWN.render(filled(text, known)).strip()


def _inline(text: str, known: dict) -> str:
    return _MARKDOWN.renderInline(filled(text, known))


def _answer(slider: Slider, known: dict) -> tuple[float, str]:
    """The answer in the slider's unit, and as the chart writes it."""
    found = value(slider.answer, known)
    if isinstance(found, str | bool) or not math.isfinite(found):
        raise ValueError(f"{slider.answer!r} is no number")
    return found * 100 if slider.unit == "%" else found, shown(found)


def _told(step: Step) -> dict:
    """A step as the page takes it."""
    known = names(step)
    before = measure(step.setting) | {"reveal": {key: known[key] for key in NAMES}}
    slider = None
    if step.slider:
        answer, said = _answer(step.slider, known)
        slider = {"low": step.slider.low, "high": step.slider.high, "unit": step.slider.unit}
        slider |= {"answer": float(answer), "shown": said}
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
        "steps": [_located(step.where, _told, step) for step in lesson.steps],
    }


def catalogue() -> list[dict]:
    """All lessons for the page, as JSON has them, with every number measured; each is made when first asked for.

    In place of a lesson with a mistake in it stands ``{"slug", "trouble"}``: a sentence that names the file.
    """
    told = {}
    for path in sorted(FOLDER.glob("*.md")):
        try:
            lesson = _measured(path)
            if lesson["slug"] in told:
                raise ValueError(f"{path.name}: another lesson has this name")
        except Exception as error:  # whatever it is, the others are still there
            why = str(getattr(error, "strerror", None) or error)  # without the path of an OSError
            lesson = {"slug": path.stem, "trouble": why if path.name in why else f"{path.name}: {why}"}
        told[lesson["slug"]] = lesson
    return list(told.values())
