"""From a sweep to its combinations."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.experiment import Combination, Combinations, Experiment, count


def experiment(*sweep, **params):
    return Experiment(name="x", scenario="bank", params=params, sweep=sweep)


def test_without_a_sweep_there_is_one_combination():
    assert list(Combinations(experiment(level=1))) == [Combination(params={"level": 1}, swept=())]
    assert count(experiment()) == 1


def test_in_a_block_the_first_name_varies_slowest():
    combinations = Combinations(experiment({"b": (1, 2), "a": ("x", "y")}))
    values = [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
    assert [tuple(combination.params.values()) for combination in combinations] == values


def test_blocks_follow_one_another_and_each_names_what_it_sets():
    first, *rest = Combinations(experiment({"guard": ("none",)}, {"n": (1, 2), "guard": ("lock",)}, level=3))
    assert first == Combination(params={"level": 3, "guard": "none"}, swept=("guard",))
    assert rest == [
        Combination(params={"level": 3, "n": n, "guard": "lock"}, swept=("n", "guard")) for n in (1, 2)
    ]


def test_the_order_of_the_file_is_the_order_of_names_and_values(read):
    swept = read("scenario: bank\nsweep: {level: [2, 1], guard: [lock, none]}\n")
    assert [tuple(combination.params.items()) for combination in Combinations(swept)][:2] == [
        (("level", 2), ("guard", "lock")),
        (("level", 2), ("guard", "none")),
    ]


def test_combinations_are_made_one_by_one():
    huge = experiment({name: tuple(range(1_000)) for name in "abcdefgh"})
    assert count(huge) == 10**24
    assert Combinations(huge)[10**24 - 1].params == dict.fromkeys("abcdefgh", 999)


blocks = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.integers(), min_size=1, max_size=4).map(tuple), max_size=4
)


@given(st.lists(blocks, max_size=4))
def test_count_says_how_many_there_are(sweep):
    assert count(experiment(*sweep)) == len(list(Combinations(experiment(*sweep))))


def test_names_that_move_together_take_one_row_after_the_other(read):
    swept = read(
        'scenario: bank\nsweep: {guard: [none, lock], "transactions, chunk": [[1000, 1], [10000, 16]]}\n'
    )
    assert count(swept) == 4
    first, *_, last = Combinations(swept)
    assert first == Combination(
        params={"guard": "none", "transactions": 1000, "chunk": 1}, swept=("guard", "transactions", "chunk")
    )
    assert list(last.params.values()) == ["lock", 10000, 16]


@given(st.lists(st.tuples(st.integers(), st.integers()), min_size=1, max_size=4), st.integers(1, 3))
def test_rows_are_one_axis_of_the_product(rows, others):
    swept = experiment({"a, b": tuple(rows), "c": tuple(range(others))})
    values = [tuple(combination.params.values()) for combination in Combinations(swept)]
    assert values == [(*row, other) for row in rows for other in range(others)]
    assert count(swept) == len(values)


def test_a_param_that_is_fixed_can_t_move_with_another(told):
    (only,) = told("scenario: bank\nparams: {chunk: 3}\nsweep: {'level, chunk': [[1, 2]]}\n")
    assert only == "3:9: sweep['level, chunk']: 'chunk' is fixed under params too"


def test_a_required_param_may_move_with_another(read):
    assert read("scenario: strict\nsweep: {'n, m': [[1, 2]]}\n").sweep == ({"n, m": ((1, 2),)},)


def test_a_baseline_matches_rows_not_the_product_of_their_values(mistakes, read):
    sweep = "scenario: bank\nsweep: {'level, chunk': [[1, 2], [2, 4]]}\n"
    assert read(f"{sweep}baseline: {{level: 1, chunk: 2}}\n").baseline
    (mistake,) = mistakes(f"{sweep}baseline: {{level: 1, chunk: 4}}\n")
    assert (mistake.where, mistake.message) == ("baseline", "no case has all these values")
    (mistake,) = mistakes(f"{sweep}baseline: {{chunk: 3}}\n")
    assert mistake.hint == "the cases have 2, 4: add 3 to the sweep"


def test_there_is_no_combination_beside_those_of_the_sweep():
    combinations = Combinations(experiment({"b": (1, 2), "a": ("x", "y", "z")}, {"n": (7,)}, {}, level=1))
    assert len(combinations) == 8
    for outside in (-1, 8):
        with pytest.raises(IndexError):
            combinations[outside]


@given(blocks)
def test_a_product_has_each_combination_in_the_order_of_its_names(block):
    products = [dict(zip(block, values, strict=True)) for values in itertools.product(*block.values())]
    assert [combination.params for combination in Combinations(experiment(block))] == products
