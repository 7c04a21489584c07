"""`constrained.modules` and `constrained.model`: the modules are their functions, and drop into real networks."""

import copy
import functools
import math
import warnings
from typing import ClassVar

import pytest
import torch
from torch import nn

import constrained as C
from constrained import functional as F
from constrained.model import constrained_resnet18, torchvision

PAIRS = {
    "Clamp": (C.Clamp(-0.8, 1.3), lambda x: F.clamp(x, -0.8, 1.3)),
    "Clamp inward": (C.Clamp(-0.8, 1.3, gradient="inward"), lambda x: F.clamp(x, -0.8, 1.3, gradient="inward")),
    "SmoothClamp": (C.SmoothClamp(-0.8, 1.3), lambda x: F.smooth_clamp(x, -0.8, 1.3)),
    "Softplus": (C.Softplus(-0.8, beta=2.5), lambda x: F.softplus(x, -0.8, beta=2.5)),
    "Softplus upper": (C.Softplus(hi=1.3, beta=2.5), lambda x: F.softplus(x, hi=1.3, beta=2.5)),
    "ScaledSigmoid": (C.ScaledSigmoid(-0.8, 1.3), lambda x: F.scaled_sigmoid(x, -0.8, 1.3)),
    "Softmax": (C.Softmax(temperature=0.7), lambda x: F.softmax(x, temperature=0.7)),
    "Softmax learnable": (C.Softmax(temperature=0.7, learnable=True), lambda x: F.softmax(x, temperature=0.7)),
    "Sparsemax": (C.Sparsemax(temperature=0.7), lambda x: F.sparsemax(x, temperature=0.7)),
    "Entmax15": (C.Entmax15(temperature=0.7), lambda x: F.entmax15(x, temperature=0.7)),
    "ProxL1": (C.ProxL1(0.6), lambda x: F.prox_l1(x, 0.6)),
    "ProxL2": (C.ProxL2(0.6), lambda x: F.prox_l2(x, 0.6)),
    "PenaltyL1": (C.PenaltyL1(0.6), lambda x: F.penalty_l1(x, 0.6)),
    "PenaltyL2": (C.PenaltyL2(0.6), lambda x: F.penalty_l2(x, 0.6)),
    "ProjectSimplex": (C.ProjectSimplex(1.5), lambda x: F.project_simplex(x, 1.5)),
    "ProjectL1Ball": (C.ProjectL1Ball(1.5), lambda x: F.project_l1_ball(x, 1.5)),
    "ProjectL2Ball": (C.ProjectL2Ball(1.5), lambda x: F.project_l2_ball(x, 1.5)),
}
PROBABILITIES = [C.Softmax, C.Sparsemax, C.Entmax15]

every_module = pytest.mark.parametrize(("module", "function"), PAIRS.values(), ids=PAIRS)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_every_public_module_is_tested():
    public = {name for name in C.__all__ if isinstance(getattr(C, name), type)}
    assert {name.split()[0] for name in PAIRS} == public - {"ConstrainedLinear", "ConstrainedOutput"}


# Modules ------------------------------------------------------------------------------------------------------------


@every_module
def test_module_equals_its_function_in_value_and_gradient(module, function):
    results = []
    for f in (module, function):
        x = (2 * random(4, 6)).requires_grad_()
        y = f(x)
        results.append((y, torch.autograd.grad(y.square().sum(), x)[0]))
    torch.testing.assert_close(*results)


@every_module
def test_module_works_on_another_dimension(module, function):
    other = copy.deepcopy(module)
    other.dim = 1
    x = 2 * random(2, 6, 3)
    expected = function(x.movedim(1, -1))
    torch.testing.assert_close(other(x), expected.movedim(-1, 1) if expected.ndim else expected)


