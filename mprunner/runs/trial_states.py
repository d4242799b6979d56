"""The state of each trial of a run: how its last attempt ended, as far as a journal says."""

from dataclasses import dataclass
from typing import NamedTuple

from mprunner.model.records import Status


class TrialState(NamedTuple):
    """The state of one trial.

    Attributes:
        attempt: the number of its last attempt that was started.
        status: how that ended; None if it has no end.
        lost: how many of its attempts were lost.
    """

    attempt: int
    status: str | None
    lost: int

    def is_settled(self, retries: int) -> bool:
        """Whether the trial needs no further attempt."""
        if self.status == Status.LOST:
            return self.lost > retries
        return self.status is not None and self.status != Status.CANCELLED


_LOST = Status.LOST.value
_NOTHING = TrialState(0, None, 0)


class TrialStates(dict[str, TrialState]):
    """The states of trials, by trial id, kept up to date line by line.

    The same state is one object for all trials: of a million, each costs its id and a place in this mapping.
    """

    def __init__(self) -> None:
        self._shared: dict[TrialState, TrialState] = {}

    def started(self, trial_id: str, attempt: int) -> None:
        """Take in the start of an attempt."""
        lost = self.get(trial_id, _NOTHING).lost
        self._put(trial_id, TrialState(attempt, None, lost))

    def ended(self, trial_id: str, attempt: int, status: str) -> None:
        """Take in how an attempt ended, which may not be its trial's last."""
        before = self.get(trial_id, _NOTHING)
        lost = before.lost + (status == _LOST)
        if attempt < before.attempt:
            attempt, status_of_last = before.attempt, before.status
        else:
            status_of_last = status
        self._put(trial_id, TrialState(attempt, status_of_last, lost))

    def _put(self, trial_id: str, trial_state: TrialState) -> None:
        self[trial_id] = self._shared.setdefault(trial_state, trial_state)

    def tally(self, retries: int) -> "Tally":
        """Count the trials that are settled, and those of them that failed."""
        settled = [trial_state for trial_state in self.values() if trial_state.is_settled(retries)]
        return Tally(settled=len(settled), failed=sum(each.status != Status.OK for each in settled))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many trials are settled, and how many of those ended in another status than ok."""

    settled: int
    failed: int
