"""`constrained.modules` and `constrained.model`: the modules are their functions, and drop into real networks."""

import copy
import math
import warnings

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
    "Softmax": (C.Softmax(0.7), lambda x: F.softmax(x, 0.7)),
    "Softmax learnable": (C.Softmax(0.7, learnable=True), lambda x: F.softmax(x, 0.7)),
    "Sparsemax": (C.Sparsemax(0.7), lambda x: F.sparsemax(x, 0.7)),
    "Entmax15": (C.Entmax15(0.7), lambda x: F.entmax15(x, 0.7)),
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
    numbers = [v for k, v in vars(module).items() if isinstance(v, float)] or [0.7]
    assert text.startswith(type(module).__name__)
    assert all(f"{v:.4g}" in text for v in numbers)


@pytest.mark.parametrize(
    ("module", "inside", "outside", "distance"),
    [
        (C.Clamp(-1, 1), [0.5, 1.0], [4.0, -5.0], 5.0),
        (C.SmoothClamp(-1, 1), [0.5, 1.0], [4.0, -5.0], 5.0),
        (C.ProjectL1Ball(2.0), [1.0, -1.0], [2.0, 2.0], math.sqrt(2)),
        (C.ProjectL2Ball(5.0), [3.0, 4.0], [6.0, -8.0], 5.0),
        (C.ProjectSimplex(2.0), [1.5, 0.5], [2.0, 2.0], math.sqrt(2)),
        *((probability(0.1), [0.25, 0.75], [1.0, 1.0], math.sqrt(0.5)) for probability in PROBABILITIES),
    ],
)
def test_violation_is_the_distance_to_the_set_not_to_the_output(module, inside, outside, distance):
    assert module.violation(torch.tensor([inside, outside])).tolist() == pytest.approx([0, distance])


WRONG = [
    (lambda: C.Clamp(2, 1.5), r"lo=2 and hi=1\.5"),
    (lambda: C.Clamp(math.nan, 1), "lo=nan"),
    (lambda: C.Clamp(0, 1, gradient="soft"), "'soft'"),
    (lambda: C.SmoothClamp(2, 1.5), r"lo=2 and hi=1\.5"),
    (lambda: C.SmoothClamp(0, math.inf), "hi=inf"),
    *((lambda m=m, v=v: m(v), f"temperature={v}") for m in PROBABILITIES for v in (0.0, -2.0, math.nan, math.inf)),
    *((lambda m=m: m(1e-9, learnable=True), "temperature=1e-09") for m in PROBABILITIES),
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
]


@pytest.mark.parametrize(("build", "message"), WRONG)
def test_wrong_argument_is_named_with_its_value_when_the_module_is_built(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# A learned temperature ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_learned_temperature_starts_where_told_and_gets_a_gradient(probability):
    module = probability(0.3, learnable=True)
    assert module.temperature.item() == pytest.approx(0.3)
    assert dict(module.named_parameters()).keys() == {"log_temperature"}
    module(torch.tensor([[1.0, 0.9, 0.7]]))[0, 0].backward()
    assert module.log_temperature.grad.item() < 0  # a smaller T gives the first class more
    assert not list(probability(0.3).parameters())


@pytest.mark.parametrize("probability", PROBABILITIES)
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_learned_temperature_stays_positive_under_large_steps_and_weight_decay(probability, target, dtype):
    """Steps of hundreds in log T: exp of that is 0 or infinity in float32, and the loss NaN for ever after."""
    module = probability(1.0, learnable=True).to(dtype)
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
    module = C.Softmax(0.01, learnable=True)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0, weight_decay=0.1)
    for _ in range(200):
        module.log_temperature.grad = torch.zeros(())
        optimizer.step()
    assert module.temperature.item() == pytest.approx(1)


def test_learned_temperature_comes_back_from_beyond_its_limit():
    module = C.Softmax(1.0, learnable=True)
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
    source = C.ConstrainedLinear(4, 3, constraint=C.Softmax(0.3, learnable=True))
    assert "constraint.log_temperature" in source.state_dict()
    target = C.ConstrainedLinear(4, 3, constraint=C.Softmax(2.0, learnable=True))
    target.load_state_dict(source.state_dict())
    assert target.constraint.temperature.item() == pytest.approx(0.3)


# ConstrainedLinear ----------------------------------------------------------------------------------------------------


