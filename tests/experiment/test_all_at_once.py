"""All problems of a file are reported at once: what the reader refuses hides no other, and is reported once."""

import pytest

BANK = "scenario: bank\n"


def told(rendered):
    """Return the place and the message of every problem."""
    return [block.splitlines()[0].split(":", 1)[1] for block in rendered.split("\n\n")]


def test_a_refused_word_hides_no_other_problem(problems):
    rule = "outcomes: {final_balance: [{otherwise: yes, verdict: forbidden}]}\n"
    assert told(problems(BANK + rule + "repeat: 3\nparams: {gaurd: none}\n")) == [
        "2:40: outcomes.final_balance[0].otherwise: YAML readers disagree on what yes means",
        "3:1: repeat: unknown key",
        "4:10: params.gaurd: scenario 'bank' has no such param",
    ]


def test_a_key_given_twice_hides_no_other_problem(problems):
    assert told(problems(BANK + "repeats: 3\nrepeats: 4\norder: random\n")) == [
        "3:1: repeats: this key is given twice, first on line 2",
        "4:8: order: 'random' is not one of interleaved, shuffled, sequential",
    ]


def test_a_syntax_error_hides_what_was_refused_before_it(problems):
    assert told(problems(BANK + "repeats: yes\nsweep: [1\n")) == [
        "4:1: a ',' or the closing ']' of the list is missing before this"
    ]


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
def test_what_the_reader_refuses_is_told_once_and_nothing_that_follows_from_it(problems, line):
    sweep = "" if line.startswith("sweep") else "sweep: {guard: [none, lock]}\n"
    (only,) = told(problems(BANK + sweep + line + "\n"))
    assert "YAML readers disagree" in only or "the key is not text" in only


def test_an_alias_of_what_was_refused_is_not_refused_again(problems):
    assert told(problems(BANK + "repeats: &n 010\nwarmup: *n\nretries: *n\n")) == [
        "2:10: repeats: YAML readers disagree on what 010 means"
    ]


def test_a_file_that_is_one_refused_word_is_told_so_once(problems):
    assert told(problems("yes\n")) == ["1:1: YAML readers disagree on what yes means"]


def test_what_is_refused_in_an_option_is_told_with_the_problems_of_the_file(problems):
    rendered = problems(BANK + "repeats: 0\n", overrides=["params.transactions=010"], only=["level=010"])
    assert [block.splitlines()[0] for block in rendered.split("\n\n")] == [
        "bank.yaml:2:10: repeats: must be at least 1, not 0",
        "--set params.transactions=010: YAML readers disagree on what 010 means",
        "--only level=010: YAML readers disagree on what 010 means",
    ]


def test_every_value_that_no_case_has_is_told_once_nothing_else_is_wrong(problems):
    text = (
        "sweep: {guard: [none, lock]}\nrepeats: %s\nexclude: [{guard: rlock}]\nbaseline: {guard: rlock}\n"
        "expect: [{metric: lost_updates, max: 0, where: {guard: rlock}}]\n"
    )
    assert told(problems(BANK + text % "yes")) == ["3:10: repeats: YAML readers disagree on what yes means"]
    assert told(problems(BANK + text % "3")) == [
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


def test_a_value_set_beside_a_refused_one_says_what_is_written_there(problems):
    rendered = problems(BANK + "repeats: yes\n", overrides=["repeats.min=3"])
    assert "--set repeats.min=3: repeats: is yes, not a mapping" in rendered
