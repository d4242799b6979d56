"""What ``run``, ``resume`` and ``plan`` share: all experiments are read, and what is wrong with any is told, before
the first is executed; progress while trials are executed; then the summary and the exit code.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.options import warn, warn_of_plugins
from mprunner.cli.output import (
    JUnitFile,
    is_terminal,
    line_width,
    print_summary,
    results_line,
    resume_command,
)
from mprunner.cli.reporting import make_page, tell_page
from mprunner.errors import ExperimentError, MprunnerError
from mprunner.signals import Interrupt, end_by

if TYPE_CHECKING:
    from mprunner.cli.github import GitHub
    from mprunner.experiment import Asked
    from mprunner.plugins.registry import Registry
    from mprunner.workflow.execute import Executed
    from mprunner.workflow.prepare import Prepared
    from mprunner.workflow.tabulate import Tabled

quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, only the summary.")
executor_option = click.option(
    "--executor", default="local", show_default=True, help="What executes the trials."
)


class _ExperimentPath(click.Path):
    """A file or folder; an empty text, such as an unset variable in a script, is none, and not the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        if value == "":
            self.fail("a file can't have an empty name; `.` is the current folder", param, ctx)
        return super().convert(value, param, ctx)


files_argument = click.argument("files", type=_ExperimentPath(), nargs=-1, required=True, metavar="FILE...")


def is_several(paths: Sequence[Path]) -> bool:
    """Whether paths may stand for more than one experiment: by what they are, not by what is in a folder."""
    return len(paths) > 1 or os.path.isdir(paths[0])


def prepare_all(
    paths: Sequence[Path], plugins: Sequence[Path], asked: Asked, *, strict: bool
) -> list[Prepared]:
    """Read and plan every experiment that the paths stand for; warn of the plugins.

    If there are several errors, prints all of them and ends the program: with their exit code if they have the same,
    else with that of a bad experiment file.

    Raises:
        MprunnerError: the only one.
    """
    from mprunner.experiment import experiment_files
    from mprunner.plugins.registry import load_registry
    from mprunner.workflow import prepare

    files, wrong = experiment_files(paths)
    errors: list[tuple[Path | None, MprunnerError]] = [(None, error) for error in wrong]
    registry = load_registry(plugins)
    prepared: list[Prepared] = []
    for file in files:
        try:
            prepared.append(prepare.prepare(file, asked=asked, strict=strict, registry=registry))
        except MprunnerError as error:
            errors.append((file, error))
    if len(files) == 1 and len(errors) == 1:
        raise errors[0][1]
    if errors:
        _refuse(errors)
    warn_of_plugins(registry)
    _warn_of_shared_names(prepared)
    return prepared


def _warn_of_shared_names(prepared: Sequence[Prepared]) -> None:
    """Warn of files whose runs are kept in one folder, since their experiments have the same name."""
    files: dict[str, list[str]] = {}
    for each in prepared:
        files.setdefault(each.experiment.name, []).append(each.experiment.path)
    for name, same in files.items():
        if len(same) > 1:
            warn(f"{' and '.join(same)} share the results folder of {name}", "`name` tells experiments apart")


def _refuse(errors: list[tuple[Path | None, MprunnerError]]) -> None:
    from mprunner.cli import tell

    alike: dict[tuple[str, str | None], list[tuple[Path | None, MprunnerError]]] = {}
    for file, error in errors:
        alike.setdefault((error.message, error.hint), []).append((file, error))
    for number, same in enumerate(alike.values()):
        if number:
            say(err=True)
        unnamed = [str(file) for file, error in same if file is not None and str(file) not in error.message]
        if unnamed:
            say(f"in {', '.join(unnamed)}:", err=True)
        tell(same[0][1])
    codes = {error.exit_code for _, error in errors}
    sys.exit(codes.pop() if len(codes) == 1 else ExperimentError.exit_code)


def tell_not_executed(later: Sequence[Prepared]) -> None:
    """Say on stderr which experiments are not executed."""
    if later:
        names = ", ".join(prepared.experiment.path for prepared in later)
        say(f"not executed: {names}", err=True)


def execute_and_print(
    execute: Callable[[Interrupt], Executed],
    registry: Registry,
    *,
    done: int = 0,
    quiet: bool,
    color: str,
    junit: JUnitFile | None,
    github: GitHub | None,
    report_in: Path | None,
    later: Sequence[Prepared] = (),
    answer: Callable[[Tabled], Sequence[str]] | None = None,
) -> int:
    """Execute a run, show progress meanwhile, write its tables, print its summary, and return the exit code.

    A signal ends the program when the tables are written: by that signal.

    Args:
        execute: executes the run.
        registry: the plugins; the progress is one of them meanwhile.
        done: how many of the run's trials have their final record already.
        quiet: whether no progress is shown.
        color: what ``--color`` says.
        junit: the report as JUnit XML, if one is wanted; why it could not be written is an error at the end.
        github: tells GitHub Actions of the run, if that is wanted.
        report_in: the folder of all runs, if the page of this one is to be made.
        later: what would be executed after this run, and is not if a signal ends it.
        answer: makes the lines that come before the summary, of a command that asks one question.
    """
    with Interrupt() as interrupt:
        with _progress_shown(registry, interrupt, done=done, quiet=quiet):
            executed = execute(interrupt)
        failed = _finish_and_print(executed, registry, interrupt, color, github, answer)
        if report_in is not None:
            with suppress(OSError):  # a terminal that is gone
                tell_page(make_page(executed.folder, report_in, interrupt))
    return _exit_code(failed, interrupt, junit, later)


