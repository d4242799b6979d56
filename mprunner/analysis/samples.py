"""What is compared of runs: the values of their metrics by case and repeat, and which of them were chosen."""

import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from mprunner.analysis.summary import counted, values_of
from mprunner.errors import ExperimentError, NothingSelectedError
from mprunner.model.columns import MEASURED
from mprunner.model.provenance import Header
from mprunner.model.records import Status
from mprunner.model.relevance import EVERYTHING, Agreeing, Relevance
from mprunner.tables import Frames
from mprunner.values import Scalar, in_words

Key = tuple[Hashable, ...]
"""What is the same of a case in several runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCase:
    """A case as one run has measured it.

    Attributes:
        label: how the run tells it from its other cases; empty for an only case.
        params: the values of the params that mean something to it.
        values: the values of its counted trials by metric and repeat; see :func:`mprunner.analysis.summary.counted`.
        failed: how many of its trials were not ok, warm-up trials aside.
        case_id: its identity in every run; empty where that is not known.
        began: when its run began: UTC, ISO 8601; empty where that is not known.
    """

    label: str
    params: Mapping[str, Scalar]
    values: Mapping[str, Mapping[int, float]]
    failed: int = 0
    case_id: str = ""
    began: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """A run, reduced to what is compared.

    Attributes:
        scenario: the name of its scenario.
        units: the unit of each numeric metric, and of what mprunner measures of every trial itself.
        cases: in the order of its plan.
        relevance: which params mean something to which case.
    """

    scenario: str
    units: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[MeasuredCase, ...] = ()
    relevance: Relevance = EVERYTHING


def measured(frames: Frames, header: Header, began: str = "", wanted: Collection[str] = ()) -> MeasuredRun:
    """Reduce a run to what is compared: its metrics, and of what else is measured of a trial what is wanted.

    Args:
        frames: its tables.
        header: its journal's header.
        began: when it began; empty where that is not known.
        wanted: names of metrics; what mprunner measures itself is among the values only then.
    """
    units = {field.name: field.unit for field in header.declaration.metrics if field.type != "str"}
    units |= {name: column.unit for name, column in MEASURED.items()}
    trials = counted(frames.trials)
    values = {
        metric: values_of(trials, metric) for metric in units if metric not in MEASURED or metric in wanted
    }
    return MeasuredRun(
        scenario=header.declaration.name,
        units=units,
        cases=tuple(
            MeasuredCase(
                label=frames.labels[case_id],
                params=frames.effective[case_id],
                values={metric: by_case.get(case_id, {}) for metric, by_case in values.items()},
                failed=sum(
                    n for status, n in frames.measured_statuses[case_id].items() if status != Status.OK
                ),
                case_id=case_id,
                began=began,
            )
            for case_id in frames.params
        ),
        relevance=header.relevance,
    )


def keyed(runs: Sequence[MeasuredRun]) -> list[dict[Key, MeasuredCase]]:
    """Return the cases of each run by what they have in common with those of the others.

    That is the values of the params that every run knows: a version of the scenario may have one more, which has
    its default. Where two cases of a run differ in nothing else, it is the values of all of a run's params. A run of
    an earlier version of the scenario does not say which params mean nothing to a case: the others say it.
    """
    relevance = next((run.relevance for run in reversed(runs) if run.relevance.conditional), EVERYTHING)
    names = [{name for case in run.cases for name in case.params} for run in runs]
    shared = set.intersection(*names) if names else set()
    found = [{_key(relevance.of(case.params), shared): case for case in run.cases} for run in runs]
    if all(len(by_key) == len(run.cases) for by_key, run in zip(found, runs, strict=True)):
        return found
    return [
        {_key(case.params, own): case for case in run.cases} for run, own in zip(runs, names, strict=True)
    ]


def differing_params(
    base: Sequence[MeasuredRun], new: Sequence[MeasuredRun]
) -> dict[str, tuple[tuple[Scalar, ...], tuple[Scalar, ...]]]:
    """Return, by param, the values that the cases of two sides have, of sides that have no case in common.

    Where there are params of which the sides share no value, each of them is a reason, and no other is told. A param
    that a side does not have has no values there.
    """
    sides = [[case.params for run in runs for case in run.cases] for runs in (base, new)]
    names = dict.fromkeys(name for cases in sides for params in cases for name in params)
    values = {
        name: tuple(
            {repr(params[name]): params[name] for params in cases if name in params} for cases in sides
        )
        for name in names
    }
    differing = {
        name: (ours, theirs) for name, (ours, theirs) in values.items() if ours.keys() != theirs.keys()
    }
    apart = {name for name, (ours, theirs) in differing.items() if ours.keys().isdisjoint(theirs)}
    shared = {name for name in apart if all(differing[name])}
    told = shared or apart or set(differing)
    return {
        name: (tuple(ours.values()), tuple(theirs.values()))
        for name, (ours, theirs) in differing.items()
        if name in told
    }


def _key(params: Mapping[str, Scalar], names: set[str]) -> Key:
    return tuple((name, repr(params[name])) for name in sorted(names & params.keys()))


Where = Mapping[str, str]
"""Values of params, as they are written on the command line."""
_NEXT_PARAM = re.compile(r",(?=[^,=]*=|\s*\Z)")  # any other comma is part of a value


def chosen_metrics(
    runs: Sequence[MeasuredRun], wanted: Sequence[str], also: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the metrics to compare: those wanted, else the scenario's durations that all runs have; and ``also``.

    What mprunner measures of every trial itself may be named, too.

    Raises:
        ExperimentError: the runs are of different scenarios, or there is no such metric, or its unit differs.
    """
    scenarios = sorted({run.scenario for run in runs})
    if len(scenarios) > 1:
        raise ExperimentError(
            f"the runs are of different scenarios: {', '.join(scenarios)}", "compare runs of one"
        )
    shared = [name for name in runs[0].units if all(name in run.units for run in runs)]
    for name in (*wanted, *also):
        if name not in shared:
            raise ExperimentError(
                f"there is no numeric metric {name!r} on both sides",
                f"known: {', '.join(shared)}",
            )
    durations = [name for name in shared if runs[0].units[name] == "s" and name not in MEASURED]
    usual = wanted or [name for name in durations if _is_measured(name, runs)]
    chosen = tuple(dict.fromkeys((*usual, *also)))
    if not chosen:
        raise ExperimentError(
            f"no duration was measured of scenario {scenarios[0]!r}",
            f"choose with --metric: {', '.join(shared) or 'none'}",
        )
    for name in chosen:
        units = {unit_of(name, run) for run in runs}
        if len(units) > 1:
            raise ExperimentError(f"metric {name!r} has other units on one side: {', '.join(sorted(units))}")
    return chosen


