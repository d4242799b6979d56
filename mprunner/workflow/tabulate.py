"""From a run's journal to its tables and its verdict; nothing here executes, or calls a plugin.

It imports pandas, which takes longer than most trials: who needs it imports it when all of them have been executed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pandas as pd

from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import Judgement, judge, outcomes_table
from mprunner.errors import ResultsError
from mprunner.model.adaptive import Until
from mprunner.model.columns import TABLES
from mprunner.model.provenance import Header
from mprunner.model.rules import OF_EACH, Rules
from mprunner.report import verdict_json
from mprunner.runs import Reading, RunFolder, RunInfo
from mprunner.tables import (
    Begin,
    Collector,
    Frames,
    StreamedTables,
    build_frames,
    forget,
    journal_bytes_of,
    write_csv,
    write_package,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabled:
    """What a run came to; its tables of actors and samples are elsewhere.

    Attributes:
        header: the journal's header.
        frames: trials, and what was observed in them.
        outcomes: case × state.
        summary: case × metric.
        judgement: what they came to, by what the experiment expects.
    """

    header: Header
    frames: Frames
    outcomes: pd.DataFrame
    summary: pd.DataFrame
    judgement: Judgement


def tabulate(folder: RunFolder, rules: Rules | None = None, begin: Begin | None = None) -> Tabled:
    """Derive what a run came to, and its verdict, from its journal.

    Args:
        folder: the run.
        rules: what it is judged by; without them, what it was judged by last, else what its experiment expects.
        begin: begins the tables of actors and samples, which are not made without it.

    Raises:
        ResultsError: the journal can't be read, is damaged, or was cut.
    """
    frames, header = framed(folder, begin)
    given = (
        rules,
        folder.read_rules(),
        header.rules,
    )  # those of a file that expects nothing any more are empty
    rules = next((each for each in given if each is not None), Rules())
    _refuse_unknown(folder, header, rules)
    judgement = judge(frames, rules, header.baseline)
    return Tabled(
        header=header,
        frames=frames,
        outcomes=outcomes_table(frames, header, judgement.states),
        summary=summarise(frames, header),
        judgement=judgement,
    )


def framed(folder: RunFolder, begin: Begin | None = None) -> tuple[Frames, Header]:
    """Derive a run's trials, and what was observed in them, from its journal; return its header, too.

    Args:
        folder: the run.
        begin: as for :func:`tabulate`.

    Raises:
        ResultsError: the journal can't be read, is damaged, or was cut.
    """
    _refuse_cut(folder)
    in_hand = folder.is_held()  # then an attempt without an end is not lost: it is being executed
    reading = Reading(folder.journal)
    frames = build_frames(reading, () if in_hand else reading.cut_off(), begin or forget)
    return frames, reading.header


def _refuse_unknown(folder: RunFolder, header: Header, rules: Rules) -> None:
    """Refuse rules, or adaptive repeats, that are about what the run has no numbers of.

    Raises:
        ResultsError: there is no such metric, or it is text.
    """
    types = {field.name: field.type for field in header.declaration.metrics}
    until = Until.from_json(header.experiment.get("until"))
    asked = [(each.metric, each.stat in OF_EACH) for each in rules.expect if each.metric is not None]
    for metric, may_be_text in [*asked, *([] if until is None else [(until.metric, False)])]:
        if metric not in types or (types[metric] == "str" and not may_be_text):
            raise ResultsError(
                f"{folder.path}: {metric!r} is judged, and is no such metric of {header.declaration.name}",
                "see `expect` and `until` in the first line of journal.jsonl, or `rules` in verdict.json",
            )


def _refuse_cut(folder: RunFolder) -> None:
    """Refuse a journal from which something is gone: a journal only grows, and what is left may look like a run.

    Raises:
        ResultsError: it is smaller than the one that the run's tables are made of.
    """
    size, known = folder.journal_bytes(), journal_bytes_of(folder.path)
    if size is not None and known is not None and size < known:
        raise ResultsError(
            f"{folder.journal} was cut: it has {size:,} of the {known:,} bytes that its tables are made of",
            "put it back from a copy; the tables beside it are whole, and `mprunner.load` opens them",
        )


def store_verdict(folder: RunFolder, run: RunInfo, tabled: Tabled) -> RunInfo:
    """Store the verdict of a run that has ended; return its run.json. That of an interrupted run stays open.

    Raises:
        ResultsError: it can't be written.
    """
    judged = run.judged(tabled.judgement.verdict)
    if judged is not run:
        folder.write_verdict(verdict_json(tabled.judgement))
        folder.write_run(judged)
    return judged


def write_tables(folder: RunFolder, rules: Rules | None = None) -> Tabled:
    """Write a run's tables, and datapackage.json that describes them; each file is replaced whole or not at all.

    Args:
        folder: the run.
        rules: what it is judged by, as for :func:`tabulate`.

    Raises:
        ResultsError: the journal can't be read, or is damaged; or a table can't be written.
    """
    size = folder.journal_bytes()
    with StreamedTables(folder.path) as streamed:
        tabled = tabulate(folder, rules, streamed)
        own = {name: partial(write_csv, frame) for name, frame in _frames_of(tabled).items()}
        write_package(folder.path, tabled.header, _ordered({**own, **streamed.writers()}), size)
    return tabled


def whole_tables(folder: RunFolder) -> dict[str, pd.DataFrame]:
    """Return all tables of a run as frames, by the names of their files.

    Raises:
        ResultsError: the journal can't be read, or is damaged.
    """
    collector = Collector()
    tabled = tabulate(folder, begin=collector)
    return _ordered({**_frames_of(tabled), **collector.frames()})


def _frames_of(tabled: Tabled) -> dict[str, pd.DataFrame]:
    return {"trials": tabled.frames.trials, "outcomes": tabled.outcomes, "summary": tabled.summary}


def _ordered(tables: Mapping[str, T]) -> dict[str, T]:
    return {name: tables[name] for name in TABLES if name in tables}
