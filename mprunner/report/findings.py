"""What a run was judged to be, in words: what was expected, and what its trials and cases came to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from mprunner.analysis.diagnostics import failures_by_case
from mprunner.analysis.statistics import ends, unseen_bound
from mprunner.analysis.verdict import (
    FAILING,
    Finding,
    Judgement,
    Seen,
    Statuses,
)
from mprunner.errors import guarded
from mprunner.model.rules import OF_EACH, Condition, Expectation, ParamValue, Where, operand_value
from mprunner.model.text import printable
from mprunner.report.layout import Line, Span, paragraph
from mprunner.report.wording import bracketed, exact, number, reasons, share, states, telling, trials
from mprunner.tables import Frames, plain_cells
from mprunner.values import Scalar

_SHOWN_VALUES = 3
LISTED = 20
"""Values of a finding in verdict.json; outcomes.csv and trials.csv have all."""
SHOWN = 10
"""Findings of one kind in a summary; verdict.json has all."""
SHOWN_INTERESTING = 3
"""Findings that fail nothing."""


def verdict_json(judgement: Judgement) -> dict[str, Any]:
    """Return what verdict.json holds of a verdict."""
    return {
        "verdict": judgement.verdict,
        "findings": [finding_json(finding) for finding in judgement.findings],
        "never_forbidden": [
            {
                "variable": variable,
                "label": label,
                "observations": count,
                "share_ci_high": unseen_bound(count),
            }
            for variable, cases in judgement.spared.items()
            for count, label in cases
        ],
        "rules": judgement.rules.to_json(),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return what verdict.json holds of one finding."""
    return {
        "kind": finding.kind,
        "found": finding.found,
        "case_id": finding.case_id,
        "label": finding.label,
        "about": guarded("what was judged", partial(about, finding), finding.variable),
        "told": guarded("what a finding says", partial(told, finding), ""),
        "note": finding.note,
        "variable": finding.variable or None,
        "expectation": None if finding.expectation is None else finding.expectation.to_json(),
        **numbers_json(finding),
    }


def numbers_json(finding: Finding) -> dict[str, Any]:
    """Return the numbers of a finding; null is what it has none of, as one that was not judged has none.

    ``statuses``: how many trials ended in each that was not expected; ``values``: the states that were seen, or the
    values that missed an expectation, each once, the first of them if they are many, and ``distinct``, how many there
    are; ``count`` of ``of`` trials or observations, and ``share``, one over the other; of a ratio to the baseline its
    interval.
    """
    found = finding.came_to
    count = sum(found.counts.values()) if isinstance(found, Statuses) else found.count if found else None
    seen = found if isinstance(found, Seen) else None
    return {
        "statuses": dict(found.counts) if isinstance(found, Statuses) else None,
        "values": None if seen is None else list(seen.values[:LISTED]),
        "distinct": None if seen is None else len(seen.values),
        "count": count,
        "of": None if found is None else found.of,
        "share": None if found is None or count is None or not found.of else count / found.of,
        **ends("ratio_ci", None if seen is None else seen.interval),
    }


def about(finding: Finding) -> str:
    """Say what was judged: the statuses, the outcome's name, or the expectation in words."""
    if finding.expectation is not None:
        return wanted(finding.expectation, finding.params)
    return finding.variable or "status"


def told(finding: Finding) -> str:
    """Say what it came to; empty for an expectation that was met."""
    if finding.expectation is not None and finding.case_id is None:
        return unexecuted(
            finding.expectation.where, "compared" if finding.expectation.stat == "ratio" else ""
        )
    if finding.came_to is None or finding.found == "met":
        return ""
    return _came_to(finding.came_to, finding)


def _came_to(found: Statuses | Seen, finding: Finding) -> str:
    match found:
        case Statuses(counts, of):
            return f"{', '.join(f'{number(count)} {status}' for status, count in counts.items())} of {trials(of)}"
        case Seen(observed, count, of) if finding.kind == "outcome":
            return f"{states(observed)} in {number(count)} of {number(of)} observations ({share(count / of)})"
        case Seen(_, count, of) if finding.expectation is not None and finding.expectation.metric is None:
            return f"{share(count / of)}, {number(count)} of {trials(of)}"
        case Seen(_, _, 0):
            return "no trial has a value"
        case Seen(values, count, of):
            if finding.expectation is not None and finding.expectation.stat == "ratio":
                return f"{_values(values, finding)}{bracketed(found.interval)} over {number(of)} repeats"
            is_of_each = finding.expectation is None or finding.expectation.stat in OF_EACH
            return f"{_values(values, finding)} {f'in {number(count)} of' if is_of_each else 'over'} {trials(of)}"


