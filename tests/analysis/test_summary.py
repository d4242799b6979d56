"""summary.csv: which trials count, what is compared with what, and the sentence of a scenario."""

from dataclasses import replace

import pandas as pd
import pytest

from mprunner.analysis.summary import baseline_partners, summarise
from mprunner.analysis.verdict import judge
from mprunner.errors import PluginError
from mprunner.model.columns import TABLES
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.model.rules import Rules
from mprunner.model.summary_sentence import check_summary
from mprunner.report.cells import CaseValues, fill_summary
from mprunner.report.run_summary import digest
from mprunner.tables.frames import build_frames
from tests.made import DECLARATION, header, record, run

METRICS = DECLARATION.metrics


def summary_of(*records, **experiment):
    made = run(*records, **experiment)
    return summarise(build_frames(made), made.header)


def row_of(summary, case, metric="wall_s"):
    (row,) = summary[(summary["case_id"] == f"case-{case}") & (summary["metric"] == metric)].to_dict(
        "records"
    )
    return row


def timed(case, repeat, wall_s, **options):
    return record(case, repeat, metrics={"wall_s": wall_s}, **options)


def test_the_columns_are_the_documented_ones_with_the_params_after_the_case():
    columns, own = list(summary_of().columns), list(TABLES["summary"].columns)
    assert columns == [*own[:5], "guard", "transactions", *own[5:]]
    assert own[3:5] == ["case_id", "case_label"]


def test_each_numeric_metric_of_each_case_is_a_row_in_the_order_of_plan_and_declaration():
    summary = summary_of(record("lock", 0, order=1), record("none", 0, order=0))
    metrics = ["lost_updates", "final_balance", "wall_s", "lossy"]
    metrics += ["trial_wall_s", "cpu_user_s", "cpu_system_s", "max_process_rss_bytes"]
    assert list(summary["metric"]) == metrics * 2
    assert list(summary["guard"]) == ["none"] * 8 + ["lock"] * 8
    assert list(summary["case_label"]) == ["guard none"] * 8 + ["guard lock"] * 8
    assert {*summary["experiment"], *summary["scenario"]} == {"bank", "race-bank"}


def test_only_the_last_attempts_that_are_ok_and_no_warm_up_count():
    summary = summary_of(
        timed("none", -1, 900.0),
        timed("none", 0, 1.0),
        timed("none", 1, 900.0, status=Status.TIMEOUT),
        timed("none", 2, 900.0),
        timed("none", 2, 3.0, number=2),
    )
    row = row_of(summary, "none")
    assert (row["trials"], row["median"], row["min"], row["max"], row["unit"]) == (2, 2.0, 1.0, 3.0, "s")


def test_a_case_without_a_counted_trial_has_rows_without_numbers():
    summary = summary_of(record(status=Status.ERROR))
    assert list(summary["trials"]) == [0] * 8
    assert summary[["median", "mean", "sd", "min", "max", "ci_low", "ratio"]].isna().all(axis=None)


def test_a_bool_counts_as_0_or_1():
    summary = summary_of(*(record(repeat=repeat, metrics={"lossy": repeat > 0}) for repeat in range(4)))
    assert row_of(summary, "none", "lossy")["mean"] == 0.75


def test_a_missing_value_is_not_counted():
    optional = replace(DECLARATION, metrics=(Field(name="wall_s", type="float", optional=True),))
    made = [record(repeat=0, metrics={"wall_s": None}), timed("none", 1, 2.0)]
    assert row_of(summary_of(*made, declaration=optional), "none")["trials"] == 1


def test_a_ratio_is_taken_repeat_by_repeat_and_the_baseline_itself_has_none():
    drift = [1.0, 2.0, 4.0, 8.0, 16.0]
    records = [timed("none", repeat, wall_s) for repeat, wall_s in enumerate(drift)]
    records += [timed("lock", repeat, 3 * wall_s, order=90) for repeat, wall_s in enumerate(drift)]
    summary = summary_of(*records, baseline={"guard": "none"})
    row = row_of(summary, "lock")
    assert (row["ratio"], row["ratio_ci_low"], row["ratio_ci_high"]) == (3.0, 3.0, 3.0)
    assert summary[summary["guard"] == "none"]["ratio"].isna().all()


def test_without_a_baseline_there_is_no_ratio():
    assert summary_of(record(), record("lock"))["ratio"].isna().all()


def case(**params):
    return {"guard": "none", "start": "fork", "size": 1, **params}


