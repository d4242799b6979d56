"""The command line: one module per command, imported when it is called; the only place that prints and exits."""

import errno
import importlib
import os
import shlex
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from io import TextIOWrapper
from typing import Any

import click

import mprunner
from mprunner.errors import MprunnerError
from mprunner.signals import end_by

COMMANDS = (
    "run",
    "race",
    "tune",
    "resume",
    "plan",
    "show",
    "report",
    "verdict",
    "compare",
    "list",
    "scenarios",
    "schema",
)


class _ReaderGoneError(Exception):
    """What reads the output is gone: no OSError, of which click would make exit code 1, that of a failed trial."""


@contextmanager
def _reader_watched() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGoneError from error


class LazyGroup(click.Group):
    """A group whose commands are modules of this package."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments, and print the help if they ask for it."""
        with _reader_watched():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Execute the command."""
        with _reader_watched():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named; of one that there is not, say which may be meant."""
        from mprunner.model.text import nearest, printable

        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        if args[0].endswith((".yaml", ".yml")):
            hint = f"write `mprunner run {printable(shlex.quote(args[0]))}`"
        else:
            near = nearest(args[0], COMMANDS)
            hint = f"did you mean '{near}'?" if near else f"the commands are {', '.join(COMMANDS)}"
        raise click.UsageError(f"No such command {args[0]!r}.\nhint: {hint}", ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*COMMANDS]  # the command `list` is a module here, once it was imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"mprunner.cli.{cmd_name}").command
        return command


@click.command(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(mprunner.__version__, prog_name="mprunner")
def cli() -> None:
    """Concurrency experiments in Python.

    A YAML file names a scenario and what to vary. mprunner executes every combination, each repeat in a fresh
    worker process, and leaves tidy CSV tables.

    \b
      mprunner scenarios                   what can be studied
      mprunner scenarios race-bank         its params and metrics
      mprunner plan experiments/bank.yaml  which trials that makes
      mprunner run experiments/bank.yaml   execute them
      mprunner race cache:Lazy             whether a class of yours races, and how often
      mprunner tune work:parse             whether a pool makes a function of yours faster
      mprunner resume bank                 execute what an interrupted run has left
      mprunner show bank                   the newest run's summary again
      mprunner report bank                 its page: charts and tables in one file
      mprunner verdict bank                judge it again, by the file as it is now
      mprunner compare BASE NEW            two runs, case by case
      mprunner schema                      what an editor needs to complete experiments
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Execute a command line and exit; see docs/cli.md for the exit codes."""
    if sys.platform == "win32":
        sys.exit(
            "error: mprunner needs processes, signals and fork as Linux and macOS have them\nhint: use WSL 2"
        )
    _open_closed_streams()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal's encoding may lack a sign of the summary
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, warnings.showwarning)
            code = cli.main(args=argv, standalone_mode=False)
        sys.stdout.flush()
    except MprunnerError as error:
        fail(error)
    except click.ClickException as error:
        with suppress(OSError):
            _with_hint(error).show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        end_by(signal.SIGINT)
    except (BrokenPipeError, _ReaderGoneError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing may fail at exit any more
        end_by(signal.SIGPIPE)
    except OSError as error:
        if error.errno == errno.ENOENT and not _has_folder():
            fail(MprunnerError("the current folder is gone", "change to one that is there, and try again"))
        fail(MprunnerError(f"the output can't be written: {error.strerror or error}"))
    except Exception as error:  # a fault of mprunner's own: everything a report of it needs
        if isinstance(error, MemoryError) or (isinstance(error, ImportError) and _has_memory_limit()):
            fail(
                MprunnerError(
                    f"there is not enough memory for mprunner: {error}".rstrip(": "), "see `ulimit -v`"
                )
            )
        traceback.print_exc()
        say("error: internal error; please report it with the lines above", err=True)
        sys.exit(MprunnerError.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _has_folder() -> bool:
    """Whether the current folder is still there."""
    with suppress(OSError):
        return bool(os.getcwd())
    return False


def _has_memory_limit() -> bool:
    """Whether the addresses that a process may have are limited, by which libraries fail to be loaded."""
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


_KEYS = (
    "timeout",
    "warmup",
    "seed",
    "order",
    "retries",
    "isolation",
    "cpus",
    "limits",
    "variants",
    "baseline",
    "name",
)
_INSTEAD = {
    **{f"--{key}": f"--set {key}=VALUE" for key in _KEYS},
    **dict.fromkeys(["-n", "--repeat", "--repeats", "--repetitions", "--runs", "--count"], "--set repeats=N"),
    **dict.fromkeys(["--filter", "--select", "-k"], "--only PARAM=VALUE"),
    **dict.fromkeys(["-o", "--out", "--output", "--output-dir", "--results-dir"], "--results FOLDER"),
    **dict.fromkeys(["--param", "--params", "-p", "-P"], "--set params.NAME=VALUE"),
    **dict.fromkeys(["--dry-run", "--dryrun", "--check"], "mprunner plan FILE"),
}
"""What people know from elsewhere, and what it is here; a key of the experiment file is set."""


def _with_hint(error: click.ClickException) -> click.ClickException:
    """Return an error of the command line; of an option that is known from elsewhere, with what it is here."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        instead = _INSTEAD.get(error.option_name)
        if instead and error.ctx.info_name in ("run", "plan"):
            message = f"No such option '{error.option_name}'.\nhint: write `{instead}`"
            return click.UsageError(message, error.ctx)
    return error


def _show_warning(
    otherwise: Callable[..., None], message: Warning | str, category: type[Warning], *where: Any
) -> None:
    """Print a warning of mprunner's own as its other lines, without the place in the program."""
    from mprunner.errors import FaultWarning  # here: --help must not wait for it

    if issubclass(category, FaultWarning):
        say(f"warning: {message}", err=True)
    else:
        otherwise(message, category, *where)


def _open_closed_streams() -> None:
    """Give the program a stdout and a stderr where a shell has closed them (``>&-``), so that nothing fails."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the program lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the program lives


def say(text: str = "", *, err: bool = False) -> None:
    """Print text on stdout, or on stderr: the one door to the terminal, through which only printable text goes.

    What a run's folder says may come from anyone.
    """
    from mprunner.model.text import printable_lines  # here: --help must not wait for it

    click.echo(printable_lines(text), err=err)


def fail(error: MprunnerError) -> None:
    """Print an error and its hint, and exit with its code."""
    tell(error)
    sys.exit(error.exit_code)


def tell(error: MprunnerError) -> None:
    """Print an error and its hint on stderr; whoever reads only the exit code may have closed it."""
    with suppress(OSError):
        say(f"{error.prefix}{error.message}", err=True)
        if error.hint:
            say(f"hint: {error.hint}", err=True)
