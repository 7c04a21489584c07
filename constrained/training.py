"""Fitting a constrained head on features that are already there: what a constraint does to a model that learns.

The network itself is never touched. Its features of CIFAR-10's test pictures lie beside the bundled checkpoint: 6,000
for fitting, 4,000 for judging. Test pictures, because the network has memorised the ones it was trained on, and on
their features every head looks perfect.

A fit is a generator: it works only while it is asked for the next `Figures`, so whoever runs it can stop at once by
not asking again.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import torch
from torch import Tensor

from . import calibration, models, registry
from .heads import PENALTIES
from .modules import ConstrainedLinear
from .parameters import Number, Value

MOST = 6000  # examples for fitting; `data` has as many
OPTIMIZERS = ("adamw", "sgd")
BATCHES = (0, 64, 256, 1024)  # 0: all at once

PENALTY = Number(
    "weight",
    "λ",
    "λ, weight of the penalty",
    "Weight of the penalty in the loss; 0 is off.",
    default=0.0,
    low=1e-5,
    high=10.0,
    scale="log",
    zero=True,
)
LEARNING_RATE = Number(
    "learning_rate",
    "η",
    "Learning rate",
    "Size of a step of the optimiser.",
    default=0.01,
    low=1e-4,
    high=1.0,
    scale="log",
)
EPOCHS = Number(
    "epochs",
    "epochs",
    "Epochs",
    "How many times each example is seen.",
    default=100,
    low=10,
    high=500,
    step=10,
    whole=True,
)
NOISE = Number(
    "noise",
    "label noise",
    "Label noise, %",
    "Share of training labels that are replaced by wrong ones.",
    default=0.0,
    low=0.0,
    high=0.6,
)
EXAMPLES = Number(
    "examples",
    "examples",
    "Training examples",
    "How many examples there are to learn from.",
    default=MOST,
    low=100,
    high=MOST,
    step=100,
    whole=True,
)
SEED = Number(
    "seed",
    "seed",
    "Seed",
    "For the first weights, the order and the noise.",
    default=0,
    low=0,
    high=2**31 - 1,
    whole=True,
)
PARAMETERS = {p.key: p for p in (PENALTY, LEARNING_RATE, EPOCHS, NOISE, EXAMPLES, SEED)}  # beside the constraint's


class DivergedError(ArithmeticError):
    """The weights are no longer finite; the message is for a person and says what to do."""


@dataclass(frozen=True)
class Setting:
    """All that decides a fit; the same setting gives the same head.

    Attributes:
        method: a key of the registry, or ``""`` for no constraint.
        settings: the constraint's parameters, by key; one that is missing gets its default.
        learned: whether the parameters that can be learned are, starting from those values.
        penalty: ``"l1"``, ``"l2"`` or ``""``; what is added to the loss, with ``weight``.
        optimizer: ``"adamw"`` (without weight decay, which would be a penalty of its own) or ``"sgd"`` (Nesterov).
        batch: examples a step; 0 for all.
        noise: share of training labels replaced by another class.
        examples: how many of those for fitting are used.
        seed: of the first weights, the order of the examples and the noise.

    Raises:
        ValueError: for a value that is not one of these or outside its range, with the value in it.
    """

    method: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)
    learned: bool = False
    penalty: str = ""
    weight: float = PENALTY.default
    optimizer: str = "adamw"
    learning_rate: float = LEARNING_RATE.default
    epochs: int = EPOCHS.default
    batch: int = 0
    noise: float = NOISE.default
    examples: int = EXAMPLES.default
    seed: int = SEED.default

    def __post_init__(self) -> None:
        for key, allowed in {
            "method": ("", *registry.REGISTRY),
            "penalty": ("", *PENALTIES),
            "optimizer": OPTIMIZERS,
            "batch": BATCHES,
            "learned": (False, True),
        }.items():
            value = getattr(self, key)
            if type(value) is not type(allowed[0]) or value not in allowed:  # 64.0 and False equal 64 and 0
                names = ", ".join(map(repr, allowed))
                raise ValueError(f"{key} must be one of {names}, got {value!r:.40}")
        for key, parameter in PARAMETERS.items():
            parameter.check(getattr(self, key))
        known = {p.key: p.default for p in registry.REGISTRY[self.method].parameters} if self.method else {}
        if not isinstance(self.settings, Mapping) or set(self.settings) - set(known):
            names = ", ".join(known) or "none"
            raise ValueError(f"method={self.method!r} has these settings and no others: {names}")
        if self.method:
            settings = registry.checked(self.method, known | dict(self.settings), len(data().classes))
            object.__setattr__(self, "settings", settings)
        self.head()  # lo > hi

    def head(self) -> ConstrainedLinear:
        """A new head ``(..., F) -> (..., C)`` for `data`, with the weights that this seed starts from."""
        constraint = registry.build(self.method, self.settings, learned=self.learned) if self.method else None
        penalty = PENALTIES[self.penalty](self.weight) if self.penalty and self.weight else None
        classes, width = len(data().classes), data().width
        with torch.device("meta"):  # nn.Linear would draw first weights from the global generator
            head = ConstrainedLinear(width, classes, constraint=constraint, penalty=penalty)
        generator = torch.Generator().manual_seed(self.seed)
        bound = width**-0.5  # its own range
        head.weight, head.bias = (
            torch.nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))
            for shape in ((classes, width), (classes,))
        )
        return head

    @classmethod
    def read(cls, values: dict) -> "Setting":
        """A setting from numbers and names of a stranger.

        Raises:
            ValueError: for anything that is not known or out of range; what is missing has its default.
        """
        names = {f.name for f in fields(cls)}
        if not isinstance(values, dict) or set(values) - names:
            raise ValueError("a setting has these and no others: " + ", ".join(sorted(names)))
        return cls(**values)


class Data(NamedTuple):
    """Features and labels for fitting and for judging."""

    fit: tuple[Tensor, Tensor]  # (N, F) float32, (N,) int64
    judge: tuple[Tensor, Tensor]  # (M, F) float32, (M,) int64
    classes: tuple[str, ...]
    network: str  # SHA-256 of the weights that made the features

    @property
    def width(self) -> int:
        return self.fit[0].shape[1]


@functools.cache
def data() -> Data:
    """The features that come with the bundled checkpoint."""
    checkpoint = models.bundled()
    features, labels, learn = checkpoint.tested("features", "labels", "fit")
    features, labels = features.float(), labels.long()
    fit, judge = (part.nonzero()[:, 0] for part in (learn, ~learn))
    fit = fit[torch.randperm(len(fit), generator=torch.Generator().manual_seed(0))]  # they lie there class by class
    return Data((features[fit], labels[fit]), (features[judge], labels[judge]), checkpoint.labels, checkpoint.sha256)


class Figures(NamedTuple):
    """How a head does after some epochs; ``train_*`` on what it learns from, the others on those that judge.

    ``nll`` and ``ece`` are of the probabilities that the head stands for: its outputs, where they are a
    distribution, and else the softmax of its outputs.
    """

    epoch: int
    train_loss: float  # the loss that is minimised, penalty and all, on the labels as they are, noise included
    train_accuracy: float  # of those same labels
    loss: float
    accuracy: float
    nll: float  # infinite once a true class has probability 0
    impossible: float  # share of examples whose true class has probability 0
    ece: float
    size: float  # mean |logit|
    dead: float  # share of the training examples' logits that the loss sends no gradient at all, in float32
    temperature: float | None


def fit(setting: Setting, reports: int = 50) -> Iterator[tuple[Figures, ConstrainedLinear]]:
    """Fit a head; gives ``(figures, head)`` before the first epoch and then about ``reports`` times, last at the end.

    The head is the one being fitted: it goes on changing with the next item.

    Raises:
        DivergedError: as soon as a report would be about weights that are not finite.
    """
    known = data()
    head = setting.head()
    generator = torch.Generator().manual_seed(setting.seed)
    x, labels = (t[: setting.examples] for t in known.fit)
    labels = noisy(labels, setting.noise, len(known.classes), generator)
    kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[setting.optimizer]
    own = {"adamw": {"fused": True}, "sgd": {"momentum": 0.9, "nesterov": True}}[setting.optimizer]
    optimizer = kind(head.parameters(), lr=setting.learning_rate, weight_decay=0.0, **own)
    size = setting.batch or len(x)
    every = max(1, setting.epochs // reports)
    yield figures(head, 0, (x, labels), known.judge), head
    for epoch in range(1, setting.epochs + 1):
        if size < len(x):
            order = torch.randperm(len(x), generator=generator)
            batches = ((x.index_select(0, part), labels[part]) for part in order.split(size))
        else:
            batches = [(x, labels)]
        for inputs, targets in batches:
            # Autograd goes down to the logits; the linear layer's own gradients are two products. They lie in memory as
            # (C, B), in which order both products and the softmax are several times faster for few classes.
            with torch.no_grad():
                logits = torch.addmm(head.bias[:, None], head.weight, inputs.T).T  # (B, C)
            logits.requires_grad_()
            optimizer.zero_grad()
            head.loss(logits, targets).backward()
            head.weight.grad, head.bias.grad = logits.grad.T @ inputs, logits.grad.sum(0)
            optimizer.step()
        if epoch % every == 0 or epoch == setting.epochs:
            yield figures(head, epoch, (x, labels), known.judge), head


def noisy(labels: Tensor, share: float, classes: int, generator: torch.Generator) -> Tensor:
    """Labels ``(N,)`` of which a share, exactly and at random, is moved to another class, each as likely."""
    labels = labels.clone()
    wrong = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    shift = torch.randint(1, classes, (len(wrong),), generator=generator)
    labels[wrong] = (labels[wrong] + shift) % classes
    return labels


def figures(head: ConstrainedLinear, epoch: int, train: tuple[Tensor, Tensor], judge: tuple[Tensor, Tensor]) -> Figures:
    """`Figures` of a head, in float64 from its logits on, but for ``dead``, in which a step of training is asked.

    Raises:
        DivergedError: if its weights or logits are not finite.
    """
    with torch.no_grad():
        z_steps, z = (head.logits(x) for x, _ in (train, judge))
        z_train, z = z_steps.double(), z.double()
    if not all(numbers.isfinite().all() for numbers in (*head.parameters(), z_train, z)):
        raise DivergedError(f"The weights ran away to infinity by epoch {epoch}: lower the learning rate.")
    steps = z_steps.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(head.loss(steps, train[1]), steps)  # as in a step, where float32 may lose it
    with torch.no_grad():
        train_loss = head.loss(z_train, train[1])
        told = calibration.figures(calibration.as_logits(head.constraint, z), judge[1])
        guesses = calibration.as_logits(head.constraint, z_train).softmax(-1)
        return Figures(
            epoch,
            train_loss.item(),
            calibration.accuracy(guesses, train[1]).item(),
            head.loss(z, judge[1]).item(),
            told.accuracy,
            told.nll,
            told.impossible,
            told.ece,
            z.abs().mean().item(),
            (gradient == 0).double().mean().item(),
            float(head.constraint.temperature) if head.constraint is not None and head.constraint.tempered else None,
        )
