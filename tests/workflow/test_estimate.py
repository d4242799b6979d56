"""How long a plan may take: by an earlier run, or at most."""

import io
import json
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.cli.options import LOOKED_AT, refusals_text
from mprunner.cli.output import Streamed, print_json
from mprunner.errors import ResultsError
from mprunner.experiment.plan import Refusal
from mprunner.runs.journal_reader import line_of
from mprunner.workflow.duration import Estimate, Walls, by_walls, read_walls

BANK = (
    "scenario: race-bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock]}\nrepeats: 2\ntimeout: 60\n"
)


def ended(case_id, second, wall_s, status="ok"):
    started_at = f"2026-01-01T00:00:{second:09.6f}Z"
    record = {"attempt": {"case_id": case_id}, "status": status, "ending": {"wall_s": wall_s}}
    return line_of({"ended": record | {"started_at": started_at}})


def refusals(*reasons):
    return [Refusal(label=f"n {n}", params={}, reason=reason) for n, reason in enumerate(reasons)]


def test_a_case_that_was_not_measured_counts_as_the_mean_of_the_others():
    walls = Walls({"a": 1.0, "b": 3.0, "of another plan": 100.0}, overhead_s=0.5)
    assert by_walls(["a", "b", "c"], 4, walls, "run") == Estimate(
        seconds=4 * (1 + 3 + 2 + 1.5), run_id="run", known=2
    )


def test_a_run_without_a_case_of_the_plan_says_nothing():
    assert by_walls(["a"], 1, Walls({"b": 1.0}), "run") is None


def test_walls_are_means_by_case_and_the_median_pause_between_trials(tmp_path):
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(
        ended("a", 0, 1.0)
        + ended("b", 1.5, 2.0, "timeout")
        + ended("a", 4, 3.0)
        + ended("a", 50, 9.0, "cancelled")
        + b"half"
    )
    assert read_walls(journal) == Walls({"a": 2.0, "b": 2.0}, overhead_s=pytest.approx(0.5))


def test_a_damaged_journal_is_an_error_of_its_own(tmp_path):
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(ended("a", 0, 1.0).replace(b"a", b"b") + ended("a", 2, 1.0))
    with pytest.raises(ResultsError, match="line 1, byte 0: damaged"):
        read_walls(journal)


def test_plan_tells_the_time_by_an_earlier_run_and_without_one_the_most(in_process, tmp_path):
    (tmp_path / "bank.yaml").write_text(BANK)
    assert (
        in_process("plan", "bank.yaml").stdout.splitlines()[1]
        == "at most 4 min, if every trial took its whole timeout"
    )
    in_process("run", "-q", "bank.yaml", "--only", "guard=lock")
    (run,) = (tmp_path / "results" / "bank").glob("2*")
    told = in_process("plan", "bank.yaml").stdout.splitlines()[1]
    assert told.startswith("about ")
    assert told.endswith(f", by run {run.name}: 1 of 2 cases was measured there")
    found = json.loads(in_process("plan", "--json", "bank.yaml").stdout)["estimate"]
    assert found["seconds"] > 0
    assert (found["run_id"], found["known_cases"]) == (run.name, 1)
    (run / "journal.jsonl").write_bytes(b"damaged\n")
    done = in_process("plan", "bank.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nat most 4 min" in done.stdout


def test_refusals_are_counted_by_reason_the_most_frequent_first():
    assert (
        refusals_text(refusals("x", "y", "y"))
        == "3 combinations left out:\n  2, such as n 1: y\n  1, such as n 0: x"
    )
    assert refusals_text(refusals(*"abcdefg")).splitlines()[-2:] == [
        "  1, such as n 4: e",
        "  … and 2 more reasons",
    ]


def test_of_very_many_refusals_only_the_first_are_looked_at():
    told = refusals_text(refusals(*["x"] * (LOOKED_AT + 2)))
    assert told.splitlines()[1:] == ["  10,000, such as n 0: x", "  2 combinations more were not looked at"]


@pytest.mark.parametrize("items", [[], [1], [{"a": 1}, [2], "ü"]])
def test_a_streamed_list_is_written_as_any_other(capsys, items):
    print_json({"of": Streamed(iter(items))})
    assert capsys.readouterr().out == json.dumps({"of": items}, indent=2, ensure_ascii=False) + "\n"


parts = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


@given(st.recursive(parts, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=30))
def test_any_value_is_written_as_json_writes_it(value):
    written = io.StringIO()
    with redirect_stdout(written):
        print_json(value)
    expected = json.dumps(value, indent=2, ensure_ascii=False)
    assert json.loads(written.getvalue()) == value
    if expected.replace("\n", "").isprintable():
        assert written.getvalue() == expected + "\n"
