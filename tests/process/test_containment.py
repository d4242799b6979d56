"""Children that try to outlive their trial, in every way known to defeat some means of ending them: none is left."""

import signal
import subprocess
import sys
import time

import pytest

from mprunner.model.records import Status
from mprunner.worker.containment import is_zombie
from tests.process.local import Local
from tests.support import (
    OWN_NAMESPACES,
    PLUGINS,
    check_told,
    command,
    has_own_namespaces,
    latest,
    launchers,
    left_by_trials,
    processes_marked,
    trials_of,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process group promises less")

LEFT = {
    "stopped": 3,
    "ignoring-term": 3,
    "hundred": 100,
    "setsid": 1,
    "double-fork": 1,
    "parent-first": 1,
    "nested-subreaper": 2,
    "empty-environment": 1,
}


@pytest.fixture
def executor(token):
    with Local("attacks", "subreaper") as executor:
        yield executor


@pytest.mark.parametrize("attack", LEFT)
def test_no_process_survives_a_timeout(executor, tmp_path, token, attack):
    record = executor.record(tmp_path, timeout_s=1.5, attack=attack, then="hang")
    assert record.status is Status.TIMEOUT
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
    assert left_by_trials(executor, token) == []


@pytest.mark.parametrize("attack", LEFT)
def test_no_process_survives_a_trial_that_returned_and_its_row_says_how_many_there_were(
    executor, tmp_path, token, attack
):
    record = executor.record(tmp_path, attack=attack, then="return")
    assert record.status is Status.OK
    assert record.ending.leaked == LEFT[attack]
    assert left_by_trials(executor, token) == []


@pytest.mark.parametrize(("then", "status"), [("return", Status.OK), ("hang", Status.TIMEOUT)])
def test_a_hydra_is_ended_long_before_it_would_tire(executor, tmp_path, token, then, status):
    """Heads that each fork one successor and end, for a minute: always some are not on the list yet."""
    began = time.monotonic()
    record = executor.record(tmp_path, timeout_s=1.0, attack="hydra", then=then)
    assert record.status is status
    assert left_by_trials(executor, token) == []
    assert time.monotonic() - began < 30.0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_trial_that_ends_or_stops_its_launcher_is_lost_and_the_run_goes_on(
    executor, tmp_path, token, monkeypatch, number
):
    monkeypatch.setattr("mprunner.executors.launcher_client.OVERDUE_S", 0.5)
    attack = {signal.SIGKILL: "kill-launcher", signal.SIGSTOP: "stop-launcher"}[number]
    record = executor.record(tmp_path, timeout_s=1.5, attack=attack, then="hang")
    assert record.status is Status.LOST
    assert processes_marked(token) == []
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
    assert left_by_trials(executor, token) == []


def test_a_run_goes_on_after_a_trial_that_killed_its_launcher(ran, token):
    text = "scenario: attacks\nsweep: {attack: [kill-launcher, setsid]}\nrepeats: 2\n"
    assert list(ran(text, plugin="attacks", code=1).trials.status) == ["lost", "ok", "lost", "ok"]
    assert processes_marked(token) == []


@pytest.mark.skipif(not has_own_namespaces(), reason="a test has no /proc of its own here")
@pytest.mark.parametrize("before", ["true", "mount -t tmpfs none /proc"])
def test_where_proc_is_missing_or_that_of_others_the_row_has_the_containment_that_holds(
    tmp_path, token, before
):
    (tmp_path / "it.yaml").write_text(
        "scenario: misbehave\nparams: {way: hang-with-children}\ntimeout: 2s\nrepeats: 1\n"
    )
    run = command("run", "it.yaml", "--plugin", PLUGINS / "misbehave.py")
    shell = ["sh", "-c", f'{before} && exec "$@"', "sh"]
    done = subprocess.run(
        [*OWN_NAMESPACES, *shell, *run], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    check_told(done, 1, "warning: /proc does not show the processes of a trial")
    (trial,) = trials_of(latest(tmp_path, "it")).to_dict("records")
    assert (trial["status"], trial["containment"]) == ("timeout", "process-group")


KILLED = """
import os, signal, sys
if sys.argv[0].endswith("worker/__main__.py") and not os.path.exists("{sign}"):
    open("{sign}", "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_launcher_that_is_killed_before_the_first_trial_is_replaced(ran, tmp_path):
    source = (PLUGINS / "family.py").read_text() + KILLED.format(sign=tmp_path / "sign")
    assert list(ran("scenario: family\nrepeats: 2\n", plugin=source).trials.status) == ["ok", "ok"]
    assert (tmp_path / "sign").exists()


def test_a_launcher_that_is_killed_again_and_again_is_told_with_its_signal(ran, in_process, tmp_path):
    source = (PLUGINS / "family.py").read_text() + KILLED.format(sign=tmp_path / "none" / "sign").replace(
        "open", "#"
    )
    (tmp_path / "plugin.py").write_text(source)
    (tmp_path / "it.yaml").write_text("scenario: family\nrepeats: 2\n")
    done = in_process("run", "it.yaml", "--plugin", tmp_path / "plugin.py")
    check_told(done, 3, "signal 9 ended the launcher before the first trial")


BUSY = """
import errno, os, sys
if sys.argv[0].endswith("worker/__main__.py"):
    fork, refused = os.fork, iter([True, True, False, True] + [False] * 9)
    def full():
        if next(refused):
            raise BlockingIOError(errno.EAGAIN, "no room for a process")
        return fork()
    os.fork = full
"""


def test_a_system_that_has_no_room_for_a_process_for_a_moment_costs_no_trial(ran):
    source = (PLUGINS / "family.py").read_text() + BUSY
    assert list(ran("scenario: family\nrepeats: 2\n", plugin=source).trials.status) == ["ok", "ok"]


def test_an_import_that_takes_too_long_is_told_with_the_limit_and_where_it_stands(
    in_process, tmp_path, monkeypatch
):
    monkeypatch.setattr("mprunner.executors.launcher_client.START_LIMIT_S", 1.0)
    slow = 'import sys, time\nif sys.argv[0].endswith("worker/__main__.py"):\n    time.sleep(3600)\n'
    (tmp_path / "plugin.py").write_text((PLUGINS / "family.py").read_text() + slow)
    (tmp_path / "it.yaml").write_text("scenario: family\nrepeats: 2\n")
    done = in_process("run", "it.yaml", "--plugin", tmp_path / "plugin.py")
    check_told(
        done, 4, "has not imported mprunner_plugin_plugin", "within 1 s", f'File "{tmp_path}/plugin.py"'
    )


def test_a_worker_that_dies_while_it_waits_for_its_order_costs_no_trial(executor, tmp_path):
    """It is forked before the order comes; a system short of memory may end it meanwhile."""
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
    (launcher,) = launchers()
    wait_until(launcher.children, "no worker waits")
    (waiting,) = launcher.children()
    waiting.kill()
    wait_until(lambda: is_zombie(waiting.pid), "it does not end")
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
