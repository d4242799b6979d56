"""The hooks of mprunner, for plugins in the entry-point group ``mprunner``.

A function is recognised by its name; :data:`hookimpl` is needed only for options such as ``tryfirst``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pluggy

from mprunner.model.records import Attempt, Record
from mprunner.scenario import Scenario

PROJECT = "mprunner"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def mprunner_register_scenarios() -> list[type[Scenario[Any, Any]]]:  # type: ignore[empty-body]
    """Return the scenario classes that this plugin provides, each defined at the top of its module."""


@hookspec
def mprunner_register_executors() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Return executors for ``mprunner run --executor NAME``: by name, what makes one from a ScenarioSource.

    :mod:`mprunner.executors` describes both.
    """


@hookspec
def mprunner_environment() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Return facts about the machine, as JSON values, to be kept in run.json under this plugin's name."""


@hookspec
def mprunner_run_started(run: Mapping[str, Any], planned: int, following: Attempt | None) -> None:
    """Learn that a run begins.

    Args:
        run: the content of its run.json.
        planned: how many trials it will have at most.
        following: what is executed first, None if nothing is.
    """


@hookspec
def mprunner_trial_finished(record: Record, done: int, planned: int, following: Attempt | None) -> None:
    """Learn that an attempt has ended and its record is safe; executed between two trials, so be quick.

    Args:
        record: what the attempt left behind.
        done: how many trials are settled.
        planned: how many there will be at most; where repeats go on until an interval is narrow, it gets less.
        following: what is executed next, None if nothing is.
    """


@hookspec
def mprunner_run_finished(run: Mapping[str, Any], folder: str) -> None:
    """Learn that a run has ended and its tables are written in ``folder``."""


@hookspec
def mprunner_run_judged(
    run: Mapping[str, Any], folder: str, verdict: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]
) -> None:
    """Learn what a run came to: when ``run`` or ``resume`` ends, and each time that ``verdict`` judges it again.

    Args:
        run: the content of its run.json; the verdict of an interrupted run is open there.
        folder: the run's.
        verdict: the content of verdict.json; of an interrupted run, what it would be so far.
        cases: for each case of which trials were executed its ``case_id``, ``label``, ``params``, ``statuses`` (how
            many trials ended in each), ``reasons`` (why trials failed, a line for each) and ``trial_wall_s`` (of all
            its trials together).
    """
