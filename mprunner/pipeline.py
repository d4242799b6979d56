"""The stages of a run, in order: experiment → plan → schedule → executor → records → journal → tables → summary."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mprunner.cgroups import cpu_quota
from mprunner.describing import Started, conclusion, describe_run, header_of, spared_of
from mprunner.environment import (
    asked_git,
    quota_warning,
)
from mprunner.errors import ExperimentError, ResultsError
from mprunner.executors import Executor, Interrupt, ScenarioSource
from mprunner.executors.launching import Launcher
from mprunner.executors.local import LocalExecutor
from mprunner.expected import Rules
from mprunner.journal import Header, Journal
from mprunner.journal_reading import Reading
from mprunner.narrowing import Narrowing
from mprunner.orphans import find_orphans
from mprunner.preparing import Prepared, cpus_of
from mprunner.records import Status
from mprunner.registry import BUILT_IN_EXECUTOR, Registry
from mprunner.results import RunFolder, create_run_folder
from mprunner.schedule import Schedule, schedule_for
from mprunner.spec import Experiment
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
    narrowing = narrowing_of(prepared.experiment, len(prepared.plan))
    try:
        started = start(executor, prepared.experiment, beside_orphans=beside_orphans, warn=warn)
        folder = _create_folder(results, prepared.experiment)
        run = describe_run(prepared, executor, folder, started, tell.facts())
        # The journal's lock is what tells a run that goes on from one whose runner is gone: it comes first.
        with _journal(folder, prepared) as journal:
            work = Work(
                folder=folder,
                journal=journal,
                run=run,
                schedule=schedule_for(
                    prepared.experiment, prepared.rules, prepared.plan, narrowing=narrowing
                ),
                planned=len(prepared.plan),
            )
            folder.write_run(run)
            folder.point_latest()
            return carry_out(work, executor, interrupt, tell)
    finally:
        executor.close()


def narrowing_of(experiment: Experiment, planned: int) -> Narrowing | None:
    """Return what says when a case has enough repeats, for a run without records; None where all are executed.

    Args:
        experiment: says when that is.
        planned: how many trials its plan has.
    """
    if experiment.until is None:
        return None
    # numpy takes as long to import as many trials, and a part of it is imported by its first use: only where it is
    # needed, and before the first trial.
    from mprunner.analysis.statistics import precision  # noqa: PLC0415

    precision([0.0] * experiment.until.least)
    cases = planned // (experiment.repeats + experiment.warmup)
    return Narrowing(experiment.until, experiment.repeats, precision, cases)


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
    try:
        done, failures = _execute_all(work, executor, interrupt, tell)
        ended = conclusion(done, failures, work.planned - work.schedule.spared, interrupt)
        run = {**work.run, **ended, **spared_of(work.run, work.schedule.spared)}
        work.folder.write_run(run)
    except ResultsError as error:
        rest = f"`mprunner resume {work.folder.path}` executes the rest"
        raise ResultsError(error.message, f"{error.hint}; then {rest}" if error.hint else rest) from error
    return Executed(folder=work.folder, run=run, done=done, failures=failures, hook_errors=tuple(tell.errors))


def _execute_all(work: Work, executor: Executor, interrupt: Interrupt, tell: Teller) -> tuple[int, int]:
    journal, schedule, logs = work.journal, work.schedule, work.folder.logs
    done, failures, planned = work.done, work.failures, work.planned
    attempt = schedule.next()
    tell.all("mprunner_run_started", run=dict(work.run), planned=planned - schedule.spared, following=attempt)
    while interrupt.signal is None and attempt is not None:
        journal.started(attempt)
        record = executor.execute(attempt, logs, interrupt)
        journal.ended(record)
        if schedule.feed(record):
            done += 1
            failures += record.status is not Status.OK
        attempt = schedule.next()
        tell.all(
            "mprunner_trial_finished",
            record=record,
            done=done,
            planned=planned - schedule.spared,
            following=attempt,
        )
    return done, failures


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


def settle(executed: Executed, registry: Registry) -> Settled:
    """Write a run's tables and its verdict, and tell the plugins that they are there.

    Args:
        executed: the run.
        registry: the plugins to be told.

    Raises:
        ResultsError: they can't be written, or the journal can't be read.
    """
    tabled = write_tables(executed.folder)
    run = settle_verdict(executed.folder, executed.run, tabled)
    tell = Teller(registry)
    tell.all("mprunner_run_finished", run=run, folder=str(executed.folder.path))
    judged_errors = tell_judged(registry, executed.folder, run, tabled)
    return Settled(tabled=tabled, run=run, hook_errors=(*executed.hook_errors, *tell.errors, *judged_errors))


def _create_folder(results: Path, experiment: Experiment) -> RunFolder:
    resolved = experiment.to_json() if experiment.overrides or experiment.only else None
    return create_run_folder(results, experiment.name, experiment.source, resolved)


def tell_judged(
    registry: Registry, folder: RunFolder, run: Mapping[str, Any], tabled: Tabled
) -> tuple[str, ...]:
    """Tell the plugins what a run came to; return what their hooks raised."""
    from mprunner.analysis.cases import cases_of  # noqa: PLC0415 - as above

    tell = Teller(registry)
    tell.all(
        "mprunner_run_judged",
        run=dict(run),
        folder=str(folder.path),
        verdict=tabled.judgement.to_json(),
        cases=cases_of(tabled.frames),
    )
    return tuple(tell.errors)


def _journal(folder: RunFolder, prepared: Prepared) -> Journal:
    """Begin the run's journal; if that can't be done, nothing of the run is left."""
    try:
        return Journal.create(folder.journal, header_of(prepared, folder))
    except ResultsError:
        folder.remove()
        raise
