"""What a person can choose: one entry a constraint, with its parameters, its formula and its module.

The page, the browser's twin (assets/web/twins/constraints.js), the parity test and the generated code all read this
table; CONTRIBUTING.md says what else a new entry needs. A parameter belongs to the entries that take it, all of one
family, and is listed nowhere else.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import modules
from .modules import Constraint
from .parameters import Number, Parameter, Value

LO = Number(
    "lo",
    "lo",
    "lo, the lower bound",
    "No output falls below this.",
    shortcut="l",
    default=-2.0,
    low=-20.0,
    high=20.0,
)
HI = Number(
    "hi",
    "hi",
    "hi, the upper bound",
    "No output rises above this.",
    shortcut="h",
    default=1.5,
    low=-20.0,
    high=20.0,
    above="lo",
)
BETA = Number(
    "beta",
    "β",
    "β, sharpness",
    "How sharply a smooth bound bends; a large one is nearly a clamp.",
    default=1.0,
    low=0.1,
    high=20.0,
    scale="log",
)
TEMPERATURE = Number(
    "temperature",
    "T",
    "T, temperature",
    "Below 1 the distribution sharpens, above 1 it flattens.",
    link="t",
    constant="T",
    shortcut="t",
    default=1.0,
    low=0.05,
    high=20.0,
    scale="log",
    neutral=1.0,
    learnable=True,
)
LAM = Number(
    "lam",
    "λ",
    "λ, weight",
    "How strongly outputs are pulled towards zero; 0 turns it off.",
    shortcut="w",
    default=0.5,
    low=0.001,
    high=10.0,
    scale="log",
    zero=True,
)
RADIUS = Number(
    "radius",
    "r",
    "r, radius",
    "The size of the set that outputs are projected onto.",
    shortcut="w",
    default=3.0,
    low=0.1,
    high=100.0,
    scale="log",
)


@dataclass(frozen=True)
class Entry:
    """A constraint.

    Attributes:
        key: its name in the API, in links and in constraints.js.
        family: ``"bounded"``, ``"probability"`` or ``"regularised"``.
        title: as a person reads it in a menu.
        parameters: in the order of the module's arguments.
        formula: for any class; ``{lo}`` and the like stand for live numbers, or for the symbol of what differs by
            class, and ``{name}`` for what the twin reports.
        example: the same for one class with logit ``{z}`` and output ``{y}``, and with that class's value of what
            differs; of a mask 1 or 0.
        build: makes the module from keyword arguments.
        help: one sentence for a person: what it does and what to watch.
        zeros: whether to count exact zeros, because they are its point.
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
    def opening(self) -> Constraint:
        """The module with the parameters' defaults."""
        return self.build(**{p.key: p.default for p in self.parameters})

    @property
    def module(self) -> type[Constraint]:
        """The class of what `build` makes."""
        return type(self.opening)

    @property
    def elementwise(self) -> bool:
        """Whether each output depends on its own logit alone, the same way for every class.

        Many rows can then be mapped as one.
        """
        return self.module.elementwise and all(isinstance(p, Number) for p in self.parameters)

    @property
    def learnable(self) -> bool:
        """Whether one of its parameters can be learned."""
        return any(isinstance(p, Number) and p.learnable for p in self.parameters)

    @property
    def sparse(self) -> bool:
        """Whether it can predict a probability of exactly 0, for which the NLL is infinite."""
        return self.module.sparse

    @property
    def inward(self) -> bool:
        """Whether it passes only gradients that lead back into its bounds."""
        return getattr(self.opening, "gradient", "") == "inward"

    @property
    def norm(self) -> str:
        """The norm of the penalty that can replace it, ``"l1"`` or ``"l2"``; ``""`` for what is no proximal step."""
        return self.module.norm

    @property
    def clips(self) -> bool:
        """Whether it changes only what lies beyond its bounds."""
        return self.module.clips


def _clamp(gradient: str) -> Callable[..., Constraint]:
    return lambda lo, hi: modules.Clamp(lo, hi, gradient=gradient)


_CLAMPED = {"formula": "y = min(max(z, {lo}), {hi})", "example": "min(max({z}, {lo}), {hi}) = {y}"}
_SPARSE = "Classes below the threshold τ get exactly 0 and pass no gradient."

