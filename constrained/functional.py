"""Constraints on the output of a linear layer, as pure functions: bounds, probabilities, proximal maps, projections.

Every map takes a tensor of any floating dtype and any batch rank and returns one of the same shape and dtype; ``dim``
is the dimension of the classes. Elementwise maps give the same answer for every ``dim`` and take it so that all are
called alike. Half precision is computed in float32 inside and cast back.

Parameters (``lo``, ``hi``, ``temperature``, ``lam``, ``radius``) are numbers or tensors, which receive gradients. The
values of tensors are checked where that costs no waiting for a device; elsewhere (on another device, in a graph, under
vmap) a value that is not allowed gives NaN. Bounds and ``lam`` may differ between classes: a tensor or list with one
dimension has a number for each class and lies along ``dim``, any other broadcasts against ``x``. A ``temperature`` or
``radius`` belongs to a whole row and has size 1 along ``dim``.

Bounds come in the order of ``torch.clamp``. The temperature of `softmax`, `sparsemax` and `entmax15` has to be named:
torch and entmax have ``dim`` in its place.

Non-finite inputs. Elementwise maps: NaN stays NaN, infinities are clamped or stay infinite. Maps onto the simplex:
``-inf`` means "excluded", gets exactly 0 and no gradient; a row with NaN, with ``+inf`` or with nothing but ``-inf``
has no answer and becomes NaN as a whole. Balls: a row with anything non-finite becomes NaN as a whole. A row without an
answer sends a gradient of 0 back, so that it does no harm to weights that it shares with others.

At a kink (a logit exactly on a bound or threshold) the gradient is the one of the side that still learns, on every
version of torch.
"""

import math
import numbers
from collections.abc import Callable

import torch
import torch.fx
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
    "scaled_sigmoid",
    "smooth_clamp",
    "softmax",
    "softplus",
    "sparsemax",
    "violation",
]

CLAMP_GRADIENTS = ("zero", "straight_through", "inward")


# Checks ------------------------------------------------------------------------------------------------------------


def number(name: str, value: object) -> float | Tensor:
    """A parameter as a Python number or a floating tensor.

    Raises:
        ValueError: for anything that is neither, for truth values, and for tensors of whole numbers.
    """
    if isinstance(value, Tensor):
        if not value.is_floating_point():
            raise ValueError(f"{name} must be a number or a floating point tensor, got a tensor of {value.dtype}")
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        shape = getattr(value, "shape", None)
        if shape is None and not isinstance(value, (list, tuple)):
            raise ValueError(f"{name} must be a number or a tensor, got {name}={value!r:.50}")
        tensor = torch.as_tensor(value)  # a NumPy array, a list with a number for each class
        if tensor.is_complex() or tensor.dtype == torch.bool:
            raise ValueError(f"{name} must be a number or a tensor, got {name}={value!r:.50}")
        if shape is None:
            tensor = torch.as_tensor(value, dtype=torch.float64)  # as exact as the numbers in the list
        tensor = tensor if tensor.is_floating_point() else tensor.to(torch.get_default_dtype())
        return tensor.item() if tensor.ndim == 0 else tensor
    # Not `float | int`, which the compiler of torch 2.8 does not know. Whole numbers beyond 64 bits overflow in torch.
    kept = isinstance(value, (float, int)) and abs(value) < 2.0**63
    return value if kept else float(value)  # a Fraction, a NumPy number


def bound(name: str, value: object, finite: bool = False) -> float | Tensor:
    """A bound, called ``"lo"`` or ``"hi"``, as a Python number or a floating tensor; None is an infinite one.

    Raises:
        ValueError: for what `number` refuses, NaN, and an infinite bound where it has to be ``finite`` (numbers only;
            see the module's docstring).
    """
    if value is None:
        value = -math.inf if name == "lo" else math.inf
    value = number(name, value)
    # Comparisons, not math.isnan: a compiled function is given a number that changes as a symbol.
    real = isinstance(value, Tensor) or (abs(value) < math.inf if finite else abs(value) <= math.inf)
    if not real:
        raise ValueError(f"{name} must be a {'finite ' if finite else ''}number, got {name}={value}")
    return value


