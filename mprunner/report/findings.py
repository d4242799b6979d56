"""What a verdict found, in words: what was expected, and what trials came to instead."""

from collections.abc import Mapping, Sequence
from typing import Any

from mprunner.analysis.verdict import (
    CameTo,
    Finding,
    Judgement,
    Observed,
    Share,
    Statistic,
    Statuses,
    Values,
)
from mprunner.model.rules import OF_EACH, Condition, Expectation, ParamValue, Where, operand_value
from mprunner.report.wording import number, share, span, states, trials
from mprunner.values import Scalar

_SHOWN_VALUES = 3


def verdict_json(judgement: Judgement) -> dict[str, Any]:
    """Return what verdict.json holds of a verdict."""
    return {
        "verdict": judgement.verdict,
        "findings": [finding_json(finding) for finding in judgement.findings],
        "rules": judgement.rules.to_json(),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return what verdict.json holds of one finding."""
    return {
        "kind": finding.kind,
        "found": finding.found,
        "case_id": finding.case_id,
        "label": finding.label,
        "about": about(finding),
        "told": told(finding),
        "note": finding.note,
    }


def about(finding: Finding) -> str:
    """Say what was judged: the statuses, the outcome's name, or the expectation in words."""
    if finding.expectation is not None:
        return wanted(finding.expectation, finding.params)
    return finding.variable or "status"


def told(finding: Finding) -> str:
    """Say what it came to; empty for an expectation that was met."""
    if finding.expectation is not None and finding.case_id is None:
        return unexecuted(finding.expectation.where)
    return "" if finding.came_to is None else _came_to(finding.came_to)


def _came_to(found: CameTo) -> str:
    match found:
        case Statuses(counts, of):
            return f"{', '.join(f'{number(count)} {status}' for status, count in counts.items())} of {trials(of)}"
        case Share(count, of):
            return f"{share(count / of)}, {number(count)} of {trials(of)}"
        case Observed(observed, count, of):
            return f"{states(observed)} in {number(count)} of {number(of)} observations ({share(count / of)})"
        case Statistic(value, of):
            return f"{number(value)} over {trials(of)}"
        case Values(distinct, count, of):
            return f"{_values(distinct)} in {number(count)} of {trials(of)}" if of else "no trial has a value"


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


def _values(distinct: Sequence[Scalar]) -> str:
    if len(distinct) <= _SHOWN_VALUES:
        return ", ".join(_text(value) for value in distinct)
    numbers = [value for value in distinct if isinstance(value, int | float)]
    if len(numbers) < len(distinct):
        return ", ".join(_text(value) for value in distinct[:_SHOWN_VALUES]) + " …"
    return span(min(numbers), max(numbers), "")
