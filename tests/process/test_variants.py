"""Variants in the whole program: other interpreters, what is around them, and revisions checked out aside."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.support import (
    OTHERS,
    PLUGINS,
    Terminal,
    check_told,
    command,
    hanging,
    latest,
    other_interpreter,
    plugin_of,
    trials_of,
    wait_for_the_hanging_trial,
    wait_until,
    wait_until_none_is_left,
)

LOOK = "scenario: surroundings\nrepeats: 1\n"


def script(file: Path, text: str) -> Path:
    """Write a program of the shell."""
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def look(trials, column: str) -> dict[str, object]:
    """Return what the only trial of each variant has in a column."""
    return dict(zip(trials.variant, trials[column], strict=True))


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """A folder for temporary files, in which nothing must be left in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.glob("mpr-*")) == []


@pytest.mark.parametrize("isolation", ["forked", "fresh"])
def test_variables_flags_and_folders_are_around_the_trials_of_their_variant_alone(
    ran, tmp_path, monkeypatch, scratch, isolation
):
    monkeypatch.setenv("SAID", "outside")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "answer.py").write_text("value = 'first'\n")
    (tmp_path / "answer.py").write_text("value = 'beside'\n")
    changed = "set: {env: {SAID: inside}}, unset: {env: {SAID: null}}, dev: {flags: [-X, dev], path: [lib]}"
    variants = f"{{as: {{}}, {changed}}}"
    params = "params: {module: answer, member: value}\n"
    done = ran(f"{LOOK}isolation: {isolation}\n{params}variants: {variants}\n", plugin="surroundings")
    assert done.trials.columns.tolist().index("variant") < done.trials.columns.tolist().index("version")
    assert look(done.trials.astype(object).fillna(""), "said") == {
        "as": "outside",
        "set": "inside",
        "unset": "",
        "dev": "outside",
    }
    assert look(done.trials, "dev_mode") == {"as": False, "set": False, "unset": False, "dev": True}
    assert look(done.trials, "found") == {"as": "beside", "set": "beside", "unset": "beside", "dev": "first"}
    assert list(done.json["variants"]) == ["as", "set", "unset", "dev"]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("name", OTHERS)
def test_another_interpreter_needs_nothing_installed(ran, name):
    python = other_interpreter(name)
    done = ran(
        f"{LOOK}params: {{spawns: true}}\nvariants: {{here: {{}}, there: {{python: {python}}}}}\n",
        plugin="surroundings",
    )
    told = done.json["variants"]["there"]
    assert look(done.trials, "status") == {"here": "ok", "there": "ok"}
    assert look(done.trials, "python")["there"] == told["python"]
    assert look(done.trials, "version")["there"] == look(done.trials, "spawned")["there"] in told["build"]
    assert look(done.trials, "gil_enabled")["there"] == told["gil_enabled"]
    assert look(done.trials, "version")["here"] == sys.version.split(maxsplit=1)[0]


SAYING = """\
import os
from dataclasses import dataclass
from mprunner.scenario import Scenario, Trial

@dataclass(frozen=True)
class Nothing:
    pass

class Saying(Scenario[Nothing, Nothing]):
    name = "saying"

    def run(self, params: Nothing, trial: Trial) -> Nothing:
        print(os.environ["SAID"], trial.repeat)
        return params

def mprunner_register_scenarios():
    return [Saying]
"""


def test_each_trial_has_its_own_log_though_variants_take_turns(ran):
    variants = ", ".join(f"{name}: {{env: {{SAID: {name}}}}}" for name in ("one", "two", "three"))
    done = ran(f"scenario: saying\nrepeats: 2\nvariants: {{{variants}}}\n", plugin=SAYING)
    logs = {log.name.partition(".")[0]: log.read_text() for log in (done.folder / "logs").iterdir()}
    assert logs == {row.trial_id: f"{row.variant} {row.repeat}\n" for row in done.trials.itertuples()}


def test_trials_end_with_the_same_statuses_whatever_the_interpreter(ran):
    python = other_interpreter("python3.13" if sys.version_info[:2] != (3, 13) else "python3.12")
    ways = "ok, raise, exit, os-exit, segv, memory, too-large, leak, hang"
    done = ran(
        f"scenario: misbehave\nrepeats: 1\ntimeout: 0.5\non_failure: continue\nsweep: {{way: [{ways}]}}\n"
        f"variants: {{here: {{}}, there: {{python: {python}}}}}\n",
        plugin="misbehave",
        code=1,
    )
    columns = ["way", "status", "exit_code", "signal", "error_type", "leaked"]
    here, there = (
        done.trials[done.trials.variant == name][columns].to_dict("records") for name in ("here", "there")
    )
    assert str(here) == str(there)
    assert {each["status"] for each in here} >= {"ok", "error", "exit", "signal", "memory", "timeout"}


