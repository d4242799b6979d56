"""pool-map: every method of every pool does all the work, and says which actor did what."""

import multiprocessing
import pickle
import random
import signal
import sys
from itertools import product

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.scenario import Trial
from mprunner_scenarios import pool_map
from mprunner_scenarios.pools.tasks import sizes_of, squares_below
from mprunner_scenarios.pools.teams import PoolMissing, Tally
from tests.support import (
    Terminal,
    a_trial_has_started,
    latest,
    living_children,
    one_cpu,
    processes_marked,
    trials_of,
    wait_until,
)

START_METHODS = ("fork", "spawn", "forkserver")
KINDS = ("process", "thread")
METHODS = ("map", "imap", "imap_unordered", "starmap", "apply_async", "futures", "joblib")

needs_interpreter_pool = pytest.mark.skipif(
    sys.version_info < (3, 14), reason="concurrent.futures has a pool of interpreters since Python 3.14"
)
POOLS = [
    *product(KINDS, METHODS),
    pytest.param("interpreter", "futures", marks=needs_interpreter_pool),
]
SHAPES = ("rising", "falling", "uniform", "skewed")


@pytest.fixture
def execute(tmp_path):
    """Execute one trial in this process; return its metrics and samples."""

    def call(**params):
        trial = Trial(pool_map.PoolMap, seed=7, repeat=0, tmp_path=tmp_path)
        return pool_map.PoolMap().run(pool_map.Params(**params), trial), trial.samples

    return call


@pytest.mark.parametrize(("kind", "method"), POOLS)
def test_every_method_returns_all_sums_and_says_who_added_them(execute, kind, method):
    metrics, samples = execute(numbers=40, processes=2, kind=kind, method=method)
    assert metrics.checksum_ok
    assert metrics.tasks == 40
    assert len(samples) == 2
    assert sum(sample.tasks for sample in samples) == 40
    assert (metrics.tasks_min, metrics.tasks_max) == tuple(sorted(sample.tasks for sample in samples))
    assert metrics.busy_s == sum(sample.busy_s for sample in samples)
    assert metrics.busy_s > 0


@pytest.mark.parametrize(("start_method", "method"), list(product(START_METHODS, ["map", "imap", "futures"])))
def test_every_start_method_returns_all_sums_and_says_who_added_them(execute, start_method, method):
    metrics, samples = execute(numbers=40, processes=2, start_method=start_method, method=method)
    assert metrics.checksum_ok
    assert sum(sample.tasks for sample in samples) == 40


@pytest.mark.parametrize(
    ("method", "chunksize"),
    [*product(["map", "starmap", "imap", "imap_unordered", "futures"], [1, 7, 99]), ("joblib", 7)],
)
def test_no_chunk_size_loses_a_sum(execute, method, chunksize):
    metrics, _ = execute(numbers=40, processes=2, method=method, chunksize=chunksize)
    assert metrics.checksum_ok


def test_one_chunk_of_all_tasks_leaves_the_other_actor_idle(execute):
    metrics, samples = execute(numbers=40, processes=2, chunksize=40)
    assert [sample.tasks for sample in samples] == [40, 0]
    assert metrics.imbalance == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_payload_travels_there_and_back(execute, kind):
    metrics, _ = execute(numbers=20, processes=2, payload_bytes=1_000, kind=kind)
    assert metrics.checksum_ok


@pytest.mark.parametrize("method", ["map", "futures"])
def test_the_parts_of_a_pool_s_time_add_up_to_its_whole(execute, method):
    metrics, _ = execute(numbers=40, processes=2, method=method)
    parts = metrics.pool_start_s + metrics.map_s + metrics.shutdown_s
    assert metrics.wall_s == pytest.approx(parts)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_that_is_done_has_no_process_left(execute, method):
    execute(numbers=4, processes=2, method=method)
    assert living_children() == []


@pytest.mark.parametrize("kind", KINDS)
def test_joblib_starts_nothing_for_one_process(execute, kind):
    metrics, samples = execute(numbers=4, processes=1, method="joblib", kind=kind)
    assert (metrics.started_as, [sample.tasks for sample in samples]) == ("sequential", [4])


@pytest.mark.parametrize(
    ("params", "started_as"),
    [
        ({"method": "serial"}, None),
        ({"kind": "thread"}, "thread"),
        ({"start_method": "spawn"}, "spawn"),
        ({"start_method": "default"}, multiprocessing.get_all_start_methods()[0]),
        ({"method": "joblib"}, "loky"),
        ({"method": "joblib", "kind": "thread"}, "thread"),
        pytest.param(
            {"method": "futures", "kind": "interpreter"}, "interpreter", marks=needs_interpreter_pool
        ),
    ],
)
def test_how_the_actors_were_started_is_said(execute, params, started_as):
    metrics, _ = execute(numbers=4, processes=2, **params)
    assert metrics.started_as == started_as


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has a pool of interpreters")
def test_a_python_without_a_pool_of_interpreters_is_named(execute):
    reason = r"^a pool of interpreters \(.*\) needs Python 3\.14 or later, and this is \w+ 3\.\d+\.\d+$"
    with pytest.raises(PoolMissing, match=reason):
        execute(numbers=4, processes=2, method="futures", kind="interpreter")


def test_interpreters_are_refused_to_every_pool_but_that_of_futures():
    with pytest.raises(ValueError, match=r"^interpreters are a pool of concurrent\.futures only: "):
        pool_map.Params(kind="interpreter", method="map")
    pool_map.Params(kind="interpreter", method="serial")  # a loop has no kind


