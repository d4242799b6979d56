"""Which combinations of an experiment become cases: none excluded, not asked for, refused or there already. Pure.

Every combination is offered to the scenario once, and nothing is kept of it but its place in the sweep: a million
cases take some megabytes.
"""

import itertools
import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mprunner.declarations import Field, with_cpus
from mprunner.filters import Filters
from mprunner.spec.model import Block, Experiment, Row, axes
from mprunner.values import Scalar

Params = dict[str, Scalar]
Identify = Callable[[Params], str]


@dataclass(slots=True)
class Selection:
    """What became of every combination, by its place in the order of :class:`mprunner.spec.Combinations`.

    Attributes:
        cases: the places of those that became cases.
        refused: the places of those that the scenario refuses.
        reasons: why, one for each of ``refused``.
        excluded: how many the experiment excludes.
        filters: what took them of those that are not excluded.
        has_baseline: whether one of the cases has the values of the baseline; True where none is asked for.
    """

    filters: Filters

    cases: "array[int]" = field(default_factory=lambda: array("Q"))
    refused: "array[int]" = field(default_factory=lambda: array("Q"))
    reasons: list[str] = field(default_factory=list)
    excluded: int = 0
    has_baseline: bool = True


@dataclass(frozen=True, slots=True)
class Resolving:
    """How values become a scenario's params.

    Attributes:
        fields: of the scenario's params.
        cpus: what ``cpu_count`` stands for.
    """

    fields: tuple[Field, ...]
    cpus: int

    def resolved(self, values: Mapping[str, Scalar]) -> Params:
        """Return the values with ``cpu_count`` as a number, where it is one."""
        return with_cpus(values, self.fields, self.cpus)

    def completed(self, values: Mapping[str, Scalar]) -> Params:
        """Return every param of the scenario, in the order of its fields: the value given, or the default."""
        return self.resolved({each.name: values.get(each.name, each.default) for each in self.fields})


def select(experiment: Experiment, resolving: Resolving, params_type: type, identify: Identify) -> Selection:
    """Offer every combination that is neither excluded nor filtered out to ``Params``, and tell what became of it.

    Args:
        experiment: whose combinations.
        resolving: how their values become params.
        params_type: raises ValueError for a combination that the scenario refuses.
        identify: tells cases apart; it is asked only where two combinations may be one case.
    """
    selection = Selection(Filters(experiment, resolving.fields, resolving.cpus))
    wanted = None if experiment.only else experiment.baseline  # a part of the cases may be without it
    baseline = None if wanted is None else resolving.resolved(wanted)
    selection.has_baseline = baseline is None
    reasons: dict[str, str] = {}  # a million combinations may be refused for one reason: it is kept once
    seen: set[str] | None = set() if _may_repeat(experiment, resolving) else None
    for place, (params, is_excluded) in enumerate(_offered(experiment, resolving)):
        if is_excluded:
            selection.excluded += 1
            continue
        if not selection.filters.takes(params):
            continue
        try:
            params_type(**params)
        except ValueError as error:
            selection.refused.append(place)
            selection.reasons.append(reasons.setdefault(str(error), str(error)))
            continue
        if seen is not None:
            identity = identify(params)
            if identity in seen:
                continue
            seen.add(identity)
        selection.cases.append(place)
        if not selection.has_baseline and baseline is not None:
            selection.has_baseline = baseline.items() <= params.items()
    return selection


def _offered(experiment: Experiment, resolving: Resolving) -> Iterator[tuple[Params, bool]]:
    """Yield the params of every combination, and whether it is excluded.

    Each row of an axis says once, as the bits of a number, which exclusions it fits; a combination is excluded if
    there is a bit that all of its rows have.
    """
    exclude = [resolving.resolved(values) for values in experiment.exclude]
    for block in _blocks(experiment):
        varying = list(axes(block))
        swept = {name for names, _ in varying for name in names}
        base = resolving.completed(experiment.params)
        fixed = {name: value for name, value in base.items() if name not in swept}
        fitting = _bits({name: each[name] for name in each if name not in swept} for each in exclude)(fixed)
        rows = [_rows(names, each, exclude, base, resolving) for names, each in varying]
        *slower, fastest = rows or [[({}, fitting)]]
        for chosen in itertools.product(*slower):  # put together once for all rows of the fastest axis
            params, bits = base.copy(), fitting
            for values, allowed in chosen:
                params.update(values)
                bits &= allowed
            for values, allowed in fastest:
                yield {**params, **values}, bits & allowed != 0


def _rows(
    names: Sequence[str], rows: Sequence[Row], exclude: Sequence[Params], base: Params, resolving: Resolving
) -> list[tuple[Params, int]]:
    """Return the values of each row, and the exclusions that it fits; what is no param is no part of a case."""
    bits = _bits({name: each[name] for name in names if name in each} for each in exclude)
    made = []
    for row in rows:
        values = resolving.resolved(dict(zip(names, row, strict=True)))
        known = {name: value for name, value in values.items() if name in base}
        made.append((known, bits(known)))
    return made


def _bits(exclude: Iterator[Params]) -> Callable[[Params], int]:
    """Return what tells which of the exclusions, or parts of them, some values have: bit n for the nth."""
    parts = [part.items() for part in exclude]
    return lambda values: sum(1 << n for n, part in enumerate(parts) if part <= values.items())


def _may_repeat(experiment: Experiment, resolving: Resolving) -> bool:
    """Return whether two combinations can have the same values: in one product of distinct rows they can't."""
    blocks = _blocks(experiment)
    return (
        len(blocks) > 1
        or any(
            len({json.dumps(resolving.resolved(dict(zip(names, row, strict=True)))) for row in rows})
            < len(rows)
            for names, rows in axes(blocks[0])
        )
        or _sets_unknown(blocks[0], resolving)
    )


def _sets_unknown(block: Block, resolving: Resolving) -> bool:
    known = {each.name for each in resolving.fields}
    return any(name not in known for names, _ in axes(block) for name in names)


def _blocks(experiment: Experiment) -> tuple[Block, ...]:
    return experiment.sweep or ({},)
