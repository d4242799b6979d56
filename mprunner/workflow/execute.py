"""The stages between the plan and the tables: an executor is started, a run's folder is made, and trial by trial each
record is in the journal before the next trial begins.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from mprunner.errors import ExperimentError, ResultsError
from mprunner.executors import (
    Executor,
    Launcher,
    LocalExecutor,
    ScenarioSource,
    Schedule,
    VariantError,
    find_orphans,
)
from mprunner.model.adaptive import AdaptiveRepeats
from mprunner.model.experiment import Experiment
from mprunner.model.fastest import FastestSearch
from mprunner.model.provenance import SourceWatch
from mprunner.model.records import Status
from mprunner.plugins.registry import BUILT_IN_EXECUTOR, Notifier
from mprunner.runs import (
    FrequencyWatch,
    Journal,
    RunFolder,
    RunGoneError,
    RunInfo,
    asked_git,
    cpu_quota,
    create_run_folder,
    describe_session,
    quota_warning,
)
from mprunner.signals import Interrupt
from mprunner.values import Scalar
from mprunner.workflow.prepare import Prepared, cpus_of
from mprunner.workflow.set_up import set_up

Warn = Callable[[str, str], None]
"""Is called with what a person should know before the first trial, and a hint."""


def ignore(message: str, hint: str) -> None:
    """Warn no one."""


def executor_for(
    prepared: Prepared, name: str = BUILT_IN_EXECUTOR, launcher: Launcher | None = None
) -> Executor:
    """Make the executor of that name; the built-in one begins with ``launcher``, if that is given.

    Raises:
        ExperimentError: there is none, or it knows no variants and the experiment has some.
    """
    plugin, path = prepared.scenario.plugin, prepared.experiment.path
    folder = str(Path(path).absolute().parent) if path else ""
    source = ScenarioSource(
        module=prepared.scenario.cls.__module__,
        qualname=prepared.scenario.cls.__qualname__,
        files={plugin.module: plugin.file} if plugin.file else {},
        isolation=prepared.experiment.isolation,
        cpus=prepared.experiment.cpus,
        limits=prepared.experiment.limits,
        declaration=prepared.scenario.declaration,
        search=(folder,) if folder else (),
        folder=folder,
        variants=prepared.variants,
    )
    local: Callable[[ScenarioSource], Executor] = partial(LocalExecutor, launcher=launcher)
    if source.variants:
        from mprunner.executors import VariantsExecutor  # noqa: PLC0415 - most experiments have none

        local = VariantsExecutor
        if launcher is not None:
            launcher.close()  # each variant has one of its own
    factories: dict[str, Callable[[ScenarioSource], Executor]] = {
        **prepared.registry.executors,
        BUILT_IN_EXECUTOR: local,
    }
    if name not in factories:
        raise ExperimentError(f"there is no executor {name!r}", f"known: {', '.join(sorted(factories))}")
    made = factories[name](source)
    if source.variants and not hasattr(made, "variants"):
        message = prepared.experiment.placed(f"the executor {name!r} knows no variants", ("variants",))
        raise ExperimentError(message, f"`--executor {BUILT_IN_EXECUTOR}` does")
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One invocation of mprunner that is ready to execute trials.

    Attributes:
        executor: executes them, and has been started.
        notifier: calls the plugins' hooks.
        facts: what run.json says of this invocation.
        sources: of the plugin, which must not change meanwhile.
        warn: is called with what a person should know at once, and a hint.
    """

    executor: Executor
    notifier: Notifier
    facts: Mapping[str, Any]
    sources: SourceWatch
    warn: Warn


def _import_numpy() -> None:
    with suppress(Exception):  # it is told when it is needed
        import_module("numpy")


