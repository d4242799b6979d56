"""What is imported, and when: a worker, an actor and whoever only asks for help pay for no more than they use."""

import json
import shutil
import sys

import pytest

from tests.support import ROOT, printed

HEAVY = ("pandas", "numpy", "pydantic", "rich", "yaml", "scipy", "pluggy", "jinja2", "vl_convert")
CODE = """
import contextlib, importlib, io, sys
from pathlib import Path
{0}
print(*(name for name in {1} if any((each + ".").startswith(name + ".") for each in sys.modules)))
"""


def calling(*arguments):
    return f"""
from mprunner.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
    main({arguments})
assert len(out.getvalue().splitlines()) > 2
"""


def imported(code, folder=None, *, of=HEAVY):
    """Return which of some packages code has imported, or a part of them, when it is done."""
    return printed(CODE.format(code, of), folder=folder).split()


@pytest.mark.parametrize(
    "code",
    [calling("--help"), "import mprunner; mprunner.run, mprunner.load, mprunner.Results"],
    ids=["the help", "the package"],
)
def test_nothing_heavy_is_imported_before_it_is_used(code):
    assert imported(code) == []


def test_the_help_imports_nothing_of_what_runs_are_made_of():
    """A dataclass takes a while to be made: the records of a run cost the help a tenth of its time."""
    assert imported(calling("--help"), of=("mprunner.model", "mprunner.runs", "mprunner.workflow")) == []


def test_a_launcher_imports_nothing_heavy_of_its_own():
    """Apart from any plugin: what `python -m mprunner.worker` has imported before it is told of a scenario."""
    code = (
        "import mprunner.worker.launcher, mprunner.worker.forking, mprunner.worker.trial as trial\n"
        "for name in trial.PRELOADED: importlib.import_module(name)\n"
    )
    assert imported(code, of=(*HEAVY, "psutil", "click")) == []


def test_neither_a_plan_nor_the_journal_needs_pandas_and_adaptive_repeats_alone_numpy(tmp_path):
    (tmp_path / "fixed.yaml").write_text("scenario: race-bank\n")
    until = "repeats: {max: 9, until: {metric: wall_s, ci_ratio: 0.1}}\n"
    (tmp_path / "until.yaml").write_text(f"scenario: race-bank\n{until}")
    assert imported(calling("plan", "fixed.yaml"), tmp_path, of=("pandas", "numpy")) == []
    journal = "import mprunner.runs.journal, mprunner.model.summary_sentence"
    assert imported(journal, of=("pandas", "numpy")) == []
    for file, needed in (("fixed.yaml", []), ("until.yaml", ["numpy"])):
        code = (
            "from mprunner.workflow.execute import adaptive_of\n"
            "from mprunner.workflow.prepare import prepare\n"
            f"adaptive_of(prepare(Path({file!r})).experiment, 9, {{}})\n"
        )
        assert imported(code, tmp_path, of=("pandas", "numpy")) == needed


READERS = [
    calling("show", "bank"),
    calling("show", "interrupted", "--json"),
    calling("compare", "20261127T041736Z-07536a", "20261127T041737Z-5c8256"),
    calling("compare", "compared", "--case", "guard=none", "--case", "guard=lock"),
    calling("list"),
    "import mprunner; assert len(mprunner.load('bank').trials)\n",
]


EXECUTING = ("mprunner.executors", "mprunner.worker")


@pytest.mark.parametrize(
    ("readers", "rooms"),
    [
        (READERS, (*EXECUTING, "mprunner.plugins", "mprunner.experiment", "pluggy", "yaml")),
        ([calling("verdict", "bank", "--file", "again.yaml")], EXECUTING),
    ],
    ids=["reading", "judging"],
)
def test_reading_or_judging_a_run_imports_nothing_that_executes_one(tmp_path, readers, rooms):
    """The stored runs are as they were left, without tables."""
    shutil.copytree(ROOT / "tests" / "golden" / "runs", tmp_path / "results")
    (tmp_path / "again.yaml").write_text("scenario: race-bank\n")
    assert imported("".join(readers), tmp_path, of=rooms) == []


def test_what_draws_a_page_is_imported_for_a_page_alone(tmp_path):
    """Of these packages only names are looked up, at the end of a run, and only where a page is to be made."""
    shutil.copytree(ROOT / "tests" / "golden" / "runs", tmp_path / "results")
    code = "".join(READERS) + calling("report", "--help")
    code += "import mprunner.workflow.report, mprunner.cli.reporting\n"
    assert imported(code, tmp_path, of=("jinja2", "vl_convert", "scipy")) == []


def imported_by(statement: str) -> set[str]:
    """Return what a statement imports into an interpreter that has what every child of a pool or Process has."""
    script = (
        "import json, sys, multiprocessing.pool, multiprocessing.spawn; before = set(sys.modules)\n"
        f"{statement}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    return set(json.loads(printed(script)))


def test_a_plugin_s_import_of_the_api_brings_nothing_from_elsewhere_and_no_actors_before_they_are_used():
    brought = imported_by("import mprunner.scenario")
    assert {module.partition(".")[0] for module in brought} - sys.stdlib_module_names == {"mprunner"}
    assert not brought & {"mprunner.actors.bootstrap", "mprunner.actors.group", "random"}


@pytest.mark.parametrize(
    ("module", "brought"),
    [
        ("mprunner.actors.bootstrap", "mprunner mprunner.actors mprunner.actors.bootstrap mmap __future__"),
        (
            "mprunner_scenarios.actors.pool_map",
            "mprunner_scenarios mprunner_scenarios.actors mprunner_scenarios.actors.pool_map __future__",
        ),
    ],
)
def test_what_an_actor_executes_imports_nothing_that_a_spawned_child_does_not_have(module, brought):
    """All of it would be inside the measurement of every spawned actor."""
    assert imported_by(f"import {module}") == set(brought.split())
