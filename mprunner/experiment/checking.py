"""Checking one value after another against the types of a scenario's params."""

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mprunner.errors import PluginError
from mprunner.experiment import messages
from mprunner.experiment.document import Document, MappingNode, Node, ScalarNode
from mprunner.experiment.messages import (
    Fault,
    as_yaml,
    explained,
    list_of_names,
    not_a_choice,
    text_fault,
    wrong_type,
)
from mprunner.experiment.problems import Loc, Position, Problem, did_you_mean, quoted
from mprunner.experiment.value_types import PATTERNS, example_of, measured_scalar
from mprunner.model.declaration import Declaration, Field, FieldType, params_of
from mprunner.values import Scalar

CPU_COUNT = "cpu_count"
"""What an experiment writes for the number of CPUs, where a param counts processes."""
_NO_VALUE = {"none", "nil", "nan", "na", "n/a", "auto", "default", "undefined", "unlimited"}
"""What people write for null where something else than text is expected."""
_ACTORS = {
    "actors",
    "threads",
    "processes",
    "procs",
    "workers",
    "tasks",
    "jobs",
    "cores",
    "cpus",
    "concurrency",
}
"""What people call the number of actors."""
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_EXPECTED: Mapping[FieldType, str] = {
    "bool": messages.TRUE_OR_FALSE,
    "int": messages.WHOLE_NUMBER,
    "float": messages.NUMBER,
    "str": messages.TEXT,
}


class BadParamError(Exception):
    """A value is not one that the param takes.

    Attributes:
        fault: what is said of it.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ParamType:
    """The type of one param.

    Attributes:
        field: its declaration.
        adapter: what checks its constraints.
        scenario: whose param it is.
    """

    field: Field
    adapter: TypeAdapter[Any]
    scenario: str

    def checked(self, node: ScalarNode) -> Scalar:
        """Return a value as the param's type: an int is a float where one is declared, a bool never an int.

        Raises:
            BadParamError: the value is not of the type, or outside its limits.
            PluginError: a constraint of the scenario's fails in another way than by refusing.
        """
        if node.value is None and self.field.optional:
            return None
        if self.field.counts_processes and node.value == CPU_COUNT:
            return CPU_COUNT
        value = self._typed(node)
        self._constrain(value, node)
        return value

    def _typed(self, node: ScalarNode) -> Scalar:
        # pydantic takes true for Literal[1], and 1 for Literal[True], so the type is checked before
        field = self.field
        node = measured_scalar(node, field.unit) if field.type in ("int", "float") else node
        value = node.value
        if isinstance(value, str) and "\n" in value and (fault := text_fault(value)):
            raise BadParamError(
                fault
            )  # block text is no word, whatever the type: the break is what can't be seen
        if field.choices is not None:
            if not _is_a(field.type, value) or value not in field.choices:
                fault = not_a_choice(field.choices, node)
                raise BadParamError(Fault(fault.message, fault.hint or self._null_hint(node)))
        elif field.type == "str" and field.optional and value == "None" and node.is_plain:
            raise BadParamError(
                Fault("None is Python's word for null", "write null, or 'None' in quotes for text")
            )
        elif not _is_a(field.type, value):
            raise BadParamError(self._wrong_type(node))
        if isinstance(value, str) and (fault := text_fault(value)):
            raise BadParamError(fault)
        return float(value) if field.type == "float" and isinstance(value, int) else value

    def _wrong_type(self, node: ScalarNode) -> Fault:
        expected, counts = _EXPECTED[self.field.type], self.field.counts_processes
        fault = wrong_type(expected, node)
        others = [CPU_COUNT] * counts + ["null"] * self.field.optional
        near = did_you_mean(node.written, [CPU_COUNT]) if counts else None
        if isinstance(node.value, str) and self.field.unit in PATTERNS and not near:
            near = self._null_hint(node) or example_of(self.field.unit)
        return Fault(
            fault.message.replace(expected, " or ".join([expected, *others]), 1),
            near or self._null_hint(node) or fault.hint,
        )

    def _null_hint(self, node: ScalarNode) -> str | None:
        return "write null" if self.field.optional and node.written.casefold() in _NO_VALUE else None

    def _constrain(self, value: Scalar, node: ScalarNode) -> None:
        try:
            self.adapter.validate_python(value)
        except ValidationError as error:
            details = error.errors(include_url=False)[0]
            fault = explained(details["type"], details.get("ctx", {}), details["msg"], node)
            raise BadParamError(fault) from None
        except Exception as error:  # a constraint is code of the plugin's
            raise PluginError(
                f"scenario {self.scenario!r} can't check its param {self.field.name}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if self.field.counts_processes and isinstance(value, int) and value < 1:
            raise BadParamError(Fault(f"must be at least 1, not {value}"))


def param_types(params_type: type, scenario: str) -> dict[str, ParamType]:
    """Return the types of a Params dataclass, by name, in its order.

    Raises:
        PluginError: a type is not one that mprunner knows, a constraint does not fit it, or a default breaks one.
    """
    where = f"{scenario}: {params_type.__name__}"
    hints = typing.get_type_hints(params_type, include_extras=True)
    types = {
        each.name: ParamType(each, _adapter(hints[each.name], each.name, scenario), scenario)
        for each in params_of(params_type, where)
    }
    for name, type_ in types.items():
        if not type_.field.required:
            default = type_.field.default
            try:
                type_.checked(ScalarNode(Position(1, 1), default, as_yaml(default)))
            except BadParamError as error:
                raise PluginError(f"{where}.{name} has a default that it can't have: {error}") from None
    return types


def _adapter(hint: Any, name: str, scenario: str) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(hint, config=_STRICT)
    except Exception as error:  # an annotation is code of the plugin's
        raise PluginError(
            f"scenario {scenario!r}: the type of its param {name} can't be used: {error}"
        ) from error


def _is_a(type_: FieldType, value: Scalar) -> bool:
    match type_:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "str":
            return isinstance(value, str)


ParamTypes = Mapping[str, ParamType]


class Vocabulary(Protocol):
    """What an experiment can speak of: a scenario's params, metrics and outcomes."""

    @property
    def params_type(self) -> type:
        """The dataclass of its params."""

    @property
    def declaration(self) -> Declaration:
        """What it declares."""


