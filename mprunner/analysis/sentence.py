"""Fills in a scenario's summary sentence for a case; its language is described in :mod:`mprunner.sentences`."""

import statistics
from collections.abc import Mapping, Sequence
from math import fsum

from mprunner.analysis.wording import number, quantity, span, trials
from mprunner.sentences import Placeholder, Statistic, parse_summary

NO_VALUE = "unknown"


def fill_summary(template: str, values: Mapping[str, Sequence[float]], units: Mapping[str, str]) -> str:
    """Fill in a template that :func:`mprunner.sentences.check_summary` has accepted.

    Args:
        template: the sentence.
        values: the values of each numeric metric over the case's counted trials, missing ones left out; a bool
            counts as 0 or 1.
        units: the unit of each metric.
    """
    parts = parse_summary(template)
    return "".join(
        part if isinstance(part, str) else _filled(part, values[part.metric], units[part.metric])
        for part in parts
    )


def _filled(placeholder: Placeholder, values: Sequence[float], unit: str) -> str:  # noqa: PLR0911 - one each
    if not values:
        return NO_VALUE
    match placeholder.statistic:
        case Statistic.AFFECTED:
            return f"{number(sum(value != 0 for value in values))} of {trials(len(values))}"
        case Statistic.RANGE:
            return span(min(values), max(values), unit)
        case Statistic.MEDIAN:
            return quantity(statistics.median(values), unit)
        case Statistic.PERCENT:
            return f"{number(float(f'{100 * statistics.fmean(values):.3g}'))}%"
        case Statistic.MAX:
            return quantity(max(values), unit)
        case Statistic.TOTAL:
            return quantity(sum(values) if _are_whole(values) else fsum(values), unit)


def _are_whole(values: Sequence[float]) -> bool:
    return all(isinstance(value, int) for value in values)
