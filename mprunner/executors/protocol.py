"""What every executor is given, and what it does.

:mod:`mprunner.executors.local` executes on this machine. A plugin adds others with the hook
``mprunner_register_executors``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mprunner.model.limits import Limits
from mprunner.model.records import Attempt, Record
from mprunner.signals import Interrupt


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
    """

    module: str
    qualname: str
    files: Mapping[str, str]
    isolation: str = "forked"
    cpus: tuple[int, ...] | None = None
    limits: Limits = field(default_factory=Limits)


class Executor(Protocol):
    """Executes attempts, one after the other, and never raises because of what a scenario does.

    Attributes:
        containment: what keeps a trial's processes together; known once it has started.
        isolation: ``forked`` or ``fresh``: how workers really are isolated; known once it has started.
        warnings: what a person should know of how it has started, each with a hint.
    """

    containment: str
    isolation: str
    warnings: Sequence[tuple[str, str]]

    def start(self) -> None:
        """Get ready to execute.

        Raises:
            PluginError: the scenario can't be imported where it would be executed.
        """

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Execute one attempt to its end; an interrupt ends it with the status ``cancelled``."""

    def close(self) -> None:
        """End everything that was started; harmless if nothing was."""
