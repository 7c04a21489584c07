"""torch.compile, with its default backend: parameters that change between calls are never those of an earlier call.

The compiler writes a number into its code, takes it for a symbol once it has changed, and has forgotten some of those
(pytorch #194976). Every map is compared with itself in eager mode for four values in a row, forward and backward: as a
function, as a module whose attribute is set, beside another map in one graph, and in a `ConstrainedLinear`.
"""

import copy

import pytest
import torch

import constrained as C
from constrained import functional as F

pytestmark = pytest.mark.slow

VALUES = (0.5, 1.0, 1.5, 2.0)
FUNCTIONS = {
    **{f"clamp {g}": lambda x, v, g=g: F.clamp(x, -v, v, gradient=g) for g in F.CLAMP_GRADIENTS},
    "smooth_clamp": lambda x, v: F.smooth_clamp(x, -v, v),
    "softplus": lambda x, v: F.softplus(x, v - 1, beta=v),
    "scaled_sigmoid": lambda x, v: F.scaled_sigmoid(x, -v, v),
    "softmax": lambda x, v: F.softmax(x, temperature=v),
    "sparsemax": lambda x, v: F.sparsemax(x, temperature=v),
    "entmax15": lambda x, v: F.entmax15(x, temperature=v),
    "prox_l1": F.prox_l1,
    "prox_l2": F.prox_l2,
    "project_simplex": F.project_simplex,
    "project_l1_ball": F.project_l1_ball,
    "project_l2_ball": F.project_l2_ball,
    "penalty_l1": F.penalty_l1,
    "penalty_l2": F.penalty_l2,
}
MODULES = {
    **{f"Clamp {g}": (C.Clamp(-0.5, 0.5, gradient=g), ("lo", "hi")) for g in F.CLAMP_GRADIENTS},
    "SmoothClamp": (C.SmoothClamp(-0.5, 0.5), ("lo", "hi")),
    "Softplus": (C.Softplus(-0.5), ("lo", "beta")),
    "ScaledSigmoid": (C.ScaledSigmoid(-0.5, 0.5), ("lo", "hi")),
    "Softmax": (C.Softmax(), ("temperature",)),
    "Softmax, learned": (C.Softmax(learnable=True), ("temperature",)),
    "Sparsemax": (C.Sparsemax(), ("temperature",)),
    "Entmax15": (C.Entmax15(), ("temperature",)),
    "ProxL1": (C.ProxL1(0.5), ("lam",)),
    "ProxL2": (C.ProxL2(0.5), ("lam",)),
    "ProjectSimplex": (C.ProjectSimplex(), ("radius",)),
    "ProjectL1Ball": (C.ProjectL1Ball(), ("radius",)),
    "ProjectL2Ball": (C.ProjectL2Ball(), ("radius",)),
}


def logits(classes=7):
    return torch.linspace(-3, 3, 4 * classes).reshape(4, classes).flip(-1)


def value_and_gradient(f, x, *arguments):
    x = x.clone().requires_grad_()
    y = f(x, *arguments)
    total = sum(part.square().sum() for part in (y if isinstance(y, tuple) else (y,)))
    return [y, torch.autograd.grad(total, x)[0]]


def set_to(module, names, value):
    for name in names:
        setattr(module, name, -value if name == "lo" else value)


def compared(made, eager, change=None):
    """Eager and compiled, for all values: given as arguments, or by ``change``."""
    torch._dynamo.reset()
    compiled = torch.compile(made, fullgraph=True)
    for value in VALUES:
        if change:
            change(value)
        arguments = () if change else (value,)
        got, expected = (value_and_gradient(f, logits(), *arguments) for f in (compiled, eager))
        torch.testing.assert_close(got, expected, msg=lambda text, value=value: f"at {value}: {text}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_follows_its_parameter(name):
    compared(FUNCTIONS[name], FUNCTIONS[name])


@pytest.mark.parametrize("name", MODULES)
def test_a_module_follows_its_attribute(name):
    module, names = copy.deepcopy(MODULES[name][0]), MODULES[name][1]
    compared(module, module, lambda value: set_to(module, names, value))


def test_two_maps_in_one_graph_follow_their_parameters():
    def maps(x, v):
        return F.clamp(F.smooth_clamp(x, -v, v), -v / 2, v), F.softmax(F.clamp(x, -1 / v, v), temperature=v)

    compared(maps, maps)


def test_many_classes_compile():
    for f in (F.sparsemax, F.entmax15, F.project_simplex, F.project_l1_ball):
        torch._dynamo.reset()
        x = torch.linspace(-1, 1, 80).reshape(2, 40)
        torch.testing.assert_close(value_and_gradient(torch.compile(f, fullgraph=True), x), value_and_gradient(f, x))


def test_a_head_follows_its_constraint_and_penalty():
    torch.manual_seed(0)
    layer = C.ConstrainedLinear(7, 5, constraint=C.SmoothClamp(-0.5, 0.5), penalty=C.PenaltyL2(0.5))

    def change(value):
        layer.constraint.hi, layer.penalty.lam = value, value

    compared(layer, layer, change)


def test_the_loss_of_every_family_compiles():
    labels = torch.tensor([0, 3, -100, 6])
    for constraint in (C.Clamp(-1, 1), C.Softmax(temperature=2.0), C.Sparsemax(), C.Entmax15(learnable=True)):
        torch._dynamo.reset()
        loss = constraint.loss
        got, expected = (value_and_gradient(f, logits(), labels) for f in (torch.compile(loss, fullgraph=True), loss))
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("kind", [C.Softmax, C.Sparsemax, C.Entmax15])
def test_a_loss_follows_a_temperature_that_is_annealed(kind):
    labels = torch.tensor([0, 3, -100, 6])
    constraint = kind()

    def both(x):
        return constraint.loss(x, labels), constraint.as_logits(x).logsumexp(-1), constraint(x)

    compared(both, both, lambda value: set_to(constraint, ("temperature",), value))
    layer = C.ConstrainedLinear(7, 7, constraint=constraint, penalty=C.PenaltyL1(0.1))
    alone = lambda x: layer.loss(x, labels)  # noqa: E731
    compared(alone, alone, lambda value: set_to(constraint, ("temperature",), value))


def test_masked_rows_send_nothing_back_when_compiled():
    x = logits()
    x[1], x[2, :3] = -torch.inf, -torch.inf
    for f in (F.softmax, F.sparsemax, F.entmax15, F.project_simplex):
        torch._dynamo.reset()

        def kept(x, f=f):
            return f(x)[[0, 2, 3]]

        got, expected = (value_and_gradient(g, x) for g in (torch.compile(kept, fullgraph=True), kept))
        torch.testing.assert_close(got, expected)
        assert got[1][1].eq(0).all()
