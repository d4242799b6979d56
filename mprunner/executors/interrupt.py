"""Signals that end a run, turned into something that can be waited for."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt:
    """Catches the first INT, TERM or HUP while it is entered, and lets the second one end the process.

    The handler only takes note and makes :meth:`fileno` readable, so that nothing is cut in half. Outside the
    main thread, where Python can't catch signals, it catches none.

    Attributes:
        signal: the number of the signal that came, or None.
        before_second: called before the second signal ends the process; it must be fit for a signal handler.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.before_second: Callable[[], object] | None = None
        self._reader, self._writer = os.pipe()
        self._before: dict[int, object] = {}

    def fileno(self) -> int:
        """Return a descriptor that is readable once a signal has come."""
        return self._reader

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            if self.before_second is not None:
                self.before_second()
            end_by(number)
        self.signal = number
        os.write(self._writer, b"!")


def end_by(number: int) -> None:
    """End this process by a signal's default action, so that its parent sees that signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
