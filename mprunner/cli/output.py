"""Where output goes and how it looks: colour, tables on a terminal, JSON, and a report as JUnit XML."""

from __future__ import annotations

import json
import os
import shlex
import sys
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from mprunner.cli import say
from mprunner.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from mprunner.plugins.registry import Registry
    from mprunner.report import JudgedRun, Line
    from mprunner.runs import RunFolder, RunInfo
    from mprunner.workflow.tabulate import Tabled

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Whether to use colour; auto heeds NO_COLOR, FORCE_COLOR and whether stdout is a terminal.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for a program to read.")


def junit_option_of(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return ``--junit``, which writes that too."""
    return click.option(
        "--junit",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.xml",
        help=f"Write what the {what} came to as JUnit XML too; a report of that name is replaced.",
    )


junit_option = junit_option_of("run")


def wants_color(color: str) -> bool:
    """Decide on colour: what the option says, else NO_COLOR, else FORCE_COLOR, else whether stdout is a terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(sys.stdout)


def is_terminal(stream: Any) -> bool:
    """Whether a person looks at the stream and it can do more than print lines."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") != "dumb"


def print_summary(tabled: Tabled, run: RunInfo, color: str, *, every_case: bool = False) -> None:
    """Print a run's summary on stdout, with styles on a terminal or where colour is wanted.

    Args:
        tabled: its tables.
        run: what its run.json says.
        color: what ``--color`` says.
        every_case: whether each case has its row, however many they are.
    """
    from mprunner.report import digest, summary_lines

    summary = digest(
        tabled.header, tabled.frames, tabled.summary, tabled.judgement, run, every_case=every_case
    )
    _print(lambda width, described: summary_lines(summary, width, described=described), color)


def print_verdict(tabled: Tabled, color: str) -> None:
    """Print a run's verdict on stdout, with styles on a terminal or where colour is wanted."""
    from mprunner.report import verdict_digest, verdict_lines

    verdict = verdict_digest(tabled.judgement, complete=True)
    _print(lambda width, described: verdict_lines(verdict, width), color)


def print_markdown(tabled: Tabled, run: RunInfo) -> None:
    """Print a run on stdout as Markdown."""
    from mprunner.report import digest, render_markdown

    summary = digest(tabled.header, tabled.frames, tabled.summary, tabled.judgement, run)
    say(render_markdown(summary, run, tabled.judgement.verdict).rstrip("\n"))


def print_plots(tabled: Tabled, metrics: Sequence[str], color: str) -> None:
    """Draw a run on stdout, as wide as the terminal, with signs that its encoding has.

    Raises:
        ExperimentError: there is no such metric.
    """
    from mprunner.report import draw_run, signs_for

    drawn = draw_run(
        tabled.header,
        tabled.frames,
        tabled.summary,
        tabled.judgement.states,
        metrics=metrics,
        width=line_width(sys.stdout),
        signs=signs_for(sys.stdout.encoding),
    )
    _print_either(lambda: drawn.plain, lambda: drawn, color)


def _print(lines: Callable[[int, bool], Iterable[Line]], color: str) -> None:
    from mprunner.report import plain, styled

    width = line_width(sys.stdout)
    _print_either(lambda: plain(lines(width, False)), lambda: styled(lines(width, True)), color)


def _print_either(plain: Callable[[], str], styled: Callable[[], RenderableType], color: str) -> None:
    width, colored = line_width(sys.stdout), wants_color(color)
    if not (colored or is_terminal(sys.stdout)):
        say(plain())
        return
    from rich.console import Console

    Console(force_terminal=True, no_color=not colored, highlight=False, width=width).print(
        _Printable(styled())
    )


def line_width(stream: Any) -> int:
    """Return how wide a line may be: as COLUMNS or the terminal says, else as a log has it."""
    from mprunner.model.text import LINE_WIDTH

    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or LINE_WIDTH
    except (OSError, ValueError):  # it is no terminal
        return LINE_WIDTH


class _Printable:
    """Sends the text of a styled part through the door of :func:`mprunner.cli.say`, and its style past it."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        from mprunner.model.text import printable_lines

        for text, style, control in console.render(self._part, options):
            yield Segment(text if control else printable_lines(text), style, control)


def results_line(folder: RunFolder, run: RunInfo) -> str:
    """Return the line that says where a run's results are, and that they are not whole where they are not."""
    return f"results{'' if run.is_finished else f' ({run.state})'}: {folder.path}"


def resume_command(folder: RunFolder) -> str:
    """Return the command that executes what is missing of a run."""
    return f"mprunner resume {shlex.quote(str(folder.path))}"


def print_json(value: object) -> None:
    """Print a value as JSON on stdout, piece by piece; keys are texts."""
    sys.stdout.writelines(map(_printable_json, _indented(value, "\n")))
    say()


def _indented(value: object, line: str) -> Iterator[str]:
    """Write a value as ``json`` does with an indent of 2, which json does in Python, and slowly.

    What holds no list or mapping is written in one go, by the part of json that is fast. ``line`` begins a line.
    """
    inner = f"{line}  "
    encoder = _encoder(f",{inner}")
    if not (value and isinstance(value, dict | list | tuple)):
        yield encoder.encode(value)
    elif not isinstance(value, Streamed) and not _is_nested(value):
        text = encoder.encode(value)
        yield f"{text[0]}{inner}{text[1:-1]}{line}{text[-1]}"
    elif isinstance(value, dict):
        for number, (key, each) in enumerate(value.items()):
            yield f"{',' if number else '{'}{inner}{encoder.encode(key)}: "
            yield from _indented(each, inner)
        yield f"{line}}}"
    else:
        for number, each in enumerate(value):
            yield f"{',' if number else '['}{inner}"
            yield from _indented(each, inner)
        yield f"{line}]"


@lru_cache(maxsize=64)  # one for each depth
def _encoder(separator: str) -> json.JSONEncoder:
    return json.JSONEncoder(separators=(separator, ": "), ensure_ascii=False, allow_nan=False)


def _is_nested(value: dict[str, object] | list[object] | tuple[object, ...]) -> bool:
    parts = value.values() if isinstance(value, dict) else value
    return any(isinstance(each, dict | list | tuple) for each in parts)


def _printable_json(piece: str) -> str:
    """Return a piece of JSON with what can't be printed as JSON's own escapes; it is only in texts."""
    if piece.replace("\n", "").isprintable():  # in texts, line ends are escaped
        return piece
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in piece)


