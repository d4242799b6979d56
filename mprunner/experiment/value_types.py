"""The types of an experiment file's values: sizes, CPUs, names, durations, and what is said of others."""

import re
from collections.abc import Callable, Collection
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, WrapValidator

from mprunner.experiment.messages import NUMBER, SCALAR_TYPES, VALUE_TYPES, Keywords, fault, text_fault
from mprunner.experiment.problems import MAX_PROBLEMS, quoted
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

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([A-Za-z]+)\Z")
_EXAMPLES = "write bytes, or a number with B, kB, MB, GB, KiB, MiB or GiB, such as 512MiB"


def size_in_bytes(value: object) -> object:
    """Return the bytes of a size such as ``512MiB``; what is neither that nor text is returned as it is.

    Raises:
        PydanticCustomError: it is text, and no size.
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    unit = next((unit for unit in UNITS if match and unit.lower() == match[2].lower()), None)
    if match is None or unit is None:
        raise fault(f"{quoted(value)} is not a size", _EXAMPLES)
    if match[2] != unit:
        raise fault(f"{quoted(value)} is not a size", f"the unit is written {unit}: {match[1]}{unit}")
    return int(float(match[1]) * UNITS[unit])


def shown_size(size: int) -> str:
    """Return a size as a file says it: in the largest binary unit of which it is a whole number."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def _size_from(least: int) -> Callable[[object], object]:
    def check(value: object) -> object:
        size = size_in_bytes(value)
        if isinstance(size, int) and not isinstance(size, bool) and not least <= size <= MOST:
            bound = f"at least {shown_size(least)}" if size < least else f"at most {shown_size(MOST)}"
            raise fault(f"must be {bound}, not {shown_size(size)}", _EXAMPLES)
        return size

    return check


def _in_words(least: int) -> WithJsonSchema:
    """Return what JSON Schema says of a size in bytes."""
    pattern = f"^[0-9]+(\\.[0-9]+)? ?({'|'.join(UNITS)})$"
    return WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": least}, {"type": "string", "pattern": pattern}]}
    )


Memory = Annotated[int, BeforeValidator(_size_from(LEAST_MEMORY)), _in_words(LEAST_MEMORY)]
Output = Annotated[int, BeforeValidator(_size_from(LEAST_OUTPUT)), _in_words(LEAST_OUTPUT)]


MAX_RULES = 100
MAX_ADAPTIVE_REPEATS = 10_000
"""A look at the interval of so many values takes about a second, between two trials."""

NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
MAX_NAME = 100
MAX_TRIALS_PER_CASE = 1_000_000
MAX_EXCLUSIONS = 100
MAX_CPU = 8191
MAX_TIMEOUT_S = 7 * 24 * 3600.0

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smh])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _name(value: str) -> str:
    if len(value) > MAX_NAME:
        raise fault(f"is longer than {MAX_NAME} characters", "it names the results folder")
    if not NAME.match(value):
        raise fault(
            f"{quoted(value)} can't be a name",
            "use lower-case letters, digits and hyphens, such as 'my-bank'",
        )
    return value


def _scenario_name(value: str) -> str:
    if len(value) > MAX_NAME:
        raise fault(f"is longer than {MAX_NAME} characters", "it is the name of a scenario")
    if found := text_fault(value):
        raise fault(found.message, found.hint)
    return value


def _lines(value: str) -> str:
    if found := text_fault(value, lines=True):
        raise fault(found.message, found.hint)
    return value


def _one_value(instead: str) -> BeforeValidator:
    """Return what refuses a mapping, and a list with the hint what to do instead."""

    def check(value: object) -> object:
        if isinstance(value, dict):
            raise fault("must be one value, not a mapping")
        if isinstance(value, list):
            raise fault("must be one value, not a list", instead)
        return value

    return BeforeValidator(check)


