"""The summary of a run for a terminal, or for whatever reads what would be on one."""

from typing import TYPE_CHECKING

from mprunner.report.run_summary import RunDigest
from mprunner.report.verdict import VerdictDigest

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


def render_summary(run: RunDigest) -> str:
    """Return a run's summary as plain text, a line per case, without a line end after its last line."""
    width = max((len(case.label) for case in run.cases), default=0)
    lines = [run.headline]
    for case in run.cases:
        told = "; ".join(part for part in (case.told, case.compared, case.failed) if part)
        lines.append(f"{case.label:{width}}   {told}" if width else told)
    lines += run.failures
    lines += run.wide
    if run.meaning:
        lines.append(f"({run.meaning})")
    lines.extend(run.fastest)
    lines.extend(f"noise: {noise}" for noise in run.noise)
    if run.verdict:
        lines.append(render_verdict(run.verdict))
    return "\n".join(lines)


def render_verdict(verdict: VerdictDigest) -> str:
    """Return a verdict as plain text, a line for each thing that it rests on."""
    return "\n".join([f"verdict: {verdict.verdict}", *(f"  {line}" for line in verdict.lines)])


def summary_table(run: RunDigest) -> "RenderableType":
    """Return a run's summary as a table that fits the width of the terminal that it is printed on."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only on a terminal
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_lines=False)
    table.add_column("case", style="bold")
    table.add_column("what happened")
    compares = any(case.compared for case in run.cases)
    if compares:
        table.add_column("compared with the baseline", style="cyan")
    for case in run.cases:
        told = Text(case.told)
        if case.failed:
            told.append(f"; {case.failed}", style="red")
        cells = [Text(case.label or "the only case"), told]
        table.add_row(*cells, *([Text(case.compared)] if compares else []))
    parts: list[RenderableType] = [Text(run.headline, style="bold")]
    if run.description:
        parts.append(Text(run.description, style="italic"))
    parts.append(table)
    parts += [Text(line, style="red") for line in run.failures]
    parts += [Text(line, style="yellow") for line in run.wide]
    if run.meaning:
        parts.append(Text(run.meaning, style="dim"))
    parts.extend(Text(told) for told in run.fastest)
    parts.extend(Text(f"noise: {noise}", style="yellow") for noise in run.noise)
    if run.verdict:
        parts.append(verdict_text(run.verdict))
    return Group(*parts)


def verdict_text(verdict: VerdictDigest) -> "Text":
    """Return a verdict in colour."""
    from rich.text import Text  # noqa: PLC0415 - only on a terminal

    text = Text(f"verdict: {verdict.verdict}", style="bold red" if verdict.fails else "bold green")
    for line in verdict.lines:
        text.append(f"\n  {line}", style="not bold red" if line.fails else "not bold default")
    return text
