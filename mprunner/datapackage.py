"""datapackage.json: what the tables of a run hold, as a Data Package (https://datapackage.org, version 2).

Of the standard: types, keys, missing values, bytes and hash. Beside it: ``role`` and ``unit`` of a column, ``rows``
of a table.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mprunner.columns import TABLES, Column, Table
from mprunner.declarations import Declaration, Field
from mprunner.durable import unwritable, written_atomically
from mprunner.errors import ResultsError
from mprunner.escapes import escaped
from mprunner.header import Header
from mprunner.tables import write_csv

FILE: Final = "datapackage.json"
"""Its name in a run's folder."""

_PROFILES: Final = "https://datapackage.org/profiles/2.0"
_TYPES: Final[Mapping[str, str]] = {
    "string": "string",
    "Int64": "integer",
    "object": "integer",  # of a size that no type of pandas holds
    "Float64": "number",
    "boolean": "boolean",
}
"""The standard's types by those of our frames."""


def write_package(folder: Path, header: Header, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write tables and their description; each file is replaced whole or not at all.

    Guarantees: whenever the process dies, a description that is there is of the tables beside it.

    Args:
        folder: the run's folder.
        header: the journal's.
        frames: the tables, by the names of :data:`mprunner.columns.TABLES`.

    Raises:
        ResultsError: a file can't be written.
    """
    path = folder / FILE
    try:
        path.unlink(missing_ok=True)  # it is of the old tables
    except OSError as error:
        raise unwritable(path, error) from error
    for name, frame in frames.items():
        write_csv(frame, folder / f"{name}.csv")
    package = describe(folder, header, frames)
    with written_atomically(path) as file:
        file.write(json.dumps(package, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def describe(folder: Path, header: Header, frames: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Describe tables that have been written to a run's folder.

    Raises:
        ResultsError: one of them can't be read.
    """
    resources = [_resource(folder, name, frame, header.declaration) for name, frame in frames.items()]
    return {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": f"{header.experiment['name']}-{header.run_id}".lower(),
        "id": header.run_id,
        "title": f"{header.experiment['name']}: scenario {header.declaration.name}",
        "description": header.declaration.doc
        or f"What the scenario {header.declaration.name} measured and observed.",
        "resources": resources,
    }


def _resource(folder: Path, name: str, frame: pd.DataFrame, declaration: Declaration) -> dict[str, Any]:
    table = TABLES[name]
    size, digest = _fingerprint(folder / f"{name}.csv")
    return {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": name,
        "path": f"{name}.csv",
        "type": "table",
        "description": table.doc,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": size,
        "hash": f"sha256:{digest}",
        "rows": len(frame),
        "schema": _schema(table, frame, _declared(name, declaration)),
    }


def _fingerprint(path: Path) -> tuple[int, str]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return file.tell(), digest
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error


def _declared(name: str, declaration: Declaration) -> dict[str, tuple[str, Field]]:
    """Return the role and the field of each column of a table that the scenario declares."""
    params = () if name in ("actors", "samples") else declaration.params
    metrics = declaration.metrics if name == "trials" else ()
    samples = declaration.sample or () if name == "samples" else ()
    return {
        field.name: (role, field)
        for role, fields in (("param", params), ("metric", metrics), ("sample", samples))
        for field in fields
    }


def _schema(table: Table, frame: pd.DataFrame, declared: Mapping[str, tuple[str, Field]]) -> dict[str, Any]:
    fields = []
    for name, dtype in frame.dtypes.items():
        described = {"name": name, "type": _TYPES[str(dtype)]}
        if name in table.columns:
            column = table.columns[str(name)]
            described |= _own(column, required=name in table.key)
        elif name in declared:
            described |= _of_scenario(*declared[str(name)])
        fields.append(described)
    schema: dict[str, Any] = {"$schema": f"{_PROFILES}/tableschema.json", "fields": fields}
    schema["missingValues"] = [""]
    if table.key:
        schema["primaryKey"] = list(table.key)
    if table.refers_to:
        resource, columns = table.refers_to
        reference = {"resource": resource, "fields": list(columns)}
        schema["foreignKeys"] = [{"fields": list(columns), "reference": reference}]
    return schema


def _own(column: Column, *, required: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"description": column.doc.replace("`", ""), "role": column.role}
    if column.unit:
        described["unit"] = column.unit
    if required:
        described["constraints"] = {"required": True}
    return described


def _of_scenario(role: str, field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"description": field.doc, "role": role}
    if field.unit:
        described["unit"] = field.unit
    choices = [escaped(each) if isinstance(each, str) else each for each in field.choices or ()]
    if choices:
        described["constraints"] = {"enum": choices}
    return described


def tables_of(folder: Path) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """Read which tables a run's folder has: each one's name, its file, and the type of each column.

    Raises:
        ResultsError: there is no description, or it is none.
    """
    path = folder / FILE
    try:
        for resource in json.loads(path.read_bytes())["resources"]:
            types = {field["name"]: field["type"] for field in resource["schema"]["fields"]}
            yield resource["name"], folder / resource["path"], types
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"{path} is damaged: {error}", "remove it: the journal says all of it") from error
