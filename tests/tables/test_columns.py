"""Columns are declared once: tables and reserved names are made of that, and the documentation is equal to it."""

import re

import pytest

from mprunner.model.columns import TABLES
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
