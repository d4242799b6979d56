"""The verdict of a run: everything that the experiment expects, held against the run's tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, mean
from typing import Final, Literal

import numpy as np
import pandas as pd

from mprunner.analysis.statistics import (
    Interval,
    Ratio,
    ends,
    finite,
    median_of,
    paired_ratios,
    quietly,
    share_interval,
)
from mprunner.analysis.summary import baseline_partners, counted, present_by_case, values_of
from mprunner.errors import guarded
from mprunner.model.columns import types_of
from mprunner.model.provenance import Header
from mprunner.model.records import Status
from mprunner.model.rules import (
    OF_EACH,
    Condition,
    Expectation,
    OutcomeRule,
    OutcomeVerdict,
    Rules,
    Stat,
    matches,
)
from mprunner.tables import (
    Counts,
    Frames,
    StatusCounts,
    make_frame,
    same_in_all_rows,
    state_order,
    state_text,
)
from mprunner.values import Scalar


@dataclass(frozen=True, slots=True)
class Statuses:
    """How the trials of a case ended.

    Attributes:
        counts: how many trials ended in each status that is reported.
        of: how many trials there are.
    """

    counts: StatusCounts
    of: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of an outcome, a metric or one status in a case; :mod:`mprunner.report` has the words.

    Attributes:
        values: the states, or the values that miss an expectation, each once; of a statistic its one value; of a
            status none.
        count: in how many observations or trials.
        of: of how many; 0 where no trial has a value.
        interval: of a ratio to the baseline, its 95 % interval; None of others, and where there are too few repeats.
    """

    values: tuple[Scalar, ...]
    count: int
    of: int
    interval: Interval | None = None


_NO_BASELINE: Final[Mapping[str, Scalar]] = {}
Answer = tuple[bool, Statuses | Seen]
"""Whether an expectation is met in a case, and what it came to there."""
_UNJUDGED: Answer = False, Seen((), 0, 0)
"""What could not be judged has missed: it must not pass."""


def judge_metric(
    expectation: Expectation, condition: Condition, values: Sequence[Scalar], params: Mapping[str, Scalar]
) -> Answer:
    """Return whether the metric of a case's trials meets an expectation, and its statistic, or which values miss it.

    Args:
        expectation: what is expected.
        condition: its condition.
        values: the metric in the trials that count, missing values left out.
        params: of the case.
    """
    if not values:
        return _UNJUDGED
    if expectation.stat in OF_EACH:
        others = [value for value in values if not condition.holds(value, params)]
        is_met = not others or (expectation.stat == "any" and len(others) < len(values))
        return is_met, Seen(tuple(dict.fromkeys(others)), len(others), len(values))
    numbers = [float(value) for value in values if not isinstance(value, str | None)]
    if (came_to := finite(statistic(expectation.stat, numbers))) is None:
        return _UNJUDGED
    return condition.holds(came_to, params), Seen((came_to,), len(values), len(values))


def judge_ratio(
    condition: Condition, ratio: Ratio | None, repeats: int, params: Mapping[str, Scalar]
) -> Answer:
    """Return whether the ratio of a case to its baseline meets an expectation, and the ratio.

    It is judged by the ratio itself: its interval is told, and decides nothing.

    Args:
        condition: what is expected of it.
        ratio: of the case; None where there is none.
        repeats: how many it is made of.
        params: of the case.
    """
    if ratio is None:
        return _UNJUDGED
    return condition.holds(ratio.median, params), Seen((ratio.median,), repeats, repeats, ratio.interval)


