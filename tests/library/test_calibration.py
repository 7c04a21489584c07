"""`constrained.calibration` against plain loops, torchmetrics and scipy, and at its edges."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import torch

from constrained import calibration, model, modules, registry  # noqa: F401


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
                members[k].append((confidence, (row[label] == confidence) / row.count(confidence)))
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
def test_a_confidence_of_1_is_in_the_last_bin(bins):
    edge = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    near = torch.tensor([[1 - 1e-9, 1e-9], [1 - 1e-9, 1e-9]]).double()
    labels = torch.tensor([0, 1])
    got = calibration.ece(edge, labels, bins)
    assert got.item() == pytest.approx(0.5)
    # The same bin as confidences just inside: had an edge its own bin, mixing the two would tell.
    mixed, twice = torch.cat([edge.double(), near]), torch.cat([labels, labels])
    expected = ece_by_loop(mixed, twice, bins)
    assert calibration.ece(mixed, twice, bins).item() == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(got.item(), abs=1e-8)


def test_a_confidence_on_an_interior_edge_belongs_below_it():
    """A bin is (lower, upper]: 0.5 and 0.3 share the first of two, where right and wrong cancel."""
    probabilities = torch.tensor([[0.5, 0.2, 0.2, 0.1], [0.3, 0.25, 0.25, 0.2]], dtype=torch.float64)
    got = calibration.ece(probabilities, torch.tensor([0, 1]), bins=2).item()
    assert got == pytest.approx(abs(0.5 - 0.4))
    assert got == pytest.approx(ece_by_loop(probabilities, torch.tensor([0, 1]), 2))


def test_perfect_and_worst_calibration():
    certain = torch.eye(10)
    assert calibration.ece(certain, torch.arange(10)).item() == 0
    assert calibration.ece(certain, torch.arange(10).roll(1)).item() == 1


def test_ece_is_the_mean_gap_of_the_reliability_table():
    logits, labels = example()
    table = calibration.reliability(logits.softmax(-1), labels, 12)
    assert table.count.sum() == len(labels)
    full = table.count > 0
    gap = (table.accuracy - table.confidence).abs()[full] * table.count[full] / len(labels)
    assert calibration.ece(logits.softmax(-1), labels, 12).item() == pytest.approx(gap.sum().item(), abs=1e-15)


def test_reliability_equals_numpys_histogram():
    logits, labels = example(scale=1.0)
    p = logits.double().softmax(-1).numpy()
    table = calibration.reliability(torch.from_numpy(p), labels, 15)
    count, edges = np.histogram(p.max(1), bins=15, range=(0, 1))  # no confidence lies on an edge here
    total, _ = np.histogram(p.max(1), bins=15, range=(0, 1), weights=p.max(1))
    hits, _ = np.histogram(p.max(1), bins=15, range=(0, 1), weights=(p.argmax(1) == labels.numpy()).astype(float))
    np.testing.assert_allclose(table.edges, edges, atol=1e-15)
    np.testing.assert_array_equal(table.count, count)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(table.confidence, total / count)
        np.testing.assert_allclose(table.accuracy, hits / count)
    assert table.confidence.isnan().any(), "an empty bin has no mean"


@pytest.mark.parametrize("k", [2, 3, 5, 6, 10])
def test_a_confidence_on_an_edge_but_for_rounding_lies_on_it(k):
    """k tied classes: exp(log(1 / k)) is 1 / k up to rounding, and for these k that is an edge of 30 bins."""
    p = torch.full((1, k), 1 / k, dtype=torch.float64)
    for near in (p, p * (1 + 2e-16), p * (1 - 2e-16), p.log().exp()):
        count = calibration.reliability(near, torch.tensor([0]), 30).count
        assert count.argmax() == 30 // k - 1


# Accuracy, Brier, zeros ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_accuracy_and_ece_agree_with_torchmetrics(classes):
    # Here and not above: it imports torchvision, which works for every build of torch once constrained.model has.
    import torchmetrics.functional.classification as metrics

    logits, labels = example(n=2000, classes=classes, scale=2.0)
    labels[:1000] = logits[:1000].argmax(-1)
    p = logits.double().softmax(-1)
    assert p.max() < 1, "torchmetrics has a bin too many at 1"
    got = calibration.accuracy(p, labels).item()
    assert got == pytest.approx(metrics.multiclass_accuracy(p, labels, classes, average="micro").item(), abs=1e-6)
    for bins in (5, 15, 20):
        expected = metrics.multiclass_calibration_error(p, labels, classes, n_bins=bins, norm="l1").item()
        assert calibration.ece(p, labels, bins).item() == pytest.approx(expected, abs=1e-6)


def test_tied_classes_are_a_guess():
    p = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6], [1 / 3, 1 / 3, 1 / 3]])
    labels = torch.tensor([1, 2, 2, 0])
    assert calibration.accuracy(p, labels).item() == pytest.approx((1 / 2 + 0 + 1 + 1 / 3) / 4)
    rounded = torch.tensor([[0.5, 0.5 * (1 - 2e-16)], [0.5, 0.5 * (1 - 1e-10)]], dtype=torch.float64)
    assert calibration.accuracy(rounded, torch.tensor([1, 1])).item() == 0.25


def test_a_narrow_clamp_leaves_nothing_but_guesses():
    logits, labels = example(classes=10)
    y = modules.Clamp(30, 40)(logits)
    got = calibration.figures(y, labels)
    assert got.accuracy == pytest.approx(0.1)
    assert got.nll == pytest.approx(math.log(10))
    assert got.ece == pytest.approx(0, abs=1e-12)


def test_brier_equals_a_loop():
    logits, labels = example(n=50)
    p = logits.double().softmax(-1)
    expected = np.mean(
        [sum((p[i, j].item() - (j == labels[i].item())) ** 2 for j in range(10)) for i in range(len(labels))]
    )
    assert calibration.brier(p, labels).item() == pytest.approx(expected)
    assert calibration.brier(torch.eye(3), torch.tensor([1, 2, 0])).item() == 2


def test_a_label_with_probability_zero_costs_infinitely_much():
    logits = torch.tensor([[0.0, 9.0, 1.0], [0.0, 9.0, 1.0], [0.0, 0.1, 0.2], [4.0, 0.0, 0.0]])
    labels = torch.tensor([0, 1, 2, 0])
    got = calibration.figures(calibration.as_logits(modules.Sparsemax(), logits), labels)
    assert got.nll == math.inf
    assert got.impossible == 0.25
    assert math.isfinite(got.brier)
    assert math.isfinite(got.ece)


def test_a_probability_too_small_for_a_float_is_not_zero():
    got = calibration.figures(torch.tensor([[0.0, 2000.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    assert got.impossible == 0
    assert got.nll == pytest.approx((2000 + math.log1p(math.exp(-1))) / 2)


@pytest.mark.parametrize("key", registry.REGISTRY)
def test_as_logits_predicts_what_the_constraint_does(key):
    logits, _ = example(n=20)
    settings = {p.key: p.default for p in registry.PARAMETERS.values()} | {"temperature": 2.5}
    constraint = registry.build(key, settings)
    got = calibration.as_logits(constraint, logits, 2.5).softmax(-1)
    y = constraint(logits.double())
    expected = y if registry.REGISTRY[key].family == "probability" else (y / 2.5).softmax(-1)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-15)
    assert got.dtype == torch.float64


# Temperature --------------------------------------------------------------------------------------------------------


def predicted(n, classes, scale, seed=1):
    """Logits and labels drawn from their own softmax, so that ``scale`` times the logits are best at T = ``scale``."""
    generator = torch.Generator().manual_seed(seed)
    z = 2 * torch.randn(n, classes, dtype=torch.float64, generator=generator)
    return scale * z, torch.multinomial(z.softmax(-1), 1, generator=generator)[:, 0]


HARD = {
    "under-confident": predicted(1000, 10, 0.048),
    "over-confident, 100 classes": predicted(300, 100, 12.0),
    "as it should be": predicted(1000, 10, 1.0),
    "two classes": predicted(500, 2, 3.0),
    "few rows": predicted(20, 5, 1.0),
    "1000 classes": predicted(60, 1000, 2.0),
    "one wrong in 20 nearly separable": (
        torch.eye(2, dtype=torch.float64)[torch.arange(20) % 2] * 8,
        torch.cat([torch.arange(19) % 2, torch.tensor([0])]),
    ),
    "one row a million times the others": (
        torch.cat([predicted(500, 3, 1.0)[0], torch.tensor([[1e6, 0.0, 0.0]], dtype=torch.float64)]),
        torch.cat([predicted(500, 3, 1.0)[1], torch.tensor([0])]),
    ),
}


@pytest.mark.parametrize("name", HARD)
def test_fitted_temperature_is_the_best_on_a_grid(name):
    """Against every T on a fine grid, and against scipy's bounded search around the best of them."""
    logits, labels = HARD[name]
    fit = calibration.fit_temperature(logits, labels)
    assert fit.edge is None

    def nll(log):
        return calibration.nll(logits * math.exp(-log), labels).item()

    grid = np.linspace(math.log(1e-3), math.log(1e3), 401)
    values = [nll(log) for log in grid]
    best = int(np.argmin(values))
    assert fit.nll <= min(values) + 1e-15
    assert fit.nll == pytest.approx(nll(math.log(fit.temperature)), rel=1e-12)
    assert abs(math.log(fit.temperature) - grid[best]) <= grid[1] - grid[0]
    bounds = (grid[best - 1], grid[best + 1])
    found = scipy.optimize.minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    assert math.log(fit.temperature) == pytest.approx(found.x, abs=2e-7)  # a minimum is flat to the root of rounding


