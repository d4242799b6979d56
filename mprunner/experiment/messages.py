"""What is said about a value that is not what it should be: a fact, then a hint, never pydantic's jargon."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from mprunner.experiment.document import MappingNode, Node, ScalarNode, SequenceNode, parts, size
from mprunner.experiment.problems import did_you_mean, quoted
from mprunner.experiment.scalars import RefusedScalarError, is_number, plain_scalar
from mprunner.values import Scalar, unfit

KEYS = ConfigDict(strict=True, extra="forbid", frozen=True)
"""How the keys of an experiment file are checked: no other types than their own, and no unknown key."""

SCALAR_TYPES = ["boolean", "number", "string", "null"]
"""JSON Schema's types of what a param can be."""

VALUE_TYPES = SCALAR_TYPES[:-1]
"""The same without null: what something observed can be compared with."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """An annotation: keywords for the JSON Schema of the type that it annotates, besides those that pydantic knows.

    Attributes:
        keywords: such as ``{"minItems": 1}``.
    """

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), **self.keywords}


_SHOWN_CHOICES = 12
_SHOWN_FLOW = 60
_TOO_LONG = "…" * (_SHOWN_FLOW + 1)
_FLOW_SIGNS = set(",:#[]{}")  # they end a text in brackets
_LINE_BREAKS = re.compile(r"[\n\t]")

TEXT, WHOLE_NUMBER, NUMBER, TRUE_OR_FALSE = "text", "a whole number", "a number", "true or false"
_EXPECTED = {
    "string_type": TEXT,
    "int_type": WHOLE_NUMBER,
    "float_type": NUMBER,
    "bool_type": TRUE_OR_FALSE,
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "list_type": "a list",
}
_EXAMPLES = {
    WHOLE_NUMBER: "write digits, such as 10",
    NUMBER: "write digits, such as 10 or 0.5",
    TRUE_OR_FALSE: "write true or false, without quotes",
    _EXPECTED["dict_type"]: "write it as {name: value}",
    _EXPECTED["list_type"]: "write it as [first, second]",
}
_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "at least {min_length} characters long",
    "string_too_long": "at most {max_length} characters long",
    "string_pattern_mismatch": "text that matches {pattern}",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value, wherever it is.

    Attributes:
        message: the fact.
        hint: what to do, or None.
    """

    message: str
    hint: str | None = None


def fault(message: str, hint: str | None = None) -> PydanticCustomError:
    """Return what a validator raises, for :func:`explained` to tell."""
    return PydanticCustomError("fault", "{fault}", {"fault": Fault(message, hint)})


def explained(kind: str, context: Mapping[str, Any], text: str, node: Node) -> Fault:
    """Return what a person is told of an error of pydantic's.

    Args:
        kind: its type, such as ``int_type``.
        context: its context: the limits, or what a validator of ours has to say.
        text: its own message, for the kinds that no one foresaw.
        node: the value.
    """
    if "fault" in context:
        found: Fault = context["fault"]
        return found
    if kind in _EXPECTED:
        return wrong_type(_EXPECTED[kind], node)
    if kind in _LIMITS:
        limits = {name: _without_zeros(limit) for name, limit in context.items()}
        return Fault(f"must be {_LIMITS[kind].format_map(limits)}, not {shown(node)}")
    if kind in ("too_short", "too_long"):
        return _wrong_length(context, node)
    if isinstance(error := context.get("error"), Exception):  # of a validator in a scenario's annotation
        return Fault(f"{shown(node)} is refused: {error}")
    return Fault(f"{shown(node)} is refused: {text[:1].lower()}{text[1:]}")


def _wrong_length(context: Mapping[str, Any], node: Node) -> Fault:
    if "max_length" in context:
        return Fault("has {actual_length} items; the most is {max_length}".format_map(context))
    return Fault(
        "is empty",
        "name a param and its value, or remove it"
        if isinstance(node, MappingNode)
        else "give it items, or remove it",
    )


def _without_zeros(limit: object) -> object:
    return int(limit) if isinstance(limit, float) and limit.is_integer() and abs(limit) < 2**53 else limit


