"""Charts: what they show is what the tables say, and whatever text a run holds is shown as text."""

import json
import time
import warnings
from dataclasses import replace
from itertools import pairwise
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mprunner.analysis.comparison import compare_runs
from mprunner.analysis.histogram import MOST_BARS
from mprunner.analysis.samples import measured
from mprunner.analysis.scaling import Law, fit_scaling, scaling_groups
from mprunner.analysis.summary import summarise
from mprunner.errors import FaultWarning
from mprunner.model.records import Status
from mprunner.report import charts_of
from mprunner.report.charts import charts_of_comparison, offered, strips, timeline_of
from mprunner.report.charts.labels import short, spread, unique
from mprunner.report.charts.sampling import MOST_POINTS, drawn
from mprunner.report.charts.strips import MOST_CASES, STATISTICS
from mprunner.report.run_summary import compared_field
from mprunner.tables import plain_cells
from tests.made import actor, outcome, record
from tests.report.pictured import made, stored
from tests.support import ROOT

STORED = ("bank", "guards", "interleavings", "interrupted", "pool", "race-odds", "scaling", "statuses")


def rows_of(frame, names):
    columns = (plain_cells(frame[name]) for name in names)
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def some(picture, beginning):
    return [chart for chart in charts_of(picture) if chart.key.startswith(beginning)]


@pytest.mark.parametrize("name", STORED)
def test_the_medians_intervals_and_ratios_of_strips_are_those_of_the_summary(name):
    picture = stored(name)
    strips = some(picture, "strips-")
    names = [each for each in STATISTICS if each not in ("case_id", "min", "max")]
    for chart in strips:
        rows = picture.summary[(picture.summary["metric"] == chart.key[7:]) & (picture.summary["trials"] > 0)]
        shown = [{each: case[each] for each in names} for case in chart.spec["datasets"]["cases"]]
        assert shown == rows_of(rows, names)
    assert strips or name == "statuses"


def told_of(view, field):
    """Yield what the tooltips of a view call a field."""
    if isinstance(view, dict):
        told = view.get("tooltip")
        yield from (each["title"] for each in told or () if isinstance(told, list) and each["field"] == field)
        view = [part for name, part in view.items() if name != "datasets"]
    for part in view if isinstance(view, list) else ():
        yield from told_of(part, field)


def test_a_tooltip_names_the_unit_in_which_it_tells_a_value_whatever_the_axis_says():
    (chart,) = some(stored("bank"), "strips-wall_s")
    assert "wall_s (ms" in json.dumps(chart.spec)
    assert set(told_of(chart.spec, "value")) == {"wall_s (s)"}
    assert set(told_of(chart.spec, "median")) == {"median, wall_s (s)"}


def test_cases_without_a_value_and_metrics_without_a_chart_are_told():
    ok = [record(repeat=repeat, metrics={"wall_s": 1.0 + repeat}) for repeat in range(2)]
    (chart,) = some(made(*ok, record("lock", 7, status=Status.ERROR)), "strips-")
    assert "Without a value in any trial: 1 case." in chart.caption
    assert "interval" not in chart.caption  # of two trials there is none
    assert "Without a chart: transactions_per_s" in some(stored("race-odds"), "strips-")[-1].caption


@pytest.mark.parametrize("name", ["bank", "guards", "pool"])
def test_the_points_of_strips_are_the_counted_trials(name):
    picture = stored(name)
    trials = picture.frames.trials
    for chart in some(picture, "strips-"):
        shown = sorted(point["value"] for point in chart.spec["datasets"]["trials"])
        values = trials.loc[
            trials["is_final"] & ~trials["is_warmup"] & (trials["status"] == "ok"), chart.key[7:]
        ]
        assert shown == sorted(float(value) for value in plain_cells(values) if value is not None)


@pytest.mark.parametrize("name", ["race-odds", "scaling", "chunksize"])
def test_the_points_of_lines_are_medians_of_the_summary(name):
    picture = stored(name)
    for chart in some(picture, "lines-"):
        _, metric, param = chart.key.split("-")
        rows = picture.summary[picture.summary["metric"] == metric]
        known = {(row[param], row["median"]) for row in rows_of(rows, (param, "median"))}
        shown = {(row["x"], row["median"]) for row in chart.spec["datasets"]["cases"]}
        assert len(shown) > 1
        assert shown <= known


