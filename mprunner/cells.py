"""Cells by the type that their column declares: as arrays of a frame, and as what the csv module makes text of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from mprunner.declarations import FieldType
from mprunner.errors import ResultsError
from mprunner.escapes import escaped

Columns = Mapping[str, FieldType]
"""The columns of a table in order, and the type of each."""

# Python's own text whatever is installed: pyarrow's refuses lone surrogates, which a message may hold.
_DTYPES: Final[Mapping[FieldType, Any]] = {
    "bool": pd.BooleanDtype(),
    "int": pd.Int64Dtype(),
    "float": pd.Float64Dtype(),
    "str": pd.StringDtype("python"),
}
_BY_DTYPE: Final[Mapping[str, FieldType]] = {
    "boolean": "bool",
    "Int64": "int",
    "object": "int",  # of a size that no type of pandas holds
    "Float64": "float",
    "string": "str",
}
_EXACT: Final[Mapping[FieldType, frozenset[type]]] = {
    "bool": frozenset({bool, type(None)}),
    "int": frozenset({int, type(None)}),
    "float": frozenset({float, type(None)}),
    "str": frozenset({str, type(None)}),
}


def make_frame(columns: Columns, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Make a frame with exact nullable types; what a row does not have is missing.

    Raises:
        ResultsError: a cell is not of its column's type.
    """
    return frame_of(columns, {name: [row.get(name) for row in rows] for name in columns})


def frame_of(columns: Columns, cells: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """Make a frame as :func:`make_frame` does, of the cells of each column."""
    return pd.DataFrame({name: _array(name, type_, cells[name]) for name, type_ in columns.items()})


def columns_of_frame(frame: pd.DataFrame) -> Columns:
    """Return the columns of which a frame was made."""
    return {str(name): _BY_DTYPE[str(dtype)] for name, dtype in frame.dtypes.items()}


def _array(name: str, type_: FieldType, values: Sequence[object]) -> "pd.Series[Any]":
    if type_ == "int" and any(isinstance(v, int) and not -(2**63) <= v < 2**63 for v in values):
        return pd.Series(values, dtype=object)  # no type of pandas holds such a number exactly
    try:
        return pd.Series(pd.array(values, dtype=_DTYPES[type_]))
    except (TypeError, ValueError) as error:
        raise ResultsError(
            f"column {name!r}: a value is not of the declared type {type_}: {error}"
        ) from error


def csv_cells(name: str, type_: FieldType, values: Sequence[object]) -> Sequence[object]:
    """Return cells of which csv makes the text that a column of a frame of these values has.

    Raises:
        ResultsError: a value is not of the type.
    """
    if not _EXACT[type_].issuperset(map(type, values)):  # such as a whole number among floats
        return csv_cells_of(_array(name, type_, values))
    return _safe(values) if type_ == "str" else values


def csv_cells_of(column: "pd.Series[Any]") -> Sequence[object]:
    """Return cells of which csv makes the text that ``to_csv`` makes of the column, in less time."""
    cells: list[object] = column.array.to_numpy(dtype=object, na_value=None).tolist()
    return _safe(cells) if isinstance(column.dtype, pd.StringDtype) else cells


def _safe(texts: Sequence[object]) -> Sequence[object]:
    together = "".join(text for text in texts if isinstance(text, str))
    if escaped(together) == together:  # as most texts are: one look at all of them is enough
        return texts
    return [escaped(text) if isinstance(text, str) else None for text in texts]