def wanted(expectation: Expectation, params: Mapping[str, Scalar] | None = None) -> str:
    """Say what is expected: ``lost_updates at most 0 in every trial``; with a case's params, their values."""
    condition = "" if expectation.condition is None else f" {described(expectation.condition, params)}"
    subject = expectation.metric or f"status {expectation.status}"
    if expectation.stat in OF_EACH:
        return f"{subject}{condition} in {expectation.stat} trial"
    to = " to the baseline" if expectation.stat == "ratio" else ""
    return f"{expectation.stat} of {subject}{to}{condition}"


def unexecuted(where: Where, done: str = "") -> str:
    """Say that no case that is meant was executed: ``no case with guard none or lock was executed``; or compared."""
    params = ", ".join(f"{name} {' or '.join(map(_text, values))}" for name, values in where.items())
    return f"no case{' with ' if params else ''}{params} was {done or 'executed'}"


def described(condition: Condition, params: Mapping[str, Scalar] | None = None) -> str:
    """Say what a value must be: ``100``, ``at most 0``, ``1 … 5``."""
    parts = []
    if condition.equals is not None:
        parts.append(_operand(condition, params))
    if condition.one_of:
        parts.append("one of " + ", ".join(_text(value) for value in condition.one_of))
    if condition.min is not None and condition.max is not None:
        parts.append(" … ".join(dict.fromkeys((exact(condition.min), exact(condition.max)))))
    elif condition.min is not None:
        parts.append(f"at least {exact(condition.min)}")
    elif condition.max is not None:
        parts.append(f"at most {exact(condition.max)}")
    return " and ".join(parts)


def _operand(condition: Condition, params: Mapping[str, Scalar] | None) -> str:
    within = f" ± {exact(condition.tolerance)}" if condition.tolerance else ""
    if isinstance(condition.equals, ParamValue) and params is None:
        return f"the case's {condition.equals.param}{within}"
    return _text(operand_value(condition.equals, params or {})) + within


def _text(value: Scalar) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return exact(value)
    if value is None:
        return "null"  # as an experiment writes it
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values(distinct: Sequence[Scalar], finding: Finding) -> str:
    """Say what missed an expectation, each number with so many digits that what is shown misses it, too."""
    condition = None if finding.expectation is None else finding.expectation.condition

    def is_met(shown: float) -> bool:
        return condition is not None and condition.holds(shown, finding.params or {})

    def text(value: Scalar) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return telling(value, is_met)
        return _text(value)

    numbers = [value for value in distinct if isinstance(value, int | float)]
    if len(distinct) > _SHOWN_VALUES and len(numbers) == len(distinct):
        return " … ".join(dict.fromkeys((text(min(numbers)), text(max(numbers)))))
    more = " …" if len(distinct) > _SHOWN_VALUES else ""
    return ", ".join(map(text, distinct[:_SHOWN_VALUES])) + more


class VerdictLine(NamedTuple):
    """A line below the verdict, and whether the run fails by what it says."""

    text: str
    fails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictDigest:
    """A verdict in words.

    Attributes:
        verdict: ``passed`` or ``failed``; ``so far`` where trials are left to be executed.
        fails: whether it is a failure.
        lines: what it rests on: failures first.
    """

    verdict: str
    fails: bool
    lines: tuple[VerdictLine, ...]


def verdict_digest(judgement: Judgement, *, complete: bool, answered: bool = False) -> VerdictDigest:
    """Put a verdict into words.

    Args:
        judgement: the verdict.
        complete: whether every planned trial has been executed.
        answered: whether what is interesting has been said already.
    """
    lines = [
        *(line for found in FAILING for line in _lines(found, judgement.findings, SHOWN)),
        *_lines("not judged", judgement.findings, SHOWN),
        *(() if answered else _lines("interesting", judgement.findings, SHOWN_INTERESTING)),
        *_met(judgement.findings),
        *(() if answered else _never_forbidden(judgement)),
        *_under_gil(judgement),
    ]
    if not (judgement.rules or lines):
        lines.append(VerdictLine("nothing is expected but that every trial ends ok"))
    so_far = "" if complete else " so far"
    fails = judgement.verdict == "failed"
    return VerdictDigest(verdict=f"{judgement.verdict}{so_far}", fails=fails, lines=tuple(lines))