def _not_empty(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise fault("is empty", "name a param and its values, or remove it")
    return value


def _length(most: int, items: str, too_many: str | None, none: str) -> BeforeValidator:
    """Return what refuses a list that is too long, or empty: before its items are looked at, each an error."""

    def check(value: object) -> object:
        if isinstance(value, list) and not value:
            raise fault("is empty", none)
        if isinstance(value, list) and len(value) > most:
            raise fault(f"has {len(value):,} {items}; the most is {most:,}", too_many)
        return value

    return BeforeValidator(check)


RULE_COUNT = _length(MAX_RULES, "mappings", None, "give it mappings, or remove it")
"""How many rules a list has; what JSON Schema says of it is :data:`RULE_LIST`."""

_EXCLUSION_COUNT = _length(
    MAX_EXCLUSIONS,
    "mappings",
    "sweep rows of values instead",
    "give it mappings of params to values, or remove it",
)
_CPU_COUNT = _length(
    MAX_CPU + 1,
    "numbers",
    "name each CPU once",
    "name the CPUs that a worker may use, or remove it for all of them",
)


def _blocks(value: object) -> object:
    if value in ({}, []):
        raise fault("is empty", "name a param and its values, or remove it")
    if isinstance(value, dict):
        return [value]
    if value is not None and not isinstance(value, list):
        raise fault("must be a mapping of params to values, or a list of such mappings")
    return None if value is None else _told_blocks(value)


def _told_blocks(blocks: list[object]) -> list[object]:
    """Return blocks up to the last wrong one that is told: a hundred thousand errors are a hundred megabytes."""
    wrong = (index for index, block in enumerate(blocks) if not block or not isinstance(block, dict))
    return blocks[: next(islice(wrong, MAX_PROBLEMS, None), None)]


def _told_values(value: object) -> object:
    """Return a mapping up to the last value that is told to be none, as :func:`_told_blocks` does."""
    entries = value if isinstance(value, dict) else {}
    wrong = (index for index, one in enumerate(entries.values()) if isinstance(one, dict | list))
    end = next(islice(wrong, MAX_PROBLEMS, None), None)
    return value if end is None else dict(islice(entries.items(), end))


def _seconds(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match:
        return float(match[1]) * _SECONDS[match[2]]
    if isinstance(value, str):
        raise fault(f"{quoted(value)} is not a time", 'write seconds, such as 90, or "90s", "2m" or "1h"')
    return value


_NotEmpty = Keywords({"minProperties": 1})
_SCALAR = WithJsonSchema({"type": SCALAR_TYPES})
_Fixed = Annotated[Any, _one_value("a param with several values belongs under sweep"), _SCALAR]
_Excluded = Annotated[Any, _one_value("write one mapping for each value"), _SCALAR]
_Compared = Annotated[Any, _one_value("write the one that others are compared with"), _SCALAR]
_Exclusion = Annotated[
    dict[str, _Excluded], BeforeValidator(_told_values), AfterValidator(_not_empty), _NotEmpty
]
_Block = Annotated[dict[str, Any], AfterValidator(_not_empty), _NotEmpty]  # what is in it: see swept.py
_Cpu = Annotated[int, Field(ge=0, le=MAX_CPU)]

RULE_LIST = Keywords({"minItems": 1, "maxItems": MAX_RULES})
"""What :data:`RULE_COUNT` demands."""

Name = Annotated[
    str,
    AfterValidator(_name),
    Keywords({"maxLength": MAX_NAME, "pattern": "^[a-z0-9][a-z0-9-]*$"}),
]
"""What can name a folder."""

ScenarioName = Annotated[str, AfterValidator(_scenario_name)]
"""What a scenario may be called."""

Lines = Annotated[str, AfterValidator(_lines)]
"""Text of any number of lines."""

Values = Annotated[dict[str, _Fixed], BeforeValidator(_told_values)]
"""Params with one value each."""

Baseline = Annotated[
    dict[str, _Compared], BeforeValidator(_told_values), AfterValidator(_not_empty), _NotEmpty
]
"""Some values of the cases that others are compared with."""

Blocks = Annotated[
    list[_Block],
    BeforeValidator(_blocks),
    WithJsonSchema({"type": ["object", "array"], "minProperties": 1, "minItems": 1}),
]
"""A product, or a list of products."""

Exclusions = Annotated[
    list[_Exclusion],
    _EXCLUSION_COUNT,
    Keywords({"minItems": 1, "maxItems": MAX_EXCLUSIONS}),
]
"""Combinations, each by some of its values."""

TrialCount = Annotated[int, Field(le=MAX_TRIALS_PER_CASE)]
"""How many trials of a case."""

Cpus = Annotated[list[_Cpu], _CPU_COUNT, Keywords({"minItems": 1, "uniqueItems": True})]
"""Numbers of CPUs."""

Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, le=MAX_TIMEOUT_S),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_S},
                {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?[smh]$"},
            ]
        }
    ),
]
"""A time, as a number of seconds or with its unit."""


def _least(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value < MIN_REPEATS:
        raise fault(
            f"must be at least {MIN_REPEATS}, not {value}",
            "fewer repeats have no interval that could be narrow",
        )
    return value


def _most(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value > MAX_ADAPTIVE_REPEATS:
        hint = "a fixed number may be larger: `repeats: N`"
        raise fault(f"must be at most {MAX_ADAPTIVE_REPEATS:,}, not {value:,}", hint)
    return value


def _ratio(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
        raise fault(f"must be more than 0, not {value}", "0.05 goes on until it is 5 % of the median")
    return value


LeastRepeats = Annotated[int, BeforeValidator(_least), Keywords({"minimum": MIN_REPEATS})]
"""How many repeats a case needs to have an interval."""

MostRepeats = Annotated[int, Field(ge=1), BeforeValidator(_most), Keywords({"maximum": MAX_ADAPTIVE_REPEATS})]
"""How many repeats a case may have whose interval is looked at."""

Ratio = Annotated[float, BeforeValidator(_ratio), Keywords({"exclusiveMinimum": 0})]
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
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise fault(f"must be {NUMBER}", "write digits, such as 10 or 0.5")


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


def _where(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise fault("is empty", "name a param and its value, or remove it")
    return value


def _fit_text(value: str) -> str:
    if found := text_fault(value):
        raise fault(found.message, found.hint)
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
Number = Annotated[Any, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
Scalars = Annotated[list[Any], AfterValidator(_scalars), Keywords({"items": _VALUE, "minItems": 1})]
Ends = Annotated[list[Number], AfterValidator(_ends), Keywords({"minItems": 2, "maxItems": 2})]
Where = Annotated[
    dict[str, Any],
    AfterValidator(_where),
    Keywords({"minProperties": 1, "additionalProperties": {"type": [*SCALAR_TYPES, "array"]}}),
]


Tolerance = Annotated[float, Field(ge=0), WrapValidator(lambda value, check: (check(value), value)[1])]
"""A number that stays as it is written: an int, if it is one."""

Text = Annotated[str, AfterValidator(_fit_text)]
"""Text of one line."""

True_ = Annotated[bool, BeforeValidator(_only_true), WithJsonSchema({"const": True})]
"""Nothing but true."""


_SHOWN_CPUS = 12


def list_of_cpus(cpus: Collection[int]) -> str:
    """Return numbers of CPUs one after the other, the first of them if they are many."""
    more = f" … {max(cpus)}" if len(cpus) > _SHOWN_CPUS else ""
    return ", ".join(map(str, sorted(cpus)[:_SHOWN_CPUS])) + more
