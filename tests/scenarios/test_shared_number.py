"""The number that race-bank's and locked-counter's actors share: every store, guard and kind of actor."""

import os
import re
from itertools import product

import pytest

from mprunner_scenarios import locked_counter, race_bank
from tests.support import needs_interpreters

METHODS = ("fork", "spawn", "forkserver")
STORES = ("Value", "RawValue", "Array", "shared_memory", "Manager")
GUARDS = ("lock", "rlock", "semaphore", "file-lock", "manager")
KINDS = ["process", "thread", pytest.param("interpreter", marks=needs_interpreters)]


@pytest.mark.parametrize(("store", "method"), list(product(STORES, METHODS)))
def test_actors_share_the_number_in_every_store(execute, store, method):
    """An actor with a copy of its own would leave the other's transactions out."""
    metrics, seen = execute(
        race_bank, store=store, guard="lock", start_method=method, transactions=10, rounds=5, sync="barrier"
    )
    assert metrics.final_balance == 100
    assert seen["final_balance"] == {100: 5}


@pytest.mark.parametrize("default", METHODS)
def test_actors_share_the_number_under_whatever_start_method_is_the_default(execute, monkeypatch, default):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: [default])
    metrics, _ = execute(
        race_bank, store="shared_memory", start_method="default", guard="lock", transactions=10
    )
    assert metrics.final_balance == 100


@pytest.mark.parametrize("store", [*STORES, "object"])
def test_threads_share_the_number_in_every_store(execute, store):
    metrics, _ = execute(race_bank, store=store, guard="lock", kind="thread", transactions=10, rounds=5)
    assert metrics.lost_updates == 0


@needs_interpreters
@pytest.mark.parametrize("store", STORES)
def test_interpreters_share_the_number_in_every_store(execute, store):
    metrics, seen = execute(
        race_bank, store=store, guard="lock", kind="interpreter", transactions=10, rounds=5, sync="barrier"
    )
    assert metrics.lost_updates == 0
    assert seen["final_balance"] == {100: 5}


@needs_interpreters
def test_interpreters_lose_updates_without_a_guard(execute):
    params = {"store": "RawValue", "kind": "interpreter", "sync": "spin", "transactions": 100, "rounds": 100}
    assert any(execute(race_bank, **params)[0].lossy_rounds for _ in range(10))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("guard", GUARDS)
def test_every_guard_keeps_every_update(execute, guard, kind):
    metrics, _ = execute(
        race_bank, store="RawValue", guard=guard, kind=kind, sync="spin", transactions=50, rounds=20
    )
    assert metrics.lost_updates == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("store", ["Value", "Array"])
def test_the_number_s_own_lock_keeps_every_update_if_it_is_held_for_both(execute, store, kind):
    metrics, _ = execute(
        race_bank, store=store, guard="get_lock", kind=kind, sync="spin", transactions=50, rounds=20
    )
    assert metrics.lost_updates == 0


@pytest.mark.parametrize("store", ["Value", "RawValue", "Array", "shared_memory"])
def test_a_lock_for_each_access_loses_updates(execute, store):
    params = {"store": store, "guard": "value-lock", "sync": "spin", "transactions": 100, "rounds": 100}
    assert any(execute(race_bank, **params)[0].lossy_rounds for _ in range(10))


@pytest.mark.parametrize("store", ["RawValue", "Array", "shared_memory"])
@pytest.mark.parametrize("typecode", ["i", "d"])
def test_a_race_shows_in_every_store(execute, store, typecode):
    params = {"store": store, "typecode": typecode, "sync": "spin", "transactions": 100, "rounds": 100}
    trials = (execute(race_bank, **params) for _ in range(10))
    seen = next(seen["final_balance"] for metrics, seen in trials if metrics.lossy_rounds)
    assert all(isinstance(balance, int) for balance in seen)


@pytest.mark.parametrize("guard", ["lock", "file-lock", "rlock"])
@pytest.mark.parametrize("store", ["Value", "shared_memory"])
def test_a_guard_held_for_a_whole_round_keeps_every_update(execute, store, guard):
    metrics, _ = execute(
        race_bank,
        store=store,
        guard=guard,
        granularity="loop",
        time_lock=True,
        transactions=100,
        rounds=50,
        sync="spin",
    )
    assert metrics.lost_updates == 0
    assert metrics.lock_hold_s > 0


