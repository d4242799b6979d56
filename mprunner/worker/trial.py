"""What a worker does: it imports the scenario, unless its launcher has, executes one trial and sends its result."""

import importlib
import json
import os
import sys
import traceback
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mprunner.actors.bootstrap import describe
from mprunner.model.declaration import BadValueError, Declaration, checked_values, declare, types_of
from mprunner.model.records import ActorRow, OutcomeCount, Result, ResultKind
from mprunner.model.relevance import Relevance
from mprunner.scenario import Scenario, Trial
from mprunner.worker.containment import Shared
from mprunner.worker.interpreter import PYTHON, settings
from mprunner.worker.protocol import MAX_RESULT_BYTES, RESULT_HEADER, Hello, Order

if TYPE_CHECKING:
    from mprunner.actors.group import ActorResult

# What nearly every scenario uses. Imported before the scenario's `run`, it is not imported inside what that
# measures; in the launcher it is imported once for all trials.
PRELOADED = (
    "mprunner.actors.group",
    "multiprocessing.popen_fork",
    "multiprocessing.queues",
    "multiprocessing.sharedctypes",
    "multiprocessing.synchronize",
)

MAX_MESSAGE: Final = 100_000
"""Characters of an exception's message that are kept; its traceback in the log has more."""

MAX_BLAME: Final = 500
"""Characters that are told of how an actor failed: so little is written at once, also by threads."""

MAX_TRACEBACK: Final = 1_000_000
"""Characters of a traceback that are logged: an exception is an error, however long it is, and no output."""

_SHIM = """\
import importlib.util, sys
_spec = importlib.util.spec_from_file_location(__name__, {file!r})
sys.modules[__name__] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules[__name__])
"""

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Subject:
    """The scenario under study, with what is known of its class before the first trial."""

    scenario: type[Scenario[Any, Any]]
    params: type
    metrics: type
    declaration: Declaration
    relevance: Relevance


def make_importable(hello: Hello) -> None:
    """Write what makes a plugin that is one file importable by its module's name; once per launcher.

    That is a folder at the end of ``sys.path``, which multiprocessing hands to spawned and forkserver children
    however they are started.
    """
    if hello.files:
        _modules(hello).mkdir()
        for name, file in hello.files.items():
            (_modules(hello) / f"{name}.py").write_text(_SHIM.format(file=file), encoding="utf-8")


def preload(hello: Hello) -> None:
    """Set the import path, and import what nearly every scenario uses."""
    own = [path for path in sys.path if path not in hello.sys_path]
    sys.path[:] = [each for path in hello.sys_path for each in ([path] if path else own)]
    if hello.files:
        sys.path.append(str(_modules(hello)))
    for name in PRELOADED:
        importlib.import_module(name)


def _modules(hello: Hello) -> Path:
    return Path(hello.scratch) / "m"


def import_subject(hello: Hello) -> Subject:
    """Import the scenario's class; a plugin's code can raise anything."""
    module = importlib.import_module(hello.module)
    scenario: type[Scenario[Any, Any]] = reduce(getattr, hello.qualname.split("."), module)  # type: ignore[assignment]
    params, metrics = types_of(scenario)
    declaration = declare(scenario)
    return Subject(scenario, params, metrics, declaration, Relevance(declaration.params))


def execute(subject: Subject, order: Order, result_fd: int, tmp_path: Path) -> int:
    """Execute a trial in this process, send its result and return the exit code that it asks for."""
    me = os.getpid()
    trial = Trial(subject.scenario, seed=order.seed, repeat=order.repeat, tmp_path=tmp_path)
    trial.tell_failed = partial(_tell_failed, me, result_fd)
    shared = Shared()
    code, result = _call(subject, order, trial)
    if os.getpid() == me:  # else a process that the scenario forked has come back from `run`
        try:
            shared.look([me])  # no one can look once this process has ended
            if shared.seen:
                _write(result_fd, "".join(f"/{name}" for name in shared.seen).encode())
            send(result_fd, _with_facts_of(trial, result))
        except MemoryError as error:
            log_traceback()
            send(result_fd, failed(error))
    return code


