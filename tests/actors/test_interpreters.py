"""Actors that are interpreters: what reaches them, what is refused, and what becomes of one that fails."""

import multiprocessing
import os
import sys
from functools import partial

import pytest

from mprunner.actors.group import ActorsFailed, run_actors
from mprunner.actors.interpreters import InterpretersMissing
from tests.support import has_interpreters, needs_interpreters

SPAWN = multiprocessing.get_context("spawn")


def group(functions, **options):
    return run_actors(SPAWN, functions, kind="interpreter", **options)


@pytest.mark.skipif(has_interpreters(), reason="this Python has interpreters")
def test_a_python_without_interpreters_is_named(workers):
    version = ".".join(map(str, sys.version_info[:3]))
    with pytest.raises(InterpretersMissing, match=rf"^kind interpreter needs Python 3\.13 .* {version}$"):
        group([partial(workers.double, 1)])


@needs_interpreters
def test_each_interpreter_has_modules_of_its_own_in_the_worker_s_process(workers):
    result = group([workers.count_calls] * 2, rounds=3)
    assert [actor.value for actor in result.actors] == [(os.getpid(), 3)] * 2


@needs_interpreters
@pytest.mark.parametrize("make", ["Value", "Array", "RawValue", "Lock", "RLock", "Semaphore"])
def test_what_multiprocessing_shares_reaches_an_interpreter(workers, make):
    shared = getattr(SPAWN, make)
    lock = shared() if make in ("Lock", "RLock", "Semaphore") else None
    cell = SPAWN.RawValue("i", 0) if lock else shared("i", [0] if make == "Array" else 0)
    result = group([partial(workers.add_often, cell, lock, 100)] * 2, sync="spin")
    result.raise_failures()
    if lock is not None:
        assert cell.value == 200


@needs_interpreters
def test_a_pipe_reaches_an_interpreter(workers):
    reader, writer = SPAWN.Pipe(duplex=False)
    group([partial(workers.send_double, writer, 21)]).raise_failures()
    assert reader.recv() == 42
    reader.close()
    writer.close()


@needs_interpreters
def test_what_can_not_be_handed_over_is_refused_with_its_reason(workers):
    with pytest.raises(TypeError, match=r"^actor 1 can't be handed to an interpreter: .*lambda"):
        group([partial(workers.double, 1), lambda: None])


@needs_interpreters
def test_a_module_that_no_interpreter_can_import_is_the_actor_s_error(workers):
    result = group([workers.import_for_one_interpreter, partial(workers.double, 1)])
    if not result.actors[0].failed:
        pytest.skip("this Python has no such module")
    assert result.actors[0].error_type == "ImportError"
    assert "does not support loading in subinterpreters" in result.actors[0].error_message
    assert result.actors[1].value == 2


@needs_interpreters
def test_an_actor_that_its_interpreter_can_not_find_is_its_error_and_keeps_no_one_waiting(workers):
    result = group([partial(workers.double, 1), partial(workers.OnlyHere(), 1)], sync="spin", rounds=2)
    assert result.actors[1].error_type == "ModuleNotFoundError"
    with pytest.raises(
        ActorsFailed, match=r"^actor 1 raised ModuleNotFoundError: .*; actor 0 raised GateBroken"
    ):
        result.raise_failures()


@needs_interpreters
def test_the_traceback_of_an_actor_is_written_to_the_worker_s_standard_error(workers, capfd):
    cell = SPAWN.RawValue("i", 0)
    group([partial(workers.fail_in_round, cell, 1)])
    assert "in fail_in_round\n" in capfd.readouterr().err


@needs_interpreters
def test_an_actor_that_leaves_is_told_by_the_exception_it_leaves_with(workers):
    result = group([partial(workers.leave, 3)])
    told = result.actors[0]
    assert (told.kind, told.exit_code, told.error_type, told.error_message) == (
        "interpreter", None, "SystemExit", "3",
    )  # fmt: skip


@needs_interpreters
def test_a_value_that_can_not_be_sent_from_an_interpreter_is_its_error(workers):
    result = group([workers.unsendable])
    assert "can't be sent" in (result.actors[0].error_message or "")


@needs_interpreters
@pytest.mark.parametrize("sync", ["barrier", "spin"])
def test_interpreters_leave_no_descriptor_open(workers, sync):
    def once():
        cells = [SPAWN.RawValue("i", 0) for _ in range(2)]
        group([partial(workers.bump, cell) for cell in cells], sync=sync, rounds=3).raise_failures()

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        once()
    assert len(os.listdir("/proc/self/fd")) == before
