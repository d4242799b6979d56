"""The machine's drift between runs: how far apart it makes them, and how often a comparison takes it for a change."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.analysis.comparison import compare_runs
from mprunner.analysis.drift import EarlierRun, Median, spread_of
from mprunner.analysis.effects import Change, Method
from mprunner.analysis.limits import parse_limit
from mprunner.analysis.samples import MeasuredCase, MeasuredRun
from mprunner.report.comparison import notes, render_comparison

APART = {Change.MORE, Change.LESS, Change.UNSURE}
WALL = "wall_s"


def moment(minute):
    return f"2025-01-01T{minute // 60:02}:{minute % 60:02}:00.000000Z"


def run(values, minute=None):
    """A run of the only case that began in that minute."""
    began = "" if minute is None else moment(minute)
    case = MeasuredCase(label="", params={}, values={WALL: dict(enumerate(values))}, case_id="c", began=began)
    return MeasuredRun(scenario="s", units={WALL: "s"}, cases=(case,))


def earlier_run(median, minute, code="one", trials=5):
    medians = {("c", WALL): Median(float(median), trials)}
    return EarlierRun(run_id=f"{code}-{minute:03}", began=moment(minute), code=code, medians=medians)


def row_of(base, new, earlier=()):
    (row,) = compare_runs(base, new, [WALL], earlier=earlier).rows
    return row


def drifting(rng, size, alike=0.9, drift=0.1):
    """Logarithms of so many runs, of which neighbours resemble each other."""
    levels = [rng.normal(0, drift)]
    for _ in range(size - 1):
        levels.append(alike * levels[-1] + rng.normal(0, drift * np.sqrt(1 - alike**2)))
    return np.array(levels)


def trials(rng, level, size=10):
    return np.exp(level + rng.normal(0, 0.02, size))


@pytest.mark.parametrize(("alike", "apart"), [(0.0, 1), (0.9, 1), (0.9, 30)])
def test_of_100_pairs_of_the_same_code_few_are_told_apart_where_earlier_runs_show_the_drift(alike, apart):
    rng, told, open_ = np.random.default_rng(int(10 * alike + apart)), 0, 0
    for _ in range(100):
        levels = drifting(rng, 51 + apart, alike)
        base, new = 50, 50 + apart
        earlier = [earlier_run(np.exp(levels[n]), n) for n in range(new) if n != base][-50:]
        row = row_of([run(trials(rng, levels[base]), base)], [run(trials(rng, levels[new]), new)], earlier)
        told += row.change in APART
        open_ += row.change is Change.CHANGE_OR_DRIFT
    assert told <= 8  # 5 % of 100, and what chance adds to that in 9 of 10 seeds
    assert open_ <= 35


def test_of_50_pairs_of_runs_without_earlier_ones_none_is_told_apart():
    rng = np.random.default_rng(0)
    rows = [
        row_of([run(trials(rng, 0), 0)], [run(trials(rng, level), 1)]) for level in rng.normal(0, 0.3, 50)
    ]
    assert {row.change for row in rows} <= {Change.CHANGE_OR_DRIFT, Change.NOT_TOLD_APART}
    assert {row.p for row in rows} == {None}
    assert {row.method for row in rows} == {Method.TRIALS}


@pytest.mark.parametrize(("order", "most"), [("BNBNBN", 8), ("BBBNNN", 0), ("BBBN", 0), ("BNNBBN", 8)])
def test_of_100_comparisons_of_several_drifting_runs_few_tell_the_same_code_apart(order, most):
    rng, told = np.random.default_rng(len(order)), 0
    for _ in range(100):
        runs = [run(trials(rng, level, 5), minute) for minute, level in enumerate(drifting(rng, len(order)))]
        sides = [[each for each, own in zip(runs, order, strict=True) if own == side] for side in "BN"]
        told += row_of(*sides).change in APART
    assert told <= most


def test_a_tenth_is_found_by_one_run_each_where_the_machine_was_steady():
    rng, found = np.random.default_rng(0), 0
    for _ in range(20):
        levels = drifting(rng, 32, 0.5, 0.01)
        earlier = [earlier_run(np.exp(level), n) for n, level in enumerate(levels[:30])]
        row = row_of([run(trials(rng, levels[30]), 30)], [run(trials(rng, levels[31] + 0.1), 31)], earlier)
        found += row.change is Change.MORE
    assert found >= 18


def test_a_tenth_is_found_by_three_runs_each_in_turn():
    rng, found = np.random.default_rng(0), 0
    for _ in range(20):
        levels = drifting(rng, 6, 0.5, 0.02)
        runs = [run(trials(rng, level + 0.1 * (n % 2)), n) for n, level in enumerate(levels)]
        found += row_of(runs[::2], runs[1::2]).change is Change.MORE
    assert found >= 18


@given(
    st.lists(st.floats(0.5, 2), min_size=5, max_size=12),
    st.lists(st.floats(0.5, 2), min_size=5, max_size=12),
    st.lists(st.floats(0.5, 2), min_size=5, max_size=12),
)
def test_earlier_runs_make_no_interval_narrower_and_no_p_smaller(base, new, medians):
    sides = [run(base, 20)], [run(new, 21)]
    alone = row_of(*sides)
    known = row_of(*sides, [earlier_run(median, n) for n, median in enumerate(medians)])
    assert known.interval.low <= alone.interval.low
    assert known.interval.high >= alone.interval.high
    if known.method is Method.EARLIER:
        assert known.degrees is None or known.degrees >= 1
        assert 0 <= known.p <= 1


def test_the_spread_of_independent_runs_is_that_of_their_code():
    rng = np.random.default_rng(0)
    codes = ["one"] * 10 + ["two"] * 10
    offsets = np.repeat([0.0, 5.0], 10)
    found = [spread_of(rng.normal(offsets, 0.1), codes) for _ in range(300)]
    assert np.mean([each.deviation**2 for each in found]) == pytest.approx(0.01, rel=0.15)
    assert 10 <= np.median([each.degrees for each in found]) <= 18


def test_the_spread_of_runs_that_resemble_their_neighbours_is_larger_than_it_looks():
    rng = np.random.default_rng(0)
    series = [drifting(rng, 30) for _ in range(300)]
    found = [(spread_of(each, ["one"] * 30), each.std(ddof=1)) for each in series]
    known = [(spread, naive) for spread, naive in found if spread is not None]
    assert np.mean([spread.deviation / naive for spread, naive in known]) > 1.05
    assert np.median([spread.degrees for spread, _ in known]) < 8


def test_runs_that_all_agree_do_not_drift():
    found = spread_of([math.log(0.75)] * 6, ["one"] * 6)
    assert (found.deviation, found.degrees, found.runs) == (0, 5, 6)


def test_runs_that_only_rise_are_worth_few_or_too_few_to_say_how_far_they_drift():
    rising = np.arange(5.0)
    assert spread_of(rising, ["one"] * 5).degrees < 2
    assert spread_of(np.repeat(rising, 2), ["one", "two"] * 5) is None


STEADY = [earlier_run(1 + 0.001 * (n % 3), n) for n in range(9)]
SLOWER = [run(np.linspace(0.99, 1.01, 7), 20)], [run(np.linspace(1.48, 1.52, 7), 21)]


def test_earlier_runs_give_a_verdict_and_are_named():
    comparison = compare_runs(*SLOWER, [WALL], earlier=STEADY)
    (row,) = comparison.rows
    assert (row.change, row.method, row.earlier) == (Change.MORE, Method.EARLIER, 9)
    assert comparison.earlier == tuple(each.run_id for each in STEADY)
    (note,) = notes(comparison)
    assert note == (
        "The machine's drift is in the intervals, as 9 earlier runs of the same cases under the same environment "
        "show it: one-000 … one-008."
    )


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        STEADY[:4],
        [replace(each, code=n // 3) for n, each in enumerate(STEADY)],
        [replace(each, medians={("c", WALL): Median(1.0, 15)}) for each in STEADY],
        [replace(each, medians={("other", WALL): Median(1.0, 5)}) for each in STEADY],
        [replace(each, medians={("c", "wait_s"): Median(1.0, 5)}) for each in STEADY],
    ],
    ids=["none", "four", "three of each code", "many trials", "another case", "another metric"],
)
def test_earlier_runs_that_say_nothing_of_a_case_give_no_verdict(earlier):
    row = row_of(*SLOWER, earlier)
    assert (row.change, row.earlier, row.p) == (Change.CHANGE_OR_DRIFT, 0, None)


def test_earlier_runs_close_together_say_nothing_of_runs_far_apart():
    sides = [run([1.0, 1.01, 0.99, 1.0, 1.02], 20)], [run([1.5, 1.51, 1.49, 1.5, 1.52], 900)]
    assert row_of(*sides, STEADY).change is Change.CHANGE_OR_DRIFT


def test_without_earlier_runs_a_difference_is_change_or_drift_and_it_is_said_what_would_tell():
    told = render_comparison(compare_runs(*SLOWER, [WALL])).splitlines()
    assert told[0] == "wall_s: 1 case, 1 change or drift"
    assert told[1].endswith("1.50× (1.48–1.52)   change or drift")
    assert told[-1].startswith(
        "One run each can't tell a change from the machine's drift: the intervals are of these"
    )
    assert "`mprunner compare B1 N1 --base B2 --new N2 --base B3 --new N3`" in told[-1]


@pytest.mark.parametrize("limit", ["+5%", "+900%", "-5%"])
def test_a_limit_is_unclear_where_drift_is_not_known(limit):
    row = row_of(*SLOWER)
    limit = parse_limit(f"wall_s: {limit}")
    assert (limit.is_exceeded(row), limit.is_unclear(row), limit.is_judged(row)) == (False, True, True)
    assert (limit.needed(row), limit.smallest_shown(row)) == (None, None)


def test_runs_of_a_side_in_a_row_are_one_turn():
    runs = [run(np.linspace(0.99, 1.01, 5), minute) for minute in range(6)]
    assert row_of(runs[:3], runs[3:]).method is Method.ONE_TURN
    in_turn = row_of([runs[0], runs[3], runs[4]], [runs[1], runs[2], runs[5]])
    assert (in_turn.method, in_turn.turns, in_turn.base.runs) == (Method.RUNS, 2, 3)
    assert row_of(runs[:3], runs[3:], STEADY).method is Method.EARLIER


@pytest.mark.parametrize(
    ("base", "new", "change"),
    [
        ([0] * 9, [0, 0, 5, 3, 9, 4, 1, 7, 6], Change.MORE),
        ([12] * 9, [13] * 9, Change.MORE),
        ([12] * 9, [12] * 9, Change.NEGLIGIBLE),
        ([12] * 9, [13] * 8 + [12], Change.CHANGE_OR_DRIFT),
        ([0.25] * 9, [0.5] * 9, Change.CHANGE_OR_DRIFT),
    ],
)
def test_drift_is_a_factor_and_explains_no_growth_from_0_nor_counts_that_never_vary(base, new, change):
    row = row_of([run(map(float, base), 0)], [run(map(float, new), 1)])
    assert row.change is change
    assert (row.method is Method.COUNTS) is (change is not Change.CHANGE_OR_DRIFT)
