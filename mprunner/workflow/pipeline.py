"""The stages of a run: plan → schedule → executor → records → journal; prepare is before them, finish after."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from mprunner.errors import ExperimentError, ResultsError
from mprunner.executors import Executor, Interrupt, ScenarioSource
from mprunner.executors.launcher_client import Launcher
from mprunner.executors.local import LocalExecutor
from mprunner.executors.orphans import find_orphans
from mprunner.executors.schedule import Schedule, schedule_for
from mprunner.experiment import Experiment
from mprunner.model.adaptive import AdaptiveRepeats
from mprunner.model.records import Status
from mprunner.plugins.notify import Notifier
from mprunner.plugins.registry import BUILT_IN_EXECUTOR
from mprunner.runs.folder import RunFolder, create_run_folder
from mprunner.runs.journal import Journal
from mprunner.runs.machine import FrequencyWatch, asked_git, cpu_quota, quota_warning
from mprunner.workflow.prepare import Prepared, cpus_of
from mprunner.workflow.run_facts import Started, conclusion, describe_run, header_of, spared_of


@contextmanager
def imported_meanwhile(module: str) -> Iterator[None]:
    """Import a module in a thread while the body waits for something else; it is there in the end."""
    thread = Thread(target=import_module, args=(module,))
    thread.start()
    try:
        yield
    finally:
        thread.join()


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
    tell = Notifier(prepared.registry)
    adaptive = adaptive_of(prepared.experiment, len(prepared.plan))
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
                schedule=schedule_for(prepared.experiment, prepared.rules, prepared.plan, adaptive=adaptive),
                planned=len(prepared.plan),
            )
            folder.write_run(run)
            folder.point_latest()
            return carry_out(work, executor, interrupt, tell)
    finally:
        executor.close()


def adaptive_of(experiment: Experiment, planned: int) -> AdaptiveRepeats | None:
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
    return AdaptiveRepeats(experiment.until, experiment.repeats, precision, cases)


def start(executor: Executor, experiment: Experiment, *, beside_orphans: bool, warn: Warn) -> Started:
    """Start an executor, beside no process of an earlier run unless that is wanted.

    Raises:
        OrphansError: an earlier run left processes; nothing has been started.
        PluginError: the worker can't import the scenario.
    """
    orphans = find_orphans(refuse=not beside_orphans)
    quota = quota_warning(cpu_quota(), len(cpus_of(experiment)))
    # The tables need numpy after the last trial; the launcher takes as long to import the scenario.
    with asked_git(Path(experiment.path).parent) as git, imported_meanwhile("numpy"):
        executor.start()
        state = git()
    for message, hint in (*executor.warnings, *([quota] if quota else [])):
        warn(message, hint)
    return Started(orphans=orphans, git=state)


def carry_out(work: Work, executor: Executor, interrupt: Interrupt, tell: Notifier) -> Executed:
    """Execute what is left of a run with an executor that has been started.

    Raises:
        ResultsError: the results can't be written; what the journal holds is kept.
    """
    try:
        watch = FrequencyWatch(work.run["cpus"])
        done, failures = _execute_all(work, executor, interrupt, tell, watch)
        needed = work.planned - work.schedule.spared
        ended = conclusion(done, failures, needed, interrupt, watch.seen())
        run = {**work.run, **ended, **spared_of(work.run, work.schedule.spared)}
        work.folder.write_run(run)
    except ResultsError as error:
        rest = f"`mprunner resume {work.folder.path}` executes the rest"
        raise ResultsError(error.message, f"{error.hint}; then {rest}" if error.hint else rest) from error
    return Executed(folder=work.folder, run=run, done=done, failures=failures, hook_errors=tuple(tell.errors))


def _execute_all(
    work: Work, executor: Executor, interrupt: Interrupt, tell: Notifier, watch: FrequencyWatch
) -> tuple[int, int]:
    journal, schedule, logs = work.journal, work.schedule, work.folder.logs
    done, failures, planned = work.done, work.failures, work.planned
    attempt = schedule.next()
    tell.all("mprunner_run_started", run=dict(work.run), planned=planned - schedule.spared, following=attempt)
    while interrupt.signal is None and attempt is not None:
        journal.started(attempt)
        record = executor.execute(attempt, logs, interrupt)
        watch.look()
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


def _create_folder(results: Path, experiment: Experiment) -> RunFolder:
    resolved = experiment.to_json() if experiment.overrides or experiment.only else None
    return create_run_folder(results, experiment.name, experiment.source, resolved)


def _journal(folder: RunFolder, prepared: Prepared) -> Journal:
    """Begin the run's journal; if that can't be done, nothing of the run is left."""
    try:
        return Journal.create(folder.journal, header_of(prepared, folder))
    except ResultsError:
        folder.remove()
        raise