@dataclass(slots=True)
class Checking:
    """One pass over the params of a document.

    Attributes:
        document: the file.
        scenario: the scenario's name, for messages.
        types: its params; None where it is unknown, and only what needs no types is checked.
        ranged: how many values the ranges had that were checked.
        problems: what is wrong, as far as it was found.
    """

    document: Document
    scenario: str
    types: ParamTypes | None
    ranged: int = 0
    problems: list[Problem] = field(default_factory=list)

    def report(self, path: Loc, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Add a problem of the value at a path, or of its key, unless the reader has reported that already."""
        if not self.document.is_refused(path, at_key=at_key):
            self.problems.append(self.document.problem(path, message, hint, at_key=at_key))

    def values(self, path: Loc) -> dict[str, Scalar]:
        """Return the values of a mapping from params to one value each."""
        checked: dict[str, Scalar] = {}
        for name, node in self.entries(path):
            self.check_name((*path, name), name)
            if isinstance(node, ScalarNode):
                checked[name] = self.value((*path, name), name, node)
        return checked

    def node(self, path: Loc) -> Node | None:
        """Return the value at a path, if there is one."""
        place = self.document.find(path)
        return place.node if place.path == path else None

    def entries(self, path: Loc) -> Iterator[tuple[str, Node]]:
        """Yield the keys and values of the mapping at a path; none where it is no mapping."""
        place = self.document.find(path)
        if place.path == path and isinstance(place.node, MappingNode):
            yield from ((name, entry.node) for name, entry in place.node.entries.items())

    def check_name(self, path: Loc, name: str, *, alone: bool = True) -> None:
        """Report a name that is no param; where it is not ``alone`` in its key, the message names it."""
        if self.types is None or name in self.types or self.document.is_refused(path, at_key=True):
            return
        hint = (
            did_you_mean(name, self.types)
            or self._by_meaning(name)
            or (f"its params are {list_of_names(list(self.types))}" if self.types else "it has no params")
        )
        lacking = "such param" if alone else f"param {quoted(name)}"
        self.report(path, f"scenario '{self.scenario}' has no {lacking}", hint, at_key=True)

    def _by_meaning(self, name: str) -> str | None:
        """Return the hint to use the only number that counts actors, as the name does, or whose text has the name."""
        word = re.compile(rf"\b{re.escape(name.rstrip('s'))}s?\b")
        fields = [
            type_.field for type_ in (self.types or {}).values() if type_.field.type in ("int", "float")
        ]
        alike = [
            each for each in fields if name in _ACTORS and (each.counts_processes or each.name in _ACTORS)
        ]
        meant = alike or [each for each in fields if word.search(each.doc)]
        return f"did you mean '{meant[0].name}': {meant[0].doc}?" if len(meant) == 1 else None

    def value(self, path: Loc, name: str, node: ScalarNode) -> Scalar:
        """Return a value as its param's type; where it is none of that type, report it and return it as it is."""
        type_ = None if self.types is None else self.types.get(name)
        if type_ is None or node.refused:
            return node.value
        try:
            return type_.checked(node)
        except BadParamError as error:
            self.report(path, error.fault.message, self._cpu_count_hint(node) or error.fault.hint)
            return node.value

    def _cpu_count_hint(self, node: ScalarNode) -> str | None:
        """Return which params take cpu_count, where that is the value that a param does not take."""
        if node.value != CPU_COUNT:
            return None
        names = [name for name, type_ in (self.types or {}).items() if type_.field.counts_processes]
        return f"{CPU_COUNT} is a value of {list_of_names(names)}" if names else None
