"""A run's folder: where it is, how it comes to be, and the files that are not tables."""

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mprunner.durable import unwritable, written_atomically


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run; its name is the run's id."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id: when it began (UTC), and six digits that tell two of one second apart."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The journal, the source of every table."""
        return self.path / "journal.jsonl"

    @property
    def logs(self) -> Path:
        """The folder of the logs of trials that printed or failed."""
        return self.path / "logs"

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Write run.json, whole or not at all.

        Raises:
            ResultsError: it can't be written.
        """
        with written_atomically(self.path / "run.json") as file:
            file.write(json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def create_run_folder(results: Path, experiment: str, source: bytes) -> RunFolder:
    """Create ``results/experiment/<time>-<6 hex>`` with a copy of the experiment's file, and point ``latest`` at it.

    Raises:
        ResultsError: it can't be created; nothing of it is left behind.
    """
    parent = results / experiment
    folder = RunFolder(parent / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.path.mkdir()
    except OSError as error:
        raise unwritable(parent, error) from error
    try:
        folder.logs.mkdir()
        (folder.path / "experiment.yaml").write_bytes(source)
    except OSError as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise unwritable(folder.path, error) from error
    _point_latest(folder)
    return folder


def _point_latest(folder: RunFolder) -> None:
    link = folder.path.with_name(f".latest-{folder.run_id}")
    try:
        link.symlink_to(folder.run_id)
        link.replace(folder.path.with_name("latest"))
    except OSError:  # a file system without links: a convenience is missing, not a result
        link.unlink(missing_ok=True)