@every_module
def test_module_is_printed_with_its_parameters_and_without_a_warning(module, function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = repr(module)
    numbers = [v for v in module._values().values() if isinstance(v, float)] or [0.7]
    assert text.startswith(type(module).__name__)
    assert all(f"{v:.4g}" in text for v in numbers)
    module = copy.deepcopy(module)
    module.dim = 1
    assert "dim=1" in repr(module)


@pytest.mark.parametrize(
    ("module", "inside", "outside", "distance"),
    [
        (C.Clamp(-1, 1), [0.5, 1.0], [4.0, -5.0], 5.0),
        (C.SmoothClamp(-1, 1), [0.5, 1.0], [4.0, -5.0], 5.0),
        (C.ScaledSigmoid(-1, 1), [0.5, 1.0], [4.0, -5.0], 5.0),
        (C.Softplus(-1), [0.5, 100.0], [4.0, -6.0], 5.0),
        (C.Softplus(hi=1), [0.5, -100.0], [6.0, -6.0], 5.0),
        (C.ProjectL1Ball(2.0), [1.0, -1.0], [2.0, 2.0], math.sqrt(2)),
        (C.ProjectL2Ball(5.0), [3.0, 4.0], [6.0, -8.0], 5.0),
        (C.ProjectSimplex(2.0), [1.5, 0.5], [2.0, 2.0], math.sqrt(2)),
        *((probability(temperature=0.1), [0.25, 0.75], [1.0, 1.0], math.sqrt(0.5)) for probability in PROBABILITIES),
    ],
)
def test_violation_is_the_distance_to_the_set_not_to_the_output(module, inside, outside, distance):
    assert module.violation(torch.tensor([inside, outside])).tolist() == pytest.approx([0, distance])


WRONG = [
    (lambda: C.Clamp(2, 1.5), r"lo=2 and hi=1\.5"),
    (lambda: C.Clamp(math.nan, 1), "lo=nan"),
    (lambda: C.Clamp(0, 1, gradient="soft"), "'soft'"),
    (lambda: C.SmoothClamp(2, 1.5), r"lo=2 and hi=1\.5"),
    (lambda: C.Softplus(), "one of lo and hi"),
    (lambda: C.Softplus(0, 1), "one of lo and hi"),
    (lambda: C.Softplus(math.inf), "lo=inf"),
    (lambda: C.Softplus(0, beta=-1), "beta=-1"),
    (lambda: setattr(C.Softplus(0), "hi", 1), "this bound is lo"),
    (lambda: C.SmoothClamp(0, math.inf), "hi=inf"),
    *(
        (lambda m=m, v=v: m(temperature=v), f"temperature={v}")
        for m in PROBABILITIES
        for v in (0.0, -2.0, math.nan, math.inf)
    ),
    *((lambda m=m: m(temperature=1e-9, learnable=True), "temperature=1e-09") for m in PROBABILITIES),
    *(
        (lambda m=m, v=v: m(v), f"lam={v}")
        for m in (C.ProxL1, C.ProxL2, C.PenaltyL1, C.PenaltyL2)
        for v in (-0.5, math.nan, math.inf)
    ),
    *(
        (lambda m=m, v=v: m(v), f"radius={v}")
        for m in (C.ProjectL1Ball, C.ProjectL2Ball, C.ProjectSimplex)
        for v in (0.0, -2.0, math.nan, math.inf)
    ),
    (lambda: C.ConstrainedLinear(4, 3, constraint=C.PenaltyL2(0.5)), r"PenaltyL2\(lam=0\.5\).*as penalty"),
    (lambda: C.ConstrainedLinear(4, 3, penalty=C.ProxL1(0.5)), r"ProxL1\(lam=0\.5\).*as constraint"),
    (lambda: C.ConstrainedLinear(4, 3, penalty=C.Softmax()), r"Softmax\(.*as constraint"),
    (lambda: C.ConstrainedLinear(4, 3, constraint=C.Softmax(dim=1)), "dim=1"),
    (lambda: C.ConstrainedLinear(4, 3, penalty=C.PenaltyL1(0.5, dim=0)), "dim=0"),
    (lambda: C.Clamp("0", 1), "lo='0'"),
    (lambda: C.Clamp(0, True), "hi=True"),
    (lambda: C.ProjectSimplex(torch.tensor(2)), "radius must be a number or a floating point tensor"),
]


@pytest.mark.parametrize(("build", "message"), WRONG)
def test_wrong_argument_is_named_with_its_value_when_the_module_is_built(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# A learned temperature ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_learned_temperature_starts_where_told_and_gets_a_gradient(probability):
    module = probability(temperature=0.3, learnable=True)
    assert module.temperature.item() == pytest.approx(0.3)
    assert dict(module.named_parameters()).keys() == {"log_temperature"}
    module(torch.tensor([[1.0, 0.9, 0.7]]))[0, 0].backward()
    assert module.log_temperature.grad.item() < 0  # a smaller T gives the first class more
    assert not list(probability(temperature=0.3).parameters())


@pytest.mark.parametrize("probability", PROBABILITIES)
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_learned_temperature_stays_positive_under_large_steps_and_weight_decay(probability, target, dtype):
    """Steps of hundreds in log T: exp of that is 0 or infinity in float32, and the loss NaN for ever after."""
    module = probability(temperature=1.0, learnable=True).to(dtype)
    optimizer = torch.optim.SGD(module.parameters(), lr=1000.0, weight_decay=1e-3)
    x = torch.tensor([[1.0, 0.9, 0.7]], dtype=dtype)
    for _ in range(20):
        p = module(x)
        assert 0 < module.temperature.item() < math.inf
        assert p.isfinite().all()
        assert p.argmax() == 0
        optimizer.zero_grad()
        (p[0, target] * -10).backward()
        assert module.log_temperature.grad.isfinite()
        optimizer.step()


def test_weight_decay_pulls_a_learned_temperature_to_one_not_to_zero():
    module = C.Softmax(temperature=0.01, learnable=True)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0, weight_decay=0.1)
    for _ in range(200):
        module.log_temperature.grad = torch.zeros(())
        optimizer.step()
    assert module.temperature.item() == pytest.approx(1)


def test_learned_temperature_comes_back_from_beyond_its_limit():
    module = C.Softmax(temperature=1.0, learnable=True)
    with torch.no_grad():
        module.log_temperature.fill_(50.0)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e6)
    x = torch.tensor([[5.0, 0.0]])
    for _ in range(5):
        optimizer.zero_grad()
        (-module(x)[0, 0].log()).backward()
        optimizer.step()
    assert module.temperature < 1


def test_learned_temperature_travels_in_the_state_dict():
    source = C.ConstrainedLinear(4, 3, constraint=C.Softmax(temperature=0.3, learnable=True))
    assert "constraint.log_temperature" in source.state_dict()
    target = C.ConstrainedLinear(4, 3, constraint=C.Softmax(temperature=2.0, learnable=True))
    target.load_state_dict(source.state_dict())
    assert target.constraint.temperature.item() == pytest.approx(0.3)


# Parameters and states ------------------------------------------------------------------------------------------------

OTHERS = {
    "bounds": (C.Clamp(-1, 3), C.Clamp(-9, 9)),
    "one bound a class": (C.Clamp([-1.0, -2.0], 3), C.Clamp([-1.0, -2.5], 3)),
    "gradient": (C.Clamp(-1, 3), C.Clamp(-1, 3, gradient="inward")),
    "kind": (C.Clamp(-1, 3), C.SmoothClamp(-1, 3)),
    "T": (C.Softmax(temperature=2.0), C.Softmax(temperature=0.5)),
    "fixed and learned": (C.Softmax(temperature=2.0), C.Softmax(temperature=2.0, learnable=True)),
    "sparsemax and 1.5-entmax": (C.Sparsemax(learnable=True), C.Entmax15(learnable=True)),
    "lambda": (C.ProxL1(0.5), C.ProxL1(0.25)),
    "radius": (C.ProjectL2Ball(1.0), C.ProjectL2Ball(2.0)),
    "penalty": (C.PenaltyL2(0.5), C.PenaltyL2(0.25)),
}


@pytest.mark.parametrize(("one", "other"), OTHERS.values(), ids=OTHERS)
def test_the_state_of_another_constraint_is_refused(one, other):
    for source, target in ((one, other), (other, one)):
        for strict in (True, False):
            with pytest.raises(RuntimeError, match=f"belongs to {type(source).__name__}.*into {type(target).__name__}"):
                copy.deepcopy(target).load_state_dict(source.state_dict(), strict=strict)
        copy.deepcopy(source).load_state_dict(source.state_dict())


@every_module
def test_a_state_is_made_of_tensors_and_survives_a_file(module, function, tmp_path):
    import safetensors.torch

    safetensors.torch.save_file(module.state_dict(), tmp_path / "state.safetensors")
    torch.save(module.state_dict(), tmp_path / "state.pt")
    for state in (
        safetensors.torch.load_file(tmp_path / "state.safetensors"),
        torch.load(tmp_path / "state.pt", weights_only=True),
    ):
        twin = copy.deepcopy(module)
        twin.load_state_dict(state)


def test_a_state_says_what_it_was_made_with_after_a_change_of_dtype():
    """Half precision rounds weights; a bound of -0.1 is still -0.1, and no other constraint."""
    for module in (C.Clamp(-0.1, 0.3), C.Clamp([-0.1, -0.7], [0.3, 0.9])):
        half = copy.deepcopy(module).half()
        copy.deepcopy(module).load_state_dict(half.state_dict())
        x = torch.tensor([[-5.0, 5.0]])
        torch.testing.assert_close(half(x.half()), module(x).half())


