"""The stages of a run, in order: experiment → plan → schedule → executor → records → journal → tables → summary."""

import copy
import json
import platform
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mprunner.environment import describe_environment, load_average, usable_cpus
from mprunner.errors import ExperimentError, ResultsError
from mprunner.executors import Executor, Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor
from mprunner.journal import Header, Journal, read_journal
from mprunner.orphans import Orphan, find_orphans
from mprunner.plan import PlainSchedule, Plan, Schedule, make_plan
from mprunner.records import Status
from mprunner.registry import BUILT_IN_EXECUTOR, RegisteredScenario, Registry, load_registry
from mprunner.results import RunFolder, create_run_folder
from mprunner.spec import Experiment, read_experiment

if TYPE_CHECKING:
    import pandas as pd

    from mprunner.tables import Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An experiment that is ready to be executed; nothing has been started or written.

    Attributes:
        registry: the plugins found.
        experiment: what the file says.
        scenario: the scenario that it names.
        plan: all of its trials.
    """

    registry: Registry
    experiment: Experiment
    scenario: RegisteredScenario
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A run whose trials have been executed, or that was interrupted.

    Attributes:
        folder: its folder.
        run: the content of its run.json.
        done: how many attempts ended, one that was cancelled aside.
        failures: how many of them ended in another status than ok.
        hook_errors: what plugins' hooks raised; it stopped nothing.
    """

    folder: RunFolder
    run: Mapping[str, Any]
    done: int
    failures: int
    hook_errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabled:
    """A run's tables, as frames.

    Attributes:
        header: the journal's header.
        frames: trials, actors, outcomes and samples.
        summary: case × metric.
    """

    header: Header
    frames: "Frames"
    summary: "pd.DataFrame"


def prepare(file: Path, plugins: Sequence[Path] = ()) -> Prepared:
    """Read an experiment, find its scenario, plan its trials.

    Raises:
        ExperimentError: the file, or what it says, is wrong.
        PluginError: the plugin that it needs is broken.
        NothingSelectedError: its plan is empty.
    """
    registry = load_registry(plugins)
    experiment = read_experiment(file, lambda name: registry.scenario(name).params_type)
    scenario = registry.scenario(experiment.scenario)
    plan = make_plan(experiment, scenario.declaration, scenario.params_type, cpus=len(usable_cpus()))
    return Prepared(registry=registry, experiment=experiment, scenario=scenario, plan=plan)


def executor_for(prepared: Prepared, name: str = BUILT_IN_EXECUTOR) -> Executor:
    """Make the executor of that name.

    Raises:
        ExperimentError: there is none.
    """
    plugin = prepared.scenario.plugin
    source = ScenarioSource(
        module=prepared.scenario.cls.__module__,
        qualname=prepared.scenario.cls.__qualname__,
        files={plugin.module: plugin.file} if plugin.file else {},
        isolation=prepared.experiment.isolation,
    )
    factories: Mapping[str, Callable[[ScenarioSource], Executor]] = prepared.registry.executors
    if name == BUILT_IN_EXECUTOR:
        return LocalExecutor(source)
    if name not in factories:
        known = ", ".join(sorted({BUILT_IN_EXECUTOR, *factories}))
        raise ExperimentError(f"there is no executor {name!r}", f"known: {known}")
    return factories[name](source)


def execute(
    prepared: Prepared,
    executor: Executor,
    results: Path,
    interrupt: Interrupt,
    *,
    beside_orphans: bool = False,
    warn: Callable[[str, str], None] = lambda message, hint: None,
) -> Executed:
    """Execute every trial of the plan; each record is safe in the journal before the next trial begins.

    Args:
        prepared: the experiment and its plan.
        executor: what executes the trials.
        results: the folder that holds a folder for every run.
        interrupt: ends the run early.
        beside_orphans: whether to put up with processes that an earlier run left.
        warn: is called with what a person should know before the first trial, and a hint.

    Raises:
        OrphansError: an earlier run left processes; nothing has been started or written.
        PluginError: the worker can't import the scenario; nothing has been written.
        ResultsError: the results can't be written; what the journal holds is kept.
    """
    tell = _Teller(prepared.registry)
    orphans = find_orphans(refuse=not beside_orphans)
    try:
        executor.start()
        for message, hint in executor.warnings:
            warn(message, hint)
        folder = create_run_folder(results, prepared.experiment.name, prepared.experiment.source)
        run = _describe_run(prepared, executor, folder, orphans, tell.facts())
        schedule = PlainSchedule(prepared.plan, stop_on_failure=prepared.experiment.on_failure == "stop")
        # The journal's lock is what tells a run that goes on from one whose runner is gone: it comes first.
        with _journal(folder, prepared) as journal:
            folder.write_run(run)
            folder.point_latest()
            tell.all("mprunner_run_started", run=run, planned=len(prepared.plan))
            done, failures = _execute_all(
                schedule, executor, folder, journal, interrupt, tell, len(prepared.plan)
            )
    finally:
        executor.close()
    state = "interrupted" if interrupt.signal is not None and done < len(prepared.plan) else "finished"
    run |= {
        "state": state,
        "verdict": None if state == "interrupted" else "failed" if failures else "passed",
        "done": done,
        "failures": failures,
        "finished_at": _now(),
        "load_at_end": load_average(),
    }
    folder.write_run(run)
    return Executed(
        folder=folder,
        run=run,
        done=done,
        failures=failures,
        hook_errors=tuple(tell.errors),
    )


