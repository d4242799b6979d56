"""What the actors of the tests do; a module of its own, so that spawned actors can import it."""

import os
import signal
import sys


def double(number):
    return 2 * number


def leave(code):
    sys.exit(code)


def burn(iterations):
    """Keep a CPU busy."""
    for _ in range(iterations):
        pass


def bump(cell, by=1):
    """Add to a shared cell of which this actor is the only writer."""
    cell.value += by


def take(cells):
    """Return the sum of the cells and set them to zero."""
    total = sum(cell.value for cell in cells)
    for cell in cells:
        cell.value = 0
    return total


def kill_self_in_round(cell, round_):
    cell.value += 1
    if cell.value == round_:
        os.kill(os.getpid(), signal.SIGKILL)


def fail_in_round(cell, round_):
    cell.value += 1
    if cell.value == round_:
        raise LookupError(f"round {round_}")


def unsendable():
    return lambda: None


def leave_a_daemon(pids):
    """Fork a process that holds every descriptor of this one, and end."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
    pids.put(pid)
