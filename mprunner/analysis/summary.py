"""summary.csv: what each metric came to in each case, and how that compares with the baseline."""

from collections.abc import Mapping

import pandas as pd

from mprunner.analysis.statistics import Ratio, describe, ends, finite, paired_ratio
from mprunner.model.columns import types_of
from mprunner.model.declaration import Declaration
from mprunner.model.provenance import Header
from mprunner.model.records import Status
from mprunner.tables import Frames, make_frame
from mprunner.values import Scalar

Values = Mapping[str, Mapping[int, float]]
"""A metric's values by case id and repeat."""


def summarise(frames: Frames, header: Header) -> pd.DataFrame:
    """Summarise every numeric metric of every case, in the order of plan and declaration.

    Only counted trials matter (see :func:`counted`). A ratio is to the case's partner among the baseline's cases
    (see :func:`baseline_partners`), and paired by repeat.
    """
    trials = counted(frames.trials)
    partners = partners_of(frames, header)
    rows: list[dict[str, object]] = []
    metrics = [field for field in header.declaration.metrics if field.type != "str"]
    values = {field.name: values_of(trials, field.name) for field in metrics}
    for case_id, params in frames.params.items():
        for field in metrics:
            by_case = values[field.name]
            own = by_case.get(case_id, {})
            row: dict[str, object] = {**params, "run_id": header.run_id, "case_id": case_id}
            row |= {"metric": field.name, "unit": field.unit or None, "trials": len(own)}
            row |= describe(list(own.values()))
            if case_id in partners:
                ratio = paired_ratio(own, by_case.get(partners[case_id], {}))
                if ratio is not None:
                    row |= {"ratio": ratio.median, **ends("ratio_ci", ratio.interval)}
                if ratio is not None and field.unit == "s":
                    partner = frames.params[partners[case_id]]
                    row |= _sped_up(ratio, _parallel_processes(params, partner, header.declaration))
            rows.append(row)
    return make_frame(types_of("summary", header.declaration), rows)


def counted(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that count in metrics: the last attempt of each, where it is ok and no warm-up."""
    return trials[trials["is_final"] & ~trials["is_warmup"] & (trials["status"] == Status.OK.value)]


def partners_of(frames: Frames, header: Header) -> Mapping[str, str]:
    """Return the case that each case is compared with, by case id; empty where the experiment has no baseline."""
    return baseline_partners(frames.params, header.baseline) if header.baseline else {}


def baseline_partners(
    cases: Mapping[str, Mapping[str, Scalar]], baseline: Mapping[str, Scalar]
) -> dict[str, str]:
    """Match cases, given as params by case id, with the baseline's own, which are those that agree with ``baseline``.

    A case's partner is the baseline's case that agrees with it on every param that varies among the baseline's
    own cases. A case without one has no partner, and neither have the baseline's own.
    """
    own = {
        case_id: params
        for case_id, params in cases.items()
        if all(name in params and params[name] == value for name, value in baseline.items())
    }
    names = {name for params in own.values() for name in params}
    varying = sorted(name for name in names if len({params.get(name) for params in own.values()}) > 1)
    by_varying = {tuple(params.get(name) for name in varying): case_id for case_id, params in own.items()}
    partners = {}
    for case_id, params in cases.items():
        partner = by_varying.get(tuple(params.get(name) for name in varying))
        if partner is not None and case_id not in own:
            partners[case_id] = partner
    return partners


def values_of(trials: pd.DataFrame, metric: str) -> Values:
    """Return a metric's values in some trials; a bool counts as 0 or 1, a missing one is left out."""
    values: dict[str, dict[int, float]] = {}
    present = trials[trials[metric].notna()]
    for case_id, repeat, value in zip(present["case_id"], present["repeat"], present[metric], strict=True):
        values.setdefault(case_id, {})[int(repeat)] = float(value)
    return values


def _sped_up(ratio: Ratio, processes: int | None) -> dict[str, object]:
    """Return how many times faster the case is, and what share of that is due to each of its processes.

    Speed-up is the baseline's time over the case's, efficiency the speed-up over the number of processes.
    """
    speedup = finite(1 / ratio.median) if ratio.median > 0 else None
    if speedup is None or processes is None:
        return {"speedup": speedup}
    return {"speedup": speedup, "efficiency": speedup / processes}


def _parallel_processes(
    params: Mapping[str, Scalar], partner: Mapping[str, Scalar], declaration: Declaration
) -> int | None:
    """Return how many processes a case has, if its partner does the same work alone; else there's no efficiency."""
    processes = _processes(params, declaration)
    serial = declaration.serial
    is_serial = bool(serial) and all(partner[name] == value for name, value in serial.items())
    alone = is_serial or (_processes(partner, declaration) == 1 and processes != 1)
    return processes if alone else None


def _processes(params: Mapping[str, Scalar], declaration: Declaration) -> int | None:
    """Return how many processes a case has, where its scenario says so."""
    for field in declaration.params:
        value = params[field.name]
        if field.counts_processes and isinstance(value, int):
            return value
    return None
