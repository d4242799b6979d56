"""``mprunner race`` and ``mprunner tune``: an experiment is written and executed, and the answer comes first."""

import pytest

from tests.support import check_told, latest, trials_of

CACHE = """
import threading

class Lazy:
    def __init__(self):
        self.value, self.made = None, 0
        self.met = threading.Barrier(2)
    def actor_get(self):
        if self.value is None:
            try:
                self.met.wait(0.05)  # each waits here for the other, so that every free round races
            except threading.BrokenBarrierError:
                pass
            self.made += 1
            self.value = object()
    def result(self):
        return self.made

class Locked(Lazy):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
    def actor_get(self):
        with self.lock:
            if self.value is None:
                self.made += 1
                self.value = object()
"""

WORK = """
import time

def items():
    return range(8)

def nap(item):
    time.sleep(0.01)
"""


@pytest.fixture
def own(in_process, tmp_path):
    (tmp_path / "cache.py").write_text(CACHE)
    (tmp_path / "work.py").write_text(WORK)

    def call(*words):
        return in_process(*words, "--no-report", "-q")

    return call


def test_race_says_first_what_raced_how_often_and_what_never_did(own, tmp_path):
    done = own("race", "cache:Lazy", "cache:Locked", "--rounds", "10", "--no-explore")
    assert done.returncode == 0, done.stderr
    answer = " ".join(done.stdout.partition("\n\n")[0].split())
    assert answer.startswith("cache:Lazy raced in 50 of 50 rounds (100%, ")
    assert "; cache:Locked never raced: not in 50 rounds (below 5.82%)" in answer
    assert done.stdout.endswith("experiment: race-lazy.yaml\n")
    assert set(trials_of(latest(tmp_path, "race-lazy"))["schedule"]) == {"free"}


def test_the_file_of_race_is_replaced_until_somebody_changes_it(own, tmp_path):
    file = tmp_path / "race-locked.yaml"
    assert own("race", "cache:Locked", "--rounds", "5", "--no-explore").returncode == 0
    assert "rounds: 5," in file.read_text()
    assert own("race", "cache:Locked", "--rounds", "6", "--no-explore").returncode == 0
    assert "rounds: 6," in file.read_text()
    assert own("run", file).returncode == 0
    file.write_text(file.read_text() + "# mine\n")
    done = own("race", "cache:Locked", "--rounds", "7", "--no-explore")
    check_told(
        done,
        2,
        "race-locked.yaml is there",
        "`mprunner run race-locked.yaml`, or name another file with --output",
    )
    assert file.read_text().endswith("# mine\n")
    assert own("race", "cache:Locked", "--rounds", "5", "--no-explore", "--output", "b.yaml").returncode == 0


def test_a_class_that_can_t_be_raced_leaves_no_file(own, tmp_path):
    check_told(own("race", "cache:Lokced"), 2, "did you mean 'cache:Locked'?")
    assert not list(tmp_path.glob("race-*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["race", "cache.Lazy"], "did you mean cache:Lazy?"),
        (["race", "cache.py:Lazy"], "did you mean cache:Lazy?"),
        (["race", "lazy"], "write package.module:class"),
        (["race", "cache:Lazy", "--kind", "process", "--explore"], "schedules of threads can be explored"),
        (["race", "cache:Lazy", "--replay", "2", "--no-explore"], "--replay executes an explored schedule"),
        (["tune", "work/nap.py"], "did you mean work:nap?"),
        (["tune", "work:nap", "--items", "work.items"], "did you mean work:items?"),
    ],
)
def test_what_can_t_be_meant_is_told_with_what_may_be(own, tmp_path, words, told):
    check_told(own(*words), 2, told)
    assert not list(tmp_path.glob("*.yaml"))


def test_race_replays_one_schedule(own, tmp_path):
    pytest.importorskip("frontrun", reason="the extra `explore` is not installed")
    (tmp_path / "plain.py").write_text(CACHE.replace("self.met.wait(0.05)", "pass"))
    done = own("race", "plain:Lazy", "--replay", "2")
    assert done.returncode == 0, done.stderr
    assert "plain:Lazy raced in 1 of 1 schedules (--replay 2)." in done.stdout
    assert "schedule 2, ends in 2, plain.py" in done.stdout


def test_tune_finds_the_pool_that_naps_side_by_side_and_says_what_it_costs(own, tmp_path):
    done = own("tune", "work:nap", "--items", "work:items", "--repeats", "5")
    assert done.returncode == 0, done.stderr
    answers = [" ".join(each.split()) for each in done.stdout.split("\n\n")[:3]]
    assert "faster than a loop" in answers[0]
    assert answers[1].startswith("The best pool of threads: ")
    assert answers[2].startswith("Starting and ending the best pool of processes takes ")
    assert done.stdout.endswith("experiment: tune-nap.yaml\n")
    assert set(trials_of(latest(tmp_path, "tune-nap"))["status"]) == {"ok"}