@quietly
def statistic(stat: Stat, values: Sequence[float]) -> float:
    """Make one number of a metric's values.

    ``share`` is that of values other than 0; ``p95`` interpolates linearly (type 7 of Hyndman and Fan, Sample
    Quantiles in Statistical Packages, The American Statistician 50, 1996).
    """
    match stat:
        case "share":
            return fmean(value != 0 for value in values)
        case "mean":
            return mean(values)  # of any size: fmean takes their sum first
        case "median":
            return median_of(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "p95":
            return float(np.quantile(values, 0.95))
        case _:
            raise ValueError(f"{stat} is no number of several trials")


def judge_status(expectation: Expectation, counts: StatusCounts) -> Answer:
    """Return whether the statuses of a case's trials meet an expectation, and which others there are, or how many.

    Args:
        expectation: what is expected.
        counts: how many of the case's trials, warm-up included, ended in each status; not empty.
    """
    total, hits = sum(counts.values()), counts.get(str(expectation.status), 0)
    if expectation.condition is not None:
        return expectation.condition.holds(hits / total, {}), Seen((), hits, total)
    others = {status: count for status, count in counts.items() if status != expectation.status}
    return hits == total or (expectation.stat == "any" and hits > 0), Statuses(others, total)


StateVerdict = OutcomeVerdict | Literal["unknown"]
"""``unknown`` is what no rule speaks of."""
NOT_ACCEPTABLE: Final[tuple[StateVerdict, ...]] = ("interesting", "forbidden", "unknown")
"""What should not always happen, the worst last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of an outcome variable in one case.

    Attributes:
        value: the state.
        count: how often it was observed: 0 if a rule names it and it never was.
        observations: how often any state was.
        verdict: what it is; None where the variable has no rules.
        note: what that means; empty if the rule does not say.
    """

    value: Scalar
    count: int
    observations: int
    verdict: StateVerdict | None = None
    note: str = ""


Judged = Mapping[str, Mapping[str, tuple[State, ...]]]
"""The states of each case and variable that was observed, by case id and variable; numbers in order before text."""


def judge_states(frames: Frames, rules: Rules) -> Judged:
    """Say what each state is that was observed or that the rules name."""
    return {
        case_id: {
            variable: tuple(_states(counts, rules.outcomes.get(variable, ()), frames.effective[case_id]))
            for variable, counts in observed.items()
        }
        for case_id, observed in frames.observed.items()
    }


def _states(counts: Counts, rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]) -> Iterator[State]:
    total = sum(count for _, count in counts)
    unseen = ((value, 0) for value in _unseen(counts, rules, params))
    for value, count in sorted((*counts, *unseen), key=lambda state: state_order(state[0])):
        first = next((rule for rule in rules if rule.applies(value, params)), None)
        verdict: StateVerdict | None = first.verdict if first else "unknown" if rules else None
        note = first.note if first else ""
        yield State(value=value, count=count, observations=total, verdict=verdict, note=note)


def _unseen(counts: Counts, rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]) -> Iterator[Scalar]:
    """Return the states that the rules name for a case and that were never observed there."""
    told: set[tuple[type, Scalar]] = set()
    for rule in rules:
        if rule.condition is None or not matches(rule.where, params):
            continue
        for state in rule.condition.states(params):
            seen = any(rule.condition.names(value, state) for value, _ in counts)
            if not seen and (type(state), state) not in told:
                told.add((type(state), state))
                yield state


def outcomes_table(frames: Frames, header: Header, judged: Judged) -> pd.DataFrame:
    """Return outcomes.csv: a row per state, with its verdict, and the exact 95 % interval of its share."""
    same = same_in_all_rows(header)
    rows = [
        {**frames.params[case_id], **same, **of_row, **row}
        for case_id, of_case in judged.items()
        for variable, states in of_case.items()
        for of_row in [
            {"case_id": case_id, "case_label": frames.labels[case_id] or None, "variable": variable}
        ]
        for row in _rows(states)
    ]
    return make_frame(types_of("outcomes", header.declaration), rows)


def _rows(states: Sequence[State]) -> Iterator[dict[str, object]]:
    for state in states:
        exact = partial(share_interval, state.count, state.observations)
        interval = guarded(f"the interval of the share of {state_text(state.value)}", exact, None)
        yield {
            "value": state_text(state.value),
            "count": state.count,
            "observations": state.observations,
            "share": state.count / state.observations,
            **ends("share_ci", interval),
            "verdict": state.verdict,
            "note": state.note or None,
        }


