"""The journal: what was acknowledged is read back, whatever cut, damaged or shared the file."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tracemalloc
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mprunner.errors import ResultsError
from mprunner.model.records import Attempt, Ending, Record, Result, Status
from mprunner.runs import Journal, Reading, read_journal
from tests.made import actor, attempt, header, outcome, record
from tests.support import printed

RECORDS = (
    record(repeat=0),
    record("lock", 1, outcomes=[outcome(-4302)]),
    record(repeat=2, status=Status.ERROR),
)


def written(path, *entries):
    """Write a journal of attempts that were started and records that ended."""
    with Journal.create(path, header()) as journal:
        for entry in entries:
            (journal.ended if isinstance(entry, Record) else journal.started)(entry)
    return path


def line(value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def recorded(path):
    return list(Reading(path).records())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


whole = st.integers(-(2**63), 2**63 - 2_000)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
named = st.dictionaries(st.text(), scalars, max_size=3)
records = st.builds(
    Record,
    attempt=st.builds(
        Attempt,
        params=st.fixed_dictionaries({"guard": scalars, "transactions": scalars}),
        timeout_s=st.floats(0, 1e6),
        **dict.fromkeys(("repeat", "attempt", "order", "seed"), whole),
    ),
    status=st.sampled_from(Status),
    ending=st.builds(
        Ending,
        wall_s=st.none() | st.floats(0, 1e6),
        cpu_user_s=st.none(),
        cpu_system_s=st.none(),
        malformed=st.none() | st.text(),
        result=st.none()
        | st.builds(
            Result,
            metrics=named,
            outcomes=st.lists(st.builds(outcome, scalars, st.integers(0, 2**63 - 1)), max_size=2).map(tuple),
            actors=st.lists(st.builds(actor, whole), max_size=2).map(tuple),
            samples=st.lists(named, max_size=2).map(tuple),
        ),
    ),
)


@given(st.lists(records, max_size=3))
@settings(max_examples=60)
def test_records_are_read_back_equal_and_in_order(tmp_path_factory, made):
    path = written(tmp_path_factory.mktemp("run") / "journal.jsonl", *made)
    assert recorded(path) == made


def test_the_header_is_read_back_equal(path):
    made = header(baseline={"guard": "none"}, repeats=10)
    Journal.create(path, made).close()
    assert read_journal(path).header == made


def test_a_journal_cut_at_any_byte_has_exactly_its_whole_records_and_goes_on_after_them(path, monkeypatch):
    monkeypatch.setattr("mprunner.runs.journal._sync_data", lambda fd: None)
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    whole = written(path, *RECORDS).read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        if cut < ends[0]:
            with pytest.raises(ResultsError, match=r"has no header$"):
                read_journal(path)
            continue
        kept = list(RECORDS[: sum(end <= cut for end in ends) - 1])
        found = read_journal(path)
        assert recorded(path) == kept
        assert found.torn_bytes == cut - max(end for end in ends if end <= cut)
        with Journal.reopen(path) as journal:
            journal.ended(RECORDS[0])
        assert recorded(path) == [*kept, RECORDS[0]]


def test_any_flipped_bit_before_the_last_line_is_refused_with_line_and_byte_and_left_alone(path):
    whole = written(path, *RECORDS).read_bytes()
    lines = whole.splitlines(keepends=True)
    start = len(lines[0]) + len(lines[1])
    for position in range(start, start + len(lines[2])):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(ResultsError, match=rf"journal\.jsonl: line 3, byte {start}: damaged: "):
            read_journal(path)
    with pytest.raises(ResultsError, match="damaged"):
        Journal.reopen(path)
    assert path.read_bytes() == damaged


def test_a_damaged_last_line_that_has_its_line_end_is_refused(path):
    whole = written(path, *RECORDS).read_bytes()
    path.write_bytes(whole[:-2] + b"]\n")
    with pytest.raises(ResultsError, match=r"line 4, byte \d+: damaged: the checksum does not match$"):
        read_journal(path)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line(b"{"), "Expecting"),
        (line(b'{"started": NaN}'), "NaN is not JSON"),
        (line(["ended"]), "'list' object has no attribute 'items'"),
        (line({}), "not enough values"),
        (line({"noted": {}}), "a line of the kind 'noted' has no place there"),
        (line({"header": header().to_json()}), "a line of the kind 'header' has no place there"),
        (line({"ended": {}}), "'attempt' is missing"),
        (line({"started": {"trial_id": "x"}}), "it has no case_id"),
        (line("ß".encode("latin-1")), "codec can't decode"),
        (b"\n", "the checksum does not match"),
    ],
)
def test_a_line_with_a_good_checksum_that_is_no_record_is_refused(path, bad, reason):
    size = written(path).stat().st_size
    path.write_bytes(path.read_bytes() + bad)
    with pytest.raises(ResultsError, match=rf"line 2, byte {size}: damaged: .*{reason}"):
        read_journal(path)


def test_a_record_that_lacks_a_field_is_refused_when_it_is_read(path):
    value = RECORDS[0].to_json()
    del value["containment"]
    written(path)
    path.write_bytes(path.read_bytes() + line({"ended": value}))
    with pytest.raises(ResultsError, match="it has no containment"):
        recorded(path)


def test_another_format_is_refused_by_its_number(path):
    path.write_bytes(line({"header": {"format": 2}}))
    with pytest.raises(ResultsError, match=r"is in format 2, and this mprunner reads format 1$"):
        read_journal(path)


def test_a_file_that_is_no_journal_is_refused(path):
    path.write_bytes(line({"started": {}}))
    with pytest.raises(ResultsError, match=r"line 1, byte 0: damaged: the first line is no header$"):
        read_journal(path)


def test_attempts_that_never_ended_are_told(path):
    again = attempt("lock", 1, number=2)
    written(path, attempt(repeat=0), record(repeat=0), attempt("lock", 1), again)
    assert read_journal(path).unfinished == (attempt("lock", 1), again)


def test_what_is_appended_after_reopening_is_none_of_the_earlier_records(path):
    with Journal.reopen(written(path, RECORDS[0])) as journal:
        journal.ended(RECORDS[1])
        assert list(journal.earlier_records()) == [RECORDS[0]]
    assert recorded(path) == [*RECORDS[:2]]


def test_reading_needs_the_same_memory_for_any_number_of_records(path):
    written(path, attempt(), *RECORDS)
    lines = path.read_bytes().splitlines(keepends=True)
    peaks = []
    for times in (10, 1_000):
        path.write_bytes(lines[0] + b"".join(lines[1:]) * times)
        tracemalloc.start()
        assert sum(1 for _ in Reading(path).records()) == 3 * times
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


def test_only_ended_records_are_synced_and_each_once(path, monkeypatch):
    synced = []
    with Journal.create(path, header()) as journal:
        monkeypatch.setattr("mprunner.runs.journal._sync_data", synced.append)
        journal.started(attempt())
        assert not synced
        journal.ended(RECORDS[0])
        assert len(synced) == 1


def test_a_number_that_is_not_finite_is_never_written(path):
    with Journal.create(path, header()) as journal:
        before = path.read_bytes()
        with pytest.raises(ResultsError, match="can't be written as JSON"):
            journal.ended(record(metrics={"wall_s": float("nan")}))
    assert path.read_bytes() == before


def test_a_journal_is_never_overwritten(path):
    before = written(path).read_bytes()
    with pytest.raises(ResultsError, match=r"journal\.jsonl exists already$"):
        Journal.create(path, header())
    assert path.read_bytes() == before


def test_a_missing_folder_is_told_with_a_hint(tmp_path):
    with pytest.raises(ResultsError, match=r"can't be written: No such file") as caught:
        Journal.create(tmp_path / "gone" / "journal.jsonl", header())
    assert caught.value.hint == "the folder is gone: was it moved or removed?"


def test_a_journal_without_its_header_is_not_left_behind(path, monkeypatch):
    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(ResultsError):
        Journal.create(path, header())
    assert not path.exists()


def full_disk(fd, data):
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_told_with_the_file_and_a_hint(path, monkeypatch):
    with Journal.create(path, header()) as journal:
        monkeypatch.setattr(os, "write", full_disk)
        with pytest.raises(ResultsError, match=r"journal\.jsonl can't be written: No space left") as caught:
            journal.ended(RECORDS[0])
        assert caught.value.hint == "the disk is full: free some space"


SHORT_WRITE = """
import resource, sys
from pathlib import Path
from mprunner.errors import ResultsError
from mprunner.runs import Journal, Reading, read_journal
from tests.made import header, record
path = Path(sys.argv[1])
with Journal.create(path, header()) as journal:
    journal.ended(record(repeat=0))
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    try:
        journal.ended(record(repeat=1))
    except ResultsError as error:
        print(error)
    assert path.stat().st_size == size
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.ended(record(repeat=2))
print(*(each.attempt.repeat for each in Reading(path).records()))
"""


def test_half_a_record_is_cut_off_again_when_there_is_no_room_for_it(path):
    told, kept = printed(SHORT_WRITE, path).splitlines()
    assert told.startswith(f"{path} can't be written: only 100 of ")
    assert kept == "0 2"


def test_half_a_record_that_can_not_be_cut_off_at_once_is_cut_off_before_the_next(path, monkeypatch):
    real = os.write
    with Journal.create(path, header()) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda fd, data: real(fd, data[:10]))
            patch.setattr(os, "ftruncate", full_disk)
            with pytest.raises(ResultsError, match="only 10 of"):
                journal.ended(RECORDS[0])
        assert read_journal(path).torn_bytes == 10
        journal.ended(RECORDS[1])
    assert recorded(path) == [RECORDS[1]]


HOLD = """
import sys
from pathlib import Path
from mprunner.runs import Journal
with Journal.reopen(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_runner_is_refused_until_the_first_is_gone_however_it_ends(path):
    written(path, RECORDS[0])
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ResultsError, match=r"another runner is using this run$"):
            Journal.reopen(path)
        assert recorded(path) == [RECORDS[0]]
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    Journal.reopen(path).close()


def test_a_command_that_only_looks_whether_a_run_is_held_keeps_no_runner_from_it(path, monkeypatch):
    written(path, RECORDS[0])
    with path.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr("mprunner.runs.journal.sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        Journal.reopen(path).close()


def test_a_second_journal_on_one_file_is_refused_in_the_same_process(path):
    with Journal.create(path, header()), pytest.raises(ResultsError, match="another runner"):
        Journal.reopen(path)


def test_an_attempt_with_other_fields_than_usual_is_kept(path):
    odd = replace(attempt(), params={"guard": 'a "quoted"\nline \ud800', "transactions": None})
    assert read_journal(written(path, odd)).unfinished == (odd,)
