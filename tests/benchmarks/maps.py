"""`constrained.functional`, forward and backward, against what people would use: python -m tests.benchmarks.maps

Sparsemax and 1.5-entmax stand against the entmax package: its sort, and its bisection. The projections stand against
entmax's sparsemax, scaled, and with signs for the L1 ball; against the sort of Duchi et al. 2008 in plain PyTorch, as
repositories and gists share it; and, in the compiled columns, against optax under `jax.jit`. Each cell compares with
the fastest of them there. Compiled, that is the fastest of theirs with and without torch.compile; only bisection stays
as it is, since torch.compile takes minutes over the fifty steps of the one and fails with the other.

Before a cell is measured, results are compared, at 1e-5: outputs with theirs in float64, then outputs and gradients
with one another. Gradients jump where a class enters the support, so rows count whose supports are the same, and those
must be 99 in 100. Logits are float32 with a standard deviation of 2. All take turns, and nothing is compiled meanwhile.
Most of the time is the compilers', so that a second run, for which torch remembers, takes a part of it.

optax is needed for nothing else: pip install "jax[cpu]" optax
"""

import importlib.util
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import entmax
import torch
from torch import Tensor

from constrained import functional as F

CLASSES, BATCHES, RADIUS = (10, 1000), (1, 64, 4096), 1.5
SECONDS, FEWEST = 0.6, 5  # measured in a cell, and repetitions at least
JAX = all(importlib.util.find_spec(name) for name in ("jax", "optax"))

Run = Callable[[], tuple[Tensor, Tensor]]  # an output and the gradient that reaches the logits


def signed(x: Tensor) -> Tensor:
    """Nearest point of the L1 ball, by entmax."""
    size = x.abs()
    outside = x.sign() * RADIUS * entmax.sparsemax(size / RADIUS, -1)
    return torch.where(size.sum(-1, keepdim=True) <= RADIUS, x, outside)


def duchi(x: Tensor) -> Tensor:
    """Nearest point of the L1 ball, by a sort."""
    size = x.abs()
    ordered = size.sort(dim=-1, descending=True).values
    excess = ordered.cumsum(-1) - RADIUS
    rank = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    last = (ordered * rank > excess).sum(-1, keepdim=True).clamp_min(1)
    theta = (excess.gather(-1, last - 1) / last).clamp_min(0)
    return x.sign() * (size - theta).clamp_min(0)


# Ours, and theirs by name.
MAPS: dict[str, tuple[Callable, dict[str, Callable]]] = {
    "sparsemax": (
        F.sparsemax,
        {"sort": lambda x: entmax.sparsemax(x, -1), "bisection": lambda x: entmax.sparsemax_bisect(x, -1)},
    ),
    "entmax15": (
        F.entmax15,
        {"sort": lambda x: entmax.entmax15(x, -1), "bisection": lambda x: entmax.entmax_bisect(x, 1.5, -1)},
    ),
    "project_simplex": (
        lambda x: F.project_simplex(x, RADIUS),
        {"entmax": lambda x: RADIUS * entmax.sparsemax(x / RADIUS, -1)},
    ),
    "project_l1_ball": (lambda x: F.project_l1_ball(x, RADIUS), {"entmax": signed, "sort": duchi}),
}


def run_of(f: Callable, x: Tensor, direction: Tensor) -> Run:
    """Forward and backward of a function of torch."""
    x = x.clone().requires_grad_()
    if len(x) > 1:
        torch._dynamo.mark_dynamic(x, 0)  # compiled once for all batches but that of one

    def run() -> tuple[Tensor, Tensor]:
        y = f(x)
        return y.detach(), torch.autograd.grad(y, x, direction)[0]

    return run


def run_of_optax(name: str, x: Tensor, direction: Tensor) -> Run:
    """Forward and backward of optax's projection of the same name, compiled as one."""
    import jax
    import optax

    project = {
        "project_simplex": optax.projections.projection_simplex,
        "project_l1_ball": optax.projections.projection_l1_ball,
    }[name]

    @jax.jit
    def both(x, direction):
        y, back = jax.vjp(jax.vmap(lambda row: project(row, RADIUS)), x)
        return y, back(direction)[0]

    x, direction = (jax.numpy.asarray(t.numpy()) for t in (x, direction))

    def run() -> tuple[Tensor, Tensor]:
        y, gradient = jax.block_until_ready(both(x, direction))
        return torch.from_dlpack(y), torch.from_dlpack(gradient)

    return run