REGISTRY: dict[str, Entry] = {
    entry.key: entry
    for entry in (
        Entry(
            key="clamp",
            family="bounded",
            title="Hard clamp",
            parameters=(LO, HI),
            **_CLAMPED,
            build=_clamp("zero"),
            help="torch.clamp: a clipped logit gets no gradient and stops learning.",
        ),
        Entry(
            key="clamp_straight_through",
            family="bounded",
            title="Clamp, straight-through gradient",
            parameters=(LO, HI),
            **_CLAMPED,
            build=_clamp("straight_through"),
            help="The hard clamp's outputs; the gradient passes as if there were no clamp, so nothing holds a clipped "
            "logit back.",
        ),
        Entry(
            key="clamp_inward",
            family="bounded",
            title="Clamp, inward gradient",
            parameters=(LO, HI),
            **_CLAMPED,
            build=_clamp("inward"),
            help="The hard clamp's outputs; a clipped logit gets only the gradient that pulls it back into the box.",
        ),
        Entry(
            key="smooth_clamp",
            family="bounded",
            title="Smooth clamp (tanh)",
            parameters=(LO, HI),
            formula="y = {middle} + {half} · tanh((z − {middle}) / {half})",
            example="{middle} + {half} · tanh(({z} − {middle}) / {half}) = {y}",
            build=modules.SmoothClamp,
            help="Keeps the order of the classes; the gradient fades towards the bounds instead of stopping there, "
            "up to floating-point rounding.",
        ),
        Entry(
            key="scaled_sigmoid",
            family="bounded",
            title="Scaled sigmoid",
            parameters=(LO, HI),
            formula="y = {lo} + ({hi} − {lo}) · σ(z)",
            example="{lo} + ({hi} − {lo}) / (1 + exp(−{z})) = {y}",
            build=modules.ScaledSigmoid,
            help="A logit of 0 goes to the middle of the box, and the order of the classes stays; with 0 and 1 it is "
            "the sigmoid of multi-label classification. Its gradient fades towards the bounds.",
        ),
        Entry(
            key="softplus",
            family="bounded",
            title="Softplus, above lo",
            parameters=(LO, BETA),
            formula="y = {lo} + log(1 + exp({beta} · (z − {lo}))) / {beta}",
            example="{lo} + log(1 + exp({beta} · ({z} − {lo}))) / {beta} = {y}",
            build=lambda lo, beta: modules.Softplus(lo=lo, beta=beta),
            help="A smooth lower bound and no upper one: far above lo it changes nothing, and below it the gradient "
            "fades.",
        ),
        Entry(
            key="softplus_upper",
            family="bounded",
            title="Softplus, below hi",
            parameters=(HI, BETA),
            formula="y = {hi} − log(1 + exp({beta} · ({hi} − z))) / {beta}",
            example="{hi} − log(1 + exp({beta} · ({hi} − {z}))) / {beta} = {y}",
            build=lambda hi, beta: modules.Softplus(hi=hi, beta=beta),
            help="A smooth upper bound and no lower one: far below hi it changes nothing, and above it the gradient "
            "fades.",
        ),
        Entry(
            key="softmax",
            family="probability",
            title="Softmax",
            parameters=(TEMPERATURE,),
            formula="p = exp(z / {temperature}) / Σ exp(z / {temperature})",
            example="exp(({z} − {top}) / {temperature}) / {sum} = {y}",
            build=modules.Softmax,
            help="Every class keeps some probability, unless it rounds to 0; the temperature never changes the order. "
            "Subtracting the largest logit first changes nothing and keeps exp from overflowing.",
        ),
        Entry(
            key="sparsemax",
            family="probability",
            title="Sparsemax",
            parameters=(TEMPERATURE,),
            formula="p = max(z / {temperature} − τ, 0), τ = {tau}",
            example="max({z} / {temperature} − {tau}, 0) = {y}",
            build=modules.Sparsemax,
            help=_SPARSE,
            zeros=True,
        ),
        Entry(
            key="entmax15",
            family="probability",
            title="1.5-entmax",
            parameters=(TEMPERATURE,),
            formula="p = max(z / (2 · {temperature}) − τ, 0)², τ = {tau}",
            example="max({z} / (2 · {temperature}) − {tau}, 0)² = {y}",
            build=modules.Entmax15,
            help="Between softmax and sparsemax. " + _SPARSE,
            zeros=True,
        ),
        Entry(
            key="prox_l1",
            family="regularised",
            title="L1 proximal step",
            parameters=(LAM,),
            formula="y = sign(z) · max(|z| − {lam}, 0)",
            example="sign({z}) · max(|{z}| − {lam}, 0) = {y}",
            build=modules.ProxL1,
            help="One exact proximal step on ½‖y − z‖² + λ‖y‖₁: every logit moves λ towards zero; small ones become "
            "exactly 0.",
            zeros=True,
        ),
        Entry(
            key="prox_l2",
            family="regularised",
            title="L2 proximal step",
            parameters=(LAM,),
            formula="y = z / (1 + 2 · {lam})",
            example="{z} / (1 + 2 · {lam}) = {y}",
            build=modules.ProxL2,
            help="One exact proximal step on ½‖y − z‖² + λ‖y‖₂²: everything shrinks by the same factor.",
        ),
        Entry(
            key="project_l1_ball",
            family="regularised",
            title="Project onto L1 ball",
            parameters=(RADIUS,),
            formula="y = sign(z) · max(|z| − θ, 0), θ = {theta}",
            example="sign({z}) · max(|{z}| − {theta}, 0) = {y}",
            build=modules.ProjectL1Ball,
            help="The nearest point with ‖y‖₁ ≤ r: a soft threshold that stops where the ball begins.",
            zeros=True,
        ),
        Entry(
            key="project_l2_ball",
            family="regularised",
            title="Project onto L2 ball",
            parameters=(RADIUS,),
            formula="y = z · min(1, {radius} / ‖z‖₂), ‖z‖₂ = {norm}",
            example="{z} · min(1, {radius} / {norm}) = {y}",
            build=modules.ProjectL2Ball,
            help="The nearest point with ‖y‖₂ ≤ r: one factor scales them all.",
        ),
        Entry(
            key="project_simplex",
            family="regularised",
            title="Project onto simplex",
            parameters=(RADIUS,),
            formula="y = max(z − τ, 0), τ = {tau}, Σ y = {radius}",
            example="max({z} − {tau}, 0) = {y}",
            build=modules.ProjectSimplex,
            help="The nearest point with y ≥ 0 and Σ y = r; with r = 1 this is sparsemax at T = 1.",
            zeros=True,
        ),
    )
}

