"""What a scenario's params take, in JSON Schema's words: one value, or what a key of a sweep may give.

A schema refuses no file that the validator accepts; where their rules differ (patterns of another dialect, multiples
of fractions), the schema says nothing.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mprunner.declarations import Field
from mprunner.spec.keywords import SCALAR_TYPES
from mprunner.spec.param_types import CPU_COUNT

Schema = dict[str, Any]

RANGES: Final = {"int": "wholeRange", "float": "range"}
"""The definition of a range, by the type of its param; other types have none."""

_TYPES: Final = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
_NUMERIC = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_LENGTHS = {"min_length": "minLength", "max_length": "maxLength"}


def value_schema(field: Field) -> Schema:
    """Return the schema of one value of a param."""
    schema = _counting(field) if field.counts_processes else _plain(field)
    if not field.required:
        schema["default"] = field.default
    return _described(field) | schema


def axis_schema(field: Field, value: Schema) -> Schema:
    """Return the schema of what a sweep gives to a param by itself: a value, a list of values or a range.

    Args:
        field: the param.
        value: the schema of one value, or a reference to it.
    """
    ways = [value, {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}]
    if field.type in RANGES:
        ways.append({"$ref": f"#/definitions/{RANGES[field.type]}"})
    return _described(field) | {"anyOf": ways}


def where_schema(value: Schema) -> Schema:
    """Return the schema of what ``where`` says of a param: a value, or a list of which any will do."""
    return {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}]}


def rows_schemas(names: Iterable[str]) -> Mapping[str, Schema]:
    """Return, by the pattern of their keys, the schemas of what names that move together take."""
    name = "|".join(map(re.escape, names))
    if not name:
        return {}
    row = {"type": "array", "items": {"type": SCALAR_TYPES}, "minItems": 2}
    return {
        rf"^\s*({name})\s*(,\s*({name})\s*)+$": {
            "description": "names that move together: one row of values after the other",
            "type": "array",
            "items": row,
            "minItems": 1,
            "uniqueItems": True,
        }
    }


def range_schema(number: str) -> Schema:
    """Return the schema of a range.

    Args:
        number: the type of its numbers: ``integer`` or ``number``.
    """
    return {
        "type": "object",
        "description": "{from: 1, to: 1024, times: 2} or {from: 0, to: 10, step: 2}",
        "properties": {
            "from": {"type": number, "description": "the first value"},
            "to": {"type": number, "description": "the end, a value if it is hit"},
            "step": {
                "type": number,
                "description": "what each value adds to the one before",
                "not": {"const": 0},
            },
            "times": {"type": number, "description": "what multiplies each value", "exclusiveMinimum": 1},
        },
        "required": ["from", "to"],
        "oneOf": [{"required": ["step"]}, {"required": ["times"]}],
        "additionalProperties": False,
    }


def _described(field: Field) -> Schema:
    facts = [f"unit {field.unit}"] if field.unit else []
    if "pattern" in field.bounds:
        facts.append(f"text that matches {field.bounds['pattern']}")
    text = " ".join(part for part in (field.doc, f"({', '.join(facts)})" if facts else "") if part)
    return {"description": text} if text else {}


def _plain(field: Field) -> Schema:
    type_: str = _TYPES[field.type]
    schema: Schema = {"type": [type_, "null"] if field.optional else type_}
    if field.choices is not None:
        schema["enum"] = [*field.choices, *([None] if field.optional and None not in field.choices else [])]
    elif field.type == "str":
        schema["minLength"] = 1
    return schema | _limits(field)


def _counting(field: Field) -> Schema:
    limits = _limits(field)
    whole = {"type": "integer", **limits, "minimum": max(1, limits.get("minimum", 1))}
    ways: list[Schema] = [whole, {"enum": [CPU_COUNT]}]
    return {"anyOf": [*ways, {"type": "null"}] if field.optional else ways}


def _limits(field: Field) -> Schema:
    """Return the limits that mean the same in JSON Schema; of 0.3 as a multiple of 0.1, validators disagree."""
    if field.type == "str":
        return {word: field.bounds[bound] for bound, word in _LENGTHS.items() if field.bounds.get(bound)}
    numbers = {
        bound: value
        for bound, value in field.bounds.items()
        if field.type != "bool" and isinstance(value, int | float) and math.isfinite(value)
    }
    schema = {word: numbers[bound] for bound, word in _NUMERIC.items() if bound in numbers}
    if field.type == "int" and isinstance(numbers.get("multiple_of"), int):
        schema["multipleOf"] = numbers["multiple_of"]
    return schema
