"""pool-map with a function of the user's own: found, called in every kind of pool, and blamed by name."""

import json
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from mprunner.scenario import Trial
from mprunner.workflow.prepare import prepare
from mprunner_scenarios import pool_map
from mprunner_scenarios.shared.own_code import OwnCodeError
from tests.support import GENEROUS_S, latest, living_children, trials_of

METHODS = ("serial", "map", "imap", "imap_unordered", "starmap", "apply_async", "futures")
needs_interpreter_pool = pytest.mark.skipif(
    sys.version_info < (3, 14), reason="concurrent.futures has a pool of interpreters since Python 3.14"
)
POOLS = [("map", "process"), ("imap", "process"), ("apply_async", "process"), ("futures", "process")]
EVERYWHERE = [("serial", "process"), *POOLS, ("map", "thread"), ("futures", "thread")]

MINE = '''
import os, sys
from itertools import count

LIST = [1, 2]

class NeedsTwo(Exception):
    """Can't be unpickled: it is called with its one message."""
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

def double(n): return n * 2
def fail(n): raise ValueError(f"no {n}")
def fail_oddly(n): raise NeedsTwo("one", "two")
def leave(n): sys.exit("enough")
def die(n): os._exit(3)
def kill(n): os.kill(os.getpid(), 9)
def same(item): return item
def give_lambda(n): return lambda: n

def outer():
    def inner(n): return n
    return inner

nested = outer()
unnamed = lambda n: n + 1

class Methods:
    @staticmethod
    def triple(n): return n * 3

def words(): return ["a", "bb", "ccc"]
def endless(): return count()
def none(): return []
def broken():
    yield 1
    raise KeyError("gone")
def a_number(): return 3
def lambdas(): return [lambda: 1]
'''


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Execute one trial in this process, with mine.py in the current folder; return its metrics."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def call(**params):
        trial = Trial(pool_map.PoolMap, seed=7, repeat=0, tmp_path=tmp_path)
        return pool_map.PoolMap().run(pool_map.Params(processes=2, **params), trial)

    yield call
    sys.modules.pop("mine", None)


@pytest.mark.parametrize(
    ("method", "kind"), [("serial", "process"), *product(METHODS[1:], ["process", "thread"])]
)
def test_an_own_function_is_called_with_every_number(execute, method, kind):
    metrics = execute(function="mine:double", numbers=30, method=method, kind=kind)
    assert metrics.tasks == 30
    assert metrics.checksum_ok


@pytest.mark.parametrize("function", ["mine:Methods.triple", "math:factorial"])
def test_a_method_of_a_class_and_a_function_of_python_s_own_are_functions_too(execute, function):
    assert execute(function=function, numbers=30).tasks == 30


def test_10_000_numbers_are_the_items_unless_said_otherwise(execute):
    assert execute(function="mine:double", method="serial").tasks == 10_000


@pytest.mark.parametrize(("numbers", "tasks"), [(None, 3), (2, 2), (9, 3)])
def test_items_are_what_the_callable_yields_or_the_first_of_them(execute, numbers, tasks):
    assert execute(function="mine:same", items="mine:words", numbers=numbers).tasks == tasks


def test_items_without_an_end_are_taken_as_far_as_numbers_says(execute):
    assert execute(function="mine:same", items="mine:endless", numbers=5).tasks == 5


@pytest.mark.parametrize("method", ["map", "futures"])
def test_a_lambda_is_refused_only_where_it_would_have_to_travel(execute, method):
    assert execute(function="mine:unnamed", numbers=4, method=method, kind="thread").tasks == 4
    assert execute(function="mine:unnamed", numbers=4, method="serial").tasks == 4
    with pytest.raises(
        OwnCodeError, match=r"^function 'mine:unnamed' can't be sent to a process, write it with"
    ):
        execute(function="mine:unnamed", numbers=4, method=method)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("nowhere_at_all:work", r"can't be imported .*: No module named 'nowhere_at_all'"),
        ("mine:missing", r"is not there: module 'mine' has no .* 'missing'"),
        ("mine:LIST", r"can't be called: it is of type list"),
        ("mine:nested", r"can't be sent to a process, write it with def .*"),
    ],
)
def test_a_function_that_can_t_be_used_is_named_with_its_reason(execute, function, reason):
    with pytest.raises(OwnCodeError, match=f"^function '{function}' {reason}$"):
        execute(function=function)


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ("mine:LIST", r"can't be called: it is of type list"),
        ("mine:none", r"yields nothing"),
        ("mine:broken", r"raised KeyError: 'gone' \(mine.py, line 37\)"),
        ("mine:a_number", r"raised TypeError: 'int' object is not iterable"),
        ("mine:endless", r"yields more than 1,000,000, say how many by `numbers`"),
    ],
)
def test_items_that_can_t_be_used_are_named_with_their_reason(execute, items, reason):
    with pytest.raises(OwnCodeError, match=f"^items '{items}' {reason}$"):
        execute(function="mine:same", items=items)


