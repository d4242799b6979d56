"""mprunner from Python: ``mprunner.load`` opens what was measured, ``mprunner.run`` executes an experiment.

Importing this module imports neither pandas nor what executes an experiment: the first call does.
"""

import signal
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mprunner.errors import ExperimentError, ResultsError
from mprunner.model.columns import MEASURED, TABLES
from mprunner.model.text import printable
from mprunner.runs import RunFolder, all_runs, find_run, passed_over, unbegun_runs, written_atomically
from mprunner.signals import Interrupt

if TYPE_CHECKING:
    import pandas as pd

    from mprunner.workflow.plots import Plots

AnyPath = str | PathLike[str]

_SHOWN_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Results:
    """The tables of one run, or of several below each other; ``run_id`` is the first column of each.

    Columns have the types ``string``, ``Int64``, ``Float64`` and ``boolean``: what is missing is ``pd.NA``, and
    neither a whole number nor a float loses a bit. docs/results.md says what each column means.

    Attributes:
        runs: what run.json says of each run, the oldest first.
        trials: a row per attempt of a trial.
        actors: a row per actor of a trial.
        outcomes: a row per case and observed state.
        samples: a row per sample; None where no scenario declares any.
        summary: a row per case and metric.
        folders: of the runs, in the same order.
    """

    runs: tuple[Mapping[str, Any], ...]
    trials: "pd.DataFrame"
    actors: "pd.DataFrame"
    outcomes: "pd.DataFrame"
    samples: "pd.DataFrame | None"
    summary: "pd.DataFrame"
    folders: tuple[Path, ...] = ()

    @property
    def plot(self) -> "Plots":
        """The charts of the only run, such as ``.plot.strips()``; a notebook shows them.

        Raises:
            ResultsError: there are several runs.
        """
        from mprunner.workflow.plots import Plots  # noqa: PLC0415 - it imports pandas

        if len(self.runs) > 1:
            raise ResultsError(
                f"these are {len(self.runs)} runs, and a chart is of one",
                f"load one: mprunner.load({str(self.folders[-1])!r}).plot",
            )
        return Plots(RunFolder(self.folders[0]))

    def report(self) -> "Page":
        """Make the page of the only run, as ``mprunner report`` does; a notebook shows it.

        Nothing is written; ``.save(path)`` writes it.

        Raises:
            ResultsError: there are several runs, or the run can't be read.
            ExtraMissingError: the extra ``report`` is not installed.
        """
        from mprunner.workflow.report import page_of, refuse_without_extra  # noqa: PLC0415 - it imports pandas

        refuse_without_extra()
        run_id = self.run["run_id"]  # of several it says that they are
        return Page(run_id=str(run_id), html=page_of(RunFolder(self.folders[0])))

    @property
    def run(self) -> Mapping[str, Any]:
        """What run.json says of the only run.

        Raises:
            ResultsError: there are several.
        """
        if len(self.runs) > 1:
            raise ResultsError(f"these are {len(self.runs)} runs, not one", "see `.runs`")
        return self.runs[0]

    def __repr__(self) -> str:
        last = self.trials[self.trials["is_final"]]
        counts = ", ".join(f"{count:,} {status}" for status, count in last["status"].value_counts().items())
        names = ", ".join(sorted({str(run.get("experiment")) for run in self.runs}))
        of = self.runs[0].get("run_id") if len(self.runs) == 1 else f"{len(self.runs)} runs"
        parts = [
            _numbered(last, "trial") + (f" ({counts})" if counts else ""),
            _numbered(self.actors, "actor"),
        ]
        if self.samples is not None:
            parts.append(_numbered(self.samples, "sample"))
        return f"<results of {names}, {of}: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: one line, then the summary's first rows."""
        own = self.summary[~self.summary["metric"].isin(list(MEASURED))]
        shown = own.head(_SHOWN_ROWS).dropna(axis="columns", how="all")
        ids = ("case_id", "case_label", "scenario") + (() if len(self.runs) > 1 else ("run_id", "experiment"))
        shown = shown.drop(columns=[name for name in ids if name in shown])
        shown = shown.astype(object).where(shown.notna(), "")  # to_html shows <NA>, whatever na_rep says
        line = repr(self)[1:-1].replace("&", "&amp;").replace("<", "&lt;")
        more = len(own) - len(shown)
        rest = f"<p>{more:,} more rows in <code>.summary</code></p>" if more else ""
        return f"<p>{line}</p>{shown.to_html(index=False, float_format='{:.6g}'.format)}{rest}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Page:
    """The page of a run, which a notebook shows.

    Attributes:
        run_id: the run.
        html: the page, which needs no other file.
    """

    run_id: str
    html: str

    def __repr__(self) -> str:
        return f"<page of {self.run_id}: {len(self.html.encode()):,} bytes; .save(path) writes it>"

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own: its style and its code don't touch the notebook."""
        quoted = self.html.replace("&", "&amp;").replace('"', "&quot;")
        title = printable(self.run_id).replace('"', "&quot;")
        return (
            f'<iframe srcdoc="{quoted}" title="Report of {title}" sandbox="allow-scripts allow-downloads" '
            'style="width: 100%; height: 48rem; border: 1px solid #ccc"></iframe>'
        )

    def save(self, path: AnyPath) -> Path:
        """Write the page, and return where; what is there is replaced by the whole page or not at all.

        Raises:
            ResultsError: it can't be written.
        """
        with written_atomically(Path(path)) as file:
            file.write(self.html)
        return Path(path)


