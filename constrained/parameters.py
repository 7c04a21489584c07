"""What a constraint takes beside the logits, and which values of it are allowed.

A parameter is of one of three kinds. A `Number` is one for all classes. A `Vector` has a number for each class, and a
`Mask` says yes or no for each. `registry` lists them, and everything that a person can set is made from that list: the
page's controls, links, the settings of lessons and of training, the API's checks and the constants of generated code.

In links and boxes a vector or a mask is a text, such as ``cat=2; dog=-1`` or ``cat; dog``: the classes that differ
from the default. ``#3`` is the class with that index, for a name that cannot be written there, and ``*`` stands for all
other classes. The browser's twin is assets/web/twins/parameters.js.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import ClassVar

import torch

MOST = 100_000  # classes that a vector or a mask may be about

Value = float | bool | list[float] | list[bool]  # one for all classes, or one for each


@dataclass(frozen=True)
class Parameter:
    """What the kinds have in common.

    Attributes:
        key: the argument's name in the library, for example ``temperature``.
        symbol: how formulas write it, for example ``T``.
        name: how its control is labelled.
        help: one sentence for a person.
        link: its name in links, where that is not the key.
        constant: its name in generated code, where that is not the key in capitals.
        shortcut: the key that chooses its slider in present mode.
    """

    kind: ClassVar[str]

    key: str
    symbol: str
    name: str
    help: str
    _: KW_ONLY
    link: str = ""
    constant: str = ""
    shortcut: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "link", self.link or self.key)
        object.__setattr__(self, "constant", self.constant or self.key.upper())

    def check(self, value: object, classes: int | None = None) -> Value:
        """A value from outside, as it is kept.

        Args:
            value: anything.
            classes: how many a list must be about, where that is known.

        Raises:
            ValueError: with the value and what is wrong with it.
        """
        raise NotImplementedError

    def read(self, text: str, labels: Sequence[str]) -> Value:
        """The same from a text.

        Args:
            text: as the docstring of `parameters` describes it.
            labels: the names of the C classes.

        Raises:
            ValueError: as for `check`, and for a class that is not there or is there twice.
        """
        raise NotImplementedError

    def plain(self, value: float | Sequence | torch.Tensor) -> Value:
        """What a module holds of it, as JSON can hold it."""
        raise NotImplementedError

    def facts(self) -> dict:
        """What the browser needs to know of it."""
        return {"kind": self.kind} | asdict(self)


def _number(key: str, value: object, low: float, high: float) -> float:
    """A finite number in a range, or ``ValueError`` with the value and the range in it."""
    # Compared, not converted: a whole number may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        raise ValueError(f"{key} must be a number from {low:g} to {high:g}, got {value!r:.40}")
    if not low <= value <= high:
        raise ValueError(f"{key} must be from {low:g} to {high:g}, got {value!r:.40}")
    return float(value)


@dataclass(frozen=True)
class Number(Parameter):
    """One number for all classes.

    Attributes:
        default, low, high: in the parameter's own unit.
        scale: ``"linear"`` or ``"log"``, what equal steps of the slider mean.
        zero: whether the leftmost position of a log slider means 0.
        step: of a linear slider.
        whole: whether it takes whole numbers alone.
        above: the key of the parameter that it cannot fall below.
        neutral: the value that changes nothing, into which the slider clicks.
        learnable: whether training can learn it; the module then takes ``learnable=True``.
    """

    kind = "number"

    _: KW_ONLY
    default: float
    low: float
    high: float
    scale: str = "linear"
    zero: bool = False
    step: float = 0.1
    whole: bool = False
    above: str = ""
    neutral: float | None = None
    learnable: bool = False

    @property
    def least(self) -> float:
        """The smallest value: 0 where the slider's left end means that."""
        return 0.0 if self.zero else self.low

    def check(self, value: object, classes: int | None = None) -> float:
        """A value from outside as a finite number in the range."""
        if self.whole and (isinstance(value, bool) or not isinstance(value, int)):
            raise ValueError(f"{self.key} must be a whole number, got {value!r:.40}")
        number = _number(self.key, value, self.least, self.high)
        return int(number) if self.whole else number

    def read(self, text: str, labels: Sequence[str] = ()) -> float:
        """The same from a text."""
        value = _parsed(text)
        if value is None:
            return self.check(text)  # which says what it must be
        return self.check(int(value) if self.whole and value.is_integer() else value)

    def plain(self, value: float | Sequence | torch.Tensor) -> float:
        """What a module holds of it as a number; ``ValueError`` where it has one for each class."""
        if isinstance(value, torch.Tensor) and value.numel() != 1:
            raise ValueError(f"{self.key} is one number for all classes, got a tensor of shape {tuple(value.shape)}")
        return float(value.detach() if isinstance(value, torch.Tensor) else value)


