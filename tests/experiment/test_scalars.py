"""What an unquoted scalar means: YAML 1.2's core schema, and nothing in silence."""

import pytest

from mprunner.experiment.scalars import RefusedScalarError, plain_scalar


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["", "~", "null", "Null", "NULL"], None),
        (["true", "True", "TRUE"], True),
        (["false", "False", "FALSE"], False),
        (["0", "-0"], 0),
        (["+5"], 5),
        (["-12"], -12),
        (["9223372036854775807"], 2**63 - 1),
        (["-9223372036854775808"], -(2**63)),
        (["1.5"], 1.5),
        (["-.5"], -0.5),
        (["1."], 1.0),
        (["3.10"], 3.1),
        (["1e3"], 1000.0),
        (["1.5E-2"], 0.015),
    ],
)
def test_a_core_schema_scalar_has_its_value_and_type(texts, value):
    assert {(plain_scalar(text), type(plain_scalar(text))) for text in texts} == {(value, type(value))}


@pytest.mark.parametrize(
    "text",
    [
        *("none", "lock", "n", "y", "nan", "inf", "tRUE", "nULL", "1.2.3", "1.0-beta", "12:99", "a_1", "_1"),
        *("-", ".", "e3", "2024-1", "0bad", "0xyz", "1_a", "192.168.0.1", "10ms", "٣"),
    ],
)
def test_what_no_reader_takes_for_anything_else_is_text(text):
    assert plain_scalar(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "No", "ON", "off", "=", "<<"),
        *("1_000", "-1_0", "1_0.5", "1_", "010", "-00", "0o17", "0x1F", "0b11", "0X_f", "12:30:45", "1:30"),
        *("-1:00.5", "2024-01-31", "2024-02-31", "2024-1-1 12:00:00", "2024-01-31T12:00:00Z"),
    ],
)
def test_what_yaml_1_1_and_1_2_read_differently_is_refused_with_quotes_as_the_escape(text):
    with pytest.raises(RefusedScalarError, match=r"^YAML readers disagree on what .* means$") as caught:
        plain_scalar(text)
    assert f"'{text}' in quotes for text" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".inf", ".inf is not a finite number"),
        ("-.INF", "-.INF is not a finite number"),
        (".NaN", ".NaN is not a finite number"),
        ("1e999", "1e999 is too large for a number"),
        ("9223372036854775808", "9223372036854775808 does not fit in 64 bits"),
        ("-9223372036854775809", "-9223372036854775809 does not fit in 64 bits"),
        ("9" * 5_000, "99999999999999999999999999999… does not fit in 64 bits"),
    ],
)
def test_a_number_that_a_table_cannot_hold_is_refused(text, message):
    with pytest.raises(RefusedScalarError) as caught:
        plain_scalar(text)
    assert str(caught.value) == message
