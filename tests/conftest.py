"""Fixtures: the real program in a folder of its own, and the proof that it left no process."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from mprunner.cli import main
from mprunner.scenario import Trial
from tests.support import GENEROUS_S, PLUGINS, Done, Ran, command, marked

# A shell starts a background job with INT ignored, as nohup does with HUP, and a program keeps what it inherits:
# the programs under test must begin with the defaults wherever the suite is executed.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ["MPRUNNER_NO_REPORT"] = "1"  # a page takes longer than most runs of the tests

settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing of it
settings.load_profile("any machine")

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take from ``sys.path`` what a test puts there: in the folder of one plugin another finds a module of its."""
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def token() -> Iterator[str]:
    """Mark every process that this test starts; the test fails if one is left, and it is ended."""
    with marked() as value:
        yield value


@pytest.fixture
def program(tmp_path: Path, token: str) -> Program:
    """Execute ``mprunner`` in an empty folder and return what came of it."""

    def call(*arguments: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
        how = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": GENEROUS_S, **options}
        return subprocess.run(command(*arguments), check=False, **how)  # type: ignore[call-overload]

    return call


@pytest.fixture
def in_process(
    tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Execute ``mprunner`` in this process, in an empty folder: where it is no matter how the program ends."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Done(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def ran(tmp_path: Path, in_process: Callable[..., Done]) -> Callable[..., Ran]:
    """Write an experiment, execute it in this process, and return what came of it.

    ``plugin`` is the name of one of the tests' plugins, or the source of one; ``code`` the exit code to come.
    """

    def call(text: str, *options: str | Path, plugin: str = "", name: str = "it", code: int = 0) -> Ran:
        (tmp_path / f"{name}.yaml").write_text(text)
        file = PLUGINS / f"{plugin}.py"
        if "\n" in plugin:
            file = tmp_path / "plugin.py"
            file.write_text(plugin)
        done = in_process("run", f"{name}.yaml", *(["--plugin", file] if plugin else []), *options)
        assert done.returncode == code, done.stdout + done.stderr
        folder = tmp_path / re.search(r"^results(?: \(\w+\))?: (.+)$", done.stdout, re.MULTILINE)[1]
        return Ran(done.returncode, done.stdout, done.stderr, folder)

    return call


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., tuple[Any, dict[str, Counter[Any]]]]:
    """Execute one trial of a bundled scenario's module in this process; return its metrics and what it observed."""

    def call(module: Any, **params: object) -> tuple[Any, dict[str, Counter[Any]]]:
        (scenario,) = module.mprunner_register_scenarios()
        trial = Trial(scenario, seed=0, repeat=0, tmp_path=tmp_path)
        metrics = scenario().run(module.Params(**params), trial)
        seen = {
            name: Counter({value: n for (_, value), n in counts.items()})
            for name, counts in trial.observed.items()
        }
        return metrics, seen

    return call
