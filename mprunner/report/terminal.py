"""What stands on the terminal when a run has ended: a line on the run, then a line per case."""

from collections.abc import Mapping

import pandas as pd

from mprunner.analysis.sentence import fill_summary
from mprunner.analysis.statistics import Interval
from mprunner.analysis.summary import counted, partners_of
from mprunner.analysis.wording import comparison, trials
from mprunner.declarations import Declaration
from mprunner.escapes import printable
from mprunner.journal import Header
from mprunner.records import Status, label_of
from mprunner.tables import Frames

COMPARED_METRIC = "wall_s"
"""The metric in which a case is compared with its baseline, where the scenario has it."""


def render_summary(header: Header, frames: Frames, summary: pd.DataFrame) -> str:
    """Return the summary of a run as plain text, without a line end after its last line.

    Args:
        header: of the run's journal.
        frames: its tables.
        summary: what :func:`mprunner.analysis.summary.summarise` made of them.
    """
    final = frames.trials[frames.trials["is_final"]]
    measured = final[~final["is_warmup"]]
    labels = {case_id: printable(label) for case_id, label in frames.labels.items()}
    comparisons = _comparisons(header, frames, summary)
    width = max(map(len, labels.values()), default=0)
    lines = [_headline(header, final)]
    for case_id, label in labels.items():
        own = measured[measured["case_id"] == case_id]
        told = _case(own, header.declaration, comparisons.get(case_id))
        lines.append(f"{label:{width}}   {told}" if width else told)
    return "\n".join(lines)


def _headline(header: Header, final: pd.DataFrame) -> str:
    measured, warmup = final[~final["is_warmup"]], final[final["is_warmup"]]
    name = header.experiment.get("name", header.run_id)
    parts = [f"{name}: {header.declaration.name}, {_tallied(_tally(measured))}"]
    if len(warmup):
        parts.append(_tallied(_tally(warmup), "warm-up "))
    if len(final) < header.planned:
        parts.append(f"{header.planned - len(final):,} of {header.planned:,} planned not executed")
    return "; ".join(parts)


def _tally(rows: pd.DataFrame) -> Mapping[Status, int]:
    """Count the trials of each status, ok first and the others as documented."""
    counts = rows["status"].value_counts()
    return {status: int(counts[status.value]) for status in Status if status.value in counts}


def _tallied(tally: Mapping[Status, int], kind: str = "") -> str:
    count = sum(tally.values())
    if count == 0:
        return "no trial executed"
    if len(tally) == 1:
        return f"{trials(count, kind)}, {'all ' if count > 1 else ''}{next(iter(tally))}"
    counts = ", ".join(f"{n:,} {status}" for status, n in tally.items())
    return f"{trials(count, kind)}, {counts if Status.OK in tally else 'none ok: ' + counts}"


def _case(rows: pd.DataFrame, declaration: Declaration, compared: str | None) -> str:
    tally = _tally(rows)
    if Status.OK not in tally:
        return _tallied(tally)
    parts = [_sentence(counted(rows), declaration)]
    if compared:
        parts.append(compared)
    total = trials(len(rows))
    parts += [f"{count:,} of {total}: {status}" for status, count in tally.items() if status is not Status.OK]
    return "; ".join(parts)


def _sentence(rows: pd.DataFrame, declaration: Declaration) -> str:
    numeric = [field for field in declaration.metrics if field.type != "str"]
    template = declaration.summary or ", ".join(f"{field.name} {{{field.name}:median}}" for field in numeric)
    return fill_summary(
        template or f"{trials(len(rows))} ok",
        values={field.name: rows[field.name].dropna().tolist() for field in numeric},
        units={field.name: field.unit for field in numeric},
    )


def _comparisons(header: Header, frames: Frames, summary: pd.DataFrame) -> Mapping[str, str]:
    """Say, by case id, how a case's duration compares with that of its baseline.

    The baseline's case is named by what the experiment's baseline says and the case does not agree with.
    """
    told = {}
    partners = partners_of(frames, header)
    rows = summary[(summary["metric"] == COMPARED_METRIC) & summary["ratio"].notna()]
    for row in rows.to_dict("records"):
        interval = (
            None if pd.isna(row["ratio_ci_low"]) else Interval(row["ratio_ci_low"], row["ratio_ci_high"])
        )
        own, partner = frames.params[row["case_id"]], frames.params[partners[row["case_id"]]]
        differing = (name for name in header.experiment["baseline"] if own[name] != partner[name])
        other = printable(label_of(partner, differing))
        unit = "" if pd.isna(row["unit"]) else row["unit"]
        told[row["case_id"]] = comparison(COMPARED_METRIC, unit, row["ratio"], interval, other)
    return told
