"""``cpus``: which CPUs a trial may use, what they are counted as, and what is said where they can't be had."""

import json
import os

import pytest

from mprunner.executors import Interrupt
from mprunner.experiment import ExperimentFileError, read_experiment
from mprunner.model.records import Ending, Result, ResultKind
from mprunner.runs.journal_reader import line_of
from mprunner.runs.machine import cpu_quota, quota_warning
from mprunner.workflow import pipeline
from mprunner.workflow.prepare import prepare
from tests.experiment.scenarios import scenario_of
from tests.fake_executor import FakeExecutor
from tests.support import PLUGINS, check_told, trials_of

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this platform does not bind processes to CPUs"
)
PLUGIN = PLUGINS / "affinity.py"


def usable() -> list[int]:
    return sorted(os.sched_getaffinity(0))


@pytest.fixture
def affinity(ran):
    """Execute the scenario; return what came of it."""
    return lambda more="": ran(f"scenario: affinity\nrepeats: 1\n{more}\n", plugin="affinity")


@pytest.mark.parametrize("isolation", ["forked", "fresh"])
def test_a_trial_and_its_processes_may_use_the_cpus_of_the_experiment_and_no_other(affinity, isolation):
    cpu = usable()[-1]
    methods = "sweep: {start_method: [fork, spawn, forkserver]}"
    table = affinity(f"cpus: [{cpu}]\nisolation: {isolation}\n{methods}").trials
    for column in ("imported", "executed", "child"):
        assert list(table[column]) == [1 << cpu] * 3


def test_without_cpus_a_trial_may_use_all_that_the_runner_may(affinity):
    (row,) = affinity().trials.to_dict("records")
    assert row["executed"] == sum(1 << cpu for cpu in usable())
    assert row["workers_meant"] == len(usable())


def test_cpu_count_is_the_number_of_cpus_of_the_experiment_and_run_json_names_them(affinity):
    cpu = usable()[0]
    done = affinity(f"cpus: [{cpu}]")
    (row,) = done.trials.to_dict("records")
    assert row["workers_meant"] == row["workers"] == 1
    assert done.json["cpus"] == [cpu]


def problem(tmp_path, may_use, text="cpus: [1, 5]") -> list[str]:
    file = tmp_path / "bank.yaml"
    file.write_text(f"scenario: bank\n{text}\n")
    with pytest.raises(ExperimentFileError) as caught:
        read_experiment(file, scenario_of, usable_cpus=may_use)
    return caught.value.message.splitlines()


def test_a_cpu_that_can_t_be_used_here_is_a_located_error_that_names_those_that_can(tmp_path):
    lines = problem(tmp_path, [0, 1, 3])
    assert lines[0].endswith(":2:11: cpus[1]: CPU 5 can't be used here")
    assert lines[-1] == "hint: a worker may use 0, 1, 3"


def test_many_usable_cpus_are_told_by_the_first_and_the_last(tmp_path):
    assert problem(tmp_path, range(6, 64))[-1].endswith("6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 … 63")


def test_a_platform_that_binds_no_process_refuses_cpus(tmp_path):
    lines = problem(tmp_path, [])
    assert lines[0].endswith(":2:1: cpus: this platform does not bind processes to CPUs")


def test_the_program_refuses_a_cpu_that_is_not_there(in_process, tmp_path):
    (tmp_path / "affinity.yaml").write_text("scenario: affinity\ncpus: [8191]\n")
    done = in_process("run", "affinity.yaml", "--plugin", PLUGIN)
    check_told(done, 2, "cpus[0]: CPU 8191 can't be used here")
    assert not (tmp_path / "results").exists()


@pytest.fixture
def bound(affinity):
    """A run that is bound to the last CPU, and of which nothing has been executed: its folder, its header."""
    folder = affinity(f"cpus: [{usable()[-1]}]").folder
    header, *_ = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(header)
    return folder, header


def test_a_run_whose_cpus_can_t_be_used_any_more_is_not_resumed(bound, in_process):
    folder, header = bound
    elsewhere = header.partition(b" ")[2].replace(b'"cpus":[%d]' % usable()[-1], b'"cpus":[8191]')
    assert b"8191" in elsewhere
    (folder / "journal.jsonl").write_bytes(line_of(json.loads(elsewhere)))
    done = in_process("resume")
    check_told(done, 7, "the run is bound to CPU 8191, which can't be used here")


def test_a_run_resumes_on_the_same_cpus(bound, in_process):
    assert in_process("resume").returncode == 0
    assert list(trials_of(bound[0]).executed) == [1 << usable()[-1]]


@pytest.fixture
def groups(tmp_path):
    """Make a tree of control groups and what lists a process's own; return the quota that is found."""

    def make(membership: str, **files: str) -> float | None:
        for name, text in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / "membership").write_text(membership)
        return cpu_quota(tmp_path / "cgroup", tmp_path / "membership")

    return make


TWO = {"cpu,cpuacct/x/cpu.cfs_quota_us": "200000", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"}
NESTED = {"a/b/cpu.max": "400000 100000", "a/cpu.max": "50000 100000", "c/cpu.max": "1000 100000"}


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a\n", {"a/cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", NESTED, 0.5),
        ("5:memory:/y\n4:cpu,cpuacct:/x\n0::/\n", TWO, 2.0),
        ("4:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, None),
        *(("0::/\n", {"cpu.max": text}, None) for text in ("", "x", "max", "1", "1 0", "-5 100000", "1 2 3")),
    ],
)
def test_the_lowest_quota_of_a_group_and_those_that_it_is_in_counts_in_either_version(
    groups, membership, files, quota
):
    assert groups(membership, **files) == quota


def test_where_there_are_no_groups_there_is_no_quota(tmp_path):
    assert cpu_quota(tmp_path / "no", tmp_path / "none") is None


def test_a_quota_below_the_cpus_that_may_be_used_is_warned_about():
    message, _ = quota_warning(1.5, 4)
    assert message == (
        "the control group allows a trial 1.5 CPUs' worth of time, less than the 4 CPUs have that it may use"
    )
    assert quota_warning(4.0, 4) is None
    assert quota_warning(None, 4) is None


def test_a_run_warns_of_its_quota_before_its_first_trial(tmp_path, monkeypatch):
    monkeypatch.setattr("mprunner.workflow.execute.cpu_quota", lambda: 0.5)
    (tmp_path / "affinity.yaml").write_text(f"scenario: affinity\nrepeats: 1\ncpus: [{usable()[0]}]\n")
    told: list[str] = []

    def ending(attempt):
        told.append("a trial")
        metrics = dict.fromkeys(("imported", "executed", "child", "workers_meant"), 1)
        return Ending(exit_code=0, result=Result(kind=ResultKind.OK, metrics=metrics))

    with Interrupt() as interrupt:
        prepared = prepare(tmp_path / "affinity.yaml", [PLUGIN])
        executor = FakeExecutor(ending)
        pipeline.run(prepared, executor, tmp_path, interrupt, warn=lambda said, _: told.append(said))
    assert told == [
        "the control group allows a trial 0.5 CPUs' worth of time, less than the CPU has that it may use",
        "a trial",
    ]
