"""What a scenario measures and says is what comes back from its tables, by pandas and by the csv module."""

import csv
import struct

import pandas as pd
import pytest

from tests.support import plugin_of

TEXTS = [
    "NA",
    "None",
    "null",
    "nan",
    "001",
    "1e5",
    "true",
    "a, b",
    'say "it"',
    "it's",
    " padded ",
    "ß→😀",
    "-0",
]
MESSAGE = "two\nlines\r\nand a bare \r, a tab \t, NUL \0, \\ and \u2028, 'quotes' and \"more\", lone \ud800"
FLOATS = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3]


PLUGIN = plugin_of(
    "echo",
    'text: str = "x"',
    "echo: str; whole: int; exact: float; nothing: int | None = None",
    "if params.text == 'raise': raise ValueError(MESSAGE); "
    "return Metrics(echo=params.text, whole=2**53 + 1, exact=FLOATS[trial.repeat])",
)


@pytest.fixture
def folder(ran):
    constants = f"\nFLOATS = {FLOATS!r}\nMESSAGE = {MESSAGE!a}\n"
    listed = ", ".join("'" + text.replace("'", "''") + "'" for text in [*TEXTS, "raise"])
    text = f"scenario: echo\nsweep: {{text: [{listed}]}}\nrepeats: {len(FLOATS)}\n"
    return ran(text, "-q", plugin=PLUGIN + constants, code=1).folder


def test_odd_texts_large_numbers_and_every_bit_of_a_float_come_back_by_both_readers(folder):
    """By pandas with the types said, as docs/results.md shows; by csv as the text that is written."""
    types = {"echo": "string", "text": "string", "whole": "Int64", "nothing": "Int64"}
    frame = pd.read_csv(
        folder / "trials.csv",
        dtype=types,
        keep_default_na=False,
        na_values=[""],
        converters={"exact": lambda text: float(text or "nan")},  # as exact in every version of pandas
    )
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        plain = list(csv.DictReader(file))
    assert len(frame) == len(plain) == (len(TEXTS) + 1) * len(FLOATS)
    measured = frame[frame["status"] == "ok"]
    assert list(measured["text"]) == list(measured["echo"]) == TEXTS * len(FLOATS)
    assert list(dict.fromkeys(row["text"] for row in plain)) == [*TEXTS, "raise"]
    assert set(measured["whole"]) == {2**53 + 1}
    assert {row["whole"] for row in plain if row["status"] == "ok"} == {str(2**53 + 1)}
    for repeat, number in enumerate(FLOATS):
        bits = struct.pack("d", number)
        of_repeat = measured[measured["repeat"] == repeat]["exact"]
        assert {struct.pack("d", each) for each in of_repeat} == {bits}
        written = {row["exact"] for row in plain if row["status"] == "ok" and row["repeat"] == str(repeat)}
        assert {struct.pack("d", float(each)) for each in written} == {bits}
    assert measured["nothing"].isna().all()


def test_a_message_of_any_characters_is_one_line_and_says_what_it_was(folder):
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        messages = {row["error_message"] for row in csv.DictReader(file) if row["status"] == "error"}
    (message,) = messages
    assert len((folder / "trials.csv").read_text(encoding="utf-8").split("\n")) == 2 + (len(TEXTS) + 1) * 5
    assert message.encode("ascii", "backslashreplace").decode("unicode_escape") == MESSAGE
