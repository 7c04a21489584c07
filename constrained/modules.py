"""The functions of `functional` as modules, and a linear layer that carries one of them."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import functional as F


class Constraint(nn.Module):
    """A map from logits ``(..., C, ...)`` to constrained outputs of the same shape and dtype."""

    def __init__(self, *, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class _Set(Constraint):
    """A constraint whose result is the nearest point of a convex set."""

    def violation(self, x: Tensor) -> Tensor:
        """Distance in L2 from ``x`` to the set; `functional.violation`."""
        return F.violation(x, self, dim=self.dim)


class Clamp(_Set):
    """`functional.clamp`: hard bounds.

    Args:
        lo, hi: the box, ``lo <= hi``; may be infinite.
        gradient: ``"zero"``, ``"straight_through"`` or ``"inward"``: what reaches a clipped logit.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, NaN, or an unknown ``gradient``.
    """

    def __init__(self, lo: float, hi: float, *, gradient: str = "zero", dim: int = -1) -> None:
        super().__init__(dim=dim)
        F.check_bounds(lo, hi)
        if gradient not in F.CLAMP_GRADIENTS:
            raise ValueError(f"gradient must be one of {', '.join(F.CLAMP_GRADIENTS)}, got {gradient!r}")
        self.lo, self.hi, self.gradient = lo, hi, gradient

    def forward(self, x: Tensor) -> Tensor:
        return F.clamp(x, self.lo, self.hi, gradient=self.gradient, dim=self.dim)

    def extra_repr(self) -> str:
        return f"{self.lo}, {self.hi}, gradient={self.gradient!r}"


class SmoothClamp(Constraint):
    """`functional.smooth_clamp`: bounds by a scaled tanh.

    Args:
        lo, hi: the box, finite, ``lo <= hi``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi`` or bounds that are not finite.
    """

    def __init__(self, lo: float, hi: float, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        F.check_bounds(lo, hi, finite=True)
        self.lo, self.hi = lo, hi

    def forward(self, x: Tensor) -> Tensor:
        return F.smooth_clamp(x, self.lo, self.hi, dim=self.dim)

    def violation(self, x: Tensor) -> Tensor:
        """Distance in L2 from ``x`` to the box; the map itself is no projection."""
        return F.violation(x, lambda y: F.clamp(y, self.lo, self.hi, dim=self.dim), dim=self.dim)

    def extra_repr(self) -> str:
        return f"{self.lo}, {self.hi}"


class _Probability(Constraint):
    """A map onto the probability simplex, with a temperature that is fixed or learned.

    A learned temperature is held as its logarithm (``log_temperature``, a parameter), so that it stays positive: a
    raw one crosses zero, which turns the ranking around. It stays between 4.5e-5 and 22,026, where probabilities are
    one-hot or uniform already: exp would turn one large step into 0 or infinity, and all that follows into NaN.

    Args:
        temperature: T > 0; where learned, the value it starts from.
        learnable: whether T is a parameter.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``temperature <= 0``, NaN or infinite; where learned, also for one outside those limits.
    """

    MAX_LOG = 10.0  # float16 still holds both limits

    def __init__(self, temperature: float = 1.0, *, learnable: bool = False, dim: int = -1) -> None:
        super().__init__(dim=dim)
        F.check_positive("temperature", temperature)
        self.learnable = learnable
        if learnable:
            if abs(math.log(temperature)) > self.MAX_LOG:
                low, high = math.exp(-self.MAX_LOG), math.exp(self.MAX_LOG)
                raise ValueError(
                    f"a learned temperature lies in [{low:.2g}, {high:.5g}], got temperature={temperature}"
                )
            self.log_temperature = nn.Parameter(torch.tensor(temperature, dtype=torch.get_default_dtype()).log())
        else:
            self._temperature = temperature

    @property
    def temperature(self) -> float | Tensor:
        """T: a number, or a scalar tensor that carries its gradient."""
        if not self.learnable:
            return self._temperature
        log = F.clamp(self.log_temperature[None], -self.MAX_LOG, self.MAX_LOG, gradient="inward")
        return log[0].exp()

    def violation(self, x: Tensor) -> Tensor:
        """Distance in L2 from ``x`` to the probability simplex."""
        return F.violation(x, lambda y: F.project_simplex(y, dim=self.dim), dim=self.dim)

    def extra_repr(self) -> str:
        with torch.no_grad():  # torch warns about a number made from a tensor that requires grad
            return f"temperature={float(self.temperature):.4g}, learnable={self.learnable}"


class Softmax(_Probability):
    __doc__ = "`functional.softmax`.\n\n" + (_Probability.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(x, self.temperature, dim=self.dim)


class Sparsemax(_Probability):
    __doc__ = "`functional.sparsemax`.\n\n" + (_Probability.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.sparsemax(x, self.temperature, dim=self.dim)


class Entmax15(_Probability):
    __doc__ = "`functional.entmax15`.\n\n" + (_Probability.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.entmax15(x, self.temperature, dim=self.dim)


class _Weighted(Constraint):
    """Something with a weight lambda.

    Args:
        lam: lambda >= 0.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite.
    """

    def __init__(self, lam: float, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        F.check_nonnegative("lam", lam)
        self.lam = lam

    def extra_repr(self) -> str:
        return f"lam={self.lam}"


class ProxL1(_Weighted):
    __doc__ = "`functional.prox_l1`: soft threshold.\n\n" + (_Weighted.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.prox_l1(x, self.lam, dim=self.dim)


class ProxL2(_Weighted):
    __doc__ = "`functional.prox_l2`: shrinkage.\n\n" + (_Weighted.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.prox_l2(x, self.lam, dim=self.dim)


class PenaltyL1(_Weighted):
    __doc__ = "`functional.penalty_l1`: maps logits to a scalar for the training loss.\n\n" + (_Weighted.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.penalty_l1(x, self.lam, dim=self.dim)


class PenaltyL2(_Weighted):
    __doc__ = "`functional.penalty_l2`: maps logits to a scalar for the training loss.\n\n" + (_Weighted.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.penalty_l2(x, self.lam, dim=self.dim)


class _Sized(_Set):
    """A set with a radius.

    Args:
        radius: r > 0.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``radius <= 0``, NaN or infinite.
    """

    def __init__(self, radius: float = 1.0, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        F.check_positive("radius", radius)
        self.radius = radius

    def extra_repr(self) -> str:
        return f"radius={self.radius}"


class ProjectL1Ball(_Sized):
    __doc__ = "`functional.project_l1_ball`.\n\n" + (_Sized.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.project_l1_ball(x, self.radius, dim=self.dim)


class ProjectL2Ball(_Sized):
    __doc__ = "`functional.project_l2_ball`.\n\n" + (_Sized.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.project_l2_ball(x, self.radius, dim=self.dim)


class ProjectSimplex(_Sized):
    __doc__ = "`functional.project_simplex`.\n\n" + (_Sized.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.project_simplex(x, self.radius, dim=self.dim)


class ConstrainedOutput(NamedTuple):
    """What a `ConstrainedLinear` hands out in training."""

    logits: Tensor  # (..., C), unconstrained: for the loss
    constrained: Tensor  # (..., C): for a loss that is to see the constraint, as with a clamp
    penalty: Tensor  # scalar, 0 without a penalty: add it to the loss


class ConstrainedLinear(nn.Linear):
    """A linear layer with a constraint on its output; drops into any network.

    In evaluation it returns the constrained outputs ``(..., out_features)``. In training it returns a
    `ConstrainedOutput` of logits, constrained outputs and penalty, as torchvision's GoogLeNet and Inception return
    their auxiliary logits: a softmax that slips into a cross-entropy then fails at once instead of learning badly.
    The weights are those of ``nn.Linear``, so a plain head's ``state_dict`` loads.

    ::

        resnet.fc = ConstrainedLinear(512, 10, constraint=Clamp(-2, 2), penalty=PenaltyL2(1e-3))
        out = resnet.train()(pictures)
        loss = cross_entropy(out.logits, labels) + out.penalty
        outputs = resnet.eval()(pictures)  # in [-2, 2]

    Args:
        in_features, out_features, bias: as in ``nn.Linear``.
        constraint: a module that maps ``(..., out_features)`` to the same shape; ``None`` leaves the logits alone.
        penalty: a module that maps logits to a scalar; ``None`` adds nothing.

    Raises:
        ValueError: if ``constraint`` and ``penalty`` are swapped, or either works on another dimension than the last.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        constraint: nn.Module | None = None,
        penalty: nn.Module | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias)
        if isinstance(constraint, PenaltyL1 | PenaltyL2):
            raise ValueError(f"constraint must keep the shape of the logits, got {constraint}: pass it as penalty")
        if isinstance(penalty, Constraint) and not isinstance(penalty, PenaltyL1 | PenaltyL2):
            raise ValueError(f"penalty must give a scalar, got {penalty}: pass it as constraint")
        for module in (constraint, penalty):
            if isinstance(module, Constraint) and module.dim != -1:
                raise ValueError(f"a linear layer puts the classes last (dim=-1), got dim={module.dim}")
        self.constraint, self.penalty = constraint, penalty

    def logits(self, features: Tensor) -> Tensor:
        """``z = W h + b`` for features ``(..., in_features)``, in any mode."""
        return super().forward(features)

    def forward(self, features: Tensor) -> Tensor | ConstrainedOutput:
        logits = self.logits(features)
        constrained = logits if self.constraint is None else self.constraint(logits)
        if not self.training:
            return constrained
        penalty = logits.new_zeros(()) if self.penalty is None else self.penalty(logits)
        return ConstrainedOutput(logits, constrained, penalty)
