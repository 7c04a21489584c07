"""The table that the page, the twin and the API share."""

import math
from dataclasses import replace

import pytest
import torch

from constrained import functional, modules, registry
from constrained.parameters import Mask, Number, Vector
from constrained.registry import PARAMETERS, REGISTRY

DEFAULTS = {key: parameter.default for key, parameter in PARAMETERS.items()}


@pytest.mark.parametrize("key", REGISTRY)
def test_every_entry_builds_and_keeps_the_shape(key):
    x = torch.randn(3, 7)
    y = registry.build(key, DEFAULTS)(x)
    assert y.shape == x.shape
    assert REGISTRY[key].family in registry.FAMILIES


@pytest.mark.parametrize("key", REGISTRY)
def test_formulas_name_only_what_exists(key):
    """Every {name} is a parameter of the entry, z, y, or one of the numbers that its twin reports."""
    reported = {"middle", "half", "top", "sum", "tau", "theta", "norm"}
    entry = REGISTRY[key]
    known = {p.key for p in entry.parameters} | reported
    entry.formula.format_map(dict.fromkeys(known, 0))
    entry.example.format_map(dict.fromkeys(known | {"z", "y"}, 0))


def test_every_constraint_of_the_library_can_be_chosen():
    built = {type(registry.build(key, DEFAULTS)) for key in REGISTRY}
    constraints = {getattr(modules, name) for name in modules.__dict__ if name[0].isupper()}
    constraints = {c for c in constraints if isinstance(c, type) and issubclass(c, modules.Constraint)}
    assert constraints - built == {modules.Constraint, modules.PenaltyL1, modules.PenaltyL2}
    gradients = {registry.build(k, DEFAULTS).gradient for k in REGISTRY if k.startswith("clamp")}
    assert gradients == set(functional.CLAMP_GRADIENTS)


NUMBERS = [parameter for parameter in PARAMETERS.values() if isinstance(parameter, Number)]


@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda p: p.key)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, True, None, "1", [1], 1e9, -1e9, 10**400])
def test_numbers_from_outside_are_checked(parameter, bad):
    with pytest.raises(ValueError, match=parameter.key):
        parameter.check(bad)


@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda p: p.key)
def test_the_whole_range_is_accepted(parameter):
    for value in (parameter.default, parameter.low, parameter.high, 0 if parameter.zero else parameter.low):
        assert parameter.check(value) == value


def test_unknown_methods_are_named():
    with pytest.raises(ValueError, match="'relu'"):
        registry.build("relu", DEFAULTS)


def test_crossed_bounds_are_refused():
    with pytest.raises(ValueError, match=r"lo=3\.0 and hi=1\.0"):
        registry.build("clamp", DEFAULTS | {"lo": 3, "hi": 1})


@pytest.mark.parametrize("key", REGISTRY)
def test_what_an_entry_says_of_its_module_is_what_the_module_does(key):
    # Not all defaults: some change nothing.
    moved = {p.key: p.high / 2 for p in PARAMETERS.values() if isinstance(p, Vector)} | {"lam": 2.0}
    masks = {p.key: [True] + [False] * 5 for p in PARAMETERS.values() if isinstance(p, Mask)}
    entry, constraint = REGISTRY[key], registry.build(key, DEFAULTS | moved)
    z = torch.randn(50, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 4
    y = constraint(z)
    alone = torch.cat([constraint(z[:, [i]]) for i in range(z.shape[1])], dim=1)
    assert constraint.elementwise == torch.equal(y, alone)
    assert entry.elementwise == (constraint.elementwise and all(isinstance(p, Number) for p in entry.parameters))
    masked = registry.build(key, DEFAULTS | moved | masks)
    assert entry.sparse == (masked.as_logits(z) == -math.inf).any().item()
    inside = (z > y.min()) & (z < y.max())
    assert inside.any()
    assert entry.clips == torch.equal(y[inside], z[inside])


@pytest.mark.parametrize(
    ("key", "family", "changes"),
    [("clamp", "probability", {}), ("softmax", "probability", {"high": 30.0})],
    ids=["of two families", "two of one name"],
)
def test_a_key_means_one_parameter(monkeypatch, key, family, changes):
    """One of them would be taken for the other in silence."""
    parameters = tuple(replace(p, **changes) for p in REGISTRY[key].parameters)
    twin = replace(REGISTRY[key], key="twin", family=family, parameters=parameters)
    monkeypatch.setitem(registry.REGISTRY, "twin", twin)
    with pytest.raises(ValueError, match=f"twin takes another {parameters[0].key}"):
        registry._parameters()
