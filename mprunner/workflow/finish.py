"""The last stage: the tables of a run and its verdict are written, and plugins learn of them."""

from dataclasses import dataclass

from mprunner.plugins.notify import Notifier
from mprunner.plugins.registry import Registry
from mprunner.runs import RunFolder, RunInfo
from mprunner.workflow.execute import Executed
from mprunner.workflow.tabulate import Tabled, store_verdict, write_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run whose tables and verdict are written.

    Attributes:
        tabled: its tables.
        run: what its run.json says.
        hook_errors: what plugins' hooks raised; it stopped nothing.
    """

    tabled: Tabled
    run: RunInfo
    hook_errors: tuple[str, ...]


def finish(executed: Executed, registry: Registry) -> Finished:
    """Write a run's tables and its verdict, and notify the plugins that they are there.

    Args:
        executed: the run.
        registry: the plugins.

    Raises:
        ResultsError: they can't be written, or the journal can't be read.
    """
    folder = executed.folder
    tabled = write_tables(folder)
    run = store_verdict(folder, executed.run, tabled)
    notifier = Notifier(registry)
    notifier.all("mprunner_run_finished", run=run.to_json(), folder=str(folder.path))
    errors = (*executed.hook_errors, *notifier.errors, *notify_judged(registry, folder, run, tabled))
    return Finished(tabled=tabled, run=run, hook_errors=errors)


def notify_judged(registry: Registry, folder: RunFolder, run: RunInfo, tabled: Tabled) -> tuple[str, ...]:
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
