"""The sentence with which a scenario describes a case: its little language, and the check at registration.

``"{lost_updates:affected} lost updates[, waited {wait_s:median}]"`` holds placeholders of the form
``{metric:statistic}`` or ``{outcome:states}``, and clauses in brackets, which are left out where a metric in them
has no value. Doubled braces and brackets stand for themselves. :mod:`mprunner.report.run_summary` fills them in.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from string import Formatter

from mprunner.errors import PluginError
from mprunner.model.declaration import Field


class Statistic(StrEnum):
    """What a placeholder says of a metric over a case's trials, or (``states``) of an outcome."""

    AFFECTED = "affected"
    RANGE = "range"
    MEDIAN = "median"
    MAX = "max"
    PERCENT = "percent"
    TOTAL = "total"
    OF = "of"
    AMONG = "among"
    STATES = "states"


COUNTS = (Statistic.OF, Statistic.AMONG)
"""What needs a second metric or param, which says of how many."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A metric or an outcome variable, and what the sentence says of it.

    Attributes:
        name: of the metric or the outcome.
        statistic: what is said.
        of: with the statistics ``of`` and ``among``, the metric or param that says how many there are in each trial.
    """

    name: str
    statistic: Statistic
    of: str = ""

    @property
    def counted(self) -> str:
        """What ``of`` counts, in words: rounds, where both names end in that."""
        words, own = self.of.split("_"), self.name.split("_")
        return words[-1] if words[-1] == own[-1] else " ".join(words)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of the sentence that is left out if a placeholder in it has no value."""

    parts: tuple[str | Placeholder, ...]


_BRACKETS = re.compile(r"(\[\[|\]\]|\[|\])")


@lru_cache(maxsize=16)  # a run's sentence is filled in for each of its cases
def parse_summary(template: str) -> tuple[str | Placeholder | Clause, ...]:
    """Split a summary sentence into text, placeholders and clauses.

    Raises:
        ValueError: it is malformed; the message says what is wrong.
    """
    outside: list[str | Placeholder | Clause] = []
    inside: list[str | Placeholder] | None = None
    for token in _BRACKETS.split(template):
        match token:
            case "[" if inside is None:
                inside = []
            case "]" if inside is not None:
                outside.append(Clause(tuple(inside)))
                inside = None
            case "[" | "]":
                raise ValueError(f"a {token} has no place there; two of them stand for one")
            case _:
                text = token[0] if token in ("[[", "]]") else token
                parts = _parse_text(text)
                outside.extend(parts) if inside is None else inside.extend(parts)
    if inside is not None:
        raise ValueError("a [ has no ]; two of them stand for one")
    return tuple(outside)


def _parse_text(text: str) -> list[str | Placeholder]:
    parts: list[str | Placeholder] = []
    for literal, name, statistic, conversion in Formatter().parse(text):
        if literal:
            parts.append(literal)
        if name is not None:
            if conversion:
                raise ValueError(f"{{{name}!{conversion}}} has a conversion, and there are none")
            asked, _, of = (statistic or "").partition(" ")
            parts.append(Placeholder(name, _statistic(name, asked, of), of))
    return parts


def _statistic(metric: str, name: str, of: str) -> Statistic:
    try:
        statistic = Statistic(name)
        if (statistic in COUNTS) != bool(of):
            raise ValueError
        return statistic
    except ValueError:
        written = f"{metric}:{name} {of}".strip() if name else metric
        known = ", ".join(f"{each} COUNT" if each in COUNTS else each for each in Statistic)
        raise ValueError(f"{{{written}}} asks for no known statistic ({known})") from None


def check_summary(
    template: str, metrics: Sequence[Field], outcomes: Collection[str], params: Sequence[Field] = ()
) -> None:
    """Check a scenario's summary sentence against its metrics, outcomes and params.

    Raises:
        PluginError: it is malformed, names an unknown metric, outcome, param or statistic, or a metric that is text.
    """
    try:
        parts = parse_summary(template)
    except ValueError as error:
        raise _refused(template, str(error)) from error
    for part in parts:
        for piece in part.parts if isinstance(part, Clause) else (part,):
            if isinstance(piece, Placeholder):
                _check(piece, template, {field.name: field.type for field in metrics}, outcomes)
                whole = {field.name for field in (*metrics, *params) if field.type == "int"}
                if piece.of and piece.of not in whole:
                    raise _refused(
                        template, f"{piece.of!r} is no metric or param of the scenario that is an int"
                    )


def _check(part: Placeholder, template: str, types: Mapping[str, str], outcomes: Collection[str]) -> None:
    if part.statistic is Statistic.STATES:
        if part.name not in outcomes:
            known = ", ".join(outcomes) or "none"
            raise _refused(template, f"{part.name!r} is no outcome of the scenario (outcomes: {known})")
        return
    if part.name not in types:
        known = ", ".join(types) or "none"
        raise _refused(template, f"{part.name!r} is no metric of the scenario (metrics: {known})")
    if types[part.name] == "str":
        raise _refused(template, f"the metric {part.name!r} is text, which has no {part.statistic}")


def _refused(template: str, reason: str) -> PluginError:
    return PluginError(
        f"summary {template!r}: {reason}",
        "write {metric:statistic}, such as {lost:affected}; see Scenario.summary",
    )