def test_a_module_that_raises_when_it_is_imported_is_named(execute, tmp_path):
    (tmp_path / "raises.py").write_text("raise RuntimeError('not today')\n")
    with pytest.raises(
        OwnCodeError, match=r"^function 'raises:f' can't be imported .* not today \(raises.py, line 1\)$"
    ):
        execute(function="raises:f")


@pytest.mark.parametrize(("method", "kind"), EVERYWHERE)
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("fail", r"ValueError: no \d"),
        ("fail_oddly", "NeedsTwo: one and two"),
        ("leave", "SystemExit: enough"),
    ],
)
def test_a_function_that_raises_is_named_with_what_it_raised(execute, method, kind, name, cause):
    """Also what can't be unpickled, or is no Exception: a Pool would wait for ever."""
    with pytest.raises(OwnCodeError, match=rf"^function 'mine:{name}' raised {cause}$"):
        execute(function=f"mine:{name}", numbers=8, method=method, kind=kind)
    assert living_children() == []


@pytest.mark.parametrize(("method", "kind"), POOLS)
def test_a_result_that_can_t_travel_is_named(execute, method, kind):
    with pytest.raises(OwnCodeError, match=r"^function 'mine:give_lambda': an? .*result can't be sent "):
        execute(function="mine:give_lambda", numbers=8, method=method, kind=kind)
    assert living_children() == []


@pytest.mark.parametrize(("method", "kind"), POOLS)
def test_an_item_that_can_t_travel_is_named(execute, method, kind):
    with pytest.raises(
        OwnCodeError, match=r"^function 'mine:same': an item or a result can't be sent between"
    ):
        execute(function="mine:same", items="mine:lambdas", method=method, kind=kind)
    assert living_children() == []


@pytest.mark.parametrize("method", METHODS[1:-1])
@pytest.mark.parametrize(
    ("function", "how"), [("die", "ended with exit code 3"), ("kill", "was killed by SIGKILL")]
)
def test_a_process_of_a_pool_that_dies_fails_the_trial_at_once(execute, method, function, how):
    """`Pool` replaces it and waits for its task for ever: the trial would end at its timeout."""
    with pytest.raises(OwnCodeError, match=rf"^function 'mine:{function}': a process of the pool {how}$"):
        execute(function=f"mine:{function}", numbers=8, chunksize=2, method=method)
    assert living_children() == []


@pytest.mark.parametrize("method", ["futures", "joblib"])
def test_an_executor_notices_that_a_process_died(execute, method):
    with pytest.raises(OwnCodeError, match=r"^function 'mine:die': a process of the pool died$"):
        execute(function="mine:die", numbers=8, method=method)
    assert living_children() == []


def test_joblib_sends_a_lambda_and_names_what_a_function_raised(execute):
    assert execute(function="mine:unnamed", numbers=4, method="joblib").tasks == 4
    with pytest.raises(OwnCodeError, match=r"^function 'mine:fail' raised ValueError: no \d$"):
        execute(function="mine:fail", numbers=8, method="joblib")
    assert living_children() == []


KILLS_ITS_WORKER = """
import os, signal
from pathlib import Path

def kill(n):
    worker = os.getppid()
    Path("held").write_text(" ".join(path.name for path in Path("/dev/shm").glob(f"*loky-{worker}-*")))
    os.kill(worker, signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
def test_what_joblib_leaves_when_its_worker_is_killed_is_ended_counted_and_removed(tmp_path, token):
    """Two processes, and semaphores that loky's own resource tracker knows of, which is no process to count."""
    (tmp_path / "mine.py").write_text(KILLS_ITS_WORKER)
    (tmp_path / "own.yaml").write_text(
        "scenario: pool-map\nparams: {method: joblib, function: 'mine:kill', numbers: 1, processes: 2}\nrepeats: 1\n"
    )
    line = [Path(sys.executable).with_name("mprunner"), "run", "own.yaml"]
    subprocess.run(line, cwd=tmp_path, capture_output=True, timeout=GENEROUS_S, check=False)
    trials = trials_of(latest(tmp_path, "own"))
    assert [*trials.status, *trials.leaked] == ["signal", 2]
    held = (tmp_path / "held").read_text().split()
    assert held
    assert not {*held} & {*os.listdir("/dev/shm")}


@needs_interpreter_pool
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("mine:fail", r" raised ValueError: no \d"),
        ("mine:leave", " raised SystemExit: enough"),
        ("mine:give_lambda", ": an item or a result can't be sent between interpreters: .*"),
        ("mine:unnamed", " can't be sent to an interpreter, write it with def .*"),
    ],
)
def test_what_fails_in_an_interpreter_is_named(execute, function, reason):
    with pytest.raises(OwnCodeError, match=f"^function '{function}'{reason}$"):
        execute(function=function, numbers=4, method="futures", kind="interpreter")


@needs_interpreter_pool
def test_a_module_that_no_interpreter_can_import_is_named(execute, tmp_path):
    (tmp_path / "once.py").write_text(
        "from threading import current_thread, main_thread\n"
        "if current_thread() is not main_thread(): raise ImportError('not here')\n"
        "def f(n): return n\n"
    )
    with pytest.raises(OwnCodeError, match=r"^function 'once:f' raised ImportError: not here$"):
        execute(function="once:f", numbers=4, method="futures", kind="interpreter")


