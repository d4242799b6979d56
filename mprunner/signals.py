"""Signals: caught, so that a run can be ended with nothing cut in half, and then passed on to end this process."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Final, NoReturn

Handler = Callable[[int, FrameType | None], object] | int | None
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt:
    """Catches the first INT, TERM or HUP while it is entered, and lets the second one end the process.

    The handler only takes note and makes :meth:`fileno` readable, so that nothing is cut in half. Outside the
    main thread, where Python can't catch signals, it catches none.

    Attributes:
        signal: the number of the signal that came, or None.
        before_end: called before a signal ends the process; it must be fit for a signal handler.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.before_end: Callable[[], object] | None = None
        self._ends_at_once = False
        self._reader, self._writer = os.pipe()
        self._before: Mapping[int, Handler] = {}

    def fileno(self) -> int:
        """Return a descriptor that is readable once a signal has come."""
        return self._reader

    def end_at_once(self, before_end: Callable[[], object]) -> None:
        """Have the first signal end the process from now on, after a call; one that has come already does it now."""
        self.before_end = before_end
        self._ends_at_once = True
        if self.signal is not None:
            self._note(self.signal, None)

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            # nohup stays in force
            caught = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
            self._before = {each: signal.signal(each, self._note) for each in caught}
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None or self._ends_at_once:
            for each in self._before:
                signal.signal(each, signal.SIG_DFL)  # another must not be handled within this one
            if self.before_end is not None:
                self.before_end()
            end_by(number)
        self.signal = number
        os.write(self._writer, b"!")


def end_by(number: int) -> NoReturn:
    """End this process by a signal's default action, so that its parent sees that signal.

    The first process of a container is not ended by a default action: it exits with 128 + the signal's number, as a
    shell would say of a process that was.
    """
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    # To this thread: another could take the signal a moment later, and the exit below would come first.
    signal.pthread_kill(threading.get_ident(), number)
    os._exit(128 + number)