def _numbered(rows: "pd.DataFrame", of: str) -> str:
    return f"{len(rows):,} {of}{'' if len(rows) == 1 else 's'}"


def load(run: AnyPath | Sequence[AnyPath] | None = None, results: AnyPath = "results") -> Results:
    """Open the tables of a run, of every run of an experiment, or of several of these below each other.

    A run that has no tables, or older ones than its journal, because it is being executed or was killed, or tables of
    an earlier version, which had other columns, is read from its journal; nothing is written. One whose runner was
    ended before its first trial is passed over with a warning.

    Args:
        run: a run's folder; an experiment's folder, for all of its runs; an experiment's name or file (its newest
            run); the beginning of a run's id; the folder of all runs; None for the newest run of all. Or several of
            them: ``["bank", "guards"]``. A column that one of the runs lacks is missing in its rows.
        results: the folder of all runs.

    Raises:
        ExperimentError: there is no such run, or more than one.
        ResultsError: the folder is none of a run, or its files can't be read.
    """
    from mprunner.tables import concatenated  # noqa: PLC0415 - it imports pandas

    wanted = [run] if run is None or isinstance(run, str | PathLike) else list(run)
    if not wanted:
        raise ExperimentError("an empty list names no run", "leave it out for the newest run")
    found_folders = (folder for each in wanted for folder in _folders(each, Path(results)))
    folders = list({folder.path.resolve(): folder for folder in found_folders}.values())
    read = [_tables(folder) for folder in folders]
    found = {name: [tables[name] for tables in read if name in tables] for name in TABLES}
    tables = {name: concatenated(frames) if frames else None for name, frames in found.items()}
    return Results(
        runs=tuple(folder.read_run().to_json() for folder in folders),
        folders=tuple(folder.path for folder in folders),
        **tables,  # type: ignore[arg-type]
    )


def _folders(run: AnyPath | None, results: Path) -> list[RunFolder]:
    if run is None or run == "":  # a path of "" would be this folder
        return [find_run(results, run, _warn)]
    path = Path(run).resolve() if Path(run).is_dir() else Path(run)
    if path.is_dir() and not lexists(path / "run.json"):
        of_experiment = [folder for folder in all_runs(path.parent) if folder.path.parent.name == path.name]
        if of_experiment:
            for folder in unbegun_runs(path.parent):
                if folder.path.parent.name == path.name:
                    _warn(*passed_over(folder))
            return of_experiment
        if every := all_runs(path):
            for folder in unbegun_runs(path):
                _warn(*passed_over(folder))
            return every
    try:
        return [find_run(results, str(run), _warn)]  # a folder here may have an experiment's name by chance
    except ExperimentError as error:
        if not path.is_dir():
            raise
        raise ResultsError(
            f"{run} is neither a run's folder nor an experiment's", "a run's folder holds run.json"
        ) from error


