"""What was observed: how often each state, by verdict; many states in ranges, the legal ones kept apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mprunner.analysis.histogram import Bar, bars_of
from mprunner.analysis.statistics import share_interval
from mprunner.analysis.verdict import State
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import short, told, unique
from mprunner.report.charts.series import chosen_by_legend
from mprunner.report.charts.style import INK, Rows, tooltip, whole
from mprunner.report.wording import number, share, state
from mprunner.tables import state_text

MOST_CASES: Final = 8
"""So many cases are drawn of each outcome."""
NOT_JUDGED: Final = "not judged"
VERDICTS: Final = {
    "acceptable": "#2f7fc1",
    "interesting": "#c8700f",
    "forbidden": "#c4314b",
    "unknown": "#8a63b8",
    NOT_JUDGED: "#6d7a8c",
}
"""The colour of each verdict; beside each bar stands its word too."""


def outcomes(run: RunPicture) -> list[Chart]:
    """Return a chart of each outcome that was observed."""
    return [
        _outcome(run, variable, of_cases)
        for variable in run.header.declaration.outcomes
        if (of_cases := run.states_of(variable))
    ]


def _outcome(run: RunPicture, variable: str, of_cases: Mapping[str, Sequence[State]]) -> Chart:
    case_ids = _chosen(of_cases)
    rows: Rows = []
    for place, case_id in enumerate(case_ids):
        rows += _rows(run, place, case_id, of_cases[case_id])
    present = [verdict for verdict in VERDICTS if any(row["verdict"] == verdict for row in rows)]
    binned = any(row["states"] > 1 for row in rows)
    largest = max(row["share"] for row in rows)
    y = {
        "field": "state",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "ticks": False},
    }
    color = {
        "field": "verdict",
        "type": "nominal",
        "scale": {"domain": present, "range": [VERDICTS[verdict] for verdict in present]},
        "legend": {"title": None, "symbolType": "square"},
    }
    hover = tooltip(
        ("case", "case"), ("state", variable), ("count", "observed", ","), ("observations", "of", ","),
        ("share", "share", ".3~%"), ("share_ci_low", "95 % interval from", ".3~%"), ("share_ci_high", "to", ".3~%"),
        ("verdict", "verdict"), ("note", "note"),
    )  # fmt: skip
    params, opacity = chosen_by_legend("verdict")
    view: dict[str, Any] = {
        "width": 250,
        "height": {"step": 18},
        "encoding": {"y": y},
        "layer": [
            {
                "params": params,
                "mark": {"type": "bar", "height": {"band": 0.78}, "minBandSize": 1},
                "encoding": {
                    "x": {
                        "field": "share",
                        "type": "quantitative",
                        "stack": None,
                        "scale": {"domain": [0, largest or 1]},
                        "axis": {
                            "format": ".3~%",
                            "tickCount": 4,
                            "title": "share of the case's observations",
                        },
                    },
                    "color": color,
                    "tooltip": hover,
                    "opacity": opacity,
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "color": INK},
                "encoding": {
                    "x": {"field": "share", "type": "quantitative"},
                    "text": {"field": "told"},
                    "tooltip": hover,
                },
            },
        ],
    }
    if len(case_ids) > 1:
        header = {"labelOrient": "top", "labelAnchor": "start", "title": None, "labelPadding": 4}
        by_case = {"field": "label", "type": "nominal", "sort": {"field": "case_place"}, "header": header}
        own = {"resolve": {"scale": {"y": "independent"}}}
        view = {"facet": by_case, "columns": 1, "spec": view, **own}
    return Chart(
        key=f"outcomes-{variable}",
        title=f"{variable}: what was observed",
        caption=_caption(
            run,
            variable,
            len(case_ids),
            len(of_cases),
            binned=binned,
            judged=present != [NOT_JUDGED],
            unseen=any(not row["count"] for row in rows),
        ),
        description=_description(variable, rows),
        spec=whole({"states": rows}, {"data": {"name": "states"}, **view}),
        section="outcomes",
    )


def _chosen(of_cases: Mapping[str, Sequence[State]]) -> list[str]:
    """Choose the cases that are drawn: those with a state that is not acceptable first, then by number of states."""
    if len(of_cases) <= MOST_CASES:
        return list(of_cases)

    def weight(case_id: str) -> tuple[int, int]:
        states = [each for each in of_cases[case_id] if each.count]
        bad = any(each.verdict in ("forbidden", "unknown") for each in states)
        odd = any(each.verdict == "interesting" for each in states)
        return (2 * bad + odd, len(states))

    chosen = set(sorted(of_cases, key=weight, reverse=True)[:MOST_CASES])
    return [case_id for case_id in of_cases if case_id in chosen]


def _rows(run: RunPicture, place: int, case_id: str, states: Sequence[State]) -> Iterator[dict[str, Any]]:
    label = run.frames.labels[case_id]
    of = states[0].observations
    bars = bars_of(states)
    for number_, (bar, name) in enumerate(zip(bars, unique(map(_name, bars)), strict=True)):
        interval = share_interval(bar.count, of)
        yield {
            "case": told(label),
            "label": short(label, 56, 2),
            "case_place": place,
            "place": number_,
            "state": name,
            "states": bar.states,
            "count": bar.count,
            "observations": of,
            "share": bar.count / of,
            "share_ci_low": interval.low,
            "share_ci_high": interval.high,
            "verdict": bar.verdict or NOT_JUDGED,
            "note": told(bar.note),
            "told": _told(bar, of, interval.high),
        }


def _told(bar: Bar, of: int, high: float) -> str:
    word = "" if bar.verdict is None else f", {bar.verdict}"
    if not bar.count:
        return f"never in {number(of)}: at most {share(high)}{word}"
    return f"{share(bar.count / of)}{word}"


def _name(bar: Bar) -> str:
    """Return what the axis says of a bar."""
    if bar.first is None and bar.states > 1:
        return f"{number(bar.states)} others"
    if bar.states > 1:
        return f"{state(bar.first)} … {state(bar.last)}"
    return state(bar.first) if not isinstance(bar.first, str) else short(state_text(bar.first), 30, 1)


def _caption(
    run: RunPicture, variable: str, shown: int, of: int, *, binned: bool, judged: bool, unseen: bool
) -> str:
    doc = run.header.declaration.outcomes[variable]
    parts = [f"{doc[:1].upper()}{doc[1:]}." if doc else ""]
    parts.append("Each bar is a state and how often the case's observations ended in it.")
    if judged:
        parts.append("The colour, and the word beside, is the verdict of the experiment's rules.")
    if unseen:
        parts.append(
            "Of a state that was never observed, the upper end of its share's 95 % interval is told."
        )
    if binned:
        parts.append(
            "Many states are put together in ranges; up to three acceptable ones stand by themselves."
        )
    if shown < of:
        parts.append(
            f"{shown:,} of {of:,} cases are drawn: those with forbidden or unknown states first, then interesting "
            "ones, then those with most states."
        )
    return " ".join(filter(None, parts))


def _description(variable: str, rows: Rows) -> str:
    by_case: dict[str, list[str]] = {}
    for row in rows:
        by_case.setdefault(row["case"] or "all trials", []).append(f"{row['state']}: {row['told']}")
    cases = "; ".join(
        f"{case}: {', '.join(bars[:6])}" + (" …" if len(bars) > 6 else "") for case, bars in by_case.items()
    )
    return f"Histogram of {variable} by case. {cases}."
