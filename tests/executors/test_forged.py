"""Results that no worker sends: a trial can write what it likes to the channel of its worker's result."""

import json
import os

import pytest

from mprunner.executors.local import ending_of
from mprunner.model.declaration import Declaration, Field
from mprunner.model.records import Status, classify
from mprunner.worker.protocol import Ended
from tests.support import check_told, plugin_of

DECLARATION = Declaration(
    name="it",
    doc="",
    params=(),
    metrics=(Field(name="number", type="float"), Field(name="text", type="str", optional=True)),
    outcomes={"seen": ""},
    sample=(Field(name="lap_s", type="float"),),
)
ACTOR = dict.fromkeys(
    ("pid", "start_latency_s", "start_skew_s", "wall_s", "cpu_s", "exit_code", "error_type")
)
ACTOR |= {"actor": 0, "kind": "fork", "rounds": 1}
RESULT = {
    "kind": "ok",
    "metrics": {"number": 1, "text": None},
    "outcomes": [{"variable": "seen", "value": "a", "count": 1}],
    "actors": [ACTOR],
    "samples": [{"lap_s": 0.5}],
    "error_type": None,
    "error_message": None,
}
FACTS = {"exit_code": 0, "timed_out": False}
DEEP = "[" * 100_000 + "]" * 100_000


def status_of(text):
    return classify(ending_of(Ended(facts=FACTS, results=(text,)), DECLARATION))


def test_a_result_is_taken_as_its_scenario_declares_it():
    ending = ending_of(Ended(facts=FACTS, results=(json.dumps(RESULT),)), DECLARATION)
    assert (classify(ending), repr(ending.result.metrics["number"])) == (Status.OK, "1.0")


FORGED = [
    {"metrics": {"number": float("nan"), "text": None}},
    {"metrics": {"number": "one", "text": None}},
    {"metrics": {"number": 1.0}},
    {"metrics": {"number": 1.0, "text": None, "status": "ok"}},
    {"metrics": {"number": 1.0, "text": {}}},
    {"kind": "error"},
    {"python": 3},
    {"gil_enabled": "yes"},
    {"switch_interval_s": float("inf")},
    {"kind": "unheard of"},
    {"outcomes": [{"variable": "unseen", "value": "a", "count": 1}]},
    {"outcomes": [{"variable": "seen", "value": {}, "count": 1}]},
    {"outcomes": [{"variable": "seen", "value": "a", "count": -1}]},
    {"actors": [ACTOR | {"wall_s": float("inf")}]},
    {"actors": [ACTOR | {"pid": "1"}]},
    {"samples": [{"lap_s": None}]},
    {"samples": 7},
    {"error_type": ["a", "list"]},
    {"error_message": 7},
]


@pytest.mark.parametrize(
    "text", [*(json.dumps(RESULT | part) for part in FORGED), DEEP, "", "{", "[]", "9" * 5000]
)
def test_a_result_that_is_not_what_the_scenario_declares_is_a_bad_one(text):
    assert status_of(text) is Status.BAD_RESULT


FORGE = """fd = max(fd for fd in range(3, 99) if os.path.exists(f"/proc/self/fd/{fd}") and
    "pipe" in os.readlink(f"/proc/self/fd/{fd}") and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_WRONLY)
        text = params.text.replace("D", "[" * 50_000).encode()
        for part in (struct.pack("<Qii", len(text), 0, 0), text):
            os.write(fd, part)
        os._exit(0)"""


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="the channel is found in /proc")
def test_a_run_whose_trials_write_their_results_themselves_is_whole_and_can_be_resumed(ran, in_process):
    nan = json.dumps(
        RESULT | {"metrics": {"number": float("nan")}, "samples": [], "actors": [], "outcomes": []}
    )
    source = "import fcntl, os, struct\n" + plugin_of("forger", "text: str", "number: float", FORGE)
    text = f"scenario: forger\nsweep: {{text: ['D', '{nan}', 'x']}}\nrepeats: 1\n"
    done = ran(text, plugin=source, code=1)
    assert list(done.trials.status) == ["bad-result"] * 3
    check_told(in_process("resume", done.folder), 1)