class _EachClass(Parameter):
    """What vectors and masks have in common: a value for all classes, or a list with one for each."""

    def check(self, value: object, classes: int | None = None) -> Value:
        """A value from outside: one for all classes, or a list with one for each."""
        if not isinstance(value, list | tuple):
            return self._one(value)
        if len(value) != classes if classes else not 1 <= len(value) <= MOST:
            wanted = f"{classes}, one for each class" if classes else f"from 1 to {MOST:,}"
            raise ValueError(f"{self.key} must have {wanted}, got {len(value)}")
        return [self._one(one) for one in value]

    def plain(self, value: float | Sequence | torch.Tensor) -> Value:
        """What a module holds of it, of shape ``(C,)`` or one for all, as JSON has it."""
        if isinstance(value, torch.Tensor):
            value = value.detach().tolist()
        return [self._held(one) for one in value] if isinstance(value, list | tuple) else self._held(value)

    def read(self, text: str, labels: Sequence[str]) -> Value:
        """The value of a text; a list unless it is the same for all classes."""
        values: dict[int, float | bool] = {}
        others = self.default
        for name, value in self._parts([part.strip() for part in re.split(r"[;,\n]", text) if part.strip()], labels):
            if name == "*":
                others = value
                continue
            index = index_of(name, labels)
            if index is None:
                raise ValueError(f"{self.key}: {name!r:.40} is not one of the classes")
            if index in values:
                raise ValueError(f"{self.key}: {name!r:.40} is there twice")
            values[index] = value
        return [values.get(i, others) for i in range(len(labels))] if values else others

    def spell(self, value: Value, labels: Sequence[str]) -> str:
        """A value as a text, from which `read` makes the same."""
        values = value if isinstance(value, list) else [value] * len(labels)
        others = self._others(values)
        parts = [] if others == self.default else [self._spelled("*", others)]
        parts += [self._spelled(name_of(i, labels), v) for i, v in enumerate(values) if v != others]
        return "; ".join(parts)


def _parsed(text: str) -> float | None:
    """A number as a person writes it; None for anything else, also for what `float` alone would take."""
    text = text.strip().replace("−", "-")
    return float(text) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", text, re.IGNORECASE | re.ASCII) else None


def index_of(name: str, labels: Sequence[str]) -> int | None:
    """The index of a class from its name in a text, or of ``#3``; None where there is none, or several."""
    if re.fullmatch(r"#\d{1,6}", name):
        return int(name[1:]) if int(name[1:]) < len(labels) else None
    found = [i for i, label in enumerate(labels) if label == name]
    return found[0] if len(found) == 1 else None


def name_of(index: int, labels: Sequence[str]) -> str:
    """How a text names a class: by its label, where that can be read back."""
    label = labels[index]
    plain = label == label.strip() and not re.search(r"^#|^\*?$|[;=,\n]", label)
    return label if plain and index_of(label, labels) == index else f"#{index}"


@dataclass(frozen=True)
class Vector(_EachClass):
    """A number for each class.

    Attributes:
        default: of a class of which nothing is said.
        low, high: of each number.
    """

    kind = "vector"

    _: KW_ONLY
    default: float
    low: float
    high: float

    def _one(self, value: object) -> float:
        return _number(self.key, value, self.low, self.high)

    def _held(self, value: float) -> float:
        return float(value)

    def _parts(self, parts: list[str], labels: Sequence[str]) -> list[tuple[str, float]]:
        """Names and numbers; numbers alone are one for all, or one for each class in order."""
        if parts and not any("=" in part for part in parts) and len(parts) in (1, len(labels)):
            names = ["*"] if len(parts) == 1 else [f"#{i}" for i in range(len(labels))]
            parts = [f"{name}={part}" for name, part in zip(names, parts, strict=True)]
        found = []
        for part in parts:
            name, equals, text = part.rpartition("=")
            value = _parsed(text)
            if not equals or not name.strip() or value is None:
                raise ValueError(f"{self.key}: write a class and its number, such as cat=2, not {part!r:.40}")
            found.append((name.strip(), self._one(value)))
        return found

    def _others(self, values: list[float]) -> float:
        """The number that most classes have, or the default where no other is more frequent."""
        return max(dict.fromkeys([self.default, *values]), key=values.count)

    def _spelled(self, name: str, value: float) -> str:
        return f"{name}={value!r}".removesuffix(".0")


@dataclass(frozen=True)
class Mask(_EachClass):
    """Yes or no for each class; no for those of which nothing is said."""

    kind = "mask"

    _: KW_ONLY
    default: bool = field(default=False, init=False)

    def _one(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{self.key} must be true or false for each class, got {value!r:.40}")
        return value

    def _held(self, value: float) -> bool:
        return bool(value)

    def _parts(self, parts: list[str], labels: Sequence[str]) -> list[tuple[str, bool]]:
        return [(part, True) for part in parts]

    def _others(self, values: list[bool]) -> bool:
        """Whether all are in it: a text can only add classes."""
        return all(values)

    def _spelled(self, name: str, value: bool) -> str:
        return name