def test_the_current_folder_can_t_hide_a_module_of_python_s(execute, tmp_path):
    execute(function="mine:double", numbers=2)
    assert sys.path[-1] == str(tmp_path)


@pytest.mark.parametrize(
    "text", ["work", "mine:", ":work", "mine:a b", "mine/x.py:work", "mine:work()", "mine:a:b"]
)
def test_malformed_text_is_refused_without_importing_anything(text):
    said = re.escape(f"function: {text!r} is no place of a callable; write package.module:callable")
    with pytest.raises(ValueError, match=f"^{said}$"):
        pool_map.Params(function=text)


def test_malformed_items_are_refused_with_their_reason():
    with pytest.raises(ValueError, match=r"^items: 'words' is no place of a callable; "):
        pool_map.Params(function="mine:f", items="words")


def test_planning_does_not_import_the_function(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("scenario: pool-map\nparams: {function: 'nowhere_at_all:work'}\n")
    assert len(prepare(file).plan) == 5


def mprunner(folder, file):
    """Run the installed command, which unlike `python -m` does not look for modules in the current folder."""
    line = [Path(sys.executable).with_name("mprunner"), "run", file]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=GENEROUS_S, check=False)
    run = latest(folder, file.removesuffix(".yaml"))
    trials = trials_of(run)
    assert (trials.leaked == 0).all()
    return done, run, trials


@pytest.mark.parametrize("place", [".", "elsewhere"])
def test_a_module_of_the_current_folder_or_of_pythonpath_is_found_under_every_start_method(
    tmp_path, token, monkeypatch, place
):
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "mine.py").write_text(MINE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    (tmp_path / "own.yaml").write_text(
        "scenario: pool-map\nparams: {function: 'mine:same', items: 'mine:words', processes: 2}\n"
        "sweep:\n- {method: serial}\n- {start_method: [fork, spawn, forkserver], method: [map, futures]}\n"
        "- {kind: thread}\nrepeats: 1\n"
    )
    done, _, trials = mprunner(tmp_path, "own.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(trials.tasks) == [3] * 8


def test_a_failing_function_is_an_error_with_its_own_traceback_in_the_log(tmp_path, token):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "own.yaml").write_text(
        "scenario: pool-map\nparams: {function: 'mine:fail', numbers: 4, processes: 2}\n"
        "sweep: {method: [serial, map, futures]}\nrepeats: 1\n"
    )
    done, folder, trials = mprunner(tmp_path, "own.yaml")
    assert done.returncode == 1
    assert set(trials.status) == {"error"}
    assert trials.error_message.str.match(r"function 'mine:fail' raised ValueError: no \d$").all()
    logs = [log.read_text() for log in (folder / "logs").iterdir()]
    assert len(logs) == 3
    assert all("mine.py" in log and "in fail" in log for log in logs)


OWN = (
    "scenario: pool-map\nparams: {{function: '{}', items: 'mine:{}', processes: 2}}\n"
    "sweep: {{kind: [process, thread]}}\n"
)


@pytest.mark.parametrize(
    ("function", "items", "told"),
    [
        ("mine:dubble", "words", "has no attribute 'dubble'; did you mean 'mine:double'?"),
        ("mine.double", "words", "did you mean 'mine:double'?"),
        ("mine:double", "broken", "items 'mine:broken' raised KeyError: 'gone' (mine.py, line 37)"),
        ("mine:double", "none", "items 'mine:none' yields nothing"),
        ("my:double", "words", "function 'my:double' can't be imported"),
    ],
)
def test_what_would_fail_in_every_trial_is_told_before_the_first(tmp_path, token, function, items, told):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "own.yaml").write_text(OWN.format(function, items))
    done = subprocess.run(
        [sys.executable, "-m", "mprunner", "run", "own.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (2, 5)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_items_are_made_once_for_all_trials_and_their_time_is_told(tmp_path, token):
    made = "def noted():\n    open('made', 'a').write('x')\n    return ['a', 'bb']\n"
    (tmp_path / "mine.py").write_text(MINE + made)
    (tmp_path / "own.yaml").write_text(OWN.format("mine:same", "noted") + "repeats: 3\n")
    done, folder, trials = mprunner(tmp_path, "own.yaml")
    assert (done.returncode, set(trials.tasks)) == (0, {2})
    assert (tmp_path / "made").read_text() == "x"
    (made,) = json.loads((folder / "run.json").read_text())["set_up"]
    assert made["params"] == {"function": "mine:same", "items": "mine:noted", "numbers": None}
    assert made["wall_s"] > 0


def test_items_that_can_not_be_pickled_are_made_in_each_trial(tmp_path, token):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "own.yaml").write_text(
        OWN.format("mine:same", "lambdas").replace("[process, thread]", "[thread]")
    )
    done, _, trials = mprunner(tmp_path, "own.yaml")
    assert (done.returncode, set(trials.tasks)) == (0, {1})
