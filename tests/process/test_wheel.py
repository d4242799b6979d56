"""The built wheel, installed in a clean environment, used from another folder: what a user of pip gets."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support import ROOT

LIMIT_S = 600.0


def call(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(LIMIT_S)
def test_the_wheel_runs_an_experiment_in_a_clean_environment(tmp_path, token):
    """Without the repository beside it: neither a scenario nor a module may be found there by accident."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT, folder=tmp_path)
    (wheel,) = tmp_path.glob("mprunner-*.whl")
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    call(*pip, "--python", python, "install", "--no-compile", wheel, folder=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = call(
        python, "-c", "import mprunner, mprunner_scenarios; print(mprunner.__file__)", folder=elsewhere
    )
    assert Path(where.strip()).is_relative_to(environment)
    program = environment / "bin" / "mprunner"
    listed = call(program, "scenarios", folder=elsewhere)
    assert [line.split()[0] for line in listed.splitlines()[:5]] == [
        "locked-counter",
        "own-race",
        "pool-map",
        "race-bank",
        "spawn-count",
    ]
    (elsewhere / "bank.yaml").write_text("scenario: race-bank\nparams: {transactions: 10}\nrepeats: 1\n")
    assert "1 trial, ok" in call(program, "run", "bank.yaml", folder=elsewhere)
    assert list(elsewhere.glob("results/bank/latest/trials.csv"))