def test_two_pairs_of_actors_leave_the_balance_as_one_does(execute):
    metrics, _ = execute(race_bank, guard="lock", actors=4, transactions=20, rounds=10, sync="spin")
    assert metrics.lost_updates == 0
    assert metrics.transactions_per_s == pytest.approx(4 * 20 * 10 / metrics.wall_s)


@pytest.mark.parametrize("kind", KINDS)
def test_waiting_and_holding_are_measured_where_that_is_asked_for(execute, kind):
    timed, _ = execute(race_bank, guard="lock", kind=kind, time_lock=True, transactions=100, rounds=5)
    assert 0 < timed.lock_hold_s < 2 * timed.wall_s
    assert timed.lock_wait_s > 0
    plain, _ = execute(race_bank, guard="lock", kind=kind, transactions=10)
    assert (plain.lock_wait_s, plain.lock_hold_s) == (None, None)


def test_a_single_transaction_leaves_one_of_three_balances(execute):
    _, seen = execute(race_bank, store="RawValue", sync="spin", transactions=1, rounds=2_000)
    assert set(seen["final_balance"]) <= {99, 100, 101}


def test_shared_memory_is_removed_after_a_trial(execute, monkeypatch):
    names = [f"mprunner_{os.getpid()}_{method}" for method in METHODS]  # not those of others
    made = map("/{}".format, names)
    monkeypatch.setattr("multiprocessing.shared_memory._make_filename", made.__next__)
    for method in METHODS:
        execute(race_bank, store="shared_memory", start_method=method, transactions=1)
    assert next(made, None) is None
    assert not {*names} & {*os.listdir("/dev/shm")}


def test_actors_in_shared_memory_end_without_a_word(ran):
    """Closing shared memory under a view of it would print a complaint, and a log would be kept."""
    methods = "sweep: {start_method: [fork, spawn, forkserver]}\nrepeats: 1\n"
    done = ran(f"scenario: race-bank\nparams: {{store: shared_memory, transactions: 10}}\n{methods}")
    assert list((done.folder / "logs").iterdir()) == []


@pytest.mark.parametrize(("store", "guard"), list(product([*STORES, "object"], ["lock", "manager"])))
def test_the_locked_counter_knows_every_store(execute, store, guard):
    kind = "thread" if store == "object" else "process"
    metrics, _ = execute(locked_counter, store=store, guard=guard, kind=kind, iterations=10, pause_s=0.0)
    assert (metrics.final_value, metrics.lost_updates) == (500, 0)
    assert metrics.lock_hold_s > 0
    assert metrics.lock_wait_s > 0


def test_the_unguarded_counter_waits_for_no_lock(execute):
    metrics, _ = execute(locked_counter, iterations=5, pause_s=0.0)
    assert (metrics.lock_wait_s, metrics.lock_hold_s) == (None, None)


HAVE = "has no get_lock(): a Value and an Array have"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"guard": "get_lock", "store": "RawValue"}, f"a RawValue {HAVE}"),
        ({"guard": "get_lock", "store": "shared_memory"}, f"shared memory {HAVE}"),
        ({"guard": "get_lock", "store": "Manager"}, f"a manager's Value {HAVE}"),
        ({"store": "object"}, "processes share no Python object: store object needs kind thread"),
        (
            {"store": "object", "kind": "interpreter"},
            "interpreters share no Python object: store object needs kind thread",
        ),
    ],
)
@pytest.mark.parametrize("scenario", [race_bank, locked_counter])
def test_what_can_not_be_is_refused_with_its_reason(scenario, params, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        scenario.Params(**params)


LARGE = {"actors": 4, "transactions": 1_000_000_000, "initial_balance": 500_000_000}


def test_what_makes_no_sense_to_a_bank_is_refused_with_its_reason():
    with pytest.raises(ValueError, match=r"^the balance could outgrow its 32 bits$"):
        race_bank.Params(**LARGE)
