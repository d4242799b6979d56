"""Columns are declared once: tables, reserved names and documentation are made of that, or equal to it."""

import re

import pytest

from mprunner.analysis.summary import SUMMARY_COLUMNS
from mprunner.model.columns import TABLES
from mprunner.model.records import RESERVED_COLUMNS
from mprunner.tables.frames import OUTCOME_COLUMNS, TRIAL_COLUMNS
from tests.support import ROOT


def markdown(table):
    """Return a table's own columns as docs/results.md shows them."""
    rows = [
        f"| `{name}` | {column.role} | {column.unit} | {column.doc} |"
        for name, column in TABLES[table].columns.items()
    ]
    return "\n".join(["| column | role | unit | meaning |", "|---|---|---|---|", *rows, ""])


@pytest.mark.parametrize("table", TABLES)
def test_the_page_on_results_shows_the_columns_as_they_are_declared(table):
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {table}\.csv\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    (shown,) = re.findall(r"^\| column \|.*?\n(?=\n|\Z)", section, re.DOTALL | re.MULTILINE)
    assert shown == markdown(table)


def test_the_reserved_columns_are_those_of_the_tables_in_which_a_scenario_has_columns():
    assert {
        name for table in TABLES if table != "actors" for name in TABLES[table].columns
    } == RESERVED_COLUMNS


def test_the_columns_of_each_module_are_the_declared_ones():
    for name, columns in (
        ("trials", TRIAL_COLUMNS),
        ("outcomes", OUTCOME_COLUMNS),
        ("summary", SUMMARY_COLUMNS),
    ):
        assert columns == tuple(TABLES[name].columns)
