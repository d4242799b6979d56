"""From an experiment to its plan: every trial with its identity and seed, in execution order. Pure.

Identity. A case is its scenario, its params with defaults filled in and ``cpu_count`` resolved, how its worker is
isolated, the CPUs that it is bound to, and the definition of its variant, if it has one; a trial adds the repeat and
the seed. Changing repeats, timeout, order or a description never makes a finished trial new.
"""

import hashlib
import json
import random
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, overload

from mprunner.errors import ExperimentError, NothingSelectedError
from mprunner.experiment.cases import BASELINE, OF_SCENARIO, Combinations, Selection, nothing_selected, select
from mprunner.experiment.messages import as_yaml, list_of_names
from mprunner.experiment.problems import Loc
from mprunner.model.declaration import Declaration, Field
from mprunner.model.experiment import Experiment
from mprunner.model.records import Attempt, label_of
from mprunner.model.relevance import Relevance
from mprunner.model.rules import Where
from mprunner.model.variants import VARIANT, without_variant
from mprunner.values import Scalar

_ID_DIGITS = 12
_KEPT = 10_000  # cases, or refusals: so few are made once, not whenever they are asked for
_TOLD = 3  # reasons for refusing combinations
_MAKE_CASES = (("sweep",), ("params",), ("scenario",))
"""The keys to blame for combinations that are refused, the first that is there."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One combination of parameter values.

    Attributes:
        case_id: identifies it across runs.
        label: how a person tells it from the experiment's others: what its part of the sweep sets, without what is
            the same in all parts.
        params: every param of the scenario.
    """

    case_id: str
    label: str
    params: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A combination that the scenario refuses, and its reason."""

    label: str
    params: Mapping[str, Scalar]
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Lazy(Sequence[_T], Generic[_T]):
    """A sequence of which each item is made anew when it is asked for, from a number; a million of them fit anywhere.

    Attributes:
        numbers: one for each item.
        make: makes an item from its number.
    """

    numbers: Sequence[int]
    make: Callable[[int], _T]

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> "Lazy[_T]": ...
    def __getitem__(self, index: int | slice) -> "_T | Lazy[_T]":
        if isinstance(index, slice):
            return Lazy(self.numbers[index], self.make)
        return self.make(self.numbers[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All trials of an experiment. Iterating yields the first attempt of each, in execution order.

    Attributes:
        cases: in the order of the file.
        refused: combinations left out because the scenario refuses them.
        excluded: how many combinations are left out because the experiment excludes them.
        not_selected: how many are left out because ``--only`` asks for others.
        repeated: how many are no cases of their own, having the same values as one before.
        unused: the params that the experiment fixes and that mean nothing to any case.
        own_baseline: the scenario's baseline, where the experiment sweeps over that, some case has it, and the file
            says nothing of a baseline; else empty.
        merged: how many are none since they differ from one before only in params that mean nothing to them.
        repeats: measured trials per case.
        warmup: trials per case before those, flagged and left out of every summary.
        order: interleaved (every case once, then again), shuffled (within each repeat) or sequential.
        seed: the experiment's seed.
        timeout_s: of every trial.
    """

    cases: Sequence[Case]
    refused: Sequence[Refusal]
    repeats: int
    warmup: int
    order: str
    seed: int
    timeout_s: float
    excluded: int = 0
    not_selected: int = 0
    repeated: int = 0
    merged: int = 0
    unused: tuple[Field, ...] = ()
    own_baseline: Mapping[str, Scalar] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cases) * (self.warmup + self.repeats)

    def __iter__(self) -> Iterator[Attempt]:
        for order, (case, repeat) in enumerate(self._ordered()):
            yield self._attempt(case, repeat, order)

    def with_baseline(self, experiment: Experiment) -> Experiment:
        """Return the experiment that was planned with the baseline that its scenario names, if that applies."""
        return replace(experiment, baseline=self.own_baseline) if self.own_baseline else experiment

    def first_attempts(self) -> Iterator[Attempt]:
        """Return the first attempt of the first trial of every case, in the order of the file."""
        return (self._attempt(case, -self.warmup, order) for order, case in enumerate(self.cases))

    def trial_ids(self) -> Iterator[str]:
        """Return the identity of every trial, in execution order."""
        return (trial_id(case.case_id, repeat, self.seed) for case, repeat in self._ordered())

    def _ordered(self) -> Iterator[tuple[Case, int]]:
        repeats = range(-self.warmup, self.repeats)
        if self.order == "sequential":
            yield from ((case, repeat) for case in self.cases for repeat in repeats)
            return
        shuffler = random.Random(self.seed)
        for repeat in repeats:
            if self.order == "interleaved":
                yield from ((case, repeat) for case in self.cases)
                continue
            places = array("Q", range(len(self.cases)))
            shuffler.shuffle(places)
            yield from ((self.cases[place], repeat) for place in places)

    def _attempt(self, case: Case, repeat: int, order: int) -> Attempt:
        return Attempt(
            trial_id=trial_id(case.case_id, repeat, self.seed),
            case_id=case.case_id,
            case_label=case.label,
            repeat=repeat,
            attempt=1,
            order=order,
            is_warmup=repeat < 0,
            seed=trial_seed(self.seed, repeat),
            params=case.params,
            timeout_s=self.timeout_s,
        )


