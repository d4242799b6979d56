"""What a run leaves when runner and launcher are both killed, and what the next run makes of it."""

import json
import os
import subprocess
import sys

import pytest

from mprunner.executors.orphans import MARK, end_marked, find_orphans, new_mark
from tests.support import (
    GENEROUS_S,
    OWN_NAMESPACES,
    PLUGINS,
    ROOT,
    has_own_namespaces,
    processes_marked,
    started,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="marks are read from /proc")


def executed_apart(tmp_path, script: str) -> dict:
    """Execute a script in a namespace of process ids, where neither its orphans nor ours are seen by the other."""
    if not has_own_namespaces():
        pytest.skip("namespaces of process ids can't be had here")
    done = subprocess.run(
        [*OWN_NAMESPACES, "--mount-proc", sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=2 * GENEROUS_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_orphans_of_an_earlier_run_are_named_and_measuring_beside_them_is_refused(tmp_path, token):
    """Runner and launcher are killed at once: no one is left to end the trial's daemon."""
    came = executed_apart(tmp_path, str(ROOT / "tests" / "orphaned.py"))
    (pid,) = came["left"]
    assert came["refused"]["code"] == 2
    assert f"error: an earlier run left a process: {pid} (" in came["refused"]["stderr"]
    assert f"hint: end what it left with `kill -9 {pid}`" in came["refused"]["stderr"]
    assert came["told_to"]["code"] == 0
    assert [orphan["pid"] for orphan in came["noted"]] == [pid]
    assert came["after"] == {"code": 0, "stderr": came["after"]["stderr"]}


def test_processes_of_a_run_that_goes_on_are_no_orphans(in_process, tmp_path, token):
    (tmp_path / "hang.yaml").write_text(
        "scenario: attacks\nparams: {attack: setsid, then: hang}\nrepeats: 1\n"
    )
    (tmp_path / "attacks.yaml").write_text("scenario: attacks\nrepeats: 1\n")
    plugin = PLUGINS / "attacks.py"
    with started(tmp_path, "run", "hang.yaml", "--plugin", plugin, stderr=subprocess.DEVNULL) as runner:
        wait_until(lambda: len(processes_marked(token)) >= 4, "runner, launcher, worker, its child")
        done = in_process("run", "attacks.yaml", "--plugin", plugin)
        runner.terminate()
        runner.wait()
    assert done.returncode == 0, done.stderr


@pytest.fixture
def bearing(token):
    started = []

    def start(mark: str) -> subprocess.Popen:
        started.append(subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: mark}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_what_bears_a_mark_is_ended_and_nothing_else(bearing):
    mine, other = new_mark(), new_mark()
    process, spared = bearing(mine), bearing(other)
    assert end_marked(mine) == ()
    assert process.wait() == -9
    assert spared.poll() is None


def test_a_process_of_a_living_runner_is_no_orphan_and_one_of_a_recycled_process_id_is(bearing, monkeypatch):
    """The second one's runner had this process's id, but was started at another time."""
    monkeypatch.setattr("mprunner.executors.orphans.GRACE_S", 0.0)
    runner, started_at, launcher = new_mark().split(":")
    living = bearing(f"{runner}:{started_at}:{launcher}")
    assert living.pid not in [orphan.pid for orphan in find_orphans(refuse=False)]
    recycled = bearing(f"{runner}:1{started_at}:{launcher}")
    assert recycled.pid in [orphan.pid for orphan in find_orphans(refuse=False)]
