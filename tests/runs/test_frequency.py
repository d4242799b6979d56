"""The frequency of the CPUs while a run is executed: the fastest of them, as far as the system tells."""

import json

import pytest

from mprunner.executors import Interrupt
from mprunner.model.records import Ending, Result, ResultKind
from mprunner.runs import machine as frequency
from mprunner.runs.machine import FrequencyWatch
from mprunner.workflow import pipeline
from mprunner.workflow.prepare import prepare
from tests.fake_executor import FakeExecutor


@pytest.fixture
def cpus(tmp_path, monkeypatch):
    """A machine whose CPUs run at the frequencies given, in kHz, until others are."""
    folder = tmp_path / "cpus"
    monkeypatch.setattr(frequency, "_CPUS", folder)

    def run_at(*frequencies):
        for cpu, khz in enumerate(frequencies):
            file = folder / f"cpu{cpu}" / "cpufreq" / "scaling_cur_freq"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{khz}\n")

    return run_at


class Clock:
    """A clock that a test moves on."""

    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_the_fastest_cpu_is_noted_and_how_it_changed(cpus):
    clock = Clock()
    cpus(1_000_000, 2_000_000)
    watch = FrequencyWatch([0, 1], clock)
    for khz in (2_000_000, 3_100_500, 2_500_000):
        cpus(1_000_000, khz)
        watch.look()
        clock.now_s += frequency.EVERY_S
    assert watch.seen() == {"lowest": 2_000.0, "highest": 3_100.5}


def test_a_cpu_that_a_trial_may_not_use_is_not_looked_at(cpus):
    cpus(1_000_000, 9_000_000)
    watch = FrequencyWatch([0])
    watch.look()
    assert watch.seen() == {"lowest": 1_000.0, "highest": 1_000.0}


def test_the_cpus_are_not_looked_at_after_every_short_trial(cpus):
    clock = Clock()
    cpus(1_000_000)
    watch = FrequencyWatch([0], clock)
    watch.look()
    cpus(5_000_000)
    clock.now_s += frequency.EVERY_S / 2
    watch.look()
    assert watch.seen() == {"lowest": 1_000.0, "highest": 1_000.0}


@pytest.mark.parametrize("khz", ["", "<unknown>"])
def test_where_no_cpu_tells_its_frequency_none_is_known(cpus, khz):
    cpus(khz)
    for watch in (FrequencyWatch([0]), FrequencyWatch([7])):
        watch.look()
        assert watch.seen() is None


def test_run_json_has_the_frequencies_that_were_seen_after_trials(cpus, tmp_path):
    cpus(2_400_000)
    file = tmp_path / "bank.yaml"
    file.write_text("scenario: race-bank\nrepeats: 2\ncpus: [0]\n")
    prepared = prepare(file)
    executor = FakeExecutor(lambda attempt: Ending(exit_code=0, result=Result(kind=ResultKind.OK)))
    folder = pipeline.run(prepared, executor, tmp_path / "results", Interrupt()).folder
    said = json.loads((folder.path / "run.json").read_text())
    assert said["cpu_mhz"] == {"lowest": 2_400.0, "highest": 2_400.0}
