"""The page of all runs under a results folder."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from mprunner.report.page import moment, rendered
from mprunner.report.wording import number
from mprunner.runs import RunInfo

MOST_RUNS: Final = 1_000
"""The newest so many are listed."""


class ListedRun(NamedTuple):
    """A run, its folder as seen from the page, and whether a page of its own is in it."""

    info: RunInfo
    folder: str
    has_page: bool


class _Row(NamedTuple):
    run_id: str
    experiment: str
    state: str
    verdict: str
    trials: str
    started: str
    host: str
    link: str
    folder: str


def index_of_runs(runs: Sequence[ListedRun], of: int) -> str:
    """Return the page that lists runs.

    Args:
        runs: the newest of them, the newest first.
        of: how many there are.
    """
    return rendered("index.html.jinja", title="Runs", rows=[_row(run) for run in runs], of=of, bundle="")


def _row(run: ListedRun) -> _Row:
    info = run.info
    done = "?" if info.done is None else number(info.done)
    return _Row(
        run_id=info.run_id,
        experiment=info.experiment,
        state=info.state,
        verdict=str(info.content.get("verdict") or ""),
        trials=f"{done} of {info.planned_in_words(number)}",
        started=moment(info.started_at),
        host=info.host,
        link=f"{run.folder}/report.html" if run.has_page else "",
        folder=run.folder,
    )