def make_plan(
    experiment: Experiment, declaration: Declaration, params_type: type, cpus: int, *, strict: bool = False
) -> Plan:
    """Plan an experiment on a machine where a worker may use ``cpus`` CPUs.

    Two combinations with the same values are one case: the first of them, where they differ in params that mean
    nothing to it. What the experiment excludes, and what ``--only`` does not
    select, is counted, and the scenario not asked about it. A combination whose ``Params`` can't be made, because
    ``__post_init__`` raises ValueError, is left out and its reason kept.

    Raises:
        ExperimentError: the scenario refuses a combination, and ``strict`` says that it must not; or no case is left
            that has the values of the baseline, or that a rule's ``where`` means.
        PluginError: the scenario's ``Params`` fails in another way than by refusing.
        NothingSelectedError: every combination is refused by the scenario, excluded, or not selected.
    """
    combinations = Combinations(experiment, declaration.params, cpus)
    relevance = Relevance(declaration.params)

    environments = {name: variant.identity for name, variant in experiment.variants.items()}

    def identify(params: Mapping[str, Scalar]) -> str:
        environment = environments.get(str(params[VARIANT])) if environments else None
        return case_id(declaration.name, params, experiment.isolation, experiment.cpus, environment)

    def case(place: int) -> Case:
        made = combinations[place]
        names = filter(combinations.telling.__contains__, made.swept)
        label = label_of(relevance.of(made.params), names)
        return Case(case_id=identify(made.params), label=label, params=made.params)

    def refusal(number: int) -> Refusal:
        made = combinations[selection.refused[number]]
        label = label_of(made.params, made.swept)
        return Refusal(label=label, params=made.params, reason=selection.reasons[number])

    own = declaration.baseline if experiment.baseline is None else {}
    own = own if combinations.swept.intersection(own) else {}
    make_params = _without_variant(params_type) if environments else params_type
    selection = select(experiment, combinations, relevance, make_params, identify, own)
    if selection.wanted.pop(OF_SCENARIO, None) is not None:
        own = {}  # no case has it
    refused = Lazy(range(len(selection.refused)), refusal)
    if strict and refused:
        raise _refusing(experiment, refused)
    if not selection.cases:
        if selection.not_selected and not refused:
            raise nothing_selected(experiment, combinations, relevance)
        raise _nothing_left(experiment, refused, selection)
    if BASELINE in selection.wanted:
        raise _no_baseline(experiment)
    for place, where in selection.wanted.items():
        if place in selection.left_out:  # else it means a number of CPUs that another machine has
            raise _no_case(experiment, place, where)
    return Plan(
        cases=_kept(Lazy(selection.cases, case)),
        refused=_kept(refused),
        repeats=experiment.repeats,
        warmup=experiment.warmup,
        order=experiment.order,
        seed=experiment.seed,
        timeout_s=experiment.timeout_s,
        excluded=selection.excluded,
        not_selected=selection.not_selected,
        repeated=selection.repeated,
        merged=selection.merged,
        unused=selection.unused,
        own_baseline=own,
    )