def check(runs: dict[str, Run], exact: Tensor) -> None:
    """Raise unless all results are those of the first, and that is the exact one."""
    (y, gradient), *others = (run() for run in runs.values())
    torch.testing.assert_close(y.double(), exact, atol=1e-5, rtol=1e-5)
    for name, (other, its_gradient) in zip(list(runs)[1:], others, strict=True):
        same = ((y != 0) == (other != 0)).all(-1)
        if same.double().mean() < 0.99:
            raise AssertionError(f"{name}: another support in more than one row of a hundred")
        for a, b in ((y, other), (gradient[same], its_gradient[same])):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


def measure(runs: dict[str, Run]) -> dict[str, float]:
    """Median seconds of each, taking turns."""
    often = {}
    for name, run in runs.items():
        started = time.perf_counter()
        run()
        often[name] = max(1, int(0.002 / (time.perf_counter() - started)))
    taken = {name: [] for name in runs}
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(taken["ours"]) < FEWEST:
        for name, run in runs.items():
            started = time.perf_counter()
            for _ in range(often[name]):
                run()
            taken[name].append((time.perf_counter() - started) / often[name])
    return {name: statistics.median(times) for name, times in taken.items()}


def cells(name: str, classes: int) -> dict[tuple[str, int], str]:
    """By mode and batch: how many times faster than the fastest of theirs, and which that is."""
    ours, theirs = MAPS[name]
    torch._dynamo.reset()
    compiled = {key: torch.compile(f) for key, f in (("ours", ours), *theirs.items()) if key != "bisection"}
    result = {}
    for batch in BATCHES:
        torch.manual_seed(batch)
        x, direction = 2 * torch.randn(batch, classes), torch.randn(batch, classes)
        exact = next(iter(theirs.values()))(x.double())
        plain = {key: run_of(f, x, direction) for key, f in theirs.items()}
        faster = {f"compiled {key}": run_of(f, x, direction) for key, f in compiled.items()}
        runs = {"eager": {"ours": run_of(ours, x, direction), **plain}}
        runs["compiled"] = {"ours": faster.pop("compiled ours"), **plain, **faster}
        if JAX and name.startswith("project"):
            runs["compiled"]["optax"] = run_of_optax(name, x, direction)
        for mode, each in runs.items():
            check(each, exact)
            seconds = measure(each)
            best = min((key for key in seconds if key != "ours"), key=seconds.get)
            ratio = seconds[best] / seconds["ours"]
            short = ratio < (3 if classes == 1000 else 1)
            told = f"**{ratio:.1f}**" if short else f"{ratio:.1f}"
            result[mode, batch] = f"{told} {best.removeprefix('compiled ')}"
            print(
                name, classes, mode, batch, {key: f"{1e6 * value:.0f} us" for key, value in seconds.items()}, flush=True
            )
    return result


def table() -> str:
    columns = [(mode, batch) for mode in ("eager", "compiled") for batch in BATCHES]
    heads = [f"{mode}, {'one row' if batch == 1 else f'{batch:,} rows'}" for mode, batch in columns]
    lines = ["| times faster | classes | " + " | ".join(heads) + " |", "|---" * (2 + len(columns)) + "|"]
    for name in MAPS:
        for classes in CLASSES:
            found = cells(name, classes)
            lines.append(f"| `{name}` | {classes:,} | " + " | ".join(found[column] for column in columns) + " |")
    jax = f"optax {version('optax')} on jax {version('jax')}" if JAX else "optax is not installed and not compared"
    packages = f"torch {version('torch')}, entmax {version('entmax')}, {jax}"
    lines += [
        "",
        f"Forward and backward, {torch.get_num_threads()} threads, {packages}. Beside each figure stands the fastest "
        "of the others there; bold is what falls short of the goal: 1 with 10 classes, 3 with 1,000.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
