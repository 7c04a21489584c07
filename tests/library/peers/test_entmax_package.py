"""What the entmax package's tests ask of its maps and losses, asked of ours, with its own answers."""

import math

import entmax
import pytest
import torch
from torch.autograd import gradcheck

from constrained import Entmax15, Sparsemax
from constrained import functional as F

pytestmark = pytest.mark.slow

MAPS = {
    "sparsemax": (F.sparsemax, entmax.sparsemax, 2.0),
    "entmax15": (F.entmax15, entmax.entmax15, 1.5),
}
LOSSES = {"sparsemax": (Sparsemax, entmax.SparsemaxLoss), "entmax15": (Entmax15, entmax.Entmax15Loss)}


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
@pytest.mark.parametrize("name", MAPS)
def test_values_and_gradients_along_any_dimension(name, dim):
    ours, theirs, alpha = MAPS[name]
    for seed in range(5):
        x, weight = 2 * random(4, 5, 6, seed=seed), random(4, 5, 6, seed=seed + 100)
        results = []
        for function in (
            lambda x: ours(x, dim=dim),
            lambda x: theirs(x, dim=dim),
            lambda x: entmax.entmax_bisect(x, alpha=alpha, dim=dim, n_iter=60),
        ):
            z = x.clone().requires_grad_()
            y = function(z)
            results.append((y.detach(), *torch.autograd.grad((y * weight).sum(), z)))
        for other in results[1:]:
            for mine, wanted in zip(results[0], other, strict=True):
                torch.testing.assert_close(mine, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", MAPS)
def test_thirty_thousand_classes(name):
    ours, theirs, _ = MAPS[name]
    for seed in range(5):
        x = 0.5 * random(10, 30_000, seed=seed, dtype=torch.float32)
        p = ours(x)
        assert (p - theirs(x, dim=1)).square().sum() < 1e-9
        torch.testing.assert_close(p.sum(1), torch.ones(10))


@pytest.mark.parametrize("k", [2, 3, 5, 10, 50, None])
@pytest.mark.parametrize("name", MAPS)
def test_their_partial_sort_gives_the_same(name, k):
    """They sort the k largest first, and more if those do not suffice; ours sorts none."""
    ours, theirs, _ = MAPS[name]
    for scale in (0.01, 1.0, 30.0):
        x = scale * random(20, 50, seed=4)
        torch.testing.assert_close(ours(x), theirs(x, dim=1, k=k), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", MAPS)
def test_gradcheck(name):
    ours = MAPS[name][0]
    for seed in range(10):
        x = random(4, 6, seed=seed).requires_grad_()
        assert gradcheck(ours, (x,), eps=1e-6)
        temperature = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        assert gradcheck(lambda x, t: ours(x, temperature=t), (x, temperature), eps=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", MAPS)
def test_masked_classes_are_as_if_they_were_not_there(name, dtype):
    ours, theirs, _ = MAPS[name]
    x = random(2, 6, seed=42, dtype=dtype)
    x[:, 3:] = -math.inf
    p = ours(x)
    torch.testing.assert_close(p[:, :3], theirs(x[:, :3], dim=1))
    torch.testing.assert_close(p, theirs(x, dim=1))
    assert (p[:, 3:] == 0).all()


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_sums_to_one_under_autocast(name, dtype):
    ours, theirs, _ = MAPS[name]
    for seed in range(5):
        x = random(1000, seed=seed, dtype=torch.float32)
        with torch.autocast("cpu", dtype=dtype):
            p = ours(x.to(dtype))
        eps = torch.finfo(dtype).eps
        assert p.dtype == dtype
        assert p.double().sum().item() == pytest.approx(1, abs=4 * eps)
        torch.testing.assert_close(p.double(), theirs(x.to(dtype).double(), dim=-1), rtol=eps, atol=eps / 4)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_equal_theirs(name):
    kind, theirs = LOSSES[name]
    for seed in range(10):
        x, labels = 2 * random(8, 10, seed=seed), random(8, 10, seed=seed + 50).argmax(1)
        for ignored in (-100, labels[0].item()):
            z, copy = x.clone().requires_grad_(), x.clone().requires_grad_()
            mine = kind().loss(z, labels, ignore_index=ignored)
            wanted = theirs(ignore_index=ignored, reduction="sum")(copy, labels) / (labels != ignored).sum()
            torch.testing.assert_close(mine, wanted, rtol=1e-9, atol=1e-12)
            gradients = torch.autograd.grad(mine, z)[0], torch.autograd.grad(wanted, copy)[0]
            torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_have_the_properties_of_fenchel_young(name):
    constraint = LOSSES[name][0]()
    x, labels = random(20, 6, seed=1), random(20, 6, seed=2).argmax(1)
    each = torch.stack([constraint.loss(row[None], label[None]) for row, label in zip(x, labels, strict=True)])
    assert (each >= 0).all()
    assert each.mean().item() == pytest.approx(constraint.loss(x, labels).item(), rel=1e-12)
    assert gradcheck(lambda z: constraint.loss(z, labels), (x.requires_grad_(),))
    sure = torch.full((1, 6), -50.0)
    sure[0, 3] = 50.0
    assert constraint.loss(sure, torch.tensor([3])).item() == 0, "with a margin there is nothing left to lose"
    # An ignored row can only take its own part away.
    first = labels[0].item()
    counted = (labels != first).sum()
    assert constraint.loss(x, labels, ignore_index=first) * counted < constraint.loss(x, labels) * len(labels)
