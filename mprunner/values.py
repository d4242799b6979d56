"""The values of params, metrics and outcomes: what a table can hold so that every CSV reader reads the same.

And how values of any type are read from JSON, which may come from anyone.
"""

import math
import re
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache, partial
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Scalar = bool | int | float | str | None
"""A value of a param or a metric."""

T = TypeVar("T")

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""The C0 and C1 controls, DEL, Unicode's line separators, and lone surrogates, which UTF-8 can't hold."""


_SCALARS: Final = (bool, int, float, str, type(None))
_NUMBERS: Final = frozenset({int, float})
_LOW, _HIGH = -(2**63), 2**63 - 1
_MOST_DEPTH: Final = 50
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


class FaultWarning(UserWarning):
    """A part of what a run came to is missing, by a fault of mprunner's own."""


def guarded(what: str, make: Callable[[], T], instead: T) -> T:
    """Return what a function makes of a run's values; where it fails, which must not cost the run, something else.

    Args:
        what: what it is, for the warning that tells of its absence.
        make: makes it.
        instead: that something else: of a statistic, that it is missing.
    """
    try:
        return make()
    except Exception as error:  # whatever it is: the tables must be written
        told = f"{what} is missing, please report it: {type(error).__name__}: {error}"
        warnings.warn(told, FaultWarning, stacklevel=2)
        return instead


@cache
def reader(hint: Any) -> Callable[[Any], Any]:
    """Return what reads a value of JSON as a type that a dataclass's field may have; a list becomes a tuple.

    It is compiled once, for records are many. What it returns raises TypeError or ValueError where the value is of
    another type, or a number that is not finite; where only whole numbers are meant, one that 64 bits don't hold.
    """
    origin, given = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType) or hint in _SCALARS:
        several = given or (hint,)
        others = [reader(each) for each in several if each not in _SCALARS]
        return _scalar({each for each in several if each in _SCALARS}, others[0] if others else None)
    if origin is Literal:
        return partial(_one_of, given)
    if origin in (tuple, Sequence):
        return partial(_list, reader(given[0]))
    if origin is Mapping:
        return partial(_mapping, reader(given[1]))
    if hint is Any or issubclass(hint, Enum):
        return _any if hint is Any else cast("type[Enum]", hint)
    return cast("Callable[[Any], Any]", getattr(hint, "from_json", partial(read_fields, hint)))


def read_fields(of: Callable[..., T], value: Any, **own: Any) -> T:
    """Make a dataclass of a mapping of its fields, but for those that are its own; see :func:`reader`."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.50} is no mapping")
    readers, given, name = _readers(of), own, ""
    try:
        for name, each in value.items():
            given[name] = readers[name](each)
    except KeyError:
        raise ValueError(f"{name!r:.50} has no place there") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from error
    try:
        return of(**given)
    except TypeError:
        missing = [name for name in _required(of) if name not in given]
        raise ValueError(f"it has no {', no '.join(missing)}") from None


def _required(of: Any) -> list[str]:
    return [each.name for each in fields(of) if each.default is each.default_factory]


def read_part(of: Callable[..., T], value: Any, **own: Any) -> T:
    """Make a dataclass as :func:`read_fields` does, of a mapping that may have more in it."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.50} is no mapping")
    names = _readers(of).keys() - own
    return read_fields(of, {name: each for name, each in value.items() if name in names}, **own)


@cache
def _readers(of: Any) -> dict[str, Callable[[Any], Any]]:
    return {name: reader(hint) for name, hint in get_type_hints(of).items()}


def _scalar(scalars: set[Any], other: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
    """Return what reads a value of some of the types of scalars, and passes any other one on."""
    of = frozenset(scalars | {int} if float in scalars else scalars)
    wanted = " or ".join(sorted("null" if each not in _SCALARS[:4] else each.__name__ for each in of))

    def read(value: Any) -> Any:
        kind = type(value)
        if kind in of:
            if kind in _NUMBERS and not _LOW <= value <= _HIGH and (float not in of or not _is_finite(value)):
                raise ValueError(f"{value!r:.50} is too large")
            return value
        if other is None:
            raise TypeError(f"{value!r:.50} is not {wanted}")
        return other(value)

    return read


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float comes near to
        return False


def _one_of(choices: Sequence[Any], value: Any) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{value!r:.50} is none of {', '.join(map(str, choices))}")
    return value


def _list(read: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r:.50} is no list")
    return tuple(map(read, value))


def _mapping(read: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.50} is no mapping")
    return {name: read(each) for name, each in value.items()}


def _any(value: Any, depth: int = 0) -> Any:
    if depth > _MOST_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _any(each, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is too large")
    return value
