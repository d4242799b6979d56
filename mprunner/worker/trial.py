"""The worker: a freshly forked process that executes one trial and sends its result.

It never returns into the launcher's code: whatever the scenario does, the process ends here.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from mprunner.actors.bootstrap import describe
from mprunner.model.declaration import BadValueError, Declaration, checked_values, declare, types_of
from mprunner.model.records import ActorRow, OutcomeCount, Result, ResultKind
from mprunner.scenario import Scenario, Trial
from mprunner.worker.containment import die_with_parent
from mprunner.worker.protocol import MAX_RESULT_BYTES, RESULT_HEADER, Order

MAX_MESSAGE: Final = 100_000
"""Characters of an exception's message that are kept; its traceback in the log has more."""

MAX_TRACEBACK: Final = 1_000_000
"""Characters of a traceback that are logged: an exception is an error, however long it is, and no output."""

_set_handler: Callable[[int, Any], object] = getattr(signal.signal, "__wrapped__", signal.signal)
"""``signal.signal`` without turning numbers into enums, whose pages would be copied in every worker: 0.15 ms."""

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Subject:
    """The scenario under study, with what is known of its class before the first trial."""

    scenario: type[Scenario[Any, Any]]
    params: type
    metrics: type
    declaration: Declaration


class Place(NamedTuple):
    """Where a worker does its work: who forked it, where its result and its output go, its scratch folder."""

    launcher: int
    result_fd: int
    log_fd: int
    tmp_path: Path


class _Called(NamedTuple):
    """How the scenario's ``run`` ended; metrics and samples only where it is ok."""

    kind: ResultKind
    exit_code: int
    error: tuple[str, str] | None
    metrics: Mapping[str, Any] = {}
    samples: Sequence[Mapping[str, Any]] = ()


def subject_of(scenario: type[Scenario[Any, Any]]) -> Subject:
    """Look up a scenario's types and declaration, once for all trials."""
    params, metrics = types_of(scenario)
    return Subject(scenario, params, metrics, declare(scenario))


def execute(subject: Subject, order: Order, place: Place) -> NoReturn:
    """Execute a trial in this forked process, which has settled in, send its result and exit."""
    code = 1
    try:
        code = execute_here(subject, order, place.result_fd, place.tmp_path)
    except BaseException:  # mprunner's own fault: it must be seen, and must not reach the launcher's code
        log_traceback()
    finally:
        flush()
        os._exit(code)


def settle_in(place: Place) -> None:
    """Leave the launcher's session, signals and output behind."""
    os.setsid()
    die_with_parent(place.launcher)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        _set_handler(number, signal.SIG_DFL)
    _set_handler(signal.SIGINT, signal.default_int_handler)
    os.dup2(place.log_fd, 1)
    os.dup2(place.log_fd, 2)
    os.close(place.log_fd)


def execute_here(subject: Subject, order: Order, result_fd: int, tmp_path: Path) -> int:
    """Execute a trial in this process, send its result and return the exit code that it asks for."""
    me = os.getpid()
    trial = Trial(subject.scenario, seed=order.seed, repeat=order.repeat, tmp_path=tmp_path)
    called = _call(subject, order, trial)
    if os.getpid() == me:  # else a process that the scenario forked has come back from `run`
        try:
            _send(result_fd, _result(called, trial))
        except MemoryError as error:
            log_traceback()
            _send(
                result_fd, Result(kind=ResultKind.MEMORY, error_type="MemoryError", error_message=str(error))
            )
    return called.exit_code


def _call(subject: Subject, order: Order, trial: Trial) -> _Called:
    """Call the scenario, and check what it returned and sampled against what it declares."""
    try:
        metrics = subject.scenario().run(subject.params(**order.params), trial)
    except SystemExit as error:
        return _Called(ResultKind.EXIT, _exit_code(error), describe(error))
    except BaseException as error:
        log_traceback()
        kind = ResultKind.MEMORY if isinstance(error, MemoryError) else ResultKind.ERROR
        return _Called(kind, 0, describe(error))
    try:
        if not isinstance(metrics, subject.metrics):
            raise BadValueError(f"run() returned {type(metrics).__name__}, not {subject.metrics.__name__}")
        values = checked_values(subject.declaration.metrics, metrics)
        samples = [checked_values(subject.declaration.sample or (), row) for row in trial.samples]
        return _Called(ResultKind.OK, 0, None, values, samples)
    except BadValueError as error:
        _log(f"bad result: {error}")
        return _Called(ResultKind.BAD_RESULT, 0, describe(error))


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    _log(describe(error)[1])  # as the interpreter does
    return 1


def _log(line: str) -> None:
    """Write a line to the trial's log, past a stderr that the scenario may have closed or replaced."""
    try:
        os.write(2, line.encode(errors="backslashreplace") + b"\n")
    except OSError:  # it has closed the descriptor: there is no log
        pass


def log_traceback() -> None:
    """Write the traceback of the exception in hand to the log, as far as it can be shown."""
    try:
        flush()
        text = traceback.format_exc().rstrip()
        if len(text) > MAX_TRACEBACK:
            text = f"{text[:MAX_TRACEBACK]} … ({len(text):,} characters)"
        _log(text)
    except BaseException:  # a broken __str__ of the exception must not hide it
        _log("(the traceback can't be shown)")


def _result(called: _Called, trial: Trial) -> Result:
    outcomes = [
        OutcomeCount(variable=variable, value=value, count=count)
        for variable, counts in trial.observed.items()
        for (_, value), count in counts.items()
    ]
    fields = ActorRow.__dataclass_fields__
    return Result(
        kind=called.kind,
        metrics=called.metrics,
        outcomes=outcomes,
        actors=[ActorRow(**{name: getattr(actor, name) for name in fields}) for actor in trial.actors],
        samples=called.samples,
        error_type=called.error and called.error[0],
        error_message=called.error and called.error[1][:MAX_MESSAGE],
    )


def send_error(result_fd: int, error: BaseException) -> None:
    """Send the result of a trial that failed before its scenario was called."""
    kind, message = describe(error)
    failed = ResultKind.MEMORY if isinstance(error, MemoryError) else ResultKind.ERROR
    _send(result_fd, Result(kind=failed, error_type=kind, error_message=message[:MAX_MESSAGE]))


def _send(result_fd: int, result: Result) -> None:
    payload = encode_result(result)
    if len(payload) > MAX_RESULT_BYTES:
        message = f"the result takes {len(payload):,} bytes; at most {MAX_RESULT_BYTES:,} are allowed"
        too_large = Result(kind=ResultKind.BAD_RESULT, error_type="BadValueError", error_message=message)
        payload = encode_result(too_large)
    data = memoryview(RESULT_HEADER.pack(len(payload), *_helpers()) + payload)
    while data:
        data = data[os.write(result_fd, data) :]


def encode_result(result: Result) -> bytes:
    """Return a result as it is sent."""
    return _encode(result.to_json()).encode()


def _helpers() -> tuple[int, int]:
    """Return the ids of this process's resource tracker and fork server, which end after it; 0 for none."""
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    server = sys.modules.get("multiprocessing.forkserver")
    return (
        getattr(getattr(tracker, "_resource_tracker", None), "_pid", None) or 0,
        getattr(getattr(server, "_forkserver", None), "_forkserver_pid", None) or 0,
    )


def flush() -> None:
    """Write out what the scenario printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the scenario may have closed or replaced it
            pass
