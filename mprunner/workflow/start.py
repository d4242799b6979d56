"""The stage between a plan and its first trial: an executor is started, and says where trials will be executed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from mprunner.errors import ExperimentError
from mprunner.executors import Executor, Launcher, LocalExecutor, ScenarioSource, find_orphans
from mprunner.plugins.notify import Notifier
from mprunner.plugins.registry import BUILT_IN_EXECUTOR
from mprunner.runs import asked_git, cpu_quota, describe_session, quota_warning
from mprunner.workflow.prepare import Prepared, cpus_of

Warn = Callable[[str, str], None]
"""Is called with what a person should know before the first trial, and a hint."""


def ignore(message: str, hint: str) -> None:
    """Warn no one."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One invocation of mprunner that is ready to execute trials.

    Attributes:
        executor: executes them, and has been started.
        notifier: calls the plugins' hooks.
        facts: what run.json says of this invocation.
    """

    executor: Executor
    notifier: Notifier
    facts: Mapping[str, Any]


@contextmanager
def started(
    prepared: Prepared, executor: Executor, *, beside_orphans: bool = False, warn: Warn = ignore
) -> Iterator[Started]:
    """Start an executor, beside no process of an earlier run unless that is wanted; close it in the end.

    Raises:
        OrphansError: an earlier run left processes; nothing has been started.
        PluginError: the worker can't import the scenario.
    """
    notifier = Notifier(prepared.registry)
    cpus = cpus_of(prepared.experiment)
    try:
        orphans = find_orphans(refuse=not beside_orphans)
        quota = quota_warning(cpu_quota(), len(cpus))
        # The tables need numpy after the last trial; the launcher takes as long to import the scenario.
        with asked_git(Path(prepared.experiment.path).parent) as git, _imported_meanwhile("numpy"):
            executor.start()
            state = git()
        for message, hint in (*executor.warnings, *([quota] if quota else [])):
            warn(message, hint)
        facts = describe_session(
            containment=executor.containment,
            isolation=executor.isolation,
            cpus=cpus,
            orphans=[asdict(orphan) for orphan in orphans],
            plugin=asdict(prepared.scenario.plugin),
            git=state,
            extra=notifier.facts(),
        )
        yield Started(executor=executor, notifier=notifier, facts=facts)
    finally:
        executor.close()


@contextmanager
def _imported_meanwhile(module: str) -> Iterator[None]:
    """Import a module in a thread while the body waits for something else; it is there in the end."""
    thread = Thread(target=import_module, args=(module,))
    thread.start()
    try:
        yield
    finally:
        thread.join()
