"""Actors on real processes, threads and interpreters: the start gate, rounds, `settle`; actors that fail or die."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from mprunner.actors.group import ActorsFailed, run_actors
from tests.support import GENEROUS_S, needs_interpreters, one_cpu

METHODS = ("fork", "spawn", "forkserver")
SYNCS = ("none", "barrier", "spin")


def group(functions, method="fork", **options):
    return run_actors(multiprocessing.get_context(method), functions, **options)


def cells_of(method, count):
    context = multiprocessing.get_context(method)
    return [context.Value("i", 0) for _ in range(count)]


WHO = [
    *(pytest.param((method, "process"), id=method) for method in METHODS),
    pytest.param(("fork", "thread"), id="thread"),
    pytest.param(("spawn", "interpreter"), id="interpreter", marks=needs_interpreters),
]
KINDS = ["process", "thread", pytest.param("interpreter", marks=needs_interpreters)]


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("who", WHO)
def test_every_actor_hands_over_what_it_returned(workers, who, sync):
    method, kind = who
    result = group([partial(workers.double, n) for n in (1, 2, 3)], method, kind=kind, sync=sync)
    assert [actor.value for actor in result.actors] == [2, 4, 6]
    assert [actor.rounds for actor in result.actors] == [1, 1, 1]
    told = {(actor.kind, actor.exit_code) for actor in result.actors}
    assert told == ({(method, 0)} if kind == "process" else {(kind, None)})
    if kind != "process":
        assert {actor.pid for actor in result.actors} == {os.getpid()}
    result.raise_failures()


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("who", WHO)
def test_settle_sees_every_round_complete_and_alone(workers, who, sync):
    """Each round adds 1 + 10 + 100; any other sum would mean that settle overlapped a round."""
    method, kind = who
    cells = cells_of(method, 3)
    bumps = [partial(workers.bump, cell, 10**i) for i, cell in enumerate(cells)]
    settle = partial(workers.take, cells)
    result = group(bumps, method, kind=kind, sync=sync, rounds=50, settle=settle)
    assert result.settled == {111: 50}
    assert [actor.rounds for actor in result.actors] == [50, 50, 50]


def bumped(workers, count, **options):
    """Return what was settled of so many actors that each add 1 a round."""
    cells = cells_of("spawn" if options.get("kind") == "interpreter" else "fork", count)
    bumps = [partial(workers.bump, cell) for cell in cells]
    return group(bumps, settle=partial(workers.take, cells), **options).settled


def test_settle_is_called_after_a_single_round_too(workers):
    assert bumped(workers, 2) == {2: 1}


@pytest.mark.parametrize("sync", SYNCS)
def test_more_actors_than_cpus_finish(workers, sync):
    many = 4 * (os.cpu_count() or 1)
    assert bumped(workers, many, sync=sync, rounds=20) == {many: 20}


def with_a_victim(victim, does, in_round, others, sync, kind="process"):
    """Have one of three actors do something else in a round; return the result and the errors of the others."""
    cells = [multiprocessing.get_context("fork").RawValue("i", 0) for _ in range(3)]
    actors = [partial(others, cell) for cell in cells]
    actors[victim] = partial(does, cells[victim], in_round)
    result = group(actors, kind=kind, sync=sync, rounds=1_000)
    return result, {actor.error_type for actor in result.actors if actor.actor != victim}


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_actor_is_a_fact_and_the_others_do_not_wait_for_it(workers, sync, victim):
    result, errors = with_a_victim(victim, workers.kill_self_in_round, 5, workers.bump, sync)
    assert result.actors[victim].exit_code == -signal.SIGKILL
    assert errors == {"GateBroken"}
    with pytest.raises(ActorsFailed, match=rf"^actor {victim} was killed by signal 9; "):
        result.raise_failures()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # what is tested
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_raising_actor_is_named_before_those_that_it_kept_from_going_on(workers, kind, sync, victim):
    result, errors = with_a_victim(victim, workers.fail_in_round, 3, workers.bump, sync, kind)
    with pytest.raises(ActorsFailed, match=rf"^actor {victim} raised LookupError: round 3; "):
        result.raise_failures()
    assert result.actors[victim].rounds == 2
    assert errors == {"GateBroken"}


def test_an_actor_killed_before_the_line_up_breaks_it(workers):
    """The others must not wait at the start gate for an actor whose process never came up."""
    context = multiprocessing.get_context("fork")

    class DeadOnArrival(context.Process):
        def run(self):
            os.kill(os.getpid(), signal.SIGKILL)

    started = []

    class Context(type(context)):
        @staticmethod
        def Process(*args, **kwargs):  # noqa: N802 - multiprocessing's name
            started.append(None)
            return (DeadOnArrival if len(started) == 2 else context.Process)(*args, **kwargs)

    result = run_actors(Context(), [partial(workers.double, 1)] * 3, sync="spin")
    assert result.actors[1].exit_code == -signal.SIGKILL
    assert [result.actors[i].error_type for i in (0, 2)] == ["GateBroken", "GateBroken"]


def test_an_exit_code_is_reported_as_the_process_gave_it(workers):
    result = group([partial(workers.leave, 3)])
    assert result.actors[0].exit_code == 3
    assert result.actors[0].error_type == "SystemExit"


def test_a_value_that_can_not_be_sent_is_an_error_of_that_actor(workers):
    result = group([workers.unsendable, partial(workers.double, 1)])
    assert result.actors[0].error_type is not None
    assert "can't be sent" in (result.actors[0].error_message or "")
    assert result.actors[1].value == 2


def test_an_actor_that_can_not_be_pickled_raises_and_leaves_no_process(workers):
    with pytest.raises(Exception, match=r"(?i)pickle"):
        group([partial(workers.double, 1), lambda: None], "spawn", sync="spin")
    assert multiprocessing.active_children() == []


def test_an_actor_that_leaves_a_process_behind_is_not_waited_for(workers):
    """The sentinel of multiprocessing stays silent here: the process left behind holds its other end."""
    pids = multiprocessing.get_context("fork").SimpleQueue()
    result = group([partial(workers.leave_a_daemon, pids)])
    os.kill(pids.get(), signal.SIGKILL)
    assert result.actors[0].exit_code == 0


def test_times_are_on_one_clock_and_never_negative(workers):
    result = group([partial(workers.double, 1)] * 2, "spawn", sync="spin")
    for actor in result.actors:
        assert actor.start_latency_s is not None
        assert actor.start_latency_s > 0
        assert actor.wall_s is not None
        assert actor.wall_s >= 0
        assert actor.cpu_s is not None
        assert actor.cpu_s >= 0
    assert min(actor.start_skew_s for actor in result.actors) == 0
    assert result.wall_s is not None


def test_the_group_leaves_no_descriptor_open(workers):
    group([partial(workers.double, 1)] * 2, sync="spin", rounds=3)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        group([partial(workers.double, 1)] * 2, sync="spin", rounds=3)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rounds": 0}, "rounds must be at least 1, not 0"),
        ({"rounds": -1}, "rounds must be at least 1, not -1"),
        ({"sync": "spinn"}, "sync is one of none, barrier, spin; not 'spinn'"),
        ({"kind": "greenlet"}, "kind is one of process, thread, interpreter; not 'greenlet'"),
    ],
)
def test_what_means_nothing_is_refused(workers, options, reason):
    with pytest.raises(ValueError, match=rf"^{reason}$"):
        group([partial(workers.double, 1)], **options)


def test_an_actor_that_can_not_be_called_is_refused_before_any_is_started(workers):
    with pytest.raises(TypeError, match=r"^actor 1 is 42, not something to call, such as partial\("):
        group([partial(workers.double, 1), workers.double(21)])


def test_a_thread_s_cpu_time_is_its_own(workers):
    """Both threads together can't have had more CPU time than their process."""
    before = time.process_time()
    result = group([partial(workers.burn, 200_000), partial(workers.double, 1)], kind="thread")
    spent = time.process_time() - before
    busy, idle = (actor.cpu_s for actor in result.actors)
    assert busy is not None
    assert idle is not None
    assert idle < busy <= spent


