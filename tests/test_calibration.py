"""`constrained.calibration` against plain loops, and at the edges of its bins."""

import math

import numpy as np
import pytest
import torch

from constrained import calibration


def nll_by_loop(logits, labels):
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        top = max(row)
        total += top + math.log(sum(math.exp(z - top) for z in row)) - row[label]
    return total / len(labels)


def ece_by_loop(probabilities, labels, bins):
    members = [[] for _ in range(bins)]
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        confidence = max(row)
        for k in range(bins):  # (k / bins, (k + 1) / bins], the first closed at 0
            if confidence <= (k + 1) / bins:
                members[k].append((confidence, row.index(confidence) == label))
                break
    gaps = [
        len(b) / len(labels) * abs(np.mean([hit for _, hit in b]) - np.mean([confidence for confidence, _ in b]))
        for b in members
        if b
    ]
    return sum(gaps)


def example(n=500, classes=10, scale=3.0):
    generator = torch.Generator().manual_seed(0)
    return scale * torch.randn(n, classes, generator=generator), torch.randint(classes, (n,), generator=generator)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_nll_equals_a_loop(dtype):
    logits, labels = example()
    got = calibration.nll(logits.to(dtype), labels)
    assert got.dtype == torch.float64
    assert got.shape == ()
    assert got.item() == pytest.approx(nll_by_loop(logits.to(dtype), labels), rel=1e-12)


def test_nll_does_not_overflow():
    assert calibration.nll(torch.tensor([[1e4, 0.0]]), torch.tensor([1])).item() == 1e4


@pytest.mark.parametrize("bins", [1, 2, 10, 15])
@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_ece_equals_a_loop(bins, scale):
    logits, labels = example(scale=scale)
    probabilities = logits.double().softmax(-1)
    got = calibration.ece(probabilities, labels, bins)
    assert got.dtype == torch.float64
    assert got.item() == pytest.approx(ece_by_loop(probabilities, labels, bins), abs=1e-12)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_confidence_0_is_in_the_first_bin_and_1_in_the_last(bins):
    """Rows apart by label: right at confidence 1 costs nothing, wrong costs 1, and neither makes a bin of its own."""
    edge = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    near = torch.tensor([[1 - 1e-9, 0.0], [1 - 1e-9, 0.0], [1e-9, 0.0], [1e-9, 0.0]]).double()
    labels = torch.tensor([0, 1, 0, 1])
    got = calibration.ece(edge, labels, bins)
    assert got.item() == pytest.approx(0.0 if bins == 1 else 0.5)
    # The same bins as confidences just inside: had an edge its own bin, mixing the two would tell.
    mixed, twice = torch.cat([edge.double(), near]), torch.cat([labels, 1 - labels])
    expected = ece_by_loop(mixed, twice, bins)
    assert calibration.ece(mixed, twice, bins).item() == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(got.item(), abs=1e-8)


def test_a_confidence_on_an_interior_edge_belongs_below_it():
    """A bin is (lower, upper]: 0.5 and 0.3 share the first of two, where right and wrong cancel."""
    probabilities = torch.tensor([[0.5, 0.2], [0.3, 0.1]], dtype=torch.float64)
    got = calibration.ece(probabilities, torch.tensor([0, 1]), bins=2).item()
    assert got == pytest.approx(abs(0.5 - 0.4))
    assert got == pytest.approx(ece_by_loop(probabilities, torch.tensor([0, 1]), 2))


def test_perfect_and_worst_calibration():
    certain = torch.eye(10)
    assert calibration.ece(certain, torch.arange(10)).item() == 0
    assert calibration.ece(certain, torch.arange(10).roll(1)).item() == 1
