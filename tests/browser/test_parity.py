"""assets/web/twins/constraints.js against PyTorch: every entry of the registry, in a real browser."""

import base64
import itertools
import json
import math
import re

import numpy as np
import pytest
import torch

from constrained import registry
from constrained.parameters import Mask, Parameter, Value, Vector
from constrained.registry import REGISTRY

from .driver import load

RNG = np.random.default_rng(7)
INF = math.inf
LOGITS = {
    "random": RNG.normal(0, 4, 10),
    "two classes": RNG.normal(0, 2, 2),
    "one class": np.array([3.0]),
    "1000 classes": RNG.normal(0, 3, 1000),
    "1000 classes, far apart": RNG.normal(0, 1e4, 1000),
    "tied": np.array([1.5, 1.5, -0.5, 1.5, -0.5, 0.0, 0.0, 2.5, 2.5, -3.0]),
    "two tied at the top": np.array([9.0, 9.0, -4.0, -8.0]),
    "1000 classes, tied": np.round(RNG.normal(0, 3, 1000)),
    "zeros": np.zeros(5),
    "all equal": np.full(7, 1.25),
    "all equal and huge": np.full(7, -1e6),
    "huge, 1e4": RNG.normal(0, 1e4, 10),
    "huge, 1e6": RNG.normal(0, 1e6, 10),
    "huge and close": 1e6 + RNG.normal(0, 1, 10),
    "tiny": RNG.normal(0, 1e-6, 10),
    "tiny and huge": np.array([1e6, -1e6, 1e-6, -1e-6, 1.0, 0.0]),
    "negative": -np.abs(RNG.normal(0, 4, 10)) - 1,
    "one class far ahead": np.array([30.0, -1.0, -2.0, -3.0, 0.0]),
    "one class not zero": np.array([0.0, 50.0, 0.0]),
    "on the bounds": np.array([-20.0, -2.0, 0.0, 4.0, 20.0, 0.5, -0.5, 10.0, -10.0, 0.001]),
    "a hair off the bounds": np.nextafter(np.array([-2.0, 0.0, 4.0, 0.5, -0.5]), [-9, 9, 9, -9, 9]),
}
EXCLUDED = {
    "one excluded": np.array([1.0, -INF, 2.0, 0.5]),
    "all but one excluded": np.array([-INF, -7.0, -INF]),
    "excluded, huge": np.array([1e6, -INF, -1e6, 1e6]),
}
NO_ANSWER = {
    "all excluded": np.array([-INF, -INF]),
    "plus infinity": np.array([1.0, INF, 2.0]),
    "minus infinity": np.array([1.0, -INF, 2.0]),
    "not a number": np.array([1.0, math.nan, 2.0]),
}
SIMPLEX = {"softmax", "sparsemax", "entmax15", "project_simplex"}

# What an output may be off by, beside 1e-6 of itself, as a share of the largest one. Maps that subtract a threshold
# cannot do better: the threshold is rounded on that scale (2e-16, times the number of classes it is summed over).
# The others are a few operations on one number each, and get nothing but the smallest float.
SUBTRACTS = {
    "smooth_clamp",
    "softplus",
    "softplus_upper",
    "scaled_sigmoid",
    "sparsemax",
    "entmax15",
    "project_l1_ball",
    "project_simplex",
}
SMALLEST = np.finfo(float).tiny

RUN = """(cases) => {
  const numbers = (text) => new Float64Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const bytes = (array) => btoa(Array.from(new Uint8Array(array.buffer), (b) => String.fromCharCode(b)).join(''));
  return JSON.stringify(JSON.parse(cases).map(([key, z, settings]) => {
    const { y, dead, named } = constraints.methods[key](numbers(z), settings);
    return [bytes(y), bytes(dead), named];
  }));
}"""


@pytest.fixture(scope="module")
def twins(browser):
    """A blank page that knows assets/web/twins/constraints.js and nothing else."""
    page = browser.new_page()
    load(page, "twins/constraints.js", "constraints")
    yield page
    page.close()


def grid(parameter: Parameter, classes: int) -> list[Value]:
    """Both ends of a parameter's range, its default, the middle of its slider, and 0 where that is allowed.

    Of what differs by class the default, and values for each class.
    """
    p = parameter
    if isinstance(p, Mask):
        return [False, [i % 2 == 1 for i in range(classes)], [i == 0 for i in range(classes)]]
    if isinstance(p, Vector):
        ends = [(p.low, p.default, p.high)[i % 3] for i in range(classes)]
        return [p.default, ends, np.random.default_rng(classes).uniform(p.low, p.high, classes).tolist()]
    middle = math.sqrt(p.low * p.high) if p.scale == "log" else (p.low + p.high) / 2
    return sorted({p.low, p.high, p.default, middle} | ({0.0} if p.zero else set()))


def settings_of(key: str, classes: int = 10) -> list[dict[str, Value]]:
    """Every combination of the grids that the library accepts: not lo > hi."""
    found = []
    for values in itertools.product(*(grid(p, classes) for p in REGISTRY[key].parameters)):
        settings = {p.key: value for p, value in zip(REGISTRY[key].parameters, values, strict=True)}
        try:
            registry.build(key, settings)
        except ValueError:
            continue
        found.append(settings)
    return found


