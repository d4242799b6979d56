"""What a run's cases came to as the columns of a table: the metrics that the scenario's summary names, in its order.

Beside them stands how long each case took compared with its baseline.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from math import fsum
from statistics import mean, median
from typing import NamedTuple

import pandas as pd

from mprunner.analysis.statistics import Interval, finite, median_of
from mprunner.analysis.summary import counted, present_by_case
from mprunner.errors import guarded
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Header
from mprunner.model.records import Status
from mprunner.model.summary_sentence import Clause, Placeholder, Statistic, parse_summary
from mprunner.model.text import printable
from mprunner.report.labels import Labels
from mprunner.report.layout import Column, Group, Row, Table
from mprunner.report.wording import (
    MANY_STATES,
    bracketed,
    factor,
    metric_in_words,
    number,
    quantity,
    share,
    span,
    state,
    states,
    trials,
)
from mprunner.tables import Frames, plain_cells
from mprunner.values import Scalar

NO_VALUE = "unknown"
AFFECTS = (Statistic.AFFECTED, Statistic.OF, Statistic.AMONG)
"""What says how often something went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseValues:
    """What is known of one case.

    Attributes:
        metrics: the values of each numeric metric over the case's counted trials, missing ones left out; a bool
            counts as 0 or 1.
        units: the unit of each metric.
        states: by outcome variable, each state that was observed and how often; numbers in order before text.
        params: the values of its params.
    """

    metrics: Mapping[str, Sequence[float]]
    units: Mapping[str, str]
    states: Mapping[str, Sequence[tuple[Scalar, int]]] = field(default_factory=dict)
    params: Mapping[str, Scalar] = field(default_factory=dict)

    def affected(self, part: Placeholder) -> tuple[int, int]:
        """Return in how many trials a metric was not 0, or how often it was counted; and of how many.

        ``of`` counts in all trials together; ``among`` in the one that counted most, as each counts the same things.
        """
        values = self.metrics.get(part.name, ())
        if not part.of:
            return sum(value != 0 for value in values), len(values)
        every = self.metrics.get(part.of) or [float(str(self.params[part.of]))] * len(values)
        if part.statistic is Statistic.AMONG:
            most = max(range(len(values)), key=values.__getitem__)
            return round(values[most]), round(every[most])
        return round(fsum(values)), round(fsum(every))


def values_by_case(header: Header, frames: Frames) -> dict[str, CaseValues]:
    """Return what is known of each case, in the order of the plan."""
    rows = counted(frames.trials)
    numeric = [field for field in header.declaration.metrics if field.type != "str"]
    values = {field.name: present_by_case(rows, field.name) for field in numeric}
    units = {field.name: field.unit for field in numeric}
    return {
        case_id: CaseValues(
            metrics={name: of_metric.get(case_id, ()) for name, of_metric in values.items()},
            units=units,
            states=frames.observed[case_id],
            params=frames.params[case_id],
        )
        for case_id in frames.labels
    }


def fill_summary(template: str, case: CaseValues) -> str:
    """Fill in a template that :func:`mprunner.model.summary_sentence.check_summary` has accepted."""
    text = ""
    for part in parse_summary(template):
        if isinstance(part, Clause):
            told = [_told(piece, case) for piece in part.parts]
            text += "" if None in told else "".join(map(str, told))
        else:
            text += _told(part, case) or NO_VALUE
    return text


def _told(part: str | Placeholder, case: CaseValues) -> str | None:
    """Return the text of a part of the sentence; None if a metric in it has no value."""
    if isinstance(part, str):
        return part
    if part.statistic is Statistic.STATES:
        return _distinct_states(case.states.get(part.name, ()))
    text = _of_metric(part, case, case.units[part.name])
    if text and part.statistic is Statistic.AFFECTED:
        return f"{text} trial{'s' * (len(case.metrics[part.name]) != 1)}"
    return f"{text} {part.counted}" if text and part.of else text


