"""summary.csv: what each metric came to in each case, and how that compares with the baseline."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import pandas as pd

from mprunner.analysis.statistics import Ratio, describe_each, finite, paired_ratios
from mprunner.errors import guarded
from mprunner.model.columns import MEASURED, types_of
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Header
from mprunner.model.records import Status, varying
from mprunner.model.relevance import Agreeing
from mprunner.tables import Frames, frame_of, plain_cells, same_in_all_rows
from mprunner.values import Scalar

Values = Mapping[str, Mapping[int, float]]
"""A metric's values by case id and repeat."""


def summarise(frames: Frames, header: Header) -> pd.DataFrame:
    """Summarise every numeric metric of every case, and what was measured of its trials, in the order of the plan.

    Only counted trials matter (see :func:`counted`). A ratio is to the case's partner among the baseline's cases
    (see :func:`baseline_partners`), and paired by repeat.
    """
    trials = counted(frames.trials)
    partners = partners_of(frames, header)
    metrics = [field for field in header.declaration.metrics if field.type != "str"]
    metrics += [Field(name=name, type=of.type, unit=of.unit) for name, of in MEASURED.items()]
    columns = [
        _summarised(field, values_of(trials, field.name), partners, frames.effective, header)
        for field in metrics
    ]
    rows = len(frames.params) * len(metrics)
    of_cases: dict[str, list[object]] = {
        "case_id": list(frames.params),
        "case_label": [label or None for label in frames.labels.values()],
    }
    for name in (field.name for field in header.declaration.params):
        of_cases[name] = [params.get(name) for params in frames.params.values()]
    cells: dict[str, list[object]] = {
        name: [value] * rows for name, value in same_in_all_rows(header).items()
    }
    for name, values in of_cases.items():
        cells[name] = [value for value in values for _ in metrics]
    for name in columns[0] if columns else ():
        cells[name] = list(chain.from_iterable(zip(*(of_metric[name] for of_metric in columns), strict=True)))
    types = types_of("summary", header.declaration)
    return frame_of(types, {name: cells.get(name, []) for name in types})


def _summarised(
    field: Field,
    by_case: Values,
    partners: Mapping[str, str],
    params: Mapping[str, Mapping[str, Scalar]],
    header: Header,
) -> dict[str, Sequence[object]]:
    """Summarise a metric: by column, a cell for each case."""
    own = [list(by_case.get(case_id, {}).values()) for case_id in params]
    pairs = [(by_case.get(case_id, {}), by_case.get(partner, {})) for case_id, partner in partners.items()]
    nothing: list[Ratio | None] = [None] * len(pairs)
    compared = guarded(f"the ratio of {field.name}", partial(paired_ratios, pairs), nothing)
    of_partners = dict(zip(partners, compared, strict=True))
    ratios = [of_partners.get(case_id) for case_id in params]
    intervals = [ratio and ratio.interval for ratio in ratios]
    work = amount_of_work(header)
    sped_up = [
        _sped_up(ratio, params[case_id], params[partners[case_id]], header.declaration, work)
        if ratio is not None and field.unit == "s" and field.name not in _CPU_TIMES
        else _NO_SPEEDUP
        for case_id, ratio in zip(params, ratios, strict=True)
    ]
    return {
        "metric": [field.name] * len(own),
        "unit": [field.unit or None] * len(own),
        "trials": list(map(len, own)),
        **guarded(f"what {field.name} came to", partial(describe_each, own), describe_each([()] * len(own))),
        "ratio": [ratio and ratio.median for ratio in ratios],
        "ratio_ci_low": [interval and interval.low for interval in intervals],
        "ratio_ci_high": [interval and interval.high for interval in intervals],
        **{name: [each[name] for each in sped_up] for name in _NO_SPEEDUP},
    }


