"""What is executed next, knowing how everything so far has ended.

In order; until a failure, where that is asked; of each case until its interval is narrow; a lost trial again.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from mprunner.model.adaptive import AdaptiveRepeats
from mprunner.model.experiment import Experiment
from mprunner.model.records import Attempt, Record, Status
from mprunner.model.relevance import EVERYTHING, Relevance
from mprunner.model.rules import Rules


class Schedule(Protocol):
    """Decides what is executed next, knowing how everything so far has ended."""

    def next(self) -> Attempt | None:
        """Return the next attempt, or None when there is nothing more to execute."""

    def feed(self, record: Record) -> bool:
        """Learn how an attempt ended; return whether that settles its trial, so that it is not executed again."""

    @property
    def spared(self) -> int:
        """How many planned trials are not needed, as is known by now."""


class PlannedSchedule:
    """Executes attempts in their order; where repeats are adaptive, none of a case that has enough by then."""

    def __init__(self, attempts: Iterable[Attempt], adaptive: AdaptiveRepeats | None) -> None:
        self._attempts = iter(attempts)
        self._adaptive = adaptive

    def next(self) -> Attempt | None:
        """Return the next attempt that is needed."""
        adaptive = self._adaptive
        if adaptive is None:
            return next(self._attempts, None)
        while not adaptive.is_done and (attempt := next(self._attempts, None)) is not None:
            if not adaptive.is_enough(attempt.case_id):
                return attempt
        return None  # without making the rest of a large plan, if every case is done

    def feed(self, record: Record) -> bool:
        """Say that every trial is settled by its attempt, unless the user cancelled it."""
        if record.status is Status.CANCELLED:
            return False
        if self._adaptive is not None:
            self._adaptive.take(record)
        return True

    @property
    def spared(self) -> int:
        """How many planned trials are not needed."""
        return 0 if self._adaptive is None else self._adaptive.spared


IsExpected = Callable[[Record], bool]
"""Whether an attempt ended as the experiment expects."""


class StoppingSchedule:
    """Executes what another schedule gives, and nothing after the first that ended as it should not."""

    def __init__(self, schedule: Schedule, is_expected: IsExpected) -> None:
        self._schedule = schedule
        self._is_expected = is_expected
        self._stopped = False

    def next(self) -> Attempt | None:
        """Return what the other schedule gives, until a failure; the other one learns then what it would give."""
        upcoming = self._schedule.next()
        return None if self._stopped else upcoming

    def feed(self, record: Record) -> bool:
        """Stop after a failure."""
        self._stopped |= not self._is_expected(record)
        return self._schedule.feed(record)

    @property
    def spared(self) -> int:
        """What the other schedule says."""
        return self._schedule.spared


class FirstRoundSchedule:
    """Executes what another schedule gives, and nothing after a first round in which every trial raised an exception.

    The round is over when each case has had a trial, and there were two or more.
    """

    def __init__(self, schedule: Schedule, is_expected: IsExpected, cases: int) -> None:
        self._schedule = schedule
        self._is_expected = is_expected
        self._cases = cases
        self._failed: Counter[str] | None = Counter()

    def next(self) -> Attempt | None:
        """Return what the other schedule gives, unless all have failed; the other one learns what it would give."""
        upcoming = self._schedule.next()
        is_over = self._failed is not None and len(self._failed) == self._cases and self._failed.total() > 1
        return None if is_over else upcoming

    def feed(self, record: Record) -> bool:
        """Learn whether the trial failed; one that did not ends the question."""
        if self._failed is not None and record.status is not Status.CANCELLED:
            if record.status is Status.ERROR and not self._is_expected(record):
                self._failed[record.attempt.case_id] += 1
            else:
                self._failed = None
        return self._schedule.feed(record)

    @property
    def spared(self) -> int:
        """What the other schedule says."""
        return self._schedule.spared


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

    @property
    def spared(self) -> int:
        """What the other schedule says."""
        return self._schedule.spared


def schedule_for(
    experiment: Experiment,
    rules: Rules,
    attempts: Iterable[Attempt],
    lost: Mapping[str, int] | None = None,
    adaptive: AdaptiveRepeats | None = None,
    relevance: Relevance = EVERYTHING,
    cases: int = 0,
) -> Schedule:
    """Return the schedule that an experiment asks for.

    Args:
        experiment: says whether to stop, and how many retries a lost trial has.
        rules: what it expects: a status that is expected is no failure.
        attempts: what is to be executed, in this order.
        lost: by trial id, how many attempts were lost before this schedule began.
        adaptive: what the cases came to before it began, where repeats go on until an interval is narrow.
        relevance: which params mean something to which case.
        cases: how many there are, where none has had a trial; 0 where some trials have been executed before.
    """

    def is_expected(record: Record) -> bool:
        return rules.accepts(record.status, relevance.of(record.attempt.params))

    schedule: Schedule = PlannedSchedule(attempts, adaptive)
    if experiment.on_failure == "stop":
        schedule = StoppingSchedule(schedule, is_expected)
    elif experiment.on_failure == "stop-if-all" and cases:
        schedule = FirstRoundSchedule(schedule, is_expected, cases)
    return RetryingSchedule(schedule, experiment.retries, lost or {}) if experiment.retries else schedule
