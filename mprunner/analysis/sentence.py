"""Fills in a scenario's summary sentence for a case; its language is described in :mod:`mprunner.sentences`."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

from mprunner.analysis.wording import MANY_STATES, number, quantity, share, span, state, states, trials
from mprunner.sentences import Clause, Placeholder, Statistic, parse_summary
from mprunner.values import Scalar

NO_VALUE = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseValues:
    """What is known of one case.

    Attributes:
        metrics: the values of each numeric metric over the case's counted trials, missing ones left out; a bool
            counts as 0 or 1.
        units: the unit of each metric.
        states: by outcome variable, each state that was observed and how often; numbers in order before text.
    """

    metrics: Mapping[str, Sequence[float]]
    units: Mapping[str, str]
    states: Mapping[str, Sequence[tuple[Scalar, int]]] = field(default_factory=dict)


def fill_summary(template: str, case: CaseValues) -> str:
    """Fill in a template that :func:`mprunner.sentences.check_summary` has accepted."""
    text = ""
    for part in parse_summary(template):
        if isinstance(part, Clause):
            told = [_told(piece, case) for piece in part.parts]
            text += "" if None in told else "".join(map(str, told))
        else:
            text += _told(part, case) or NO_VALUE
    return text


def _told(part: str | Placeholder, case: CaseValues) -> str | None:
    """Return what stands for a part of the sentence, None if there is nothing to tell."""
    if isinstance(part, str):
        return part
    if part.statistic is Statistic.STATES:
        return _states(case.states.get(part.name, ()))
    values = case.metrics[part.name]
    return _statistic(part.statistic, values, case.units[part.name]) if values else None


def _statistic(statistic: Statistic, values: Sequence[float], unit: str) -> str:
    match statistic:
        case Statistic.AFFECTED:
            return f"{number(sum(value != 0 for value in values))} of {trials(len(values))}"
        case Statistic.RANGE:
            return span(min(values), max(values), unit)
        case Statistic.MEDIAN:
            return quantity(statistics.median(values), unit)
        case Statistic.PERCENT:
            return share(statistics.fmean(values))
        case Statistic.MAX:
            return quantity(max(values), unit)
        case Statistic.TOTAL:
            return quantity(sum(values) if _are_whole(values) else fsum(values), unit)
        case Statistic.STATES:
            raise ValueError("a metric has no states")


def _are_whole(values: Sequence[float]) -> bool:
    return all(isinstance(value, int) for value in values)


def _states(counts: Sequence[tuple[Scalar, int]]) -> str | None:
    """Tell how often each state was seen: ``99 (0.4%), 100 (99.6%)``, or ``−12 … 431 (87 states)`` of many."""
    total = sum(count for _, count in counts)
    if not total:
        return None
    if 1 < len(counts) < MANY_STATES:
        return ", ".join(f"{state(value)} ({share(count / total)})" for value, count in counts)
    return states([value for value, _ in counts])
