"""What an experiment expects: which outcomes are acceptable, and what metrics and statuses must come to.

Values only: :mod:`mprunner.experiment` reads them from a file, :mod:`mprunner.analysis` holds a run's tables
against them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeGuard

from mprunner.model.declaration import Field, cpu_counter
from mprunner.model.from_json import read_part
from mprunner.model.relevance import Relevance
from mprunner.values import Scalar

OutcomeVerdict = Literal["acceptable", "interesting", "forbidden"]
Stat = Literal["every", "any", "share", "mean", "median", "min", "max", "p95", "ratio"]
OF_EACH = ("every", "any")
"""The stats that look at each trial by itself; the others make one number of a case's trials.

``ratio`` makes it of those of the baseline's case, too: see :func:`mprunner.analysis.statistics.paired_ratio`.
"""

Where = Mapping[str, tuple[Scalar, ...]]
"""The cases that are meant: those that have, for each of these params, one of its values."""


@dataclass(frozen=True, slots=True)
class ParamValue:
    """Whatever value the case at hand has for a param.

    Attributes:
        param: its name.
    """

    param: str


Operand = Scalar | ParamValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a value must be: all of what is given here.

    Attributes:
        equals: this value; None where that is not asked.
        tolerance: by how much a number may differ from ``equals``.
        one_of: one of these; empty where that is not asked.
        min: at least this number.
        max: at most this number.
    """

    equals: Operand = None
    tolerance: float = 0.0
    one_of: tuple[Scalar, ...] = ()
    min: float | None = None
    max: float | None = None

    def holds(self, value: Scalar, params: Mapping[str, Scalar]) -> bool:
        """Whether the value of a case with these params is as it must be."""
        wanted = operand_value(self.equals, params)
        return (
            (self.equals is None or _is_near(value, wanted, self.tolerance))
            and (not self.one_of or any(_is_near(value, each, 0.0) for each in self.one_of))
            and (self.min is None or (_is_number(value) and value >= self.min))
            and (self.max is None or (_is_number(value) and value <= self.max))
        )

    def names(self, value: Scalar, state: Scalar) -> bool:
        """Whether an observed value is a state that :meth:`states` gives."""
        return _is_near(value, state, self.tolerance)

    def states(self, params: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Return the values that it names for a case with these params."""
        named = () if self.equals is None else (operand_value(self.equals, params),)
        return (*named, *self.one_of)

    def to_json(self) -> dict[str, Any]:
        """Return what is given, as an experiment file says it."""
        value: dict[str, Any] = {}
        if isinstance(self.equals, ParamValue):
            value["equals"] = {"param": self.equals.param}
        elif self.equals is not None:
            value["equals"] = self.equals
        if self.tolerance:
            value["tolerance"] = self.tolerance
        if self.one_of:
            value["one_of"] = list(self.one_of)
        bounds = {"min": self.min, "max": self.max}
        return value | {name: bound for name, bound in bounds.items() if bound is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Condition | None":
        """Rebuild a condition from its part of a rule's JSON; None if there is none."""
        return read_part(cls, value) if cls.__dataclass_fields__.keys() & value.keys() else None


def operand_value(operand: Operand, params: Mapping[str, Scalar]) -> Scalar:
    """Return the value that an operand stands for in a case with these params."""
    return params.get(operand.param) if isinstance(operand, ParamValue) else operand


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_near(value: Scalar, wanted: Scalar, tolerance: float) -> bool:
    """Whether two values are the same: numbers within the tolerance, true never 1, text never a number."""
    if isinstance(value, str) or isinstance(wanted, str) or value is None or wanted is None:
        return type(value) is type(wanted) and value == wanted
    if isinstance(value, bool) is not isinstance(wanted, bool):
        return False
    return value == wanted or abs(value - wanted) <= tolerance


def matches(where: Where, params: Mapping[str, Scalar]) -> bool:
    """Whether a case with these params is meant."""
    return all(name in params and params[name] in values for name, values in where.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRule:
    """What a state of an outcome variable is, where it is as the condition says; of several rules the first decides.

    Attributes:
        condition: what the state must be; None for any state.
        verdict: acceptable, interesting or forbidden.
        note: what it means.
        where: the cases that are meant.
    """

    condition: Condition | None
    verdict: OutcomeVerdict
    note: str = ""
    where: Where = field(default_factory=dict)

    def applies(self, value: Scalar, params: Mapping[str, Scalar]) -> bool:
        """Whether this says what a state is, in a case with these params."""
        return matches(self.where, params) and (self.condition is None or self.condition.holds(value, params))

    def to_json(self) -> dict[str, Any]:
        """Return the rule, as an experiment file says it."""
        condition = {"otherwise": True} if self.condition is None else self.condition.to_json()
        note = {"note": self.note} if self.note else {}
        return {**condition, "verdict": self.verdict, **note, **_where_json(self.where)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "OutcomeRule":
        """Rebuild a rule."""
        return read_part(cls, value, condition=Condition.from_json(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a metric, or the status of trials, must come to in each case that is meant.

    Attributes:
        metric: the metric; None where it is about a status.
        status: the status that is expected; None where it is about a metric.
        stat: what is made of the trials: each by itself (every, any) or one number of all.
        condition: what that must be; None only for a status that every or any trial must have.
        where: the cases that are meant.
    """

    metric: str | None = None
    status: str | None = None
    stat: Stat = "every"
    condition: Condition | None = None
    where: Where = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the expectation, as an experiment file says it."""
        subject = {"metric": self.metric} if self.status is None else {"status": self.status}
        condition = {} if self.condition is None else self.condition.to_json()
        return {**subject, "stat": self.stat, **condition, **_where_json(self.where)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Expectation":
        """Rebuild an expectation."""
        return read_part(cls, value, condition=Condition.from_json(value))


def _where_json(where: Where) -> dict[str, Any]:
    return {"where": {name: list(values) for name, values in where.items()}} if where else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that an experiment expects.

    Attributes:
        outcomes: by outcome variable, its rules in order; a variable without any is only counted.
        expect: what metrics and statuses must come to.
    """

    outcomes: Mapping[str, tuple[OutcomeRule, ...]] = field(default_factory=dict)
    expect: tuple[Expectation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.outcomes or self.expect)

    def accepts(self, status: str, params: Mapping[str, Scalar]) -> bool:
        """Whether a trial of a case with these params may end in a status: ok, or one that is expected there."""
        return status == "ok" or any(
            expected.status == status and matches(expected.where, params) for expected in self.expect
        )

    def may_be_forbidden(self, variable: str, params: Mapping[str, Scalar]) -> bool:
        """Whether some state of a variable would be forbidden in a case with these params."""
        for rule in self.outcomes.get(variable, ()):
            if matches(rule.where, params):
                if rule.verdict == "forbidden":
                    return True
                if rule.condition is None:
                    return False
        return False

    def resolved(self, fields: Sequence[Field], cpus: int) -> "Rules":
        """Return the rules of a machine where ``cpu_count`` is so many CPUs.

        What a ``where`` says of params that mean nothing to the cases that it means is left out.
        """
        value_of, relevance = cpu_counter(fields, cpus), Relevance(fields)

        def of(where: Where) -> Where:
            return relevance.stripped(
                {name: tuple(value_of(name, value) for value in values) for name, values in where.items()}
            )

        return Rules(
            outcomes={
                variable: tuple(replace(rule, where=of(rule.where)) for rule in rules)
                for variable, rules in self.outcomes.items()
            },
            expect=tuple(replace(each, where=of(each.where)) for each in self.expect),
        )

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back: the keys of an experiment file."""
        return {
            "outcomes": {name: [rule.to_json() for rule in rules] for name, rules in self.outcomes.items()},
            "expect": [expected.to_json() for expected in self.expect],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Rules":
        """Rebuild rules; a run of an earlier version has none."""
        return read_part(cls, value)
