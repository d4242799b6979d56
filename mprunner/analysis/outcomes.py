"""What each state of an outcome is by the experiment's rules, and how sure its share is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import pandas as pd

from mprunner.analysis.binomial import share_interval
from mprunner.expected import OutcomeRule, OutcomeVerdict, Rules, matches
from mprunner.tables import Counts, Frames, state_order, state_texts
from mprunner.values import Scalar

StateVerdict = OutcomeVerdict | Literal["unknown"]
"""``unknown`` is what no rule speaks of."""


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


Judged = Mapping[tuple[str, str], tuple[State, ...]]
"""The states of each case and variable that was observed, by case id and variable; numbers in order before text."""


def judge_states(frames: Frames, rules: Rules) -> Judged:
    """Say what each state is that was observed or that the rules name."""
    judged = {}
    for (case_id, variable), counts in frames.observed.items():
        states = _states(counts, rules.outcomes.get(variable, ()), frames.params[case_id])
        judged[case_id, variable] = tuple(sorted(states, key=lambda state: state_order(state.value)))
    return judged


def _states(counts: Counts, rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]) -> Iterator[State]:
    total = sum(count for _, count in counts)
    unseen = ((value, 0) for value in _unseen(counts, rules, params))
    for value, count in (*counts, *unseen):
        verdict, note = _verdict(value, rules, params)
        yield State(
            value=value,
            count=count,
            observations=total,
            verdict=verdict if rules else None,
            note=note,
        )


def _verdict(
    value: Scalar, rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]
) -> tuple[StateVerdict, str]:
    first = next((rule for rule in rules if rule.applies(value, params)), None)
    return ("unknown", "") if first is None else (first.verdict, first.note)


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


def judged_outcomes(outcomes: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """Return outcomes.csv: a row per state, with its verdict, and the exact 95 % interval of its share."""
    others = outcomes.columns.drop(["value", *_STATE_COLUMNS])
    headings = outcomes[others].drop_duplicates(subset=["run_id", "case_id", "variable"])
    rows = [
        {**heading, **cells}
        for heading in cast("list[dict[str, object]]", headings.to_dict("records"))
        for cells in _rows(judged[str(heading["case_id"]), str(heading["variable"])])
    ]
    return pd.DataFrame(rows, columns=outcomes.columns, dtype=object).astype(outcomes.dtypes.to_dict())


_STATE_COLUMNS = ("count", "observations", "share", "share_ci_low", "share_ci_high", "verdict", "note")


def _rows(states: Sequence[State]) -> list[dict[str, object]]:
    texts = state_texts([state.value for state in states])
    return [{"value": text, **_cells(state)} for text, state in zip(texts, states, strict=True)]


def _cells(state: State) -> dict[str, object]:
    interval = share_interval(state.count, state.observations)
    share = state.count / state.observations
    cells = (
        state.count,
        state.observations,
        share,
        interval.low,
        interval.high,
        state.verdict,
        state.note or None,
    )
    return dict(zip(_STATE_COLUMNS, cells, strict=True))
