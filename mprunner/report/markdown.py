"""A run as GitHub Flavored Markdown, for a pull request or a job's summary: verdict, what decided it, its cases.

Whatever comes from a run is text: its Markdown, HTML, mentions, references and links are escaped, so that it reads as
it is written and calls nobody.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from mprunner.model.text import printable
from mprunner.report.layout import Table
from mprunner.report.run_summary import RunDigest
from mprunner.runs import RunInfo

SHOWN_CASES: Final = 20
"""So many cases are seen at once; more are in a part that the reader opens."""
LONGEST: Final = 60_000
"""Characters: a comment on GitHub holds 65,536, a job's summary 1 MiB."""
LONGEST_TEXT: Final = 300
"""Characters of a cell or a line, before they are escaped."""

_SPECIAL: Final = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_START: Final = re.compile(r"^(?=[-+=#])|(?<=^[0-9])(?=[.)])|(?<=^[0-9]{2})(?=[.)])|(?<=^[0-9]{3})(?=[.)])")
_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_CALLS: Final = re.compile(
    r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=GH-)(?=\d)|(?<=:)(?=//|[\w+-]+:)|(?<=www)(?=\.)", re.IGNORECASE
)
_APART: Final = "&#8203;"  # a space of no width: GitHub looks for mentions after it has read entities
_SIGNS: Final = {"passed": "✅", "failed": "❌"}


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is: in a paragraph, an item of a list, or a cell of a table."""
    shown = printable(text).strip()
    escaped = _SPECIAL.sub(r"\\\g<0>", shown).translate(_HTML)
    return _CALLS.sub(_APART, _START.sub(r"\\", escaped))


def render_markdown(summary: RunDigest, run: RunInfo, verdict: str) -> str:
    """Return a run as Markdown that ends with a line end.

    Args:
        summary: the run in words.
        run: what its run.json says.
        verdict: ``passed`` or ``failed``.
    """
    told = verdict if summary.verdict is None else summary.verdict.verdict
    state = "" if run.is_finished else f" ({run.state})"
    parts = [
        f"### {_SIGNS.get(verdict, '')} {markdown_text(run.experiment)}: {told}{state}",
        markdown_text(summary.headline),
    ]
    parts += map(_short, summary.answers)
    if reasons := [
        *summary.reasons,
        *(line.text for line in (summary.verdict.lines if summary.verdict else ())),
    ]:
        parts.append(_list(reasons))
    if summary.description:
        parts.append(f"> {_short(summary.description)}")
    same = [f"the same in each case: {', '.join(summary.same)}"] if summary.same else []
    remarks = _list([*summary.meanings, *same])
    measured = _folded("How it was measured", _list([*summary.warnings, *_facts(run)]))
    budget = LONGEST - sum(map(len, [*parts, remarks, measured]))
    left_out = summary.left_out
    for table in summary.tables:
        head, rows = _head(table), list(_within(_rows(table), budget))
        budget -= sum(map(len, rows))
        left_out += len(table.rows) - len([row for row in rows if not row.startswith("| *")])
        parts.append("\n".join([*head, *rows[:SHOWN_CASES]]))
        if rows[SHOWN_CASES:]:
            more = "\n".join([*head, *rows[SHOWN_CASES:]])
            parts.append(_folded(f"{len(rows) - SHOWN_CASES:,} more cases", more))
    if left_out:
        parts.append(f"{left_out:,} cases are not shown here: `summary.csv` has all of them.")
    return "\n\n".join([*parts, *([remarks] if remarks else []), measured]) + "\n"


def _head(table: Table) -> list[str]:
    titles = [table.title, *(column.title for column in table.columns)]
    return [_row(map(_short, titles)), _row(["---", *(["---:"] * len(table.columns))])]


def _rows(table: Table) -> Iterator[str]:
    """Yield the rows of a table, and before those of a group what they have in common."""
    for group in table.groups:
        if group.heading:
            yield _row([f"*{_short(group.heading)}*", *([""] * len(table.columns))])
        for row in group.rows:
            label = _short(row.label or "the only case")
            yield _row([f"**{label}** {row.mark}" if row.mark else label, *map(_short, row.cells)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _within(lines: Iterable[str], budget: int) -> Iterator[str]:
    """Yield the first lines, as many as there is room for."""
    for line in lines:
        budget -= len(line) + 1
        if budget < 0:
            return
        yield line


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_short(line)}" for line in lines)


def _folded(title: str, text: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"


def _short(text: str) -> str:
    return markdown_text(text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…")


def _facts(run: RunInfo) -> Iterator[str]:
    """Say which run it is, on what it was measured, and how to repeat it, as far as run.json tells."""
    content = run.to_json()
    yield f"run {run.run_id}"
    versions = [
        f"{name} {content[key]}"
        for name, key in (("mprunner", "mprunner"), ("Python", "python"))
        if content.get(key)
    ]
    machine = [str(content[key]) for key in ("cpu", "os") if content.get(key)]
    if content.get("cpu_count"):
        machine.insert(1, f"{len(run.cpus) or content['cpu_count']} of {content['cpu_count']} CPUs")
    if versions or machine:
        yield ", ".join([*versions, *machine])
    git = content.get("git")
    if isinstance(git, dict) and git.get("revision"):
        yield f"revision {str(git['revision'])[:12]}{' with changes' if git.get('dirty') else ''}"
    argv = content.get("argv")
    if isinstance(argv, list) and argv:
        yield f"command: mprunner {shlex.join(map(str, argv[1:]))}"
