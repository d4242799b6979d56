"""The cases of a run, for plugins: what they are called, how their trials ended and how long they took."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from mprunner.analysis.diagnostics import failures
from mprunner.model.records import Status
from mprunner.report.remarks import reasons
from mprunner.tables import Frames


def cases_of(frames: Frames) -> tuple[Mapping[str, Any], ...]:
    """Return the cases of which trials were executed, in the order of the plan.

    Each is a mapping that can't be changed: ``case_id``, ``label`` (empty for an only case), ``params``, ``statuses``
    (how many trials ended in each, ok first), ``reasons`` (why trials failed, a line for each) and ``trial_wall_s``
    (of all attempts together, in seconds).
    """
    trials = frames.trials
    took = trials.groupby("case_id", sort=False)["trial_wall_s"].sum()
    final = trials[trials["is_final"]].groupby("case_id", sort=False)
    counts = final["status"].value_counts()
    statuses: dict[str, dict[str, int]] = {}
    for (case_id, status), count in zip(counts.index.to_list(), counts.tolist(), strict=True):
        statuses.setdefault(case_id, {})[status] = int(count)
    failed = {case_id for case_id, each in statuses.items() if set(each) - {Status.OK.value}}
    return tuple(
        MappingProxyType(
            {
                "case_id": case_id,
                "label": label,
                "params": MappingProxyType(dict(frames.params[case_id])),
                "statuses": MappingProxyType(_in_order(statuses.get(case_id, {}))),
                "reasons": _reasons(final.get_group(case_id)) if case_id in failed else (),
                "trial_wall_s": float(took.get(case_id, 0.0)),
            }
        )
        for case_id, label in frames.labels.items()
    )


def _reasons(final: pd.DataFrame) -> tuple[str, ...]:
    return reasons(failures(final), len(final))


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    return {status.value: counts[status.value] for status in Status if status.value in counts}
