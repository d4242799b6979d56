"""Every trial of every case as a point, its median and interval below; and beside it how the case compares."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from mprunner.analysis.statistics import Interval
from mprunner.analysis.summary import counted, partners_of
from mprunner.model.declaration import Field
from mprunner.model.records import label_of
from mprunner.report.cells import compared_field
from mprunner.report.charts.axes import Scale, ratio_channel, scale_of
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import short_labels, spread, told
from mprunner.report.charts.sampling import MOST_POINTS, drawn
from mprunner.report.charts.style import (
    ACCENT,
    INK,
    LINE,
    MEDIAN,
    Rows,
    Spec,
    row_height,
    rows_axis,
    tooltip,
    whole,
    zoomed,
)
from mprunner.report.wording import bracketed, factor, number, quantity, span
from mprunner.tables import plain_cells

MOST_CASES: Final = 30
"""So many cases are drawn in a chart of strips."""
MOST_METRICS: Final = 6
"""Of so many metrics there is a chart of strips."""
OF_OTHERS: Final = 200
"""So many trials are drawn of every metric but the first, and every outlier beside them."""
_TOLD_CASES: Final = 12  # in the description
_STEP: Final = 38
_JITTER: Final = "datum.repeat * 0.6180339887 % 1 * 0.5 + 0.08"  # so that neighbours in time are apart


def strips(run: RunPicture) -> list[Chart]:
    """Return a chart of strips of each of the first metrics with a value, that in which cases are compared first."""
    with_values = metrics_of(run)
    more = [field.name for field in with_values[MOST_METRICS:]]
    found = [
        strips_of(run, field, OF_OTHERS if place else MOST_POINTS)
        for place, field in enumerate(with_values[:MOST_METRICS])
    ]
    if more:
        left_out = f" Without a chart: {', '.join(more)}; summary.csv has what they came to."
        found[-1] = replace(found[-1], caption=found[-1].caption + left_out)
    return found


def metrics_of(run: RunPicture) -> list[Field]:
    """Return the numeric metrics whose values are not all alike, that in which cases are compared first."""
    first = compared_field(run.header.declaration)
    ends = run.summary[run.summary["trials"] > 0].groupby("metric").agg({"min": "min", "max": "max"})
    with_values = set(ends.index[ends["min"] < ends["max"]])
    fields = [field for field in run.header.declaration.metrics if field.name in with_values]
    return sorted(fields, key=lambda field: first is None or field.name != first.name)


def strips_of(run: RunPicture, field: Field, most: int = MOST_POINTS) -> Chart:
    """Return the chart of one metric, with so many trials and every outlier."""
    rows = run.summary[(run.summary["metric"] == field.name) & (run.summary["trials"] > 0)]
    summary = {cells["case_id"]: cells for cells in records(rows, STATISTICS)}
    partners = set(partners_of(run.frames, run.header).values())
    case_ids = chosen_cases(summary, partners)
    labels = short_labels({case_id: run.frames.labels[case_id] for case_id in case_ids})
    cases = [_case_row(run, summary[case_id], labels[case_id], partners) for case_id in case_ids]
    points, rule = _points(run, field, labels, most)
    scale = scale_of(field, [point["value"] for point in points])
    has_ratio = any(case["ratio"] is not None for case in cases)
    panels = [_values_panel(scale, labels, has_interval=any(case["ci_low"] is not None for case in cases))]
    if has_ratio:
        panels.append(_ratio_panel(cases, labels))
    spec = whole(
        {"trials": points, "cases": cases},
        {"hconcat": panels, "resolve": {"scale": {"y": "shared"}}} if has_ratio else panels[0],
    )
    said = (
        *_caption(run, field, scale, cases, len(summary)),
        selection(len(cases), len(summary)),
        rule,
    )
    return Chart(
        key=f"strips-{field.name}",
        title=f"{field.name} of every trial",
        caption=" ".join(filter(None, said)),
        description=_description(run, field, cases),
        spec=spec,
        section="metrics",
    )


STATISTICS: Final = (
    "case_id", "trials", "median", "ci_low", "ci_high", "min", "max", "ratio", "ratio_ci_low", "ratio_ci_high",
)  # fmt: skip


def records(rows: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return some columns of some rows as a mapping each, missing cells as None."""
    columns = (plain_cells(rows[name]) for name in names)
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def chosen_cases(
    summary: Mapping[str, Mapping[str, Any]], partners: Collection[str], most: int = MOST_CASES
) -> list[str]:
    """Choose the cases that are drawn, in the order of the plan.

    Of too many: the baseline's, those with the smallest and the largest median, and evenly by median between them.
    """
    if len(summary) <= most:
        return list(summary)
    ordered = sorted(summary, key=lambda case_id: summary[case_id]["median"] or 0)
    chosen = set(spread(ordered, most, always=partners))
    return [case_id for case_id in summary if case_id in chosen]


