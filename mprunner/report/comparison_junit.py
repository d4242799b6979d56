"""A comparison as JUnit XML: a test case for each metric of each case, by each of its limits."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from mprunner.analysis.comparison import Comparison, Row
from mprunner.analysis.limits import Limit
from mprunner.model.text import printable
from mprunner.report.comparison import answer_in_words, case_in_words, limit_in_words
from mprunner.report.junit import Judged, Suite, write_suites


def write_compared(
    file: TextIO,
    name: str,
    comparison: Comparison,
    limits: Sequence[Limit],
    properties: Sequence[tuple[str, str]] = (),
    *,
    unclear_fails: bool = False,
) -> None:
    """Write a comparison as JUnit XML.

    Args:
        file: where.
        name: of the test suite, as of the experiment.
        comparison: what is written.
        limits: what it must keep.
        properties: what was compared with what.
        unclear_fails: whether an unclear limit is a failure; else the test case is skipped.
    """
    judged = list(_judged(comparison, limits, unclear_fails=unclear_fails))
    write_suites(file, [Suite(name=name, judged=judged, properties=properties)])


def _judged(comparison: Comparison, limits: Sequence[Limit], *, unclear_fails: bool) -> Iterator[Judged]:
    for row in comparison.rows:
        own = [limit for limit in limits if limit.metric == row.metric]
        about, told = f"{case_in_words(row)}: {row.metric}", answer_in_words(row, comparison.min_effect)
        if not own:
            yield Judged(name=about, told=(told,))
        for limit in own:
            yield _by_limit(f"{case_in_words(row)}: {limit}", limit, row, told, unclear_fails=unclear_fails)
    for side, labels in (("base", comparison.only_base), ("new", comparison.only_new)):
        for label in labels:
            told = f"only in {side}"
            yield Judged(
                name=f"{printable(label) or 'the only case'}: compared", ended="skipped", told=(told,)
            )


def _by_limit(name: str, limit: Limit, row: Row, told: str, *, unclear_fails: bool) -> Judged:
    if limit.is_exceeded(row):
        return Judged(name=name, ended="failure", kind="exceeded", told=(limit_in_words(limit, row), told))
    if limit.is_unclear(row):
        why = (limit_in_words(limit, row), told)
        if unclear_fails:
            return Judged(name=name, ended="failure", kind="unclear", told=why)
        return Judged(name=name, ended="skipped", told=why)
    if not limit.is_judged(row):
        return Judged(name=name, ended="skipped", told=("can't be judged", told))
    return Judged(name=name, told=(told,))