def test_a_case_is_compared_with_the_baselines_case_that_agrees_on_what_varies_among_those():
    cases = {
        "none-fork": case(),
        "none-spawn": case(start="spawn"),
        "lock-fork": case(guard="lock"),
        "lock-spawn": case(guard="lock", start="spawn"),
        "lock-spawn-9": case(guard="lock", start="spawn", size=9),
    }
    assert baseline_partners(cases, {"guard": "none"}) == {
        "lock-fork": "none-fork",
        "lock-spawn": "none-spawn",
        "lock-spawn-9": "none-spawn",
    }


def test_a_case_that_agrees_with_no_case_of_the_baseline_has_no_partner():
    cases = {"a": case(), "b": case(size=2), "c": case(guard="lock", size=3)}
    assert baseline_partners(cases, {"guard": "none"}) == {}


def test_a_single_case_of_the_baseline_is_the_partner_of_all_others():
    cases = {"a": case(), "b": case(guard="lock", size=2), "c": case(start="spawn")}
    assert baseline_partners(cases, {"guard": "none", "start": "fork"}) == {"b": "a", "c": "a"}


def test_a_baseline_that_no_case_matches_compares_nothing():
    assert baseline_partners({"a": case()}, {"guard": "rlock"}) == {}
    assert baseline_partners({"a": case()}, {"colour": "red"}) == {}


@pytest.mark.parametrize(
    ("baseline", "partners"),
    [
        ({"method": "serial"}, {"1-a": "serial-a", "2-a": "serial-a", "1-b": "serial-b", "2-b": "serial-b"}),
        ({"shape": "a"}, {"serial-b": "serial-a", "1-b": "1-a", "2-b": "2-a"}),
        ({"processes": 2}, {"1-a": "2-a", "serial-a": "2-a", "1-b": "2-b", "serial-b": "2-b"}),
        ({"method": "map"}, {}),  # serial has no processes by which to choose one of two
    ],
)
def test_a_param_that_a_case_does_not_have_neither_matches_nor_clashes(baseline, partners):
    cases = {f"serial-{shape}": {"method": "serial", "shape": shape} for shape in "ab"} | {
        f"{processes}-{shape}": {"method": "map", "processes": processes, "shape": shape}
        for processes in (1, 2)
        for shape in "ab"
    }
    assert baseline_partners(cases, baseline) == partners


@pytest.mark.parametrize(
    ("partner", "serial", "efficiency"),
    [
        ({"guard": "none", "processes": 8}, {"guard": "none"}, 0.5),
        ({"guard": "none", "processes": 8}, {}, None),
        ({"guard": "none", "processes": 1}, {}, 0.5),
        ({"guard": "none", "processes": 8}, {"guard": "other"}, None),
    ],
)
def test_efficiency_is_told_against_work_that_was_done_alone(partner, serial, efficiency):
    declaration = replace(
        DECLARATION,
        params=(DECLARATION.params[0], Field(name="processes", type="int", counts_processes=True)),
        serial=serial,
    )
    slow, fast = timed("none", 0, 1.0), timed("lock", 0, 0.25)
    made = run(
        replace(slow, attempt=replace(slow.attempt, params=partner)),
        replace(fast, attempt=replace(fast.attempt, params={"guard": "lock", "processes": 8})),
        declaration=declaration,
        baseline={"guard": "none"},
    )
    row = row_of(summarise(build_frames(made), made.header), "lock")
    assert row["speedup"] == 4
    assert pd.isna(row["speedup_ci_low"])  # of one repeat
    assert (None if pd.isna(row["efficiency"]) else row["efficiency"]) == efficiency


SIZED = replace(
    DECLARATION,
    params=(
        DECLARATION.params[0],
        Field(name="processes", type="int", counts_processes=True),
        Field(name="size", type="int"),
    ),
    serial={"guard": "none"},
)


@pytest.mark.parametrize(
    ("baseline", "params", "efficiency"),
    [
        ({"guard": "none"}, {"guard": "lock", "processes": 8, "size": 10}, 0.5),
        ({"guard": "none"}, {"guard": "lock", "processes": 8, "size": 20}, 0.5),  # as a chunk's may be
        ({"size": 10}, {"guard": "none", "processes": 8, "size": 20}, None),  # works alone
        ({"guard": "none", "size": 10}, {"guard": "lock", "processes": 8, "size": 20}, None),  # does more
        ({"guard": "none", "processes": 4}, {"guard": "lock", "processes": 8, "size": 10}, 0.5),
    ],
)
def test_neither_a_case_that_works_alone_nor_one_of_another_amount_of_work_has_an_efficiency(
    baseline, params, efficiency
):
    slow, fast = timed("none", 0, 1.0), timed("lock", 0, 0.25)
    base = {"guard": "none", "processes": 4, "size": 10}
    made = run(
        replace(slow, attempt=replace(slow.attempt, params=base)),
        replace(fast, attempt=replace(fast.attempt, params=params)),
        declaration=SIZED,
        baseline=baseline,
    )
    frames = build_frames(made)
    summary = summarise(frames, made.header)
    row = row_of(summary, "lock")
    assert (None if pd.isna(row["efficiency"]) else row["efficiency"]) == efficiency
    assert row["ratio"] == 0.25
    assert pd.isna(row["speedup"]) == (baseline.get("size", params["size"]) != params["size"])
    told = digest(made.header, frames, summary, judge(frames, Rules()))
    assert ("efficiency" in str(told)) == (efficiency is not None)


