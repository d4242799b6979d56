"""What a person reads after a run, and how numbers are put into words."""

import signal
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.analysis.statistics import Interval
from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import judge
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.report.cells import compared_field
from mprunner.report.layout import plain
from mprunner.report.run_summary import digest, summary_lines
from mprunner.report.wording import bracketed, comparison, factor, number, quantity, span, trials
from mprunner.tables.frames import build_frames
from tests.made import DECLARATION, record, run


def rendered(*records, planned=None, width=120, **options):
    made = run(*records, planned=len(records) if planned is None else planned, **options)
    frames = build_frames(made)
    told = digest(made.header, frames, summarise(frames, made.header), judge(frames, made.header.rules))
    return plain(summary_lines(told, width))


def bank(case, walls, *, lost=0, statuses=None, order=0):
    """Trials of one case: their durations, and the statuses of some of them by repeat."""
    return [
        record(
            case,
            repeat,
            order=order + repeat,
            status=(statuses or {}).get(repeat, Status.OK),
            metrics={"wall_s": wall_s, "lost_updates": lost, "final_balance": 100 - lost * repeat},
        )
        for repeat, wall_s in enumerate(walls)
    ]


def test_a_run_is_told_in_an_answer_and_a_table_of_its_cases():
    walls = [0.1, 0.101, 0.102, 0.1, 0.103, 0.1]
    wobble = [1.0, 1.01, 0.99, 1.0, 1.02, 0.99]
    records = [
        *bank("none", walls, lost=717),
        *bank("lock", [5.1 * a * b for a, b in zip(walls, wobble, strict=True)], order=10),
        *bank("semaphore", [a * b / 1.8 for a, b in zip(walls, wobble, strict=True)], order=20),
    ]
    assert (
        rendered(*records, baseline={"guard": "none"}, width=80)
        == """\
bank: race-bank, 18 trials, all ok

Lost updates: guard none in all 6 trials.
Never in guard lock, 5.1× slower than guard none (5.0–5.2); guard semaphore,
1.80× faster than guard none (1.77–1.82).

                                              wall time, ×
guard        lost updates  final balance        guard none
! none             6 of 6   −3,485 … 100          baseline
  lock             0 of 6            100     5.1 (5.0–5.2)
  semaphore        0 of 6            100  0.56 (0.55–0.56)

! lost updates"""
    )


def test_failures_are_told_in_the_first_lines_and_in_a_column_of_the_table():
    records = [
        *bank("none", [0.1] * 5, statuses={1: Status.TIMEOUT, 3: Status.ERROR, 4: Status.TIMEOUT}),
        *bank("lock", [0.1] * 2, statuses=dict.fromkeys(range(2), Status.TIMEOUT), order=10),
        *bank("rlock", [0.1] * 2, statuses={0: Status.SIGNAL, 1: Status.LOST}, order=20),
    ]
    assert (
        rendered(*records)
        == """\
bank: race-bank, 9 trials, 2 ok, 1 error, 1 signal, 4 timeout, 1 lost
timeout (4 of 9 trials; see logs/trial-none-1.1.log)

guard     trials  lost updates  final balance
none       2 ok,        0 of 2            100
        1 error,
       2 timeout
lock   2 timeout
rlock  1 signal,
          1 lost

no case is compared with another: name one with `baseline:` in the file"""
    )


def test_warm_up_trials_are_told_apart_and_not_mixed_in():
    warmup = [record(repeat=-2, metrics={"lost_updates": 5}), record(repeat=-1, status=Status.ERROR)]
    assert rendered(*warmup, record()) == (
        "bank: race-bank, 1 trial, ok; 2 warm-up trials, 1 ok, 1 error\n"
        "\n"
        "guard none: 0 of 1 trial lost updates, final balance 100"
    )


def test_what_was_not_executed_is_told():
    assert rendered(planned=50) == "bank: race-bank, no trial executed; 50 of 50 planned not executed"
    assert rendered(record(repeat=-1), planned=3).splitlines() == [
        "bank: race-bank, no trial executed; 1 warm-up trial, ok; 2 of 3 planned not executed",
    ]


