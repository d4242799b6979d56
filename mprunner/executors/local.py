"""What every executor is given and does, and the one that executes attempts on this machine, through one launcher."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from mprunner.errors import ExperimentError, MprunnerError
from mprunner.executors.launcher_client import Launcher, LauncherKilledError
from mprunner.model.declaration import BadValueError, Declaration, Field, checked_value, fields_of
from mprunner.model.from_json import read_fields
from mprunner.model.records import (
    ActorRow,
    Attempt,
    Ending,
    Limits,
    Record,
    Result,
    ResultKind,
    Status,
    classify,
    fields_by_name,
)
from mprunner.model.variants import Variant
from mprunner.signals import Interrupt
from mprunner.values import Scalar, unfit
from mprunner.worker.log import keep_lost_log
from mprunner.worker.protocol import Ended, Hello, Order

if TYPE_CHECKING:
    from mprunner.executors.environments import Environment  # most experiments have no variants


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSource:
    """How a worker imports the scenario, and what its trials may use.

    Attributes:
        module: the module of its class.
        qualname: the class's name within it.
        files: module names of plugins that are single files, and the file of each.
        isolation: ``forked`` or ``fresh``, as the experiment says.
        cpus: the CPUs that a worker is bound to; None for all that it may use.
        limits: what a trial may use.
        declaration: what its results are checked against; None where they are not.
        search: folders in which modules are looked for last: the user's own code beside the experiment.
        folder: that of the experiment's file; empty where there is none.
        variants: the environments in which cases are executed, by name; empty where there is but this one.
    """

    module: str
    qualname: str
    files: Mapping[str, str]
    isolation: str = "forked"
    cpus: tuple[int, ...] | None = None
    limits: Limits = field(default_factory=Limits)
    declaration: Declaration | None = None
    search: tuple[str, ...] = ()
    folder: str = ""
    variants: Mapping[str, Variant] = field(default_factory=dict)


class VariantError(ExperimentError):
    """A variant can't be had.

    Attributes:
        place: the keys of the file that are to blame, such as ``env.PYTHON_GIL`` of that variant.
    """

    def __init__(self, name: str, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.place = ("variants", name, *key.split("."))


class Executor(Protocol):
    """Executes attempts, one after the other, and never raises because of what a scenario does.

    Attributes:
        containment: what keeps a trial's processes together; known once it has started.
        isolation: ``forked`` or ``fresh``: how workers really are isolated; known once it has started.
        warnings: what a person should know of how it has started and, once closed, has ended, each with a hint.

    One that executes the variants of an experiment has an attribute ``variants`` besides: what run.json says of each,
    known once it has started. Without it an experiment with variants is refused.
    """

    containment: str
    isolation: str
    warnings: Sequence[tuple[str, str]]

    def start(self) -> None:
        """Get ready to execute.

        Raises:
            PluginError: the scenario can't be imported where it would be executed.
            VariantError: a variant can't be had.
        """

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Execute one attempt to its end; an interrupt ends it with the status ``cancelled``."""

    def close(self) -> None:
        """End everything that was started; harmless if nothing was."""


