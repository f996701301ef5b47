"""Shares, Dice and probabilities as text. app/web/numbers.js writes the same. Knows of nothing else in the project."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# Decimals at most. A number nearer to an end is written as a bound.
_MOST = 6


def percent(share: float, digits: int = 1) -> str:
    """A share in percent. Only 0 and 1 are "0 %" and "100 %".

    Args:
        share: From 0 to 1.
        digits: Decimals; there are more where rounding would make 0 or 100 of another share.

    Returns:
        "12.3 %", "0.041 %", "99.99 %".
    """
    return _between(100 * share, 100, digits) + " %"


def ratio(value: float, digits: int = 3) -> str:
    """A Dice or a probability. Only 0 and 1 are "0" and "1".

    Args:
        value: From 0 to 1.
        digits: Decimals; there are more where rounding would make 0 or 1 of another value.

    Returns:
        "0.123", "0.00041", "0.9999".
    """
    return _between(value, 1, digits)


def _between(value: float, end: int, digits: int) -> str:
    """A number from 0 to an end. Rounding never makes it an end that it is not."""
    # NumPy's smaller numbers are no floats.
    value = float(value)
    if value in (0, end):
        return str(int(value))
    near = min(value, end - value)
    if near < 0 or near * 10**digits > 0.5:
        return _rounded(value, digits)
    small = value == near
    if near * 10**_MOST < 0.5:
        bound = Decimal(10) ** -_MOST
        return f"< {bound:f}" if small else f"> {end - bound:f}"
    # A small number needs two digits to be compared with others; near the end one of what is missing is enough.
    decimals = next((n for n in range(digits, _MOST) if near * 10**n >= (10 if small else 1)), _MOST)
    return _rounded(value, decimals)


def _rounded(value: float, decimals: int) -> str:
    # Python's own format rounds a tie to the even digit, the browser's rounds it up.
    return f"{Decimal(value).quantize(Decimal(10) ** -decimals, ROUND_HALF_UP):f}"
