"""How a worker comes to be: forked ahead of its trial, limited, or with an interpreter of its own."""

import json
import marshal
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from mprunner.model.records import Result, ResultKind
from mprunner.worker.importing import import_scenario, preload
from mprunner.worker.protocol import Hello, Order, decode, encode
from mprunner.worker.trial import (
    Place,
    Subject,
    encode_result,
    execute_here,
    flush,
    log_traceback,
    send_error,
    settle_in,
    subject_of,
)

_MEMORY: Final = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
"""On Linux private writable memory, whatever was used to get it. RLIMIT_AS would count what is only reserved: a
thread's arena alone is 64 MiB of addresses."""


def limit_memory(size: int) -> None:
    """Let this process, and each that it starts, have ``size`` bytes of memory; what exceeds that fails."""
    _, hard = resource.getrlimit(_MEMORY)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(_MEMORY, (most, most))


Begin = Callable[[Order, Place], NoReturn]
"""What a worker calls to execute its order; it never returns."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A worker that waits for its order, as its launcher sees it.

    Attributes:
        pid: its process id.
        result_fd: where its result can be read.
        log: the file that it prints to.
    """

    pid: int
    result_fd: int
    log: Path
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
    begin: Begin, log: Path, log_fd: int, tmp_path: Path, memory: int | None, close: Callable[[], None]
) -> Waiting:
    """Fork a worker that gets ready and waits for its order.

    Args:
        begin: what it does with the order.
        log: the file behind ``log_fd``, to which it prints.
        log_fd: that file, open.
        tmp_path: its scratch folder.
        memory: how many bytes it, and each process that it starts, may have; None for no limit.
        close: closes, in the worker, what is the launcher's alone.
    """
    order_reader, order_writer = os.pipe()
    result_reader, result_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(order_writer)
        os.close(result_reader)
        close()
        _wait(begin, order_reader, Place(os.getppid(), result_writer, log_fd, tmp_path), memory)
    os.close(order_reader)
    os.close(result_writer)
    return Waiting(pid, result_reader, log, order_writer)


def _wait(begin: Begin, order_fd: int, place: Place, memory: int | None) -> NoReturn:
    try:
        settle_in(place)
        _rehearse()
        text = b""
        while data := os.read(order_fd, 1 << 16):
            text += data
        os.close(order_fd)
        if text:  # else the launcher needs no further worker, or is gone
            order = decode(marshal.loads(text))
            assert isinstance(order, Order)
            if memory is not None:  # not before: it must live to take its order, whatever it inherited
                limit_memory(memory)
            begin(order, place)
        os._exit(0)
    except BaseException:  # mprunner's own fault: it must be seen, and must not reach the launcher's code
        log_traceback()
    finally:
        os._exit(1)


def _rehearse() -> None:
    """Touch what sending a result will touch."""
    encode_result(Result(kind=ResultKind.OK, metrics={"": 0.5}))


def execute_fresh(hello: Hello, order: Order, place: Place) -> NoReturn:
    """Turn this forked process, which has settled in, into a new interpreter that executes the trial."""
    try:
        note = Path(hello.scratch) / "order.json"
        note.write_text(
            json.dumps([encode(hello), encode(order), os.fspath(place.tmp_path)]), encoding="utf-8"
        )
        os.set_inheritable(place.result_fd, True)
        arguments = [
            sys.executable,
            "-P",
            "-m",
            "mprunner.worker",
            "--fresh",
            str(note),
            str(place.result_fd),
        ]
        os.execv(sys.executable, arguments)
    except BaseException:  # mprunner's own fault: it must be seen, and must not reach the launcher's code
        log_traceback()
    finally:
        os._exit(1)


def main(note: str, result_fd: int) -> NoReturn:
    """Execute a trial in this interpreter, send its result and exit."""
    code = 1
    try:
        hello, order, tmp_path = json.loads(Path(note).read_text(encoding="utf-8"))
        os.set_inheritable(result_fd, False)
        code = _execute(decode(hello), decode(order), result_fd, Path(tmp_path))
    except BaseException:  # mprunner's own fault
        log_traceback()
    finally:
        flush()
        os._exit(code)


def _execute(hello: object, order: object, result_fd: int, tmp_path: Path) -> int:
    assert isinstance(hello, Hello)
    assert isinstance(order, Order)
    preload(hello)
    try:
        subject: Subject = subject_of(import_scenario(hello))
    except BaseException as error:  # it could be imported once, when the run began
        log_traceback()
        send_error(result_fd, error)
        return 0
    return execute_here(subject, order, result_fd, tmp_path)
