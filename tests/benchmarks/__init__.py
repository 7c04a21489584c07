"""Measurements, each a module that prints a table; `__main__` runs them."""

import statistics


def spread(values: list[float], form: str = ".2f") -> str:
    """The median, and the range where there is one."""
    median, least, most = (format(v, form) for v in (statistics.median(values), min(values), max(values)))
    return median if least == most else f"{median} ({least} to {most})"
