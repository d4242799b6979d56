"""The verdict of a run in words: what failed and by how much, what was interesting, and how much was met."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mprunner.analysis.statistics import unseen_bound
from mprunner.analysis.verdict import FAILING, Finding, Judgement
from mprunner.model.text import printable
from mprunner.report.findings import about, told
from mprunner.report.wording import number, share, span

SHOWN = 10
"""Findings of one kind in a summary; verdict.json has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLine:
    """A line below the verdict.

    Attributes:
        found: such as ``forbidden``; empty for a remark.
        told: the case and the numbers.
        fails: whether the run fails by it.
    """

    found: str
    told: str
    fails: bool

    def __str__(self) -> str:
        return f"{self.found}: {self.told}" if self.found else self.told


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


def verdict_digest(judgement: Judgement, *, complete: bool) -> VerdictDigest:
    """Put a verdict into words.

    Args:
        judgement: the verdict.
        complete: whether every planned trial has been executed.
    """
    lines = [
        *(line for found in FAILING for line in _lines(found, judgement.findings)),
        *_lines("not judged", judgement.findings),
        *_lines("interesting", judgement.findings),
        *_met(judgement.findings),
        *_never_forbidden(judgement),
    ]
    if not (judgement.rules or lines):
        told = "nothing is expected but that every trial ends ok"
        lines.append(VerdictLine(found="", told=told, fails=False))
    so_far = "" if complete else " so far"
    fails = judgement.verdict == "failed"
    return VerdictDigest(verdict=f"{judgement.verdict}{so_far}", fails=fails, lines=tuple(lines))


def _lines(found: str, findings: Sequence[Finding]) -> Iterator[VerdictLine]:
    own = [finding for finding in findings if finding.found == found]
    for finding in own[:SHOWN]:
        yield VerdictLine(found=found, told=_line(finding), fails=finding.fails)
    if len(own) > SHOWN:
        yield VerdictLine(
            found=found, told=f"… and {number(len(own) - SHOWN)} more in verdict.json", fails=own[0].fails
        )


def _line(finding: Finding) -> str:
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
    if total:
        noun = "expectation" if total == 1 else "expectations"
        told = f"{number(counts['met'])} of {number(total)} {noun}, counted by case"
        yield VerdictLine(found="met", told=told, fails=False)


def _never_forbidden(judgement: Judgement) -> Iterator[VerdictLine]:
    """Say of how many observations none was forbidden, and how often that could happen all the same."""
    elsewhere = {finding.variable for finding in judgement.findings if finding.found == "forbidden"}
    for variable, cases in judgement.spared.items():
        (least, label), (most, _) = cases[0], cases[-1]
        counts = (least, most)
        case = printable(f"{label}: ") if label and len(cases) == 1 else ""
        other = "other " if variable in elsewhere else ""
        several = "" if len(cases) == 1 else f" of each of {number(len(cases))} {other}cases"
        text = f"{case}{variable} in {span(*counts, '')} observations{several}"
        bounds = dict.fromkeys(share(unseen_bound(count)) for count in counts)
        yield VerdictLine(
            found="never forbidden",
            told=f"{text}; less often than {' … '.join(bounds)}, at 95% confidence",
            fails=False,
        )
