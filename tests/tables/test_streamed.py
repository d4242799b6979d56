"""Tables written while the journal is read: byte for byte those of whole frames, in memory that does not grow."""

import errno
import os
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mprunner.errors import ResultsError
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.runs import Journal, read_journal
from mprunner.runs.journal_reader import Reading
from mprunner.tables.csv import StreamedTables, write_csv
from mprunner.tables.frames import build_frames
from tests.made import DECLARATION, actor, header, record, run, tables

SAMPLED = replace(
    DECLARATION,
    sample=(
        Field(name="round", type="int"),
        Field(name="lag_s", type="float"),
        Field(name="late", type="bool"),
        Field(name="word", type="str"),
    ),
)
samples = st.fixed_dictionaries(
    {},
    optional={
        "round": st.none() | st.integers(),
        "lag_s": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        "late": st.none() | st.booleans(),
        "word": st.none() | st.text(st.characters()) | st.sampled_from(["", "NA", "a,b", '"', "\r", "\\"]),
    },
)
kinds = st.sampled_from(["process", "a,b", "\n"])


@st.composite
def runs(draw):
    """Records of some trials, each of one or several attempts of which the last counts, that ended in any order."""
    made = []
    for order in range(draw(st.integers(0, 6))):
        attempts = draw(st.integers(1, 3))
        for number in range(1, attempts + 1):
            last = number == attempts
            status = draw(
                st.sampled_from([Status.OK, Status.ERROR] if last else [Status.CANCELLED, Status.LOST])
            )
            each = record(
                repeat=order,
                number=number,
                status=status,
                samples=draw(st.lists(samples, max_size=4)),
                actors=[replace(actor(n), kind=draw(kinds)) for n in range(draw(st.integers(0, 3)))],
            )
            if status is Status.LOST:
                each = replace(each, ending=replace(each.ending, result=None))
            made.append(each)
    return draw(st.permutations(made))


def streamed(made, folder, cut_off=()):
    """Write actors and samples while the records are read; return what is known of the files."""
    with StreamedTables(folder) as tables:
        build_frames(made, cut_off, begin=tables)
        return {name: write(folder / f"{name}.csv") for name, write in tables.writers().items()}


def check_same(made, files, folder):
    whole = tables(made)
    assert files.keys() == {"actors", "samples"}
    for name, file in files.items():
        assert write_csv(whole[name], folder / "whole.csv") == file
        assert (folder / f"{name}.csv").read_bytes() == (folder / "whole.csv").read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("streamed")


@given(runs())
@settings(max_examples=60)
def test_whatever_ended_in_whatever_order_a_table_is_that_of_its_whole_frame(folder, records):
    made = run(*records, declaration=SAMPLED)
    check_same(made, streamed(made, folder), folder)


@given(runs(), st.data())
@settings(max_examples=60)
def test_a_journal_read_once_gives_the_tables_of_one_read_twice(folder, records, data):
    """Attempts without an end come after all records, which a single reading knows only then."""
    path = folder / "journal.jsonl"
    path.unlink(missing_ok=True)
    with Journal.create(path, header(SAMPLED)) as journal:
        for each in records:
            journal.started(each.attempt)
            if data.draw(st.booleans()):
                journal.ended(each)
    reading = Reading(path)
    once = streamed(reading, folder, reading.cut_off())
    again = read_journal(path)
    assert again.unfinished == reading.unfinished
    ended = run(*Reading(path).records(), *reading.cut_off(), header=again.header)
    check_same(ended, once, folder)


def test_samples_are_in_the_order_in_which_their_trials_ended_and_each_trial_has_those_of_one_attempt(folder):
    rows = [[{"round": n}] for n in range(3)]
    cancelled = record(repeat=0, samples=rows[0], status=Status.CANCELLED)
    again = record(repeat=0, number=2, samples=rows[0])
    ended = (record(repeat=2, samples=rows[2]), cancelled, record(repeat=1, samples=rows[1]), again)
    streamed(run(*ended, declaration=SAMPLED), folder)
    lines = (folder / "samples.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1:3] for line in lines] == [
        ["trial_id", "round"],
        ["trial-none-2", "2"],
        ["trial-none-1", "1"],
        ["trial-none-0", "0"],
    ]


def test_a_value_of_another_type_than_declared_is_refused_by_its_column(folder):
    made = run(record(samples=[{"lag_s": "long"}]), declaration=SAMPLED)
    with pytest.raises(ResultsError, match=r"^column 'lag_s': a value is not of the declared type float"):
        streamed(made, folder)


def peak_of(trials, folder):
    """Write the samples of some trials that exist one at a time; return the peak memory in bytes."""

    class Passing:
        header, session = run(declaration=SAMPLED).header, run(declaration=SAMPLED).session

        def records(self):
            for repeat in range(trials):
                yield record(repeat=repeat, samples=[{"lag_s": n / 7, "word": "x" * 100} for n in range(200)])

    tracemalloc.start()
    try:
        streamed(Passing(), folder)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_samples(folder):
    """The text of 80,000 samples would be 11 MB; what is kept of a trial is its row of trials.csv."""
    peak_of(2, folder)  # what is imported only now
    few, many = peak_of(60, folder), peak_of(400, folder)
    assert many - few < 1_000_000


def test_nothing_is_left_beside_the_tables(tmp_path):
    streamed(run(record(), declaration=SAMPLED), tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["actors.csv", "samples.csv"]


def test_a_disk_that_is_full_while_the_journal_is_read_leaves_the_old_table_and_nothing_else(
    tmp_path, monkeypatch
):
    def full(hashing, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mprunner.tables.csv.Hashing.write", full)
    (tmp_path / "actors.csv").write_text("old")
    made = run(record(samples=[{"word": "x" * 100_000}] * 20), declaration=SAMPLED)
    with pytest.raises(ResultsError, match=r"actors\.csv can't be written: No space left") as caught:
        streamed(made, tmp_path)
    assert caught.value.hint == "the disk is full: free some space"
    assert (tmp_path / "actors.csv").read_text() == "old"
    assert os.listdir(tmp_path) == ["actors.csv"]


def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(ResultsError, match=r"actors\.csv can't be written: No such file"):
        streamed(run(), tmp_path / "gone")


def test_a_table_that_was_not_finished_leaves_the_old_one_even_where_nothing_went_wrong(tmp_path):
    (tmp_path / "samples.csv").write_text("old")
    with StreamedTables(tmp_path) as begun:
        build_frames(run(record(samples=[{"round": 1}]), declaration=SAMPLED), begin=begun)
    assert (tmp_path / "samples.csv").read_text() == "old"
    assert os.listdir(tmp_path) == ["samples.csv"]
