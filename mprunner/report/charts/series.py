"""Cases as lines: a numeric param that is swept along the axis, a line for each combination of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mprunner.model.declaration import Field
from mprunner.model.records import label_of, varying
from mprunner.report.charts.axes import log_ticks
from mprunner.report.charts.chart import RunPicture
from mprunner.report.charts.labels import short, spread, told, unique
from mprunner.report.charts.style import DASHES, SERIES, SHAPES, Spec, zoomed
from mprunner.values import Scalar

MOST_LINES: Final = 8
"""So many lines are drawn in a chart: those with most points, then those that were planned first."""
MOST_VALUES: Final = 40
"""So many points are drawn of a line: evenly, the first and the last among them."""
MIN_VALUES: Final = 3
"""Of fewer values of a param there is no line to be drawn."""
_DECADES: Final = 20  # the largest value over the smallest, from which on the axis is logarithmic


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Cases that differ in one numeric param.

    Attributes:
        label: what tells it from the other lines, as a legend shows it; ``all cases`` of an only one.
        case: the whole of that.
        case_ids: by the param's value, ascending.
    """

    label: str
    case: str
    case_ids: Mapping[float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """All cases along one numeric param.

    Attributes:
        param: the param.
        lines: those that are drawn.
        of: of how many.
        longest: the cases of the longest line, drawn or not.
    """

    param: Field
    lines: tuple[Line, ...]
    of: int
    longest: int

    def channel(self) -> Spec:
        """Return the channel of the param, logarithmic where it spans decades."""
        values = sorted({value for line in self.lines for value in line.case_ids})
        symbol = f" ({self.param.unit.replace('_', ' ')})" if self.param.unit else ""
        axis: Spec = {"title": f"{self.param.name}{symbol}", "format": ",.6~g", "tickCount": 6}
        if values[0] > 0 and values[-1] / values[0] >= _DECADES:
            axis |= {"title": f"{self.param.name}{symbol or ''} (log)", "values": _ticks(values)}
            scale: Spec = {"type": "log", "domain": [values[0], values[-1]], "padding": 14}
        else:
            scale = {"zero": False, "nice": False, "domain": [values[0], values[-1]], "padding": 14}
            if len(values) <= 10:
                axis["values"] = values
        return {"field": "x", "type": "quantitative", "scale": scale, "axis": axis}

    def said(self) -> str:
        """Say which lines and points are drawn; empty if all are."""
        parts = []
        if len(self.lines) < self.of:
            shown = f"{len(self.lines):,} of {self.of:,} lines are drawn"
            parts.append(f"{shown}: those with most points, then in the order of the plan.")
        if self.longest > MOST_VALUES:
            shown = f"At most {MOST_VALUES} of {self.longest:,} points of a line are drawn"
            parts.append(f"{shown}: evenly, the first and the last among them.")
        return " ".join(parts)


def _ticks(values: Sequence[float]) -> list[float]:
    return list(values) if len(values) <= 7 else log_ticks(values[0], values[-1])


def lines_of(run: RunPicture, among: Sequence[str] | None = None) -> list[Lines]:
    """Return the lines over each numeric param that has three values or more, the param with most values first.

    Args:
        run: the run.
        among: the cases that can be drawn; all without it.
    """
    params = (
        run.frames.params if among is None else {case_id: run.frames.params[case_id] for case_id in among}
    )
    names = varying(list(params.values()))
    found = []
    for field in run.header.declaration.params:
        if field.name in names and field.type in ("int", "float"):
            lines = _lines(field, params, [name for name in names if name != field.name])
            if lines is not None:
                found.append(lines)
    return sorted(found, key=lambda lines: -max(len(line.case_ids) for line in lines.lines))


def _lines(field: Field, params: Mapping[str, Mapping[str, Scalar]], others: Sequence[str]) -> Lines | None:
    groups: dict[tuple[str, ...], dict[float, str]] = {}
    for case_id, values in params.items():
        value = values.get(field.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            groups.setdefault(tuple(repr(values.get(name)) for name in others), {})[float(value)] = case_id
    lines = [dict(sorted(group.items())) for group in groups.values() if len(group) > 1]
    if max(map(len, lines), default=0) < MIN_VALUES:
        return None
    chosen = sorted(range(len(lines)), key=lambda place: -len(lines[place]))[:MOST_LINES]
    drawn = [_thinned(lines[place]) for place in sorted(chosen)]
    firsts = [params[next(iter(line.values()))] for line in drawn]
    own = [name for name in varying(firsts) if name != field.name]
    texts = [label_of(first, own) or "all cases" for first in firsts]
    labels = unique(short(text, 40, 1) for text in texts)
    return Lines(
        param=field,
        of=len(lines),
        longest=max(map(len, lines)),
        lines=tuple(
            Line(label=label, case=told(text), case_ids=line)
            for label, text, line in zip(labels, texts, drawn, strict=True)
        ),
    )


def _thinned(line: Mapping[float, str]) -> Mapping[float, str]:
    kept = set(spread(list(line.values()), MOST_VALUES))
    return {value: case_id for value, case_id in line.items() if case_id in kept}


def group_channels(labels: Sequence[str], field: str = "line") -> dict[str, Any]:
    """Return how lines are told apart: by colour, shape and dash at once; one line needs no legend."""
    look: Spec = {"title": None, "symbolDash": [1, 0], "symbolStrokeWidth": 0}
    look["columns"] = 1 if max(map(len, labels)) > 24 else 2
    legend = look if len(labels) > 1 else None

    def by(range_: Sequence[Any]) -> Spec:
        scale = {"domain": list(labels), "range": list(range_[: len(labels)])}
        return {"field": field, "type": "nominal", "legend": legend, "scale": scale}

    return {"color": by(SERIES), "shape": by(SHAPES), "strokeDash": by(DASHES)}


def chosen_by_legend(field: str = "line", name: str = "chosen") -> tuple[list[Spec], Spec]:
    """Return the param that a click on the legend sets, and the opacity that follows from it."""
    return (
        [{"name": name, "select": {"type": "point", "fields": [field]}, "bind": "legend"}],
        {"condition": {"param": name, "value": 1}, "value": 0.12},
    )


def line_layers(
    labels: Sequence[str], x: Spec, y: Spec, ends: tuple[str, str] | None, tooltip: list[dict[str, str]]
) -> list[Spec]:
    """Return the layers of lines with points, and an interval at each point where there are ends of it."""
    channels = group_channels(labels)
    params, opacity = chosen_by_legend()
    color = channels["color"]
    dash, shape = channels["strokeDash"], channels["shape"]
    shared: Spec = {"x": x, "color": color, "opacity": opacity}
    line = {"mark": {"type": "line", "strokeWidth": 1.8}, "encoding": {**shared, "y": y, "strokeDash": dash}}
    points = {
        "mark": {"type": "point", "filled": True, "size": 55},
        "encoding": {**shared, "y": y, "shape": shape, "tooltip": tooltip},
    }
    layers: list[Spec] = [{"params": [*params, zoomed("x", "y")], **line}, points]
    if ends is not None:
        low, high = ends
        interval = {"y": {**y, "field": low}, "y2": {"field": high}, "tooltip": tooltip}
        layers.insert(1, {"mark": {"type": "rule", "strokeWidth": 1.6}, "encoding": {**shared, **interval}})
    return layers
