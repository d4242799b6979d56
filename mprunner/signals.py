"""Ending this process by a signal; it imports little, so that it is at hand whenever a signal comes."""

import os
import signal
import threading
from typing import NoReturn


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
