"""From CSV files back to frames: the types, the text and the bits that they had when they were written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mprunner.datapackage import tables_of
from mprunner.errors import ResultsError
from mprunner.escapes import unescaped

_TYPES: Final[Mapping[str, Any]] = {
    "string": pd.StringDtype("python"),
    "integer": pd.Int64Dtype(),
    "number": pd.Float64Dtype(),
    "boolean": pd.BooleanDtype(),
}


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the tables of a run's folder by the types that its datapackage.json gives.

    Raises:
        ResultsError: a file is missing, or is not what was described.
    """
    return {name: _read(path, types) for name, path, types in tables_of(folder)}


def _read(path: Path, types: Mapping[str, str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            path,
            dtype={name: _TYPES[type_] for name, type_ in types.items() if type_ != "number"},
            converters={name: _float for name, type_ in types.items() if type_ == "number"},
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8",
        )
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _changed(path, error) from error
    if list(frame.columns) != list(types):
        raise _changed(path, "it has other columns")
    for name, type_ in types.items():
        if type_ == "number":
            frame[name] = frame[name].astype(_TYPES[type_])
        elif type_ == "string":
            frame[name] = _plain(frame[name])
    return frame


def _float(text: str) -> float:
    """Read every bit, which pandas does in some versions only, and in others only by an option."""
    return float(text or "nan")


def _changed(path: Path, why: object) -> ResultsError:
    return ResultsError(
        f"{path} is not what its datapackage.json says: {why}",
        "remove datapackage.json: the journal says all of it",
    )


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Undo the escapes of texts; most columns have none."""
    if not column.str.contains("\\", regex=False, na=False).any():
        return column
    return column.map(unescaped, na_action="ignore").astype(_TYPES["string"])


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