def head(**changes):
    torch.manual_seed(0)
    parts = {"constraint": C.Clamp(-0.2, 0.3), "penalty": C.PenaltyL2(0.5)} | changes
    return C.ConstrainedLinear(8, 5, **parts)


def test_head_gives_its_parts_in_training_and_a_tensor_in_evaluation():
    layer, h = head(), random(4, 8)
    out = layer.train()(h)
    assert isinstance(out, C.ConstrainedOutput)
    torch.testing.assert_close(out.logits, nn.functional.linear(h, layer.weight, layer.bias))
    torch.testing.assert_close(out.constrained, F.clamp(out.logits, -0.2, 0.3))
    torch.testing.assert_close(out.penalty, F.penalty_l2(out.logits, 0.5))
    constrained = layer.eval()(h)
    assert isinstance(constrained, torch.Tensor)
    assert torch.equal(constrained, out.constrained)
    assert torch.equal(layer.logits(h), out.logits)


def test_head_without_constraint_or_penalty_is_a_linear_layer():
    layer, h = head(constraint=None, penalty=None), random(2, 3, 8)
    out = layer.train()(h)
    assert torch.equal(out.constrained, out.logits)
    assert out.penalty == 0
    assert torch.equal(layer.eval()(h), out.logits)
    assert head(bias=False).bias is None


def test_cross_entropy_on_the_training_output_fails_at_once():
    """The double softmax that learns badly without a word."""
    with pytest.raises(TypeError):
        nn.functional.cross_entropy(
            head(constraint=C.Softmax()).train()(random(4, 8)), torch.zeros(4, dtype=torch.long)
        )


def test_state_dict_round_trip_and_from_a_plain_linear_layer():
    plain, layer = nn.Linear(8, 5), head()
    layer.load_state_dict(plain.state_dict())
    assert torch.equal(layer.logits(random(4, 8)), plain(random(4, 8)))
    plain.load_state_dict(layer.state_dict())  # and back
    learned = head(constraint=C.Entmax15(0.4, learnable=True))
    again = head(constraint=C.Entmax15(3.0, learnable=True))
    again.load_state_dict(learned.state_dict())
    assert torch.equal(again.eval()(random(4, 8)), learned.eval()(random(4, 8)))


def test_deepcopy_shares_nothing():
    layer = head(constraint=C.Softmax(0.4, learnable=True)).eval()
    twin, before = copy.deepcopy(layer), layer(random(4, 8))
    assert torch.equal(twin(random(4, 8)), before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1)
    assert torch.equal(layer(random(4, 8)), before)
    assert not torch.equal(twin(random(4, 8)), before)


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
        outputs = f(h)
        assert all(isinstance(out, C.ConstrainedOutput) == training for out in outputs)
        loss = sum(out.constrained.square().sum() + out.penalty if training else out.square().sum() for out in outputs)
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
        out = model.train()(PICTURES)
        loss = nn.functional.cross_entropy(out.logits, LABELS) + out.penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    with torch.inference_mode():
        y = model.eval()(PICTURES)
        assert (model.fc.constraint.violation(y) == 0).all()
        assert y.abs().max() == torch.tensor(0.1)  # and the bound is felt


def test_constrained_resnet18_has_the_logits_of_the_plain_model(plain):
    model = constrained_resnet18(weights=plain.state_dict(), constraint=C.Softmax(0.5), penalty=C.PenaltyL1(0.1)).eval()
    with torch.inference_mode():
        expected = plain(PICTURES)
        assert torch.equal(model(PICTURES), F.softmax(expected, 0.5))
        model.fc.constraint = None
        assert torch.equal(model(PICTURES), expected)


def test_constrained_resnet18_takes_weights_with_and_without_a_learned_temperature(plain):
    fresh = constrained_resnet18(weights=plain.state_dict(), constraint=C.Softmax(0.3, learnable=True))
    assert fresh.fc.constraint.temperature.item() == pytest.approx(0.3)
    with torch.no_grad():
        fresh.fc.constraint.log_temperature.fill_(math.log(4.0))
    again = constrained_resnet18(weights=fresh.state_dict(), constraint=C.Softmax(0.3, learnable=True))
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
    model = constrained_resnet18(weights=weights, constraint=C.Sparsemax(0.5, learnable=True), progress=False)
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
