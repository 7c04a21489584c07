"""Settings of the Explore tab as lessons and links spell them."""

import functools
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from ... import models, registry, shipped
from ...parameters import Number

SAMPLES = shipped.ROOT / "assets" / "samples"
MODEL = models.BUNDLED  # what lessons speak about
FIRST = {family: next(iter(registry.family(family))) for family in registry.FAMILIES}  # what the page opens with
NAMES = {parameter.link: parameter for parameter in registry.PARAMETERS.values()}  # in links


def setting(query: str, over: str = "") -> str:
    """A setting of the Explore tab in full and in one order, so that nothing is left to what stood there before.

    Args:
        query: for example ``image=cat&family=bounded&method=clamp&lo=-2``.
        over: the same for what is different from ``query``.

    Raises:
        ValueError: for a key or a value that the page would refuse.
    """
    known = _read(query) | _read(over)
    if "image" not in known or "family" not in known:
        raise ValueError("a setting needs image= and family=")
    values = {p.key: p.read(known[name], labels()) if name in known else p.default for name, p in NAMES.items()}
    for key, parameter in registry.PARAMETERS.items():
        least = parameter.above if isinstance(parameter, Number) else ""
        if least and values[least] > values[key]:
            raise ValueError(f"{least}={values[least]:g} is above {key}={values[key]:g}")
    family = known["family"]
    told = {"image": known["image"], "model": MODEL, "family": family, "method": known.get(family, FIRST[family])}
    told |= {key: known[key] for key in (*registry.FAMILIES, *NAMES, "k", "gradient", "target") if key in known}
    told.pop(family, None)
    return urlencode(told)


def _read(query: str) -> dict[str, str]:
    """A query as a dictionary in which every family has its own method; checks keys and values."""
    known = {}
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    for key, value in pairs:
        if key in known:
            raise ValueError(f"{key}= is there twice")
        known[key] = value
    method = known.pop("method", None)
    if method is not None:
        if method not in registry.REGISTRY:
            raise ValueError(f"method={method} is not in the registry")
        family = registry.REGISTRY[method].family
        if known.setdefault("family", family) != family:
            raise ValueError(f"method={method} is {family}, not {known['family']}")
        known[family] = method
    among = {"family": registry.FAMILIES, "image": samples(), "target": labels(), "gradient": ("1",)}
    among |= {family: registry.family(family) for family in registry.FAMILIES}
    for key, value in known.items():
        if key in among:
            if value not in among[key]:
                raise ValueError(f"{key}={value} is not one of {', '.join(among[key])}")
        elif key in NAMES:
            NAMES[key].read(value, labels())
        elif key != "k" or not value.isdecimal() or not 2 <= int(value) <= len(labels()):
            raise ValueError(f"{key}={value} is no part of a setting")
    return known


@functools.cache
def samples() -> dict[str, Path]:
    """The sample pictures by name."""
    return {path.stem: path for path in sorted(SAMPLES.glob("*.jpg"))}


@functools.cache
def labels() -> tuple[str, ...]:
    """The classes of the bundled network."""
    return models.bundled().labels
