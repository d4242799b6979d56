"""The launcher: a small warm process that imports the scenario once and forks a worker per trial."""

import gc
import os
import signal
import socket
import threading
import traceback
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, process_time
from typing import NoReturn

from mprunner.model.records import Limits
from mprunner.worker.containment import Keeper, Shared, contain, descendants, remove_tree
from mprunner.worker.forking import Begin, Waiting, execute_fresh, fork_waiting
from mprunner.worker.interpreter import facts
from mprunner.worker.log import STACKS_BYTES, Logs, write_stacks
from mprunner.worker.protocol import Channel, Ended, Hello, Order, Ready, Refused
from mprunner.worker.trial import execute, import_subject, make_importable, preload
from mprunner.worker.watch import Crowd, Watched, busy_s


def _cpus() -> frozenset[int]:
    """Return the numbers of the CPUs that a trial may use; none where the system does not say it."""
    return frozenset(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ())


@dataclass(slots=True)
class Slot:
    """Executes attempts, one after the other; ``begin`` is what a worker does with its order."""

    begin: Begin
    channel: Channel
    containment: str
    wake: int
    tmp_path: Path
    limits: Limits
    logs: Logs
    cpus: frozenset[int] = field(default_factory=_cpus)
    waiting: Waiting | None = None
    _made: os.stat_result = field(init=False)

    def __post_init__(self) -> None:
        self.make_tmp()

    def execute(self, order: Order) -> Ended:
        """Give the order to a worker, watch that to its end, and say how it ended."""
        log, shared = Path(order.log), Shared()
        started, waiting = self._hand_over(order, log)
        keeper = Keeper(waiting.pid, self.containment, self.wake)
        crowd = Crowd(self.limits.processes)
        busy, own = busy_s(self.cpus), process_time()
        attempt = Watched(keeper, waiting.result_fd, self.channel, self.wake, self.logs.is_over, crowd)
        try:
            attempt.watch(started + order.timeout_s)
        finally:
            wall_s = monotonic() - started
            busy_after, own = busy_s(self.cpus), process_time() - own
            attempt.drain_result()
            if attempt.timed_out:
                write_stacks(waiting.pid, self.logs.open(log))
            shared.look(descendants(os.getpid()))
            leaked = keeper.end(attempt.helpers())
            shared.seen.update(attempt.shared())
            shared.remove()
            os.close(waiting.result_fd)
            over_output = self.logs.keep(log, STACKS_BYTES if attempt.timed_out else 0)
            self._clear_tmp()
        others = None if busy is None or busy_after is None else busy_after - busy - own
        return _ended(attempt, keeper, wall_s, leaked, over_output, others)

    def _hand_over(self, order: Order, log: Path) -> tuple[float, Waiting]:
        """Give the order to the worker that waits for one, or to a new one; return when that was, and the worker."""
        while True:
            if self.waiting is None:
                self.prepare(log)
            waiting, self.waiting = self.waiting, None
            assert waiting is not None
            started = monotonic()
            if waiting.order(order):
                return started, waiting
            waiting.reap()

    def prepare(self, log: Path) -> None:
        """Fork the worker of the next order, whose log will be beside ``log``; nothing of a trial is alive then."""
        log_fd = self.logs.open(log)
        self.waiting = fork_waiting(
            self.begin, log_fd, self.tmp_path, self.limits.memory_per_process, close=self.channel.close
        )

    def close(self) -> None:
        """End the worker that waits for an order, and remove the log that no trial has printed to."""
        if self.waiting is not None:
            self.waiting.dismiss()
        self.logs.close()

    def make_tmp(self) -> None:
        """Make the scratch folder, with a longer name where one is taken by what can't be removed."""
        while True:
            try:
                self.tmp_path.mkdir(parents=True)
                break
            except FileExistsError:
                self.tmp_path = self.tmp_path.with_name(f"{self.tmp_path.name}t")
        self._made = os.lstat(self.tmp_path)
        os.environ["TMPDIR"] = str(self.tmp_path)

    def _clear_tmp(self) -> None:
        """Have an empty scratch folder again, whatever the trial put in its place or mounted there."""
        try:
            if os.path.samestat(os.lstat(self.tmp_path), self._made) and not os.listdir(self.tmp_path):
                return
        except OSError:
            pass
        remove_tree(self.tmp_path)
        self.make_tmp()