class LocalExecutor:
    """One launcher, one attempt at a time. A launcher that gives no word is ended and replaced.

    ``launcher`` is one that has been started already and was not greeted yet, to begin with; ``environment`` that of
    a variant, if trials are not to be executed by the runner's interpreter and with what is around it.

    Attributes:
        containment: ``subreaper`` or ``process-group``, once started.
        isolation: ``forked``, or ``fresh`` where the experiment or the plugin wants it.
        warnings: that the plugin wants it; once closed, what trials left that can't be removed.
        interpreter: what the launcher told of its interpreter, once started.
    """

    def __init__(
        self,
        source: ScenarioSource,
        containment: str | None = None,
        launcher: Launcher | None = None,
        environment: "Environment | None" = None,
    ) -> None:
        self.containment = ""
        self.isolation = source.isolation
        self.warnings: Sequence[tuple[str, str]] = ()
        self._source = source
        self._wanted = containment
        self._launcher: Launcher | None = None
        self._bounded = source.limits.memory_per_process is not None
        # That one does not know of the limit, which takes a free-threaded Python (abiflag t) that began with it.
        self._at_hand = None if self._bounded and "t" in sys.abiflags else launcher
        self._environment = environment
        self.interpreter: Mapping[str, Any] = {}

    def begin(self) -> None:
        """Have the interpreter start, which :meth:`start` then waits for."""
        self._at_hand = self._at_hand or self._new_launcher()

    def _new_launcher(self) -> Launcher:
        return Launcher(self._environment, bounded=self._bounded)

    def start(self) -> None:
        """Start the launcher and have it import the scenario.

        Where workers are to be fresh, that launcher was only to show that the scenario can be imported, and one
        that has not imported it takes its place.

        Raises:
            PluginError: it can't.
        """
        threads = self._launch("forked")
        if (
            self.containment != self._wanted
            and self.containment == "process-group"
            and sys.platform == "linux"
        ):
            self.warnings = (_UNCONTAINED,)
        if self.isolation == "forked" and threads > 1:
            self.isolation = "fresh"
            self.warnings = (*self.warnings, _threads_warning(self._source, threads - 1))
        if self.isolation == "fresh":
            self.close()
            self._launch("fresh")

    def _launch(self, isolation: str) -> int:
        """Start a launcher and return how many threads it has."""
        launcher, self._at_hand = self._at_hand or self._new_launcher(), None
        source = self._source
        hello = Hello(
            module=source.module,
            qualname=source.qualname,
            files=source.files,
            sys_path=tuple(path for path in (*sys.path, *source.search) if path),
            containment=self._wanted,
            isolation=isolation,
            cpus=source.cpus,
            limits=asdict(source.limits),
        )
        if self._environment is not None:
            around = self._environment
            hello = replace(
                hello,
                files=around.files,
                sys_path=around.sys_path,
                flags=around.variant.flags,
                shared=around.shared,
            )
        try:
            ready = launcher.greet(hello)  # it has closed itself if this raises
        except (
            LauncherKilledError
        ):  # perhaps for want of memory; if by the plugin's import, the next one is, too
            launcher = self._new_launcher()
            ready = launcher.greet(hello)
        self.containment, self.interpreter = ready.containment, ready.interpreter
        self._launcher = launcher
        return ready.threads

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Execute one attempt; whatever happens to it, to its processes or to the launcher is in the record."""
        return self._recorded(attempt, logs, interrupt, self._source.declaration)

    def set_up(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Call the scenario's ``set_up`` for all trials like an attempt, as the attempt would be executed."""
        return self._recorded(attempt, logs, interrupt, None, is_set_up=True)

    def _recorded(
        self,
        attempt: Attempt,
        logs: Path,
        interrupt: Interrupt,
        declaration: Declaration | None,
        *,
        is_set_up: bool = False,
    ) -> Record:
        started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        began = monotonic()
        order = Order(
            params=attempt.params,
            seed=attempt.seed,
            repeat=attempt.repeat,
            timeout_s=attempt.timeout_s,
            log=str(
                logs.absolute() / f"{attempt.trial_id}.{attempt.attempt}.log"
            ),  # a plugin may change the folder
            is_set_up=is_set_up,
        )
        ended = self._execute(order, interrupt)
        if isinstance(ended, Ended):
            ending = ending_of(ended, declaration)
            status = classify(ending)
        else:
            ending = Ending(wall_s=monotonic() - began, malformed=ended)
            status = Status.CANCELLED if interrupt.signal else Status.LOST
        return Record(
            attempt=attempt, status=status, ending=ending, containment=self.containment, started_at=started_at
        )

    def _execute(self, order: Order, interrupt: Interrupt) -> Ended | str:
        """Return how a launcher says that an attempt ended; or, where there is none to say it, why."""
        if self._launcher is None:  # the last one was lost
            try:
                self._launch(self.isolation)
            except (MprunnerError, OSError) as error:
                return f"no new launcher could be started: {error}"
        assert self._launcher is not None
        ended = self._launcher.execute(order, interrupt)
        if ended is not None:
            return ended
        said, name = self._launcher.destroy(), self._launcher.name
        self.close()
        keep_lost_log(Path(order.log), name, self._source.limits.output)
        return said or "the launcher died, or gave no word in time"

    def close(self) -> None:
        """End the launcher and whatever is below it."""
        if self._at_hand is not None:
            self._at_hand.close()
            self._at_hand = None
        if self._launcher is not None:
            self._launcher.close()
            self.warnings = (*self.warnings, *map(_left_warning, self._launcher.left))
            self._launcher = None


