"""Fitting a head: the same again for the same setting, the right loss, and what is claimed of each constraint.

The claims are inequalities with room to spare, so that they hold for another network's features too or fail loudly.
"""

import dataclasses
import functools
import hashlib
import itertools
import math

import entmax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from constrained import calibration, registry, training
from constrained.models.cifar10 import checkpoint as bundled
from constrained.modules import ConstrainedLinear, Entmax15, PenaltyL1, PenaltyL2, Softmax, Sparsemax
from constrained.training import Setting

QUICK = {"epochs": 10, "examples": 200}
PROBABILITIES = {"softmax": Softmax, "sparsemax": Sparsemax, "entmax15": Entmax15}


def setting_of(**values):
    """A setting whose constraint takes of the numbers given those that it has."""
    numbers = {key: values.pop(key) for key in registry.PARAMETERS if key in values}
    own = registry.REGISTRY[values["method"]].parameters if values.get("method") else ()
    return Setting(settings={p.key: numbers[p.key] for p in own if p.key in numbers}, **values)


def fitted(reports=1, **values):
    """Every report of a fit, and the head at its end."""
    told = list(training.fit(setting_of(**values), reports))
    return [figures for figures, _ in told], told[-1][1]


def parameters(head):
    return torch.cat([p.detach().flatten() for p in head.parameters()])


# The data -----------------------------------------------------------------------------------------------------------


def test_the_features_are_those_of_the_bundled_network():
    data = training.data()
    assert data.fit[0].shape == (6000, 512)
    assert data.judge[0].shape == (4000, 512)
    assert data.classes == bundled().labels
    layer = bundled().model().fc
    for x, labels in (data.fit, data.judge):
        assert (layer(x).argmax(1) == labels).double().mean() > 0.85


@pytest.mark.parametrize("examples", [100, 600])
def test_few_examples_are_of_every_class(examples):
    """The pictures lie class by class in the file: the first of them would be airplanes."""
    counts = torch.bincount(training.data().fit[1][:examples], minlength=10)
    assert counts.min() >= examples / 50
    assert counts.max() <= examples / 4


# A fit --------------------------------------------------------------------------------------------------------------

KINDS = {
    "all at once": {},
    "batches": {"batch": 64},
    "sgd": {"optimizer": "sgd", "batch": 64},
    "noise": {"noise": 0.3},
    "learned": {"method": "softmax", "learned": True},
    "penalty": {"method": "clamp_inward", "penalty": "l1", "weight": 0.01},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_same_setting_gives_the_same_head_bit_for_bit(kind):
    first, head = fitted(**QUICK, **kind)
    torch.manual_seed(99)  # whatever else goes on
    torch.randn(5)
    again, twin = fitted(**QUICK, **kind)
    assert first == again
    assert torch.equal(parameters(head), parameters(twin))
    _, other = fitted(**QUICK, **kind, seed=1)
    assert not torch.equal(parameters(head), parameters(other))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_fit_is_the_loop_that_people_write(kind):
    """Its gradients are worked out in part; here autograd goes the whole way, through the head as a module."""
    setting = Setting(**QUICK, **kind)
    generator = torch.Generator().manual_seed(setting.seed)
    x, labels = (t[:200] for t in training.data().fit)
    labels = training.noisy(labels, setting.noise, 10, generator)
    head = setting.head().train()
    if setting.optimizer == "sgd":
        optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    else:
        optimizer = torch.optim.AdamW(head.parameters(), lr=0.01, weight_decay=0.0)
    for _ in range(setting.epochs):
        order = torch.randperm(200, generator=generator) if setting.batch else torch.arange(200)
        for part in order.split(setting.batch or 200):
            out = head(x[part])
            optimizer.zero_grad()
            head.loss(out.logits, labels[part]).backward()
            optimizer.step()
    torch.testing.assert_close(parameters(fitted(**QUICK, **kind)[1]), parameters(head), rtol=1e-4, atol=1e-6)


def test_the_seed_decides_first_weights_order_and_noise():
    first, second = (Setting(seed=seed).head() for seed in (0, 1))
    assert not torch.equal(first.weight, second.weight)
    bound = 512**-0.5
    for parameter in (first.weight, first.bias):  # nn.Linear's range, filled
        assert parameter.abs().max() <= bound
    assert first.weight.abs().max() > 0.99 * bound
    noise = [
        training.noisy(torch.zeros(50, dtype=torch.int64), 0.5, 10, torch.Generator().manual_seed(s)) for s in (0, 1)
    ]
    assert not torch.equal(*noise)


def test_reports_come_at_the_start_in_between_and_at_the_end():
    figures, _ = fitted(reports=4, epochs=10, examples=100)
    assert [f.epoch for f in figures] == [0, 2, 4, 6, 8, 10]
    figures, _ = fitted(reports=3, epochs=11, examples=100)
    assert [f.epoch for f in figures] == [0, 3, 6, 9, 11]
    figures, _ = fitted(reports=50, epochs=10, examples=100)
    assert [f.epoch for f in figures] == [*range(11)]


def test_nothing_else_is_touched():
    """Neither the global generator, nor the network, nor the features, nor the labels that judge."""
    model, data = bundled().model(), training.data()

    def digest():
        tensors = [*model.state_dict().values(), *data.fit, *data.judge]
        return [hashlib.sha256(t.numpy().tobytes()).hexdigest() for t in tensors]

    before, state = digest(), torch.get_rng_state()
    fitted(**QUICK, batch=64, noise=0.6, penalty="l2", weight=0.1)
    assert torch.equal(torch.get_rng_state(), state)
    assert digest() == before


def test_it_works_only_while_it_is_asked(monkeypatch):
    steps = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self, *a, **k: (steps.append(1), step(self, *a, **k))[1])
    run = training.fit(Setting(epochs=500, examples=100), reports=500)
    next(run)
    assert len(steps) == 0
    next(run)
    next(run)
    assert len(steps) == 2
    run.close()
    assert len(steps) == 2
    assert list(run) == []


