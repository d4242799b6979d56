"""datapackage.json: what the tables of a run hold, as a Data Package (https://datapackage.org, version 2).

Of the standard: types, keys, missing values, bytes and hash. Beside it: ``role`` and ``unit`` of a column, ``rows``
of a table, ``journal_bytes`` of all of them, and ``swept``, the params that the experiment varies. Read by it, tables
have the types, the text and the bits that they had when they were written.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mprunner.errors import ResultsError
from mprunner.model.columns import TABLES, Column, Table, columns_of
from mprunner.model.declaration import Declaration, FieldType
from mprunner.model.from_json import reader
from mprunner.model.provenance import Header
from mprunner.model.text import escaped, unescaped
from mprunner.runs import opened, read_json, unwritable, written_atomically
from mprunner.tables.csv import DTYPES, CsvFile, Write

FILE: Final = "datapackage.json"
"""Its name in a run's folder."""

JOURNAL_BYTES: Final = "journal_bytes"

_PROFILES: Final = "https://datapackage.org/profiles/2.0"
_TYPES: Final[Mapping[FieldType, str]] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
}
"""The standard's types by ours."""
_NEEDED: Final = ("run_id", "is_final", "status")
"""Columns that must be there; a version may know more or fewer of the others."""
_DTYPES: Final[Mapping[str, Any]] = {_TYPES[type_]: dtype for type_, dtype in DTYPES.items()}


def write_package(
    folder: Path, header: Header, tables: Mapping[str, Write], journal_bytes: int | None = None
) -> None:
    """Write tables and their description; each file is replaced whole or not at all.

    Guarantees: whenever the process dies, a description that is there is of the tables beside it.

    Args:
        folder: the run's folder.
        header: the journal's.
        tables: what writes each, by the names of :data:`mprunner.model.columns.TABLES`.
        journal_bytes: the size of the journal that they are made of: of one that has grown, they are not all.

    Raises:
        ResultsError: a file can't be written.
    """
    path = folder / FILE
    try:
        path.unlink(missing_ok=True)  # it is of the old tables
    except OSError as error:
        raise unwritable(path, error) from error
    package = describe(header, {name: write(folder / f"{name}.csv") for name, write in tables.items()})
    if journal_bytes is not None:
        package[JOURNAL_BYTES] = journal_bytes
    with written_atomically(path) as file:
        file.write(json.dumps(package, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def describe(header: Header, files: Mapping[str, CsvFile]) -> dict[str, Any]:
    """Describe tables that have been written."""
    resources = [_resource(name, file, header.declaration) for name, file in files.items()]
    return {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": f"{header.experiment['name']}-{header.run_id}".lower(),
        "id": header.run_id,
        "title": f"{header.experiment['name']}: scenario {header.declaration.name}",
        "description": header.declaration.doc
        or f"What the scenario {header.declaration.name} measured and observed.",
        "swept": list(header.swept),
        "resources": resources,
    }


def _resource(name: str, file: CsvFile, declaration: Declaration) -> dict[str, Any]:
    table = TABLES[name]
    return {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": name,
        "path": f"{name}.csv",
        "type": "table",
        "description": table.doc,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
        "rows": file.rows,
        "schema": _schema(table, columns_of(name, declaration)),
    }


def _schema(table: Table, columns: Mapping[str, Column]) -> dict[str, Any]:
    fields = [_field(name, column, table) for name, column in columns.items()]
    schema: dict[str, Any] = {"$schema": f"{_PROFILES}/tableschema.json", "fields": fields}
    schema["missingValues"] = [""]
    if table.key:
        schema["primaryKey"] = list(table.key)
    if table.refers_to:
        resource, names = table.refers_to
        reference = {"resource": resource, "fields": list(names)}
        schema["foreignKeys"] = [{"fields": list(names), "reference": reference}]
    return schema


def _field(name: str, column: Column, table: Table) -> dict[str, Any]:
    doc = column.doc.replace("`", "") if name in table.columns else column.doc
    field: dict[str, Any] = {
        "name": name,
        "type": _TYPES[column.type],
        "description": doc,
        "role": column.role,
    }
    if column.unit:
        field["unit"] = column.unit
    if name in table.key:
        field["constraints"] = {"required": True}
    if column.choices:
        choices = [escaped(each) if isinstance(each, str) else each for each in column.choices]
        field["constraints"] = {"enum": choices}
    return field


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A table as datapackage.json describes it.

    Attributes:
        name: of the table.
        path: its file.
        types: the standard's type of each column, in order.
        hash: of the file, ``sha256:`` and its digits.
    """

    name: str
    path: Path
    types: Mapping[str, str]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What datapackage.json describes.

    Attributes:
        tables: of a run.
        journal_bytes: the size of the journal that they are made of; None where it does not say.
    """

    tables: tuple[Described, ...]
    journal_bytes: int | None


def has_all_columns(package: Package) -> bool:
    """Whether the tables have every column of mprunner's own; those of an earlier version may lack some."""
    return all(TABLES[each.name].columns.keys() <= each.types.keys() for each in package.tables)


def journal_bytes_of(folder: Path) -> int | None:
    """Return the size of the journal that a run's tables are made of; None if nothing beside them says so."""
    try:
        return read_package(folder).journal_bytes
    except ResultsError:
        return None


def read_package(folder: Path) -> Package:
    """Read which tables a run's folder has.

    Raises:
        ResultsError: there is no description, or it is none.
    """
    path = folder / FILE
    try:
        package = reader(Mapping[str, Any])(read_json(path))
        tables = tuple(_described(folder, resource) for resource in package["resources"])
        if missing := set(TABLES) - {"samples"} - {each.name for each in tables}:
            raise ValueError(f"it describes no {', no '.join(sorted(missing))}")
        return Package(tables=tables, journal_bytes=reader(int | None)(package.get(JOURNAL_BYTES)))
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else error
        raise ResultsError(f"{path} is damaged: {why}", "remove it: the journal says all of it") from error


def _described(folder: Path, resource: Mapping[str, Any]) -> Described:
    """Take what is said of a table, or raise KeyError, TypeError or ValueError."""
    name = _text(resource["name"])
    if _text(resource["path"]) != f"{name}.csv" or "/" in name:
        raise ValueError(f"the path of {name} is {resource['path']}, and not {name}.csv")
    types = {_text(field["name"]): _text(field["type"]) for field in resource["schema"]["fields"]}
    for column, own in TABLES[name].columns.items() if name in TABLES else ():
        if types.get(column, _TYPES[own.type]) != _TYPES[own.type] or (
            column in _NEEDED and column not in types
        ):
            raise ValueError(f"{column} of {name} is no column of type {_TYPES[own.type]}")
    return Described(name=name, path=folder / f"{name}.csv", types=types, hash=_text(resource["hash"]))


_text: Final = reader(str)


def read_tables(package: Package) -> dict[str, pd.DataFrame]:
    """Read the tables of a run by the types that its datapackage.json gives.

    Raises:
        ResultsError: a file is missing, or is not what was described.
    """
    return {table.name: _read(table) for table in package.tables}


def _read(table: Described) -> pd.DataFrame:
    path, types = table.path, table.types
    try:
        with open(opened(path), "rb") as file:
            if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != table.hash:
                raise _changed(table, "it was changed")
            file.seek(0)
            frame = pd.read_csv(
                file,
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
