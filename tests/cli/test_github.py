"""``--github``: annotations at the rule's line, the run in the job's summary, and text that stays text."""

import re
import shutil
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.experiment import lines_of
from mprunner.report.annotations import command
from tests.support import ROOT, latest

GOLDEN = {
    path.parent.name: path for path in (ROOT / "tests" / "golden" / "runs").glob("*/*") if path.is_dir()
}

FAILING = """\
name: bank
scenario: race-bank
params: {transactions: 10}
repeats: 1
sweep: {guard: [lock]}

outcomes:
  final_balance:
    - {equals: 5, verdict: acceptable}
    - {verdict: forbidden, otherwise: true}
expect:
  - {metric: lost_updates, max: 0}
  - metric: lost_updates
    min: 3
"""


def annotations_of(done):
    return [line for line in done.stderr.splitlines() if line.startswith("::")]


@pytest.fixture
def summary(tmp_path, monkeypatch):
    file = tmp_path / "summary.md"
    file.write_text("what an earlier step wrote\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    return file


def test_a_failing_run_is_annotated_at_its_rules_and_added_to_the_summary(in_process, tmp_path, summary):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "bank.yaml").write_text(FAILING)
    done = in_process("run", "-q", "experiments/bank.yaml", "--github")
    assert done.returncode == 1, done.stderr
    places = [line.partition("::")[2].partition("::")[0] for line in annotations_of(done)]
    assert places == [
        "error file=experiments/bank.yaml,line=8,title=bank",
        "error file=experiments/bank.yaml,line=13,title=bank",
    ]
    assert (
        "::missed: guard lock: lost_updates at least 3 in every trial: 0 in 1 of 1 trial"
        in annotations_of(done)[1]
    )
    assert "::" not in done.stdout
    text = summary.read_text()
    assert text.startswith("what an earlier step wrote\n### ❌ bank: failed\n")
    assert text.endswith("</details>\n\n")
    again = in_process("verdict", latest(tmp_path, "bank"), "--github")
    assert annotations_of(again) == annotations_of(done)
    assert summary.read_text().count("### ❌ bank: failed") == 2


def test_a_run_that_passed_has_no_annotation(in_process, summary):
    done = in_process("show", GOLDEN["bank"], "--github")
    assert (done.returncode, annotations_of(done)) == (0, [])
    assert "### ✅ bank: passed" in summary.read_text()


def test_of_more_than_ten_findings_the_last_annotation_counts_the_rest(in_process, summary):
    done = in_process("show", GOLDEN["statuses"], "--github", "--json")
    told = annotations_of(done)
    assert len(told) == 10
    assert told[-1].endswith("::9 more findings are in verdict.json")
    assert done.stdout.startswith("{")


def test_without_the_variable_it_is_said_that_there_is_no_summary(in_process, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    done = in_process("show", GOLDEN["statuses"], "--github")
    assert (done.returncode, len(annotations_of(done))) == (0, 10)
    assert "--github: no job summary is written, GITHUB_STEP_SUMMARY is not set" in done.stderr
    assert "mprunner show --format markdown" in done.stderr


def test_a_summary_that_can_not_be_written_is_one_error(in_process, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "folder.md"))
    done = in_process("show", GOLDEN["bank"], "--github")
    assert done.returncode == 6
    assert re.search(r"error: the job's summary .* can't be written: No such file or directory", done.stderr)


def test_a_file_that_is_gone_is_annotated_at_its_first_line(in_process, tmp_path, summary):
    copy = tmp_path / "copy"
    shutil.copytree(GOLDEN["statuses"], copy)
    done = in_process("show", copy, "--github")
    assert all(",line=1," in line for line in annotations_of(done))


@given(st.text(), st.text())
def test_no_text_ends_a_command_or_begins_another(message, title):
    made = command("error", message, file="a.yaml", line=3, title=title)
    assert len(made.splitlines()) == 1
    found = re.fullmatch(r"::error file=a\.yaml,line=3,title=([^:,]*)::(.*)", made)
    assert found
    assert "%" not in re.sub("%25|%0D|%0A|%3A|%2C", "", made)
    assert unquote(found[1], errors="strict").count("%") == title.count("%")


def test_the_lines_of_rules_are_those_of_the_file(tmp_path):
    file = tmp_path / "bank.yaml"
    file.write_text(FAILING)
    assert lines_of(file) == {
        ("scenario",): 2,
        ("outcomes", "final_balance"): 8,
        ("expect", 0): 12,
        ("expect", 1): 13,
    }
    file.write_text("# nothing\n")
    assert lines_of(file) == {}
