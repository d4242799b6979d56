"""Pictures in text, for a terminal: each trial's metric as a strip for each case, and the states of outcomes as bars.

They are read without colour, and have plain ASCII for a terminal that shows no more.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from mprunner.analysis.histogram import Bar, bars_of
from mprunner.analysis.statistics import Interval
from mprunner.analysis.summary import counted, values_of
from mprunner.analysis.verdict import Judged, State
from mprunner.errors import ExperimentError
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Header
from mprunner.model.text import printable
from mprunner.report.cells import compared_field
from mprunner.report.wording import number, quantity, share, state
from mprunner.tables import Frames, plain_cells

if TYPE_CHECKING:
    from rich.text import Text

NARROWEST, WIDEST = 60, 200
MOST_STRIPS: Final = 40
"""Of more cases, those with the smallest and the largest medians are drawn."""
MOST_HISTOGRAMS: Final = 12
"""Of more cases, those are drawn that have forbidden or unknown states, then those with interesting ones."""
DECADES: Final = 2
"""An axis over more decades is logarithmic."""

_LABEL_LINES: Final = 3
_STYLES: Final = {"acceptable": "green", "interesting": "yellow", "forbidden": "red", "unknown": "red"}
_RANKS: Final = {"forbidden": 0, "unknown": 0, "interesting": 1}


class Signs(NamedTuple):
    """What plots are drawn with."""

    one: str
    few: str
    many: str
    median: str
    low: str
    high: str
    line: str
    axis: str
    tick: str
    bar: str
    parts: str


UNICODE: Final = Signs("·", "•", "●", "┃", "├", "┤", "─", "─", "┴", "█", "▏▎▍▌▋▊▉")
ASCII: Final = Signs(".", "o", "O", "|", "[", "]", "-", "-", "+", "#", "")
_AS_ASCII: Final = str.maketrans({"…": "...", "−": "-", "µ": "u", "×": "x", "–": "-"})


def signs_for(encoding: str | None) -> Signs:
    """Return the signs that a stream of some encoding can write."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def plotted_metrics(declaration: Declaration, wanted: Sequence[str]) -> tuple[Field, ...]:
    """Return the metrics to draw: those wanted, else the one in which cases are compared, else the first number.

    Raises:
        ExperimentError: there is no such metric, or it is text.
    """
    numeric = {field.name: field for field in declaration.metrics if field.type != "str"}
    for name in wanted:
        if name not in numeric:
            raise ExperimentError(
                f"{declaration.name} has no numeric metric {name!r}", f"known: {', '.join(numeric) or 'none'}"
            )
    if wanted:
        return tuple(numeric[name] for name in dict.fromkeys(wanted))
    usual = compared_field(declaration) or next(iter(numeric.values()), None)
    return () if usual is None else (usual,)


def draw_run(
    header: Header,
    frames: Frames,
    summary: pd.DataFrame,
    judged: Judged,
    *,
    metrics: Sequence[str] = (),
    width: int = 80,
    signs: Signs = UNICODE,
) -> "Text":
    """Draw a run: strips of metrics, then the histogram of each outcome.

    Args:
        header: of the run's journal.
        frames: its tables.
        summary: what :func:`mprunner.analysis.summary.summarise` made of them: medians and intervals.
        judged: its states with their verdicts.
        metrics: which are drawn; see :func:`plotted_metrics`.
        width: of the terminal, in columns; less than 60 or more than 200 count as those.
        signs: what it is drawn with.

    Raises:
        ExperimentError: there is no such metric.
    """
    from rich.text import Text  # noqa: PLC0415 - only on a terminal

    width = min(max(width, NARROWEST), WIDEST)
    text = Text(no_wrap=True, overflow="crop")
    for field in plotted_metrics(header.declaration, metrics):
        _draw_strips(text, field, frames, summary, width, signs)
    for variable in header.declaration.outcomes:
        _draw_histograms(text, variable, frames, judged, width, signs)
    text.rstrip()
    if signs is not ASCII:
        return text
    plain = Text(no_wrap=True, overflow="crop")
    for part in text.split("\n"):
        plain.append_text(Text(part.plain.translate(_AS_ASCII)))
        plain.append("\n")
    plain.rstrip()
    return plain


@dataclass(frozen=True, slots=True)
class _Strip:
    """A case's trials of a metric."""

    label: str
    values: Sequence[float]
    median: float
    interval: Interval | None


