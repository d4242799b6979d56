"""``--only``: how its values are checked."""

import pytest

FILE = "scenario: bank\nsweep: {guard: [none, lock], level: [1, 2]}\n"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("guard=lock", {"guard": ("lock",)}),
        (" guard = [lock, none]", {"guard": ("lock", "none")}),
        ("pause_s=1", {"pause_s": (1.0,)}),
        ("chunk=null", {"chunk": (None,)}),
        ("workers=[1, cpu_count]", {"workers": (1, "cpu_count")}),
        ("transactions={from: 1, to: 5, step: 2}", {"transactions": (1, 3, 5)}),
    ],
)
def test_a_filter_is_a_param_and_values_of_its_type(read, option, expected):
    (only,) = read(FILE, only=[option]).only
    assert only == expected
    assert [type(value) for values in only.values() for value in values] == [
        type(value) for values in expected.values() for value in values
    ]


def test_filters_are_kept_in_order_even_of_one_param(read):
    assert read(FILE, only=["guard=lock", "guard=none"]).only == ({"guard": ("lock",)}, {"guard": ("none",)})


@pytest.mark.parametrize(
    ("option", "told", "caret", "hint"),
    [
        (
            "guard=[none, lokc]",
            "guard[1]: 'lokc' is not one of none, lock, rlock",
            (14, 4),
            "did you mean 'lock'?",
        ),
        ("fair=1", "fair: must be true or false, not 1", (6, 1), "write true or false, without quotes"),
        ("level=[]", "level: is an empty list", (7, 2), "give it values, or remove it"),
        ("=lock", "has no key before the =", (1, 1), None),
        (
            "sweep.guard=lock",
            "['sweep.guard']: is a path, and not the name of a param",
            (1, 11),
            "write guard",
        ),
        (
            "params.gaurd=lock",
            "['params.gaurd']: is a path, and not the name of a param",
            (1, 12),
            "did you mean 'guard'?",
        ),
        ("guard=[lock", "a ',' or the closing ']' of the list is missing before this", (12, 1), None),
    ],
)
def test_a_wrong_filter_is_shown_where_it_is_wrong(mistakes, option, told, caret, hint):
    (mistake,) = mistakes(FILE, only=[option])
    assert mistake.render().splitlines()[0] == f"--only {option}: {told}"
    assert (mistake.column, mistake.width) == caret
    assert hint is None or mistake.hint == hint


def test_a_filter_without_a_known_scenario_is_not_held_against_params(problems):
    assert "--only" not in problems("scenario: bnak\n", only=["guard=lock"])