def _ended(
    attempt: Watched,
    keeper: Keeper,
    wall_s: float,
    leaked: int,
    over_output: bool,
    busy: float | None,
) -> Ended:
    """Say how an attempt ended; ``busy`` is how long its CPUs were meanwhile, but for the launcher's own part."""
    status = keeper.status
    facts = {
        "exit_code": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
        "timed_out": attempt.timed_out,
        "cancelled": attempt.cancelled,
        "over_output": over_output,
        "over_processes": attempt.over_processes,
        "leaked": leaked if attempt.ended_itself else 0,
        "wall_s": wall_s,
        "cpu_user_s": keeper.cpu_user_s,
        "cpu_system_s": keeper.cpu_system_s,
        "max_process_rss_bytes": keeper.max_rss_bytes,
        "others_cpu_s": None if busy is None else max(0.0, busy - keeper.cpu_user_s - keeper.cpu_system_s),
    }
    return Ended(facts=facts, results=attempt.results())


def serve(control: socket.socket) -> NoReturn:
    """Serve the runner on the other side of ``control`` until it is gone, then leave nothing behind."""
    channel = Channel(control)
    scratch: Path | None = None
    shared, runner = "", os.getppid()
    try:
        hello = channel.receive()
        assert isinstance(hello, Hello)
        scratch, shared = Path(hello.scratch), hello.shared
        _serve(channel, hello)
    except (EOFError, ConnectionError):
        pass
    except BaseException:  # mprunner's own fault: the runner shows what it finds on stderr
        traceback.print_exc()
    finally:
        if scratch is not None:
            remove_tree(scratch)
        if shared and os.getppid() != runner:  # a runner that lives removes it, when no launcher needs it
            remove_tree(Path(shared))
        os._exit(0)


def _serve(channel: Channel, hello: Hello) -> None:
    scratch = Path(hello.scratch)
    try:
        if hello.cpus is not None:  # before the import: a plugin may count CPUs then; workers inherit it
            os.sched_setaffinity(0, hello.cpus)
        containment = contain(hello.containment)
        begin = _beginning(hello)
        wake = _catch_signals()  # after the import: a plugin may have set handlers of its own
        limits = Limits(**hello.limits)
        slot = Slot(
            begin, channel, containment, wake, scratch / "t", limits, Logs(scratch.name, limits.output)
        )
    except BaseException as error:
        traceback.print_exc()
        channel.send(Refused(reason=f"{type(error).__name__}: {error}"))
        return
    channel.send(Ready(containment=containment, threads=_count_threads(), interpreter=facts()))
    gc.collect()
    if hasattr(gc, "freeze"):  # not on PyPy
        gc.freeze()  # a worker's collector must not touch, and so copy, the launcher's pages
    try:
        while True:
            order = channel.receive()
            if isinstance(order, Order):  # a Cancel that came too late is no order
                ended = slot.execute(order)
                if order.is_set_up:
                    slot.logs.close()  # the logs of trials are elsewhere
                    channel.send(ended)
                    continue
                channel.send(ended)
                slot.prepare(Path(order.log))  # while the runner makes the record safe
    finally:
        slot.close()


def _catch_signals() -> int:
    """Have every ended child make a descriptor readable, and return it.

    Signals that end a run are the runner's to handle: a launcher that died of one would leave actors behind.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return reader


def _beginning(hello: Hello) -> Begin:
    """Return what a worker does with its order."""
    make_importable(hello)
    if hello.isolation == "fresh":
        return partial(execute_fresh, hello)
    preload(hello)
    return partial(execute, import_subject(hello))


def _count_threads() -> int:
    """Return how many threads this process has, those that a library started behind Python's back included."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return threading.active_count()
