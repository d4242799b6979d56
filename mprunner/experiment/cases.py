"""The combinations of an experiment, and which become cases: none excluded, not asked for, refused or repeated."""

import itertools
import json
import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from mprunner.errors import NothingSelectedError, PluginError
from mprunner.experiment.messages import as_yaml, list_of_names
from mprunner.experiment.problems import Loc
from mprunner.model.declaration import Field, cpu_counter
from mprunner.model.experiment import Block, Experiment, axes
from mprunner.model.records import label_of
from mprunner.model.relevance import Relevance
from mprunner.model.rules import Where, matches
from mprunner.values import Scalar

Params = dict[str, Scalar]
Identify = Callable[[Params], str]
BASELINE: Loc = ("baseline",)
"""The place of the baseline among what is sought."""
OF_SCENARIO: Loc = ("scenario",)
"""That of the scenario's own, where the experiment names none."""

_NO_SWEEP: tuple[Block, ...] = ({},)


def count(experiment: Experiment) -> int:
    """Return how many combinations an experiment has, without making them; they may be more than ``len`` can say."""
    return sum(math.prod(map(len, block.values())) for block in experiment.sweep or _NO_SWEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """The values of one case.

    Attributes:
        params: every param of the scenario, in the order of its fields, with ``cpu_count`` as a number.
        swept: the names that its block of the sweep sets, in the order of the file.
    """

    params: Params
    swept: tuple[str, ...]


class Combinations(Sequence[Combination]):
    """Every combination, each made when it is asked for by its place: a million of them fit anywhere.

    They are in the order of the file, block by block; in a block the first name varies slowest, and names that move
    together vary as one. Without a sweep there is one combination: the fixed params.

    Args:
        experiment: what it fixes and sweeps.
        fields: of the scenario's params.
        cpus: what ``cpu_count`` stands for.
    """

    def __init__(self, experiment: Experiment, fields: Sequence[Field] = (), cpus: int = 1) -> None:
        self._value_of = cpu_counter(fields, cpus)
        self._base = self.resolved({each.name: each.default for each in fields} | dict(experiment.params))
        self.swept = set(experiment.swept)
        self._blocks = [
            [
                [self.resolved(dict(zip(names, row, strict=True))) for row in rows]
                for names, rows in axes(block)
            ]
            for block in experiment.sweep or _NO_SWEEP
        ]
        self.telling = frozenset(self._varying()) or frozenset(self.swept)
        """What tells combinations apart: what is swept and has not one value in all blocks."""
        sizes = (math.prod(map(len, block)) for block in self._blocks)
        self._starts = list(itertools.accumulate(sizes, initial=0))

    def _varying(self) -> Iterator[str]:
        for name in self.swept:
            values = set()
            for block in self._blocks:
                given = [repr(row[name]) for rows in block for row in rows if name in row]
                values |= set(given or [repr(self._base.get(name))])
            if len(values) > 1:
                yield name

    def resolved(self, values: Mapping[str, Scalar]) -> Params:
        """Return the values with ``cpu_count`` as a number, where it is one."""
        return {name: self._value_of(name, value) for name, value in values.items()}

    def all_resolved(self, where: Where) -> Where:
        """Return the values that any of a few may be, with ``cpu_count`` as a number, where it is one."""
        return {name: tuple(self._value_of(name, value) for value in where[name]) for name in where}

    def may_repeat(self) -> bool:
        """Return whether two combinations can have the same values: in one product of distinct rows they can't."""
        several = len(self._blocks) > 1
        return several or any(len(set(map(json.dumps, rows))) < len(rows) for rows in self._blocks[0])

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, place: int) -> Combination:  # type: ignore[override]  # nobody slices them
        if not 0 <= place < self._starts[-1]:
            raise IndexError(place)
        which = bisect_right(self._starts, place) - 1
        left = place - self._starts[which]
        chosen: list[Params] = []
        for rows in reversed(self._blocks[which]):  # the last varies fastest
            left, digit = divmod(left, len(rows))
            chosen.append(rows[digit])
        swept = {name: value for row in reversed(chosen) for name, value in row.items()}
        return Combination(params=self._base | swept, swept=tuple(swept))

    def every_params(self) -> Iterator[Params]:
        """Yield the params of each, in order, faster than by asking for one after the other."""
        for block in self._blocks:
            for chosen in itertools.product(*block):
                params = self._base.copy()
                for values in chosen:
                    params.update(values)
                yield params


def reason_of_refusal(
    scenario: str, params_type: Callable[..., object], params: Mapping[str, Scalar]
) -> str | None:
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


