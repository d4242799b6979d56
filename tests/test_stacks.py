"""What a trial that times out was doing: the Python stacks of all its processes, in its log."""

import sys

import pandas as pd
import pytest

from tests.support import PLUGINS

EXPERIMENT = "scenario: deadlock\nsweep: {start_method: [%s]}\nrepeats: 1\ntimeout: 5\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the worker is asked")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_deadlock_is_a_timeout_with_the_stacks_that_show_it(program, tmp_path, method):
    (tmp_path / "deadlock.yaml").write_text(EXPERIMENT % method)
    done = program("run", "deadlock.yaml", "--plugin", PLUGINS / "deadlock.py")
    assert done.returncode == 1, done.stderr
    folder = tmp_path / "results" / "deadlock" / "latest"
    row = pd.read_csv(folder / "trials.csv").iloc[0]
    assert row.status == "timeout"
    log = (folder / "logs" / f"{row.trial_id}.1.log").read_text()
    assert log.count("in wait_for_the_other_one") == 2
    assert "in run_actors" in log
    assert log.count("mprunner: timeout: process ") >= 3
