"""Limits, containment and the stacks of a timeout, by each interpreter that is installed: variants execute them."""

import sys

import pytest

from tests.support import OTHERS, other_interpreter

LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere only the worker is asked, and memory has no limit"
)


@pytest.fixture(params=OTHERS)
def there(request):
    """A line of an experiment that has each trial executed by another interpreter."""
    return f"variants: {{there: {{python: {other_interpreter(request.param)}}}}}\nrepeats: 1\n"


@LINUX
def test_the_stacks_of_a_timeout_are_in_its_log(ran, there):
    done = ran(f"scenario: deadlock\ntimeout: 4\n{there}", plugin="deadlock", code=1)
    trial = done.trials.iloc[0]
    assert trial.status == "timeout"
    log = (done.folder / "logs" / f"{trial.trial_id}.1.log").read_text()
    assert log.count("in wait_for_the_other_one") == 2
    assert "in run_actors" in log


@LINUX
def test_memory_is_limited_in_the_worker_and_in_actors(ran, there):
    sweep = "sweep: {way: [memory, child-memory], mib: [512, 1]}\nlimits: {memory_per_process: 256MiB}\n"
    done = ran(f"scenario: greedy\n{sweep}{there}", plugin="greedy", code=1)
    assert list(done.trials.status) == ["memory", "ok", "ok", "ok"]
    assert list(done.trials.number[1:]) == [1 << 20, -1, 1 << 20]


def test_what_a_trial_leaves_running_is_ended_and_counted(ran, there):
    done = ran(f"scenario: misbehave\nsweep: {{way: [leak, leak-detached]}}\n{there}", plugin="misbehave")
    assert list(done.trials.status) == ["ok", "ok"]
    assert list(done.trials.leaked) == [1, 1]
