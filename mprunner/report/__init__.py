"""What a person reads after a run."""

from mprunner.report.cases import cases_of
from mprunner.report.comparison import notes, render_comparison
from mprunner.report.findings import verdict_json
from mprunner.report.junit import JudgedRun, write_junit
from mprunner.report.run_summary import digest
from mprunner.report.terminal import render_summary, render_verdict, summary_table, verdict_text
from mprunner.report.verdict import verdict_digest

__all__ = [
    "JudgedRun",
    "cases_of",
    "digest",
    "notes",
    "render_comparison",
    "render_summary",
    "render_verdict",
    "summary_table",
    "verdict_digest",
    "verdict_json",
    "verdict_text",
    "write_junit",
]
