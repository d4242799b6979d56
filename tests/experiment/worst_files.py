"""The files near the limits that take a tokeniser, or the checks that come after it, the longest.

As a program: reads each, or those named in its arguments, and prints what each took, in yardsticks, and the memory of
all, as JSON.
"""

import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from mprunner.errors import ExperimentError
from mprunner.experiment import ExperimentFileError, read_experiment
from mprunner.experiment.parser import read_yaml
from tests.experiment.scenarios import scenario_of

LIMIT = 1 << 18
TAG_DIRECTIVES = "%TAG directives"

# name: what it begins with, what is repeated and how often (None: up to the limit), what it ends with
FILES = {
    "short items": ("", "- 1\n", 99_998, ""),
    "short items in brackets": ("[", "1,", 99_998, "]"),
    "items on lines of their own": ("[\n", "a\n,\n", 99_998, "]"),
    "characters beyond 16 bits": ("", "- \U0001f600\n", 99_998, ""),
    "keys and values": ("", "- a: 1\n  b: 2\n", 33_000, ""),
    "small mappings": ("", "- {a: 1, b: 2}\n", 33_000, ""),
    "an error at the end": ("", "- a: 1\n  b: 2\n", 33_000, "]"),
    "the same key": ("", "a: 1\n", 99_998, ""),
    "refused values": ("", "- yes\n", 99_998, ""),
    "refused values in brackets": ("[", "yes,", 99_998, "]"),
    "refused keys": ("", "1: a\n", 99_998, ""),
    "tags": ("", "- !!str a\n", 99_998, ""),
    "aliases": ("a: &a x\nb:\n", "- *a\n", 99_990, ""),
    "merges": ("a: &a {x: 1, y: 2}\nb:\n", "- {<<: *a}\n", 20_000, ""),
    "anchors": ("", "- &a x\n", 99_998, ""),
    "nested lists": ("[", "[" * 31 + "]" * 31 + ",", 3_100, "]"),
    "open brackets": ("", "[", None, ""),
    "open mappings": ("", "{a: ", None, ""),
    "open items": ("", "- ", None, ""),
    "open keys": ("", "? ", None, ""),
    "colons": ("", ": ", None, ""),
    "a long word": ("a: ", "x", None, ""),
    "long plain text": ("a: ", "x ", None, ""),
    "plain text of many lines": ("a:\n", "  x\n", None, ""),
    "what may be a number": ("a: ", "1", None, "x"),
    "what may be a time": ("a: 1", ":1", None, ""),
    "text in single quotes": ("a: '", "''", None, "'"),
    "text in double quotes": ('a: "', "x ", None, '"'),
    "escapes": ('a: "', "\\n", None, '"'),
    "empty lines in quotes": ('a: "', "\n", None, '"'),
    "a quote that is never closed": ("'", "a\n", None, ""),
    "a literal block": ("a: |\n", "  x\n", None, ""),
    "empty lines in a literal block": ("a: |\n", "\n", None, ""),
    "a folded block": ("a: >\n", "  x\n", None, ""),
    "comments": ("", "#\n", None, ""),
    "empty lines": ("", "\n", None, ""),
    "tabs": ("a: 1", "\t", None, ""),
    "spaces": ("", " ", None, ""),
    "documents": ("", "---\n", None, ""),
    "directives": ("", "%A b\n", None, ""),
    "a long tag": ("!", "a", None, ""),
    "a long anchor": ("&", "a", None, ""),
}


def _numbers(first: int, last: int) -> str:
    return ",".join(map(str, range(first, last)))


_RANGE = "{from: 1.234567890123456e-307, to: 1e308, times: 1.160000000000001}"
_BLOCKS = "sweep:\n" + "".join(f"- {{transactions: {number}}}\n" for number in range(6_000))
_WHERE = "where: {transactions: [" + _numbers(0, 300) + "], guard: none, level: 2}"
_EXPECTS = "expect:\n" + f"- {{metric: wall_s, max: 3, {_WHERE}}}\n" * 80
_EXPECT = "expect:\n  - {metric: lost_updates, max: 0, where: {transactions: ["

