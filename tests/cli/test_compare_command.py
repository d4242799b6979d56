"""mprunner compare: which runs it takes, what it prints, and how it ends."""

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mprunner.analysis.samples import MeasuredCase, MeasuredRun, differing_params
from mprunner.report import values_apart
from mprunner.runs import Journal
from tests.made import header, record


@pytest.fixture
def compare(in_process):
    """Execute ``mprunner compare``, in the folder of the results."""
    return partial(in_process, "compare")


@pytest.fixture
def write_run(tmp_path):
    """Write the folder of a run of the bank whose cases took so long, and return its name below results."""

    def write(name, walls, **facts):
        folder = tmp_path / "results" / "bank" / name
        (folder / "logs").mkdir(parents=True)
        (folder / "experiment.yaml").write_text("scenario: race-bank\n")
        described = {"experiment": "bank", "run_id": name, "state": "finished", "python": "3.12.1", **facts}
        (folder / "run.json").write_text(json.dumps(described))
        with Journal.create(folder / "journal.jsonl", replace(header(), run_id=name)) as journal:
            for guard, values in walls.items():
                for repeat, wall_s in enumerate(values):
                    made = record(guard, repeat, metrics={"wall_s": float(wall_s)})
                    journal.started(made.attempt)
                    journal.ended(made)
        return name

    return write


def measured_run(*cases):
    return MeasuredRun(
        scenario="s", cases=tuple(MeasuredCase(label="", params=params, values={}) for params in cases)
    )


@pytest.mark.parametrize(
    ("base", "new", "told"),
    [
        ([{"capacity": 10}], [{"capacity": 20}], "capacity 10 → 20"),
        (
            [{"guard": "none", "n": 1}, {"guard": "lock", "n": 1}],
            [{"guard": "none", "n": 1.0}, {"guard": "rlock", "n": 1.0}],
            "n 1 → 1.0",
        ),
        (
            [{"guard": "a", "n": 1}, {"guard": "b", "n": 2}],
            [{"guard": "a", "n": 2}, {"guard": "c", "n": 1}],
            "guard a or b → a or c",
        ),
        ([{"n": n} for n in range(5)], [{"n": True}, {"n": None}], "n 0 or 1 or 2 … → true or null"),
        ([{"n": 1}], [{"m": 1}], "n 1 → (unknown); m (unknown) → 1"),
        ([{"a": 1, "b": 1}, {"a": 2, "b": 2}], [{"a": 1, "b": 2}, {"a": 2, "b": 1}], ""),
    ],
)
def test_sides_without_a_common_case_are_told_which_params_differ(base, new, told):
    assert values_apart(differing_params([measured_run(*base)], [measured_run(*new)])) == told


def test_runs_without_a_common_case_are_refused_with_what_differs(compare, write_run):
    base, new = (
        write_run("20250101T000000Z-aaaaaa", {"none": [1]}),
        write_run("20250102T000000Z-bbbbbb", {"lock": [1]}),
    )
    done = compare(base, new)
    assert done.returncode == 5
    assert "no case in common: guard none → lock\n" in done.stderr


def test_runs_that_share_each_value_and_no_case_are_told_so(compare, write_run, monkeypatch):
    monkeypatch.setattr("mprunner.workflow.compare.differing_params", lambda *_: {})
    done = compare(write_run("1-a", {"none": [1]}), write_run("2-b", {"lock": [1]}))
    assert "no case in common: each value is on both, in other combinations\n" in done.stderr


def walls(seed, factor=1.0):
    rng = np.random.default_rng(seed)
    return {guard: rng.normal(0.1, 0.002, 10) * factor for guard in ("none", "lock")}


@pytest.fixture
def runs(write_run):
    """Two runs, of which the second takes 1.2 times as long."""
    return write_run("20250101T000000Z-aaaaaa", walls(0)), write_run(
        "20250102T000000Z-bbbbbb", walls(1, 1.2), python="3.13.0"
    )


def test_two_runs_are_compared_case_by_case_after_what_differs_in_their_setting(compare, runs):
    done = compare(*runs)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        f"base   bank, {runs[0]}",
        f"new    bank, {runs[1]}",
        "differs   Python: 3.12.1 → 3.13.0",
        "",
        "wall_s: 2 cases, 2 slower",
    ]
    assert lines[5].startswith("guard none   ")
    assert "One run on each side" in lines[-1]


def test_what_mprunner_measures_of_trials_is_compared_if_it_is_asked_for(compare, runs):
    asked = compare(*runs, "--metric", "cpu_user_s", "--metric", "max_process_rss_bytes")
    assert asked.returncode == 0, asked.stderr
    assert "cpu_user_s: 2 cases" in asked.stdout
    assert "cpu_user_s" not in compare(*runs).stdout


