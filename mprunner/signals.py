"""Signals: caught, so that a run can be ended with nothing cut in half, and then passed on to end this process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
        before_second: called before the second signal ends the process; it must be fit for a signal handler.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.before_second: Callable[[], object] | None = None
        self._reader, self._writer = os.pipe()
        self._before: Mapping[int, Handler] = {}

    def fileno(self) -> int:
        """Return a descriptor that is readable once a signal has come."""
        return self._reader

    def __enter__(self) -> "Interrupt":
        self._before = _catch(self._note)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _restore(self._before)
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            if self.before_second is not None:
                self.before_second()
            end_by(number)
        self.signal = number
        os.write(self._writer, b"!")


@contextmanager
def called_before_the_end(close: Callable[[], object]) -> Iterator[None]:
    """Call ``close`` before INT, TERM or HUP ends this process, which they do at once."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)  # a second signal must not call it within itself
        close()
        end_by(number)

    before = _catch(end)
    try:
        yield
    finally:
        _restore(before)


def _catch(handler: Callable[[int, FrameType | None], None]) -> Mapping[int, Handler]:
    """Set the handler of the signals that end a run; return those that they had."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    caught = [
        each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN
    ]  # nohup stays in force
    return {each: signal.signal(each, handler) for each in caught}


def _restore(before: Mapping[int, Handler]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


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
