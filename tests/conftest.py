"""Fixtures: the real program in a folder of its own, and the proof that it left no process."""

import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from mprunner.cli import main
from mprunner.scenario import Trial
from tests.support import GENEROUS_S, Done, Terminal, command, command_of, processes_marked

# A shell starts a background job with INT ignored, as nohup does with HUP, and a program keeps what it inherits:
# the programs under test must begin with the defaults wherever the suite is executed.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark every process that this test starts; the test fails if one is left, and it is ended."""
    value = uuid.uuid4().hex
    monkeypatch.setenv("MPRUNNER_TEST", value)
    yield value
    left = processes_marked(value)
    described = [command_of(process) for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert not described, f"left behind: {described}"


@pytest.fixture
def program(tmp_path: Path, token: str) -> Program:
    """Execute ``mprunner`` in an empty folder and return what came of it."""

    def call(*arguments: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=GENEROUS_S,
            check=False,
            **options,
        )  # type: ignore[call-overload]

    return call


@pytest.fixture
def in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Execute ``mprunner`` in this process, in an empty folder: for commands that start none of their own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Done(ended.value.code, *capsys.readouterr())

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


@pytest.fixture
def on_a_terminal(tmp_path: Path, token: str) -> Callable[..., tuple[int, str]]:
    """Execute ``mprunner`` on a pseudo-terminal; return its wait status and what was on the screen."""

    def call(*arguments: str | Path) -> tuple[int, str]:
        terminal = Terminal(tmp_path, *arguments)
        return terminal.end(), terminal.text

    return call
