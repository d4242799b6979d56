"""From the journal to tables, in one pass over its records.

What statistics and verdict are made of becomes frames; the rows of actors and samples go where the caller wants them.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from operator import attrgetter
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mprunner.model.columns import TABLES, types_of
from mprunner.model.provenance import Header, Session
from mprunner.model.records import Attempt, Ending, OutcomeCount, Record, Status, fields_by_name
from mprunner.model.variants import VARIANT
from mprunner.runs import Reading
from mprunner.tables.csv import Columns, frame_of
from mprunner.values import Scalar, in_words

_TRIAL: Final = TABLES["trials"].columns

_ATTEMPT_COLUMNS = tuple(f.name for f in dataclasses.fields(Attempt) if f.name in _TRIAL)
_ENDING_COLUMNS = tuple(f.name for f in dataclasses.fields(Ending) if f.name in _TRIAL)
_ATTEMPT_CELLS, _ENDING_CELLS = attrgetter(*_ATTEMPT_COLUMNS), attrgetter(*_ENDING_COLUMNS)

_PLACES: Final = {status.value: place for place, status in enumerate(Status)}

_TOGETHER: Final = 1_000

MESSAGE_LIMIT = 2_000
"""Characters of an error message in a table; the journal has all of it."""


class Rows(Protocol):
    """What takes the rows of a table."""

    def add(self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object], /) -> None:
        """Take the rows of the next record, which may be none; ``same`` is what they have in common.

        What neither says is missing.
        """


Begin = Callable[[str, Columns], Rows]
"""Begins the table of that name with these columns."""


Counts = tuple[tuple[Scalar, int], ...]
"""The states of an outcome and how often each was observed; 1, 1.0, true and the text 1 are four states."""


StatusCounts = Mapping[str, int]
"""How many trials ended in each status; those in which none did are not among them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """What a run came to, rows in the order of the plan. Those of actors and samples are written elsewhere.

    Attributes:
        trials: one row per attempt.
        observed: by case id and outcome variable, each state and how often it was observed, over the last attempts of
            all trials, whatever their status; numbers in order before text. Cases in the order of the plan; of one
            without observations nothing.
        statuses: by case id, how many trials ended in each status, by their last attempts and warm-up trials among
            them; ok first, the others as documented. Cases in the order of the plan.
        measured_statuses: the same without warm-up trials; a case may have none.
        labels: by case id, how a person tells each case from the others; in the order of the plan.
        params: by case id, every param of each case; in the same order.
        effective: by case id, the params that mean something to each case, those that are swept first. Whatever names
            cases by their values, in a label or a rule, goes by these.
        under_gil: the cases of which several actors were threads of a Python with a global interpreter lock.
        steps: by case id, the samples of its first trial that has some, where they are the steps of a schedule.
    """

    trials: pd.DataFrame
    observed: Mapping[str, Mapping[str, Counts]]
    statuses: Mapping[str, StatusCounts]
    measured_statuses: Mapping[str, StatusCounts]
    labels: Mapping[str, str]
    params: Mapping[str, Mapping[str, Scalar]]
    effective: Mapping[str, Mapping[str, Scalar]]
    under_gil: frozenset[str] = frozenset()
    steps: Mapping[str, Sequence[Mapping[str, Scalar]]] = field(default_factory=dict)


STEP: Final = ("step", "actor", "where", "code")
"""The columns of samples that are the steps of a schedule: who did what, in their order."""


class _Nowhere:
    def add(self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object], /) -> None:
        """Forget the rows."""


_NOWHERE: Final = _Nowhere()


def forget(name: str, columns: Columns) -> Rows:
    """Make no table of what is not in :class:`Frames`."""
    return _NOWHERE


def build_frames(reading: Reading, cut_off: Iterable[Record] = (), begin: Begin = forget) -> Frames:
    """Build a run's tables from its journal; without records they are empty and have all of their columns.

    Args:
        reading: the journal, none of whose records has been read.
        cut_off: records of attempts that the journal has no end of; asked for when its own have been read.
        begin: begins the tables of actors and, where the scenario declares some, of samples.

    Raises:
        ResultsError: the journal can't be read, or holds a value that is not of the type declared.
    """
    builder = _Builder(reading.header, begin)
    for record in chain(reading.records(), cut_off):
        builder.add(record, reading.session)
    return builder.frames()


