"""The JSON Schema of experiment files, for editors: the keys, and every scenario's params, metrics and outcomes."""

import ast
import inspect
import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from mprunner.experiment.checking import CPU_COUNT
from mprunner.experiment.keys import CONDITIONS, ExperimentFile
from mprunner.experiment.messages import SCALAR_TYPES
from mprunner.experiment.value_types import MEASURED, PATTERNS
from mprunner.model.declaration import Declaration, Field
from mprunner.model.relevance import conditions_in_words
from mprunner.model.variants import variant_field

Schema = dict[str, Any]

RANGES: Final = {"int": "wholeRange", "float": "range"}
"""The definition of a range, by the type of its param; other types have none."""

_TYPES: Final = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
_NUMERIC = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_LENGTHS = {"min_length": "minLength", "max_length": "maxLength"}


def value_schema(field: Field) -> Schema:
    """Return the schema of one value of a param."""
    schema = _counting(field) if field.counts_processes else _plain(field)
    if field.unit in PATTERNS and field.type in RANGES:
        schema = {"anyOf": [schema, {"type": "string", "pattern": PATTERNS[field.unit]}]}
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
    if field.type in RANGES and field.unit in PATTERNS:
        ways.append({"$ref": "#/definitions/amounts"})
    elif field.type in RANGES:
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


def range_schema(number: Schema) -> Schema:
    """Return the schema of a range.

    Args:
        number: the schema of its numbers.
    """
    return {
        "type": "object",
        "description": "{from: 1, to: 1024, times: 2} or {from: 0, to: 10, step: 2}",
        "properties": {
            "from": {**number, "description": "the first value"},
            "to": {**number, "description": "the end, a value if it is hit"},
            "step": {
                **number,
                "description": "what each value adds to the one before",
                "not": {"const": 0},
            },
            "times": {
                "type": number.get("type", "number"),
                "description": "what multiplies each value",
                "exclusiveMinimum": 1,
            },
        },
        "required": ["from", "to"],
        "oneOf": [{"required": ["step"]}, {"required": ["times"]}],
        "additionalProperties": False,
    }


def _described(field: Field) -> Schema:
    facts = [f"unit {field.unit}"] if field.unit else []
    if "pattern" in field.bounds:
        facts.append(f"text that matches {field.bounds['pattern']}")
    facts += conditions_in_words(field)
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


DRAFT = "http://json-schema.org/draft-07/schema#"
_REF = "#/definitions/{model}"


def experiment_schema(declarations: Iterable[Declaration]) -> Schema:
    """Return the schema of experiment files about these scenarios, in whatever order they come."""
    scenarios = sorted(declarations, key=lambda each: each.name)
    keys = _tidied(ExperimentFile.model_json_schema(ref_template=_REF, schema_generator=_WithTexts))
    entries = keys.pop("$defs")
    keys["properties"]["scenario"]["enum"] = [each.name for each in scenarios]
    definitions = entries | {
        "range": range_schema({"type": "number"}),
        "wholeRange": range_schema({"type": "integer"}),
        "amounts": range_schema(MEASURED),
    }
    definitions["OutcomeEntry"] |= _OUTCOME_LOGIC
    definitions["ExpectEntry"] |= _EXPECT_LOGIC
    for each in scenarios:
        definitions |= _definitions(each)
    narrowed = [_narrowed(each) for each in scenarios]
    return {
        "$schema": DRAFT,
        "title": "mprunner experiment",
        "description": "A scenario and what to vary; docs/experiment-file.md explains it.",
        **{key: keys[key] for key in ("type", "properties", "required", "additionalProperties")},
        **({"allOf": narrowed} if narrowed else {}),
        "definitions": definitions,
    }


class _WithTexts(GenerateJsonSchema):
    """Describes a key by the text below its field.

    pydantic has ``use_attribute_docstrings`` for it, which reads the source whenever a model is made: every call of
    mprunner would pay for what only this one needs.
    """

    def model_schema(self, schema: ModelSchema) -> Schema:
        made = super().model_schema(schema)
        for name, text in _texts_below_fields(schema["cls"]).items():
            made["properties"][name]["description"] = text
        return made


def _texts_below_fields(model: type) -> dict[str, str]:
    """Return the texts that stand below the fields of a model and of those that it inherits from."""
    texts = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            (definition,) = ast.parse(inspect.getsource(cls)).body
            assert isinstance(definition, ast.ClassDef)
            for field, below in pairwise(definition.body):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                        texts[name] = text
    return texts


