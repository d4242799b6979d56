"""Every status from a trial made for it, on a real launcher; and whatever happened, the next trial is ok."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mprunner.executors import Interrupt
from mprunner.model.records import DEFAULT_OUTPUT_BYTES, Ending, Result, ResultKind, Status, classify
from mprunner.worker.containment import Shared
from mprunner.worker.protocol import Cancel, Channel
from tests.process.local import Local, attempt
from tests.support import (
    OWN_NAMESPACES,
    PLUGINS,
    check_told,
    command,
    has_own_namespaces,
    launchers,
    left_by_trials,
    marked,
    processes_marked,
)


@pytest.fixture(scope="module", params=["subreaper", "process-group"])
def executor(request):
    with marked(), Local("misbehave", request.param) as executor:
        assert executor.containment == request.param
        yield executor


@pytest.fixture
def subreaper(token):
    with Local("misbehave", "subreaper") as executor:
        yield executor


ENDINGS = [
    ("ok", Status.OK, 0, None, None),
    ("raise", Status.ERROR, 0, None, "RuntimeError"),
    ("exit", Status.EXIT, 7, None, "SystemExit"),
    ("exit-zero", Status.EXIT, 0, None, "SystemExit"),
    ("exit-text", Status.EXIT, 1, None, "SystemExit"),
    ("os-exit", Status.NO_RESULT, 3, None, None),
    ("killed", Status.SIGNAL, None, signal.SIGKILL, None),
    ("segv", Status.SIGNAL, None, signal.SIGSEGV, None),
    ("closed-channel", Status.NO_RESULT, 1, None, None),
    ("wrong-type", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("wrong-metric", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("nan", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("too-large", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("raw-fork", Status.OK, 0, None, None),
    ("remove-tmp", Status.OK, 0, None, None),
    ("file-as-tmp", Status.OK, 0, None, None),
    ("bad-sample", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("broken-str", Status.ERROR, 0, None, "BrokenStrError"),
    ("broken-exit-str", Status.EXIT, 1, None, "SystemExit"),
    ("closed-stderr", Status.ERROR, 0, None, "RuntimeError"),
    ("huge-message", Status.ERROR, 0, None, "RuntimeError"),
    ("memory", Status.MEMORY, 0, None, "MemoryError"),
    ("abort", Status.SIGNAL, None, signal.SIGABRT, None),
    ("unpicklable", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("hundred-megabytes", Status.BAD_RESULT, 0, None, "BadValueError"),
    ("result-then-exit", Status.EXIT, 9, None, None),
    ("result-then-signal", Status.SIGNAL, None, signal.SIGKILL, None),
    ("use-usr2", Status.OK, 0, None, None),
]


@pytest.mark.parametrize(("way", "status", "exit_code", "number", "error_type"), ENDINGS)
def test_each_way_of_ending_has_its_status_and_the_next_trial_is_ok(
    executor, tmp_path, way, status, exit_code, number, error_type
):
    record = executor.record(tmp_path, way=way)
    assert record.status is status
    assert record.ending.exit_code == exit_code
    assert record.ending.signal == number
    result = record.ending.result
    assert (result and result.error_type) == error_type
    assert executor.status(tmp_path, way="ok") == "ok"


@pytest.mark.parametrize("way", ["hang", "ignore-term-and-hang"])
def test_a_trial_over_its_time_is_a_timeout_and_the_next_is_ok(executor, tmp_path, way):
    record = executor.record(tmp_path, timeout_s=0.3, way=way)
    assert record.status == "timeout"
    assert record.ending.wall_s is not None
    assert record.ending.wall_s >= 0.3
    assert executor.status(tmp_path, way="ok") == "ok"


def test_a_timeout_kills_the_whole_tree(subreaper, tmp_path, token):
    """A child, a stopped child and a double-forked one in its own session: none is left when the record is there."""
    record = subreaper.record(tmp_path, timeout_s=2.0, way="hang-with-children")
    assert record.status == "timeout"
    assert left_by_trials(subreaper, token) == []


@pytest.mark.parametrize("way", ["leak", "leak-detached"])
def test_what_an_ok_trial_leaves_behind_is_counted_and_killed(subreaper, tmp_path, token, way):
    record = subreaper.record(tmp_path, way=way)
    assert (record.status, record.ending.leaked) == ("ok", 1)
    assert left_by_trials(subreaper, token) == []


def test_a_child_that_has_ended_and_was_not_waited_for_is_no_leak(subreaper, tmp_path):
    record = subreaper.record(tmp_path, way="leave-zombie")
    assert (record.status, record.ending.leaked) == ("ok", 0)


def test_the_cpu_time_of_a_daemon_that_left_the_trial_is_counted(subreaper, tmp_path):
    """It is forked twice and in a session of its own: no process of the trial waits for it, but its launcher does."""
    ending = subreaper.record(tmp_path, way="busy-daemon").ending
    assert ending.cpu_user_s + ending.cpu_system_s >= 0.4


def test_a_result_after_the_deadline_is_still_a_timeout(executor, tmp_path):
    """Asking for the stacks wakes the trial, which then returns: luck decides whether its result arrives."""
    record = executor.record(tmp_path, timeout_s=0.3, way="sleep-until-asked")
    assert record.status == "timeout"
    assert record.ending.result is None


@pytest.mark.parametrize(
    ("way", "said"),
    [("segv", "Fatal Python error: Segmentation fault"), ("abort", "Fatal Python error: Aborted")],
)
def test_a_crash_leaves_the_stack_of_the_crash_in_the_log(executor, tmp_path, way, said):
    executor.record(tmp_path, way=way)
    log = (tmp_path / f"{way}.1.log").read_text()
    assert said in log
    assert f"in _{way}" in log


@pytest.mark.parametrize("way", ["print-a-gigabyte", "print-a-little-too-much", "print-too-much-and-reap"])
def test_a_log_over_its_cap_is_cut_and_the_trial_is_told_by_its_status(executor, tmp_path, way):
    record = executor.record(tmp_path, way=way)
    assert record.status is Status.OUTPUT_LIMIT
    if way == "print-a-gigabyte":
        assert (record.ending.exit_code, record.ending.signal) == (None, signal.SIGKILL)
        assert record.ending.result is None
    log = tmp_path / f"{way}.1.log"
    assert DEFAULT_OUTPUT_BYTES < log.stat().st_size < DEFAULT_OUTPUT_BYTES + 1000
    assert log.read_bytes()[DEFAULT_OUTPUT_BYTES:].startswith(b"\nmprunner: the log is cut here: it had ")
    assert executor.status(tmp_path, way="ok") == "ok"


def test_observations_made_before_a_failure_are_kept_and_its_traceback_is_in_a_log_of_its_own(
    executor, tmp_path
):
    (seen,) = executor.record(tmp_path, way="raise").ending.result.outcomes
    assert (seen.variable, seen.value, seen.count) == ("seen", "raise", 1)
    log = (tmp_path / "raise.1.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "RuntimeError: it went wrong" in log


def test_what_a_trial_prints_is_its_log_and_not_the_next_one_s(executor, tmp_path):
    executor.record(tmp_path, way="print")
    executor.record(tmp_path, way="ok")
    assert set((tmp_path / "print.1.log").read_text().splitlines()) == {"said on stdout", "said on stderr"}
    assert not (tmp_path / "ok.1.log").exists()


def test_the_scratch_folder_is_empty_for_every_trial(executor, tmp_path):
    for way in ("nest-tmp", "use-tmp", "use-tmp"):
        assert executor.status(tmp_path, way=way) == "ok"


def test_a_link_in_the_scratch_folder_s_place_is_never_followed(token, tmp_path, monkeypatch):
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o750)
    (precious / "file").write_text("of someone else")
    monkeypatch.setenv("PRECIOUS", str(precious))
    with Local("misbehave") as executor:
        assert [executor.status(tmp_path, way=way) for way in ("link-tmp", "use-tmp")] == ["ok", "ok"]
    assert (precious / "file").read_text() == "of someone else"
    assert precious.stat().st_mode & 0o777 == 0o750


@pytest.mark.skipif(not has_own_namespaces(), reason="a test has no mounts of its own here")
def test_nothing_is_removed_behind_a_mount_and_a_person_is_told_of_it(token, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o750)
    (precious / "file").write_text("of someone else")
    (tmp_path / "tmp").mkdir()
    text = "scenario: misbehave\nsweep: {way: [mount-in-tmp, use-tmp, mount-on-tmp]}\nrepeats: 2\n"
    (tmp_path / "it.yaml").write_text(text)
    done = subprocess.run(
        [*OWN_NAMESPACES, "--mount-proc", *command("run", "it.yaml", "--plugin", PLUGINS / "misbehave.py")],
        cwd=tmp_path,
        env={**os.environ, "PRECIOUS": str(precious), "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=False,
    )
    check_told(done, 0, "what a trial left can't be removed", "mounted: Device or resource busy")
    assert (precious / "file").read_text() == "of someone else"
    assert precious.stat().st_mode & 0o777 == 0o750


def test_what_a_lost_trial_printed_is_its_log_and_its_record_says_that_it_was_lost(subreaper, tmp_path):
    record = subreaper.record(tmp_path, way="print-and-kill-launcher")
    assert record.status == "lost"
    assert record.ending.malformed == "the launcher died, or gave no word in time"
    assert "said before the end" in (tmp_path / "print-and-kill-launcher.1.log").read_text()
    assert subreaper.status(tmp_path, way="ok") == "ok"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_ends_a_run_does_not_end_its_launcher(subreaper, tmp_path, number):
    (launcher,) = launchers()
    launcher.send_signal(number)
    assert subreaper.status(tmp_path, way="ok") == "ok"
    assert launchers() == [launcher]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
def test_shared_memory_that_a_trial_leaves_is_removed(subreaper, tmp_path, token):
    """The resource tracker may be just starting when the trial ends; it must be let be then, too."""
    for _ in range(20):
        assert subreaper.status(tmp_path, way="shared-memory") == "ok"
    assert list(Path("/dev/shm").glob(f"{token}*")) == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
@pytest.mark.parametrize(
    ("way", "status"), [("tracked-elsewhere", "ok"), ("untracked", "ok"), ("untracked-and-hang", "timeout")]
)
def test_what_a_trial_leaves_in_shared_memory_is_removed_whoever_knows_of_it(
    subreaper, tmp_path, token, way, status
):
    record = subreaper.record(tmp_path, timeout_s=0.5 if status == "timeout" else 60.0, way=way)
    assert (record.status, record.ending.leaked) == (status, 0)
    assert list(Path("/dev/shm").glob(f"{token}*")) == []


HOLD = "import sys; held = [open(name) for name in sys.argv[1:]]; print(flush=True); input()"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
def test_what_others_have_in_shared_memory_stays_even_if_a_trial_has_mapped_it(token):
    before, own, used_elsewhere, unseen = (Path(f"/dev/shm/{token}{number}") for number in range(4))
    before.write_text("there before")
    shared = Shared()
    for path in (own, used_elsewhere, unseen):
        path.write_text("new")
    holder = [sys.executable, "-c", HOLD]
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        subprocess.Popen([*holder, before, own, used_elsewhere], **how) as of_trial,
        subprocess.Popen([*holder, used_elsewhere], **how) as other,
    ):
        of_trial.stdout.readline()
        other.stdout.readline()
        shared.look([of_trial.pid])
        of_trial.communicate(b"\n")
        shared.remove()
        left = {path for path in (before, own, used_elsewhere, unseen) if path.exists()}
        other.communicate(b"\n")
    for path in left:
        path.unlink()
    assert left == {before, used_elsewhere, unseen}


def test_a_long_tmpdir_leaves_room_for_the_sockets_of_a_fork_server(tmp_path, token, monkeypatch):
    long = tmp_path / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with Local("misbehave"):
        assert list(long.iterdir()) == []


def test_closing_leaves_neither_launcher_nor_scratch_folder(tmp_path, token, monkeypatch):
    scratch = Path(tempfile.mkdtemp(prefix="scratch-"))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with Local("misbehave"):
        assert list(scratch.iterdir())
    assert launchers() == []
    assert processes_marked(token) == []
    scratch.rmdir()  # it is empty


def test_a_launcher_that_dies_costs_one_lost_attempt_and_is_replaced(subreaper, tmp_path):
    (launcher,) = launchers()
    launcher.kill()
    assert subreaper.status(tmp_path, way="ok") == "lost"
    assert subreaper.status(tmp_path, way="ok") == "ok"


def test_a_stopped_launcher_is_given_up_after_the_runner_s_own_deadline(subreaper, tmp_path, monkeypatch):
    monkeypatch.setattr("mprunner.executors.launcher_client.OVERDUE_S", 0.2)
    (launcher,) = launchers()
    launcher.suspend()
    assert subreaper.status(tmp_path, timeout_s=0.1, way="ok") == "lost"
    assert subreaper.status(tmp_path, way="ok") == "ok"


def test_a_signal_to_the_runner_cancels_the_trial_in_hand(subreaper, tmp_path):
    with Interrupt() as interrupt:
        pid = os.fork()
        if pid == 0:
            os.kill(os.getppid(), signal.SIGINT)
            os._exit(0)
        record = subreaper.execute(attempt(way="hang-with-children"), tmp_path, interrupt)
        os.waitpid(pid, 0)
    assert interrupt.signal == signal.SIGINT
    assert record.status is Status.CANCELLED


def test_a_cancel_that_reaches_the_launcher_with_the_order_is_heard(subreaper, tmp_path, monkeypatch):
    (launcher,) = launchers()
    send = Channel.send

    def send_to_a_stopped_launcher(channel, message):
        send(channel, message)
        if isinstance(message, Cancel):
            launcher.resume()

    launcher.suspend()
    monkeypatch.setattr(Channel, "send", send_to_a_stopped_launcher)
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        record = subreaper.execute(attempt(way="hang"), tmp_path, interrupt)
    assert (record.status, record.ending.malformed) == ("cancelled", None)
    assert launchers() == [launcher]


OK_RESULT = Result(kind=ResultKind.OK)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (Ending(cancelled=True, timed_out=True, signal=9, result=OK_RESULT), Status.CANCELLED),
        (Ending(timed_out=True, signal=9, result=OK_RESULT), Status.TIMEOUT),
        (Ending(timed_out=True, exit_code=0, result=OK_RESULT), Status.TIMEOUT),
        (Ending(timed_out=True, over_output=True), Status.TIMEOUT),
        (Ending(over_output=True, signal=9, result=OK_RESULT), Status.OUTPUT_LIMIT),
        (Ending(over_output=True, exit_code=0, result=OK_RESULT), Status.OUTPUT_LIMIT),
        (Ending(over_processes=True, cancelled=True), Status.CANCELLED),
        (Ending(over_processes=True, timed_out=True), Status.TIMEOUT),
        (Ending(over_processes=True, over_output=True), Status.OUTPUT_LIMIT),
        (Ending(over_processes=True, signal=9), Status.PROCESS_LIMIT),
        (Ending(signal=11, result=OK_RESULT), Status.SIGNAL),
        (Ending(exit_code=0, result=Result(kind=ResultKind.MEMORY)), Status.MEMORY),
        (Ending(exit_code=1, result=Result(kind=ResultKind.MEMORY)), Status.EXIT),
        (Ending(exit_code=1, result=OK_RESULT), Status.EXIT),
        (Ending(exit_code=0, result=Result(kind=ResultKind.EXIT)), Status.EXIT),
        (Ending(exit_code=0, result=Result(kind=ResultKind.ERROR)), Status.ERROR),
        (Ending(exit_code=0, result=Result(kind=ResultKind.BAD_RESULT)), Status.BAD_RESULT),
        (Ending(exit_code=0, malformed="no JSON"), Status.BAD_RESULT),
        (Ending(exit_code=0), Status.NO_RESULT),
        (Ending(exit_code=9), Status.NO_RESULT),
        (Ending(exit_code=0, result=OK_RESULT), Status.OK),
    ],
)
def test_the_first_status_of_the_documented_precedence_applies(ending, status):
    assert classify(ending) is status
