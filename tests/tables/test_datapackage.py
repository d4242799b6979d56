"""datapackage.json: every column described, and the tables as it says, by readers that know nothing of mprunner."""

import csv
import hashlib
import json
import warnings
from dataclasses import replace
from functools import partial

import duckdb
import pandas as pd
import pytest

from mprunner.analysis.summary import summarise
from mprunner.errors import ResultsError
from mprunner.model.columns import TABLES
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.tables.csv import DTYPES, write_csv
from mprunner.tables.datapackage import FILE, write_package
from mprunner.tables.frames import build_frames
from tests.made import DECLARATION, actor, header, outcome, record, run, tables

TRICKY = ["NA", "None", "001", "a, b", 'say "it"', "back\\slash", "it's", " padded ", "ß→😀", "null", "-0"]
FLOATS = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3]
DECLARED = replace(
    DECLARATION,
    params=(
        Field(name="guard", type="str", choices=("none", "back\\slash"), doc="What guards the balance."),
        Field(name="transactions", type="int", doc="How many.", unless=({"guard": ("none",)},)),
        Field(name="text", type="str"),
    ),
    sample=(Field(name="lag_s", type="float", unit="s", doc="How late."), Field(name="word", type="str")),
)


def tricky_records():
    for number, text in enumerate(TRICKY):
        made = record(
            repeat=number,
            metrics={"remark": text, "wall_s": FLOATS[number % len(FLOATS)], "final_balance": 2**53 + 1},
            actors=[actor(0), actor(1)],
            samples=[{"lag_s": each, "word": text} for each in FLOATS],
            outcomes=[outcome(number)],
        )
        guard = "back\\slash" if number % 2 else "none"
        params = {"guard": guard, "transactions": 10, "text": text}
        yield replace(made, attempt=replace(made.attempt, params=params, case_id=f"case-{number}"))
    message = "two\nlines\r\nand, a bare \r, NUL \0, \\ and \u2028, lone \ud800"
    failed = record(repeat=99, status=Status.ERROR, error_type="ValueError", error_message=message)
    params = {"guard": "none", "transactions": 10, "text": "last"}
    yield replace(failed, attempt=replace(failed.attempt, params=params))


def frames_of(made):
    return {**tables(made), "summary": summarise(build_frames(made), made.header)}


def written_whole(frames):
    return {name: partial(write_csv, frame) for name, frame in frames.items()}


@pytest.fixture
def written(tmp_path):
    """A folder with tables of tricky values, and its frames."""
    made = run(*tricky_records(), header=header(DECLARED))
    frames = frames_of(made)
    write_package(tmp_path, made.header, written_whole(frames))
    return tmp_path, frames


@pytest.fixture
def package(written):
    return json.loads((written[0] / FILE).read_text(encoding="utf-8"))


def test_every_column_of_every_table_is_described(written, package):
    undescribed = []
    for resource in package["resources"]:
        fields = resource["schema"]["fields"]
        assert [field["name"] for field in fields] == list(written[1][resource["name"]].columns)
        undescribed += [field["name"] for field in fields if "role" not in field]
        own = [field for field in fields if field["name"] in TABLES[resource["name"]].columns]
        assert all(field["description"] for field in own)
    assert undescribed == []


def test_every_description_is_of_a_column_of_that_type(written):
    for name, table in TABLES.items():
        dtypes = [
            (column, dtype) for column, dtype in written[1][name].dtypes.items() if column in table.columns
        ]
        assert dtypes == [(column, DTYPES[each.type]) for column, each in table.columns.items()]


def test_a_column_of_the_scenario_has_the_scenario_s_words(package):
    by_name = {resource["name"]: resource["schema"]["fields"] for resource in package["resources"]}
    guard = {
        "name": "guard",
        "type": "string",
        "description": "What guards the balance.",
        "role": "param",
        "constraints": {"enum": ["none", "back\\\\slash"]},
    }
    for table in ("trials", "outcomes", "summary"):
        assert guard in by_name[table]
        assert "How many. (not with guard none)" in [field["description"] for field in by_name[table]]
    lag = {"name": "lag_s", "type": "number", "description": "How late.", "role": "sample", "unit": "s"}
    assert lag in by_name["samples"]
    assert {"wall_s": "metric", "text": "param"}.items() <= {
        f["name"]: f["role"] for f in by_name["trials"]
    }.items()


def test_hash_bytes_and_rows_are_those_of_the_files(written, package):
    for resource in package["resources"]:
        content = (written[0] / resource["path"]).read_bytes()
        assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert resource["bytes"] == len(content)
        assert resource["rows"] == content.count(b"\n") - 1


def validated(folder):
    """Have the standard's own reader check types, keys, references, enumerations, hashes and sizes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, and its dependencies'
        import frictionless

        return frictionless.validate(str(folder / FILE))


def test_frictionless_finds_the_package_and_every_row_valid(written):
    report = validated(written[0])
    assert report.valid, report.flatten(["name", "type", "note"])
    assert report.stats["tasks"] == 5


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [("trials", "back", "BACK"), ("actors", "trial-none-3", "trial-none-X"), ("samples", "5e-324", "x")],
)
def test_frictionless_finds_a_table_that_was_changed(written, table, old, new):
    path = written[0] / f"{table}.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert not validated(written[0]).valid


@pytest.fixture
def connection():
    """A connection of its own: the one that duckdb shares may have an unfinished result of another test."""
    with duckdb.connect() as connection:
        yield connection


def test_every_table_is_the_same_by_duckdb_by_pandas_and_by_the_csv_module(written, connection):
    for name, frame in written[1].items():
        path = written[0] / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            columns, *plain = csv.reader(file)
        by_duckdb = connection.sql(f"SELECT * FROM read_csv('{path}', all_varchar=true)")
        assert by_duckdb.columns == columns == list(frame.columns)
        assert [["" if cell is None else cell for cell in row] for row in by_duckdb.fetchall()] == plain
        by_pandas = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert by_pandas.to_numpy().tolist() == plain
        assert len(plain) == len(frame)


def test_readers_that_guess_the_types_read_the_same_numbers(written, connection):
    for name, frame in written[1].items():
        path = written[0] / f"{name}.csv"
        guessed = pd.read_csv(path)
        by_duckdb = connection.read_csv(str(path))
        assert len(guessed) == len(frame) == by_duckdb.shape[0]
        for column in frame.select_dtypes(["Int64", "Float64"]):
            expected = [None if value is pd.NA else value for value in frame[column]]
            assert [row[0] for row in by_duckdb.select(f'"{column}"').fetchall()] == expected
            # pandas makes whole numbers beside missing ones floats, and its older versions round the last bit
            as_floats = (guessed[column].astype("Float64"), frame[column].astype("Float64"))
            pd.testing.assert_series_equal(*as_floats, rtol=1e-15)


def test_a_description_is_never_of_other_tables_than_those_beside_it(written):
    folder, _ = written

    def killed(path):
        assert not (folder / FILE).exists()
        raise ResultsError("killed")

    with pytest.raises(ResultsError, match=r"^killed$"):
        write_package(folder, header(DECLARED), {"trials": killed})
    assert not (folder / FILE).exists()


def test_a_run_without_records_has_a_valid_package(tmp_path):
    made = run(header=header(DECLARED))
    write_package(tmp_path, made.header, written_whole(frames_of(made)))
    report = validated(tmp_path)
    assert report.valid, report.flatten(["name", "type", "note"])
