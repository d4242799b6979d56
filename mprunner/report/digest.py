"""What a run came to, in words: a headline, then for each case what happened and how it compares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from mprunner.analysis.failures import failures
from mprunner.analysis.judging import Judgement
from mprunner.analysis.narrowed import narrowed_by
from mprunner.analysis.sentence import CaseValues, fill_summary
from mprunner.analysis.statistics import Interval
from mprunner.analysis.summary import counted, partners_of
from mprunner.analysis.wording import comparison, number, trials
from mprunner.declarations import Declaration
from mprunner.escapes import printable
from mprunner.journal import Header
from mprunner.records import Status, label_of
from mprunner.report.remarks import compared_field, fastest_cases, noise
from mprunner.report.verdict import VerdictDigest, verdict_digest
from mprunner.tables import Counts, Frames


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDigest:
    """A run in words.

    Attributes:
        headline: its experiment, its scenario, and how its trials ended.
        description: what the experiment asks; empty if it does not say.
        cases: in the order of the plan.
        meaning: what the metric means in which cases are compared; empty where none is.
        failures: why trials were not ok, each different ending once.
        fastest: which of the cases that are compared with one another is the fastest; empty of fewer than three.
        noise: what makes the numbers doubtful.
        wide: the cases that had all their repeats while their interval was not narrow yet, where that was asked.
        verdict: what the experiment's expectations say of it; None where it expects nothing.
    """

    headline: str
    description: str
    cases: tuple[CaseDigest, ...]
    meaning: str
    failures: tuple[str, ...] = ()
    fastest: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    verdict: VerdictDigest | None = None


def digest(
    header: Header,
    frames: Frames,
    summary: pd.DataFrame,
    judgement: Judgement,
    facts: Mapping[str, Any] | None = None,
) -> RunDigest:
    """Put a run into words.

    Args:
        header: of the run's journal.
        frames: its tables.
        summary: what :func:`mprunner.analysis.summary.summarise` made of them.
        judgement: what :func:`mprunner.analysis.judging.judge` made of them.
        facts: the content of the run's run.json, for what it says of the machine.
    """
    final = frames.trials[frames.trials["is_final"]]
    settled = int((final["status"] != Status.CANCELLED.value).sum())
    measured = final[~final["is_warmup"]]
    compared = _comparisons(header, frames, summary)
    cases = []
    states = _states(frames)
    narrowed = narrowed_by(frames.trials, header)
    needed = header.planned - narrowed.spared
    by_case = dict(iter(measured.groupby("case_id", sort=False)))
    for case_id, label in frames.labels.items():
        own = by_case.get(case_id, measured.iloc[:0])
        sentence = partial(_sentence, declaration=header.declaration, states=states.get(case_id, {}))
        cases.append(_case(printable(label), own, sentence, compared.get(case_id, "")))
    return RunDigest(
        headline=_headline(header, final, needed),
        description=printable(" ".join(header.experiment.get("description", "").split())),
        cases=tuple(cases),
        meaning=_meaning(header.declaration) if compared else "",
        failures=failures(final),
        fastest=fastest_cases(header, frames),
        noise=noise(header, frames, facts or {}),
        wide=tuple(printable(line) for line in narrowed.told(frames.labels)),
        verdict=verdict_digest(judgement, complete=settled >= needed) if judgement.rules else None,
    )


def _headline(header: Header, final: pd.DataFrame, needed: int) -> str:
    measured, warmup = final[~final["is_warmup"]], final[final["is_warmup"]]
    name = header.experiment.get("name", header.run_id)
    parts = [f"{name}: {header.declaration.name}, {_tallied(_tally(measured))}"]
    if len(warmup):
        parts.append(_tallied(_tally(warmup), "warm-up "))
    if len(final) < needed:
        at_most = "" if header.experiment.get("until") is None else "at most "
        left = f"{at_most}{needed - len(final):,} of {at_most}{header.planned:,}"
        parts.append(f"{left} planned not executed")
    return "; ".join(parts)


def _tally(rows: pd.DataFrame) -> Mapping[Status, int]:
    """Count the trials of each status, ok first and the others as documented."""
    counts = rows["status"].value_counts()
    return {status: int(counts[status.value]) for status in Status if status.value in counts}


def _tallied(tally: Mapping[Status, int], kind: str = "") -> str:
    count = sum(tally.values())
    if count == 0:
        return "no trial executed"
    if len(tally) == 1:
        return f"{trials(count, kind)}, {'all ' if count > 1 else ''}{next(iter(tally))}"
    counts = ", ".join(f"{n:,} {status}" for status, n in tally.items())
    return f"{trials(count, kind)}, {counts if Status.OK in tally else 'none ok: ' + counts}"


def _case(
    label: str, rows: pd.DataFrame, sentence: Callable[[pd.DataFrame], str], compared: str
) -> CaseDigest:
    tally = _tally(rows)
    if Status.OK not in tally:
        return CaseDigest(label=label, told=_tallied(tally))
    total = trials(len(rows))
    failed = (f"{count:,} of {total}: {status}" for status, count in tally.items() if status is not Status.OK)
    return CaseDigest(label=label, told=sentence(counted(rows)), compared=compared, failed="; ".join(failed))


def _sentence(rows: pd.DataFrame, declaration: Declaration, states: Mapping[str, Counts]) -> str:
    numeric = [field for field in declaration.metrics if field.type != "str"]
    template = declaration.summary or ", ".join(f"{field.name} {{{field.name}:median}}" for field in numeric)
    case = CaseValues(
        metrics={field.name: rows[field.name].dropna().tolist() for field in numeric},
        units={field.name: field.unit for field in numeric},
        states=states,
    )
    return fill_summary(template or f"{trials(len(rows))} ok", case)


def _states(frames: Frames) -> dict[str, dict[str, Counts]]:
    """Return, by case id and outcome variable, how often each state was observed."""
    states: dict[str, dict[str, Counts]] = {}
    for (case_id, variable), counts in frames.observed.items():
        states.setdefault(case_id, {})[variable] = counts
    return states


def _comparisons(header: Header, frames: Frames, summary: pd.DataFrame) -> Mapping[str, str]:
    """Say, by case id, how a case's duration compares with that of its baseline.

    The baseline's case is named by what the experiment's baseline says and the case does not agree with.
    """
    told: dict[str, str] = {}
    field = compared_field(header.declaration)
    if field is None:
        return told
    partners = partners_of(frames, header)
    rows = summary[(summary["metric"] == field.name) & summary["ratio"].notna()]
    for row in rows.to_dict("records"):
        interval = (
            None if pd.isna(row["ratio_ci_low"]) else Interval(row["ratio_ci_low"], row["ratio_ci_high"])
        )
        own, partner = frames.params[row["case_id"]], frames.params[partners[row["case_id"]]]
        differing = (name for name in header.baseline if own[name] != partner[name])
        other = printable(label_of(partner, differing))
        unit = "" if pd.isna(row["unit"]) else row["unit"]
        words = comparison(field.name, unit, row["ratio"], interval, other)
        told[row["case_id"]] = words + _efficiency(row["efficiency"])
    return told


def _efficiency(efficiency: float) -> str:
    return "" if pd.isna(efficiency) else f", efficiency {number(round(100 * efficiency))}%"


def _meaning(declaration: Declaration) -> str:
    field = compared_field(declaration)
    parts = [f"{field.name}: {field.doc}"] if field is not None and field.doc else []
    if any(field.counts_processes for field in declaration.params):
        parts.append("efficiency: the speed-up over the number of processes")
    return "; ".join(parts)
