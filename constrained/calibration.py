"""How far confidences can be trusted: negative log-likelihood and expected calibration error."""

import torch
from torch import Tensor


def nll(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log-likelihood, in nats.

    Args:
        logits: ``(N, C)``; computed in float64.
        labels: ``(N,)``, int64, each in ``[0, C)``.

    Returns:
        A float64 scalar.
    """
    return torch.nn.functional.cross_entropy(logits.double(), labels)


def ece(probabilities: Tensor, labels: Tensor, bins: int = 15) -> Tensor:
    """Expected calibration error of the top-1 class over equal-width bins (Guo et al. 2017, eq. 3).

    Bins are cut at the interior edges only, so a confidence of 0 falls into the first bin and one of 1 into the
    last.

    Args:
        probabilities: ``(N, C)``, rows on the simplex.
        labels: ``(N,)``, int64.
        bins: how many bins cover ``[0, 1]``.

    Returns:
        A float64 scalar in ``[0, 1]``.
    """
    confidence, prediction = probabilities.double().max(dim=-1)  # (N,), (N,)
    correct = (prediction == labels).double()
    interior = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=confidence.device)[1:-1]
    # A bin is (lower edge, upper edge], as in the paper.
    index = torch.bucketize(confidence, interior)
    gap = torch.zeros(bins, dtype=torch.float64, device=confidence.device)
    gap.index_add_(0, index, correct - confidence)
    return gap.abs().sum() / len(labels)