def _execute_all(
    schedule: Schedule,
    executor: Executor,
    folder: RunFolder,
    journal: Journal,
    interrupt: Interrupt,
    tell: "_Teller",
    planned: int,
) -> tuple[int, int]:
    done = failures = 0
    while interrupt.signal is None and (attempt := schedule.next()) is not None:
        journal.started(attempt)
        record = executor.execute(attempt, folder.logs, interrupt)
        journal.ended(record)
        schedule.feed(record)
        done += record.status is not Status.CANCELLED
        failures += record.status not in (Status.OK, Status.CANCELLED)
        tell.all("mprunner_trial_finished", record=record, done=done, planned=planned)
    return done, failures


def tabulate(folder: RunFolder) -> Tabled:
    """Derive a run's tables from its journal.

    Raises:
        ResultsError: the journal can't be read, or is damaged.
    """
    # pandas takes longer to import than most trials: not before all of them have been executed.
    from mprunner.analysis.summary import summarise  # noqa: PLC0415
    from mprunner.tables import build_frames  # noqa: PLC0415

    journaled = read_journal(folder.journal)
    frames = build_frames(journaled)
    return Tabled(header=journaled.header, frames=frames, summary=summarise(frames, journaled.header))


def write_tables(folder: RunFolder, tabled: Tabled) -> None:
    """Write a run's tables; each is replaced whole or not at all.

    Raises:
        ResultsError: a table can't be written.
    """
    from mprunner.tables import write_csv  # noqa: PLC0415 - as above

    frames = tabled.frames
    tables = {
        "trials": frames.trials,
        "actors": frames.actors,
        "outcomes": frames.outcomes,
        "samples": frames.samples,
        "summary": tabled.summary,
    }
    for name, frame in tables.items():
        if frame is not None:
            write_csv(frame, folder.path / f"{name}.csv")


def finish(prepared: Prepared, executed: Executed) -> tuple[str, ...]:
    """Tell the plugins that the run's tables are written; return what their hooks raised."""
    tell = _Teller(prepared.registry)
    tell.all("mprunner_run_finished", run=executed.run, folder=str(executed.folder.path))
    return tuple(tell.errors)


class _Teller:
    """Calls hooks, each plugin's by itself: one that raises is noted, and stops neither the run nor the others."""

    def __init__(self, registry: Registry) -> None:
        self.errors: list[str] = []
        self._manager = registry.manager
        self._callers: dict[str, list[tuple[str, Any]]] = {}

    def all(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call a hook of every plugin; return the answers with the plugins' names."""
        answers = []
        for name, caller in self._of(hook):
            try:
                given = {key: copy.deepcopy(v) if isinstance(v, dict) else v for key, v in arguments.items()}
                answers += [(name, answer) for answer in caller(**given)]
            except (Exception, SystemExit) as error:  # a plugin's code can raise anything
                self._note(name, hook, f"{type(error).__name__}: {error}")
        return answers

    def facts(self) -> dict[str, Any]:
        """Return what plugins say of the machine, by plugin; what JSON can't hold is left out and noted."""
        facts = {}
        for name, answer in self.all("mprunner_environment"):
            try:
                facts[name] = json.loads(json.dumps(answer, allow_nan=False))
            except (TypeError, ValueError, RecursionError) as error:
                self._note(name, "mprunner_environment", f"its answer is no JSON: {error}")
        return facts

    def _of(self, hook: str) -> list[tuple[str, Any]]:
        if hook not in self._callers:
            implementations = getattr(self._manager.hook, hook).get_hookimpls()
            plugins = [implementation.plugin for implementation in implementations]
            self._callers[hook] = [
                (
                    str(self._manager.get_name(plugin)),
                    self._manager.subset_hook_caller(
                        hook, [other for other in plugins if other is not plugin]
                    ),
                )
                for plugin in reversed(plugins)
            ]
        return self._callers[hook]

    def _note(self, plugin: str, hook: str, what: str) -> None:
        message = f"{plugin}: {hook}: {what}"
        if message not in self.errors:
            self.errors.append(message)


def _journal(folder: RunFolder, prepared: Prepared) -> Journal:
    """Begin the run's journal; if that can't be done, nothing of the run is left."""
    try:
        return Journal.create(folder.journal, _header(prepared, folder))
    except ResultsError:
        folder.remove()
        raise


def _header(prepared: Prepared, folder: RunFolder) -> Header:
    return Header(
        format=1,
        run_id=folder.run_id,
        experiment=prepared.experiment.to_json(),
        declaration=prepared.scenario.declaration,
        planned=len(prepared.plan),
        python=platform.python_version(),
        host=socket.gethostname(),
    )


def _describe_run(
    prepared: Prepared,
    executor: Executor,
    folder: RunFolder,
    orphans: Sequence[Orphan],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "run_id": folder.run_id,
        "experiment": prepared.experiment.name,
        "scenario": prepared.experiment.scenario,
        "state": "running",
        "verdict": None,
        "done": 0,
        "failures": 0,
        "started_at": _now(),
        "finished_at": None,
        "planned": len(prepared.plan),
        "seed": prepared.experiment.seed,
        "argv": sys.argv,
        "containment": executor.containment,
        "isolation": executor.isolation,
        "beside_orphans": [asdict(orphan) for orphan in orphans],
        "plugin": asdict(prepared.scenario.plugin),
        "load_at_start": load_average(),
        "load_at_end": None,
        **describe_environment(),
        "extra": extra,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
