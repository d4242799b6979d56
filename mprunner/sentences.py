"""The sentence with which a scenario describes a case: its little language, and the check at registration.

``"{lost_updates:affected} lost updates"`` holds placeholders of the form ``{metric:statistic}``; ``{{`` and ``}}``
are braces. :mod:`mprunner.analysis.sentence` fills them in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter

from mprunner.declarations import Field
from mprunner.errors import PluginError


class Statistic(StrEnum):
    """What a placeholder tells of a metric over a case's trials."""

    AFFECTED = "affected"
    RANGE = "range"
    MEDIAN = "median"
    MAX = "max"
    PERCENT = "percent"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A metric, and what is told of it."""

    metric: str
    statistic: Statistic


def parse_summary(template: str) -> tuple[str | Placeholder, ...]:
    """Split a summary sentence into text and placeholders.

    Raises:
        ValueError: it is malformed; the message says what is wrong.
    """
    parts: list[str | Placeholder] = []
    for text, metric, statistic, conversion in Formatter().parse(template):
        if text:
            parts.append(text)
        if metric is not None:
            if conversion:
                raise ValueError(f"{{{metric}!{conversion}}} has a conversion, and there are none")
            parts.append(Placeholder(metric, _statistic(metric, statistic or "")))
    return tuple(parts)


def _statistic(metric: str, name: str) -> Statistic:
    try:
        return Statistic(name)
    except ValueError:
        written = f"{metric}:{name}" if name else metric
        raise ValueError(f"{{{written}}} asks for no known statistic ({', '.join(Statistic)})") from None


def check_summary(template: str, metrics: Sequence[Field]) -> None:
    """Check a scenario's summary sentence against its metrics.

    Raises:
        PluginError: it is malformed, or names an unknown metric, a metric that is text, or an unknown statistic.
    """
    try:
        parts = parse_summary(template)
    except ValueError as error:
        raise _refused(template, str(error)) from error
    types = {field.name: field.type for field in metrics}
    for part in parts:
        if isinstance(part, str):
            continue
        if part.metric not in types:
            known = ", ".join(types) or "none"
            raise _refused(template, f"{part.metric!r} is no metric of the scenario (metrics: {known})")
        if types[part.metric] == "str":
            raise _refused(template, f"the metric {part.metric!r} is text, which has no {part.statistic}")


def _refused(template: str, reason: str) -> PluginError:
    return PluginError(
        f"summary {template!r}: {reason}",
        "write {metric:statistic}, such as {lost:affected}; see Scenario.summary",
    )
