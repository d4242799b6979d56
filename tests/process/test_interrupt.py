"""Ctrl-C and its kin, as a person presses it: the real program on a pseudo-terminal."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from mprunner.runs import Reading
from tests.support import (
    GENEROUS_S,
    PLUGINS,
    ROOT,
    Terminal,
    a_trial_has_started,
    command,
    command_of,
    processes_marked,
    wait_until,
)

HANGS_AFTER_THREE = """
name: hangs
scenario: misbehave
sweep: {way: [ok, print, use-tmp, hang-with-children]}
repeats: 1
timeout: 600
"""


@pytest.fixture
def terminal(tmp_path, token):
    (tmp_path / "hangs.yaml").write_text(HANGS_AFTER_THREE)
    terminal = Terminal(tmp_path, "run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py")
    yield terminal
    terminal.kill()


def hanging_workers(token: str) -> int:
    return sum("sleep" in command_of(process) for process in processes_marked(token))


def wait_for_the_hanging_trial(token: str) -> None:
    wait_until(lambda: hanging_workers(token) >= 2, "the trial that hangs has not begun")


def rows(folder: Path) -> list[str]:
    return list(pd.read_csv(folder / "results" / "hangs" / "latest" / "trials.csv").status)


def test_ctrl_c_keeps_every_finished_row_and_prints_no_traceback(terminal, tmp_path, token):
    wait_for_the_hanging_trial(token)
    terminal.press(b"\x03")
    status = terminal.end()
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "interrupted" in terminal.text
    assert rows(tmp_path) == ["ok", "ok", "ok", "cancelled"]
    assert "results: results/hangs/" in terminal.text
    text = (tmp_path / "results" / "hangs" / "latest" / "run.json").read_text()
    assert '"state": "interrupted"' in text
    assert processes_marked(token) == []


def test_ctrl_c_says_at_once_and_in_the_end_how_to_execute_the_rest(terminal, tmp_path, token, program):
    wait_for_the_hanging_trial(token)
    terminal.press(b"\x03")
    terminal.end()
    run = (tmp_path / "results" / "hangs" / "latest").resolve().name
    rest = f"mprunner resume results/hangs/{run}"
    lines = terminal.text.split("\r\n")
    assert f"interrupted after 3 of 4 trials; `{rest}` executes the rest" in terminal.text
    assert lines[-2] == f"execute the rest: {rest}"
    shown = program("show").stdout
    assert "1 cancelled" in shown
    assert shown.splitlines()[-1] == f"execute the rest: {rest}"


def test_two_ctrl_c_at_once_give_the_terminal_its_cursor_back(terminal, token):
    wait_for_the_hanging_trial(token)
    terminal.press(b"\x03\x03")
    status = terminal.end()
    assert os.WTERMSIG(status) == signal.SIGINT
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")
    assert "Traceback" not in terminal.text
    limit = time.monotonic() + GENEROUS_S
    while processes_marked(token):  # the launcher sees to it when the runner is gone
        assert time.monotonic() < limit, "something is left"
        time.sleep(0.02)  # polling


BLOCKING_PANDAS = """
import os
open(os.environ["IMPORTED"], "w").close()
open(os.environ["NEVER"]).read()
"""


def test_a_second_ctrl_c_leaves_at_once_without_tables_and_loses_nothing(tmp_path, token, monkeypatch):
    """The tables need pandas: one whose import never ends shows that they have begun, and gives all the time."""
    (tmp_path / "hangs.yaml").write_text(HANGS_AFTER_THREE)
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "pandas.py").write_text(BLOCKING_PANDAS)
    os.mkfifo(tmp_path / "never")
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("IMPORTED", str(tmp_path / "imported"))
    monkeypatch.setenv("NEVER", str(tmp_path / "never"))
    terminal = Terminal(tmp_path, "run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py")
    try:
        wait_for_the_hanging_trial(token)
        terminal.press(b"\x03")
        wait_until((tmp_path / "imported").exists, "the tables have not begun")
        terminal.press(b"\x03")
        status = terminal.end()
    finally:
        terminal.kill()
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "executes the rest" in terminal.text
    folder = tmp_path / "results" / "hangs" / "latest"
    assert not (folder / "trials.csv").exists()
    records = Reading(folder / "journal.jsonl").records()
    assert [record.status for record in records] == ["ok", "ok", "ok", "cancelled"]


def test_a_terminal_that_is_gone_costs_no_table(terminal, tmp_path, token):
    """Whatever is printed fails then; the signal says why the run ends."""
    wait_for_the_hanging_trial(token)
    status = terminal.hang_up()
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGHUP
    assert rows(tmp_path) == ["ok", "ok", "ok", "cancelled"]
    assert processes_marked(token) == []


def test_ctrl_z_across_a_deadline_is_a_timeout_with_the_deadline_s_time(tmp_path, token):
    """The terminal stops the runner's process group; the launcher, in a session of its own, keeps the deadline."""
    (tmp_path / "hangs.yaml").write_text(HANGS_AFTER_THREE.replace("600", "2"))
    began = time.monotonic()
    process = subprocess.Popen(
        command("run", "-q", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py"),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        wait_for_the_hanging_trial(token)
        os.killpg(process.pid, signal.SIGTSTP)
        runner = psutil.Process(process.pid)
        wait_until(lambda: runner.status() == psutil.STATUS_STOPPED, "the runner goes on")
        wait_until(lambda: not hanging_workers(token), "the trial that is over its time goes on")
        time.sleep(2)  # the pause: nothing is waited for
        paused = time.monotonic() - began
        os.killpg(process.pid, signal.SIGCONT)
        assert process.wait(GENEROUS_S) == 1
    finally:
        process.kill()
        process.wait()
    trials = pd.read_csv(tmp_path / "results" / "hangs" / "latest" / "trials.csv")
    assert list(trials.status) == ["ok", "ok", "ok", "timeout"]
    assert 2 <= trials.trial_wall_s.iloc[3] < paused - 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_term_and_hup_end_a_run_as_ctrl_c_does(terminal, tmp_path, token, number):
    wait_for_the_hanging_trial(token)
    os.kill(terminal.pid, number)
    status = terminal.end()
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == number
    assert "Traceback" not in terminal.text
    assert rows(tmp_path) == ["ok", "ok", "ok", "cancelled"]


def test_the_runner_killed_outright_leaves_no_process(terminal, tmp_path, token):
    """Its launcher reads the end of the control socket, kills the trial and removes its scratch folder."""
    wait_for_the_hanging_trial(token)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.end()
    wait_until(lambda: not processes_marked(token), "something is left")


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
    terminal = Terminal(tmp_path, "run", file)
    wait_until(lambda: a_trial_has_started(tmp_path), "no trial has begun")
    terminal.press(b"\x03")
    status = terminal.end()
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "interrupted after" in terminal.text
    statuses = list(pd.read_csv(tmp_path / "results" / file.stem / "latest" / "trials.csv").status)
    assert set(statuses[:-1]) <= {"ok"}
    assert statuses[-1] in ("ok", "cancelled")


CATCHES_ALL = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
except BaseException:
    pass
"""


def test_ctrl_c_ends_the_program_whatever_the_code_catches_that_it_falls_into(program, tmp_path):
    """An import that calls back into Python, as many do, prints an exception and goes on."""
    (tmp_path / "hangs.yaml").write_text(HANGS_AFTER_THREE)
    (tmp_path / "catches.py").write_text(CATCHES_ALL)
    done = program("plan", "hangs.yaml", "--plugin", "catches.py", "--plugin", PLUGINS / "misbehave.py")
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_ctrl_c_at_whatever_moment_of_the_start_is_quiet(tmp_path, token, delay_s):
    """Whether the moment falls into an import, the plan or a trial depends on the machine; the answer does not."""
    (tmp_path / "hangs.yaml").write_text(HANGS_AFTER_THREE)
    arguments = command("run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py")
    process = subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=GENEROUS_S)
    starting = process.returncode == 1 and "KeyboardInterrupt" in stderr and "mprunner/" not in stderr
    if starting or "Fatal Python error: init_" in stderr:
        pytest.skip("the moment fell into the interpreter's own start, before any code of ours")
    assert process.returncode == -signal.SIGINT
    assert "mprunner/" not in stderr.replace("results/", "")
