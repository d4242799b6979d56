"""Tables: one row per attempt, exact types, and CSV files that any reader splits where they are meant to be."""

import csv
import os
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.errors import ResultsError
from mprunner.model.columns import TABLES
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.model.text import escaped, printable, unescaped
from mprunner.tables.csv import make_frame, write_csv
from mprunner.tables.frames import build_frames
from tests.made import DECLARATION, actor, outcome, record, run, tables

TRIAL_COLUMNS = tuple(TABLES["trials"].columns)
SAMPLED = replace(DECLARATION, sample=(Field(name="round", type="int"), Field(name="lag_s", type="float")))
anything = st.text(st.characters())  # lone surrogates too


def cells(frame, path):
    """Write a frame and read it back as rows of text, by Python's own reader."""
    write_csv(frame, path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def bits(value):
    return struct.pack("<d", value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.csv"


def test_the_columns_of_trials_are_the_documented_ones_then_params_then_metrics():
    documented = (
        "run_id, trial_id, experiment, scenario, case_id, case_label, repeat, attempt, is_final, order, is_warmup, "
        "status, exit_code, signal, "
        "error_type, error_message, leaked, containment, python, gil_enabled, switch_interval_s, host, started_at, "
        "trial_wall_s, cpu_user_s, cpu_system_s, max_process_rss_bytes, others_cpu_s, seed"
    )
    assert ", ".join(TRIAL_COLUMNS) == documented
    trials = build_frames(run(record())).trials
    declared = ("guard", "transactions", "lost_updates", "final_balance", "wall_s", "lossy", "remark")
    assert tuple(trials.columns) == (*TRIAL_COLUMNS, *declared)


@pytest.mark.parametrize("records", [(), (record(),), (record(status=Status.ERROR),)])
def test_the_types_of_columns_do_not_depend_on_what_was_recorded(records):
    made = tables(run(*records, declaration=SAMPLED))
    types = made["trials"].dtypes.astype(str)
    assert set(types) == {"string", "Int64", "Float64", "boolean"}
    assert types["repeat"] == types["signal"] == types["lost_updates"] == "Int64"
    assert types["trial_wall_s"] == types["wall_s"] == "Float64"
    assert types["is_final"] == types["lossy"] == "boolean"
    assert types["error_message"] == types["guard"] == "string"
    assert list(made["samples"].dtypes.astype(str)) == ["string", "string", "Int64", "Float64"]
    assert list(made["outcomes"].columns[3:7]) == ["case_id", "case_label", "guard", "transactions"]


def test_samples_are_a_table_only_where_the_scenario_declares_some():
    assert "samples" not in tables(run(record()))
    sampled = tables(run(record(samples=[{"round": 1, "lag_s": 0.5}]), declaration=SAMPLED))
    assert sampled["samples"].to_dict("records") == [
        {"run_id": "20250101T000000Z-abcdef", "trial_id": "trial-none-0", "round": 1, "lag_s": 0.5}
    ]


def test_a_row_says_what_the_record_says():
    row = build_frames(run(record(metrics={"lost_updates": 3}))).trials.iloc[0]
    assert row["run_id"] == "20250101T000000Z-abcdef"
    assert (row["python"], row["host"]) == ("3.12.1", "here")
    assert (row["status"], row["exit_code"], row["leaked"]) == ("ok", 0, 0)
    assert (row["trial_wall_s"], row["wall_s"], row["lost_updates"], row["lossy"]) == (0.75, 0.5, 3, False)
    assert (row["guard"], row["transactions"], row["seed"]) == ("none", 1_000, 2**53 - 1)
    assert row[["signal", "error_type", "error_message", "remark"]].isna().all()


def test_only_the_last_attempt_of_a_trial_is_final():
    lost = record(status=Status.LOST, number=1)
    trials = build_frames(run(lost, record("lock"), record(number=2))).trials
    assert list(zip(trials["trial_id"], trials["attempt"], trials["is_final"], strict=True)) == [
        ("trial-none-0", 1, False),
        ("trial-lock-0", 1, True),
        ("trial-none-0", 2, True),
    ]


def test_the_statuses_of_a_case_are_those_of_its_last_attempts_ok_first():
    frames = build_frames(
        run(
            record(repeat=-1, status=Status.ERROR),
            record(status=Status.LOST),
            record(repeat=1, status=Status.TIMEOUT),
            record(number=2),
            record("lock", -1, status=Status.CANCELLED),
        )
    )
    assert list(frames.statuses["case-none"].items()) == [("ok", 1), ("error", 1), ("timeout", 1)]
    assert list(frames.measured_statuses["case-none"].items()) == [("ok", 1), ("timeout", 1)]
    assert (frames.statuses["case-lock"], frames.measured_statuses["case-lock"]) == ({"cancelled": 1}, {})


def test_trials_are_in_the_order_of_the_plan_and_actors_in_that_in_which_they_ended():
    made = [
        record("lock", 1, order=3),
        record("none", 1, order=2),
        record("lock", 0, order=1),
        record(order=0),
    ]
    made = [replace(each, ending=replace(each.ending, result=with_actor(each))) for each in made]
    frames = build_frames(run(*made))
    expected = ["trial-none-0", "trial-lock-0", "trial-none-1", "trial-lock-1"]
    assert list(frames.trials["trial_id"]) == expected
    ended = [each.attempt.trial_id for each in made]
    assert list(tables(run(*made))["actors"]["trial_id"]) == ended
    assert frames.labels == {"case-none": "guard none", "case-lock": "guard lock"}
    assert list(frames.labels) == list(frames.params) == ["case-none", "case-lock"]


def with_actor(each):
    return replace(each.ending.result, actors=(actor(0),))


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.LOST])
def test_actors_and_samples_are_those_of_the_attempt_that_counts(status):
    first = record(status=status, actors=[actor(0)], samples=[{"round": 0, "lag_s": 0.0}])
    last = record(number=2, actors=[actor(1), actor(2)], samples=[{"round": 9, "lag_s": None}])
    made = tables(run(first, last, declaration=SAMPLED))
    assert list(made["actors"]["actor"]) == [1, 2]
    assert list(made["samples"]["round"]) == [9]


