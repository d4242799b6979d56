"""What a person reads after a run."""

from mprunner.report.comparison import (
    limits_in_words,
    notes,
    render_comparison,
    setting_differences,
    values_apart,
)
from mprunner.report.findings import cases_of, render_verdict, verdict_digest, verdict_json, verdict_text
from mprunner.report.junit import JudgedRun, write_junit
from mprunner.report.run_summary import digest, render_summary, summary_table

__all__ = [
    "JudgedRun",
    "cases_of",
    "digest",
    "limits_in_words",
    "notes",
    "render_comparison",
    "render_summary",
    "render_verdict",
    "setting_differences",
    "summary_table",
    "values_apart",
    "verdict_digest",
    "verdict_json",
    "verdict_text",
    "write_junit",
]