def test_a_bundled_scenario_is_executed_by_another_interpreter_that_is_fresh_for_each_trial(ran):
    python = other_interpreter("python3.12" if sys.version_info[:2] != (3, 12) else "python3.13")
    done = ran(
        "scenario: race-bank\nrepeats: 1\nisolation: fresh\nparams: {transactions: 10, start_method: spawn}\n"
        f"variants: {{here: {{}}, there: {{python: {python}}}}}\n"
    )
    assert list(done.trials.status) == ["ok", "ok"]
    assert set(done.trials.start_method) == {"spawn"}
    assert set(done.trials.python) == {each["python"] for each in done.json["variants"].values()}


def test_what_an_interpreter_prints_when_it_starts_is_no_fault(ran, tmp_path):
    python = script(tmp_path / "talks", f'echo hello; echo there >&2; exec {sys.executable} "$@"')
    done = ran(f"{LOOK}variants: {{talks: {{python: ./{python.name}}}}}\n", plugin="surroundings")
    assert list(done.trials.status) == ["ok"]


def refused(in_process, tmp_path, variants: str, *told: str, code: int = 2) -> None:
    """Check that an experiment with such variants is refused before anything is executed or written."""
    (tmp_path / "it.yaml").write_text(f"{LOOK}variants: {variants}\n")
    check_told(in_process("run", "it.yaml", "--plugin", PLUGINS / "surroundings.py"), code, *told)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo it is broken >&2; exit 3", ("./odd can't be started", "it is broken")),
        ("exit 3", ("./odd can't be started", "exit code 3")),
        (
            "printf '3.9\\ncpython\\n3.9.18\\nFalse\\n/usr\\n'",
            ("./odd is Python 3.9.18, which is too old for a worker", "name one of 3.11 or later"),
        ),
    ],
)
def test_an_interpreter_that_is_no_good_is_told_at_its_place(in_process, tmp_path, text, told):
    script(tmp_path / "odd", text)
    refused(
        in_process, tmp_path, "{here: {}, odd: {python: ./odd}}", "it.yaml:3:28: variants.odd.python: ", *told
    )


def test_an_interpreter_that_there_is_not_is_told_with_those_that_there_are(in_process, tmp_path):
    own = Path(sys.executable).name
    refused(
        in_process, tmp_path, "{gone: {python: python3.99}}", "variants.gone.python: PATH has no python3.99"
    )
    refused(in_process, tmp_path, "{gone: {python: ./gone}}", "there is no interpreter", "gone")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / own).symlink_to(sys.executable)
    variants = f"{{gone: {{python: python3.99, env: {{PATH: {tmp_path / 'bin'}}}}}}}"
    refused(in_process, tmp_path, variants, f"the interpreters that it has: {own}\n")


def test_another_gil_than_a_variant_asks_for_is_refused(in_process, tmp_path):
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    if not has_gil:
        pytest.skip("this interpreter has no GIL")
    told = (
        "asks for a GIL that is off, and in CPython" if sys.version_info < (3, 13) else "can't be started",
        "variants.free.env",
    )
    refused(in_process, tmp_path, "{free: {env: {PYTHON_GIL: '0'}}}", *told)


def test_what_a_variant_can_t_import_is_told_with_its_name(in_process, tmp_path):
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "multiprocessing.py").write_text("raise ImportError('it is hidden')\n")
    told = ("variant odd: the worker can't import", "it is hidden")
    (tmp_path / "it.yaml").write_text(f"{LOOK}variants: {{here: {{}}, odd: {{path: [without]}}}}\n")
    done = in_process("run", "it.yaml", "--plugin", PLUGINS / "surroundings.py")
    assert done.returncode == 4
    assert all(text in done.stderr for text in told), done.stderr


def test_the_plan_says_what_each_variant_is(in_process, tmp_path):
    variants = "{here: {}, other: {python: python3.99, flags: [-O], env: {A: '1', B: null}, path: [lib]}}"
    (tmp_path / "it.yaml").write_text(f"{LOOK}variants: {variants}\n")
    done = in_process("plan", "it.yaml", "--plugin", PLUGINS / "surroundings.py")
    assert "  variant here   as it is here\n" in done.stdout
    assert "  variant other  python3.99 -O, env A=1 -B, path lib\n" in done.stdout


def test_an_executor_that_knows_no_variants_is_refused(in_process, tmp_path):
    executors = "\n\ndef mprunner_register_executors():\n    return {'blind': lambda source: object()}\n"
    (tmp_path / "plugin.py").write_text((PLUGINS / "surroundings.py").read_text() + executors)
    (tmp_path / "it.yaml").write_text(f"{LOOK}variants: {{here: {{}}}}\n")
    done = in_process("run", "it.yaml", "--plugin", "plugin.py", "--executor", "blind")
    check_told(done, 2, "it.yaml:3:1: variants: the executor 'blind' knows no variants")


