"""The JSON Schema of experiment files, for editors: the keys, and every scenario's params, metrics and outcomes.

Draft 7, which is what the YAML language server reads. The keys and their texts are those of structure.py and
entries.py; what a scenario allows narrows them where the file names it. Every file that the validator accepts fits
the schema; the schema knows nothing of combinations, ranges' directions or the lengths of rows.
"""

import ast
import inspect
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from mprunner.declarations import Declaration
from mprunner.spec.entries import CONDITIONS
from mprunner.spec.structure import ExperimentFile
from mprunner.spec.value_schema import (
    Schema,
    axis_schema,
    range_schema,
    rows_schemas,
    value_schema,
    where_schema,
)

DRAFT = "http://json-schema.org/draft-07/schema#"
_REF = "#/definitions/{model}"


def experiment_schema(declarations: Iterable[Declaration]) -> Schema:
    """Return the schema of experiment files about these scenarios, in whatever order they come."""
    scenarios = sorted(declarations, key=lambda each: each.name)
    keys = _tidied(ExperimentFile.model_json_schema(ref_template=_REF, schema_generator=_WithTexts))
    entries = keys.pop("$defs")
    keys["properties"]["scenario"]["enum"] = [each.name for each in scenarios]
    definitions = entries | {"range": range_schema("number"), "wholeRange": range_schema("integer")}
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
    params = {field.name: value_schema(field) for field in declared.params}
    one = {name: _ref(f"{declared.name}.params/properties/{name}") for name in params}
    where = {name: where_schema(value) for name, value in one.items()}
    axes = {field.name: axis_schema(field, one[field.name]) for field in declared.params}
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
        "equals": {"properties": {"param": {"enum": [field.name for field in declared.params]}}},
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
