"""From the journal to tables: pandas frames with exact types, and CSV files that say the same.

In a CSV file a missing value is an empty cell, a float is the shortest text that reads back as the same bits, and
text is written with backslash escapes for what would split a row (see :mod:`mprunner.escapes`).
"""

import csv
import dataclasses
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mprunner.declarations import Declaration, Field, FieldType
from mprunner.durable import written_atomically
from mprunner.errors import ResultsError
from mprunner.escapes import escaped
from mprunner.records import Attempt, Ending, OutcomeCount, Record
from mprunner.values import Scalar

Columns = Mapping[str, FieldType]

_TRIAL: Final[Columns] = {
    "run_id": "str",
    "trial_id": "str",
    "case_id": "str",
    "repeat": "int",
    "attempt": "int",
    "is_final": "bool",
    "order": "int",
    "is_warmup": "bool",
    "status": "str",
    "exit_code": "int",
    "signal": "int",
    "error_type": "str",
    "error_message": "str",
    "leaked": "int",
    "containment": "str",
    "python": "str",
    "host": "str",
    "started_at": "str",
    "trial_wall_s": "float",  # not wall_s: that is what scenarios call their own measurement
    "cpu_user_s": "float",
    "cpu_system_s": "float",
    "max_process_rss_bytes": "int",
    "seed": "int",
}
TRIAL_COLUMNS = tuple(_TRIAL)
"""Columns of trials.csv before those of params and metrics."""

_ACTOR: Final[Columns] = {
    "run_id": "str",
    "trial_id": "str",
    "actor": "int",
    "kind": "str",
    "pid": "int",
    "start_latency_s": "float",
    "start_skew_s": "float",
    "wall_s": "float",
    "cpu_s": "float",
    "rounds": "int",
    "exit_code": "int",
    "error_type": "str",
}
_SAMPLE: Final[Columns] = {"run_id": "str", "trial_id": "str"}
CASE_COLUMNS: Final[Columns] = {"run_id": "str", "case_id": "str"}
"""Columns before those of the params in tables of cases."""
_OUTCOME: Final[Columns] = {
    "variable": "str",
    "value": "str",
    "count": "int",
    "observations": "int",  # not rounds: that is a param of scenarios whose actors start over
    "share": "float",
    "share_ci_low": "float",
    "share_ci_high": "float",
    "verdict": "str",
    "note": "str",
}
OUTCOME_COLUMNS = (*CASE_COLUMNS, *_OUTCOME)
"""Columns of outcomes.csv, without the params that stand after ``case_id``."""

_ATTEMPT_COLUMNS = tuple(f.name for f in dataclasses.fields(Attempt) if f.name in _TRIAL)
_ENDING_COLUMNS = tuple(f.name for f in dataclasses.fields(Ending) if f.name in _TRIAL)

MESSAGE_LIMIT = 2_000
"""Characters of an error message in a table; the journal has all of it."""


class Heading(Protocol):
    """What the tables need of a run's header."""

    @property
    def run_id(self) -> str:
        """The run's id."""

    @property
    def declaration(self) -> Declaration:
        """What the scenario declares."""


class Session(Protocol):
    """What the tables need of a part of a run that one invocation of mprunner executed."""

    @property
    def first_record(self) -> int:
        """The number of its first record, from 0."""

    @property
    def python(self) -> str:
        """The version that executed its trials."""

    @property
    def host(self) -> str:
        """The machine's name."""


class Recorded(Protocol):
    """What the tables are built from; :func:`mprunner.journal.read_journal` returns it."""

    @property
    def header(self) -> Heading:
        """What the run is about."""

    @property
    def sessions(self) -> Sequence[Session]:
        """The invocations of mprunner that executed it, in order."""

    def records(self) -> Iterable[Record]:
        """Return the records in the order in which they ended."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """A run's tables, rows in the order of the plan.

    Attributes:
        trials: one row per attempt.
        actors: one row per actor of a trial's last attempt.
        outcomes: case × outcome, over the last attempts of all trials, whatever their status.
        samples: one row per sample of a trial's last attempt; None where the scenario declares none.
        labels: by case id, how a person tells each case from the others; in the order of the plan.
        params: by case id, every param of each case; in the same order.
    """

    trials: pd.DataFrame
    actors: pd.DataFrame
    outcomes: pd.DataFrame
    samples: pd.DataFrame | None
    labels: Mapping[str, str]
    params: Mapping[str, Mapping[str, Scalar]]


def build_frames(recorded: Recorded, cut_off: Iterable[Record] = ()) -> Frames:
    """Build a run's tables from its journal; without records they are empty and have all of their columns.

    Args:
        recorded: the journal.
        cut_off: records of attempts that the journal has no end of.

    Raises:
        ResultsError: the journal can't be read, or holds a value that is not of the type declared.
    """
    builder = _Builder(recorded.header, recorded.sessions)
    for record in chain(recorded.records(), cut_off):
        builder.add(record)
    return builder.frames()


def columns_of(fields: Iterable[Field]) -> dict[str, FieldType]:
    """Return the columns of declared fields, and the type of each."""
    return {field.name: field.type for field in fields}


def make_frame(columns: Columns, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Make a frame with exact nullable types; what a row does not have is missing.

    Raises:
        ResultsError: a cell is not of its column's type.
    """
    return _frame(columns, {name: [row.get(name) for row in rows] for name in columns})


