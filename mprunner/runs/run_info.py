"""run.json: what it says of a run, how it is made and changed, and what its values mean."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from os.path import abspath
from typing import Any, Self

from mprunner.model.experiment import Experiment
from mprunner.model.from_json import read_part, reader
from mprunner.runs.machine import describe_environment, load_average, machine_counters, utc_now


class State(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    """A trial failed, and the experiment says that nothing is executed after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speed:
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """The types of what run.json says and is made use of."""

    run_id: str
    experiment: str
    state: str
    verdict: str | None = None
    file: str | None = None
    started_at: str = ""
    host: str = ""
    planned: int | None = None
    spared: int | None = None
    done: int | None = None
    failures: int | None = None
    cpus: Sequence[int] | None = None
    cpu_count: int | None = None
    cpu_mhz: _Speed | None = None
    load_at_start: Sequence[float] | None = None
    counters_at_start: Mapping[str, int | None] | None = None
    counters_at_end: Mapping[str, int | None] | None = None
    resumed: Sequence[Mapping[str, Any]] = ()
    source_changed_after: int | None = None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What run.json says. It may be of an earlier or a later version: of its keys three are sure to be there.

    Attributes:
        content: all of it, in the order of the file; also keys that this version doesn't know, so that none is lost
            when it is written again.
    """

    content: Mapping[str, Any]

    @classmethod
    def begun(cls, run_id: str, experiment: Experiment, planned: int, session: Mapping[str, Any]) -> Self:
        """Say what is known of a run before its first trial.

        Args:
            run_id: the run's id.
            experiment: what is executed.
            planned: how many trials it has.
            session: what :func:`describe_session` says of its first invocation of mprunner.
        """
        return cls(
            {
                "run_id": run_id,
                "experiment": experiment.name,
                "file": abspath(experiment.path),
                "scenario": experiment.scenario,
                "swept": list(experiment.swept),
                "state": State.RUNNING.value,
                "verdict": None,
                "done": 0,
                "failures": 0,
                "finished_at": None,
                "planned": planned,
                **({} if experiment.until is None else {"spared": 0}),
                "seed": experiment.seed,
                "load_at_end": None,
                "counters_at_end": None,
                "cpu_mhz": None,
                **session,
            }
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Take what :meth:`to_json` returned, or raise ValueError if it says too little to name the run."""
        read_part(_Content, reader(Any)(value))
        for each in value.get("resumed", ()):
            read_part(_Content, {**value, **each})
        return cls(value)

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write, and that plugins are given."""
        return dict(self.content)

    @property
    def run_id(self) -> str:
        """The run's id, its folder's name."""
        return str(self.content["run_id"])

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return str(self.content["experiment"])

    @property
    def file(self) -> str | None:
        """The absolute path that the experiment's file had."""
        return None if self.content.get("file") is None else str(self.content["file"])

    @property
    def started_at(self) -> str:
        """When it began: UTC, ISO 8601; empty where it does not say."""
        return str(self.content.get("started_at", ""))

    @property
    def host(self) -> str:
        """The machine's name; empty where it does not say."""
        return str(self.content.get("host", ""))

    @property
    def state(self) -> str:
        """One of :class:`State`, unless a later version knows others."""
        return str(self.content["state"])

    @property
    def is_finished(self) -> bool:
        """Whether every trial that is needed has its final record."""
        return self.state == State.FINISHED

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal, or the end of its runner, ended the run early."""
        return self.state == State.INTERRUPTED

    @property
    def is_stopped(self) -> bool:
        """Whether a failure ended the run early."""
        return self.state == State.STOPPED

    @property
    def is_adaptive(self) -> bool:
        """Whether the number of trials depends on what they come to."""
        return "spared" in self.content

    @property
    def planned(self) -> int | None:
        """How many trials were planned."""
        return self.content.get("planned")

    @property
    def spared(self) -> int:
        """How many of the planned trials were not needed."""
        return int(self.content.get("spared") or 0)

    @property
    def done(self) -> int | None:
        """How many trials have their final record; None where only the journal knows."""
        return self.content.get("done")

    @property
    def missing(self) -> int:
        """How many trials that are needed have no final record."""
        return (self.planned or 0) - self.spared - (self.done or 0)

    @property
    def cpus(self) -> Sequence[int]:
        """The CPUs that a trial may use, as of when the run began."""
        return tuple(self.content.get("cpus") or ())

    @property
    def cpu_mhz(self) -> Mapping[str, float] | None:
        """The ``lowest`` and the ``highest`` frequency of its CPUs; None where none was noted."""
        return self.content.get("cpu_mhz")

    @property
    def source_changed_after(self) -> int | None:
        """How many trials were done when the plugin's source was seen to have changed; None where it was not."""
        return self.content.get("source_changed_after")

    def planned_in_words(self, shown: Callable[[int], str] = str) -> str:
        """Say how many trials the run has: ``at most`` so many where that depends on what they come to."""
        planned = "-" if self.planned is None else shown(self.planned)
        return f"at most {planned}" if self.is_adaptive else planned

    @property
    def sessions(self) -> list[Mapping[str, Any]]:
        """The content as it is of each invocation of mprunner that executed a part of the run."""
        return [self.content, *({**self.content, **each} for each in self.content.get("resumed", ()))]

    def abandoned(self) -> Self:
        """Say of a run that is running by what it says, and whose runner is gone, that it was interrupted."""
        return self._with({"state": State.INTERRUPTED.value, "done": None, "failures": None})

    def resumed(self, session: Mapping[str, Any], done: int, failures: int) -> Self:
        """Say that another invocation of mprunner goes on with the run; what was said of its beginning stays.

        Args:
            session: what is said of that invocation.
            done: how many trials have their final record.
            failures: how many of those ended in another status than ok.
        """
        return self._with(
            {
                "state": State.RUNNING.value,
                "verdict": None,
                "done": done,
                "failures": failures,
                "finished_at": None,
                "resumed": [*self.content.get("resumed", ()), session],
            }
        )

    def ended(
        self,
        *,
        done: int,
        failures: int,
        missing: int,
        spared: int,
        by_signal: bool,
        cpu_mhz: Mapping[str, float] | None = None,
        source_changed_after: int | None = None,
    ) -> Self:
        """Say how the execution of a run ended, the verdict left open.

        Args:
            done: how many trials have their final record.
            failures: how many of those ended in another status than ok.
            missing: how many more are needed.
            spared: how many of the planned trials were not needed.
            by_signal: whether a signal came.
            cpu_mhz: how fast its CPUs were, as far as they reported it.
            source_changed_after: how many trials had their final record when the plugin's source was seen to have
                changed; None where it has not.
        """
        state = State.FINISHED
        if missing > 0:
            state = State.INTERRUPTED if by_signal else State.STOPPED
        return self._with(
            {
                "state": state.value,
                "done": done,
                "failures": failures,
                "finished_at": utc_now(),
                "load_at_end": load_average(),
                "counters_at_end": machine_counters(),
                "cpu_mhz": cpu_mhz,
                **({"spared": spared} if self.is_adaptive else {}),
                **({} if source_changed_after is None else {"source_changed_after": source_changed_after}),
            }
        )

    def judged(self, verdict: str) -> Self:
        """Say what the run was judged to be; an interrupted one is judged when it is whole."""
        return self._with({"verdict": verdict}) if self.is_finished or self.is_stopped else self

    def _with(self, changes: Mapping[str, Any]) -> Self:
        return type(self)({**self.content, **changes})


def describe_session(
    *,
    containment: str,
    isolation: str,
    cpus: Sequence[int],
    orphans: Sequence[Mapping[str, Any]],
    plugin: Mapping[str, Any],
    git: Mapping[str, Any] | None,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe how and where one invocation of mprunner executes trials.

    Args:
        containment: what keeps a trial's processes together.
        isolation: how workers are isolated.
        cpus: the CPUs that a trial may use.
        orphans: processes that an earlier run left.
        plugin: where the scenario comes from.
        git: the state of the repository that the experiment's file is in.
        extra: what plugins say of the machine.
    """
    return {
        "started_at": utc_now(),
        "argv": sys.argv,
        "containment": containment,
        "isolation": isolation,
        "cpus": list(cpus),
        "beside_orphans": list(orphans),
        "plugin": plugin,
        "load_at_start": load_average(),
        "counters_at_start": machine_counters(),
        **describe_environment(),
        "git": git,
        "extra": extra,
    }
