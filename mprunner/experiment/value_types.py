"""The types of an experiment file's values: sizes, CPUs, names, durations, and what is said of others."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, WrapValidator

from mprunner.experiment.document import Node, ScalarNode, SequenceNode
from mprunner.experiment.messages import NUMBER, SCALAR_TYPES, VALUE_TYPES, Keywords, fault, text_fault
from mprunner.experiment.problems import quoted
from mprunner.model.adaptive import MIN_REPEATS

UNITS: Final = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
LEAST_MEMORY: Final = 64 << 20
"""An interpreter with a plugin takes a good part of this."""

LEAST_OUTPUT: Final = 64 << 10
"""The traceback of a failure must fit, or it would be told as too much output."""

MOST: Final = 1 << 50

MOST_PROCESSES: Final = 32_768
"""What a kernel allows by default, on small machines."""

MAX_RULES = 100
MAX_ADAPTIVE_REPEATS = 10_000
"""A look at the interval of so many values takes about a second, between two trials."""

MAX_NAME = 100
NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{MAX_NAME - 1}}}\Z")
MAX_TRIALS_PER_CASE = 1_000_000
MAX_EXCLUSIONS = 100
MAX_CPU = 8191
MAX_TIMEOUT_S = 7 * 24 * 3600.0

_AMOUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([A-Za-z]+)\Z")
_EXAMPLES = "write bytes, or a number with B, kB, MB, GB, KiB, MiB or GiB, such as 512MiB"
_TIMES = {"us": Decimal("1e-6"), "ms": Decimal("1e-3"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
_NUMBER_AND = "^[0-9]+(\\.[0-9]+)? ?({})$"
TIME: Final = _NUMBER_AND.format("|".join(_TIMES))
"""What JSON Schema says of a time with its unit."""

SIZE: Final = _NUMBER_AND.format("|".join(UNITS))
"""What JSON Schema says of a size with its unit."""

PATTERNS: Final = {"s": TIME, "ms": TIME, "us": TIME, "bytes": SIZE}
"""How a value of a unit may be written besides as a number, by the unit."""


def measured(node: Node, unit: str) -> Node:
    """Return a node with numbers of a unit for what is written with another, such as ``10ms`` where it is ``s``."""
    match node:
        case ScalarNode():
            return measured_scalar(node, unit)
        case SequenceNode(items=items):
            return replace(node, items=tuple(measured(item, unit) for item in items))
    return node


def measured_scalar(node: ScalarNode, unit: str) -> ScalarNode:
    """Return the same of a single value."""
    number = _in_unit(node.value, unit) if isinstance(node.value, str) else None
    return node if number is None else replace(node, value=number)


def example_of(unit: str) -> str:
    """Return the hint how a number of such a unit can be written."""
    such = (
        f"a unit ({', '.join(UNITS)}), as in 64KiB"
        if unit == "bytes"
        else "a unit (us, ms, s, m, h), as in 10ms"
    )
    return f"write digits, such as 10, or digits with {such}"


def _in_unit(text: str, unit: str) -> int | float | None:
    """Return a text with a number and a unit as a number of another unit; None if it is none of that kind."""
    units: Mapping[str, Decimal | int] = _TIMES if unit in _TIMES else UNITS
    match = _AMOUNT.match(text) if unit in PATTERNS else None
    if match is None or match[2] not in units:
        return None
    number = (
        Decimal(match[1]) * units[match[2]] / units.get(unit, 1)
    )  # decimal: 7us is 7e-06 as it is written
    return int(number) if number == int(number) else float(number)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size_from(least: int) -> Callable[[object], object]:
    def check(value: object) -> object:
        size = _size_in_bytes(value) if isinstance(value, str) else value
        if isinstance(size, int) and not isinstance(size, bool) and not least <= size <= MOST:
            bound = f"at least {_shown_size(least)}" if size < least else f"at most {_shown_size(MOST)}"
            raise fault(f"must be {bound}, not {_shown_size(size)}", _EXAMPLES)
        return size

    return check


def _size_in_bytes(text: str) -> int:
    match = _AMOUNT.match(text)
    unit = next((unit for unit in UNITS if match and unit.lower() == match[2].lower()), None)
    if match is None or unit is None:
        raise fault(f"{quoted(text)} is not a size", _EXAMPLES)
    if match[2] != unit:
        raise fault(f"{quoted(text)} is not a size", f"the unit is written {unit}: {match[1]}{unit}")
    return int(float(match[1]) * UNITS[unit])


def _shown_size(size: int) -> str:
    """Return a size as a file says it: in the largest binary unit of which it is a whole number."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def _in_words(least: int) -> WithJsonSchema:
    """Return what JSON Schema says of a size in bytes."""
    return WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": least}, {"type": "string", "pattern": SIZE}]}
    )


