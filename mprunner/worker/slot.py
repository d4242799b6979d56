"""Where trials are executed, one after the other, each in a worker of its own."""

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import NoReturn

from mprunner.worker.containment import Keeper
from mprunner.worker.files import remove_tree
from mprunner.worker.log import STACKS_BYTES, Logs
from mprunner.worker.protocol import Channel, Ended, Order
from mprunner.worker.stacks import write_stacks
from mprunner.worker.trial import Place
from mprunner.worker.watch import Watched


class Slot:
    """Executes attempts, one after the other.

    ``begin`` is what a freshly forked process calls to become the worker of an order; it never returns.
    """

    def __init__(
        self,
        begin: Callable[[Order, Place], NoReturn],
        channel: Channel,
        containment: str,
        wake: int,
        tmp_path: Path,
    ) -> None:
        self._begin = begin
        self._channel = channel
        self._containment = containment
        self._wake = wake
        self._tmp_path = tmp_path
        tmp_path.mkdir()
        os.environ["TMPDIR"] = str(tmp_path)
        self._logs = Logs()

    def execute(self, order: Order) -> Ended:
        """Fork a worker, watch it to its end, and say how it ended."""
        log_fd = self._logs.open(Path(order.log))
        reader, writer = os.pipe()
        started = monotonic()
        worker = os.fork()
        if worker == 0:
            os.close(reader)
            self._channel.close()
            self._begin(order, Place(os.getppid(), writer, log_fd, self._tmp_path))
        os.close(writer)
        keeper = Keeper(worker, self._containment, self._wake)
        attempt = Watched(keeper, reader, self._channel, self._wake, self._logs.is_over)
        over_output = False
        try:
            attempt.watch(started + order.timeout_s)
        finally:
            wall_s = monotonic() - started
            attempt.drain_result()
            if attempt.timed_out:
                write_stacks(worker, log_fd)
            leaked = keeper.end(attempt.helpers())
            os.close(reader)
            over_output = self._logs.keep(Path(order.log), STACKS_BYTES if attempt.timed_out else 0)
            self._clear_tmp()
        return _ended(attempt, keeper, wall_s, leaked, over_output)

    def close(self) -> None:
        """Remove the log that no trial has printed to."""
        self._logs.close()

    def _clear_tmp(self) -> None:
        """Have the scratch folder empty again, whatever the trial put in its place."""
        try:
            if not self._tmp_path.is_symlink() and not any(self._tmp_path.iterdir()):
                return
        except OSError:
            pass
        remove_tree(self._tmp_path)
        self._tmp_path.mkdir(parents=True, exist_ok=True)


def _ended(attempt: Watched, keeper: Keeper, wall_s: float, leaked: int, over_output: bool) -> Ended:
    status = keeper.status
    return Ended(
        exit_code=os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
        timed_out=attempt.timed_out,
        cancelled=attempt.cancelled,
        over_output=over_output,
        leaked=leaked if attempt.ended_itself else 0,
        wall_s=wall_s,
        cpu_user_s=keeper.usage.user_s,
        cpu_system_s=keeper.usage.system_s,
        max_process_rss_bytes=keeper.usage.max_rss_bytes,
        result=None if attempt.timed_out else attempt.result(),
    )
