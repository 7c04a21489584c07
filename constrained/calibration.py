"""How far confidences can be trusted: accuracy, NLL, Brier score, calibration error, and the temperature that helps.

`nll` and `fit_temperature` take logits, the others probabilities. What a constrained model predicts comes as either:
`as_logits` gives, for any constraint, the logits whose softmax it is.

Rounding. Two classes whose probabilities differ by less than a share of 1e-12 are tied, and a confidence that lies
this close to the edge of a bin lies on it: arithmetic must not decide what the numbers leave open.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .modules import Constraint, Entmax15, Softmax, Sparsemax

ROUNDING = 1e-12
BINS = 15
# The search for T reaches from exp(-20) to exp(20) times the logits' own size, whatever their unit.
REACH = 20.0


def as_logits(constraint: Constraint | None, logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Logits whose softmax is what a constrained model predicts, so that one NLL serves them all.

    A bounded or regularised output y is read as logits, divided by ``temperature``. Softmax divides by its own
    temperature instead. Sparsemax and 1.5-entmax give probabilities; their logarithm is returned, ``-inf`` where a
    class has none.

    Args:
        constraint: any `modules.Constraint`, or ``None`` for the logits themselves.
        logits: ``(N, C)``; computed in float64.
        temperature: T > 0, for all but the probability family.

    Returns:
        ``(N, C)``, float64.
    """
    z = logits.double()
    if isinstance(constraint, Softmax):
        return z / constraint.temperature
    if isinstance(constraint, Sparsemax | Entmax15):
        return constraint(z).log()
    return (z if constraint is None else constraint(z)) / temperature