def test_an_attempt_that_was_executed_again_is_one_trial():
    first = rendered(record(status=Status.LOST), record(number=2), planned=1).splitlines()[0]
    assert first == "bank: race-bank, 1 trial, ok"


def test_a_scenario_without_a_sentence_has_its_medians_told():
    plain = replace(DECLARATION, summary="")
    assert rendered(*bank("none", [0.1, 0.25]), declaration=plain).splitlines()[2] == (
        "guard none: lost_updates 0, final_balance 100, wall_s 175 ms, lossy 0"
    )


def test_a_scenario_without_metrics_is_told_too():
    bare = replace(DECLARATION, summary="", metrics=())
    assert rendered(record(), declaration=bare).splitlines()[2] == "guard none: 1 trial ok"


def test_a_metric_called_wall_s_that_is_no_time_is_not_called_slow():
    odd = replace(DECLARATION, metrics=(Field(name="wall_s", type="float", unit="bricks"),), summary="")
    records = [*bank("none", [1.0]), *bank("lock", [2.5], order=5)]
    lines = rendered(*records, declaration=odd, baseline={"guard": "none"}).splitlines()
    assert lines[2] == "guard lock is 2.50× the wall s of guard none."
    assert lines[7] == "lock   2.5 bricks            2.50"


def test_numbers_of_any_size_can_be_told():
    assert number(1.7976931348623157e308) == "1.8e+308"
    assert quantity(1.7976931348623157e308, "s") == "1.8e+308 s"
    assert number(float("inf")) == "inf"


def test_where_there_is_no_wall_s_the_first_duration_is_compared():
    fields = (
        Field(name="lost_updates", type="int"),
        Field(name="elapsed_s", type="float", unit="s", doc="from the gate on"),
        Field(name="cpu_s", type="float", unit="s"),
    )
    declared = replace(DECLARATION, metrics=fields, summary="")
    assert compared_field(declared).name == "elapsed_s"
    assert (
        compared_field(replace(declared, metrics=(*fields, Field(name="wall_s", type="float")))).name
        == "wall_s"
    )
    assert compared_field(replace(declared, metrics=fields[:1])) is None


def test_a_scenario_without_a_duration_is_not_compared():
    untimed = replace(DECLARATION, metrics=(Field(name="lost_updates", type="int"),), summary="")
    lines = rendered(record(), record("lock"), declaration=untimed, baseline={"guard": "none"}).splitlines()
    assert not any("×" in line for line in lines)


def test_a_label_can_not_break_its_line():
    odd = record()
    odd = replace(odd, attempt=replace(odd.attempt, case_label="guard\n\x1b[31m\\none"))
    assert rendered(odd).splitlines()[2].startswith("guard\\n\\x1b[31m\\none: 0 of 1 trial")


def test_a_single_case_without_a_label_is_told_without_indentation():
    single = record()
    single = replace(single, attempt=replace(single.attempt, case_label=""))
    assert rendered(single).splitlines()[2].startswith("0 of 1 trial lost updates")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-4302, "−4,302"),
        (True, "1"),
        (2**64, "18,446,744,073,709,551,616"),
        (100.0, "100"),
        (6.5, "6.5"),
        (6.497, "6.50"),
        (-0.012345, "−0.0123"),
        (1234.5678, "1,235"),
        (9.996, "10.0"),
        (1.5e-7, "1.5e−07"),
        (1.25e20, "1.25e+20"),
    ],
)
def test_a_number_has_its_whole_digits_or_three_significant_ones(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.3456, "s", "12.3 s"),
        (0.9996, "s", "1.00 s"),
        (0.0123456, "s", "12.3 ms"),
        (0.00099951, "s", "1.00 ms"),
        (45e-6, "s", "45.0 µs"),
        (2e-10, "s", "0.200 ns"),
        (-0.5, "s", "−500 ms"),
        (0.0, "s", "0 s"),
        (1234.5, "s", "1,234 s"),
        (5, "s", "5 s"),
        (35812.7, "per_s", "35,813 per s"),
        (4096, "bytes", "4,096 bytes"),
        (7, "", "7"),
    ],
)
def test_a_quantity_has_its_unit_and_a_time_a_sensible_one(value, unit, text):
    assert quantity(value, unit) == text


