"""Common mistakes, and what constraints do to training, tried on the bundled features: small tables for the lessons.

Each experiment sets a wrong way against a right one. All fit heads on the 6,000 features for fitting and judge them on
the 4,000 others, start from fixed seeds, use one thread and take about a second.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ... import calibration, images, models, training
from ...functional import penalty_l1, penalty_l2, project_l1_ball, prox_l1, softmax, sparsemax
from ...training import Setting
from .. import formats
from ..server.inference import network
from .settings import MODEL, samples

EPOCHS = 60
LEARNING_RATE = 0.01


@dataclass(frozen=True)
class Column:
    """A column of numbers: its title, and how the page writes them."""

    title: str
    write: Callable[[float], str]


def _whole(value: float) -> str:
    return f"{value:,.0f}".replace("-", "−")


def _number(value: float) -> str:
    return formats.short(value, 3)


COLUMNS = {
    "accuracy": Column("right answers", formats.percent),
    "confidence": Column("mean confidence", formats.percent),
    "ece": Column("calibration error (ECE)", formats.percent),
    "nll": Column("NLL", _number),
    "loss": Column("training loss", _number),
    "dead": Column("logits with no gradient", formats.percent),
    "size": Column("mean |logit|", _number),
    "largest": Column("largest |output|", _number),
    "norm": Column("mean ‖y‖₁", _number),
    "longest": Column("largest ‖y‖₁", _number),
    "zeros": Column("outputs that are exactly 0", formats.percent),
    "classes": Column("classes above 0 per picture", _number),
    "impossible": Column("true class at exactly 0", formats.percent),
    "weights": Column("weights", _whole),
    "temperature": Column("T at the end", _number),
    "highest": Column("highest logit", formats.logit),
    "surest": Column("highest probability", formats.percent),
}

Rows = Iterator[tuple[str, str, dict[str, float]]]  # key, name, figures


@dataclass(frozen=True)
class Experiment:
    """What the table is headed with, and a generator of its rows."""

    caption: str
    rows: Callable[[], Rows]


EXPERIMENTS: dict[str, Experiment] = {}


def _experiment(caption: str) -> Callable:
    """Enter a generator of rows under its own name."""

    def enter(rows: Callable[[], Rows]) -> Callable[[], Rows]:
        EXPERIMENTS[rows.__name__] = Experiment(caption, rows)
        return rows

    return enter


@functools.cache
def _rows(key: str) -> tuple:
    torch.set_num_threads(1)  # as in ui.train.fits: two threads would wait for each other at every step
    return tuple(EXPERIMENTS[key].rows())


def figures(key: str) -> dict[str, dict[str, float]]:
    """The figures of an experiment by row and column, for checks.

    Raises:
        KeyError: for an unknown key.
    """
    return {row: numbers for row, _, numbers in _rows(key)}


def run(key: str) -> dict:
    """An experiment as a table for the page: ``{"caption", "columns", "rows"}``, every cell a text.

    Raises:
        KeyError: for an unknown key.
    """
    rows = _rows(key)
    shown = list(rows[0][2])
    return {
        "caption": EXPERIMENTS[key].caption,
        "columns": ["", *(COLUMNS[name].title for name in shown)],
        "rows": [[title, *(COLUMNS[name].write(numbers[name]) for name in shown)] for _, title, numbers in rows],
    }


# Shared: a fit with any loss, and what is measured afterwards -------------------------------------------------------


def _linear(inputs: int, outputs: int, seed: int = 0) -> nn.Linear:
    """A layer whose first weights depend on the seed alone, and not on torch's global generator."""
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return layer


def _size() -> tuple[int, int]:
    """How many features and classes the bundled network's last layer has."""
    return training.data().width, len(training.data().classes)


def _last() -> nn.Linear:
    """A layer in the place of the bundled network's last one."""
    return _linear(*_size())


def _fit(model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], steps: int = EPOCHS, batch: int | None = None):
    """Fit with ``loss(outputs, labels)`` for so many steps, over all examples or over batches; the last loss."""
    x, labels = training.data().fit
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        part = slice(None) if batch is None else torch.randint(len(x), (batch,), generator=generator)
        value = loss(model(x[part]), labels[part])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return value.item()


@torch.no_grad()
def _judged(model: nn.Module) -> Tensor:
    """Outputs ``(N, C)`` for the features that judge, in float64."""
    return model(training.data().judge[0]).double()


@torch.no_grad()
def _accuracy(outputs: Tensor) -> float:
    """Right answers; a tie is a guess."""
    return calibration.accuracy(outputs.softmax(-1), training.data().judge[1]).item()


