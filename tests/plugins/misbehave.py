"""A scenario for every way in which a trial can end."""

import mmap
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from multiprocessing import shared_memory
from pathlib import Path
from typing import Annotated, Literal

from mprunner.scenario import Doc, Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Metrics:
    number: float
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    lap_s: float


def _raise(trial):
    raise RuntimeError("it went wrong\nin two lines, with 'quotes', \"more\" and a tab\t")


def _segv(trial):
    os.kill(os.getpid(), signal.SIGSEGV)


def _ignore_term_and_hang(trial):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3600)


def _leak(trial):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])


def _leak_detached(trial):
    """Leave a process in a session of its own, whose parent is gone."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writer, b"!")
            time.sleep(3600)
        os._exit(0)
    os.wait()
    os.read(reader, 1)


def _hang_with_children(trial):
    _leak(trial)
    _leak_detached(trial)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    child.send_signal(signal.SIGSTOP)
    time.sleep(3600)


def _raw_fork(trial):
    """Let the forked child fall through, as a mistaken script does."""
    if os.fork():
        os.wait()


def _print(trial):
    print("said on stdout")
    print("said on stderr", file=sys.stderr)


def _use_tmp(trial):
    assert list(trial.tmp_path.iterdir()) == []
    (trial.tmp_path / "folder").mkdir()
    (trial.tmp_path / "folder" / "file").write_text("left")
    assert os.environ["TMPDIR"] == str(trial.tmp_path)


def _link_tmp(trial):
    """Leave a link to a folder that is not ours in the scratch folder's place."""
    shutil.rmtree(trial.tmp_path)
    trial.tmp_path.symlink_to(os.environ["PRECIOUS"])


def _file_as_tmp(trial):
    shutil.rmtree(trial.tmp_path)
    trial.tmp_path.write_text("a file")


def _mount_in_tmp(trial):
    """Leave a folder of someone else mounted within folders of ours."""
    inner = trial.tmp_path / "folder" / "mounted"
    inner.mkdir(parents=True)
    subprocess.run(["mount", "--bind", os.environ["PRECIOUS"], inner], check=True)


def _mount_on_tmp(trial):
    subprocess.run(["mount", "--bind", os.environ["PRECIOUS"], trial.tmp_path], check=True)


def _nest_tmp(trial):
    """Leave folders nested deeper than the interpreter's stack, and than a path may be long."""
    os.chdir(trial.tmp_path)
    for _ in range(2100):
        os.mkdir("d")
        os.chdir("d")


class BrokenStrError(Exception):
    def __str__(self):
        raise KeyboardInterrupt


def _broken_str(trial):
    raise BrokenStrError


def _closed_stderr(trial):
    sys.stderr.close()
    raise RuntimeError("with no stderr")


def _huge_message(trial):
    raise RuntimeError("x" * (20 << 20))


def _shared_memory(trial):
    """Leave a segment behind, as a trial that is cut off does."""
    shared_memory.SharedMemory(f"{os.environ['MPRUNNER_TEST']}-{os.getpid()}", create=True, size=100)


TRACKER = (
    "import os, sys; sys.stdin.read(); os.unlink(sys.argv[1])  # the resource_tracker of another library"
)
SHM = "/dev/shm"


def _own_name(trial):
    return f"{SHM}/{os.environ['MPRUNNER_TEST']}-{trial.seed}-{os.getpid()}"


def _tracked_elsewhere(trial):
    """Leave a file of which only the tracker of another library knows."""
    Path(_own_name(trial)).write_text("left")
    tracker = subprocess.Popen([sys.executable, "-c", TRACKER, _own_name(trial)], stdin=subprocess.PIPE)
    os.set_inheritable(tracker.stdin.fileno(), True)
    trial.kept = tracker  # else its end would be waited for


def _untracked(trial):
    """Leave shared memory that no tracker knows of, mapped here and in a child."""
    fd = os.open(_own_name(trial), os.O_CREAT | os.O_RDWR)
    os.truncate(fd, 100)
    trial.kept = mmap.mmap(fd, 100)
    os.close(fd)


def _untracked_and_hang(trial):
    _untracked(trial)
    time.sleep(3600)


def _print_and_kill_launcher(trial):
    print("said before the end", flush=True)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(3600)


def _memory(trial):
    raise MemoryError("no more")


def _abort(trial):
    os.abort()


class LastStream:
    """A stdout whose last flush, after the result was sent, ends the process."""

    def write(self, text):
        return len(text)

    def flush(self):
        os._exit(9)


def _result_then_exit(trial):
    sys.stdout = LastStream()


class DeadlyStream(LastStream):
    def flush(self):
        os.kill(os.getpid(), signal.SIGKILL)


def _result_then_signal(trial):
    sys.stdout = DeadlyStream()


def _leave_zombie(trial):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


BUSY_S = 0.4


