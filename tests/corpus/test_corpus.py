"""The corpus: each class is what its docstring says it is.

How long its race takes to show: tests/benchmarks/corpus.py.
"""

import sys
from pathlib import Path
from random import Random

import pytest

from mprunner.scenario import Trial
from mprunner_scenarios import own_race
from mprunner_scenarios.actors.own_race import Call, Shared, state_of
from mprunner_scenarios.races.subject import find_subject, make_object, serial
from mprunner_scenarios.shared.own_code import find
from tests.corpus import CORPUS

HERE = str(Path(__file__).parent)
UNSAFE = [pytest.param(entry, id=entry.name) for entry in CORPUS if not entry.safe]
SAFE = [
    pytest.param(entry, kind, id=f"{entry.name}-{kind}")
    for entry in CORPUS
    if entry.safe
    for kind in entry.kinds
    if kind != "interpreter"
]


def test_there_are_twenty_unsafe_and_twenty_safe_classes_and_four_of_each_for_processes():
    assert len({entry.name for entry in CORPUS}) == len(CORPUS)
    for safe in (True, False):
        alike = [entry for entry in CORPUS if entry.safe is safe]
        assert len(alike) >= 20
        assert sum("process" in entry.kinds for entry in alike) >= 4


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_a_class_says_what_it_is_and_never_ends_in_a_raced_state_one_actor_after_the_other(entry):
    assert "Ends in " in find("race", entry.place, type).__doc__
    found = serial(find_subject(entry.place, None), Random(0))
    assert found.order is not None
    assert found.states
    assert not found.states & set(entry.raced)


def interrupted(entry, order, pause):
    """Have one actor call its method, and the other one do all of its own before the first's instruction ``pause``.

    Both are in one thread: the order is exact, and any two threads may come to it. Return the state, and whether
    the first one had so many instructions, counted in the class alone and not in what it calls.
    """
    subject = find_subject(entry.place, None)
    made, texts = make_object(subject), [None, None]
    if hasattr(made, "timeout"):
        made.timeout = 0  # who is interrupted can't end what the other would wait for
    shared = Shared(made, texts)
    first, second = (Call(shared, index, subject.methods[index]) for index in order)
    done = 0

    def trace(frame, event, argument):
        nonlocal done
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            done += 1
            if done == pause:
                sys.settrace(None)
                second()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        first()
    finally:
        sys.settrace(before)
    return state_of(subject.parts, texts, made), done >= pause


@pytest.mark.parametrize("entry", UNSAFE)
def test_an_unsafe_class_ends_in_a_raced_state_if_one_actor_interrupts_the_other_somewhere(entry):
    seen = set()
    for order in ((0, 1), (1, 0)):
        for pause in range(1, 1_000):
            state, paused = interrupted(entry, order, pause)
            if state in entry.raced:
                return
            if not paused:
                break
            seen.add(state)
    pytest.fail(f"it ended in {seen}, never in {entry.raced}")


def raced_rounds(entry, kind, rounds, folder, monkeypatch):
    """Execute a trial of own-race of a class, and return how many of its rounds raced."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))  # where the classes have their files
    trial = Trial(own_race.OwnRace, seed=0, repeat=0, tmp_path=folder)
    params = own_race.Params(race=entry.place, kind=kind, rounds=rounds)
    return own_race.OwnRace().run(params, trial).raced_rounds


@pytest.mark.parametrize(("entry", "kind"), SAFE)
def test_a_safe_class_stays_clean(entry, kind, tmp_path, monkeypatch):
    assert raced_rounds(entry, kind, 300, tmp_path, monkeypatch) == 0


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize(("entry", "kind"), SAFE)
def test_a_safe_class_stays_clean_in_100_000_rounds(entry, kind, part, tmp_path, monkeypatch):
    """In five parts, as threads that share their CPUs with other tests do a thousand rounds a second."""
    assert raced_rounds(entry, kind, 20_000, tmp_path, monkeypatch) == 0
