"""What was observed: how often each state, by verdict; many states in ranges, the legal ones kept apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Any, Final

from mprunner.analysis.statistics import share_interval
from mprunner.analysis.verdict import State
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import short, told, unique
from mprunner.report.charts.series import chosen_by_legend
from mprunner.report.charts.style import INK, Rows, tooltip, whole
from mprunner.report.wording import number, share, state
from mprunner.tables import state_text

MOST_STATES: Final = 12
"""More states of a case are put together in ranges."""
MOST_CASES: Final = 8
"""So many cases are drawn of each outcome."""
VERDICTS: Final = {
    "acceptable": "#2f7fc1",
    "interesting": "#c8700f",
    "forbidden": "#c4314b",
    "unknown": "#8a63b8",
    "not judged": "#6d7a8c",
}
"""The colour of each verdict; beside each bar stands its word too."""
_LEGAL: Final = "acceptable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One state, or several of the same verdict in a range.

    Attributes:
        state: what the axis says.
        count: how often they were observed.
        states: how many there are.
        verdict: theirs.
        note: of the rule; empty where there is none.
    """

    state: str
    count: int
    states: int
    verdict: str
    note: str = ""


def outcomes(run: RunPicture) -> list[Chart]:
    """Return a chart of each outcome that was observed."""
    found = []
    for variable in run.header.declaration.outcomes:
        of_cases = {
            case_id: of_case[variable]
            for case_id, of_case in run.judgement.states.items()
            if variable in of_case
        }
        if of_cases:
            found.append(_outcome(run, variable, of_cases))
    return found


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
            judged=present != ["not judged"],
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
    for number_, bar in enumerate(bars(states)):
        interval = share_interval(bar.count, of)
        yield {
            "case": told(label),
            "label": short(label, 56, 2),
            "case_place": place,
            "place": number_,
            "state": bar.state,
            "states": bar.states,
            "count": bar.count,
            "observations": of,
            "share": bar.count / of,
            "share_ci_low": interval.low,
            "share_ci_high": interval.high,
            "verdict": bar.verdict,
            "note": told(bar.note),
            "told": _told(bar, of, interval.high),
        }


def _told(bar: Bar, of: int, high: float) -> str:
    word = "" if bar.verdict == "not judged" else f", {bar.verdict}"
    if not bar.count:
        return f"never in {number(of)}: at most {share(high)}{word}"
    return f"{share(bar.count / of)}{word}"


def bars(states: Sequence[State]) -> list[Bar]:
    """Return the bars of a case: one per state; of many states ranges, and the legal ones by themselves."""
    made = _bars(states)
    names = unique([bar.state for bar in made])
    return [replace(bar, state=name) for bar, name in zip(made, names, strict=True)]


def _bars(states: Sequence[State]) -> list[Bar]:
    single = [_single(each) for each in states]
    if len(states) <= MOST_STATES:
        return single
    apart = {place for place, each in enumerate(states) if each.verdict == _LEGAL or not each.count}
    others = [each for place, each in enumerate(states) if place not in apart]
    if len(apart) > MOST_STATES or not all(isinstance(each.value, int | float) for each in others):
        return _most_frequent(states)
    return _ranges(states, apart)


def _single(each: State) -> Bar:
    name = state(each.value) if not isinstance(each.value, str) else short(state_text(each.value), 30, 1)
    return Bar(state=name, count=each.count, states=1, verdict=each.verdict or "not judged", note=each.note)


def _ranges(states: Sequence[State], apart: set[int]) -> list[Bar]:
    """Put the states that are not kept apart into ranges of equal width, one for each verdict in it."""
    values = [float(each.value or 0) for place, each in enumerate(states) if place not in apart]
    step = _nice((max(values) - min(values)) / (MOST_STATES - 2))
    if all(isinstance(each.value, int) for each in states):
        step = max(1.0, step)
    made: dict[tuple[float, str], list[State]] = {}
    order: list[tuple[float, Bar | tuple[float, str]]] = []
    for place, each in enumerate(states):
        value = float(each.value or 0) if not isinstance(each.value, str) else 0.0
        if place in apart:
            order.append((value, _single(each)))
            continue
        key = (floor(value / step) * step, each.verdict or "not judged")
        if key not in made:
            order.append((value, key))
        made.setdefault(key, []).append(each)
    return [bar if isinstance(bar, Bar) else _range(made[bar], bar[1]) for _, bar in order]


def _range(group: Sequence[State], verdict: str) -> Bar:
    first, last = group[0].value, group[-1].value
    name = state(first) if len(group) == 1 else f"{state(first)} … {state(last)}"
    return Bar(
        state=name,
        count=sum(each.count for each in group),
        states=len(group),
        verdict=verdict,
        note=group[0].note,
    )


def _nice(step: float) -> float:
    """Return 1, 2 or 5 times a power of ten that is not less."""
    if step <= 0:
        return 1.0
    power = 10.0 ** floor(log10(step))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= step)


def _most_frequent(states: Sequence[State]) -> list[Bar]:
    """Return the most frequent states, and of each verdict the others together."""
    ordered = sorted(range(len(states)), key=lambda place: -states[place].count)
    kept = set(ordered[: MOST_STATES - 2])
    made = [_single(each) for place, each in enumerate(states) if place in kept]
    others: dict[str, list[State]] = {}
    for place, each in enumerate(states):
        if place not in kept:
            others.setdefault(each.verdict or "not judged", []).append(each)
    for verdict, group in others.items():
        count = sum(each.count for each in group)
        made.append(
            Bar(state=f"{number(len(group))} others", count=count, states=len(group), verdict=verdict)
        )
    return made


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
        parts.append("Many states are put together in ranges; acceptable ones stand by themselves.")
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