def bounds(lo: object, hi: object, finite: bool = False) -> tuple[float | Tensor, float | Tensor]:
    """Both bounds, each as in `bound`.

    Raises:
        ValueError: for what `bound` refuses, and ``lo > hi`` (numbers only).
    """
    lo, hi = bound("lo", lo, finite), bound("hi", hi, finite)
    if not isinstance(lo, Tensor) and not isinstance(hi, Tensor) and lo > hi:
        raise ValueError(f"lo must not be greater than hi, got lo={lo} and hi={hi}")
    return lo, hi


def positive(name: str, value: object) -> float | Tensor:
    """A parameter as a Python number or a floating tensor.

    Raises:
        ValueError: for what `number` refuses, and unless ``0 < value < inf`` (numbers only).
    """
    value = number(name, value)
    if not isinstance(value, Tensor) and not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {name}={value}")
    return value


def nonnegative(name: str, value: object) -> float | Tensor:
    """A parameter as a Python number or a floating tensor.

    Raises:
        ValueError: for what `number` refuses, and unless ``0 <= value < inf`` (numbers only).
    """
    value = number(name, value)
    if not isinstance(value, Tensor) and not 0 <= value < math.inf:
        raise ValueError(f"{name} must be zero or more and finite, got {name}={value}")
    return value


def _open(x: Tensor, dim: int) -> tuple[Tensor, int]:
    """Check the input and bring it to at least float32; ``dim`` counted from the front."""
    if not x.is_floating_point():
        raise ValueError(f"x must be a floating point tensor, got dtype {x.dtype}")
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise ValueError(f"dim must be a whole number, got {dim!r:.50}")
    if x.ndim == 0 or not -x.ndim <= dim < x.ndim:
        raise ValueError(f"dim {dim} does not exist in a tensor of shape {tuple(x.shape)}")
    if x.shape[dim] == 0:
        raise ValueError(f"dim {dim} is empty in a tensor of shape {tuple(x.shape)}")
    small = x.dtype not in (torch.float32, torch.float64)  # half precision, and the eight bits of float8
    return (x.float() if small else x), dim % x.ndim


def _parameter(
    name: str, value: float | Tensor, x: Tensor, dim: int, row: bool = False, signed: bool = False
) -> float | Tensor:
    """A parameter that fits to ``x``: in shape, and as a tensor where a graph is made of it.

    torch's compiler takes a number that has changed twice for a symbol, and its default backend has written some of
    those into the code as they were (pytorch #194976); a tensor is an input like any other.

    Args:
        dim: the dimension of the classes, counted from the front.
        row: whether it belongs to a whole row, and not to a class.
        signed: whether a tensor may hold any number; else what is below 0, or infinite, is not allowed.
    """
    if not isinstance(value, Tensor):
        if abs(value) > torch.finfo(x.dtype).max:  # what the type does not have is infinite in it
            value = math.inf if value > 0 else -math.inf
        return torch.full((), value, dtype=x.dtype, device=x.device) if torch.compiler.is_compiling() else value
    given = value
    if value.ndim == 1 and not row:
        value = value.reshape(-1, *[1] * (x.ndim - 1 - dim))
    try:
        fits = torch.broadcast_shapes(value.shape, x.shape) == x.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"{name} of shape {tuple(given.shape)} does not fit to x of shape {tuple(x.shape)}")
    along = value.ndim - x.ndim + dim
    if row and along >= 0 and value.shape[along] != 1:
        raise ValueError(
            f"{name} belongs to a whole row: it must have size 1 along dim {dim} of x, got {name} of shape "
            f"{tuple(given.shape)} for x of shape {tuple(x.shape)}"
        )
    if value.ndim == 0 and value.device.type == "cpu":
        value = value.to(x)
    elif value.dtype not in (torch.float32, torch.float64):
        value = value.to(x.dtype)  # half precision is computed in float32
    if signed:
        return value
    wrong = ~(((value > 0) if row else (value >= 0)) & (value < math.inf))
    known = any_known(wrong)
    if known:
        what = "positive" if row else "zero or more"
        raise ValueError(f"{name} must be {what} and finite, got {name}={given.detach().min().item():g}")
    return value if known is False else torch.where(wrong, math.nan, value)


