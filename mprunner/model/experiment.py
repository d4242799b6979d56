"""The experiment, as everything after the reading sees it."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from mprunner.model.adaptive import Until
from mprunner.model.from_json import read_fields
from mprunner.model.records import Limits
from mprunner.model.rules import Rules, Where
from mprunner.model.text import printable
from mprunner.model.variants import Variant
from mprunner.values import Scalar

Order = Literal["interleaved", "shuffled", "sequential"]
OnFailure = Literal["continue", "stop", "stop-if-all"]
Isolation = Literal["forked", "fresh"]
Path = tuple[str | int, ...]
"""The keys of mappings and the indexes of lists that lead to a value of a file."""

Row = tuple[Scalar, ...]
Values = tuple[Scalar | Row, ...]
Block = Mapping[str, Values]
"""A part of a sweep: the product of its params' values. Names that move together share a key, and have rows."""

DEFAULT_REPEATS = 5
DEFAULT_TIMEOUT_S = 60.0


def names_of(key: str) -> tuple[str, ...]:
    """Return the names that a key of a sweep sets: one, or those between its commas, which move together."""
    return tuple(name.strip() for name in key.split(",")) if "," in key else (key,)


def axes(block: Block) -> Iterator[tuple[tuple[str, ...], tuple[Row, ...]]]:
    """Yield what varies in a block on its own: the names of each key, and the rows of values that they take."""
    for key, values in block.items():
        yield names_of(key), tuple(value if isinstance(value, tuple) else (value,) for value in values)


class SourceMap(Protocol):
    """Where the keys and values of an experiment are, in its file or in an option."""

    def placed(self, message: str, *paths: tuple[str | int, ...]) -> str:
        """Return a message after the place of what is to blame: the first of the paths that is there."""


_OF_CASES = re.compile(r"\W*(params|sweep)\b")
"""What begins the text of a ``--set`` that gives values to cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A scenario, its params, what to vary and how to measure: a file that has been checked.

    Attributes:
        name: what the results folder is called.
        scenario: the name of the code under study.
        description: what the experiment asks, for people.
        params: the values that every case shares; what the file does not fix is not in it.
        sweep: the blocks whose combinations follow one another; empty where nothing is swept.
        exclude: combinations that have all the values of one of these are left out.
        repeats: measured trials per case; at most so many, where ``until`` says when a case has enough.
        warmup: trials per case before those, left out of every summary.
        order: interleaved (every case once, then again), shuffled (within each repeat) or sequential.
        seed: what the trials' random seeds derive from.
        timeout_s: how long a trial may take, in seconds.
        on_failure: whether to continue or stop after a trial that is not ok; ``stop-if-all``: to stop if each case
            has had a trial, two or more together, and each of them raised an exception.
        isolation: whether a worker is forked with the scenario imported, or an interpreter of its own.
        cpus: the numbers of the CPUs that a worker is bound to, sorted; None where it may use all.
        limits: what a trial may use.
        retries: how many more times a trial is executed whose attempt was lost.
        left_out: the environments that this machine does not have, and that may be left out.
        baseline: a case is compared with the case that has these values, and with none if there are none; None where
            that is left to the scenario.
        rules: what is expected of outcomes, metrics and statuses: the keys ``outcomes`` and ``expect``.
        overrides: what ``--set`` gave to the file, as it was written, in order.
        variants: the environments in which every case is executed, by name; empty where there is but this one. The
            sweep has an axis of them.
        only: for each ``--only``, a param and the values of which a planned case has one.
        until: when a case needs no more repeats; None where all of them are executed.
        path: the file, as it was named.
        source: the file, as it was given.
        source_map: where its parts are; None of an experiment that was not read from a file, but from a run.
    """

    name: str
    scenario: str
    description: str = ""
    params: Mapping[str, Scalar] = field(default_factory=dict)
    sweep: tuple[Block, ...] = ()
    exclude: tuple[Mapping[str, Scalar], ...] = ()
    repeats: int = DEFAULT_REPEATS
    warmup: int = 0
    order: Order = "interleaved"
    seed: int = 0
    timeout_s: float = DEFAULT_TIMEOUT_S
    on_failure: OnFailure = "stop-if-all"
    isolation: Isolation = "forked"
    cpus: tuple[int, ...] | None = None
    limits: Limits = field(default_factory=Limits)
    retries: int = 0
    baseline: Mapping[str, Scalar] | None = None
    rules: Rules = field(default_factory=Rules)
    overrides: tuple[str, ...] = ()
    variants: Mapping[str, Variant] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    only: tuple[Mapping[str, Values], ...] = ()
    until: Until | None = None
    path: str = ""
    source: bytes = b""
    source_map: SourceMap | None = field(default=None, compare=False, repr=False)

    @property
    def is_part(self) -> bool:
        """Whether an option, or what this machine lacks, has changed its cases; it may name some that are gone."""
        return bool(self.only or self.left_out) or any(_OF_CASES.match(text) for text in self.overrides)

    @property
    def swept(self) -> tuple[str, ...]:
        """The params that it sweeps, in the order of the file."""
        return tuple(dict.fromkeys(name for block in self.sweep for key in block for name in names_of(key)))

    def placed(self, message: str, *paths: Path) -> str:
        """Return a message after the place in the file that it is about: the first of the paths that is there."""
        if self.source_map is not None:
            return self.source_map.placed(message, *paths)
        return f"{printable(self.path)}: {message}" if self.path else message

    def named_cases(self) -> dict[Path, Where]:
        """Return the values by which the baseline and each rule name cases, by their path in the file."""
        wheres: dict[Path, Where] = {}
        for variable, several in self.rules.outcomes.items():
            wheres |= {("outcomes", variable, i, "where"): rule.where for i, rule in enumerate(several)}
        wheres |= {("expect", i, "where"): rule.where for i, rule in enumerate(self.rules.expect)}
        baseline = {name: (value,) for name, value in (self.baseline or {}).items()}
        return {path: where for path, where in {("baseline",): baseline, **wheres}.items() if where}

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back, without the source."""
        value = dataclasses.asdict(dataclasses.replace(self, source=b"", source_map=None, rules=Rules()))
        for apart in ("source", "source_map", "rules"):
            del value[apart]
        for name in ("variants", "left_out"):  # most experiments have none
            if not value[name]:
                del value[name]
        return {**value, **self.rules.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], source: bytes = b"") -> "Experiment":
        """Rebuild an experiment from :meth:`to_json`'s value after a trip through JSON."""
        # A run of an earlier version has not all of these.
        apart = ("outcomes", "expect", "seed", "until", "limits")
        kept = {key: each for key, each in value.items() if key not in apart}
        if not isinstance(seed := value.get("seed", 0), int):  # of any size
            raise TypeError(f"seed: {seed!r:.50} is not int")
        experiment = read_fields(
            cls,
            kept,
            seed=seed,
            limits=read_fields(Limits, value.get("limits", {})),
            rules=Rules.from_json(value),
            until=Until.from_json(value.get("until")),
            source=source,
        )
        if experiment.repeats < 1 or experiment.warmup < 0:
            raise ValueError("repeats: there are none")
        return experiment