@pytest.mark.parametrize("name", ["scaling", "pool"])
def test_speed_ups_are_those_of_the_summary_and_curves_those_of_the_fit(name):
    picture = stored(name)
    (chart,) = some(picture, "speedup")
    field = compared_field(picture.header.declaration)
    (group,) = scaling_groups(picture.frames, picture.header, field)
    rows = picture.summary[picture.summary["metric"] == field.name]
    speedups = {row["case_id"]: row["speedup"] for row in rows_of(rows, ("case_id", "speedup"))}
    shown = {row["x"]: row["speedup"] for row in chart.spec["datasets"]["measured"]}
    assert shown == {n: speedups[case_id] or 1.0 for n, case_id in group.case_ids.items()}
    curve = [row for row in chart.spec["datasets"]["curves"] if row["curve"].startswith("Amdahl")]
    fit = fit_scaling(group.speed_ups, Law.AMDAHL)
    assert [row["speedup"] for row in curve] == pytest.approx(
        [fit.speed_up(row["x"]) for row in curve], rel=1e-3
    )


def test_a_best_number_of_processes_is_told_only_where_the_fit_holds():
    picture = stored("scaling")
    (chart,) = some(picture, "speedup")
    assert "The Universal Scalability Law (USL) does not hold here" in chart.caption
    assert "best" not in chart.caption + chart.description
    trials = picture.frames.trials.copy()
    n = trials["processes"].where(trials["method"] != "serial", 1)
    trials["wall_s"] = (0.4 * (1 + 0.06 * (n - 1) + 0.012 * n * (n - 1)) / n).astype("Float64")
    frames = replace(picture.frames, trials=trials)
    (chart,) = some(replace(picture, frames=frames, summary=summarise(frames, picture.header)), "speedup")
    assert "6% of the work waits for others, and 9 processes are best." in chart.caption
    assert "9 processes are best" in chart.description
    assert {row["curve"] for row in chart.spec["datasets"]["curves"]} == {"ideal", "Amdahl's law", "USL"}


@pytest.mark.parametrize("name", ["bank", "guards", "interleavings", "race-odds", "statuses"])
def test_the_bars_of_outcomes_have_every_observation_in_one_bar_by_its_verdict(name):
    picture = stored(name)
    (chart,) = some(picture, "outcomes-")
    table = rows_of(picture.outcomes, ("case_id", "verdict", "count", "observations"))
    labels = picture.frames.labels
    shown = chart.spec["datasets"]["states"]
    for case in dict.fromkeys(row["case"] for row in shown):
        own = [row for row in shown if row["case"] == case]
        known = [row for row in table if labels[row["case_id"]] == case]
        for verdict in {row["verdict"] for row in known}:
            of_table = sum(row["count"] for row in known if row["verdict"] == verdict)
            assert sum(row["count"] for row in own if row["verdict"] == (verdict or "not judged")) == of_table
        assert {row["observations"] for row in own} == {row["observations"] for row in known}
        assert len({row["state"] for row in own}) == len(own)


def test_hundreds_of_states_are_put_in_ranges_and_the_legal_one_stands_by_itself():
    rules = {
        "final_balance": [
            {"equals": 100, "verdict": "acceptable"},
            {"otherwise": True, "verdict": "interesting"},
        ]
    }
    states = [outcome(value, count=2) for value in range(-50, 251)]
    picture = made(record(outcomes=states, metrics={"wall_s": 1.0}), outcomes=rules)
    (chart,) = some(picture, "outcomes-")
    rows = chart.spec["datasets"]["states"]
    assert len(rows) <= MOST_BARS + 3
    (legal,) = (row for row in rows if row["verdict"] == "acceptable")
    assert (legal["state"], legal["count"], legal["states"]) == ("100", 2, 1)
    assert sum(row["states"] for row in rows) == 301
    places = [row["state"] for row in rows]
    before, after = places[places.index("100") - 1], places[places.index("100") + 1]
    assert before.endswith(" … 99")
    assert after.startswith("101 … ")


