"""Judging a run again, by what its experiment's file expects now."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mprunner.declarations import Declaration
from mprunner.errors import ExperimentError
from mprunner.journal import Header, read_journal
from mprunner.registry import Registry, load_registry
from mprunner.results import RunFolder
from mprunner.settling import Tabled, settle_verdict, write_tables
from mprunner.spec import NOTHING, Asked, read_experiment


@dataclass(frozen=True, slots=True)
class _AsItWas:
    """A scenario whose metrics and outcomes are those of a run's tables."""

    params_type: type
    declaration: Declaration


def judge_again(
    folder: RunFolder, own: Path | None, other: Path | None, plugins: Sequence[Path]
) -> tuple[Registry, Tabled]:
    """Judge a run by a file's ``outcomes`` and ``expect``, and store the verdict.

    Args:
        folder: the run.
        own: the run's experiment file, wherever it is now; None for where it was. What was set when the run began
            holds for it.
        other: another file to judge by.
        plugins: files given by ``--plugin``; without any, the one that the run began with.

    Raises:
        ExperimentError: trials of the run are missing, or the file is gone, wrong or of another scenario.
        PluginError: the scenario's plugin is broken.
        ResultsError: the run can't be read, or its verdict can't be written.
    """
    run = folder.read_run()
    if run["state"] not in ("finished", "stopped"):
        raise ExperimentError(
            f"the run is {run['state']}: it is judged when all of its trials are done",
            f"`mprunner resume {folder.path}` executes the rest" if run["state"] == "interrupted" else None,
        )
    header = read_journal(folder.journal).header
    if not plugins and header.plugin_file is not None:
        plugins = [Path(header.plugin_file)]
    registry = load_registry(plugins)
    experiment = read_experiment(
        other or own or _file_of(header),
        lambda name: _AsItWas(registry.scenario(name).params_type, header.declaration),
        NOTHING if other else Asked(overrides=tuple(header.experiment.get("overrides", ()))),
    )
    if experiment.scenario != header.declaration.name:
        raise ExperimentError(
            f"{experiment.path} is about {experiment.scenario}, and the run about {header.declaration.name}"
        )
    rules = experiment.rules.resolved(header.declaration.params, header.cpus or 1)
    tabled = write_tables(folder, rules)
    settle_verdict(folder, run, tabled)
    return registry, tabled


def _file_of(header: Header) -> Path:
    path = Path(header.experiment["path"])
    if not path.is_file():
        raise ExperimentError(
            f"there is no file {path} any more, from which the run was made", "name one with --file"
        )
    return path
