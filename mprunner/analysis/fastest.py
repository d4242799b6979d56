"""Which of several cases is the fastest, and which are not told apart from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mprunner.analysis.statistics import median_of, paired_ratio
from mprunner.escapes import printable
from mprunner.records import label_of
from mprunner.until import MIN_REPEATS
from mprunner.values import Scalar

MIN_CASES = 3
"""Of two cases the ratio itself says which is faster."""
MOST_TIES = 4
"""More cases that are not told apart from the fastest are only counted."""


@dataclass(frozen=True, slots=True)
class Fastest:
    """The fastest of some cases.

    Attributes:
        case: its id.
        ties: the ids of those that are not told apart from it, the fastest of them first.
    """

    case: str
    ties: tuple[str, ...]


def groups_of(partners: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the cases that are compared with the same partner, and that partner first, by case id."""
    groups: dict[str, list[str]] = {}
    for case, partner in partners.items():
        groups.setdefault(partner, [partner]).append(case)
    return [tuple(group) for group in groups.values()]


def fastest(values: Mapping[str, Mapping[int, float]], group: Iterable[str]) -> Fastest | None:
    """Return the case with the smallest median of a duration; None of fewer than three cases with an interval.

    None, too, where a case has a smaller median, and too few values to be told apart.

    Args:
        values: by case id and repeat.
        group: the cases that can be compared; one with fewer than five values is neither the fastest nor a tie.
    """
    medians = {case: median_of([*own.values()]) for case in group if (own := values.get(case))}
    enough = [case for case in medians if len(values[case]) >= MIN_REPEATS]
    if len(enough) < MIN_CASES:
        return None
    first, *others = sorted(enough, key=medians.__getitem__)
    if min(medians.values()) < medians[first]:
        return None
    return Fastest(first, tuple(case for case in others if _is_tied(values[case], values[first])))


def _is_tied(values: Mapping[int, float], best: Mapping[int, float]) -> bool:
    """Whether the interval of the paired ratio does not lie above 1, or there is none."""
    shared = values.keys() & best.keys()
    if len(shared) >= MIN_REPEATS and all(values[repeat] > best[repeat] for repeat in shared):
        return False  # as the interval would say, which lies within the ratios: it takes its time
    ratio = paired_ratio(values, best)
    return ratio is None or ratio.interval is None or ratio.interval.low <= 1


def in_words(found: Fastest, group: Sequence[str], params: Mapping[str, Mapping[str, Scalar]]) -> str:
    """Say it: ``fastest with shape skewed: chunksize 5; not told apart from it: chunksize 50``.

    Args:
        found: which it is.
        group: the cases among which it is the fastest.
        params: of all cases of the run, by case id.
    """
    varying = _varying([params[case] for case in group])
    common = [name for name in _varying(list(params.values())) if name not in varying]
    labels = [printable(label_of(params[case], varying)) for case in (found.case, *found.ties)]
    where = f" with {printable(label_of(params[found.case], common))}" if common else ""
    ties = f"; not told apart from it: {_listed(labels[1:])}" if found.ties else ""
    return f"fastest{where}: {labels[0]}{ties}"


def _varying(params: Sequence[Mapping[str, Scalar]]) -> list[str]:
    return [name for name in params[0] if len({repr(one[name]) for one in params}) > 1]


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_TIES:,} more" if len(labels) > MOST_TIES else ""
    return "; ".join(labels[:MOST_TIES]) + more
