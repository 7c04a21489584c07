"""torch's own samples of inputs (OpInfo), with which it tests its operators, given to ours.

Where one of torch's operators is a special case of a map, values, gradients, second gradients and forward mode are
compared with it on its own samples; and each map, on inputs of every shape, layout and dtype that those samples have,
is checked as torch checks its operators.
"""

import functools
import math

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.testing._internal.common_methods_invocations import op_db

from constrained import Softmax, registry
from constrained import functional as F

pytestmark = pytest.mark.slow

OPERATORS = {op.name: op for op in reversed(op_db) if not op.variant_test_name}


def samples(name, **options):
    for sample in OPERATORS[name].sample_inputs("cpu", torch.float64, requires_grad=True, **options):
        if sample.input.ndim and sample.input.numel():  # a map is along a dimension that is not empty
            yield sample


def ours(name, sample):
    """The map that is torch's operator on this sample, of its input; None where there is none."""
    args, kwargs = sample.args, sample.kwargs
    if name == "softmax":
        return lambda x: F.softmax(x, dim=args[0])
    if name == "nn.functional.softmin":
        return lambda x: F.softmax(-x, dim=args[0])
    if name == "log_softmax":
        return lambda x: Softmax(dim=args[0]).as_logits(x).log_softmax(args[0])
    if name in ("clamp", "clamp_min", "clamp_max"):
        # Bounds are floating here, and of a shape that keeps that of x.
        args = [v if v is None else v.to(torch.float64) for v in args]
        if any(
            v is not None and torch.broadcast_shapes(v.shape, sample.input.shape) != sample.input.shape for v in args
        ):
            return None
        lo, hi = {"clamp": (*args, None)[:2], "clamp_min": (args[0], None), "clamp_max": (None, args[0])}[name]
        if lo is not None and hi is not None and (lo > hi).any():
            return None  # torch gives hi where the bounds cross
        return lambda x: F.clamp(x, lo, hi)
    if name == "nn.functional.hardtanh":
        return lambda x: F.clamp(x, kwargs.get("min_val", -1.0), kwargs.get("max_val", 1.0))
    if name == "nn.functional.relu":
        return lambda x: F.clamp(x, 0, None)
    if name == "nn.functional.relu6":
        return lambda x: F.clamp(x, 0, 6)
    if name == "nn.functional.softshrink":
        return lambda x: F.prox_l1(x, kwargs.get("lambd", 0.5))
    if name == "renorm":  # each slice along a dimension is brought into a ball
        p, dim, radius = args
        project = {1: F.project_l1_ball, 2: F.project_l2_ball}.get(p)
        if project is not F.project_l2_ball:
            return None  # in another norm renorm scales, which is not the nearest point

        def slices(x):
            rows = x.movedim(dim, 0)
            return project(rows.flatten(1), radius).reshape(rows.shape).movedim(0, dim)

        return slices
    raise KeyError(name)


SPECIAL = (
    "softmax",
    "nn.functional.softmin",
    "log_softmax",
    "clamp",
    "clamp_min",
    "clamp_max",
    "nn.functional.hardtanh",
    "nn.functional.relu",
    "nn.functional.relu6",
    "nn.functional.softshrink",
    "renorm",
)


def derivatives(function, x, weight):
    """Value, gradient, second gradient and directional derivative, as torch's tests take them."""
    z = x.detach().clone().requires_grad_()
    y = function(z)
    (first,) = torch.autograd.grad((y * weight).sum(), z, create_graph=True)
    second = torch.zeros_like(z)
    if first.requires_grad:
        (second,) = torch.autograd.grad((first * weight.cos()).sum(), z, allow_unused=True)
        second = torch.zeros_like(z) if second is None else second
    with forward_ad.dual_level():
        ahead = forward_ad.unpack_dual(function(forward_ad.make_dual(x.detach(), weight.sin()))).tangent
    return y.detach(), first.detach(), second, torch.zeros_like(x) if ahead is None else ahead


@pytest.mark.parametrize("name", SPECIAL)
def test_special_cases_are_torchs_own(name):
    compared = 0
    for sample in samples(name):
        mine = ours(name, sample)
        if mine is None:
            continue
        weight = torch.randn(sample.input.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        op = OPERATORS[name].op
        theirs = lambda x, op=op, sample=sample: op(x, *sample.args, **sample.kwargs)  # noqa: E731
        for x in (sample.input, sample.noncontiguous().input):
            for got, wanted in zip(derivatives(mine, x, weight), derivatives(theirs, x, weight), strict=True):
                torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)
        compared += 1
    assert compared, "torch has no sample that fits"


SETTINGS = {key: p.default for key, p in registry.PARAMETERS.items()}
SETTINGS |= {"lo": -0.7, "hi": 1.2, "temperature": 0.6, "lam": 0.4, "radius": 1.5}


def maps():
    """Each entry of the registry as a function of ``(x, dim)``."""
    for key, entry in registry.REGISTRY.items():
        function = getattr(F, key.removesuffix("_upper"), F.clamp)
        given = {p.key: SETTINGS[p.key] for p in entry.parameters}
        if function is F.clamp:
            given["gradient"] = key.removeprefix("clamp_") if key != "clamp" else "zero"
        yield pytest.param(lambda x, dim, function=function, given=given: function(x, dim=dim, **given), id=key)


over_maps = pytest.mark.parametrize("function", list(maps()))


