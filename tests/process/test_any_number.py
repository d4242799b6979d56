"""Whatever the numbers of a run are, and whatever fails on the way to words, it has its tables and a summary."""

import csv
import json
import shutil
import warnings
from pathlib import Path

import pytest

import mprunner
from mprunner.analysis import comparison, diagnostics, statistics, summary, verdict
from mprunner.model.rules import Stat
from mprunner.report import answer, cells, findings, run_summary
from mprunner.runs.journal_reader import line_of

RUNS = Path(__file__).parents[1] / "golden" / "runs"
STATS = Stat.__args__


@pytest.fixture
def stored(tmp_path):
    """Copy a stored run; its durations are some numbers in turn, each stat is expected and told of each of them."""

    def call(name, *numbers):
        (source,) = (RUNS / name).iterdir()
        folder = (
            tmp_path / "results" / name / f"20250101T000000Z-00000{len(list(tmp_path.glob('results/*/*')))}"
        )
        shutil.copytree(source, folder)
        entries = [json.loads(line[9:]) for line in (folder / "journal.jsonl").read_bytes().splitlines()]
        header = entries[0]["header"]
        metrics = [each["name"] for each in header["declaration"]["metrics"] if each["type"] == "float"]
        told = ("affected", "range", "median", "percent", "max", "total")
        header["declaration"]["summary"] = " ".join(f"{{{m}:{each}}}" for m in metrics for each in told)
        header["experiment"]["expect"] = [
            {"metric": metric, "stat": stat, "min": 0} for metric in metrics for stat in STATS
        ]
        endings = (each["ended"]["ending"] for each in entries if "ended" in each)
        for place, ending in enumerate(endings if numbers else ()):
            own, measured = numbers[place % len(numbers)], ending["result"]["metrics"]
            ending["wall_s"] = abs(own)
            measured.update({metric: own for metric in metrics if measured[metric] is not None})
        (folder / "journal.jsonl").write_bytes(b"".join(map(line_of, entries)))
        return folder

    return call


@pytest.mark.parametrize(
    "numbers",
    [
        (1.7e308,),
        (1.7e308, -1.7e308, 1.6e308),
        (1.0, 1.7e308, 1.5e308),
        (5e-324, 1.7e308),
        (5e-324, 1e-308, 0.0),
    ],
)
@pytest.mark.parametrize("name", ["scaling", "adaptive"])
def test_whatever_the_numbers_no_table_and_no_word_is_infinite(in_process, stored, name, numbers):
    folder, other = stored(name, *numbers), stored(name)
    resumed = in_process("resume", folder, "-q", "--junit", "it.xml")
    commands = [("show", folder), ("show", folder, "--json"), ("compare", other, folder)]
    done = [resumed, *(in_process(*command) for command in commands)]
    assert {each.returncode for each in done} <= {0, 1, 7}, [each.stderr for each in done]
    if resumed.returncode != 7:  # of another source of the plugin
        with (folder / "summary.csv").open() as file:
            assert {"inf", "-inf", "nan"}.isdisjoint(cell for row in csv.reader(file) for cell in row)
        report = Path("it.xml").read_text()
        assert report.endswith("</testsuites>\n")
        assert 'time="inf"' not in report
    told = "".join(each.stdout for each in done)
    assert [word for word in told.split() if word.strip("()×%−-").lower() in ("inf", "infinity", "nan")] == []
    assert len(mprunner.load(folder).summary) > 0


FAULTS = [
    (statistics, "_medians", "what wall_s came to "),
    (summary, "paired_ratios", "the ratio of wall_s "),
    (verdict, "judge_metric", "every of wall_s in "),
    (verdict, "share_interval", "the interval of the share of "),
    (comparison, "of_runs", "the comparison of wall_s in "),
    (cells, "_of_metric", "wall time of a case"),
    (answer, "comparison", "a comparison"),
    (run_summary, "noise_of_cases", "what makes the numbers doubtful"),
    (findings, "wanted", "a line of the verdict"),
    (diagnostics, "precision", "the interval of wall_s, "),
]


@pytest.mark.parametrize(("module", "name", "told"), FAULTS, ids=[name for _, name, _ in FAULTS])
def test_a_fault_of_ours_costs_its_own_cell_and_is_told(in_process, stored, monkeypatch, module, name, told):
    run = {"share_interval": "bank", "precision": "adaptive", "comparison": "bank"}.get(name, "scaling")
    folder, other = stored(run), stored(run)

    def fault(*_arguments, **_options):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(module, name, fault)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = in_process(*(("compare", other, folder) if module is comparison else ("show", folder)))
        warnings.simplefilter("ignore")
        tables = mprunner.load(folder)
    assert done.returncode == 0, done.stderr
    assert f"warning: {told}" in done.stderr
    assert "is missing, please report it: ZeroDivisionError: division by zero" in done.stderr
    assert len(tables.trials) > 0
    if name == "judge_metric":
        assert "missed: " in done.stdout  # what could not be judged has not passed
