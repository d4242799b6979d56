"""Actors on real processes and threads: the start gate, rounds, `settle`, and actors that fail or die."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

import psutil
import pytest

from mprunner.actors.group import ActorsFailed, run_actors
from tests.support import GENEROUS_S

METHODS = ("fork", "spawn", "forkserver")
SYNCS = ("none", "barrier", "spin")


@pytest.fixture(scope="module")
def workers():
    """The actors' functions, importable by spawned children too."""
    folder = str(Path(__file__).parents[1] / "plugins")
    sys.path.append(folder)
    import workers

    yield workers
    sys.path.remove(folder)


def group(context, functions, **options):
    return run_actors(context, functions, **options)


@pytest.mark.parametrize(("method", "sync"), list(product(METHODS, SYNCS)))
def test_every_actor_hands_over_what_it_returned(workers, method, sync):
    context = multiprocessing.get_context(method)
    result = group(context, [partial(workers.double, n) for n in (1, 2, 3)], sync=sync)
    assert [actor.value for actor in result.actors] == [2, 4, 6]
    assert [actor.exit_code for actor in result.actors] == [0, 0, 0]
    assert [actor.rounds for actor in result.actors] == [1, 1, 1]
    assert {actor.kind for actor in result.actors} == {method}


@pytest.mark.parametrize(("method", "sync"), list(product(METHODS, SYNCS)))
def test_settle_sees_every_round_complete_and_alone(workers, method, sync):
    """Each round adds 1 + 10 + 100; any other sum would mean that settle overlapped a round."""
    context = multiprocessing.get_context(method)
    cells = [context.Value("i", 0) for _ in range(3)]
    result = group(
        context,
        [partial(workers.bump, cell, 10**i) for i, cell in enumerate(cells)],
        sync=sync,
        rounds=50,
        settle=partial(workers.take, cells),
    )
    assert result.settled == {111: 50}
    assert [actor.rounds for actor in result.actors] == [50, 50, 50]


def test_settle_is_called_after_a_single_round_too(workers):
    context = multiprocessing.get_context("fork")
    cells = [context.Value("i", 0) for _ in range(2)]
    result = group(
        context, [partial(workers.bump, cell) for cell in cells], settle=partial(workers.take, cells)
    )
    assert result.settled == {2: 1}


@pytest.mark.parametrize("sync", SYNCS)
def test_more_actors_than_cpus_finish(workers, sync):
    context = multiprocessing.get_context("fork")
    cells = [context.Value("i", 0) for _ in range(4 * (os.cpu_count() or 1))]
    result = group(
        context,
        [partial(workers.bump, cell) for cell in cells],
        sync=sync,
        rounds=20,
        settle=partial(workers.take, cells),
    )
    assert result.settled == {len(cells): 20}


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_actor_is_a_fact_and_the_others_do_not_wait_for_it(workers, sync, victim):
    context = multiprocessing.get_context("fork")
    cells = [context.RawValue("i", 0) for _ in range(3)]
    actors = [partial(workers.bump, cell) for cell in cells]
    actors[victim] = partial(workers.kill_self_in_round, cells[victim], 5)
    result = group(context, actors, sync=sync, rounds=1_000)
    assert result.actors[victim].exit_code == -signal.SIGKILL
    others = [actor for actor in result.actors if actor.actor != victim]
    assert {actor.error_type for actor in others} == {"GateBroken"}
    with pytest.raises(ActorsFailed, match=rf"^actor {victim} was killed by signal 9; "):
        result.raise_failures()


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_raising_actor_is_named_before_those_that_it_kept_from_going_on(workers, sync, victim):
    context = multiprocessing.get_context("fork")
    cells = [context.RawValue("i", 0) for _ in range(2)]
    actors = [partial(workers.bump, cell) for cell in cells]
    actors[victim] = partial(workers.fail_in_round, cells[victim], 3)
    result = group(context, actors, sync=sync, rounds=1_000)
    with pytest.raises(ActorsFailed, match=rf"^actor {victim} raised LookupError: round 3; "):
        result.raise_failures()
    assert result.actors[victim].rounds == 2


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

    result = group(Context(), [partial(workers.double, 1)] * 3, sync="spin")
    assert result.actors[1].exit_code == -signal.SIGKILL
    assert [result.actors[i].error_type for i in (0, 2)] == ["GateBroken", "GateBroken"]


def test_an_exit_code_is_reported_as_the_process_gave_it(workers):
    result = group(multiprocessing.get_context("fork"), [partial(workers.leave, 3)])
    assert result.actors[0].exit_code == 3
    assert result.actors[0].error_type == "SystemExit"


def test_a_value_that_can_not_be_sent_is_an_error_of_that_actor(workers):
    result = group(multiprocessing.get_context("fork"), [workers.unsendable, partial(workers.double, 1)])
    assert result.actors[0].error_type is not None
    assert "can't be sent" in (result.actors[0].error_message or "")
    assert result.actors[1].value == 2


