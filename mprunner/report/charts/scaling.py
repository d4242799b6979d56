"""How much faster work becomes with more processes: the speed-up, the ideal line, and the laws that were fitted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mprunner.analysis.scaling import (
    Law,
    Misfit,
    NoBest,
    ScalingFit,
    ScalingGroup,
    fit_scaling,
    scaling_groups,
)
from mprunner.analysis.statistics import Interval
from mprunner.model.records import label_of, varying
from mprunner.report.cells import compared_field
from mprunner.report.charts.axes import log_ticks
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import told
from mprunner.report.charts.series import chosen_by_legend
from mprunner.report.charts.strips import records
from mprunner.report.charts.style import ACCENT, LINE, SERIES, Rows, Spec, tooltip, whole, zoomed
from mprunner.report.wording import factor, number, share

MOST_GROUPS: Final = 4
"""So many groups of cases have a chart; the summary has the speed-up of each case."""
_POINTS: Final = 48
_NAMES: Final = {Law.AMDAHL: "Amdahl's law", Law.USL: "USL"}
_NOT: Final = " (does not hold)"
_LOOKS: Final = {
    "measured": (ACCENT, [1, 0]),
    "ideal": (LINE, [2, 3]),
    "Amdahl's law": (SERIES[1], [7, 4]),
    "USL": (SERIES[3], [1, 0]),
    f"Amdahl's law{_NOT}": (SERIES[1], [7, 4]),
    f"USL{_NOT}": (SERIES[3], [1, 0]),
}


def scaling(run: RunPicture) -> list[Chart]:
    """Return the speed-up of each group of cases that differ in their number of processes alone.

    Without scipy, which is in the extra ``report``, no law is fitted.
    """
    field = compared_field(run.header.declaration)
    groups = [] if field is None else scaling_groups(run.frames, run.header, field)
    others = varying([group.params for group in groups])
    return [
        _chart(run, group, others, place, len(groups)) for place, group in enumerate(groups[:MOST_GROUPS])
    ]


def _chart(run: RunPicture, group: ScalingGroup, others: Sequence[str], place: int, of: int) -> Chart:
    measured = _measured(run, group)
    fits = [fit for law in Law if (fit := _fitted(group, law)) is not None]
    most = max(group.case_ids)
    curves = [row for fit in fits for row in _curve(fit, most)]
    ideal = [{"curve": "ideal", "x": x, "speedup": float(x)} for x in (min(1, *group.case_ids), most)]
    label = told(label_of(group.params, others))
    where = f" with {label}" if label else ""
    words = [_in_words(fit, group) for fit in fits]
    return Chart(
        key="speedup" if of == 1 else f"speedup-{place + 1}",
        title=f"Speed-up over {group.param}{where}",
        caption=_caption(run, measured, group, fits, words, place, of),
        description=_description(measured, group, where, words),
        spec=whole(
            {"measured": measured, "curves": [*ideal, *curves]}, _view(measured, curves, ideal, group)
        ),
        section="scaling",
    )


def _fitted(group: ScalingGroup, law: Law) -> ScalingFit | None:
    try:
        fit = fit_scaling(group.speed_ups, law)
    except ModuleNotFoundError:  # scipy is in an extra
        return None
    return None if fit.gamma is None else fit


def _measured(run: RunPicture, group: ScalingGroup) -> Rows:
    """Return the speed-ups of the summary; that of the baseline's own case with one process is 1."""
    of_metric = run.summary[run.summary["metric"] == group.metric]
    names = ("case_id", "trials", "median", "ratio_ci_low", "ratio_ci_high", "speedup", "efficiency")
    summary = {cells["case_id"]: cells for cells in records(of_metric, names)}
    rows = []
    for processes, case_id in group.case_ids.items():
        cells = summary[case_id]
        low, high = cells["ratio_ci_low"], cells["ratio_ci_high"]
        rows.append(
            {
                "curve": "measured",
                "case": told(run.frames.labels[case_id]),
                "x": processes,
                "speedup": 1.0 if cells["speedup"] is None else cells["speedup"],
                "ci_low": None if not high else 1 / high,
                "ci_high": None if not low else 1 / low,
                "efficiency": cells["efficiency"],
                "trials": cells["trials"],
            }
        )
    return rows


def _curve(fit: ScalingFit, most: int) -> Iterator[dict[str, Any]]:
    name = _NAMES[fit.law] + ("" if fit.holds else _NOT)
    for step in range(_POINTS + 1):
        x = 1 + (most - 1) * step / _POINTS
        band = fit.band(x) if fit.holds else None
        ends = {} if band is None else {"low": band.low, "high": band.high}
        yield {"curve": name, "x": round(x, 4), "speedup": fit.speed_up(x), **ends}