def test_a_state_whose_description_is_damaged_is_refused():
    module = C.Clamp(-1, 3)
    for bad in (torch.zeros(3, dtype=torch.uint8), torch.tensor([91, 93], dtype=torch.uint8), torch.zeros(())):
        with pytest.raises(RuntimeError, match="cannot be read"):
            module.load_state_dict({"_extra_state": bad})


def test_a_plain_heads_state_loads_into_any_head():
    plain = nn.Linear(8, 5)
    for constraint in (C.Clamp(-1, 1), C.Softmax(learnable=True), C.Sparsemax(temperature=0.5, learnable=True)):
        layer = C.ConstrainedLinear(8, 5, constraint=constraint, penalty=C.PenaltyL2(0.1))
        layer.load_state_dict(plain.state_dict())
        assert torch.equal(layer.weight, plain.weight)
        model = nn.Sequential(C.ConstrainedLinear(8, 5, constraint=constraint))
        model.load_state_dict({f"0.{key}": value for key, value in plain.state_dict().items()})


ONE_A_CLASS = [
    (C.Clamp(torch.zeros(3), torch.ones(3)), "lo", (torch.full((3,), 2.0), "lo must not be greater than hi")),
    (C.Clamp([0.0, 1.0, 2.0], 5), "lo", ([0.0, math.nan, 1.0], "lo must be a number")),
    (C.SmoothClamp(torch.zeros(3), torch.ones(3)), "hi", ([1.0, math.inf, 2.0], "hi must be a finite number")),
    (C.ProxL1(torch.tensor([0.1, 0.2, 0.3])), "lam", ([0.1, -0.2, 0.3], "lam must be zero or more")),
    (C.PenaltyL2([0.1, 0.2, 0.3]), "lam", (torch.tensor([math.nan, 0.0, 1.0]), "lam must be zero or more")),
    (
        C.ProjectL2Ball(torch.tensor([[1.0], [2.0]])),
        "radius",
        (torch.tensor([[1.0], [0.0]]), "radius must be positive"),
    ),
    (C.Softmax(temperature=torch.tensor([[1.0], [2.0]])), "temperature", ([[1.0], [-1.0]], "temperature must be")),
]


@pytest.mark.parametrize(("module", "name", "wrong"), ONE_A_CLASS)
def test_a_tensor_of_parameters_moves_with_the_module_and_is_checked(module, name, wrong):
    module = copy.deepcopy(module)
    value = getattr(module, name)
    assert getattr(copy.deepcopy(module).to("meta"), name).device.type == "meta"
    assert getattr(copy.deepcopy(module).double(), name).dtype == value.dtype
    repr(module)
    given, message = wrong
    arguments = module._values() | {name: given}
    for other in ("gradient", "learnable"):
        arguments.pop(other, None)
    with pytest.raises(ValueError, match=message):
        type(module)(**arguments)


class Offset(C.Softmax):
    """A probability map with a number for each class beside its temperature."""

    _CHECKS: ClassVar = C.Softmax._CHECKS | {"offset": F.bound}

    def __init__(self, offset, **more):
        super().__init__(**more)
        self.offset = offset

    def forward(self, x):
        return super().forward(x + self.offset)


def test_a_probability_map_can_have_a_parameter_that_differs_by_class():
    for learnable in (False, True):
        layer = C.ConstrainedLinear(8, 3, constraint=Offset([1.0, 2.0, 3.0], learnable=learnable))
        assert "offset=tensor of shape (3,)" in repr(layer.constraint)
        other = C.ConstrainedLinear(8, 3, constraint=Offset([1.0, 2.0, 4.0], learnable=learnable))
        with pytest.raises(RuntimeError, match="this state belongs to Offset"):
            other.load_state_dict(layer.state_dict())
    with pytest.raises(ValueError, match="offset must have a number for each of the 4 classes, got 3"):
        C.ConstrainedLinear(8, 4, constraint=Offset([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="temperature belongs to a whole row"):
        C.ConstrainedLinear(8, 3, constraint=Offset([1.0, 2.0, 3.0], temperature=torch.ones(3)))


def test_bounds_a_class_bound_each_class_and_fit_the_head():
    layer = C.ConstrainedLinear(8, 3, constraint=C.Clamp([-1, -2, -math.inf], [1, None or math.inf, 0.5]))
    z = torch.tensor([[-9.0, -9.0, -9.0], [9.0, 9.0, 9.0]])
    assert layer.constraint(z).tolist() == [[-1, -2, -9], [1, 9, 0.5]]
    with pytest.raises(ValueError, match="lo must have a number for each of the 4 classes, got 3"):
        C.ConstrainedLinear(8, 4, constraint=C.Clamp([-1.0, -2.0, -3.0], 1))
    with pytest.raises(ValueError, match="lam must have a number for each of the 4 classes, got 3"):
        C.ConstrainedLinear(8, 4, penalty=C.PenaltyL1([1.0, 2.0, 3.0]))


def test_every_parameter_can_be_annealed():
    x = 3 * random(4, 5)
    for module, name, value, function in (
        (C.Clamp(-1, 1), "hi", 0.5, lambda x: F.clamp(x, -1, 0.5)),
        (C.SmoothClamp(-1, 1), "lo", -2.0, lambda x: F.smooth_clamp(x, -2, 1)),
        (C.Softmax(temperature=5.0), "temperature", 1.0, lambda x: F.softmax(x)),
        (C.Sparsemax(temperature=5.0, learnable=True), "temperature", 1.0, lambda x: F.sparsemax(x)),
        (C.ProxL1(1.0), "lam", 0.25, lambda x: F.prox_l1(x, 0.25)),
        (C.PenaltyL2(1.0), "lam", 0.25, lambda x: F.penalty_l2(x, 0.25)),
        (C.ProjectL1Ball(1.0), "radius", 2.0, lambda x: F.project_l1_ball(x, 2.0)),
        (C.Clamp(-1, 1), "hi", torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]), None),
    ):
        setattr(module, name, value)
        expected = F.clamp(x, -1, value) if function is None else function(x)
        torch.testing.assert_close(module(x), expected)
        setattr(module, name, 0.75)  # from a tensor back to a number
        assert float(getattr(module, name)) == pytest.approx(0.75)
        with pytest.raises(ValueError, match=f"{name} must be"):
            setattr(module, name, math.nan)
        with pytest.raises(ValueError, match=f"{name} must be"):
            setattr(module, name, "wide")


