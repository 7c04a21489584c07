"""Constraints on the output of a linear layer, as pure functions: bounds, probabilities, proximal maps, projections.

Every map takes a tensor of any floating dtype and any batch rank and returns one of the same shape and dtype; ``dim``
is the dimension of the classes. Elementwise maps give the same answer for every ``dim`` and take it so that all are
called alike. Half precision is computed in float32 inside and cast back.

Parameters (``lo``, ``hi``, ``temperature``, ``lam``, ``radius``) are Python numbers, which are checked, or tensors
that broadcast against ``x`` and receive gradients, which are not: a check would make every call wait for the device.

Non-finite inputs. Elementwise maps: NaN stays NaN, infinities are clamped or stay infinite. Maps onto the simplex:
``-inf`` means "excluded", gets exactly 0 and no gradient; a row with NaN, with ``+inf`` or with nothing but ``-inf``
has no answer and becomes NaN as a whole. Balls: a row with anything non-finite becomes NaN as a whole.

At a kink (a logit exactly on a bound or threshold) the gradient is the one of the side that still learns.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "clamp",
    "entmax15",
    "penalty_l1",
    "penalty_l2",
    "project_l1_ball",
    "project_l2_ball",
    "project_simplex",
    "prox_l1",
    "prox_l2",
    "smooth_clamp",
    "softmax",
    "sparsemax",
    "violation",
]

CLAMP_GRADIENTS = ("zero", "straight_through", "inward")


# Checks ------------------------------------------------------------------------------------------------------------


def check_bounds(lo: float | Tensor, hi: float | Tensor, finite: bool = False) -> None:
    """Raise ``ValueError`` unless ``lo <= hi`` (numbers only; see the module's docstring)."""
    for name, bound in (("lo", lo), ("hi", hi)):
        # Comparisons, not math.isnan: a compiled function is given a number that changes as a symbol.
        real = isinstance(bound, Tensor) or (abs(bound) < math.inf if finite else abs(bound) <= math.inf)
        if not real:
            raise ValueError(f"{name} must be a {'finite ' if finite else ''}number, got {name}={bound}")
    if not isinstance(lo, Tensor) and not isinstance(hi, Tensor) and lo > hi:
        raise ValueError(f"lo must not be greater than hi, got lo={lo} and hi={hi}")


def check_positive(name: str, value: float | Tensor) -> None:
    """Raise ``ValueError`` unless ``0 < value < inf`` (numbers only)."""
    if not isinstance(value, Tensor) and not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {name}={value}")


def check_nonnegative(name: str, value: float | Tensor) -> None:
    """Raise ``ValueError`` unless ``0 <= value < inf`` (numbers only)."""
    if not isinstance(value, Tensor) and not 0 <= value < math.inf:
        raise ValueError(f"{name} must be zero or more and finite, got {name}={value}")


def _open(x: Tensor, dim: int) -> Tensor:
    """Check the input and bring it to at least float32."""
    if not x.is_floating_point():
        raise ValueError(f"x must be a floating point tensor, got dtype {x.dtype}")
    if x.ndim == 0 or not -x.ndim <= dim < x.ndim:
        raise ValueError(f"dim {dim} does not exist in a tensor of shape {tuple(x.shape)}")
    if x.shape[dim] == 0:
        raise ValueError(f"dim {dim} is empty in a tensor of shape {tuple(x.shape)}")
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


# Bounds ------------------------------------------------------------------------------------------------------------


class _InwardClamp(torch.autograd.Function):
    """Clamp whose backward pass lets through what would move the input back into the box."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, lo, hi):
        return x.clamp(lo, hi)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        x, lo, hi = ctx.saved_tensors
        # Descent moves x against its gradient: down where grad > 0, up where grad < 0.
        passes = ((x <= hi) | (grad > 0)) & ((x >= lo) | (grad < 0))
        return torch.where(passes, grad, torch.zeros_like(grad)), None, None


def clamp(x: Tensor, lo: float | Tensor, hi: float | Tensor, *, gradient: str = "zero", dim: int = -1) -> Tensor:
    r"""Hard clamp: :math:`\arg\min_{lo \le y \le hi} \tfrac12 \|y - x\|_2^2 = \min(\max(x, lo), hi)`.

    The forward value is the same for all three gradients; they differ in what reaches a clipped logit:

    * ``"zero"``: nothing, as in ``torch.clamp``. A clipped logit stops learning.
    * ``"straight_through"``: everything, as if there were no clamp (Bengio et al. 2013). Nothing holds the logit back.
    * ``"inward"``: only a gradient whose descent step pulls the logit back towards the box (the two-sided form of the
      lower bound of Ballé et al. 2018). ``lo`` and ``hi`` then get no gradient.

    Args:
        x: ``(..., C, ...)``.
        lo, hi: the box, numbers (may be infinite) or tensors that broadcast against ``x``.
        gradient: one of ``"zero"``, ``"straight_through"``, ``"inward"``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, NaN bounds, an unknown ``gradient`` or an empty ``dim``.
    """
    check_bounds(lo, hi)
    y = _open(x, dim)
    if gradient == "zero":
        return _clip(y, lo, hi).to(x.dtype)
    if gradient == "straight_through":
        # Adding an exact zero keeps y inside the box; x + (clamp(x) - x) would leave it by rounding. An infinite x
        # minus itself is NaN, hence nan_to_num; it gets no gradient.
        return (_clip(y.detach(), lo, hi) + (y - y.detach()).nan_to_num(0)).to(x.dtype)
    if gradient == "inward":
        lo, hi = (b.to(y) if isinstance(b, Tensor) else torch.full_like(y, b) for b in (lo, hi))
        lo, hi = (b.detach().expand_as(y) for b in (lo, hi))
        return _InwardClamp.apply(y, lo, hi).to(x.dtype)
    raise ValueError(f"gradient must be one of {', '.join(CLAMP_GRADIENTS)}, got {gradient!r}")


def _clip(x: Tensor, lo: float | Tensor, hi: float | Tensor) -> Tensor:
    """``torch.clamp`` for any mix of numbers and tensors."""
    if isinstance(lo, Tensor) != isinstance(hi, Tensor):
        return x.clamp(min=lo).clamp(max=hi)
    return x.clamp(lo, hi)


def smooth_clamp(x: Tensor, lo: float | Tensor, hi: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Smooth clamp: :math:`m + r \tanh((x - m) / r)` with :math:`m = (lo + hi)/2` and :math:`r = (hi - lo)/2`.

    Slope 1 at the middle of the box, strictly increasing in exact arithmetic. Its gradient
    :math:`1 - \tanh^2` dies too, only later: ten radii out it is 1e-8, and in float32 it is exactly 0.

    Args:
        x: ``(..., C, ...)``.
        lo, hi: the box; finite numbers, or tensors that broadcast against ``x``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, bounds that are not finite, or an empty ``dim``.
    """
    check_bounds(lo, hi, finite=True)
    y = _open(x, dim)
    middle, radius = lo / 2 + hi / 2, hi / 2 - lo / 2
    tiny = torch.finfo(y.dtype).tiny
    # A box without width is a point, not 0 / 0.
    width = radius.clamp_min(tiny) if isinstance(radius, Tensor) else max(radius, tiny)
    return _clip(middle + radius * torch.tanh((y - middle) / width), lo, hi).to(x.dtype)


# Probabilities -----------------------------------------------------------------------------------------------------


def _centre(x: Tensor, temperature: float | Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """``(x - max x) / temperature``, and a term to add to the result: 0, or NaN for a row that has no answer.

    Excluded classes (``-inf``) are kept out of the division: 0 times infinity in its backward pass would be NaN.
    """
    top = x.amax(dim, keepdim=True).detach()
    excluded = x == -math.inf
    z = (torch.where(excluded, top, x) - top) / temperature
    return z.masked_fill(excluded, -math.inf), top - top


def softmax(x: Tensor, temperature: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Softmax with temperature: :math:`\arg\max_{p \in \Delta} \langle p, x \rangle + T H(p)`, H Shannon's entropy.

    The solution is :math:`p_i = e^{x_i / T} / \sum_j e^{x_j / T}`. Small ``T`` sharpens, large ``T`` flattens; the
    order of the classes never changes.

    Args:
        x: logits, ``(..., C, ...)``.
        temperature: T > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``temperature <= 0``, NaN or infinite, or an empty ``dim``.
    """
    check_positive("temperature", temperature)
    z, answer = _centre(_open(x, dim), temperature, dim)
    return (torch.softmax(z, dim) + answer).to(x.dtype)


def sparsemax(x: Tensor, temperature: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Sparsemax: :math:`\arg\max_{p \in \Delta} \langle p, x \rangle - \tfrac{T}{2}\|p\|_2^2`.

    Martins & Astudillo 2016. This is the nearest point of the simplex to ``x / T``:
    :math:`p_i = \max(x_i / T - \tau, 0)`. Classes below the threshold get exactly 0.

    Args:
        x: logits, ``(..., C, ...)``.
        temperature: T > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``temperature <= 0``, NaN or infinite, or an empty ``dim``.
    """
    check_positive("temperature", temperature)
    z, answer = _centre(_open(x, dim), temperature, dim)
    return (_simplex(z, 1.0, dim) + answer).to(x.dtype)


def entmax15(x: Tensor, temperature: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""1.5-entmax (Peters et al. 2019): :math:`\arg\max_{p \in \Delta} \langle p, x \rangle + T H_{1.5}(p)`.

    :math:`H_{1.5}(p) = \tfrac43 \sum_i (p_i - p_i^{3/2})` is Tsallis' entropy; the solution is
    :math:`p_i = \max(x_i / 2T - \tau, 0)^2`, between softmax and sparsemax.

    Args:
        x: logits, ``(..., C, ...)``.
        temperature: T > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``temperature <= 0``, NaN or infinite, or an empty ``dim``.
    """
    check_positive("temperature", temperature)
    z, answer = _centre(_open(x, dim), temperature, dim)
    z = z / 2
    with torch.no_grad():
        # Nothing further than 1 below the maximum gets probability, so cutting there is exact and cannot overflow.
        ordered = z.clamp_min(-2).sort(dim, descending=True).values
        size = _count(ordered, dim)
        mean = ordered.cumsum(dim) / size
        spread = (ordered.square().cumsum(dim) / size - mean.square()) * size
        tau = mean - ((1 - spread) / size).clamp_min(0).sqrt()
        k = (tau <= ordered).sum(dim, keepdim=True).clamp_min(1)  # size of the support
        support = z >= tau.gather(dim, k - 1)
    inside = torch.where(support, z, 0)
    k = support.sum(dim, keepdim=True)
    mean = inside.sum(dim, keepdim=True) / k
    spread = torch.where(support, inside - mean, 0).square().sum(dim, keepdim=True)
    # Positive but for rounding: thousands of classes right on the threshold.
    tau = mean - ((1 - spread).clamp_min(torch.finfo(z.dtype).tiny) / k).sqrt()
    return (torch.where(support, inside - tau, 0).clamp_min(0).square() + answer).to(x.dtype)


# Proximal maps -----------------------------------------------------------------------------------------------------


def prox_l1(x: Tensor, lam: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Proximal map of the L1 norm: :math:`\arg\min_y \tfrac12 \|y - x\|_2^2 + \lambda \|y\|_1` (soft threshold).

    The solution is :math:`\operatorname{sign}(x) \max(|x| - \lambda, 0)`.

    Args:
        x: ``(..., C, ...)``.
        lam: lambda >= 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, or an empty ``dim``.
    """
    check_nonnegative("lam", lam)
    y = _open(x, dim)
    return torch.where(y.abs() < lam, 0, y - y.sign() * lam).to(x.dtype)


def prox_l2(x: Tensor, lam: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Proximal map of the squared L2 norm: :math:`\arg\min_y \tfrac12 \|y - x\|_2^2 + \lambda \|y\|_2^2`.

    The solution is :math:`x / (1 + 2\lambda)`.

    Args:
        x: ``(..., C, ...)``.
        lam: lambda >= 0, without unit.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, or an empty ``dim``.
    """
    check_nonnegative("lam", lam)
    return (_open(x, dim) / (1 + 2 * lam)).to(x.dtype)


# Projections -------------------------------------------------------------------------------------------------------


def _count(x: Tensor, dim: int) -> Tensor:
    """1, 2, ... C along ``dim``, shaped to broadcast against ``x``."""
    shape = [1] * x.ndim
    shape[dim] = -1
    return torch.arange(1, x.shape[dim] + 1, device=x.device, dtype=x.dtype).view(shape)


def _threshold(z: Tensor, radius: float | Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The support and the threshold of the projection onto the simplex (Duchi et al. 2008, figure 1).

    The support is found by sorting, without gradient; the threshold is then computed again from the support alone,
    which gives the exact derivative to any order and nothing that vmap, compile or export would stumble over.

    Args:
        z: ``(..., C, ...)`` with maximum 0 along ``dim``.

    Returns:
        ``support`` as booleans like ``z``, and ``tau`` with size 1 along ``dim``; the projection is ``z - tau`` on it.
    """
    with torch.no_grad():
        # Nothing further than the radius below the maximum is in the support: cutting there is exact.
        ordered = torch.maximum(z, z.new_zeros(()) - 2 * radius).sort(dim, descending=True).values
        size = _count(ordered, dim)
        excess = ordered.cumsum(dim) - radius
        k = (size * ordered >= excess).sum(dim, keepdim=True).clamp_min(1)
        support = z >= (excess / size).gather(dim, k - 1)
    total = torch.where(support, z, 0).sum(dim, keepdim=True)
    return support, (total - radius) / support.sum(dim, keepdim=True)


def _simplex(z: Tensor, radius: float | Tensor, dim: int) -> Tensor:
    """Project ``z``, whose maximum is 0, onto the simplex."""
    support, tau = _threshold(z, radius, dim)
    # Rounding can put a member of the support a hair below the threshold: clamp_min, whose gradient at 0 is 1.
    return (torch.where(support, z, tau) - tau).clamp_min(0)


def project_simplex(x: Tensor, radius: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Nearest point with :math:`y \ge 0`, :math:`\sum_i y_i = r` (Held et al. 1974; Duchi et al. 2008).

    The solution is :math:`\max(x_i - \tau, 0)`.

    Args:
        x: ``(..., C, ...)``.
        radius: r > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``radius <= 0``, NaN or infinite, or an empty ``dim``.
    """
    check_positive("radius", radius)
    z, answer = _centre(_open(x, dim), 1.0, dim)
    return (_simplex(z, radius, dim) + answer).to(x.dtype)


def project_l1_ball(x: Tensor, radius: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Nearest point with :math:`\|y\|_1 \le r` (Duchi et al. 2008, section 4).

    Outside the ball this is a soft threshold whose :math:`\theta` is the one that lands on the surface.

    Args:
        x: ``(..., C, ...)``.
        radius: r > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``radius <= 0``, NaN or infinite, or an empty ``dim``.
    """
    check_positive("radius", radius)
    y = _open(x, dim)
    sign = y.sign().detach()
    size = y * sign  # |x|, whose gradient at 0 is not needed: a zero is never beyond the threshold
    top = size.amax(dim, keepdim=True).detach()
    support, tau = _threshold(size - top, radius, dim)
    outside = size.sum(dim, keepdim=True) > radius
    # size - top - tau and not size - (top + tau): in float32 that sum swallows a small radius.
    shrunk = torch.where(support, (size - top - tau).clamp_min(0) * sign, 0)
    return (torch.where(outside, shrunk, y) + (top - top)).to(x.dtype)


def project_l2_ball(x: Tensor, radius: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Nearest point with :math:`\|y\|_2 \le r`: :math:`x \cdot \min(1, r / \|x\|_2)`.

    Args:
        x: ``(..., C, ...)``.
        radius: r > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``radius <= 0``, NaN or infinite, or an empty ``dim``.
    """
    check_positive("radius", radius)
    y = _open(x, dim)
    # Squares of large logits overflow: measure in units of the largest.
    unit = torch.maximum(y.abs().amax(dim, keepdim=True), torch.as_tensor(radius, dtype=y.dtype, device=y.device))
    unit = unit.detach()
    limit, square = radius / unit, (y / unit).square().sum(dim, keepdim=True)
    inside = square <= limit * limit
    # Inside the ball 1 takes the place of the norm, whose derivatives at 0 do not exist.
    norm = torch.where(inside, 1, square).sqrt()
    return (y * torch.where(inside, 1, limit / norm)).to(x.dtype)


def violation(x: Tensor, project: Callable[[Tensor], Tensor], *, dim: int = -1) -> Tensor:
    r"""How far ``x`` is from feasible: :math:`\min_{y \in S} \|x - y\|_2 = \|x - P_S(x)\|_2`, 0 when it is inside.

    Args:
        x: ``(..., C, ...)``.
        project: the projection onto the set, for example ``lambda x: project_simplex(x)``.
        dim: the dimension of the classes.

    Returns:
        ``x.shape`` without ``dim``, in the dtype of ``x``. On the simplex, which has no inside, a feasible ``x`` gives
        0 up to rounding.
    """
    y = _open(x, dim)
    return torch.linalg.vector_norm(y - project(y), dim=dim).to(x.dtype)


# Penalties ---------------------------------------------------------------------------------------------------------


def penalty_l1(x: Tensor, lam: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""The term an L1 penalty adds to a training loss: :math:`\lambda` times the batch mean of :math:`\|x\|_1`.

    Args:
        x: ``(..., C, ...)``; every dimension but ``dim`` is batch. The mean does not grow with the batch.
        lam: lambda >= 0.
        dim: the dimension of the classes.

    Returns:
        A scalar of at least float32.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, an empty ``dim`` or an empty batch.
    """
    return lam * _batch_mean(x, lam, dim, lambda y: y.abs())


def penalty_l2(x: Tensor, lam: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""The term an L2 penalty adds to a training loss: :math:`\lambda` times the batch mean of :math:`\|x\|_2^2`.

    Args:
        x: ``(..., C, ...)``; every dimension but ``dim`` is batch. The mean does not grow with the batch.
        lam: lambda >= 0.
        dim: the dimension of the classes.

    Returns:
        A scalar of at least float32.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, an empty ``dim`` or an empty batch.
    """
    return lam * _batch_mean(x, lam, dim, torch.square)


def _batch_mean(x: Tensor, lam: float | Tensor, dim: int, term: Callable[[Tensor], Tensor]) -> Tensor:
    """Check, then the mean over the batch of the sum of ``term`` over the classes."""
    check_nonnegative("lam", lam)
    y = _open(x, dim)
    if y.numel() == 0:
        raise ValueError(f"x has an empty batch, shape {tuple(x.shape)}: the mean over it does not exist")
    return term(y).sum(dim).mean()