def test_an_actor_that_can_not_be_pickled_raises_and_leaves_no_process(workers):
    context = multiprocessing.get_context("spawn")
    with pytest.raises(Exception, match=r"(?i)pickle"):
        group(context, [partial(workers.double, 1), lambda: None], sync="spin")
    assert multiprocessing.active_children() == []


def test_an_actor_that_leaves_a_process_behind_is_not_waited_for(workers):
    """The sentinel of multiprocessing stays silent here: the process left behind holds its other end."""
    context = multiprocessing.get_context("fork")
    pids = context.SimpleQueue()
    result = group(context, [partial(workers.leave_a_daemon, pids)])
    os.kill(pids.get(), signal.SIGKILL)
    assert result.actors[0].exit_code == 0


def test_times_are_on_one_clock_and_never_negative(workers):
    context = multiprocessing.get_context("spawn")
    result = group(context, [partial(workers.double, 1)] * 2, sync="spin")
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
    context = multiprocessing.get_context("fork")
    group(context, [partial(workers.double, 1)] * 2, sync="spin", rounds=3)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        group(context, [partial(workers.double, 1)] * 2, sync="spin", rounds=3)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("rounds", [0, -1])
def test_fewer_rounds_than_one_are_refused(workers, rounds):
    with pytest.raises(ValueError, match=rf"^rounds must be at least 1, not {rounds}$"):
        group(multiprocessing.get_context("fork"), [partial(workers.double, 1)], rounds=rounds)


def test_an_unknown_sync_is_refused(workers):
    with pytest.raises(ValueError, match=r"^sync is one of none, barrier, spin; not 'spinn'$"):
        group(multiprocessing.get_context("fork"), [partial(workers.double, 1)], sync="spinn")


@pytest.mark.parametrize("sync", SYNCS)
def test_threads_hand_over_what_they_returned(workers, sync):
    context = multiprocessing.get_context("fork")
    result = group(context, [partial(workers.double, n) for n in (1, 2, 3)], kind="thread", sync=sync)
    assert [actor.value for actor in result.actors] == [2, 4, 6]
    assert {(actor.kind, actor.pid, actor.exit_code) for actor in result.actors} == {
        ("thread", os.getpid(), None)
    }
    result.raise_failures()


@pytest.mark.parametrize("sync", SYNCS)
def test_threads_settle_every_round_complete_and_alone(workers, sync):
    context = multiprocessing.get_context("fork")
    cells = [context.Value("i", 0) for _ in range(3)]
    result = group(
        context,
        [partial(workers.bump, cell, 10**i) for i, cell in enumerate(cells)],
        kind="thread",
        sync=sync,
        rounds=50,
        settle=partial(workers.take, cells),
    )
    assert result.settled == {111: 50}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # what is tested
@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_raising_thread_does_not_keep_the_others_waiting(workers, sync, victim):
    context = multiprocessing.get_context("fork")
    cells = [context.RawValue("i", 0) for _ in range(3)]
    actors = [partial(workers.bump, cell) for cell in cells]
    actors[victim] = partial(workers.fail_in_round, cells[victim], 3)
    result = group(context, actors, kind="thread", sync=sync, rounds=1_000)
    with pytest.raises(ActorsFailed, match=rf"^actor {victim} raised LookupError: round 3; "):
        result.raise_failures()
    others = [actor for actor in result.actors if actor.actor != victim]
    assert {actor.error_type for actor in others} == {"GateBroken"}


def test_a_thread_s_cpu_time_is_its_own(workers):
    """Both threads together can't have had more CPU time than their process."""
    before = time.process_time()
    context = multiprocessing.get_context("fork")
    result = group(context, [partial(workers.burn, 200_000), partial(workers.double, 1)], kind="thread")
    spent = time.process_time() - before
    busy, idle = (actor.cpu_s for actor in result.actors)
    assert busy is not None
    assert idle is not None
    assert idle < busy <= spent


def test_the_start_ends_when_the_last_actor_runs(workers):
    result = group(multiprocessing.get_context("fork"), [partial(workers.double, 1)] * 3)
    latencies = [actor.start_latency_s for actor in result.actors]
    assert result.start_s is not None
    assert result.start_s >= max(latency for latency in latencies if latency is not None)


def test_an_unknown_kind_is_refused(workers):
    with pytest.raises(ValueError, match=r"^kind is process or thread, not 'greenlet'$"):
        group(multiprocessing.get_context("fork"), [partial(workers.double, 1)], kind="greenlet")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to bind to one CPU here")
@pytest.mark.parametrize("kind", ["process", "thread"])
@pytest.mark.parametrize("sync", SYNCS)
def test_the_gate_does_not_hang_on_one_cpu(workers, kind, sync):
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        context = multiprocessing.get_context("fork")
        cells = [context.Value("i", 0) for _ in range(2)]
        result = group(
            context,
            [partial(workers.bump, cell) for cell in cells],
            kind=kind,
            sync=sync,
            rounds=200,
            settle=partial(workers.take, cells),
        )
    finally:
        os.sched_setaffinity(0, cpus)
    assert result.settled == {2: 200}


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
