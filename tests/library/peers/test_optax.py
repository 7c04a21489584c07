"""What optax's tests ask of its projections and losses, asked of ours: its values, its gradients, its edge cases."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from constrained import ProjectL2Ball, ProjectSimplex, Softmax, Sparsemax
from constrained import functional as F

pytestmark = pytest.mark.slow
jax.config.update("jax_enable_x64", True)

PROJECTIONS = {
    "simplex": (F.project_simplex, optax.projections.projection_simplex),
    "l1 ball": (F.project_l1_ball, optax.projections.projection_l1_ball),
    "l2 ball": (F.project_l2_ball, optax.projections.projection_l2_ball),
}
ARRAYS = {
    "three classes": [0.5, 2.1, -3.5],
    "one class": [-0.3],
    "ties": [1.0, 1.0, 1.0, -1.0],
    "zeros": [0.0, 0.0, 0.0],
    "far apart": [1e6, -1e6, 3.0],
}


@pytest.mark.parametrize("radius", [0.8, 1.0, 3.21, 100.0])
@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections(name, array, radius):
    ours, theirs = PROJECTIONS[name]
    x = np.array(ARRAYS[array])
    expected = theirs(jnp.array(x), radius)
    np.testing.assert_allclose(ours(torch.tensor(x), radius), expected, rtol=1e-9, atol=1e-9)
    batch = torch.tensor(x).repeat(2, 3, 1).movedim(-1, 1)
    np.testing.assert_allclose(ours(batch, radius, dim=1)[0, :, 0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("radius", [0.8, 1.0])
def test_the_jacobian_of_the_simplex(radius):
    rng = np.random.default_rng(0)
    x, v = rng.random(5), rng.standard_normal(5)
    theirs = lambda x: optax.projections.projection_simplex(x, radius)  # noqa: E731
    ours = lambda x: F.project_simplex(x, radius)  # noqa: E731
    z, u = torch.tensor(x), torch.tensor(v)
    np.testing.assert_allclose(torch.func.jacrev(ours)(z), jax.jacrev(theirs)(x), atol=1e-12)
    np.testing.assert_allclose(torch.func.jacfwd(ours)(z), jax.jacfwd(theirs)(x), atol=1e-12)
    np.testing.assert_allclose(torch.func.jvp(ours, (z,), (u,))[1], jax.jvp(theirs, (x,), (v,))[1], atol=1e-12)
    np.testing.assert_allclose(torch.func.vjp(ours, z)[1](u)[0], jax.vjp(theirs, x)[1](v)[0], atol=1e-12)
    step = 1e-6
    slope = (ours(z + step * u) - ours(z - step * u)) / (2 * step)
    np.testing.assert_allclose(torch.func.jvp(ours, (z,), (u,))[1], slope, atol=1e-8)


def test_boxes():
    x = np.array([[-1.0, 2.0, 3.0], [0.5, -0.2, 0.8]])
    p = optax.projections
    cases = [
        (p.projection_box(x, 0.0, 2.0), (0.0, 2.0)),
        (p.projection_box(x, np.zeros(3), np.array([2.0, 1.0, 0.5])), ([0.0, 0.0, 0.0], [2.0, 1.0, 0.5])),
        (p.projection_hypercube(x), (0, 1)),
        (p.projection_hypercube(x, 0.8), (0, 0.8)),
        (p.projection_non_negative(x), (0, None)),
        (p.projection_linf_ball(x, 0.6), (-0.6, 0.6)),
    ]
    for expected, (lo, hi) in cases:
        np.testing.assert_array_equal(F.clamp(torch.tensor(x), lo, hi), expected)


def test_violation_is_the_distance_to_the_nearest_point():
    x = 3 * np.random.default_rng(1).standard_normal((6, 4))
    for constraint, theirs in (
        (ProjectSimplex(2.0), optax.projections.projection_simplex),
        (ProjectL2Ball(2.0), optax.projections.projection_l2_ball),
    ):
        expected = jax.vmap(lambda row, theirs=theirs: jnp.linalg.norm(row - theirs(row, 2.0)))(x)
        np.testing.assert_allclose(constraint.violation(torch.tensor(x)), expected, rtol=1e-9, atol=1e-9)


LOSSES = {
    "softmax": (Softmax, optax.losses.softmax_cross_entropy_with_integer_labels),
    "sparsemax": (Sparsemax, optax.losses.multiclass_sparsemax_loss),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    kind, theirs = LOSSES[name]
    rng = np.random.default_rng(2)
    for scale in (0.0, 0.1, 5.0, 500.0):
        logits, labels = scale * rng.standard_normal((8, 6)), rng.integers(0, 6, 8)
        mean = lambda z, labels=labels: theirs(z, labels).mean()  # noqa: E731
        z = torch.tensor(logits, requires_grad=True)
        got = kind().loss(z, torch.tensor(labels))
        assert got.item() == pytest.approx(float(mean(logits)), rel=1e-9, abs=1e-12)
        (gradient,) = torch.autograd.grad(got, z)
        np.testing.assert_allclose(gradient, jax.grad(mean)(logits), rtol=1e-8, atol=1e-10)


def test_a_masked_class_costs_as_if_it_were_not_there():
    logits, labels = np.array([[1.0, -np.inf, 0.3], [0.2, 0.1, -np.inf]]), np.array([0, 1])
    expected = optax.losses.safe_softmax_cross_entropy(logits, jax.nn.one_hot(labels, 3)).mean()
    assert Softmax().loss(torch.tensor(logits), torch.tensor(labels)).item() == pytest.approx(float(expected), rel=1e-9)


def test_projected_gradient_descent_ends_at_the_same_point():
    """The use that optax shows: minimise a quadratic function over the simplex, a step and a projection at a time."""
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((20, 5)), rng.standard_normal(20)
    x, y = np.full(5, 0.2), torch.full((5,), 0.2, dtype=torch.float64)
    for _ in range(200):
        x = optax.projections.projection_simplex(x - 0.01 * a.T @ (a @ x - b))
        y = F.project_simplex(y - 0.01 * torch.tensor(a).T @ (torch.tensor(a) @ y - torch.tensor(b)))
    np.testing.assert_allclose(y, x, atol=1e-9)
