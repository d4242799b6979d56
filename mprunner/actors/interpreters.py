"""Actors that are interpreters: each in a thread of the worker, with a GIL and modules of its own.

They share the worker's memory and descriptors, but no object. What an actor is to do travels as it does to a
spawned process, pickled, and so does its report. A descriptor is duplicated where it arrives.

Needs CPython 3.13, whose module for this is private, or 3.14, where it is ``concurrent.interpreters``. (In Python
3.12 only C code can make an interpreter with a GIL of its own.) An interpreter imports this module inside the
measurement, so what only the worker's side needs is imported there.
"""

from __future__ import annotations

import os
import pickle
import sys
from io import BytesIO
from time import perf_counter, thread_time

from mprunner.actors.bootstrap import Report, anonymous_file, bootstrap, describe

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from mprunner.actors.bootstrap import Part

_SCRIPT = """\
import sys
sys.path[:] = path
from mprunner.actors.interpreters import enter
enter(handed, descriptor)
"""


class InterpretersMissing(RuntimeError):  # noqa: N818 - it says what is wrong
    """This Python has no interpreters that actors could be."""


def require_interpreters() -> None:
    """Check that this Python has interpreters with a GIL of their own.

    Raises:
        InterpretersMissing: it has none; the message names its version.
    """
    try:
        _interpreters()
    except ImportError:
        name, version = sys.implementation.name, ".".join(map(str, sys.version_info[:3]))
        called = {"cpython": "Python", "pypy": "PyPy, as Python"}.get(name, name)
        raise InterpretersMissing(
            f"kind interpreter needs Python 3.13 or later, and this is {called} {version}"
        ) from None


def _interpreters() -> Any:
    if sys.version_info >= (3, 14):
        from concurrent import interpreters  # noqa: PLC0415 - new in 3.14

        return interpreters
    import importlib  # noqa: PLC0415 - 3.13 has only a private module, which no type checker knows

    return importlib.import_module("_interpreters")


def interpreters(parts: Sequence[Part]) -> Callable[[Part, list[Report | None]], None]:
    """Return what executes each of the parts in an interpreter, and fails none once one has begun.

    Raises:
        TypeError: a part can't be handed to an interpreter; the message names its actor and why.
    """
    handed = [_pickled(part) for part in parts]

    def execute(part: Part, reports: list[Report | None]) -> None:
        called = perf_counter()
        report: Report | None = None
        try:
            report = _execute(handed[part.index], called)
        except Exception as error:  # no interpreter could be made: told as what became of the actor
            report = _failed(called, *describe(error))
        finally:
            reports[part.index] = report
            if part.gate is not None and (report is None or report.error is not None):
                part.gate.abort()

    return execute


def enter(handed: bytes, descriptor: int) -> None:
    """Execute an actor in this interpreter, and leave its report in the file that is open as ``descriptor``."""
    channel = _File(descriptor)
    try:
        part: Part = pickle.loads(handed)
    except BaseException as error:
        channel.send(_failed(perf_counter(), *describe(error)))
        raise
    try:
        bootstrap(part, channel, thread_time)
    finally:
        if part.gate is not None:
            part.gate.close()  # this interpreter's mapping and duplicate; a process's vanish with it


def _failed(entered: float, type_: str, message: str) -> Report:
    report = Report(entered)
    report.error = type_, message
    return report


class _File:
    """A file as the channel of a report: unlike a pipe, it takes one of any size with no one reading."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, report: object) -> None:
        left = memoryview(pickle.dumps(report))
        while left:
            left = left[os.write(self._descriptor, left) :]

    def received(self) -> Report | None:
        """Read the report on the worker's side; None if none was sent."""
        data = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        if not data:
            return None
        try:
            report: Report = pickle.loads(data)
        except Exception as error:  # unpickling executes code of the value's class
            report = _failed(
                perf_counter(),
                type(error).__name__,
                f"the actor's return value can't be read: {error}",
            )
        return report


