"""mprunner compare: which runs it takes, what it prints, and how it ends."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mprunner.analysis.samples import MeasuredCase, MeasuredRun, differing_params
from mprunner.report import values_apart
from mprunner.runs import Journal, RunFolder
from mprunner.workflow.tabulate import write_tables
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
                    spent = {
                        "cpu_user_s": wall_s / 2,
                        "cpu_system_s": wall_s / 9,
                        "max_process_rss_bytes": 9**6,
                    }
                    made = replace(made, ending=replace(made.ending, wall_s=wall_s + 0.1, **spent))
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
def write_earlier(write_run, tmp_path):
    """Write six earlier runs that hardly differ, with the medians of their summaries, and return their ids."""

    def write(**facts):
        names = [f"202412{day:02}T000000Z-eeeeee" for day in range(1, 7)]
        for name in names:
            began = f"{name[:4]}-{name[4:6]}-{name[6:8]}T00:00:00.000000Z"
            write_run(name, {}, **{"scenario": "race-bank", "started_at": began, **facts})
            day = int(name[6:8])
            rows = [f"case-{guard},wall_s,s,5,{0.1 + 1e-4 * (day % 3)}" for guard in ("none", "lock")]
            summary = tmp_path / "results" / "bank" / name / "summary.csv"
            summary.write_text("\n".join(["case_id,metric,unit,trials,median", *rows]) + "\n")
        return names

    return write


@pytest.fixture
def runs(write_run):
    """Two runs, of which the second takes 1.2 times as long."""
    base, new = (
        {"scenario": "race-bank", "started_at": f"2025-01-0{day}T00:00:00.000000Z"} for day in (1, 2)
    )
    return write_run("20250101T000000Z-aaaaaa", walls(0), **base), write_run(
        "20250102T000000Z-bbbbbb", walls(1, 1.2), python="3.13.0", **new
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
        "wall_s: 2 cases, 2 change or drift",
    ]
    assert lines[5].startswith("guard none   ")
    assert lines[-1].startswith("One run each can't tell a change from the machine's drift: ")


def test_earlier_runs_in_the_results_folder_give_a_verdict(compare, runs, write_earlier):
    names = write_earlier()
    lines = compare(*runs).stdout.splitlines()
    assert lines[4] == "wall_s: 2 cases, 2 slower"
    assert lines[-1] == (
        "The machine's drift is in the intervals, as 6 earlier runs of the same cases under the same environment "
        f"show it: {names[0]} … {names[-1]}."
    )
    told = json.loads(compare(*runs, "--json").stdout)
    assert told["earlier"] == names
    assert {(row["method"], row["earlier"]) for row in told["rows"]} == {("earlier-runs", 6)}


@pytest.mark.parametrize(
    "facts", [{"python": "3.11.0"}, {"host": "other"}, {"scenario": "other"}, {"state": "interrupted"}]
)
def test_earlier_runs_under_another_environment_or_unfinished_are_not_taken(
    compare, runs, write_earlier, facts
):
    write_earlier(**facts)
    assert "2 change or drift" in compare(*runs).stdout


HEAD = "case_id,metric,trials,median\n"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "case_id,median\n1,2\n",
        f"{HEAD}case-none,wall_s,c,d\n",
        f"{HEAD}case-none,wall_s,1.5,1\n",
        f"{HEAD}case-none,wall_s,1e400,1\n",
        f"{HEAD}case-none,wall_s,5,inf\n",
        f"{HEAD}case-none,wall_s,-5,\n",
        "\0" * 9,
        "\udcff",
    ],
)
def test_earlier_runs_whose_summary_is_none_are_passed_over(compare, runs, write_earlier, tmp_path, text):
    names = write_earlier()
    for name in names[:2]:
        path = tmp_path / "results" / "bank" / name / "summary.csv"
        path.unlink() if text is None else path.write_text(text, errors="surrogateescape")
    done = compare(*runs)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 change or drift" in done.stdout


def test_runs_that_began_later_are_not_taken_for_earlier_ones(compare, runs, write_earlier, tmp_path):
    for name in write_earlier():
        folder = tmp_path / "results" / "bank" / name
        folder.rename(folder.with_name(name.replace("2024", "2026")))
    assert "2 change or drift" in compare(*runs).stdout


def test_what_mprunner_measures_of_trials_is_compared_if_it_is_asked_for(compare, runs):
    asked = compare(*runs, "--metric", "cpu_user_s", "--metric", "max_process_rss_bytes")
    assert asked.returncode == 0, asked.stderr
    assert "cpu_user_s: 2 cases" in asked.stdout
    assert "cpu_user_s" not in compare(*runs).stdout


@pytest.mark.parametrize(("limit", "code"), [("+5%", 1), ("+50%", 0), ("-5%", 0)])
def test_a_limit_that_is_exceeded_is_exit_code_1(compare, runs, write_earlier, limit, code):
    write_earlier()
    done = compare(*runs, "--fail-on", f"wall_s: {limit}")
    assert done.returncode == code
    assert done.stdout.count(f"beyond wall_s: {limit}: guard ") == 2 * code
    assert done.stderr == ""


def test_a_limit_that_the_trials_can_not_rule_out_is_unclear_and_fails_if_that_is_asked(compare, write_run):
    drifting = [1.0, 1.2, 1.4, 1.6, 0.8, 1.0]
    names = [write_run(f"{n}-x", {"none": [wall] * 6, "lock": [1.0] * 6}) for n, wall in enumerate(drifting)]
    sides = [*names[:2], "--base", names[2], "--new", names[3], "--base", names[4], "--new", names[5]]
    done = compare(*sides, "--fail-on", "wall_s: +5%")
    assert done.returncode == 0
    (unclear,) = (line for line in done.stdout.splitlines() if "unclear" in line)
    assert re.fullmatch(
        r"wall_s: \+5% is unclear: guard none may be up to 2\.\d\d×; a change of \+\d\d\.\d% could have been shown; "
        r"about \d+ runs a side, in turn, would tell",
        unclear,
    )
    assert compare(*sides, "--fail-on", "wall_s: +5%", "--fail-on-unclear").returncode == 1
    assert compare(*sides, "--fail-on", "wall_s: +900%", "--fail-on-unclear").returncode == 0
    told = json.loads(compare(*sides, "--fail-on", "wall_s: +5%", "--json").stdout)
    assert (told["exceeded"], [each["label"] for each in told["unclear"]]) == ([], ["guard none"])


def test_a_limit_is_unclear_by_one_run_each_without_earlier_ones(compare, runs):
    done = compare(*runs, "--fail-on", "wall_s: +5%")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": one run each can't tell a change from the machine's drift\n") == 2
    assert compare(*runs, "--fail-on", "wall_s: +5%", "--fail-on-unclear").returncode == 1


def test_what_should_not_shrink_has_a_negative_limit(compare, runs, write_earlier):
    write_earlier()
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
        (
            ["--metric", "exit_code"],
            "trial_wall_s, cpu_user_s, cpu_system_s, max_process_rss_bytes",
        ),
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


def test_the_comparison_as_json_says_what_exceeds_a_limit(compare, runs, write_earlier):
    write_earlier()
    done = compare(*runs, "--json", "--metric", "wall_s", "--fail-on", "wall_s: +5%")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert {row["change"] for row in found["rows"]} == {"more"}
    assert [limit["label"] for limit in found["exceeded"]] == ["guard none", "guard lock"]


@pytest.mark.parametrize("metric", ["trial_wall_s", "cpu_user_s", "cpu_system_s", "max_process_rss_bytes"])
def test_what_is_measured_of_every_trial_can_be_compared_and_limited(compare, runs, metric):
    found = json.loads(compare(*runs, "--metric", metric, "--json").stdout)
    assert {row["metric"] for row in found["rows"]} == {metric}
    assert compare(*runs, "--fail-on", f"{metric}: +900%").returncode == 0
    cases = compare(runs[0], "--case", "guard=none", "--case", "guard=lock", "--metric", metric)
    assert f"{metric}: 1 case" in cases.stdout


def test_the_drift_of_what_is_measured_of_every_trial_is_that_of_their_tables(
    compare, runs, write_run, tmp_path
):
    for day in range(1, 7):
        began = f"2024-12-0{day}T00:00:00.000000Z"
        name = write_run(f"2024120{day}T000000Z-eeeeee", walls(day), scenario="race-bank", started_at=began)
        write_tables(RunFolder(tmp_path / "results" / "bank" / name))
    found = json.loads(compare(*runs, "--metric", "trial_wall_s", "--metric", "wall_s", "--json").stdout)
    assert {(row["metric"], row["earlier"]) for row in found["rows"]} == {("trial_wall_s", 6), ("wall_s", 6)}


def suite_of(path):
    (suite,) = ET.parse(path).getroot()
    found = {}
    for each in suite.findall("testcase"):
        (told,) = each
        found[each.attrib["name"]] = told.tag, told.attrib.get("type")
    return suite, found


def test_a_comparison_as_junit_xml_has_a_test_case_for_each_answer(compare, runs, write_earlier, tmp_path):
    write_earlier()
    path = tmp_path / "compared.xml"
    limits = ["--fail-on", "wall_s: +5%", "--fail-on", "wall_s: +25%", "--metric", "lost_updates"]
    assert compare(*runs, *limits, "--junit", str(path)).returncode == 1
    suite, found = suite_of(path)
    assert found == {
        "guard none: lost_updates": ("system-out", None),
        "guard lock: lost_updates": ("system-out", None),
        "guard none: wall_s: +5%": ("failure", "exceeded"),
        "guard lock: wall_s: +5%": ("failure", "exceeded"),
        "guard none: wall_s: +25%": ("system-out", None),
        "guard lock: wall_s: +25%": ("system-out", None),
    }
    assert (suite.attrib["name"], suite.attrib["failures"]) == ("bank", "2")
    told = suite.find("testcase[@name='guard none: wall_s: +5%']/failure").text
    assert re.search(r"1\.2\d× \(.*\), p .*: slower; by the drift between 6 earlier runs", told)
    properties = [(each.attrib["name"], each.attrib["value"]) for each in suite[0]]
    assert ("base", runs[0]) in properties
    assert ("differs: Python", "3.12.1 → 3.13.0") in properties


@pytest.mark.parametrize(("options", "ended"), [([], "skipped"), (["--fail-on-unclear"], "failure")])
def test_an_unclear_limit_is_skipped_in_junit_xml_unless_it_fails(compare, runs, tmp_path, options, ended):
    path = tmp_path / "compared.xml"
    compare(*runs, "--fail-on", "wall_s: +5%", *options, "--junit", str(path))
    assert {told for told, _ in suite_of(path)[1].values()} == {ended}


def test_a_report_that_can_not_be_written_is_told_before_anything_is_compared(compare, runs, tmp_path):
    done = compare(*runs, "--junit", str(tmp_path / "results" / "bank" / runs[0] / "run.json"))
    assert done.returncode == 2
    assert "is there and is no JUnit XML" in done.stderr
    assert done.stdout == ""


def test_a_run_that_did_not_finish_is_told_so(compare, runs, write_run):
    write_run("3-c", walls(3), state="interrupted")
    assert "new    bank, 3-c, interrupted" in compare(runs[0], "3-c").stdout