CHANGING = plugin_of(
    "some",
    "way: str = 'change'",
    "n: int",
    "import os, sys; sys.setswitchinterval(0.25); sys._is_gil_enabled = lambda: params.way != 'change'; "
    "os._exit(3) if params.way == 'die' else None; return Metrics(n=1)",
)


@pytest.mark.parametrize("variants", ["", "variants: {here: {}}\n"])
def test_a_trial_says_what_its_interpreter_was_at_its_end(ran, variants):
    text = f"scenario: some\nrepeats: 1\nsweep: {{way: [change, die]}}\n{variants}"
    done = ran(text, plugin=CHANGING, code=1)
    changed, died = done.trials.to_dict("records")
    version = sys.version.split(maxsplit=1)[0]
    assert version in changed["python"]
    assert (changed["gil_enabled"], changed["switch_interval_s"]) == (False, 0.25)
    assert pd.isna(died["gil_enabled"])
    assert pd.isna(died["switch_interval_s"])
    assert pd.isna(died["python"]) if variants else died["python"] == changed["python"]


GIT = ("git", "-c", "user.name=some", "-c", "user.email=some@where", "-c", "init.defaultBranch=main")
TWO_REVISIONS = "variants: {before: {revision: HEAD}, after: {}}\n"


@pytest.fixture
def git(tmp_path):
    """Return a function that executes git in the repository of a test."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def call(*arguments: str) -> str:
        return subprocess.check_output([*GIT, *arguments], cwd=tmp_path, text=True)

    return call


@pytest.fixture
def repository(tmp_path, git):
    """A repository whose only revision says `old`, with files that say `new` now."""
    git("init", "-q")
    (tmp_path / ".gitignore").write_text("scratch\nresults\n")
    (tmp_path / "answer.py").write_text("value = 'old'\n")
    (tmp_path / "plugin.py").write_text((PLUGINS / "surroundings.py").read_text().replace("as it is", "old"))
    git("add", ".")
    git("commit", "-qm", "old")
    (tmp_path / "answer.py").write_text("value = 'new'\n")
    (tmp_path / "plugin.py").write_text((PLUGINS / "surroundings.py").read_text().replace("as it is", "new"))
    return tmp_path


def files_of(folder: Path) -> dict[str, int]:
    """Return every file below a folder, with its size."""
    return {str(file): file.stat().st_size for file in folder.rglob("*")}


@pytest.mark.parametrize("isolation", ["forked", pytest.param("fresh", marks=pytest.mark.slow)])
def test_a_revision_is_executed_beside_the_files_as_they_are(repository, in_process, git, scratch, isolation):
    before, status = files_of(repository / ".git"), git("status", "--short")
    (repository / "scratch" / "it.yaml").write_text("")  # what is there stays
    text = f"{LOOK}isolation: {isolation}\nparams: {{module: answer, member: value, spawns: true}}\n{TWO_REVISIONS}"
    (repository / "it.yaml").write_text(text)
    git("add", "it.yaml")
    before, status = files_of(repository / ".git"), git("status", "--short")
    done = in_process("run", "it.yaml", "--plugin", "plugin.py")
    assert done.returncode == 0, done.stderr
    trials = trials_of(latest(repository, "it"))
    assert look(trials, "found") == {"before": "old", "after": "new"}
    assert look(trials, "stamp") == {"before": "old", "after": "new"}
    assert look(trials, "folder") == {"before": git("rev-parse", "HEAD")[:12], "after": repository.name}
    assert files_of(repository / ".git") == before
    assert git("status", "--short") == status
    assert [file.name for file in scratch.iterdir()] == ["it.yaml"]


def test_a_folder_of_a_variant_with_a_revision_is_that_of_the_revision(repository, ran, git):
    (repository / "lib").mkdir()
    (repository / "lib" / "place.py").write_text("name = 'old lib'\n")
    git("add", "lib")
    git("commit", "-qm", "with lib")
    (repository / "lib" / "place.py").write_text("name = 'new lib'\n")
    params = "params: {module: place, member: name}\n"
    variants = "variants: {before: {revision: HEAD, path: [lib]}, after: {path: [lib]}}\n"
    done = ran(f"{LOOK}{params}{variants}", plugin="surroundings")
    assert look(done.trials, "found") == {"before": "old lib", "after": "new lib"}


@pytest.mark.parametrize(
    ("variants", "told"),
    [
        (
            "{old: {revision: v9}}",
            ("it.yaml:3:18: variants.old.revision: ", "has no revision 'v9'", "log --oneline"),
        ),
        ("{old: {revision: --all}}", ("has no revision '--all'",)),
    ],
)
def test_a_revision_that_there_is_not_is_told_at_its_place(repository, in_process, variants, told):
    refused(in_process, repository, variants, *told)


def test_a_revision_without_a_repository_is_told_at_its_place(in_process, tmp_path, monkeypatch, git):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    refused(
        in_process,
        tmp_path,
        "{old: {revision: HEAD}}",
        "it.yaml:3:18: variants.old.revision: ",
        "in no git repository",
    )


def test_a_resumed_run_executes_the_commit_that_it_began_with(repository, in_process, git):
    ready = repository / "ready"
    params = f"params: {{module: answer, member: value, until: {ready}}}\n"
    variants = "variants: {after: {}, before: {revision: HEAD}}\n"
    (repository / "it.yaml").write_text(f"{LOOK}on_failure: stop\n{params}{variants}")
    assert in_process("run", "it.yaml", "--plugin", "plugin.py").returncode == 1
    assert list(trials_of(latest(repository, "it")).variant) == ["after"]
    git("commit", "-qam", "new")
    ready.touch()
    done = in_process("resume", str(latest(repository, "it")))
    assert (
        "then, " not in done.stderr
    )  # nothing is told to have changed: HEAD is another commit, and not the run's
    trials = trials_of(latest(repository, "it"))
    assert look(trials, "status") == {"after": "error", "before": "ok"}
    assert look(trials, "found")["before"] == "old"


def test_another_interpreter_than_a_run_began_with_is_refused(ran, in_process, tmp_path):
    other = other_interpreter("python3.12" if sys.version_info[:2] != (3, 12) else "python3.13")
    python = script(tmp_path / "some", f'exec {sys.executable} "$@"')
    ready = tmp_path / "ready"
    params = f"params: {{until: {ready}}}\nsweep: {{member: [platform, byteorder]}}\n"
    text = f"{LOOK}on_failure: stop\n{params}variants: {{one: {{python: ./some}}}}\n"
    folder = ran(text, plugin="surroundings", code=1).folder
    ready.touch()
    script(python, f'exec {other} "$@"')
    refusal = in_process("resume", folder)
    check_told(refusal, 7, "variant one: CPython", "restore it, start a new run")
    done = in_process("resume", folder, "--allow-changes")
    assert "the results are mixed" in done.stderr
    trials = trials_of(folder)
    assert list(trials.status) == ["error", "ok"]
    assert trials.python.nunique() == 2


def test_a_run_from_elsewhere_executes_nothing_of_its_own_folder(ran, in_process, tmp_path):
    text = f"{LOOK}on_failure: stop\nparams: {{until: ./gone}}\nsweep: {{member: [platform, byteorder]}}\n"
    folder = ran(f"{text}variants: {{one: {{}}}}\n", plugin="surroundings", code=1).folder
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts | {"file": str(folder / "it.yaml")}))
    check_told(in_process("resume", folder), 7, "names its own folder")


def test_an_optional_interpreter_that_is_not_there_is_left_out_and_told(ran, tmp_path):
    script(tmp_path / "old", "exit 1")
    variants = "{here: {}, gone: {python: python3.99, optional: true}, old: {python: ./old, optional: true}}"
    done = ran(f"{LOOK}variants: {variants}\nbaseline: {{variant: gone}}\n", plugin="surroundings")
    assert list(done.trials.variant) == ["here"]
    assert "no interpreter here for variant gone, old\n" in done.stderr


def test_what_is_not_asked_for_need_not_be_there(ran):
    variants = "{here: {}, gone: {python: python3.99}, old: {revision: no-such}}"
    done = ran(f"{LOOK}variants: {variants}\n", "--only", "variant=here", plugin="surroundings")
    assert list(done.trials.variant) == ["here"]
    assert list(done.json["variants"]) == ["here"]


HANGS = """
name: hangs
scenario: misbehave
params: {way: hang-with-children}
repeats: 1
timeout: 600
variants: {before: {revision: HEAD}, after: {}}
"""


def test_a_checkout_is_removed_after_ctrl_c(repository, scratch, token):
    (repository / "hangs.yaml").write_text(HANGS)
    with Terminal(repository, "run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py") as terminal:
        wait_for_the_hanging_trial(token)
        assert list(scratch.glob("mpr-variants-*/*/answer.py"))
        terminal.press(b"\x03")
        assert terminal.end() == -signal.SIGINT
    assert list(scratch.iterdir()) == []


def test_a_checkout_is_removed_if_the_runner_is_killed(repository, scratch, token):
    (repository / "hangs.yaml").write_text(HANGS)
    arguments = command("run", "-q", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py")
    with subprocess.Popen(arguments, cwd=repository, stdout=subprocess.DEVNULL) as process:
        wait_for_the_hanging_trial(token)
        process.kill()
    wait_until_none_is_left(token)
    wait_until(lambda: not list(scratch.glob("mpr-variants-*")), "the checkout is still there")
    assert hanging(token) == 0