def test_a_span_names_a_common_unit_once_and_a_single_point_once():
    assert span(1, 5, "bytes") == "1 … 5 bytes"
    assert span(0.5, 1.5, "s") == "500 ms … 1.50 s"
    assert span(0.10001, 0.10002, "s") == "100 ms"
    assert span(0.0, 1.5, "s") == "0 … 1.50 s"


def test_trials_are_counted_in_words():
    assert [trials(1), trials(2_000), trials(1, "warm-up ")] == ["1 trial", "2,000 trials", "1 warm-up trial"]


FEW = " by too few repeats to be sure"


@pytest.mark.parametrize(
    ("ratio", "interval", "text"),
    [
        (5.12, (4.81, 5.49), "5.1× slower than a (4.8–5.5)"),
        (5.12, None, f"5.1× slower than a{FEW}"),
        (1 / 1.8, (1 / 2, 1 / 1.6), "1.80× faster than a (1.60–2.00)"),
        (1.04, (1.02, 1.2), "1.04× slower than a (1.02–1.20)"),
        (1.04, None, f"1.04× slower than a{FEW}"),
        (12_345.6, (9.96, 20_000.0), "12,346× slower than a (10–20,000)"),
        (1.144, (1.11, 1.18), "1.14× slower than a (1.11–1.18)"),
        (2.994, (2.9, 3.2), "2.99× slower than a (2.90–3.20)"),
        (3.06, (2.5, 3.07), "3.06× slower than a (2.50–3.07)"),
        (1.234e9, (1.1e9, 1.3e9), "1.2e+09× slower than a (1.1e+09–1.3e+09)"),
        (1e-9, None, f"1e+09× faster than a{FEW}"),
        (0.0, None, "0× the wall time of a"),
        (0.0, (0.0, 0.0359), "0× the wall time of a (0–0.036)"),
    ],
)
def test_a_ratio_of_durations_is_told_as_slower_or_faster(ratio, interval, text):
    assert comparison("wall_s", "s", ratio, interval and Interval(*interval), "a") == text


@pytest.mark.parametrize(
    ("ratio", "interval", "text"),
    [
        (1.01, (0.97, 1.04), "as fast as a, within 5%"),
        (1.01, (0.94, 1.04), "not clearly faster or slower than a (0.94–1.04× its time)"),
        (0.5, (0.004, 3.0), "not clearly faster or slower than a (0.004–3.00× its time)"),
        (1.2, (1.1, 1.6), "perhaps 1.20× slower than a (1.10–1.60)"),
        (0.5, (0.4, 0.8), "perhaps 2.00× faster than a (1.25–2.50)"),
    ],
)
def test_cases_are_called_as_fast_only_where_the_whole_interval_says_so(ratio, interval, text):
    assert comparison("wall_s", "s", ratio, Interval(*interval), "a", clear=False) == text


@given(st.lists(st.floats(1e-12, 1e12), min_size=3, max_size=3).map(sorted))
def test_a_ratio_never_reads_as_if_it_were_outside_of_its_interval(ends):
    interval = Interval(ends[0], ends[2])
    low, high = bracketed(interval)[2:-1].replace(",", "").split("–")
    assert float(low) <= float(factor(ends[1], interval).replace(",", "")) <= float(high)


def failed(repeat, status=Status.ERROR, error=("ValueError", "boom"), guard="none"):
    error_type, message = error
    return record(guard, repeat, status=status, error_type=error_type, error_message=message)


def test_each_different_reason_is_told_once_and_what_most_trials_ended_of_first():
    text = rendered(
        failed(0, error=("KeyError", "'a'")), failed(1), failed(2), record(repeat=3), record("lock", 0)
    ).splitlines()
    assert "error: ValueError: boom (2 of 5 trials; see logs/trial-none-1.1.log)" in text
    assert "error: KeyError: 'a' (1 of 5 trials; see logs/trial-none-0.1.log)" in text
    assert [line.split(" ")[1] for line in text if line.startswith("error: ")] == ["ValueError:", "KeyError:"]


