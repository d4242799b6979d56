"""How a problem looks: its place, the line, a caret under the fault, a hint."""

import pickle

import pytest

from mprunner.errors import ExperimentError
from mprunner.experiment.problems import ExperimentFileError, Position, Source, did_you_mean, path_text


def rendered(line, column, width=1, message="it is wrong", **options):
    return Source.of("x.yaml", line).problem(Position(1, column, width), message, **options).render()


def caret_line(line, column, width=1):
    return rendered(line, column, width).splitlines()[2]


def test_a_problem_is_a_place_a_line_a_caret_and_a_hint():
    source = Source.of("experiments/bank.yaml", "\n" * 8 + "  guard: [none, lokc]\n")
    problem = source.problem(
        Position(9, 17, 4),
        "'lokc' is not one of none, lock",
        where=("sweep", "guard", 1),
        hint="did you mean 'lock'?",
    )
    assert (
        problem.render()
        == """\
experiments/bank.yaml:9:17: sweep.guard[1]: 'lokc' is not one of none, lock
9 |   guard: [none, lokc]
  |                 ^^^^
hint: did you mean 'lock'?"""
    )


def test_a_problem_of_the_whole_file_has_no_path_and_may_have_no_hint():
    assert rendered("a: 1", 1) == "x.yaml:1:1: it is wrong\n1 | a: 1\n  | ^"


def test_the_gutter_is_as_wide_as_the_line_number():
    problem = Source.of("x.yaml", "\n" * 122 + "a: 1").problem(Position(123, 4, 1), "it is wrong")
    assert problem.render().splitlines()[1:] == ["123 | a: 1", "    |    ^"]


@pytest.mark.parametrize(
    ("line", "column", "caret"),
    [
        ("\ta: x", 5, "  |        ^"),  # a tab is shown as four spaces
        ("漢字: x", 5, "  |       ^"),  # two columns each
        ("e\u0301: x", 5, "  |    ^"),  # a combining accent has none of its own
        ("é: x", 4, "  |    ^"),
    ],
)
def test_the_caret_is_under_the_fault_whatever_is_before_it(line, column, caret):
    assert caret_line(line, column) == caret


def test_wide_characters_have_wide_carets():
    assert caret_line("a: 漢字", 4, 2) == "  |    ^^^^"


def test_a_long_line_is_cut_around_the_fault():
    line = "a" * 500 + "X" * 5 + "b" * 500
    shown, caret = rendered(line, 501, 5).splitlines()[1:]
    assert shown == "1 | …" + "a" * 40 + "XXXXX" + "b" * 55 + "…"
    assert caret == "  | " + " " * 41 + "^" * 5


@pytest.mark.parametrize(("column", "at"), [(1, 4), (1000, 104)])
def test_the_ends_of_a_long_line_are_shown_without_a_cut(column, at):
    line = "a" * 999 + "b"
    shown, caret = rendered(line, column).splitlines()[1:]
    assert caret.index("^") == at
    assert shown[at] == line[column - 1]


def test_a_fault_longer_than_what_is_shown_has_a_caret_to_the_end_of_it():
    assert len(caret_line("a: " + "x" * 10_000, 4, 10_000)) == len("  | ") + 100


def test_what_could_take_over_a_terminal_is_never_shown_as_it_is():
    source = Source.of("\x1b[31m.yaml", "a: \x1b[2J\u202e")
    shown = source.problem(Position(1, 4, 1), "no", where=("\x1b",)).render()
    assert all(char == "\n" or char.isprintable() for char in shown)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("sweep", 0, "guard", 1), "sweep[0].guard[1]"),
        (("params", "a b"), "params['a b']"),
        (("\n",), "['\\n']"),
        (("k" * 1_000,), "['" + "k" * 39 + "…']"),
    ],
)
def test_a_path_is_written_as_in_a_program(path, text):
    assert path_text(path) == text


def test_the_error_has_all_problems_in_the_order_of_the_file():
    source = Source.of("x.yaml", "a: 1\nb: 2")
    second, first = (source.problem(Position(line, 1), f"number {line}") for line in (2, 1))
    error = ExperimentFileError([second, first])
    assert isinstance(error, ExperimentError)
    assert error.exit_code == 2
    assert error.hint is None
    assert error.problems == (first, second)
    assert error.message == f"{first.render()}\n\n{second.render()}"
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_a_hundred_problems_are_shown_and_the_rest_counted():
    source = Source.of("x.yaml", "a: 1")
    problem = source.problem(Position(1, 1), "no")
    error = ExperimentFileError([problem] * 1_234)
    assert len(error.problems) == 1_234
    assert error.message.count("x.yaml:") == 100
    assert error.message.endswith("\n\n… and 1,134 more problems")


def test_a_part_of_one_name_is_told_with_it_and_a_part_of_several_is_not():
    known = ("RawValue", "initial_balance", "initial_payload")
    assert did_you_mean("raw", known) == "did you mean 'RawValue'?"
    assert did_you_mean("initial", known[:2]) == "did you mean 'initial_balance'?"
    assert did_you_mean("init", known) is None
    assert did_you_mean("aw", known) is None
