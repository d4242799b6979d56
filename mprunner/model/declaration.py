"""What a scenario declares, read from its types: the fields of its params, metrics and samples.

A :class:`Declaration` is plain data with a JSON form, so that a run's folder can be read without the plugin.
Standard library only: the worker uses it to check what a scenario returns.
"""

import dataclasses
import inspect
import math
import operator
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from mprunner.errors import PluginError
from mprunner.model.from_json import read_fields
from mprunner.scenario import CountsProcesses, Doc, Scenario, Unit, Unless, When
from mprunner.values import Scalar, as_python, unfit

FieldType = Literal["bool", "int", "float", "str"]

_TYPES: Mapping[object, FieldType] = {bool: "bool", int: "int", float: "float", str: "str"}
_BOUNDS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")
_KEEPS: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "ge": (operator.ge, "at least"),
    "gt": (operator.gt, "more than"),
    "le": (operator.le, "at most"),
    "lt": (operator.lt, "less than"),
    "min_length": (lambda text, length: len(text) >= length, "of a length of at least"),
    "max_length": (lambda text, length: len(text) <= length, "of a length of at most"),
}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")


class BadValueError(ValueError):
    """A value is not what the scenario declares; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One param, metric or sample field.

    Attributes:
        name: its name, and its column's.
        type: the type of its values.
        optional: whether it may be None, an empty cell.
        choices: its allowed values, or None where its type alone limits it.
        counts_processes: whether ``cpu_count`` is a value.
        required: whether it has no default.
        default: its default, ``cpu_count`` included.
        unit: such as ``s``; empty where it has none.
        doc: what it means.
        bounds: limits by annotated_types' names, such as ``{"ge": 1}``.
        when: the conditions under which it means something, of which one is enough; empty where it needs none.
        unless: the conditions under which it means nothing, of which one is enough. A condition gives the values of
            other params: see :mod:`mprunner.model.relevance`.
    """

    name: str
    type: FieldType
    optional: bool = False
    choices: tuple[Scalar, ...] | None = None
    counts_processes: bool = False
    required: bool = True
    default: Scalar = None
    unit: str = ""
    doc: str = ""
    bounds: Mapping[str, Scalar] = field(default_factory=dict)
    when: tuple[Mapping[str, tuple[Scalar, ...]], ...] = ()
    unless: tuple[Mapping[str, tuple[Scalar, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """Everything that a scenario declares about itself.

    Attributes:
        name: the scenario's name.
        doc: its docstring, dedented.
        params: its parameters, in the order of their dataclass.
        metrics: its metrics, in the order of their dataclass.
        outcomes: its outcome variables and their meanings.
        sample: the fields of its samples, or None where it takes none.
        summary: the sentence that describes a case.
        serial: the values of params by which a case does its work alone; empty where there is no such case.
        work: the params that say how much work a case does; None where the scenario does not say it.
        baseline: the values of the cases with which the others are compared, where an experiment names none.
        set_up_params: the params on which depends what is set up before the first trial.
    """

    name: str
    doc: str
    params: tuple[Field, ...]
    metrics: tuple[Field, ...]
    outcomes: Mapping[str, str]
    sample: tuple[Field, ...] | None = None
    summary: str = ""
    serial: Mapping[str, Scalar] = field(default_factory=dict)
    work: tuple[str, ...] | None = None
    baseline: Mapping[str, Scalar] = field(default_factory=dict)
    set_up_params: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Declaration":
        """Rebuild a declaration from :meth:`to_json`'s value after a trip through JSON."""
        return read_fields(cls, value)


def cpu_counter(fields: Iterable[Field], cpus: int) -> Callable[[str, Scalar], Scalar]:
    """Return what puts the number of CPUs in place of ``cpu_count``, of a param's name and its value."""
    counting = {field.name for field in fields if field.counts_processes}
    return lambda name, value: cpus if name in counting and value == "cpu_count" else value


def with_cpus(values: Mapping[str, Scalar], fields: Iterable[Field], cpus: int) -> dict[str, Scalar]:
    """Return values of params, with the number of CPUs in place of ``cpu_count``."""
    resolved = cpu_counter(fields, cpus)
    return {name: resolved(name, value) for name, value in values.items()}


def types_of(scenario: type[Scenario[Any, Any]]) -> tuple[type, type]:
    """Return the Params and Metrics dataclasses of ``class X(Scenario[Params, Metrics])``.

    Raises:
        PluginError: the class names none.
    """
    for cls in scenario.__mro__:
        for base in getattr(cls, "__orig_bases__", ()):
            arguments = get_args(base)
            if get_origin(base) is Scenario and all(map(_is_dataclass_type, arguments)):
                return arguments[0], arguments[1]
    raise PluginError(
        f"scenario class {scenario.__qualname__} does not say what its params and metrics are",
        f"write `class {scenario.__name__}(Scenario[Params, Metrics])` with two frozen dataclasses",
    )


def _is_dataclass_type(value: object) -> bool:
    return isinstance(value, type) and dataclasses.is_dataclass(value)


def declare(scenario: type[Scenario[Any, Any]]) -> Declaration:
    """Read a scenario's declaration from its class.

    Raises:
        PluginError: a name or a type is not one that mprunner knows; the message says where.
    """
    name = getattr(scenario, "name", None)
    if not isinstance(name, str) or not _NAME.match(name):
        raise PluginError(
            f"scenario class {scenario.__qualname__} has the name {name!r}",
            "set `name` to lower-case letters and digits with hyphens between, such as 'race-bank'",
        )
    params, metrics = types_of(scenario)
    if not isinstance(scenario.outcomes, Mapping):
        raise PluginError(
            f"{name}: outcomes is {_shown(scenario.outcomes)}, not a mapping",
            "write each variable with its meaning: `outcomes = {'state': Doc('…')}`",
        )
    for outcome, doc in scenario.outcomes.items():
        _check_identifier(outcome, f"{name}: outcome")
        if not isinstance(doc, Doc):
            raise PluginError(
                f"{name}: outcome {outcome!r} is {_shown(doc)}, not a Doc", "write its meaning as `Doc('…')`"
            )
    if scenario.sample is not None and not _is_dataclass_type(scenario.sample):
        raise PluginError(f"{name}: sample is {_shown(scenario.sample)}, which is no dataclass")
    declaration = Declaration(
        name=name,
        doc=inspect.cleandoc(scenario.__doc__ or ""),
        params=params_of(params, f"{name}: {params.__name__}"),
        metrics=fields_of(metrics, f"{name}: {metrics.__name__}"),
        outcomes={variable: doc.text for variable, doc in scenario.outcomes.items()},
        sample=None if scenario.sample is None else fields_of(scenario.sample, f"{name}: sample"),
        summary=scenario.summary,
        serial=dict(scenario.serial),
        work=None if scenario.work is None else tuple(scenario.work),
        baseline=dict(scenario.baseline),
        set_up_params=tuple(scenario.set_up_params),
    )
    _check_named(declaration, "serial", declaration.serial)
    _check_named(declaration, "work", dict.fromkeys(declaration.work or ()))
    _check_named(declaration, "baseline", declaration.baseline)
    _check_named(declaration, "set_up_params", dict.fromkeys(declaration.set_up_params))
    shared = {f.name for f in declaration.params} & {f.name for f in declaration.metrics}
    if shared:
        raise PluginError(f"scenario {name!r} has both a param and a metric named {min(shared)!r}")
    return declaration


def _check_named(declaration: Declaration, attribute: str, named: Mapping[str, Scalar]) -> None:
    """Refuse what an attribute of the class says of params that there are not, or of values that they can't have."""
    params = {param.name: param for param in declaration.params}
    for name, value in named.items():
        if name not in params:
            raise PluginError(
                f"{declaration.name}: {attribute} names {name!r}, which is no param of the scenario"
            )
        if attribute in ("work", "set_up_params") or (params[name].counts_processes and value == "cpu_count"):
            continue
        try:
            checked_value(params[name], value)
        except BadValueError as error:
            message = f"{declaration.name}: {attribute} has a value that its param can't have: {error}"
            raise PluginError(message) from None


def params_of(dataclass_type: type, where: str) -> tuple[Field, ...]:
    """Read the fields of a params dataclass, with their defaults as values of their types.

    Raises:
        PluginError: as :func:`fields_of`; or a default is not one that the param could be given.
    """
    return tuple(_with_checked_default(each, where) for each in fields_of(dataclass_type, where))


def fields_of(dataclass_type: type, where: str) -> tuple[Field, ...]:
    """Read the fields of a params, metrics or sample dataclass.

    Raises:
        PluginError: an annotation can't be resolved, or is not in the closed set of types.
    """
    try:
        hints = typing.get_type_hints(dataclass_type, include_extras=True)
    except Exception as error:  # an annotation is code of the plugin's
        raise PluginError(f"{where}: its annotations can't be read: {error}") from error
    return tuple(_field(f, hints[f.name], where) for f in dataclasses.fields(dataclass_type) if f.init)


def _field(source: "dataclasses.Field[Any]", hint: object, where: str) -> Field:
    _check_identifier(source.name, f"{where}:")
    metadata: tuple[object, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        metadata = tuple(extras)
    bare, optional = _without_none(hint)
    if get_origin(bare) is Annotated:  # such as `ProcessCount | None`
        bare, *extras = get_args(bare)
        metadata = (*metadata, *extras)
    type_, choices = _type_and_choices(bare, f"{where}.{source.name}")
    counts_processes = any(isinstance(item, CountsProcesses) for item in metadata)
    bounds = _bounds(metadata)
    if counts_processes:
        bounds.setdefault("ge", 1)
    if source.default_factory is not dataclasses.MISSING:
        raise PluginError(
            f"{where}.{source.name} has a default_factory, so its default can't be told before a trial",
            "write the default itself: `= 1`, not `= field(default_factory=…)`",
        )
    return Field(
        name=source.name,
        type=type_,
        optional=optional,
        choices=choices,
        counts_processes=counts_processes,
        required=source.default is dataclasses.MISSING,
        default=None if source.default is dataclasses.MISSING else source.default,
        unit=next((item.symbol for item in metadata if isinstance(item, Unit)), ""),
        doc=next((item.text for item in metadata if isinstance(item, Doc)), ""),
        bounds=bounds,
        when=tuple(dict(item.values) for item in metadata if type(item) is When),
        unless=tuple(dict(item.values) for item in metadata if type(item) is Unless),
    )


def _with_checked_default(field_: Field, where: str) -> Field:
    """Return a param whose default is a value of its type, as a file would give it: a float for an int, say."""
    if field_.required or (field_.counts_processes and field_.default == "cpu_count"):
        return field_
    try:
        default = checked_value(field_, field_.default)
    except BadValueError as error:
        hint = f"write `{field_.name}: {field_.type} | None` if it may be missing"
        raise PluginError(
            f"{where}.{field_.name} has a default that it can't have: {error}",
            hint
            if field_.default is None
            else "give it a default of its type and within its limits, or none",
        ) from None
    for bound, (keeps, words) in _KEEPS.items():
        limit: Any = field_.bounds.get(bound)
        if limit is not None and default is not None and not keeps(default, limit):
            message = f"{where}.{field_.name} has the default {default!r}, which is not {words} {limit}"
            raise PluginError(message)
    return dataclasses.replace(field_, default=default)


def _without_none(hint: object) -> tuple[object, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not types.NoneType]
        if len(members) == 1 and len(get_args(hint)) == 2:
            return members[0], True
    return hint, False


def _type_and_choices(hint: object, where: str) -> tuple[FieldType, tuple[Scalar, ...] | None]:
    if hint in _TYPES:
        return _TYPES[hint], None
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        kinds = {type(choice) for choice in choices}
        if len(kinds) == 1 and kinds <= set(_TYPES):
            return _TYPES[kinds.pop()], choices
    shown = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    raise PluginError(
        f"{where} has the type {shown}, which can't be a column",
        "use bool, int, float, str, Literal, ProcessCount, or one of them `| None`",
    )


def _bounds(metadata: tuple[object, ...]) -> dict[str, Scalar]:
    bounds: dict[str, Scalar] = {}
    for item in metadata:
        for bound in _BOUNDS:
            value = getattr(item, bound, None)
            if isinstance(value, bool | int | float | str) and not isinstance(item, Doc | Unit):
                bounds[bound] = value
    return bounds


def _check_identifier(name: str, where: str) -> None:
    if not IDENTIFIER.match(name):
        raise PluginError(
            f"{where} {name!r} can't be a column's name", "use lower-case letters, digits and underscores"
        )


def checked_values(fields: tuple[Field, ...], instance: object) -> dict[str, Scalar]:
    """Return the values of a metrics or sample dataclass, checked against its fields.

    Raises:
        BadValueError: a value has another type than declared, is not finite, or is not among its choices.
    """
    return {f.name: checked_value(f, getattr(instance, f.name)) for f in fields}


def checked_value(field_: Field, value: object) -> Scalar:
    """Return ``value`` as the field's type, or raise :class:`BadValueError`; an int is a float, never a bool."""
    value = as_python(value)
    if value is None:
        if field_.optional:
            return None
        raise BadValueError(f"{field_.name} is None, but its type is {field_.type}")
    plain = _as_type(field_.type, value)
    if plain is None:
        raise BadValueError(f"{field_.name} is {_shown(value)}, but its type is {field_.type}")
    if (reason := unfit(plain)) is not None:
        raise BadValueError(f"{field_.name} {reason}")
    if field_.choices is not None and plain not in field_.choices:
        raise BadValueError(
            f"{field_.name} is {_shown(value)}, not one of {', '.join(map(str, field_.choices))}"
        )
    return plain


def _as_type(type_: FieldType, value: object) -> Scalar:
    match type_:
        case "bool":
            return value if isinstance(value, bool) else None
        case "int":
            return int(value) if isinstance(value, int) and not isinstance(value, bool) else None
        case "float":
            return _float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        case "str":
            # its class's own __str__ may say something else: that of a str Enum says `Guard.LOCK`
            return str.__str__(value) if isinstance(value, str) else None


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an int beyond 1.8e308
        return math.inf if value > 0 else -math.inf


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # a class's own code, or an int of more than 4300 digits
        text = "a value"
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({type(value).__name__})"