def test_no_weight_decay_hides_in_the_optimiser():
    """It would be a penalty beside the one that the page is about: without a gradient nothing moves."""
    for optimizer in training.OPTIMIZERS:
        setting = setting_of(**QUICK, optimizer=optimizer, learning_rate=1.0, method="clamp", lo=-20.0, hi=-20.0)
        (_, head), *_, (_, last) = training.fit(setting, 1)
        assert head is last
        torch.testing.assert_close(parameters(last), parameters(setting.head()), rtol=0, atol=0)


def test_weights_that_run_away_end_the_fit_with_a_sentence(monkeypatch):
    monkeypatch.setattr(ConstrainedLinear, "loss", lambda head, logits, labels: logits.square().sum() * 1e30)
    with pytest.raises(training.DivergedError, match="lower the learning rate"):
        fitted(epochs=50, examples=100, optimizer="sgd", learning_rate=1.0)


# Losses -------------------------------------------------------------------------------------------------------------


def example(rows=40, classes=7, dtype=torch.float64, scale=3.0):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(rows, classes, generator=generator, dtype=dtype) * scale
    return logits, torch.randint(classes, (rows,), generator=generator)


def head_of(constraint, penalty=None, classes=7):
    return ConstrainedLinear(3, classes, constraint=constraint, penalty=penalty)


SETTINGS = {key: p.default for key, p in registry.PARAMETERS.items()}
SETTINGS |= {"lo": -1.5, "hi": 2.0, "temperature": 1.7, "lam": 0.4, "radius": 3.0}