def _execute(handed: bytes, called: float) -> Report:
    """Make an interpreter, have it execute a part, and end it."""
    descriptor = anonymous_file()
    shared = {
        "path": tuple(sys.path),
        "handed": handed,
        "descriptor": descriptor,
        "mprunner_interpreter": True,  # see mprunner/__init__.py
    }
    try:
        failure = _run(shared)
        report = _File(descriptor).received()
    finally:
        os.close(descriptor)
    if failure is not None and failure[0] != "SystemExit":
        sys.stderr.write(f"in an actor's interpreter: {failure[2]}\n")
    if report is None:  # it failed before there was one to leave
        type_, message, _ = failure or ("RuntimeError", "the interpreter left no report", "")
        report = _failed(called, type_, message)
    return report


def _run(shared: dict[str, Any]) -> tuple[str, str, str] | None:
    """Execute the script in a new interpreter; return the type, message and traceback of what it raised."""
    module = _interpreters()
    raised: Any = None
    if sys.version_info >= (3, 14):
        interpreter = module.create()
        try:
            interpreter.prepare_main(**shared)
            interpreter.exec(_SCRIPT)
        except module.ExecutionFailed as error:
            raised = error.excinfo
        finally:
            _end(interpreter.close, module.InterpreterError)
    else:
        identity = module.create()
        try:
            module.set___main___attrs(identity, shared)
            raised = module.exec(identity, _SCRIPT)
        finally:
            _end(lambda: module.destroy(identity), module.InterpreterError)
    if raised is None:
        return None
    return raised.type.__name__, raised.msg or "", getattr(raised, "errdisplay", None) or raised.formatted


def _end(close: Callable[[], object], interpreter_error: type[Exception]) -> None:
    try:
        close()
    except interpreter_error:  # a thread that the actor left behind is still in it
        pass


def _pickled(part: Part) -> bytes:
    from multiprocessing.context import set_spawning_popen  # noqa: PLC0415 - only the worker's side needs it
    from multiprocessing.heap import Arena  # noqa: PLC0415 - as above
    from multiprocessing.reduction import ForkingPickler  # noqa: PLC0415 - as above

    # What multiprocessing shares, such as a Value, can be pickled only on its way to a new process, which this is
    # as far as that is concerned: names of semaphores and descriptors reach it.
    set_spawning_popen(_Handover)  # type: ignore[arg-type]  # it is asked for these two functions alone
    buffer = BytesIO()
    pickler = ForkingPickler(buffer, pickle.HIGHEST_PROTOCOL)
    # A Value's memory never closes the descriptor that it is given, so it needs no duplicate.
    pickler.dispatch_table[Arena] = lambda arena: (Arena, (arena.size, arena.fd))
    try:
        pickler.dump(part)
    except Exception as error:  # pickling executes code of the value's class
        reason = str(error) or type(error).__name__
        raise TypeError(f"actor {part.index} can't be handed to an interpreter: {reason}") from error
    finally:
        set_spawning_popen(None)
    return buffer.getvalue()


class _Handover:
    """Stands for the new process when multiprocessing asks what to do with a descriptor."""

    @staticmethod
    def duplicate_for_child(descriptor: int) -> int:
        return descriptor

    @staticmethod
    def DupFd(descriptor: int) -> _Descriptor:  # noqa: N802 - multiprocessing's name
        return _Descriptor(descriptor)


class _Descriptor:
    """A descriptor of this process on its way to an interpreter, which gets a duplicate."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def detach(self) -> int:
        return os.dup(self._descriptor)


class PipeSemaphore:
    """A semaphore that reaches every interpreter: a pipe with a byte for each time that it was released."""

    def __init__(self, value: int) -> None:
        self._owner = -1  # until there is something to close
        self._reader, self._writer = os.pipe()
        self._owner = os.getpid()
        os.write(self._writer, bytes(value))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the numbers of the two descriptors, which mean the same in all interpreters of a process."""
        return _same_pipe, (self._reader, self._writer)

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Wait for a byte, for as long as it takes: abort posts one, and no interpreter outlives the worker."""
        os.read(self._reader, 1)
        return True

    def release(self) -> None:
        """Let one more come through."""
        os.write(self._writer, b"\0")

    def __del__(self) -> None:
        """Close the pipe where it was made."""
        if self._owner == os.getpid():
            os.close(self._reader)
            os.close(self._writer)


def _same_pipe(reader: int, writer: int) -> PipeSemaphore:
    semaphore = PipeSemaphore.__new__(PipeSemaphore)
    semaphore._reader, semaphore._writer, semaphore._owner = reader, writer, -1
    return semaphore
