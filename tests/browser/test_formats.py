"""Numbers in lessons are written as the page writes them: constrained/formats.py against assets/page.js."""

import math

import numpy as np

from constrained import formats

RNG = np.random.default_rng(3)


def numbers() -> dict[str, list[float]]:
    """For each way of writing, numbers of every size, none of them just between two roundings."""
    sizes = RNG.normal(0, 1, 300) * 10.0 ** RNG.integers(-9, 8, 300)
    small = 10.0 ** -RNG.uniform(0, 14, 150)
    shares = np.concatenate([small, 1 - small, RNG.uniform(0, 1, 100), [0, 1]])
    whole = np.array([0, 1, -1, 20, -20, 100, 12345, 1e5, -2e5])
    return {"logit": [*sizes, *whole], "short": [*sizes, *whole, math.inf, -math.inf], "percent": [*shares]}


def test_python_and_the_page_write_numbers_alike(visit):
    page = visit().page
    for name, values in numbers().items():
        shown = page.evaluate("([name, values]) => values.map((v) => page[name](v))", [name, [float(v) for v in values]])
        wrong = [
            (value, told, getattr(formats, name)(value))
            for value, told in zip(map(float, values), shown, strict=True)
            if told != getattr(formats, name)(value)
        ]
        assert wrong == [], name