@dataclass(slots=True)
class Selection:
    """What became of every combination, by its place in the order of :class:`Combinations`.

    Attributes:
        cases: the places of those that became cases.
        refused: the places of those that the scenario refuses.
        reasons: why, one for each of ``refused``.
        repeated: how many have the same values as a case before them.
        merged: how many differ from a case before them only in params that mean nothing to either.
        excluded: how many the experiment excludes.
        not_selected: how many of the others ``--only`` does not ask for.
        unused: the params that the experiment fixes and that mean nothing to any case.
        wanted: the values of the baseline and of every rule's ``where`` that no case has, by their path in the file.
        left_out: the paths of those that a combination has which is left out.
    """

    cases: "array[int]" = field(default_factory=lambda: array("Q"))
    refused: "array[int]" = field(default_factory=lambda: array("Q"))
    reasons: list[str] = field(default_factory=list)
    repeated: int = 0
    merged: int = 0
    excluded: int = 0
    not_selected: int = 0
    unused: tuple[Field, ...] = ()
    wanted: dict[Loc, Where] = field(default_factory=dict)
    left_out: set[Loc] = field(default_factory=set)

    def see(self, params: Params, *, is_case: bool) -> None:
        """Take in whether a combination has values that are wanted: a case, or one that is left out."""
        for path in [path for path, where in self.wanted.items() if matches(where, params)]:
            if is_case:
                del self.wanted[path]
            else:
                self.left_out.add(path)


class _Exclusion:
    """The combinations that one mapping of ``exclude`` means."""

    def __init__(self, values: Params, relevance: Relevance) -> None:
        self._values = values.items()
        self._meaningful = relevance.stripped_values(values).items()

    def means(self, every: Params, params: Params) -> bool:
        """Whether it means a combination: by all that it names, each of which means something, or as it says itself.

        ``{processes: 1}`` means no serial loop, which has no processes, and ``{method: serial, processes: 1}`` one of
        those that are the same case.
        """
        return self._values <= every.items() and self._meaningful <= params.items()


def select(
    experiment: Experiment,
    combinations: Combinations,
    relevance: Relevance,
    params_type: Callable[..., object],
    identify: Identify,
    own_baseline: Mapping[str, Scalar],
) -> Selection:
    """Offer every combination that is neither excluded nor filtered out to ``Params``, and tell what became of it.

    Args:
        experiment: what it excludes, asks for and names.
        combinations: its combinations.
        relevance: which params mean something to which of them.
        params_type: raises ValueError for a combination that the scenario refuses.
        identify: tells cases apart; it is asked only where two combinations may be one case.
        own_baseline: what the scenario compares with, where the experiment says nothing.

    Raises:
        PluginError: ``params_type`` fails in another way.
    """
    only = [combinations.all_resolved(where) for where in _only(experiment)]
    exclude = [_Exclusion(combinations.resolved(values), relevance) for values in experiment.exclude]
    named = {} if experiment.is_part else experiment.named_cases()
    if own_baseline:
        named[OF_SCENARIO] = {name: (value,) for name, value in own_baseline.items()}
    refuses = partial(reason_of_refusal, experiment.scenario, params_type)
    selection = Selection(
        wanted={path: relevance.stripped(combinations.all_resolved(where)) for path, where in named.items()}
    )
    unused = {field.name: field for field in relevance.conditional if field.name in experiment.params}
    reasons: dict[str, str] = {}  # a million combinations may be refused for one reason: it is kept once
    may_repeat = combinations.may_repeat()
    seen: dict[str, int] = {}
    for place, every in enumerate(combinations.every_params()):
        without = relevance.without(every)
        is_looked_at = without and (exclude or only or selection.wanted)
        params = relevance.of(every, without) if is_looked_at else every
        is_excluded = any(each.means(every, params) for each in exclude)
        if not is_excluded and not all(matches(wanted, params) for wanted in only):
            selection.not_selected += 1
            continue
        reason = None if is_excluded else refuses(relevance.settled(every, without) if without else every)
        if selection.wanted:
            selection.see(params, is_case=not is_excluded and reason is None)
        if is_excluded:
            selection.excluded += 1
        elif reason is not None:
            selection.refused.append(place)
            selection.reasons.append(reasons.setdefault(reason, reason))
        elif (may_repeat or not without.isdisjoint(combinations.swept)) and (
            first := seen.setdefault(identify(relevance.of(every, without)), place)
        ) != place:
            is_same = combinations[first].params == every
            selection.repeated += is_same
            selection.merged += not is_same
        else:
            selection.cases.append(place)
            if unused:
                unused = {name: field for name, field in unused.items() if name in without}
    selection.unused = tuple(unused.values())
    return selection


def _only(experiment: Experiment) -> tuple[Where, ...]:
    return cast("tuple[Where, ...]", experiment.only)  # of rows, which move together, --only names none


def nothing_selected(
    experiment: Experiment, combinations: Combinations, relevance: Relevance
) -> NothingSelectedError:
    """Return the error that says that ``--only`` took no combination, and what values they have."""
    pairs = [(name, values) for each in _only(experiment) for name, values in each.items()]
    filters = " ".join(f"--only {name}={_list(values)}" for name, values in pairs)
    exclude = [_Exclusion(combinations.resolved(values), relevance) for values in experiment.exclude]
    have: dict[str, dict[Scalar, None]] = {name: {} for name, _ in pairs}
    for every in combinations.every_params():
        params = relevance.of(every)
        if not any(each.means(every, params) for each in exclude):
            for name, seen in have.items():
                if name in params:
                    seen[params[name]] = None
    shown = "; ".join(f"{name} {list_of_names(list(map(as_yaml, seen)))}" for name, seen in have.items())
    return NothingSelectedError(f"no case has what is asked for by {filters}", f"the cases have {shown}")


def _list(values: Sequence[Scalar]) -> str:
    shown = list_of_names([as_yaml(value) for value in values])
    return shown if len(values) == 1 else f"[{shown}]"
