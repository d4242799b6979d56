"""Noise and drift: each trial, by the time of day at which it began, against the median of its case."""

from datetime import datetime
from typing import Any, Final

from mprunner.analysis.diagnostics import MAX_Z, MIN_DISTANCE, modified_z
from mprunner.analysis.statistics import median_of
from mprunner.analysis.summary import counted
from mprunner.report.cells import compared_field
from mprunner.report.charts.axes import ratio_channel
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import short
from mprunner.report.charts.sampling import MOST_POINTS, rule
from mprunner.report.charts.series import chosen_by_legend
from mprunner.report.charts.style import ACCENT, LINE, STRONG, Spec, tooltip, whole, zoomed
from mprunner.report.wording import factor, number
from mprunner.tables import plain_cells

_KINDS: Final = {"trial": (ACCENT, "circle"), "outlier": (STRONG, "triangle-up")}
_TOLD: Final = 5


def noise(run: RunPicture) -> list[Chart]:
    """Return the chart of the metric in which cases are compared; none where no case has two values of it."""
    field = compared_field(run.header.declaration)
    if field is None:
        return []
    rows = _rows(run, field.name)
    if len({row["at"] for row in rows}) < 2:
        return []
    values = [row["relative"] for row in rows]
    outliers = [row for row in rows if row["kind"] == "outlier"]
    half = len(rows) // 2
    drift = median_of([row["relative"] for row in rows[half:]]) / (
        median_of([row["relative"] for row in rows[:half]]) or 1
    )
    divided = (
        f"Each point is a trial's {field.name} over the median of its case, at the time when the trial began."
    )
    marked = f"An outlier has a modified z-score over {MAX_Z:g} in its case, and is {MIN_DISTANCE:.0%} or more off."
    shown, is_merged = _sampled(rows)
    parts = [
        divided,
        "All cases are here: a slope is a drift of the machine, a cloud apart a disturbance.",
        marked if outliers else "",
        rule(len(shown), len(rows), is_merged=is_merged),
    ]
    reach = f"from {factor(min(values))} to {factor(max(values))}"
    return [
        Chart(
            key=f"noise-{field.name}",
            title=f"{field.name} over the time of day",
            caption=" ".join(filter(None, parts)),
            description=(
                f"{number(len(rows))} trials over time, relative to the median of their case: {reach}; "
                f"{number(len(outliers))} outliers{_worst(outliers)}. "
                f"The median of the second half is {factor(drift)} times that of the first."
            ),
            spec=whole({"trials": shown}, _view(shown, field.name)),
            section="noise",
        )
    ]


def _worst(outliers: list[dict[str, Any]]) -> str:
    worst = sorted(outliers, key=lambda row: -abs(row["relative"] - 1))[:_TOLD]
    if not worst:
        return ""
    told_of = "; ".join(f"{factor(row['relative'])} in {row['case'] or 'the only case'}" for row in worst)
    return f", the farthest {told_of}"


def _rows(run: RunPicture, metric: str) -> list[dict[str, Any]]:
    """Return a row for each trial, by time."""
    trials = counted(run.frames.trials)
    trials = trials[trials[metric].notna() & trials["started_at"].notna()]
    by_case: dict[str, list[tuple[str, int, float]]] = {}
    columns = (plain_cells(trials[name]) for name in ("case_id", "started_at", "repeat", metric))
    for case_id, at, repeat, value in zip(*columns, strict=True):
        by_case.setdefault(case_id, []).append((at, repeat, float(value)))
    made: list[dict[str, Any]] = []
    for case_id, own in by_case.items():
        values = [value for _, _, value in own]
        middle = median_of(values)
        if len(own) < 2 or middle <= 0:
            continue
        scores = modified_z(values) if len(own) >= 5 else [0.0] * len(own)
        case = short(run.frames.labels[case_id], 80, 1)
        made += [
            {
                "at": at[:23] + "Z" if len(at) > 23 else at,
                "relative": value / middle,
                "kind": "outlier" if abs(z) > MAX_Z and abs(value / middle - 1) >= MIN_DISTANCE else "trial",
                "repeat": repeat,
                "case": case,
            }
            for (at, repeat, value), z in zip(own, scores, strict=True)
        ]
    made.sort(key=lambda row: str(row["at"]))
    return made


_CELLS: Final = 50


def _sampled(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Return every outlier, and of the rest an even sample by time; and whether outliers on one another are one."""
    if len(rows) <= MOST_POINTS:
        return rows, False
    far = [row for row in rows if row["kind"] == "outlier"]
    is_merged = len(far) > MOST_POINTS
    if is_merged:
        highest = max(row["relative"] for row in far)
        cells = {
            (place * _CELLS // len(far), int(row["relative"] / highest * _CELLS)): row
            for place, row in enumerate(far)
        }
        far = list(cells.values())
    rest = [row for row in rows if row["kind"] == "trial"]
    every = max(1.0, len(rest) / MOST_POINTS)
    even = [rest[int(place * every)] for place in range(min(len(rest), MOST_POINTS))]
    return sorted([*far, *even], key=lambda row: str(row["at"])), is_merged


def _time_format(rows: list[dict[str, Any]]) -> str:
    """Return how the axis writes a time of day: as exactly as the run is short."""
    first, last = (datetime.fromisoformat(str(rows[place]["at"])) for place in (0, -1))
    seconds = (last - first).total_seconds()
    for least, form in ((172_800, "%d %b %H:%M"), (600, "%H:%M"), (5, "%H:%M:%S")):
        if seconds >= least:
            return form
    return "%H:%M:%S.%L"


def _view(rows: list[dict[str, Any]], metric: str) -> Spec:
    values = [row["relative"] for row in rows]
    kinds = {row["kind"] for row in rows}
    y = ratio_channel(min(*values, 1), max(*values, 1))
    y = {**y, "axis": {**y["axis"], "title": f"{metric} / median of the case", "grid": True}}
    names = [kind for kind in _KINDS if kind in kinds]
    params, opacity = chosen_by_legend("kind")
    legend = {"title": None} if len(names) > 1 else None
    colors, shapes = ([_KINDS[kind][place] for kind in names] for place in (0, 1))
    kind = {"field": "kind", "type": "nominal", "legend": legend}
    return {
        "data": {"name": "trials"},
        "width": 460,
        "height": 200,
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": LINE, "strokeDash": [3, 3]},
                "encoding": {"y": {**y, "datum": 1}},
            },
            {
                "params": [*params, zoomed("x", "y")],
                "mark": {"type": "point", "filled": True, "size": 28},
                "encoding": {
                    "x": {
                        "field": "at",
                        "type": "temporal",
                        "scale": {"type": "utc", "padding": 7},
                        "axis": {
                            "title": "time of day (UTC)",
                            "tickCount": 5,
                            "format": _time_format(rows),
                            "labelOverlap": True,
                        },
                    },
                    "y": {**y, "field": "relative"},
                    "color": {**kind, "scale": {"domain": names, "range": colors}},
                    "shape": {**kind, "scale": {"domain": names, "range": shapes}},
                    "opacity": {**opacity, "condition": {**opacity["condition"], "value": 0.75}},
                    "tooltip": [
                        *tooltip(
                            ("case", "case"), ("repeat", "repeat", "d"), ("relative", "relative", ".4~g")
                        ),
                        {"field": "at", "type": "temporal", "title": "began (UTC)", "format": "%H:%M:%S.%L"},
                    ],
                },
            },
        ],
    }