def selection(shown: int, of: int) -> str:
    """Say by which rule cases were chosen; empty if all are drawn."""
    if shown == of:
        return ""
    return (
        f"{shown:,} of {of:,} cases are drawn: the baseline's, those with the smallest and the largest median, "
        "and evenly by median between them."
    )


def _case_row(
    run: RunPicture, summary: Mapping[str, Any], label: str, partners: Collection[str]
) -> dict[str, Any]:
    statistics = {name: summary[name] for name in STATISTICS if name not in ("case_id", "min", "max")}
    is_baseline = summary["case_id"] in partners
    label_ = told(run.frames.labels[summary["case_id"]])
    return {"row": label, "case": label_, "is_baseline": is_baseline, **statistics}


def _points(run: RunPicture, field: Field, labels: Mapping[str, str], most: int) -> tuple[Rows, str]:
    """Return a row for each trial that is drawn, and by which rule they are chosen."""
    trials = counted(run.frames.trials)
    trials = trials.loc[trials[field.name].notna() & trials["case_id"].isin(list(labels))]
    by_case: dict[str, list[tuple[int, float]]] = {case_id: [] for case_id in labels}
    columns = (plain_cells(trials[name]) for name in ("case_id", "repeat", field.name))
    for case_id, repeat, value in zip(*columns, strict=True):
        by_case[case_id].append((repeat, float(value)))
    sample = drawn({case_id: [value for _, value in own] for case_id, own in by_case.items()}, most)
    rows = [
        {"row": labels[case_id], "repeat": repeat, "value": value}
        for case_id, own in by_case.items()
        for repeat, value in (own[place] for place in sample.places[case_id])
    ]
    return rows, sample.rule()


def _values_panel(scale: Scale, labels: Mapping[str, str], *, has_interval: bool) -> Spec:
    below = {"datum": 0.82}
    title = scale.named
    stats = tooltip(("case", "case"), ("trials", "trials", ","), ("median", f"median, {title}", ".4~g"))
    if has_interval:
        stats += tooltip(("ci_low", "95 % interval from", ".4~g"), ("ci_high", "to", ".4~g"))
    interval = {
        "data": {"name": "cases"},
        "mark": {"type": "rule", "strokeWidth": 2.5, "color": INK, "strokeCap": "round"},
        "encoding": {
            "x": scale.channel("ci_low"),
            "x2": {"field": "ci_high"},
            "yOffset": below,
            "tooltip": stats,
        },
    }
    layers: list[Spec] = [
        {
            "params": [zoomed("x")],
            "data": {"name": "trials"},
            "transform": [{"calculate": _JITTER, "as": "at"}],
            "mark": {"type": "circle", "size": 26, "color": ACCENT, "opacity": 0.65},
            "encoding": {
                "x": scale.channel("value"),
                "yOffset": {"field": "at", "type": "quantitative", "scale": {"domain": [0, 1]}},
                "tooltip": tooltip(("row", "case"), ("repeat", "repeat", "d"), ("value", title, ".6~g")),
            },
        },
        *([interval] if has_interval else []),
        {
            "data": {"name": "cases"},
            "mark": MEDIAN,
            "encoding": {"x": scale.channel("median"), "yOffset": below, "tooltip": stats},
        },
    ]
    return {
        "width": 240,
        "height": {"step": row_height(labels.values(), _STEP)},
        "encoding": {"y": rows_axis(list(labels.values()))},
        "layer": layers,
    }


