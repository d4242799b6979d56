"""What repeats that go on until an interval is narrow came to: trials that were spared, cases that stay wide."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from mprunner.analysis.statistics import precision
from mprunner.analysis.wording import number
from mprunner.header import Header
from mprunner.narrowing import Narrowing
from mprunner.records import Status
from mprunner.until import Until

SHOWN = 10
"""Cases in a summary that did not get there; summary.csv has every interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What adaptive repeats came to; of a run with a fixed number of repeats, nothing.

    Attributes:
        spared: how many planned trials are not needed.
        repeats: the most that a case could have.
        metric: whose median was to be known.
        wide: by case id, half of the interval as a share of the median, of the cases that had all their repeats
            and did not get there; None where there is no interval.
    """

    spared: int = 0
    repeats: int = 0
    metric: str = ""
    wide: Mapping[str, float | None] = field(default_factory=dict)

    def told(self, labels: Mapping[str, str]) -> Iterator[str]:
        """Say which cases did not get there, the first of them if they are many."""
        after = f"after {number(self.repeats)} repeats"
        for case_id, share in list(self.wide.items())[:SHOWN]:
            case = f"{labels[case_id]}: " if labels[case_id] else ""
            if share is None:
                yield f"{case}no interval of {self.metric} {after}: too few ok trials have a value"
            elif math.isinf(share):
                yield f"{case}interval of {self.metric} still not narrow around a median of 0 {after}"
            else:
                told = f"±{number(float(f'{100 * share:.2g}'))}% of the median"
                yield f"{case}interval of {self.metric} still {told} {after}"
        if len(self.wide) > SHOWN:
            yield f"… and {number(len(self.wide) - SHOWN)} more cases"


def narrowed_by(trials: pd.DataFrame, header: Header) -> Narrowed:
    """Look at the trials of a run as its schedule did.

    Args:
        trials: the table of trials.
        header: of the run's journal.
    """
    until = Until.from_json(header.experiment.get("until"))
    if until is None:
        return Narrowed()
    most: int = header.experiment["repeats"]
    narrowing = Narrowing(until, most, precision, header.planned // (most + header.experiment["warmup"]))
    settled = trials["is_final"] & ~trials["is_warmup"] & (trials["status"] != Status.CANCELLED.value)
    own = trials[settled]
    values = own[until.metric].where(own["status"] == Status.OK.value)
    for case_id, value in zip(own["case_id"], values, strict=True):
        narrowing.add(case_id, None if pd.isna(value) else float(value))
    return Narrowed(
        spared=narrowing.look_at_all(), repeats=most, metric=until.metric, wide=narrowing.still_wide()
    )
