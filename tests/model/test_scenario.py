"""What a plugin's author holds in their hands: Trial and Stopwatch; and what importing them costs an actor."""

import itertools
import multiprocessing
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mprunner.scenario
from mprunner.scenario import Doc, Scenario, Stopwatch, Trial

STATES = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1)
)


@dataclass(frozen=True, kw_only=True)
class Params:
    """Nothing to vary."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Nothing measured."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the samples table."""

    lap_s: float


class Plain(Scenario[Params, Metrics]):
    """Do nothing."""

    name = "plain"
    outcomes = {"balance": Doc("what is left"), "winner": Doc("who was first")}

    def run(self, params: Params, trial: Trial) -> Metrics:
        return Metrics()


class Sampling(Plain):
    """Do nothing, with samples."""

    name = "sampling"
    sample = Row


@pytest.fixture
def trial(tmp_path):
    return Trial(Plain, seed=7, repeat=0, tmp_path=tmp_path)


def test_a_trial_has_observed_nothing_of_anything_declared_to_begin_with(trial):
    assert trial.observed == {"balance": {}, "winner": {}}


def test_observing_a_state_counts_it_once(trial):
    trial.observe(balance=99)
    trial.observe(balance=100, winner="first")
    trial.observe(balance=99)
    assert trial.observed == {"balance": {("int", 99): 2, ("int", 100): 1}, "winner": {("str", "first"): 1}}


def test_observing_a_mapping_adds_its_counts_to_what_was_seen(trial):
    trial.observe(balance=99)
    trial.observe(balance={99: 10, 100: 999_990})
    trial.observe(balance={})
    assert trial.observed["balance"] == {("int", 99): 11, ("int", 100): 999_990}


def test_states_that_python_takes_for_one_key_are_counted_apart(trial):
    for state in (1, 1.0, True):
        trial.observe(balance=state)
    assert trial.observed["balance"] == {("int", 1): 1, ("float", 1.0): 1, ("bool", True): 1}


def test_what_numpy_has_counted_is_counted(trial):
    trial.observe(balance=np.int64(1))
    values, counts = np.unique([99, 99, 100], return_counts=True)
    trial.observe(balance=dict(zip(values, counts, strict=True)))
    trial.observe(winner=np.True_)
    assert trial.observed == {
        "balance": {("int", 1): 1, ("int", 99): 2, ("int", 100): 1},
        "winner": {("bool", True): 1},
    }
    assert all(type(count) is int for count in trial.observed["balance"].values())


@given(states=st.lists(STATES))
def test_counting_one_by_one_and_counting_by_a_mapping_are_the_same(states, tmp_path_factory):
    one_by_one, by_mapping = (
        Trial(Plain, seed=0, repeat=0, tmp_path=tmp_path_factory.getbasetemp()) for _ in range(2)
    )
    for state in states:
        one_by_one.observe(balance=state)
    for state, count in Counter((type(state), state) for state in states).items():
        by_mapping.observe(balance={state[1]: count})
    assert one_by_one.observed == by_mapping.observed


def test_an_undeclared_outcome_is_refused_and_the_declared_ones_named(trial):
    message = r"^outcome 'balanse' is not declared by the scenario \(declared: balance, winner\)$"
    with pytest.raises(ValueError, match=message):
        trial.observe(balanse=1)


@pytest.mark.parametrize("state", [float("nan"), float("inf"), -float("inf")])
def test_a_state_that_is_not_finite_is_refused(trial, state):
    for observed in (state, {state: 3}):
        with pytest.raises(
            ValueError, match=rf"^outcome 'balance' is {state}, which is not a finite number$"
        ):
            trial.observe(balance=observed)


@pytest.mark.parametrize("state", ["", "two\nlines", "\ud800", 2**63, -(2**63) - 1])
def test_a_state_that_csv_readers_read_differently_is_refused(trial, state):
    with pytest.raises(ValueError, match=r"^outcome 'balance' (is|has) "):
        trial.observe(balance=state)