def _of_metric(part: Placeholder, case: CaseValues, unit: str) -> str | None:
    values = case.metrics[part.name]
    try:
        if values and part.statistic in AFFECTS:
            count, of = case.affected(part)
            return f"{number(count)} of {number(of)}"
        return _statistic(part.statistic, values, unit) if values else None
    except OverflowError:  # no float holds the sum
        return None


def _statistic(statistic: Statistic, values: Sequence[float], unit: str) -> str:
    match statistic:
        case Statistic.RANGE:
            return span(min(values), max(values), unit)
        case Statistic.MEDIAN:
            return quantity(median(values) if _are_whole(values) else median_of(values), unit)
        case Statistic.PERCENT:
            return share(mean(values))
        case Statistic.MAX:
            return quantity(max(values), unit)
        case Statistic.TOTAL:
            return quantity(sum(values) if _are_whole(values) else fsum(values), unit)
        case Statistic.AFFECTED | Statistic.OF | Statistic.AMONG | Statistic.STATES:
            raise ValueError(f"not of the values alone: {statistic}")


def _are_whole(values: Sequence[float]) -> bool:
    return all(isinstance(value, int) for value in values)


def _distinct_states(counts: Sequence[tuple[Scalar, int]], *, counted: bool = True) -> str | None:
    """Tell how often each state was seen: ``99 (0.4%), 100 (99.6%)``, or ``−12 … 431 (87 states)`` of many."""
    total = sum(count for _, count in counts)
    if not total:
        return None
    if 1 < len(counts) < MANY_STATES:
        return ", ".join(f"{state(value)} ({share(count / total)})" for value, count in counts)
    text = states([value for value, _ in counts])
    return text if counted else text.rpartition(" (")[0] or text


_USUAL = "wall_s"


def compared_field(declaration: Declaration) -> Field | None:
    """Return the metric in which a scenario's cases are compared: ``wall_s``, else its first duration."""
    numeric = [field for field in declaration.metrics if field.type in ("int", "float")]
    usual = (field for field in numeric if field.name == _USUAL)
    return next(usual, None) or next((field for field in numeric if field.unit == "s"), None)


class ToBaseline(NamedTuple):
    """How a case compares with its baseline in one metric.

    Attributes:
        ratio: to the baseline.
        interval: of the ratio; None for too few repeats.
        speedup: its inverse; None where the metric is no duration, or the work is not the same.
        efficiency: the speed-up over the number of processes, where there is one.
    """

    ratio: float
    interval: Interval | None
    speedup: float | None
    efficiency: float | None


Ratios = Mapping[str, ToBaseline]
"""By case id; only of cases that have a ratio."""