def test_a_state_that_was_never_seen_is_told_as_a_bound():
    rules = {
        "final_balance": [{"equals": 100, "verdict": "acceptable"}, {"equals": 99, "verdict": "forbidden"}]
    }
    picture = made(record(outcomes=[outcome(100, count=300)]), outcomes=rules)
    (chart,) = some(picture, "outcomes-")
    never, _ = chart.spec["datasets"]["states"]
    (row,) = (row for row in rows_of(picture.outcomes, ("count", "share_ci_high")) if not row["count"])
    assert (never["count"], never["share_ci_high"]) == (0, row["share_ci_high"])
    assert "never in 300: at most 0.994%, forbidden" in chart.description
    assert some(picture, "odds-")[0].spec["datasets"]["cases"][0]["told"] == "never in 300: at most 0.994%"


@pytest.mark.parametrize("name", ["bank", "guards", "interleavings", "race-odds"])
def test_the_odds_are_the_shares_of_what_is_not_acceptable(name):
    picture = stored(name)
    (chart,) = some(picture, "odds-")
    table = rows_of(picture.outcomes, ("case_id", "verdict", "count", "observations"))
    for row in chart.spec["datasets"]["cases"]:
        own = [each for each in table if picture.frames.labels[each["case_id"]] == row["case"]]
        odd = sum(each["count"] for each in own if each["verdict"] != "acceptable")
        assert row["share"] == odd / own[0]["observations"]
        assert row["ci_low"] <= row["share"] <= row["ci_high"]


def test_a_timeline_has_the_times_of_the_actors_of_its_trial():
    picture = stored("bank")
    for each in offered(picture):
        chart = timeline_of(picture, each.trial_id)
        own = picture.actors[picture.actors["trial_id"] == each.trial_id]
        names = ("start_latency_s", "start_skew_s", "wall_s", "cpu_s")
        shown = [{name: row[name] for name in names} for row in chart.spec["datasets"]["actors"]]
        assert shown == rows_of(own, names)
        for row in chart.spec["datasets"]["actors"]:
            assert row["end_s"] == row["start_skew_s"] + row["wall_s"]


def test_the_slowest_the_median_and_a_failed_trial_are_offered():
    walls = [0.1, 0.9, 0.2, 0.3, 0.25]
    trials = [
        record(repeat=repeat, metrics={"wall_s": wall_s}, actors=[actor(0), actor(1)])
        for repeat, wall_s in enumerate(walls)
    ]
    failed = record(repeat=9, status=Status.ERROR, actors=[actor(0)])
    words = {each.key: each.trial_id for each in offered(made(*trials, failed))}
    assert words == {"slowest": "trial-none-1", "failed": "trial-none-9", "median-1": "trial-none-4"}


def test_a_trial_without_actors_has_no_timeline():
    with pytest.raises(ValueError, match="no trial with actors has an id"):
        timeline_of(stored("pool"), "nothing")


def test_noise_is_each_trial_over_the_median_of_its_case():
    picture = stored("guards")
    (chart,) = some(picture, "noise-")
    medians = picture.summary[picture.summary["metric"] == "wall_s"].set_index("case_id")["median"]
    trials = picture.frames.trials[picture.frames.trials["status"] == "ok"]
    expected = sorted(
        row["wall_s"] / medians[row["case_id"]] for row in rows_of(trials, ("case_id", "wall_s"))
    )
    assert sorted(row["relative"] for row in chart.spec["datasets"]["trials"]) == pytest.approx(expected)


def test_a_comparison_shows_its_own_ratios():
    def side(**walls):
        metrics = [(case, n, wall_s + n / 100) for case, wall_s in walls.items() for n in range(6)]
        return made(*(record(case, n, metrics={"wall_s": wall_s}) for case, n, wall_s in metrics))

    one, other = side(none=1, lock=2), side(none=1, lock=4)
    sides = [[measured(each.frames, each.header)] for each in (one, other)]
    comparison = compare_runs(*sides, ["wall_s"])
    (chart,) = charts_of_comparison(comparison)
    shown = [(row["case"], row["ratio"], row["ci_low"]) for row in chart.spec["datasets"]["cases"]]
    assert shown == [(row.label, row.ratio, row.interval.low) for row in comparison.rows]


