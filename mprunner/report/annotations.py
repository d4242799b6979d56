"""What a run failed by, as annotations that GitHub Actions shows beside the experiment's file."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from mprunner.analysis.verdict import Finding, Judgement
from mprunner.errors import guarded
from mprunner.model.text import printable
from mprunner.report.findings import finding_text

MOST: Final = 10
"""GitHub shows so many errors of a step, and leaves out the others without a word."""


def annotations_of(
    judgement: Judgement, experiment: str, file: str, line_of: Callable[[Finding], int]
) -> Iterator[str]:
    """Yield a workflow command for each finding by which a run fails; of more than ten, the last one counts the rest.

    Args:
        judgement: what the run was judged to be.
        experiment: its name.
        file: the experiment's file, from the root of the repository.
        line_of: returns the line of the rule that a finding is about.
    """
    failing = [finding for finding in judgement.findings if finding.fails]
    shown = failing if len(failing) <= MOST else failing[: MOST - 1]
    for finding in shown:
        text = guarded("what a finding says", partial(finding_text, finding), finding.label)
        yield command("error", f"{finding.found}: {text}", file=file, line=line_of(finding), title=experiment)
    if len(shown) < len(failing):
        rest = len(failing) - len(shown)
        yield command(
            "error", f"{rest:,} more findings are in verdict.json", file=file, line=1, title=experiment
        )


def command(name: str, message: str, **properties: str | int) -> str:
    """Return a workflow command of GitHub Actions: ``::error file=bank.yaml,line=7::missed: …``.

    Escapes as GitHub's documentation says: ``%``, CR and LF everywhere, ``:`` and ``,`` in properties.
    """
    given = ",".join(f"{key}={_property(printable(str(value)))}" for key, value in properties.items())
    return f"::{name} {given}::{_data(printable(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
