"""How far confidences can be trusted: accuracy, NLL, Brier score, calibration error, and the temperature that helps.

`nll`, `figures` and `fit_temperature` take logits, the others probabilities. Either taken for the other is an error.
What a constrained model predicts comes as either: for any constraint, `as_logits` gives the logits whose softmax it is.

Rounding. Two classes whose probabilities differ by less than a share of 1e-12 are tied, and a confidence that lies
within 1e-6 of the edge of a bin, or within the precision of its dtype, lies on it: arithmetic must not decide what the
numbers leave open.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .modules import Constraint
from .validation import SUM

ROUNDING = 1e-12  # of a share, between tied classes
EDGE = 1e-6  # of a confidence, around the edge of a bin
BINS = 15
TIES = ("shared", "first")
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)
# The search for T reaches from exp(-20) times the smallest of the rows' sizes to exp(20) times the largest.
REACH = 20.0


def as_logits(constraint: Constraint | None, logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Logits whose softmax is what a constrained model predicts, so that one NLL serves them all.

    They are those of `Constraint.as_logits`, each row less its largest, which changes no softmax. What has no
    temperature of its own is divided by ``temperature``.

    Args:
        constraint: any `modules.Constraint`, or ``None`` for the logits themselves.
        logits: ``(N, C)``; computed in float64.
        temperature: T > 0, for all but the probability family.

    Returns:
        ``(N, C)``, float64.

    Raises:
        ValueError: unless ``0 < temperature < inf``.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be positive and finite, got temperature={temperature}")
    z = logits.double() if constraint is None else constraint.as_logits(logits.double())
    z = z - z.amax(dim=-1, keepdim=True)
    return z if constraint is not None and constraint.tempered else z / temperature


def nll(logits: Tensor, labels: Tensor, *, ignore_index: int | None = None) -> Tensor:
    """Mean negative log-likelihood, in nats.

    Probabilities that sum to 1 are given as their logarithm. A label whose probability is exactly 0, as sparsemax and
    1.5-entmax can make it, has an infinite one, and so has the mean.

    Args:
        logits: ``(N, C)``; computed in float64.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.
        ignore_index: a label whose rows do not count.

    Returns:
        A float64 scalar.

    Raises:
        ValueError: for another shape or dtype, an empty set, NaN, probabilities in place of logits, or labels out of
            range.
    """
    return torch.nn.functional.cross_entropy(*_logits(logits, labels, ignore_index))


def accuracy(probabilities: Tensor, labels: Tensor, *, ties: str = "shared", ignore_index: int | None = None) -> Tensor:
    """Share of rows whose most probable class is the label.

    Where k classes are tied for it, as a clamp makes them, choosing one is a guess: such a row counts 1/k if the
    label is among them. Without ties this is the share of ``argmax == label``.

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.
        ties: ``"shared"``, or ``"first"`` to count the first of tied classes alone, as ``argmax`` does.
        ignore_index: a label whose rows do not count.

    Returns:
        A float64 scalar in ``[0, 1]``.

    Raises:
        ValueError: for another shape or dtype, an empty set, rows that are not on the simplex, labels out of range, or
            another way with ``ties``.
    """
    return _hits(*_probabilities(probabilities, labels, ignore_index), ties).mean()


def brier(probabilities: Tensor, labels: Tensor, *, ignore_index: int | None = None) -> Tensor:
    """Brier score: the mean squared distance from the one-hot label, summed over classes (Brier 1950, eq. 2).

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.
        ignore_index: a label whose rows do not count.

    Returns:
        A float64 scalar in ``[0, 2]``; always finite.

    Raises:
        ValueError: as for `accuracy`.
    """
    return _brier(*_probabilities(probabilities, labels, ignore_index))


class Reliability(NamedTuple):
    """Predictions sorted into bins by the confidence of the top class; what a reliability diagram draws."""

    edges: Tensor  # (bins + 1,), float64, from 0 to 1
    count: Tensor  # (bins,), int64
    confidence: Tensor  # (bins,), float64, the mean in each bin; NaN in an empty one
    accuracy: Tensor  # (bins,), float64, likewise


def reliability(
    probabilities: Tensor,
    labels: Tensor,
    bins: int = BINS,
    *,
    ties: str = "shared",
    ignore_index: int | None = None,
) -> Reliability:
    """Confidence and accuracy of the top class in bins of equal width (Guo et al. 2017, section 2).

    A bin is (lower edge, upper edge], as in the paper. Bins are cut at the interior edges only, so a confidence of 0
    falls into the first bin and one of 1 into the last. Tied top classes count as in `accuracy`.

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.
        bins: how many bins cover ``[0, 1]``.
        ties, ignore_index: as in `accuracy`.

    Raises:
        ValueError: as for `accuracy`, and unless ``bins`` is a whole number of at least 1.
    """
    p, labels = _probabilities(probabilities, labels, ignore_index)
    return _reliability(p, labels, bins, ties, max(EDGE, torch.finfo(probabilities.dtype).eps))


def ece(
    probabilities: Tensor,
    labels: Tensor,
    bins: int = BINS,
    *,
    ties: str = "shared",
    ignore_index: int | None = None,
) -> Tensor:
    """Expected calibration error of the top class: the mean gap of `reliability`, by count (Guo et al. 2017, eq. 3).

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.
        bins: how many bins cover ``[0, 1]``.
        ties, ignore_index: as in `accuracy`.

    Returns:
        A float64 scalar in ``[0, 1]``.

    Raises:
        ValueError: as for `reliability`.
    """
    return _gap(reliability(probabilities, labels, bins, ties=ties, ignore_index=ignore_index))


def _hits(p: Tensor, labels: Tensor, ties: str) -> Tensor:
    """How right each row's top class is, ``(N,)``: 1, 0, or the chance to guess right among tied ones."""
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, got {ties!r:.50}")
    if ties == "first":
        return (p.argmax(dim=-1) == labels).double()
    tied = p >= p.amax(dim=-1, keepdim=True) * (1 - ROUNDING)  # (N, C)
    return tied.gather(1, labels[:, None])[:, 0] / tied.sum(dim=-1).double()