@contextmanager
def started(
    prepared: Prepared,
    executor: Executor,
    interrupt: Interrupt,
    *,
    beside_orphans: bool = False,
    warn: Warn = ignore,
) -> Iterator[Started]:
    """Start an executor, beside no process of an earlier run unless that is wanted; close it in the end.

    Raises:
        OrphansError: an earlier run left processes; nothing has been started.
        PluginError: the worker can't import the scenario.
        ExperimentError: what the scenario sets up before the first trial has failed.
    """
    notifier = Notifier(prepared.registry)
    cpus = cpus_of(prepared.experiment)
    sources = SourceWatch({prepared.scenario.plugin.module, prepared.scenario.cls.__module__})
    told = 0
    try:
        orphans = find_orphans(refuse=not beside_orphans)
        quota = quota_warning(cpu_quota(), len(cpus))
        # The tables need numpy after the last trial; the launcher takes as long to import the scenario.
        meanwhile = Thread(target=_import_numpy)
        meanwhile.start()
        try:
            with asked_git(Path(prepared.experiment.path).parent) as git:
                executor.start()
                state = git()
        except VariantError as error:
            raise ExperimentError(
                prepared.experiment.placed(error.message, error.place, error.place[:2]), error.hint
            ) from error
        finally:
            meanwhile.join()
        for message, hint in (*executor.warnings, *([quota] if quota else [])):
            warn(message, hint)
        told = len(executor.warnings)
        made = [each.to_json() for each in set_up(prepared, executor, interrupt)]
        facts = describe_session(
            containment=executor.containment,
            isolation=executor.isolation,
            cpus=cpus,
            orphans=[asdict(orphan) for orphan in orphans],
            plugin=asdict(prepared.scenario.plugin),
            git=state,
            extra=notifier.facts(),
        ) | ({"set_up": made} if made else {})
        if variants := getattr(executor, "variants", None):
            facts["variants"] = variants
        yield Started(executor=executor, notifier=notifier, facts=facts, sources=sources, warn=warn)
    finally:
        executor.close()
        for message, hint in executor.warnings[told:]:
            warn(message, hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that is about to be executed, or the rest of one; no other runner can open its journal.

    Attributes:
        folder: its folder.
        journal: where its records go.
        info: what its run.json says.
        planned: how many trials the whole run has.
        done: how many of them have their final record already.
        failures: how many of those ended in another status than ok.
    """

    folder: RunFolder
    journal: Journal
    info: RunInfo
    planned: int
    done: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A run whose trials have been executed, or that was interrupted or stopped.

    Attributes:
        folder: its folder.
        run: what its run.json says.
        done: how many trials have their final record.
        failures: how many of them ended in another status than ok.
        hook_errors: what plugins' hooks raised; it stopped nothing.
    """

    folder: RunFolder
    run: RunInfo
    done: int
    failures: int
    hook_errors: tuple[str, ...] = ()


@contextmanager
def new_run(prepared: Prepared, session: Started, results: Path) -> Iterator[OpenRun]:
    """Create the folder of a run, with its journal and its run.json; hold it against other runners.

    Raises:
        ResultsError: it can't be written; nothing of it is left.
    """
    experiment = prepared.experiment
    resolved = experiment.to_json() if experiment.overrides or experiment.only else None
    folder = create_run_folder(results, experiment.name, experiment.source, resolved)
    info = RunInfo.begun(folder.run_id, experiment, len(prepared.plan), session.facts)
    # The journal is locked first: a run whose journal is not locked counts as one whose runner is gone.
    try:
        journal = Journal.create(folder.journal, prepared.header(folder.run_id))
    except ResultsError:
        folder.remove()
        raise
    with journal:
        folder.write_run(info)
        folder.point_latest()
        yield OpenRun(folder=folder, journal=journal, info=info, planned=len(prepared.plan))


def adaptive_of(
    experiment: Experiment, planned: int, baseline: Mapping[str, Scalar]
) -> AdaptiveRepeats | None:
    """Return what says when a case has enough repeats, for a run without records; None where all are executed.

    Args:
        experiment: says when that is.
        planned: how many trials its plan has.
        baseline: what its cases are compared with, ``cpu_count`` resolved; it stays where the fastest is looked for.
    """
    if experiment.until is None:
        return None
    cases = planned // (experiment.repeats + experiment.warmup)
    if experiment.until.ci_ratio is None:
        return FastestSearch(experiment.until, experiment.repeats, cases, baseline)
    # numpy takes as long to import as many trials, and a part of it is imported by its first use: only where it is
    # needed, and before the first trial.
    from mprunner.analysis.statistics import precision  # noqa: PLC0415

    precision([0.0] * experiment.until.least)
    return AdaptiveRepeats(experiment.until, experiment.repeats, precision, cases)


def execute(schedule: Schedule, session: Started, run: OpenRun, interrupt: Interrupt) -> Executed:
    """Execute what a schedule gives, until its end or an interrupt; say in run.json how it ended.

    Raises:
        ResultsError: the results can't be written; what the journal holds is kept.
    """
    try:
        watch = FrequencyWatch(run.info.cpus)
        done, failures, changed_after = _execute_all(schedule, session, run, interrupt, watch)
        info = run.info.ended(
            done=done,
            failures=failures,
            missing=run.planned - schedule.spared - done,
            spared=schedule.spared,
            by_signal=interrupt.signal is not None,
            cpu_mhz=watch.seen(),
            source_changed_after=changed_after,
        )
        run.folder.write_run(info)
    except RunGoneError:
        raise
    except ResultsError as error:
        rest = f"`mprunner resume {run.folder.path}` executes the rest"
        raise ResultsError(error.message, f"{error.hint}; then {rest}" if error.hint else rest) from error
    errors = tuple(session.notifier.errors)
    return Executed(folder=run.folder, run=info, done=done, failures=failures, hook_errors=errors)


def _execute_all(
    schedule: Schedule, session: Started, run: OpenRun, interrupt: Interrupt, watch: FrequencyWatch
) -> tuple[int, int, int | None]:
    """Execute trials; return how many of the run's have their final record, and how many of those failed.

    The third value says how many had theirs when the plugin's source was seen to have changed.
    """
    journal, logs, notify = run.journal, run.folder.logs, session.notifier.all
    done, failures, planned = run.done, run.failures, run.planned
    changed_after = None
    attempt = schedule.next()
    notify(
        "mprunner_run_started",
        run=run.info.to_json(),
        planned=planned - schedule.spared,
        following=attempt,
    )
    while interrupt.signal is None and attempt is not None:
        journal.started(attempt)
        record = session.executor.execute(attempt, logs, interrupt)
        watch.look()
        journal.ended(record)
        if schedule.feed(record):
            done += 1
            failures += record.status is not Status.OK
        if changed_after is None and (changed := session.sources.changed()) is not None:
            changed_after = done
            session.warn(
                f"{changed} has changed while the run is executed", "what imports it from now on executes it"
            )
        attempt = schedule.next()
        notify(
            "mprunner_trial_finished",
            record=record,
            done=done,
            planned=planned - schedule.spared,
            following=attempt,
        )
    return done, failures, changed_after
