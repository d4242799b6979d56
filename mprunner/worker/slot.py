"""Where trials are executed, one after the other, each in a worker of its own."""

import os
from pathlib import Path
from time import monotonic

from mprunner.limits import Limits
from mprunner.worker.containment import Keeper
from mprunner.worker.files import remove_tree
from mprunner.worker.log import STACKS_BYTES, Logs, current_log
from mprunner.worker.protocol import Channel, Ended, Order
from mprunner.worker.stacks import write_stacks
from mprunner.worker.waiting import Begin, Waiting, fork_waiting
from mprunner.worker.watch import Crowd, Watched


class Slot:
    """Executes attempts, one after the other; ``begin`` is what a worker does with its order."""

    def __init__(
        self,
        begin: Begin,
        channel: Channel,
        containment: str,
        wake: int,
        tmp_path: Path,
        limits: Limits,
    ) -> None:
        self._begin = begin
        self._channel = channel
        self._containment = containment
        self._wake = wake
        self._tmp_path = tmp_path
        tmp_path.mkdir()
        os.environ["TMPDIR"] = str(tmp_path)
        self._logs = Logs(limits.output)
        self._processes = limits.processes
        self._memory = limits.memory_per_process
        self._waiting: Waiting | None = None

    def execute(self, order: Order) -> Ended:
        """Give the order to a worker, watch that to its end, and say how it ended."""
        log = Path(order.log)
        started, waiting = self._hand_over(order, log)
        keeper = Keeper(waiting.pid, self._containment, self._wake)
        attempt = Watched(
            keeper,
            waiting.result_fd,
            self._channel,
            self._wake,
            self._logs.is_over,
            Crowd(self._processes),
        )
        over_output = False
        try:
            attempt.watch(started + order.timeout_s)
        finally:
            wall_s = monotonic() - started
            attempt.drain_result()
            if attempt.timed_out:
                write_stacks(waiting.pid, self._logs.open(log))
            leaked = keeper.end(attempt.helpers())
            os.close(waiting.result_fd)
            over_output = self._logs.keep(log, STACKS_BYTES if attempt.timed_out else 0)
            self._clear_tmp()
        return _ended(attempt, keeper, wall_s, leaked, over_output)

    def _hand_over(self, order: Order, log: Path) -> tuple[float, Waiting]:
        """Give the order to the worker that waits for one, or to a new one; return when that was, and the worker."""
        while True:
            if self._waiting is not None and self._waiting.log != current_log(log):
                self.dismiss()
            if self._waiting is None:
                self.prepare(log)
            waiting, self._waiting = self._waiting, None
            assert waiting is not None
            started = monotonic()
            if waiting.order(order):
                return started, waiting
            waiting.reap()

    def prepare(self, log: Path) -> None:
        """Fork the worker of the next order, whose log will be beside ``log``; nothing of a trial is alive then."""
        log_fd = self._logs.open(log)
        self._waiting = fork_waiting(
            self._begin, current_log(log), log_fd, self._tmp_path, self._memory, close=self._channel.close
        )

    def dismiss(self) -> None:
        """End the worker that waits for an order."""
        if self._waiting is not None:
            self._waiting.dismiss()
            self._waiting = None

    def close(self) -> None:
        """End the worker that waits for an order, and remove the log that no trial has printed to."""
        self.dismiss()
        self._logs.close()

    def _clear_tmp(self) -> None:
        """Have the scratch folder empty again, whatever the trial put in its place."""
        try:
            if not self._tmp_path.is_symlink() and not os.listdir(self._tmp_path):
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
        over_processes=attempt.over_processes,
        leaked=leaked if attempt.ended_itself else 0,
        wall_s=wall_s,
        cpu_user_s=keeper.usage.user_s,
        cpu_system_s=keeper.usage.system_s,
        max_process_rss_bytes=keeper.usage.max_rss_bytes,
        result=None if attempt.timed_out else attempt.result(),
    )
