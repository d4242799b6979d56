"""``mprunner scenarios``, on entry points and files made for the test; tests/golden has those that are bundled."""

import pytest

import mprunner
from mprunner.cli.scenarios import description
from mprunner.plugins.registry import load_registry
from tests.support import install

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
def mine(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    return file


def test_a_description_tells_default_choices_bounds_and_unit_of_everything(in_process, mine):
    done = in_process("scenarios", "mine", "--plugin", mine)
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


def test_a_file_that_stands_in_for_an_installed_scenario_says_so(in_process, mine):
    mine.write_text(MINE.replace('"mine"', '"race-bank"'))
    done = in_process("scenarios", "race-bank", "--plugin", mine)
    assert done.returncode == 0
    assert done.stdout.startswith(f"race-bank  [{mine}]\n\nDo what I want.\n")
    assert done.stderr == (
        f"note: scenario 'race-bank' from {mine} stands in for that of race-bank "
        f"(mprunner {mprunner.__version__})\n"
    )


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """An installed plugin that raises when it is imported."""
    install(tmp_path / "site", "other", "2.0", {"other-bank": "other_bank"})
    (tmp_path / "site" / "other_bank.py").write_text("raise LookupError('no license')\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    where = f"{tmp_path}/site/other_bank.py:1"
    return f"plugin other-bank (other 2.0): it can't be loaded: LookupError: no license ({where})"


@pytest.mark.parametrize("command", ["scenarios", "schema"])
def test_a_broken_plugin_is_a_warning_and_the_others_are_still_told(in_process, broken, command):
    done = in_process(command)
    assert (done.returncode, done.stderr) == (0, f"warning: {broken}\n")
    assert "race-bank" in done.stdout


def test_asking_for_a_broken_plugin_s_scenario_ends_with_4_and_its_reason(in_process, broken):
    done = in_process("scenarios", "other-bank")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.endswith(f"error: scenario 'other-bank' can't be used: {broken}\n")


@pytest.mark.parametrize("columns", [40, 80])
def test_a_description_is_as_wide_as_the_terminal(columns):
    found = load_registry().scenario("race-bank")
    wide, wrapped = (description(found.declaration, found.plugin, width) for width in (None, columns))
    assert max(map(len, wrapped.splitlines())) <= columns < max(map(len, wide.splitlines()))
    assert wrapped.split() == wide.split()