def test_outcomes_are_counted_over_the_last_attempts_of_all_trials_warm_up_and_failures_too():
    made = tables(
        run(
            record(repeat=-1, outcomes=[outcome(100, 2)]),
            record(repeat=0, status=Status.ERROR, outcomes=[outcome(98, 5)]),
            record(repeat=1, status=Status.LOST, outcomes=[outcome(1, 50)]),
            record(repeat=1, number=2, outcomes=[outcome(100), outcome(-3, 2)]),
            record("lock", 0, order=9, outcomes=[outcome(100)]),
        )
    )
    columns = ["case_id", "guard", "value", "count", "observations", "share"]
    assert made["outcomes"][columns].to_numpy().tolist() == [
        ["case-none", "none", "-3", 2, 10, 0.2],
        ["case-none", "none", "98", 5, 10, 0.5],
        ["case-none", "none", "100", 3, 10, 0.3],
        ["case-lock", "lock", "100", 1, 1, 1.0],
    ]
    assert made["outcomes"][["verdict", "note"]].isna().all(axis=None)


def test_states_that_python_calls_equal_but_read_differently_are_counted_apart():
    states = [outcome(1), outcome(1.0), outcome(True), outcome("one")]
    outcomes = tables(run(record(outcomes=states)))["outcomes"]
    assert sorted(outcomes["value"]) == ["1", "1.0", "True", "one"]


def test_a_result_that_is_none_leaves_its_reason_as_the_message():
    bad = record(status=Status.BAD_RESULT)
    bad = replace(bad, ending=replace(bad.ending, result=None, malformed="not a result"))
    assert list(build_frames(run(bad)).trials["error_message"]) == ["not a result"]