@pytest.mark.parametrize("method", ["", *registry.family("bounded"), *registry.family("regularised")])
def test_bounds_and_regularisers_are_trained_by_cross_entropy_of_their_outputs(method):
    logits, labels = example()
    constraint = registry.build(method, SETTINGS) if method else None
    y = logits if constraint is None else constraint(logits)
    by_hand = sum(
        math.log(sum(math.exp(v) for v in row)) - row[label]
        for row, label in zip(y.tolist(), labels.tolist(), strict=True)
    )
    loss = head_of(constraint).loss(logits, labels)
    assert loss.item() == pytest.approx(by_hand / len(labels), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_softmax_is_trained_by_minus_log_p(temperature):
    logits, labels = example()
    constraint = Softmax(temperature=temperature)
    true = constraint(logits)[range(len(labels)), labels]
    loss = head_of(constraint).loss(logits, labels)
    assert loss.item() == pytest.approx(-true.log().mean().item(), rel=1e-10)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_sparse_probabilities_are_trained_by_their_fenchel_young_loss(name, temperature):
    """The loss and its gradient are those of the entmax package."""
    logits, labels = example()
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    loss = head_of(PROBABILITIES[name](temperature=temperature)).loss(ours, labels)
    wanted = getattr(entmax, f"{name}_loss")(theirs / temperature, labels).mean()
    torch.testing.assert_close(loss, wanted, rtol=1e-9, atol=1e-12)
    for logit, other in zip(torch.autograd.grad(loss, ours), torch.autograd.grad(wanted, theirs), strict=True):
        torch.testing.assert_close(logit, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", PROBABILITIES)
def test_the_gradient_is_p_minus_y(name):
    logits, labels = example(scale=1.0)
    for temperature in (0.5, 1.0, 3.0):
        head = head_of(PROBABILITIES[name](temperature=temperature))
        z = logits.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(head.loss(z, labels) * len(labels), z)
        p = head.constraint(logits)
        wanted = (p - torch.nn.functional.one_hot(labels, 7)) / temperature
        torch.testing.assert_close(gradient, wanted, rtol=1e-9, atol=1e-12)
        assert torch.autograd.gradcheck(lambda x, head=head: head.loss(x, labels), z)


@pytest.mark.parametrize("name", PROBABILITIES)
def test_a_learned_temperature_gets_its_gradient(name):
    logits, labels = example(scale=1.0)
    constraint = PROBABILITIES[name](temperature=1.3, learnable=True).double()

    def of(log):
        with torch.no_grad():
            constraint.log_temperature.copy_(log)
        return head_of(constraint).loss(logits, labels)

    at = torch.tensor(0.2, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(of(at), constraint.log_temperature)
    step = 1e-5
    slope = (of(at + step) - of(at - step)) / (2 * step)
    assert gradient.item() == pytest.approx(slope.item(), rel=1e-6)


@pytest.mark.parametrize("name", PROBABILITIES)
def test_losses_are_never_negative(name):
    logits, labels = example(rows=500, scale=10.0)
    head = head_of(PROBABILITIES[name](temperature=0.7))
    for row, label in zip(logits[:, None], labels[:, None], strict=True):
        assert head.loss(row, label).item() >= -1e-12


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_sparse_losses_are_zero_at_certainty_and_finite_at_an_impossible_label(name):
    head = head_of(PROBABILITIES[name](), classes=3)
    z = torch.tensor([[5.0, 0.0, -1.0]], dtype=torch.float64, requires_grad=True)
    sure = head.loss(z, torch.tensor([0]))
    assert sure.item() == 0
    assert torch.autograd.grad(sure, z)[0].abs().sum() == 0
    impossible = head.loss(z, torch.tensor([2]))
    assert head.constraint(z)[0, 2] == 0
    assert impossible.item() == pytest.approx(6.0, abs=1e-12)  # how far the label's logit lies below the only other one
    assert torch.autograd.grad(impossible, z)[0].tolist() == [[1, 0, -1]]


@pytest.mark.parametrize(("penalty", "wanted"), [(PenaltyL1(0.3), torch.sign), (PenaltyL2(0.3), lambda z: 2 * z)])
def test_the_penalty_pulls_on_the_logits(penalty, wanted):
    x = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    head = head_of(None, penalty).double().train()
    out = head(x)
    (gradient,) = torch.autograd.grad(out.penalty, out.logits)
    torch.testing.assert_close(gradient, 0.3 * wanted(out.logits) / len(x))


def test_one_step_of_sgd_is_the_one_worked_out_by_hand():
    """Through the whole of `fit`: the loss, the penalty, and the learning rate."""
    setting = Setting(
        epochs=10, examples=100, optimizer="sgd", learning_rate=0.05, penalty="l2", weight=0.02, method="softmax",
        settings={"temperature": 2.0},
    )  # fmt: skip
    start = setting.head()
    x, labels = (t[:100].double() for t in training.data().fit)
    z = x @ start.weight.double().T + start.bias.double()
    p = torch.softmax(z / 2, 1)
    slope = ((p - torch.nn.functional.one_hot(labels.long(), 10)) / 2 + 2 * 0.02 * z) / 100
    run = training.fit(setting, reports=10)
    next(run)
    figures, head = next(run)
    assert figures.epoch == 1
    # Nesterov's first step is (1 + momentum) times the gradient.
    torch.testing.assert_close(
        head.weight.double(), start.weight.double() - 0.05 * 1.9 * slope.T @ x, rtol=0, atol=1e-6
    )
    torch.testing.assert_close(head.bias.double(), start.bias.double() - 0.05 * 1.9 * slope.sum(0), rtol=0, atol=1e-6)


# Temperature --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.05, 1.0, 3.7, 20.0])
@pytest.mark.parametrize("method", PROBABILITIES)
def test_a_learned_temperature_starts_where_it_is_told(method, temperature):
    run = training.fit(setting_of(**QUICK, method=method, learned=True, temperature=temperature))
    assert next(run)[0].temperature == pytest.approx(temperature, rel=1e-6)
    assert next(run)[0].temperature != pytest.approx(temperature, rel=1e-6)


@pytest.mark.parametrize("optimizer", training.OPTIMIZERS)
@pytest.mark.parametrize("temperature", [0.05, 20.0])
@pytest.mark.parametrize("method", PROBABILITIES)
def test_a_learned_temperature_stays_positive_at_learning_rate_1(method, temperature, optimizer):
    figures, head = fitted(
        50, epochs=40, examples=200, method=method, learned=True, temperature=temperature, learning_rate=1.0,
        optimizer=optimizer,
    )  # fmt: skip
    assert all(0 < f.temperature < math.inf for f in figures)
    assert parameters(head).isfinite().all()


@pytest.mark.parametrize("method", PROBABILITIES)
def test_a_fixed_temperature_stays(method):
    figures, head = fitted(**QUICK, method=method, temperature=0.4, learning_rate=1.0)
    assert [f.temperature for f in figures] == [0.4] * len(figures)
    assert sum(1 for _ in head.parameters()) == 2


def test_other_constraints_have_no_temperature():
    for method in ("", "clamp", "prox_l1"):
        figures, _ = fitted(**QUICK, method=method, learned=True)
        assert figures[-1].temperature is None


# Label noise --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.013, 0.25, 0.4, 0.6])
def test_the_share_of_wrong_labels_is_exact(share):
    labels = training.data().fit[1]
    noisy = training.noisy(labels, share, 10, torch.Generator().manual_seed(0))
    assert (noisy != labels).sum().item() == round(share * 6000)
    assert noisy.min() >= 0
    assert noisy.max() <= 9


def test_every_other_class_is_as_likely():
    labels = torch.full((60_000,), 3)
    noisy = training.noisy(labels, 0.6, 10, torch.Generator().manual_seed(0))
    counts = torch.bincount(noisy, minlength=10)
    assert counts[3] == 24_000
    assert ((counts - 4000).abs() < 300)[[c for c in range(10) if c != 3]].all()  # 5 standard deviations


def test_noise_reaches_the_training_labels_alone():
    """A head that has learned everything by heart agrees with the wrong labels, and is judged by the right ones."""
    clean, noisy = (fitted(epochs=300, examples=100, noise=noise)[0][-1] for noise in (0.0, 0.4))
    assert clean.train_accuracy == noisy.train_accuracy == 1
    head = fitted(epochs=300, examples=100, noise=0.4)[1]
    x, labels = (t[:100] for t in training.data().fit)
    assert (head.logits(x).argmax(1) == labels).sum() == 60
    told = (head.logits(training.data().judge[0]).argmax(1) == training.data().judge[1]).double().mean()
    assert noisy.accuracy == pytest.approx(told.item(), abs=1e-3)


# Settings from a stranger -------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["clamp", "softmax", "l1", "adamw", math.nan, math.inf, 10**400, 64.0, True, "0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
GOOD = {
    "method": st.sampled_from(["", *registry.REGISTRY]),
    "penalty": st.sampled_from(["", "l1", "l2"]),
    "batch": st.sampled_from(training.BATCHES),
    "settings": st.dictionaries(st.sampled_from(["lo", "hi", "temperature"]), st.floats(-20, 20)),
    "seed": st.integers(0, 2**31 - 1),
    "learned": st.booleans(),
}
KEYS = [field.name for field in dataclasses.fields(Setting)]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=3), st.fixed_dictionaries({}, optional=GOOD), ANYTHING)
def test_anything_is_a_setting_or_a_value_error(bad, good, other):
    for values in (bad, good, good | bad, other):
        try:
            setting = Setting.read(values)
        except ValueError:
            continue
        assert isinstance(setting, Setting)
        assert type(setting.learned) is bool
        for key in ("epochs", "examples", "seed", "batch"):
            assert type(getattr(setting, key)) is int
        assert setting.head().weight.shape == (10, 512)


HOSTILE = {
    "not a dictionary": [1, 2],
    "another key": {"__class__": 1},
    "method": {"method": "relu"},
    "method as list": {"method": ["clamp"]},
    "bounds crossed": {"method": "clamp", "settings": {"lo": 2.0, "hi": 1.0}},
    "NaN": {"learning_rate": math.nan},
    "infinite": {"weight": math.inf},
    "true as a number": {"method": "clamp", "settings": {"lo": True}},
    "true as a count": {"epochs": True},
    "text as a number": {"method": "softmax", "settings": {"temperature": "1"}},
    "huge": {"seed": 10**400},
    "huge count": {"epochs": 10**400},
    "huge number": {"method": "prox_l1", "settings": {"lam": 10**400}},
    "a list as settings": {"settings": [1]},
    "of another constraint": {"method": "clamp", "settings": {"radius": 1.0}},
    "without a constraint": {"settings": {"lo": 1.0}},
    "a list as a number": {"method": "clamp", "settings": {"lo": [1.0] * 10}},
    "negative seed": {"seed": -1},
    "half an epoch": {"epochs": 20.5},
    "a count as a float": {"examples": 200.0},
    "a batch as a float": {"batch": 64.0},
    "another batch": {"batch": 63},
    "false as a batch": {"batch": False},
    "a number as a switch": {"learned": 1},
    "too many epochs": {"epochs": 10**6},
    "too much noise": {"noise": 0.9},
    "None": {"weight": None},
}


@pytest.mark.parametrize("values", HOSTILE.values(), ids=HOSTILE)
def test_hostile_settings_are_refused(values):
    with pytest.raises(ValueError, match=r"must be|must not be|these and no others|and no others"):
        Setting.read(values)


def test_a_good_setting_is_read():
    values = dataclasses.asdict(Setting(method="sparsemax", learned=True, penalty="l1", weight=0.01, batch=256))
    assert dataclasses.asdict(Setting.read(values)) == values


# Figures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["", "clamp", "prox_l1", "project_simplex", *PROBABILITIES])
def test_figures_are_what_they_say(method):
    values = QUICK | SETTINGS | {"method": method, "noise": 0.1, "penalty": "l1", "weight": 0.03, "learning_rate": 0.1}
    figures, head = fitted(**values)
    told = figures[-1]
    x, labels = training.data().judge
    z = head.logits(x).double().detach()
    y = z if head.constraint is None else head.constraint(z)
    p = y if method in PROBABILITIES else y.softmax(1)
    true = p[range(len(labels)), labels]
    top = p.max(1, keepdim=True).values
    tied = (p >= top * (1 - 1e-9)).double()
    assert told.accuracy == pytest.approx((tied[range(len(labels)), labels] / tied.sum(1)).mean().item(), abs=1e-9)
    assert told.nll == pytest.approx((-true.log()).mean().item(), rel=1e-9)
    assert told.impossible == pytest.approx((true == 0).double().mean().item(), abs=1e-12)
    assert told.ece == pytest.approx(calibration.ece(p, labels).item(), abs=1e-9)
    assert told.size == pytest.approx(z.abs().mean().item(), rel=1e-9)
    fits = head.constraint.loss if head.constraint else torch.nn.functional.cross_entropy
    penalty = 0.03 * z.abs().sum(1).mean().item()
    assert told.loss == pytest.approx(fits(z, labels).item() + penalty, rel=1e-9)
    seen, given_labels = training.data().fit[0][:200], training.data().fit[1][:200]
    given_labels = training.noisy(given_labels, 0.1, 10, torch.Generator().manual_seed(0))
    z = head.logits(seen).double().detach()
    penalty = 0.03 * z.abs().sum(1).mean().item()
    assert told.train_loss == pytest.approx(fits(z, given_labels).item() + penalty, rel=1e-9)


@pytest.mark.parametrize("reports", [1, 10])
def test_reporting_changes_nothing(reports):
    assert torch.equal(parameters(fitted(reports, **QUICK)[1]), parameters(fitted(2, **QUICK)[1]))


def test_dead_gradients_are_counted_where_the_clamp_cuts():
    """Cross-entropy reaches every output, so a logit is dead where it is clipped, and only there."""
    figures, head = fitted(**QUICK, method="clamp", lo=-0.5, hi=0.5, learning_rate=0.1)
    z = head.logits(training.data().fit[0][:200])
    clipped = ((z < -0.5) | (z > 0.5)).double().mean().item()
    assert 0.2 < clipped < 1
    assert figures[-1].dead == pytest.approx(clipped, abs=1e-3)


# What is claimed of these methods -----------------------------------------------------------------------------------


@functools.cache
def end(**values):
    """The last figures of a fit with all examples at once, 100 epochs unless told otherwise."""
    return fitted(**values)[0][-1]


UNIT = {"lo": 0.0, "hi": 1.0}


def test_torchs_own_gradient_dies_under_a_clamp_and_learning_with_it():
    clamp = end(method="clamp", **UNIT)
    assert clamp.dead > 0.9
    assert clamp.accuracy < end().accuracy - 0.15


def test_an_inward_gradient_learns_nearly_as_well_as_no_clamp():
    inward = end(method="clamp_inward", **UNIT)
    assert inward.accuracy > end().accuracy - 0.03
    assert inward.accuracy > end(method="clamp", **UNIT).accuracy + 0.15


def test_straight_through_is_no_cure_because_its_logits_run_away():
    figures, _ = fitted(reports=2, method="clamp_straight_through", **UNIT)
    _, half, last = figures
    assert last.accuracy < end(method="clamp_inward", **UNIT).accuracy - 0.04
    assert last.dead == 0
    assert last.size > 4 * end().size
    assert last.size > 1.5 * half.size  # and on and on


def test_wide_bounds_cost_no_accuracy_but_likelihood():
    clamp, plain = end(method="clamp", lo=-2.0, hi=2.0), end()
    assert abs(clamp.accuracy - plain.accuracy) < 0.01
    assert clamp.nll > plain.nll + 0.05
    assert clamp.ece > plain.ece + 0.05


@pytest.mark.parametrize(("penalty", "weights"), [("l1", (1e-3, 1e-2, 0.1)), ("l2", (1e-4, 1e-2, 0.1))])
def test_logits_shrink_as_lambda_grows(penalty, weights):
    sizes = [end().size, *(end(penalty=penalty, weight=weight).size for weight in weights)]
    assert all(later < 0.8 * earlier for earlier, later in itertools.pairwise(sizes))


@pytest.mark.parametrize(("penalty", "small", "large"), [("l1", 0.01, 0.1), ("l2", 1e-3, 0.03)])
def test_likelihood_is_best_at_a_small_lambda(penalty, small, large):
    """With 600 examples, once a head has learned them by heart; with all 6,000 there is little to gain."""
    few = {"examples": 600, "epochs": 300}
    off, some, much = end(**few), *(end(penalty=penalty, weight=weight, **few) for weight in (small, large))
    assert some.nll < off.nll - 0.01
    assert some.nll < much.nll - 0.05
    assert some.accuracy > off.accuracy - 0.005


def test_with_wrong_labels_lambda_buys_accuracy_and_not_likelihood():
    """Much with 600 examples; with all 6,000 a good network's features leave little to gain."""
    wrong = {"noise": 0.4, "examples": 600}
    off, on = end(**wrong), end(**wrong, penalty="l1", weight=0.1)
    assert on.accuracy > off.accuracy + 0.03
    assert on.nll > off.nll + 0.05