def unit_of(metric: str, run: MeasuredRun) -> str:
    """Return the unit of a metric; empty where the run has none of that name."""
    return run.units.get(metric, "")


def _is_measured(metric: str, runs: Sequence[MeasuredRun]) -> bool:
    """Whether any trial has a value: a scenario may measure some metrics only where a param says so."""
    return any(case.values.get(metric) for run in runs for case in run.cases)


def parse_where(text: str) -> Where:
    """Read ``guard=none`` or ``guard=none,start=fork``; a comma that no ``param=`` follows is part of the value.

    Raises:
        ExperimentError: it is not written so.
    """
    found = {}
    for part in _NEXT_PARAM.split(text):
        name, equals, value = part.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise ExperimentError(
                f"--case {text!r} names no case", "write params as --case guard=none,start=fork"
            )
        found[name.strip()] = value.strip()
    return found


def paired_cases(run: MeasuredRun, base: Where, new: Where) -> list[tuple[MeasuredCase, MeasuredCase]]:
    """Pair the cases of one run that agree with ``base`` with those that agree with ``new``, and on all else.

    Raises:
        ExperimentError: there is no such param, or both mean the same case.
        NothingSelectedError: there is no such case, or none has a partner.
    """
    ours, theirs = _matching(run, base), _matching(run, new)
    named = {*base, *new}
    others = Agreeing(
        {place: case.params for place, case in enumerate(theirs)},
        dict.fromkeys(name for case in theirs for name in case.params if name not in named),
    )
    pairs = [(case, theirs[place]) for case in ours for place in others.with_(case.params)]
    if not pairs:
        raise NothingSelectedError(
            "no two cases of the run differ in what --case says and agree on all else", _hint(run)
        )
    one_to_one = all(len({id(case) for case in side}) == len(pairs) for side in zip(*pairs, strict=True))
    if not one_to_one or any(case is other for case, other in pairs):
        raise ExperimentError("--case means cases that can't be paired one to one", _hint(run))
    return pairs


def _matching(run: MeasuredRun, where: Where) -> list[MeasuredCase]:
    known = list(dict.fromkeys(name for case in run.cases for name in case.params))
    for name in where:
        if name not in known:
            raise ExperimentError(f"the run has no param {name!r}", f"known: {', '.join(known)}")
    found = [
        case
        for case in run.cases
        if all(name in case.params and _agrees(case.params[name], text) for name, text in where.items())
    ]
    if not found:
        shown = ",".join(f"{name}={text}" for name, text in where.items())
        raise NothingSelectedError(f"the run has no case with {shown}", _hint(run))
    return found


def _agrees(value: Scalar, text: str) -> bool:
    if isinstance(value, bool) or value is None:
        return text.lower() == ("null" if value is None else str(value).lower())
    if isinstance(value, str):
        return text in (value, in_words(value))
    try:
        return float(text.replace(",", "").replace("_", "")) == value
    except ValueError:
        return False


def _hint(run: MeasuredRun) -> str:
    labels = [case.label for case in run.cases[:5] if case.label]
    more = " …" if len(run.cases) > 5 else ""
    return f"its cases: {'; '.join(labels)}{more}" if labels else "it has one case"