def _brier(p: Tensor, labels: Tensor) -> Tensor:
    return (p - torch.nn.functional.one_hot(labels, p.shape[1])).square().sum(dim=-1).mean()


def _reliability(p: Tensor, labels: Tensor, bins: int, ties: str, rounding: float) -> Reliability:
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise ValueError(f"bins must be a whole number of at least 1, got bins={bins!r:.50}")
    confidence = p.amax(dim=-1)  # (N,)
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=p.device)
    index = torch.bucketize(confidence, edges[1:-1] + rounding)
    count = torch.bincount(index, minlength=bins)
    sums = torch.zeros(2, bins, dtype=torch.float64, device=p.device)
    sums.index_add_(1, index, torch.stack([confidence, _hits(p, labels, ties)]))
    return Reliability(edges, count, *(sums / count))


def _gap(table: Reliability) -> Tensor:
    gap = (table.accuracy - table.confidence).abs()
    return torch.where(table.count > 0, gap * table.count, 0).sum() / table.count.sum()


class Figures(NamedTuple):
    """How good a set of predictions is."""

    accuracy: float
    nll: float  # in nats; inf if a label has probability 0
    ece: float
    brier: float
    impossible: float  # share of rows whose label has probability exactly 0


def figures(
    logits: Tensor,
    labels: Tensor,
    bins: int = BINS,
    *,
    ties: str = "shared",
    ignore_index: int | None = None,
) -> Figures:
    """All figures of the predictions ``softmax(logits)``; see `as_logits`.

    Args:
        logits: ``(N, C)``; ``-inf`` for a class with probability 0.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.
        bins, ties, ignore_index: as in `ece`.

    Raises:
        ValueError: as for `nll` and `reliability`.
    """
    z, labels = _logits(logits, labels, ignore_index)
    log = z.log_softmax(dim=-1)
    p = log.exp()
    # From the logarithm: a probability below 1e-323 is a zero of float64 and not of softmax.
    impossible = (log.gather(1, labels[:, None]) == -math.inf).double().mean()
    loss = torch.nn.functional.nll_loss(log, labels)
    gap = _gap(_reliability(p, labels, bins, ties, EDGE))
    values = (_hits(p, labels, ties).mean(), loss, gap, _brier(p, labels), impossible)
    return Figures(*(value.item() for value in values))


class TemperatureFit(NamedTuple):
    """What `fit_temperature` found."""

    temperature: float
    nll: float  # at that temperature, on the data it was fitted to
    edge: str | None  # None, or a key of `EDGES`: there is no best T, and this is where it would go


EDGES = {
    "zero": "T wants to be 0: in these rows every label has the largest logit, so the NLL falls for as long as T does.",
    "infinity": "T wants to be infinite: in these rows the logits are no better than chance. If they are worse, a sign "
    "or the order of the classes is wrong.",
    "any": "T does not matter: in every row all logits are equal.",
}


