"""A worker that is forked before its trial is ordered, so that the fork is over when the order comes.

While the runner makes the last record safe, the next worker leaves the launcher's session, signals and output
behind and touches the memory that every trial needs: what a forked process touches first is copied, page by page,
and that would else happen within the trial. It is as fresh as any: nothing of another trial was in it, or alive
beside it.
"""

import marshal
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mprunner.records import Result, ResultKind
from mprunner.worker.limiting import limit_memory
from mprunner.worker.protocol import Order, decode, encode
from mprunner.worker.trial import Place, encode_result, log_traceback, settle_in

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
