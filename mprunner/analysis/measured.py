"""What a comparison needs of a run: the values of its metrics by case and repeat."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from mprunner.analysis.summary import counted, values_of
from mprunner.journal import Header
from mprunner.records import Status
from mprunner.tables import Frames
from mprunner.values import Scalar

Key = tuple[Hashable, ...]
"""What is the same of a case in several runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCase:
    """A case as one run has measured it.

    Attributes:
        label: how the run tells it from its other cases; empty for an only case.
        params: the values of all of its params.
        values: the values of its counted trials by metric and repeat; see :func:`mprunner.analysis.summary.counted`.
        failed: how many of its trials were not ok, warm-up trials aside.
    """

    label: str
    params: Mapping[str, Scalar]
    values: Mapping[str, Mapping[int, float]]
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """A run, reduced to what is compared.

    Attributes:
        run_id: its id.
        scenario: the name of its scenario.
        units: the unit of each numeric metric.
        cases: in the order of its plan.
    """

    run_id: str
    scenario: str
    units: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[MeasuredCase, ...] = ()


def measured(frames: Frames, header: Header) -> MeasuredRun:
    """Reduce a run's tables to what is compared."""
    units = {field.name: field.unit for field in header.declaration.metrics if field.type != "str"}
    trials = counted(frames.trials)
    values = {metric: values_of(trials, metric) for metric in units}
    final = frames.trials[frames.trials["is_final"] & ~frames.trials["is_warmup"]]
    failed = final[final["status"] != Status.OK.value]["case_id"].value_counts()
    return MeasuredRun(
        run_id=header.run_id,
        scenario=header.declaration.name,
        units=units,
        cases=tuple(
            MeasuredCase(
                label=frames.labels[case_id],
                params=params,
                values={metric: by_case.get(case_id, {}) for metric, by_case in values.items()},
                failed=int(failed.get(case_id, 0)),
            )
            for case_id, params in frames.params.items()
        ),
    )


def keyed(runs: Sequence[MeasuredRun]) -> list[dict[Key, MeasuredCase]]:
    """Return the cases of each run by what they have in common with those of the others.

    That is the values of the params that every run knows: a version of the scenario may have one more, which stands
    at its default. Where two cases of a run differ in nothing else, it is the values of all of a run's params.
    """
    names = [{name for case in run.cases for name in case.params} for run in runs]
    shared = set.intersection(*names) if names else set()
    found = [{_key(case, shared): case for case in run.cases} for run in runs]
    if all(len(by_key) == len(run.cases) for by_key, run in zip(found, runs, strict=True)):
        return found
    return [{_key(case, own): case for case in run.cases} for run, own in zip(runs, names, strict=True)]


def _key(case: MeasuredCase, names: set[str]) -> Key:
    return tuple((name, repr(case.params[name])) for name in sorted(names & case.params.keys()))