def counted(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that count in metrics: the last attempt of each, where it is ok and no warm-up."""
    return trials[trials["is_final"] & ~trials["is_warmup"] & (trials["status"] == Status.OK.value)]


def partners_of(frames: Frames, header: Header) -> Mapping[str, str]:
    """Return the case that each case is compared with, by case id; empty where the experiment has no baseline."""
    return baseline_partners(frames.effective, header.baseline) if header.baseline else {}


def baseline_partners(
    cases: Mapping[str, Mapping[str, Scalar]], baseline: Mapping[str, Scalar]
) -> dict[str, str]:
    """Match cases with the baseline's own, which are those that agree with ``baseline``.

    A case's partner is the only one of the baseline's cases that agrees with it on every param that varies among
    these, as far as it means something to both. A case without one has no partner, and neither have the baseline's
    own.

    Args:
        cases: by case id, the params that mean something to each.
        baseline: values of params.
    """
    own = {
        case_id: params
        for case_id, params in cases.items()
        if all(name in params and params[name] == value for name, value in baseline.items())
    }
    among_own = Agreeing(own, varying(list(own.values())))
    partners = {}
    for case_id, params in cases.items():
        if case_id not in own and len(agreeing := among_own.with_(params)) == 1:
            partners[case_id] = agreeing[0]
    return partners


def values_of(trials: pd.DataFrame, metric: str) -> Values:
    """Return a metric's values in some trials; a bool counts as 0 or 1, a missing one is left out."""
    values: dict[str, dict[int, float]] = {}
    present = trials.loc[trials[metric].notna(), ["case_id", "repeat", metric]]
    columns = (plain_cells(present[name]) for name in present)
    for case_id, repeat, value in zip(*columns, strict=True):
        values.setdefault(case_id, {})[int(repeat)] = float(value)
    return values


def present_by_case(trials: pd.DataFrame, metric: str) -> dict[str, list[Any]]:
    """Return a metric's values in some trials by case id, as they are in the table; missing ones are left out."""
    present = trials.loc[trials[metric].notna(), ["case_id", metric]]
    values: dict[str, list[Any]] = {}
    for case_id, value in zip(plain_cells(present["case_id"]), plain_cells(present[metric]), strict=True):
        values.setdefault(case_id, []).append(value)
    return values


_CPU_TIMES: Final = ("cpu_user_s", "cpu_system_s")
"""Seconds of work, of several processes together: nothing is faster by having fewer of them."""
_NO_SPEEDUP: Final[Mapping[str, float | None]] = dict.fromkeys(
    ("speedup", "speedup_ci_low", "speedup_ci_high", "efficiency")
)


def _sped_up(
    ratio: Ratio,
    params: Mapping[str, Scalar],
    partner: Mapping[str, Scalar],
    declaration: Declaration,
    work: Sequence[str],
) -> Mapping[str, float | None]:
    """Return how many times faster a case is than its partner, and what each of its processes has of that.

    Speed-up is the baseline's time over the case's, efficiency the speed-up over the number of processes. There is
    none between different amounts of work.
    """
    speedup = _inverse(ratio.median)
    if speedup is None or not _is_same(work, params, partner):
        return _NO_SPEEDUP
    interval, processes = ratio.interval, parallel_processes(params, partner, declaration, work)
    return {
        "speedup": speedup,
        "speedup_ci_low": None if interval is None else _inverse(interval.high),
        "speedup_ci_high": None if interval is None else _inverse(interval.low),
        "efficiency": processes and speedup / processes,
    }


def _inverse(value: float) -> float | None:
    return finite(1 / value) if value > 0 else None


def amount_of_work(header: Header) -> tuple[str, ...]:
    """Return the params that say how much work a case does, as far as that is known.

    Where the scenario does not say which ones do, any number may that the baseline names, but for a number of
    processes.
    """
    declaration = header.declaration
    if declaration.work is not None:
        return tuple(declaration.work)
    baseline = header.baseline
    return tuple(
        field.name
        for field in declaration.params
        if field.name in baseline
        and field.name not in declaration.serial
        and field.type in ("int", "float")
        and not field.counts_processes
    )


def _is_same(names: Iterable[str], params: Mapping[str, Scalar], partner: Mapping[str, Scalar]) -> bool:
    return all(params.get(name) == partner.get(name) for name in names)


def parallel_processes(
    params: Mapping[str, Scalar],
    partner: Mapping[str, Scalar],
    declaration: Declaration,
    work: Sequence[str],
) -> int | None:
    """Return how many processes a case has, if its partner does the same work alone and it does not; else None.

    Args:
        params: of the case.
        partner: of its partner.
        declaration: what its scenario declares.
        work: what :func:`amount_of_work` returned.
    """
    processes = _processes(params, declaration)
    if not _is_same(work, params, partner) or _is_serial(params, declaration.serial):
        return None
    alone = _is_serial(partner, declaration.serial) or (
        _processes(partner, declaration) == 1 and processes != 1
    )
    return processes if alone else None


def _is_serial(params: Mapping[str, Scalar], serial: Mapping[str, Scalar]) -> bool:
    """Whether a case does its work alone, as its scenario says."""
    return bool(serial) and all(params.get(name) == value for name, value in serial.items())


def _processes(params: Mapping[str, Scalar], declaration: Declaration) -> int | None:
    """Return how many processes a case has, where its scenario says so."""
    for field in declaration.params:
        value = params.get(field.name)
        if field.counts_processes and isinstance(value, int):
            return value
    return None
