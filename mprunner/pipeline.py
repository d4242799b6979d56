"""The stages of a run, in order: experiment → plan → schedule → executor → records → journal → tables → summary."""

import platform
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mprunner.cgroups import cpu_quota
from mprunner.conditions import conditions
from mprunner.environment import (
    GitState,
    asked_git,
    bindable_cpus,
    describe_environment,
    load_average,
    machine_counters,
    quota_warning,
    usable_cpus,
    utc_now,
)
from mprunner.errors import ExperimentError, ResultsError
from mprunner.executors import Executor, Interrupt, ScenarioSource
from mprunner.executors.launching import Launcher
from mprunner.executors.local import LocalExecutor
from mprunner.expected import Rules
from mprunner.journal import Header, Journal
from mprunner.journal_reading import Reading
from mprunner.orphans import Orphan, find_orphans
from mprunner.plan import Plan, make_plan
from mprunner.records import Status
from mprunner.registry import BUILT_IN_EXECUTOR, RegisteredScenario, Registry, load_registry
from mprunner.results import RunFolder, create_run_folder
from mprunner.schedule import Schedule, schedule_for
from mprunner.spec import NOTHING, Asked, Experiment, read_experiment
from mprunner.teller import Teller

if TYPE_CHECKING:
    import pandas as pd

    from mprunner.analysis.judging import Judgement
    from mprunner.tables import Begin, Frames

T = TypeVar("T")

Warn = Callable[[str, str], None]
"""Is called with what a person should know before the first trial, and a hint."""