def test_bounds_can_be_learned():
    layer = C.ConstrainedLinear(8, 5, constraint=C.Clamp(nn.Parameter(torch.full((5,), -0.1)), 0.2))
    assert "constraint.lo" in dict(layer.named_parameters())
    layer(random(4, 8)).constrained.sum().backward()
    assert layer.constraint.lo.grad.abs().sum() > 0
    twin = C.ConstrainedLinear(8, 5, constraint=C.Clamp(nn.Parameter(torch.zeros(5)), 0.2))
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin.constraint.lo, layer.constraint.lo)
    with pytest.raises(ValueError, match="learnable=True"):
        C.Softmax(temperature=nn.Parameter(torch.ones(())))


# The loss of a constraint ---------------------------------------------------------------------------------------------


@every_module
def test_a_loss_is_right_on_its_own_dimension_and_passes_ignored_rows_over(module, function):
    if isinstance(module, C.PenaltyL1 | C.PenaltyL2):
        with pytest.raises(TypeError, match="a term of a loss"):
            module.loss(random(4, 6), torch.zeros(4, dtype=torch.long))
        return
    x, labels = 2 * random(6, 5), torch.tensor([0, 1, 2, 3, 4, 2])
    whole = module.loss(x, labels)
    if not isinstance(module, C.Sparsemax | C.Entmax15):
        torch.testing.assert_close(whole, nn.functional.cross_entropy(module.as_logits(x), labels))
    assert module.as_logits(x).softmax(-1).shape == x.shape
    other = copy.deepcopy(module)
    other.dim = 1
    torch.testing.assert_close(other.loss(x.reshape(2, 3, 5).movedim(-1, 1), labels.reshape(2, 3)), whole)
    spoiled, partly = x.clone(), labels.clone()
    spoiled[1], spoiled[4], partly[1], partly[4] = -math.inf, math.nan, -100, -100
    weight = torch.ones(5, requires_grad=True)
    loss = module.loss(spoiled * weight, partly)
    torch.testing.assert_close(loss, module.loss(x[[0, 2, 3, 5]], labels[[0, 2, 3, 5]]))
    z = spoiled.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module.loss(z, partly), z)
    assert gradient.isfinite().all()
    assert (gradient[[1, 4]] == 0).all()


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_a_learned_temperature_learns_in_the_readmes_loop(probability):
    layer = head(constraint=probability(temperature=2.0, learnable=True))
    out = layer.train()(random(4, 8))
    layer.loss(out.logits, torch.tensor([0, 1, 2, 3])).backward()
    assert layer.constraint.log_temperature.grad.abs() > 0
    assert layer.weight.grad.abs().max() > 0


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_a_loss_bears_excluded_classes(probability):
    mask = torch.tensor([0.0, 0.0, -math.inf, 0.0, -math.inf])
    z = (2 * random(4, 5)).requires_grad_()
    labels = torch.tensor([0, 1, 3, 3])
    module = probability(temperature=0.7)
    loss = module.loss(z + mask, labels)
    kept = torch.tensor([0, 1, 3])
    torch.testing.assert_close(loss, module.loss(z[:, kept], torch.tensor([0, 1, 2, 2])))
    (gradient,) = torch.autograd.grad(loss, z)
    assert gradient.isfinite().all()
    assert (gradient[:, [2, 4]] == 0).all()


def test_the_heads_loss_adds_the_penalty_and_takes_constraints_of_others():
    z, labels = random(4, 5), torch.tensor([0, 1, 2, 3])
    entropy = nn.functional.cross_entropy
    torch.testing.assert_close(head(constraint=None, penalty=None).loss(z, labels), entropy(z, labels))
    torch.testing.assert_close(head(constraint=None).loss(z, labels), entropy(z, labels) + F.penalty_l2(z, 0.5))
    torch.testing.assert_close(head(constraint=nn.Tanh(), penalty=None).loss(z, labels), entropy(z.tanh(), labels))


# ConstrainedLinear ----------------------------------------------------------------------------------------------------


def head(**changes):
    torch.manual_seed(0)
    parts = {"constraint": C.Clamp(-0.2, 0.3), "penalty": C.PenaltyL2(0.5)} | changes
    return C.ConstrainedLinear(8, 5, **parts)


@pytest.mark.parametrize("training", [True, False])
def test_head_gives_logits_constrained_outputs_and_in_training_the_penalty(training):
    layer, h = head().train(training), random(4, 8)
    out = layer(h)
    assert isinstance(out, C.ConstrainedOutput)
    torch.testing.assert_close(out.logits, nn.functional.linear(h, layer.weight, layer.bias))
    torch.testing.assert_close(out.constrained, F.clamp(out.logits, -0.2, 0.3))
    torch.testing.assert_close(out.penalty, F.penalty_l2(out.logits, 0.5) if training else torch.zeros(()))
    assert torch.equal(layer.logits(h), out.logits)


def test_an_empty_batch_goes_through_in_evaluation():
    out = head().eval()(torch.zeros(0, 8))
    assert out.constrained.shape == (0, 5)
    assert out.penalty == 0


def test_head_without_constraint_or_penalty_is_a_linear_layer():
    layer, h = head(constraint=None, penalty=None), random(2, 3, 8)
    out = layer.train()(h)
    assert torch.equal(out.constrained, out.logits)
    assert out.penalty == 0
    assert torch.equal(layer.eval()(h).constrained, out.logits)
    assert head(bias=False).bias is None


@pytest.mark.parametrize("training", [True, False])
def test_cross_entropy_of_what_the_head_gives_fails_at_once(training):
    """The double softmax that learns badly, or calls a perfect model a bad one, without a word."""
    layer = head(constraint=C.Softmax()).train(training)
    with pytest.raises(TypeError):
        nn.functional.cross_entropy(layer(random(4, 8)), torch.zeros(4, dtype=torch.long))


def test_state_dict_round_trip_and_from_a_plain_linear_layer():
    plain, layer = nn.Linear(8, 5), head()
    layer.load_state_dict(plain.state_dict())
    assert torch.equal(layer.logits(random(4, 8)), plain(random(4, 8)))
    with pytest.raises(RuntimeError, match=r"constraint\._extra_state"):  # a constraint is not lost unsaid
        plain.load_state_dict(layer.state_dict())
    plain.load_state_dict(layer.state_dict(), strict=False)  # and back
    learned = head(constraint=C.Entmax15(temperature=0.4, learnable=True))
    again = head(constraint=C.Entmax15(temperature=3.0, learnable=True))
    again.load_state_dict(learned.state_dict())
    assert torch.equal(again(random(4, 8)).constrained, learned(random(4, 8)).constrained)


def test_deepcopy_shares_nothing():
    layer = head(constraint=C.Softmax(temperature=0.4, learnable=True)).eval()
    twin, before = copy.deepcopy(layer), layer(random(4, 8)).constrained
    assert torch.equal(twin(random(4, 8)).constrained, before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1)
    assert torch.equal(layer(random(4, 8)).constrained, before)
    assert not torch.equal(twin(random(4, 8)).constrained, before)