@pytest.mark.parametrize(
    ("state", "shown"), [(None, "None"), ((1, 2), r"\(1, 2\)"), (b"x", "b'x'"), (1j, "1j"), ([1], r"\[1\]")]
)
def test_a_state_that_can_not_be_a_cell_is_refused(trial, state, shown):
    with pytest.raises(ValueError, match=rf"^outcome 'balance': {shown} is not a bool, int, float or str$"):
        trial.observe(balance=state)


@pytest.mark.parametrize("count", [-1, 1.0, True, "1", None])
def test_a_count_that_is_no_count_is_refused(trial, count):
    """It would reach outcomes.csv, whose counts are added up over all trials of a case."""
    with pytest.raises(ValueError, match=r"^outcome 'balance': .* is no count of 100$"):
        trial.observe(balance={100: count})


def test_a_sample_of_the_declared_type_is_kept_in_order(tmp_path):
    trial = Trial(Sampling, seed=0, repeat=0, tmp_path=tmp_path)
    trial.sample(Row(lap_s=1.0))
    trial.sample(Row(lap_s=0.5))
    assert trial.samples == [Row(lap_s=1.0), Row(lap_s=0.5)]


def test_a_sample_of_another_type_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"^a sample is a Row, not dict$"):
        Trial(Sampling, seed=0, repeat=0, tmp_path=tmp_path).sample({"lap_s": 1.0})


def test_a_sample_is_refused_where_none_is_declared(trial):
    message = "^the scenario declares no samples: set its `sample` to a dataclass$"
    with pytest.raises(TypeError, match=message):
        trial.sample(Row(lap_s=1.0))


def test_equal_seeds_give_equal_work_and_other_seeds_give_other_work(tmp_path):
    a, b, c = (Trial(Plain, seed=seed, repeat=0, tmp_path=tmp_path).rng.random() for seed in (1, 1, 2))
    assert a == b != c


def test_a_trial_has_one_generator_that_goes_on(trial):
    assert trial.rng is trial.rng
    assert trial.rng.random() != trial.rng.random()


def test_the_generator_is_not_made_before_it_is_asked_for(trial):
    assert "rng" not in vars(trial)
    _ = trial.rng
    assert "rng" in vars(trial)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_context_is_that_of_its_start_method(trial, method):
    assert trial.context(method).get_start_method() == method
    assert trial.context(method) is multiprocessing.get_context(method)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_default_start_method_is_that_of_this_python_and_still_may_be_set(trial, monkeypatch, method):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: [method])
    context = multiprocessing.context._default_context
    monkeypatch.setattr(context, "_actual_context", None)  # another test may have made a Value
    assert trial.context("default").get_start_method() == method
    assert multiprocessing.get_start_method(allow_none=True) is None
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "forkserver")
    assert trial.context("default").get_start_method() == "forkserver"


def test_an_unknown_start_method_is_refused_and_those_there_are_named(trial):
    with pytest.raises(ValueError, match=r"^method is one of fork, spawn, forkserver, default; not 'spwan'$"):
        trial.run_actors([print], method="spwan")
    with pytest.raises(
        ValueError, match=r"^method is one of fork, spawn, forkserver, default; not 'thread'$"
    ):
        trial.context("thread")


def test_actors_of_one_trial_are_numbered_through(trial):
    for _ in range(2):
        trial.run_actors([int, int])
    assert [actor.actor for actor in trial.actors] == [0, 1, 2, 3]


@pytest.fixture
def clock(monkeypatch):
    """A clock that says 0, 1, 2 … whenever it is read."""
    monkeypatch.setattr(mprunner.scenario, "perf_counter", map(float, itertools.count()).__next__)


def test_a_stopwatch_goes_on_until_its_block_ends(clock):
    watch = Stopwatch()
    assert (watch.elapsed_s, watch.elapsed_s) == (1.0, 2.0)
    with watch:
        assert watch.elapsed_s == 1.0
    assert (watch.elapsed_s, watch.elapsed_s) == (2.0, 2.0)


def test_a_stopwatch_starts_over_in_a_second_block(clock, trial):
    watch = trial.stopwatch()
    for _ in range(2):
        with watch:
            pass
        assert watch.elapsed_s == 1.0


def test_a_stopwatch_stops_when_its_block_raises(clock):
    with pytest.raises(KeyError), Stopwatch() as watch:
        raise KeyError
    assert watch.elapsed_s == watch.elapsed_s
