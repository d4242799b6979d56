"""SIGKILL at any moment: no record that was acknowledged is lost, and resuming completes the run."""

import random
import signal
import subprocess
from contextlib import suppress

import pandas as pd
import pytest

from mprunner.runs import Reading
from mprunner.workflow.prepare import prepare
from tests.support import GENEROUS_S, PLUGINS, command, printed, wait_until, wait_until_none_is_left

PLUGIN = PLUGINS / "acknowledging.py"
EXPERIMENT = "scenario: acknowledging\nsweep: {size: [1, 2]}\nrepeats: 60\nwarmup: 1\n"
KILLS_OF_A_RUN = 5
NEVER = 10**12


@pytest.fixture
def killed(tmp_path, token, monkeypatch):
    """Execute ``mprunner`` and kill it a while after its journal has grown by so many bytes, or let it end."""
    (tmp_path / "acknowledging.yaml").write_text(EXPERIMENT)
    monkeypatch.setenv("ACKNOWLEDGED", str(tmp_path / "acknowledged"))

    def call(arguments, growth, after_s=0.0):
        before = size_of_journal(tmp_path)
        process = subprocess.Popen(
            command(*arguments, "-q"), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        wait_until(
            lambda: process.poll() is not None or size_of_journal(tmp_path) - before >= growth,
            "the journal does not grow",
            every_s=0.0005,
        )
        with suppress(subprocess.TimeoutExpired):  # a moment drawn at random, which nothing depends on
            process.wait(after_s)
        process.kill()
        _, stderr = process.communicate(timeout=GENEROUS_S)
        assert process.returncode in (0, -signal.SIGKILL), stderr.decode()

    return call


def journal_of(folder):
    (journal,) = folder.glob("results/*/2*/journal.jsonl")
    return journal


def size_of_journal(folder):
    with suppress(ValueError):
        return journal_of(folder).stat().st_size
    return 0


def recovered(folder):
    records = Reading(journal_of(folder)).records()
    return [f"{r.attempt.trial_id} {r.attempt.attempt} {r.status}" for r in records]


def check_a_run_that_is_killed_again_and_again(folder, token, killed, seed):
    chance = random.Random(seed)
    # The first kill leaves two records at least: before the first there may be no run to resume.
    killed(
        ("run", "acknowledging.yaml", "--plugin", PLUGIN),
        chance.randint(3_000, 20_000),
        chance.uniform(0, 0.01),
    )
    for _ in range(KILLS_OF_A_RUN - 1):
        acknowledged = (folder / "acknowledged").read_text().splitlines()
        assert set(acknowledged) <= set(recovered(folder))
        if chance.random() < 0.25:  # while it starts, reads, or writes tables
            killed(("resume",), 0, chance.uniform(0, 1))
        else:
            killed(("resume",), chance.randint(1, 20_000), chance.uniform(0, 0.01))
    killed(("resume",), NEVER)
    wait_until_none_is_left(token)
    trials = pd.read_csv(journal_of(folder).with_name("trials.csv"))
    final = trials[trials.is_final]
    plan = prepare(folder / "acknowledging.yaml", [PLUGIN]).plan
    assert sorted(zip(final.case_id, final.repeat, strict=True)) == sorted(
        (a.case_id, a.repeat) for a in plan
    )
    assert set(final.status) == {"ok"}
    assert set(trials[~trials.is_final].status) <= {"lost"}
    assert not trials.duplicated(["trial_id", "attempt"]).any()
    assert set((folder / "acknowledged").read_text().splitlines()) <= set(recovered(folder))


@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_five_times_at_random_ends_with_the_rows_of_an_uninterrupted_one(
    tmp_path, token, killed, seed
):
    check_a_run_that_is_killed_again_and_again(tmp_path, token, killed, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_forty_more_runs_killed_five_times_each(tmp_path, token, killed, seed):
    check_a_run_that_is_killed_again_and_again(tmp_path, token, killed, seed)


KILLED_WHILE_WRITING = """
import os, shutil, signal, sys, warnings
from pathlib import Path
from mprunner.workflow import tabulate
from mprunner.runs.folder import RunFolder

warnings.simplefilter("ignore")  # forking here is safe: the child executes what needs no thread
folder = RunFolder(Path(sys.argv[1]))
NAMES = ("trials.csv", "actors.csv", "outcomes.csv", "summary.csv")
tabulate.write_tables(folder)
new = {name: (folder.path / name).read_text() for name in NAMES}


def killed_at(step):
    for name in NAMES:
        (folder.path / name).write_text("old")
    child = os.fork()
    if child == 0:
        steps = 0

        def counted(real):
            def call(*arguments, **options):
                nonlocal steps
                steps += 1
                if steps == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)
            return call

        os.fsync, os.replace, os.open = map(counted, (os.fsync, os.replace, os.open))
        tabulate.write_tables(folder)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


step = 1
while killed_at(step):
    found = {name: (folder.path / name).read_text() for name in NAMES}
    partial = [name for name in NAMES if found[name] not in ("old", new[name])]
    assert not partial, (step, partial)
    step += 1
assert {name: (folder.path / name).read_text() for name in NAMES} == new
assert not list(folder.path.glob(".*.tmp"))  # the last one, which was not killed, has removed what the others left
print(step - 1)
"""


def test_sigkill_at_every_step_of_writing_tables_leaves_each_old_or_new(tmp_path, token, killed):
    killed(("run", "acknowledging.yaml", "--plugin", PLUGIN, "--set", "repeats=2"), NEVER)
    steps = printed(KILLED_WHILE_WRITING, journal_of(tmp_path).parent)
    assert int(steps) >= 4 * 3  # sync, rename, sync of the folder, of each table