@pytest.mark.parametrize(("work", "speedup"), [(("size",), None), ((), 4.0), (None, 4.0)])
def test_a_scenario_says_which_params_are_the_amount_of_work(work, speedup):
    """Whatever the baseline names: one that has another size by chance does other work."""
    slow, fast = timed("none", 0, 1.0), timed("lock", 0, 0.25)
    made = run(
        replace(slow, attempt=replace(slow.attempt, params={"guard": "none", "processes": 4, "size": 10})),
        replace(fast, attempt=replace(fast.attempt, params={"guard": "lock", "processes": 8, "size": 20})),
        declaration=replace(SIZED, work=work),
        baseline={"guard": "none"},
    )
    row = row_of(summarise(build_frames(made), made.header), "lock")
    assert (None if pd.isna(row["speedup"]) else row["speedup"]) == speedup


def test_the_interval_of_a_speed_up_is_that_of_the_ratio_from_the_other_side():
    walls = [1.0, 1.1, 0.9, 1.2, 1.05]
    records = [timed("none", repeat, wall_s) for repeat, wall_s in enumerate(walls)]
    records += [timed("lock", repeat, 0.5, order=90) for repeat in range(5)]
    records = [replace(each, ending=replace(each.ending, cpu_user_s=2.0)) for each in records]
    summary = summary_of(*records, baseline={"guard": "none"})
    row = row_of(summary, "lock")
    assert row["speedup_ci_low"] == 1 / row["ratio_ci_high"] < row["speedup"] == 1 / row["ratio"]
    assert row["speedup"] < row["speedup_ci_high"] == 1 / row["ratio_ci_low"]
    assert row_of(summary, "lock", "trial_wall_s")["speedup"] == 1
    cpu = row_of(summary, "lock", "cpu_user_s")  # no duration, though in seconds
    assert cpu["ratio"] == 1
    assert pd.isna(cpu["speedup"])


def test_what_mprunner_measures_of_trials_is_summarised_too():
    made = [timed("none", repeat, 1.0) for repeat in range(2)]
    made = [
        replace(each, ending=replace(each.ending, cpu_user_s=2.0 + repeat, max_process_rss_bytes=1_000))
        for repeat, each in enumerate(made)
    ]
    summary = summary_of(*made)
    assert row_of(summary, "none", "cpu_user_s")["median"] == 2.5
    row = row_of(summary, "none", "max_process_rss_bytes")
    assert (row["unit"], row["trials"], row["max"]) == ("bytes", 2, 1_000.0)


