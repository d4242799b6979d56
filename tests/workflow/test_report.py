"""From a run's folder to its page, and the page of all runs."""

import errno
import os
import shutil

import pytest

from mprunner.errors import MprunnerError, ResultsError
from mprunner.runs import RunFolder
from mprunner.workflow import report
from tests.report.pages import parsed
from tests.support import ROOT

RUNS = ROOT / "tests" / "golden" / "runs"


@pytest.fixture
def without_charts(monkeypatch):
    """Have no charts drawn, which takes seconds."""
    monkeypatch.setattr(report, "charts_of", lambda picture: ())


@pytest.fixture
def copied(tmp_path, without_charts):
    """Copy a stored run, and return its folder."""

    def call(stored):
        (source,) = (RUNS / stored).iterdir()
        shutil.copytree(source, tmp_path / stored / source.name)
        return RunFolder(tmp_path / stored / source.name)

    return call


STORED = sorted((path.parent for path in RUNS.glob("*/*/run.json")), key=lambda path: path.parent.name)


@pytest.mark.parametrize("folder", STORED, ids=lambda path: path.parent.name)
@pytest.mark.usefixtures("without_charts")
def test_every_stored_run_of_an_earlier_version_has_a_page(folder):
    page = parsed(report.page_of(RunFolder(folder)))
    (verdict,) = page.all("h1")
    assert verdict.text.split()[1].strip(",") in ("Passed", "Failed", "Interrupted", "Stopped")
    assert all(table.all("tbody")[0].all("tr") for table in page.all("table"))


def test_a_log_is_shown_by_its_end_and_nothing_else_that_has_its_name(copied):
    folder = copied("statuses")
    folder.logs.mkdir(exist_ok=True)
    name = report.logs_of(report.picture_of(folder))[0]
    (folder.logs / name).write_text("".join(f"line {number}\n" for number in range(2_000)))
    page = parsed(report.page_of(folder))
    (shown,) = [each.text for each in page.all("pre") if "line 1999" in each.text]
    assert "line 0 " not in shown
    assert len(shown) < report.TAIL_BYTES + 10
    secret = folder.path.parent / "secret"
    secret.write_text("a secret")
    (folder.logs / name).unlink()
    (folder.logs / name).symlink_to(secret)
    assert "a secret" not in report.page_of(folder)


def test_a_disk_that_is_full_leaves_the_old_page(copied, monkeypatch):
    folder = copied("bank")
    page = report.write_page(folder)
    before = page.read_text()

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultsError, match="No space left"):
        report.write_page(folder)
    assert page.read_text() == before
    assert [path.name for path in folder.path.iterdir() if path.name.endswith(".tmp")] == []


def test_a_damaged_journal_is_one_error_and_leaves_the_old_page(copied):
    folder = copied("bank")
    page = report.write_page(folder)
    first, *others = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(first + b"".join(others).replace(b'"ok"', b'"no"', 1))
    with pytest.raises(MprunnerError, match="damaged"):
        report.write_page(folder)
    assert page.stat().st_size > 10_000


def test_the_page_of_all_runs_is_renewed_with_each_report_and_no_other_file_is_replaced(copied, tmp_path):
    bank, other = copied("bank"), copied("interrupted")
    report.write_all(bank, tmp_path)
    rows = parsed((tmp_path / "index.html").read_text()).all("tbody")[0].all("tr")
    assert {row.all("td")[1].text for row in rows} == {"finished", "interrupted"}
    links = [link for row in rows for link in row.all("th")[0].all("a")]
    assert [link.attributes["href"] for link in links] == [f"bank/{bank.run_id}/report.html"]
    assert (tmp_path / links[0].attributes["href"]).is_file()
    report.write_all(other, tmp_path)
    assert (tmp_path / "index.html").read_text().count("report.html") == 2
    (tmp_path / "index.html").write_text("my own")
    report.write_all(bank, tmp_path)
    assert (tmp_path / "index.html").read_text() == "my own"


def test_a_run_that_is_elsewhere_leaves_no_page_of_all_runs_there(copied, tmp_path):
    folder = copied("bank")
    report.write_all(folder, tmp_path / "results")
    assert (folder.path / "report.html").exists()
    assert not (tmp_path / "index.html").exists()
