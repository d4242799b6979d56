"""A run's folder may come from anyone: reading it executes nothing that is in it, and ends with an exit code."""

import json
import os
import re
import shutil
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mprunner
from mprunner.errors import MprunnerError
from mprunner.model.provenance import file_hash
from mprunner.report import verdict_json
from mprunner.runs import RunFolder
from mprunner.runs.journal_reader import line_of
from mprunner.workflow.tabulate import write_tables
from tests.support import Done, check_told

RUNS = Path(__file__).parents[1] / "golden" / "runs"
PLUGIN = """
from pathlib import Path
Path(__file__).with_name("imported").touch()
def mprunner_run_judged(run): pass
"""
COMMANDS = pytest.mark.parametrize(
    ("command", "stored", "code"), [("verdict", "bank", 4), ("resume", "interrupted", 7)]
)


@pytest.fixture
def copied(tmp_path):
    """Copy a stored run below an empty folder's results, with another header in its journal; return its folder."""

    def call(stored, **header):
        (source,) = (RUNS / stored).iterdir()
        folder = tmp_path / "results" / stored / source.name
        shutil.copytree(source, folder)
        first, *others = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
        changed = {"header": json.loads(first[9:])["header"] | header}
        (folder / "journal.jsonl").write_bytes(line_of(changed) + b"".join(others))
        return folder

    return call


@COMMANDS
def test_a_plugin_in_the_run_s_own_folder_is_not_imported(
    in_process, copied, tmp_path, command, stored, code
):
    (source,) = (RUNS / stored).iterdir()
    evil = tmp_path / "results" / stored / source.name / "evil.py"
    folder = copied(stored, plugin_file=str(evil))
    evil.write_text(PLUGIN)
    done = in_process(command, folder)
    assert done.returncode == 4
    assert "names a plugin in its own folder" in done.stderr
    assert not evil.with_name("imported").exists()


@COMMANDS
def test_a_plugin_that_is_not_what_it_was_is_not_imported(
    in_process, copied, tmp_path, command, stored, code
):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    folder = copied(stored, plugin_file=str(plugin), conditions={"source of the plugin": "another"})
    done = in_process(command, folder)
    assert done.returncode == code
    assert not plugin.with_name("imported").exists()


