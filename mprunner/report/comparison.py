"""A comparison in words: what differs in the setting, then the cases, then how far to trust it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from mprunner.analysis.comparison import Comparison, Limit, Row
from mprunner.analysis.effects import Change, Method
from mprunner.model.provenance import Difference
from mprunner.model.records import label_of
from mprunner.model.text import printable
from mprunner.report.wording import bracketed, factor, number, quantity, telling
from mprunner.runs import RunInfo
from mprunner.values import Scalar

ONE_RUN_EACH = (
    "One run on each side: the machine's drift between two runs is part of every ratio, and the test does not know "
    "of it (measured, it called runs of the same code different in 12 to 30 of 100 cases). Put both sides into one "
    "experiment as cases, interleaved, or name several runs of each with --base and --new."
)
FEW_RUNS = "With so few runs only a large difference can be told: each run is one observation."
_MANY_RUNS = 10
WIDEST = 1e6
"""An interval that is wider than by this factor says nothing, in many digits."""


def change_in_words(row: Row, min_effect: float) -> str:
    """Say what a row comes to: ``slower``, ``not told apart``, ``under 1% apart``."""
    if row.change is Change.TOO_FEW:
        missing = [side for side, group in (("base", row.base), ("new", row.new)) if not group.trials]
        return f"no value in {' and '.join(missing)}" if missing else "too few to tell"
    if row.change is Change.NEGLIGIBLE:
        return f"under {100 * min_effect:g}% apart"
    if row.change is Change.NOT_TOLD_APART:
        return "not told apart"
    if row.change is Change.UNSURE:
        return f"slightly {_direction(row, is_more=(row.ratio or 0) > 1)}"
    return _direction(row, is_more=row.change is Change.MORE)


def _direction(row: Row, *, is_more: bool) -> str:
    if row.unit == "s":
        return "slower" if is_more else "faster"
    return "more" if is_more else "less"


def render_comparison(comparison: Comparison) -> str:
    """Return the cases metric by metric, and the notes, as plain text without a line end after its last line."""
    blocks = []
    for metric in dict.fromkeys(row.metric for row in comparison.rows):
        rows = [row for row in comparison.rows if row.metric == metric]
        blocks.append(
            f"{metric}: {_tallied(rows, comparison.min_effect)}\n{_table(rows, comparison.min_effect)}"
        )
    blocks.extend(notes(comparison))
    return "\n\n".join(blocks)


def _tallied(rows: Sequence[Row], min_effect: float) -> str:
    counts = Counter(change_in_words(row, min_effect) for row in rows)
    cases = f"{len(rows):,} case{'' if len(rows) == 1 else 's'}"
    return f"{cases}, " + ", ".join(f"{count:,} {words}" for words, count in counts.items())


def _table(rows: Sequence[Row], min_effect: float) -> str:
    cells = [
        (
            printable(row.label) or "the only case",
            _medians(row),
            _ratio(row),
            change_in_words(row, min_effect),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _medians(row: Row) -> str:
    texts = (
        "-" if group.median is None else quantity(group.median, row.unit) for group in (row.base, row.new)
    )
    return " → ".join(texts)


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return _p(row.p)
    is_told = row.interval is None or row.interval.high <= WIDEST * row.interval.low
    interval = bracketed(row.interval) if is_told else " (anything)"
    told = f"{factor(row.ratio, row.interval if is_told else None)}×{interval}"
    return ", ".join(part for part in (told, _p(row.p)) if part)


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return f"p {p:.2g}" if p >= 0.001 else "p < 0.001"


def limits_in_words(comparison: Comparison, limits: Sequence[Limit]) -> Iterator[str]:
    """Say which limits are exceeded in which cases, and of which cases these trials can't rule it out."""
    for limit in limits:
        for row in comparison.rows:
            label = printable(row.label) or "the only case"
            if limit.is_exceeded(row):
                yield f"beyond {limit}: {label}{_beyond(limit, row)}"
            elif limit.is_unclear(row):
                needed = limit.values_to_tell(row)
                what = "runs" if comparison.method is Method.RUNS else "trials"
                more = "" if needed is None else f"; about {number(needed)} {what} a side would tell"
                yield f"{limit} is unclear: {label} may be beyond it, {_ratio(row)}{more}"


def _beyond(limit: Limit, row: Row) -> str:
    """Say what exceeds a limit, with so many digits that it reads so."""
    if not row.new.trials:
        return " has no value any more"
    if row.ratio is None:
        return f", {_medians(row)}"
    return f", {telling(row.ratio, lambda shown: not limit.is_beyond(shown))}×"


def notes(comparison: Comparison) -> Iterator[str]:
    """Say how far a comparison is to be trusted, and what it leaves out."""
    for side, labels in (("base", comparison.only_base), ("new", comparison.only_new)):
        if labels:
            yield f"only in {side}: {'; '.join(printable(label) or 'the only case' for label in labels)}"
    failed = {
        printable(row.label) or "the only case": (row.base.failed, row.new.failed)
        for row in comparison.rows
        if row.base.failed or row.new.failed
    }
    if failed:
        told = "; ".join(f"{label}: {base:,} → {new:,}" for label, (base, new) in failed.items())
        yield f"trials that were not ok, and so are not compared: {told}"
    yield from _trust(comparison)


