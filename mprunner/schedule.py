"""What is executed next, knowing how everything so far has ended: in order, until a failure, with retries."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from mprunner.expected import Rules
from mprunner.records import Attempt, Record, Status
from mprunner.spec import Experiment


class Schedule(Protocol):
    """Decides what is executed next, knowing how everything so far has ended."""

    def next(self) -> Attempt | None:
        """Return the next attempt, or None when there is nothing more to execute."""

    def feed(self, record: Record) -> bool:
        """Learn how an attempt ended; return whether that settles its trial, so that it is not executed again."""


class PlainSchedule:
    """Executes attempts in their order."""

    def __init__(self, attempts: Iterable[Attempt]) -> None:
        self._attempts = iter(attempts)

    def next(self) -> Attempt | None:
        """Return the next attempt."""
        return next(self._attempts, None)

    def feed(self, record: Record) -> bool:
        """Say that every trial is settled by its attempt, unless the user cancelled it."""
        return record.status is not Status.CANCELLED


class StoppingSchedule:
    """Executes what another schedule gives, and nothing after the first that ended as it should not."""

    def __init__(self, schedule: Schedule, rules: Rules) -> None:
        self._schedule = schedule
        self._rules = rules
        self._stopped = False

    def next(self) -> Attempt | None:
        """Return what the other schedule gives, until a failure."""
        return None if self._stopped else self._schedule.next()

    def feed(self, record: Record) -> bool:
        """Stop after a failure."""
        self._stopped |= not self._rules.accepts(record.status, record.attempt.params)
        return self._schedule.feed(record)


class RetryingSchedule:
    """Executes what another schedule gives, and a lost trial again before anything else.

    The other schedule learns of a lost attempt only when there is no retry left: what it sees is final.
    """

    def __init__(self, schedule: Schedule, retries: int, lost: Mapping[str, int]) -> None:
        self._schedule = schedule
        self._retries = retries
        self._lost = Counter(lost)
        self._again: deque[Attempt] = deque()

    def next(self) -> Attempt | None:
        """Return the next attempt of a lost trial, else what the other schedule gives."""
        return self._again.popleft() if self._again else self._schedule.next()

    def feed(self, record: Record) -> bool:
        """Have a lost trial executed again as long as it has retries."""
        attempt = record.attempt
        if record.status is Status.LOST:
            self._lost[attempt.trial_id] += 1
            if self._lost[attempt.trial_id] <= self._retries:
                self._again.append(replace(attempt, attempt=attempt.attempt + 1))
                return False
        return self._schedule.feed(record)


def schedule_for(
    experiment: Experiment, rules: Rules, attempts: Iterable[Attempt], lost: Mapping[str, int] | None = None
) -> Schedule:
    """Return the schedule that an experiment asks for.

    Args:
        experiment: says whether to stop, and how many retries a lost trial has.
        rules: what it expects: a status that is expected is no failure.
        attempts: what is to be executed, in this order.
        lost: by trial id, how many attempts were lost before this schedule began.
    """
    schedule: Schedule = PlainSchedule(attempts)
    if experiment.on_failure == "stop":
        schedule = StoppingSchedule(schedule, rules)
    return RetryingSchedule(schedule, experiment.retries, lost or {}) if experiment.retries else schedule
