"""All problems of a file are reported at once: what the reader refuses hides no other, and is reported once."""

import pytest

BANK = "scenario: bank\n"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            BANK
            + "outcomes: {final_balance: [{otherwise: yes, verdict: forbidden}]}\nrepeat: 3\nparams: {gaurd: none}",
            [
                "2:40: outcomes.final_balance[0].otherwise: YAML readers disagree on what yes means",
                "3:1: repeat: unknown key",
                "4:10: params.gaurd: scenario 'bank' has no such param",
            ],
        ),
        (
            BANK + "repeats: 3\nrepeats: 4\norder: random",
            [
                "3:1: repeats: this key is given twice, first on line 2",
                "4:8: order: 'random' is not one of interleaved, shuffled, sequential",
            ],
        ),
        (
            BANK + "repeats: yes\nsweep: [1",
            ["4:1: a ',' or the closing ']' of the list is missing before this"],
        ),
        (
            BANK + "repeats: &n 010\nwarmup: *n\nretries: *n",
            ["2:10: repeats: YAML readers disagree on what 010 means"],
        ),
        ("yes", ["1:1: YAML readers disagree on what yes means"]),
    ],
    ids=["a refused word", "a key given twice", "a syntax error", "an alias", "a file that is one word"],
)
def test_what_is_refused_hides_no_other_problem_but_what_is_before_a_syntax_error(told, file, expected):
    assert told(file + "\n") == expected


@pytest.mark.parametrize(
    "line",
    [
        "repeats: yes",
        "name: 010",
        "order: no",
        "timeout: 1:30",
        "seed: 1_000",
        "cpus: [010]",
        "limits: {output: 0x10}",
        "params: {transactions: 010}",
        "params: {level: 010}",
        "params: {chunk: 010}",
        "params: {on: 1}",
        "on: 1",
        "params: {1: 1}",
        "sweep: {chunk: [null, 010]}",
        "sweep: {transactions: [010, 5]}",
        "sweep: {'guard, level': [[no, 1], [lock, 2]]}",
        "sweep: {transactions: {from: 010, to: 20, step: 2}}",
        "sweep: {transactions: {from: 1, to: 20, yes: 2, step: 3}}",
        "exclude: [{guard: no}]",
        "exclude: [{level: 2, chunk: 010}]",
        "baseline: {guard: no}",
        "outcomes: {final_balance: [{equals: 010, verdict: forbidden}]}",
        "outcomes: {final_balance: [{equals: {param: yes}, verdict: forbidden}]}",
        "outcomes: {final_balance: [{one_of: [010, 11], verdict: forbidden}]}",
        "outcomes: {final_balance: [{min: 010, verdict: forbidden}]}",
        "outcomes: {final_balance: [{min: 1, verdict: no}]}",
        "expect: [{metric: no, min: 1}]",
        "expect: [{metric: wall_s, min: 1, stat: on}]",
        "expect: [{metric: wall_s, between: [010, 11]}]",
        "expect: [{status: off}]",
        "expect: [{metric: lossy, equals: yes}]",
        "expect: [{metric: wall_s, min: 1, where: {guard: no}}]",
        "expect: [{metric: wall_s, min: 1, where: {guard: [no, lock]}}]",
        "expect: [{metric: wall_s, min: 1, where: no}]",
    ],
)
def test_what_the_reader_refuses_is_told_once_and_nothing_that_follows_from_it(told, line):
    sweep = "" if line.startswith("sweep") else "sweep: {guard: [none, lock]}\n"
    (only,) = told(BANK + sweep + line + "\n")
    assert "YAML readers disagree" in only or "the key is not text" in only


def test_what_is_refused_in_an_option_is_told_with_the_problems_of_the_file(told):
    assert told(BANK + "repeats: 0\n", overrides=["params.transactions=010"], only=["level=010"]) == [
        "2:10: repeats: must be at least 1, not 0",
        "--set params.transactions=010: YAML readers disagree on what 010 means",
        "--only level=010: YAML readers disagree on what 010 means",
    ]


def test_every_value_that_no_case_has_is_told_once_nothing_else_is_wrong(told):
    text = (
        "sweep: {guard: [none, lock]}\nrepeats: %s\nexclude: [{guard: rlock}]\nbaseline: {guard: rlock}\n"
        "expect: [{metric: lost_updates, max: 0, where: {guard: rlock}}]\n"
    )
    assert told(BANK + text % "yes") == ["3:10: repeats: YAML readers disagree on what yes means"]
    assert told(BANK + text % "3") == [
        "4:19: exclude[0].guard: no case has rlock here",
        "5:19: baseline.guard: no case has rlock here",
        "6:56: expect[0].where.guard: no case has rlock here",
    ]


@pytest.mark.parametrize(
    "cases",
    [
        "sweep: {guard: [none, no]}\n",
        "sweep: {guard: [none, lokc]}\n",
        "sweep: {guard: none, guard: lock}\n",
        "sweep: [{guard: none}, lock]\n",
        "sweep: [{guard: none}, {guard: [[lock]]}]\n",
        "params: {guard: [lock]}\n",
        "params: {guard: none, guard: lock}\n",
    ],
)
def test_no_value_is_missed_among_cases_that_are_not_all_known(problems, cases):
    assert "no case has" not in problems(BANK + cases + "baseline: {guard: lock}\n")


def test_a_value_set_beside_a_refused_one_says_what_is_written_there(told):
    lines = told(BANK + "repeats: yes\n", overrides=["repeats.min=3"])
    assert "--set repeats.min=3: repeats: is yes, not a mapping" in lines