# Experiments of the bank in tests/experiment/scenarios.py: a sweep of many values, and what is written below it.
EXPERIMENTS = {
    "values": (20_000, ""),
    "mistyped values": (0, "sweep: {guard: [" + ",".join(f"lok{i}" for i in range(20_000)) + "]}\n"),
    "mistyped keys": (0, "".join(f"repeat{i}: 1\n" for i in range(9_000))),
    "mistyped params": (0, "params:\n" + "".join(f"  gard{i}: 1\n" for i in range(9_000))),
    "mistyped outcomes": (0, "outcomes:\n" + "".join(f"  final{i}: 1\n" for i in range(9_000))),
    "mistyped metrics": (
        0,
        "expect:\n" + "".join(f"  - {{metric: los{i}, max: 0}}\n" for i in range(5_000)),
    ),
    "mistyped statuses": (0, "expect:\n" + "".join(f"  - {{status: time{i}}}\n" for i in range(8_000))),
    "a where of many values": (9_000, _EXPECT + _numbers(0, 9_000) + "]}}\n"),
    "a where that nothing matches": (9_000, _EXPECT + _numbers(50_000, 59_000) + "]}}\n"),
    "rules": (0, "outcomes: {final_balance: [" + "{equals: 1, verdict: forbidden}," * 7_000 + "]}\n"),
    "a where of many blocks": (0, _BLOCKS + _EXPECT + _numbers(0, 8_000) + "]}}\n"),
    "wheres of many blocks": (0, _BLOCKS + _EXPECTS),
    "ranges of long decimals": (0, "sweep: {" + ", ".join(f"p{i}: {_RANGE}" for i in range(10)) + "}\n"),
    "refused keys of params": (0, "params:\n" + "".join(f"  0{i}: yes\n" for i in range(9_000))),
    "refused values of rules": (0, "expect:\n  - {metric: how, one_of: [" + "yes," * 20_000 + "]}\n"),
    "refused keys of a range": (0, "sweep:\n  chunk:\n" + "".join(f"    0{i}: yes\n" for i in range(9_000))),
    "empty expectations": (0, "expect:\n" + "- {}\n" * 5_000),
    "empty rules": (0, "outcomes:\n  final_balance:\n" + "  - {}\n" * 5_000),
    "empty rules of many outcomes": (0, "outcomes:\n" + "".join(f"  a{i}: [{{}}]\n" for i in range(10_000))),
    "lists for values": (0, "params:\n" + "".join(f" {i:x}: []\n" for i in range(0xA0000, 0xA0000 + 20_000))),
    "empty exclusions": (0, "exclude:\n" + "- {}\n" * 5_000),
    "empty products": (0, "sweep:\n" + "- {}\n" * 5_000),
    "CPUs": (0, "cpus: [" + _numbers(0, 20_000) + "]\n"),
}


def experiment(name: str) -> bytes:
    """Return the bytes of one of the experiments."""
    swept, below = EXPERIMENTS[name]
    sweep = f"sweep: {{transactions: [{_numbers(0, swept)}]}}\n" if swept else ""
    return f"scenario: bank\n{sweep}{below}".encode()


def seconds_of_experiment(raw: bytes, path: Path) -> float:
    """Return the CPU time that reading and checking takes."""
    path.write_bytes(raw)
    begun = process_time()
    try:
        read_experiment(path, scenario_of, usable_cpus=[0])
    except ExperimentError:
        pass
    return process_time() - begun


def content(name: str) -> bytes:
    """Return the bytes of one of the files."""
    if name == TAG_DIRECTIVES:
        return tag_directives()
    before, repeated, times, after = FILES[name]
    most = (LIMIT - len((before + after).encode())) // len(repeated.encode())
    times = most if times is None else min(times, most)
    return (before + repeated * times + after).encode()


def tag_directives() -> bytes:
    """Return a file of different %TAG directives, each of which a reader may compare with all before it."""
    return "".join(f"%TAG !a{number}! b\n" for number in range(12_000)).encode() + b"--- a\n"


def seconds(raw: bytes) -> float:
    """Return the CPU time that reading takes, whatever comes of it."""
    begun = process_time()
    try:
        if (document := read_yaml(raw, "x.yaml")) is not None and document.problems:
            raise ExperimentFileError(document.problems)
    except ExperimentError:
        pass
    return process_time() - begun


def peak_mebibytes() -> float:
    """Return the most memory this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins with what the process that started this one had
        words = status.read_text().split()
        return int(words[words.index("VmHWM:") + 1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # bytes on macOS


def main(names: Sequence[str]) -> None:
    """Read the files of these names."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        took = {name: in_yardsticks(name, path) for name in names}
    json.dump({"yardsticks": took, "mebibytes": peak_mebibytes()}, sys.stdout)


def in_yardsticks(name: str, path: Path) -> float:
    """Return how many times the CPU time of a yardstick reading a file takes, of the longer of two around it."""
    before = yardstick()
    took = seconds_of_experiment(experiment(name), path) if name in EXPERIMENTS else seconds(content(name))
    return took / max(before, yardstick())


def yardstick() -> float:
    """Return the CPU time of two million additions, which is more on a machine that is busy or slow."""
    begun = process_time()
    total = 0
    for number in range(2_000_000):
        total += number
    return process_time() - begun


if __name__ == "__main__":
    main(sys.argv[1:] or [*FILES, TAG_DIRECTIVES, *EXPERIMENTS])
