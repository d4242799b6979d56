"""A run, stage by stage: prepare → started → new or reopened run → execute → finish.

Whoever calls it prepares the experiment first, and finishes last, when the journal is closed: an interrupt that came
in between is known by then.

    prepare   an experiment's file → its plan                          workflow/prepare.py, workflow/resume.py
    started   an executor, ready to execute the plan's scenario        workflow/execute.py
    new_run   a run's folder, with its journal and run.json            workflow/execute.py
    execute   schedule → executor → record → journal, until the end    workflow/execute.py
    finish    journal → tables → verdict, and the plugins know it      workflow/tabulate.py, workflow/finish.py
"""

from pathlib import Path

from mprunner.executors import Executor, schedule_for
from mprunner.signals import Interrupt
from mprunner.workflow.execute import (
    Executed,
    Warn,
    adaptive_of,
    execute,
    executor_for,
    ignore,
    new_run,
    started,
)
from mprunner.workflow.finish import finish
from mprunner.workflow.prepare import Prepared, prepare
from mprunner.workflow.resume import Rest, continued, mark_finished, prepare_rest, reopened

__all__ = ["executor_for", "finish", "mark_finished", "prepare", "prepare_rest", "reopened", "resume", "run"]


def run(
    prepared: Prepared,
    executor: Executor,
    results: Path,
    interrupt: Interrupt,
    *,
    beside_orphans: bool = False,
    warn: Warn = ignore,
) -> Executed:
    """Execute every trial of a plan.

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
        ExperimentError: what the scenario sets up has failed; nothing has been written.
        ResultsError: the results can't be written; what the journal holds is kept.
    """
    adaptive = adaptive_of(prepared.experiment, len(prepared.plan), prepared.baseline)
    schedule = schedule_for(
        prepared.experiment,
        prepared.rules,
        prepared.plan,
        adaptive=adaptive,
        relevance=prepared.relevance,
        cases=len(prepared.plan.cases),
    )
    with (
        started(prepared, executor, interrupt, beside_orphans=beside_orphans, warn=warn) as session,
        new_run(prepared, session, results) as begun,
    ):
        return execute(schedule, session, begun, interrupt)


def resume(
    rest: Rest,
    executor: Executor,
    interrupt: Interrupt,
    *,
    beside_orphans: bool = False,
    warn: Warn = ignore,
) -> Executed:
    """Execute what is missing of a run, then let other runners have it; see :func:`run`."""
    prepared, earlier = rest.prepared, rest.reopened
    schedule = schedule_for(
        prepared.experiment,
        prepared.rules,
        rest,
        earlier.lost(),
        earlier.adaptive,
        prepared.relevance,
    )
    with (
        earlier.journal,
        started(prepared, executor, interrupt, beside_orphans=beside_orphans, warn=warn) as session,
    ):
        return execute(schedule, session, continued(rest, session), interrupt)