FAMILIES = {"bounded": "Bounded", "probability": "Probability", "regularised": "Regularised"}  # and their titles


def _parameters() -> dict[str, Parameter]:
    """Every parameter of the table by its key, which means one thing, in one family: a tab has one control for it."""
    known: dict[str, tuple[Parameter, str]] = {}
    for entry in REGISTRY.values():
        for parameter in entry.parameters:
            if known.setdefault(parameter.key, (parameter, entry.family)) != (parameter, entry.family):
                raise ValueError(
                    f"{entry.key} takes another {parameter.key} than an entry above it: rename one of them"
                )
    return {key: parameter for key, (parameter, _) in known.items()}


PARAMETERS = _parameters()


def family(name: str) -> dict[str, Entry]:
    """The entries of one family, in the order of the menu."""
    return {key: entry for key, entry in REGISTRY.items() if entry.family == name}


def parameters(name: str) -> dict[str, Parameter]:
    """The parameters of one family, in the order of its entries."""
    return {p.key: p for entry in family(name).values() for p in entry.parameters}


def build(key: str, settings: Mapping[str, object], *, classes: int | None = None, learned: bool = False) -> Constraint:
    """The module of an entry, from a mapping that holds at least its parameters.

    Args:
        key: of the entry.
        settings: by the parameters' keys.
        classes: C, where that is known: a list with a value for each class must have as many.
        learned: whether the parameters that can be learned are; an entry without one takes no notice.

    Raises:
        ValueError: for an unknown key, a parameter that is missing, or a value that it does not take.
    """
    values = checked(key, settings, classes)
    entry = REGISTRY[key]
    return entry.build(**values, learnable=True) if learned and entry.learnable else entry.build(**values)


def checked(key: str, settings: Mapping[str, object], classes: int | None = None) -> dict[str, Value]:
    """The parameters of an entry out of a mapping; arguments and errors as for `build`."""
    if not isinstance(key, str) or key not in REGISTRY:
        raise ValueError(f"method must be one of {', '.join(REGISTRY)}, got {key!r:.40}")
    if not isinstance(settings, Mapping):
        raise ValueError(f"settings must map parameters to values, got {settings!r:.40}")
    return {p.key: p.check(settings.get(p.key), classes) for p in REGISTRY[key].parameters}
