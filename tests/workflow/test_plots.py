"""The charts of a run in a notebook."""

import json

import pytest

import mprunner
from mprunner.errors import ResultsError
from mprunner.report import charts_of
from tests.report.pictured import stored
from tests.support import ROOT

RUNS = ROOT / "tests" / "golden" / "runs"


def loaded(name):
    (folder,) = (RUNS / name).glob("*")
    return mprunner.load(folder)


def test_the_charts_of_a_notebook_are_those_of_the_page():
    plot = loaded("bank").plot
    assert dict(plot) == {chart.key: chart for chart in charts_of(stored("bank"))}
    assert plot.strips() == plot["strips-wall_s"]
    assert plot.strips("lost_updates") == plot["strips-lost_updates"]
    assert plot.outcomes() == plot.outcomes("final_balance") == plot["outcomes-final_balance"]
    assert plot.odds().section == "odds"
    assert plot.noise().section == "noise"
    assert plot.timeline() == plot["timeline-slowest"]
    trial_id = loaded("bank").actors["trial_id"].iloc[0]
    assert plot.timeline(trial_id[:8]).key == f"timeline-{trial_id}"
    assert loaded("scaling").plot.speedup().key == "speedup"
    assert loaded("scaling").plot.lines("map_s").key == "lines-map_s-processes"


def test_a_notebook_is_given_the_spec_and_a_picture_beside_it(monkeypatch):
    monkeypatch.setattr(
        "mprunner.report.render._made", lambda kind, specs: [f"<svg>{kind} of {len(specs)}</svg>"]
    )
    chart = loaded("bank").plot.strips()
    bundle = chart._repr_mimebundle_()
    assert bundle["application/vnd.vegalite.v5+json"] == json.loads(json.dumps(chart.to_dict()))
    assert bundle["image/svg+xml"] == "<svg>svg of 1</svg>"
    assert bundle["text/plain"] == "<chart strips-wall_s: wall_s of every trial>"


def test_a_chart_that_a_run_has_not_is_told_with_what_it_has():
    plot = loaded("bank").plot
    with pytest.raises(ResultsError, match=r"^\S+ has no chart of speed-up$") as told:
        plot.speedup()
    assert told.value.hint.startswith("it has: strips-wall_s, ")
    with pytest.raises(ResultsError, match=r"has no chart of strips of the metric 'wal_s'$") as told:
        plot.strips("wal_s")
    assert told.value.hint == "did you mean 'wall_s'?"
    with pytest.raises(ResultsError, match="no trial with actors has an id that begins with 'zz'") as told:
        plot.timeline("zz")
    assert told.value.hint == "`.actors` has the ids of all trials with actors"


def test_several_runs_have_no_chart_and_the_newest_is_named():
    results = mprunner.load(RUNS / "compared")
    with pytest.raises(
        ResultsError, match=f"these are {len(results.runs)} runs, and a chart is of one"
    ) as told:
        results.plot  # noqa: B018 - it is the property that refuses
    assert told.value.hint == f"load one: mprunner.load({str(results.folders[-1])!r}).plot"
