"""What a person reads after a run."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mprunner.report.comparison import (
    limits_in_words,
    notes,
    render_comparison,
    values_apart,
)
from mprunner.report.comparison_junit import write_compared
from mprunner.report.findings import cases_of, verdict_digest, verdict_json, verdict_lines
from mprunner.report.junit import JudgedRun, write_junit
from mprunner.report.layout import Line, plain, styled
from mprunner.report.run_summary import digest, summary_lines

if TYPE_CHECKING:
    from mprunner.report.annotations import annotations_of
    from mprunner.report.charts import Chart, RunPicture, charts_of, charts_of_comparison, timeline_of
    from mprunner.report.comparison_page import page_of_comparison
    from mprunner.report.index_page import MOST_RUNS, ListedRun, index_of_runs
    from mprunner.report.markdown import render_markdown
    from mprunner.report.page import SIGN, Drawn
    from mprunner.report.race_answers import race_answer
    from mprunner.report.render import javascript_bundle, pngs, svgs, write_images
    from mprunner.report.run_page import logs_of, page_of_run
    from mprunner.report.terminal_plots import draw_run, signs_for
    from mprunner.report.tune_answers import tune_answer

__all__ = [
    "MOST_RUNS",
    "SIGN",
    "Chart",
    "Drawn",
    "JudgedRun",
    "Line",
    "ListedRun",
    "RunPicture",
    "annotations_of",
    "cases_of",
    "charts_of",
    "charts_of_comparison",
    "digest",
    "draw_run",
    "index_of_runs",
    "javascript_bundle",
    "limits_in_words",
    "logs_of",
    "notes",
    "page_of_comparison",
    "page_of_run",
    "plain",
    "pngs",
    "race_answer",
    "render_comparison",
    "render_markdown",
    "signs_for",
    "styled",
    "summary_lines",
    "svgs",
    "timeline_of",
    "tune_answer",
    "values_apart",
    "verdict_digest",
    "verdict_json",
    "verdict_lines",
    "write_compared",
    "write_images",
    "write_junit",
]

_LATER: Final = {
    "annotations_of": "annotations",
    "Chart": "charts",
    "RunPicture": "charts",
    "charts_of": "charts",
    "charts_of_comparison": "charts",
    "timeline_of": "charts",
    "page_of_comparison": "comparison_page",
    "MOST_RUNS": "index_page",
    "ListedRun": "index_page",
    "index_of_runs": "index_page",
    "race_answer": "race_answers",
    "render_markdown": "markdown",
    "SIGN": "page",
    "Drawn": "page",
    "javascript_bundle": "render",
    "pngs": "render",
    "svgs": "render",
    "write_images": "render",
    "logs_of": "run_page",
    "page_of_run": "run_page",
    "draw_run": "terminal_plots",
    "signs_for": "terminal_plots",
    "tune_answer": "tune_answers",
}
"""The room of what draws pages and pictures: most commands print lines alone, and end sooner without it."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