def _draw_strips(
    text: "Text", field: Field, frames: Frames, summary: pd.DataFrame, width: int, signs: Signs
) -> None:
    strips = _strips(field, frames, summary)
    if not strips:
        _say(text, f"{field.name}: no trial has a value\n", width)
        return
    drawn = _chosen(strips)
    axis_of = _Axis.over([value for strip in drawn for value in strip.values])
    unit = "" if field.unit in ("", "s") else f", {field.unit.replace('_', ' ')}"
    scale = ", on a logarithmic axis" if axis_of.log else ""
    _say(text, f"{field.name}: each trial of a case{unit}{scale}", width, "bold")
    trials = f"{signs.one} 1 trial, {signs.few} 2 to 4, {signs.many} more"
    interval = f"{signs.low}{signs.line}{signs.high} its 95% interval"
    _say(text, f"{trials}; {signs.median} median, {interval}", width, "dim")
    if len(drawn) < len(strips):
        _say(
            text,
            f"{len(drawn):,} of {len(strips):,} cases: the smallest and the largest medians",
            width,
            "yellow",
        )
    medians = [quantity(strip.median, field.unit) for strip in drawn]
    labels = [strip.label for strip in drawn]
    beside = max(map(_cells, labels)) <= 2 * width // 5
    indent = (max(map(_cells, labels)) if beside else 2) + 1
    columns = width - indent - max(map(_cells, medians)) - 2
    for strip, median in zip(drawn, medians, strict=True):
        if beside:
            text.append(_padded(strip.label, indent))
        else:
            text.append(f"{_wrapped(strip.label, width)}\n{' ' * indent}")
        text.append(_strip_line(strip, axis_of, columns, signs), style="cyan")
        text.append(f"  {median}\n")
    for line in axis_of.lines(columns, field.unit, signs):
        text.append(f"{' ' * indent}{line}\n", style="dim")
    missing = len(frames.labels) - len(strips)
    if missing:
        _say(
            text,
            f"{missing:,} of {len(frames.labels):,} cases have no ok trial with a value",
            width,
            "yellow",
        )
    text.append("\n")


def _strips(field: Field, frames: Frames, summary: pd.DataFrame) -> list[_Strip]:
    values = values_of(counted(frames.trials), field.name)
    rows = summary[summary["metric"] == field.name]
    columns = (plain_cells(rows[name]) for name in ("case_id", "median", "ci_low", "ci_high"))
    return [
        _Strip(
            _label(frames, case_id),
            list(values[case_id].values()),
            median,
            None if low is None or high is None else Interval(low, high),
        )
        for case_id, median, low, high in zip(*columns, strict=True)
        if median is not None and case_id in values
    ]


def _chosen(strips: list[_Strip]) -> list[_Strip]:
    if len(strips) <= MOST_STRIPS:
        return strips
    by_median = sorted(range(len(strips)), key=lambda place: strips[place].median)
    half = MOST_STRIPS // 2
    return [strips[place] for place in sorted({*by_median[:half], *by_median[-half:]})]


def _strip_line(strip: _Strip, axis: "_Axis", columns: int, signs: Signs) -> str:
    cells = [" "] * columns
    if strip.interval is not None:
        low, high = (axis.place(end, columns) for end in (strip.interval.low, strip.interval.high))
        cells[low : high + 1] = [signs.line] * (high + 1 - low)
        cells[low], cells[high] = signs.low, signs.high
    for place, count in Counter(axis.place(value, columns) for value in strip.values).items():
        if cells[place] in (" ", signs.line):
            cells[place] = signs.one if count == 1 else signs.few if count < 5 else signs.many
    cells[axis.place(strip.median, columns)] = signs.median
    return "".join(cells)