def test_a_serial_map_is_the_work_of_one_actor_without_a_pool(execute):
    metrics, samples = execute(method="serial", numbers=40)
    assert metrics.checksum_ok
    assert (metrics.pool_start_s, metrics.shutdown_s) == (None, None)
    assert metrics.wall_s == metrics.map_s == metrics.busy_s
    assert (metrics.tasks_min, metrics.tasks_max, metrics.imbalance) == (40, 40, None)
    assert [(sample.actor, sample.tasks) for sample in samples] == [(0, 40)]


def test_the_imbalance_is_what_the_busiest_is_over_the_mean():
    def imbalance(*busy_s):
        return pool_map._imbalance([Tally(tasks=1, busy_s=s) for s in busy_s])

    assert imbalance(2.0, 2.0) == 0.0
    assert imbalance(3.0, 1.0) == 0.5
    assert imbalance(1.0, 0.0, 0.0, 0.0) == 3.0
    assert imbalance(0.0, 0.0) == 0.0


def test_a_wrong_sum_is_noticed():
    tasks = squares_below([0, 1, 2, 3], 0, random.Random(0))
    assert tasks.are_done([0, 0, 1, 5], True)
    assert not tasks.are_done([0, 0, 1, 6], True)
    assert not tasks.are_done([0, 0, 1], True)
    assert not tasks.are_done([0, 0, 1, 6], False)


def test_the_order_of_sums_matters_only_where_the_method_keeps_it():
    tasks = squares_below([0, 1, 2, 3], 0, random.Random(0))
    assert not tasks.are_done([0, 0, 5, 1], True)
    assert tasks.are_done([0, 0, 5, 1], False)


def test_the_tutorial_s_tasks_are_the_default(execute):
    metrics, _ = execute(method="serial", squares=0)
    assert metrics.tasks == 10_000
    assert (pool_map.Params().shape, pool_map.Params().squares) == ("rising", None)
    assert sizes_of("rising", 10_000, None, random.Random(0)) == list(range(10_000))


@given(shape=st.sampled_from(SHAPES), numbers=st.integers(1, 400), squares=st.none() | st.integers(0, 50))
def test_every_shape_divides_the_same_work(shape, numbers, squares):
    sizes = sizes_of(shape, numbers, squares, random.Random(1))
    assert len(sizes) == numbers
    assert min(sizes) >= 0
    assert sum(sizes) == (numbers * (numbers - 1) // 2 if squares is None else numbers * squares)


def test_falling_tasks_are_the_rising_ones_backwards():
    assert sizes_of("falling", 5, None, random.Random(0)) == [4, 3, 2, 1, 0]


def test_uniform_tasks_differ_by_one_at_most():
    assert sorted(set(sizes_of("uniform", 1_000, None, random.Random(0)))) == [499, 500]


def test_one_skewed_task_in_a_hundred_does_nine_tenths_side_by_side():
    sizes = sizes_of("skewed", 1_000, 100, random.Random(3))
    heavy = [index for index, size in enumerate(sizes) if size > 100]
    assert heavy == list(range(heavy[0], heavy[0] + 10))
    assert sum(sizes[index] for index in heavy) == 90_000


def test_every_payload_of_a_chunk_travels():
    """One object that is in a chunk many times would be pickled once."""
    tasks = squares_below([1] * 100, 1_000, random.Random(0))
    assert len(pickle.dumps(tuple(tasks.items))) > 100_000


def test_what_makes_no_sense_is_refused_with_its_reason():
    reason = r"^the payloads of all tasks would take more than 1,073,741,824 bytes$"
    with pytest.raises(ValueError, match=reason):
        pool_map.Params(payload_bytes=200_000)


EVERY_METHOD = """
scenario: pool-map
params: {numbers: 100}
sweep:
  - method: serial
  - kind: [process, thread]
    method: [map, imap, imap_unordered, starmap, apply_async, futures]
    processes: [cpu_count, 3]
  - start_method: [spawn, forkserver]
    method: [map, futures]
    processes: 3
repeats: 1
"""


def test_every_method_ends_on_one_cpu(ran):
    with one_cpu():
        done = ran(EVERY_METHOD)
    trials = done.trials
    assert len(trials) == 1 + 24 + 4
    assert set(trials.processes) == {1, 3}
    assert trials.checksum_ok.all()
    assert (trials.leaked == 0).all()
    samples = pd.read_csv(done.folder / "samples.csv")
    assert (samples.groupby("trial_id").tasks.sum() == 100).all()


@pytest.mark.parametrize(
    "setting",
    [
        *(f"method: {each}" for each in ("map", "imap", "apply_async", "futures")),
        "start_method: spawn",
        "kind: thread",
    ],
)
def test_ctrl_c_in_the_middle_of_a_pool_ends_quietly(tmp_path, token, setting):
    """The tutorial's pools printed dozens of interleaved tracebacks."""
    (tmp_path / "long.yaml").write_text(
        f"scenario: pool-map\nparams:\n  numbers: 1000\n  squares: 1000000\n  shape: uniform\n"
        f"  processes: 2\n  {setting}\nrepeats: 3\ntimeout: 600\n"
    )
    with Terminal(tmp_path, "run", "long.yaml") as terminal:
        others = 3 if "thread" in setting else 5  # runner, launcher, worker, and the pool's processes
        wait_until(lambda: a_trial_has_started(tmp_path), "no trial has begun")
        wait_until(lambda: len(processes_marked(token)) >= others, "the pool has not begun")
        terminal.press(b"\x03")
        assert terminal.end() == -signal.SIGINT
    assert "Traceback" not in terminal.text
    assert "interrupted" in terminal.text
    assert list(trials_of(latest(tmp_path, "long")).status) == ["cancelled"]