def in_browser(page, key: str, cases: dict[str, np.ndarray]):
    """Yields name, logits, settings, and what the browser makes of them: y, dead, named; all in one exchange."""
    wanted = [(name, z, s) for name, z in cases.items() for s in settings_of(key, len(z))]
    sent = [(key, base64.b64encode(z.astype("<f8").tobytes()).decode(), s) for _, z, s in wanted]
    got = json.loads(page.evaluate(RUN, json.dumps(sent)))
    for (name, z, settings), (y, dead, named) in zip(wanted, got, strict=True):
        y, dead = np.frombuffer(base64.b64decode(y), "<f8"), np.frombuffer(base64.b64decode(dead), "u1")
        yield f"{key} {settings} of {name}", z, settings, y, dead.astype(bool), named


def in_torch(key: str, z: np.ndarray, settings: dict[str, Value]) -> np.ndarray:
    return registry.build(key, settings)(torch.from_numpy(z)).numpy()


def off_by(key: str, settings: dict[str, Value], y: np.ndarray) -> float:
    """The absolute error that rounding explains."""
    if key not in SUBTRACTS:
        return SMALLEST
    return 1e-12 * np.abs([*y, settings.get("lo", 0.0), settings.get("hi", 0.0)]).max()


def test_every_entry_has_a_twin_and_every_twin_an_entry(twins):
    assert sorted(twins.evaluate("() => Object.keys(constraints.methods)")) == sorted(REGISTRY)


def test_parity_is_tried_at_the_ends_of_every_range():
    assert {(s["lo"], s["hi"]) for s in settings_of("clamp")} >= {(-20, -20), (20, 20), (-20, 20), (-2, 1.5)}
    assert {s["temperature"] for s in settings_of("softmax")} >= {0.05, 1, 20}
    assert {s["lam"] for s in settings_of("prox_l1")} >= {0, 0.001, 0.5, 10}
    assert {s["radius"] for s in settings_of("project_simplex")} >= {0.1, 3, 100}


@pytest.mark.parametrize("key", REGISTRY)
def test_outputs(twins, key):
    cases = LOGITS | (EXCLUDED if key in SIMPLEX else {})
    wrong = []
    for name, z, settings, y, _, _ in in_browser(twins, key, cases):
        expected = in_torch(key, z, settings)
        answered = ~(np.isnan(y) & np.isnan(expected))  # a mask can leave no class
        y, expected = y[answered], expected[answered]
        floor = off_by(key, settings, expected)
        error = np.abs(y - expected) - 1e-6 * np.abs(expected)
        if not (error <= floor).all():
            wrong.append(f"{name}: off by {np.abs(y - expected).max():.3g}")
        elif (((y == 0) != (expected == 0)) & (np.maximum(np.abs(y), np.abs(expected)) > floor)).any():
            wrong.append(f"{name}: exact zeros elsewhere")
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("key", REGISTRY)
def test_nothing_finite_is_invented_for_what_is_not(twins, key):
    for name, z, settings, y, _, _ in in_browser(twins, key, NO_ANSWER):
        np.testing.assert_allclose(y, in_torch(key, z, settings), rtol=1e-6, equal_nan=True, err_msg=name)


@pytest.mark.parametrize("key", [key for key in REGISTRY if key != "clamp_inward"])
def test_dead_is_where_no_gradient_comes_back(twins, key):
    """Not clamp_inward: what it lets through depends on the sign of the gradient, and so on the loss."""
    cases = LOGITS | (EXCLUDED if key in SIMPLEX else {})
    wrong = []
    for name, z, settings, y, dead, _ in in_browser(twins, key, {n: z for n, z in cases.items() if len(z) <= 10}):
        # One backward pass for the whole Jacobian: row i of the batch asks for the gradient of output i.
        batch = torch.from_numpy(z).expand(len(z), -1).clone().requires_grad_()
        outputs = registry.build(key, settings)(batch)
        (jacobian,) = torch.autograd.grad(outputs.diagonal().sum(), batch)
        flat = (jacobian == 0).all(0).numpy()
        differ = (dead != flat) & ~at_a_kink(key, settings, z, y)
        if differ.any():
            wrong.append(f"{name}: logits {z[differ]}, dead {dead[differ]}, gradient {jacobian[:, differ].tolist()}")
    assert not wrong, "\n".join(wrong[:5])