@dataclass(frozen=True, slots=True)
class _Axis:
    """From the smallest to the largest value of all cases."""

    low: float
    high: float
    log: bool

    @classmethod
    def over(cls, values: Sequence[float]) -> "_Axis":
        low, high = min(values), max(values)
        return cls(low, high, log=low > 0 and high / low > 10**DECADES)

    def place(self, value: float, columns: int) -> int:
        """Return the column of a value."""
        low, high, value = map(self._scaled, (self.low, self.high, value))
        share_ = (value - low) / (high - low) if high > low else 0.5
        return round(min(max(share_, 0.0), 1.0) * (columns - 1))

    def _scaled(self, value: float) -> float:
        return (
            math.log10(max(value, self.low)) if self.log else value / 2
        )  # half: their difference is a float

    def lines(self, columns: int, unit: str, signs: Signs) -> tuple[str, str]:
        """Return the axis and, below its ticks, their numbers with units."""
        line, below = [signs.axis] * columns, [" "] * columns
        free = 0
        for value in self._ticks(columns):
            shown = quantity(value, unit)
            place = self.place(value, columns)
            begin = min(max(place - len(shown) // 2, 0), columns - len(shown))
            if begin < free:
                continue
            line[place] = signs.tick
            below[begin : begin + len(shown)] = shown
            free = begin + len(shown) + 1
        return "".join(line), "".join(below).rstrip()

    def _ticks(self, columns: int) -> list[float]:
        if self.high <= self.low:
            return [self.low]
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        least = (self.high / 2 - self.low / 2) / max(1, columns // 24)
        if not math.isfinite(least) or least <= 0:
            return [self.low, self.high]
        power = 10.0 ** math.floor(math.log10(least))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [float(f"{count * step:.12g}") for count in range(first, last + 1)]  # not 0.30000000000000004


def _draw_histograms(
    text: "Text", variable: str, frames: Frames, judged: Judged, width: int, signs: Signs
) -> None:
    drawn = {
        case_id: bars_of(of_case[variable])
        for case_id, of_case in _ranked(judged, variable)[:MOST_HISTOGRAMS]
    }
    every = sum(variable in of_case for of_case in judged.values())
    if not drawn:
        return
    _say(text, f"{variable}: share of a case's observations, by state", width, "bold")
    if len(drawn) < every:
        _say(
            text,
            f"{len(drawn):,} of {every:,} cases, forbidden states first, then interesting ones",
            width,
            "yellow",
        )
    largest = max(bar.share for bars in drawn.values() for bar in bars) or 1.0
    rows = {case_id: [_row(bar) for bar in bars] for case_id, bars in drawn.items()}
    cells = [row for of_case in rows.values() for row in of_case]
    first = min(max(_cells(row[0]) for row in cells), width // 3)
    second, third = (max(_cells(row[place]) for row in cells) for place in (1, 2))
    columns = max(8, width - first - second - third - 6 - (2 if second else 0))
    for case_id in (each for each in judged if each in drawn):
        observations = judged[case_id][variable][0].observations
        seen = f"{observations:,} observation{'s' * (observations != 1)}"
        text.append(_wrapped(f"{_label(frames, case_id)} ({seen})", width) + "\n")
        for bar, (name, verdict, told) in zip(drawn[case_id], rows[case_id], strict=True):
            style = _STYLES.get(verdict, "")
            text.append(f"  {_padded(_cropped(name, first), first)}  ")
            if second:
                text.append(f"{_padded(verdict, second)}  ", style=style)
            text.append(
                _padded(_bar_line(bar.share / largest, columns, signs), columns), style=style or "cyan"
            )
            text.append(f"  {told}\n")
    text.append("\n")


def _ranked(judged: Judged, variable: str) -> list[tuple[str, Mapping[str, Sequence[State]]]]:
    """Return the cases in which the outcome was observed, those that need a look first, else as in the plan."""
    own = [(case_id, of_case) for case_id, of_case in judged.items() if of_case.get(variable)]
    return sorted(
        own,
        key=lambda each: min(
            _RANKS.get(str(state_.verdict), 2) for state_ in each[1][variable] if state_.count
        ),
    )


def _row(bar: Bar) -> tuple[str, str, str]:
    """Return a bar's name, verdict and how often it was seen."""
    name = state(bar.first) if bar.states == 1 else f"{bar.states:,} states"
    if bar.states > 1 and bar.first is not None:
        name = f"{state(bar.first)} … {state(bar.last)} ({bar.states:,} states)"
    if bar.bound is not None:
        return printable(name), str(bar.verdict or ""), f"never; below {share(bar.bound)} at 95% confidence"
    return printable(name), str(bar.verdict or ""), f"{share(bar.share)}, {number(bar.count)}"


def _bar_line(part: float, columns: int, signs: Signs) -> str:
    """Return a bar; of anything that was observed some of it is seen."""
    if part <= 0:
        return ""
    steps = len(signs.parts) + 1
    eighths = max(1, round(part * columns * steps))
    whole, rest = divmod(eighths, steps)
    return signs.bar * whole + (signs.parts[rest - 1] if rest else "")


def _say(text: "Text", line: str, width: int, style: str = "") -> None:
    text.append(f"{_cropped(line, width)}\n", style=style)


def _label(frames: Frames, case_id: str) -> str:
    return printable(frames.labels[case_id]) or "the only case"


def _cells(text: str) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    return cell_len(text)


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _cells(text))


def _cropped(text: str, columns: int) -> str:
    from rich.cells import set_cell_size  # noqa: PLC0415

    return text if _cells(text) <= columns else set_cell_size(text, columns - 1).rstrip() + "…"


def _wrapped(label: str, columns: int) -> str:
    """Return a label in as many lines as it takes, up to three: what tells it from others may be at its end."""
    from rich.cells import chop_cells  # noqa: PLC0415

    lines = chop_cells(label, columns)
    last = [_cropped("".join(lines[_LABEL_LINES - 1 :])[: 2 * columns], columns)]
    return "\n".join(lines if len(lines) <= _LABEL_LINES else lines[: _LABEL_LINES - 1] + last)
