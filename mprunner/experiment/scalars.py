"""What a plain scalar means: YAML 1.2's core schema, less what YAML 1.1 reads as something else.

PyYAML reads YAML 1.1 and surprises in silence: ``no`` is False, ``12:30:45`` is 45045, ``010`` is 8, ``1_000`` is
1000. Other readers disagree. Such a spelling is refused, and quotes are the escape. The one exception is ``1e3``:
a float here, as in YAML 1.2, although YAML 1.1 reads it as text.
"""

import math
import re

from mprunner.values import Scalar


def _spellings(*words: str) -> list[str]:
    return [spelling for word in words for spelling in (word, word.title(), word.upper())]


_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(["", "~", *_spellings("null")]),
    **dict.fromkeys(_spellings("true"), True),
    **dict.fromkeys(_spellings("false"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_LOW, _HIGH = -(2**63), 2**63 - 1
_INTEGER_DIGITS = 20  # the longest 64-bit integer and its sign; int() of 5000 digits is an error of its own


class RefusedScalarError(Exception):
    """A plain scalar that is refused; the message is the fact.

    Attributes:
        hint: what to write instead.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def plain_scalar(text: str) -> Scalar:
    """Return what an unquoted scalar means.

    Raises:
        RefusedScalarError: YAML 1.1 and 1.2 disagree on it, or it is a number that is too large or not finite.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return _integer(text)
    _refuse_ambiguous(text)
    if _NOT_FINITE.match(text):
        raise RefusedScalarError(f"{text} is not a finite number", "only finite numbers have a place here")
    if _FLOAT.match(text):
        return _float(text)
    return text


def is_number(text: str) -> bool:
    """Return whether a text would be a number without its quotes."""
    return bool(_INTEGER.match(text) or _FLOAT.match(text))


def _integer(text: str) -> int:
    if len(text) <= _INTEGER_DIGITS and _LOW <= (value := int(text)) <= _HIGH:
        return value
    raise RefusedScalarError(
        f"{_short(text)} does not fit in 64 bits", "write it in quotes if it is meant as text"
    )


def _float(text: str) -> float:
    value = float(text)
    if math.isfinite(value):
        return value
    raise RefusedScalarError(f"{_short(text)} is too large for a number", "a number is less than 1.8e308")


def _refuse_ambiguous(text: str) -> None:
    for pattern, instead in _AMBIGUOUS:
        if pattern.match(text):
            quoted = f"'{text}' in quotes" if text == _short(text) else "it in quotes"
            meant = "true" if text.lower() in ("yes", "on") else "false"
            hint = f"{instead.format(meant=meant)}{quoted} for text"
            if pattern is _SIXTY:
                hint += '; a timeout can be written as "90s" or "2m"'
            raise RefusedScalarError(f"YAML readers disagree on what {_short(text)} means", hint)


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


_SIXTY = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_AMBIGUOUS = (
    (re.compile(rf"(?:{'|'.join(_spellings('yes', 'no', 'on', 'off'))})\Z"), "write {meant}, or "),
    (
        re.compile(r"(?=[^_]*_)[-+]?[0-9.][0-9_.]*(?:[eE][-+]?[0-9_]+)?\Z"),
        "write the number without _, or ",
    ),
    (re.compile(r"[-+]?0[0-9]+\Z"), "write the number without leading zeros, or "),
    (
        re.compile(r"[-+]?0(?:[bB][01_]+|[oO][0-7_]+|[xX][0-9a-fA-F_]+)\Z"),
        "write a decimal number, or ",
    ),
    (_SIXTY, "write "),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9][0-9:.Zz \t+-]*)?\Z"), "write "),
    (re.compile(r"(?:=|<<)\Z"), "write "),
)
