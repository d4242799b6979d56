"""The verdict of a run: everything that the experiment expects, held against the run's tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from mprunner.analysis.expectations import missed_metric, missed_status, unexecuted, wanted
from mprunner.analysis.outcomes import Judged, State, judge_states
from mprunner.analysis.summary import counted
from mprunner.analysis.wording import number, share, states, trials
from mprunner.expected import Expectation, Rules, matches
from mprunner.records import Status
from mprunner.tables import Frames
from mprunner.values import Scalar

Kind = Literal["status", "outcome", "expectation"]
Found = Literal["failed", "acceptable", "interesting", "forbidden", "unknown", "met", "missed", "not judged"]
FAILING: tuple[Found, ...] = ("failed", "forbidden", "unknown", "missed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule came to in one case.

    Attributes:
        kind: what was judged: how trials ended, the states of an outcome, an expectation of ``expect``.
        found: failed (a status that is not expected), an outcome's verdict, or met, missed or not judged.
        case_id: the case; None where an expectation has no case to be judged in.
        label: how a person tells the case; empty for an only case.
        about: what was judged: the statuses, the outcome variable, or the expectation in words.
        told: the numbers, in words.
        note: what the experiment says of such a state; empty if nothing.
    """

    kind: Kind
    found: Found
    case_id: str | None
    label: str
    about: str
    told: str
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
    """

    rules: Rules
    findings: tuple[Finding, ...]
    states: Judged
    spared: Mapping[str, tuple[tuple[int, str], ...]]

    @property
    def verdict(self) -> Literal["passed", "failed"]:
        """Failed if any finding fails, else passed."""
        return "failed" if any(finding.fails for finding in self.findings) else "passed"

    def to_json(self) -> dict[str, Any]:
        """Return what verdict.json holds."""
        return {
            "verdict": self.verdict,
            "findings": [asdict(finding) for finding in self.findings],
            "rules": self.rules.to_json(),
        }


def judge(frames: Frames, rules: Rules) -> Judgement:
    """Judge a run: no trial may end in a status that is not expected, no state be forbidden or unknown.

    Warm-up trials count in statuses and outcomes, not in metrics: what must never happen must not happen there
    either.

    Args:
        frames: the run's tables.
        rules: what its experiment expects, ``cpu_count`` resolved.
    """
    judged = judge_states(frames, rules)
    statuses = _statuses(frames.trials)
    observed: dict[str, list[Finding]] = {}
    for (case_id, variable), found in judged.items():
        findings_of_case = _of_outcome(case_id, frames.labels[case_id], variable, found)
        observed.setdefault(case_id, []).extend(findings_of_case)
    findings: list[Finding] = []
    for case_id in frames.params:
        findings += _of_statuses(case_id, frames, statuses.get(case_id, {}), rules)
        findings += observed.get(case_id, ())
    findings += _of_expectations(frames, rules.expect, statuses)
    return Judgement(
        rules=rules,
        findings=tuple(findings),
        states=judged,
        spared=_spared(judged, frames, rules),
    )


def _statuses(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many trials of each case ended in each status, ok first and the others as documented.

    A cancelled one is not among them: it says nothing of the experiment, and is executed again by a resume.
    """
    final = rows[rows["is_final"] & (rows["status"] != Status.CANCELLED.value)]
    counts = final.groupby("case_id", sort=False)["status"].value_counts()
    by_case: dict[str, dict[str, int]] = {}
    for (case_id, status), count in zip(counts.index.to_list(), counts.tolist(), strict=True):
        by_case.setdefault(case_id, {})[status] = int(count)
    return {
        case_id: {status.value: found[status.value] for status in Status if status.value in found}
        for case_id, found in by_case.items()
    }


def _of_statuses(case_id: str, frames: Frames, counts: Mapping[str, int], rules: Rules) -> Iterator[Finding]:
    params = frames.params[case_id]
    others = {status: count for status, count in counts.items() if not rules.accepts(status, params)}
    if others:
        told = ", ".join(f"{number(count)} {status}" for status, count in others.items())
        yield Finding(
            kind="status",
            found="failed",
            case_id=case_id,
            label=frames.labels[case_id],
            about="status",
            told=f"{told} of {trials(sum(counts.values()))}",
        )


def _of_outcome(case_id: str, label: str, variable: str, states: Sequence[State]) -> Iterator[Finding]:
    groups: dict[tuple[Found, str], list[State]] = {}
    for state in states:
        if state.verdict is not None and state.count:
            groups.setdefault((state.verdict, state.note), []).append(state)
    for (found, note), group in groups.items():
        told = _observed(group)
        yield Finding(
            kind="outcome", found=found, case_id=case_id, label=label, about=variable, told=told, note=note
        )


def _observed(observed: Sequence[State]) -> str:
    """Tell states and how often they were observed: ``99 in 3 of 10,000 observations (0.03%)``."""
    count, total = sum(state.count for state in observed), observed[0].observations
    shown = states([state.value for state in observed])
    return f"{shown} in {number(count)} of {number(total)} observations ({share(count / total)})"


def _spared(judged: Judged, frames: Frames, rules: Rules) -> dict[str, tuple[tuple[int, str], ...]]:
    spared: dict[str, list[tuple[int, str]]] = {}
    for (case_id, variable), found in judged.items():
        seen = any(state.count and state.verdict == "forbidden" for state in found)
        if not seen and rules.may_be_forbidden(variable, frames.params[case_id]):
            spared.setdefault(variable, []).append((found[0].observations, frames.labels[case_id]))
    return {variable: tuple(sorted(cases)) for variable, cases in spared.items()}


def _of_expectations(
    frames: Frames, expect: Sequence[Expectation], statuses: Mapping[str, Mapping[str, int]]
) -> Iterator[Finding]:
    trials_that_count = counted(frames.trials)
    metrics = {each.metric for each in expect if each.metric is not None}
    values = {metric: _by_case(trials_that_count, metric) for metric in metrics}
    for expectation in expect:
        executed = ((case_id, frames.params[case_id]) for case_id in frames.params if case_id in statuses)
        meant = [case_id for case_id, params in executed if matches(expectation.where, params)]
        if not meant:
            yield _finding("not judged", expectation, None, "", unexecuted(expectation.where), None)
        for case_id in meant:
            params = frames.params[case_id]
            if expectation.metric is None or expectation.condition is None:
                missed = missed_status(expectation, statuses[case_id])
            else:
                own = values[expectation.metric].get(case_id, ())
                missed = missed_metric(expectation, expectation.condition, own, params)
            found: Found = "missed" if missed else "met"
            yield _finding(found, expectation, case_id, frames.labels[case_id], missed, params)


def _by_case(rows: pd.DataFrame, metric: str) -> dict[str, list[Scalar]]:
    """Return the values of a metric by case id, missing ones left out."""
    present = rows[rows[metric].notna()]
    values: dict[str, list[Scalar]] = {}
    for case_id, value in zip(present["case_id"].tolist(), present[metric].tolist(), strict=True):
        values.setdefault(case_id, []).append(value)
    return values


def _finding(
    found: Found,
    expectation: Expectation,
    case_id: str | None,
    label: str,
    told: str,
    params: Mapping[str, Scalar] | None,
) -> Finding:
    about = wanted(expectation, params)
    return Finding(kind="expectation", found=found, case_id=case_id, label=label, about=about, told=told)