def at_a_kink(key: str, settings: dict[str, Value], z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where rounding decides on which side of a threshold, or of the last float below 1, a class lies."""
    if key == "smooth_clamp":
        half = (settings["hi"] - settings["lo"]) / 2
        rest = half - np.abs(y - (settings["lo"] + settings["hi"]) / 2)
        return (half > 0) & (rest > 0) & (rest < 1e-14 * half)
    if key == "scaled_sigmoid":
        rest = np.minimum(y - settings["lo"], settings["hi"] - y)
        return (rest > 0) & (rest < 1e-14 * (settings["hi"] - settings["lo"]))
    if key in SUBTRACTS:
        return (y != 0) & (y <= 1e-12 * np.abs(y).max())
    return np.zeros(len(z), bool)


def bisect(excess, low: float, high: float) -> float:
    """Where a function that falls from positive to negative is 0."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def threshold(values: torch.Tensor, total: float, power: int = 1) -> float:
    """The tau for which the sum of max(v - tau, 0) ** power is ``total``."""
    top = values.max().item()
    centred = values - top  # the threshold is searched where floats are dense
    return top + bisect(lambda tau: ((centred - tau).clamp_min(0) ** power).sum() - total, -(total ** (1 / power)), 0.0)


def named_in_torch(key: str, z: torch.Tensor, s: dict[str, float]) -> dict[str, float]:
    """The numbers in the formulas, each from what defines it and not from how the library finds it."""
    if key == "smooth_clamp":
        return {"middle": (s["lo"] + s["hi"]) / 2, "half": (s["hi"] - s["lo"]) / 2}
    if key == "softmax":
        total = torch.logsumexp((z - z.max()) / s["temperature"], 0).exp()
        return {"top": z.max().item(), "sum": total.item()}
    if key == "sparsemax":
        return {"tau": threshold(z / s["temperature"], 1)}
    if key == "entmax15":
        return {"tau": threshold(z / s["temperature"] / 2, 1, power=2)}
    if key == "project_simplex":
        return {"tau": threshold(z, s["radius"])}
    if key == "project_l1_ball":
        return {"theta": 0.0 if z.abs().sum() <= s["radius"] else threshold(z.abs(), s["radius"])}
    if key == "project_l2_ball":
        return {"norm": torch.linalg.vector_norm(z).item()}
    return {}


@pytest.mark.parametrize("key", REGISTRY)
def test_the_numbers_in_the_formula(twins, key):
    few = {name: z for name, z in LOGITS.items() if len(z) <= 10}
    for name, z, settings, _, _, named in in_browser(twins, key, few):
        expected = named_in_torch(key, torch.from_numpy(z), settings)
        assert sorted(named) == sorted(expected), name
        for symbol, value in expected.items():
            scale = np.abs(z).max() / settings.get("temperature", 1)  # what a threshold was subtracted from
            assert named[symbol] == pytest.approx(value, rel=1e-6, abs=1e-12 * scale), f"{symbol} in {name}"


@pytest.mark.parametrize("key", REGISTRY)
def test_formulas_name_nothing_that_is_not_there(twins, key):
    entry = REGISTRY[key]
    *_, named = next(in_browser(twins, key, {"random": LOGITS["random"]}))
    known = {p.key for p in entry.parameters} | set(named)
    assert set(re.findall(r"\{(\w+)\}", entry.formula)) <= known
    assert set(re.findall(r"\{(\w+)\}", entry.example)) <= known | {"z", "y"}


# What differs by class, as a text -------------------------------------------------------------------------------------

LABELS = ["cat", "dog", "a, b", "twin", "twin", "=", "#7", " space ", "*", "Ä"]
OFFSET = Vector("offset", "b", "b, offset", "Added.", default=0.5, low=-5.0, high=5.0)
EXCLUDED_CLASSES = Mask("excluded", "M", "M, excluded", "Left out.")
TEXTS = [
    *(
        "",
        "cat=2",
        "cat=2; dog=-1",
        "*=1; cat=0.5",
        "3",
        "1,2,3,4,5,-1,-2,-3,-4,-5",
        "#2=1e-3, Ä=.5",
        "cat = −2\ndog=+1",
    ),
    *(
        "cat=9",
        "cat",
        "cat=",
        "=1",
        "cat=1_0",
        "cat=0x1",
        "cat=nan",
        "1,2,3",
        "bird=1",
        "twin=1",
        "#12=1",
        "cat=1;cat=2",
    ),
    *("cat; dog", "#2", "twin", "*", "cat; *", "bird", "cat; cat"),
]


@pytest.mark.parametrize("parameter", [OFFSET, EXCLUDED_CLASSES], ids=lambda p: p.kind)
def test_texts_say_the_same_in_python_and_in_the_browser(browser, parameter):
    page = browser.new_page()
    load(page, "twins/parameters.js", "texts")
    read = """([parameter, text, labels]) => {
      const { error } = texts.parse(parameter, text, labels.length);
      const { value, unknown, repeated } = texts.resolve(parameter, text, labels);
      return error || unknown.length || repeated.length ? null : [value, texts.spell(parameter, text, labels)];
    }"""
    good = 0
    for text in TEXTS:
        found = page.evaluate(read, [parameter.facts(), text, LABELS])
        try:
            wanted = parameter.read(text, LABELS)
        except ValueError:
            assert found is None, text
            continue
        assert found == [wanted, parameter.spell(wanted, LABELS)], text
        again = parameter.read(found[1], LABELS)
        assert torch.equal(*(torch.tensor(v).expand(len(LABELS)) for v in (again, wanted))), text
        good += 1
    assert 3 <= good < len(TEXTS) - 3
    page.close()
