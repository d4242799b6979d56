"""The values of params, metrics and outcomes: what a table can hold so that every CSV reader reads the same."""

import math
import re
from typing import Any

Scalar = bool | int | float | str | None
"""A value of a param or a metric."""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""The C0 and C1 controls, DEL, Unicode's line separators, and lone surrogates, which UTF-8 can't hold."""

_NUMPYS_KINDS = {"b", "i", "u", "f", "U"}  # no times: theirs would be bare numbers


def as_python(value: object) -> object:
    """Return a truth value, number or text of numpy's as Python's own, any other value as it is; imports no numpy."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        dtype: Any = getattr(value, "dtype", None)
        if dtype is not None and dtype.kind in _NUMPYS_KINDS:
            return value.item()  # type: ignore[attr-defined]  # what has a dtype has it
    return value


def in_words(text: str) -> str:
    """Return text as it is, or in quotes where it reads like a value that is none: a number, ``true``, ``null``."""
    return f'"{text}"' if text.lower() in ("true", "false", "null") or _reads_as_number(text) else text


def _reads_as_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))  # as numbers are shown, with their thousands separated
    except ValueError:
        return False
    return True


def unfit(value: Scalar) -> str | None:
    """Say why a value can't stand in a table that every CSV reader reads alike, or None if it can."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which is not a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "is an integer that 64 bits don't hold"
    if value == "":
        return "is empty text, which a table can't tell from a missing value"
    if isinstance(value, str) and UNPRINTABLE.search(value):
        return "has a control character or half a character in it"
    return None