def _own() -> Tensor:
    """The bundled network's own logits ``(N, C)`` for the pictures that judge, in float64."""
    logits, fit = models.bundled().tested("logits", "fit")
    return logits[~fit].double()


def _best() -> float:
    """The T with the least NLL for the bundled network on the others: the one that Calibrate fits."""
    logits, labels, fit = models.bundled().tested("logits", "labels", "fit")
    return calibration.fit_temperature(logits[fit].float(), labels[fit].long()).temperature


_entropy = nn.functional.cross_entropy

# Mistakes ------------------------------------------------------------------------------------------------------------


@_experiment("An extra linear layer on the ten outputs, without and with a clamp to [−2, 2] in between.")
def extra_layer() -> Rows:
    def row(model: nn.Module) -> dict[str, float]:
        outputs = _judged(model)
        weights = sum(parameter.numel() for parameter in model.parameters())
        return {"accuracy": _accuracy(outputs), "weights": weights, "largest": outputs.abs().max().item()}

    features, classes = _size()
    one = _last()
    _fit(one, _entropy)
    yield "one", f"one layer, {features} → {classes}", row(one)
    two = nn.Sequential(_last(), _linear(classes, classes, seed=1))
    _fit(two, _entropy)
    yield "two", f"a second layer, {classes} → {classes}, on its outputs", row(two)
    first, second = two
    product = nn.Linear(features, classes)
    with torch.no_grad():
        product.weight.copy_(second.weight @ first.weight)
        product.bias.copy_(second.weight @ first.bias + second.bias)
    yield "product", "those two multiplied into one", row(product)
    bounded = nn.Sequential(_last(), nn.Hardtanh(-2, 2))
    _fit(bounded, _entropy)
    yield "bounded", "one layer, then the clamp", row(bounded)
    undone = nn.Sequential(_last(), nn.Hardtanh(-2, 2), _linear(classes, classes, seed=1))
    _fit(undone, _entropy)
    yield "undone", "one layer, the clamp, then a second layer", row(undone)


@_experiment("Cross-entropy takes logits. What if it is given softmax(z)?")
def double_softmax() -> Rows:
    def twice(z: Tensor, labels: Tensor) -> Tensor:
        return _entropy(z.softmax(-1), labels)

    def row(z: Tensor, labels: Tensor, loss: float) -> dict[str, float]:
        told = calibration.figures(z, labels)
        confidence = z.softmax(-1).amax(-1).mean().item()
        return {"loss": loss, "accuracy": told.accuracy, "confidence": confidence, "ece": told.ece, "nll": told.nll}

    labels = training.data().judge[1]
    for key, title, loss in (("once", "cross_entropy(z)", _entropy), ("twice", "cross_entropy(softmax(z))", twice)):
        head = _last()
        reached = _fit(head, loss)
        yield key, title, row(_judged(head), labels, reached)
    perfect = 1000.0 * nn.functional.one_hot(labels, _size()[1]).double()
    yield "floor", "the same, with every picture right and certain", row(perfect, labels, twice(perfect, labels).item())


