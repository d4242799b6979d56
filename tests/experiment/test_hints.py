"""Hints: common slips, each with what was meant."""

import pytest

HEAD = "scenario: bank\nsweep: {guard: [none, lock]}\n"


def ends(rendered):
    """Return the message after the place and path, and the hint, of the only problem."""
    lines = rendered.splitlines()
    return lines[0].rpartition(": ")[2], lines[-1].partition("hint: ")[2]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "exclude: [{guard: [none, lock]}]",
            "must be one value, not a list",
            "write one mapping for each value",
        ),
        (
            "baseline: {guard: [none, lock]}",
            "must be one value, not a list",
            "write the one that others are compared with",
        ),
        ("exclude: {guard: none}", "must be a list, not a mapping", "write it as [{guard: none}]"),
        ("exclude:\n  label: 'a, b'", "must be a list, not a mapping", "write it as [{label: 'a, b'}]"),
        (
            "expect: {metric: wall_s, between: [0, 1]}",
            "must be a list, not a mapping",
            "write it as [{metric: wall_s, between: [0, 1]}]",
        ),
        ("expect: wall_s", "must be a list, not 'wall_s'", "write it as [first, second]"),
        ("cpus: 0", "must be a list, not 0", "write it as [0]"),
        (
            "expect: [{metric: wall_s, max: 1, where: {guard: []}}]",
            "is an empty list",
            "give it values, or remove it",
        ),
        (
            "expect: [{metric: wall_s, max: 1, where: {guard: [[none]]}}]",
            "must be one value or a list of values, not one that holds more than values",
            "as in [none, lock]",
        ),
        ("params: {transactions: cpu_count}", "not 'cpu_count'", "cpu_count is a value of workers"),
        ("expect: [{status: OK}]", None, "did you mean 'ok'?"),
        ("Repeats: 3", "unknown key", "did you mean 'repeats'?"),
        (
            "outcomes: {final_balance: [{else: true, equals: 1, verdict: forbidden}]}",
            "unknown key",
            "did you mean 'otherwise'?",
        ),
        ("limits: {output: 1}", "must be at least 64KiB, not 1 byte", None),
        ("r\u0435peats: 3", "unknown key", "did you mean 'repeats'?"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(problems, text, message, hint):
    told_message, told_hint = ends(problems(f"{HEAD}{text}\n"))
    if message is not None:
        assert told_message.endswith(message)
    if hint is not None:
        assert told_hint == hint


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ("none, lock", "'none, lock' is not one of none, lock, rlock", "write it as [none, lock]"),
        ("none,socket", "'none,socket' is not one of none, lock, rlock", None),
        ("{none, lock}", "is a mapping of names without values", "a list is written [none, lock]"),
        ("[LOCK]", "'LOCK' is not one of none, lock, rlock", "did you mean 'lock'?"),
    ],
)
def test_values_of_a_sweep_that_are_no_list_are_told_with_the_list(problems, values, message, hint):
    told_message, told_hint = ends(problems(f"scenario: bank\nsweep:\n  guard: {values}\n"))
    assert told_message == message
    assert told_hint == (hint or "")


@pytest.mark.parametrize(
    ("sweep", "where", "hint"),
    [
        ("{guard: none, lock}", "sweep.lock: is a value of guard", "a list is written guard: [none, lock]"),
        (
            "{transactions: 10, label: a, b}",
            "sweep.b: is a value of label",
            "a list is written label: [a, b]",
        ),
        ("{guard: none, socket}", "sweep.socket: scenario 'bank' has no such param", None),
        ("{guard: none, lock: 1}", "sweep.lock: scenario 'bank' has no such param", None),
        ("{guard: [none], lock}", "sweep.lock: scenario 'bank' has no such param", None),
    ],
)
def test_a_value_that_stands_as_a_key_is_told_as_a_value(problems, sweep, where, hint):
    told = problems(f"scenario: bank\nsweep: {sweep}\n")
    assert where in told.splitlines()[0]
    assert hint is None or told.splitlines()[-1] == f"hint: {hint}"


def test_numbers_with_commas_between_them_are_told_with_the_list(problems):
    assert ends(problems("scenario: bank\nsweep:\n  transactions: 10, 20\n")) == (
        "must be a whole number, not '10, 20'",
        "write it as [10, 20]",
    )


@pytest.mark.parametrize(("key", "meant"), [("start", "from"), ("stop", "to"), ("End", "to")])
def test_a_key_of_a_range_that_has_another_name_elsewhere_is_told(problems, key, meant):
    told = problems(f"scenario: bank\nsweep: {{transactions: {{{key}: 1, step: 1}}}}\n")
    assert f"hint: did you mean '{meant}'?" in told


@pytest.mark.parametrize("param", ["guard", "label", "transactions"])
def test_block_text_for_a_param_is_told_by_its_line_break(problems, param):
    assert ends(problems(f"scenario: bank\nparams:\n  {param}: |\n    lock\n")) == (
        "has a line break",
        "write it on one line, beside its key",
    )


def test_a_long_mapping_in_place_of_a_list_is_not_written_again(problems):
    long = ", ".join(f"{name}: '{'x' * 20}'" for name in ("label", "guard", "level"))
    assert ends(problems(f"{HEAD}exclude: {{{long}}}\n"))[1] == "write it as [first, second]"


@pytest.mark.parametrize(
    ("only", "message", "hint"),
    [
        ("guard=lock,none", "'lock,none' is not one of none, lock, rlock", "write it as [lock,none]"),
        ("params.guard=lock", "is a path, and not the name of a param", "write guard"),
        ("sweep.guard=lock", "is a path, and not the name of a param", "write guard"),
        ("sweep[0].guard=lock", "is a path, and not the name of a param", "write guard"),
        ("params.gaurd=lock", "is a path, and not the name of a param", "did you mean 'guard'?"),
    ],
)
def test_a_slip_in_only_is_told_with_what_to_write(problems, only, message, hint):
    assert ends(problems(HEAD, only=[only])) == (message, hint)
