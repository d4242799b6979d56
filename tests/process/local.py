"""Trials of the tests' plugins on a real launcher: that of the interpreter that ``MPRUNNER_TEST_PYTHON`` may name."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.environments import Environment, make_environment
from mprunner.executors.local import LocalExecutor
from mprunner.model.records import Attempt, Record
from mprunner.model.variants import Variant
from tests import made
from tests.support import PLUGINS

OTHER = os.environ.get("MPRUNNER_TEST_PYTHON", "")


def attempt(timeout_s: float = 60.0, **params: str) -> Attempt:
    """Return an attempt of a trial that is called as its params are."""
    return replace(made.attempt(params=params), trial_id="-".join(params.values()), timeout_s=timeout_s)


def _environment(source: ScenarioSource, folder: Path) -> Environment:
    return make_environment(
        "other",
        Variant(python=OTHER),
        module=source.module,
        files=source.files,
        folder=str(Path.cwd()),
        search=(),
        checkout=None,
        shared=folder,
    )


class Local(LocalExecutor):
    """Executes trials of a plugin."""

    def __init__(self, plugin: str, containment: str | None = None, isolation: str = "forked") -> None:
        module, files = f"mprunner_plugin_{plugin}", str(PLUGINS / f"{plugin}.py")
        source = ScenarioSource(
            module=module, qualname=plugin.capitalize(), files={module: files}, isolation=isolation
        )
        self._folder = Path(tempfile.mkdtemp(prefix="mpr-tests-", dir="/tmp")) if OTHER else None
        super().__init__(source, containment, environment=self._folder and _environment(source, self._folder))

    def __enter__(self) -> "Local":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
        if self._folder is not None:
            shutil.rmtree(self._folder)

    def record(self, logs: Path, timeout_s: float = 60.0, **params: str) -> Record:
        """Execute a trial and return its record."""
        with Interrupt() as interrupt:
            return self.execute(attempt(timeout_s, **params), logs, interrupt)

    def status(self, logs: Path, timeout_s: float = 60.0, **params: str) -> str:
        """Execute a trial and return its status."""
        return self.record(logs, timeout_s, **params).status