def nll(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log-likelihood, in nats.

    Probabilities that sum to 1 are given as their logarithm. A label whose probability is exactly 0, as sparsemax and
    1.5-entmax can make it, has an infinite one, and so has the mean.

    Args:
        logits: ``(N, C)``; computed in float64.
        labels: ``(N,)``, int64, each in ``[0, C)``.

    Returns:
        A float64 scalar.
    """
    return torch.nn.functional.cross_entropy(logits.double(), labels)


def _hits(probabilities: Tensor, labels: Tensor) -> Tensor:
    """How right each row's top class is, ``(N,)``: 1, 0, or the chance to guess right among tied ones."""
    p = probabilities.double()
    tied = p >= p.amax(dim=-1, keepdim=True) * (1 - ROUNDING)  # (N, C)
    return tied.gather(1, labels[:, None])[:, 0] / tied.sum(dim=-1).double()


def accuracy(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Share of rows whose most probable class is the label.

    Where k classes are tied for it, as a clamp makes them, choosing one is a guess: such a row counts 1/k if the
    label is among them. Without ties this is the share of ``argmax == label``.

    Args:
        probabilities: ``(N, C)``.
        labels: ``(N,)``, int64.

    Returns:
        A float64 scalar in ``[0, 1]``.
    """
    return _hits(probabilities, labels).mean()


def brier(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Brier score: the mean squared distance from the one-hot label, summed over classes (Brier 1950, eq. 2).

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, int64.

    Returns:
        A float64 scalar in ``[0, 2]``; always finite.
    """
    p = probabilities.double()
    return (p - torch.nn.functional.one_hot(labels, p.shape[1])).square().sum(dim=-1).mean()


class Reliability(NamedTuple):
    """Predictions sorted into bins by the confidence of the top class; what a reliability diagram draws."""

    edges: Tensor  # (bins + 1,), float64, from 0 to 1
    count: Tensor  # (bins,), int64
    confidence: Tensor  # (bins,), float64, the mean in each bin; NaN in an empty one
    accuracy: Tensor  # (bins,), float64, likewise


def reliability(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> Reliability:
    """Confidence and accuracy of the top class in bins of equal width (Guo et al. 2017, section 2).

    A bin is (lower edge, upper edge], as in the paper. Bins are cut at the interior edges only, so a confidence of 0
    falls into the first bin and one of 1 into the last. Tied top classes count as in `accuracy`.

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, int64.
        bins: how many bins cover ``[0, 1]``.
    """
    confidence = probabilities.double().amax(dim=-1)  # (N,)
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=confidence.device)
    index = torch.bucketize(confidence, edges[1:-1] + ROUNDING)
    count = torch.bincount(index, minlength=bins)
    sums = torch.zeros(2, bins, dtype=torch.float64, device=confidence.device)
    sums.index_add_(1, index, torch.stack([confidence, _hits(probabilities, labels)]))
    return Reliability(edges, count, *(sums / count))


def ece(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> Tensor:
    """Expected calibration error of the top class: the mean gap of `reliability`, by count (Guo et al. 2017, eq. 3).

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, int64.
        bins: how many bins cover ``[0, 1]``.

    Returns:
        A float64 scalar in ``[0, 1]``.
    """
    table = reliability(probabilities, labels, bins)
    gap = (table.accuracy - table.confidence).abs().nan_to_num(0)
    return (gap * table.count).sum() / len(labels)


class Figures(NamedTuple):
    """How good a set of predictions is."""

    accuracy: float
    nll: float  # in nats; inf if a label has probability 0
    ece: float
    brier: float
    impossible: float  # share of rows whose label has probability exactly 0


def figures(logits: Tensor, labels: Tensor, bins: int = BINS) -> Figures:
    """All figures of the predictions ``softmax(logits)``; see `as_logits`.

    Args:
        logits: ``(N, C)``; ``-inf`` for a class with probability 0.
        labels: ``(N,)``, int64.
        bins: as in `ece`.
    """
    log = logits.double().log_softmax(dim=-1)
    p = log.exp()
    # From the logarithm: a probability below 1e-323 is a zero of float64 and not of softmax.
    impossible = (log.gather(1, labels[:, None]) == -math.inf).double().mean()
    values = (accuracy(p, labels), nll(log, labels), ece(p, labels, bins), brier(p, labels), impossible)
    return Figures(*(value.item() for value in values))


class TemperatureFit(NamedTuple):
    """What `fit_temperature` found."""

    temperature: float
    nll: float  # at that temperature, on the data it was fitted to
    edge: str | None  # None, or a key of `EDGES`: there is no best T, and this is where it would go


EDGES = {
    "zero": "T wants to be 0: every label has the largest logit, so the NLL falls for as long as T does.",
    "infinity": "T wants to be infinite: the logits say no more about these labels than chance does.",
    "any": "T does not matter: in every row all logits are equal.",
}


def fit_temperature(logits: Tensor, labels: Tensor) -> TemperatureFit:
    r"""The temperature with the least NLL: :math:`\arg\min_T \mathrm{nll}(z / T)` (Guo et al. 2017, section 4.2).

    The NLL is convex in 1/T, so its slope has one root. It is found in log T and float64 by Newton's method inside a
    bracket that bisection shrinks: T cannot turn negative, the result does not depend on a start or a seed, and
    ``fit_temperature(c * z)`` is ``c`` times that of ``z``. The bracket is [exp(-20), exp(20)] times the root mean
    square of the logits, each row less its mean. Where the optimum lies beyond, its end is returned and ``edge`` says
    so: separable labels want T = 0, labels that the logits do not predict want T = infinity.

    It is softmax's temperature. Sparsemax and 1.5-entmax can give a label probability 0, where the NLL is infinite
    and has no slope: ``-inf`` logits are refused.

    Args:
        logits: ``(N, C)``, finite, at least two classes.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.

    Raises:
        ValueError: for another shape or dtype, an empty set, one class, numbers that are not finite, or labels out of
            range.
    """
    z, labels = _checked(logits, labels)
    unit = z.abs().max().clamp_min(torch.finfo(z.dtype).tiny)
    z = z / unit  # in [-1, 1]: squares neither overflow nor vanish
    z = z - z.amax(dim=-1, keepdim=True)
    size = (z - z.mean(dim=-1, keepdim=True)).square().mean().sqrt()
    if (z == 0).all():
        return TemperatureFit(1.0, math.log(z.shape[1]), "any")
    z = z / size
    true = z.gather(1, labels[:, None])[:, 0]  # (N,)

    def slope(s: float) -> tuple[float, float]:
        """Derivative of the NLL with respect to 1/T at s = -log T, and what that changes by with s."""
        p = torch.softmax(z * math.exp(s), dim=-1)
        mean = (p * z).sum(dim=-1)
        spread = (p * (z - mean[:, None]).square()).sum(dim=-1)
        return (mean - true).mean().item(), math.exp(s) * spread.mean().item()

    low, high, edge = -REACH, REACH, None
    if slope(high)[0] <= 0:
        s, edge = high, "zero"
    elif slope(low)[0] >= 0:
        s, edge = low, "infinity"
    else:
        s, step, last = 0.0, high - low, high - low
        while abs(step) > 1e-14 and high - low > 1e-14:
            value, change = slope(s)
            low, high = (low, s) if value > 0 else (s, high)
            newton = -value / change if change else math.inf
            # Newton's step must stay inside and halve the one before last; else the bracket is halved.
            inside = low < s + newton < high and abs(newton) <= abs(last) / 2
            last, step = step, newton if inside else (low + high) / 2 - s
            s += step
    temperature = (unit * size).item() * math.exp(-s)
    return TemperatureFit(temperature, nll(z * math.exp(s), labels).item(), edge)


def _checked(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits as float64 and labels as int64, or a ``ValueError`` that says what is wrong with them."""
    if logits.ndim != 2 or not logits.is_floating_point():
        raise ValueError(f"logits must be floating and (N, C), got {logits.dtype} of shape {tuple(logits.shape)}")
    rows, classes = logits.shape
    if rows == 0:
        raise ValueError("logits must have at least one row")
    if classes < 2:
        raise ValueError(f"logits must have at least 2 classes, got {classes}: one class is always right")
    if not logits.isfinite().all():
        raise ValueError("logits must be finite")
    if labels.shape != (rows,) or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be integers of shape ({rows},), got {labels.dtype} of {tuple(labels.shape)}")
    labels = labels.long()
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must be from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return logits.double(), labels
