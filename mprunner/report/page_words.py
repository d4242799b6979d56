"""What a page says of a run in sentences, taken from the run's summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from mprunner.analysis.verdict import FAILING
from mprunner.report.charts import RunPicture
from mprunner.report.findings import VerdictLine, verdict_digest
from mprunner.report.page_tables import Cell, Heading, Table, label_in_words
from mprunner.report.run_summary import RunDigest, digest
from mprunner.report.steps import Diagram
from mprunner.runs import RunInfo

MOST_DIAGRAMS: Final = 10


class Reason(NamedTuple):
    """A line of what a verdict rests on: what was found, of what, and whether the run fails by it."""

    found: str
    text: str
    fails: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A run in sentences.

    Attributes:
        lead: how its trials ended.
        answers: what it answers.
        reasons: what its verdict rests on.
        question: what the experiment asks; empty if it does not say.
        cases: what happened in each case.
        remarks: what the words of that table mean.
        doubts: what makes its numbers doubtful.
        diagrams: schedules that raced, step by step; the first of them if they are many.
    """

    lead: str
    answers: tuple[str, ...]
    reasons: tuple[Reason, ...]
    question: str
    cases: Table
    remarks: tuple[str, ...]
    doubts: tuple[str, ...]
    diagrams: tuple[Diagram, ...]


def words_of(picture: RunPicture, info: RunInfo, cases: Sequence[str]) -> Words:
    """Put a run into sentences.

    Args:
        picture: its tables.
        info: what its run.json says.
        cases: those that its page shows.
    """
    told = digest(picture.header, picture.frames, picture.summary, picture.judgement, info, cases=cases)
    has_trials = any(picture.frames.statuses.values())
    lines = verdict_digest(
        picture.judgement, complete=info.is_finished or info.is_stopped, answered=bool(told.answers)
    ).lines
    return Words(
        lead=_lead(told, picture) if has_trials else "no trial has ended yet",
        answers=told.answers,
        reasons=tuple(map(_reason, lines)) if has_trials else (),
        question=told.description,
        cases=_cases(told, picture),
        remarks=(*told.meanings, *(f"the same in each case: {each}" for each in told.same)),
        doubts=tuple(each.removeprefix("noise: ") for each in told.warnings),
        diagrams=told.diagrams[:MOST_DIAGRAMS],
    )


def _lead(told: RunDigest, picture: RunPicture) -> str:
    name = picture.header.experiment.get("name", picture.header.run_id)
    return told.headline.removeprefix(f"{name}: ").removeprefix(f"{picture.header.declaration.name}, ")


_FOUND: Final = (*FAILING, "not judged", "interesting")


def _reason(line: VerdictLine) -> Reason:
    found, _, text = line.text.partition(": ")
    return Reason(found, text, line.fails) if found in _FOUND else Reason("", line.text, line.fails)


def _cases(told: RunDigest, picture: RunPicture) -> Table:
    headings = [Heading("case")]
    rows = []
    for table in told.tables:
        headings = [Heading(table.title), *(Heading(column.title) for column in table.columns)]
        for group in table.groups:
            for row in group.rows:
                label = ", ".join(filter(None, (group.heading, row.label)))
                cells = (Cell(text, None, "bad" if row.mark else "") for text in row.cells)
                rows.append((Cell(label_in_words(label)), *cells))
    return Table(
        key="cases",
        caption="What happened in each case",
        headings=tuple(headings),
        rows=tuple(rows),
        of=len(picture.frames.labels),
        source="summary.csv",
    )
