"""Two sides, case by case: the ratio of the new side to the base with its interval, and what it is called."""

from collections.abc import Sequence
from typing import Any, Final

from mprunner.analysis.comparison import Comparison, Row
from mprunner.analysis.effects import Change
from mprunner.report.charts.axes import ratio_channel
from mprunner.report.charts.chart import Chart
from mprunner.report.charts.labels import short_labels, spread, told
from mprunner.report.charts.series import chosen_by_legend
from mprunner.report.charts.style import ACCENT, LINE, STRONG, Spec, row_height, rows_axis, tooltip, whole
from mprunner.report.wording import bracketed, factor, number

MOST_CASES: Final = 40
MOST_METRICS: Final = 4
_TOLD: Final = 12
_CHANGES: Final = {
    Change.MORE: ("more", STRONG, "triangle-right"),
    Change.LESS: ("less", ACCENT, "triangle-left"),
    Change.NEGLIGIBLE: ("negligible", "#6d7a8c", "square"),
    Change.UNSURE: ("slight", "#6d7a8c", "diamond"),
    Change.CHANGE_OR_DRIFT: ("change or drift", "#6d7a8c", "circle"),
    Change.NOT_TOLD_APART: ("no clear difference", "#6d7a8c", "circle"),
    Change.TOO_FEW: ("too few trials", "#6d7a8c", "cross"),
}


def charts_of_comparison(comparison: Comparison) -> tuple[Chart, ...]:
    """Return a chart of each of the first metrics that were compared and have a ratio."""
    by_metric: dict[str, list[Row]] = {}
    for row in comparison.rows:
        if row.ratio is not None:
            by_metric.setdefault(row.metric, []).append(row)
    return tuple(_compared(metric, rows) for metric, rows in list(by_metric.items())[:MOST_METRICS])


def _compared(metric: str, compared: Sequence[Row]) -> Chart:
    by_key = {str(place): row for place, row in enumerate(compared)}
    ordered = sorted(by_key, key=lambda key: by_key[key].ratio or 0)
    chosen = set(spread(ordered, MOST_CASES))
    drawn = {key: row for key, row in by_key.items() if key in chosen}
    labels = short_labels({key: row.label for key, row in drawn.items()})
    rows = [_row(row, labels[key]) for key, row in drawn.items()]
    parts = [
        f"Each row is a case: {metric} of the new side over that of the base, with its 95 % interval.",
        "At 1 both are alike.",
        "The sign and its colour say what the difference is called; `more` of a duration is slower.",
    ]
    if len(rows) < len(compared):
        parts.append(
            f"{len(rows):,} of {len(compared):,} cases are drawn: those with the smallest and the largest ratio, and "
            "evenly by ratio between them."
        )
    return Chart(
        key=f"compared-{metric}",
        title=f"{metric}: the new side over the base",
        caption=" ".join(parts),
        description=_described(metric, drawn.values(), len(compared)),
        spec=whole({"cases": rows}, _view(rows, list(labels.values()))),
        section="comparison",
    )


def _row(row: Row, label: str) -> dict[str, Any]:
    return {
        "row": label,
        "case": told(row.label),
        "base": row.base.median,
        "new": row.new.median,
        "ratio": row.ratio,
        "ci_low": row.interval and row.interval.low,
        "ci_high": row.interval and row.interval.high,
        "p": row.p,
        "change": _CHANGES[row.change][0],
    }


def _view(rows: Sequence[dict[str, Any]], labels: Sequence[str]) -> Spec:
    numbers = [
        1.0,
        *(row[name] for row in rows for name in ("ratio", "ci_low", "ci_high") if row[name] is not None),
    ]
    x = ratio_channel(min(numbers), max(numbers))
    x = {**x, "axis": {**x["axis"], "title": "ratio of the new side to the base", "grid": True}}
    hover = tooltip(
        ("case", "case"), ("base", "median of the base", ".4~g"), ("new", "median of the new side", ".4~g"),
        ("ratio", "ratio", ".4~g"), ("ci_low", "95 % interval from", ".4~g"), ("ci_high", "to", ".4~g"),
        ("p", "p", ".3~g"), ("change", "change"),
    )  # fmt: skip
    present = [each for each in _CHANGES.values() if any(row["change"] == each[0] for row in rows)]
    names, colors, shapes = (list(each) for each in zip(*present, strict=True))
    params, opacity = chosen_by_legend("change")
    change = {"field": "change", "type": "nominal", "legend": {"title": None}}
    color = {**change, "scale": {"domain": names, "range": colors}}
    return {
        "data": {"name": "cases"},
        "width": 320,
        "height": {"step": row_height(labels, 28)},
        "encoding": {"y": rows_axis(labels)},
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": LINE, "strokeDash": [3, 3]},
                "encoding": {"x": {**x, "datum": 1}, "y": None},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2.5, "strokeCap": "round"},
                "encoding": {
                    "x": {**x, "field": "ci_low"}, "x2": {"field": "ci_high"}, "color": color, "opacity": opacity
                },
            },
            {
                "params": params,
                "mark": {"type": "point", "filled": True, "size": 75},
                "encoding": {
                    "x": {**x, "field": "ratio"},
                    "color": color,
                    "shape": {**change, "scale": {"domain": names, "range": shapes}},
                    "opacity": opacity,
                    "tooltip": hover,
                },
            },
        ],
    }  # fmt: skip


def _described(metric: str, rows: Any, of: int) -> str:
    sentences = []
    for row in list(rows)[:_TOLD]:
        ratio = f"{factor(row.ratio, row.interval)} times the base{bracketed(row.interval)}"
        sentences.append(f"{told(row.label) or 'the only case'}: {ratio}, {_CHANGES[row.change][0]}")
    more = of - len(sentences)
    return (
        f"Ratios of {metric} by case. "
        + "; ".join(sentences)
        + (f"; and {number(more)} more cases." if more else ".")
    )
