"""What a run answers: what raced, what never did and what it cost, what is fastest."""

from random import Random

import pytest

from mprunner.analysis.diagnostics import differs
from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import judge
from mprunner.report.layout import plain
from mprunner.report.run_summary import digest, summary_lines
from mprunner.tables.frames import build_frames
from tests.made import outcome, record, run

WALLS = [1.0, 1.02, 0.99, 1.01, 0.98, 1.03]
RULES = {
    "outcomes": {
        "final_balance": [
            {"equals": 100, "verdict": "acceptable"},
            {
                "otherwise": True,
                "where": {"guard": ["none"]},
                "verdict": "interesting",
                "note": "updates were lost",
            },
            {"otherwise": True, "verdict": "forbidden", "note": "a guarded update was lost"},
        ]
    }
}


def noise(place, repeat):
    """Return by what a trial's duration is multiplied; the median over repeats is 1, and so is that of ratios."""
    return 1 + (0, 0, 0, 0.001, -0.001, 0)[(repeat + place) % 6]


def told(cases, **experiment):
    """Digest a run: by guard how long its trials take, and in how many of 100 observations an update is lost."""
    records = [
        record(
            guard,
            repeat,
            order=10 * place + repeat,
            metrics={
                "wall_s": factor * wall * noise(place, repeat),
                "lost_updates": int(lost > 0),
            },
            outcomes=[outcome(100, 100 - lost), outcome(99, lost)],
        )
        for place, (guard, (factor, lost)) in enumerate(cases.items())
        for repeat, wall in enumerate(WALLS)
    ]
    made = run(*records, planned=len(records), **experiment)
    frames = build_frames(made)
    return digest(made.header, frames, summarise(frames, made.header), judge(frames, made.header.rules))


BANK = {"none": (1.0, 7), "lock": (3.0, 0), "rlock": (3.1, 0)}


def test_what_raced_is_told_with_its_share_and_what_never_did_with_its_price():
    raced, never = told(BANK, baseline={"guard": "none"}, **RULES).answers
    assert raced == "Updates were lost: guard none in 42 of 600 observations (7%)."
    assert never.startswith("Never in guard lock, 3.0× slower than guard none (")
    assert "guard rlock, 3.1× slower than guard none (" in never


def test_without_rules_the_metric_that_a_scenario_calls_affected_tells_it():
    assert told(BANK).answers == (
        "Lost updates: guard none in all 6 trials.",
        "Never in guard lock; guard rlock.",
    )


def test_a_forbidden_state_is_called_that():
    answers = told({"none": (1.0, 0), "lock": (3.0, 1)}, **RULES).answers
    assert answers[0] == "Forbidden: a guarded update was lost: guard lock in 6 of 600 observations (1%)."


def test_of_many_clean_cases_the_cheapest_is_named():
    cases = {"none": (1.0, 7), **{f"lock{n}": (2.0 + n, 0) for n in range(5)}}
    never = told(cases, baseline={"guard": "none"}, **RULES).answers[1]
    assert never.startswith(
        "Never in the other 5 cases. Cheapest of them: guard lock0, 2.00× slower than guard none"
    )


def test_of_many_cases_that_raced_the_extremes_are_named():
    cases = {f"none{n}": (1.0, n) for n in range(1, 6)}
    rules = {"outcomes": {"final_balance": [{"equals": 100, "verdict": "acceptable"}]}}
    (answer,) = told(cases, **rules).answers
    assert answer == (
        "Final balance was 99, which no rule expects in all cases: from 1% of the observations of guard none1 to 5% "
        "of guard none5."
    )


def test_the_fastest_case_is_told_with_its_gain_where_nothing_raced():
    cases = {"none": (4.0, 0), "lock": (1.0, 0), "rlock": (2.0, 0)}
    (answer,) = told(cases, baseline={"guard": "none"}).answers
    assert answer.startswith("guard lock is the fastest, 4.0× faster than guard none (")