Memory = Annotated[int, BeforeValidator(_size_from(LEAST_MEMORY)), _in_words(LEAST_MEMORY)]
Output = Annotated[int, BeforeValidator(_size_from(LEAST_OUTPUT)), _in_words(LEAST_OUTPUT)]


def _name(value: str) -> str:
    if not NAME.match(value):
        letters = "use lower-case letters, digits and hyphens, such as 'my-bank'"
        hint = f"use at most {MAX_NAME} characters" if len(value) > MAX_NAME else letters
        raise fault(f"{quoted(value)} can't be a name", hint)
    return value


def _fit_text(value: str) -> str:
    if found := text_fault(value):
        raise fault(found.message, found.hint)
    return value


def _fit_lines(value: str) -> str:
    if found := text_fault(value, lines=True):
        raise fault(found.message, found.hint)
    return value


Name = Annotated[
    str,
    AfterValidator(_name),
    Keywords({"maxLength": MAX_NAME, "pattern": "^[a-z0-9][a-z0-9-]*$"}),
]
"""What can name a folder."""

Text = Annotated[str, AfterValidator(_fit_text)]
"""Text of one line."""

Lines = Annotated[str, AfterValidator(_fit_lines)]
"""Text of any number of lines."""


def _one_value(instead: str) -> BeforeValidator:
    """Return what refuses a mapping, and a list with the hint what to do instead."""

    def check(value: object) -> object:
        if isinstance(value, dict):
            raise fault("must be one value, not a mapping")
        if isinstance(value, list):
            raise fault("must be one value, not a list", instead)
        return value

    return BeforeValidator(check)


def _blocks(value: object) -> object:
    if isinstance(value, dict):
        return [value]
    if value is not None and not isinstance(value, list):
        raise fault("must be a mapping of params to values, or a list of such mappings")
    return value


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return float(value) if _is_number(value) else value  # type: ignore[arg-type]  # it is one
    if (seconds := _in_unit(value, "s")) is None:
        hint = 'write seconds, such as 90, or "500ms", "90s", "2m" or "1h"'
        raise fault(f"{quoted(value)} is not a time", hint)
    return float(seconds)


_NOT_EMPTY = Field(min_length=1)
_SCALAR = WithJsonSchema({"type": SCALAR_TYPES})
_Fixed = Annotated[Any, _one_value("a param with several values belongs under sweep"), _SCALAR]
_Excluded = Annotated[Any, _one_value("write one mapping for each value"), _SCALAR]
_Compared = Annotated[Any, _one_value("write the one that others are compared with"), _SCALAR]

Values = dict[str, _Fixed]
"""Params with one value each."""


Baseline = dict[str, _Compared]
"""Some values of the cases that others are compared with; none, if nothing is to be compared."""

Exclusions = Annotated[
    list[Annotated[dict[str, _Excluded], _NOT_EMPTY]], Field(min_length=1, max_length=MAX_EXCLUSIONS)
]
"""Combinations, each by some of its values."""

Blocks = Annotated[
    list[Annotated[dict[str, Any], _NOT_EMPTY]],  # what is in it: see sweeps.py
    _NOT_EMPTY,
    BeforeValidator(_blocks),
    WithJsonSchema({"type": ["object", "array"], "minProperties": 1, "minItems": 1}),
]
"""A product, or a list of products."""

TrialCount = Annotated[int, Field(le=MAX_TRIALS_PER_CASE)]
"""How many trials of a case."""

Cpus = Annotated[list[Annotated[int, Field(ge=0, le=MAX_CPU)]], _NOT_EMPTY, Keywords({"uniqueItems": True})]
"""Numbers of CPUs."""

Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, le=MAX_TIMEOUT_S),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_S},
                {"type": "string", "pattern": TIME},
            ]
        }
    ),
]
"""A time, as a number of seconds or with its unit."""


