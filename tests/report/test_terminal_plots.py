"""Pictures in text: every trial is drawn, at its place, at any width, and without signs that an encoding lacks."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.analysis.histogram import MOST_BARS, bars_of
from mprunner.analysis.statistics import unseen_bound
from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import State, judge
from mprunner.errors import ExperimentError
from mprunner.model.records import Status
from mprunner.model.rules import Condition, OutcomeRule, Rules
from mprunner.report.terminal_plots import ASCII, MOST_STRIPS, UNICODE, draw_run, signs_for
from mprunner.tables.frames import build_frames
from tests.made import outcome, record, run
from tests.support import ROOT

FORBIDDEN = Rules(
    outcomes={
        "final_balance": (
            OutcomeRule(condition=Condition(equals=100), verdict="acceptable", note=""),
            OutcomeRule(condition=None, verdict="forbidden", note="lost"),
        )
    }
)


def drawn(*records, rules=None, **options):
    made = run(*records)
    frames = build_frames(made)
    judged = judge(frames, rules or Rules()).states
    return draw_run(made.header, frames, summarise(frames, made.header), judged, **options).plain


def timed(case, repeat, wall_s, **options):
    return record(case, repeat, metrics={"wall_s": wall_s}, **options)


def strip_of(text, label):
    (line,) = [line for line in text.splitlines() if line.startswith(f"guard {label} ")]
    return line


def test_each_trial_is_a_dot_at_its_place_on_an_axis_that_all_cases_share():
    text = drawn(
        timed("none", 0, 1.0), timed("none", 1, 2.0), timed("none", 2, 3.0), timed("lock", 0, 2.0), width=80
    )
    none, lock = strip_of(text, "none"), strip_of(text, "lock")
    assert [none.index(sign) for sign in "·┃"] + [none.rindex("·")] == [11, 41, 71]
    assert lock.index("┃") == none.index("┃")
    assert none.endswith("  2.00 s")


def test_several_trials_in_one_place_have_a_sign_of_their_own():
    walls = [1.0, *[2.0] * 2, *[3.0] * 5, *[4.0] * 40]
    line = strip_of(drawn(*(timed("none", n, wall) for n, wall in enumerate(walls))), "none")
    assert re.sub(r"[ ├─┤]", "", line.removeprefix("guard none").rpartition("  ")[0]) == "·•●┃"


def test_the_median_and_its_interval_are_those_of_the_summary():
    made = run(*(timed("none", n, wall) for n, wall in enumerate([1.0, 2.0, 3.0, 4.0, 9.0])))
    frames = build_frames(made)
    row = summarise(frames, made.header).set_index("metric").loc["wall_s"]
    line = draw_run(made.header, frames, summarise(frames, made.header), {}, width=100).plain.splitlines()[2]
    first, columns = len("guard none") + 1, 100 - len("guard none") - 1 - len("3.00 s") - 2

    def place(value):
        return first + round((value - 1.0) / 8.0 * (columns - 1))

    assert line.index("┃") == place(row["median"])
    assert (line.index("├"), line.index("┤")) == (place(row["ci_low"]), place(row["ci_high"]))


def test_values_over_decades_are_on_a_logarithmic_axis_and_it_says_so():
    text = drawn(*(timed("none", n, 10.0**n / 1000) for n in range(4)), width=70)
    assert "on a logarithmic axis" in text
    assert [text.splitlines()[4].index(tick) > 0 for tick in ("1.00 ms", "10.0 ms", "100 ms", "1.00 s")]
    assert "logarithmic" not in drawn(timed("none", 0, 0.0), timed("none", 1, 1000.0))


@pytest.mark.parametrize("width", [60, 61, 100, 200])
def test_no_line_is_wider_than_the_terminal(width):
    labels = ["none", "lock", "a label of a case that is much longer than any terminal is wide, " * 9]
    records = [timed("none", n, 0.1 * n, outcomes=[outcome(n * 7**9)]) for n in range(30)]
    records += [
        replace(each, attempt=replace(each.attempt, case_id="long", case_label=labels[2], order=99))
        for each in records
    ]
    lines = drawn(*records, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 10


@pytest.mark.parametrize(("given", "used"), [(20, 60), (500, 200)])
def test_a_width_has_its_limits(given, used):
    records = [timed("none", 0, 1.0), timed("none", 1, 2.0)]
    assert drawn(*records, width=given) == drawn(*records, width=used)


def test_an_encoding_without_the_signs_gets_ascii():
    assert [signs_for(each) for each in ("utf-8", "ascii", "latin-1", None, "no-such")] == [UNICODE] + [
        ASCII
    ] * 4
    records = [timed("none", n, 1e-5 * (n + 1), outcomes=[outcome(-n)]) for n in range(20)]
    text = drawn(*records, signs=ASCII, rules=FORBIDDEN)
    assert text.isascii()
    assert "us" in text
    assert "#" in text


def test_of_many_cases_those_with_extreme_medians_are_drawn_and_it_says_so():
    records = [timed(f"c{n:04}", 0, 1.0 + (n * 37 % 100), order=n) for n in range(100)]
    text = drawn(*records)
    assert f"{MOST_STRIPS} of 100 cases: the smallest and the largest medians" in text
    shown = [line.split()[1] for line in text.splitlines() if line.startswith("guard c")]
    assert shown == [f"c{n:04}" for n in range(100) if not 20 <= n * 37 % 100 < 80]


def test_cases_without_a_value_are_counted():
    text = drawn(timed("none", 0, 1.0), record("lock", 0, status=Status.ERROR))
    assert "1 of 2 cases have no ok trial with a value" in text
    assert "wall_s: no trial has a value" in drawn(record("lock", 0, status=Status.ERROR))
    assert "wall_s: no trial has a value" in drawn()


def test_a_state_that_was_seen_once_in_a_million_has_some_bar_and_one_never_seen_has_its_bound():
    seen = [outcome(100, 999_999), outcome(99, 1)]
    text = drawn(record(outcomes=seen), rules=FORBIDDEN)
    assert re.search(r"  99   forbidden   ▏ +  0\.0001%, 1$", text, re.M)
    unseen = drawn(record(outcomes=[outcome(7, 30)]), rules=FORBIDDEN)
    assert re.search(r"  100  acceptable  +never; below 9\.5% at 95% confidence$", unseen, re.M)


def test_cases_with_forbidden_states_are_drawn_first_where_there_are_many():
    records = [record(f"c{n}", 0, order=n, outcomes=[outcome(100 if n % 20 else 0)]) for n in range(40)]
    text = drawn(*records, rules=FORBIDDEN)
    assert "12 of 40 cases, forbidden states first, then interesting ones" in text
    assert re.findall(r"^guard (c\d+) \(1 obs", text, re.M) == ["c0", *(f"c{n}" for n in range(1, 11)), "c20"]


def test_what_a_label_or_a_state_holds_is_shown_and_changes_no_line():
    evil = "\x1b[31m\u202egnp.exe\n" * 400
    made = record(outcomes=[outcome("<script>\u202e")])
    made = replace(made, attempt=replace(made.attempt, case_label=evil))
    text = drawn(made)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m\\u202egnp.exe\\n" in text
    assert "<script>\\u202e" in text


# --- the bars of a histogram

VERDICTS = st.sampled_from(["acceptable", "interesting", "forbidden", None])
VALUES = st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e12, 1e12), st.text(max_size=5), st.booleans())


@st.composite
def states(draw):
    from mprunner.tables import state_order

    values = draw(st.lists(VALUES, min_size=1, max_size=60, unique_by=lambda value: (type(value), value)))
    counts = draw(st.lists(st.integers(0, 1000), min_size=len(values), max_size=len(values)))
    total = max(1, sum(counts))
    return [
        State(value=value, count=count, observations=total, verdict=draw(VERDICTS))
        for value, count in sorted(zip(values, counts, strict=True), key=lambda each: state_order(each[0]))
    ]


@given(states())
def test_bars_hold_every_state_once_and_mix_no_verdicts(given_states):
    bars = bars_of(given_states)
    assert sum(bar.count for bar in bars) == sum(state.count for state in given_states)
    assert sum(bar.states for bar in bars) == len(given_states)
    for verdict in {state.verdict for state in given_states}:
        own = [bar for bar in bars if bar.verdict == verdict]
        assert sum(bar.states for bar in own) == sum(state.verdict == verdict for state in given_states)
    assert len(bars) <= len(given_states)


def test_of_300_states_the_acceptable_one_is_apart_and_the_rest_is_in_few_bins_of_one_width():
    made = [
        State(value=n, count=1, observations=300, verdict="acceptable" if n == 100 else "forbidden")
        for n in range(300)
    ]
    bars = bars_of(made)
    assert [(bar.first, bar.last) for bar in bars if bar.verdict == "acceptable"] == [(100, 100)]
    assert [(bar.first, bar.last) for bar in bars if bar.verdict == "forbidden"][:4] == [
        (0, 49),
        (50, 99),
        (101, 149),
        (150, 199),
    ]
    assert len(bars) <= MOST_BARS + 1


def test_of_many_texts_the_most_frequent_are_apart_and_the_rest_is_one_bar_for_each_verdict():
    made = [State(value=f"t{n:02}", count=n, observations=780, verdict="unknown") for n in range(1, 40)]
    bars = bars_of(made)
    assert [bar.first for bar in bars] == ["t34", "t35", "t36", "t37", "t38", "t39", None]
    assert (bars[-1].states, bars[-1].count) == (33, sum(range(1, 34)))


def test_a_state_never_observed_is_apart_with_its_bound():
    made = [State(value=n, count=n, observations=1225, verdict="forbidden") for n in range(50)]
    bars = bars_of(made)
    assert (bars[0].first, bars[0].states, bars[0].count) == (0, 1, 0)
    assert bars[0].bound == unseen_bound(1225)
    assert all(bar.bound is None for bar in bars[1:])


def test_many_states_never_observed_are_in_bins_of_their_own_with_the_bound_of_each():
    made = [State(value=n, count=n % 2, observations=150, verdict="forbidden") for n in range(300)]
    bars = bars_of(made)
    assert len(bars) <= 2 * MOST_BARS
    assert sum(bar.states for bar in bars if not bar.count) == 150
    assert {bar.bound for bar in bars if not bar.count} == {unseen_bound(150)}


# --- the command

BANK = next((ROOT / "tests" / "golden" / "runs" / "bank").iterdir())


def test_show_draws_a_run_below_its_summary(in_process, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    done = in_process("show", BANK, "--plot")
    plain = in_process("show", BANK)
    assert done.returncode == 0
    summary, _, rest = done.stdout.partition("\n\nwall_s: each trial of a case")
    assert plain.stdout.startswith(summary)
    assert "final_balance: share of a case's observations, by state" in rest
    assert rest.endswith(f"results: {BANK}\n")


def test_show_draws_the_metrics_that_are_named(in_process):
    done = in_process("show", BANK, "--plot", "--metric", "lost_updates", "--metric", "wall_s")
    assert re.findall(r"^(\w+): each trial", done.stdout, re.M) == ["lost_updates", "wall_s"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--plot", "--json"], "--json and --plot exclude each other"),
        (["--metric", "wall_s"], "--metric says what --plot draws: add --plot"),
        (["--plot", "--metric", "speed"], "race-bank has no numeric metric 'speed'"),
    ],
)
def test_what_can_not_be_drawn_is_refused(in_process, arguments, error):
    done = in_process("show", BANK, *arguments)
    assert (done.returncode, error in done.stderr) == (2, True), done.stderr


def test_a_metric_that_there_is_not_is_an_error_with_those_there_are():
    with pytest.raises(ExperimentError, match=r"^race-bank has no numeric metric 'remark'$") as raised:
        drawn(timed("none", 0, 1.0), metrics=["remark"])
    assert raised.value.hint == "known: lost_updates, final_balance, wall_s, lossy"