@given(
    st.lists(st.lists(st.floats(0, 1), max_size=300), min_size=1, max_size=4),
    st.lists(st.floats(50, 1e6), max_size=20),
    st.integers(10, 200),
)
def test_no_outlier_is_left_out_of_a_sample(cases, far, most):
    values = {str(place): own + (far if place == 0 else []) for place, own in enumerate(cases)}
    chosen = drawn(values, most).places
    if len(far) * 4 < len(cases[0]):  # else they are no outliers
        assert {values["0"][place] for place in chosen["0"]} >= set(far)
    for case, own in values.items():
        assert not own or {min(own), max(own)} <= {own[place] for place in chosen[case]}
        assert len(set(chosen[case])) == len(chosen[case])


def test_a_million_trials_are_few_points_and_more_outliers_than_can_be_told_apart_are_one():
    values = {"a": [1.0 + place % 100 / 1e4 for place in range(200_000)]}
    sample = drawn(values)
    assert (
        sample.rule()
        == f"{MOST_POINTS} of 200,000 trials are drawn: every outlier and, of the rest, an even sample."
    )
    values["a"] += [5.0 + place / 1e3 for place in range(5_000)]
    sample = drawn(values)
    assert "every outlier, those on one another as one point, and" in sample.rule()
    shown = sample.places["a"]
    assert len(shown) < MOST_POINTS + 300
    far = sorted(values["a"][place] for place in shown if values["a"][place] >= 5)
    assert max(after - before for before, after in pairwise(far)) < 0.1  # of 9 that the axis is long


def test_noise_of_many_trials_has_its_outliers_and_a_sample():
    def at(second):
        return f"2025-01-01T00:{second // 60 % 60:02}:{second % 60:02}.000000Z"

    walls = [9.0 if repeat % 300 == 7 else 1.0 + repeat % 7 / 100 for repeat in range(1_500)]
    trials = [
        replace(record(repeat=repeat, metrics={"wall_s": wall_s}), started_at=at(repeat))
        for repeat, wall_s in enumerate(walls)
    ]
    (chart,) = some(made(*trials), "noise-")
    shown = chart.spec["datasets"]["trials"]
    assert sum(row["kind"] == "outlier" for row in shown) == 5
    assert len(shown) == MOST_POINTS + 5
    assert f"{MOST_POINTS + 5} of 1,500 trials are drawn" in chart.caption
    assert "1,500 trials over time" in chart.description


