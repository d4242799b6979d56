"""Which combinations of an experiment become cases: none excluded, not asked for, refused or there already. Pure."""

import itertools
import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mprunner.errors import NothingSelectedError, PluginError
from mprunner.experiment.messages import as_yaml, list_of_names
from mprunner.experiment.problems import Loc
from mprunner.model.declaration import Field, cpu_counter, with_cpus
from mprunner.model.experiment import Block, Experiment, Row, axes
from mprunner.model.records import label_of
from mprunner.model.rules import Where, matches
from mprunner.values import Scalar


class Filters:
    """Take the combinations that have, of each ``--only``, one of its values.

    Attributes:
        left_out: how many it was shown and did not take.
    """

    def __init__(self, experiment: Experiment, fields: tuple[Field, ...], cpus: int) -> None:
        self.left_out = 0
        self._only = experiment.only
        value_of = cpu_counter(fields, cpus)
        self._wanted = [
            (name, {value_of(name, value) for value in values}) for name, values in _pairs(self._only)
        ]
        self._seen: dict[str, dict[Any, None]] = {name: {} for name, _ in self._wanted}

    def takes(self, params: Mapping[str, Scalar]) -> bool:
        """Return whether a combination, with defaults and ``cpu_count`` resolved, is taken."""
        if not self._wanted:
            return True
        for name, seen in self._seen.items():
            seen[params[name]] = None
        if all(params[name] in values for name, values in self._wanted):
            return True
        self.left_out += 1
        return False

    def nothing(self) -> NothingSelectedError:
        """Return the error that says that no combination was taken, and what values they have."""
        filters = " ".join(f"--only {name}={_list(list(values))}" for name, values in _pairs(self._only))
        have = "; ".join(
            f"{name} {list_of_names([as_yaml(value) for value in values])}"
            for name, values in self._seen.items()
        )
        return NothingSelectedError(f"no case has what is asked for by {filters}", f"the cases have {have}")


def _pairs(only: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    return ((name, values) for each in only for name, values in each.items())


def _list(values: list[Scalar]) -> str:
    shown = list_of_names([as_yaml(value) for value in values])
    return shown if len(values) == 1 else f"[{shown}]"


def reason_of_refusal(scenario: str, params_type: type, params: Mapping[str, Scalar]) -> str | None:
    """Return why a scenario refuses a value of each of its params; None if it does not.

    Raises:
        PluginError: ``params_type`` fails in another way than by ValueError.
    """
    try:
        params_type(**params)
    except ValueError as error:
        return str(error) or "it gives no reason"
    except Exception as error:  # __post_init__ is code of the plugin's
        raise PluginError(
            f"scenario {scenario!r} can't check {label_of(params, params)}: {type(error).__name__}: {error}",
            "its Params refuse a combination by raising ValueError",
        ) from error
    return None


Params = dict[str, Scalar]
Identify = Callable[[Params], str]
BASELINE: Loc = ("baseline",)
"""The place of the baseline among what is sought."""


@dataclass(slots=True)
class Selection:
    """What became of every combination, by its place in the order of :class:`mprunner.experiment.Combinations`.

    Attributes:
        cases: the places of those that became cases.
        refused: the places of those that the scenario refuses.
        reasons: why, one for each of ``refused``.
        repeated: how many have the same values as a case before them.
        excluded: how many the experiment excludes.
        filters: what took them of those that are not excluded.
        sought: the values of the baseline and of every rule's ``where``, as far as no case has them.
    """

    filters: Filters

    cases: "array[int]" = field(default_factory=lambda: array("Q"))
    refused: "array[int]" = field(default_factory=lambda: array("Q"))
    reasons: list[str] = field(default_factory=list)
    repeated: int = 0
    excluded: int = 0
    sought: "Sought" = field(default_factory=lambda: Sought({}))


@dataclass(slots=True)
class Sought:
    """Values that some case has to have.

    Attributes:
        wanted: the values that no case was seen to have, by their place in the file.
        left_out: the places of those that a combination has which is left out.
    """

    wanted: dict[Loc, Where]
    left_out: set[Loc] = field(default_factory=set)

    def see(self, params: Params, *, is_case: bool) -> None:
        """Take in a combination: a case, or one that is left out."""
        for place in [place for place, where in self.wanted.items() if matches(where, params)]:
            if is_case:
                del self.wanted[place]
            else:
                self.left_out.add(place)


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

    Raises:
        PluginError: ``params_type`` fails in another way.
    """
    selection = Selection(Filters(experiment, resolving.fields, resolving.cpus))
    if not experiment.only:  # else a part of the cases may be without them
        selection.sought = Sought(_sought(experiment, resolving))
    reasons: dict[str, str] = {}  # a million combinations may be refused for one reason: it is kept once
    seen: set[str] | None = set() if _may_repeat(experiment, resolving) else None
    for place, (params, is_excluded) in enumerate(_offered(experiment, resolving)):
        if not is_excluded and not selection.filters.takes(params):
            continue
        reason = None if is_excluded else reason_of_refusal(experiment.scenario, params_type, params)
        if selection.sought.wanted:
            selection.sought.see(params, is_case=not is_excluded and reason is None)
        if is_excluded:
            selection.excluded += 1
        elif reason is not None:
            selection.refused.append(place)
            selection.reasons.append(reasons.setdefault(reason, reason))
        elif seen is not None and not _is_new(identify(params), seen):
            selection.repeated += 1
        else:
            selection.cases.append(place)
    return selection


def _is_new(identity: str, seen: set[str]) -> bool:
    known = len(seen)
    seen.add(identity)
    return len(seen) > known


def _sought(experiment: Experiment, resolving: Resolving) -> dict[Loc, Where]:
    """Return what some case has to have, by its place in the file."""
    value_of = cpu_counter(resolving.fields, resolving.cpus)
    return {
        path: {name: tuple(value_of(name, value) for value in values) for name, values in where.items()}
        for path, where in experiment.named_cases().items()
    }


def _offered(experiment: Experiment, resolving: Resolving) -> Iterator[tuple[Params, bool]]:
    """Yield the params of every combination, and whether it is excluded; what is no param is no part of a case."""
    exclude = [resolving.resolved(values).items() for values in experiment.exclude]
    base = resolving.completed(experiment.params)
    for block in _blocks(experiment):
        rows = [_rows(names, each, base, resolving) for names, each in axes(block)]
        for chosen in itertools.product(*rows):
            params = base.copy()
            for values in chosen:
                params.update(values)
            yield params, any(values <= params.items() for values in exclude)


def _rows(names: Sequence[str], rows: Sequence[Row], base: Params, resolving: Resolving) -> list[Params]:
    resolved = (resolving.resolved(dict(zip(names, row, strict=True))) for row in rows)
    return [{name: value for name, value in values.items() if name in base} for values in resolved]


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