def _ratios(
    trials: pd.DataFrame, metric: str, cases: Sequence[str], partners: Mapping[str, str]
) -> dict[str, tuple[Ratio | None, int]]:
    """Return the ratio of each case to its partner, and of how many repeats it is."""
    by_case = values_of(trials, metric)
    pairs = [(by_case.get(case_id, {}), by_case.get(partners[case_id], {})) for case_id in cases]
    nothing: list[Ratio | None] = [None] * len(pairs)
    found = guarded(f"the ratio of {metric}", partial(paired_ratios, pairs), nothing)
    repeats = [len(own.keys() & base.keys()) for own, base in pairs]
    return dict(zip(cases, zip(found, repeats, strict=True), strict=True))


Kind = Literal["status", "outcome", "expectation"]
Found = Literal["failed", "acceptable", "interesting", "forbidden", "unknown", "met", "missed", "not judged"]
FAILING: tuple[Found, ...] = ("failed", "forbidden", "unknown", "missed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule came to in one case, in names and numbers.

    Attributes:
        kind: what was judged: how trials ended, the states of an outcome, an expectation of ``expect``.
        found: failed (a status that is not expected), an outcome's verdict, or met, missed or not judged.
        case_id: the case; None where an expectation has no case to be judged in.
        label: how a person tells the case; empty for an only case.
        variable: the outcome that was judged; empty for other kinds.
        expectation: the one that was judged; None for other kinds.
        params: of the case; None where there is none.
        came_to: what was found; None of an expectation that was not judged.
        note: what the experiment says of such a state; empty if nothing.
    """

    kind: Kind
    found: Found
    case_id: str | None
    label: str
    variable: str = ""
    expectation: Expectation | None = None
    params: Mapping[str, Scalar] | None = None
    came_to: Statuses | Seen | None = None
    note: str = ""

    @property
    def fails(self) -> bool:
        """Whether the run fails by it."""
        return self.found in FAILING


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a run came to, by the rules of its experiment.

    Attributes:
        rules: what it was judged by, ``cpu_count`` resolved.
        findings: for each case how its trials ended if that is not as expected, then its outcomes, in the order of
            the plan; then the expectations, in the order of the file.
        states: of every outcome.
        spared: by outcome variable, the cases in which a state could have been forbidden and none was: the number of
            observations of each and its label, in ascending order.
        under_gil: how many cases passed whose actors are threads that take turns: what was not seen may be there.
    """

    rules: Rules
    findings: tuple[Finding, ...]
    states: Judged
    spared: Mapping[str, tuple[tuple[int, str], ...]]
    under_gil: int = 0

    @property
    def verdict(self) -> Literal["passed", "failed"]:
        """Failed if any finding fails, else passed."""
        return "failed" if any(finding.fails for finding in self.findings) else "passed"


def judge(frames: Frames, rules: Rules, baseline: Mapping[str, Scalar] = _NO_BASELINE) -> Judgement:
    """Judge a run: no trial may end in a status that is not expected, no state be forbidden or unknown.

    Warm-up trials count in statuses and outcomes, not in metrics: what must never happen must not happen there
    either.

    Args:
        frames: the run's tables.
        rules: what its experiment expects, ``cpu_count`` resolved.
        baseline: what its cases are compared with; without one no ratio is judged.
    """
    judged = judge_states(frames, rules)
    # Cancelled trials say nothing of the experiment, and are executed again by a resume.
    statuses = {
        case_id: {status: count for status, count in counts.items() if status != Status.CANCELLED}
        for case_id, counts in frames.statuses.items()
    }
    findings: list[Finding] = []
    for case_id, label in frames.labels.items():
        findings += _of_statuses(case_id, frames, statuses[case_id], rules)
        for variable, states in judged[case_id].items():
            findings += _of_outcome(case_id, label, variable, states)
    findings += _of_expectations(frames, rules.expect, statuses, baseline)
    return Judgement(
        rules=rules,
        findings=tuple(findings),
        states=judged,
        spared=_spared(judged, frames, rules),
        under_gil=len(frames.under_gil - {each.case_id for each in findings if each.fails}),
    )


def _of_statuses(case_id: str, frames: Frames, counts: StatusCounts, rules: Rules) -> Iterator[Finding]:
    params = frames.effective[case_id]
    others = {status: count for status, count in counts.items() if not rules.accepts(status, params)}
    if others:
        yield Finding(
            kind="status",
            found="failed",
            case_id=case_id,
            label=frames.labels[case_id],
            came_to=Statuses(others, sum(counts.values())),
        )


def _of_outcome(case_id: str, label: str, variable: str, states: Sequence[State]) -> Iterator[Finding]:
    groups: dict[tuple[Found, str], list[State]] = {}
    for state in states:
        if state.verdict is not None and state.count:
            groups.setdefault((state.verdict, state.note), []).append(state)
    for (found, note), group in groups.items():
        observed = Seen(
            tuple(state.value for state in group), sum(state.count for state in group), group[0].observations
        )
        yield Finding(
            kind="outcome",
            found=found,
            case_id=case_id,
            label=label,
            variable=variable,
            came_to=observed,
            note=note,
        )


def _spared(judged: Judged, frames: Frames, rules: Rules) -> dict[str, tuple[tuple[int, str], ...]]:
    spared: dict[str, list[tuple[int, str]]] = {}
    for case_id, of_case in judged.items():
        for variable, states in of_case.items():
            seen = any(state.count and state.verdict == "forbidden" for state in states)
            if not seen and rules.may_be_forbidden(variable, frames.effective[case_id]):
                spared.setdefault(variable, []).append((states[0].observations, frames.labels[case_id]))
    return {variable: tuple(sorted(cases)) for variable, cases in spared.items()}


def _of_expectations(
    frames: Frames,
    expect: Sequence[Expectation],
    statuses: Mapping[str, StatusCounts],
    baseline: Mapping[str, Scalar],
) -> Iterator[Finding]:
    trials_that_count = counted(frames.trials)
    metrics = {each.metric for each in expect if each.metric is not None}
    values = {metric: present_by_case(trials_that_count, metric) for metric in metrics}
    partners = baseline_partners(frames.effective, baseline) if baseline else {}
    for expectation in expect:
        executed = ((case_id, frames.effective[case_id]) for case_id in frames.params if statuses[case_id])
        meant = [case_id for case_id, params in executed if matches(expectation.where, params)]
        ratios: Mapping[str, tuple[Ratio | None, int]] = {}
        if expectation.stat == "ratio":  # the baseline's own cases have none
            meant = [case_id for case_id in meant if case_id in partners]
            ratios = _ratios(trials_that_count, str(expectation.metric), meant, partners)
        if not meant:
            yield Finding(
                kind="expectation", found="not judged", case_id=None, label="", expectation=expectation
            )
        for case_id in meant:
            params = frames.effective[case_id]
            judged: Callable[[], Answer]
            if expectation.metric is None or expectation.condition is None:
                judged = partial(judge_status, expectation, statuses[case_id])
            elif expectation.stat == "ratio":
                judged = partial(judge_ratio, expectation.condition, *ratios[case_id], params)
            else:
                own = values[expectation.metric].get(case_id, ())
                judged = partial(judge_metric, expectation, expectation.condition, own, params)
            what = f"{expectation.stat} of {expectation.metric or expectation.status} in {frames.labels[case_id]}"
            is_met, came_to = guarded(what, judged, _UNJUDGED)
            yield Finding(
                kind="expectation",
                found="met" if is_met else "missed",
                case_id=case_id,
                label=frames.labels[case_id],
                expectation=expectation,
                params=params,
                came_to=came_to,
            )