def _wide(x: Tensor, *values: float | Tensor) -> Tensor:
    """``x`` in float64 if a number among the parameters is too large or too small for its own dtype."""
    limits = torch.finfo(x.dtype)
    for value in values:
        if not isinstance(value, Tensor) and (limits.max < abs(value) < math.inf or 0 < abs(value) < limits.tiny):
            return x.double()
    return x


def _box(lo: float | Tensor, hi: float | Tensor, finite: bool = False) -> tuple[float | Tensor, float | Tensor]:
    """Bounds with ``lo <= hi``: ``ValueError`` where it is known that they are not, else NaN."""
    if not isinstance(lo, Tensor) and not isinstance(hi, Tensor):
        return lo, hi
    wrong = ~torch.as_tensor(lo <= hi)  # NaN is not below anything either
    for value in (lo, hi):
        if finite and isinstance(value, Tensor):
            wrong = wrong | ~value.isfinite()
    known = any_known(wrong)
    if known:
        kind = "finite numbers" if finite else "numbers"
        raise ValueError(f"lo and hi must be {kind} with lo not greater than hi, got lo={lo} and hi={hi}")
    if known is False:
        return lo, hi
    return torch.where(wrong, math.nan, lo), torch.where(wrong, math.nan, hi)


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


class _InwardClampBothModes(_InwardClamp):
    """The same with a forward mode, which torch's compiler does not take."""

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx, tangent, *_):
        x, lo, hi = ctx.saved_tensors
        passes = ((x <= hi) | (tangent < 0)) & ((x >= lo) | (tangent > 0))
        return torch.where(passes, tangent, torch.zeros_like(tangent))


def clamp(
    x: Tensor, lo: float | Tensor | None, hi: float | Tensor | None, *, gradient: str = "zero", dim: int = -1
) -> Tensor:
    r"""Hard clamp: :math:`\arg\min_{lo \le y \le hi} \tfrac12 \|y - x\|_2^2 = \min(\max(x, lo), hi)`.

    The forward value is the same for all three gradients; they differ in what reaches a clipped logit:

    * ``"zero"``: nothing, as in ``torch.clamp``. A clipped logit stops learning. One exactly on a bound goes on.
    * ``"straight_through"``: everything, as if there were no clamp (Bengio et al. 2013). Nothing holds the logit back.
    * ``"inward"``: only a gradient whose descent step pulls the logit back towards the box (the two-sided form of the
      lower bound of Ballé et al. 2018). ``lo`` and ``hi`` then get no gradient. In forward mode, only a step that does.

    Args:
        x: ``(..., C, ...)``.
        lo, hi: the box: numbers, tensors (for each class, or that broadcast against ``x``), None for an infinite one.
        gradient: one of ``"zero"``, ``"straight_through"``, ``"inward"``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, NaN bounds, an unknown ``gradient`` or an empty ``dim``.
    """
    lo, hi = bounds(lo, hi)
    y, dim = _open(x, dim)
    lo, hi = _box(_parameter("lo", lo, y, dim, signed=True), _parameter("hi", hi, y, dim, signed=True))
    if gradient == "zero":
        return _clip(y, lo, hi).to(x.dtype)
    if gradient == "straight_through":
        # Adding an exact zero keeps y inside the box; x + (clamp(x) - x) would leave it by rounding. An infinite x
        # minus itself is NaN, hence nan_to_num; it gets no gradient.
        return (_clip(y.detach(), lo, hi) + (y - y.detach()).nan_to_num(0)).to(x.dtype)
    if gradient == "inward":
        lo, hi = (b.to(y) if isinstance(b, Tensor) else torch.full_like(y, b) for b in (lo, hi))
        lo, hi = (b.detach().expand_as(y) for b in (lo, hi))
        inward = _InwardClamp if torch.compiler.is_compiling() else _InwardClampBothModes
        return inward.apply(y, lo, hi).to(x.dtype)
    raise ValueError(f"gradient must be one of {', '.join(CLAMP_GRADIENTS)}, got {gradient!r}")


