"""What a person sees while trials are executed; plugins of the run's own hooks, as anyone can write them. And what
they see while tables are made of many.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from mprunner.cli import say
from mprunner.cli.output import is_terminal, line_width
from mprunner.model.records import Status
from mprunner.model.text import printable, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mprunner.model.records import Attempt, Record

LINE_EVERY_S: Final = 1.0
REDRAW_EVERY_S: Final = 0.25


def described(record: Record) -> str:
    """Say what an attempt was and how it ended."""
    took = "" if record.ending.wall_s is None else f" in {record.ending.wall_s:.3g} s"
    why = reason_of(record)
    return printable(f"{_named(record.attempt)}: {record.status}{took}{why and f': {why}'}")


def _named(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    repeat = "warm-up" if attempt.is_warmup else f"repeat {attempt.repeat}"
    return f"{attempt.case_label or 'the only case'}, {repeat}"


class LineProgress:
    """Prints a line for a finished trial, at most one a second, and one for every failure."""

    def __init__(self) -> None:
        self._next_line = 0.0

    def mprunner_trial_finished(self, record: Record, done: int, planned: int) -> None:
        """Print a line, unless the last one is younger than a second."""
        now = time.monotonic()
        if now < self._next_line and record.status is Status.OK and done < planned:
            return
        self._next_line = now + LINE_EVERY_S
        say(f"[{done}/{planned}] {described(record)}", err=True)


class LiveProgress:
    """Keeps one line of a terminal up to date: trials done, the trial in hand, the time left.

    It is drawn between two trials, at most four times a second, and never while one is being executed: nothing
    may wake up beside what is being measured.
    """

    def __init__(self, done: int = 0) -> None:
        self._done_before = done
        self._bar: Any = None
        self._task: Any = None
        self._began = 0.0
        self._next_redraw = 0.0

    def mprunner_run_started(self, run: Mapping[str, Any], planned: int, following: Attempt | None) -> None:
        """Draw the line for the first time."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        rest = Column(
            ratio=1, no_wrap=True, overflow="ellipsis"
        )  # a long label gives way to the bar and the count
        self._bar = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}", style="dim", markup=False),
            TextColumn("{task.description}", markup=False, table_column=rest),
            console=Console(stderr=True, highlight=False, width=_room()),
            expand=True,
            auto_refresh=False,
            transient=True,
        )
        self._began = time.monotonic()
        self._task = self._bar.add_task(
            printable(_named(following)), total=planned, completed=self._done_before, left=""
        )
        self._bar.start()
        self._bar.refresh()

    def mprunner_trial_finished(
        self, record: Record, done: int, planned: int, following: Attempt | None
    ) -> None:
        """Move the line on, and print a failure above it."""
        now = time.monotonic()
        if record.status is not Status.OK:
            self._bar.console.print(f"[{done}/{planned}] {described(record)}", markup=False)
        left = (now - self._began) / max(done - self._done_before, 1) * (planned - done)
        self._bar.update(
            self._task,
            total=planned,
            completed=done,
            description=printable(_named(following)),
            left=f"about {duration(left)} left",
        )
        if now >= self._next_redraw:
            self._next_redraw = now + REDRAW_EVERY_S
            self._bar.console.width = _room()
            self._bar.refresh()

    def close(self) -> None:
        """Take the line away; harmless if the terminal is gone."""
        if self._bar is not None:
            with suppress(OSError):
                self._bar.stop()


def _room() -> int:
    """Return how wide the line may be: a terminal writes ^C behind it, which must not begin a line of its own.

    Then the line could not be taken away: only the last one is.
    """
    return max(1, line_width(sys.stderr) - len("^C"))


def duration(seconds: float) -> str:
    """Say a time in words, roughly: ``42 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


_NO_LINE: Final = "\r\x1b[K"


@contextmanager
def told_when_slow(what: str, after_s: float = 1.0) -> Iterator[None]:
    """Say on a terminal's stderr, second by second, what takes longer than one; the line is taken away at the end.

    Args:
        what: is done within; printable.
        after_s: when it is told first, and how often from then on.
    """
    if not is_terminal(sys.stderr):
        yield
        return
    began, ended = time.monotonic(), threading.Event()

    def tell() -> None:
        while not ended.wait(after_s):
            _draw(f"{_NO_LINE}{what}: {duration(time.monotonic() - began)}")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if time.monotonic() - began >= after_s:
            _draw(_NO_LINE)


def _draw(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        sys.stderr.write(text)
        sys.stderr.flush()
