"""An executor that executes nothing: a script says how each attempt ends."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mprunner.model.records import Attempt, Ending, Record, classify
from mprunner.signals import Interrupt


class FakeExecutor:
    """Ends every attempt as ``script`` says, and keeps what it was asked for, in order.

    Attributes:
        executed: every attempt so far.
        closed: whether it has been closed.
    """

    containment = "none"
    isolation = "none"
    warnings: Sequence[tuple[str, str]] = ()

    def __init__(self, script: Callable[[Attempt], Ending]) -> None:
        self._script = script
        self.executed: list[Attempt] = []
        self.closed = False

    def start(self) -> None:
        """Do nothing."""

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Take the attempt's ending from the script; an interrupt during it cancels it."""
        self.executed.append(attempt)
        ending = self._script(attempt)
        if interrupt.signal is not None:
            ending = Ending(cancelled=True)
        return Record(
            attempt=attempt,
            status=classify(ending),
            ending=ending,
            containment=self.containment,
            started_at="2026-01-01T00:00:00.000000Z",
        )

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
