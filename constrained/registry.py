"""What a person can choose: one entry a constraint, with its parameters, its formula and its module.

The page, the browser's twin (assets/web/twins/constraints.js), the parity test and the generated code all read this
table. To add a constraint, write a function in `functional`, a module over it, an entry here, and its twin under the
same key.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

from . import modules
from .modules import Constraint


@dataclass(frozen=True)
class Parameter:
    """A number that a slider sets.

    Attributes:
        key: the argument's name in the library, for example ``temperature``.
        symbol: how formulas and labels write it, for example ``T``.
        default, low, high: in the parameter's own unit.
        scale: ``"linear"`` or ``"log"``, what equal steps of the slider mean.
        zero: whether the leftmost position of a log slider means 0.
        help: one sentence for a person.
    """

    key: str
    symbol: str
    default: float
    low: float
    high: float
    scale: str
    help: str
    zero: bool = False


LO = Parameter("lo", "lo", -2.0, -20.0, 20.0, "linear", "No output falls below this.")
HI = Parameter("hi", "hi", 1.5, -20.0, 20.0, "linear", "No output rises above this.")
TEMPERATURE = Parameter(
    "temperature", "T", 1.0, 0.05, 20.0, "log", "Below 1 the distribution sharpens, above 1 it flattens."
)
LAM = Parameter("lam", "λ", 0.5, 0.001, 10.0, "log", "How strongly outputs are pulled to zero; 0 is off.", zero=True)
RADIUS = Parameter("radius", "r", 3.0, 0.1, 100.0, "log", "The size of the set that outputs are projected onto.")
PARAMETERS = {p.key: p for p in (LO, HI, TEMPERATURE, LAM, RADIUS)}


@dataclass(frozen=True)
class Entry:
    """A constraint.

    Attributes:
        key: its name in the API, in links and in constraints.js.
        family: ``"bounded"``, ``"probability"`` or ``"regularised"``.
        title: as a person reads it in a menu.
        parameters: in the order of the module's arguments.
        formula: for any class; ``{lo}`` and the like stand for live numbers, ``{name}`` for what the twin reports.
        example: the same for one class with logit ``{z}`` and output ``{y}``.
        build: makes the module from keyword arguments.
        help: one sentence for a person: what it does and what to watch.
        zeros: whether exact zeros are its point, to be counted.
    """

    key: str
    family: str
    title: str
    parameters: tuple[Parameter, ...]
    formula: str
    example: str
    build: Callable[..., Constraint]
    help: str
    zeros: bool = False

    @functools.cached_property
    def module(self) -> type[Constraint]:
        """The class of what `build` makes."""
        return type(self.build(**{p.key: p.default for p in self.parameters}))

    @property
    def elementwise(self) -> bool:
        """Whether each output depends on its own logit alone, so that many rows can be mapped as one."""
        return self.module.elementwise

    @property
    def sparse(self) -> bool:
        """Whether it can predict a probability of exactly 0, for which the NLL is infinite."""
        return self.module.sparse

    @property
    def clips(self) -> bool:
        """Whether it changes only what lies beyond its bounds."""
        return issubclass(self.module, modules.Clamp)


def _clamp(gradient: str) -> Callable[..., Constraint]:
    return lambda lo, hi: modules.Clamp(lo, hi, gradient=gradient)


_CLAMPED = ("y = min(max(z, {lo}), {hi})", "min(max({z}, {lo}), {hi}) = {y}")
_SPARSE = "Classes below the threshold τ get exactly 0, and pass no gradient."

REGISTRY: dict[str, Entry] = {
    entry.key: entry
    for entry in (
        Entry(
            "clamp",
            "bounded",
            "Hard clamp",
            (LO, HI),
            *_CLAMPED,
            _clamp("zero"),
            "torch.clamp: what is clipped gets no gradient and stops learning.",
        ),
        Entry(
            "clamp_straight_through",
            "bounded",
            "Clamp, straight-through gradient",
            (LO, HI),
            *_CLAMPED,
            _clamp("straight_through"),
            "The same outputs; the gradient passes as if there were no clamp, so nothing holds a clipped logit back.",
        ),
        Entry(
            "clamp_inward",
            "bounded",
            "Clamp, inward gradient",
            (LO, HI),
            *_CLAMPED,
            _clamp("inward"),
            "The same outputs; a clipped logit gets only the gradient that pulls it back into the box.",
        ),
        Entry(
            "smooth_clamp",
            "bounded",
            "Smooth clamp (tanh)",
            (LO, HI),
            "y = {middle} + {half} · tanh((z − {middle}) / {half})",
            "{middle} + {half} · tanh(({z} − {middle}) / {half}) = {y}",
            modules.SmoothClamp,
            "Keeps the order of the classes, and its gradient fades towards the bounds instead of stopping there, as "
            "far as floats can tell numbers apart.",
        ),
        Entry(
            "softmax",
            "probability",
            "Softmax",
            (TEMPERATURE,),
            "p = exp(z / {temperature}) / Σ exp(z / {temperature})",
            "exp(({z} − {top}) / {temperature}) / {sum} = {y}",
            modules.Softmax,
            "Every class keeps some probability, unless a float rounds it to 0; the temperature never changes the "
            "order. Taking the largest logit off first changes nothing and keeps exp from overflowing.",
        ),
        Entry(
            "sparsemax",
            "probability",
            "Sparsemax",
            (TEMPERATURE,),
            "p = max(z / {temperature} − τ, 0), τ = {tau}",
            "max({z} / {temperature} − {tau}, 0) = {y}",
            modules.Sparsemax,
            _SPARSE,
            zeros=True,
        ),
        Entry(
            "entmax15",
            "probability",
            "1.5-entmax",
            (TEMPERATURE,),
            "p = max(z / (2 · {temperature}) − τ, 0)², τ = {tau}",
            "max({z} / (2 · {temperature}) − {tau}, 0)² = {y}",
            modules.Entmax15,
            "Between softmax and sparsemax. " + _SPARSE,
            zeros=True,
        ),
        Entry(
            "prox_l1",
            "regularised",
            "L1 proximal step",
            (LAM,),
            "y = sign(z) · max(|z| − {lam}, 0)",
            "sign({z}) · max(|{z}| − {lam}, 0) = {y}",
            modules.ProxL1,
            "One exact proximal step on ½‖y − z‖² + λ‖y‖₁: all move λ towards zero, the small ones to exactly 0.",
            zeros=True,
        ),
        Entry(
            "prox_l2",
            "regularised",
            "L2 proximal step",
            (LAM,),
            "y = z / (1 + 2 · {lam})",
            "{z} / (1 + 2 · {lam}) = {y}",
            modules.ProxL2,
            "One exact proximal step on ½‖y − z‖² + λ‖y‖₂²: everything shrinks by the same factor.",
        ),
        Entry(
            "project_l1_ball",
            "regularised",
            "Project onto L1 ball",
            (RADIUS,),
            "y = sign(z) · max(|z| − θ, 0), θ = {theta}",
            "sign({z}) · max(|{z}| − {theta}, 0) = {y}",
            modules.ProjectL1Ball,
            "The nearest point with ‖y‖₁ ≤ r: a soft threshold that stops where the ball begins.",
            zeros=True,
        ),
        Entry(
            "project_l2_ball",
            "regularised",
            "Project onto L2 ball",
            (RADIUS,),
            "y = z · min(1, {radius} / ‖z‖₂), ‖z‖₂ = {norm}",
            "{z} · min(1, {radius} / {norm}) = {y}",
            modules.ProjectL2Ball,
            "The nearest point with ‖y‖₂ ≤ r: one factor for all.",
        ),
        Entry(
            "project_simplex",
            "regularised",
            "Project onto simplex",
            (RADIUS,),
            "y = max(z − τ, 0), τ = {tau}, Σ y = {radius}",
            "max({z} − {tau}, 0) = {y}",
            modules.ProjectSimplex,
            "The nearest point with y ≥ 0 and Σ y = r; with r = 1 this is sparsemax at T = 1.",
            zeros=True,
        ),
    )
}

FAMILIES = {"bounded": "Bounded", "probability": "Probability", "regularised": "Regularised"}  # and their titles


def family(name: str) -> dict[str, Entry]:
    """The entries of one family, in the order of the menu."""
    return {key: entry for key, entry in REGISTRY.items() if entry.family == name}


def build(key: str, settings: dict[str, float]) -> Constraint:
    """The module of an entry, from a mapping that holds at least its parameters.

    Raises:
        ValueError: for an unknown key, a parameter that is missing, not a number, or outside its range.
    """
    if key not in REGISTRY:
        raise ValueError(f"method must be one of {', '.join(REGISTRY)}, got {key!r:.40}")
    entry = REGISTRY[key]
    return entry.build(**{p.key: number(p, settings.get(p.key)) for p in entry.parameters})


def number(parameter: Parameter, value: object) -> float:
    """Check that a value from outside is a finite number in the parameter's range.

    Raises:
        ValueError: with the value and the range in it.
    """
    low = 0.0 if parameter.zero else parameter.low
    # Compared, not converted: a whole number may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        raise ValueError(f"{parameter.key} must be a number from {low:g} to {parameter.high:g}, got {value!r:.40}")
    if not low <= value <= parameter.high:
        raise ValueError(f"{parameter.key} must be from {low:g} to {parameter.high:g}, got {value!r:.40}")
    return float(value)