@contextmanager
def _progress_shown(registry: Registry, interrupt: Interrupt, *, done: int, quiet: bool) -> Iterator[None]:
    from mprunner.cli.progress import LineProgress, LiveProgress

    if quiet:
        yield
        return
    interrupt.before_end = _show_cursor
    live = LiveProgress(done) if is_terminal(sys.stderr) else None
    progress = live or LineProgress()
    registry.manager.register(progress, name="live progress" if live else "progress lines")
    try:
        yield
    finally:
        registry.manager.unregister(progress)  # the next run has a progress of its own
        if live is not None:
            live.close()


def _show_cursor() -> None:
    """Give a terminal its cursor back, which the live line of progress hides."""
    if is_terminal(sys.stderr):
        with suppress(OSError):
            os.write(sys.stderr.fileno(), b"\x1b[?25h")


def _finish_and_print(
    executed: Executed,
    registry: Registry,
    interrupt: Interrupt,
    color: str,
    github: GitHub | None,
    answer: Callable[[Tabled], Sequence[str]] | None,
) -> bool:
    """Write the tables and the verdict, print them; return whether the run failed."""
    from mprunner.cli.progress import told_when_slow
    from mprunner.workflow import pipeline

    with suppress(OSError):  # a terminal that is gone must not cost the tables
        _tell_the_rest(executed)
    with told_when_slow("making the tables"):
        finished = pipeline.finish(executed, registry)
    try:
        for error in finished.hook_errors:
            warn(f"a plugin failed: {error}")
        for line in answer(finished.tabled) if answer is not None else ():
            say(f"{textwrap.fill(line, line_width(sys.stdout))}\n")
        print_summary(finished.tabled, finished.run, color)
        say(f"\n{results_line(executed.folder, finished.run)}")
        if not executed.run.is_finished:
            say(f"execute the rest: {resume_command(executed.folder)}")
        sys.stdout.flush()
        if github is not None:
            github.tell(finished.tabled, finished.run)
    except OSError:
        if interrupt.signal is None:  # else the terminal may be gone, as the signal said
            raise
    return finished.tabled.judgement.verdict == "failed"


def _tell_the_rest(executed: Executed) -> None:
    """Say that trials were not executed, and how to execute them, before the tables take their time."""
    run = executed.run
    of, rest = run.planned_in_words(), f"`{resume_command(executed.folder)}` executes the rest"
    if run.is_interrupted:
        say(f"interrupted after {executed.done} of {of} trials; {rest}", err=True)
    if run.is_stopped:
        all_failed = executed.done == executed.failures > 1
        why = "as every trial so far has failed" if all_failed else "after a failure"
        say(f"stopped {why}, {run.missing} of {of} trials not executed; {rest}", err=True)


def _exit_code(failed: bool, interrupt: Interrupt, junit: JUnitFile | None, later: Sequence[Prepared]) -> int:
    """Return the exit code of a run, or end by the signal that came while it was executed."""
    error = None if junit is None else junit.error
    if interrupt.signal is not None:
        if error is not None:
            warn(error.message, error.hint or "")
        with suppress(OSError):  # the terminal may be gone, as the signal said
            tell_not_executed(later)
        end_by(interrupt.signal)
    if error is not None:
        raise error
    return 1 if failed else 0


def execute_written(
    file: Path,
    results: Path,
    answer: Callable[[Tabled], Sequence[str]],
    *,
    quiet: bool,
    color: str,
    page: bool,
) -> int:
    """Execute the experiment that a command has written; see :func:`execute_and_print`.

    Raises:
        MprunnerError: nothing was executed, or the results can't be written.
    """
    from mprunner.executors import launcher_at_hand

    with launcher_at_hand() as launcher:
        from mprunner.experiment import Asked
        from mprunner.workflow import pipeline

        (prepared,) = prepare_all((file,), (), Asked(), strict=False)
        executor = pipeline.executor_for(prepared, launcher=launcher)
        return execute_and_print(
            partial(pipeline.run, prepared, executor, results, warn=warn),
            prepared.registry,
            quiet=quiet,
            color=color,
            junit=None,
            github=None,
            report_in=results if page else None,
            answer=answer,
        )
