"""How values of any type are read from JSON, which may come from anyone: by the types of a dataclass's fields."""

import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache, partial
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_SCALARS: Final = (bool, int, float, str, type(None))
_NUMBERS: Final = frozenset({int, float})
_LOW, _HIGH = -(2**63), 2**63 - 1
_MOST_DEPTH: Final = 50


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