def softmax_inputs(**options):
    """torch's samples for an operator along a dimension: ``(x, dim)``."""
    return [(sample, sample.args[0]) for sample in samples("softmax", **options)]


@over_maps
def test_gradients_of_both_orders(function, request):
    straight = "straight_through" in request.node.name  # what it sends back is not its derivative
    for sample, dim in softmax_inputs():
        x = sample.input[..., :3] if sample.input.ndim > 2 else sample.input
        x = x.detach().clone().requires_grad_()
        map_ = lambda x, dim=dim: function(x, dim)  # noqa: E731
        if straight:
            y = map_(x)
            assert torch.equal(torch.autograd.grad(y.sum(), x)[0], torch.ones_like(x))
            continue
        if "inward" in request.node.name:
            (gradient,) = torch.autograd.grad(map_(x).sum(), x)
            assert torch.equal(gradient, (x >= SETTINGS["lo"]).double()), "what pulls downwards"
            continue
        assert gradcheck(map_, (x,), check_forward_ad=True, check_batched_grad=True)
        assert gradgradcheck(map_, (x,))


@over_maps
def test_layout_changes_nothing(function):
    for sample, dim in softmax_inputs():
        x = sample.input.detach()
        expected, before = function(x, dim), x.clone()
        spread = sample.noncontiguous().input.detach()
        torch.testing.assert_close(function(spread, dim), expected, rtol=0, atol=1e-15)
        assert torch.equal(x, before), "the input stays as it was"
        turned = x.movedim(dim, 0).contiguous().movedim(0, dim)
        torch.testing.assert_close(function(turned, dim), expected, rtol=0, atol=1e-15)
        wide = x.unsqueeze(0).expand(3, *x.shape)
        torch.testing.assert_close(function(wide, dim if dim < 0 else dim + 1)[1], expected, rtol=0, atol=1e-15)


@over_maps
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes_of_result_and_gradient(function, dtype):
    for sample, dim in softmax_inputs():
        x = sample.input.detach().clamp(-4, 4).to(dtype).requires_grad_()
        y = function(x, dim)
        (gradient,) = torch.autograd.grad(y.float().square().sum(), x)
        assert y.dtype == gradient.dtype == dtype
        exact = function(x.detach().double(), dim)
        torch.testing.assert_close(y.double(), exact, rtol=torch.finfo(dtype).eps, atol=torch.finfo(dtype).eps)


@over_maps
def test_empty_batches_keep_their_shape(function):
    for shape, dim in (((0, 5), -1), ((5, 0), 0), ((2, 0, 4), 2), ((0, 3, 0), 1)):
        x = torch.zeros(shape, requires_grad=True)
        y = function(x, dim)
        assert y.shape == x.shape
        (gradient,) = torch.autograd.grad(y.sum(), x)
        assert gradient.shape == x.shape
    for shape, dim in (((5, 0, 0), -1), ((0,), 0)):
        with pytest.raises(ValueError, match="is empty"):
            function(torch.zeros(shape), dim)


@over_maps
def test_vmap_is_a_loop(function):
    for sample, dim in softmax_inputs():
        one = functools.partial(function, dim=dim)
        x = torch.stack([sample.input.detach() + shift for shift in (0.0, 0.3, -1.0)])
        expected = torch.stack([one(row) for row in x])
        torch.testing.assert_close(torch.func.vmap(one)(x), expected)
        torch.testing.assert_close(torch.func.vmap(one, in_dims=-1)(x.movedim(0, -1)), expected)
        slopes = torch.func.vmap(torch.func.grad(lambda row, one=one: one(row).square().sum()))(x)
        z = x.clone().requires_grad_()
        loop = sum(one(row).square().sum() for row in z)
        torch.testing.assert_close(slopes, torch.autograd.grad(loop, z)[0])


@over_maps
def test_wrong_inputs_are_told(function):
    x = torch.zeros(3, 4)
    for wrong, dim in ((x.long(), 0), (x.to(torch.complex64), 0), (x, 2), (x, -3), (torch.tensor(1.0), 0)):
        with pytest.raises(ValueError, match=r"floating point|does not exist"):
            function(wrong, dim)
    with pytest.raises(ValueError, match="whole number"):
        function(x, 0.0)


def test_torchs_masked_softmax_is_softmax_with_classes_at_minus_infinity():
    compared = 0
    for sample in OPERATORS["masked.softmax"].sample_inputs("cpu", torch.float64, requires_grad=True):
        mask, dim = sample.kwargs.get("mask"), sample.args[0]
        if mask is None or not sample.input.ndim or not sample.input.numel() or sample.kwargs.get("dtype"):
            continue
        x = sample.input.detach().clone().requires_grad_()
        theirs = OPERATORS["masked.softmax"].op(x, dim, mask=mask)
        mine = F.softmax(x.masked_fill(~mask, -math.inf), dim=dim)
        answered = mask.expand_as(x).any(dim, keepdim=True).expand_as(x)  # of a row of nothing both are NaN
        assert torch.equal(mine.isnan(), ~answered)
        torch.testing.assert_close(mine[answered], theirs[answered])
        weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        gradients = [torch.autograd.grad((y * weight)[answered].sum(), x)[0] for y in (mine, theirs)]
        assert gradients[0].isfinite().all()
        torch.testing.assert_close(*(g[answered] for g in gradients))
        compared += 1
    assert compared
