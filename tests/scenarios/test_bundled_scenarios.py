"""The bundled scenarios, small: what they claim to show, in every setting, on real processes."""

from itertools import product

import pytest

from mprunner.errors import ExperimentError
from mprunner.workflow.prepare import prepare
from mprunner_scenarios import locked_counter, race_bank, spawn_count
from tests.support import needs_interpreters

METHODS = ("fork", "spawn", "forkserver")


@pytest.mark.parametrize(("via", "method"), list(product(["queue", "pipe", "value"], METHODS)))
def test_a_count_comes_back_whole_through_a_queue_a_pipe_or_a_value(execute, via, method):
    metrics, seen = execute(spawn_count, processes=2, n=70_000, result_via=via, start_method=method)
    assert metrics.lost_results == 0
    assert metrics.result == 70_000
    assert seen["result"] == {70_000: 2}


@pytest.mark.parametrize("kind", ["thread", pytest.param("interpreter", marks=needs_interpreters)])
@pytest.mark.parametrize("via", ["queue", "pipe", "value"])
def test_the_count_of_a_thread_and_of_an_interpreter_comes_back_whole(execute, via, kind):
    metrics, seen = execute(spawn_count, processes=3, n=5_000, kind=kind, result_via=via)
    assert metrics.lost_results == 0
    assert seen["result"] == {5_000: 3}


def test_the_start_of_processes_that_are_joined_one_by_one_holds_the_counting_before_the_last(execute):
    metrics, _ = execute(spawn_count, processes=3, n=200_000, join="each")
    assert metrics.wall_s / 2 < metrics.start_s < metrics.wall_s


@pytest.mark.parametrize("method", METHODS)
def test_an_exit_code_keeps_eight_bits_of_a_count(execute, method):
    metrics, seen = execute(spawn_count, processes=2, n=70_000, result_via="exitcode", start_method=method)
    assert metrics.lost_results == 2
    assert metrics.result == 70_000 % 256
    assert seen["result"] == {70_000 % 256: 2}


def test_a_serial_count_starts_no_process(execute):
    metrics, seen = execute(spawn_count, mode="serial", processes=3, n=1_000)
    assert metrics.start_s is None
    assert seen["result"] == {1_000: 3}
    assert seen["finish_order"] == {}


def test_processes_that_are_joined_one_by_one_finish_in_their_order(execute):
    _, seen = execute(spawn_count, processes=3, n=1_000, join="each")
    assert seen["finish_order"] == {"0-1-2": 1}


def test_the_finish_order_names_every_process_once(execute):
    _, seen = execute(spawn_count, processes=3, n=1_000)
    (order,) = seen["finish_order"]
    assert sorted(order.split("-")) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"result_via": "exitcode", "n": 2**31}, r"^sys\.exit\(\) takes no number over 2,147,483,647$"),
        ({"kind": "thread", "result_via": "exitcode"}, r"^a thread has no exit code$"),
        ({"kind": "interpreter", "result_via": "exitcode"}, r"^an interpreter has no exit code$"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused_with_its_reason(params, reason):
    with pytest.raises(ValueError, match=reason):
        spawn_count.Params(**params)


@pytest.mark.parametrize("method", METHODS)
def test_the_locked_counter_ends_where_it_began(execute, method):
    metrics, seen = execute(locked_counter, guard="lock", iterations=50, pause_s=0.0, start_method=method)
    assert (metrics.final_value, metrics.lost_updates) == (500, 0)
    assert seen["final_value"] == {500: 1}


def test_the_sequential_counter_ends_where_it_began(execute):
    metrics, _ = execute(locked_counter, mode="sequential", iterations=20, pause_s=0.0)
    assert (metrics.final_value, metrics.lost_updates) == (500, 0)


def test_the_unguarded_counter_is_off_by_whole_steps(execute):
    metrics, seen = execute(locked_counter, iterations=200, pause_s=0.0)
    assert (metrics.final_value - 500) % 5 == 0
    assert metrics.lost_updates == abs(metrics.final_value - 500) // 5
    assert seen["final_value"] == {metrics.final_value: 1}


def test_an_actor_pauses_before_each_change(execute):
    metrics, _ = execute(locked_counter, guard="lock", iterations=5, pause_s=0.01)
    assert metrics.wall_s >= 5 * 0.01


@pytest.mark.parametrize(("method", "sync"), list(product(METHODS, ["none", "barrier", "spin"])))
def test_the_locked_bank_never_loses_an_update(execute, method, sync):
    metrics, seen = execute(
        race_bank, guard="lock", transactions=50, rounds=20, sync=sync, start_method=method
    )
    assert (metrics.lost_updates, metrics.lossy_rounds, metrics.lossy_share) == (0, 0, 0.0)
    assert seen["final_balance"] == {100: 20}


def test_the_sequential_bank_never_loses_an_update(execute):
    metrics, seen = execute(race_bank, mode="sequential", transactions=50, rounds=20)
    assert metrics.lost_updates == 0
    assert seen["final_balance"] == {100: 20}


def test_the_gated_race_shows(execute):
    metrics, seen = execute(race_bank, sync="spin", rounds=1_000, transactions=100)
    assert metrics.lossy_rounds > 0
    assert metrics.lossy_rounds == 1_000 - seen["final_balance"][100]
    assert metrics.lost_updates == sum(abs(balance - 100) * n for balance, n in seen["final_balance"].items())


def test_the_locked_bank_loses_none_in_10_000_gated_rounds(execute):
    metrics, _ = execute(race_bank, guard="lock", sync="spin", rounds=10_000, transactions=10)
    assert metrics.lost_updates == 0


@pytest.mark.slow
def test_the_locked_bank_loses_none_in_100_000_gated_rounds(execute):
    metrics, _ = execute(race_bank, guard="lock", sync="spin", rounds=100_000, transactions=10)
    assert metrics.lost_updates == 0


@pytest.mark.parametrize("params", [{"initial": 3_000_000_000}, {"step": 2**30, "iterations": 2}])
def test_a_total_that_32_bits_do_not_hold_is_refused(params):
    """It would wrap, and look like a lost update."""
    with pytest.raises(ValueError, match=r"^the total could outgrow its 32 bits$"):
        locked_counter.Params(**params)


def test_a_balance_that_32_bits_do_not_hold_is_refused(tmp_path):
    file = tmp_path / "bank.yaml"
    file.write_text("scenario: race-bank\nparams: {initial_balance: 3000000000}\n")
    with pytest.raises(ExperimentError, match="must be at most 1000000000"):
        prepare(file)