class _Collected:
    """A frame in the making: its cells by column, in the order in which its rows came."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._cells: dict[str, list[object]] = {name: [] for name in columns}
        self._rows: list[tuple[object, ...]] = []

    @property
    def cells(self) -> dict[str, list[object]]:
        """The cells of all rows, by column."""
        self._settle()
        return self._cells

    def _settle(self) -> None:
        for cells, more in zip(self._cells.values(), zip(*self._rows, strict=True), strict=False):
            cells.extend(more)
        self._rows.clear()

    def add(self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object], /) -> None:
        """Take the rows of the next record, column by column."""
        for name, cells in self.cells.items():
            cells.extend([same[name]] * len(rows) if name in same else [row.get(name) for row in rows])

    def add_one(self, row: Mapping[str, object]) -> None:
        """Take one row; many together become cells, which takes less time."""
        self._rows.append(tuple(map(row.get, self._columns)))
        if len(self._rows) == _TOGETHER:
            self._settle()

    def frame(self) -> pd.DataFrame:
        """Make the frame of all rows."""
        return frame_of(self._columns, self.cells)


class Collector:
    """Begins tables that become frames."""

    def __init__(self) -> None:
        self._tables: dict[str, _Collected] = {}

    def __call__(self, name: str, columns: Columns) -> Rows:
        """Begin a table."""
        return self._tables.setdefault(name, _Collected(columns))

    def frames(self) -> dict[str, pd.DataFrame]:
        """Make the frame of each table.

        Raises:
            ResultsError: a value is not of the type declared.
        """
        return {name: table.frame() for name, table in self._tables.items()}


class _Builder:
    """Collects the rows of all tables in one pass over the records."""

    def __init__(self, header: Header, begin: Begin) -> None:
        self._header = header
        self._same = same_in_all_rows(header)
        declaration = header.declaration
        self._trials = _Collected(types_of("trials", declaration))
        self._actors = begin("actors", types_of("actors", declaration))
        self._samples: Rows = _NOWHERE
        if declaration.sample is not None:
            self._samples = begin("samples", types_of("samples", declaration))
        self._observed: list[tuple[int, str, OutcomeCount]] = []
        self._order: list[int] = []
        self._last: dict[str, tuple[int, int]] = {}
        self._cases: dict[str, Attempt] = {}
        self._under_gil: set[str] = set()
        self._has_steps = {field.name for field in declaration.sample or ()}.issuperset(STEP)
        self._steps: dict[str, Sequence[Mapping[str, Scalar]]] = {}

    def add(self, record: Record, session: Session) -> None:
        """Add what one record of a session says to every table."""
        number, attempt, result = len(self._order), record.attempt, record.ending.result
        self._order.append(attempt.order)
        # By its number: the record of an attempt that was cut off comes after the start of the next one.
        self._last[attempt.trial_id] = max(
            (attempt.attempt, number), self._last.get(attempt.trial_id, (0, 0))
        )
        if attempt.order < self._cases.setdefault(attempt.case_id, attempt).order:
            self._cases[attempt.case_id] = attempt
        self._trials.add_one(_trial_row(record, self._same, session))
        # A cancelled or lost trial is executed again: rows of both attempts would count its actors and samples twice.
        if result and record.status not in (Status.CANCELLED, Status.LOST):
            ids = {"run_id": self._header.run_id, "trial_id": attempt.trial_id}
            if self._actors is not _NOWHERE:
                rows = [{**fields_by_name(actor), "started_by": actor.kind} for actor in result.actors]
                self._actors.add(rows, ids)
            self._samples.add(result.samples, ids)
            if self._has_steps and result.samples:
                self._steps.setdefault(attempt.case_id, result.samples)
            has_gil = session.has_gil if result.gil_enabled is None else result.gil_enabled
            if sum(actor.kind == "thread" for actor in result.actors) > 1 and has_gil:
                self._under_gil.add(attempt.case_id)
        for outcome in result.outcomes if result else ():
            self._observed.append((number, attempt.case_id, outcome))

    def frames(self) -> Frames:
        """Make the frames."""
        final = np.zeros(len(self._order), dtype=bool)
        final[[number for _, number in self._last.values()]] = True
        cells = self._trials.cells
        cells["is_final"] = final.tolist()
        planned = np.argsort(np.asarray(self._order, dtype=np.int64), kind="stable")
        cases = sorted(self._cases.values(), key=lambda attempt: attempt.order)
        relevance = self._header.relevance
        return Frames(
            trials=self._trials.frame().iloc[planned].reset_index(drop=True),
            observed=self._counts(cases, final),
            statuses=self._statuses(cases, final),
            measured_statuses=self._statuses(cases, final & ~np.array(cells["is_warmup"], dtype=bool)),
            labels={case.case_id: case.case_label for case in cases},
            params={case.case_id: case.params for case in cases},
            effective={case.case_id: relevance.of(case.params) for case in cases},
            under_gil=frozenset(self._under_gil),
            steps={case.case_id: self._steps[case.case_id] for case in cases if case.case_id in self._steps},
        )

    def _statuses(self, cases: Iterable[Attempt], which: NDArray[np.bool_]) -> Mapping[str, StatusCounts]:
        """Count the statuses of some records, by case."""
        cells: Mapping[str, Any] = self._trials.cells
        counted: Counter[tuple[str, str]] = Counter(
            compress(zip(cells["case_id"], cells["status"], strict=True), which)
        )
        by_case: dict[str, dict[str, int]] = {case.case_id: {} for case in cases}
        for (case_id, status), n in sorted(counted.items(), key=lambda each: _PLACES[each[0][1]]):
            by_case[case_id][status] = n
        return by_case

    def _counts(self, cases: Iterable[Attempt], final: NDArray[np.bool_]) -> dict[str, dict[str, Counts]]:
        counted: dict[tuple[str, str], Counter[tuple[type, Scalar]]] = {}
        for number, case_id, outcome in self._observed:
            if final[number] and outcome.count:
                states = counted.setdefault((case_id, outcome.variable), Counter())
                states[type(outcome.value), outcome.value] += outcome.count
        return {
            case.case_id: {
                variable: _in_order(counted[case.case_id, variable])
                for variable in self._header.declaration.outcomes
                if (case.case_id, variable) in counted
            }
            for case in cases
        }


def _in_order(counts: Counter[tuple[type, Scalar]]) -> Counts:
    states = ((value, count) for (_, value), count in counts.items())
    return tuple(sorted(states, key=lambda state: state_order(state[0])))


def state_order(value: Scalar) -> tuple[bool, float, str]:
    """Return what puts the states of an outcome in order: numbers before text."""
    return (True, 0, value) if isinstance(value, str) else (False, value or 0, str(value))


def state_text(state: Scalar) -> str:
    """Return the cell of a state: a text that could be taken for another value, or for one in quotes, is in quotes.

    So a cell says by itself which state it is, whatever other states there are, in any case of any run.
    """
    if not isinstance(state, str):
        return str(state)
    return repr(state) if state[:1] in ("'", '"') or in_words(state) != state or state == "None" else state


def same_in_all_rows(header: Header) -> dict[str, str]:
    """Return what every row of a run's trials, outcomes and summary says alike."""
    return {
        "run_id": header.run_id,
        "experiment": str(header.experiment.get("name", "")),
        "scenario": header.declaration.name,
    }


