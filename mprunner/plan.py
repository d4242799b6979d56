"""From an experiment to its plan: every trial with its identity and seed, in execution order. Pure.

Identity. A case is its scenario, its params with defaults filled in and ``cpu_count`` resolved, and how its
worker is isolated; a trial adds the repeat and the seed. Changing repeats, timeout, order or a description
never makes a finished trial new.
"""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mprunner.declarations import Declaration, Field, with_cpus
from mprunner.errors import ExperimentError, NothingSelectedError
from mprunner.records import Attempt, label_of
from mprunner.spec import Combination, Experiment, expand
from mprunner.values import Scalar

_ID_DIGITS = 12
_TOLD = 3  # reasons for refusing combinations


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One combination of parameter values.

    Attributes:
        case_id: identifies it across runs.
        label: how a person tells it from the experiment's others: what its part of the sweep sets.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All trials of an experiment. Iterating yields the first attempt of each, in execution order.

    Attributes:
        cases: in the order of the file.
        refused: combinations left out because the scenario refuses them.
        excluded: how many combinations are left out because the experiment excludes them.
        repeats: measured trials per case.
        warmup: trials per case before those, flagged and left out of every summary.
        order: interleaved (every case once, then again), shuffled (within each repeat) or sequential.
        seed: the experiment's seed.
        timeout_s: of every trial.
    """

    cases: tuple[Case, ...]
    refused: tuple[Refusal, ...]
    repeats: int
    warmup: int
    order: str
    seed: int
    timeout_s: float
    excluded: int = 0

    def __len__(self) -> int:
        return len(self.cases) * (self.warmup + self.repeats)

    def __iter__(self) -> Iterator[Attempt]:
        for order, (case, repeat) in enumerate(self._ordered()):
            yield self._attempt(case, repeat, order)

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
            cases = list(self.cases)
            if self.order == "shuffled":
                shuffler.shuffle(cases)
            yield from ((case, repeat) for case in cases)

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

    Two combinations with the same values are one case. What the experiment excludes is counted, and the scenario not
    asked about it. A combination whose ``Params`` can't be made, because
    ``__post_init__`` raises ValueError, is left out and its reason kept.

    Raises:
        ExperimentError: the scenario refuses a combination, and ``strict`` says that it must not.
        NothingSelectedError: the scenario refuses every combination, or the experiment excludes them.
    """
    exclude = [with_cpus(values, declaration.params, cpus) for values in experiment.exclude]
    excluded = 0
    cases: dict[str, Case] = {}
    refused: list[Refusal] = []
    for combination in expand(experiment):
        params = _completed(combination, declaration.params, cpus)
        if any(values.items() <= params.items() for values in exclude):
            excluded += 1
            continue
        label = label_of(combination.params, combination.swept)
        try:
            params_type(**params)
        except ValueError as error:
            refused.append(Refusal(label=label, params=params, reason=str(error)))
            continue
        identity = case_id(declaration.name, params, experiment.isolation)
        cases.setdefault(identity, Case(case_id=identity, label=label, params=params))
    if strict and refused:
        raise _refusing(declaration.name, refused)
    if not cases:
        raise _nothing_left(declaration.name, refused, excluded)
    return Plan(
        cases=tuple(cases.values()),
        refused=tuple(refused),
        repeats=experiment.repeats,
        warmup=experiment.warmup,
        order=experiment.order,
        seed=experiment.seed,
        timeout_s=experiment.timeout_s,
        excluded=excluded,
    )


def _refusing(scenario: str, refused: list[Refusal]) -> ExperimentError:
    count = "1 combination" if len(refused) == 1 else f"{len(refused):,} combinations"
    reasons = [f"{refusal.label or 'the only one'}: {refusal.reason}" for refusal in refused[:_TOLD]]
    more = [f"… and {len(refused) - _TOLD:,} more"] if len(refused) > _TOLD else []
    shown = "".join(f"\n  {line}" for line in [*reasons, *more])
    hint = "exclude them, sweep them in parts of their own, or leave out --strict"
    return ExperimentError(f"scenario {scenario!r} refuses {count} of the experiment:{shown}", hint)


def _nothing_left(scenario: str, refused: list[Refusal], excluded: int) -> NothingSelectedError:
    if not refused:
        return NothingSelectedError(
            "the experiment excludes every combination", "remove a mapping of `exclude`"
        )
    which = "that is not excluded" if excluded else "of the experiment"
    first = refused[0]
    return NothingSelectedError(
        f"scenario {scenario!r} refuses every combination {which}",
        f"the first, {first.label or 'its only one'}: {first.reason}",
    )


def _completed(combination: Combination, fields: tuple[Field, ...], cpus: int) -> dict[str, Scalar]:
    params: dict[str, Scalar] = {}
    for field in fields:
        value = combination.params.get(field.name, field.default)
        params[field.name] = cpus if field.counts_processes and value == "cpu_count" else value
    return params


def case_id(scenario: str, params: Mapping[str, Scalar], isolation: str = "forked") -> str:
    """Return the identity of a case: the same for the same values, whatever the order of the keys.

    The isolation is what the experiment says: whether a plugin makes mprunner isolate its trials more strictly than
    that is not known to a plan.
    """
    return _digest({"scenario": scenario, "params": params, "isolation": isolation})


def trial_id(case: str, repeat: int, seed: int) -> str:
    """Return the identity of a trial: its case, repeat and the experiment's seed."""
    return _digest({"case": case, "repeat": repeat, "seed": seed})


def trial_seed(seed: int, repeat: int) -> int:
    """Derive a trial's random seed from the experiment's seed and the repeat alone; below 2**53."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{repeat}".encode()).digest()[:8], "big") >> 11


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _digest(value: Any) -> str:
    return hashlib.sha256(_encode(value).encode()).hexdigest()[:_ID_DIGITS]
