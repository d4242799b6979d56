"""During which trials other processes used the CPUs."""

import subprocess
import sys

from mprunner.analysis.diagnostics import Disturbed, disturbed
from mprunner.report.wording import disturbed_in_words
from mprunner.tables.frames import build_frames
from mprunner.worker.watch import busy_s
from tests.made import record, run


def trials_of(*shares, wall_s=1.0):
    records = []
    for repeat, share in enumerate(shares):
        made = record("none", repeat)
        others = None if share is None else share * wall_s
        records.append(replace_ending(made, wall_s=wall_s, others_cpu_s=others))
    return build_frames(run(*records)).trials


def replace_ending(made, **facts):
    from dataclasses import replace

    return replace(made, ending=replace(made.ending, **facts))


def test_the_trials_are_counted_during_which_others_used_a_tenth_of_the_cpus():
    found = disturbed(trials_of(0.0, 0.19, 0.2, 1.0, None), cpus=2)
    assert found == Disturbed(count=2, of=5, case_id="case-none", repeat=3, share=0.5)


def test_so_little_time_that_the_system_can_not_count_it_is_none():
    assert disturbed(trials_of(0.9, wall_s=0.05), cpus=1) is None
    assert disturbed(trials_of(0.9, wall_s=0.06), cpus=1) is not None


def test_where_the_system_does_not_tell_no_trial_is_disturbed():
    assert disturbed(trials_of(None, None), cpus=1) is None


def test_it_is_told_how_many_and_which_one_most():
    found = Disturbed(count=2, of=5, case_id="c", repeat=3, share=0.513)
    assert disturbed_in_words(found, "guard lock") == (
        "other processes used 10% of the CPUs or more during 2 of 5 trials (most in repeat 3 of guard lock: 51%)"
    )


def test_the_time_that_another_process_uses_is_counted_as_busy():
    """A whole second of it, whatever else the machine does: more can only add."""
    cpus = range(1_024)
    before = busy_s(cpus)
    used = "from time import process_time\nwhile process_time() < 1: pass"
    subprocess.run([sys.executable, "-c", used], check=True)
    assert busy_s(cpus) - before > 0.8


def test_a_cpu_that_there_is_not_is_never_busy():
    assert busy_s(()) == 0