def test_a_long_message_is_capped():
    failed = record(status=Status.ERROR, error_type="ValueError", error_message="x" * 5_000)
    (message,) = build_frames(run(failed)).trials["error_message"]
    assert message == "x" * 1_999 + "…"


def test_a_value_of_another_type_than_declared_is_refused_by_its_column():
    with pytest.raises(ResultsError, match=r"^column 'wall_s': a value is not of the declared type float"):
        build_frames(run(record(metrics={"wall_s": "long"})))


@given(st.lists(st.none() | st.integers(), min_size=1))
def test_whole_numbers_of_any_size_survive_beside_missing_values(tmp_path_factory, numbers):
    frame = make_frame({"number": "int", "row": "int"}, [{"number": n, "row": 0} for n in numbers])
    _, *rows = cells(frame, tmp_path_factory.getbasetemp() / "numbers.csv")
    assert [row[0] for row in rows] == ["" if n is None else str(n) for n in numbers]


@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1))
def test_floats_keep_every_bit(tmp_path_factory, numbers):
    frame = make_frame({"number": "float", "row": "int"}, [{"number": n, "row": 0} for n in numbers])
    _, *rows = cells(frame, tmp_path_factory.getbasetemp() / "floats.csv")
    assert [row[0] and bits(float(row[0])) for row in rows] == ["" if n is None else bits(n) for n in numbers]


@given(anything)
def test_escaped_text_is_one_line_of_utf_8_and_is_restored(text):
    safe = escaped(text)
    assert len(f"{safe}.".splitlines()) == 1
    assert safe.encode("utf-8").isascii() or not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in safe)
    assert "\0" not in safe
    assert unescaped(safe) == text


def test_escapes_are_those_of_python():
    assert escaped("a\\b\r\n\t\0\x1b\x7f\x85\u2028\ud800ß") == r"a\\b\r\n\t\x00\x1b\x7f\x85\u2028\ud800ß"
    assert printable("a\\b\n") == r"a\b\n"


@given(st.lists(st.tuples(anything, anything), min_size=1))
def test_no_text_splits_a_row(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "texts.csv"
    frame = make_frame({"a": "str", "b": "str", "row": "int"}, [{"a": a, "b": b, "row": 0} for a, b in texts])
    _, *rows = cells(frame, path)
    assert [tuple(map(unescaped, row[:2])) for row in rows] == texts
    assert path.read_bytes().count(b"\n") == len(texts) + 1
    assert b"\r" not in path.read_bytes()


def test_a_frame_without_rows_is_a_file_with_its_header(path):
    write_csv(tables(run())["actors"], path)
    assert path.read_text(encoding="utf-8") == (
        "run_id,trial_id,actor,started_by,pid,start_latency_s,start_skew_s,wall_s,cpu_s,rounds,exit_code,error_type\n"
    )


def test_a_table_that_can_not_be_written_leaves_the_old_one_and_nothing_else(path, monkeypatch):
    path.write_text("old", encoding="utf-8")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultsError, match=r"table\.csv can't be written: No space left") as caught:
        write_csv(build_frames(run(record())).trials, path)
    assert caught.value.hint == "the disk is full: free some space"
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(path.parent) == ["table.csv"]


def test_a_table_in_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ResultsError, match="No such file or directory"):
        write_csv(build_frames(run()).trials, tmp_path / "gone" / "trials.csv")


def test_a_table_replaces_the_old_one_at_once(path, monkeypatch):
    path.write_text("old", encoding="utf-8")
    seen = []
    real = os.fsync

    def look(fd):
        seen.append(path.read_text(encoding="utf-8")[:6])
        real(fd)

    monkeypatch.setattr(os, "fsync", look)
    write_csv(build_frames(run()).trials, path)
    assert seen == ["old", "run_id"]  # the file is synced before it is renamed, the folder after
