"""One attempt: what it may use, and what it leaves behind: its status, its record, and their JSON form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from mprunner.values import Scalar, in_words


class Status(StrEnum):
    """What happened to an attempt; docs/results.md says what causes each."""

    OK = "ok"
    ERROR = "error"
    EXIT = "exit"
    MEMORY = "memory"
    SIGNAL = "signal"
    NO_RESULT = "no-result"
    BAD_RESULT = "bad-result"
    TIMEOUT = "timeout"
    OUTPUT_LIMIT = "output-limit"
    PROCESS_LIMIT = "process-limit"
    LOST = "lost"
    CANCELLED = "cancelled"


class ResultKind(StrEnum):
    """How a scenario's ``run`` ended, as the worker saw it."""

    OK = "ok"
    ERROR = "error"
    MEMORY = "memory"
    BAD_RESULT = "bad-result"
    EXIT = "exit"
    PARTIAL = "partial"
    """It has not ended: this is what was known of its actors."""


def fields_by_name(value: Any) -> dict[str, Any]:
    """Return a dataclass's values by field; ``asdict`` would copy all that is in them, in every trial."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRow:
    """One actor of an attempt; a time is None if the actor ended before it could report it. Times in seconds."""

    actor: int
    kind: str
    pid: int | None
    start_latency_s: float | None
    start_skew_s: float | None
    wall_s: float | None
    cpu_s: float | None
    rounds: int
    exit_code: int | None
    error_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCount:
    """How often one state of an outcome variable was observed in one attempt."""

    variable: str
    value: Scalar
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the worker sent over its private channel.

    Attributes:
        kind: how ``run`` ended.
        metrics: the scenario's metrics; empty unless ``kind`` is ok.
        outcomes: what was observed, also before a failure.
        actors: the actors that were started, also before a failure.
        samples: rows of the samples table.
        error_type: the exception's type, for error, memory and bad-result.
        error_message: the exception's message, or what is wrong with the result.
        python: which interpreter sent it, such as ``CPython 3.13.1 free-threading``.
        gil_enabled: whether that executed one thread at a time, by then: an import can bring the GIL back.
        switch_interval_s: after how long a thread of it lets go of the GIL, by then.
    """

    kind: ResultKind
    metrics: Mapping[str, Scalar] = field(default_factory=dict)
    outcomes: Sequence[OutcomeCount] = ()
    actors: Sequence[ActorRow] = ()
    samples: Sequence[Mapping[str, Scalar]] = ()
    error_type: str | None = None
    error_message: str | None = None
    python: str | None = None
    gil_enabled: bool | None = None
    switch_interval_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :func:`mprunner.values.reader` reads back."""
        value = fields_by_name(self)
        value["outcomes"] = [fields_by_name(item) for item in self.outcomes]
        value["actors"] = [fields_by_name(item) for item in self.actors]
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt's worker ended, as its launcher saw it: facts only, :func:`classify` draws the status.

    Attributes:
        exit_code: of the worker; None if a signal ended it.
        signal: the number of the signal that ended it.
        timed_out: whether it was still alive at its deadline.
        cancelled: whether it was ended because the user interrupted the run.
        over_output: whether it had printed more than a log may hold.
        over_processes: whether it was ended because it had more processes than it may.
        leaked: how many processes of the trial were alive after the worker had ended on its own.
        wall_s: from when the worker was given the trial until its end was seen.
        cpu_user_s: user CPU time of the whole tree.
        cpu_system_s: system CPU time of the whole tree.
        max_process_rss_bytes: peak memory of the largest process of the tree.
        others_cpu_s: CPU time that others than the trial and its launcher used meanwhile on the CPUs that it may use.
        result: what came over the result channel, if it is complete and well-formed.
        malformed: why what came over the result channel is no result, if anything came.
    """

    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    cancelled: bool = False
    over_output: bool = False
    over_processes: bool = False
    leaked: int = 0
    wall_s: float | None = None
    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    max_process_rss_bytes: int | None = None
    others_cpu_s: float | None = None
    result: Result | None = None
    malformed: str | None = None


def classify(ending: Ending) -> Status:
    """Return an attempt's status: the first of the documented precedence that applies."""
    causes = (
        (ending.cancelled, Status.CANCELLED),
        (ending.timed_out, Status.TIMEOUT),
        (ending.over_output, Status.OUTPUT_LIMIT),
        (ending.over_processes, Status.PROCESS_LIMIT),
        (ending.signal is not None, Status.SIGNAL),
    )
    for applies, status in causes:
        if applies:
            return status
    if ending.result is None or ending.result.kind is ResultKind.PARTIAL:
        return Status.NO_RESULT if ending.malformed is None else Status.BAD_RESULT
    if ending.result.kind is ResultKind.EXIT or ending.exit_code != 0:
        return Status.EXIT
    return Status(ending.result.kind.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution of a trial, about to happen.

    Attributes:
        trial_id: identifies the trial across runs: a hash of case, repeat and seed.
        case_id: identifies the case across runs: a hash of scenario, params, isolation and CPUs.
        case_label: how a person tells this case from the experiment's others, such as ``guard lock``.
        repeat: the index of this repetition from 0; negative for a warm-up trial.
        attempt: 1 for the first.
        order: the trial's place in the plan, from 0.
        is_warmup: whether it is left out of every summary.
        seed: of the trial's random generator.
        params: every param of the scenario.
        timeout_s: after how many seconds it is ended.
    """

    trial_id: str
    case_id: str
    case_label: str
    repeat: int
    attempt: int
    order: int
    is_warmup: bool
    seed: int
    params: Mapping[str, Scalar]
    timeout_s: float


DEFAULT_OUTPUT_BYTES: Final = 10 << 20
DEFAULT_PROCESSES: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a trial may use before it is ended, or told that there is no more.

    Attributes:
        memory_per_process: bytes of memory that each of its processes may have; None for no limit.
        processes: how many processes it may have at once, its worker included.
        output: bytes that it may print.
    """

    memory_per_process: int | None = None
    processes: int = DEFAULT_PROCESSES
    output: int = DEFAULT_OUTPUT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one attempt left behind.

    Attributes:
        attempt: what was to be executed.
        status: what happened.
        ending: how its worker ended.
        containment: what kept its processes together; None where no one can say any more.
        started_at: UTC, ISO 8601 with microseconds and ``Z``; None where no one can say any more.
    """

    attempt: Attempt
    status: Status
    ending: Ending
    containment: str | None
    started_at: str | None

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :func:`mprunner.values.reader` reads back."""
        ending = fields_by_name(self.ending)
        if self.ending.result is not None:
            ending["result"] = self.ending.result.to_json()
        return fields_by_name(self) | {"attempt": fields_by_name(self.attempt), "ending": ending}


def varying(cases: Sequence[Mapping[str, Scalar]]) -> list[str]:
    """Return the params that differ between cases, each given as the params that mean something to it."""
    values: dict[str, set[str]] = {}
    for params in cases:
        for name, value in params.items():
            values.setdefault(name, set()).add(repr(value))
    return [name for name, several in values.items() if len(several) > 1]


def label_of(params: Mapping[str, Scalar], names: Iterable[str]) -> str:
    """Say some params in words, such as ``guard lock, rounds 1,000``; one that the case does not have is left out."""
    return ", ".join(f"{name} {_shown(params[name])}" for name in names if name in params)


def _shown(value: Scalar) -> str:
    if value is None:
        return "null"  # as an experiment writes it; "none" is text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return in_words(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