class Streamed(list[Any]):
    """What ``print_json`` writes as a list, made item by item while it is written; it can be written once."""

    def __init__(self, items: Iterable[Any]) -> None:
        items = iter(items)
        super().__init__(islice(items, 1))  # json asks whether a list is empty before it begins
        self._rest = items

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield from self._rest


def writable_output(option: str, path: Path, sign: bytes, kind: str) -> Path:
    """Return where a file that a person names with an option is to be written: where links lead, its folder made.

    Args:
        option: its name.
        path: what it was given.
        sign: what is near the beginning of every file of the kind: another file is not replaced.
        kind: what the option writes, in words.

    Raises:
        click.UsageError: something else than a file, or than such a file, is there.
        ResultsError: nothing can be written there.
    """
    file = path.resolve()
    if file.exists() and not file.is_file():
        raise click.UsageError(f"{option}: {path} is not a regular file")
    if file.exists() and not _has_or_is_empty(file, sign):
        raise click.UsageError(f"{option}: {path} is there and is no {kind}; it would be replaced")
    scratch = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch.touch()
        scratch.unlink()
    except OSError as error:
        raise _unwritable(option, file, error.strerror or str(error)) from error
    return file


def _has_or_is_empty(path: Path, sign: bytes) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(4096)
            return not beginning or sign in beginning
    except OSError:
        return True  # whoever writes it says why that can't be done


def _unwritable(option: str, path: Path, reason: str) -> ResultsError:
    return ResultsError(f"{path} can't be written: {reason}", f"name another file with {option}")


def writable_junit(path: Path) -> Path:
    """Return where ``--junit`` writes; see :func:`writable_output`."""
    return writable_output("--junit", path, b"<testsuite", "JUnit XML")


def write_report(path: Path, write: Callable[[TextIO], None]) -> None:
    """Write the file of ``--junit``, whole or not at all.

    Raises:
        ResultsError: it can't be written.
    """
    from mprunner.runs import written_atomically

    try:
        with written_atomically(path) as file:
            write(file)
    except ResultsError as error:
        raise _unwritable("--junit", path, error.message.rpartition(": ")[2]) from error


class JUnitFile:
    """Writes JUnit XML whenever a run is judged.

    Attributes:
        error: why it could not be written, if it could not: a report must not cost the run's own results.
    """

    def __init__(self, path: Path) -> None:
        """Make sure that the file can be written: see :func:`writable_output`."""
        self.error: ResultsError | None = None
        self._judged: list[JudgedRun] = []  # one invocation may execute several experiments
        self._path = writable_junit(path)

    def mprunner_run_judged(
        self, run: Mapping[str, Any], verdict: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write the report; keep the error if that fails."""
        from mprunner.report import JudgedRun, write_junit
        from mprunner.runs import RunInfo

        self._judged.append(JudgedRun(run=RunInfo.from_json(run), verdict=verdict, cases=cases))
        try:
            write_report(self._path, partial(write_junit, runs=self._judged))
        except ResultsError as error:
            self.error = error


def junit_for(path: Path | None, registry: Registry) -> JUnitFile | None:
    """Have a report written, if one is wanted; see :class:`JUnitFile` for what is raised."""
    if path is None:
        return None
    junit = JUnitFile(path)
    registry.manager.register(junit, name="--junit")
    return junit
