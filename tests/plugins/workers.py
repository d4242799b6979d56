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


calls = []


def count_calls():
    """Return the process's id and how often this module's interpreter has called this."""
    calls.append(None)
    return os.getpid(), len(calls)


def add_often(cell, lock, times):
    """Add 1, holding the lock if there is one; an array's first item counts."""
    for _ in range(times):
        if lock is not None:
            lock.acquire()
        if hasattr(cell, "value"):
            cell.value += 1
        else:
            cell[0] += 1
        if lock is not None:
            lock.release()


def send_double(connection, number):
    connection.send(2 * number)


def import_for_one_interpreter():
    """Import modules that come with Python, of which some only the main interpreter can have."""
    for name in ("_testsinglephase", "readline", "_curses"):
        try:
            __import__(name)
        except ModuleNotFoundError:
            pass


class OnlyHere:
    """Can be called where it was made, and looked for in vain where it is sent to."""

    def __call__(self, number):
        return number

    def __reduce__(self):
        return __import__, ("a_module_that_is_nowhere",)