def _bound(fits: Callable[[Any], bool], must_be: str, hint: str) -> BeforeValidator:
    """Return what refuses a number that is out of a bound, with a hint that says what the bound is for."""

    def check(value: object) -> object:
        if _is_number(value) and not fits(value):
            raise fault(f"must be {must_be}, not {value:,}", hint)
        return value

    return BeforeValidator(check)


LeastRepeats = Annotated[
    int,
    _bound(
        lambda value: value >= MIN_REPEATS,
        f"at least {MIN_REPEATS}",
        "fewer repeats have no interval that could be narrow",
    ),
    Keywords({"minimum": MIN_REPEATS}),
]
"""How many repeats a case needs to have an interval."""

MostRepeats = Annotated[
    int,
    Field(ge=1),
    _bound(
        lambda value: value <= MAX_ADAPTIVE_REPEATS,
        f"at most {MAX_ADAPTIVE_REPEATS:,}",
        "a fixed number may be larger: `repeats: N`",
    ),
    Keywords({"maximum": MAX_ADAPTIVE_REPEATS}),
]
"""How many repeats a case may have whose interval is looked at."""

Ratio = Annotated[
    float,
    _bound(lambda value: value > 0, "more than 0", "0.05 goes on until it is 5 % of the median"),
    Keywords({"exclusiveMinimum": 0}),
]
"""A share of something, more than nothing."""


def _one_or_param(value: object) -> object:
    if isinstance(value, dict) and set(value) == {"param"} and isinstance(value["param"], str):
        return value
    if isinstance(value, dict | list):
        raise fault("must be one value, or {param: NAME} for the value that the case has for a param")
    if value is None:
        raise fault("has no value", "write the value, or {param: NAME}")
    return value


def _number(value: object) -> object:
    if not _is_number(value):
        raise fault(f"must be {NUMBER}", "write digits, such as 10 or 0.5")
    return value


def _scalars(value: list[Any]) -> list[Any]:
    if not value or any(isinstance(item, dict | list) or item is None for item in value):
        raise fault("must be a list of values", "write it as [first, second]")
    return value


def _ends(value: list[Any]) -> list[Any]:
    if len(value) != 2:
        raise fault("must be two numbers, the least and the most", "write it as [0, 10]")
    if value[0] > value[1]:
        raise fault(f"{value[0]} is more than {value[1]}", f"write [{value[1]}, {value[0]}]")
    return value


def _only_true(value: object) -> object:
    if value is not True:
        raise fault("must be true", "leave it out of a rule that has a condition")
    return value


_VALUE = {"type": VALUE_TYPES, "minLength": 1}
_PARAM = {
    "type": "object",
    "properties": {"param": {"type": "string", "description": "the value that the case has for this param"}},
    "required": ["param"],
    "additionalProperties": False,
}
Operand = Annotated[Any, BeforeValidator(_one_or_param), WithJsonSchema({"anyOf": [_VALUE, _PARAM]})]
MEASURED = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": TIME}, {"type": "string", "pattern": SIZE}]
}
Number = Annotated[Any, BeforeValidator(_number), WithJsonSchema(MEASURED)]
"""A number; a time or a size where the metric that it is about has such a unit: see :func:`measured`."""

Scalars = Annotated[list[Any], AfterValidator(_scalars), Keywords({"items": _VALUE, "minItems": 1})]
Ends = Annotated[list[Number], AfterValidator(_ends), Keywords({"minItems": 2, "maxItems": 2})]
Where = Annotated[
    dict[str, Any], _NOT_EMPTY, Keywords({"additionalProperties": {"type": [*SCALAR_TYPES, "array"]}})
]
Tolerance = Annotated[
    float,
    Field(ge=0),
    WrapValidator(lambda value, check: (check(value), value)[1]),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, *MEASURED["anyOf"][1:]]}),
]
"""A number that stays as it is written: an int, if it is one."""

True_ = Annotated[bool, BeforeValidator(_only_true), WithJsonSchema({"const": True})]
"""Nothing but true."""


_SHOWN_CPUS = 12


def list_of_cpus(cpus: Collection[int]) -> str:
    """Return numbers of CPUs one after the other, the first of them if they are many."""
    more = f" … {max(cpus)}" if len(cpus) > _SHOWN_CPUS else ""
    return ", ".join(map(str, sorted(cpus)[:_SHOWN_CPUS])) + more
