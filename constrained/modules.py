"""The functions of `functional` as modules, and a linear layer that carries one of them."""

import json
import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from . import functional as F


class Constraint(nn.Module):
    """A map from logits ``(..., C, ...)`` to constrained outputs of the same shape and dtype.

    Parameters. Each can be set at any time, as in ``clamp.hi = 2.0``. A number stays a Python number. A tensor becomes
    a buffer that moves with the module and keeps its dtype, so that bounds are not rounded with the weights; an
    ``nn.Parameter`` becomes a parameter. Values are checked when they are set; ``lo <= hi`` also in every call.

    State. A ``state_dict`` says which constraint it was made with: it holds a description, a tensor of bytes, under
    ``_extra_state``. To load that of another constraint, or of the same with other parameters, is an error, and to load
    one without a description, as that of a plain ``nn.Linear``, is none. Only learned parameters are loaded; and values
    that are not there yet, because the module was made on the meta device.
    """

    elementwise: ClassVar[bool] = False  # whether each output depends on its own logit alone
    sparse: ClassVar[bool] = False  # whether it can predict a probability of exactly 0
    clips: ClassVar[bool] = False  # whether it changes only what lies beyond its bounds
    tempered: ClassVar[bool] = False  # whether it has a temperature of its own
    loss_name: ClassVar[str] = "cross-entropy of softmax(y)"  # how its loss is written
    norm: ClassVar[str] = ""  # "l1" or "l2" for a proximal step, which a penalty with the same norm can replace
    _CHECKS: ClassVar[dict[str, Callable[[str, object], float | Tensor]]] = {}  # of each parameter, by its name
    _OF_ROWS: ClassVar[tuple[str, ...]] = ()  # parameters that belong to a whole row: none differs by class

    def __init__(self, *, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._CHECKS:
            return super().__setattr__(name, value)
        check = self._CHECKS[name]
        value = check(name, value)
        if isinstance(value, Tensor) and not value.is_meta:
            for number in value.detach().flatten().tolist():
                check(name, number)
        for held in (self.__dict__, self._parameters, self._buffers):
            held.pop(name, None)
        if isinstance(value, nn.Parameter):
            self.register_parameter(name, value)
        elif isinstance(value, Tensor):
            self.register_buffer(name, value, persistent=False)  # the description has it
        else:
            super().__setattr__(name, value)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Constraint":
        exact = dict(self._buffers)
        values = exact | {name: value.detach() for name, value in self._parameters.items()}
        super()._apply(fn, recurse)
        for name, buffer in exact.items():
            if self._buffers[name].dtype != buffer.dtype:
                self._buffers[name] = buffer.to(self._buffers[name].device)
        for name, held in values.items():
            value = getattr(self, name)
            if held.is_meta and not value.is_meta:
                with torch.no_grad():
                    value.fill_(math.nan)  # to_empty: not what happens to lie in memory
        return self

    def loss(self, logits: Tensor, labels: Tensor, *, ignore_index: int = -100) -> Tensor:
        """What training minimises: a proper loss of what this constraint predicts, from the logits before it.

        Here, for all but the probability family, the cross-entropy of the constrained outputs read as logits.

        Args:
            logits: ``(..., C, ...)``, unconstrained.
            labels: the same shape without ``dim``, an integer dtype.
            ignore_index: the label of rows that do not count; they send back no gradient, whatever they hold.

        Returns:
            The mean over the rows that count, a scalar of at least float32.

        Raises:
            ValueError: for labels of another shape or dtype.
        """
        logits, labels = _counted(logits, labels, self.dim, ignore_index)
        return _cross_entropy(self(logits), labels, self.dim, ignore_index)

    def as_logits(self, logits: Tensor) -> Tensor:
        """Logits whose softmax is what a model with this constraint predicts, of the shape of ``logits``.

        Here, for all but the probability family, the constrained outputs themselves.
        """
        return self(logits)

    def blocked(self, logits: Tensor) -> Tensor:
        """The classes that no output passes a gradient to: those that learn nothing, whatever the loss.

        By autograd, for each output once up and once down, since what an inward gradient passes depends on the sign.

        Args:
            logits: ``(C,)``.

        Returns:
            ``(C,)``, bool.
        """
        count = len(logits)
        rows = logits.detach().repeat(2 * count, 1).requires_grad_()
        unit = torch.eye(count, dtype=logits.dtype, device=logits.device)
        (gradient,) = torch.autograd.grad(self(rows), rows, torch.cat([unit, -unit]))
        return (gradient == 0).all(0)

    def _values(self) -> dict[str, object]:
        """Its parameters, by the names of its arguments."""
        return {name: getattr(self, name) for name in self._CHECKS}

    def _description(self) -> dict[str, object]:
        """What the state says about this constraint; JSON can hold it."""

        def plain(value: object) -> object:
            if isinstance(value, nn.Parameter):
                return "learned"
            if not isinstance(value, Tensor):
                return value
            return None if value.is_meta or value.isnan().all() else value.tolist()  # None: no values yet

        values = {name: plain(value) for name, value in self._values().items()}
        return {"constraint": type(self).__name__} | values | {"dim": self.dim}

    def get_extra_state(self) -> Tensor:
        text = json.dumps(self._description())
        return torch.tensor(list(text.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: object) -> None:
        """Raises ValueError for the state of another constraint."""
        try:
            theirs = json.loads(bytes(state.tolist()))
            text = _written(theirs)
            theirs.setdefault("dim", self.dim)  # a state of before there was one
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            raise ValueError("the description of its constraint cannot be read") from error
        for name, value in self._description().items():
            if value is None and isinstance(theirs.get(name), (int, float, list)):
                empty = getattr(self, name)
                device = state.device if empty.is_meta else empty.device
                full = torch.tensor(theirs[name], dtype=empty.dtype, device=device)
                if full.shape == empty.shape:
                    setattr(self, name, full)
        if theirs != json.loads(json.dumps(self._description())):
            raise ValueError(
                f"this state belongs to {text}, and is loaded into {_written(self._description())}: make that one "
                "first, or leave out the key if only the weights are wanted"
            )

    def _load_from_state_dict(self, state_dict, prefix, metadata, strict, missing, unexpected, errors):
        if not any(key.startswith(prefix) for key in state_dict):
            return  # that of a plain layer
        try:
            super()._load_from_state_dict(state_dict, prefix, metadata, strict, missing, unexpected, errors)
        except ValueError as error:
            errors.append(f"{prefix}_extra_state: {error}")
        key = f"{prefix}_extra_state"
        missing[:] = [name for name in missing if name != key]  # a state of before there were descriptions

    def extra_repr(self) -> str:
        parts = [f"{name}={_short(value)}" for name, value in self._values().items()]
        return ", ".join(parts if self.dim == -1 else [*parts, f"dim={self.dim}"])


def _short(value: object) -> str:
    """A parameter as it is printed: six digits, and of a tensor the shape."""
    if isinstance(value, Tensor):
        if value.numel() != 1 or value.is_meta:
            return f"tensor of shape {tuple(value.shape)}"
        value = value.item()
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _written(description: dict) -> str:
    """A description as a person reads it."""
    arguments = {name: value for name, value in description.items() if name != "constraint"}
    return f"{description['constraint']}({', '.join(f'{name}={value!r:.60}' for name, value in arguments.items())})"


def _counted(logits: Tensor, labels: Tensor, dim: int, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Logits in at least float32 whose rows that do not count are zeros, and labels in int64.

    What is not finite in a row that does not count would reach shared weights.
    """
    at = dim % max(logits.ndim, 1)
    shape = (*logits.shape[:at], *logits.shape[at + 1 :])
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool or tuple(labels.shape) != shape:
        raise ValueError(
            f"labels must be whole numbers of shape {shape}, one for each row of logits of shape "
            f"{tuple(logits.shape)}, got {labels.dtype} of shape {tuple(labels.shape)}"
        )
    labels = labels.long()
    logits = logits if logits.dtype in (torch.float32, torch.float64) else logits.float()
    ignored = labels == ignore_index
    return (logits if F.any_known(ignored) is False else torch.where(ignored.unsqueeze(dim), 0, logits)), labels


def _cross_entropy(logits: Tensor, labels: Tensor, dim: int, ignore_index: int) -> Tensor:
    """torch's own, along the dimension in which the numbers lie in memory.

    A softmax over few classes is several times faster where the batch, and not the classes, comes last.
    """
    logits, labels = logits.movedim(dim, 0).flatten(1) if logits.ndim > 1 else logits[:, None], labels.flatten()
    if logits.stride(0) == 1:
        return nn.functional.cross_entropy(logits.T, labels, ignore_index=ignore_index)
    return nn.functional.cross_entropy(logits[None], labels[None], ignore_index=ignore_index)


def _ordered(lo: float | Tensor, hi: float | Tensor) -> None:
    if not isinstance(lo, Tensor) and not isinstance(hi, Tensor):
        F.bounds(lo, hi)
        return
    low, high = torch.as_tensor(lo), torch.as_tensor(hi)
    if not (low.is_meta or high.is_meta) and (low > high).any():
        raise ValueError(f"lo must not be greater than hi, got lo={lo} and hi={hi}")


def _gradient(name: str, value: object) -> str:
    if value not in F.CLAMP_GRADIENTS:
        raise ValueError(f"{name} must be one of {', '.join(F.CLAMP_GRADIENTS)}, got {value!r:.50}")
    return value


class _Box(Constraint):
    """A constraint whose results lie between two bounds."""

    elementwise = True

    def violation(self, x: Tensor) -> Tensor:
        """Distance in L2 from ``x`` to the box, with its own gradient, whatever that of the map is."""
        return F.violation(x, lambda y: F.clamp(y, self.lo, self.hi, dim=self.dim), dim=self.dim)


class Clamp(_Box):
    """`functional.clamp`: hard bounds.

    Args:
        lo, hi: the box, ``lo <= hi``: numbers, tensors or lists with a number for each class, or None for an infinite
            one.
        gradient: ``"zero"``, ``"straight_through"`` or ``"inward"``: what reaches a clipped logit.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, NaN, what is no number, or an unknown ``gradient``.
    """

    clips = True
    _CHECKS: ClassVar = {"lo": F.bound, "hi": F.bound, "gradient": _gradient}

    def __init__(self, lo: float | Tensor | None, hi: float | Tensor | None, *, gradient: str = "zero", dim: int = -1):
        super().__init__(dim=dim)
        self.lo, self.hi, self.gradient = lo, hi, gradient
        _ordered(self.lo, self.hi)

    def forward(self, x: Tensor) -> Tensor:
        return F.clamp(x, self.lo, self.hi, gradient=self.gradient, dim=self.dim)


def _finite_bound(name: str, value: object) -> float | Tensor:
    return F.bound(name, value, finite=True)


class _FiniteBox(_Box):
    """Finite bounds.

    Args:
        lo, hi: the box, finite, ``lo <= hi``: numbers, tensors or lists with a number for each class.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lo > hi``, bounds that are not finite, or what is no number.
    """

    _CHECKS: ClassVar = {"lo": _finite_bound, "hi": _finite_bound}

    def __init__(self, lo: float | Tensor, hi: float | Tensor, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.lo, self.hi = lo, hi
        _ordered(self.lo, self.hi)


class SmoothClamp(_FiniteBox):
    __doc__ = "`functional.smooth_clamp`: bounds by a scaled tanh.\n\n" + (_FiniteBox.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.smooth_clamp(x, self.lo, self.hi, dim=self.dim)


class ScaledSigmoid(_FiniteBox):
    __doc__ = "`functional.scaled_sigmoid`: bounds by a sigmoid of the logit.\n\n" + (_FiniteBox.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_sigmoid(x, self.lo, self.hi, dim=self.dim)


class Softplus(_Box):
    """`functional.softplus`: a smooth bound on one side.

    Args:
        lo, hi: the bound: one of them, finite: a number, or a tensor or list with one for each class.
        beta: > 0: how sharply it bends; a number, or a tensor or list with one for each class.
        dim: the dimension of the classes.

    Raises:
        ValueError: unless one of ``lo`` and ``hi`` is given, for a bound that is not finite, or ``beta <= 0``.
    """

    _CHECKS: ClassVar = {"lo": F.bound, "hi": F.bound, "beta": F.positive}

    def __init__(
        self,
        lo: float | Tensor | None = None,
        hi: float | Tensor | None = None,
        *,
        beta: float | Tensor = 1.0,
        dim: int = -1,
    ) -> None:
        super().__init__(dim=dim)
        if (lo is None) == (hi is None):
            raise ValueError(f"give one of lo and hi, got lo={lo} and hi={hi}")
        self._finite = "hi" if lo is None else "lo"
        self.lo, self.hi, self.beta = lo, hi, beta

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("lo", "hi") and name == self._finite:
            value = _finite_bound(name, value)
        elif name in ("lo", "hi") and value is not None:
            raise ValueError(f"this bound is {self._finite}: make another one for {name}")
        super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        end = {self._finite: getattr(self, self._finite)}
        return F.softplus(x, **end, beta=self.beta, dim=self.dim)


def _temperature(name: str, value: object) -> float | Tensor:
    return F.positive("temperature", value)


class _Probability(Constraint):
    """A map onto the probability simplex, with a temperature that is fixed or learned.

    A learned temperature is held as its logarithm (``log_temperature``, a parameter), so that it stays positive: a
    raw one crosses zero, which turns the ranking around. It stays between 4.5e-5 and 22,026, where probabilities are
    one-hot or uniform already: exp would turn one large step into 0 or infinity, and all that follows into NaN.
    ``temperature`` can be set in both cases.

    Args:
        temperature: T > 0; where learned, the value it starts from. It has to be named: where torch's own softmax has
            its first argument, it has ``dim``.
        learnable: whether T is a parameter.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``temperature <= 0``, NaN or infinite; where learned, also for one outside those limits or more
            than one number; for an ``nn.Parameter``, which could cross zero.
    """

    tempered = True
    MAX_LOG = 10.0  # float16 still holds both limits
    _CHECKS: ClassVar = {"_fixed": _temperature}
    _OF_ROWS = ("temperature",)

    def __init__(self, *, temperature: float | Tensor = 1.0, learnable: bool = False, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.learnable = learnable
        if learnable:
            self.log_temperature = nn.Parameter(torch.zeros((), dtype=torch.get_default_dtype()))
        self.temperature = temperature

    def __setattr__(self, name: str, value: object) -> None:
        if name == "temperature":  # a module would try to register a tensor under that name
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def temperature(self) -> float | Tensor:
        """T: a number, or a scalar tensor that carries its gradient."""
        if not self.learnable:
            return self._fixed
        log = F.clamp(self.log_temperature[None], -self.MAX_LOG, self.MAX_LOG, gradient="inward")
        return log[0].exp()

    @temperature.setter
    def temperature(self, value: object) -> None:
        if isinstance(value, nn.Parameter):
            raise ValueError("a temperature that is a parameter can cross zero: say learnable=True, which holds log T")
        if not self.learnable:
            self._fixed = value
            return
        value = F.positive("temperature", value)
        if isinstance(value, Tensor):
            if value.numel() != 1:
                raise ValueError(f"a learned temperature is one number, got temperature of shape {tuple(value.shape)}")
            value = F.positive("temperature", value.item())
        if abs(math.log(value)) > self.MAX_LOG:
            low, high = math.exp(-self.MAX_LOG), math.exp(self.MAX_LOG)
            raise ValueError(f"a learned temperature lies in [{low:.2g}, {high:.5g}], got temperature={value}")
        with torch.no_grad():
            self.log_temperature.fill_(math.log(value))

    def violation(self, x: Tensor) -> Tensor:
        """Distance in L2 from ``x`` to the probability simplex."""
        return F.violation(x, lambda y: F.project_simplex(y, dim=self.dim), dim=self.dim)

    def _values(self) -> dict[str, object]:
        others = {name: getattr(self, name) for name in self._CHECKS if name != "_fixed"}
        with torch.no_grad():  # torch warns about a number made from a tensor that requires grad
            return {"temperature": self.temperature, "learnable": self.learnable} | others

    def _description(self) -> dict[str, object]:
        return super()._description() | ({"temperature": "learned"} if self.learnable else {})


class Softmax(_Probability):
    __doc__ = "`functional.softmax`.\n\n" + (_Probability.__doc__ or "")

    loss_name = "−log p(target)"

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(x, temperature=self.temperature, dim=self.dim)

    def loss(self, logits: Tensor, labels: Tensor, *, ignore_index: int = -100) -> Tensor:
        """The mean of ``-log p(label)``: the cross-entropy of the logits over T. Arguments as in `Constraint.loss`.

        ``cross_entropy(softmax(logits), labels)`` would take a second softmax.
        """
        logits, labels = _counted(logits, labels, self.dim, ignore_index)
        return _cross_entropy(self.as_logits(logits), labels, self.dim, ignore_index)

    def as_logits(self, logits: Tensor) -> Tensor:
        """The logits over T."""
        return F.over_temperature(logits, self.temperature, self.dim).to(logits.dtype)


class _Sparse(_Probability):
    __doc__ = _Probability.__doc__

    sparse = True
    loss_name = "Fenchel-Young"

    def loss(self, logits: Tensor, labels: Tensor, *, ignore_index: int = -100) -> Tensor:
        r"""The Fenchel-Young loss of this map, in logits over T. Arguments as in `Constraint.loss`.

        :math:`\langle p, u \rangle - \Omega(p) - u_{label}` with :math:`u = z / T` (Blondel et al. 2020, table 1). It
        is finite where ``-log p`` is not, and its gradient with respect to u is p minus the one-hot label.
        """
        logits, labels = _counted(logits, labels, self.dim, ignore_index)
        counted = labels != ignore_index
        p = self(logits)
        top = p.detach()  # the maximiser: its own derivative does not count (Danskin) in the first derivative
        u = F.over_temperature(logits, self.temperature, self.dim)
        true = u.gather(self.dim, torch.where(counted, labels, 0).unsqueeze(self.dim)).squeeze(self.dim)
        # A class that is excluded has the logit -inf and no part in the sum. The last two terms are 0, and so are their
        # gradients; they bring in what p does in further derivatives.
        inside = top > 0
        reached = torch.where(inside, top * torch.where(inside, u, 0), 0)
        turned = torch.where(inside, (p - top) * torch.where(inside, u - u.detach(), 0), 0) - self._divergence(p, top)
        each = (reached - self._negentropy(top) + turned).sum(self.dim) + self._constant - true
        return torch.where(counted, each, 0).sum() / counted.sum()

    def as_logits(self, logits: Tensor) -> Tensor:
        """The logarithm of the probabilities, ``-inf`` where a class has none."""
        p = self(logits)
        return torch.where(p > 0, torch.where(p > 0, p, 1).log(), -math.inf)


class Sparsemax(_Sparse):
    __doc__ = "`functional.sparsemax`.\n\n" + (_Probability.__doc__ or "")

    _constant = 1 / 2

    @staticmethod
    def _negentropy(p: Tensor) -> Tensor:
        return p.square() / 2

    @staticmethod
    def _divergence(p: Tensor, q: Tensor) -> Tensor:
        """Of the entropy, from q to p: what it has beyond its tangent at q (Bregman)."""
        return (p - q).square() / 2

    def forward(self, x: Tensor) -> Tensor:
        return F.sparsemax(x, temperature=self.temperature, dim=self.dim)


class Entmax15(_Sparse):
    __doc__ = "`functional.entmax15`.\n\n" + (_Probability.__doc__ or "")

    _constant = 4 / 3

    @staticmethod
    def _negentropy(p: Tensor) -> Tensor:
        return p.pow(1.5) * (4 / 3)

    @staticmethod
    def _divergence(p: Tensor, q: Tensor) -> Tensor:
        """As for sparsemax: 4/3 (p^1.5 - q^1.5) - 2 q^0.5 (p - q), as a product, whose gradient at p = q is 0."""
        a, b = (torch.where(q > 0, v, 1).sqrt() for v in (p, q))
        return (a - b).square() * (2 * a + b) * (2 / 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.entmax15(x, temperature=self.temperature, dim=self.dim)


class _Weighted(Constraint):
    """Something with a weight lambda.

    Args:
        lam: lambda >= 0: a number, or a tensor or list with one for each class.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``lam < 0``, NaN or infinite, or what is no number.
    """

    _CHECKS: ClassVar = {"lam": F.nonnegative}

    def __init__(self, lam: float | Tensor, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.lam = lam


class ProxL1(_Weighted):
    __doc__ = "`functional.prox_l1`: soft threshold.\n\n" + (_Weighted.__doc__ or "")

    elementwise = True
    norm = "l1"

    def forward(self, x: Tensor) -> Tensor:
        return F.prox_l1(x, self.lam, dim=self.dim)


class ProxL2(_Weighted):
    __doc__ = "`functional.prox_l2`: shrinkage.\n\n" + (_Weighted.__doc__ or "")

    elementwise = True
    norm = "l2"

    def forward(self, x: Tensor) -> Tensor:
        return F.prox_l2(x, self.lam, dim=self.dim)


class _Penalty(_Weighted):
    __doc__ = _Weighted.__doc__

    def loss(self, *_, **__) -> Tensor:
        raise TypeError("a penalty is a term of a loss and has none of its own: pass it to a ConstrainedLinear")

    as_logits = loss


class PenaltyL1(_Penalty):
    __doc__ = "`functional.penalty_l1`: maps logits to a scalar for the training loss.\n\n" + (_Weighted.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.penalty_l1(x, self.lam, dim=self.dim)


class PenaltyL2(_Penalty):
    __doc__ = "`functional.penalty_l2`: maps logits to a scalar for the training loss.\n\n" + (_Weighted.__doc__ or "")

    def forward(self, x: Tensor) -> Tensor:
        return F.penalty_l2(x, self.lam, dim=self.dim)


class _Sized(Constraint):
    """A set with a radius, to whose nearest point it maps.

    Args:
        radius: r > 0: a number, or a tensor with one for each row, of size 1 along ``dim``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``radius <= 0``, NaN or infinite, or what is no number.
    """

    _CHECKS: ClassVar = {"radius": F.positive}
    _OF_ROWS = ("radius",)

    def __init__(self, radius: float | Tensor = 1.0, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.radius = radius

    def violation(self, x: Tensor) -> Tensor:
        """Distance in L2 from ``x`` to the set; `functional.violation`."""
        return F.violation(x, self, dim=self.dim)


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
    """What a `ConstrainedLinear` hands out, in training and in evaluation."""

    logits: Tensor  # (..., C), unconstrained
    constrained: Tensor  # (..., C)
    penalty: Tensor  # scalar, a term of the training loss; 0 in evaluation and without a penalty


class ConstrainedLinear(nn.Linear):
    """A linear layer with a constraint on its output; drops into any network.

    It returns a `ConstrainedOutput` of logits, constrained outputs and penalty, in training and in evaluation. One
    tensor could be taken for either: a softmax that slips into a cross-entropy learns badly, or judges wrongly,
    without a word, and a tuple there is an error at once. The loss that fits the constraint is `loss`.
    The weights are those of ``nn.Linear``, so a plain head's ``state_dict`` loads.

    ::

        resnet.fc = ConstrainedLinear(512, 10, constraint=Clamp(-2, 2), penalty=PenaltyL2(1e-3))
        out = resnet.train()(pictures)
        loss = resnet.fc.loss(out.logits, labels)
        outputs = resnet.eval()(pictures).constrained  # in [-2, 2]

    Args:
        in_features, out_features, bias, device, dtype: as in ``nn.Linear``.
        constraint: a module that maps ``(..., out_features)`` to the same shape; ``None`` leaves the logits alone.
        penalty: a module that maps logits to a scalar; ``None`` adds nothing.

    Raises:
        ValueError: if ``constraint`` and ``penalty`` are swapped, or either works on another dimension than the last or
            has parameters for another number of classes.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        constraint: nn.Module | None = None,
        penalty: nn.Module | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        if isinstance(constraint, _Penalty):
            raise ValueError(f"constraint must keep the shape of the logits, got {constraint}: pass it as penalty")
        if isinstance(penalty, Constraint) and not isinstance(penalty, _Penalty):
            raise ValueError(f"penalty must give a scalar, got {penalty}: pass it as constraint")
        for module in (constraint, penalty):
            if not isinstance(module, Constraint):
                continue
            if module.dim != -1:
                raise ValueError(f"a linear layer puts the classes last (dim=-1), got dim={module.dim}")
            for name, value in module._values().items():
                if not isinstance(value, Tensor) or value.ndim == 0 or value.shape[-1] == 1:
                    continue
                if name in module._OF_ROWS:
                    raise ValueError(f"{name} belongs to a whole row, not to a class, got {tuple(value.shape)}")
                if value.shape[-1] != out_features:
                    raise ValueError(
                        f"{name} must have a number for each of the {out_features} classes, got {value.shape[-1]}"
                    )
        self.constraint, self.penalty = constraint, penalty

    def logits(self, features: Tensor) -> Tensor:
        """``z = W h + b`` for features ``(..., in_features)``, in any mode."""
        return super().forward(features)

    def forward(self, features: Tensor) -> ConstrainedOutput:
        # What follows a network by its operations takes a layer's last one for its output: the constrained one.
        penalised = self.training and self.penalty is not None
        penalty = None if penalised else features.new_zeros(())
        logits = self.logits(features)
        penalty = self.penalty(logits) if penalised else penalty
        if self.constraint is None:
            return ConstrainedOutput(logits, logits.view_as(logits) if penalised else logits, penalty)
        return ConstrainedOutput(logits, self.constraint(logits), penalty)

    def loss(self, logits: Tensor, labels: Tensor, *, ignore_index: int = -100) -> Tensor:
        """What training minimises: the loss that fits the constraint (`Constraint.loss`), and the penalty.

        Without a constraint the loss is the cross-entropy of the logits; with one that is not of this library, the
        cross-entropy of the constrained outputs read as logits.

        Args:
            logits: ``(..., C)``, unconstrained: the ``logits`` of what the layer gives.
            labels: ``(...,)``, an integer dtype.
            ignore_index: the label of rows that do not count, in the loss and in the penalty; a penalty that is not of
                this library is given zeros in their place.

        Returns:
            A scalar of at least float32.

        Raises:
            ValueError: for labels of another shape or dtype.
        """
        z = logits
        if self.penalty is not None or not isinstance(self.constraint, Constraint):
            z, labels = _counted(logits, labels, -1, ignore_index)
        if isinstance(self.constraint, Constraint):
            loss = self.constraint.loss(z, labels, ignore_index=ignore_index)
        else:
            loss = _cross_entropy(z if self.constraint is None else self.constraint(z), labels, -1, ignore_index)
        if self.penalty is None:
            return loss
        # Rows that do not count are zeros now and cost nothing, but the penalty's mean is over all rows.
        share = labels.numel() / (labels != ignore_index).sum() if isinstance(self.penalty, _Penalty) else 1.0
        return loss + share * self.penalty(z)
