"""``mprunner scenarios`` as a person uses it: the real program, on entry points and files made for the test."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mprunner
from mprunner.model.declaration import declare
from mprunner_scenarios.race_bank import RaceBank

ROOT = Path(__file__).parents[2]
GENEROUS_S = 60.0

MINE = '''
from dataclasses import dataclass
from typing import Annotated, Literal
from annotated_types import Ge, Lt, MultipleOf
from mprunner.scenario import CPU_COUNT, Doc, ProcessCount, Scenario, Unit

@dataclass(frozen=True, kw_only=True)
class Params:
    must: int
    flag: bool = False
    kind: Annotated[Literal["thin", "thick"], Doc("how thick it is")] = "thin"
    size: Annotated[int, Ge(2), Lt(64), MultipleOf(2), Unit("bytes"), Doc("how large it is")] = 16
    workers: Annotated[ProcessCount, Doc("how many there are")] = CPU_COUNT
    chunk: Annotated[int, Ge(1)] | None = None

@dataclass(frozen=True, kw_only=True)
class Metrics:
    wall_s: Annotated[float, Unit("s"), Doc("how long it takes")]

@dataclass(frozen=True, kw_only=True)
class Lap:
    lap_s: Annotated[float, Unit("s"), Doc("how long one lap takes")]

class Mine(Scenario[Params, Metrics]):
    """Do what I want.

    And more of it.
    """

    name = "mine"
    outcomes = {"winner": Doc("who came first")}
    sample = Lap
    def run(self, params, trial): pass

def mprunner_register_scenarios(): return [Mine]
'''


@pytest.fixture
def site(tmp_path):
    """A folder where mprunner is installed with the entry points of its pyproject.toml."""
    folder = tmp_path / "site"
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mprunner"]
    install(folder, "mprunner", mprunner.__version__, entries)
    return folder


def install(folder: Path, name: str, version: str, entries: dict[str, str]) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{entry} = {module}" for entry, module in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[mprunner]", *lines, ""]))


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    return file


@pytest.fixture
def scenarios(site, tmp_path):
    """Execute ``mprunner scenarios``."""

    def call(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        path = os.pathsep.join(map(str, [site, ROOT, ROOT / "plugins"]))
        return subprocess.run(
            [sys.executable, "-m", "mprunner", "scenarios", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=GENEROUS_S,
            check=False,
        )

    return call


def test_the_list_has_name_first_line_and_plugin_of_each(scenarios):
    done = scenarios()
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("race-bank")]
    assert "  Withdraw from and deposit to one shared balance.  " in line
    assert line.endswith(f"[race-bank (mprunner {mprunner.__version__})]")
    assert done.stdout.endswith("\n\nmprunner scenarios NAME describes one.\n")


def test_a_bundled_scenario_is_described_with_every_param_metric_and_outcome(scenarios):
    done = scenarios("race-bank")
    assert (done.returncode, done.stderr) == (0, "")
    declared = declare(RaceBank)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "typecode = i the number's type in C: int or double (i | d)" in lines
    assert declared.doc in done.stdout
    for field in (*declared.params, *declared.metrics):
        assert [line for line in lines if line.startswith(f"{field.name} ") and field.doc in line]
    assert [f"{name} {doc}" for name, doc in declared.outcomes.items()] == lines[-len(declared.outcomes) :]


def test_a_description_tells_default_choices_bounds_and_unit_of_everything(scenarios, mine):
    done = scenarios("mine", "--plugin", mine)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == f"""\
mine  [{mine}]

Do what I want.

And more of it.

params
  must                 (int)
  flag = false         (bool)
  kind = thin          how thick it is (thin | thick)
  size = 16            how large it is (int, ≥ 2, < 64, a multiple of 2, unit bytes)
  workers = cpu_count  how many there are (processes: a number or cpu_count, ≥ 1)
  chunk = null         (int or null, ≥ 1)

metrics
  wall_s  how long it takes (float, unit s)

outcomes
  winner  who came first

samples
  lap_s  how long one lap takes (float, unit s)
"""
    )


def test_a_file_adds_its_scenarios_to_the_list(scenarios, mine):
    done = scenarios("--plugin", mine)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"mine Do what I want. [{mine}]" in lines
    assert [line for line in lines if line.startswith("race-bank")]


def test_a_file_that_stands_in_for_an_installed_scenario_says_so(scenarios, mine):
    mine.write_text(MINE.replace('"mine"', '"race-bank"'))
    done = scenarios("race-bank", "--plugin", mine)
    assert done.returncode == 0
    assert done.stdout.startswith(f"race-bank  [{mine}]\n\nDo what I want.\n")
    assert done.stderr == (
        f"note: scenario 'race-bank' from {mine} stands in for that of race-bank "
        f"(mprunner {mprunner.__version__})\n"
    )


def test_an_unknown_name_ends_with_2_and_names_the_nearest(scenarios):
    done = scenarios("race-banc")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no scenario 'race-banc'\nhint: did you mean 'race-bank'?\n"


def test_a_file_that_is_not_there_ends_with_4(scenarios):
    done = scenarios("--plugin", "gone.py")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "error: gone.py: there is no such file\nhint: give --plugin the path of a Python file\n"
    )


@pytest.fixture
def broken(site):
    """A second distribution, whose plugin raises when it is imported."""
    install(site, "other", "2.0", {"other-bank": "other_bank"})
    (site / "other_bank.py").write_text("raise LookupError('no license')\n")


REASON = "plugin other-bank (other 2.0): it can't be loaded: LookupError: no license"


def test_a_broken_plugin_is_a_warning_and_the_list_still_prints(scenarios, broken):
    done = scenarios()
    assert done.returncode == 0
    assert done.stderr == f"warning: {REASON}\n"
    assert "race-bank" in done.stdout


def test_asking_for_a_broken_plugin_s_scenario_ends_with_4_and_its_reason(scenarios, broken):
    done = scenarios("other-bank")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.endswith(f"error: scenario 'other-bank' can't be used: {REASON}\n")
