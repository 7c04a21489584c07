"""What torchmetrics' tests ask of accuracy and calibration error, asked of ours, with its own answers.

Its inputs: probabilities and logits, many classes and two, a class that never occurs, further dimensions, half
precision, labels that are left out. Two differences are documented: tied classes share a hit here (``ties="first"``
counts as it does), and logits are refused where probabilities are asked for.
"""

import numpy as np
import pytest
import torch

from constrained import calibration, model  # noqa: F401

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def metrics():
    import torchmetrics.functional.classification  # imports torchvision, for which model.py has prepared torch

    return torchmetrics.functional.classification


def example(kind, rows=600, classes=7, seed=0):
    """Probabilities ``(N, C)`` float64 and labels ``(N,)``."""
    generator = torch.Generator().manual_seed(seed)
    classes = {"two classes": 2, "many classes": 200}.get(kind, classes)
    logits = 2 * torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (rows,), generator=generator)
    labels[::2] = logits[::2].argmax(1)
    if kind == "a class that never occurs":
        labels[labels == 3] = 4
    return logits.softmax(1), labels


KINDS = ("many rows", "two classes", "many classes", "a class that never occurs")


@pytest.mark.parametrize("ignored", [None, 0, 5, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_accuracy(metrics, kind, ignored):
    p, labels = example(kind)
    if ignored == -1:
        labels[::3] = -1
    classes = p.shape[1]
    expected = metrics.multiclass_accuracy(p, labels, classes, average="micro", ignore_index=ignored)
    for ties in calibration.TIES:
        got = calibration.accuracy(p, labels, ties=ties, ignore_index=ignored)
        assert got.item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("ignored", [None, 0, -1])
@pytest.mark.parametrize("bins", [1, 10, 15, 20, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_calibration_error(metrics, kind, bins, ignored):
    p, labels = example(kind)
    if ignored == -1:
        labels[::3] = -1
    expected = metrics.multiclass_calibration_error(p, labels, p.shape[1], n_bins=bins, norm="l1", ignore_index=ignored)
    got = calibration.ece(p, labels, bins, ignore_index=ignored)
    assert got.item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("bins", [10, 15])
def test_the_largest_gap_is_in_the_table(metrics, bins):
    p, labels = example("many rows")
    table = calibration.reliability(p, labels, bins)
    gap = (table.accuracy - table.confidence).abs()[table.count > 0]
    share = (table.count / table.count.sum())[table.count > 0]
    for norm, got in {"max": gap.max(), "l1": (share * gap).sum(), "l2": (share * gap.square()).sum().sqrt()}.items():
        expected = metrics.multiclass_calibration_error(p, labels, p.shape[1], n_bins=bins, norm=norm)
        assert got.item() == pytest.approx(expected.item(), abs=1e-6), norm


def test_further_dimensions_are_rows(metrics):
    """Theirs takes (N, C, ...); ours takes rows, so that nobody has to guess which dimension has the classes."""
    p, labels = example("many rows")
    grid = p.reshape(100, 6, 7).movedim(-1, 1)
    expected = metrics.multiclass_accuracy(grid, labels.reshape(100, 6), 7, average="micro")
    assert calibration.accuracy(p, labels).item() == pytest.approx(expected.item(), abs=1e-6)
    with pytest.raises(ValueError, match="must be floating and"):
        calibration.accuracy(grid, labels.reshape(100, 6))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_precision_of_the_input(metrics, dtype):
    p, labels = example("many rows", classes=5)
    small = p.to(dtype)
    expected = metrics.multiclass_accuracy(small.double(), labels, 5, average="micro")
    assert calibration.accuracy(small, labels, ties="first").item() == pytest.approx(expected.item(), abs=1e-6)
    # Bins of rounded confidences: those within a rounding of an edge may fall on its other side.
    near = ((small.double().amax(1)[:, None] - torch.linspace(0, 1, 11)).abs() < torch.finfo(dtype).eps).any(1)
    expected = metrics.multiclass_calibration_error(small.double(), labels, 5, n_bins=10, norm="l1").item()
    assert calibration.ece(small, labels, 10).item() == pytest.approx(expected, abs=near.double().mean().item() + 1e-6)


def test_logits_are_for_the_user_to_turn_into_probabilities(metrics):
    """Theirs takes a softmax of whatever lies outside of 0 to 1; ours says so."""
    p, labels = example("many rows")
    logits = p.log()
    expected = metrics.multiclass_calibration_error(logits, labels, 7, n_bins=15, norm="l1").item()
    with pytest.raises(ValueError, match="take exp"):
        calibration.ece(logits, labels)
    assert calibration.ece(logits.softmax(1), labels, 15).item() == pytest.approx(expected, abs=1e-6)


def test_brier_is_its_mean_squared_error_of_one_hot_labels(metrics):
    from torchmetrics.functional import mean_squared_error

    for kind in KINDS:
        p, labels = example(kind)
        one_hot = torch.nn.functional.one_hot(labels, p.shape[1]).double()
        expected = mean_squared_error(p.flatten(), one_hot.flatten()).item() * p.shape[1]
        assert calibration.brier(p, labels).item() == pytest.approx(expected, rel=1e-6)


def test_nll_is_the_logarithm_of_perplexity(metrics):
    from torchmetrics.functional.text import perplexity

    for kind in KINDS:
        p, labels = example(kind)
        expected = perplexity(p.log()[None], labels[None]).item()
        assert calibration.nll(p.log(), labels).item() == pytest.approx(np.log(expected), rel=1e-6)
        labels[:100] = -100
        expected = perplexity(p.log()[None], labels[None], ignore_index=-100).item()
        assert calibration.nll(p.log(), labels, ignore_index=-100).item() == pytest.approx(np.log(expected), rel=1e-6)
