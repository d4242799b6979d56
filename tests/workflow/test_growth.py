"""What telling a run costs, counted in calls: nothing asks a whole table for each of its cases."""

import os
import sys
from contextlib import contextmanager

import pandas as pd

from mprunner.analysis.comparison import compare_runs
from mprunner.analysis.samples import measured
from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import judge, outcomes_table
from mprunner.cli.show import tables_json
from mprunner.model.records import Status
from mprunner.model.rules import Rules
from mprunner.report import cases_of, digest, plain, render_comparison, summary_lines
from mprunner.tables import build_frames
from mprunner.workflow.tabulate import Tabled
from tests import made

PANDAS = os.path.dirname(pd.__file__)
FEW, MANY = 100, 400


@contextmanager
def counting():
    """Count the calls of functions of pandas, and of any."""
    counts = {"pandas": 0, "any": 0}

    def count(frame, event, argument):
        if event == "call":
            counts["any"] += 1
            counts["pandas"] += frame.f_code.co_filename.startswith(PANDAS)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield counts
    finally:
        sys.setprofile(before)


def run_of(cases):
    """A run of so many cases, each of which fails in its last of four repeats."""
    guards = ["none", *(f"guard {number}" for number in range(cases - 1))]
    records = [
        made.record(
            guard,
            repeat,
            order=4 * place + repeat,
            status=Status.ERROR if repeat == 3 else Status.OK,
            metrics={"wall_s": 1 + repeat / 7, "lost_updates": repeat},
            outcomes=[made.outcome(100 + repeat)],
        )
        for place, guard in enumerate(guards)
        for repeat in range(4)
    ]
    return made.run(*records, planned=4 * cases, baseline={"guard": "none"})


def tell(run):
    """Make the tables of a run and tell them in every way."""
    frames, header = build_frames(run), run.header
    judgement = judge(frames, Rules())
    tabled = Tabled(
        header=header,
        frames=frames,
        outcomes=outcomes_table(frames, header, judgement.states),
        summary=summarise(frames, header),
        judgement=judgement,
    )
    assert plain(summary_lines(digest(header, frames, tabled.summary, judgement), 80))
    assert len(tables_json(tabled)["cases"]) == len(cases_of(frames)) == len(frames.labels)
    side = measured(frames, header)
    assert render_comparison(compare_runs([side], [side], ["wall_s"]))


def calls_for(cases):
    run = run_of(cases)
    with counting() as counts:
        tell(run)
    return counts


def test_four_times_the_cases_need_no_more_calls_of_pandas_and_four_times_as_many_of_all():
    tell(run_of(5))  # what is made once
    few, many = calls_for(FEW), calls_for(MANY)
    assert many["pandas"] < 1.2 * few["pandas"]
    assert many["any"] < 4.4 * few["any"]
