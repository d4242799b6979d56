"""own-race with chosen schedules: all that can make a difference, the first that races, deadlocks."""

import shutil
import sys
from pathlib import Path

import pytest

from mprunner.scenario import Trial
from mprunner_scenarios import own_race
from mprunner_scenarios.shared.own_code import OwnCodeError

HERE = Path(__file__).parent
CLASSES = "races_to_test"

pytest.importorskip("frontrun", reason="the extra `explore` is not installed")


@pytest.fixture
def explore(tmp_path, monkeypatch):
    """Explore a class in this process; return the metrics, its states with their counts, and the steps."""
    shutil.copy(HERE / f"{CLASSES}.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def call(name, **params):
        sys.modules.pop(CLASSES, None)  # its locks are made when it is imported
        trial = Trial(own_race.OwnRace, seed=7, repeat=0, tmp_path=tmp_path)
        asked = own_race.Params(race=f"{CLASSES}:{name}", schedule="explored", **params)
        metrics = own_race.OwnRace().run(asked, trial)
        states = {value: count for (_, value), count in trial.observed["state"].items()}
        return metrics, states, trial.samples

    yield call
    sys.modules.pop(CLASSES, None)


def test_a_check_then_act_race_is_found_with_the_steps_of_its_first_schedule(explore):
    metrics, states, steps = explore("CheckThenAct")
    assert set(states) == {1, 2}
    assert metrics.raced_schedules == states[2]
    assert metrics.tried_schedules == states[1] + states[2]
    assert metrics.complete
    assert metrics.first_raced <= 5
    checks = [n for n, step in enumerate(steps) if "if self.value is None" in step.code]
    acts = [n for n, step in enumerate(steps) if "self.value = object()" in step.code]
    assert {step.actor for step in steps} == {"get#1", "get#2"}
    assert len(checks) == len(acts) == 2
    assert max(checks) < min(acts)  # both have checked before either acts
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[checks[0]].where.startswith(f"{CLASSES}.py:")
    assert steps[checks[0]].access == "read CheckThenAct.value"


@pytest.mark.parametrize("name", ["Locked", "LockOfTheModule", "Handed", "Waits"])
def test_a_guarded_class_is_clean_in_every_schedule(explore, name):
    metrics, states, steps = explore(name)
    assert metrics.raced_schedules == 0
    assert metrics.complete
    assert metrics.first_raced is None
    assert len(states) == 1
    assert steps == []


def test_a_deadlock_is_a_state_and_says_who_waits_for_what_and_who_holds_it(explore):
    metrics, states, steps = explore("TwoOrders")
    assert states["deadlock"] == metrics.raced_schedules == 1
    said = {(step.actor, step.code) for step in steps}
    assert {actor for actor, _ in said} == {"one", "two"}
    assert any(actor == "one" and code.endswith("which two holds") for actor, code in said)
    assert any(actor == "two" and code.endswith("which one holds") for actor, code in said)


def test_a_schedule_is_executed_again_by_its_number(explore):
    first = explore("CheckThenAct")[0].first_raced
    metrics, states, steps = explore("CheckThenAct", replay=first)
    assert states == {2: 1}
    assert metrics.raced_schedules == metrics.tried_schedules == 1
    assert steps


def test_no_more_schedules_are_tried_than_asked_for(explore):
    metrics, _, _ = explore("CheckThenAct", schedules=3)
    assert metrics.tried_schedules == 3
    assert not metrics.complete


def test_fewer_preemptions_leave_fewer_schedules(explore):
    all_of_them, some = explore("CheckThenAct")[0], explore("CheckThenAct", preemptions=1)[0]
    assert some.tried_schedules < all_of_them.tried_schedules


def test_random_schedules_find_a_race_too_and_are_the_same_for_a_seed(explore):
    once, again = (explore("CheckThenAct", search="random", schedules=200)[0] for _ in range(2))
    assert once.raced_schedules == 1
    assert once.first_raced == once.tried_schedules == again.first_raced
    assert not once.complete


def test_a_lock_that_schedules_do_not_control_is_told(explore):
    with pytest.raises(
        OwnCodeError, match="waits for what it can't control, such as a lock of multiprocessing"
    ):
        explore("NotControlled")


def test_schedules_of_processes_are_refused():
    with pytest.raises(ValueError, match="schedule explored needs kind thread"):
        own_race.Params(race="a:B", schedule="explored", kind="process")


def test_the_locks_of_python_are_as_they_were_after_a_trial(explore):
    import threading

    lock = threading.Lock
    explore("Locked")
    assert threading.Lock is lock


def test_the_missing_extra_is_told_with_the_command_that_installs_it(explore, monkeypatch):
    monkeypatch.setitem(sys.modules, "frontrun", None)
    with pytest.raises(OwnCodeError, match=r"pip install 'mprunner\[explore\]'"):
        explore("Locked")