def ratios_of(summary: pd.DataFrame, field: Field) -> Ratios:
    """Return what a summary says of how a metric compares with the baseline."""
    rows = summary[(summary["metric"] == field.name) & summary["ratio"].notna()]
    columns = ["case_id", "ratio", "ratio_ci_low", "ratio_ci_high", "speedup", "efficiency"]
    return {
        case_id: ToBaseline(ratio, None if low is None else Interval(low, high), speedup, efficiency)
        for case_id, ratio, low, high, speedup, efficiency in zip(
            *(plain_cells(rows[name]) for name in columns), strict=True
        )
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How cases compare with their baselines in one metric.

    Attributes:
        field: the metric.
        ratios: of each case that has one.
        partners: by case id, the case that it is compared with.
        unclear: the cases of which their trials don't show that they differ from their baseline.
    """

    field: Field
    ratios: Ratios
    partners: Mapping[str, str]
    unclear: frozenset[str]

    @property
    def is_speedup(self) -> bool:
        """Whether ratios are told as speed-ups, all of them: most cases are faster than their baseline."""
        found = self.ratios.values()
        lows = [each.interval.low for each in found if each.interval]
        if any(each.speedup is None for each in found) or any(
            low <= 0 or finite(1 / low) is None for low in lows
        ):
            return False
        is_parallel = any(each.efficiency is not None for each in found)
        return is_parallel or 2 * sum(each.ratio < 1 for each in found) > len(found)


class Kind(StrEnum):
    """What is in a column."""

    FAILED = "failed"
    AFFECTED = "affected"
    RATIO = "ratio"
    COMPARED = "compared"
    STATES = "states"
    OTHER = "other"
    EFFICIENCY = "efficiency"
    CLAUSE = "clause"
    """What the scenario's summary names in brackets."""


_WEIGHTS = {kind: weight for weight, kind in enumerate(reversed(Kind))}
APART = "≈"


def _column(kind: Kind, title: str, style: str = "") -> Column:
    wraps = kind in (Kind.FAILED, Kind.STATES)
    return Column(title=title, weight=_WEIGHTS[kind], kind=kind, style=style, wraps=wraps)


def cases_table(
    header: Header,
    frames: Frames,
    values: Mapping[str, CaseValues],
    labels: Labels,
    compared: Compared | None,
    shown: Sequence[str],
    marks: Mapping[str, str],
) -> tuple[Table, tuple[str, ...]]:
    """Return the table of some cases, and what is the same in all of them.

    Args:
        header: of the run's journal.
        frames: its tables.
        values: what is known of each case.
        labels: how its cases are named.
        compared: how they compare with their baselines; None where they don't.
        shown: the cases that are in it.
        marks: by case id, what makes a case stand out, in one character.
    """
    columns = [*_failed_column(frames, shown), *_metric_columns(header, values, shown)]
    same = [
        (column, cells)
        for column, cells in columns
        if len(shown) > 1 and column.kind not in (Kind.FAILED, Kind.AFFECTED) and _is_same(cells, shown)
    ]
    columns = [each for each in columns if each not in same]
    if compared is not None and any(case in compared.ratios for case in shown):
        columns += _ratio_columns(compared, labels, shown)
    groups, wanted = [], set(shown)
    for group, heading in zip(labels.groups, labels.headings, strict=True):
        rows = tuple(
            Row(
                label=labels.own[case],
                cells=tuple(cells[case] for _, cells in columns),
                mark=marks.get(case, ""),
            )
            for case in group
            if case in wanted
        )
        if rows:
            groups.append(Group(heading=heading, rows=rows))
    table = Table(title="case", columns=tuple(column for column, _ in columns), groups=tuple(groups))
    return _named_once(table), tuple(f"{column.title} {cells[shown[0]]}" for column, cells in same)


def _named_once(table: Table) -> Table:
    """Take the name with which every label begins out of the labels: it becomes the title of their column."""
    name = table.rows[0].label.partition(" ")[0] if table.rows else ""
    others = [row.label for row in table.rows]
    if len(others) < 2 or not name or any(not label.startswith(name + " ") for label in others):
        return table
    groups = (
        replace(
            group, rows=tuple(replace(row, label=row.label.removeprefix(f"{name} ")) for row in group.rows)
        )
        for group in table.groups
    )
    return replace(table, title=name, groups=tuple(groups))


def _is_same(cells: Mapping[str, str], shown: Sequence[str]) -> bool:
    return bool(cells[shown[0]]) and len({cells[case] for case in shown}) == 1


_Filled = tuple[Column, Mapping[str, str]]


def _failed_column(frames: Frames, shown: Sequence[str]) -> list[_Filled]:
    tallies = frames.measured_statuses
    if all(list(tallies[case]) == [Status.OK.value] for case in shown):
        return []
    cells = {
        case: ", ".join(f"{n:,} {status}" for status, n in tallies[case].items()) or "none executed"
        for case in shown
    }
    return [(_column(Kind.FAILED, "trials", "red"), cells)]


def _metric_columns(
    header: Header, values: Mapping[str, CaseValues], shown: Sequence[str]
) -> Iterator[_Filled]:
    main = compared_field(header.declaration)
    for part, is_clause in _placeholders(header.declaration):
        unit = next((each.unit for each in header.declaration.metrics if each.name == part.name), "")
        title, unit = metric_in_words(part.name, unit)
        kind = Kind.CLAUSE if is_clause else Kind.OTHER
        if part.statistic is Statistic.STATES:
            kind = Kind.STATES
        elif part.statistic in AFFECTS:
            kind = Kind.AFFECTED
        elif main is not None and part.name == main.name:
            kind = Kind.COMPARED
        cells = {
            case: guarded(f"{title} of a case", partial(_cell, part, values[case], unit), NO_VALUE)
            for case in shown
        }
        if any(cells.values()):
            yield _column(kind, title), cells


def _cell(part: Placeholder, case: CaseValues, unit: str) -> str:
    if part.statistic is Statistic.STATES:
        return printable(_distinct_states(case.states.get(part.name, ()), counted=False) or "")
    return _of_metric(part, case, unit) or ""


def _placeholders(declaration: Declaration) -> Iterator[tuple[Placeholder, bool]]:
    """Return what the scenario's summary names, and whether only in a clause; the medians of all without one."""
    if not declaration.summary:
        numeric = [field.name for field in declaration.metrics if field.type != "str"]
        yield from ((Placeholder(name, Statistic.MEDIAN), False) for name in numeric)
        return
    for part in parse_summary(declaration.summary):
        for piece in part.parts if isinstance(part, Clause) else (part,):
            if isinstance(piece, Placeholder):
                yield piece, isinstance(part, Clause)


def affected_metrics(declaration: Declaration) -> tuple[Placeholder, ...]:
    """Return the metrics of which the scenario's summary says how often they are not 0, and of what."""
    return tuple(part for part, _ in _placeholders(declaration) if part.statistic in AFFECTS)


def _ratio_columns(compared: Compared, labels: Labels, shown: Sequence[str]) -> Iterator[_Filled]:
    bases = {compared.partners[case] for case in shown if case in compared.ratios}
    names = {labels.own[case] for case in bases}
    other = names.pop() if len(names) == 1 else "the baseline"
    what, _ = metric_in_words(compared.field.name, compared.field.unit)
    is_speedup = compared.is_speedup
    title = (
        f"speed-up over {other or 'the baseline'}" if is_speedup else f"{what}, × {other or 'the baseline'}"
    )
    cells = {}
    for case in shown:
        if case in bases:
            cells[case] = "baseline"
        elif case in compared.ratios:
            cells[case] = APART * (case in compared.unclear) + ratio_cell(
                compared.ratios[case], is_speedup=is_speedup
            )
        else:
            cells[case] = ""
    yield _column(Kind.RATIO, title, "cyan"), cells
    efficiencies = {
        case: compared.ratios[case].efficiency if case in compared.ratios else None for case in shown
    }
    if is_speedup and any(value is not None for value in efficiencies.values()):
        told = {
            case: "" if value is None or finite(100 * value) is None else f"{number(round(100 * value))}%"
            for case, value in efficiencies.items()
        }
        yield _column(Kind.EFFICIENCY, "efficiency"), told


def ratio_cell(found: ToBaseline, *, is_speedup: bool) -> str:
    """Return a ratio, or the speed-up that is its inverse, with its interval: ``2.00 (1.42–2.22)``."""
    ratio, interval = found.ratio, found.interval
    if is_speedup:
        interval = interval and Interval(1 / interval.high, 1 / interval.low)
        ratio = 1 / ratio
    return f"{factor(ratio, interval)}{bracketed(interval)}"


def sentence_of(header: Header, frames: Frames, case_id: str, case: CaseValues) -> str:
    """Return what happened in the only case of a run, as its scenario's summary puts it."""
    tally = frames.measured_statuses[case_id]
    if Status.OK not in tally:
        return ""
    template = header.declaration.summary or ", ".join(f"{name} {{{name}:median}}" for name in case.units)
    ok = f"{trials(tally[Status.OK])} ok"
    return guarded("what happened in the only case", partial(fill_summary, template or ok, case), NO_VALUE)
