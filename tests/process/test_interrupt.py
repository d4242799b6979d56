"""Ctrl-C and its kin, as a person presses it: the real program on a pseudo-terminal."""

import os
import signal
import subprocess
import time

import psutil
import pytest

from mprunner.runs import Reading
from tests.support import (
    GENEROUS_S,
    PLUGINS,
    ROOT,
    Terminal,
    a_trial_has_started,
    hanging,
    latest,
    processes_marked,
    started,
    trials_of,
    wait_for_the_hanging_trial,
    wait_until,
    wait_until_none_is_left,
)

HANGS_AFTER_THREE = """
name: hangs
scenario: misbehave
sweep: {way: [ok, print, use-tmp, hang-with-children]}
repeats: 1
timeout: 600
"""


ARGUMENTS = ("run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py")


@pytest.fixture
def hangs(tmp_path):
    (tmp_path / "hangs.yaml").write_text(HANGS_AFTER_THREE)
    return tmp_path


@pytest.fixture
def terminal(hangs, token):
    """The program on a terminal, with a trial that hangs."""
    with Terminal(hangs, *ARGUMENTS) as terminal:
        wait_for_the_hanging_trial(token)
        yield terminal


def statuses(folder, name="hangs"):
    return list(trials_of(latest(folder, name)).status)


def test_ctrl_c_keeps_every_finished_row_and_prints_no_traceback(terminal, tmp_path, token):
    terminal.press(b"\x03")
    assert terminal.end() == -signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "interrupted" in terminal.text
    assert statuses(tmp_path) == ["ok", "ok", "ok", "cancelled"]
    assert "results (interrupted): results/hangs/" in terminal.text
    assert '"state": "interrupted"' in (latest(tmp_path, "hangs") / "run.json").read_text()
    assert processes_marked(token) == []


def test_ctrl_c_says_at_once_and_in_the_end_how_to_execute_the_rest(terminal, tmp_path, in_process):
    terminal.press(b"\x03")
    terminal.end()
    rest = f"mprunner resume results/hangs/{latest(tmp_path, 'hangs').name}"
    assert f"interrupted after 3 of 4 trials; `{rest}` executes the rest" in terminal.text
    assert terminal.text.split("\r\n")[-2] == f"execute the rest: {rest}"
    shown = in_process("show").stdout
    assert "1 cancelled" in shown
    assert shown.splitlines()[-1] == f"execute the rest: {rest}"


def test_two_ctrl_c_at_once_give_the_terminal_its_cursor_back(terminal, token):
    terminal.press(b"\x03\x03")
    assert terminal.end() == -signal.SIGINT
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")
    assert "Traceback" not in terminal.text
    wait_until_none_is_left(token)  # the launcher sees to it when the runner is gone


BLOCKING_PANDAS = """
import os
open(os.environ["IMPORTED"], "w").close()
open(os.environ["NEVER"]).read()
"""


def test_a_second_ctrl_c_leaves_at_once_without_tables_and_loses_nothing(hangs, token, monkeypatch):
    """The tables need pandas: one whose import never ends shows that they have begun, and gives all the time."""
    (hangs / "modules").mkdir()
    (hangs / "modules" / "pandas.py").write_text(BLOCKING_PANDAS)
    os.mkfifo(hangs / "never")
    for name, value in (("PYTHONPATH", "modules"), ("IMPORTED", "imported"), ("NEVER", "never")):
        monkeypatch.setenv(name, str(hangs / value))
    with Terminal(hangs, *ARGUMENTS) as terminal:
        wait_for_the_hanging_trial(token)
        terminal.press(b"\x03")
        wait_until((hangs / "imported").exists, "the tables have not begun")
        terminal.press(b"\x03")
        assert terminal.end() == -signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "executes the rest" in terminal.text
    assert not (latest(hangs, "hangs") / "trials.csv").exists()
    records = Reading(latest(hangs, "hangs") / "journal.jsonl").records()
    assert [record.status for record in records] == ["ok", "ok", "ok", "cancelled"]