def test_cases_that_are_as_fast_as_the_fastest_are_named():
    cases = {"none": (4.0, 0), "lock": (1.0, 0), "rlock": (1.001, 0)}
    (answer,) = told(cases, baseline={"guard": "none"}).answers
    assert answer.startswith("guard lock has the shortest median, 4.0× faster than guard none (")
    assert answer.endswith("not clearly slower: guard rlock.")


def test_where_no_case_is_clearly_faster_than_the_baseline_that_is_said_first():
    cases = {"none": (1.0, 0), "lock": (0.9999, 0), "rlock": (2.0, 0)}
    (answer,) = told(cases, baseline={"guard": "none"}).answers
    assert answer.startswith(
        "No case is clearly faster than guard none; the shortest median has guard lock, "
    )
    cases = {"none": (1.0, 0), "lock": (3.0, 0), "rlock": (2.0, 0)}
    assert told(cases, baseline={"guard": "none"}).answers == ("guard none, the baseline, is the fastest.",)


def test_two_cases_are_compared_in_a_sentence():
    (answer,) = told({"none": (1.0, 0), "lock": (2.0, 0)}, baseline={"guard": "none"}).answers
    assert answer.startswith("guard lock is 2.0")


def test_a_difference_is_told_only_if_it_holds_for_all_cases_at_once():
    """One of twenty cases that are alike would be called slower by chance."""
    rng = Random(7)
    guards = ["none", *(f"lock{n}" for n in range(20))]
    walls = {guard: {repeat: rng.uniform(0.9, 1.1) for repeat in range(8)} for guard in guards}
    alone = [guard for guard in guards[1:] if differs(walls[guard], walls["none"], 1)]
    records = [
        record(guard, repeat, order=10 * place + repeat, metrics={"wall_s": wall})
        for place, (guard, own) in enumerate(walls.items())
        for repeat, wall in own.items()
    ]
    made = run(*records, planned=len(records), baseline={"guard": "none"})
    frames = build_frames(made)
    summary, judgement = summarise(frames, made.header), judge(frames, made.header.rules)
    (table,) = digest(made.header, frames, summary, judgement).tables
    assert alone
    assert all(row.cells[-1].startswith("≈") for row in table.rows[1:])


def test_ratios_have_one_direction_in_a_table():
    slower = told(
        {"none": (1.0, 0), "lock": (2.0, 0), "rlock": (0.5, 0), "a": (3.0, 0)}, baseline={"guard": "none"}
    )
    faster = told(
        {"none": (1.0, 0), "lock": (0.2, 0), "rlock": (0.5, 0), "a": (3.0, 0)}, baseline={"guard": "none"}
    )
    assert slower.tables[0].columns[-1].title == "wall time, × guard none"
    assert faster.tables[0].columns[-1].title == "speed-up over guard none"


def test_ratios_that_disagree_with_the_medians_beside_them_are_explained():
    def summary(second):
        walls = {"none": [1, 2, 3, 4, 5], "lock": [2.5, 2.5, 2.5, 2.5, 2.5], "rlock": second}
        records = [
            record(guard, repeat, order=10 * place + repeat, metrics={"wall_s": float(wall)})
            for place, (guard, own) in enumerate(walls.items())
            for repeat, wall in enumerate(own)
        ]
        made = run(*records, planned=15, baseline={"guard": "none"})
        frames = build_frames(made)
        return digest(made.header, frames, summarise(frames, made.header), judge(frames, made.header.rules))

    assert "repeat by repeat" in str(summary([0.5, 1.0, 2.6, 2.8, 3.0]).meanings)
    assert "repeat by repeat" not in str(summary([2, 4, 6, 8, 10]).meanings)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_summary_fits_the_width(width):
    cases = {"none": (1.0, 7), **{f"a-guard-with-a-name-{n}": (2.0 + n, 0) for n in range(5)}}
    lines = plain(summary_lines(told(cases, baseline={"guard": "none"}, **RULES), width)).splitlines()
    assert max(map(len, lines)) <= width
