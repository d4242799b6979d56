"""Renew the files that say what the program comes to with stored runs, bundled experiments and broken files.

    python tests/golden/make.py                 renews tests/golden/expected
    python tests/golden/make.py --whole FOLDER  writes them to FOLDER and shortens nothing, to look behind a hash

Each is made by itself, in an empty folder, so that a test needs no other. Of the program only the command line and
`mprunner.load` are called: what is within may move.
"""

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from unittest import mock

import mprunner
from mprunner.cli import main

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXPECTED = HERE / "expected"
RUNS = sorted((path.parent for path in (HERE / "runs").glob("*/*/run.json")), key=lambda path: path.name)
EXPERIMENTS = [
    file
    for file in sorted((ROOT / "experiments").glob("*.yaml"))
    # A commit is part of the ids, and which interpreters are there is the machine's.
    if "revision:" not in file.read_text() and "optional:" not in file.read_text()
]
PLUGINS = {"misbehave": "misbehave.py", "fragile": "fragile.py"}
JUDGED = ("adaptive", "bank", "counter", "lost", "pool", "resumed", "spawn", "statuses")

TABLE_BYTES, JSON_BYTES, ANY_BYTES = 4_000, 8_000, 1 << 60
"""What is larger is kept as its first lines and its hash."""

UNORDERED = ("actors", "samples")
"""Tables whose rows are compared sorted: they are going to be in the order in which trials ended, not the plan's."""

MASKS = (  # what another version of the program, or another source of a scenario, says otherwise
    (r"\(mprunner [^)]+\)", "(mprunner VERSION)"),
    (r"mprunner, version \S+", "mprunner, version VERSION"),
    (r'"version": "[^"]+"', '"version": "VERSION"'),
    (r'"source_hash": "[0-9a-f]{64}"', '"source_hash": "HASH"'),
)


def write_tables(run: Path) -> None:
    """Write the tables and the verdict of a run of which nothing is missing: no other command executes no trial."""
    assert execute("resume", "-q", run)[0] in (0, 1)


@contextmanager
def laboratory() -> Iterator[None]:
    """Be in an empty folder, on a machine with CPUs 0 and 1, in UTC, and without colour, 100 columns wide."""
    environment = {"NO_COLOR": "1", "COLUMNS": "100", "LINES": "40", "TZ": "UTC", "TERM": "xterm-256color"}
    environment["MPRUNNER_NO_REPORT"] = "1"  # a page takes its time
    before = Path.cwd()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, environment),
        mock.patch.object(os, "sched_getaffinity", return_value={0, 1}, create=True),
        mock.patch.object(os, "sched_setaffinity", create=True),
        mock.patch.object(os, "cpu_count", return_value=2),
        mock.patch.object(os, "fsync"),  # takes more time than all else on a slow disk
        mock.patch.object(sys, "argv", ["mprunner"]),
        mock.patch.object(sys.modules["__main__"], "__package__", None, create=True),  # part of a usage line
    ):
        for name in ("FORCE_COLOR", "COLORTERM", "_MPRUNNER_COMPLETE"):
            os.environ.pop(name, None)
        time.tzset()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
    time.tzset()


