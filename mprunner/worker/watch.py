"""Watching an attempt: its result, its worker's end, its deadline, its log's size, and a word from the runner."""

import os
import select
from collections.abc import Callable
from time import monotonic
from typing import Final

from mprunner.worker.containment import Keeper, drain
from mprunner.worker.protocol import MAX_RESULT_BYTES, RESULT_HEADER, Cancel, Channel, decode

LOG_CHECK_S: Final = 0.2
"""How often the log's size is looked at: five times a second disturb no measurement."""


class Watched:
    """An attempt under way: what has come out of its worker, and why watching it stopped."""

    def __init__(
        self, keeper: Keeper, reader: int, channel: Channel, wake: int, log_is_over: Callable[[], bool]
    ) -> None:
        self.timed_out = False
        self.cancelled = False
        self.data = bytearray()
        self._keeper = keeper
        self._reader = reader
        self._channel = channel
        self._wake = wake
        self._log_is_over = log_is_over
        self._stopped_for_output = False
        os.set_blocking(reader, False)

    @property
    def ended_itself(self) -> bool:
        """Whether the worker ended without being ended by us."""
        return not (self.timed_out or self.cancelled or self._stopped_for_output)

    def watch(self, deadline: float) -> None:
        """Wait for the worker's end, its deadline, too much output, a cancel, or the runner's death (EOFError)."""
        poll = select.poll()
        for fd in (self._reader, self._wake, self._channel.fileno()):
            poll.register(fd, select.POLLIN)
        look_at_log = monotonic() + LOG_CHECK_S
        while self._keeper.status is None and not self._keeper.empty:
            now = monotonic()
            if now >= deadline:
                self.timed_out = True
                return
            if now >= look_at_log:
                look_at_log = now + LOG_CHECK_S
                if self._log_is_over():
                    self._stopped_for_output = True
                    return
            for fd, _ in poll.poll((min(deadline, look_at_log) - now) * 1000 + 1):
                if fd == self._reader:
                    if not self._read_result():
                        poll.unregister(fd)
                elif fd == self._wake:
                    drain(fd)
                    self._keeper.reap()
                elif self._is_cancelled():
                    return

    def _is_cancelled(self) -> bool:
        try:
            self._channel.fill()
        except EOFError:
            self.cancelled = True
            raise
        message = self._channel.next()
        self.cancelled = message is not None and isinstance(decode(message), Cancel)
        return self.cancelled

    def _read_result(self) -> bool:
        """Read what is there; return False at the end of the stream."""
        try:
            data = os.read(self._reader, 1 << 16)
        except BlockingIOError:
            return True
        if len(self.data) <= MAX_RESULT_BYTES + RESULT_HEADER.size:
            self.data += data
        return bool(data)

    def drain_result(self) -> None:
        """Read what a worker that has ended left in its pipe."""
        while True:
            before = len(self.data)
            if not self._read_result() or len(self.data) == before:
                return

    def helpers(self) -> tuple[int, ...]:
        """Return the ids of multiprocessing's helpers that the worker said it had."""
        if len(self.data) < RESULT_HEADER.size:
            return ()
        return RESULT_HEADER.unpack_from(self.data)[1:]

    def result(self) -> str | None:
        """Return the JSON text that the worker sent, if it is whole and nothing follows it."""
        if len(self.data) < RESULT_HEADER.size:
            return None
        length = RESULT_HEADER.unpack_from(self.data)[0]
        body = self.data[RESULT_HEADER.size :]
        return body.decode(errors="replace") if len(body) == length else None