def ignore(message: str, hint: str) -> None:
    """Warn no one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An experiment that is ready to be executed; nothing has been started or written.

    Attributes:
        registry: the plugins found.
        experiment: what the file says.
        scenario: the scenario that it names.
        plan: all of its trials.
        cpus: how many CPUs ``cpu_count`` means.
    """

    registry: Registry
    experiment: Experiment
    scenario: RegisteredScenario
    plan: Plan
    cpus: int

    @property
    def rules(self) -> Rules:
        """What the experiment expects, ``cpu_count`` resolved."""
        return self.experiment.rules.resolved(self.scenario.declaration.params, self.cpus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What was found when an executor was started.

    Attributes:
        orphans: processes that an earlier run left.
        git: the state of the repository that the experiment's file is in.
    """

    orphans: tuple[Orphan, ...]
    git: GitState


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A run that is about to be executed, or the rest of one.

    Attributes:
        folder: its folder.
        journal: where its records go.
        run: the content of its run.json.
        schedule: what is to be executed.
        planned: how many trials the whole run has.
        done: how many of them are settled already.
        failures: how many of those ended in another status than ok.
    """

    folder: RunFolder
    journal: Journal
    run: Mapping[str, Any]
    schedule: Schedule
    planned: int
    done: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A run whose trials have been executed, or that was interrupted or stopped.

    Attributes:
        folder: its folder.
        run: the content of its run.json.
        done: how many trials are settled: ended in a status that is final.
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
    """What a run came to; its tables of actors and samples are elsewhere.

    Attributes:
        header: the journal's header.
        frames: trials and outcomes.
        summary: case × metric.
        judgement: what they came to, by what the experiment expects.
    """

    header: Header
    frames: "Frames"
    summary: "pd.DataFrame"
    judgement: "Judgement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A run whose tables and verdict are written.

    Attributes:
        tabled: its tables.
        run: the content of its run.json.
        hook_errors: what plugins' hooks raised; it stopped nothing.
    """

    tabled: Tabled
    run: Mapping[str, Any]
    hook_errors: tuple[str, ...]


def prepare(
    file: Path,
    plugins: Sequence[Path] = (),
    asked: Asked = NOTHING,
    *,
    strict: bool = False,
    registry: Registry | None = None,
) -> Prepared:
    """Read an experiment, find its scenario, plan its trials.

    Args:
        file: the experiment.
        plugins: files given by ``--plugin``.
        asked: what was said of the experiment beside its file.
        strict: whether the scenario must not refuse a combination.
        registry: the plugins, where they were loaded already.

    Raises:
        ExperimentError: the file, or what it says, is wrong; if ``strict``, the scenario refuses a combination.
        PluginError: the plugin that it needs is broken.
        NothingSelectedError: its plan is empty.
    """
    registry = registry or load_registry(plugins)
    experiment = read_experiment(file, registry.scenario, asked, bindable_cpus())
    scenario = registry.scenario(experiment.scenario)
    cpus = len(cpus_of(experiment))
    plan = make_plan(experiment, scenario.declaration, scenario.params_type, cpus, strict=strict)
    return Prepared(registry=registry, experiment=experiment, scenario=scenario, plan=plan, cpus=cpus)


def cpus_of(experiment: Experiment) -> list[int]:
    """Return the numbers of the CPUs that a worker may use: those that the experiment names, or else all."""
    return usable_cpus() if experiment.cpus is None else list(experiment.cpus)


def executor_for(
    prepared: Prepared, name: str = BUILT_IN_EXECUTOR, launcher: Launcher | None = None
) -> Executor:
    """Make the executor of that name; the built-in one begins with ``launcher``, if that is given.

    Raises:
        ExperimentError: there is none.
    """
    plugin = prepared.scenario.plugin
    source = ScenarioSource(
        module=prepared.scenario.cls.__module__,
        qualname=prepared.scenario.cls.__qualname__,
        files={plugin.module: plugin.file} if plugin.file else {},
        isolation=prepared.experiment.isolation,
        cpus=prepared.experiment.cpus,
        limits=prepared.experiment.limits,
    )
    factories: Mapping[str, Callable[[ScenarioSource], Executor]] = prepared.registry.executors
    if name == BUILT_IN_EXECUTOR:
        return LocalExecutor(source, launcher=launcher)
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
    warn: Warn = ignore,
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
    tell = Teller(prepared.registry)
    try:
        started = start(executor, prepared.experiment, beside_orphans=beside_orphans, warn=warn)
        folder = _create_folder(results, prepared.experiment)
        run = _describe_run(prepared, executor, folder, started, tell.facts())
        # The journal's lock is what tells a run that goes on from one whose runner is gone: it comes first.
        with _journal(folder, prepared) as journal:
            work = Work(
                folder=folder,
                journal=journal,
                run=run,
                schedule=schedule_for(prepared.experiment, prepared.rules, prepared.plan),
                planned=len(prepared.plan),
            )
            folder.write_run(run)
            folder.point_latest()
            return carry_out(work, executor, interrupt, tell)
    finally:
        executor.close()


def start(executor: Executor, experiment: Experiment, *, beside_orphans: bool, warn: Warn) -> Started:
    """Start an executor, beside no process of an earlier run unless that is wanted.

    Raises:
        OrphansError: an earlier run left processes; nothing has been started.
        PluginError: the worker can't import the scenario.
    """
    orphans = find_orphans(refuse=not beside_orphans)
    quota = quota_warning(cpu_quota(), len(cpus_of(experiment)))
    with asked_git(Path(experiment.path).parent) as git:
        executor.start()
        state = git()
    for message, hint in (*executor.warnings, *([quota] if quota else [])):
        warn(message, hint)
    return Started(orphans=orphans, git=state)


def carry_out(work: Work, executor: Executor, interrupt: Interrupt, tell: Teller) -> Executed:
    """Execute what is left of a run with an executor that has been started.

    Raises:
        ResultsError: the results can't be written; what the journal holds is kept.
    """
    tell.all("mprunner_run_started", run=dict(work.run), planned=work.planned)
    try:
        done, failures = _execute_all(work, executor, interrupt, tell)
        run = {**work.run, **conclusion(done, failures, work.planned, interrupt)}
        work.folder.write_run(run)
    except ResultsError as error:
        rest = f"`mprunner resume {work.folder.path}` executes the rest"
        raise ResultsError(error.message, f"{error.hint}; then {rest}" if error.hint else rest) from error
    return Executed(folder=work.folder, run=run, done=done, failures=failures, hook_errors=tuple(tell.errors))


def _execute_all(work: Work, executor: Executor, interrupt: Interrupt, tell: Teller) -> tuple[int, int]:
    journal, schedule, logs = work.journal, work.schedule, work.folder.logs
    done, failures = work.done, work.failures
    while interrupt.signal is None and (attempt := schedule.next()) is not None:
        journal.started(attempt)
        record = executor.execute(attempt, logs, interrupt)
        journal.ended(record)
        if schedule.feed(record):
            done += 1
            failures += record.status is not Status.OK
        tell.all("mprunner_trial_finished", record=record, done=done, planned=work.planned)
    return done, failures


def conclusion(done: int, failures: int, planned: int, interrupt: Interrupt) -> dict[str, Any]:
    """Return what run.json says of how a run ended, once ``done`` trials are settled; the verdict is left open."""
    state = "finished"
    if done < planned:
        state = "stopped" if interrupt.signal is None else "interrupted"
    return {
        "state": state,
        "done": done,
        "failures": failures,
        "finished_at": utc_now(),
        "load_at_end": load_average(),
        "counters_at_end": machine_counters(),
    }


def tabulate(folder: RunFolder, rules: Rules | None = None, begin: "Begin | None" = None) -> Tabled:
    """Derive what a run came to, and its verdict, from its journal.

    Args:
        folder: the run.
        rules: what it is judged by; without them, what it was judged by last, else what its experiment expects.
        begin: begins the tables of actors and samples, which are not made without it.

    Raises:
        ResultsError: the journal can't be read, or is damaged.
    """
    # pandas takes longer to import than most trials: not before all of them have been executed.
    from mprunner.analysis.judging import judge  # noqa: PLC0415
    from mprunner.analysis.outcomes import judged_outcomes  # noqa: PLC0415
    from mprunner.analysis.summary import summarise  # noqa: PLC0415
    from mprunner.tables import build_frames, forget  # noqa: PLC0415

    in_hand = folder.is_held()  # then an attempt without an end is not lost: it is being executed
    reading = Reading(folder.journal)
    frames = build_frames(reading, () if in_hand else reading.cut_off(), begin or forget)
    header = reading.header
    judgement = judge(frames, rules or folder.read_rules() or header.rules)
    return Tabled(
        header=header,
        frames=replace(frames, outcomes=judged_outcomes(frames.outcomes, judgement.states)),
        summary=summarise(frames, header),
        judgement=judgement,
    )


def settle_verdict(folder: RunFolder, run: Mapping[str, Any], tabled: Tabled) -> dict[str, Any]:
    """Store the verdict of a run that has ended; return its run.json. That of an interrupted run stays open.

    Raises:
        ResultsError: it can't be written.
    """
    if run["state"] not in ("finished", "stopped"):
        return dict(run)
    folder.write_verdict(tabled.judgement.to_json())
    settled = {**run, "verdict": tabled.judgement.verdict}
    folder.write_run(settled)
    return settled


def write_tables(folder: RunFolder, rules: Rules | None = None) -> Tabled:
    """Write a run's tables, and datapackage.json that describes them; each file is replaced whole or not at all.

    Args:
        folder: the run.
        rules: what it is judged by, as for :func:`tabulate`.

    Raises:
        ResultsError: the journal can't be read, or is damaged; or a table can't be written.
    """
    from mprunner.csv_files import write_csv  # noqa: PLC0415 - as above
    from mprunner.datapackage import write_package  # noqa: PLC0415 - as above
    from mprunner.spool import Spools  # noqa: PLC0415 - as above

    with Spools(folder.path) as spools:
        tabled = tabulate(folder, rules, spools)
        own = {name: partial(write_csv, frame) for name, frame in _frames_of(tabled).items()}
        write_package(folder.path, tabled.header, _ordered({**own, **spools.writers(tabled.frames.kept)}))
    return tabled


def whole_tables(folder: RunFolder) -> "dict[str, pd.DataFrame]":
    """Return all tables of a run as frames, by the names of their files.

    Raises:
        ResultsError: the journal can't be read, or is damaged.
    """
    from mprunner.tables import Collector  # noqa: PLC0415 - as above

    collector = Collector()
    tabled = tabulate(folder, begin=collector)
    return _ordered({**_frames_of(tabled), **collector.frames(tabled.frames.kept)})


def _frames_of(tabled: Tabled) -> "dict[str, pd.DataFrame]":
    frames = tabled.frames
    return {"trials": frames.trials, "outcomes": frames.outcomes, "summary": tabled.summary}


def _ordered(tables: Mapping[str, T]) -> dict[str, T]:
    names = ("trials", "actors", "outcomes", "samples", "summary")
    return {name: tables[name] for name in names if name in tables}


def settle(executed: Executed, registry: Registry | None) -> Settled:
    """Write a run's tables and its verdict, and tell the plugins that they are there.

    Args:
        executed: the run.
        registry: the plugins to be told; None where nothing was executed.

    Raises:
        ResultsError: they can't be written, or the journal can't be read.
    """
    tabled = write_tables(executed.folder)
    run = settle_verdict(executed.folder, executed.run, tabled)
    errors = list(executed.hook_errors)
    if registry is not None:
        tell = Teller(registry)
        tell.all("mprunner_run_finished", run=run, folder=str(executed.folder.path))
        errors += tell.errors
    return Settled(tabled=tabled, run=run, hook_errors=tuple(errors))


def _create_folder(results: Path, experiment: Experiment) -> RunFolder:
    resolved = experiment.to_json() if experiment.overrides or experiment.only else None
    return create_run_folder(results, experiment.name, experiment.source, resolved)


def _journal(folder: RunFolder, prepared: Prepared) -> Journal:
    """Begin the run's journal; if that can't be done, nothing of the run is left."""
    try:
        return Journal.create(folder.journal, _header(prepared, folder))
    except ResultsError:
        folder.remove()
        raise


def _header(prepared: Prepared, folder: RunFolder) -> Header:
    return Header(
        run_id=folder.run_id,
        experiment=prepared.experiment.to_json(),
        declaration=prepared.scenario.declaration,
        planned=len(prepared.plan),
        python=platform.python_version(),
        host=socket.gethostname(),
        cpus=prepared.cpus,
        plugin_file=prepared.scenario.plugin.file,
        conditions=conditions_of(prepared.scenario),
    )


def conditions_of(scenario: RegisteredScenario) -> dict[str, str]:
    """Describe the code of a scenario and the Python that executes it, as this process has them."""
    plugin = scenario.plugin
    name = str(plugin) if plugin.file is None else "a file"
    elsewhere = scenario.cls.__module__
    return conditions(name, plugin.source_hash, elsewhere if elsewhere != plugin.module else None)


def _describe_run(
    prepared: Prepared,
    executor: Executor,
    folder: RunFolder,
    started: Started,
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
        "finished_at": None,
        "planned": len(prepared.plan),
        "seed": prepared.experiment.seed,
        "load_at_end": None,
        "counters_at_end": None,
        **describe_session(prepared, executor, started, extra),
    }


def describe_session(
    prepared: Prepared, executor: Executor, started: Started, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe how and where one invocation of mprunner executes trials, for run.json."""
    return {
        "started_at": utc_now(),
        "argv": sys.argv,
        "containment": executor.containment,
        "isolation": executor.isolation,
        "cpus": cpus_of(prepared.experiment),
        "beside_orphans": [asdict(orphan) for orphan in started.orphans],
        "plugin": asdict(prepared.scenario.plugin),
        "load_at_start": load_average(),
        "counters_at_start": machine_counters(),
        **describe_environment(),
        "git": started.git,
        "extra": extra,
    }
