"""The files near the limits that take a tokeniser, or what comes after it, the longest.

As a program: reads each and prints the seconds of CPU time of each and the memory of all, as JSON.
"""

import json
import resource
import sys
from pathlib import Path
from time import process_time

from mprunner.errors import ExperimentError
from mprunner.spec.yaml_reader import read_yaml

MEBIBYTE = 1 << 20

# name: what it begins with, what is repeated and how often (None: up to a mebibyte), what it ends with
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


def content(name: str) -> bytes:
    """Return the bytes of one of the files."""
    before, repeated, times, after = FILES[name]
    if times is None:
        times = (MEBIBYTE - len(before) - len(after)) // len(repeated)
    return (before + repeated * times + after).encode()


def tag_directives() -> bytes:
    """Return a file of different %TAG directives, of which libyaml compares each with all before it."""
    return "".join(f"%TAG !a{number}! b\n" for number in range(50_000)).encode() + b"--- a\n"


def seconds(raw: bytes) -> float:
    """Return the CPU time that reading takes, whatever comes of it."""
    begun = process_time()
    try:
        read_yaml(raw, "x.yaml")
    except ExperimentError:
        pass
    return process_time() - begun


def peak_mebibytes() -> float:
    """Return the most memory this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins with what the process that started this one had
        words = status.read_text().split()
        return int(words[words.index("VmHWM:") + 1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE  # bytes on macOS


def main() -> None:
    """Read every file."""
    took = {name: seconds(content(name)) for name in FILES}
    took["%TAG directives"] = seconds(tag_directives())
    json.dump({"seconds": took, "mebibytes": peak_mebibytes()}, sys.stdout)


if __name__ == "__main__":
    main()