CONSTRAINTS = [pair[0] for name, pair in PAIRS.items() if not name.startswith("Penalty")]


class Heads(nn.Module):
    """A head for every constraint, in one graph."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(head(constraint=copy.deepcopy(constraint)) for constraint in CONSTRAINTS)

    def forward(self, h):
        return [layer(h) for layer in self.heads]


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_heads_compile_whole_in_both_modes(training):
    heads, h = Heads().train(training), random(4, 8)
    torch._dynamo.reset()
    compiled = torch.compile(heads, fullgraph=True, backend="aot_eager")
    results = []
    for f in (heads, compiled):
        heads.zero_grad()
        loss = sum(out.constrained.square().sum() + out.penalty for out in f(h))
        loss.backward()
        results.append([loss, *(p.grad.clone() for p in heads.parameters())])
    torch.testing.assert_close(*results)


def test_heads_export_in_evaluation():
    heads, h = Heads().eval(), random(4, 8)
    program = torch.export.export(heads, (h,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(program.module()(random(7, 8, seed=1)), heads(random(7, 8, seed=1)))


# In a ResNet18 --------------------------------------------------------------------------------------------------------

PICTURES, LABELS = random(4, 3, 32, 32), torch.tensor([0, 1, 2, 3])


@pytest.fixture(scope="module")
def plain():
    """torchvision's own model with ten classes, evaluating; treat as read-only."""
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=10).eval()


