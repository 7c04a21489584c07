"""`constrained.functional` against solvers that share no formula with it, and against the hazards of such maps."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import entmax
import hypothesis.extra.numpy
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from constrained import functional as F

INF, NAN = math.inf, math.nan
LO, HI, T, LAM, R, BETA = -0.8, 1.3, 0.7, 0.6, 1.5, 2.5

# References: float64, given the problem's derivative and nothing of its solution ------------------------------------


def root(increasing, low, high):
    """Where an increasing elementwise function crosses 0 between `low` and `high`, or the end where it does not."""
    low, high = np.broadcast_arrays(np.asarray(low, np.float64), np.asarray(high, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(80):
            middle = (low + high) / 2
            below = increasing(middle) < 0
            low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def proximal(x, slope):
    """argmin_y 1/2 ||y - x||^2 + g(y), from g' = `slope`."""
    return root(lambda y: y - x + slope(y), -np.abs(x), np.abs(x))


def allocate(x, slope, total, cheapest=-100.0):
    """argmax of <y, x> - g(y) over y >= 0, sum y = total, from g' = `slope`: bisection on the price of the total.

    With `cheapest=0` over sum y <= total.
    """

    def bought(price):
        return root(lambda y: slope(y) - x + price, np.zeros_like(x), np.abs(x).max() + total)

    price = root(lambda p: total - bought(p).sum(-1, keepdims=True), np.full_like(x[:, :1], cheapest), 100.0)
    return bought(price)


def inside_l2(x):
    def shrunk(price):
        return root(lambda y: y - x + price * y, -np.abs(x), np.abs(x))

    norm = lambda y: np.sqrt((y * y).sum(-1, keepdims=True))  # noqa: E731
    return shrunk(root(lambda price: R - norm(shrunk(price)), np.zeros_like(x[:, :1]), 100.0))


def smooth_box(x):
    """The inverse of the map is an area hyperbolic tangent, which is infinite at the bounds."""
    middle, radius = (LO + HI) / 2, (HI - LO) / 2
    return root(lambda y: radius * np.arctanh((y - middle) / radius) + middle - x, np.full_like(x, LO), HI)


def sigmoid_box(x):
    """The inverse of the map is a logit, which is infinite at the bounds."""
    return root(lambda y: np.log((y - LO) / (HI - y)) - x, np.full_like(x, LO), HI)


def half_line(sign, end):
    """The inverse of the map, of the distance d from the bound: d + log(1 - exp(-beta d)) / beta."""

    def solved(x):
        u = sign * (x - end)
        inverse = lambda d: d + np.log(-np.expm1(-BETA * d)) / BETA - u  # noqa: E731
        return end + sign * root(inverse, np.zeros_like(x), np.abs(u) + 2)

    return solved


# The maps under test ------------------------------------------------------------------------------------------------


class Map(NamedTuple):
    function: Callable
    parameters: dict
    reference: Callable  # (B, C) float64 array -> (B, C)
    lipschitz: float = 1.0

    def __call__(self, x, **changes):
        return self.function(x, **{**self.parameters, **changes})


BOX, TEMPERATURE, LAMBDA, RADIUS = {"lo": LO, "hi": HI}, {"temperature": T}, {"lam": LAM}, {"radius": R}


def clamped(gradient):
    return Map(F.clamp, BOX | {"gradient": gradient}, lambda x: root(lambda y: y - x, np.full_like(x, LO), HI))


MAPS = {
    "clamp zero": clamped("zero"),
    "clamp straight_through": clamped("straight_through"),
    "clamp inward": clamped("inward"),
    "smooth_clamp": Map(F.smooth_clamp, BOX, smooth_box),
    "scaled_sigmoid": Map(F.scaled_sigmoid, BOX, sigmoid_box, (HI - LO) / 4),
    "softplus": Map(F.softplus, {"lo": LO, "beta": BETA}, half_line(1, LO)),
    "softplus upper": Map(F.softplus, {"hi": HI, "beta": BETA}, half_line(-1, HI)),
    "softmax": Map(F.softmax, TEMPERATURE, lambda x: allocate(x, lambda p: T * (np.log(p) + 1), 1.0), 1 / T),
    "sparsemax": Map(F.sparsemax, TEMPERATURE, lambda x: allocate(x, lambda p: T * p, 1.0), 1 / T),
    "entmax15": Map(F.entmax15, TEMPERATURE, lambda x: allocate(x, lambda p: T * (2 * p**0.5 - 4 / 3), 1.0), 1 / T),
    "prox_l1": Map(F.prox_l1, LAMBDA, lambda x: proximal(x, lambda y: LAM * np.sign(y))),
    "prox_l2": Map(F.prox_l2, LAMBDA, lambda x: proximal(x, lambda y: 2 * LAM * y)),
    "project_simplex": Map(F.project_simplex, RADIUS, lambda x: allocate(x, lambda y: y, R)),
    "project_l1_ball": Map(
        F.project_l1_ball, RADIUS, lambda x: np.sign(x) * allocate(np.abs(x), lambda y: y, R, cheapest=0)
    ),
    "project_l2_ball": Map(F.project_l2_ball, RADIUS, inside_l2),
}
CLAMPS = [name for name in MAPS if name.startswith("clamp")]
BOXES = [*CLAMPS, "smooth_clamp", "scaled_sigmoid"]
ELEMENTWISE = [*BOXES, "softplus", "softplus upper", "prox_l1", "prox_l2"]
PROBABILITIES = ["softmax", "sparsemax", "entmax15"]
ON_SIMPLEX = [*PROBABILITIES, "project_simplex"]
BALLS = ["project_l1_ball", "project_l2_ball"]
PROJECTIONS = [*CLAMPS, "project_simplex", *BALLS]


def over(names):
    return pytest.mark.parametrize("m", [pytest.param(MAPS[name], id=name) for name in names])


def excess(m, y):
    """How far `y` is outside of the set that `m` maps to, largest over the batch; None for the proximal maps."""
    name, y = m.function.__name__, y.double()
    if name in BOXES or name == "clamp":
        return torch.maximum(LO - y, y - HI).max().clamp_min(0)
    if name == "softplus":
        return (LO - y if "lo" in m.parameters else y - HI).max().clamp_min(0)
    if name in ON_SIMPLEX:
        total = m.parameters.get("radius", 1.0)
        return torch.maximum((y.sum(-1) - total).abs().max(), (-y).max().clamp_min(0))
    if name in BALLS:
        return (torch.linalg.vector_norm(y, ord=1 if "l1" in name else 2, dim=-1).max() - R).clamp_min(0)
    return None