def _call(subject: Subject, order: Order, trial: Trial) -> tuple[int, Result]:
    """Call the scenario, and check what it returned and sampled against what it declares."""
    try:
        params = subject.params(**subject.relevance.settled(order.params))
        folder = _set_up_folder(subject, order, trial)
        if order.is_set_up:
            check_needs(subject.scenario, params)
            if folder is not None and not folder.exists():  # it is there where only the needs are others
                folder.mkdir(parents=True)
                subject.scenario().set_up(params, folder)
            return 0, Result(kind=ResultKind.OK)
        trial.set_up_folder = folder if folder is not None and folder.exists() else None
        metrics = subject.scenario().run(params, trial)
    except SystemExit as error:
        return _exit_code(error), failed(error, ResultKind.EXIT)
    except BaseException as error:
        log_traceback()
        return 0, failed(error)
    try:
        if not isinstance(metrics, subject.metrics):
            raise BadValueError(f"run() returned {type(metrics).__name__}, not {subject.metrics.__name__}")
        values = checked_values(subject.declaration.metrics, metrics)
        samples = [checked_values(subject.declaration.sample or (), row) for row in trial.samples]
        return 0, Result(kind=ResultKind.OK, metrics=values, samples=samples)
    except BadValueError as error:
        _log(f"bad result: {error}")
        return 0, failed(error, ResultKind.BAD_RESULT)


class PackageMissing(Exception):  # noqa: N818 - it says what is wrong
    """A value of a param needs a package that is not there; the message says which."""


def check_needs(scenario: "type[Scenario[Any, Any]]", params: object) -> None:
    """See that the packages that the values of some params need can be found.

    Raises:
        PackageMissing: one can't.
    """
    from importlib.util import find_spec  # noqa: PLC0415 - it takes a millisecond, and few scenarios need anything

    for name, packages in scenario.needs.items():
        package = packages.get(getattr(params, name))
        if package is not None and find_spec(package) is None:
            raise PackageMissing(
                f"{name}: {getattr(params, name)} needs the package {package}, which {sys.executable} can't find"
            )


def _set_up_folder(subject: Subject, order: Order, trial: Trial) -> Path | None:
    """Return the folder of what is set up for a trial, one for each combination of values; None if nothing is."""
    values = [order.params.get(name) for name in subject.declaration.set_up_params]
    if not values or subject.relevance.of(order.params).get(subject.declaration.set_up_params[0]) is None:
        return None
    from hashlib import sha256  # noqa: PLC0415 - it takes a millisecond, and few scenarios set up anything

    return trial.tmp_path.parent / "s" / sha256(repr(values).encode()).hexdigest()[:16]


def failed(error: BaseException, kind: ResultKind | None = None) -> Result:
    """Return the result of a trial that an exception ended; its kind, unless given, is ``memory`` or ``error``."""
    name, message = describe(error)
    if kind is None:
        kind = ResultKind.MEMORY if isinstance(error, MemoryError) else ResultKind.ERROR
    return Result(kind=kind, error_type=name, error_message=message[:MAX_MESSAGE])


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


def _with_facts_of(trial: Trial, result: Result) -> Result:
    """Add what was observed, and what became of the actors, however the trial ended."""
    outcomes = [
        OutcomeCount(variable=variable, value=value, count=count)
        for variable, counts in trial.observed.items()
        for (_, value), count in counts.items()
    ]
    return replace(result, outcomes=outcomes, actors=[_row(actor) for actor in trial.actors])


def _row(actor: "ActorResult") -> ActorRow:
    return ActorRow(**{name: getattr(actor, name) for name in ActorRow.__dataclass_fields__})


def _tell_failed(worker: int, result_fd: int, actor: "ActorResult") -> None:
    """Say at once which actor failed, in the log and to the runner: the trial may never return."""
    if os.getpid() != worker:
        return  # a process that the scenario forked has actors of its own
    if actor.error_type is None:  # else there is a traceback
        _log(f"mprunner: {actor.blame}")
    try:
        message = actor.blame[:MAX_BLAME]
        send(result_fd, Result(kind=ResultKind.PARTIAL, actors=[_row(actor)], error_message=message))
    except OSError:  # the scenario has closed the channel
        pass


def send(result_fd: int, result: Result) -> None:
    """Send a trial's result; one that is too large is a bad one."""
    gil, interval = settings()
    result = replace(result, python=PYTHON, gil_enabled=gil, switch_interval_s=interval)
    payload = encode_result(result)
    if len(payload) > MAX_RESULT_BYTES:
        message = f"the result takes {len(payload):,} bytes; at most {MAX_RESULT_BYTES:,} are allowed"
        payload = encode_result(failed(BadValueError(message), ResultKind.BAD_RESULT))
    _write(result_fd, payload)


def _write(result_fd: int, payload: bytes) -> None:
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