@given(st.lists(st.text(max_size=60), min_size=1, max_size=3, unique=True))
@settings(max_examples=10)
@example(
    [
        "</script><script>alert(1)</script>",
        "datum.value",
        "a\nb",
        "\u202eabc",
        "x" * 10_000,
        "\ud800",
        ", , ,",
    ]
)
def test_any_text_in_a_label_or_a_message_is_data_of_a_spec_and_never_its_code(texts):
    records = []
    for place, text in enumerate(texts):
        for repeat in range(2):
            one = record(
                str(place),
                repeat,
                metrics={"wall_s": 1.0 + repeat},
                outcomes=[outcome(text)],
                actors=[actor(0)],
            )
            attempt = replace(one.attempt, case_label=text, params={"guard": text, "transactions": place})
            records.append(replace(one, attempt=attempt))
    charts = charts_of(made(*records))
    assert {chart.section for chart in charts} >= {"metrics", "outcomes", "timeline"}
    allowed = json.dumps([without_text(chart.spec) for chart in charts_of(made(*plain(records)))])
    assert json.dumps([without_text(chart.spec) for chart in charts]) == allowed
    for chart in charts:
        assert len(json.dumps(chart.spec)) < 40_000
        assert not {category(character)[0] for character in chart.title + chart.caption} & {"C"}


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 5e-324, 1.7e308, -1.7e308])
WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(NUMBERS, WHOLE, WHOLE), min_size=1, max_size=8))
@settings(max_examples=30)
@example([(5e-324, 0, 0), (1.7e308, 2**63 - 1, 1), (1.0, -1, 2)] * 2)
def test_any_number_is_drawn_on_axes_of_finite_numbers(values):
    records = []
    for place, (wall_s, lost, state) in enumerate(values):
        metrics = {"wall_s": wall_s, "lost_updates": lost}
        one = record(f"{place % 2}", place, metrics=metrics, outcomes=[outcome(state), outcome(wall_s)])
        params = {"guard": "none", "transactions": lost if place % 2 else 1}
        records.append(replace(one, attempt=replace(one.attempt, params=params)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", FaultWarning)
        charts = charts_of(made(*records, baseline={"transactions": 1}))
    for chart in charts:
        json.dumps(chart.spec, allow_nan=False)


def test_a_kind_of_chart_that_fails_costs_itself_and_a_warning(monkeypatch):
    monkeypatch.setattr("mprunner.report.charts._KINDS", (strips, broken))
    with pytest.warns(FaultWarning, match="the chart of broken is missing, please report it: KeyError"):
        charts = charts_of(stored("bank"))
    assert {chart.section for chart in charts} == {"metrics"}


def broken(run):
    raise KeyError("x")


def plain(records):
    return [
        replace(each, attempt=replace(each.attempt, case_label=f"case {each.attempt.case_id}"))
        for each in records
    ]


def without_text(spec):
    """Return what of a spec is code: no data, and neither the domains that list it nor sizes that follow from it."""
    if isinstance(spec, dict):
        return {
            key: without_text(each)
            for key, each in spec.items()
            if key not in ("datasets", "domain", "step", "columns")
        }
    return [without_text(each) for each in spec] if isinstance(spec, list) else spec


@given(st.text(max_size=200), st.integers(4, 40), st.integers(1, 4))
def test_a_short_label_is_as_wide_and_as_high_as_it_may_be(text, width, lines):
    made_of = short(text, width, lines).split("\n")
    assert len(made_of) <= lines
    assert max(map(len, made_of)) <= width


@given(st.lists(st.text("ab", max_size=2), max_size=9))
def test_no_two_labels_are_alike(texts):
    assert len(set(unique(texts))) == len(texts)


@given(st.lists(st.text(max_size=3), unique=True, min_size=1, max_size=60), st.integers(2, 20))
def test_a_selection_has_the_first_the_last_and_what_is_always_in_it(names, most):
    always = names[len(names) // 2 : len(names) // 2 + 1]
    chosen = spread(names, most, always)
    assert len(chosen) <= max(most, len(always))
    assert set(chosen) >= {*always, names[-1] if most > 2 else always[0]}
    assert chosen == [name for name in names if name in set(chosen)]


def test_of_two_thousand_cases_a_stated_few_are_drawn_in_little_time_and_space():
    trials = []
    for case in range(2_000):
        for repeat in range(5):
            one = record(
                str(case), repeat, order=case * 5 + repeat, metrics={"wall_s": 1 + case / 100 + repeat / 1e3}
            )
            params = {"guard": f"guard {case % 7}", "transactions": case}
            trials.append(
                replace(one, attempt=replace(one.attempt, params=params, case_label=f"transactions {case:,}"))
            )
    picture = made(*trials)
    before = time.process_time()
    charts = charts_of(picture)
    assert time.process_time() - before < 5  # 0.5 s on the machine that this was written on
    assert sum(len(json.dumps(chart.spec)) for chart in charts) < 300_000
    (strips,) = (chart for chart in charts if chart.key == "strips-wall_s")
    assert len(strips.spec["datasets"]["cases"]) == MOST_CASES
    assert f"{MOST_CASES} of 2,000 cases are drawn" in strips.caption


ALL = sorted(
    {path.parent.parent.name for path in (ROOT / "tests" / "golden" / "runs").glob("*/*/run.json")}
    - {"compared"}
)


@pytest.mark.parametrize("name", ALL)
def test_every_stored_run_has_charts_without_a_fault_and_each_a_key_of_its_own(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error", FaultWarning)
        charts = charts_of(stored(name))
    keys = [chart.key for chart in charts]
    assert len(set(keys)) == len(keys)
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for key in keys)
    assert all(chart.title and chart.caption and chart.description for chart in charts)


def test_a_run_without_a_trial_has_no_chart_and_one_case_needs_no_label():
    assert charts_of(made()) == ()
    only = record(metrics={"wall_s": 1.0})
    trials = [
        replace(only, attempt=replace(only.attempt, case_label="", repeat=n, trial_id=str(n)))
        for n in range(2)
    ]
    trials[1] = replace(
        trials[1], ending=replace(only.ending, result=replace(only.ending.result, metrics={"wall_s": 2.0}))
    )
    (chart,) = some(made(*trials), "strips-")
    assert [row["row"] for row in chart.spec["datasets"]["cases"]] == ["all trials"]
    assert "all trials: median 1.50 s" in chart.description
