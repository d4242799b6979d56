"""``--junit``: valid XML of the usual shape, whatever the text, with the numbers; and what happens if it can't be."""

import io
import os
import signal
import subprocess
import xml.etree.ElementTree as ET

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.analysis.verdict import judge
from mprunner.cli.output import JUnitFile
from mprunner.errors import ResultsError
from mprunner.model.records import Status
from mprunner.report.findings import cases_of, verdict_json
from mprunner.report.junit import JudgedRun, write_junit
from mprunner.runs import RunInfo
from mprunner.tables.frames import build_frames
from tests.made import outcome, record, run
from tests.support import GENEROUS_S, PLUGINS, check_told, started, wait_until

RUN = {
    "run_id": "20250101T000000Z-abcdef",
    "experiment": "bank",
    "state": "finished",
    "done": 4,
    "planned": 4,
    "host": "here",
    "started_at": "2025-01-01T00:00:00.000000Z",
    "packages": {"numpy": "2.0"},
    "cpus_usable": [0, 1],
    "governor": None,
}
COUNTS = ("tests", "failures", "errors", "skipped")


def parsed(run=RUN, findings=(), cases=()):
    file = io.StringIO()
    verdict = {"verdict": "passed", "findings": list(findings)}
    write_junit(file, [JudgedRun(run=RunInfo(run), verdict=verdict, cases=list(cases))])
    return ET.fromstring(file.getvalue().encode("utf-8"))


def judged(*records, **experiment):
    """The report of a run that was made of these records."""
    made = run(*records, **experiment)
    frames = build_frames(made)
    return parsed(findings=verdict_json(judge(frames, made.header.rules))["findings"], cases=cases_of(frames))


def conforms(root):
    """Hold a report against what the schemas of JUnit XML have in common."""
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.tag == "testsuite"
    assert suite[0].tag == "properties"
    assert {child.tag for child in suite[1:]} == {"testcase"}
    found = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    for element in (root, suite):
        assert {name: int(element.attrib[name]) for name in COUNTS} == found
        assert float(element.attrib["time"]) >= 0
    for each in suite.findall("testcase"):
        assert set(each.attrib) == {"classname", "name", "time"}
        assert len(each) <= 1
        assert all(child.tag in ("failure", "error", "skipped", "system-out") for child in each)
        assert float(each.attrib["time"]) >= 0
    return True


def by_name(root):
    return {each.attrib["name"]: each for each in root.iter("testcase")}


RULES = {
    "outcomes": {
        "final_balance": [
            {"equals": 100, "verdict": "acceptable"},
            {"equals": 99, "verdict": "interesting", "note": "a lost update"},
            {"otherwise": True, "verdict": "forbidden"},
        ]
    },
    "expect": [
        {"metric": "lost_updates", "stat": "every", "max": 0},
        {"metric": "wall_s", "stat": "max", "max": 9, "where": {"guard": ["rlock"]}},
    ],
}


def test_a_case_of_which_every_trial_was_cancelled_is_skipped():
    root = judged(record("none"), record("lock", status=Status.CANCELLED, order=1))
    assert conforms(root)
    found = by_name(root)
    assert found["guard none: trials end as expected"].find("skipped") is None
    assert found["guard lock: trials end as expected"].find("skipped").attrib["message"] == "1 cancelled"


def test_test_cases_of_the_same_name_are_numbered():
    twice = {"metric": "lost_updates", "stat": "every", "max": 0}
    root = judged(record("none"), expect=[twice, twice])
    names = [each.attrib["name"] for each in root.iter("testcase")]
    expected = "guard none: lost_updates at most 0 in every trial"
    assert names[-2:] == [expected, f"{expected} (2)"]


FORBIDDEN = (
    "forbidden: 7 in 1 of 9 observations (11.1%); interesting: 99 in 1 of 9 observations (11.1%): a lost update; "
    "acceptable: 100 in 7 of 9 observations (77.8%)"
)


