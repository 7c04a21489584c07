"""Numbers as the page writes them, never rounded to something false: the twin of what assets/web does."""

import decimal
import math


def _minus(text: str) -> str:
    return (
        ("−" + text[1:] if text.startswith("-") else text).replace("e-0", "e−").replace("e-", "e−").replace("e+0", "e+")
    )


# As in JavaScript: a number halfway between two is rounded away from 0, where Python rounds to the even one.


def _fixed(value: float, digits: int) -> decimal.Decimal:
    """To so many digits behind the point."""
    return decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-digits), decimal.ROUND_HALF_UP)


def _precise(value: float, digits: int) -> float:
    """To so many significant digits."""
    return float(decimal.Context(digits, decimal.ROUND_HALF_UP).create_decimal(value))


def logit(value: float) -> str:
    """A logit with its sign, at least two significant digits, and 0 only for 0: ``+5.20``."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return short(value)
    size = abs(value)
    if size >= 1e5 or size < 1e-4:
        return _minus(f"{_precise(value, 2):+.1e}")
    return _minus(f"{_precise(value, 2):+#.2g}" if size < 0.1 else f"{_fixed(value, 2):+f}")


def short(value: float, digits: int = 4) -> str:
    """Up to so many significant digits, without trailing zeros: ``1.506``."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or math.isnan(value):
        return "0" if value == 0 else "NaN"
    rounded = _precise(value, digits)
    rounded = value if math.isinf(rounded) else rounded
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return _minus(f"{mantissa}e{int(exponent):+d}")
    return _minus(f"{rounded:.{digits + 3}f}".rstrip("0").rstrip("."))


def percent(share: float) -> str:
    """A share from 0 to 1: two significant digits below 1 %, and 100 % only for 1."""
    if share in (0, 1):
        return f"{abs(share) * 100:.0f} %"
    if not math.isfinite(share):
        return short(share)
    value = share * 100
    if value < 1e-5:
        return _minus(f"{_precise(value, 2):.1e} %")
    if value < 0.995:
        return f"{_precise(value, 2):.7f}".rstrip("0").rstrip(".") + " %"
    # As many digits as it takes not to claim 100 %.
    rest = (1 - share) * 100  # exact, where 100 - value has lost digits
    digits = 1 if value < 99.95 else math.ceil(-math.log10(rest))
    return f"{_fixed(value, digits):f} %" if digits <= 10 else f"100 % − {rest:.1e}"
