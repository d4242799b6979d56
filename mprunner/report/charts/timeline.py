"""What the actors of one trial did when: how long each took to start, how late it began, how long it worked.

When an actor was started is not recorded, only how long it took from there to its first instruction. So its start is
drawn on an axis of its own, beside the work, whose beginning and end are known of all actors of a trial.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from mprunner.analysis.statistics import median_of
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.report.cells import compared_field
from mprunner.report.charts.axes import scale_of
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.labels import short, spread, told
from mprunner.report.charts.strips import records
from mprunner.report.charts.style import ACCENT, INK, LINE, STRONG, Spec, rows_axis, tooltip, whole
from mprunner.report.wording import number, quantity
from mprunner.tables import plain_cells

MOST_TRIALS: Final = 8
"""So many trials of a run are offered."""
MOST_ACTORS: Final = 40
"""So many actors of a trial are drawn."""
_TOLD_ACTORS: Final = 8
_COLUMNS: Final = (
    "actor", "started_by", "start_latency_s", "start_skew_s", "wall_s", "cpu_s", "rounds", "exit_code", "error_type",
)  # fmt: skip
_DURATION: Final = Field(name="time", type="float", unit="s")


class Offered(NamedTuple):
    """A trial whose timeline a reader can choose: which one it is, in words, and the key of its chart."""

    key: str
    words: str
    trial_id: str


def offered(run: RunPicture) -> list[Offered]:
    """Return trials that had actors: the slowest ok one, the first that was not ok, and the median one of cases.

    Of many cases they are those spread evenly over the plan, so that there are at most :data:`MOST_TRIALS` in all.
    """
    with_actors = set(plain_cells(run.actors["trial_id"]))
    final = run.frames.trials
    final = final[final["is_final"] & final["trial_id"].isin(list(with_actors))]
    field = compared_field(run.header.declaration)
    duration = "trial_wall_s" if field is None or field.unit != "s" else field.name
    ok: dict[str, list[tuple[float, str]]] = {}
    failed = ""
    names = ("trial_id", "case_id", "status", "is_warmup", duration)
    for trial_id, case_id, status, is_warmup, value in zip(
        *(plain_cells(final[n]) for n in names), strict=True
    ):
        if status != Status.OK:
            failed = failed or trial_id
        elif value is not None and not is_warmup:
            ok.setdefault(case_id, []).append((float(value), trial_id))
    found = []
    if ok:
        _, slowest = max(each for own in ok.values() for each in own)
        found.append(Offered("slowest", "the slowest trial", slowest))
    if failed:
        found.append(Offered("failed", "a trial that was not ok", failed))
    for place, case_id in enumerate(spread(list(ok), MOST_TRIALS - len(found))):
        middle = median_of([value for value, _ in ok[case_id]])
        _, trial_id = min(ok[case_id], key=lambda each: (abs(each[0] - middle), each[1]))
        label = run.frames.labels[case_id]
        of = f" of {short(label, 60, 1)}" if label else ""
        found.append(Offered(f"median-{place + 1}", f"the median trial{of}", trial_id))
    return found


def timelines(run: RunPicture) -> list[Chart]:
    """Return the timelines of the trials that are offered."""
    return [timeline_of(run, each.trial_id, each) for each in offered(run)]


def timeline_of(run: RunPicture, trial_id: str, which: Offered | None = None) -> Chart:
    """Return the timeline of the actors of a trial.

    Args:
        run: the run.
        trial_id: the trial; it may be the beginning of its id.
        which: what it is called; its id without it.

    Raises:
        ValueError: there is no such trial, or it had no actors.
    """
    ids = dict.fromkeys(plain_cells(run.actors["trial_id"]))
    matching = [each for each in ids if each == trial_id] or [
        each for each in ids if each.startswith(trial_id)
    ]
    if len(matching) != 1:
        found = f"{len(matching):,} trials with actors have" if matching else "no trial with actors has"
        raise ValueError(f"{found} an id that begins with {trial_id!r}")
    trial_id = matching[0]
    which = which or Offered(trial_id, f"trial {trial_id}", trial_id)
    actors = run.actors[run.actors["trial_id"] == trial_id]
    rows = [_row(cells) for cells in records(actors, _COLUMNS)]
    shown = rows[:MOST_ACTORS]
    trial = run.frames.trials[(run.frames.trials["trial_id"] == trial_id) & run.frames.trials["is_final"]]
    about = records(trial, ("case_id", "repeat", "status", "trial_wall_s"))[0]
    return Chart(
        key=f"timeline-{which.key}",
        title=f"{which.words[:1].upper()}{which.words[1:]}",
        caption=_caption(run, about, len(shown), len(rows)),
        description=f"Timeline of the {len(rows):,} actors of {which.words}. {_told(rows)}",
        spec=whole({"actors": shown}, {"hconcat": list(_panels(shown))}),
        section="timeline",
    )


def _row(cells: Mapping[str, Any]) -> dict[str, Any]:
    skew, wall = cells["start_skew_s"], cells["wall_s"]
    ended = ""
    if cells["error_type"]:
        ended = cells["error_type"]
    elif cells["exit_code"]:
        code = cells["exit_code"]
        ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return {
        "row": f"actor {cells['actor']}",
        **{name: value for name, value in cells.items() if name not in ("exit_code", "error_type")},
        "zero": 0,
        "end_s": None if skew is None or wall is None else skew + wall,
        "ended": told(ended) or "well",
    }


def _panels(rows: list[dict[str, Any]]) -> Iterator[Spec]:
    labels = [row["row"] for row in rows]
    hover = tooltip(
        ("row", "actor"), ("started_by", "started as"), ("start_latency_s", "start latency (s)", ".4~g"),
        ("start_skew_s", "began after the first (s)", ".4~g"), ("wall_s", "worked (s)", ".4~g"),
        ("cpu_s", "CPU time (s)", ".4~g"), ("rounds", "rounds", ","), ("ended", "ended"),
    )  # fmt: skip
    latencies = [row["start_latency_s"] for row in rows if row["start_latency_s"] is not None]
    ends = [row["end_s"] for row in rows if row["end_s"] is not None]
    step = 26 if len(rows) <= 12 else 16
    bar = {"type": "bar", "height": {"band": 0.62}, "cornerRadius": 2}
    left = _from_zero("start-up", latencies)
    right = _from_zero("since the first actor began", ends)
    size = {"data": {"name": "actors"}, "height": {"step": step}}
    color = {
        "condition": {"test": {"field": "ended", "equal": "well"}, "value": ACCENT},
        "value": STRONG,
    }
    yield {
        **size,
        "width": 130,
        "mark": {**bar, "color": LINE},
        "encoding": {
            "y": rows_axis(labels),
            "x": {**left, "field": "start_latency_s"},
            "tooltip": hover,
        },
    }
    yield {
        **size,
        "width": 300,
        "encoding": {"y": rows_axis(labels, has_labels=False)},
        "layer": [
            {
                "mark": {"type": "rule", "strokeDash": [2, 2], "color": LINE},
                "encoding": {"x": {**right, "field": "zero"}, "x2": {"field": "start_skew_s"}},
            },
            {
                "mark": bar,
                "encoding": {
                    "x": {**right, "field": "start_skew_s"},
                    "x2": {"field": "end_s"},
                    "color": color,
                    "tooltip": hover,
                },
            },
            {
                "transform": [{"filter": {"not": {"field": "ended", "equal": "well"}}}],
                "mark": {"type": "text", "align": "left", "dx": 5, "color": INK, "limit": 160},
                "encoding": {"x": {**right, "field": "end_s"}, "text": {"field": "ended"}},
            },
        ],
    }


def _from_zero(title: str, values: list[float]) -> Spec:
    scale = scale_of(_DURATION, [0.0, *values])
    channel = scale.channel("", tickCount=4)
    unit = scale.title.partition("(")[2].rstrip(")")
    return {
        "type": "quantitative",
        "scale": {"domain": [0, max(values, default=0) or 1], "nice": True},
        "axis": {**channel["axis"], "title": f"{title} ({unit})"},
    }


def _caption(run: RunPicture, about: Mapping[str, Any], shown: int, of: int) -> str:
    label = run.frames.labels[about["case_id"]]
    where = ", ".join(filter(None, (told(label), f"repeat {about['repeat']}", str(about["status"]))))
    took = "" if about["trial_wall_s"] is None else f", {quantity(float(about['trial_wall_s']), 's')} in all"
    parts = [
        f"{where[:1].upper()}{where[1:]}{took}.",
        "Left: how long each actor took from the call that started it to its first instruction.",
        "Right: its work, from its first round to the end of its last; dashed is how late it began.",
        f"{shown:,} of {of:,} actors are drawn, the first ones." if shown < of else "",
    ]
    return " ".join(filter(None, parts))


_SAID: Final = (("start_latency_s", "started in"), ("start_skew_s", "began after"), ("wall_s", "worked"))


def _told(rows: list[dict[str, Any]]) -> str:
    sentences = []
    for row in rows[:_TOLD_ACTORS]:
        known = [
            f"{words} {quantity(float(row[name]), 's')}"
            for name, words in (
                ("start_latency_s", "started in"),
                ("start_skew_s", "began after"),
                ("wall_s", "worked"),
            )
            if row[name] is not None
        ]
        ended = [] if row["ended"] == "well" else [row["ended"]]
        sentences.append(f"{row['row']}: {', '.join(known + ended) or 'nothing known'}.")
    more = len(rows) - len(sentences)
    return " ".join(sentences) + (f" And {number(more)} more." if more > 0 else "")