def test_each_thing_that_is_judged_is_a_test_case_with_its_numbers():
    root = judged(
        record("none", 0, metrics={"lost_updates": 3}, outcomes=[outcome(100, 7), outcome(99), outcome(7)]),
        record("none", 1, status=Status.ERROR),
        record("lock", 0, outcomes=[outcome(100)], order=2),
        **RULES,
    )
    assert conforms(root)
    found = {
        name: (each[0].tag, each[0].attrib.get("message", each[0].text)) if len(each) else ()
        for name, each in by_name(root).items()
    }
    assert found == {
        "every trial is executed": (),
        "guard none: trials end as expected": ("failure", "1 error of 2 trials"),
        "guard none: final_balance": (
            "failure",
            FORBIDDEN,
        ),
        "guard none: lost_updates at most 0 in every trial": ("failure", "3 in 1 of 1 trial"),
        "guard lock: trials end as expected": ("system-out", "1 ok"),
        "guard lock: final_balance": ("system-out", "acceptable: 100 in 1 of 1 observations (100%)"),
        "guard lock: lost_updates at most 0 in every trial": (),
        "max of wall_s at most 9": ("skipped", "no case with guard rlock was executed"),
    }


def test_the_time_of_a_case_is_that_of_all_its_trials():
    root = judged(*[record("none", repeat) for repeat in range(4)])
    times = {name: float(each.attrib["time"]) for name, each in by_name(root).items()}
    assert times == {"every trial is executed": 0.0, "guard none: trials end as expected": 3.0}
    assert float(root.attrib["time"]) == 3.0


@pytest.mark.parametrize("state", ["interrupted", "stopped"])
def test_a_run_that_is_not_whole_has_an_error(state):
    root = parsed({**RUN, "state": state, "done": 2})
    assert conforms(root)
    (error,) = root.iter("error")
    assert error.attrib == {"message": f"{state} after 2 of 4 trials", "type": state}


TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["\x00", "\ud800", "\ufffe", "]]>", "<&\"'>", "\r\n\t", "\x85\u2028"]
)


def test_a_failure_says_why_its_trials_failed():
    failing = record("none", status=Status.ERROR, error_type="ValueError", error_message="no <b>")
    failure = by_name(judged(failing, record("lock", order=1)))["guard none: trials end as expected"][0]
    assert (
        failure.text
        == "1 error of 1 trial\nerror: ValueError: no <b> (1 of 1 trial; see logs/trial-none-0.1.log)"
    )


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(["missed", "met", "not judged", "forbidden", "interesting"]))
def test_whatever_the_text_it_is_valid_xml_and_what_is_printable_arrives_as_it_is(label, told, note, found):
    kind = "outcome" if found in ("forbidden", "interesting") else "expectation"
    finding = {"kind": kind, "found": found, "case_id": "c", "label": label, "about": told, "told": told}
    case = {
        "case_id": "c",
        "label": label,
        "params": {},
        "statuses": {"ok": 1},
        "reasons": (),
        "trial_wall_s": 0.5,
    }
    root = parsed({**RUN, "host": note}, [{**finding, "note": note}], [case])
    assert conforms(root)
    if label.isprintable() and told.isprintable():
        assert (f"{label}: {told}" if label else told) in by_name(root)


EXPERIMENT = """\
scenario: race-bank
params: {transactions: 10, rounds: 5}
sweep: {guard: [none, lock]}
repeats: 2
outcomes:
  final_balance: [{equals: 100, verdict: acceptable}, {otherwise: true, verdict: interesting}]
expect: [{metric: wall_s, min: 1000, where: {guard: lock}}]
"""


@pytest.fixture
def bank(tmp_path):
    (tmp_path / "bank.yaml").write_text(EXPERIMENT)
    return tmp_path / "bank.yaml"


