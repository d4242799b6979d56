"""The shapes that values of an experiment file have, and what is said of a value that has another."""

import re
from itertools import islice
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from mprunner.spec.adaptive import RepeatsEntry, fixed_or_adaptive
from mprunner.spec.entries import MAX_RULES
from mprunner.spec.keywords import SCALAR_TYPES, Keywords
from mprunner.spec.messages import fault, text_fault
from mprunner.spec.problems import MAX_PROBLEMS, quoted

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

Repeats = Annotated[
    Annotated[TrialCount, Field(ge=1), Tag("a number")] | Annotated[RepeatsEntry, Tag("a mapping")],
    Discriminator(fixed_or_adaptive),
]
"""A number of repeats, or when there are enough."""

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
