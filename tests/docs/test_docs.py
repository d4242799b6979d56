"""What the documentation shows is executed: experiments are read, the scenario runs, the table's code works."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import mprunner
from mprunner.experiment.keys import ExperimentFile
from mprunner.model.columns import TABLES
from mprunner.model.text import escaped
from mprunner.workflow.prepare import prepare
from tests.support import ROOT, latest, marked, trials_of

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


TEXTS = ("plain", "a\nb\r\tc", r"back\slash", r"\n", "\\\n", r"\\t", "é€𝄞")
RARE = ("\x1b\x00", "\u2028", r"\x1b \u2028")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.S | re.M)


EXPERIMENTS = [
    (page.name, number, text)
    for page in PAGES
    for number, text in enumerate(blocks(page, "yaml"))
    if "scenario: counting" not in text
]


@pytest.mark.parametrize(
    ("page", "number", "text"), EXPERIMENTS, ids=[f"{page}-{number}" for page, number, _ in EXPERIMENTS]
)
def test_every_experiment_of_the_documentation_can_be_planned(tmp_path, page, number, text):
    file = tmp_path / "shown.yaml"
    file.write_text(text)
    assert len(prepare(file).plan) > 0


FILE_PAGE = ROOT / "docs" / "experiment-file.md"


def test_every_experiment_of_the_page_on_the_file_is_executed(in_process, tmp_path):
    shown = blocks(FILE_PAGE, "yaml")
    for number, text in enumerate(shown):
        experiment = yaml.safe_load(text) | {"name": f"shown-{number}", "repeats": 1}
        params = experiment.setdefault("params", {})
        few = {"race-bank": "transactions", "pool-map": "numbers"}[experiment["scenario"]]
        if few not in text:
            params[few] = 100  # the default is a hundred times the work
        if "rounds" in params:
            params["rounds"] = min(params["rounds"], 100)
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
    done = in_process("run", "-q", ".")
    assert done.returncode in (0, 1), done.stderr  # 1: in a single repeat a race need not show
    ended_well = re.findall(r"^shown-([0-9]+): [a-z-]+, [0-9]+ trials?, (?:all )?ok\b", done.stdout, re.M)
    assert sorted(map(int, ended_well)) == list(range(len(shown)))


def test_every_key_of_an_experiment_is_in_an_example_and_in_the_table_of_keys():
    shown = {key for text in blocks(FILE_PAGE, "yaml") for key in yaml.safe_load(text)}
    described = set(re.findall(r"^\| `([a-z_]+)` \|", FILE_PAGE.read_text(), re.M))
    assert set(ExperimentFile.model_fields) <= shown
    assert set(ExperimentFile.model_fields) <= described


def test_the_located_error_of_the_documentation_is_what_is_said(in_process, tmp_path):
    (shown,) = [text for text in blocks(ROOT / "docs" / "experiment-file.md", "text") if "lokc" in text]
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "bank.yaml").write_text(
        "name: bank\nscenario: race-bank\nparams:\n  transactions: 100\nrepeats: 3\n\n\nsweep:\n"
        "  guard: [none, lokc]\n"
    )
    assert in_process("run", "experiments/bank.yaml").stderr == shown


def test_the_overrides_and_filters_of_the_documentation_are_what_is_said(in_process, tmp_path):
    page = (ROOT / "docs" / "experiment-file.md").read_text()
    section = page.partition("## Overrides and filters")[2].partition("\n## ")[0]
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", section, re.S | re.M)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", section, re.S | re.M)
    (tmp_path / "bank.yaml").write_text(text)
    assert in_process("plan", "bank.yaml", "--set", "params.transactions=lots").stderr == shown
    (console,) = re.findall(r"^```console\n(.*?)^```$", section, re.S | re.M)
    for line in console.splitlines():
        done = in_process("plan", *shlex.split(line.removeprefix("$ mprunner run ")))
        assert done.returncode == 0, done.stderr


def test_the_plan_of_the_documentation_is_what_is_said(in_process, tmp_path):
    page = ROOT / "docs" / "experiment-file.md"
    (text,) = [text for text in blocks(page, "yaml") if "mode: sequential, transactions" in text]
    (shown,) = [text for text in blocks(page, "text") if text.startswith("bank-shapes: ")]
    (tmp_path / "bank-shapes.yaml").write_text(text)
    assert len(text.splitlines()) < 15
    done = in_process("plan", "bank-shapes.yaml")
    assert done.stdout + done.stderr == shown


@pytest.mark.parametrize("page", ["README.md", "docs/races.md"])
def test_the_class_and_the_file_of_a_page_race_as_it_says(in_process, tmp_path, page):
    (text,) = [text for text in blocks(ROOT / page, "python") if text.startswith("# cache.py")]
    (tmp_path / "cache.py").write_text(text)
    for number, experiment in enumerate(text for text in blocks(ROOT / page, "yaml") if "cache:" in text):
        (tmp_path / f"{number}.yaml").write_text(experiment.replace("5000", "300"))
    done = in_process("run", "-q", "0.yaml")
    assert done.returncode == 0, done.stderr
    trials = trials_of(latest(tmp_path, "0")).set_index(["schedule", "race"])
    assert (trials.loc[("explored", "cache:Lazy"), "raced_schedules"] > 0).all()
    assert (trials.loc[("explored", "cache:Locked"), "raced_schedules"] == 0).all()
    assert (trials.loc[("free", "cache:Locked"), "raced_rounds"] == 0).all()
    if page == "docs/races.md":
        (shown,) = [text for text in blocks(ROOT / page, "text") if "ends in 2" in text]
        assert shown in done.stdout


def test_the_scenario_of_the_readme_runs_under_every_start_method(in_process, tmp_path):
    page = ROOT / "README.md"
    (plugin,) = [text for text in blocks(page, "python") if "mprunner_register_scenarios" in text]
    (experiment,) = [text for text in blocks(page, "yaml") if "scenario: counting" in text]
    (tmp_path / "counting.py").write_text(plugin)
    (tmp_path / "counting.yaml").write_text(experiment.replace("[fork, spawn]", "[fork, spawn, forkserver]"))
    (command,) = [text for text in blocks(page, "console") if "--plugin" in text]
    done = in_process(*command.split()[2:])
    assert done.returncode == 0, done.stdout + done.stderr
    trials = trials_of(latest(tmp_path, "counting"))
    assert set(trials.start_method) == {"fork", "spawn", "forkserver"}
    assert (trials.counted == 100_000 * trials.processes).all()


def test_the_entry_point_of_the_documentation_is_toml():
    (shown,) = blocks(ROOT / "docs" / "writing-scenarios.md", "toml")
    assert tomllib.loads(shown)["project"]["entry-points"]["mprunner"]


@pytest.fixture(scope="module")
def folder_of_bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    experiment = (ROOT / "experiments" / "bank.yaml").read_text().replace("10\n", "1\n")
    (folder / "bank.yaml").write_text(experiment)
    with marked():
        mprunner.run(folder / "bank.yaml", results=folder / "results")
    return folder


@pytest.fixture
def executed_bank(folder_of_bank, monkeypatch):
    monkeypatch.chdir(folder_of_bank)


@pytest.mark.usefixtures("executed_bank")
def test_the_code_that_opens_a_table_works(capsys):
    recipes = blocks(ROOT / "docs" / "results.md", "python")
    assert len(recipes) == 6
    in_the_readme = [text for text in blocks(ROOT / "README.md", "python") if "read_csv" in text]
    for code in (*recipes, *in_the_readme):
        exec(compile(code, "a recipe", "exec"), {})
        assert "lock" in capsys.readouterr().out


@pytest.mark.usefixtures("executed_bank")
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_the_r_code_that_opens_a_table_works(folder_of_bank):
    (recipe,) = blocks(ROOT / "docs" / "results.md", "r")
    (folder_of_bank / "escaped.txt").write_text("".join(f"{escaped(text)}\n" for text in TEXTS))
    undo = 'cat(plain(readLines("escaped.txt", encoding = "UTF-8")), sep = "|")'
    done = subprocess.run(
        ["Rscript", "-e", f"{recipe}\n{undo}"], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode()
    assert "lock" in told
    assert told.endswith("|".join(TEXTS))


@pytest.mark.usefixtures("executed_bank")
def test_the_code_that_opens_a_table_undoes_escapes():
    pandas_alone, duckdb_too = blocks(ROOT / "docs" / "results.md", "python")[4:]
    names: dict[str, object] = {}
    exec(compile(pandas_alone, "a recipe", "exec"), names)
    assert [names["plain"](escaped(text)) for text in (*TEXTS, *RARE)] == [*TEXTS, *RARE]
    exec(compile(duckdb_too, "a recipe", "exec"), names)
    found = dict(zip(names["trials"].columns, map(str, names["trials"].types), strict=True))
    assert (found["lock_wait_s"], found["error_message"], found["signal"]) == ("DOUBLE", "VARCHAR", "BIGINT")
    undone = [
        names["duckdb"].execute("SELECT plain(?)", [escaped(text)]).fetchone() for text in (*TEXTS, "\x1b")
    ]
    assert undone == [(text,) for text in (*TEXTS, r"\x1b")]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_documented_as_the_code_describes_it(table):
    text = (ROOT / "docs" / "results.md").read_text()
    (section,) = re.findall(rf"^## {table}\.csv\n(.*?)(?=^## |\Z)", text, re.S | re.M)
    shown = re.findall(r"^\| `(.+?)` \| (.*?) \| (.*?) \| (.+) \|$", section.replace("|  |", "| - |"), re.M)
    described = TABLES[table].columns.items()
    assert shown == [(name, column.role, column.unit or "-", column.doc) for name, column in described]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_completion_of_each_shell_is_there(token, monkeypatch, shell):
    assert f"_MPRUNNER_COMPLETE={shell}_source" in (ROOT / "docs" / "cli.md").read_text()
    monkeypatch.setenv("_MPRUNNER_COMPLETE", f"{shell}_source")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mprunner"))], capture_output=True, text=True, check=False
    )
    assert "_MPRUNNER_COMPLETE" in done.stdout


def test_every_test_that_the_page_on_reliability_names_is_there():
    named = set(re.findall(r"\btest_\w+\b(?!\.py)", (ROOT / "docs" / "reliability.md").read_text()))
    files = [file.read_text() for file in (ROOT / "tests").rglob("test_*.py")]
    assert named
    assert {name for name in named if not any(f"def {name}(" in text for text in files)} == set()


def anchors(page: Path) -> set[str]:
    """Return what a link can point at in a page: its headings, as GitHub makes them into anchors."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_or_a_section_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s:]+)\)", page.read_text()):
        path, _, section = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not section or section in anchors(target), link


@pytest.mark.usefixtures("executed_bank")
def test_every_key_of_run_json_is_in_the_table_of_its_keys():
    page = (ROOT / "docs" / "results.md").read_text()
    section = page.partition("## run.json\n")[2].partition("\n## ")[0]
    keys = json.loads(Path("results/bank/latest/run.json").read_bytes())
    assert set(keys) - set(re.findall(r"`(\w+)`", section)) == set()