def test_run_resume_and_verdict_write_the_report(in_process, tmp_path, bank):
    done = in_process("run", "-q", "bank.yaml", "--junit", "reports/bank.xml")
    assert done.returncode == 1, done.stderr
    root = ET.parse(tmp_path / "reports" / "bank.xml").getroot()
    assert conforms(root)
    (failure,) = root.iter("failure")
    assert failure.attrib["type"] == "missed"
    assert in_process("resume", "--junit", "again.xml").returncode == 1
    again = ET.parse(tmp_path / "again.xml").getroot()
    assert list(by_name(again)) == list(by_name(root))
    bank.write_text(EXPERIMENT.replace("1000", "0"))
    assert in_process("verdict", "--junit", "reports/bank.xml").returncode == 0
    root = ET.parse(tmp_path / "reports" / "bank.xml").getroot()
    assert (root.attrib["failures"], root.attrib["tests"]) == ("0", "6")
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["bank.xml"]


def test_an_interrupted_run_leaves_a_report_with_an_error(token, tmp_path, monkeypatch):
    monkeypatch.setenv("ACKNOWLEDGED", str(tmp_path / "acknowledged"))
    (tmp_path / "many.yaml").write_text("scenario: acknowledging\nrepeats: 100000\n")
    arguments = ("run", "-q", "many.yaml", "--plugin", PLUGINS / "acknowledging.py", "--junit", "r.xml")
    quiet = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    with started(tmp_path, *arguments, **quiet) as process:
        wait_until((tmp_path / "acknowledged").exists, "no trial was executed")
        process.send_signal(signal.SIGINT)
        assert process.wait(GENEROUS_S) == -signal.SIGINT
    root = ET.parse(tmp_path / "r.xml").getroot()
    assert conforms(root)
    assert [each.attrib["type"] for each in root.iter("error")] == ["interrupted"]


@pytest.mark.parametrize(
    ("path", "code"), [("folder", 2), ("fifo", 2), ("bank.yaml/x.xml", 6), ("folder/bank.yaml/x/y.xml", 0)]
)
def test_a_path_that_cannot_be_written_is_told_before_the_first_trial(in_process, tmp_path, bank, path, code):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    bank.write_text("scenario: race-bank\nparams: {transactions: 10}\nrepeats: 1\n")
    done = in_process("run", "bank.yaml", "--junit", path)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "results").exists() == (code == 0)
    assert "Traceback" not in done.stderr
    if code == 6:
        assert "x.xml can't be written: " in done.stderr
        assert "hint: name another file with --junit" in done.stderr


def test_a_report_that_cannot_be_written_in_the_end_is_told_with_its_code(tmp_path):
    folder = tmp_path / "folder"
    junit = JUnitFile(folder / "r.xml")
    folder.rmdir()
    junit.mprunner_run_judged(RUN, {"verdict": "passed", "findings": []}, ())
    assert isinstance(junit.error, ResultsError)
    assert junit.error.exit_code == 6
    assert junit.error.message == f"{folder / 'r.xml'} can't be written: No such file or directory"


def test_what_is_no_file_is_never_replaced():
    with pytest.raises(click.UsageError, match=r"^--junit: /dev/null is not a regular file$"):
        JUnitFile(type(PLUGINS)("/dev/null"))


@pytest.mark.parametrize("before", ["", "<?xml version='1.0'?><testsuites/>", "\ufeff\n<testsuites/>"])
def test_an_older_report_is_replaced(tmp_path, before):
    (tmp_path / "r.xml").write_text(before)
    assert JUnitFile(tmp_path / "r.xml").error is None


def test_xml_of_another_kind_is_never_replaced(tmp_path):
    (tmp_path / "pom.xml").write_text("<?xml version='1.0'?><project/>")
    with pytest.raises(click.UsageError, match="is there and is no JUnit XML"):
        JUnitFile(tmp_path / "pom.xml")


def test_a_file_that_is_no_report_is_never_replaced(in_process, tmp_path):
    """As where the name of the report was forgotten, and that of the experiment is taken for it."""
    (tmp_path / "a.yaml").write_text("scenario: race-bank\n")
    done = in_process("run", "--junit", "a.yaml", "a.yaml")
    check_told(done, 2, "--junit: a.yaml is there and is no JUnit XML")
    assert (tmp_path / "a.yaml").read_text() == "scenario: race-bank\n"