def _ratio_panel(cases: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Spec:
    names = ("ratio", "ratio_ci_low", "ratio_ci_high")
    numbers = [1.0, *(case[name] for case in cases for name in names if case[name] is not None)]
    x = ratio_channel(min(numbers), max(numbers))
    told_of = tooltip(
        ("case", "case"), ("ratio", "ratio", ".4~g"),
        ("ratio_ci_low", "95 % interval from", ".4~g"), ("ratio_ci_high", "to", ".4~g"),
    )  # fmt: skip
    return {
        "data": {"name": "cases"},
        "width": 110,
        "height": {"step": row_height(labels.values(), _STEP)},
        "encoding": {"y": rows_axis(list(labels.values()), has_labels=False)},
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": LINE, "strokeDash": [3, 3]},
                "encoding": {"x": {**x, "datum": 1}, "y": None},
            },
            {
                "transform": [{"filter": {"field": "is_baseline", "equal": True}}],
                "mark": {**MEDIAN, "filled": False, "color": LINE, "strokeWidth": 1.5},
                "encoding": {"x": {**x, "datum": 1}, "tooltip": tooltip(("case", "the baseline"))},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2.5, "color": INK, "strokeCap": "round"},
                "encoding": {
                    "x": {**x, "field": "ratio_ci_low"},
                    "x2": {"field": "ratio_ci_high"},
                    "tooltip": told_of,
                },
            },
            {
                "mark": MEDIAN,
                "encoding": {"x": {**x, "field": "ratio"}, "tooltip": told_of},
            },
        ],
    }


def _caption(
    run: RunPicture, field: Field, scale: Scale, cases: Sequence[Mapping[str, Any]], of: int
) -> Iterator[str]:
    """Say what the chart shows and how it is read, sentence by sentence.

    Args:
        run: the run.
        field: the metric.
        scale: its axis.
        cases: those that are drawn.
        of: how many cases have a value.
    """
    if field.doc:
        yield f"{field.doc[:1].upper()}{field.doc[1:]}."
    has_interval = any(case["ci_low"] is not None for case in cases)
    line = ", the line its 95 % interval" if has_interval else ""
    yield f"Each point is a trial; the diamond below is the case's median{line}."
    if scale.is_log:
        yield "The axis is logarithmic."
    if any(case["ratio"] is not None for case in cases):
        baseline = told(label_of(run.header.baseline, run.header.baseline))
        yield f"Right: the ratio to the baseline ({baseline}), paired repeat by repeat; at 1 both are alike."
    if without := len(run.frames.labels) - of:
        yield f"Without a value in any trial: {number(without)} case{'s' * (without > 1)}."


def _description(run: RunPicture, field: Field, cases: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for case in cases[:_TOLD_CASES]:
        text = f"{case['case'] or 'all trials'}: median {quantity(float(case['median']), field.unit)}"
        if case["ci_low"] is not None:
            text += f" (95 % interval {span(case['ci_low'], case['ci_high'], field.unit)})"
        if case["ratio"] is not None:
            interval = (
                None
                if case["ratio_ci_low"] is None
                else Interval(case["ratio_ci_low"], case["ratio_ci_high"])
            )
            text += f", {factor(case['ratio'], interval)} times the baseline{bracketed(interval)}"
        lines.append(text)
    more = len(cases) - len(lines)
    rest = f"; and {number(more)} more cases" if more else ""
    return f"Strip plot of {field.name} by case. {'; '.join(lines)}{rest}."
