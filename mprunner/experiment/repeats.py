"""Repeats that go on until an interval is narrow: the keys of that mapping, and which metrics have an interval."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from mprunner.experiment.checking import Checking
from mprunner.experiment.document import ScalarNode
from mprunner.experiment.messages import KEYS, NUMBER, TEXT, TRUE_OR_FALSE, Keywords, fault, list_of_names
from mprunner.experiment.problems import did_you_mean
from mprunner.model.adaptive import MIN_REPEATS, Until
from mprunner.model.declaration import Declaration

MAX_ADAPTIVE_REPEATS = 10_000
"""A look at the interval of so many values takes about a second, between two trials."""

METRIC_PATH = ("repeats", "until", "metric")


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


class UntilEntry(BaseModel):
    """When a case has enough repeats."""

    model_config = KEYS

    metric: str
    """a metric of the scenario that is a number"""

    ci_ratio: Annotated[float, BeforeValidator(_ratio), Keywords({"exclusiveMinimum": 0})]
    """half of the interval's width, as a share of the median, that is narrow enough: 0.05 is ±5 %"""


class RepeatsEntry(BaseModel):
    """How many repeats at least and at most, and when a case has enough."""

    model_config = KEYS

    min: Annotated[int, BeforeValidator(_least), Keywords({"minimum": MIN_REPEATS})] = MIN_REPEATS
    """the repeats that every case gets"""

    max: Annotated[int, Field(ge=1), BeforeValidator(_most), Keywords({"maximum": MAX_ADAPTIVE_REPEATS})]
    """the most that a case gets"""

    until: UntilEntry
    """when a case has enough"""

    @model_validator(mode="after")
    def _fits_together(self) -> "RepeatsEntry":
        if self.min > self.max:
            raise fault(
                f"`min` {self.min} is more than `max` {self.max}", f"raise `max` to {self.min} or more"
            )
        return self

    def as_until(self) -> Until:
        """Return what it asks for."""
        return Until(least=self.min, metric=self.until.metric, ci_ratio=self.until.ci_ratio)


def fixed_or_adaptive(value: object) -> str:
    """Return which of the two forms of ``repeats`` a value is meant to have."""
    return "a mapping" if isinstance(value, dict | RepeatsEntry) else "a number"


def repeats_type(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return what a path leads into; None where it does not lead into the mapping of ``repeats``."""
    if len(loc) < 2 or loc[0] != "repeats":
        return None
    return UntilEntry if len(loc) >= 3 and loc[1] == "until" else RepeatsEntry


def in_file(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the path in a file that pydantic's path means: that one also names the form of ``repeats``."""
    return (loc[0], *loc[2:]) if loc[0] == "repeats" else loc


def check_until(checking: Checking, declared: Declaration | None) -> None:
    """Report a metric that the scenario lacks or that is no number; check_structure() reports all else."""
    node = checking.node(METRIC_PATH)
    if declared is None or not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return
    numbers = [field.name for field in declared.metrics if field.type in ("int", "float")]
    field = next((field for field in declared.metrics if field.name == node.value), None)
    others = f"its numbers are {list_of_names(numbers)}" if numbers else "it has no metric that is a number"
    if field is None:
        hint = did_you_mean(node.value, numbers) or others
        checking.report(METRIC_PATH, f"scenario '{checking.scenario}' has no such metric", hint)
    elif field.name not in numbers:
        kind = TEXT if field.type == "str" else TRUE_OR_FALSE
        checking.report(METRIC_PATH, f"{field.name} is {kind}, not {NUMBER}", others)
