"""What a run came to, in words: a headline, its answer, a table of its cases, what makes it doubtful, its verdict.

The same lines in a file, in a log and on a terminal, where they have styles.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import pandas as pd

from mprunner.analysis.diagnostics import (
    Fastest,
    adaptive_repeats,
    differs,
    disturbed,
    failures,
    fastest,
    groups_of,
    noise_of_cases,
)
from mprunner.analysis.statistics import median_of
from mprunner.analysis.summary import Values, counted, partners_of, values_of
from mprunner.analysis.verdict import Judgement
from mprunner.errors import guarded
from mprunner.model.adaptive import AdaptiveRepeats
from mprunner.model.provenance import Header
from mprunner.model.records import Status
from mprunner.model.text import printable
from mprunner.report.answer import Raced, answers, never_in_words, raced
from mprunner.report.cells import (
    APART,
    CaseValues,
    Compared,
    Ratios,
    affected_metrics,
    cases_table,
    compared_field,
    ratios_of,
    sentence_of,
    values_by_case,
)
from mprunner.report.findings import VerdictDigest, verdict_digest, verdict_lines
from mprunner.report.labels import Labels, labels_of
from mprunner.report.layout import Line, Table, fit, paragraph
from mprunner.report.pivot import pivots_of
from mprunner.report.steps import MOST_DIAGRAMS, MOST_OF_ONE_CASE, Diagram, diagram_lines, diagrams_of
from mprunner.report.wording import (
    disturbed_in_words,
    metric_in_words,
    noise_in_words,
    noise_of_machine,
    number,
    reasons,
    too_few_repeats,
    trials,
    wide_intervals,
)
from mprunner.runs import RunInfo
from mprunner.tables import Frames, StatusCounts

MOST_ROWS = 40
"""Of more cases only those are shown that a person looks for; ``mprunner show --all`` shows each."""
_EXTREMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDigest:
    """A run in words.

    Attributes:
        headline: its experiment, its scenario, and how its trials ended.
        description: what the experiment asks; empty if it does not say.
        reasons: why trials were not ok, each different ending once.
        answers: what the run answers, in sentences.
        diagrams: schedules that raced, step by step.
        tables: its cases: one table, or a pivot table for each number where that is shorter.
        left_out: how many cases the tables don't show.
        same: what is the same in all cases.
        meanings: what the words of the tables mean.
        warnings: the cases whose repeats were too few for what was asked; and what makes the numbers doubtful.
        verdict: what the experiment's expectations say of it; None where it expects nothing.
    """

    headline: str
    description: str
    reasons: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    diagrams: tuple[Diagram, ...] = ()
    tables: tuple[Table, ...] = ()
    left_out: int = 0
    same: tuple[str, ...] = ()
    meanings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    verdict: VerdictDigest | None = None


def digest(
    header: Header,
    frames: Frames,
    summary: pd.DataFrame,
    judgement: Judgement,
    run: RunInfo | None = None,
    *,
    every_case: bool = False,
    cases: Sequence[str] | None = None,
) -> RunDigest:
    """Put a run into words.

    Args:
        header: of the run's journal.
        frames: its tables.
        summary: what :func:`mprunner.analysis.summary.summarise` made of them.
        judgement: what :func:`mprunner.analysis.verdict.judge` made of them.
        run: what its run.json says of the machine, if that is asked for.
        every_case: whether each case has its row, however many they are.
        cases: those that have a row, where somebody else has chosen them.
    """
    executed, measured = _total(frames.statuses), _total(frames.measured_statuses)
    adaptive = adaptive_repeats(frames.trials, header)
    needed = header.planned - (0 if adaptive is None else adaptive.spared)
    settled = sum(executed.values()) - executed.get(Status.CANCELLED, 0)
    final = frames.trials[frames.trials["is_final"]]
    field = compared_field(header.declaration)
    rows = counted(frames.trials).sort_values("repeat")
    values = {} if field is None else values_of(rows, field.name)
    partners = partners_of(frames, header)
    labels = labels_of(frames, partners)
    compared = None
    if field is not None and partners and (ratios := ratios_of(summary, field)):
        compared = Compared(
            field=field,
            ratios=ratios,
            partners=partners,
            unclear=_unclear(values, ratios, partners),
        )
    known = values_by_case(header, frames)
    nothing: tuple[Raced, ...] = ()
    affected = affected_metrics(header.declaration)
    found = guarded("what raced", partial(raced, judgement, known, affected), nothing)
    chosen = list(labels.whole) if every_case else cases
    told, tables, same, left_out = _cases(header, frames, known, labels, compared, found, values, chosen)
    return RunDigest(
        headline=_headline(header, executed, measured, needed),
        description=printable(" ".join(header.experiment.get("description", "").split())),
        reasons=reasons(failures(final), len(final), header.experiment.get("timeout_s")),
        answers=(*told, *_answers(judgement, labels, compared, found, values)),
        diagrams=guarded("the steps of a schedule", partial(diagrams_of, frames, labels), ()),
        tables=tables,
        left_out=left_out,
        same=same,
        meanings=tuple(_meanings(header, judgement, compared, tables, found, values)) if tables else (),
        warnings=guarded(
            "what makes the numbers doubtful",
            lambda: tuple(_warnings(header, frames, run, adaptive, values, compared is not None)),
            (),
        ),
        verdict=(
            verdict_digest(judgement, complete=settled >= needed, answered=bool(found))
            if judgement.rules
            else None
        ),
    )


def _unclear(values: Values, ratios: Ratios, partners: Mapping[str, str]) -> frozenset[str]:
    """Return the cases whose repeats don't show that they differ from their baseline, where they could."""
    return frozenset(
        case
        for case, found in ratios.items()
        if found.interval is not None
        and (
            found.interval.low <= 1 <= found.interval.high
            or not differs(values[case], values[partners[case]], len(ratios))
        )
    )