def fit_temperature(logits: Tensor, labels: Tensor) -> TemperatureFit:
    r"""The temperature with the least NLL: :math:`\arg\min_T \mathrm{nll}(z / T)` (Guo et al. 2017, section 4.2).

    The NLL is convex in 1/T, so its slope has one root. It is found in log T and float64 by Newton's method inside a
    bracket that bisection shrinks: T cannot turn negative, the result does not depend on a start or a seed, and
    ``fit_temperature(c * z)`` is ``c`` times that of ``z``. The bracket reaches from exp(-20) times the smallest of the
    rows' sizes to exp(20) times the largest; a row's size is the root mean square of its logits less their mean. Where
    the optimum lies beyond, its end is returned and ``edge`` says so: separable labels want T = 0, labels that the
    logits do not predict want T = infinity.

    It is softmax's temperature. Sparsemax and 1.5-entmax can give a label probability 0, where the NLL is infinite
    and has no slope: ``-inf`` logits are refused.

    Args:
        logits: ``(N, C)``, finite, at least two classes.
        labels: ``(N,)``, an integer dtype, each in ``[0, C)``.

    Raises:
        ValueError: for another shape or dtype, an empty set, one class, numbers that are not finite, probabilities in
            place of logits, or labels out of range.
    """
    z, labels = _logits(logits, labels, None)
    if z.shape[1] < 2:
        raise ValueError(f"logits must have at least 2 classes, got {z.shape[1]}: one class is always right")
    if not z.isfinite().all():
        raise ValueError("logits must be finite")
    tiny = torch.finfo(z.dtype).tiny
    unit = z.abs().max().clamp_min(tiny)
    z = z / unit  # in [-1, 1], so that differences do not overflow
    z = z - z.amax(dim=-1, keepdim=True)
    if (z == 0).all():
        return TemperatureFit(1.0, math.log(z.shape[1]), "any")
    unit, z = unit * z.abs().max(), z / z.abs().max()  # without what all logits of a row have in common
    largest = z.abs().amax(dim=-1, keepdim=True).clamp_min(tiny)
    row = z / largest  # squares of small rows would vanish
    sizes = largest[:, 0] * (row - row.mean(dim=-1, keepdim=True)).square().mean(dim=-1).sqrt()  # (N,)
    sizes = sizes[sizes > 0]
    size = sizes.square().mean().sqrt()
    z = z / size
    true = z.gather(1, labels[:, None])[:, 0]  # (N,)

    def slope(s: float) -> tuple[float, float]:
        """Derivative of the NLL with respect to 1/T at s = -log T, and what that changes by with s."""
        p = torch.softmax(z * math.exp(s), dim=-1)
        mean = (p * z).sum(dim=-1)
        spread = (p * (z - mean[:, None]).square()).sum(dim=-1)
        return (mean - true).mean().item(), math.exp(s) * spread.mean().item()

    # Beyond 700 the numbers of float64 end.
    low, high = (
        sign * min(REACH + abs(math.log(most / size)), 700) for sign, most in ((-1, sizes.max()), (1, sizes.min()))
    )
    edge = None
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
    least = torch.nn.functional.cross_entropy(z * math.exp(s), labels).item()
    return TemperatureFit(temperature, least, edge)


def _labelled(name: str, x: Tensor, labels: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    """Both as float64 and int64, without the rows that do not count, or a ``ValueError``."""
    if not isinstance(x, Tensor) or x.ndim != 2 or not x.is_floating_point():
        got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"{name} must be floating and (N, C), got {got}")
    rows, classes = x.shape
    if classes == 0:
        raise ValueError(f"{name} must have at least one class")
    if not isinstance(labels, Tensor) or labels.shape != (rows,) or labels.dtype not in _WHOLE:
        got = f"{labels.dtype} of shape {tuple(labels.shape)}" if isinstance(labels, Tensor) else type(labels).__name__
        raise ValueError(f"labels must be integers of shape ({rows},), got {got}")
    x, labels = x.double(), labels.long()
    if ignore_index is not None:
        counted = labels != ignore_index
        x, labels = x[counted], labels[counted]
    if not len(x):
        raise ValueError(f"{name} must have at least one row that counts")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must be from 0 to {classes - 1}, got {labels.min()} to {labels.max()}: name a label of rows that "
            "do not count as ignore_index"
        )
    if x.isnan().any():
        raise ValueError(f"{name} must be finite, got NaN in row {x.isnan().any(dim=-1).nonzero()[0].item()}")
    return x, labels


def _on_simplex(x: Tensor, tolerance: float) -> Tensor:
    """Which rows are probabilities, ``(N,)``."""
    near = min(tolerance, 1e-3)
    inside = ((x >= -near) & (x <= 1 + near)).all(dim=-1)
    return inside & ((x.sum(dim=-1) - 1).abs() <= tolerance)


def _probabilities(p: Tensor, labels: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    p, labels = _labelled("probabilities", p, labels, ignore_index)
    wrong = ~_on_simplex(p, SUM)
    if wrong.any():
        row = wrong.nonzero()[0].item()
        log = bool(((p.exp().sum(dim=-1) - 1).abs() <= SUM).all())
        how = "these look like log-probabilities, take exp" if log else "of logits, take softmax"
        raise ValueError(
            f"probabilities must be from 0 to 1 and sum to 1 in each row, got {p[row].min():.4g} to "
            f"{p[row].max():.4g} with the sum {p[row].sum():.4g} in row {row}: {how}"
        )
    return p, labels


def _logits(z: Tensor, labels: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    z, labels = _labelled("logits", z, labels, ignore_index)
    if (z == math.inf).any():
        raise ValueError("logits must not be infinite; -inf stands for a class with probability 0")
    if (z.amax(dim=-1) == -math.inf).any():
        raise ValueError("logits must leave at least one class in each row, got one of nothing but -inf")
    for total, kind in ((1, "probabilities"), (100, "percentages")):
        # Rows of one number and zeros are probabilities only if that number is 1; logits of a sure model look like it.
        sure = (z.amax(dim=-1) >= z.sum(dim=-1) * (1 - SUM)).all()
        if z.shape[1] > 1 and not (sure and total > 1) and _on_simplex(z / total, 1e-6 if sure else SUM).all():
            raise ValueError(
                f"logits look like {kind}, from 0 to {total} with the sum {total} in each row: take their log"
            )
    return z, labels
