"""The state of a trial, by the lines of its journal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.model.records import Status
from mprunner.runs.journal_reader import Tally, TrialState, TrialStates


@pytest.mark.parametrize(
    ("status", "lost", "retries", "settled"),
    [
        (None, 0, 0, False),
        (None, 5, 0, False),
        (Status.CANCELLED, 0, 0, False),
        (Status.LOST, 1, 0, True),
        (Status.LOST, 1, 1, False),
        (Status.LOST, 2, 1, True),
        *((status, 0, 3, True) for status in Status if status not in (Status.CANCELLED, Status.LOST)),
    ],
)
def test_a_trial_is_settled_by_its_last_attempt(status, lost, retries, settled):
    assert TrialState(1 + lost, status, lost).is_settled(retries) is settled


ENDINGS = st.lists(st.none() | st.sampled_from([each.value for each in Status]), min_size=1, max_size=5)


@given(ENDINGS)
def test_attempts_one_after_the_other_come_to_the_last(endings):
    trial_states = TrialStates()
    for number, status in enumerate(endings, 1):
        trial_states.started("a", number)
        if status is not None:
            trial_states.ended("a", number, status)
    assert trial_states == {"a": TrialState(len(endings), endings[-1], endings.count("lost"))}


def test_an_earlier_attempt_that_is_told_as_lost_later_counts_and_changes_nothing_else():
    trial_states = TrialStates()
    trial_states.started("a", 1)
    trial_states.started("a", 2)
    trial_states.ended("a", 1, "lost")
    assert trial_states["a"] == TrialState(2, None, 1)
    trial_states.ended("a", 2, "ok")
    assert trial_states["a"] == TrialState(2, "ok", 1)


def test_settled_and_failed_trials_are_counted():
    trial_states = TrialStates()
    for trial_id, status in [
        ("a", "ok"),
        ("b", "error"),
        ("c", "cancelled"),
        ("d", "lost"),
        ("e", "timeout"),
    ]:
        trial_states.started(trial_id, 1)
        trial_states.ended(trial_id, 1, status)
    trial_states.started("f", 1)
    assert trial_states.tally(retries=0) == Tally(settled=4, failed=3)
    assert trial_states.tally(retries=1) == Tally(settled=3, failed=2)
