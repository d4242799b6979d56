"""A run's folder: where it is, how it comes to be, and the files that are not tables."""

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mprunner.errors import ExperimentError, ResultsError
from mprunner.model.rules import Rules
from mprunner.model.text import nearest
from mprunner.runs.atomic import opened, read_json, unwritable, written_atomically
from mprunner.runs.journal_reader import lines_of
from mprunner.runs.run_info import RunInfo, State

_TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z\Z")


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

    def journal_bytes(self) -> int | None:
        """Return the size of the journal; None where there is none, as where only the tables were kept."""
        try:
            return self.journal.stat().st_size
        except OSError:
            return None

    def has_begun(self) -> bool:
        """Whether anything of the run can be read; its runner may have been ended before that."""
        try:
            has_header = next(lines_of(self.journal)).is_whole
        except StopIteration:
            has_header = False
        except ResultsError:
            has_header = (
                True  # where only the tables were kept, they can be read; else whoever reads it says why not
            )
        return has_header and os.path.lexists(self._run_json)

    @property
    def logs(self) -> Path:
        """The folder of the logs of trials that printed or failed."""
        return self.path / "logs"

    def make_ready(self) -> None:
        """Make the folder ready for more trials, whose logs are then written in it and nowhere else.

        Raises:
            ResultsError: its folder of logs is a link, or can't be written.
        """
        if self.logs.is_symlink():
            raise ResultsError(f"{self.logs} is a link", "put the folder itself there")
        try:
            self.logs.mkdir(exist_ok=True)
            for left in self.logs.glob(".current*.log"):  # of a runner that was ended; or a link
                left.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self.logs, error) from error

    def point_latest(self) -> None:
        """Have ``latest``, beside the folder, point at it."""
        link = self.path.with_name(f".latest-{self.run_id}")
        try:
            link.symlink_to(self.run_id)
            link.replace(self.path.with_name("latest"))
        except OSError:  # a file system without links: a convenience is missing, not a result
            link.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder of a run that could not begin."""
        shutil.rmtree(self.path, ignore_errors=True)

    def write_run(self, run: RunInfo) -> None:
        """Write run.json, whole or not at all.

        Raises:
            ResultsError: it can't be written.
        """
        _write_json(self._run_json, run.content)

    def write_verdict(self, verdict: Mapping[str, Any]) -> None:
        """Write verdict.json, whole or not at all.

        Raises:
            ResultsError: it can't be written.
        """
        _write_json(self.path / "verdict.json", verdict)

    def read_rules(self) -> Rules | None:
        """Return what the run was judged by, None if it was not judged yet.

        Raises:
            ResultsError: its verdict.json is damaged.
        """
        path = self.path / "verdict.json"
        try:
            return Rules.from_json(read_json(path)["rules"])
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResultsError(
                f"{path} can't be read: {error}", "remove it: the experiment's own expectations count then"
            ) from error

    def read_run(self) -> RunInfo:
        """Read run.json; a run that says it is running while no one holds its journal was interrupted.

        Raises:
            ResultsError: it can't be read.
        """
        path = self._run_json
        try:
            run = RunInfo.from_json(read_json(path))
        except (OSError, TypeError, ValueError) as error:
            raise ResultsError(f"{path} can't be read: {error}", "the run's folder is incomplete") from error
        return run.abandoned() if run.state == State.RUNNING and not self.is_held() else run

    @property
    def _run_json(self) -> Path:
        return self.path / "run.json"

    def is_held(self) -> bool:
        """Whether a runner is executing the run; its lock on the journal ends with it, whatever ends it."""
        try:
            with open(opened(self.journal), "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (OSError, ResultsError):
            return False
        return False


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with written_atomically(path) as file:
        file.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def all_runs(results: Path) -> list[RunFolder]:
    """Return all runs under a results folder that have begun, the oldest first.

    The newest of an experiment is the one that ``latest`` names, whatever the clock said when another began; one from
    the future counts as the oldest.
    """
    runs = [each for each in _folders_with("run.json", results) if each.has_begun()]
    ages = {run.path: ("", 0) if is_from_the_future(run) else _age(run) for run in runs}
    latest = {parent: parent / _target(parent / "latest") for parent in {run.path.parent for run in runs}}
    for parent, newest in latest.items():
        if newest in ages:
            ages[newest] = max(age for path, age in ages.items() if path.parent == parent)
    return sorted(runs, key=lambda run: (ages[run.path], run.path == latest[run.path.parent]))


def earlier_siblings(runs: Sequence[RunFolder]) -> list[RunFolder]:
    """Return the other runs beside some that began before the newest of these, the newest first."""
    own = {run.path.resolve() for run in runs}
    newest = max(map(_age, runs))
    beside = {path.parent for path in own}
    found = [RunFolder(file.parent) for parent in beside for file in parent.glob("*/run.json")]
    found = [
        run
        for run in found
        if not run.path.is_symlink() and run.path.resolve() not in own and _age(run) < newest
    ]
    return sorted(found, key=_age, reverse=True)


def is_from_the_future(run: RunFolder) -> bool:
    """Whether a run's id says that it begins later than in a minute: the clock was ahead, or is behind now."""
    began = run.run_id.partition("-")[0]
    return bool(_TIME.match(began)) and began > f"{datetime.now(UTC) + timedelta(minutes=1):{_TIME_FORMAT}}"


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def unbegun_runs(results: Path) -> list[RunFolder]:
    """Return the runs whose runner was ended before they began, the oldest first: nothing can be read of them."""
    folders = _folders_with("journal.jsonl", results)
    return sorted((each for each in folders if not each.has_begun() and not each.is_held()), key=_age)