def test_a_plugin_that_is_what_it_was_judges_again(in_process, copied, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    then = {"source of the plugin": file_hash(plugin)}
    folder = copied("bank", plugin_file=str(plugin), conditions=then)
    in_process("verdict", folder, "--file", folder / "experiment.yaml")
    assert plugin.with_name("imported").exists()


EVIL = "x\x1b]0;owned\x07\x9b31m\u202ey"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def leaves(value, path=()):
    """Yield the path of every text in a value of JSON."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*path, key))


def with_text(value, path, text):
    """Return a value of JSON with another text at a path."""
    if not path:
        return text
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = with_text(value[path[0]], path[1:], text)
    return changed


def changed_everywhere(folder):
    """Write terminal escapes into every text of a run's header and run.json that keeps it readable."""
    run = json.loads((folder / "run.json").read_text())
    for path in leaves(run):
        if path[-1] not in ("state", "verdict"):
            run = with_text(run, path, EVIL)
    (folder / "run.json").write_text(json.dumps(run))
    first, *others = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    header = json.loads(first[9:])["header"]
    for path in leaves(header):
        if path[-1] in ("description", "doc", "unit", "host", "python", "note", "run_id"):
            header = with_text(header, path, EVIL)
    (folder / "journal.jsonl").write_bytes(line_of({"header": header}) + b"".join(others))


@pytest.mark.parametrize("stored", ["bank", "interrupted", "statuses"])
@pytest.mark.parametrize("color", ["never", "always"])
def test_no_escape_sequence_of_a_folder_reaches_the_terminal(in_process, copied, tmp_path, stored, color):
    folder = copied(stored)
    changed_everywhere(folder)
    evil = folder.rename(folder.with_name(folder.name + EVIL))
    options = ("--color", color)
    for command in (
        ("show", evil, *options),
        ("show", evil, "--json"),
        ("list",),
        ("list", "--json"),
        ("verdict", evil, "--file", evil / "experiment.yaml"),
        ("resume", evil),
        ("compare", evil, evil),
        ("show", "no" + EVIL),
    ):
        done = in_process(*command)
        assert done.returncode != 3, done.stderr
        shown = STYLE.sub("", done.stdout + done.stderr) if color == "always" else done.stdout + done.stderr
        assert [c for c in set(shown) if not c.isprintable() and c != "\n"] == [], command


DEEP = 100_000
JSON = ("run.json", "verdict.json", "datapackage.json")


def with_tables(folder):
    """Write the tables and the verdict of a run as they are written when it ends."""
    run = RunFolder(folder)
    run.write_verdict(verdict_json(write_tables(run).judgement))


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize(
    "text", ["[" * DEEP, '{"a":' * DEEP, "[]", "NaN", "\xff", "{}", " " * (16 << 20) + "{}"]
)
def test_a_file_of_json_that_says_something_else_is_an_error_with_its_name(in_process, copied, name, text):
    folder = copied("bank")
    (folder / name).write_bytes(text.encode("latin-1"))
    if name != "datapackage.json":  # beside the journal no one needs it to show a run
        check_told(in_process("show", folder), 6, f"{folder / name} can't be read: ")
    else:
        with pytest.raises(MprunnerError, match=f"{name} (is damaged|can't be read): "):
            mprunner.load(folder)


def test_a_run_that_can_t_be_read_is_told_and_the_others_are_listed(in_process, copied):
    broken, whole = copied("bank"), copied("statuses")
    (broken / "run.json").write_text("[" * DEEP)
    done = in_process("list")
    check_told(done, 0, f"warning: {broken.relative_to(Path.cwd()) / 'run.json'} can't be read: it is nested")
    assert whole.name in done.stdout


@pytest.mark.parametrize("name", ["journal.jsonl", *JSON])
@pytest.mark.parametrize(
    "kind",
    [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/etc/passwd")],
)
def test_what_is_no_file_of_the_folder_is_neither_waited_for_nor_followed(in_process, copied, name, kind):
    folder = copied("interrupted")
    (folder / name).unlink(missing_ok=True)
    kind(folder / name)
    if name != "datapackage.json":
        check_told(in_process("show", folder), 6, str(folder / name))
    assert in_process("resume", folder).returncode == (6 if name in ("journal.jsonl", "run.json") else 7)
    assert in_process("list").returncode == 0
    with pytest.raises(MprunnerError, match=name):
        mprunner.load(folder)


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "logs/../trials.csv"])
def test_tables_are_only_those_beside_their_description(copied, path):
    folder = copied("bank")
    with_tables(folder)
    package = json.loads((folder / "datapackage.json").read_text())
    package["resources"][0]["path"] = path
    (folder / "datapackage.json").write_text(json.dumps(package))
    with pytest.raises(MprunnerError, match=f"the path of trials is {re.escape(path)}"):
        mprunner.load(folder)


def test_a_table_that_is_a_link_is_not_read(copied, tmp_path):
    folder = copied("bank")
    with_tables(folder)
    (folder / "trials.csv").rename(tmp_path / "trials.csv")
    (folder / "trials.csv").symlink_to(tmp_path / "trials.csv")
    with pytest.raises(MprunnerError, match="leads out of its folder"):
        mprunner.load(folder)