def test_reasons_that_differ_in_ids_of_processes_or_in_addresses_are_one():
    text = rendered(
        *(
            failed(n, error=("ValueError", f"child {4700 + n} ended: <Pipe at 0x7f00aa{n:02}>"))
            for n in range(3)
        ),
        failed(3, error=("KeyError", "process 4711")),
        failed(4, error=("KeyError", "row 1")),
        failed(5, error=("KeyError", "row 2")),
    ).splitlines()
    assert [line.partition(" (")[0] for line in text if line.startswith("error: ")] == [
        "error: ValueError: child … ended: <Pipe at 0x…>",
        "error: KeyError: process 4711",
        "error: KeyError: row 1",
        "error: KeyError: row 2",
    ]


def test_more_reasons_than_five_are_counted():
    text = rendered(*(failed(n, error=("ValueError", f"{n}")) for n in range(7)))
    assert [line.split(" ")[2] for line in text.splitlines() if line.startswith("error: ")] == list("01234")
    assert "… and 2 more reasons in trials.csv" in text


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (Status.TIMEOUT, (None, None), "timeout (1 of 2 trials; see logs/trial-none-0.1.log)"),
        (Status.EXIT, (None, None), "exit: exit code 1 (1 of 2 trials)"),
        (Status.NO_RESULT, (None, None), "no-result: exit code 1 (1 of 2 trials)"),
        (Status.BAD_RESULT, (None, "wall_s is text"), "bad-result: wall_s is text (1 of 2 trials)"),
        (Status.ERROR, ("OSError", ""), "error: OSError (1 of 2 trials; see logs/trial-none-0.1.log)"),
        (Status.ERROR, ("E", "one\ntwo"), "error: E: one (1 of 2 trials; see logs/trial-none-0.1.log)"),
        (Status.ERROR, ("E", "\x1b[31m"), "error: E: \\x1b[31m (1 of 2 trials; see logs/trial-none-0.1.log)"),
    ],
)
def test_a_reason_is_one_line_of_what_the_status_does_not_say(status, error, told):
    assert told in rendered(failed(0, status, error), record(repeat=1)).splitlines()


def test_a_timeout_names_the_time_that_a_trial_may_take_and_how_to_allow_more():
    text = rendered(failed(0, Status.TIMEOUT, (None, None)), record(repeat=1), timeout_s=1500.0)
    assert (
        "timeout: over 1,500 s (1 of 2 trials; see logs/trial-none-0.1.log; `--set timeout=3000` allows more)"
        in text.splitlines()
    )


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (signal.SIGSEGV, "signal: SIGSEGV (1 of 1 trial; see logs/trial-none-0.1.log)"),
        (signal.SIGKILL, "signal: SIGKILL (1 of 1 trial)"),
        (100, "signal: signal 100 (1 of 1 trial)"),
    ],
)
def test_a_signal_is_told_by_its_name_and_a_crash_with_its_log(number, told):
    ended = failed(0, Status.SIGNAL, (None, None))
    ending = replace(ended.ending, exit_code=None, signal=int(number), result=None)
    assert told in rendered(replace(ended, ending=ending)).splitlines()


def test_trials_that_ended_well_or_were_cancelled_have_no_reason():
    text = rendered(record(), failed(1, Status.CANCELLED, (None, None)), failed(2, Status.LOST, (None, None)))
    assert "logs/" not in text
    assert not any(line.startswith(("cancelled", "lost")) for line in text.splitlines())


def test_the_fastest_is_not_told_where_a_case_with_too_few_trials_is_faster():
    slow = [
        bank(guard, [wall_s] * 5, order=n)
        for n, (guard, wall_s) in enumerate({"a": 1, "b": 2, "c": 3}.items())
    ]
    told = rendered(*(each for case in slow for each in case), baseline={"guard": "a"})
    assert "than guard a, the baseline" in told or "guard a, the baseline, is the fastest" in told
    faster = rendered(
        *(each for case in [*slow, bank("d", [0.1] * 4)] for each in case), baseline={"guard": "a"}
    )
    assert "fastest" not in faster
    assert "shortest" not in faster


def test_a_run_whose_last_trial_was_cancelled_has_passed_so_far():
    expects = {"expect": [{"status": "ok", "stat": "every"}]}
    assert "verdict: passed so far" in rendered(
        record(), record(repeat=1, status=Status.CANCELLED), **expects
    )
