"""How every chart looks: its colours, its type, its sizes, and what stands around its marks.

Colours of marks have a contrast of 3:1 or more on white and on a dark page alike; text has the colour :data:`INK`,
which a dark page replaces by a lighter one (``.chart text { fill: … }``).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from sys import float_info
from typing import Any, Final

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"

INK: Final = "#565e70"
"""Text; readable on white, replaced on a dark page."""
LINE: Final = "#868e9e"
"""Lines of axes, and marks that are not the point."""
GRID: Final = "#868e9e"
ACCENT: Final = "#2f7fc1"
STRONG: Final = "#d1495b"
SERIES: Final = ("#2f7fc1", "#c8700f", "#23917a", "#b4579f", "#7a73d1", "#8a7d1c", "#d1495b", "#6d7a8c")
"""For up to eight groups, told apart by who confuses red and green; each has a shape or a dash beside."""
SHAPES: Final = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "stroke",
)
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3], [10, 4], [3, 1, 1, 1])

FONT: Final = "Arial, Helvetica, 'Liberation Sans', sans-serif"
"""Fonts of one width, which is that of what draws the static pictures: another font's text would be cut off."""

MEDIAN: Final[Mapping[str, Any]] = {
    "type": "point",
    "shape": "diamond",
    "filled": True,
    "size": 60,
    "color": INK,
    "opacity": 1,
}
"""The mark of what a case came to."""

CONFIG: Final[Mapping[str, Any]] = {
    "background": None,
    "padding": {"left": 12, "right": 14, "top": 5, "bottom": 5},  # for where there is none of these fonts
    "font": FONT,
    "lineBreak": "\n",
    "aria": False,
    "view": {"stroke": None},
    "mark": {"aria": False},
    "bar": {"cornerRadiusEnd": 2},
    "axis": {
        "aria": False,
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "labelLineHeight": 12,
        "titleFontSize": 11.5,
        "titlePadding": 8,
        "labelPadding": 6,
        "domain": False,
        "tickColor": LINE,
        "tickSize": 4,
        "grid": False,
        "gridColor": GRID,
        "gridOpacity": 0.25,
        "labelLimit": 0,
        "titleLimit": 0,
    },
    "axisX": {"domain": True, "domainColor": LINE, "domainOpacity": 0.6},
    "legend": {
        "aria": False,
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11.5,
        "orient": "top",
        "labelLimit": 260,
        "symbolSize": 70,
        "columns": 3,
        "columnPadding": 14,
    },
    "header": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "labelFontWeight": 600,
        "labelLimit": 0,
        "title": None,
    },
    "title": {"color": INK, "fontSize": 12, "fontWeight": 600, "anchor": "start"},
    "concat": {"spacing": 18},
    "text": {"color": INK, "fontSize": 11},
}


def whole(datasets: Mapping[str, Rows], view: Mapping[str, Any]) -> Spec:
    """Return a spec that needs nothing else: a view, the rows that it shows by name, and how it looks."""
    told = {name: [_finite(row) for row in rows] for name, rows in datasets.items()}
    return {"$schema": SCHEMA, "config": dict(CONFIG), "datasets": told, **_bounded(view)}


def _bounded(value: Any) -> Any:
    """Return a part of a spec with the largest float where a number, such as an axis's end, was beyond it."""
    if isinstance(value, Mapping):
        return {name: _bounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_bounded(each) for each in value]
    return max(-float_info.max, min(float_info.max, value)) if isinstance(value, float) else value


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without numbers that JSON can't write, such as 1 over the smallest float."""
    if all(isfinite(value) for value in row.values() if isinstance(value, float)):
        return row
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in row.items()
    }


def zoomed(*axes: str) -> Spec:
    """Return the param by which shift and the wheel zoom, shift and a pull move, and a double click undoes both.

    Without shift a page scrolls, whatever chart is under the pointer.
    """
    pull = "[pointerdown[event.shiftKey], window:pointerup] > window:pointermove!"
    wheel = "wheel![event.shiftKey]"
    select = {"type": "interval", "encodings": list(axes), "zoom": wheel, "translate": pull}
    return {"name": "zoom", "select": select, "bind": "scales"}


def tooltip(*fields: tuple[str, str] | tuple[str, str, str]) -> list[dict[str, str]]:
    """Return what is told of a mark: field, title, and a number's format."""
    told = []
    for name, title, *form in fields:
        channel = {"field": name, "type": "quantitative" if form else "nominal", "title": title}
        told.append({**channel, "format": form[0]} if form else channel)
    return told


def rows_axis(labels: Sequence[str], *, has_labels: bool = True) -> Spec:
    """Return the channel of rows, in the order given, each with its label of one to three lines in its middle."""
    axis: Spec = {"ticks": False, "title": None, "grid": True, "gridOpacity": 0.2, "tickBand": "extent"}
    lines = "length(split(datum.value, '\\n'))"
    if has_labels:
        axis["labelOffset"] = {
            "condition": [{"test": f"{lines} == 2", "value": -6}, {"test": f"{lines} > 2", "value": -12}],
            "value": 0,
        }
    else:
        axis["labels"] = False
    return {"field": "row", "type": "nominal", "sort": None, "scale": {"domain": list(labels)}, "axis": axis}


def row_height(labels: Iterable[str], least: int) -> int:
    """Return how high a row is, in pixels, so that the longest of some labels fits."""
    return max(least, 8 + 13 * max((label.count("\n") + 1 for label in labels), default=1))
