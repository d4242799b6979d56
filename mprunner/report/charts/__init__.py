"""Charts: pictures of a run as Vega-Lite specs, made of its tables alone. Nothing here draws; see ``render``."""

from functools import partial
from itertools import chain

from mprunner.errors import guarded
from mprunner.report.charts.chart import Chart, RunPicture
from mprunner.report.charts.compared import charts_of_comparison
from mprunner.report.charts.lines import lines
from mprunner.report.charts.noise import noise
from mprunner.report.charts.odds import odds
from mprunner.report.charts.outcomes import outcomes
from mprunner.report.charts.scaling import scaling
from mprunner.report.charts.strips import strips
from mprunner.report.charts.timeline import Offered, offered, timeline_of, timelines

__all__ = [
    "Chart",
    "Offered",
    "RunPicture",
    "charts_of",
    "charts_of_comparison",
    "offered",
    "outcomes",
    "scaling",
    "strips",
    "timeline_of",
]

_KINDS = (strips, scaling, lines, outcomes, odds, timelines, noise)


def charts_of(run: RunPicture) -> tuple[Chart, ...]:
    """Return the charts of a run, in the order in which a page shows them.

    A kind that fails costs its own charts and a warning, not the page.
    """
    nothing: list[Chart] = []
    made = (guarded(f"the chart of {kind.__name__}", partial(kind, run), nothing) for kind in _KINDS)
    return tuple(chain.from_iterable(made))
