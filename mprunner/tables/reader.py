"""From CSV files back to frames: the types, the text and the bits that they had when they were written."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from mprunner.errors import ResultsError
from mprunner.model.text import unescaped
from mprunner.tables.csv import DTYPES
from mprunner.tables.datapackage import STANDARD_TYPES, Described, Package

_DTYPES: Final[Mapping[str, Any]] = {STANDARD_TYPES[type_]: dtype for type_, dtype in DTYPES.items()}


def read_tables(package: Package) -> dict[str, pd.DataFrame]:
    """Read the tables of a run by the types that its datapackage.json gives.

    Raises:
        ResultsError: a file is missing, or is not what was described.
    """
    return {table.name: _read(table) for table in package.tables}


def _read(table: Described) -> pd.DataFrame:
    path, types = table.path, table.types
    try:
        with path.open("rb") as file:
            if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != table.hash:
                raise _changed(table, "it was changed")
        frame = pd.read_csv(
            path,
            dtype={name: _DTYPES[type_] for name, type_ in types.items() if type_ != "number"},
            converters={name: _float for name, type_ in types.items() if type_ == "number"},
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8",
        )
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _changed(table, error) from error
    if list(frame.columns) != list(types):
        raise _changed(table, "it has other columns")
    for name, type_ in types.items():
        if type_ == "number":
            frame[name] = frame[name].astype(_DTYPES[type_])
        elif type_ == "string":
            frame[name] = _plain(frame[name])
    return frame


def _float(text: str) -> float:
    """Read every bit, which pandas does in some versions only, and in others only by an option."""
    return float(text or "nan")


def _changed(table: Described, why: object) -> ResultsError:
    return ResultsError(
        f"{table.path} is not what its datapackage.json says: {' '.join(str(why).split())}",
        "remove datapackage.json: the journal says all of it",
    )


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Undo the escapes of texts; most columns have none."""
    if not column.str.contains("\\", regex=False, na=False).any():
        return column
    return column.map(unescaped, na_action="ignore").astype(_DTYPES["string"])


def concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of several runs below each other; a column that one of them lacks is missing in its rows."""
    types: dict[str, Any] = {}
    for frame in frames:
        for name, dtype in frame.dtypes.items():
            types.setdefault(str(name), dtype)
    whole = [
        frame.assign(
            **{
                name: pd.Series(pd.NA, index=frame.index, dtype=dtype)
                for name, dtype in types.items()
                if name not in frame
            }
        )[list(types)]
        for frame in frames
    ]
    return pd.concat(whole, ignore_index=True)