def execute(*arguments: str | Path) -> tuple[int, str, str]:
    """Execute a command line in this process; return its exit code, stdout and stderr."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2)]
    code = None
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
    for stream in streams:
        stream.flush()
    out, err = (neutral(stream.buffer.getvalue().decode()) for stream in streams)
    return code, out, err


def call(*arguments: str | Path, most: int = ANY_BYTES) -> str:
    """Execute a command line; return it with all that it says, and its exit code."""
    code, out, err = execute(*arguments)
    told = f"[stderr]\n{err}" if err else ""
    return f"$ mprunner {shlex.join(map(str, arguments))}\n{shortened(out, most)}{told}[exit {code}]\n\n"


def neutral(text: str) -> str:
    """Take from a text what is of this folder, version or processor: a mean's last bits are, or a logarithm's."""
    text = text.replace(os.getcwd(), "/home/ada/bank")
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    return re.sub(r"(?<![\d:])-?\d+\.\d{6,}(e[-+]\d+)?", lambda found: f"{float(found[0]):.12g}", text)


def shortened(text: str, most: int) -> str:
    """Return a text as it is, or, if it is longer than that, its first lines and its hash."""
    if len(text.encode()) <= most:
        return text
    lines, digest = text.splitlines(keepends=True), hashlib.sha256(text.encode()).hexdigest()
    return f"{''.join(lines[:3])}… {len(lines)} lines, sha256 {digest}\n"


def stored(*runs: Path) -> None:
    """Copy stored runs to ``results``, the bundled experiments, and the plugins of the tests."""
    for run in runs:
        shutil.copytree(run, Path("results", *run.parts[-2:]))
    shutil.copytree(ROOT / "experiments", "experiments", ignore=shutil.ignore_patterns("__pycache__"))
    for file in Path("experiments").glob("*.yaml"):
        if ROOT / file not in EXPERIMENTS:
            file.unlink()
    for plugin in PLUGINS.values():
        shutil.copy(ROOT / "tests" / "plugins" / plugin, plugin)


def parts_of(file: str) -> dict[str, str]:
    """Return the parts of a file of this folder by the names between them."""
    parts = re.split(r"^--- (.+)\n", (HERE / file).read_bytes().decode(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(text: str, most: int) -> str:
    """Return what is said to the commands of a text, beside all stored runs and bundled experiments."""
    stored(*RUNS)
    lines = map(shlex.split, text.splitlines())
    return "".join(
        call(*line, most=most if {"--json", "schema"} & set(line) else ANY_BYTES) for line in lines
    )


def plan(experiment: Path, most: int) -> str:
    """Return the plan of a bundled experiment."""
    stored()
    file = Path("experiments", experiment.name)
    return call("plan", file) + call("plan", file, "--set", "repeats=1", "--json", most=most)


def ids(_: int) -> str:
    """Return the ids of every case and trial of the bundled experiments."""
    stored()
    found = {}
    for file in EXPERIMENTS:
        planned = json.loads(execute("plan", Path("experiments", file.name), "--json")[1])
        cases, trials = ([each[f"{of}_id"] for each in planned[f"{of}s"]] for of in ("case", "trial"))
        found[file.stem] = {"cases": " ".join(cases), "trials": " ".join(trials)}
    return json.dumps(found, indent=1) + "\n"


def broken(_: int) -> str:
    """Return what is said of each broken file."""
    texts = []
    for name, text in parts_of("broken.yaml.txt").items():
        Path(name).write_bytes(text.encode())
        texts.append(call("plan", name))
    return "".join(texts)


def said_of(run: Path, most: int) -> str:
    """Return what the commands say of a stored run, and its tables."""
    stored(run)
    folder = Path("results", *run.parts[-2:])
    facts = json.loads((folder / "run.json").read_text())
    is_finished = facts["state"] == "finished"
    texts = [call("show", run.name), call("show", run.name, "--json", most=most)]
    if is_finished:
        write_tables(folder)
    texts += tables_of(folder, is_finished)
    if is_finished and facts["experiment"] not in JUDGED:
        return "".join(texts)  # `verdict` would say what verdict.json above says
    plugin = ("--plugin", PLUGINS[facts["scenario"]]) if facts["scenario"] in PLUGINS else ()
    own = ("--file", folder / "experiment.yaml", *plugin, "--junit", "junit.xml")
    texts.append("\n" + call("verdict", run.name, *own))
    if is_finished:
        texts.append(shortened(neutral(Path("junit.xml").read_text()), TABLE_BYTES))
    return "".join(texts)


def tables_of(folder: Path, is_finished: bool) -> Iterator[str]:
    """Return the tables of a run: the files of a finished one, else what `mprunner.load` derives from its journal."""
    loaded = mprunner.load(folder)
    statuses = re.sub(r"\((.+)\)", lambda found: f"({', '.join(sorted(found[1].split(', ')))})", repr(loaded))
    yield f"{statuses}\n"  # pandas of another version has those of which there are as many in another order
    for name in ("trials", "actors", "outcomes", "samples", "summary"):
        frame = getattr(loaded, name)
        if frame is None:
            continue
        types = ", ".join(f"{column} {type_}" for column, type_ in frame.dtypes.items())
        text = (folder / f"{name}.csv").read_text() if is_finished else frame.to_csv(index=False)
        heading, *rows = text.splitlines(keepends=True)
        text = "".join([heading, *sorted(rows)]) if name in UNORDERED else text
        text = text if name in (*UNORDERED, "trials") else neutral(text)  # these are as they were measured
        yield f"\n== {name}.csv: {types}\n{shortened(text, TABLE_BYTES)}"
    if is_finished:
        package = json.loads((folder / "datapackage.json").read_text())
        for resource in package["resources"]:  # of floats with every bit, and of rows in another order
            resource |= {key: type(resource[key]).__name__ for key in ("bytes", "hash")}
        text, most = (
            json.dumps(package, indent=1),
            ANY_BYTES if package["name"].startswith("bank") else TABLE_BYTES,
        )
        yield f"\n== datapackage.json\n{shortened(text, most)}"
        yield f"\n== verdict.json\n{shortened(neutral((folder / 'verdict.json').read_text()), TABLE_BYTES)}"


FILES: dict[str, Callable[[int], str]] = {
    "ids.json": ids,
    "broken.txt": broken,
    **{name: partial(commands, text) for name, text in parts_of("commands.txt").items()},
    **{f"plans/{path.stem}.txt": partial(plan, path) for path in EXPERIMENTS},
    **{f"runs/{run.parent.name}-{run.name}.txt": partial(said_of, run) for run in RUNS},
}
"""What makes each expected file, given from how many bytes on JSON is shortened."""


def made(name: str, most: int = JSON_BYTES) -> bytes:
    """Return what an expected file has to hold."""
    with laboratory():
        return FILES[name](most).encode()


if __name__ == "__main__":
    target = EXPECTED
    if sys.argv[1:2] == ["--whole"]:
        target, TABLE_BYTES, JSON_BYTES = Path(sys.argv[2]).resolve(), ANY_BYTES, ANY_BYTES
    else:
        shutil.rmtree(EXPECTED, ignore_errors=True)
    for each in FILES:
        (target / each).parent.mkdir(parents=True, exist_ok=True)
        (target / each).write_bytes(made(each, JSON_BYTES))