def test_dropped_into_torchvisions_resnet18_it_trains_and_stays_in_the_box(plain):
    model = copy.deepcopy(plain)
    model.fc = C.ConstrainedLinear(512, 10, constraint=C.Clamp(-0.1, 0.1), penalty=C.PenaltyL2(1e-3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(3):
        loss = model.fc.loss(model.train()(PICTURES).logits, LABELS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    with torch.inference_mode():
        y = model.eval()(PICTURES).constrained
        assert (model.fc.constraint.violation(y) == 0).all()
        assert y.abs().max() == torch.tensor(0.1)  # and the bound is felt


def test_constrained_resnet18_has_the_logits_of_the_plain_model(plain):
    model = constrained_resnet18(
        weights=plain.state_dict(), constraint=C.Softmax(temperature=0.5), penalty=C.PenaltyL1(0.1)
    ).eval()
    with torch.inference_mode():
        expected = plain(PICTURES)
        out = model(PICTURES)
        assert torch.equal(out.logits, expected)
        assert torch.equal(out.constrained, F.softmax(expected, temperature=0.5))
        model.fc.constraint = None
        assert torch.equal(model(PICTURES).constrained, expected)


def test_constrained_resnet18_takes_weights_with_and_without_a_learned_temperature(plain):
    fresh = constrained_resnet18(weights=plain.state_dict(), constraint=C.Softmax(temperature=0.3, learnable=True))
    assert fresh.fc.constraint.temperature.item() == pytest.approx(0.3)
    with torch.no_grad():
        fresh.fc.constraint.log_temperature.fill_(math.log(4.0))
    again = constrained_resnet18(weights=fresh.state_dict(), constraint=C.Softmax(temperature=0.3, learnable=True))
    assert again.fc.constraint.temperature.item() == pytest.approx(4.0)
    assert torch.equal(again.fc.weight, plain.fc.weight)
    with pytest.raises(RuntimeError, match=r"fc\.constraint\.log_temperature"):
        constrained_resnet18(weights=fresh.state_dict())  # nowhere to put the temperature: not dropped in silence


def test_constrained_resnet18_takes_a_penalty_with_parameters_of_its_own(plain):
    model = constrained_resnet18(weights=plain.state_dict(), penalty=nn.Sequential(nn.Linear(10, 1)))
    assert torch.equal(model.fc.weight, plain.fc.weight)


def test_constrained_resnet18_names_both_widths_when_they_differ(plain):
    assert constrained_resnet18(weights=plain.state_dict(), num_classes=10).fc.out_features == 10
    with pytest.raises(ValueError, match=r"head of 10 classes, got num_classes=3.*ConstrainedLinear\(512, 3\)"):
        constrained_resnet18(weights=plain.state_dict(), num_classes=3)
    with pytest.raises(RuntimeError, match=r"layer4\.1\.conv2\.weight"):
        constrained_resnet18(weights={k: v for k, v in plain.state_dict().items() if k != "layer4.1.conv2.weight"})


def test_constrained_resnet18_without_weights_is_as_wide_as_told():
    assert constrained_resnet18().fc.out_features == 1000
    assert constrained_resnet18(num_classes=7).fc.weight.shape == (7, 512)


@pytest.mark.parametrize("weights", ["DEFAULT", "IMAGENET1K_V1", torchvision.models.ResNet18_Weights.DEFAULT])
def test_constrained_resnet18_downloads_torchvisions_weights_with_their_hash_checked(monkeypatch, weights):
    torch.manual_seed(1)
    state, asked = torchvision.models.resnet18().state_dict(), []

    def download(url, **options):
        asked.append((url, options))
        return copy.deepcopy(state)

    # The name by which torchvision's weights reach torch.hub; were it another one, this would go to the network.
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    model = constrained_resnet18(
        weights=weights, constraint=C.Sparsemax(temperature=0.5, learnable=True), progress=False
    )
    ((url, options),) = asked
    assert url == torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url
    assert options["check_hash"] is True
    assert options["weights_only"] is True  # nothing in the file can run
    assert options["progress"] is False
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in state.items())
    with pytest.raises(ValueError, match="head of 1000 classes, got num_classes=10"):
        constrained_resnet18(weights=weights, num_classes=10)


def test_unknown_weights_are_refused():
    with pytest.raises((ValueError, KeyError), match="IMAGENET_V9"):
        constrained_resnet18(weights="IMAGENET_V9")


@pytest.mark.parametrize("way", ["moved", "made", "emptied"])
def test_bounds_on_the_meta_device_come_with_the_state(way):
    def head():
        return C.ConstrainedLinear(8, 3, constraint=C.Clamp([-1.0, -2.0, -3.0], [1.0, 2.0, 3.0]))

    real = head()
    if way == "moved":
        target = head().to("meta")
    else:
        with torch.device("meta"):
            target = head()
    assert set(target.state_dict()) == set(real.state_dict())
    if way == "emptied":
        target = target.to_empty(device="cpu")
        assert target.constraint.lo.isnan().all(), "not what lies in memory by chance"
    target.load_state_dict(real.state_dict(), assign=True)
    x = 9 * torch.randn(5, 8)
    assert torch.equal(target(x).constrained, real(x).constrained)
    assert target.constraint.hi.tolist() == [1.0, 2.0, 3.0]
    with torch.device("meta"):
        other = C.ConstrainedLinear(8, 3, constraint=C.SmoothClamp([-1.0, -2.0, -3.0], [1.0, 2.0, 3.0]))
    with pytest.raises(RuntimeError, match="this state belongs to Clamp"):
        other.load_state_dict(real.state_dict(), assign=True)


@pytest.mark.parametrize("penalty", [C.PenaltyL1(0.3), C.PenaltyL2([0.1, 0.2, 0.3])])
@pytest.mark.parametrize("constraint", [None, C.Clamp(-1, 1), C.Sparsemax(), nn.Tanh()])
def test_a_row_that_does_not_count_costs_no_penalty_either(constraint, penalty):
    layer = C.ConstrainedLinear(8, 3, constraint=constraint, penalty=penalty)
    z, labels = torch.randn(6, 3), torch.tensor([0, 1, -100, 2, -100, 1])
    z[2], z[4] = math.nan, 1e30
    z.requires_grad_()
    loss = layer.loss(z, labels)
    counted = labels != -100
    torch.testing.assert_close(loss, layer.loss(z[counted], labels[counted]))
    (gradient,) = torch.autograd.grad(loss, z)
    assert torch.equal(gradient[~counted], torch.zeros(2, 3))
    assert gradient[counted].abs().min() > 0 or constraint is not None


# The loss -----------------------------------------------------------------------------------------------------------

LOSSES = [C.Clamp(-1, 1), C.ProxL2(0.4), C.Softmax(temperature=0.6), C.Sparsemax(temperature=0.6), C.Entmax15()]
every_loss = pytest.mark.parametrize("constraint", LOSSES, ids=lambda c: type(c).__name__)


@every_loss
def test_the_second_derivative_of_a_loss_is_that_of_its_gradient(constraint):
    label, step, largest = torch.tensor(1), 1e-6, 0.0
    for seed in range(5):
        z = random(6, seed=seed).double() / 2

        def gradient(z):
            z = z.clone().requires_grad_()
            return torch.autograd.grad(constraint.loss(z, label), z)[0]

        differences = torch.stack([(gradient(z + d) - gradient(z - d)) / (2 * step) for d in step * torch.eye(6)])
        largest = max(largest, differences.abs().max())
        loss = functools.partial(constraint.loss, labels=label)
        ways = (
            torch.func.hessian(loss),
            torch.func.jacrev(torch.func.jacrev(loss)),
            functools.partial(torch.autograd.functional.hessian, loss),
        )
        for hessian in ways:
            torch.testing.assert_close(hessian(z), differences.double(), rtol=1e-5, atol=1e-7)
        # Third ones, along a line.
        third = torch.func.jacfwd(torch.func.hessian(loss))(z)
        along = torch.stack(
            [
                (torch.func.hessian(loss)(z + d) - torch.func.hessian(loss)(z - d)) / (2 * 1e-5)
                for d in 1e-5 * torch.eye(6)
            ],
            dim=-1,
        )
        torch.testing.assert_close(third, along.double(), rtol=1e-4, atol=1e-6)
    assert largest > 0.01


@pytest.mark.parametrize("kind", [C.Sparsemax, C.Entmax15])
def test_the_first_derivative_stays_exact(kind):
    """p minus the target, and exactly 0 where they are equal: a count of what does not learn relies on it."""
    z = (3 * random(50, 10)).requires_grad_()
    labels = random(50, 10, seed=1).argmax(1)
    (gradient,) = torch.autograd.grad(kind().loss(z, labels), z)
    p = kind()(z).detach()
    target = nn.functional.one_hot(labels, 10)
    assert torch.equal(gradient == 0, p == target)
    torch.testing.assert_close(gradient, (p - target) / 50, rtol=1e-6, atol=1e-9)


@every_loss
def test_labels_of_another_shape_are_not_broadcast(constraint):
    z = random(4, 6, 5)
    along = copy.deepcopy(constraint)
    along.dim = 1
    for labels in (torch.tensor([2]), torch.zeros(6, 4), torch.zeros(5, 4).long(), torch.zeros(1, 5).long()):
        with pytest.raises(ValueError, match=r"labels must be whole numbers of shape \(4, 5\)"):
            along.loss(z, labels)
    for labels in (torch.tensor([2]), torch.zeros(4), torch.zeros(4, 1).long(), torch.ones(4).bool()):
        with pytest.raises(ValueError, match=r"labels must be whole numbers of shape \(4,\)"):
            constraint.loss(z[..., 0], labels)
        with pytest.raises(ValueError, match="labels must be whole numbers"):
            C.ConstrainedLinear(3, 6, constraint=constraint).loss(z[..., 0], labels)


@every_loss
def test_labels_of_every_whole_dtype(constraint):
    z, labels = random(4, 6), torch.tensor([0, 5, 2, 1])
    expected = constraint.loss(z, labels)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        assert torch.equal(constraint.loss(z, labels.to(dtype)), expected)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_losses_of_half_precision_are_computed_in_float32(constraint, dtype):
    z = (4 * random(7000, 6)).to(dtype)
    z[0, :3] = torch.tensor([30.1, 29.9, 0.0])
    labels = random(7000, 6, seed=3).argmax(1)
    loss = constraint.loss(z.requires_grad_(), labels)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, constraint.loss(z.detach().float(), labels))
    assert torch.autograd.grad(loss, z)[0].dtype == dtype
    assert constraint.loss(torch.tensor([[700.0, 0, 0]], dtype=dtype), torch.tensor([0])) >= 0


@pytest.mark.parametrize("kind", PROBABILITIES)
def test_an_excluded_class_leaves_a_learned_temperature_alone(kind):
    constraint = kind(temperature=2.0, learnable=True)
    z = torch.tensor([[1.0, -math.inf, 2.0]], requires_grad=True)
    loss = constraint.loss(z, torch.tensor([0]))
    gradients = torch.autograd.grad(loss, (z, constraint.log_temperature))
    without = constraint.loss(z[:, [0, 2]], torch.tensor([0]))
    expected = torch.autograd.grad(without, (z, constraint.log_temperature))
    torch.testing.assert_close((loss, *gradients), (without, *expected))


@pytest.mark.parametrize(
    "constraint",
    [C.ProxL1(nn.Parameter(torch.tensor(0.3))), C.ProxL2(nn.Parameter(torch.tensor(0.3)))]
    + [kind(nn.Parameter(torch.tensor(-1.0)), nn.Parameter(torch.tensor(1.0))) for kind in (C.Clamp, C.SmoothClamp)],
    ids=lambda c: type(c).__name__,
)
def test_an_infinite_logit_leaves_learned_parameters_finite(constraint):
    z = torch.tensor([[0.4, -math.inf, 0.2]], requires_grad=True)
    y = constraint(z)
    kept = torch.where(y.isfinite(), y, 0)
    for gradient in torch.autograd.grad(kept.square().sum(), (z, *constraint.parameters())):
        assert gradient.isfinite().all()


def test_log_probabilities_of_sparse_maps_send_back_numbers():
    for kind in (C.Sparsemax, C.Entmax15):
        z = torch.tensor([[2.0, 0.0, -3.0]], requires_grad=True)
        loss = nn.functional.cross_entropy(kind().as_logits(z), torch.tensor([0]))
        assert torch.autograd.grad(loss, z)[0].isfinite().all()


# Parameters that cannot be -----------------------------------------------------------------------------------------


def test_violation_of_a_clamp_learns_whatever_its_gradient_is():
    for gradient in F.CLAMP_GRADIENTS:
        x = torch.tensor([[3.0, 0.5, -4.0]], requires_grad=True)
        distance = C.Clamp(-1, 1, gradient=gradient).violation(x)
        expected = torch.tensor([[2.0, 0.0, -3.0]])
        torch.testing.assert_close(torch.autograd.grad(distance.sum(), x)[0], expected / expected.norm())


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 3, 4), (1, 3, 2, 3), (3, 2)])
def test_a_number_for_each_class_lies_along_the_classes(shape):
    numbers, dim = [0.1, 0.5, 1.0], 0 if shape[0] == 3 else 1
    x = 2 * random(*shape)
    last = x.movedim(dim, -1)
    makers = (
        lambda dim: C.Clamp([-v for v in numbers], numbers, dim=dim),
        lambda dim: C.Clamp(-1, torch.tensor(numbers), gradient="straight_through", dim=dim),
        lambda dim: C.SmoothClamp([-v for v in numbers], numbers, dim=dim),
        lambda dim: C.ProxL1(numbers, dim=dim),
        lambda dim: C.ProxL2(torch.tensor(numbers), dim=dim),
        lambda dim: C.PenaltyL1(numbers, dim=dim),
        lambda dim: C.PenaltyL2(numbers, dim=dim),
    )
    for make in makers:
        got, expected = make(dim)(x), make(-1)(last)
        torch.testing.assert_close(got.movedim(dim, -1) if got.ndim else got, expected)
    with pytest.raises(ValueError, match="does not fit"):
        C.Clamp([0.0, 0.0], [1.0, 1.0], dim=dim)(x)


