"""Numbers in lessons are written as the page writes them: formats.py against its twin in JavaScript."""

import math

import numpy as np

from constrained.page import formats

from .driver import load

RNG = np.random.default_rng(3)


def numbers() -> dict[str, list[float]]:
    """For each way of writing, numbers of every size, none of them just between two roundings."""
    sizes = RNG.normal(0, 1, 300) * 10.0 ** RNG.integers(-9, 8, 300)
    small = 10.0 ** -RNG.uniform(0, 14, 150)
    nearly = 1 - np.arange(1, 20) * 2.0**-53
    shares = np.concatenate([small, 1 - small, nearly, RNG.uniform(0, 1, 100), [0, 1]])
    whole = np.array([0, 1, -1, 20, -20, 100, 12344, 1e5, -2e5])
    return {"logit": [*sizes, *whole], "short": [*sizes, *whole, math.inf, -math.inf], "percent": [*shares]}


def test_python_and_the_page_write_numbers_alike(browser):
    page = browser.new_page()
    load(page, "twins/formats.js", "formats")
    for name, values in numbers().items():
        values = [float(value) for value in values]
        shown = page.evaluate("([name, values]) => values.map((v) => formats[name](v))", [name, values])
        assert shown == [getattr(formats, name)(value) for value in values], name
    page.close()
