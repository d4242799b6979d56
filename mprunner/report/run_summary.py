"""What a run came to, in words: a headline, each case, what happened in it and how it compares, and remarks.

As plain lines, or as a table for a terminal.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import fsum
from statistics import mean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from mprunner.analysis.diagnostics import (
    adaptive_repeats,
    failures,
    fastest,
    groups_of,
    noise_of_cases,
)
from mprunner.analysis.statistics import Interval, finite, median_of
from mprunner.analysis.summary import Values, counted, partners_of, present_by_case, values_of
from mprunner.analysis.verdict import Judgement
from mprunner.errors import guarded
from mprunner.model.adaptive import AdaptiveRepeats
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Header
from mprunner.model.records import Status, label_of
from mprunner.model.summary_sentence import Clause, Placeholder, Statistic, parse_summary, told_by
from mprunner.model.text import printable
from mprunner.report.findings import VerdictDigest, render_verdict, verdict_digest, verdict_text
from mprunner.report.wording import (
    MANY_STATES,
    comparison,
    fastest_in_words,
    noise_in_words,
    noise_of_machine,
    number,
    quantity,
    reasons,
    share,
    span,
    state,
    states,
    too_few_repeats,
    trials,
    wide_intervals,
)
from mprunner.runs import RunInfo
from mprunner.tables import Frames, StatusCounts, plain_cells
from mprunner.values import Scalar

if TYPE_CHECKING:
    from rich.console import RenderableType

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
    values = case.metrics[part.name]
    try:
        return _statistic(part.statistic, values, case.units[part.name]) if values else None
    except OverflowError:  # no float holds the sum
        return None


def _statistic(statistic: Statistic, values: Sequence[float], unit: str) -> str:
    match statistic:
        case Statistic.AFFECTED:
            return f"{number(sum(value != 0 for value in values))} of {trials(len(values))}"
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
        case Statistic.STATES:
            raise ValueError("a metric has no states")


def _are_whole(values: Sequence[float]) -> bool:
    return all(isinstance(value, int) for value in values)


def _distinct_states(counts: Sequence[tuple[Scalar, int]]) -> str | None:
    """Tell how often each state was seen: ``99 (0.4%), 100 (99.6%)``, or ``−12 … 431 (87 states)`` of many."""
    total = sum(count for _, count in counts)
    if not total:
        return None
    if 1 < len(counts) < MANY_STATES:
        return ", ".join(f"{state(value)} ({share(count / total)})" for value, count in counts)
    return states([value for value, _ in counts])


_USUAL = "wall_s"
MOST_FASTEST = 3
"""If there are more groups of cases, no fastest case is named, so that the summary stays short."""


def compared_field(declaration: Declaration) -> Field | None:
    """Return the metric in which a scenario's cases are compared: ``wall_s``, else its first duration."""
    numeric = [field for field in declaration.metrics if field.type in ("int", "float")]
    usual = (field for field in numeric if field.name == _USUAL)
    return next(usual, None) or next((field for field in numeric if field.unit == "s"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDigest:
    """One case in words.

    Attributes:
        label: what tells it from the others; empty for an only case.
        told: what happened in its ok trials, or what its trials ended in if none was ok.
        compared: how its duration compares with its baseline's; empty without one.
        failed: what trials that were not ok ended in; empty if all were.
    """

    label: str
    told: str
    compared: str = ""
    failed: str = ""


class Remark(NamedTuple):
    """A line below the cases, and the style that it has on a terminal."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDigest:
    """A run in words.

    Attributes:
        headline: its experiment, its scenario, and how its trials ended.
        description: what the experiment asks; empty if it does not say.
        cases: in the order of the plan.
        remarks: why trials were not ok, each different ending once; the cases that had all their repeats while their
            interval was not narrow yet, where that was asked; what the metric means in which cases are compared; the
            fastest of those that are compared with one another; and what makes the numbers doubtful.
        verdict: what the experiment's expectations say of it; None where it expects nothing.
    """

    headline: str
    description: str
    cases: tuple[CaseDigest, ...]
    remarks: tuple[Remark, ...]
    verdict: VerdictDigest | None = None


def digest(
    header: Header,
    frames: Frames,
    summary: pd.DataFrame,
    judgement: Judgement,
    run: RunInfo | None = None,
) -> RunDigest:
    """Put a run into words.

    Args:
        header: of the run's journal.
        frames: its tables.
        summary: what :func:`mprunner.analysis.summary.summarise` made of them.
        judgement: what :func:`mprunner.analysis.verdict.judge` made of them.
        run: what its run.json says of the machine, if that is asked for.
    """
    executed, measured = _total(frames.statuses), _total(frames.measured_statuses)
    field = compared_field(header.declaration)
    rows = summary[(summary["metric"] == (field and field.name)) & summary["ratio"].notna()]
    compared = {} if field is None else _comparisons(field, header, frames, rows)
    meaning = _meaning(field, bool(rows["efficiency"].notna().any())) if field and compared else ""
    adaptive = adaptive_repeats(frames.trials, header)
    needed = header.planned - (0 if adaptive is None else adaptive.spared)
    settled = sum(executed.values()) - executed.get(Status.CANCELLED, 0)
    return RunDigest(
        headline=_headline(header, executed, measured, needed),
        description=printable(" ".join(header.experiment.get("description", "").split())),
        cases=tuple(_cases(header, frames, compared)),
        remarks=guarded(
            "what makes the numbers doubtful",
            lambda: tuple(_remarks(header, frames, run, adaptive, meaning)),
            (),
        ),
        verdict=verdict_digest(judgement, complete=settled >= needed) if judgement.rules else None,
    )


def _remarks(
    header: Header, frames: Frames, run: RunInfo | None, adaptive: AdaptiveRepeats | None, meaning: str
) -> Iterator[Remark]:
    final = frames.trials[frames.trials["is_final"]]
    yield from (Remark(why, "red") for why in reasons(failures(final), len(final)))
    wide = () if adaptive is None else wide_intervals(adaptive, frames.labels)
    yield from (Remark(printable(line), "yellow") for line in wide)
    if meaning:
        yield Remark(meaning, "dim")
    noise: list[str] = []
    if (field := compared_field(header.declaration)) is not None:
        values = values_of(counted(frames.trials).sort_values("repeat"), field.name)
        partners = partners_of(frames, header)
        if field.unit == "s":
            yield from map(Remark, _fastest(values, partners, frames))
        cases = {
            printable(label): list(values.get(case_id, {}).values())
            for case_id, label in frames.labels.items()
        }
        noise += noise_in_words(field.name, noise_of_cases(cases))
        noise += too_few_repeats(cases) if partners else ()  # else the summary tells no interval
    noise += () if run is None else noise_of_machine(run)
    yield from (Remark(f"noise: {each}", "yellow") for each in noise)


def _fastest(values: Values, partners: Mapping[str, str], frames: Frames) -> list[str]:
    """Say which cases are the fastest, each of those that are compared with the same case of the baseline."""
    told = [
        fastest_in_words(found, group, frames.effective)
        for group in groups_of(partners)
        if (found := fastest(values, group))
    ]
    return told if len(told) <= MOST_FASTEST else []


def _total(by_case: Mapping[str, StatusCounts]) -> StatusCounts:
    counts = sum(map(Counter, by_case.values()), Counter[str]())
    return {status.value: counts[status] for status in Status if counts[status]}


def _headline(header: Header, executed: StatusCounts, measured: StatusCounts, needed: int) -> str:
    warmup = {status: n for status in executed if (n := executed[status] - measured.get(status, 0))}
    name = header.experiment.get("name", header.run_id)
    parts = [f"{name}: {header.declaration.name}, {_tallied(measured)}"]
    if warmup:
        parts.append(_tallied(warmup, "warm-up "))
    missing = needed - sum(executed.values())
    if missing > 0:
        at_most = "" if header.experiment.get("until") is None else "at most "
        parts.append(f"{at_most}{missing:,} of {at_most}{header.planned:,} planned not executed")
    return "; ".join(parts)


def _tallied(tally: StatusCounts, kind: str = "") -> str:
    count = sum(tally.values())
    if count == 0:
        return "no trial executed"
    if len(tally) == 1:
        return f"{trials(count, kind)}, {'all ' if count > 1 else ''}{next(iter(tally))}"
    counts = ", ".join(f"{n:,} {status}" for status, n in tally.items())
    return f"{trials(count, kind)}, {counts if Status.OK in tally else 'none ok: ' + counts}"


def _cases(header: Header, frames: Frames, compared: Mapping[str, str]) -> Iterator[CaseDigest]:
    rows = counted(frames.trials)
    numeric = [field for field in header.declaration.metrics if field.type != "str"]
    values = {field.name: present_by_case(rows, field.name) for field in numeric}
    units = {field.name: field.unit for field in numeric}
    template = header.declaration.summary or ", ".join(f"{name} {{{name}:median}}" for name in units)
    for case_id, label in frames.labels.items():
        tally = frames.measured_statuses[case_id]
        if Status.OK not in tally:
            yield CaseDigest(label=printable(label), told=_tallied(tally))
            continue
        total = trials(sum(tally.values()))
        case = CaseValues(
            metrics={name: of_metric.get(case_id, ()) for name, of_metric in values.items()},
            units=units,
            states=frames.observed[case_id],
        )
        yield CaseDigest(
            label=printable(label),
            told=guarded(
                f"what happened in {label or 'the only case'}",
                partial(fill_summary, template or f"{trials(tally[Status.OK])} ok", case),
                NO_VALUE,
            ),
            compared=compared.get(case_id, ""),
            failed="; ".join(
                f"{n:,} of {total}: {status}" for status, n in tally.items() if status != Status.OK
            ),
        )


def _comparisons(field: Field, header: Header, frames: Frames, rows: pd.DataFrame) -> Mapping[str, str]:
    """Say, by case id, how a case's duration compares with that of its baseline.

    The baseline's case is named by what the experiment's baseline says and the case does not agree with. The metric
    is named where the case's sentence does not tell it: a ratio beside other numbers reads as if it were of those.

    Args:
        field: the metric.
        header: of the run's journal.
        frames: the run's tables.
        rows: those of the summary that have a ratio of that metric.
    """
    told: dict[str, str] = {}
    partners = partners_of(frames, header)
    is_told = not header.declaration.summary or field.name in told_by(header.declaration.summary)
    columns = ["case_id", "unit", "ratio", "ratio_ci_low", "ratio_ci_high", "efficiency"]
    for cells in zip(*(plain_cells(rows[name]) for name in columns), strict=True):
        row = dict(zip(columns, cells, strict=True))
        own, partner = frames.effective[row["case_id"]], frames.effective[partners[row["case_id"]]]
        differing = (name for name in header.baseline if own.get(name) != partner[name])
        other = printable(label_of(partner, differing))
        words = partial(_compared_in_words, field.name, row, other, named=not is_told)
        told[row["case_id"]] = guarded(f"the comparison with {other}", words, "")
    return told


def _compared_in_words(metric: str, row: Mapping[str, Any], other: str, *, named: bool) -> str:
    interval = None if row["ratio_ci_low"] is None else Interval(row["ratio_ci_low"], row["ratio_ci_high"])
    words = comparison(metric, row["unit"] or "", row["ratio"], interval, other, named=named)
    if row["efficiency"] is not None and finite(percent := 100 * row["efficiency"]) is not None:
        words += f", efficiency {number(round(percent))}%"
    return words


def _meaning(field: Field, has_efficiency: bool) -> str:
    parts = [f"{field.name}: {field.doc}"] if field.doc else []
    if has_efficiency:
        parts.append("efficiency: the speed-up over the number of processes")
    return "; ".join(parts)


def render_summary(run: RunDigest) -> str:
    """Return a run's summary as plain text, a line per case, without a line end after its last line."""
    width = max((len(case.label) for case in run.cases), default=0)
    lines = [run.headline]
    for case in run.cases:
        told = "; ".join(part for part in (case.told, case.compared, case.failed) if part)
        lines.append(f"{case.label:{width}}   {told}" if width else told)
    lines += [f"({remark.text})" if remark.style == "dim" else remark.text for remark in run.remarks]
    if run.verdict:
        lines.append(render_verdict(run.verdict))
    return "\n".join(lines)


def summary_table(run: RunDigest) -> "RenderableType":
    """Return a run's summary as a table that fits the width of the terminal that it is printed on."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only on a terminal
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_lines=False)
    table.add_column("case", style="bold")
    table.add_column("what happened")
    compares = any(case.compared for case in run.cases)
    if compares:
        table.add_column("compared with the baseline", style="cyan")
    for case in run.cases:
        told = Text(case.told)
        if case.failed:
            told.append(f"; {case.failed}", style="red")
        cells = [Text(case.label or "the only case"), told]
        table.add_row(*cells, *([Text(case.compared)] if compares else []))
    parts: list[RenderableType] = [Text(run.headline, style="bold")]
    if run.description:
        parts.append(Text(run.description, style="italic"))
    parts.append(table)
    parts += [Text(remark.text, style=remark.style) for remark in run.remarks]
    if run.verdict:
        parts.append(verdict_text(run.verdict))
    return Group(*parts)
