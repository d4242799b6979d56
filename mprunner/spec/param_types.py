"""The types of a scenario's params, and what they say of a value."""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mprunner.declarations import Field, FieldType, fields_of
from mprunner.errors import PluginError
from mprunner.spec import messages
from mprunner.spec.messages import Fault, explained, not_a_choice, text_fault, wrong_type
from mprunner.spec.nodes import ScalarNode
from mprunner.spec.problems import did_you_mean
from mprunner.values import Scalar

CPU_COUNT = "cpu_count"
"""What an experiment writes for the number of CPUs, where a param counts processes."""
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
        field, value = self.field, node.value
        if isinstance(value, str) and "\n" in value and (fault := text_fault(value)):
            raise BadParamError(
                fault
            )  # block text is no word, whatever the type: the break is what can't be seen
        if field.choices is not None:
            if not _is_a(field.type, value) or value not in field.choices:
                raise BadParamError(not_a_choice(field.choices, node))
        elif not _is_a(field.type, value):
            raise BadParamError(self._wrong_type(node))
        if isinstance(value, str) and (fault := text_fault(value)):
            raise BadParamError(fault)
        return float(value) if field.type == "float" and isinstance(value, int) else value

    def _wrong_type(self, node: ScalarNode) -> Fault:
        expected = _EXPECTED[self.field.type]
        if not self.field.counts_processes:
            return wrong_type(expected, node)
        fault = wrong_type(expected, node)
        near = did_you_mean(node.written, [CPU_COUNT])
        return Fault(fault.message.replace(expected, f"{expected} or {CPU_COUNT}", 1), near or fault.hint)

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
        PluginError: a type is not one that mprunner knows, or a constraint does not fit it.
    """
    fields = fields_of(params_type, f"{scenario}: {params_type.__name__}")
    hints = typing.get_type_hints(params_type, include_extras=True)
    return {f.name: ParamType(f, _adapter(hints[f.name], f.name, scenario), scenario) for f in fields}


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