@_experiment(
    "A temperature learned in 200 steps of Adam, step size 0.5, from T = 1, for a head whose logits are small."
)
def raw_temperature() -> Rows:
    head = _last()
    _fit(head, lambda z, labels: _entropy(z, labels) + penalty_l2(z, 0.1))
    z, labels = _judged(head), training.data().judge[1]

    def row(temperature: float) -> dict[str, float]:
        outputs = z / temperature
        nll = calibration.nll(outputs, labels).item()
        return {"temperature": temperature, "nll": nll, "accuracy": _accuracy(outputs)}

    def learned(read: Callable[[Tensor], Tensor], start: float) -> float:
        parameter = torch.tensor(start, dtype=z.dtype, requires_grad=True)
        optimizer = torch.optim.Adam([parameter], lr=0.5)
        for _ in range(200):
            loss = _entropy(z / read(parameter), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return read(parameter).item()

    yield "one", "T = 1, nothing learned", row(1.0)
    yield "raw", "T itself is the parameter", row(learned(lambda t: t, 1.0))
    yield "log", "log T is the parameter", row(learned(torch.exp, 0.0))
    yield "search", "constrained.calibration.fit_temperature", row(calibration.fit_temperature(z, labels).temperature)


@_experiment("An L2 penalty with the same λ = 0.001, summed or averaged over batches of 16 and of 1,024; 200 steps.")
def penalty_sum() -> Rows:
    def summed(z: Tensor, labels: Tensor) -> Tensor:
        return _entropy(z, labels) + 1e-3 * z.square().sum()

    def averaged(z: Tensor, labels: Tensor) -> Tensor:
        return _entropy(z, labels) + penalty_l2(z, 1e-3)

    for key, title, loss in (("sum", "sum", summed), ("mean", "mean", averaged)):
        for batch in (16, 1024):
            head = _last()
            _fit(head, loss, 200, batch)
            z = _judged(head)
            told = calibration.figures(z, training.data().judge[1])
            numbers = {"size": z.abs().mean().item(), "accuracy": told.accuracy, "nll": told.nll}
            yield f"{key}{batch}", f"{title}, batches of {batch:,}", numbers


@_experiment("An L2 penalty, λ = 0.1, with the cross-entropy and without it.")
def penalty_alone() -> Rows:
    def both(z: Tensor, labels: Tensor) -> Tensor:
        return _entropy(z, labels) + penalty_l2(z, 0.1)

    def alone(z: Tensor, labels: Tensor) -> Tensor:
        return penalty_l2(z, 0.1)

    def row(head: nn.Module, loss: float) -> dict[str, float]:
        z = _judged(head)
        return {"loss": loss, "size": z.abs().mean().item(), "accuracy": _accuracy(z)}

    for key, title, loss in (("both", "cross-entropy + penalty", both), ("alone", "penalty alone", alone)):
        head = _last()
        reached = _fit(head, loss, 150)
        yield key, title, row(head, reached)


# What constraints do --------------------------------------------------------------------------------------------------


@_experiment(
    f"A head fitted for {EPOCHS} epochs through a clamp to [0, 1], with each of three gradients, and without a clamp."
)
def clamp_gradients() -> Rows:
    kinds = (
        ("plain", "no clamp", ""),
        ("zero", "hard clamp", "clamp"),
        ("through", "straight-through gradient", "clamp_straight_through"),
        ("inward", "inward gradient", "clamp_inward"),
    )
    for key, title, method in kinds:
        box = {"lo": 0.0, "hi": 1.0} if method else {}
        *_, (told, _) = training.fit(Setting(method=method, settings=box, epochs=EPOCHS), reports=1)
        yield key, title, {"accuracy": told.accuracy, "dead": told.dead, "size": told.size}


@_experiment("The bundled network's logits for 4,000 pictures, divided by T.")
def temperatures() -> Rows:
    z, labels = _own(), training.data().judge[1]
    for key, t in (("cold", 0.25), ("one", 1.0), ("best", _best()), ("hot", 4.0)):
        told = calibration.figures(z / t, labels)
        title = f"T = {formats.short(t, 3)}" + (", fitted on 6,000 others" if key == "best" else "")
        confidence = softmax(z, temperature=t).amax(-1).mean().item()
        yield key, title, {"accuracy": told.accuracy, "confidence": confidence, "nll": told.nll, "ece": told.ece}


@_experiment("Three uses of the L1 norm; all figures are for the outputs on 4,000 pictures.")
def three_things() -> Rows:
    def row(y: Tensor) -> dict[str, float]:
        told = calibration.figures(y, training.data().judge[1])
        norm = y.abs().sum(-1)
        numbers = {"norm": norm.mean().item(), "longest": norm.max().item(), "zeros": (y == 0).double().mean().item()}
        return numbers | {"accuracy": told.accuracy, "nll": told.nll}

    plain = _last()
    _fit(plain, _entropy)
    z = _judged(plain)
    yield "plain", "nothing", row(z)
    penalised = _last()
    _fit(penalised, lambda z, labels: _entropy(z, labels) + penalty_l1(z, 0.1))
    yield "penalty", "penalty in training, λ = 0.1", row(_judged(penalised))
    yield "step", "proximal step afterwards, λ = 0.1", row(prox_l1(z, 0.1))
    yield "ball", "projection onto the ball afterwards, r = 10", row(project_l1_ball(z, 10.0))


@_experiment("The bundled network's logits for 4,000 pictures as probabilities, T = 1.")
def exact_zeros() -> Rows:
    z, labels = _own(), training.data().judge[1]
    for key, title, p in (("softmax", "softmax", softmax(z)), ("sparsemax", "sparsemax", sparsemax(z))):
        told = calibration.figures(p.log(), labels)
        numbers = {"classes": (p > 0).sum(-1).double().mean().item(), "accuracy": told.accuracy}
        yield key, title, numbers | {"impossible": told.impossible, "nll": told.nll}


@_experiment("The page's samples: the highest logit, and the probability that softmax makes of it at T = 1.")
def alarm() -> Rows:
    found = []
    for path in samples().values():
        z = torch.from_numpy(network(MODEL).logits(images.decode(path.read_bytes()))).double()
        found.append((path.stem, z))
    for name, z in sorted(found, key=lambda sample: -sample[1].max().item()):
        yield name, name, {"highest": z.max().item(), "surest": softmax(z).max().item()}