def test_lists_are_as_exact_as_their_numbers():
    x = torch.full((2, 2), 5.0, dtype=torch.float64)
    assert F.clamp(x, [0, 0], [0.1, 0.3])[0].tolist() == [0.1, 0.3]
    assert C.Clamp([0, 0], [0.1, 16777217])(x * 1e9)[0].tolist() == [0.1, 16777217.0]
    assert F.penalty_l1(x, [0.1, 0.3]).item() == pytest.approx(2.0, abs=1e-15)
    assert F.penalty_l1(x.float(), [0.1, 0.3]).dtype == torch.float32


@pytest.mark.parametrize("gradient", F.CLAMP_GRADIENTS)
def test_a_bound_that_is_not_a_number_gives_none(gradient):
    nan, x = torch.tensor([math.nan, 0.0, -1.0]), torch.tensor([[-5.0, 0.5, 7.0], [5.0, 0.5, 7.0]])
    one = torch.ones(3)
    for lo, hi in ((nan, one), (-9 * one, nan.abs()), (nan, nan.abs()), (torch.tensor([2.0, 0, 0]), one)):
        with pytest.raises(ValueError, match="lo not greater than hi"):
            F.clamp(x, lo, hi, gradient=gradient)
        clamp = functools.partial(F.clamp, gradient=gradient)
        y = torch.func.vmap(clamp)(x, lo.expand(2, 3), hi.expand(2, 3))  # where no value can be looked at
        assert y.isnan().tolist() == [[True, False, False]] * 2
    assert F.clamp(torch.tensor([math.nan]), torch.zeros(1), torch.ones(1), gradient=gradient).isnan().all()
    infinite = torch.func.vmap(F.smooth_clamp)(
        torch.tensor([[math.inf]]), torch.zeros(1, 1), torch.full((1, 1), math.inf)
    )
    assert infinite.isnan().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_of_a_parameter_is_computed_in_float32(dtype):
    x = torch.linspace(-3, 3, 12).reshape(4, 3)
    numbers = torch.tensor([0.3, 1.0, 2.7]).to(dtype)
    for f in (
        lambda x, v: F.clamp(x, -v, v),
        lambda x, v: F.smooth_clamp(x, -v, v),
        lambda x, v: F.smooth_clamp(x, v, v),
        F.prox_l1,
        F.prox_l2,
        F.penalty_l1,
        F.penalty_l2,
        lambda x, v: F.softmax(x, temperature=v[:1]),
        lambda x, v: F.project_l2_ball(x, v[:1]),
    ):
        torch.testing.assert_close(f(x, numbers), f(x, numbers.float()), rtol=0, atol=0)
    assert F.prox_l2(torch.tensor([1e4]), torch.tensor([4e4]).half()).item() == pytest.approx(0.125, rel=1e-3)


def test_numbers_that_the_dtype_does_not_have():
    x, inf = torch.tensor([[1.0, 2.0, -4.0]]), math.inf
    for large in (1e39, 1e300):
        assert torch.equal(F.project_l2_ball(x, large), x)
        assert torch.equal(F.project_l1_ball(x, large), x)
        for f in (F.softmax, F.sparsemax, F.entmax15):
            torch.testing.assert_close(f(x, temperature=large), torch.full((1, 3), 1 / 3))
        assert F.penalty_l1(torch.zeros(1, 3), large) == 0
        assert F.prox_l1(torch.tensor([inf, -inf]), large).tolist() == [inf, -inf]
        assert F.prox_l2(torch.tensor([inf, -inf]), large).tolist() == [inf, -inf]
    for small in (1e-46, 1e-200):
        for f in (F.softmax, F.sparsemax, F.entmax15):
            assert f(x, temperature=small).tolist() == [[0.0, 1.0, 0.0]]
        for f in (F.project_simplex, F.project_l1_ball, F.project_l2_ball):
            assert f(x, small).abs().max() < 1e-45
    assert F.prox_l1(x, 10**30).tolist() == [[0.0] * 3]
    torch.testing.assert_close(F.smooth_clamp(x, -(2**70), 2**70), x)


