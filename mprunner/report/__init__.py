"""What a person reads after a run."""

from mprunner.report.comparison import (
    limits_in_words,
    notes,
    render_comparison,
    values_apart,
)
from mprunner.report.findings import cases_of, verdict_digest, verdict_json, verdict_lines
from mprunner.report.junit import JudgedRun, write_junit
from mprunner.report.layout import PLAIN_WIDTH, Line, plain, styled
from mprunner.report.run_summary import digest, summary_lines

__all__ = [
    "PLAIN_WIDTH",
    "JudgedRun",
    "Line",
    "cases_of",
    "digest",
    "limits_in_words",
    "notes",
    "plain",
    "render_comparison",
    "styled",
    "summary_lines",
    "values_apart",
    "verdict_digest",
    "verdict_json",
    "verdict_lines",
    "write_junit",
]