def _fewer_pairs(rows: Sequence[Row]) -> Iterator[str]:
    """Say of how many repeats the ratios of a metric are, where a side's median is of more."""
    metrics: dict[str, list[str]] = {}
    for row in rows:
        base, new = row.base.trials, row.new.trials
        if base and new and row.pairs is not None and row.pairs != max(base, new):
            label = printable(row.label) or "the only case"
            metrics.setdefault(f"{label}: {row.pairs:,} of {base:,} and {new:,}", []).append(row.metric)
    for told, names in metrics.items():
        yield f"{told} ({', '.join(names)})"


def _trust(comparison: Comparison) -> Iterator[str]:
    if comparison.method is Method.TRIALS:
        yield ONE_RUN_EACH
    elif comparison.method is Method.RUNS:
        runs = max((row.base.runs + row.new.runs for row in comparison.rows), default=0)
        yield f"Each run's median is one observation ({runs} runs).{' ' + FEW_RUNS if runs < _MANY_RUNS else ''}"
    else:
        yield "Two cases of one run: each ratio is of two trials of the same repeat."
        if fewer := list(_fewer_pairs(comparison.rows)):
            yield f"Repeats that both have: {'; '.join(fewer)}"
    if any(row.change is Change.UNSURE for row in comparison.rows):
        percent = f"{100 * comparison.min_effect:g}%"
        yield f"Slightly: a difference is shown, of under {percent}; its interval reaches beyond {percent}."
    if any(row.change is Change.TOO_FEW and row.base.trials and row.new.trials for row in comparison.rows):
        yield "Too few to tell: " + (
            "name at least three runs in all."
            if comparison.method is Method.RUNS
            else "an interval needs five trials on each side."
        )


_MOST_VALUES = 3
_MOST_PARAMS = 5


def values_apart(params: Mapping[str, tuple[Sequence[Scalar], Sequence[Scalar]]]) -> str:
    """Say which values of params two sides have: ``capacity 1 → 2; guard none or lock → rlock``."""
    told = [
        f"{name} {_values_in_words(base)} → {_values_in_words(new)}"
        for name, (base, new) in list(params.items())[:_MOST_PARAMS]
    ]
    more = len(params) - len(told)
    return printable("; ".join(told)) + (f"; and {more} more params" if more else "")


def _values_in_words(values: Sequence[Scalar]) -> str:
    if not values:
        return "(unknown)"
    shown = [label_of({"": value}, [""]).strip() for value in values[:_MOST_VALUES]]
    return " or ".join(shown) + (" …" if len(values) > _MOST_VALUES else "")


def setting_differences(
    base: Sequence[tuple[RunInfo, Mapping[str, Any]]], new: Sequence[tuple[RunInfo, Mapping[str, Any]]]
) -> tuple[Difference, ...]:
    """Return in what the runs of two sides differ; also where runs of one side do, or the sessions of a run.

    What one side does not say, as a run of an earlier version may not, is not known to differ.

    Args:
        base: of each run what its run.json says, and the experiment of its journal's header.
        new: likewise.
    """
    ours, theirs = (
        _of_side([_setting(session, planned) for run, planned in runs for session in run.sessions])
        for runs in (base, new)
    )
    return tuple(
        Difference(what=name, then=" or ".join(ours[name]), now=" or ".join(theirs[name]))
        for name in ours
        if name in theirs and len({*ours[name], *theirs[name]}) > 1
    )


def _of_side(settings: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for one in settings for name in one)
    return {name: sorted({one[name] for one in settings if name in one}) for name in names}


def _setting(session: Mapping[str, Any], planned: Mapping[str, Any]) -> dict[str, str]:
    """Return where and with what a session was executed, as far as run.json says so."""
    facts = chain(_facts(session), _planned(planned), _part(session, "packages").items())
    return {name: text for name, value in facts if (text := _text(value))}


def _facts(run: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    plugin, git, build = (_part(run, name) for name in ("plugin", "git", "python_build"))
    yield "mprunner", run.get("mprunner")
    yield "Python", run.get("python")
    yield "implementation of Python", build.get("implementation")
    yield "compiler of Python", build.get("compiler")
    yield "GIL", {"True": "on", "False": "off"}.get(_text(build.get("gil_enabled")))
    yield "host", run.get("host")
    yield "system", run.get("os")
    yield "CPU", run.get("cpu")
    yield "CPUs", run.get("cpu_count")
    yield "CPUs allowed", len(_list(run, "cpus_usable")) or None
    yield "CPUs of a trial", ", ".join(map(str, _list(run, "cpus")))
    yield "CPU quota", run.get("cpu_quota")
    yield "governor", run.get("governor")
    yield "plugin", " ".join(_text(plugin.get(name)) for name in ("name", "version")).strip()
    yield "source of the plugin", _text(plugin.get("source_hash"))[:12]
    yield "git revision", _text(git.get("revision"))[:12] + (", changed" if git.get("dirty") else "")
    for name in ("containment", "isolation", "seed"):
        yield name, run.get(name)


def _planned(experiment: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name in ("order", "warmup"):
        yield name, experiment.get(name)
    timeout = experiment.get("timeout_s")
    yield "timeout", None if timeout is None else f"{timeout:g} s"
    for name, limit in _part(experiment, "limits").items():
        yield f"limit of {name.replace('_', ' ')}", "none" if limit is None else limit


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = run.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(run: Mapping[str, Any], name: str) -> list[Any]:
    value = run.get(name)
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value)