def test_a_terminal_that_is_gone_costs_no_table(terminal, tmp_path, token):
    """Whatever is printed fails then; the signal says why the run ends."""
    assert terminal.hang_up() == -signal.SIGHUP
    assert statuses(tmp_path) == ["ok", "ok", "ok", "cancelled"]
    assert processes_marked(token) == []


def test_ctrl_z_across_a_deadline_is_a_timeout_with_the_deadline_s_time(hangs, token):
    """The terminal stops the runner's process group; the launcher, in a session of its own, keeps the deadline."""
    (hangs / "hangs.yaml").write_text(HANGS_AFTER_THREE.replace("600", "2"))
    began = time.monotonic()
    with started(hangs, *ARGUMENTS, "-q", stdout=subprocess.DEVNULL, process_group=0) as process:
        wait_for_the_hanging_trial(token)
        os.killpg(process.pid, signal.SIGTSTP)
        runner = psutil.Process(process.pid)
        wait_until(lambda: runner.status() == psutil.STATUS_STOPPED, "the runner goes on")
        wait_until(lambda: not hanging(token), "the trial that is over its time goes on")
        time.sleep(2)  # the pause: nothing is waited for
        paused = time.monotonic() - began
        os.killpg(process.pid, signal.SIGCONT)
        assert process.wait(GENEROUS_S) == 1
    assert statuses(hangs) == ["ok", "ok", "ok", "timeout"]
    assert 2 <= trials_of(latest(hangs, "hangs")).trial_wall_s.iloc[3] < paused - 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_term_and_hup_end_a_run_as_ctrl_c_does(terminal, tmp_path, number):
    os.kill(terminal.pid, number)
    assert terminal.end() == -number
    assert "Traceback" not in terminal.text
    assert statuses(tmp_path) == ["ok", "ok", "ok", "cancelled"]


def test_the_runner_killed_outright_leaves_no_process(terminal, token):
    """Its launcher reads the end of the control socket, kills the trial and removes its scratch folder."""
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.end()
    wait_until_none_is_left(token)


EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))
OF_EACH_SCENARIO = ("bank", "counter", "pool", "spawn")


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(f, marks=[] if f.stem in OF_EACH_SCENARIO else pytest.mark.slow, id=f.stem)
        for f in EXPERIMENTS
    ],
)
def test_interrupting_an_experiment_of_the_repository_ends_quietly(tmp_path, token, file):
    """The tutorial's pools printed dozens of interleaved tracebacks."""
    with Terminal(tmp_path, "run", file) as terminal:
        wait_until(lambda: a_trial_has_started(tmp_path), "no trial has begun")
        terminal.press(b"\x03")
        assert terminal.end() == -signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "interrupted after" in terminal.text
    *before, last = statuses(tmp_path, file.stem)
    assert set(before) <= {"ok"}
    assert last in ("ok", "cancelled")


CATCHES_ALL = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
except BaseException:
    pass
"""


def test_ctrl_c_ends_the_program_whatever_the_code_catches_that_it_falls_into(program, hangs):
    """An import that calls back into Python, as many do, prints an exception and goes on."""
    (hangs / "catches.py").write_text(CATCHES_ALL)
    done = program("plan", "hangs.yaml", "--plugin", "catches.py", "--plugin", PLUGINS / "misbehave.py")
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_ctrl_c_at_whatever_moment_of_the_start_is_quiet(hangs, token, delay_s):
    """Whether the moment falls into an import, the plan or a trial depends on the machine; the answer does not."""
    with started(hangs, *ARGUMENTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=GENEROUS_S)
    starting = process.returncode == 1 and "KeyboardInterrupt" in stderr and "mprunner/" not in stderr
    if starting or "Fatal Python error: init_" in stderr:
        pytest.skip("the moment fell into the interpreter's own start, before any code of ours")
    assert process.returncode == -signal.SIGINT
    assert "mprunner/" not in stderr.replace("results/", "")