@pytest.mark.parametrize(("limit", "code"), [("+5%", 1), ("+50%", 0), ("-5%", 0)])
def test_a_limit_that_is_exceeded_is_exit_code_1(compare, runs, limit, code):
    done = compare(*runs, "--fail-on", f"wall_s: {limit}")
    assert done.returncode == code
    assert done.stdout.count(f"beyond wall_s: {limit}: guard ") == 2 * code
    assert done.stderr == ""


def test_a_limit_that_the_trials_can_not_rule_out_is_unclear_and_fails_if_that_is_asked(compare, write_run):
    wide = {"none": [0.7, 0.8, 0.9, 1.0, 1.3, 1.6], "lock": [1.0] * 6}
    wider = {"none": [0.8, 0.9, 1.1, 1.2, 1.4, 1.9], "lock": [1.0] * 6}
    sides = write_run("1-a", wide), write_run("2-b", wider)
    done = compare(*sides, "--fail-on", "wall_s: +5%")
    assert done.returncode == 0
    (unclear,) = (line for line in done.stdout.splitlines() if "unclear" in line)
    assert unclear.startswith("wall_s: +5% is unclear: guard none may be beyond it, 1.2")
    assert re.search(r"; about [0-9,]+ trials a side would tell$", unclear)
    assert compare(*sides, "--fail-on", "wall_s: +5%", "--fail-on-unclear").returncode == 1
    assert compare(*sides, "--fail-on", "wall_s: +900%", "--fail-on-unclear").returncode == 0
    told = json.loads(compare(*sides, "--fail-on", "wall_s: +5%", "--json").stdout)
    assert (told["exceeded"], [each["label"] for each in told["unclear"]]) == ([], ["guard none"])


def test_what_should_not_shrink_has_a_negative_limit(compare, runs):
    assert compare(*reversed(runs), "--fail-on", "wall_s: -5%").returncode == 1


def test_a_limit_that_can_not_be_judged_in_a_case_is_a_warning(compare, write_run):
    few = {"none": [1.0, 1.0], "lock": [1.0, 1.1, 0.9, 1.0, 1.2]}
    done = compare(write_run("1-a", few), write_run("2-b", few), "--fail-on", "wall_s: +5%")
    assert done.returncode == 0
    assert done.stderr == "warning: --fail-on 'wall_s: +5%' can't be judged in 1 of 2 cases\n"


def test_a_limit_that_can_be_judged_in_no_case_does_not_pass(compare, write_run):
    few = {"none": [1.0, 1.0]}
    done = compare(write_run("1-a", few), write_run("2-b", few), "--fail-on", "wall_s: +5%")
    assert done.returncode == 5
    assert "guard none" in done.stdout
    assert "error: --fail-on 'wall_s: +5%' can't be judged in any case" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--fail-on", "wall_s +5%"], "hint: write 'wall_s: +5%'"),
        (["--fail-on", "speed: +5%"], "hint: known: lost_updates"),
        (["--min-effect", "1"], "hint: write --min-effect 1%"),
        (["--metric", "remark"], "hint: known: lost_updates"),
        (["--case", "guard=none"], "hint: such as --case"),
        (["--case", "guard=none", "--case", "guard=lock"], "hint: name one RUN"),
    ],
)
def test_bad_usage_is_exit_code_2_with_a_hint(compare, runs, arguments, hint):
    done = compare(*runs, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "compare needs two runs, and 0 are named"),
        (["bank"], "compare needs two runs, and 1 is named"),
        (["bank", "bank"], "is named twice"),
        (["--base", "bank"], "there is no run on the new side"),
        (["--new", "bank"], "there is no run on the side of the base"),
        (["bank", "bnak"], "there is no run 'bnak'"),
    ],
)
def test_sides_that_are_no_two_runs_are_exit_code_2(compare, runs, arguments, message):
    done = compare(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_the_comparison_as_json_says_what_exceeds_a_limit(compare, runs):
    done = compare(*runs, "--json", "--metric", "wall_s", "--fail-on", "wall_s: +5%")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert {row["change"] for row in found["rows"]} == {"more"}
    assert [limit["label"] for limit in found["exceeded"]] == ["guard none", "guard lock"]


def test_a_run_that_did_not_finish_is_told_so(compare, runs, write_run):
    write_run("3-c", walls(3), state="interrupted")
    assert "new    bank, 3-c, interrupted" in compare(runs[0], "3-c").stdout