def _cases(
    header: Header,
    frames: Frames,
    known: Mapping[str, CaseValues],
    labels: Labels,
    compared: Compared | None,
    found: Sequence[Raced],
    values: Values,
    chosen: Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[Table, ...], tuple[str, ...], int]:
    """Return the sentence of an only case, or tables, what is the same in all cases, and how many are left out."""
    if not labels.whole:
        return (), (), (), 0
    marks = {case: "!" for each in found for case in each.shares}
    if len(labels.whole) == 1 and chosen is None:
        (only,) = labels.whole
        sentence = printable(
            sentence_of(header, frames, only, known[only])
        )  # empty where the headline says all
        told = f"{labels.whole[only]}: {sentence}" if labels.whole[only] and sentence else sentence
        return (told,) if told else (), (), (), 0
    pivots = (
        () if chosen is not None else pivots_of(header, frames, known, labels, compared, marks, MOST_ROWS)
    )
    if pivots:
        return (), pivots, (), 0
    shown = _shown(frames, labels, values, marks) if chosen is None else chosen
    table, same = cases_table(header, frames, known, labels, compared, shown, marks)
    return (), (table,), same, len(labels.whole) - len(shown)


def _shown(frames: Frames, labels: Labels, values: Values, marks: Mapping[str, str]) -> list[str]:
    """Return the cases that are shown: all, or of many those that failed or raced, the fastest and the slowest."""
    cases = list(labels.whole)
    if len(cases) <= MOST_ROWS:
        return cases
    failed = [case for case in cases if set(frames.measured_statuses[case]) - {Status.OK.value}]
    by_median = sorted(
        (case for case in cases if values.get(case)), key=lambda case: median_of([*values[case].values()])
    )
    first = cases[:_EXTREMES] if not by_median else by_median[:_EXTREMES]
    most = MOST_ROWS // 3
    kept = {
        *failed[:most],
        *[case for case in cases if case in marks][:most],
        *first,
        *by_median[-_EXTREMES:],
    }
    return [case for case in cases if case in kept]


def _answers(
    judgement: Judgement, labels: Labels, compared: Compared | None, found: Sequence[Raced], values: Values
) -> tuple[str, ...]:
    best: list[Fastest] = []
    if compared is not None and compared.field.unit == "s" and not found:
        groups = groups_of(compared.partners)
        best = [each for group in groups if (each := fastest(values, group)) is not None]
    return guarded("the answer", partial(answers, found, judgement, labels, compared, best), ())


