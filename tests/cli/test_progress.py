"""What a person sees while trials are executed: one live line on a terminal, lines elsewhere."""

import io
import re
import sys
import time
from dataclasses import replace

import pytest

from mprunner.cli.progress import REDRAW_EVERY_S, LineProgress, LiveProgress, told_when_slow
from mprunner.model.records import Ending, Record, Result, ResultKind, Status
from mprunner.workflow.prepare import prepare


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("mprunner.cli.progress.time", made)
    return made


@pytest.fixture
def plan(tmp_path):
    file = tmp_path / "bank.yaml"
    file.write_text("scenario: race-bank\nsweep: {guard: [none, lock]}\nrepeats: 4\n")
    return prepare(file).plan


def record(attempt, status=Status.OK):
    return Record(
        attempt=attempt, status=status, ending=Ending(wall_s=0.5), containment="none", started_at="2026-01-01"
    )


def test_lines_are_at_least_a_second_apart(clock, plan, capsys):
    progress = LineProgress()
    for done, attempt in enumerate(plan, 1):
        progress.mprunner_trial_finished(record(attempt), done, 100)
        clock.now += 0.4
    assert [line.partition("]")[0] for line in capsys.readouterr().err.splitlines()] == [
        "[1/100",
        "[4/100",
        "[7/100",
    ]


def test_a_failure_s_line_says_why(clock, plan, capsys):
    result = Result(kind=ResultKind.ERROR, error_type="ValueError", error_message="bo\tom\nand more")
    ending = Ending(wall_s=0.5, result=result)
    LineProgress().mprunner_trial_finished(
        replace(record(next(iter(plan)), Status.ERROR), ending=ending), 1, 100
    )
    assert capsys.readouterr().err == "[1/100] guard none, repeat 0: error in 0.5 s: ValueError: bo\\tom\n"


def test_every_failure_and_the_last_trial_get_a_line(clock, plan, capsys):
    progress = LineProgress()
    for done, attempt in enumerate(plan, 1):
        status = Status.TIMEOUT if done in (2, 3) else Status.OK
        progress.mprunner_trial_finished(record(attempt, status), done, len(plan))
    assert capsys.readouterr().err.splitlines() == [
        "[1/8] guard none, repeat 0: ok in 0.5 s",
        "[2/8] guard lock, repeat 0: timeout in 0.5 s",
        "[3/8] guard none, repeat 1: timeout in 0.5 s",
        "[8/8] guard lock, repeat 3: ok in 0.5 s",
    ]


@pytest.fixture
def live(plan, monkeypatch):
    """A live line that counts how often it is drawn."""
    monkeypatch.setenv("TERM", "xterm")
    progress = LiveProgress()
    progress.mprunner_run_started({}, len(plan), next(iter(plan)))
    drawn = []
    monkeypatch.setattr(progress._bar, "refresh", lambda: drawn.append(progress._bar.tasks[0]))
    yield progress, drawn
    progress.close()


def test_the_live_line_is_drawn_at_most_four_times_a_second(clock, plan, live):
    progress, drawn = live
    for done, attempt in enumerate(plan, 1):
        progress.mprunner_trial_finished(record(attempt), done, 100, attempt)
        clock.now += REDRAW_EVERY_S / 4
    assert len(drawn) == 2


def test_the_live_line_names_the_trial_in_hand_and_the_time_left(clock, plan, live):
    progress, _ = live
    attempts = list(plan)
    clock.now += 3.0
    progress.mprunner_trial_finished(record(attempts[0]), 1, 8, attempts[1])
    (task,) = progress._bar.tasks
    assert task.description == "guard lock, repeat 0"
    assert task.fields["left"] == "about 21 s left"
    assert task.completed == 1


def test_no_thread_draws_the_live_line(clock, plan, live):
    """A thread that wakes up beside a trial would disturb what it measures."""
    progress, _ = live
    assert progress._bar.live._refresh_thread is None


@pytest.mark.parametrize("columns", ["60", "80"])
def test_a_long_label_gives_way_to_the_bar_and_the_count(clock, plan, monkeypatch, capsys, columns):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    progress = LiveProgress()
    attempt = replace(
        next(iter(plan)), case_label="guard lock, [red]store manager, " + "transactions 1,000, " * 9
    )
    progress.mprunner_run_started({}, 1_000, attempt)
    progress.mprunner_trial_finished(record(attempt), 1, 1_000, attempt)
    progress.close()
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line.strip() for line in re.split(r"[\r\n]+", drawn) if line.strip()]
    assert all(len(line) <= int(columns) - len("^C") for line in lines), lines
    assert any("1/1000" in line and "left guard lock," in line for line in lines), lines


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "term"), [(io.StringIO, "xterm"), (Terminal, "dumb")])
def test_what_takes_long_is_told_on_a_terminal_only(monkeypatch, stream, term):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", stream())
    with told_when_slow("making the tables", after_s=0.001):
        time.sleep(0.02)
    assert sys.stderr.getvalue() == ""


def work_until_told():
    """Fail as soon as something was told."""
    while "making the tables: 0 s" not in sys.stderr.getvalue():
        time.sleep(0.001)
    raise ZeroDivisionError


def test_what_takes_long_is_told_until_it_has_ended_and_leaves_no_line(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(ZeroDivisionError), told_when_slow("making the tables", after_s=0.001):
        work_until_told()
    assert sys.stderr.getvalue().endswith("\r\x1b[K")


def test_what_is_done_at_once_is_not_told(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with told_when_slow("making the tables", after_s=60):
        pass
    assert sys.stderr.getvalue() == ""
