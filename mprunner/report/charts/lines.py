"""A metric over a numeric param that is swept: medians with their intervals, a line for each other combination."""

from collections.abc import Mapping
from typing import Any, Final

from mprunner.model.declaration import Field
from mprunner.report.charts.axes import named, scale_of
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.series import Lines, line_layers, lines_of
from mprunner.report.charts.strips import STATISTICS, metrics_of, records
from mprunner.report.charts.style import tooltip, whole
from mprunner.report.wording import number, quantity

MOST_CHARTS: Final = 4
_MOST_METRICS: Final = 3
_MOST_PARAMS: Final = 2
_TOLD_LINES: Final = 6


def lines(run: RunPicture) -> list[Chart]:
    """Return charts of the first metrics over the numeric params with most values, at most :data:`MOST_CHARTS`."""
    found = []
    over = lines_of(run)[:_MOST_PARAMS]
    for field in metrics_of(run)[:_MOST_METRICS] if over else ():
        rows = run.summary[(run.summary["metric"] == field.name) & (run.summary["trials"] > 0)]
        summary = {cells["case_id"]: cells for cells in records(rows, STATISTICS)}
        found += [chart for each in over if (chart := _lines_of(run, field, each, summary)) is not None]
    return found[:MOST_CHARTS]


def _lines_of(
    run: RunPicture, field: Field, over: Lines, summary: Mapping[str, Mapping[str, Any]]
) -> Chart | None:
    rows = [
        {
            "line": line.label, "case": line.case, "x": x,
            **{name: summary[case_id][name] for name in ("trials", "median", "ci_low", "ci_high")},
        }
        for line in over.lines
        for x, case_id in line.case_ids.items()
        if case_id in summary
    ]  # fmt: skip
    if len({row["x"] for row in rows}) < 2:
        return None
    has_interval = any(row["ci_low"] is not None for row in rows)
    scale = scale_of(
        field, [row["median"] for row in rows], [row[end] for row in rows for end in ("ci_low", "ci_high")]
    )
    y = scale.channel("median", grid=True)
    told = tooltip(
        ("case", "cases"), ("x", over.param.name, ",.6~g"), ("median", f"median, {named(field)}", ".4~g"),
        ("ci_low", "95 % interval from", ".4~g"), ("ci_high", "to", ".4~g"), ("trials", "trials", ","),
    )  # fmt: skip
    ends = ("ci_low", "ci_high") if has_interval else None
    labels = [line.label for line in over.lines]
    view = {
        "data": {"name": "cases"},
        "width": 420,
        "height": 260,
        "layer": line_layers(labels, over.channel(), y, ends, told),
    }
    parts = [
        f"Each point is a case's median of {field.name}"
        + (", with its 95 % interval." if has_interval else "."),
        "A line is each combination of the other params." if len(labels) > 1 else "",
        "Both axes are logarithmic where they say so."
        if scale.is_log or over.channel()["scale"].get("type")
        else "",
        over.said(),
    ]
    return Chart(
        key=f"lines-{field.name}-{over.param.name}",
        title=f"{field.name} over {over.param.name}",
        caption=" ".join(filter(None, parts)),
        description=f"Lines of the median of {field.name} over {over.param.name}. {_told(rows, field, over)}",
        spec=whole({"cases": rows}, view),
        section="scaling",
    )


def _told(rows: list[dict[str, Any]], field: Field, over: Lines) -> str:
    sentences = []
    for line in over.lines[:_TOLD_LINES]:
        own = [row for row in rows if row["line"] == line.label]
        if own:
            ends = (own[0], own[-1])
            first, last = (
                f"{quantity(float(row['median']), field.unit)} at {number(row['x'])}" for row in ends
            )
            sentences.append(f"{line.case}: from {first} to {last}.")
    more = len(over.lines) - len(sentences)
    return " ".join(sentences) + (f" And {number(more)} more lines." if more > 0 else "")
