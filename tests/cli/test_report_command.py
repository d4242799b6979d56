"""`mprunner report`, and the page that a run ends with."""

import shutil
import signal
import sys

import pytest

import mprunner
from mprunner.errors import ResultsError
from mprunner.workflow import report
from tests.report.pages import parsed
from tests.support import ROOT, check_told

BANK = "scenario: race-bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock]}\nrepeats: 1\n"


@pytest.fixture(autouse=True)
def without_charts(monkeypatch):
    """Have no charts drawn, which takes seconds."""
    monkeypatch.setattr(report, "charts_of", lambda picture: ())


@pytest.fixture
def results(tmp_path):
    """Have the stored runs in an empty folder's results."""
    shutil.copytree(ROOT / "tests" / "golden" / "runs", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def bank(tmp_path, monkeypatch):
    monkeypatch.delenv("MPRUNNER_NO_REPORT")
    (tmp_path / "bank.yaml").write_text(BANK)
    return tmp_path / "bank.yaml"


def without(monkeypatch, *modules):
    found = report.find_spec
    monkeypatch.setattr(report, "find_spec", lambda name: None if name in modules else found(name))


def test_report_says_where_the_page_is_and_renews_that_of_all_runs(in_process, results):
    done = in_process("report", "bank")
    check_told(done, 0)
    (run,) = (results / "bank").iterdir()
    assert done.stdout == f"results/bank/{run.name}/report.html\n"
    assert parsed((run / "report.html").read_text()).all("h1")[0].text == "✓ Passed"
    assert (results / "index.html").exists()


def test_report_elsewhere_writes_nothing_into_the_run_s_folder(in_process, results, tmp_path):
    before = sorted(results.rglob("*"))
    check_told(in_process("report", "bank", "--output", "sent/bank.html"), 0)
    assert sorted(results.rglob("*")) == before
    assert (tmp_path / "sent" / "bank.html").read_text().startswith("<!DOCTYPE html>")
    check_told(in_process("report", "bank", "--output", "sent/bank.html"), 0)
    (tmp_path / "thesis.html").write_text("<!DOCTYPE html><title>mine</title>")
    check_told(in_process("report", "bank", "--output", "thesis.html"), 2, "it would be replaced")


def test_two_runs_are_compared_on_a_page(in_process, results):
    runs = sorted(path.name for path in (results / "compared").iterdir() if path.is_dir())[:2]
    done = in_process("report", *runs)
    check_told(done, 0)
    page = parsed((results.parent / done.stdout.strip()).read_text())
    assert [each.text for each in page.all("h2")] == ["The sides", "The cases", "How far to trust it"]
    assert [name in page.text for name in runs] == [True, True]
    assert page.all("table", data_name="compared-wall_s")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["a", "b", "c"], 2, "3 are named"),
        (["bank", "interrupted", "--svg", "x"], 2, "charts of one run"),
        (["bnak"], 2, "did you mean 'bank'?"),
        (["bank", "--output", "results"], 2, "not a regular file"),
        (["bank", "compared"], 5, "no case in common"),
    ],
)
def test_what_report_can_t_do_is_one_error(in_process, results, arguments, code, told):
    check_told(in_process("report", *arguments), code, told)


def test_without_the_extra_report_says_how_to_install_it(in_process, results, monkeypatch):
    without(monkeypatch, "jinja2", "vl_convert")
    done = in_process("report", "bank")
    check_told(done, 2, "a report needs jinja2 and vl-convert-python", "pip install 'mprunner[report]'")
    assert not list(results.rglob("*.html"))


def test_a_run_ends_with_its_page(in_process, bank, tmp_path):
    done = in_process("run", "-q", bank)
    check_told(done, 0)
    (run,) = (path for path in (tmp_path / "results" / "bank").iterdir() if not path.is_symlink())
    assert done.stdout.endswith(f"\nreport: results/bank/{run.name}/report.html\n")
    assert (run / "report.html").exists()
    assert (tmp_path / "results" / "index.html").exists()


@pytest.mark.parametrize("how", ["option", "variable", "extra"])
def test_a_run_has_no_page_where_none_is_wanted_or_the_extra_is_missing(
    in_process, bank, tmp_path, monkeypatch, how
):
    if how == "variable":
        monkeypatch.setenv("MPRUNNER_NO_REPORT", "1")
    if how == "extra":
        without(monkeypatch, "vl_convert")
    done = in_process("run", "-q", bank, *(["--no-report"] if how == "option" else []))
    check_told(done, 0)
    assert done.stderr == ""
    assert "report" not in done.stdout
    assert not list(tmp_path.rglob("*.html"))


@pytest.mark.parametrize("error", [ResultsError("no room"), ZeroDivisionError("no number")])
def test_a_page_that_fails_is_a_warning_and_costs_nothing_of_the_run(
    in_process, bank, tmp_path, monkeypatch, error
):
    def fail(folder, results):
        raise error

    monkeypatch.setattr(report, "write_all", fail)
    done = in_process("run", "-q", bank)
    check_told(done, 0, "warning: the run has no page", str(error), "`mprunner report results/bank/")
    assert len(mprunner.load("bank", tmp_path / "results").trials) == 2


def test_a_signal_that_comes_while_the_page_is_made_ends_the_program_and_no_warning_is_told(
    in_process, bank, monkeypatch
):
    def interrupted(folder, results):
        signal.raise_signal(signal.SIGINT)
        raise ResultsError("what draws the charts was interrupted, too")

    monkeypatch.setattr(report, "write_all", interrupted)
    monkeypatch.setattr("mprunner.cli.executing.end_by", lambda number: sys.exit(128 + number))
    done = in_process("run", "-q", bank)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")


def test_judging_again_renews_the_page_of_a_run_that_has_one(in_process, results):
    check_told(in_process("report", "bank"), 0)
    (run,) = (results / "bank").iterdir()
    (results.parent / "strict.yaml").write_text(
        "scenario: race-bank\nexpect:\n  - {metric: wall_s, max: 0}\n"
    )
    before = (run / "report.html").read_text()
    done = in_process("verdict", "bank", "--file", "strict.yaml")
    assert done.returncode == 1, done.stderr
    assert parsed(before).all("h1")[0].text == "✓ Passed"
    assert parsed((run / "report.html").read_text()).all("h1")[0].text == "✗ Failed"


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(results, tmp_path):
    page = mprunner.load("bank", results).report()
    frame = parsed(page._repr_html_()).all("iframe")[0]
    assert frame.attributes["srcdoc"] == page.html
    assert page.save(tmp_path / "bank.html").read_text() == page.html
    with pytest.raises(ResultsError, match="3 runs"):
        mprunner.load(results / "compared").report()
