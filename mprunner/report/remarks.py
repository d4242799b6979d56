"""Remarks on a run's numbers, in words: why trials failed, which case is the fastest, what makes numbers doubtful."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mprunner.analysis.diagnostics import (
    MAX_SPREAD,
    MAX_Z,
    Cases,
    Failure,
    Noise,
)
from mprunner.model.adaptive import MIN_REPEATS, AdaptiveRepeats
from mprunner.model.records import label_of, varying
from mprunner.model.text import printable
from mprunner.report.wording import factor, number, share, trials
from mprunner.runs import RunInfo
from mprunner.values import Scalar

MOST_REASONS = 5
"""The most different endings that are named; more are only counted, so that the summary stays short."""
MOST_TIES = 4
"""The most cases not told apart from the fastest that are named; more are only counted."""
SHOWN = 10
"""Cases in a summary that did not get there; summary.csv has every interval."""
MIN_DRIFT = 0.1
"""A drift of the CPUs' frequency is reported if the highest is so much above the lowest, as a share of that."""


def reasons(failures: Sequence[Failure], of: int) -> tuple[str, ...]:
    """Say why trials were not ok, the most frequent reason first, and which log says more.

    Args:
        failures: the ways in which they ended.
        of: how many trials there are.
    """
    lines = [_reason(failure, of) for failure in failures[:MOST_REASONS]]
    if len(failures) > MOST_REASONS:
        lines.append(f"… and {len(failures) - MOST_REASONS} more reasons in trials.csv")
    return tuple(lines)


def _reason(failure: Failure, of: int) -> str:
    why = f": {failure.reason}" if failure.reason else ""
    log = f"; see logs/{failure.log}" if failure.log else ""
    return f"{failure.status}{why} ({failure.count:,} of {trials(of)}{log})"


def fastest_in_words(
    found: Sequence[str], group: Sequence[str], params: Mapping[str, Mapping[str, Scalar]]
) -> str:
    """Say which it is: ``fastest with shape skewed: chunksize 5; not told apart from it: chunksize 50``.

    Args:
        found: it, and those that are not told apart from it.
        group: the cases among which it is the fastest.
        params: of all cases of the run, by case id.
    """
    own = varying([params[case] for case in group])
    common = [name for name in varying(list(params.values())) if name not in own]
    labels = [printable(label_of(params[case], own)) for case in found]
    where = f" with {printable(label_of(params[found[0]], common))}" if common else ""
    ties = f"; not told apart from it: {_listed(labels[1:])}" if found[1:] else ""
    return f"fastest{where}: {labels[0]}{ties}"


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_TIES:,} more" if len(labels) > MOST_TIES else ""
    return "; ".join(labels[:MOST_TIES]) + more


def wide_intervals(adaptive: AdaptiveRepeats, labels: Mapping[str, str]) -> Iterator[str]:
    """Say which cases had all their repeats and no narrow interval, the first of them if they are many."""
    after, metric, wide = (
        f"after {number(adaptive.most)} repeats",
        adaptive.until.metric,
        adaptive.still_wide(),
    )
    for case_id, width in list(wide.items())[:SHOWN]:
        case = f"{labels[case_id]}: " if labels[case_id] else ""
        if width is None:
            yield f"{case}no interval of {metric} {after}: too few ok trials have a value"
        elif math.isinf(width):
            yield f"{case}interval of {metric} still not narrow around a median of 0 {after}"
        else:
            told = f"±{number(float(f'{100 * width:.2g}'))}% of the median"
            yield f"{case}interval of {metric} still {told} {after}"
    if len(wide) > SHOWN:
        yield f"… and {number(len(wide) - SHOWN)} more cases"


def noise_in_words(metric: str, noises: Sequence[Noise]) -> tuple[str, ...]:
    """Say what makes a metric's values doubtful, in how many cases, and where most."""
    return tuple(_noise(metric, each) for each in noises)


def _noise(metric: str, noise: Noise) -> str:
    match noise.kind:
        case "spread":
            what = f"{metric} spreads by {share(MAX_SPREAD)} of its mean or more"
            worst = share(round(noise.size, 2))
        case "outliers":
            what = f"outliers of {metric} (modified z over {MAX_Z:g})"
            worst = f"{int(noise.size):,} of {trials(noise.trials)}"
        case "slow first trial":
            what = "the first trial was slow (`warmup: 1` leaves it out)"
            worst = f"{factor(noise.size)}× the median"
    if noise.cases == 1:
        return f"{what}: {worst}"
    most = "most " if noise.found > 1 else ""
    return f"{what} in {noise.found:,} of {noise.cases:,} cases, {most}in {noise.worst}: {worst}"


def too_few_repeats(cases: Cases) -> tuple[str, ...]:
    """Say how many cases have too few values for an interval."""
    few = sum(len(values) < MIN_REPEATS for values in cases.values())
    if not few:
        return ()
    which = "the only case" if len(cases) == 1 else f"{few:,} of {len(cases):,} cases"
    return (f"no interval: fewer than {MIN_REPEATS} ok trials in {which}",)


def noise_of_machine(run: RunInfo) -> Iterator[str]:
    """Say what else kept the machine busy, as far as run.json tells."""
    if run.source_changed_after is not None:
        after = trials(run.source_changed_after)
        yield f"the plugin's source changed after {after}: what imported it later executed the new one"
    yield from list(filter(None, map(_loaded, run.sessions)))[:1]
    last = run.sessions[-1]
    if swapped := _rise(last, "swapped_pages"):
        yield f"the machine swapped while it measured: {swapped:,} pages"
    if throttled := _rise(last, "throttled"):
        yield f"a CPU was slowed down for its heat while it measured, {throttled:,} times"
    mhz = run.cpu_mhz
    if mhz is not None and mhz["highest"] >= (1 + MIN_DRIFT) * mhz["lowest"]:
        yield f"the CPUs' frequency drifted while it measured: {mhz['lowest']:,.0f} … {mhz['highest']:,.0f} MHz"


def _loaded(session: Mapping[str, Any]) -> str:
    """Say that the CPUs had more to do than they could when a session began."""
    # The load at the end is no sign: a run's own actors are in it.
    cpus, load = session.get("cpu_count"), (session.get("load_at_start") or [None])[0]
    if load is None or cpus is None or load <= cpus:
        return ""
    when = "was resumed" if "missing" in session else "began"
    return f"the machine was busy when the run {when}: a load of {number(load)} on {cpus:,} CPU{'s' * (cpus != 1)}"


def _rise(session: Mapping[str, Any], counter: str) -> int:
    """Return by how much a counter has risen from the start to the end; 0 if that is not known."""
    start = (session.get("counters_at_start") or {}).get(counter)
    end = (session.get("counters_at_end") or {}).get(counter)
    return 0 if start is None or end is None else max(0, end - start)