def _tables(folder: RunFolder) -> "dict[str, pd.DataFrame]":
    from mprunner.tables import FILE, has_all_columns, read_package, read_tables  # noqa: PLC0415 - it imports pandas
    from mprunner.workflow.tabulate import whole_tables  # noqa: PLC0415 - so does this

    if (folder.path / FILE).exists():
        package = read_package(folder.path)
        size, known = folder.journal_bytes(), package.journal_bytes
        if size is not None and known is not None and size < known:
            _warn(f"{folder.journal} was cut", "these are its tables, which were written before")
            return read_tables(package)
        if size is None or (size == known and has_all_columns(package)):
            return read_tables(package)
    return whole_tables(folder)


def run(
    file: AnyPath,
    *,
    results: AnyPath = "results",
    plugins: AnyPath | Sequence[AnyPath] = (),
    overrides: str | Sequence[str] = (),
    only: str | Sequence[str] = (),
    executor: str = "local",
    strict: bool = False,
    beside_orphans: bool = False,
) -> Results:
    """Execute an experiment as ``mprunner run`` does, write its tables and return them.

    It prints nothing; what a person should know is a Python warning. A trial that fails is a row, not an exception.
    In the main thread the first Ctrl-C ends the trial in hand and is raised again once the tables are written.
    In another thread signals are left alone. Where a signal's default action ends nothing, as in the first process
    of a container, SystemExit is raised. A script needs no ``if __name__ == "__main__"`` for it.

    Args:
        file: the experiment.
        results: the folder that holds a folder for every run.
        plugins: Python files, or one, that provide scenarios.
        overrides: what changes the experiment for this run, as ``--set`` takes it: ``"repeats=3"``, or several.
        only: which of its cases are executed, as ``--only`` takes it: ``"guard=lock"``, or several.
        executor: what executes the trials.
        strict: refuse an experiment with combinations that the scenario refuses.
        beside_orphans: put up with processes that an earlier run left.

    Raises:
        MprunnerError: one of its subclasses; nothing was executed, or the results can't be written.
    """
    from mprunner.experiment import Asked  # noqa: PLC0415 - it imports pydantic
    from mprunner.workflow import pipeline  # noqa: PLC0415 - it imports what reads an experiment

    asked = Asked(overrides=_several(overrides), only=_several(only))
    files = [plugins] if isinstance(plugins, str | PathLike) else plugins
    prepared = pipeline.prepare(Path(file), [Path(plugin) for plugin in files], asked, strict=strict)
    chosen = pipeline.executor_for(prepared, executor)
    with Interrupt() as interrupt:
        executed = pipeline.run(
            prepared, chosen, Path(results), interrupt, beside_orphans=beside_orphans, warn=_warn
        )
        finished = pipeline.finish(executed, prepared.registry)
    for error in finished.hook_errors:
        warnings.warn(f"a plugin failed: {error}", stacklevel=2)
    if interrupt.signal is not None:  # for the program that called, whose own handlers are back
        signal.raise_signal(interrupt.signal)
        if (
            signal.getsignal(interrupt.signal) is signal.SIG_DFL
        ):  # the first process of a container: it did nothing
            raise SystemExit(128 + interrupt.signal)
        _warn("the run was interrupted, and trials are missing", "`mprunner resume` executes the rest")
    return load(executed.folder.path)


def _several(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _warn(message: str, hint: str) -> None:
    warnings.warn(printable(f"{message} ({hint})"), stacklevel=2)
