"""What is executed next: exactly, and without executing anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.executors.schedule import schedule_for
from mprunner.experiment import Experiment
from mprunner.model.records import Ending, Record, Status
from mprunner.model.rules import Expectation, Rules
from tests.made import attempt


def schedule(repeats=4, *, lost=None, **options):
    experiment = Experiment(name="bank", scenario="race-bank", **options)
    return schedule_for(experiment, experiment.rules, [attempt(repeat=n) for n in range(repeats)], lost)


def executed(schedule, *statuses):
    """Execute what a schedule gives, ending as told and then ok; return repeat, attempt and whether it settled."""
    endings = iter(statuses)
    found = []
    while (given := schedule.next()) is not None:
        record = Record(
            attempt=given,
            status=next(endings, Status.OK),
            ending=Ending(),
            containment="none",
            started_at="2025-01-01T00:00:00.0Z",
        )
        found.append((given.repeat, given.attempt, schedule.feed(record)))
    return found


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("on_failure", ["continue", "stop"])
def test_a_schedule_stops_after_the_first_failure_only_when_asked(status, on_failure):
    found = executed(schedule(on_failure=on_failure), Status.OK, status)
    stopped = on_failure == "stop" and status is not Status.OK
    assert [repeat for repeat, _, _ in found] == ([0, 1] if stopped else [0, 1, 2, 3])


@pytest.mark.parametrize("status", Status)
def test_every_status_but_cancelled_settles_a_trial(status):
    ((_, _, settled),) = executed(schedule(1), status)
    assert settled is (status is not Status.CANCELLED)


def test_a_lost_trial_is_executed_again_at_once_and_as_often_as_it_has_retries():
    lost = Status.LOST
    assert executed(schedule(2, retries=2), lost, lost, lost, lost, Status.OK) == [
        (0, 1, False),
        (0, 2, False),
        (0, 3, True),
        (1, 1, False),
        (1, 2, True),
    ]


def rounds(*statuses, cases=2, **options):
    """Execute three rounds of some cases, ending as told and then ok; return how many trials were executed."""
    experiment = Experiment(name="bank", scenario="race-bank", **options)
    attempts = [attempt(guard, repeat) for repeat in range(3) for guard in ("none", "lock")[:cases]]
    return len(executed(schedule_for(experiment, experiment.rules, attempts, cases=cases), *statuses))


ERROR = Status.ERROR


def test_a_first_round_in_which_every_trial_raises_ends_the_run():
    assert rounds(ERROR, ERROR) == 2
    assert rounds(ERROR, ERROR, cases=1) == 2


@pytest.mark.parametrize("status", [status for status in Status if status not in (ERROR, Status.CANCELLED)])
def test_one_trial_that_ends_otherwise_is_enough_to_go_on(status):
    assert rounds(ERROR, status, *[ERROR] * 4) == 6
    assert rounds(status, *[ERROR] * 5) == 6


def test_a_run_goes_on_if_the_file_says_so_or_expects_the_error():
    assert rounds(*[ERROR] * 6, on_failure="continue") == 6
    expected = Expectation(status=ERROR, stat="every", where={"guard": ("none",)})
    assert rounds(*[ERROR] * 6, rules=Rules(expect=(expected,))) == 6


def test_lost_is_final_without_retries():
    assert executed(schedule(1), Status.LOST) == [(0, 1, True)]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.LOST])
def test_nothing_but_a_lost_trial_is_executed_again(status):
    assert [number for _, number, _ in executed(schedule(2, retries=3), status, status)] == [1, 1]


def test_a_retry_that_is_ok_does_not_stop_a_run_and_a_lost_trial_without_retries_does():
    lost = Status.LOST
    assert len(executed(schedule(3, retries=1, on_failure="stop"), lost, Status.OK)) == 4
    assert len(executed(schedule(3, retries=1, on_failure="stop"), lost, lost)) == 2


def test_attempts_lost_before_count():
    lost = {attempt(repeat=0).trial_id: 1}
    assert executed(schedule(1, retries=1, lost=lost), Status.LOST) == [(0, 1, True)]


@given(st.lists(st.sampled_from([*Status])), st.integers(0, 3), st.sampled_from(["continue", "stop"]))
def test_no_trial_is_settled_twice_and_none_is_executed_after_it_is_settled(statuses, retries, on_failure):
    found = executed(schedule(retries=retries, on_failure=on_failure), *statuses)
    settled = [repeat for repeat, _, is_settled in found if is_settled]
    assert len(settled) == len(set(settled))
    for repeat in set(settled):
        *before, last = [is_settled for other, _, is_settled in found if other == repeat]
        assert last
        assert not any(before)