def _trial_row(record: Record, same: Mapping[str, str], session: Session) -> dict[str, object]:
    attempt, ending, result = record.attempt, record.ending, record.ending.result
    message = ending.malformed if result is None else result.error_message
    return {
        **attempt.params,
        **(result.metrics if result else {}),
        **dict(zip(_ATTEMPT_COLUMNS, _ATTEMPT_CELLS(attempt), strict=True)),
        **dict(zip(_ENDING_COLUMNS, _ENDING_CELLS(ending), strict=True)),
        **same,
        "case_label": attempt.case_label or None,
        "status": record.status.value,
        "error_type": result.error_type if result else None,
        "error_message": message and _capped(message),
        "containment": record.containment,
        # An attempt that was cut off is recorded by a later session than its own.
        "python": _python_of(record, session) if record.started_at else None,
        "gil_enabled": result.gil_enabled if result else None,
        "switch_interval_s": result.switch_interval_s if result else None,
        "host": session.host if record.started_at else None,
        "started_at": record.started_at,
        "trial_wall_s": ending.wall_s,
    }


def _python_of(record: Record, session: Session) -> str | None:
    """Return the interpreter that executed an attempt, as that told it; else the session's, if there is no other."""
    told = record.ending.result.python if record.ending.result else None
    return told or (None if VARIANT in record.attempt.params else session.interpreter)


def _capped(message: str) -> str:
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"
