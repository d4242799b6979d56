"""How a worker comes to be: forked ahead of its trial, limited, or with an interpreter of its own."""

import json
import marshal
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, NoReturn

from mprunner.model.records import Result, ResultKind
from mprunner.worker.containment import die_with_parent
from mprunner.worker.protocol import Hello, Order, decode, encode
from mprunner.worker.trial import (
    encode_result,
    execute,
    failed,
    flush,
    import_subject,
    log_traceback,
    preload,
    send,
)

_MEMORY: Final = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
"""On Linux private writable memory, whatever was used to get it. RLIMIT_AS would count what is only reserved: a
thread's arena alone is 64 MiB of addresses."""

_set_handler: Callable[[int, Any], object] = getattr(signal.signal, "__wrapped__", signal.signal)
"""``signal.signal`` without turning numbers into enums, whose pages would be copied in every worker: 0.15 ms."""


def limit_memory(size: int) -> None:
    """Let this process, and each that it starts, have ``size`` bytes of memory; what exceeds that fails."""
    _, hard = resource.getrlimit(_MEMORY)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(_MEMORY, (most, most))


FORK_LIMIT_S: Final = 3.0
"""How long a fork that the system refuses is tried again."""

Begin = Callable[[Order, int, Path], int]
"""What a worker calls to execute its order, with where its result goes and its scratch folder; returns the exit code
that the trial asks for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A worker that waits for its order, as its launcher sees it.

    Attributes:
        pid: its process id.
        result_fd: where its result can be read.
    """

    pid: int
    result_fd: int
    _order_fd: int

    def order(self, order: Order) -> bool:
        """Have it execute an order; False if it has died meanwhile."""
        data = memoryview(marshal.dumps(encode(order)))  # touches less than JSON, and comes from no one else
        try:
            while data:
                data = data[os.write(self._order_fd, data) :]
        except BrokenPipeError:
            return False
        finally:
            os.close(self._order_fd)
        return True

    def dismiss(self) -> None:
        """Have it end without a trial, and wait for that."""
        os.close(self._order_fd)
        self.reap()

    def reap(self) -> None:
        """Wait for its end."""
        os.close(self.result_fd)
        os.waitpid(self.pid, 0)


def fork_waiting(
    begin: Begin, log_fd: int, tmp_path: Path, memory: int | None, close: Callable[[], None]
) -> Waiting:
    """Fork a worker that gets ready and waits for its order.

    Args:
        begin: what it does with the order.
        log_fd: the file to which it prints.
        tmp_path: its scratch folder.
        memory: how many bytes it, and each process that it starts, may have; None for no limit.
        close: closes, in the worker, what is the launcher's alone.
    """
    order_reader, order_writer = os.pipe()
    result_reader, result_writer = os.pipe()
    launcher = os.getpid()

    def work() -> int:
        os.close(order_writer)
        os.close(result_reader)
        close()
        _settle_in(launcher, log_fd)
        encode_result(Result(kind=ResultKind.OK, metrics={"": 0.5}))  # touches what sending a result will
        order = _received(order_reader)
        if memory is not None:  # not before: it must live to take its order, whatever it inherited
            limit_memory(memory)
        return begin(order, result_writer, tmp_path)

    pid = _fork()
    if pid == 0:
        _end_with(work)
    os.close(order_reader)
    os.close(result_writer)
    return Waiting(pid, result_reader, order_writer)


def _fork() -> int:
    """Fork; where the system has no room for another process just now, again and again for a while."""
    until = monotonic() + FORK_LIMIT_S
    while True:
        try:
            return os.fork()
        except OSError:
            if monotonic() > until:
                raise
        sleep(0.01)


def _end_with(work: Callable[[], int]) -> NoReturn:
    """Do a worker's work and exit with the code that it returns: whatever happens, the process ends here."""
    code = 1
    try:
        code = work()
    except BaseException:  # mprunner's own fault: it must be seen, and must not reach the launcher's code
        log_traceback()
    finally:
        flush()
        os._exit(code)


def _settle_in(launcher: int, log_fd: int) -> None:
    """Leave the launcher's session, signals and output behind."""
    os.setsid()
    die_with_parent(launcher)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        _set_handler(number, signal.SIG_DFL)
    _set_handler(signal.SIGINT, signal.default_int_handler)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.close(log_fd)


def _received(order_fd: int) -> Order:
    """Wait for the order; without one the process ends: the launcher needs no further worker, or is gone."""
    text = b""
    while data := os.read(order_fd, 1 << 16):
        text += data
    os.close(order_fd)
    if not text:
        os._exit(0)
    order = decode(marshal.loads(text))
    assert isinstance(order, Order)
    return order


def execute_fresh(hello: Hello, order: Order, result_fd: int, tmp_path: Path) -> NoReturn:
    """Turn this forked process, which has settled in, into a new interpreter that executes the trial."""
    note = Path(hello.scratch) / "order.json"
    note.write_text(json.dumps([encode(hello), encode(order), os.fspath(tmp_path)]), encoding="utf-8")
    os.set_inheritable(result_fd, True)
    arguments = [*hello.flags, "-P", "-m", "mprunner.worker", "--fresh", str(note), str(result_fd)]
    os.execv(sys.executable, [sys.executable, *arguments])


def main(note: str, result_fd: int) -> NoReturn:
    """Execute a trial in this interpreter, send its result and exit."""

    def work() -> int:
        hello, order, tmp_path = json.loads(Path(note).read_text(encoding="utf-8"))
        os.set_inheritable(result_fd, False)
        return _import_and_execute(decode(hello), decode(order), result_fd, Path(tmp_path))

    _end_with(work)


def _import_and_execute(hello: object, order: object, result_fd: int, tmp_path: Path) -> int:
    assert isinstance(hello, Hello)
    assert isinstance(order, Order)
    preload(hello)
    try:
        subject = import_subject(hello)
    except BaseException as error:  # it could be imported once, when the run began
        log_traceback()
        send(result_fd, failed(error))
        return 0
    return execute(subject, order, result_fd, tmp_path)