def test_the_start_ends_when_the_last_actor_runs(workers):
    result = group([partial(workers.double, 1)] * 3)
    latencies = [actor.start_latency_s for actor in result.actors]
    assert result.start_s is not None
    assert result.start_s >= max(latency for latency in latencies if latency is not None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sync", SYNCS)
def test_the_gate_does_not_hang_on_one_cpu(workers, kind, sync):
    with one_cpu():
        assert bumped(workers, 2, kind=kind, sync=sync, rounds=200) == {2: 200}


WAITING = """
import multiprocessing, sys, time
from functools import partial
from mprunner.actors.group import run_actors

def wait_for_ever():
    print("up", flush=True)
    time.sleep(1000)

run_actors(
    multiprocessing.get_context("fork"), [partial(int), wait_for_ever], sync=sys.argv[1], rounds=2
)
"""


def test_an_actor_does_not_wait_for_others_when_the_worker_is_gone(token):
    """The first actor waits at the gate for the second, which this test ends afterwards."""
    started = [
        subprocess.Popen([sys.executable, "-c", WAITING, sync], stdout=subprocess.PIPE, text=True)
        for sync in SYNCS
    ]
    actors = []
    for worker in started:
        with worker:
            assert worker.stdout.readline() == "up\n"
            actors.append(psutil.Process(worker.pid).children())
            worker.kill()
    try:
        _, alive = psutil.wait_procs([waiting for waiting, _ in actors], timeout=GENEROUS_S)
        assert alive == []
    finally:
        for _, busy in actors:
            busy.kill()
        psutil.wait_procs([busy for _, busy in actors], timeout=GENEROUS_S)