def _without_variant(params_type: type) -> Callable[..., object]:
    """Return what makes a scenario's params, which know nothing of variants."""
    return lambda **params: params_type(**without_variant(params))


def _refusing(experiment: Experiment, refused: Sequence[Refusal]) -> ExperimentError:
    count = "1 combination" if len(refused) == 1 else f"{len(refused):,} combinations"
    reasons = [f"{refusal.label or 'the only one'}: {refusal.reason}" for refusal in refused[:_TOLD]]
    more = [f"… and {len(refused) - _TOLD:,} more"] if len(refused) > _TOLD else []
    shown = "".join(f"\n  {line}" for line in [*reasons, *more])
    hint = "exclude them, sweep them in parts of their own, or leave out --strict"
    message = f"scenario {experiment.scenario!r} refuses {count} of the experiment:{shown}"
    return ExperimentError(experiment.placed(message, *_MAKE_CASES), hint)


def _nothing_left(
    experiment: Experiment, refused: Sequence[Refusal], selection: Selection
) -> NothingSelectedError:
    if not refused:
        message = experiment.placed("the experiment excludes every combination", ("exclude",))
        return NothingSelectedError(message, "remove a mapping of `exclude`")
    which = "that is left" if selection.excluded or selection.not_selected else "of the experiment"
    message = f"scenario {experiment.scenario!r} refuses every combination {which}"
    first = refused[0]
    return NothingSelectedError(
        experiment.placed(message, *_MAKE_CASES),
        f"the first, {first.label or 'its only one'}: {first.reason}",
    )


def _no_baseline(experiment: Experiment) -> ExperimentError:
    baseline = experiment.baseline or {}
    message = (
        f"every case of the baseline, {label_of(baseline, baseline)}, is excluded or refused by the scenario"
    )
    return ExperimentError(
        experiment.placed(message, BASELINE),
        "name a `baseline` of which a case is left, or remove it",
    )


def _no_case(experiment: Experiment, place: Loc, where: Where) -> ExperimentError:
    values = ", ".join(f"{name} {list_of_names([as_yaml(value) for value in where[name]])}" for name in where)
    message = f"every case that it means, {values}, is excluded or refused by the scenario"
    return ExperimentError(experiment.placed(message, place), "name cases that are left, or remove the rule")


def _kept(items: Sequence[_T]) -> Sequence[_T]:
    return tuple(items) if len(items) <= _KEPT else items


def case_id(
    scenario: str,
    params: Mapping[str, Scalar],
    isolation: str = "forked",
    cpus: tuple[int, ...] | None = None,
    environment: Mapping[str, Any] | None = None,
) -> str:
    """Return the identity of a case: the same for the same values, whatever the order of the keys.

    The CPUs, sorted, are those that the experiment names, None where it names none: which ones those are is the
    machine's, and must not make a trial another on the next.

    The isolation is what the experiment says: whether a plugin makes mprunner isolate its trials more strictly than
    that is not known to a plan. The environment is the definition of its variant, None where there are no variants.
    """
    identity = {"scenario": scenario, "params": params, "isolation": isolation, "cpus": cpus}
    return _digest(identity if environment is None else {**identity, "environment": environment})


def trial_id(case: str, repeat: int, seed: int) -> str:
    """Return the identity of a trial: its case, repeat and the experiment's seed."""
    return _digest({"case": case, "repeat": repeat, "seed": seed})


def trial_seed(seed: int, repeat: int) -> int:
    """Derive a trial's random seed from the experiment's seed and the repeat alone; below 2**53."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{repeat}".encode()).digest()[:8], "big") >> 11


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _digest(value: Any) -> str:
    return hashlib.sha256(_encode(value).encode()).hexdigest()[:_ID_DIGITS]