def test_what_follows_a_layer_by_its_operations_gets_its_outputs():
    from torchvision.models.feature_extraction import create_feature_extractor

    for constraint in (None, C.Clamp(-0.1, 0.1), C.Softmax()):
        for penalty in (None, C.PenaltyL2(1.0)):
            resnet = constrained_resnet18(num_classes=5, constraint=constraint, penalty=penalty)
            for train in (False, True):
                extract = create_feature_extractor(resnet.train(train), {"fc": "out"})
                pictures = random(2, 3, 32, 32)
                with torch.no_grad():
                    got = extract.train(train)(pictures)["out"]
                    assert got.shape == (2, 5)
                    if not train:
                        torch.testing.assert_close(got, resnet(pictures).constrained)


def test_a_row_at_no_finite_distance_sends_nothing_back():
    for constraint in (C.Clamp(-1, 1), C.SmoothClamp(-1, 1)):
        x = torch.tensor([[math.inf, 0.0], [3.0, 0.0]], requires_grad=True)
        distance = constraint.violation(x)
        assert distance.tolist() == [math.inf, 2.0]
        assert torch.autograd.grad(distance[1], x)[0].tolist() == [[0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("kind", [C.Clamp, C.SmoothClamp])
def test_bounds_that_cross_are_told_in_every_call(kind):
    constraint = kind(torch.zeros(3), torch.ones(3))
    constraint.lo = torch.tensor([0.0, 5.0, 0.0])
    with pytest.raises(ValueError, match="lo not greater than hi"):
        constraint(torch.zeros(2, 3))
    outputs = torch.func.vmap(F.clamp)(torch.zeros(1, 3), constraint.lo[None], constraint.hi[None])
    assert outputs.isnan().tolist() == [[False, True, False]], "where no value can be looked at"


@pytest.mark.parametrize(
    ("constraint", "name"),
    [(kind(nn.Parameter(torch.tensor(0.1))), "radius") for kind in (C.ProjectSimplex, C.ProjectL1Ball, C.ProjectL2Ball)]
    + [(kind(nn.Parameter(torch.tensor(0.1))), "lam") for kind in (C.ProxL1, C.ProxL2, C.PenaltyL1, C.PenaltyL2)],
    ids=lambda v: type(v).__name__ if isinstance(v, nn.Module) else v,
)
def test_a_learned_parameter_that_crossed_zero_turns_no_sign(constraint, name):
    x = torch.tensor([[3.0, 1.0, 0.0]])
    constraint(x)
    with torch.no_grad():
        getattr(constraint, name).fill_(-0.8)
    with pytest.raises(ValueError, match=f"{name} must be"):
        constraint(x)
    torch._dynamo.reset()
    assert torch.compile(constraint, fullgraph=True, backend="eager")(x).isnan().all()


def test_a_temperature_for_each_class_is_refused_everywhere():
    constraint = C.Softmax(temperature=torch.linspace(0.5, 2, 6))
    for call in (
        lambda: constraint(random(4, 6)),
        lambda: constraint.loss(random(4, 6), torch.tensor([0, 1, 2, 3])),
        lambda: constraint.as_logits(random(4, 6)),
        lambda: C.ConstrainedLinear(3, 6, constraint=constraint),
        lambda: C.ConstrainedLinear(3, 6, constraint=C.ProjectL2Ball(torch.ones(6))),
    ):
        with pytest.raises(ValueError, match="belongs to a whole row"):
            call()


# States -------------------------------------------------------------------------------------------------------------


def test_a_learned_parameter_on_the_meta_device_is_not_what_lies_in_memory():
    with torch.device("meta"):
        layer = C.ConstrainedLinear(4, 3, constraint=C.Softmax(temperature=3.0, learnable=True))
        box = C.ConstrainedLinear(4, 3, constraint=C.Clamp([0.0] * 3, [1.0] * 3))
    for made in (layer, box):
        made.to_empty(device="cpu").load_state_dict(nn.Linear(4, 3).state_dict())
    with pytest.raises(ValueError, match="temperature=nan"):  # not a temperature by chance
        layer(random(2, 4))
    with pytest.raises(ValueError, match="lo not greater than hi"):  # not a clamp that is off
        box(random(2, 4))


def test_a_state_knows_its_dimension_and_the_number_of_classes():
    with pytest.raises(RuntimeError, match="this state belongs to Sparsemax"):
        C.Sparsemax().load_state_dict(C.Sparsemax(dim=1).state_dict())
    with torch.device("meta"):
        three = C.Clamp([0.0] * 3, [1.0] * 3)
    with pytest.raises(RuntimeError, match="this state belongs to Clamp"):
        three.load_state_dict(C.Clamp([0.0] * 5, [1.0] * 5).state_dict())
    old = C.Sparsemax(temperature=2.0).state_dict()
    text = bytes(old["_extra_state"].tolist()).decode().replace(', "dim": -1', "")
    assert "dim" not in text
    C.Sparsemax(temperature=2.0).load_state_dict({"_extra_state": torch.tensor(list(text.encode()), dtype=torch.uint8)})


# What learns nothing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [
        (C.Clamp(-1.0, 1.0), [True, False, True, False]),
        (C.Clamp(-1.0, 1.0, gradient="straight_through"), [False] * 4),
        (C.Clamp(-1.0, 1.0, gradient="inward"), [False] * 4),
        (C.SmoothClamp(-1.0, 1.0), [False] * 4),
        (C.Softmax(), [False] * 4),
        (C.Sparsemax(), [True, True, False, False]),
        (C.ProxL1(0.6), [False, True, False, False]),
        (C.ProjectL1Ball(1.0), [False, True, False, True]),
        (C.ProjectSimplex(0.1), [True] * 4),
    ],
    ids=lambda value: str(value)[:40],
)
def test_blocked_classes_are_those_that_no_output_passes_a_gradient_to(constraint, wanted):
    z = torch.tensor([-2.0, 0.5, 1.7, 1.0], dtype=torch.float64)
    assert constraint.blocked(z).tolist() == wanted
    jacobian = torch.autograd.functional.jacobian(constraint, z)
    if getattr(constraint, "gradient", "") != "inward":  # whose gradient depends on what comes back
        assert wanted == (jacobian == 0).all(0).tolist()
    assert not constraint.blocked(z).requires_grad


def test_a_family_says_what_it_means():
    assert {name for name, (module, _) in PAIRS.items() if module.tempered} == {
        *("Softmax", "Softmax learnable", "Sparsemax", "Entmax15")
    }
    assert C.Softmax.loss_name == "−log p(target)"
    assert C.Sparsemax.loss_name == C.Entmax15.loss_name == "Fenchel-Young"
    assert (C.ProxL1.norm, C.ProxL2.norm, C.Clamp.norm) == ("l1", "l2", "")
