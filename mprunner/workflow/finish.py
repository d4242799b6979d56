"""The last stage: a run's tables and verdict are written, and plugins learn of them; and judging a run again, by what
its experiment's file expects now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mprunner.errors import ExperimentError, PluginError
from mprunner.experiment import NOTHING, Asked, read_experiment
from mprunner.plugins.registry import Notifier, Registry, load_registry
from mprunner.runs import RunFolder, RunInfo, State, read_journal
from mprunner.workflow.prepare import plugin_of

if TYPE_CHECKING:
    from mprunner.workflow.execute import Executed  # judging again needs nothing that executes
    from mprunner.workflow.tabulate import Tabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run whose tables and verdict are written.

    Attributes:
        tabled: its tables.
        run: what its run.json says.
        hook_errors: what plugins' hooks raised; it stopped nothing.
    """

    tabled: "Tabled"
    run: RunInfo
    hook_errors: tuple[str, ...]


def finish(executed: "Executed", registry: Registry) -> Finished:
    """Write a run's tables and its verdict, and notify the plugins that they are there.

    Args:
        executed: the run.
        registry: the plugins.

    Raises:
        ResultsError: they can't be written, or the journal can't be read.
    """
    from mprunner.workflow.tabulate import store_verdict, write_tables  # noqa: PLC0415 - it imports pandas

    folder = executed.folder
    tabled = write_tables(folder)
    run = store_verdict(folder, executed.run, tabled)
    notifier = Notifier(registry)
    notifier.all("mprunner_run_finished", run=run.to_json(), folder=str(folder.path))
    errors = (*executed.hook_errors, *notifier.errors, *notify_judged(registry, folder, run, tabled))
    return Finished(tabled=tabled, run=run, hook_errors=errors)


def notify_judged(registry: Registry, folder: RunFolder, run: RunInfo, tabled: "Tabled") -> tuple[str, ...]:
    """Notify the plugins of what a run came to; return what their hooks raised."""
    from mprunner.report import cases_of, verdict_json  # noqa: PLC0415 - it imports pandas

    notifier = Notifier(registry)
    notifier.all(
        "mprunner_run_judged",
        run=run.to_json(),
        folder=str(folder.path),
        verdict=verdict_json(tabled.judgement),
        cases=cases_of(tabled.frames),
    )
    return tuple(notifier.errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """A run that was judged again.

    Attributes:
        registry: the plugins.
        run: what its run.json says.
        tabled: its tables and the new judgement.
        file: the experiment file that it was judged by.
    """

    registry: Registry
    run: RunInfo
    tabled: "Tabled"
    file: str


def judge_again(folder: RunFolder, own: Path | None, other: Path | None, plugins: Sequence[Path]) -> Rejudged:
    """Judge a run by a file's ``outcomes`` and ``expect``, and store the verdict.

    Args:
        folder: the run.
        own: the run's experiment file, wherever it is now; None for where it was. What was set when the run began
            holds for it, and it must have the run's experiment in it.
        other: another file to judge by.
        plugins: files given by ``--plugin``; without any, the one that the run began with.

    Raises:
        ExperimentError: trials of the run are missing, or the file is gone, wrong or of something else.
        PluginError: the scenario's plugin is broken.
        ResultsError: the run can't be read, or its verdict can't be written.
    """
    from mprunner.workflow.tabulate import store_verdict, write_tables  # noqa: PLC0415 - it imports pandas

    run = folder.read_run()
    if not run.is_finished:
        raise ExperimentError(
            f"the run is {run.state}: it is judged when all of its trials are done",
            None if run.state == State.RUNNING else f"`mprunner resume {folder.path}` executes the rest",
        )
    header = read_journal(folder.journal).header
    if not plugins:
        plugins, changed = plugin_of(folder, header)
        if changed:
            raise PluginError(
                f"the plugin that the run began with, {plugins[0]}, has changed since",
                "give it with --plugin to judge with it as it is",
            )
    registry = load_registry(plugins)
    experiment = read_experiment(
        other or own or _file_of(run),
        # the metrics and outcomes of the scenario are those of the run's tables
        lambda name: replace(registry.scenario(name), declaration=header.declaration),
        NOTHING if other else Asked(overrides=tuple(header.experiment.get("overrides", ()))),
    )
    if experiment.scenario != header.declaration.name:
        raise ExperimentError(
            f"{experiment.path} is about {experiment.scenario}, and the run about {header.declaration.name}"
        )
    if other is None and experiment.name != run.experiment:
        raise ExperimentError(
            f"{experiment.path} is the experiment {experiment.name}, and the run is one of {run.experiment}",
            "`--file` judges by any file about the same scenario",
        )
    rules = experiment.rules.resolved(header.declaration.params, header.cpus or 1)
    tabled = write_tables(folder, rules)
    judged = store_verdict(folder, run, tabled)
    return Rejudged(registry=registry, run=judged, tabled=tabled, file=experiment.path)


def _file_of(run: RunInfo) -> Path:
    if run.file is None:
        raise ExperimentError(
            "run.json does not say which file the run was made from", "name one with --file"
        )
    path = Path(run.file)
    if not path.is_file():
        raise ExperimentError(f"the file {path} that the run was made from is gone", "name one with --file")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
