"""What a trial that times out was doing: the Python stacks of all its processes, in its log."""

import subprocess
import sys

import pytest

from tests.support import GENEROUS_S, PLUGINS, command, latest, trials_of

EXPERIMENT = "scenario: deadlock\nsweep: {start_method: [%s]}\nrepeats: 1\ntimeout: 6\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the worker is asked")
def test_a_deadlock_is_a_timeout_with_the_stacks_that_show_it(tmp_path, token):
    running = {}
    for method in ("fork", "spawn", "forkserver"):  # at the same time: each waits for its timeout
        (tmp_path / f"{method}.yaml").write_text(EXPERIMENT % method)
        arguments = command("run", f"{method}.yaml", "--plugin", PLUGINS / "deadlock.py")
        running[method] = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.DEVNULL)
    for method, process in running.items():
        assert process.wait(GENEROUS_S) == 1
        check_stacks(latest(tmp_path, method))


def check_stacks(folder):
    row = trials_of(folder).iloc[0]
    assert row.status == "timeout"
    log = (folder / "logs" / f"{row.trial_id}.1.log").read_text()
    assert log.count("in wait_for_the_other_one") == 2
    assert "in run_actors" in log
    assert log.count("mprunner: timeout: process ") >= 3