def _tidied(schema: Any, *, names: bool = False) -> Any:
    """Return pydantic's schema without what says nothing: titles made of names, and defaults that mean "not given".

    Args:
        schema: a schema or a part of one.
        names: whether its keys are names of keys, not keywords.
    """
    if isinstance(schema, list):
        return [_tidied(each) for each in schema]
    if isinstance(schema, float) and schema.is_integer():  # releases of pydantic differ in that
        return int(schema)
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: _tidied(value) for name, value in schema.items()}
    kept = {
        word: _tidied(value, names=word in ("properties", "$defs"))
        for word, value in schema.items()
        if word != "title"
    }
    if kept.get("default") in (None, "") or "const" in kept:
        kept.pop("default", None)
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    if "$ref" in kept and len(kept) > 1:  # draft 7 takes no notice of what stands beside a reference
        kept["allOf"] = [{"$ref": kept.pop("$ref")}]
    return kept


def _definitions(declared: Declaration) -> Schema:
    fields = (*declared.params, variant_field())
    params = {field.name: value_schema(field) for field in fields}
    one = {name: _ref(f"{declared.name}.params/properties/{name}") for name in params}
    where = {name: where_schema(value) for name, value in one.items()}
    axes = {field.name: axis_schema(field, one[field.name]) for field in fields}
    block = _mapping(axes) | {"minProperties": 1, "patternProperties": rows_schemas(params)}
    return {
        f"{declared.name}.params": _mapping(params),
        f"{declared.name}.block": block,
        f"{declared.name}.where": _mapping(where),
    }


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": _REF.format(model=name)}


def _narrowed(declared: Declaration) -> Schema:
    """Return what holds of a file that names a scenario, besides what holds of every file."""
    params, block = _ref(f"{declared.name}.params"), _ref(f"{declared.name}.block")
    rule = {
        "equals": {
            "properties": {"param": {"enum": [field.name for field in (*declared.params, variant_field())]}}
        },
        "where": _ref(f"{declared.name}.where"),
    }
    metric = {"enum": [field.name for field in declared.metrics]}
    rules = {"items": {"properties": rule}}
    required = [_given(field.name) for field in declared.params if field.required]
    return {
        "if": {"properties": {"scenario": {"const": declared.name}}, "required": ["scenario"]},
        "then": {
            "properties": {
                "scenario": {"description": declared.doc or declared.name},
                "params": params,
                "sweep": {"anyOf": [block, {"type": "array", "items": block}]},
                "exclude": {"items": params},
                "baseline": params,
                "outcomes": {
                    "properties": {
                        name: {"description": doc, **rules} for name, doc in declared.outcomes.items()
                    },
                    "additionalProperties": False,
                },
                "expect": {"items": {"properties": {"metric": metric, **rule}}},
                "repeats": {"properties": {"until": {"properties": {"metric": metric}}}},
            },
            **({"allOf": required} if required else {}),
        },
    }


def _given(name: str) -> Schema:
    """Return what says that a required param is fixed, or swept in every block, by itself or in a shared key."""
    no_key = {"propertyNames": {"not": {"pattern": rf"(^|,\s*){re.escape(name)}\s*(,|$)"}}}
    swept = {"type": "object", "not": no_key}
    return {
        "anyOf": [
            {"properties": {"params": {"required": [name]}}, "required": ["params"]},
            {
                "properties": {"sweep": {"anyOf": [swept, {"type": "array", "items": swept}]}},
                "required": ["sweep"],
            },
        ]
    }


_CONDITION = {"anyOf": [{"required": [name]} for name in CONDITIONS]}
_DEPENDENCIES = {
    "tolerance": ["equals"],
    "between": {"not": {"anyOf": [{"required": ["min"]}, {"required": ["max"]}]}},
}
_OUTCOME_LOGIC = {
    "dependencies": _DEPENDENCIES,
    "oneOf": [{"required": ["otherwise"]}, _CONDITION],
}
_EXPECT_LOGIC = {
    "dependencies": _DEPENDENCIES,
    "oneOf": [{"required": ["metric"], **_CONDITION}, {"required": ["status"]}],
    "if": {"required": ["status"]},
    "then": {
        "properties": {"stat": {"enum": ["every", "any", "share"]}},
        "if": {"properties": {"stat": {"const": "share"}}, "required": ["stat"]},
        "then": _CONDITION,
        "else": {"not": _CONDITION},
    },
}