def _frame(columns: Columns, cells: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    return pd.DataFrame({name: _array(name, type_, cells[name]) for name, type_ in columns.items()})


def _array(name: str, type_: FieldType, values: Sequence[object]) -> "pd.Series[Any]":
    if type_ == "int" and any(isinstance(v, int) and not -(2**63) <= v < 2**63 for v in values):
        return pd.Series(values, dtype=object)  # no type of pandas holds such a number exactly
    try:
        return pd.Series(pd.array(values, dtype=_DTYPES[type_]))
    except (TypeError, ValueError) as error:
        raise ResultsError(
            f"column {name!r}: a value is not of the declared type {type_}: {error}"
        ) from error


# Python's own text whatever is installed: pyarrow's refuses lone surrogates, which a message may hold.
_DTYPES: Final[Mapping[FieldType, Any]] = {
    "bool": pd.BooleanDtype(),
    "int": pd.Int64Dtype(),
    "float": pd.Float64Dtype(),
    "str": pd.StringDtype("python"),
}


class _Rows:
    """A table in the making: its cells by column, and for each row the number of the record that it is from."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.cells: dict[str, list[object]] = {name: [] for name in columns}
        self._records: list[int] = []

    def add(self, record: int, row: Mapping[str, object]) -> None:
        """Add a row; a column that it does not have is missing."""
        self._records.append(record)
        for name, cells in self.cells.items():
            cells.append(row.get(name))

    def extend(self, record: int, rows: Sequence[Mapping[str, object]], same: Mapping[str, object]) -> None:
        """Add many rows, column by column; ``same`` is what they have in common."""
        self._records.extend([record] * len(rows))
        for name, cells in self.cells.items():
            cells.extend([same[name]] * len(rows) if name in same else [row.get(name) for row in rows])

    def frame(self, order: NDArray[np.int64], kept: NDArray[np.bool]) -> pd.DataFrame:
        """Make the frame of the rows whose records are kept, in the order of the plan."""
        records = np.asarray(self._records, dtype=np.intp)
        positions = np.argsort(order[records], kind="stable")
        positions = positions[kept[records[positions]]]
        whole = _frame(self._columns, self.cells)
        if np.array_equal(positions, np.arange(len(records))):
            return whole  # as most are: in the order of the plan already, and not copied
        return whole.iloc[positions].reset_index(drop=True)


class _Builder:
    """Collects the rows of all tables in one pass over the records."""

    def __init__(self, header: Heading, sessions: Sequence[Session]) -> None:
        self._header = header
        self._sessions = deque(sessions)
        declaration = header.declaration
        params = columns_of(declaration.params)
        self._outcome_columns = {**CASE_COLUMNS, **params, **_OUTCOME}
        self._trials = _Rows({**_TRIAL, **params, **columns_of(declaration.metrics)})
        self._actors = _Rows(_ACTOR)
        self._samples = _Rows({**_SAMPLE, **columns_of(declaration.sample or ())})
        self._observed: list[tuple[int, str, OutcomeCount]] = []
        self._order: list[int] = []
        self._last: dict[str, tuple[int, int]] = {}
        self._cases: dict[str, Attempt] = {}

    def add(self, record: Record) -> None:
        """Add what one record says to every table."""
        number, attempt, result = len(self._order), record.attempt, record.ending.result
        self._order.append(attempt.order)
        # By its number: the record of an attempt that was cut off comes after the start of the next one.
        self._last[attempt.trial_id] = max(
            (attempt.attempt, number), self._last.get(attempt.trial_id, (0, 0))
        )
        while len(self._sessions) > 1 and number >= self._sessions[1].first_record:
            self._sessions.popleft()
        if attempt.order < self._cases.setdefault(attempt.case_id, attempt).order:
            self._cases[attempt.case_id] = attempt
        self._trials.add(number, _trial_row(record, self._header.run_id, self._sessions[0]))
        if result is None:
            return
        ids = {"run_id": self._header.run_id, "trial_id": attempt.trial_id}
        for actor in result.actors:
            self._actors.add(number, ids | dataclasses.asdict(actor))
        self._samples.extend(number, result.samples, ids)
        self._observed.extend((number, attempt.case_id, outcome) for outcome in result.outcomes)

    def frames(self) -> Frames:
        """Make the frames."""
        order = np.asarray(self._order, dtype=np.int64)
        final = np.zeros(len(order), dtype=bool)
        final[[number for _, number in self._last.values()]] = True
        self._trials.cells["is_final"] = final.tolist()
        cases = sorted(self._cases.values(), key=lambda attempt: attempt.order)
        has_samples = self._header.declaration.sample is not None
        return Frames(
            trials=self._trials.frame(order, np.ones_like(final)),
            actors=self._actors.frame(order, final),
            outcomes=self._outcomes(cases, final),
            samples=self._samples.frame(order, final) if has_samples else None,
            labels={case.case_id: case.case_label for case in cases},
            params={case.case_id: case.params for case in cases},
        )

    def _outcomes(self, cases: Iterable[Attempt], final: NDArray[np.bool]) -> pd.DataFrame:
        counts: dict[tuple[str, str], Counter[_State]] = {}
        for number, case_id, outcome in self._observed:
            if final[number]:
                states = counts.setdefault((case_id, outcome.variable), Counter())
                states[_state(outcome.value)] += outcome.count
        rows = [
            {**case.params, "run_id": self._header.run_id, "case_id": case.case_id, "variable": variable}
            | row
            for case in cases
            for variable in self._header.declaration.outcomes
            for row in _outcome_rows(counts.get((case.case_id, variable), Counter()))
        ]
        return make_frame(self._outcome_columns, rows)


_State = tuple[bool, float, str]
"""A state as it is sorted, numbers before text, and the text that stands in the table: 1 and 1.0 differ by it."""


def _state(value: Scalar) -> _State:
    return (True, 0, value) if isinstance(value, str) else (False, value or 0, str(value))


def _outcome_rows(states: Counter[_State]) -> Iterator[dict[str, object]]:
    observations = states.total()
    for state, count in sorted(states.items()):
        share = count / observations
        yield {"value": state[-1], "count": count, "observations": observations, "share": share}


def _trial_row(record: Record, run_id: str, session: Session) -> dict[str, object]:
    attempt, ending, result = record.attempt, record.ending, record.ending.result
    message = ending.malformed if result is None else result.error_message
    return {
        **attempt.params,
        **(result.metrics if result else {}),
        **{name: getattr(attempt, name) for name in _ATTEMPT_COLUMNS},
        **{name: getattr(ending, name) for name in _ENDING_COLUMNS},
        "run_id": run_id,
        "status": record.status.value,
        "error_type": result.error_type if result else None,
        "error_message": message and _capped(message),
        "containment": record.containment,
        # An attempt that was cut off is recorded by a later session than its own.
        "python": session.python if record.started_at else None,
        "host": session.host if record.started_at else None,
        "started_at": record.started_at,
        "trial_wall_s": ending.wall_s,
    }


def _capped(message: str) -> str:
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as UTF-8 with LF line ends; ``path`` is replaced whole or not at all.

    Raises:
        ResultsError: it can't be written.
    """
    with written_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame.columns)
        for start in range(0, len(frame), _CHUNK):
            chunk = frame.iloc[start : start + _CHUNK]
            writer.writerows(zip(*(_cells(chunk[name]) for name in chunk), strict=True))


_CHUNK: Final = 10_000
"""Rows that are text at one time: the memory that writing takes does not grow with the table."""


def _cells(column: "pd.Series[Any]") -> list[object]:
    """Return cells of which csv makes the text that ``to_csv`` makes of the column, in less time."""
    cells: list[object] = column.array.to_numpy(dtype=object, na_value=None).tolist()
    if not isinstance(column.dtype, pd.StringDtype):
        return cells
    together = "".join(cell for cell in cells if isinstance(cell, str))
    if escaped(together) == together:  # as most texts are: one look at all of them is enough
        return cells
    return [escaped(cell) if isinstance(cell, str) else None for cell in cells]
