"""own-race: the methods of a plain class at once, their states, and those that no serial order ends in."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mprunner_scenarios import own_race
from mprunner_scenarios.shared.own_code import OwnCodeError
from tests.support import check_told

HERE = Path(__file__).parent
CLASSES = "races_to_test"
METHODS = ("fork", "spawn", "forkserver")


@pytest.fixture(autouse=True)
def _beside(tmp_path, monkeypatch):
    """Have the classes in the current folder."""
    shutil.copy(HERE / f"{CLASSES}.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop(CLASSES, None)


@pytest.fixture
def race(execute):
    """Race a class for some rounds; return the metrics, and its states with their counts."""

    def call(name, **params):
        metrics, seen = execute(own_race, race=f"{CLASSES}:{name}", **{"rounds": 20, **params})
        return metrics, dict(seen["state"])

    return call


def test_a_round_that_ends_as_no_serial_order_does_has_raced(race):
    metrics, states = race("Switch", sync="barrier")
    assert states == {1: 20}
    assert metrics.raced_rounds == 20
    assert metrics.raced_share == 1


def test_a_guarded_class_does_not_race(race):
    metrics, states = race("Locked", rounds=300)
    assert states == {2: 300}
    assert metrics.raced_rounds == 0
    assert metrics.call_s > 0
    assert 0 < metrics.alone_s < 1


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_copies_say_how_many_actors_call_each_method(race, kind):
    assert race("SharedCounter" if kind == "process" else "Locked", copies=3, kind=kind)[1] in (
        {3: 20},
        {"add=ä,ä,ä result=3": 20},
    )


def test_what_actors_return_and_raise_is_the_state_with_the_values_of_copies_sorted(race):
    metrics, states = race("Returns", copies=2)
    assert states == {"pop=IndexError,a result=0": 20}
    assert metrics.raced_rounds == 0


def test_a_state_with_nothing_to_say_is_done(race):
    assert race("Silent")[1] == {"done": 20}


def test_containers_are_shown_in_one_order_and_other_objects_by_their_type(race):
    (state,) = race("Containers")[1]
    assert state == "first={'a', 'b'} second=list third=(1, None, 'x\\ny')"


def test_an_order_in_which_an_actor_waits_for_a_later_one_is_left_out(race):
    metrics, states = race("Waits", rounds=5)
    assert states == {"take=5": 5}
    assert metrics.raced_rounds == 0


def test_without_any_serial_order_no_round_is_said_to_race(race):
    metrics, states = race("WaitForEachOther", rounds=5)
    assert states == {"done": 5}
    assert metrics.raced_rounds is None
    assert metrics.alone_s is None


@pytest.mark.parametrize("method", METHODS)
def test_processes_race_in_memory_that_they_share(race, method):
    metrics, states = race("SharedCounter", kind="process", start_method=method)
    assert states == {"add=ä,ä result=2": 20}
    assert metrics.raced_rounds == 0


def test_processes_race_in_a_file(race):
    metrics, states = race("InAFile", kind="process", rounds=30)
    assert sum(states.values()) == 30
    assert metrics.raced_rounds == 30 - states.get(2, 0)


def test_processes_that_change_copies_of_their_own_are_told(race):
    with pytest.raises(OwnCodeError, match=r"each process changes its own copy\. .* ended in 0, not in 2"):
        race("OwnCounter", kind="process")


def test_processes_need_a_reset(race):
    with pytest.raises(OwnCodeError, match=r"has no reset\(self\): a process gets the object once"):
        race("Locked", kind="process")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Needs", "actor_add needs amount"),
        ("Async", "actor_add is async"),
        ("NoActor", "has no methods whose names begin with actor"),
        ("Broken", r"can't be made: OSError: the disk is gone \(races_to_test.py, line \d+\)"),
        ("Lockd", "is not there: .* did you mean 'races_to_test:Locked'"),
        ("not_a_class", "is no class: it is of type function"),
    ],
)
def test_a_class_that_can_t_be_raced_is_named_with_its_reason(race, name, told):
    with pytest.raises(OwnCodeError, match=told):
        race(name)


def test_an_actor_that_leaves_is_a_state_too(race):
    assert race("Leaves")[1] == {"leave=SystemExit,SystemExit": 20}


@pytest.mark.parametrize("interval", [1e-5, None])
def test_the_switch_interval_is_as_it_was_after_a_trial(race, interval):
    before = sys.getswitchinterval()
    race("Silent", switch_interval=interval)
    assert sys.getswitchinterval() == before


def run(folder, text):
    (folder / "own.yaml").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "mprunner", "run", str(folder / "own.yaml"), "--no-report"],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_class_beside_the_experiment_is_found_from_any_folder(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(HERE / f"{CLASSES}.py", folder / "beside.py")
    done = run(
        folder,
        "scenario: own-race\nsweep: {race: [beside:Switch, beside:Locked]}\nparams: {rounds: 10}\nrepeats: 2\n",
    )
    assert done.returncode == 0, done.stderr
    assert "Raced: race beside:Switch in all 20 rounds." in done.stdout
    assert "Never in race beside:Locked." in done.stdout
    assert "in up to 13.9% after 20 rounds" in done.stdout


def test_a_class_that_can_t_be_raced_is_told_before_the_first_trial(tmp_path):
    done = run(tmp_path, f"scenario: own-race\nparams: {{race: '{CLASSES}:Lockd'}}\n")
    check_told(
        done, 2, f"did you mean '{CLASSES}:Locked'?", f"each trial with race {CLASSES}:Lockd, kind thread"
    )
    assert "start_method" not in done.stderr  # threads have none


def test_a_place_that_is_none_is_refused_with_a_hint(tmp_path):
    done = run(tmp_path, "scenario: own-race\nparams: {race: cache.Lazy}\n")
    check_told(done, 5, "did you mean 'cache:Lazy'?")