def _meanings(
    header: Header,
    judgement: Judgement,
    compared: Compared | None,
    tables: Sequence[Table],
    found: Sequence[Raced],
    values: Values,
) -> Iterator[str]:
    if found:
        which = (
            found[0].what
            if len({each.what for each in found}) == 1
            else "what is interesting, forbidden or unknown"
        )
        yield f"! {which}"
        if never := never_in_words(found, judgement):
            yield never
    if compared is not None:
        what, _ = metric_in_words(compared.field.name, compared.field.unit)
        if compared.field.doc:
            yield f"{what}: {compared.field.doc}"
        titles = {column.title for table in tables for column in table.columns}
        if "efficiency" in titles:
            yield "efficiency: the speed-up over the number of processes"
        cells = (cell for table in tables for row in table.rows for cell in row.cells)
        if any(APART in cell for cell in cells):
            of = f", of {number(len(compared.ratios))} that are compared" if len(compared.ratios) > 1 else ""
            yield f"{APART} not clearly different from the baseline{of}"
        if _disagree(compared, values):
            yield "ratios are taken repeat by repeat; those of the medians differ, as the machine's speed changed"
    elif not header.baseline and any(len(table.rows) > 1 for table in tables) and not found:
        yield "no case is compared with another: name one with `baseline:` in the file"


_SHOWN = 0.01
"""Two numbers that differ by less look alike in a table."""


def _disagree(compared: Compared, values: Values) -> bool:
    """Whether some case has a larger median than another one, and a smaller ratio to the same baseline."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for case, found in compared.ratios.items():
        groups.setdefault(compared.partners[case], []).append(
            (median_of([*values[case].values()]), found.ratio)
        )
    for own in groups.values():
        highest = (0.0, 0.0)
        for middle, ratio in sorted(own):
            if middle > (1 + _SHOWN) * highest[0] and ratio < (1 - _SHOWN) * highest[1]:
                return True
            highest = max(highest, (middle, ratio), key=lambda each: each[1])
    return False


def _warnings(
    header: Header,
    frames: Frames,
    run: RunInfo | None,
    adaptive: AdaptiveRepeats | None,
    values: Values,
    is_compared: bool,
) -> Iterator[str]:
    yield from () if adaptive is None else map(printable, wide_intervals(adaptive, frames.labels))
    noise: list[str] = []
    if (field := compared_field(header.declaration)) is not None:
        cases = {
            printable(label): list(values.get(case_id, {}).values())
            for case_id, label in frames.labels.items()
        }
        noise += [noise_in_words(field.name, noise_of_cases(cases))]
        noise += too_few_repeats(cases) if is_compared else ()  # else the summary tells no interval
    if (found := disturbed(counted(frames.trials), header.cpus or 1)) is not None:
        noise.append(disturbed_in_words(found, printable(frames.labels[found.case_id])))
    noise += () if run is None else noise_of_machine(run)
    if any(noise):
        yield f"noise: {'; '.join(filter(None, noise))}"


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


def summary_lines(run: RunDigest, width: int, *, described: bool = False) -> tuple[Line, ...]:
    """Return a run's summary in lines of at most ``width`` columns, unless a word is wider.

    Args:
        run: the run in words.
        width: of a line.
        described: whether the description is among them.
    """
    return tuple(_lines(run, width, described=described))


def _lines(run: RunDigest, width: int, *, described: bool) -> Iterator[Line]:
    yield from paragraph(run.headline, width, "bold")
    if described and run.description:
        yield from paragraph(run.description, width, "italic", indent="")
    for why in run.reasons:
        yield from paragraph(why, width, "red")
    if run.answers:
        yield ()
        yield from chain.from_iterable(paragraph(each, width, indent="") for each in run.answers)
    most = MOST_DIAGRAMS if run.tables else MOST_OF_ONE_CASE
    for diagram in run.diagrams[:most]:
        yield ()
        yield from diagram_lines(diagram, width)
    if left := len(run.diagrams[most:]):
        what = "schedule that raced is" if left == 1 else "schedules that raced are"
        yield from paragraph(f"{number(left)} more {what} in samples.csv", width, "dim")
    left_out: dict[str, None] = {}
    for table in run.tables:
        yield ()
        fitted = fit(table, width)
        left_out |= dict.fromkeys(fitted.left_out)
        yield from fitted.lines
    notes = list(run.meanings)
    if run.same:
        notes.append(f"the same in each case: {', '.join(run.same)}")
    if run.left_out:
        notes.append(f"{number(run.left_out)} more cases: `mprunner show --all`, or summary.csv")
    if left_out:
        notes.append(f"not shown, but in summary.csv: {', '.join(left_out)}")
    if run.tables and (notes or run.warnings or run.verdict):
        yield ()
    yield from chain.from_iterable(paragraph(each, width, "dim") for each in notes)
    yield from chain.from_iterable(paragraph(each, width, "yellow") for each in run.warnings)
    if run.verdict:
        yield from verdict_lines(run.verdict, width)