def test_logs_are_written_in_the_folder_itself(copied, tmp_path):
    run, victim = RunFolder(copied("interrupted")), tmp_path / "victim"
    victim.mkdir()
    (victim / ".current-mpr-1.log").write_text("precious")
    run.make_ready()
    (run.logs / ".current-mpr-1.log").symlink_to(victim / ".current-mpr-1.log")
    run.make_ready()
    assert not (run.logs / ".current-mpr-1.log").is_symlink()
    run.logs.rmdir()
    run.logs.symlink_to(victim)
    with pytest.raises(MprunnerError, match="logs is a link"):
        run.make_ready()
    assert (victim / ".current-mpr-1.log").read_text() == "precious"


ODD = (
    *(None, True, False, 0, 1, -1, 2, 10**9, 2**31, 2**63 - 1, 2**63, -(2**63), 10**400, 0.5, 1e308, -1e308),
    *("", "x", "ok", "int", "{x", "{wall_s:max}", "\0", "\ud800", [], ["x"], {}, {"x": 1}, [[]]),
)
ABSENT = object()


def places(value, path=()):
    """Yield the path of every value in a value of JSON."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, key))


def spoilt(draw, value):
    """Return a value of JSON with one of another type, or none, at some place."""
    place = draw(st.sampled_from([*places(value)][1:]))
    odd = draw(st.sampled_from((*ODD, ABSENT)))
    if odd is not ABSENT:
        return with_text(value, place, odd)
    *before, last = place
    parent = value
    for key in before:
        parent = parent[key]
    left = {k: v for k, v in parent.items() if k != last} if isinstance(parent, dict) else parent[:-1]
    return with_text(value, before, left)


@st.composite
def spoilings(draw, folder):
    """Return a file of a run's folder and what is to be written there: one value of it is another."""
    name = draw(st.sampled_from(["journal.jsonl", *JSON]))
    if name != "journal.jsonl":
        return name, json.dumps(spoilt(draw, json.loads((folder / name).read_text()))).encode()
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    kinds = {next(iter(json.loads(line[9:]))): number for number, line in enumerate(lines)}
    number = draw(st.sampled_from([*kinds.values()]))
    ((kind, value),) = json.loads(lines[number][9:]).items()
    lines[number] = line_of({kind: spoilt(draw, value)})
    return name, b"".join(lines)


def loaded(folder):
    """Load a run; return its exit code as that of a command."""
    try:
        with warnings.catch_warnings(action="ignore"):
            repr(mprunner.load(folder))
    except MprunnerError as error:
        return Done(error.exit_code, "", error.message)
    return Done(0, "", "")


def check_any_spoiling(folder, in_process, data):
    name, content = data.draw(spoilings(folder))
    more = {"show": ["--json"], "compare": [folder], "verdict": ["--file", folder / "experiment.yaml"]}
    command = data.draw(st.sampled_from(["show", "list", "compare", "verdict", "resume", "load"]))
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    try:
        given = () if command == "list" else (folder, *more.get(command, ()))
        done = loaded(folder) if command == "load" else in_process(command, *given)
    finally:
        (folder / name).write_bytes(before)
    assert done.returncode != 3, done.stderr
    assert "Traceback" not in done.stderr


SPOILT = ("resumed", "adaptive", "statuses")
ANY = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.mark.parametrize("stored", SPOILT)
@given(st.data())
@settings(max_examples=15, **ANY)
def test_whatever_one_value_of_a_folder_is_every_command_ends_with_a_code(in_process, copied, stored, data):
    check_any_spoiling(prepared(copied, stored), in_process, data)


@pytest.mark.slow
@pytest.mark.parametrize("stored", SPOILT)
@given(st.data())
@settings(max_examples=1_000, **ANY)
def test_whatever_any_value_of_a_folder_is_every_command_ends_with_a_code(in_process, copied, stored, data):
    check_any_spoiling(prepared(copied, stored), in_process, data)


def prepared(copied, stored):
    """Return the folder of a stored run with its tables, made once in a test."""
    (source,) = (RUNS / stored).iterdir()
    folder = Path.cwd() / "results" / stored / source.name
    if not folder.exists():
        with_tables(copied(stored))
    return folder