def corners(m, x, y):
    """(K, C) points of the set such that a linear function is largest on one of them; for the L2 ball: this one."""
    classes = x.shape[-1]
    if m.function is F.clamp:
        return torch.tensor(list(itertools.product((LO, HI), repeat=classes)), dtype=x.dtype)
    if m.function is F.project_l2_ball:
        return R * torch.nn.functional.normalize(x - y, dim=-1)[None]
    tips = R * torch.eye(classes, dtype=x.dtype)
    return torch.cat([tips, -tips]) if m.function is F.project_l1_ball else tips


def random(*shape, scale=1.0, seed=0, dtype=torch.float64):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


# Random rows of three sizes, and rows with ties, equal, zero, far apart, all low, and on bounds and thresholds.
LOGITS = torch.cat(
    [
        *(random(4, 6, scale=scale, seed=7) for scale in (0.1, 1.0, 10.0)),
        torch.tensor(
            [
                [1.0, 1.0, 0.0, 0.0, -1.0, -1.0],
                [3.0, 3.0, 3.0, 3.0, 3.0, 3.0],
                [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                [50.0, 0.0, -50.0, 1.0, 2.0, 49.9],
                [-9.0, -8.0, -9.5, -8.5, -8.0, -30.0],
                [LO, HI, LAM, -LAM, R, 0.0],
            ],
            dtype=torch.float64,
        ),
    ]
)

# What is solved -----------------------------------------------------------------------------------------------------


@over(MAPS)
def test_equals_a_solver_that_shares_no_formula(m):
    np.testing.assert_allclose(m(LOGITS), m.reference(LOGITS.numpy()), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_equals_the_entmax_package(name):
    theirs, ours = getattr(entmax, name), getattr(F, name)
    x = random(64, 50, scale=2.0).requires_grad_()
    direction = random(64, 50, seed=1)
    for mine, other in ((ours(x), theirs(x, -1)), (ours(x, temperature=T), theirs(x / T, -1))):
        torch.testing.assert_close(mine, other, atol=1e-12, rtol=0)
        gradients = [torch.autograd.grad(y, x, direction)[0] for y in (mine, other)]
        torch.testing.assert_close(*gradients, atol=1e-10, rtol=0)


@over([name for name in MAPS if not name.startswith("prox")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_result_is_feasible(m, dtype):
    allowed = 0 if m.function in (F.clamp, F.smooth_clamp, F.scaled_sigmoid, F.softplus) else 8 * torch.finfo(dtype).eps
    bounds = torch.tensor([LO, HI], dtype=dtype).double()  # the box as the dtype can express it
    rounding = (
        max(LO - bounds[0].item(), bounds[1].item() - HI, 0)
        if m.function in (F.clamp, F.scaled_sigmoid, F.softplus)
        else 0
    )
    assert excess(m, m(LOGITS.to(dtype))) <= allowed + rounding


@over([*ON_SIMPLEX, "project_l1_ball"])
def test_rounding_turns_no_sign(m):
    """Logits with one decimal put classes on the threshold, where rounding decides."""
    for classes in (3, 10, 50):
        x = (10 * random(2000, classes, dtype=torch.float32)).round() / 10
        assert (m(x) * (x if m.function is F.project_l1_ball else 1)).min() >= 0


@over(PROJECTIONS)
def test_projection_satisfies_the_variational_inequality(m):
    """<x - y, w - y> <= 0 for all w of the set: with feasibility, that is being the nearest point."""
    for x, y in zip(LOGITS, m(LOGITS), strict=True):
        assert ((corners(m, x, y) - y) @ (x - y)).max() <= 1e-12 * (1 + x.abs().max())


@over(PROJECTIONS)
def test_projection_is_idempotent(m):
    once = m(LOGITS)
    torch.testing.assert_close(m(once), once, atol=1e-14, rtol=0)


def test_prox_l1_satisfies_the_subgradient_condition():
    y = F.prox_l1(LOGITS, LAM)
    pull = (LOGITS - y) / LAM
    torch.testing.assert_close(pull[y != 0], y[y != 0].sign())
    assert pull[y == 0].abs().max() <= 1
    assert (y == 0).any()
    assert (y != 0).any()


def test_prox_l2_satisfies_the_gradient_condition():
    y = F.prox_l2(LOGITS, LAM)
    torch.testing.assert_close(LOGITS - y, 2 * LAM * y)


@pytest.mark.parametrize(
    ("name", "entropy"),
    [
        ("softmax", lambda p: torch.special.entr(p).sum(-1)),
        ("sparsemax", lambda p: -p.square().sum(-1) / 2),
        ("entmax15", lambda p: 4 / 3 * (p - p**1.5).sum(-1)),
    ],
)
def test_probabilities_beat_random_points_of_the_simplex(name, entropy):
    p = MAPS[name](LOGITS)
    draws = torch.from_numpy(np.random.default_rng(0).dirichlet([0.3] * 6, size=(500, 1)))  # (500, 1, C)
    for others in (draws, p.lerp(draws, 1e-3), torch.eye(6, dtype=p.dtype)[:, None]):
        best, rest = (((q * LOGITS).sum(-1) + T * entropy(q)) for q in (p, others))
        assert (rest - best).max() <= 1e-12


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_sparse_maps_give_exact_zeros_and_softmax_gives_none(name):
    x = random(100, 10, scale=2.0)
    assert (MAPS[name](x) == 0).any(-1).float().mean() > 0.5
    assert (F.softmax(x) > 0).all()


def test_small_temperature_sharpens_and_large_flattens():
    x = torch.tensor([1.0, 2.0, 0.5])
    for name in PROBABILITIES:
        torch.testing.assert_close(MAPS[name](x, temperature=1e-3), torch.tensor([0.0, 1.0, 0.0]))
        torch.testing.assert_close(MAPS[name](x, temperature=1e6), torch.full((3,), 1 / 3), atol=1e-5, rtol=0)


# Properties of every map, over whatever hypothesis comes up with -----------------------------------------------------

MODEST = settings(deadline=None, max_examples=40, derandomize=True)
NUMBERS = st.floats(-1e3, 1e3, width=32)


def pairs():
    shapes = hypothesis.extra.numpy.array_shapes(min_dims=1, max_dims=3, max_side=6)
    arrays = shapes.map(lambda shape: hypothesis.extra.numpy.arrays(np.float64, (2, *shape), elements=NUMBERS))
    return arrays.flatmap(lambda s: s).map(torch.from_numpy)


@over(MAPS)
@MODEST
@given(xs=pairs())
def test_properties(m, xs):
    x, other = xs
    y, moved = m(x), m(other)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    if excess(m, y) is not None:
        assert excess(m, y) <= 1e-12
    # No map moves two points further apart than its constant says: 1 for projections and proximal maps.
    distances = (torch.linalg.vector_norm(a - b, dim=-1) for a, b in ((y, moved), (x, other)))
    after, before = distances
    assert (after <= m.lipschitz * before + 1e-12).all()
    # Classes have no order, and a larger logit never gets a smaller result.
    torch.testing.assert_close(m(x.flip(-1)), y.flip(-1), atol=1e-12, rtol=1e-12)
    order = x.argsort(-1)
    assert (y.gather(-1, order).diff(dim=-1) >= -1e-12).all()
    if m.function.__name__ in ON_SIMPLEX:
        torch.testing.assert_close(m(x + 3.0), y, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("gradient", F.CLAMP_GRADIENTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_clamp_never_leaves_the_box_by_rounding(gradient, dtype):
    x = random(100_000, scale=3.0, dtype=dtype)
    for lo, hi in ((LO, HI), (-0.1, 0.3), (1 / 3, 1e4)):
        y = F.clamp(x, lo, hi, gradient=gradient)
        assert torch.equal(y, x.clamp(lo, hi))
        assert y.min() >= torch.tensor(lo, dtype=dtype)
        assert y.max() <= torch.tensor(hi, dtype=dtype)


def test_smooth_clamp_never_leaves_the_box_by_rounding():
    x, a, b = (random(100_000, scale=scale, seed=seed).float() for scale, seed in ((20.0, 0), (2.0, 1), (2.0, 2)))
    lo, hi = torch.minimum(a, b), torch.maximum(a, b)
    y = F.smooth_clamp(x, lo, hi)
    assert ((lo <= y) & (y <= hi)).all()


def test_smooth_clamp_has_slope_one_at_the_middle_and_dies_far_out():
    middle, radius = (LO + HI) / 2, (HI - LO) / 2
    x = torch.tensor([middle, middle + 3 * radius, middle + 10 * radius], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(F.smooth_clamp(x, LO, HI).sum(), x)
    assert slope[0] == 1
    torch.testing.assert_close(slope[1:], torch.cosh(torch.tensor([3.0, 10.0], dtype=torch.float64)) ** -2)


def test_scaled_sigmoid_is_the_sigmoid_and_half_a_tanh():
    x = torch.cat([random(1000, scale=8.0), torch.tensor([0.0, 40.0, -40.0, 700.0, -700.0, INF, -INF]).double()])
    torch.testing.assert_close(F.scaled_sigmoid(x, 0, 1), torch.sigmoid(x), rtol=1e-15, atol=0)
    torch.testing.assert_close(F.scaled_sigmoid(x, -1, 1), torch.tanh(x / 2), rtol=1e-12, atol=1e-15)
    y = F.scaled_sigmoid(x, LO, HI)
    assert y[1000] == pytest.approx((LO + HI) / 2)
    assert (y[x.argsort()].diff() >= 0).all()
    a, b = random(100_000, scale=2.0, seed=1).float(), random(100_000, scale=2.0, seed=2).float()
    lo, hi = torch.minimum(a, b), torch.maximum(a, b)
    y = F.scaled_sigmoid(random(100_000, scale=20.0).float(), lo, hi)
    assert ((lo <= y) & (y <= hi)).all()


def test_scaled_sigmoid_has_a_quarter_of_the_width_as_its_slope_and_dies_far_out():
    x = torch.tensor([0.0, 3.0, -10.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(F.scaled_sigmoid(x, LO, HI).sum(), x)
    torch.testing.assert_close(slope, (HI - LO) * torch.sigmoid(x) * torch.sigmoid(-x))
    assert slope[0] == (HI - LO) / 4


def test_softplus_is_torchs_own_and_its_mirror_image():
    x = torch.cat([random(1000, scale=8.0), torch.tensor([0.0, 40.0, -40.0, 700.0, -700.0, INF, -INF]).double()])
    torch.testing.assert_close(F.softplus(x, 0), torch.nn.functional.softplus(x, threshold=50), rtol=1e-15, atol=0)
    torch.testing.assert_close(F.softplus(x, hi=0, beta=BETA), -F.softplus(-x, lo=0, beta=BETA), rtol=0, atol=0)
    for beta in (0.1, 1.0, 20.0):  # between the clamp and log 2 / beta above it
        y, hard = F.softplus(x, LO, beta=beta), F.clamp(x, LO, None)
        above = (y - hard)[:-2]
        assert (above >= -1e-12).all()
        assert (above <= math.log(2) / beta + 1e-12).all()
    assert F.softplus(torch.tensor([LO]).double(), LO, beta=BETA).item() == pytest.approx(LO + math.log(2) / BETA)


def test_softplus_has_the_slope_of_a_sigmoid():
    x = torch.tensor([LO, LO + 3, LO - 10, 1e4, -1e4], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(F.softplus(x, LO, beta=BETA).sum(), x)
    torch.testing.assert_close(slope, torch.sigmoid(BETA * (x - LO)))
    assert slope[0] == 0.5


# Shapes and dtypes ----------------------------------------------------------------------------------------------------


@over(MAPS)
@pytest.mark.parametrize("dim", range(-3, 3))
def test_any_dim(m, dim):
    x = random(3, 4, 5, scale=2.0)
    torch.testing.assert_close(m(x, dim=dim), m(x.movedim(dim, -1)).movedim(-1, dim), atol=1e-14, rtol=0)


@over(MAPS)
@pytest.mark.parametrize("shape", [(5,), (0, 5), (2, 0, 5), (4, 1), (1,), (2, 3, 4, 5)])
def test_any_batch_rank_and_single_classes(m, shape):
    x = random(*shape)
    y = m(x)
    assert y.shape == x.shape
    torch.testing.assert_close(y, m(x.reshape(-1, shape[-1])).reshape(shape) if x.numel() else x, atol=1e-14, rtol=0)


@over(MAPS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_agrees_with_float64_within_its_rounding(m, dtype):
    x = torch.cat([random(64, 100, scale=s).to(dtype) for s in (0.1, 1.0, 5.0)])
    y, exact = m(x), m(x.double())
    assert y.dtype == dtype
    assert exact.dtype == torch.float64
    half_step = 0.5 * torch.finfo(dtype).eps if dtype != torch.float32 else 0
    torch.testing.assert_close(y.double(), exact, rtol=1.01 * half_step + 1e-6, atol=2e-6)


@over(MAPS)
@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e4, 1e8, 1e30])
def test_size_of_the_logits_costs_no_accuracy(m, scale):
    x = random(20, 8, dtype=torch.float32) * scale
    exact = m(x.double())
    size = HI if m.function in (F.smooth_clamp, F.scaled_sigmoid, F.softplus) else min(1, exact.abs().max().item())
    torch.testing.assert_close(m(x).double(), exact, rtol=2e-6, atol=1e-6 * size)


@over(MAPS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_no_overflow_at_a_thousand_classes_of_100(m, dtype):
    x = torch.full((2, 1000), 100.0, dtype=dtype)
    x[1, ::2] = -100
    torch.testing.assert_close(m(x), m(x.double()).to(dtype), atol=1e-7, rtol=torch.finfo(dtype).eps)


@pytest.mark.parametrize("name", PROBABILITIES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_no_overflow_at_logit_700_and_temperature_001(name, dtype):
    x = torch.tensor([700.0, -700.0, 0.0, 700.0], dtype=dtype, requires_grad=True)
    t = torch.tensor(0.01, requires_grad=True)
    p = MAPS[name](x, temperature=t)
    assert p.tolist() == pytest.approx([0.5, 0, 0, 0.5], rel=1e-6, abs=0)
    for gradient in torch.autograd.grad(p[0], (x, t)):
        assert gradient.isfinite().all()


def test_entmax15_survives_ten_thousand_classes_just_below_its_threshold():
    """Rounding lets thousands of them into the support, and the root of a negative number is NaN."""
    x = torch.full((10_000,), -2.0001)
    x[0] = 0
    x.requires_grad_()
    p = F.entmax15(x)
    assert (p[0] - 1).abs() < 1e-3
    assert torch.autograd.grad(p[0], x)[0].isfinite().all()


# Many classes, and large batches: other ways to the same support ------------------------------------------------------

SORTED = ["sparsemax", "entmax15", "project_simplex", "project_l1_ball"]


def hard_rows(classes):
    """Rows on which Newton's steps are slow, or rounding decides: (R, C)."""
    i = torch.arange(classes, dtype=torch.float64)
    return torch.stack(
        [
            *random(3, classes, seed=5),
            0.01 * random(classes, seed=6),
            torch.zeros(classes),  # all equal
            -2 * R * (i > 0),  # one far above ties
            -R * (i > 0),  # all others on the threshold
            -(i.remainder(17)) / 10,  # ties, everywhere
            -(1 + i).log(),
            (-i / 8).exp2() - 1,  # crowded at the bottom, in steps that halve
            -((i / classes) ** 0.05),
            -1e30 * i,
        ]
    )


@over(SORTED)
@pytest.mark.parametrize("classes", [33, 1000])
@pytest.mark.parametrize("settles", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_classes(m, classes, settles, dtype, monkeypatch):
    """Sum and shape of the solution; also where no value can be looked at, so that every step is taken."""
    if not settles:
        monkeypatch.setattr(F, "_same", lambda a, b: False)
    x = hard_rows(classes).to(dtype)
    if m.function is F.project_l1_ball:
        x = x - x.amin(-1, keepdim=True).clamp_min(-1e3) + R  # outside of the ball
    y, x = m(x).double(), x.double()
    scale, total = m.parameters.get("temperature", 1.0), m.parameters.get("radius", 1.0)
    rounding = classes * torch.finfo(dtype).eps
    torch.testing.assert_close(y.abs().sum(-1), torch.full((len(x),), total, dtype=y.dtype), atol=0, rtol=rounding)
    size, height = (x.abs(), y.abs()) if m.function is F.project_l1_ball else (x, y)
    size = size - size.amax(-1, keepdim=True)
    # What is left of every class above 0 is its height over the one threshold, which no other class reaches.
    left = size / scale - height if m.function is not F.entmax15 else size / (2 * scale) - height.sqrt()
    tau = left.amin(-1, keepdim=True).maximum((left - 1e9 * (height == 0)).amax(-1, keepdim=True))
    slack = 1e-5 if dtype == torch.float32 else 1e-7
    assert torch.where(height > 0, left - tau, 0).abs().max() < slack
    assert torch.where(height == 0, left - tau, 0).max() < slack


def test_a_hundred_thousand_classes():
    x = random(2, 100_000, dtype=torch.float32)
    x[1] = 0
    for f in (F.sparsemax, F.entmax15, F.project_simplex, lambda x: F.project_l1_ball(x + 1)):
        torch.testing.assert_close(f(x).double(), f(x.double()), atol=1e-6, rtol=1e-4)


@over(SORTED)
@pytest.mark.parametrize("classes", [5, 40])
def test_rows_without_an_answer_among_few_and_many_classes(m, classes):
    x = random(7, classes)
    x[1, 2], x[2, 2], x[3], x[4, 1:] = NAN, INF, -INF, -INF
    alone = m(x[5:])
    y = m(x.requires_grad_())
    assert y[1:4].isnan().all()
    torch.testing.assert_close(y[5:], alone, atol=1e-15, rtol=0)
    if m.function is not F.project_l1_ball:
        assert y[4].tolist() == pytest.approx([m.parameters.get("radius", 1.0)] + [0] * (classes - 1))
        y[4].square().sum().backward(retain_graph=True)
    y[5:].square().sum().backward()
    assert x.grad[4:].isfinite().all()


@over(SORTED)
def test_gradients_with_many_classes(m):
    ((name, value),) = m.parameters.items()
    inputs = (random(2, 40, seed=3).requires_grad_(), torch.tensor(value, dtype=torch.float64, requires_grad=True))
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda x, p: m(x, **{name: p}), inputs, fast_mode=True)
    assert torch.autograd.gradcheck(m, inputs[:1], check_forward_ad=True, check_backward_ad=False)


@over(SORTED)
@pytest.mark.parametrize("shape", [(50, 6), (50, 40), (9, 40, 3), (40, 50)])
def test_a_large_batch_in_parts_is_the_same(m, shape, monkeypatch):
    ((name, value),) = m.parameters.items()
    x, dim = random(*shape), 1 if shape[0] != 40 else 0
    scale = torch.tensor(value, dtype=torch.float64)
    rows = scale.expand([n if i != dim else 1 for i, n in enumerate(shape)])
    for parameter in (scale, rows.contiguous()):
        results = []
        for part in (F._PART, 90):
            monkeypatch.setattr(F, "_PART", part)
            inputs = [t.clone().requires_grad_() for t in (x, parameter)]
            y = m(inputs[0], dim=dim, **{name: inputs[1]})
            results.append((y, *torch.autograd.grad(y.square().sum(), inputs)))
        assert results[0][0].stride() == results[1][0].stride()
        torch.testing.assert_close(*results, atol=1e-12, rtol=1e-12)


# Gradients ------------------------------------------------------------------------------------------------------------


@over(MAPS)
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients_to_logits_and_parameters(m, check):
    """A straight-through or inward gradient is a derivative only inside of the box."""
    biased = m.parameters.get("gradient") in ("straight_through", "inward")
    x = (random(3, 5, scale=0.1 if biased else 1.5, seed=3)).requires_grad_()
    names = [k for k, v in m.parameters.items() if isinstance(v, float) and not biased]
    tensors = [torch.tensor(m.parameters[k], dtype=torch.float64, requires_grad=True) for k in names]
    assert check(lambda x, *p: m(x, **dict(zip(names, p, strict=True))), (x, *tensors))


@over(MAPS)
@pytest.mark.parametrize("value", [0.0, LO, HI, LAM, R, R / 5])
def test_gradient_at_zero_is_finite(m, value):
    """Also at the bounds and thresholds, and the second derivative too: where a norm is 0 or a row is all ties."""
    x = torch.full((2, 5), value, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad((m(x) * random(2, 5)).sum(), x, create_graph=True)
    assert gradient.isfinite().all()
    if gradient.requires_grad:
        (second,) = torch.autograd.grad(gradient.sum(), x, allow_unused=True, materialize_grads=True)
        assert second.isfinite().all()


def jacobian(f, *x):
    return torch.autograd.functional.jacobian(f, torch.tensor(x, dtype=torch.float64))


@pytest.mark.parametrize("f", [F.sparsemax, F.project_simplex])
def test_sparsemax_learns_at_its_kink(f):
    """entmax gives a gradient of 0 here."""
    assert jacobian(f, 1.0, 0.0).tolist() == [[0.5, -0.5], [-0.5, 0.5]]


@pytest.mark.parametrize(
    ("f", "point"),
    [
        *((lambda x, g=g: F.clamp(x, LO, HI, gradient=g), (LO, HI)) for g in F.CLAMP_GRADIENTS),
        (lambda x: F.prox_l1(x, LAM), (LAM, -LAM)),
        (lambda x: F.project_l1_ball(x), (0.25, -0.75)),
        (lambda x: F.project_l2_ball(x), (1.0, 0.0)),
    ],
    ids=[*CLAMPS, "prox_l1", "project_l1_ball", "project_l2_ball"],
)
def test_on_the_bound_gradient_is_the_one_that_learns(f, point):
    assert jacobian(f, *point).tolist() == [[1, 0], [0, 1]]
    assert jacobian(lambda x: -f(x), *point).tolist() == [[-1, 0], [0, -1]]  # one that pushes outwards, too


@pytest.mark.parametrize("bounds", [(LO, HI), (torch.tensor(LO), torch.tensor(HI)), (LO, torch.tensor(HI))])
@pytest.mark.parametrize(
    ("gradient", "passed"),
    [
        # above the box and falling, above and rising, below and falling, below and rising, inside
        ("zero", [0.0, 0.0, 0.0, 0.0, 1.0]),
        ("straight_through", [1.0, -1.0, 1.0, -1.0, 1.0]),
        ("inward", [1.0, 0.0, 0.0, -1.0, 1.0]),
    ],
)
def test_clamp_gradient_for_all_sides_and_signs(gradient, passed, bounds):
    x = torch.tensor([2.0, 2.0, -2.0, -2.0, 0.1], requires_grad=True)
    arriving = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])  # descent moves against it
    assert torch.autograd.grad(F.clamp(x, *bounds, gradient=gradient), x, arriving)[0].tolist() == passed


@pytest.mark.parametrize(("gradient", "returns"), [("zero", False), ("straight_through", True), ("inward", True)])
def test_descent_brings_a_clipped_logit_back(gradient, returns):
    x = torch.tensor([5.0], requires_grad=True)
    for _ in range(100):
        (slope,) = torch.autograd.grad(F.clamp(x, LO, HI, gradient=gradient).square().sum(), x)
        x = (x - 0.1 * slope).detach().requires_grad_()
    assert (x.abs() < 1e-3) == returns


@over(BOXES)
def test_lower_bound_equal_to_upper(m):
    x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    for bound in (0.5, torch.tensor(0.5, requires_grad=True)):
        y = m(x, lo=bound, hi=bound)
        assert y.tolist() == [0.5] * 3
        wanted = [x] + [bound] * (isinstance(bound, torch.Tensor) and m.parameters.get("gradient") != "inward")
        assert all(g.isfinite().all() for g in torch.autograd.grad(y.sum(), wanted))


@pytest.mark.parametrize("f", [F.prox_l1, F.prox_l2])
@pytest.mark.parametrize("lam", [0, 0.0, torch.tensor(0.0)])
def test_lambda_zero_is_the_identity_and_keeps_the_gradient(f, lam):
    x = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    assert torch.equal(f(x, lam), x)
    assert torch.autograd.grad(f(x, lam).sum(), x)[0].tolist() == [1, 1, 1]


@over(["project_l1_ball", "project_l2_ball", "clamp zero", "clamp straight_through", "clamp inward"])
def test_feasible_points_stay_to_the_last_bit(m):
    x = random(1000, 5, scale=0.05, dtype=torch.float32)
    assert torch.equal(m(x), x)
    assert F.violation(x, m).eq(0).all()


# Infinities and NaN, as the module's docstring has them --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [(name, [NAN, HI, LO]) for name in BOXES] + [(name, [NAN, INF, -INF]) for name in ("prox_l1", "prox_l2")],
)
def test_elementwise_maps_keep_nan_and_clamp_or_keep_infinity(name, expected):
    x = torch.tensor([NAN, INF, -INF, 0.2], dtype=torch.float64, requires_grad=True)
    y = MAPS[name](x)
    np.testing.assert_equal(y[:3].tolist(), expected)
    assert y[3] == MAPS[name](x[3:])
    assert torch.autograd.grad(y[1:].sum(), x)[0][1:].isfinite().all()


@over(CLAMPS)
def test_clamp_takes_infinite_bounds(m):
    x = torch.tensor([-5.0, 0.0, 5.0], requires_grad=True)
    for lo, hi, expected in ((-INF, INF, [-5, 0, 5]), (-INF, 1, [-5, 0, 1]), (-1, INF, [-1, 0, 5])):
        y = m(x, lo=lo, hi=hi)
        assert y.tolist() == expected
        assert torch.autograd.grad(y.sum(), x)[0].isfinite().all()


@over(ON_SIMPLEX)
def test_minus_infinity_excludes_a_class(m):
    """Value and gradients, the one to a tensor parameter too, are those of the problem without the class."""
    ((name, value),) = m.parameters.items()
    results = []
    for x in ([1.0, -INF, 0.6, -INF, 0.9], [1.0, 0.6, 0.9]):
        x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        parameter = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        y = m(x, **{name: parameter})
        results.append([y, *torch.autograd.grad(y[0], (x, parameter))])
    (full, to_x, to_parameter), (small, small_to_x, small_to_parameter) = results
    assert full[[1, 3]].tolist() == [0, 0]
    assert to_x[[1, 3]].tolist() == [0, 0]
    torch.testing.assert_close(full[[0, 2, 4]], small)
    torch.testing.assert_close(to_x[[0, 2, 4]], small_to_x)
    torch.testing.assert_close(to_parameter, small_to_parameter)


@over([*ON_SIMPLEX, *BALLS])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_row_without_an_answer_is_nan_and_leaves_the_others_alone(m, dtype):
    bad = [[NAN, 1.0, 2.0], [INF, 1.0, 2.0], [INF, INF, 0.0], [-INF, -INF, -INF], [-INF, INF, 0.0], [NAN, -INF, 0.0]]
    bad += [[-INF, 1.0, 0.0]] * (m.function.__name__ in BALLS)
    good = [[3.0, 1.0, 2.0]]
    x = torch.tensor(good + bad, dtype=dtype, requires_grad=True)
    y = m(x)
    assert y[1:].isnan().all()
    torch.testing.assert_close(y[:1], m(x[:1]), atol=0, rtol=0)
    assert torch.autograd.grad(y[0, 0], x)[0][0].isfinite().all()


# Parameters as tensors, and what torch does with functions ----------------------------------------------------------


@over(MAPS)
def test_tensor_parameters_broadcast(m):
    x = random(3, 5, scale=2.0)
    rows = [{k: v * s for k, v in m.parameters.items() if isinstance(v, float)} for s in (0.5, 1.0, 2.0)]
    columns = {k: torch.tensor([[row[k]] for row in rows], dtype=x.dtype) for k in rows[0]}
    one_by_one = torch.stack([m(x[i], **row) for i, row in enumerate(rows)])
    torch.testing.assert_close(m(x, **columns), one_by_one, atol=1e-14, rtol=1e-14)


@over(MAPS)
@pytest.mark.parametrize("classes", [5, 40])
def test_vmap_over_values_and_gradients(m, classes):
    x, direction = random(4, 3, classes, scale=2.0), random(classes, seed=1)
    torch.testing.assert_close(torch.vmap(m)(x), m(x))
    torch.testing.assert_close(torch.vmap(m, in_dims=1, out_dims=1)(x), m(x))
    y = x[:, 0].clone().requires_grad_()
    (expected,) = torch.autograd.grad(m(y), y, direction.expand(4, classes))
    torch.testing.assert_close(torch.vmap(torch.func.grad(lambda row: m(row) @ direction))(x[:, 0]), expected)


class Everything(nn.Module):
    """All maps and penalties in one graph."""

    def forward(self, x, factor=1.0):
        # Not by `Map.__call__`: this is the plain code that a user would compile.
        box, width = (LO * factor, HI * factor), R * factor
        maps = [F.clamp(x, *box, gradient=gradient) for gradient in F.CLAMP_GRADIENTS]
        maps += [F.smooth_clamp(x, *box), F.prox_l1(x, width), F.prox_l2(x, width)]
        maps += [f(x, temperature=width) for f in (F.softmax, F.sparsemax, F.entmax15)]
        maps += [f(x, width) for f in (F.project_simplex, F.project_l1_ball, F.project_l2_ball)]
        distance = F.violation(x, lambda y: F.project_l2_ball(y, width))
        return torch.stack(maps), distance, F.penalty_l1(x, width), F.penalty_l2(x, width)


def value_and_gradient(f, x, *arguments):
    x = x.clone().requires_grad_()
    y = f(x, *arguments)
    return [*y, torch.autograd.grad(sum(t.square().sum() for t in y), x)[0]]


@pytest.mark.slow
def test_compiles_whole_forward_and_backward_and_for_another_setting():
    """A number that changes from call to call, as a slider's does, becomes a symbol: it must pass the checks too."""
    x = random(4, 10, dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(Everything(), fullgraph=True, backend="aot_eager")
    for factor in (1.0, 0.5, 0.25):
        expected, got = (value_and_gradient(f, x, factor) for f in (Everything(), compiled))
        torch.testing.assert_close(got, expected)


class Many(nn.Module):
    """The two ways to step to the support of many classes."""

    def forward(self, x):
        return F.entmax15(x, temperature=T), F.project_l1_ball(x, R)


@pytest.mark.slow
def test_compiles_and_exports_with_many_classes():
    torch._dynamo.reset()
    compiled = torch.compile(Many(), fullgraph=True, backend="aot_eager")
    x = random(4, 40, dtype=torch.float32)
    torch.testing.assert_close(value_and_gradient(compiled, x), value_and_gradient(Many(), x))
    program = torch.export.export(Many(), (x,), dynamic_shapes={"x": {0: torch.export.Dim("batch")}})
    x = random(7, 40, dtype=torch.float32)
    torch.testing.assert_close(program.module()(x), Many()(x))


@pytest.mark.slow
def test_compiles_with_inductor():
    """The compiler lays tensors out in memory by itself: with more rows than classes, one it got wrong shows."""
    x = random(64, 10, dtype=torch.float32)
    torch._dynamo.reset()

    def maps(x):
        return [F.sparsemax(x, temperature=T), F.entmax15(x, temperature=T)]

    compiled = torch.compile(maps, fullgraph=True)
    torch.testing.assert_close(value_and_gradient(compiled, x), value_and_gradient(maps, x))


def test_exports_with_a_batch_of_any_size():
    batch = torch.export.Dim("batch")
    program = torch.export.export(Everything(), (random(4, 10),), dynamic_shapes={"x": {0: batch}})
    x = random(7, 10)
    torch.testing.assert_close(program.module()(x), Everything()(x))


# Violation and penalties --------------------------------------------------------------------------------------------


@over(PROJECTIONS)
def test_violation_is_the_distance_and_zero_inside(m):
    x = LOGITS.clone().requires_grad_()
    distance = F.violation(x, m)
    expected = np.linalg.norm(LOGITS.numpy() - m.reference(LOGITS.numpy()), axis=-1)
    np.testing.assert_allclose(distance.detach(), expected, atol=1e-9)
    inside = m(LOGITS)
    assert F.violation(inside, m).max() <= 1e-14
    x = inside.clone().requires_grad_()
    assert torch.autograd.grad(F.violation(x, m).sum(), x)[0].isfinite().all()


def test_violation_keeps_the_dtype_and_drops_dim():
    x = random(2, 3, 4, scale=5.0)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        got = F.violation(x.to(dtype), lambda y: F.project_l2_ball(y, dim=1), dim=1)
        assert got.dtype == dtype
        assert got.shape == (2, 4)
        torch.testing.assert_close(got.double(), x.norm(dim=1) - 1, atol=0, rtol=2 * torch.finfo(dtype).eps + 1e-6)


PENALTIES = [(F.penalty_l1, abs), (F.penalty_l2, lambda v: v * v)]


@pytest.mark.parametrize(("f", "term"), PENALTIES)
@pytest.mark.parametrize(("dtype", "computed"), [(torch.float16, torch.float32), (torch.float64, torch.float64)])
def test_penalty_is_lambda_times_the_batch_mean(f, term, dtype, computed):
    x = random(3, 4, dtype=dtype)
    expected = LAM * sum(sum(term(v) for v in row) for row in x.tolist()) / 3
    for y, dim in ((x, -1), (x.T, 0), (x.reshape(3, 4, 1), 1)):
        got = f(y, LAM, dim=dim)
        assert got.dtype == computed
        assert got.shape == ()
        assert got.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("f", "term"), PENALTIES)
def test_penalty_does_not_grow_with_the_batch(f, term):
    x = random(5, 4)
    torch.testing.assert_close(f(x.repeat(7, 1), LAM), f(x, LAM))
    torch.testing.assert_close(f(x.expand(3, 5, 4), LAM), f(x, LAM))


@pytest.mark.parametrize(("f", "term"), PENALTIES)
def test_penalty_gradient_and_lambda_zero(f, term):
    lam = torch.tensor(LAM, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (random(3, 4).requires_grad_(), lam))
    x = torch.zeros(3, 4, requires_grad=True)
    assert f(x, LAM) == 0
    assert torch.autograd.grad(f(x, LAM), x)[0].eq(0).all()
    assert f(random(3, 4), 0) == 0


@pytest.mark.parametrize(("f", "term"), PENALTIES)
def test_penalty_does_not_overflow_in_float16(f, term):
    x = torch.full((2, 1000), 100.0, dtype=torch.float16)
    assert f(x, 1.0).item() == term(100.0) * 1000


# Wrong arguments ------------------------------------------------------------------------------------------------------

X = torch.zeros(2, 3)
WRONG = [
    (F.clamp, X, {"lo": 2, "hi": 1.5}, r"lo=2 and hi=1\.5"),
    (F.clamp, X, {"lo": NAN, "hi": 1}, "lo=nan"),
    (F.clamp, X, {"lo": 0, "hi": NAN}, "hi=nan"),
    (F.clamp, X, {"lo": 0, "hi": 1, "gradient": "soft"}, "'soft'"),
    (F.smooth_clamp, X, {"lo": 2, "hi": 1.5}, r"lo=2 and hi=1\.5"),
    (F.smooth_clamp, X, {"lo": -INF, "hi": 1}, "lo=-inf"),
    (F.smooth_clamp, X, {"lo": 0, "hi": INF}, "hi=inf"),
    (F.smooth_clamp, X, {"lo": 0, "hi": NAN}, "hi=nan"),
    (F.scaled_sigmoid, X, {"lo": 2, "hi": 1.5}, r"lo=2 and hi=1\.5"),
    (F.scaled_sigmoid, X, {"lo": 0, "hi": INF}, "hi=inf"),
    (F.softplus, X, {}, "one of lo and hi"),
    (F.softplus, X, {"lo": 0, "hi": 1}, "one of lo and hi"),
    (F.softplus, X, {"lo": -INF}, "lo=-inf"),
    (F.softplus, X, {"hi": NAN}, "hi=nan"),
    (F.softplus, X, {"lo": 0, "beta": 0}, "beta=0"),
    *((MAPS[n].function, X, {"temperature": v}, f"temperature={v}") for n in PROBABILITIES for v in (0, -2, NAN, INF)),
    *(
        (f, X, {"lam": v}, f"lam={v}")
        for f in (F.prox_l1, F.prox_l2, F.penalty_l1, F.penalty_l2)
        for v in (-0.5, NAN, INF)
    ),
    *(
        (MAPS[n].function, X, {"radius": v}, f"radius={v}")
        for n in ("project_simplex", *BALLS)
        for v in (0, -2, NAN, INF)
    ),
    *(
        (m.function, x, m.parameters | changes, message)
        for m in [*MAPS.values(), Map(F.penalty_l1, LAMBDA, None), Map(F.penalty_l2, LAMBDA, None)]
        for x, changes, message in (
            (X.long(), {}, "torch.int64"),
            (X, {"dim": 2}, r"dim 2 .*\(2, 3\)"),
            (X, {"dim": -3}, r"dim -3 .*\(2, 3\)"),
            (X[0, 0], {}, r"dim -1 .*\(\)"),
            (X[:, :0], {}, r"dim -1 .*\(2, 0\)"),
        )
    ),
    (F.violation, X, {"project": F.project_simplex, "dim": 5}, "dim 5"),
    (F.penalty_l1, X[:0], {"lam": 1}, r"\(0, 3\)"),
    (F.penalty_l2, X[:0], {"lam": 1}, r"\(0, 3\)"),
]


@pytest.mark.parametrize(("f", "x", "arguments", "message"), WRONG)
def test_wrong_argument_is_named_with_its_value(f, x, arguments, message):
    with pytest.raises(ValueError, match=message):
        f(x, **arguments)


# Parameters of every kind -------------------------------------------------------------------------------------------


@over(MAPS)
def test_a_row_outside_of_the_loss_sends_nothing_to_shared_weights(m):
    """0 times NaN is NaN: one row without an answer would spoil every weight that it shares with others."""
    weight = random(5, 6).requires_grad_()
    h = random(4, 5, seed=1)
    for worst in ("excluded", "nan", "+inf"):
        mask = torch.zeros(4, 6, dtype=torch.float64)
        mask[2] = {"excluded": -math.inf, "nan": math.nan, "+inf": math.inf}[worst]
        mask[0, 1:3] = -math.inf if m.function in [MAPS[name].function for name in ON_SIMPLEX] else 0
        (got,) = torch.autograd.grad(m(h @ weight + mask)[[0, 1, 3]].square().sum(), weight)
        (wanted,) = torch.autograd.grad(m((h @ weight + mask)[[0, 1, 3]]).square().sum(), weight)
        assert got.isfinite().all(), worst
        torch.testing.assert_close(got, wanted)


@over(ON_SIMPLEX)
@pytest.mark.parametrize("left", [5, 3, 1])
def test_excluded_classes_are_as_if_they_were_not_there(m, left):
    x = random(4, 6, scale=2.0)
    x[:, left:] = -math.inf
    x.requires_grad_()
    y = m(x)
    kept = x.detach()[:, :left].clone().requires_grad_()
    torch.testing.assert_close(y[:, :left], m(kept))
    assert (y[:, left:] == 0).all()
    pull = random(4, 6, seed=1)
    (gradient,) = torch.autograd.grad(y, x, pull)
    torch.testing.assert_close(gradient[:, :left], torch.autograd.grad(m(kept), kept, pull[:, :left])[0])
    assert (gradient[:, left:] == 0).all()


@over(["clamp zero", "clamp straight_through", "clamp inward"])
def test_a_logit_right_on_a_bound_learns_on_every_torch(m):
    x = torch.tensor([LO, 0.0, HI], dtype=torch.float64, requires_grad=True)
    for pull in (1.0, -1.0):
        (gradient,) = torch.autograd.grad(m(x), x, torch.full((3,), pull, dtype=torch.float64))
        assert gradient.tolist() == [pull] * 3
    bounds = torch.tensor([LO] * 3, dtype=torch.float64), torch.tensor([HI] * 3, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(m(x, lo=bounds[0], hi=bounds[1]).sum(), x)
    assert gradient.tolist() == [1.0] * 3


@pytest.mark.parametrize("f", [F.softmax, F.sparsemax, F.entmax15])
def test_a_temperature_has_to_be_named(f):
    """Where it would stand, torch and entmax have ``dim``: neither may be taken for the other."""
    with pytest.raises(TypeError):
        f(random(2, 3, 4), 1)


ROWS = [("temperature", name) for name in PROBABILITIES] + [
    ("radius", name) for name in ("project_simplex", "project_l1_ball", "project_l2_ball")
]


@pytest.mark.parametrize(("key", "name"), ROWS)
def test_a_parameter_of_a_row_cannot_lie_along_the_classes(key, name):
    m, x = MAPS[name], random(4, 4)
    values = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    with pytest.raises(ValueError, match=f"{key} belongs to a whole row"):
        m(x, **{key: values})
    with pytest.raises(ValueError, match=f"{key} .*does not fit"):
        m(x, **{key: values[:3, None]})
    got = m(x, **{key: values[:, None]})
    for row in range(4):
        torch.testing.assert_close(got[row], m(x[row], **{key: values[row].item()}))
    along = m(x, dim=0, **{key: values[None]})
    torch.testing.assert_close(along, m(x.T, **{key: values[:, None]}).T)


KINDS_OF_NUMBER = [Fraction(3, 4), np.float32(0.75), np.float64(0.75), np.array(0.75), np.int64(2), 2, 0.75]


@over(MAPS)
def test_every_kind_of_number_is_taken(m):
    x = random(3, 4, scale=2.0)
    for number in KINDS_OF_NUMBER:
        for key in m.parameters.keys() - {"gradient", "lo"}:
            torch.testing.assert_close(m(x, **{key: number}), m(x, **{key: float(number)}))
    for key in m.parameters:
        for wrong in (True, "1", 1j, None if key not in ("lo", "hi", "gradient") else "x", torch.tensor(2)):
            with pytest.raises(ValueError, match=key):
                m(x, **{key: wrong})


def test_bounds_may_be_none_lists_and_arrays_and_larger_than_float32():
    x = torch.tensor([[-9.0, 0.5, 9.0]])
    assert F.clamp(x, 0, None).tolist() == [[0.0, 0.5, 9.0]]
    assert F.clamp(x, None, 0).tolist() == [[-9.0, 0.0, 0.0]]
    assert F.clamp(x, [-1, -2, -3], np.array([1.0, 2.0, 3.0])).tolist() == [[-1.0, 0.5, 3.0]]
    for gradient in F.CLAMP_GRADIENTS:
        assert torch.equal(F.clamp(x, -3.4e39, 3.4e39, gradient=gradient), x)
    torch.testing.assert_close(F.smooth_clamp(x, -1e39, 1e39), x)


def test_smooth_bounds_of_a_tensor_are_finite():
    for lo, hi in (([0.0, 0.0], [1.0, math.inf]), ([-math.inf, 0.0], [1.0, 1.0]), ([0.0, math.nan], [1.0, 1.0])):
        with pytest.raises(ValueError, match="must be finite"):
            F.smooth_clamp(random(3, 2), torch.tensor(lo), torch.tensor(hi))


@pytest.mark.parametrize(("f", "term"), PENALTIES)
def test_a_penalty_weighs_each_class_to_a_scalar(f, term):
    x, weights = random(4, 5), [0.0, 1.0, 0.0, 0.5, 2.0]
    expected = sum(term(x[:, i]).mean() * weight for i, weight in enumerate(weights))
    torch.testing.assert_close(f(x, torch.tensor(weights, dtype=torch.float64)), expected)
    assert f(x, weights).ndim == 0


@over(MAPS)
def test_eight_bits_are_computed_in_float32_and_cast_back(m):
    x = random(3, 4, dtype=torch.float32).to(torch.float8_e4m3fn)
    y = m(x)
    assert y.dtype == x.dtype
    assert torch.equal(y.float(), m(x.float()).to(x.dtype).float())