@pytest.mark.parametrize(
    ("template", "values", "filled"),
    [
        ("{lost_updates:affected} lost", [0, 3, 0, -1], "2 of 4 trials lost"),
        ("{lossy:affected} lossy", [True], "1 of 1 trial lossy"),
        ("balance {final_balance:range}", [-4302, 7426, 0], "balance −4,302 … 7,426"),
        ("balance {final_balance:range}", [100, 100], "balance 100"),
        ("{wall_s:range}", [0.012344, 0.0567], "12.3 … 56.7 ms"),
        ("{wall_s:range}", [0.0009, 1.5], "900 µs … 1.50 s"),
        ("{wall_s:median}", [0.1, 0.3, 0.2], "200 ms"),
        ("{lost_updates:median}", [1, 2], "1.5"),
        ("{lost_updates:max} at most", [1, 2**60 + 1], "1,152,921,504,606,846,977 at most"),
        ("{lost_updates:total}", [2**53, 1], "9,007,199,254,740,993"),
        ("{lossy:total} of them", [True, True, False], "2 of them"),
        ("{wall_s:total}", [0.1] * 10, "1.00 s"),
        ("{wall_s:total} in all", [1.7e308] * 2, "unknown in all"),
        ("{wall_s:median}", [2, 3, 1], "2 s"),
        ("{{literal}} {lost_updates:max}", [1], "{literal} 1"),
        ("{lost_updates:max}", [], "unknown"),
        ("no placeholder", [], "no placeholder"),
        ("{wall_s:max}[, lost {lost_updates:max}]", [2], "2 s, lost 2"),
        ("done[, lost {lost_updates:max} in {wall_s:max}]", [], "done"),
        ("[[{lost_updates:max}]]", [1], "[1]"),
    ],
)
def test_a_sentence_is_filled_in(template, values, filled):
    check_summary(template, METRICS, ())
    units = {field.name: field.unit for field in METRICS}
    assert fill_summary(template, CaseValues(metrics=dict.fromkeys(units, values), units=units)) == filled


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([(100, 1_000)], "100"),
        ([(99, 4), (100, 996)], "99 (0.4%), 100 (99.6%)"),
        ([(99, 1), (100, 19_999)], "99 (0.005%), 100 (99.995%)"),
        ([(-1, 1), (0, 1), ("late", 2)], "−1 (25%), 0 (25%), late (50%)"),
        ([(-4302, 1), (7, 1), (8, 1), (5750, 1)], "−4,302 … 5,750 (4 states)"),
        ([(True, 1), ("007", 1)], 'True (50%), "007" (50%)'),
        ([], "unknown"),
    ],
)
def test_the_states_of_an_outcome_are_told_with_their_shares_or_their_range(counts, told):
    template = "{final_balance:states}"
    check_summary(template, METRICS, ["final_balance"])
    case = CaseValues(metrics={}, units={}, states={"final_balance": counts})
    assert fill_summary(template, case) == told


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{lost:affected}",
            r"'lost' is no metric of the scenario \(metrics: lost_updates, final_balance, .*\)$",
        ),
        (
            "{wall_s}",
            r"\{wall_s\} asks for no known statistic \(affected, range, .*, total, of COUNT, among COUNT, states\)$",
        ),
        ("{wall_s:mean}", r"\{wall_s:mean\} asks for no known statistic"),
        ("{wall_s:{lossy}}", r"asks for no known statistic"),
        ("{lost_updates:of}", r"\{lost_updates:of\} asks for no known statistic"),
        ("{lost_updates:max rounds}", r"\{lost_updates:max rounds\} asks for no known statistic"),
        ("{lost_updates:of turns}", r"'turns' is no metric or param of the scenario that is an int$"),
        ("{wall_s!r:max}", r"\{wall_s!r\} has a conversion, and there are none$"),
        ("{remark:max}", r"the metric 'remark' is text, which has no max$"),
        ("{:max}", r"'' is no metric"),
        ("{wall_s.real:max}", r"'wall_s\.real' is no metric"),
        ("{wall_s:max", r"^summary '\{wall_s:max': "),
        ("100 }", r"Single '}' encountered in format string$"),
        ("{wall_s:states}", r"'wall_s' is no outcome of the scenario \(outcomes: final_balance\)$"),
        ("[{wall_s:max}", r"a \[ has no \]; two of them stand for one$"),
        ("[a [b]]", r"a \[ has no place there; two of them stand for one$"),
        ("a]", r"a \] has no place there; two of them stand for one$"),
    ],
)
def test_a_wrong_sentence_is_refused_with_its_fault(template, reason):
    with pytest.raises(PluginError, match=reason):
        check_summary(template, METRICS, ["final_balance"])


def test_a_count_of_a_param_is_told_with_how_many_there_were_in_all_trials():
    template = "lost in {lost_updates:of rounds}"
    check_summary(template, METRICS, (), [Field(name="rounds", type="int")])
    case = CaseValues(
        metrics={"lost_updates": [30, 0, 1]}, units={"lost_updates": ""}, params={"rounds": 20_000}
    )
    assert fill_summary(template, case) == "lost in 31 of 60,000 rounds"


def test_percent_is_the_share_over_all_trials():
    case = CaseValues(metrics={"share": [1.0, 1.0, 1.0, 0.0]}, units={"share": ""})
    assert fill_summary("{share:percent} of rounds", case) == "75% of rounds"


def test_a_baseline_may_be_the_case_with_as_many_processes_as_cpus():
    declaration = replace(
        DECLARATION,
        params=(Field(name="guard", type="str"), Field(name="workers", type="int", counts_processes=True)),
    )
    records = [
        replace(made, attempt=replace(made.attempt, params={"guard": guard, "workers": workers}))
        for guard, workers in (("none", 4), ("lock", 1))
        for made in [record(guard, repeat) for repeat in range(5)]
    ]
    made = header(declaration, baseline={"workers": "cpu_count"})
    summary = summary_of(*records, header=replace(made, cpus=4))
    assert summary.loc[summary["case_id"] == "case-lock", "ratio"].notna().any()
