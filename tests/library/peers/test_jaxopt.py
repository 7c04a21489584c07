"""What jaxopt's tests ask of its projections, proximal operators and losses, asked of ours, with its own answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jaxopt import loss, projection, prox

from constrained import Softmax, Sparsemax
from constrained import functional as F

pytestmark = pytest.mark.slow
jax.config.update("jax_enable_x64", True)

PROJECTIONS = {
    "simplex": (F.project_simplex, projection.projection_simplex),
    "l1 ball": (F.project_l1_ball, projection.projection_l1_ball),
    "l2 ball": (F.project_l2_ball, projection.projection_l2_ball),
}
BALLS = {"l1 ball": 1, "l2 ball": 2}
PROXIMAL = {
    "lasso": (F.prox_l1, prox.prox_lasso),
    "ridge": (lambda x, lam: F.prox_l2(x, lam / 2), prox.prox_ridge),  # theirs is of half the square
}


def agree(ours, theirs, *inputs, atol=1e-9):
    """The same values, and the same Jacobians by reverse and forward mode with respect to every input."""
    tensors, arrays = [torch.as_tensor(v) for v in inputs], [jnp.asarray(v) for v in inputs]
    np.testing.assert_allclose(ours(*tensors), theirs(*arrays), rtol=1e-9, atol=atol)
    which = tuple(range(len(inputs)))
    expected = jax.jacrev(theirs, which)(*arrays)
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        for got, wanted in zip(jacobian(ours, which)(*tensors), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=atol)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("radius", [0.8, 1.0, 3.21])
@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections(name, radius, scale):
    rng = np.random.default_rng(0)
    for classes in (1, 2, 5, 50):
        agree(*PROJECTIONS[name], scale * rng.standard_normal(classes), np.float64(radius))


@pytest.mark.parametrize("scale", [1.0, 1e9])
@pytest.mark.parametrize("radius", [0.8, 1.0])
def test_simplex_far_from_its_input(radius, scale):
    rng = np.random.default_rng(1)
    for _ in range(10):
        x = torch.tensor(scale * rng.standard_normal(50), dtype=torch.float32)
        p = F.project_simplex(x, radius)
        assert p.sum().item() == pytest.approx(radius, rel=1e-6)
        assert 0 <= p.min() <= p.max() <= radius * (1 + 1e-6)
        support = (p > 0).float()
        expected = support.diag() - support.outer(support) / support.sum()
        for jacobian in (torch.func.jacrev, torch.func.jacfwd):
            torch.testing.assert_close(jacobian(F.project_simplex)(x, radius), expected)


def test_a_class_at_minus_infinity():
    x = np.array([0.0, 0.0, -np.inf])
    for radius in (1.0, 0.8):
        expected = projection.projection_simplex(jnp.array(x), radius)
        np.testing.assert_allclose(F.project_simplex(torch.tensor(x), radius), expected, atol=1e-12)


@pytest.mark.parametrize("name", BALLS)
def test_inside_on_and_outside_of_a_ball(name):
    x = np.random.default_rng(2).standard_normal(50)
    norm = np.linalg.norm(x, BALLS[name])
    for radius in (2 * norm, norm, norm / 2):
        agree(*PROJECTIONS[name], x, np.float64(radius))


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_radius_for_each_row(name):
    ours, theirs = PROJECTIONS[name]
    rng = np.random.default_rng(3)
    x, radius = rng.standard_normal((7, 50)), rng.uniform(0.1, 20, 7)
    expected = jax.vmap(theirs)(x, radius)
    np.testing.assert_allclose(ours(torch.tensor(x), torch.tensor(radius)[:, None]), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        torch.func.vmap(ours)(torch.tensor(x), torch.tensor(radius)), expected, rtol=1e-9, atol=1e-12
    )
    square = lambda x, radius: (jax.vmap(theirs)(x, radius) ** 2).sum()  # noqa: E731
    z, r = torch.tensor(x, requires_grad=True), torch.tensor(radius, requires_grad=True)
    got = torch.autograd.grad(ours(z, r[:, None]).square().sum(), (z, r))
    for mine, wanted in zip(got, jax.grad(square, (0, 1))(x, radius), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("gradient", F.CLAMP_GRADIENTS)
def test_boxes(gradient):
    rng = np.random.default_rng(4)
    x = 2 * rng.standard_normal((3, 20))
    lower, upper = -rng.uniform(0, 2, 20), rng.uniform(0, 2, 20)
    inf = np.inf
    # Each of theirs is one of ours; the bounds as they are there: numbers, one for each class, one side alone.
    cases = [
        (projection.projection_box(x, (-0.5, 2.0)), (-0.5, 2.0)),
        (projection.projection_box(x, (lower, upper)), (lower, upper)),
        (projection.projection_hypercube(x), (0.0, 1.0)),
        (projection.projection_hypercube(x, 0.8), (0.0, 0.8)),
        (projection.projection_non_negative(x), (0.0, inf)),
        (projection.projection_linf_ball(x, 0.7), (-0.7, 0.7)),
    ]
    for expected, (lo, hi) in cases:
        lo, hi = (torch.tensor(v) if isinstance(v, np.ndarray) else v for v in (lo, hi))
        np.testing.assert_array_equal(F.clamp(torch.tensor(x), lo, hi, gradient=gradient), expected)


def test_jacobians_of_a_box():
    rng = np.random.default_rng(5)
    x, lower, upper = 2 * rng.standard_normal(20), -rng.uniform(0, 2, 20), rng.uniform(0, 2, 20)
    agree(F.clamp, lambda x, lo, hi: projection.projection_box(x, (lo, hi)), x, lower, upper)


@pytest.mark.parametrize("weights", ["a number", "one for each class", "zero"])
@pytest.mark.parametrize("name", PROXIMAL)
def test_proximal_operators(name, weights):
    rng = np.random.default_rng(6)
    x = rng.uniform(-1, 1, 20)
    lam = {"a number": np.float64(0.5), "one for each class": rng.uniform(0, 1, 20), "zero": np.float64(0.0)}[weights]
    agree(*PROXIMAL[name], x, lam)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
@pytest.mark.parametrize(
    ("kind", "theirs"), [(Softmax, loss.multiclass_logistic_loss), (Sparsemax, loss.multiclass_sparsemax_loss)]
)
def test_losses(kind, theirs, temperature):
    rng = np.random.default_rng(7)
    logits, labels = 3 * rng.standard_normal((9, 10)), rng.integers(0, 10, 9)
    constraint = kind(temperature=temperature, learnable=True).double()

    def mean(z, log_temperature):
        return jax.vmap(theirs)(labels, z / jnp.exp(log_temperature)).mean()

    log_temperature = constraint.log_temperature.item()  # held in float32 before it was in float64
    assert log_temperature == pytest.approx(np.log(temperature), abs=1e-6)
    z = torch.tensor(logits, requires_grad=True)
    got = constraint.loss(z, torch.tensor(labels))
    assert got.item() == pytest.approx(float(mean(logits, log_temperature)), rel=1e-9)
    gradients = torch.autograd.grad(got, (z, constraint.log_temperature))
    for mine, wanted in zip(gradients, jax.grad(mean, (0, 1))(logits, log_temperature), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-8, atol=1e-10)
