"""What a person reads after a run."""

from mprunner.report.annotations import annotations
from mprunner.report.charts import Chart, RunPicture, charts_of, charts_of_comparison, timeline
from mprunner.report.comparison import (
    limits_in_words,
    notes,
    render_comparison,
    values_apart,
)
from mprunner.report.comparison_junit import write_compared
from mprunner.report.comparison_page import comparison_page
from mprunner.report.findings import cases_of, verdict_digest, verdict_json, verdict_lines
from mprunner.report.index_page import MOST_RUNS, ListedRun, index_page
from mprunner.report.junit import JudgedRun, write_junit
from mprunner.report.layout import Line, plain, styled
from mprunner.report.markdown import render_markdown
from mprunner.report.page import SIGN, Drawn
from mprunner.report.render import javascript_bundle, pngs, svgs, write_images
from mprunner.report.run_page import logs_of, run_page
from mprunner.report.run_summary import digest, summary_lines
from mprunner.report.terminal_plots import draw_run, signs_for

__all__ = [
    "MOST_RUNS",
    "SIGN",
    "Chart",
    "Drawn",
    "JudgedRun",
    "Line",
    "ListedRun",
    "RunPicture",
    "annotations",
    "cases_of",
    "charts_of",
    "charts_of_comparison",
    "comparison_page",
    "digest",
    "draw_run",
    "index_page",
    "javascript_bundle",
    "limits_in_words",
    "logs_of",
    "notes",
    "plain",
    "pngs",
    "render_comparison",
    "render_markdown",
    "run_page",
    "signs_for",
    "styled",
    "summary_lines",
    "svgs",
    "timeline",
    "values_apart",
    "verdict_digest",
    "verdict_json",
    "verdict_lines",
    "write_compared",
    "write_images",
    "write_junit",
]