def _lines(found: str, findings: Sequence[Finding], most: int) -> Iterator[VerdictLine]:
    own = [finding for finding in findings if finding.found == found]
    for finding in own[:most]:
        line = guarded("a line of the verdict", partial(finding_text, finding), finding.label)
        yield VerdictLine(f"{found}: {line}", finding.fails)
    if len(own) > most:
        yield VerdictLine(f"{found}: … and {number(len(own) - most)} more in verdict.json", own[0].fails)


def finding_text(finding: Finding) -> str:
    """Return a finding as a line says it: its case, what was judged, and what it came to."""
    case = f"{finding.label}: " if finding.label else ""
    match finding.kind:
        case "status":
            text = told(finding)
        case "outcome":
            note = f": {finding.note}" if finding.note else ""
            text = f"{finding.variable} {told(finding)}{note}"
        case "expectation":
            text = f"{about(finding)}: {told(finding)}"
    return printable(case + text)


def _met(findings: Sequence[Finding]) -> Iterator[VerdictLine]:
    counts = Counter(finding.found for finding in findings if finding.kind == "expectation")
    total = counts["met"] + counts["missed"]
    if counts["missed"]:
        yield VerdictLine(
            f"expectations: {number(counts['met'])} of {number(total)} met, each counted in each case"
        )
    elif total:
        yield VerdictLine("every expectation is met" if total > 1 else "the expectation is met")


def _never_forbidden(judgement: Judgement) -> Iterator[VerdictLine]:
    """Say in how many observations nothing forbidden was seen, and how often it could happen all the same."""
    elsewhere = {finding.variable for finding in judgement.findings if finding.found == "forbidden"}
    for variable, cases in judgement.spared.items():
        (least, label), (most, _) = cases[0], cases[-1]
        if len(cases) == 1:
            where = printable(f" in {label}") if label else ""
        else:
            where = f" in {number(len(cases))} {'other ' if variable in elsewhere else ''}cases"
        of = number(least) if least == most else f"{number(least)} to {number(most)}"
        each = "" if len(cases) == 1 else " each"
        bounds = " to ".join(dict.fromkeys(share(unseen_bound(count)) for count in (most, least)))
        yield VerdictLine(
            f"no forbidden {variable}{where}, of {of} observations{each}: "
            f"less often than {bounds}, at 95% confidence"
        )


def _under_gil(judgement: Judgement) -> Iterator[VerdictLine]:
    """Say what it does not show that threads passed: the interpreter lets another one on every few milliseconds."""
    if judgement.rules and judgement.under_gil:
        cases = "1 case" if judgement.under_gil == 1 else f"{number(judgement.under_gil)} cases"
        text = f"threads under the GIL take turns ({cases}): a race that was not seen may still be there"
        yield VerdictLine(f"{text}; processes or a free-threaded Python show it sooner")


def verdict_lines(verdict: VerdictDigest, width: int) -> Iterator[Line]:
    """Return a verdict in lines: what it is, then what it rests on."""
    yield (Span(f"verdict: {verdict.verdict}", "bold red" if verdict.fails else "bold green"),)
    for line in verdict.lines:
        yield from paragraph(f"  {line.text}", width, "red" if line.fails else "", indent="    ")


def cases_of(frames: Frames) -> tuple[Mapping[str, Any], ...]:
    """Return the cases of which trials were executed, in the order of the plan.

    Each is a mapping that can't be changed: ``case_id``, ``label`` (empty for an only case), ``params``, ``statuses``
    (how many trials ended in each, ok first), ``reasons`` (why trials failed, a line for each) and ``trial_wall_s``
    (of all attempts together, in seconds).
    """
    took = frames.trials.groupby("case_id", sort=False)["trial_wall_s"].sum()
    walls = dict(zip(took.index.tolist(), plain_cells(took), strict=True))
    why = {
        case_id: reasons(own, sum(frames.statuses[case_id].values()))
        for case_id, own in failures_by_case(frames.trials[frames.trials["is_final"]]).items()
    }
    return tuple(
        MappingProxyType(
            {
                "case_id": case_id,
                "label": frames.labels[case_id],
                "params": MappingProxyType(dict(frames.params[case_id])),
                "statuses": MappingProxyType(dict(statuses)),
                "reasons": why.get(case_id, ()),
                "trial_wall_s": float(walls[case_id]),
            }
        )
        for case_id, statuses in frames.statuses.items()
    )