def passed_over(folder: RunFolder) -> tuple[str, str]:
    """Say that a run has not begun, and what to do."""
    return f"{folder.path} is passed over: its runner was ended before the first trial", "remove it"


def _folders_with(name: str, results: Path) -> Iterator[RunFolder]:
    files = results.glob(f"*/*/{name}")
    return (RunFolder(file.parent) for file in files if not file.parent.is_symlink())


def _age(folder: RunFolder) -> tuple[str, int]:
    """Order runs by when they began: by their ids, and within a second by the file that is written first."""
    try:
        began_ns = (folder.path / "experiment.yaml").stat().st_mtime_ns
    except OSError:
        began_ns = 0
    return folder.run_id.partition("-")[0], began_ns


def find_run(
    results: Path, wanted: str | None, warn: Callable[[str, str], None] = lambda _message, _hint: None
) -> RunFolder:
    """Return the run that a person means.

    Args:
        results: the folder of all runs.
        wanted: a run's folder; an experiment's name, file or folder (its newest run); the beginning of a run's
            id, if no other begins like it; None for the newest run of all.
        warn: is called with what a person should know, and a hint: of a newer run that has not begun.

    Raises:
        ExperimentError: there is no such run, or more than one.
    """
    if wanted == "":  # such as an unset variable in a script
        raise ExperimentError("a run can't have an empty name", "`mprunner list` shows all runs")
    if wanted is not None and os.path.lexists(Path(wanted) / "run.json"):
        return RunFolder(Path(wanted).resolve())
    runs = all_runs(results)
    newest = _newest(runs, wanted) if wanted is not None else runs[-1] if runs else None
    if newest is None:
        return _by_id(runs, wanted or "", results)
    for folder in runs:
        if is_from_the_future(folder) and folder != newest and wanted in (None, folder.path.parent.name):
            warn(
                f"{folder.path} is from the future, and not taken for the newest: the clock was ahead when it began, "
                "or is behind now",
                "name it by its id, if you mean it",
            )
    for folder in unbegun_runs(newest.path.parent.parent):
        if _age(folder) > _age(newest) and (wanted is None or folder.path.parent == newest.path.parent):
            warn(*passed_over(folder))
    return newest


def _by_id(runs: list[RunFolder], wanted: str, results: Path) -> RunFolder:
    if not runs:
        raise ExperimentError(
            f"there is no run in {results}", "execute an experiment, or name another --results"
        )
    matching = [folder for folder in runs if folder.run_id.startswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        ids = ", ".join(folder.run_id for folder in matching[:5])
        raise ExperimentError(f"{len(matching)} runs begin with {wanted!r}", f"write more of it: {ids} …")
    names = sorted({folder.path.parent.name for folder in runs})
    near = nearest(wanted, names)
    raise ExperimentError(
        f"there is no run {wanted!r} in {results}",
        f"did you mean {near!r}?" if near else f"there are runs of {', '.join(names)}; see `mprunner list`",
    )


def _newest(runs: list[RunFolder], wanted: str) -> RunFolder | None:
    """Return the newest run of an experiment, by its name, file or folder; None if there is none.

    A file may call its experiment otherwise than itself, and be elsewhere now than when it was executed.
    """
    name = wanted
    if wanted.endswith((".yaml", ".yml")):
        file = os.path.abspath(wanted)
        made_from_it = next((folder for folder in reversed(runs) if _file_of(folder) == file), None)
        if made_from_it is not None:
            return made_from_it
        name = Path(wanted).stem
    named = [folder for folder in runs if folder.path.parent.name == name]
    if not named and Path(wanted).is_dir():
        parent = Path(wanted).resolve()
        named = [folder for folder in all_runs(parent.parent) if folder.path.parent == parent]
    return named[-1] if named else None


def _file_of(folder: RunFolder) -> str | None:
    try:
        return folder.read_run().file
    except ResultsError:
        return None  # whoever opens the run says why it can't be read


def create_run_folder(
    results: Path, experiment: str, source: bytes, resolved: Mapping[str, Any] | None = None
) -> RunFolder:
    """Create ``results/experiment/<time>-<6 hex>`` with a copy of the experiment's file.

    Args:
        results: the folder of all runs.
        experiment: the experiment's name.
        source: its file.
        resolved: the experiment as it is executed, where the file alone does not say that; for
            experiment.resolved.json.

    Raises:
        ResultsError: it can't be created; nothing of it is left behind.
    """
    parent = results / experiment
    folder = RunFolder(parent / f"{datetime.now(UTC):{_TIME_FORMAT}}-{secrets.token_hex(3)}")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.path.mkdir()
    except OSError as error:
        raise unwritable(parent, error) from error
    try:
        folder.logs.mkdir()
        (folder.path / "experiment.yaml").write_bytes(source)
        if resolved is not None:
            text = json.dumps(resolved, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            (folder.path / "experiment.resolved.json").write_bytes(text.encode())
    except OSError as error:
        folder.remove()
        raise unwritable(folder.path, error) from error
    return folder