def _clip(x: Tensor, lo: float | Tensor, hi: float | Tensor) -> Tensor:
    """The nearest point of the box, whose gradient on a bound is 1 (torch's own clamp has 0 there from 2.14 on)."""
    # NaN is not below or above anything: a NaN in x stays, and one in a bound is looked for.
    below, above = x < lo, x > hi
    below = below | lo.isnan() if isinstance(lo, Tensor) else below
    above = above | hi.isnan() if isinstance(hi, Tensor) else above
    return torch.where(above, hi, torch.where(below, lo, x))


def smooth_clamp(x: Tensor, lo: float | Tensor, hi: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Smooth clamp: :math:`m + r \tanh((x - m) / r)` with :math:`m = (lo + hi)/2` and :math:`r = (hi - lo)/2`.

    Slope 1 at the middle of the box, strictly increasing in exact arithmetic. Its gradient
    :math:`1 - \tanh^2` dies too, only later: ten radii out it is 1e-8, and in float32 it is exactly 0.

    Args:
        x: ``(..., C, ...)``.
        lo, hi: the box; finite numbers, or tensors that broadcast against ``x``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, bounds that are not finite, or an empty ``dim``. Of tensors, where that costs no
            waiting for a device; elsewhere a bound that is not finite gives NaN.
    """
    lo, hi = bounds(lo, hi, finite=True)
    y, dim = _open(x, dim)
    y = _wide(y, lo, hi)
    lo, hi = (_parameter(name, value, y, dim, signed=True) for name, value in (("lo", lo), ("hi", hi)))
    lo, hi = _box(lo, hi, finite=True)
    lost = ~y.isfinite()  # kept out of tanh, whose backward pass would make NaN of a gradient of 0
    whole = any_known(lost) is False
    end = y.detach()
    y = y if whole else torch.where(lost, 0, y)
    middle, radius = lo / 2 + hi / 2, hi / 2 - lo / 2
    tiny = torch.finfo(y.dtype).tiny
    # A box without width is a point, not 0 / 0.
    width = radius.clamp_min(tiny) if isinstance(radius, Tensor) else max(radius, tiny)
    z = _clip(middle + radius * torch.tanh((y - middle) / width), lo, hi)
    return (z if whole else torch.where(lost, _clip(end, lo, hi), z)).to(x.dtype)


def scaled_sigmoid(x: Tensor, lo: float | Tensor, hi: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Scaled sigmoid: :math:`lo + (hi - lo)\, \sigma(x)` with :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    The middle of the box belongs to x = 0, whatever the bounds, and the slope there is a quarter of the width. With 0
    and 1 it is the sigmoid of multi-label classification. It is `smooth_clamp` of another unit: half the logit, in
    units of the box, from its middle.

    Args:
        x: ``(..., C, ...)``.
        lo, hi: the box; finite numbers, or tensors that broadcast against ``x``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, bounds that are not finite, or an empty ``dim``. Of tensors, where that costs no
            waiting for a device; elsewhere a bound that is not finite gives NaN.
    """
    lo, hi = bounds(lo, hi, finite=True)
    y, dim = _open(x, dim)
    y = _wide(y, lo, hi)
    lo, hi = (_parameter(name, value, y, dim, signed=True) for name, value in (("lo", lo), ("hi", hi)))
    lo, hi = _box(lo, hi, finite=True)
    # NaN is kept out of the sigmoid, whose backward pass would make one of a gradient of 0. A sum finds it in one pass.
    lost = None if any_known(y.detach().sum().isnan()) is False else y.isnan()
    share = torch.sigmoid(y if lost is None else torch.where(lost, 0, y))
    width = hi - lo
    far = any_known(width.isinf()) is not False if isinstance(width, Tensor) else width > torch.finfo(y.dtype).max
    lo, hi = (b if isinstance(b, Tensor) else y.new_full((), b) for b in (lo, hi))
    # From the nearer bound: never outside the box, and in the fewest passes over memory. A width may overflow.
    z = 2 * torch.lerp(lo / 2, hi / 2, share) if far else torch.lerp(lo, hi, share)
    return _rejoined(z, lost).to(x.dtype)


def softplus(
    x: Tensor,
    lo: float | Tensor | None = None,
    hi: float | Tensor | None = None,
    *,
    beta: float | Tensor = 1.0,
    dim: int = -1,
) -> Tensor:
    r"""Smooth bound on one side: :math:`lo + \log(1 + e^{\beta (x - lo)}) / \beta`, or its mirror image below ``hi``.

    Far inside it is the identity; at the bound it is :math:`\log 2 / \beta` off, with slope a half, and beyond it the
    gradient :math:`\sigma(\beta (x - lo))` fades. With ``beta`` it tends to the clamp. With ``lo=0`` it is torch's own.

    Args:
        x: ``(..., C, ...)``.
        lo, hi: the bound: one of them, a finite number or a tensor that broadcasts against ``x``.
        beta: > 0, one over the unit of ``x``: a number, or a tensor with one for each class.
        dim: the dimension of the classes.

    Raises:
        ValueError: unless one of ``lo`` and ``hi`` is given, for a bound that is not finite, ``beta <= 0``, NaN or
            infinite, or an empty ``dim``. Of tensors, a bound or beta that cannot be gives NaN.
    """
    if (lo is None) == (hi is None):
        raise ValueError(f"give one of lo and hi, got lo={lo} and hi={hi}")
    sign, name, value = (-1, "hi", hi) if lo is None else (1, "lo", lo)
    value, beta = bound(name, value, finite=True), positive("beta", beta)
    y, dim = _open(x, dim)
    y = _wide(y, value, beta)
    end = _parameter(name, value, y, dim, signed=True)
    beta = _parameter("beta", beta, y, dim)
    if isinstance(beta, Tensor):
        beta = torch.where(beta > 0, beta, math.nan)
    lost = None if any_known(y.detach().sum().isnan()) is False else y.isnan()  # as in `scaled_sigmoid`
    y = y if lost is None else torch.where(lost, 0, y)
    u = sign * beta * (y - end)
    # Inside, what is added to x; beyond the bound, what is added to that: each small, so that nothing is rounded away.
    inside = torch.nn.functional.softplus(-u, threshold=50) / beta
    beyond = torch.nn.functional.softplus(u, threshold=50) / beta
    z = torch.where(u > 0, y + sign * inside, end + sign * beyond)
    return _rejoined(z, lost).to(x.dtype)


# Support -----------------------------------------------------------------------------------------------------------

_FEW = 32  # classes up to which all pairs of them are compared
_PART = 2**15  # numbers that a thread works on at a time, so that what is in between stays in the processor's cache


def _graph() -> bool:
    """Whether a graph is being made, for inputs other than this one: nothing may be decided by what this one holds."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def _in_parts(solve: Callable, x: Tensor, parameter: float | Tensor, dim: int) -> Tensor:
    """``solve(x, parameter, dim)``, a part of a large batch at a time: several times faster in eager mode on a CPU."""
    whole = _graph() or not x.is_cpu or dim == 0
    if whole or (isinstance(parameter, Tensor) and parameter.ndim):
        return solve(x, parameter, dim)
    most = _PART * torch.get_num_threads()
    if x.numel() <= most:
        return solve(x, parameter, dim)
    return torch.cat([solve(part, parameter, dim) for part in x.split(max(1, most * len(x) // x.numel()))])


def _support(x: Tensor, scale: float | Tensor, power: int, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    r"""Where :math:`\max(z_i - \tau, 0)` is not 0, for :math:`z = (x - \max x) / scale` and the :math:`\tau` at which
    :math:`f(\tau) = \sum_i \max(z_i - \tau, 0)^{power} = 1`.

    The support is found without gradient; what is then computed from it alone has exact derivatives to any order and
    nothing that vmap, compile or export would stumble over. It is kept as numbers, 1 and 0: on a processor, torch is
    several times slower where truth values and numbers meet.

    Returns:
        ``x - max x`` on the support and 0 elsewhere; 1 / k on it and 0 elsewhere; and k, the number of classes in it,
        with size 1 along ``dim``. The first is NaN somewhere in a row that has no answer.
    """
    top = x.detach().amax(dim, keepdim=True)
    # hardtanh is a clamp whose gradient is fast too. It makes an excluded class finite, since 0 times infinity is NaN.
    below = torch.nn.functional.hardtanh(x - top, torch.finfo(x.dtype).min, 1)
    with torch.no_grad():
        # Nothing further than 1 below the maximum is in the support: cutting there is exact, and nothing overflows.
        # Detached from forward mode too, whose zeros cannot be written over.
        z = (below.detach() / (scale.detach() if isinstance(scale, Tensor) else scale)).clamp_min_(-2)
        support = (_compare if z.shape[dim] <= _FEW else _newton)(z, power, dim)
        count = support.sum(dim, keepdim=True)
        share = support / count
    return below * support, share, count


def _compare(z: Tensor, power: int, dim: int) -> Tensor:
    """The support of a few classes, from all pairs: class i is in it where f(z_i) <= 1, since f falls."""
    z = z.movedim(dim, 0).contiguous()  # (C, ...): loops over the batch are longer, and faster, than those over classes
    above = (z - z.unsqueeze(1)).clamp_min_(0)  # (C, C, ...), of the second over the first
    # Right on the threshold a class has 0 either way. With squares its gradient is 0 too, and leaving it out is exact.
    inside = above.sum(1) <= 1 if power == 1 else above.mul_(above).sum(1) < 1
    # Two steps: from one, torch's compiler takes gradients in another order than they lie in.
    return inside.movedim(0, dim).contiguous().to(z.dtype)


def _newton(z: Tensor, power: int, dim: int) -> Tensor:
    r"""The support of many classes, by Newton's steps on :math:`g(\tau) = f(\tau)^{1/power} - 1` (Michelot 1986).

    g is convex and falls, so that from below, here from -1, the steps never pass its root. Each of them brings the
    product of g and its slope down to a quarter at least. It starts at C^2 at most and the slope stays above 1, so that
    after as many steps as the type has bits g is 0 but for rounding with up to 4,096 classes in float32, 2^26 in
    float64. A handful is enough most of the time: where looking costs nothing, they end once tau has settled.
    """
    tau = torch.full_like(z.narrow(dim, 0, 1), -1)
    for _ in range(1 - round(math.log2(torch.finfo(z.dtype).eps))):
        above = (z - tau).clamp_min_(0)
        total = above.sum(dim, keepdim=True)
        if power == 1:
            step = (total - 1) / above.sign_().sum(dim, keepdim=True)
        else:
            norm = torch.linalg.vector_norm(above, dim=dim, keepdim=True)
            step = (norm - 1) * norm / total
        before, tau = tau, tau + step.clamp_min_(0)  # rounding would go back and forth
        if _same(tau, before):
            break
    return (z - tau).sign_().add_(1).clamp_max_(1)  # z >= tau


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether the two are known to be equal: not where the graph is made, or the answer would have to be waited for."""
    if _graph() or not a.is_cpu:
        return False
    try:
        return torch.equal(a, b)
    except RuntimeError:  # under vmap no value can be looked at
        return False


def _on_simplex(x: Tensor, radius: float | Tensor, dim: int) -> Tensor:
    """Nearest point of the simplex: ``x - tau`` on the support, with the tau that gives it the sum ``radius``."""
    inside, share, _ = _support(x, radius, 1, dim)
    return _from_zero(torch.addcmul(inside, share, radius - inside.sum(dim, keepdim=True)))


def _from_zero(x: Tensor) -> Tensor:
    """Bring a member of the support that rounding put a hair below the threshold up to it; it learns as the others."""
    return x - x.detach().clamp_max(0)


# Rows without an answer --------------------------------------------------------------------------------------------


def _answerable(x: Tensor, dim: int, excluding: bool) -> tuple[Tensor, Tensor | None]:
    """``x`` with zeros in rows that have no answer, and where those are, with size 1 along ``dim``; None if nowhere.

    Kept out of all that follows, such a row sends back exactly 0: what comes back through a NaN is a NaN, and would
    reach every weight that the row shares with others.

    Args:
        excluding: whether ``-inf`` excludes a class, and leaves an answer for the others.
    """
    size = (x if excluding else x.abs()).detach().amax(dim, keepdim=True)
    lost = ~size.isfinite()
    if any_known(lost) is False:
        return x, None
    return torch.where(lost, 0, x), lost


def any_known(mask: Tensor) -> bool | None:
    """Whether anything is true; None where a graph is made, or the answer would have to be waited for."""
    if _graph() or not mask.is_cpu:
        return None
    try:
        return bool(mask.any())
    except RuntimeError:  # under vmap no value can be looked at
        return None


def _rejoined(y: Tensor, lost: Tensor | None) -> Tensor:
    return y if lost is None else torch.where(lost, math.nan, y)


# Probabilities -----------------------------------------------------------------------------------------------------


def _centre(x: Tensor, temperature: float | Tensor, dim: int) -> Tensor:
    """``(x - max x) / temperature``.

    Excluded classes (``-inf``) are kept out of the division: 0 times infinity in its backward pass would be NaN.
    """
    top = x.detach().amax(dim, keepdim=True)
    excluded = x == -math.inf
    z = (torch.where(excluded, top, x) - top) / temperature
    return z.masked_fill(excluded, -math.inf)


def _of_rows(solve: Callable, x: Tensor, name: str, value: object, dim: int, excluding: bool) -> Tensor:
    """``solve(x, parameter, dim)`` for a positive parameter of each row, in parts; NaN where there is no answer."""
    value = positive(name, value)
    y, dim = _open(x, dim)
    y = _wide(y, value)
    value = _parameter(name, value, y, dim, row=True)
    y, lost = _answerable(y, dim, excluding)
    return _rejoined(_in_parts(solve, y, value, dim), lost).to(x.dtype)


def over_temperature(x: Tensor, temperature: float | Tensor, dim: int = -1) -> Tensor:
    """``x / temperature``, in at least float32; what is infinite stays and sends nothing back to the temperature."""
    value = positive("temperature", temperature)
    y, dim = _open(x, dim)
    y = _wide(y, value)
    value = _parameter("temperature", value, y, dim, row=True)
    return _divided(y, value)


def _divided(x: Tensor, by: float | Tensor) -> Tensor:
    """``x / by``; what is infinite stays and sends nothing back to ``by``: 0 times infinity would be NaN."""
    if not isinstance(by, Tensor):
        return x / by
    infinite = x.isinf()
    return torch.where(infinite, x, torch.where(infinite, 0, x) / by)


def softmax(x: Tensor, *, temperature: float | Tensor = 1.0, dim: int = -1) -> Tensor:
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
    return _of_rows(_softmax, x, "temperature", temperature, dim, excluding=True)


def _softmax(x: Tensor, temperature: float | Tensor, dim: int) -> Tensor:
    return torch.softmax(_centre(x, temperature, dim), dim)


def sparsemax(x: Tensor, *, temperature: float | Tensor = 1.0, dim: int = -1) -> Tensor:
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
    return _of_rows(_sparsemax, x, "temperature", temperature, dim, excluding=True)


def _sparsemax(x: Tensor, temperature: float | Tensor, dim: int) -> Tensor:
    # The simplex blown up by T and shrunk again; not x / T, whose rounding grows with x.
    return _on_simplex(x, temperature, dim) / temperature


def entmax15(x: Tensor, *, temperature: float | Tensor = 1.0, dim: int = -1) -> Tensor:
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
    return _of_rows(_entmax15, x, "temperature", temperature, dim, excluding=True)


def _entmax15(x: Tensor, temperature: float | Tensor, dim: int) -> Tensor:
    inside, share, count = _support(x, 2 * temperature, 2, dim)
    z = inside / (2 * temperature)
    # Not addcmul(..., value=-1), whose forward mode ends the process under torch.func.linearize.
    spread = torch.addcmul(z, share, -z.sum(dim, keepdim=True))  # around the mean of the support
    # With s = sum of spread^2, tau is sqrt((1 - s) / k) below the mean; k (1 - s) is at least 1, but for rounding with
    # thousands of classes right on the threshold.
    square = spread.square().sum(dim, keepdim=True)
    root = torch.addcmul(count, count, -square).clamp_min(0.5).sqrt()  # k times that distance
    return _from_zero(torch.addcmul(spread, share, root)).square()


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
    lam, (y, dim) = nonnegative("lam", lam), _open(x, dim)
    y = _wide(y, lam)
    lam = _parameter("lam", lam, y, dim)
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
    lam, (y, dim) = nonnegative("lam", lam), _open(x, dim)
    y = _wide(y, lam)
    lam = _parameter("lam", lam, y, dim)
    return _divided(y, 1 + 2 * lam).to(x.dtype)


# Projections -------------------------------------------------------------------------------------------------------


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
    return _of_rows(_on_simplex, x, "radius", radius, dim, excluding=True)


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
    return _of_rows(_in_l1_ball, x, "radius", radius, dim, excluding=False)


def _in_l1_ball(x: Tensor, radius: float | Tensor, dim: int) -> Tensor:
    sign = x.detach().sign()
    size = x * sign  # |x|, whose gradient at 0 is not needed: a zero is never beyond the threshold
    feasible = size.detach().sum(dim, keepdim=True) <= radius
    return torch.where(feasible, x, _on_simplex(size, radius, dim) * sign)


def project_l2_ball(x: Tensor, radius: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Nearest point with :math:`\|y\|_2 \le r`: :math:`x \cdot \min(1, r / \|x\|_2)`.

    Args:
        x: ``(..., C, ...)``.
        radius: r > 0, in the unit of the logits.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``radius <= 0``, NaN or infinite, or an empty ``dim``.
    """
    return _of_rows(_in_l2_ball, x, "radius", radius, dim, excluding=False)


def _in_l2_ball(x: Tensor, radius: float | Tensor, dim: int) -> Tensor:
    # Squares of large logits overflow: measure in units of the largest.
    unit = torch.maximum(x.abs().amax(dim, keepdim=True), torch.as_tensor(radius, dtype=x.dtype, device=x.device))
    unit = unit.detach()
    limit, square = radius / unit, (x / unit).square().sum(dim, keepdim=True)
    inside = square <= limit * limit
    # Inside the ball 1 takes the place of the norm, whose derivatives at 0 do not exist.
    norm = torch.where(inside, 1, square).sqrt()
    return x * torch.where(inside, 1, limit / norm)


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
    y, dim = _open(x, dim)
    away = y - project(y)
    lost = ~away.isfinite().all(dim)  # at no finite distance, and sends nothing back
    near = torch.linalg.vector_norm(torch.where(lost.unsqueeze(dim), 0, away), dim=dim)
    return torch.where(lost, torch.linalg.vector_norm(away.detach(), dim=dim), near).to(x.dtype)


# Penalties ---------------------------------------------------------------------------------------------------------


def penalty_l1(x: Tensor, lam: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""The term an L1 penalty adds to a training loss: :math:`\lambda` times the batch mean of :math:`\|x\|_1`.

    Args:
        x: ``(..., C, ...)``; every dimension but ``dim`` is batch. The mean does not grow with the batch.
        lam: lambda >= 0; a tensor can weigh each class, or each element, by itself.
        dim: the dimension of the classes.

    Returns:
        A scalar of at least float32.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, an empty ``dim`` or an empty batch.
    """
    return _batch_mean(x, lam, dim, torch.abs)


def penalty_l2(x: Tensor, lam: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""The term an L2 penalty adds to a training loss: :math:`\lambda` times the batch mean of :math:`\|x\|_2^2`.

    Args:
        x: ``(..., C, ...)``; every dimension but ``dim`` is batch. The mean does not grow with the batch.
        lam: lambda >= 0; a tensor can weigh each class, or each element, by itself.
        dim: the dimension of the classes.

    Returns:
        A scalar of at least float32.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, an empty ``dim`` or an empty batch.
    """
    return _batch_mean(x, lam, dim, torch.square)


def _batch_mean(x: Tensor, lam: object, dim: int, term: Callable[[Tensor], Tensor]) -> Tensor:
    """The mean over the batch of the sum of lambda times ``term`` over the classes."""
    lam, (y, dim) = nonnegative("lam", lam), _open(x, dim)
    kind, y = y.dtype, _wide(y, lam)
    lam = _parameter("lam", lam, y, dim)
    if y.numel() == 0:
        raise ValueError(f"x has an empty batch, shape {tuple(x.shape)}: the mean over it does not exist")
    return (lam * term(y)).sum(dim).mean().to(kind)


# torch.fx, and torchvision's feature extractor over it, follow a network by values that are not there yet, which no
# check can look at: a map is one step to them.
for _name in (*__all__, "over_temperature"):
    torch.fx.wrap(_name)
