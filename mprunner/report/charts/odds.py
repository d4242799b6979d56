"""The odds of a race: in which share of its observations a case ended in a state that is not acceptable."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mprunner.analysis.statistics import share_interval
from mprunner.analysis.verdict import NOT_ACCEPTABLE, State
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import short_labels, spread, told
from mprunner.report.charts.series import Lines, line_layers, lines_of
from mprunner.report.charts.style import INK, MEDIAN, Rows, Spec, row_height, rows_axis, tooltip, whole
from mprunner.report.wording import number, share

MOST_CASES: Final = 30
_TOLD: Final = 12


def odds(run: RunPicture) -> list[Chart]:
    """Return the odds for each outcome of which some rule says what is not acceptable."""
    found = []
    for variable in run.header.declaration.outcomes:
        of_cases = {
            case_id: states
            for case_id, states in run.states_of(variable).items()
            if any(each.verdict for each in states)
        }
        if any(each.verdict in NOT_ACCEPTABLE for states in of_cases.values() for each in states):
            found.append(_odds(run, variable, of_cases))
    return found


def _odds(run: RunPicture, variable: str, of_cases: Mapping[str, Sequence[State]]) -> Chart:
    of_case = {case_id: _row(run, case_id, states) for case_id, states in of_cases.items()}
    over = _driving(lines_of(run, list(of_case)), of_case)
    rows: Rows
    if over is None:
        ordered = sorted(of_case, key=lambda case_id: of_case[case_id]["share"])
        chosen = set(spread(ordered, MOST_CASES))
        case_ids = [case_id for case_id in of_case if case_id in chosen]
        labels = short_labels({case_id: run.frames.labels[case_id] for case_id in case_ids})
        rows = [{"row": labels[case_id], **of_case[case_id]} for case_id in case_ids]
        view = _rows_view(rows, list(labels.values()))
        drawn = ""
        if len(rows) < len(of_case):
            shown = f"{len(rows):,} of {len(of_case):,} cases are drawn"
            drawn = (
                f"{shown}: those with the smallest and the largest share, and evenly by share between them."
            )
        title = f"How often {variable} was not acceptable"
    else:
        rows = [
            {"line": line.label, "x": x, **of_case[case_id]}
            for line in over.lines
            for x, case_id in line.case_ids.items()
        ]
        view = _lines_view(rows, over)
        drawn, title = over.said(), f"How often {variable} was not acceptable, over {over.param.name}"
    verdicts = [each for each in NOT_ACCEPTABLE if any(each in row["verdicts"] for row in of_case.values())]
    caption = (
        f"The share of a case's observations of {variable} that are {_or(verdicts or ['interesting'])}, with its "
        f"exact 95 % interval. {drawn}"
    )
    return Chart(
        key=f"odds-{variable}",
        title=title,
        caption=caption.strip(),
        description=f"{title}. {_described(rows)}",
        spec=whole({"cases": rows}, view),
        section="odds",
    )


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _row(run: RunPicture, case_id: str, states: Sequence[State]) -> dict[str, Any]:
    odd = [each for each in states if each.verdict in NOT_ACCEPTABLE and each.count]
    count, of = sum(each.count for each in odd), states[0].observations
    interval = share_interval(count, of)
    said = (
        f"{share(count / of)} of {number(of)}"
        if count
        else f"never in {number(of)}: at most {share(interval.high)}"
    )
    return {
        "case": told(run.frames.labels[case_id]),
        "count": count,
        "observations": of,
        "share": count / of,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "verdicts": ", ".join(dict.fromkeys(str(each.verdict) for each in odd)),
        "told": said,
    }


def _driving(all_lines: Sequence[Lines], of_case: Mapping[str, Mapping[str, Any]]) -> Lines | None:
    """Return the lines over the param with which the share changes most; none if it changes with none."""

    def changes(lines: Lines) -> float:
        shares: list[list[float]] = [
            [of_case[case_id]["share"] for case_id in line.case_ids.values()] for line in lines.lines
        ]
        return sum(max(own) - min(own) for own in shares)

    return max((lines for lines in all_lines if changes(lines)), key=changes, default=None)


_HOVER: Final = tooltip(
    ("case", "case"), ("count", "observed", ","), ("observations", "of", ","), ("share", "share", ".4~%"),
    ("ci_low", "95 % interval from", ".4~%"), ("ci_high", "to", ".4~%"), ("verdicts", "verdict"),
)  # fmt: skip


def _axis(rows: Rows, *, grid: bool) -> Spec:
    top = min(1.0, 1.05 * max(row["ci_high"] for row in rows))
    return {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False, "padding": 6},
        "axis": {"title": "share of observations", "format": ".3~%", "tickCount": 5, "grid": grid},
    }


def _lines_view(rows: Rows, over: Lines) -> Spec:
    labels = [line.label for line in over.lines]
    return {
        "data": {"name": "cases"},
        "width": 400,
        "height": 240,
        "layer": line_layers(labels, over.channel(), _axis(rows, grid=True), ("ci_low", "ci_high"), _HOVER),
    }


def _rows_view(rows: Rows, labels: Sequence[str]) -> Spec:
    x = _axis(rows, grid=False)
    return {
        "data": {"name": "cases"},
        "width": 280,
        "height": {"step": row_height(labels, 26)},
        "encoding": {"y": rows_axis(labels)},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2.5, "strokeCap": "round", "color": INK},
                "encoding": {"x": {**x, "field": "ci_low"}, "x2": {"field": "ci_high"}, "tooltip": _HOVER},
            },
            {
                "mark": MEDIAN,
                "encoding": {"x": x, "tooltip": _HOVER},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8, "color": INK},
                "encoding": {"x": {**x, "field": "ci_high"}, "text": {"field": "told"}},
            },
        ],
    }


def _described(rows: Rows) -> str:
    more = len(rows) - _TOLD
    cases = "; ".join(f"{row['case'] or 'all trials'}: {row['told']}" for row in rows[:_TOLD])
    return cases + (f"; and {number(more)} more cases." if more > 0 else ".")
