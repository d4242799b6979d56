"""Each surprise of YAML that silently changes an experiment elsewhere: here a located error, or the right value."""

import pytest

from mprunner.errors import ExperimentError

HEAD = "scenario: bank\n"


def told(problems, text):
    """Return the place and message of the only problem, and its hint."""
    first, *_, last = problems(text).splitlines()
    return first, last if last.startswith("hint: ") else ""


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param(
            "repeats: 3\nrepeats: 4\n",
            "3:1: repeats: this key is given twice, first on line 2",
            "",
            id="of a key given twice the last wins",
        ),
        pytest.param(
            "params:\n  no: 3\n",
            "3:3: params: YAML readers disagree on what no means",
            "hint: ",
            id="no is false",
        ),
        pytest.param("timeout: 12:30:45\n", "2:10: ", "hint: ", id="12:30:45 is 45045"),
        pytest.param("repeats: 010\n", "2:10: ", "hint: ", id="010 is 8"),
        pytest.param(
            "repeats: 1e3\n", "2:10: repeats: must be a whole number, not 1e3", "hint: write 1000", id="1e3"
        ),
        pytest.param("repeats: 1_000\n", "2:10: ", "hint: ", id="1_000"),
        pytest.param(
            "params: {label: 3.10}\n",
            "2:17: params.label: must be text, not 3.10",
            "hint: 3.10 is the number 3.1; write '3.10' in quotes for text",
            id="3.10 is 3.1",
        ),
        pytest.param("params:\n  1: 2\n", "3:3: ", "", id="a key that is a number"),
        pytest.param(
            "params:\n  1: a\n  1.0: b\n  true: c\n", "3:3: ", "", id="keys 1, 1.0 and true are one"
        ),
        pytest.param("params: {label: yes}\n", "2:17: ", "hint: ", id="yes is true"),
        pytest.param("params: {label: 2024-02-30}\n", "2:17: ", "hint: ", id="an impossible date"),
        pytest.param("params: !!python/name:os.system {}\n", "2:9: ", "hint: ", id="a tag"),
        pytest.param("---\nscenario: bank\n", "2:1: ", "", id="several documents"),
        pytest.param("seed: 99999999999999999999\n", "2:7: ", "", id="an integer of more than 64 bits"),
        pytest.param("timeout: .inf\n", "2:10: ", "", id="a number that is not finite"),
        pytest.param('description: "\\ud800"\n', "2:", "", id="half a character"),
        pytest.param(
            "sweep:\n  guard: [none, lokc]\n", "3:17: ", "hint: did you mean 'lock'?", id="a mistyped value"
        ),
    ],
)
def test_what_is_silent_elsewhere_is_refused_where_it_stands(problems, text, message, hint):
    first, last = told(problems, HEAD + text)
    assert first.startswith("bank.yaml:" + message), first
    assert last.startswith(hint), last


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("params: {pause_s: 1e3}\n", 1000.0),
        ("params: {pause_s: 3.10}\n", 3.1),
        ("params: {label: '010'}\n", "010"),
        ("params: {label: 'no'}\n", "no"),
        ('params: {label: "12:30:45"}\n', "12:30:45"),
        ("params: {label: 'null'}\n", "null"),
        ("params: {fair: true}\n", True),
        ("params: {chunk: null}\n", None),
    ],
)
def test_a_value_is_what_is_written(read, text, value):
    (found,) = read(HEAD + text).params.values()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("raw", [b"scenario: b\xe4nk\n", b"\xff\xfes\x00c\x00"], ids=["Latin-1", "UTF-16"])
def test_what_is_not_utf_8_is_refused(problems, raw):
    assert problems(raw).startswith("bank.yaml:1:")


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_tens_of_thousands_of_open_brackets_are_one_problem(problems, opening):
    assert len(problems("scenario: " + opening * 60_000).split("\n\n")) == 1


def test_a_file_of_more_than_256_kibibytes_is_refused(read):
    with pytest.raises(ExperimentError, match=r"^bank.yaml is larger than 256 KiB$"):
        read(HEAD + "#" * 2**20)
