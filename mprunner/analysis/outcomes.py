"""What each state of an outcome is by the experiment's rules, and how sure its share is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import pandas as pd

from mprunner.analysis.binomial import share_interval
from mprunner.expected import OutcomeRule, OutcomeVerdict, Rules, matches
from mprunner.tables import Frames
from mprunner.values import Scalar

_INTEGER = re.compile(r"-?[0-9]+\Z")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?\Z")

StateVerdict = OutcomeVerdict | Literal["unknown"]
"""``unknown`` is what no rule speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of an outcome variable in one case.

    Attributes:
        text: the state, as the tables show it.
        count: how often it was observed: 0 if a rule names it and it never was.
        observations: how often any state was.
        verdict: what it is; None where the variable has no rules.
        note: what that means; empty if the rule does not say.
    """

    text: str
    count: int
    observations: int
    verdict: StateVerdict | None = None
    note: str = ""


Judged = Mapping[tuple[str, str], tuple[State, ...]]
"""The states of each case and variable that was observed, by case id and variable; numbers in order before text."""


def judge_states(frames: Frames, rules: Rules) -> Judged:
    """Say what each state is that was observed or that the rules name."""
    judged = {}
    for (case_id, variable), counts in counts_of(frames.outcomes).items():
        states = _states(counts, rules.outcomes.get(variable, ()), frames.params[case_id])
        judged[case_id, variable] = tuple(sorted(states, key=lambda state: _order(value_of(state.text))))
    return judged


def counts_of(outcomes: pd.DataFrame) -> dict[tuple[str, str], dict[str, int]]:
    """Return how often each state was observed, by case id and variable."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    columns = (outcomes[name].tolist() for name in ("case_id", "variable", "value", "count"))
    for case_id, variable, value, count in zip(*columns, strict=True):
        counts.setdefault((case_id, variable), {})[value] = count
    return counts


def _states(
    counts: Mapping[str, int], rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]
) -> Iterator[State]:
    total = sum(counts.values())
    for text in [*counts, *_unseen(counts, rules, params)]:
        verdict, note = _verdict(value_of(text), rules, params)
        yield State(
            text=text,
            count=counts.get(text, 0),
            observations=total,
            verdict=verdict if rules else None,
            note=note,
        )


def _verdict(
    value: Scalar, rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]
) -> tuple[StateVerdict, str]:
    first = next((rule for rule in rules if rule.applies(value, params)), None)
    return ("unknown", "") if first is None else (first.verdict, first.note)


def _unseen(
    counts: Mapping[str, int], rules: Sequence[OutcomeRule], params: Mapping[str, Scalar]
) -> list[str]:
    """Return the states that the rules name for a case and that were never observed there."""
    seen = [value_of(text) for text in counts]
    unseen: dict[str, None] = {}
    for rule in rules:
        if rule.condition is None or not matches(rule.where, params):
            continue
        for state in rule.condition.states(params):
            if not any(rule.condition.names(value, state) for value in seen):
                unseen[str(state)] = None
    return [text for text in unseen if text not in counts]


def value_of(text: str) -> Scalar:
    """Return the value that a table shows as this text: a state is what its cell says."""
    if text in ("True", "False"):
        return text == "True"
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text


def _order(value: Scalar) -> tuple[bool, float, str]:
    return (True, 0, value) if isinstance(value, str) else (False, value or 0, str(value))


def judged_outcomes(outcomes: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """Return outcomes.csv: a row per state, with its verdict, and the exact 95 % interval of its share."""
    others = outcomes.columns.drop(["value", *_STATE_COLUMNS])
    headings = outcomes[others].drop_duplicates(subset=["run_id", "case_id", "variable"])
    rows = [
        {**heading, **_cells(state)}
        for heading in cast("list[dict[str, object]]", headings.to_dict("records"))
        for state in judged[str(heading["case_id"]), str(heading["variable"])]
    ]
    return pd.DataFrame(rows, columns=outcomes.columns, dtype=object).astype(outcomes.dtypes.to_dict())


_STATE_COLUMNS = ("count", "observations", "share", "share_ci_low", "share_ci_high", "verdict", "note")


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
    return {"value": state.text, **dict(zip(_STATE_COLUMNS, cells, strict=True))}
