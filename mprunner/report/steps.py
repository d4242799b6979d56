"""A schedule step by step: a column for each actor, time downwards."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from mprunner.model.text import printable
from mprunner.report.labels import Labels
from mprunner.report.layout import Line, Span, paragraph
from mprunner.tables import Frames
from mprunner.values import Scalar

MOST_DIAGRAMS: Final = 2
"""So many are in a summary."""
MOST_OF_ONE_CASE: Final = 4
"""So many are in the summary of a single case."""
MOST_STEPS: Final = 40
MOST_ORDERS: Final = 40
"""Of so many schedules that end alike the order is told."""
_LEAST_WIDTH: Final = 24
_GAP: Final = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one actor did.

    Attributes:
        actor: its place among the diagram's actors; None for what is said of all.
        text: the line of code, after its number.
        access: what it read or wrote; empty where that is not known.
    """

    actor: int | None
    text: str
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """The steps of a schedule.

    Attributes:
        title: the case, which of its schedules it is, and the file.
        actors: their names, in the order of their first steps.
        steps: in order.
        alike: of the others that end in the same state, in which order the actors take their steps; empty if there
            are none.
    """

    title: str
    actors: tuple[str, ...]
    steps: tuple[Step, ...]
    alike: str = ""


def diagrams_of(frames: Frames, labels: Labels) -> tuple[Diagram, ...]:
    """Return a diagram for each case and state in which a schedule ends whose steps are among its samples."""
    named = len(labels.whole) > 1
    found = []
    for case_id, rows in frames.steps.items():
        by_state: dict[str, dict[str, list[Mapping[str, Scalar]]]] = {}
        for row in rows:
            schedule, state = str(row.get("schedule") or ""), row.get("state")
            schedules = by_state.setdefault("" if state is None else str(state), {})
            schedules.setdefault(schedule, []).append(row)
        for state, schedules in by_state.items():
            schedule, *others = schedules
            which = (
                labels.whole[case_id] if named else "",
                f"schedule {schedule}" if schedule else "",
                f"ends in {state}" if state else "",
            )
            found.append(_diagram(which, schedules[schedule], [schedules[each] for each in others]))
    return tuple(found)


def _diagram(
    which: Sequence[str],
    rows: Sequence[Mapping[str, Scalar]],
    others: Sequence[Sequence[Mapping[str, Scalar]]],
) -> Diagram:
    actors = tuple(dict.fromkeys(str(row["actor"]) for row in rows if row["actor"] is not None))
    files = {str(row["where"]).rpartition(":")[0] for row in rows if row["where"] is not None}
    steps = tuple(
        Step(
            actor=None if row["actor"] is None else actors.index(str(row["actor"])),
            text=printable(_text(row, one_file=len(files) == 1)),
            access=printable(str(row.get("access") or "")),
        )
        for row in rows[:MOST_STEPS]
    )
    if rows[MOST_STEPS:]:
        steps += (Step(actor=None, text=f"… {len(rows) - MOST_STEPS} more steps", access=""),)
    title = ", ".join(filter(None, (*which, files.pop() if len(files) == 1 else "")))
    return Diagram(
        title=printable(title),
        actors=tuple(map(printable, actors)),
        steps=steps,
        alike=printable(_alike(actors, others)),
    )


def _alike(actors: Sequence[str], others: Sequence[Sequence[Mapping[str, Scalar]]]) -> str:
    """Say in which order the actors take their steps in other schedules: ``end alike: 3 wwdwdd, 4 wwdddw``."""
    if not others:
        return ""
    letters = {actor: f"{actor} " for actor in actors}
    for place in (-1, 0):  # withdraw and deposit by w and d; get#1 and get#2 by 1 and 2
        if len({actor[place] for actor in actors}) == len(actors):
            letters = {actor: actor[place] for actor in actors}
    told = [
        f"{rows[0].get('schedule')} {''.join(letters.get(str(row['actor']), '') for row in rows).strip()}"
        for rows in others[:MOST_ORDERS]
    ]
    told += [f"{len(others) - MOST_ORDERS} more"] if others[MOST_ORDERS:] else []
    return f"{'ends' if len(others) == 1 else 'end'} alike: {', '.join(told)}"


def _text(row: Mapping[str, Scalar], *, one_file: bool) -> str:
    where = str(row["where"] or "")
    return f"{where.rpartition(':')[2] if one_file else where} {row['code']}".strip()


def diagram_lines(diagram: Diagram, width: int) -> Iterator[Line]:
    """Return a diagram in lines of at most ``width`` columns; where columns are too narrow, a line for each step."""
    yield from paragraph(diagram.title, width, "bold")
    column = (width - len(_GAP)) // max(1, len(diagram.actors)) - len(_GAP)
    if column < _LEAST_WIDTH:
        for step in diagram.steps:
            who = "" if step.actor is None else f"{diagram.actors[step.actor]}: "
            yield from paragraph(f"{who}{step.text}", width)
        yield from _alike_lines(diagram, width)
        return
    yield (Span(_GAP + _GAP.join(name[:column].ljust(column) for name in diagram.actors).rstrip(), "italic"),)
    for step in diagram.steps:
        before = _GAP + " " * ((step.actor or 0) * (column + len(_GAP)))
        for line in wrap(step.text, column, subsequent_indent=_GAP * 2) or [""]:
            yield (Span(before + line),)
    yield from _alike_lines(diagram, width)


def _alike_lines(diagram: Diagram, width: int) -> Iterator[Line]:
    if diagram.alike:
        yield from paragraph(diagram.alike, width)