_UNCONTAINED: Final = (
    "/proc does not show the processes of a trial, so they are contained as process-group",
    "a process that leaves its worker's group is not ended; nor are processes counted; mount /proc to have both",
)


def _threads_warning(source: ScenarioSource, threads: int) -> tuple[str, str]:
    plugin = Path(source.files[source.module]).name if source.module in source.files else source.module
    started = "a thread" if threads == 1 else f"{threads} threads"
    message = (
        f"{plugin} starts {started} when it is imported, and a process with threads can't be forked safely"
    )
    hint = (
        "every trial now gets an interpreter of its own, which takes longer; `isolation: fresh` says so, too"
    )
    return message, hint


def _left_warning(left: str) -> tuple[str, str]:
    return f"what a trial left can't be removed: {left}", "remove it yourself; `findmnt` says what is mounted"


def ending_of(ended: Ended, declaration: Declaration | None) -> Ending:
    """Turn a launcher's word into facts about the attempt, with the worker's result read and checked.

    A trial that has sent none, or sent it too late, has a partial one if an actor of it has failed.
    """
    told: list[Result] = []
    result = None
    try:
        for text in ended.results:
            read = read_fields(Result, json.loads(text))
            read = _checked(read, declaration) if declaration else read
            if read.kind is ResultKind.PARTIAL:
                told.append(read)
            elif result is not None:
                raise BadValueError("there is more than one")
            else:
                result = read
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return Ending(**ended.facts, malformed=f"the result is malformed: {str(error)[:200]}")
    if told and (result is None or ended.facts["timed_out"]):
        result = _put_together(told)
    elif ended.facts["timed_out"]:
        result = None
    return Ending(**ended.facts, result=result)


def _put_together(told: Sequence[Result]) -> Result:
    """Return the actors of all partial results, with the message of the first that failed by itself."""
    actors = [actor for each in told for actor in each.actors]
    by_itself = (each for each in told if all(actor.error_type != "GateBroken" for actor in each.actors))
    return replace(next(by_itself, told[0]), actors=sorted(actors, key=lambda actor: actor.actor))


_ACTOR = fields_of(ActorRow, "an actor")
_INTERPRETER = (
    Field(name="python", type="str", optional=True),
    Field(name="gil_enabled", type="bool", optional=True),
    Field(name="switch_interval_s", type="float", optional=True),
)
_ERROR_TYPE = Field(name="error_type", type="str", optional=True)


def _checked(result: Result, declaration: Declaration) -> Result:
    """Return a result with its values checked once more: the trial can have written anything to its worker's channel.

    Raises:
        BadValueError, TypeError: it is not what a worker sends.
    """
    metrics, sample = declaration.metrics, declaration.sample or ()
    if result.kind is not ResultKind.OK:
        metrics, sample = (), ()
    for actor in result.actors:
        _checked_row(_ACTOR, fields_by_name(actor))
    for outcome in result.outcomes:
        value, count = outcome.value, outcome.count
        is_count = type(count) is int and 0 <= count < 2**63
        is_state = isinstance(value, bool | int | float | str) and unfit(value) is None
        if not (is_count and is_state and outcome.variable in declaration.outcomes):
            raise BadValueError("an outcome is none of the scenario's")
    checked_value(_ERROR_TYPE, result.error_type)
    for field_ in _INTERPRETER:
        checked_value(field_, getattr(result, field_.name))
    if not isinstance(result.error_message, str | None):
        raise BadValueError("an exception's message is no text")
    samples = tuple(_checked_row(sample, row) for row in result.samples)
    return replace(result, metrics=_checked_row(metrics, result.metrics), samples=samples)


def _checked_row(fields: Sequence[Field], row: Mapping[str, object]) -> dict[str, Scalar]:
    if row.keys() != {field.name for field in fields}:
        raise BadValueError(f"it has {len(row)} values, not {len(fields)}")
    return {field.name: checked_value(field, row[field.name]) for field in fields}
