"""What metrics and statuses came to, held against what the experiment expects of them."""

from collections.abc import Mapping, Sequence
from statistics import fmean, median

import numpy as np

from mprunner.analysis.wording import number, share, span, trials
from mprunner.expected import OF_EACH, Condition, Expectation, ParamValue, Stat, Where, operand_value
from mprunner.values import Scalar

_SHOWN_VALUES = 3


def wanted(expectation: Expectation, params: Mapping[str, Scalar] | None = None) -> str:
    """Say what is expected: ``lost_updates at most 0 in every trial``; with a case's params, their values."""
    condition = "" if expectation.condition is None else f" {described(expectation.condition, params)}"
    subject = expectation.metric or f"status {expectation.status}"
    if expectation.stat in OF_EACH:
        return f"{subject}{condition} in {expectation.stat} trial"
    return f"{expectation.stat} of {subject}{condition}"


def unexecuted(where: Where) -> str:
    """Say that no case that is meant was executed: ``no case with guard none or lock was executed``."""
    params = ", ".join(f"{name} {' or '.join(map(_text, values))}" for name, values in where.items())
    return f"no case{' with ' if params else ''}{params} was executed"


def described(condition: Condition, params: Mapping[str, Scalar] | None = None) -> str:
    """Say what a value must be: ``100``, ``at most 0``, ``1 … 5``."""
    parts = []
    if condition.equals is not None:
        parts.append(_operand(condition, params))
    if condition.one_of:
        parts.append("one of " + ", ".join(_text(value) for value in condition.one_of))
    if condition.min is not None and condition.max is not None:
        parts.append(span(condition.min, condition.max, ""))
    elif condition.min is not None:
        parts.append(f"at least {number(condition.min)}")
    elif condition.max is not None:
        parts.append(f"at most {number(condition.max)}")
    return " and ".join(parts)


def _operand(condition: Condition, params: Mapping[str, Scalar] | None) -> str:
    within = f" ± {number(condition.tolerance)}" if condition.tolerance else ""
    if isinstance(condition.equals, ParamValue) and params is None:
        return f"the case's {condition.equals.param}{within}"
    return _text(operand_value(condition.equals, params or {})) + within


def _text(value: Scalar) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    if value is None:
        return "null"  # as an experiment writes it
    return str(value).lower() if isinstance(value, bool) else str(value)


def missed_metric(
    expectation: Expectation, condition: Condition, values: Sequence[Scalar], params: Mapping[str, Scalar]
) -> str:
    """Say by how much the metric of a case's trials missed an expectation; empty if it is met.

    Args:
        expectation: what is expected.
        condition: its condition.
        values: the metric in the trials that count, missing values left out.
        params: of the case.
    """
    if not values:
        return "no trial has a value"
    if expectation.stat in OF_EACH:
        others = [value for value in values if not condition.holds(value, params)]
        if not others or (expectation.stat == "any" and len(others) < len(values)):
            return ""
        return f"{_values(others)} in {number(len(others))} of {trials(len(values))}"
    came_to = statistic(
        expectation.stat, [float(value) for value in values if not isinstance(value, str | None)]
    )
    return "" if condition.holds(came_to, params) else f"{number(came_to)} over {trials(len(values))}"


def statistic(stat: Stat, values: Sequence[float]) -> float:
    """Make one number of a metric's values.

    ``share`` is that of values other than 0; ``p95`` interpolates linearly (type 7 of Hyndman and Fan, Sample
    Quantiles in Statistical Packages, The American Statistician 50, 1996).
    """
    match stat:
        case "share":
            return fmean(value != 0 for value in values)
        case "mean":
            return fmean(values)
        case "median":
            return median(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "p95":
            return float(np.quantile(values, 0.95))
        case _:
            raise ValueError(f"{stat} is no number of several trials")


def missed_status(expectation: Expectation, counts: Mapping[str, int]) -> str:
    """Say by how much the statuses of a case's trials missed an expectation; empty if it is met.

    Args:
        expectation: what is expected.
        counts: how many of the case's trials, warm-up included, ended in each status; not empty.
    """
    total, hits = sum(counts.values()), counts.get(str(expectation.status), 0)
    if expectation.condition is not None:
        if expectation.condition.holds(hits / total, {}):
            return ""
        return f"{share(hits / total)}, {number(hits)} of {trials(total)}"
    if hits == total or (expectation.stat == "any" and hits):
        return ""
    others = ", ".join(
        f"{count:,} {status}" for status, count in counts.items() if status != expectation.status
    )
    return f"{others} of {trials(total)}"


def _values(values: Sequence[Scalar]) -> str:
    distinct = list(dict.fromkeys(values))
    if len(distinct) <= _SHOWN_VALUES:
        return ", ".join(_text(value) for value in distinct)
    numbers = [value for value in distinct if isinstance(value, int | float)]
    if len(numbers) < len(distinct):
        return ", ".join(_text(value) for value in distinct[:_SHOWN_VALUES]) + " …"
    return span(min(numbers), max(numbers), "")