def _view(measured: Rows, curves: Rows, ideal: Rows, group: ScalingGroup) -> Spec:
    xs = [row["x"] for row in measured]
    is_log = max(xs) / min(xs) >= 16
    top = max(
        row[name] for row in [*measured, *curves] for name in ("speedup", "ci_high", "high") if row.get(name)
    )
    top = max(1.5, min(top * 1.3, max(top, float(max(xs)))))
    x: Spec = {
        "field": "x",
        "type": "quantitative",
        "scale": {
            "type": "log" if is_log else "linear",
            "domain": [min(1, *xs), max(xs)],
            "padding": 9,
            "nice": False,
        },
        "axis": {
            "title": f"{group.param}{' (log)' if is_log else ''}",
            "format": ",.6~g",
            "values": xs if len(xs) <= 8 else log_ticks(1, max(xs)) if is_log else None,
        },
    }
    if x["axis"]["values"] is None:
        del x["axis"]["values"]
    y: Spec = {
        "field": "speedup",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False, "clamp": False},
        "axis": {"title": "speed-up", "grid": True, "tickCount": 5, "format": ",.4~g"},
    }
    names = [name for name in _LOOKS if any(row["curve"] == name for row in [*measured, *curves, *ideal])]
    params, opacity = chosen_by_legend("curve")
    color = {
        "field": "curve",
        "type": "nominal",
        "scale": {"domain": names, "range": [_LOOKS[name][0] for name in names]},
        "legend": {
            "title": None,
            "symbolType": "stroke",
            "symbolStrokeWidth": 3,
            "symbolOpacity": 1,
            "columns": 2,
        },
    }
    dash = {**color, "scale": {"domain": names, "range": [_LOOKS[name][1] for name in names]}}
    told_of = tooltip(
        ("case", "case"), ("x", group.param, ","), ("speedup", "speed-up", ".4~g"),
        ("ci_low", "95 % interval from", ".4~g"), ("ci_high", "to", ".4~g"),
        ("efficiency", "efficiency", ".3~%"), ("trials", "trials", ","),
    )  # fmt: skip
    line = {"type": "line", "clip": True}
    layers: list[Spec] = []
    if any("low" in row for row in curves):
        band = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
        layers.append(
            {
                "data": {"name": "curves"},
                "mark": {"type": "area", "opacity": 0.16, "clip": True},
                "encoding": {"x": x, **band, "color": color},
            }
        )
    layers += [
        {
            "params": [*params, zoomed("x", "y")],
            "data": {"name": "curves"},
            "mark": {**line, "strokeWidth": 1.8},
            "encoding": {"x": x, "y": y, "color": color, "strokeDash": dash, "opacity": opacity},
        },
        {
            "data": {"name": "measured"},
            "mark": {"type": "rule", "strokeWidth": 2, "clip": True},
            "encoding": {"x": x, "y": {**y, "field": "ci_low"}, "y2": {"field": "ci_high"}, "color": color},
        },
        {
            "data": {"name": "measured"},
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": color, "tooltip": told_of},
        },
    ]
    return {"width": 400, "height": 270, "layer": layers}


_IN_WORDS: Final = {Law.AMDAHL: "Amdahl's law", Law.USL: "the Universal Scalability Law (USL)"}
_MISFITS: Final = {
    Misfit.TOO_FEW_POINTS: "it has too few numbers of processes",
    Misfit.NOT_FOUND: "no curve was found",
    Misfit.FAR_FROM_POINTS: "a median is more than 5 % of the largest away from it",
    Misfit.AT_BOUND: "it fits only at its limit",
}


def _in_words(fit: ScalingFit, group: ScalingGroup) -> str:
    """Say what a fit comes to; of one that does not hold only why."""
    name = _IN_WORDS[fit.law]
    if fit.misfit is not None or fit.sigma is None or fit.kappa is None:
        why = _MISFITS[fit.misfit] if fit.misfit else "no curve was found"
        return f"{name[:1].upper()}{name[1:]} does not hold here: {why}."
    waits = f"{share(fit.sigma.value)} of the work waits for others{_shares(fit.sigma.interval)}"
    if fit.law is Law.AMDAHL:
        limit = ""
        if fit.limit is not None:
            limit = f"; no number of processes is more than {factor(fit.limit.value)} times as fast"
        return f"By {name} {waits}{limit}."
    if fit.best is not None and fit.peak is not None:
        ends = fit.peak.interval
        between = f" (95 % interval {factor(ends.low)} to {factor(ends.high)})" if ends else ""
        return f"By {name} {waits}, and {number(fit.best)} processes are best{between}."
    why = {
        NoBest.NEVER_FALLS: "more processes never cost anything, as far as was measured",
        NoBest.OUT_OF_REACH: "the best number is beyond what was measured",
    }.get(fit.no_best or NoBest.MISFIT, "no best number is told")
    return f"By {name} {waits}; {why}."


def _shares(interval: Interval | None) -> str:
    return f" (95 % interval {share(interval.low)} to {share(interval.high)})" if interval else ""


def _has_interval(row: Mapping[str, Any]) -> bool:
    return row["ci_low"] is not None


def _caption(
    run: RunPicture,
    measured: Rows,
    group: ScalingGroup,
    fits: Sequence[ScalingFit],
    words: Sequence[str],
    place: int,
    of: int,
) -> str:
    baseline = told(label_of(run.header.baseline, run.header.baseline))
    parts = [
        f"How many times faster than the baseline ({baseline}) the work is, by {group.metric}.",
        "Bars are 95 % intervals." if any(map(_has_interval, measured)) else "",
        "The dotted line is ideal: N processes, N times as fast.",
        *words,
        "Bands are the fits' 95 % intervals." if any(fit.resampled and fit.holds for fit in fits) else "",
    ]
    if of > MOST_GROUPS and place == 0:
        parts.append(f"{MOST_GROUPS} of {of:,} groups of cases have a chart, the first of the plan.")
    return " ".join(filter(None, parts))


def _description(measured: Rows, group: ScalingGroup, where: str, words: Sequence[str]) -> str:
    points = "; ".join(_point(row) for row in measured)
    return f"Speed-up over {group.param}{where}: {points}. {' '.join(words)}".strip()


def _point(row: Mapping[str, Any]) -> str:
    efficiency = "" if row["efficiency"] is None else f" (efficiency {share(row['efficiency'])})"
    return f"{number(row['x'])}: {factor(row['speedup'])}{efficiency}"
