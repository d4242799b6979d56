"""Trials of the tests' plugins on a real launcher."""

from dataclasses import replace
from pathlib import Path

from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor
from mprunner.model.records import Attempt, Record
from tests import made
from tests.support import PLUGINS


def attempt(timeout_s: float = 60.0, **params: str) -> Attempt:
    """Return an attempt of a trial that is called as its params are."""
    return replace(made.attempt(params=params), trial_id="-".join(params.values()), timeout_s=timeout_s)


class Local(LocalExecutor):
    """Executes trials of a plugin."""

    def __init__(self, plugin: str, containment: str | None = None, isolation: str = "forked") -> None:
        module, files = f"mprunner_plugin_{plugin}", str(PLUGINS / f"{plugin}.py")
        source = ScenarioSource(
            module=module, qualname=plugin.capitalize(), files={module: files}, isolation=isolation
        )
        super().__init__(source, containment)

    def __enter__(self) -> "Local":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def record(self, logs: Path, timeout_s: float = 60.0, **params: str) -> Record:
        """Execute a trial and return its record."""
        with Interrupt() as interrupt:
            return self.execute(attempt(timeout_s, **params), logs, interrupt)

    def status(self, logs: Path, timeout_s: float = 60.0, **params: str) -> str:
        """Execute a trial and return its status."""
        return self.record(logs, timeout_s, **params).status