def _busy_daemon(trial):
    """Wait for a daemon that is no child of ours any more and has used CPU time."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while time.process_time() < BUSY_S:
                pass
        os._exit(0)
    os.wait()
    os.close(writer)
    os.read(reader, 1)  # the end of the stream: the daemon has ended


def _print_a_gigabyte(trial):
    block = b"x" * (1 << 20)
    for _ in range(1024):
        os.write(1, block)


def _print_a_little_too_much(trial):
    os.write(1, b"x" * (11 << 20))


def _print_too_much_and_reap(trial):
    """Print for as long as may be, while children end all the time."""
    os.write(1, b"x" * (11 << 20))
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                os._exit(0)
            os._exit(0)
        os.waitpid(pid, 0)


class AskedError(Exception):
    pass


def _sleep_until_asked(trial):
    """Return a result as soon as someone asks for the stacks, that is after the deadline."""

    def wake(number, frame):
        raise AskedError

    signal.signal(signal.SIGUSR2, wake)
    try:
        time.sleep(3600)
    except AskedError:
        pass


def _use_usr2(trial):
    """Use the signal with which stacks are asked for."""
    got = []
    signal.signal(signal.SIGUSR2, lambda number, frame: got.append(number))
    os.kill(os.getpid(), signal.SIGUSR2)
    assert got == [signal.SIGUSR2]


def _default_signals(trial):
    """Have the signals that a person or a program ends processes with, as a new process expects them."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        assert signal.getsignal(number) is signal.SIG_DFL
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


WAYS = {
    "ok": lambda trial: None,
    "raise": _raise,
    "exit": lambda trial: sys.exit(7),
    "exit-zero": lambda trial: sys.exit(0),
    "exit-text": lambda trial: sys.exit("giving up"),
    "os-exit": lambda trial: os._exit(3),
    "killed": lambda trial: os.kill(os.getpid(), signal.SIGKILL),
    "segv": _segv,
    "closed-channel": lambda trial: os.closerange(3, 256),
    "wrong-type": lambda trial: {"number": 1.0},
    "wrong-metric": lambda trial: Metrics(number="one"),
    "nan": lambda trial: Metrics(number=float("nan")),
    "too-large": lambda trial: Metrics(number=1.0, text="x" * (9 << 20)),
    "hang": lambda trial: time.sleep(3600),
    "ignore-term-and-hang": _ignore_term_and_hang,
    "leak": _leak,
    "leak-detached": _leak_detached,
    "hang-with-children": _hang_with_children,
    "raw-fork": _raw_fork,
    "print": _print,
    "use-tmp": _use_tmp,
    "remove-tmp": lambda trial: shutil.rmtree(trial.tmp_path),
    "link-tmp": _link_tmp,
    "file-as-tmp": _file_as_tmp,
    "mount-in-tmp": _mount_in_tmp,
    "mount-on-tmp": _mount_on_tmp,
    "nest-tmp": _nest_tmp,
    "bad-sample": lambda trial: trial.sample(Sample(lap_s=float("nan"))),
    "broken-str": _broken_str,
    "broken-exit-str": lambda trial: sys.exit(BrokenStrError()),
    "closed-stderr": _closed_stderr,
    "huge-message": _huge_message,
    "shared-memory": _shared_memory,
    "tracked-elsewhere": _tracked_elsewhere,
    "untracked": _untracked,
    "untracked-and-hang": _untracked_and_hang,
    "print-and-kill-launcher": _print_and_kill_launcher,
    "memory": _memory,
    "abort": _abort,
    "unpicklable": lambda trial: Metrics(number=lambda: 1.0),
    "hundred-megabytes": lambda trial: Metrics(number=1.0, text="x" * (100 << 20)),
    "result-then-exit": _result_then_exit,
    "result-then-signal": _result_then_signal,
    "leave-zombie": _leave_zombie,
    "busy-daemon": _busy_daemon,
    "print-a-gigabyte": _print_a_gigabyte,
    "print-a-little-too-much": _print_a_little_too_much,
    "print-too-much-and-reap": _print_too_much_and_reap,
    "sleep-until-asked": _sleep_until_asked,
    "use-usr2": _use_usr2,
    "default-signals": _default_signals,
}


@dataclass(frozen=True, kw_only=True)
class Params:
    way: Annotated[Literal[tuple(WAYS)], Doc("how the trial ends")] = "ok"


class Misbehave(Scenario[Params, Metrics]):
    """End in the way that was asked for."""

    name = "misbehave"
    outcomes = {"seen": Doc("a state seen before the end")}
    sample = Sample
    summary = "number {number:median}"

    def run(self, params: Params, trial: Trial) -> Metrics:
        trial.observe(seen=params.way)
        return WAYS[params.way](trial) or Metrics(number=1.0)


def mprunner_register_scenarios():
    return [Misbehave]
