"""Runs for tests of charts: the tables of a stored run, or of one that is made up, as charts are made of them."""

from functools import lru_cache

from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import judge, outcomes_table
from mprunner.report import RunPicture
from mprunner.runs import RunFolder
from mprunner.tables import Collector, build_frames
from mprunner.workflow.tabulate import tabulate
from tests.made import run
from tests.support import ROOT


@lru_cache
def stored(name):
    """Return the picture of a stored run."""
    (folder,) = (ROOT / "tests" / "golden" / "runs" / name).glob("*")
    collector = Collector()
    tabled = tabulate(RunFolder(folder), begin=collector)
    return _picture(
        tabled.header, tabled.frames, tabled.summary, tabled.outcomes, tabled.judgement, collector
    )


def made(*records, **options):
    """Return the picture of a run that left these records."""
    of = run(*records, **options)
    collector = Collector()
    frames = build_frames(of, begin=collector)
    judgement = judge(frames, of.header.rules)
    outcomes = outcomes_table(frames, of.header, judgement.states)
    return _picture(of.header, frames, summarise(frames, of.header), outcomes, judgement, collector)


def _picture(header, frames, summary, outcomes, judgement, collector):
    collected = collector.frames()
    return RunPicture(
        header=header,
        frames=frames,
        summary=summary,
        outcomes=outcomes,
        judgement=judgement,
        actors=collected["actors"],
        samples=collected.get("samples"),
    )