def wrong_type(expected: str, node: Node) -> Fault:
    """Return what is said of a value of another type than expected."""
    if isinstance(node, ScalarNode) and node.value is None and not node.written:
        return Fault("has no value", f"write {expected}, or remove it")
    return Fault(f"must be {expected}, not {shown(node)}", _type_hint(expected, node))


def _type_hint(expected: str, node: Node) -> str | None:
    is_text = isinstance(node, ScalarNode) and not isinstance(node.value, int | float)
    if expected == _EXPECTED["list_type"] and not is_text and (flow := as_flow(node)):
        return f"write it as [{flow}]"
    match node:
        case ScalarNode(value=str(text)) if expected in (WHOLE_NUMBER, NUMBER) and is_number(text):
            return f"write {text} without quotes"
        case ScalarNode(value=float(number)) if expected == WHOLE_NUMBER and number.is_integer():
            return f"write {int(number)}" if abs(number) < 2**53 else None
        case ScalarNode(value=float(number), written=written) if expected == TEXT and str(number) != written:
            return f"{written} is the number {number}; write '{written}' in quotes for text"
        case ScalarNode(written=written) if expected == TEXT:
            return f"write '{written}' in quotes for text"
    return _EXAMPLES.get(expected)


def not_a_choice(choices: Sequence[Scalar], node: Node) -> Fault:
    """Return what is said of a value that is not one of a few."""
    if isinstance(node, ScalarNode) and node.value is None and not node.written:
        return Fault("has no value", f"write one of {_list_of(choices)}")
    message = f"{shown(node)} is not one of {_list_of(choices)}"
    if not isinstance(node, ScalarNode):
        return Fault(message)
    if not isinstance(node.value, str) and node.written in choices:
        return Fault(message, f"write '{node.written}' in quotes for text")
    return Fault(
        message, did_you_mean(node.written, [choice for choice in choices if isinstance(choice, str)])
    )


def text_fault(text: str, *, lines: bool = False) -> Fault | None:
    """Return why a text can't be used, or None: an empty one, or one with control characters.

    Args:
        text: the text.
        lines: whether tabs and line breaks are allowed, and emptiness.
    """
    if lines:
        text = _LINE_BREAKS.sub(" ", text) or " "
    if "\n" in text:
        return Fault("has a line break", "write it on one line, beside its key")
    reason = unfit(text)
    return None if reason is None else Fault(reason, "write text that can be printed, or remove it")


def shown(node: Node) -> str:
    """Return a value as a message shows it: text in quotes, anything else as it is written."""
    match node:
        case MappingNode():
            return "a mapping"
        case SequenceNode():
            return "a list"
        case ScalarNode(value=None, refused=False):
            return "null"
        case ScalarNode(value=str(text)):
            return quoted(text)
        case ScalarNode(written=written):
            return written


def as_yaml(value: Scalar) -> str:
    """Return a value as an experiment file says it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return str(value)
    try:
        return value if plain_scalar(value) == value else quoted(value)
    except RefusedScalarError:
        return quoted(value)


def as_flow(node: Node) -> str | None:
    """Return a node as it can be written on one line, or None if that is too long."""
    if size(node) > _SHOWN_CHOICES:
        return None
    if isinstance(node, ScalarNode):
        text = _scalar_in_flow(node.value)
    else:
        inner = [(part, as_flow(each)) for part, each in parts(node)]
        keyed = [f"{as_yaml(part)}: {each}" if isinstance(part, str) else each or "" for part, each in inner]
        both = ", ".join(keyed) if all(each for _, each in inner) else _TOO_LONG
        text = f"[{both}]" if isinstance(node, SequenceNode) else f"{{{both}}}"
    return text if len(text) <= _SHOWN_FLOW else None


def _scalar_in_flow(value: Scalar) -> str:
    if not isinstance(value, str):
        return as_yaml(value)
    if len(value) > _SHOWN_FLOW // 2:
        return _TOO_LONG  # it would be cut
    return quoted(value) if _FLOW_SIGNS & set(value) else as_yaml(value)


def list_of_names(names: Sequence[str]) -> str:
    """Return names one after the other, the first of them if they are many."""
    more = " …" if len(names) > _SHOWN_CHOICES else ""
    return ", ".join(names[:_SHOWN_CHOICES]) + more


def _list_of(choices: Sequence[Scalar]) -> str:
    return list_of_names([as_yaml(choice) for choice in choices])
