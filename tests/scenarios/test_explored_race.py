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


def test_every_order_of_lines_is_executed_and_most_orders_of_two_transactions_lose_one(explore):
    metrics, states, steps = explore("OneOfEach", search="every")
    assert states == {100: 2, 99: 9, 101: 9}
    assert metrics.tried_schedules == 20
    assert metrics.raced_schedules == 18
    assert metrics.complete
    orders = {}
    for step in steps:
        orders.setdefault(step.schedule, []).append((step.actor, step.code))
    assert sorted(orders) == list(range(1, 21))
    assert len(set(map(tuple, orders.values()))) == 20
    for order in orders.values():
        for actor in ("withdraw", "deposit"):
            codes = [code for who, code in order if who == actor]
            assert codes[0] == "read = self.balance"
            assert codes[2] == "self.balance = changed"
            assert len(codes) == 3


def test_the_state_of_an_order_is_what_its_steps_come_to(explore):
    _, _, steps = explore("OneOfEach", search="every")
    for schedule in {step.schedule for step in steps}:
        own = [step for step in steps if step.schedule == schedule]
        balance, read = 100, {}
        for step in own:
            if step.code == "read = self.balance":
                read[step.actor] = balance
            elif step.code == "self.balance = changed":
                balance = read[step.actor] + (1 if step.actor == "deposit" else -1)
        assert {step.state for step in own} == {str(balance)}


def test_one_order_is_executed_again_by_its_number(explore):
    _, _, steps = explore("OneOfEach", search="every")
    state = next(int(step.state) for step in steps if step.schedule == 7)
    metrics, states, again = explore("OneOfEach", search="every", replay=7)
    assert states == {state: 1}
    assert metrics.tried_schedules == 1
    assert again == [step for step in steps if step.schedule == 7]


def test_the_lines_of_another_actors_method_that_an_actor_calls_are_steps_too(explore):
    metrics, states, _ = explore("CallsTheOther", search="every")
    assert metrics.tried_schedules == 10  # read and write among call, read and write
    assert states == {1: 6, 2: 4}


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("CheckThenAct", {}, "its lines can't come in every order"),
        ("OneOfEach", {"schedules": 19}, "has 20 orders of its lines, more than schedules: 19"),
        ("OneOfEach", {"replay": 21}, "has 20 orders of its lines: there is no 21"),
        ("Handed", {}, "actor_take waits for another actor"),
    ],
)
def test_a_class_whose_orders_can_not_all_be_executed_is_refused_with_the_reason(
    explore, name, params, message
):
    with pytest.raises(OwnCodeError, match=message):
        explore(name, search="every", **params)


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