def slope(logits, labels, temperature):
    """Of the NLL in 1/T, by autograd."""
    beta = torch.tensor(1 / temperature, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(logits.double() * beta, labels).backward()
    return beta.grad.item()


@pytest.mark.parametrize("name", HARD)
def test_the_slope_turns_at_the_fitted_temperature(name):
    """Sharper than comparing values: a minimum is flat, its slope is not."""
    logits, labels = HARD[name]
    temperature = calibration.fit_temperature(logits, labels).temperature
    assert slope(logits, labels, temperature * (1 + 1e-9)) < 0 < slope(logits, labels, temperature * (1 - 1e-9))


def test_planted_temperatures_are_found():
    assert calibration.fit_temperature(*predicted(20_000, 10, 0.048)).temperature == pytest.approx(0.048, rel=0.03)
    assert calibration.fit_temperature(*predicted(20_000, 100, 12.0)).temperature == pytest.approx(12.0, rel=0.03)


@pytest.mark.parametrize("c", [1e-300, 1e-30, 1e-3, 7.0, 1e8, 1e150, 1e300])
def test_the_unit_of_the_logits_does_not_matter(c):
    logits, labels = predicted(200, 4, 1.0)
    one = calibration.fit_temperature(logits, labels)
    other = calibration.fit_temperature(c * logits, labels)
    assert other.edge is None
    assert other.temperature == pytest.approx(c * one.temperature, rel=1e-9)
    assert other.nll == pytest.approx(one.nll, rel=1e-12)


def test_separable_labels_want_zero():
    for margin in (1e-3, 2.0, 1e6):
        logits = torch.zeros(20, 2)
        logits[range(20), torch.arange(20) % 2] = margin
        fit = calibration.fit_temperature(logits, torch.arange(20) % 2)
        assert fit.edge == "zero"
        assert 0 < fit.temperature < 1e-6 * margin
        assert fit.nll < 1e-9


def test_labels_worse_than_chance_want_infinity():
    logits, labels = predicted(500, 5, 1.0)
    fit = calibration.fit_temperature(-logits, labels)
    assert fit.edge == "infinity"
    assert fit.temperature > 1e6
    assert fit.nll == pytest.approx(math.log(5), rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_random_labels_want_infinity_or_nearly(seed):
    """By chance they agree with the logits a little, or they do not: the slope at 1/T = 0 says which."""
    generator = torch.Generator().manual_seed(seed)
    logits, labels = torch.randn(400, 6, generator=generator), torch.randint(6, (400,), generator=generator)
    fit = calibration.fit_temperature(logits, labels)
    chance = (logits.mean(-1) - logits[range(400), labels]).double().mean().item()
    assert fit.edge == ("infinity" if chance >= 0 else None)
    assert fit.temperature > 3
    assert fit.nll <= math.log(6) + 1e-6


def test_balanced_labels_are_no_better_than_chance():
    """Each row once with each label: the slope at 1/T = 0 is exactly 0."""
    logits = torch.randn(30, 4, generator=torch.Generator().manual_seed(3)).repeat_interleave(4, 0)
    assert calibration.fit_temperature(logits, torch.arange(120) % 4).edge == "infinity"


def test_equal_logits_do_not_care():
    for logits in (torch.zeros(9, 3), torch.full((9, 3), 1e5), torch.arange(9.0)[:, None].expand(9, 3)):
        fit = calibration.fit_temperature(logits, torch.arange(9) % 3)
        assert fit == (1.0, pytest.approx(math.log(3)), "any")


def test_every_edge_has_its_reason():
    assert set(calibration.EDGES) == {"zero", "infinity", "any"}
    assert all(reason.endswith(".") for reason in calibration.EDGES.values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_fit_takes_any_floating_dtype_and_any_integer_label(dtype):
    logits, labels = example()
    expected = calibration.fit_temperature(logits.to(dtype).double(), labels)
    assert calibration.fit_temperature(logits.to(dtype), labels.to(torch.uint8)) == expected


def test_fit_works_on_what_a_constraint_makes_of_logits():
    logits, labels = predicted(1000, 10, 1.0)
    y = calibration.as_logits(modules.Clamp(-1, 3), logits)
    fit = calibration.fit_temperature(y, labels)
    assert fit.temperature < 0.99, "what a clamp squeezes, a lower T stretches again"
    assert slope(y, labels, fit.temperature * (1 + 1e-9)) < 0 < slope(y, labels, fit.temperature * (1 - 1e-9))


@pytest.mark.parametrize(
    ("logits", "labels", "says"),
    [
        (torch.zeros(3, 1), torch.zeros(3).long(), "at least 2 classes"),
        (torch.zeros(0, 3), torch.zeros(0).long(), "at least one row"),
        (torch.zeros(3), torch.zeros(3).long(), "logits must be floating"),
        (torch.zeros(3, 2).long(), torch.zeros(3).long(), "logits must be floating"),
        (torch.tensor([[0.0, math.inf]]), torch.tensor([0]), "finite"),
        (torch.tensor([[0.0, math.nan]]), torch.tensor([0]), "finite"),
        (torch.zeros(3, 2), torch.zeros(3), "labels must be integers"),
        (torch.zeros(3, 2), torch.zeros(3).bool(), "labels must be integers"),
        (torch.zeros(3, 2), torch.zeros(2).long(), "labels must be integers"),
        (torch.zeros(3, 2), torch.tensor([0, 1, 2]), "from 0 to 1"),
        (torch.zeros(3, 2), torch.tensor([0, -1, 1]), "from 0 to 1"),
    ],
)
def test_fit_refuses(logits, labels, says):
    with pytest.raises(ValueError, match=says):
        calibration.fit_temperature(logits, labels)


def test_fit_refuses_what_has_no_slope():
    logits, labels = example()
    with pytest.raises(ValueError, match="finite"):
        calibration.fit_temperature(calibration.as_logits(modules.Sparsemax(), logits), labels)


def test_the_guides_lines_run(tmp_path, monkeypatch, capsys):
    guide = (Path(__file__).parents[2] / "constrained" / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## Calibration\n.*?```python\n(.*?)```", guide, re.DOTALL)[1]
    logits, labels = predicted(200, 3, 2.0)
    rows = "\n".join(f"{label},{a},{b},{c}" for label, (a, b, c) in zip(labels.tolist(), logits.tolist(), strict=True))
    (tmp_path / "set.csv").write_text(f"label,a,b,c\n{rows}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(block, names)
    assert names["best"].temperature == pytest.approx(2.0, rel=0.3)
    assert "Figures(accuracy=" in capsys.readouterr().out


# What is no set of predictions --------------------------------------------------------------------------------------

LOGITS, LABELS = example(n=60, classes=4)
P = LOGITS.softmax(-1)
OF_PROBABILITIES = {
    "accuracy": calibration.accuracy,
    "brier": calibration.brier,
    "ece": calibration.ece,
    "reliability": calibration.reliability,
}
OF_LOGITS = {"nll": calibration.nll, "figures": calibration.figures, "fit_temperature": calibration.fit_temperature}


def spoiled(x, row, value):
    x = x.clone()
    x[row] = value
    return x


@pytest.mark.parametrize("f", OF_PROBABILITIES.values(), ids=OF_PROBABILITIES)
def test_logits_are_not_taken_for_probabilities(f):
    for wrong, says in (
        (LOGITS, "of logits, take softmax"),
        (LOGITS.log_softmax(-1), "log-probabilities, take exp"),
        (LOGITS - 50, "take softmax"),
        (P * 100, "sum"),
        (P.sigmoid(), "sum to 1"),
        (spoiled(P, 7, math.nan), "NaN in row 7"),
    ):
        with pytest.raises(ValueError, match=says):
            f(wrong, LABELS)


@pytest.mark.parametrize("f", OF_LOGITS.values(), ids=OF_LOGITS)
def test_probabilities_are_not_taken_for_logits(f):
    for wrong, says in (
        (P, "look like probabilities.*take their log"),
        (P.double(), "look like probabilities"),
        (torch.nn.functional.one_hot(LABELS, 4).float(), "look like probabilities"),
        (spoiled(LOGITS, 3, math.nan), "NaN in row 3|finite"),
        (spoiled(LOGITS, 3, math.inf), "infinite|finite"),
        (spoiled(LOGITS, 3, -math.inf), "at least one class|finite"),
    ):
        with pytest.raises(ValueError, match=says):
            f(wrong, LABELS)


@pytest.mark.parametrize("name", [*OF_PROBABILITIES, *OF_LOGITS])
def test_shapes_types_and_labels_are_checked(name):
    f, x = (OF_PROBABILITIES | OF_LOGITS)[name], P if name in OF_PROBABILITIES else LOGITS
    for wrong, labels, says in (
        (x[:0], LABELS[:0], "at least one row"),
        (x[0], LABELS, r"\(N, C\)"),
        (x.argmax(-1), LABELS, r"\(N, C\)"),
        (x, LABELS.float(), "labels must be integers"),
        (x, LABELS[:5], r"shape \(60,\)"),
        (x, torch.nn.functional.one_hot(LABELS, 4), r"shape \(60,\)"),
        (x, spoiled(LABELS, 3, -100), "-100.*ignore_index"),
        (x, spoiled(LABELS, 3, 4), "from 0 to 3"),
        (x.tolist(), LABELS, "got list"),
    ):
        with pytest.raises(ValueError, match=says):
            f(wrong, labels)


def test_rows_that_do_not_count_are_left_out():
    labels = spoiled(LABELS, slice(0, 20), -100)
    for f in OF_PROBABILITIES.values():
        torch.testing.assert_close(f(P, labels, ignore_index=-100), f(P[20:], LABELS[20:]), equal_nan=True)
    for f in (calibration.nll, calibration.figures):
        torch.testing.assert_close(f(LOGITS, labels, ignore_index=-100), f(LOGITS[20:], LABELS[20:]))
    with pytest.raises(ValueError, match="at least one row that counts"):
        calibration.ece(P, torch.full((60,), -100), ignore_index=-100)


@pytest.mark.parametrize("bins", [0, -3, 2.0, True, None])
def test_bins_are_a_whole_number(bins):
    for f in (calibration.ece, calibration.reliability):
        with pytest.raises(ValueError, match="bins"):
            f(P, LABELS, bins=bins)
    with pytest.raises(ValueError, match="bins"):
        calibration.figures(LOGITS, LABELS, bins)


@pytest.mark.parametrize("temperature", [0, -1.0, math.nan, math.inf])
def test_as_logits_wants_a_positive_temperature(temperature):
    with pytest.raises(ValueError, match="temperature"):
        calibration.as_logits(None, LOGITS, temperature)


def test_a_model_that_diverged_is_not_perfectly_calibrated():
    p = torch.full((1000, 2), 0.02)
    p[:, 0] = 0.98
    labels = torch.arange(1000) % 2
    assert calibration.ece(p, labels).item() == pytest.approx(0.48, abs=1e-6)
    with pytest.raises(ValueError, match="NaN in row 0"):
        calibration.ece(spoiled(p, 0, math.nan), labels)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_one_confidence_falls_into_one_bin_in_every_dtype(dtype):
    """0.6 is a little more than 0.6 in float32 and a little less in float64: it lies on the edge in both."""
    p = torch.tensor([[0.6, 0.4]] * 1000 + [[0.65, 0.35]] * 1000, dtype=torch.float64)
    labels = torch.tensor([1] * 1000 + [0] * 1000)
    assert calibration.ece(p.to(dtype), labels, 10).item() == pytest.approx(0.475, abs=0.003)
    if dtype == torch.float32:
        assert calibration.ece(p.to(dtype).double(), labels, 10).item() == pytest.approx(0.475, abs=1e-6)


def test_ties_can_be_counted_as_argmax_does():
    p = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])
    labels = torch.tensor([0, 1, 2])
    assert calibration.accuracy(p, labels).item() == pytest.approx(2 / 3)
    assert calibration.accuracy(p, labels, ties="first").item() == pytest.approx(
        (p.argmax(-1) == labels).double().mean()
    )
    assert calibration.figures(p.log(), labels, ties="first").accuracy == pytest.approx(2 / 3)
    assert calibration.accuracy(p[:2], labels[[1, 1]], ties="first").item() == 0
    with pytest.raises(ValueError, match="ties"):
        calibration.accuracy(p, labels, ties="last")


def test_one_huge_row_does_not_make_a_set_separable():
    """The best T belongs to all other rows; against one that is 1e12 times as large they are next to nothing."""
    logits, _ = example(n=400, classes=5, scale=1.0)
    labels = (logits + 1.5 * torch.randn(400, 5, generator=torch.Generator().manual_seed(1))).argmax(-1)
    huge = torch.nn.functional.one_hot(labels[:1], 5) * 1e12
    found = calibration.fit_temperature(torch.cat([huge.double(), logits.double()]), torch.cat([labels[:1], labels]))
    alone = scipy.optimize.minimize_scalar(
        lambda s: nll_by_loop(logits.double() / math.exp(s), labels), bounds=(-5, 9), method="bounded"
    )
    assert found.edge is None
    assert found.nll <= alone.fun * 400 / 401 + 1e-6


@pytest.mark.parametrize(
    "written", ["float16", "bfloat16", "six decimals", "four decimals", "two decimals", "percent", "one row off"]
)
def test_probabilities_are_known_however_they_were_rounded(written):
    logits, labels = example(n=500, scale=2.0)
    p = logits.softmax(-1)
    given = {
        "float16": p.half(),
        "bfloat16": p.bfloat16(),
        "six decimals": p.round(decimals=6),
        "four decimals": p.round(decimals=4),
        "two decimals": p.round(decimals=2),
        "percent": (100 * p).round(decimals=1),
        "one row off": torch.cat([p[:1] * (1 + 1e-5), p[1:]]),
    }[written]
    for f in (calibration.nll, calibration.fit_temperature, calibration.figures):
        with pytest.raises(ValueError, match="take their log"):
            f(given, labels)
    assert calibration.nll(p.log(), labels).item() == pytest.approx(calibration.nll(logits, labels).item(), rel=1e-5)


@pytest.mark.parametrize("large", [1e160, 1e163, 1e250, 1e300])
def test_no_row_is_too_small_to_count_beside_a_large_one(large):
    logits = torch.tensor([[large, 0], [1, 0], [1, 0], [0, 1]], dtype=torch.float64)
    fit = calibration.fit_temperature(logits, torch.zeros(4, dtype=torch.int64))
    best = scipy.optimize.minimize_scalar(
        lambda t: (2 * np.logaddexp(0, -1 / t) + np.logaddexp(0, 1 / t)) / 4, bounds=(0.1, 10), method="bounded"
    )
    assert fit.edge is None
    assert fit.temperature == pytest.approx(best.x, rel=1e-4)
    assert fit.nll == pytest.approx(best.fun, rel=1e-8)
    tied = torch.cat([torch.full((1, 2), large, dtype=torch.float64), logits[1:]])
    again = calibration.fit_temperature(tied, torch.zeros(4, dtype=torch.int64))
    assert again.temperature == pytest.approx(fit.temperature, rel=1e-6)
