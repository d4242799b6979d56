"""A run as a page: the verdict first, then what was asked, measured and observed, and how to do it again."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from mprunner.analysis.diagnostics import failures
from mprunner.errors import guarded
from mprunner.model.records import label_of
from mprunner.report.cells import compared_field
from mprunner.report.charts import RunPicture
from mprunner.report.page import Drawn, Figure, charted, moment
from mprunner.report.page_tables import (
    Table,
    fixed,
    metric_tables,
    outcome_tables,
    shown_cases,
    swept,
)
from mprunner.report.page_words import words_of
from mprunner.report.wording import number, trials
from mprunner.runs import RunInfo, variant_in_words

_NARROW: Final = 24

_SECTIONS: Final = {
    "scaling": "How it scales",
    "outcomes": "What was observed",
    "timeline": "Inside a trial",
    "odds": "The odds of the race",
    "noise": "Noise and drift",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Trials that ended in the same way.

    Attributes:
        status: how.
        reason: why; empty where there is no more to say.
        told: how many of how many trials.
        log: the file that says more; empty where none does.
        tail: the end of it.
    """

    status: str
    reason: str
    told: str
    log: str
    tail: str


class Measured(NamedTuple):
    """A metric: its chart, where there is one, and what it came to in each case."""

    name: str
    figure: Figure | None
    table: Table

    @property
    def is_narrow(self) -> bool:
        """Whether the table has room beside the chart."""
        return all(len(row[0].text) <= _NARROW for row in self.table.rows)


class Verdict(NamedTuple):
    """The verdict in large type: ``passed``, ``failed`` or ``open``, and the word; of an open one the run's state."""

    kind: str
    word: str


def page_of_run(
    picture: RunPicture, info: RunInfo, drawn: Drawn, tails: Mapping[str, str], source: str
) -> str:
    """Return the page of a run.

    Args:
        picture: the run's tables.
        info: what its run.json says.
        drawn: its charts.
        tails: the ends of logs, by their names.
        source: the experiment's file.
    """
    header, frames = picture.header, picture.frames
    cases, first = shown_cases(frames), compared_field(header.declaration)
    tables = metric_tables(header, frames, picture.summary, cases)
    words = words_of(picture, info, cases)
    context = {
        "title": f"{info.experiment}: {_verdict(picture, info).word.lower()}",
        "info": info.content,
        "experiment": info.experiment,
        "scenario": header.declaration.name,
        "when": moment(info.started_at),
        "verdict": _verdict(picture, info),
        "words": words,
        "lesson": [" ".join(part.split()) for part in header.declaration.doc.split("\n\n") if part.strip()],
        "varied": swept(header, frames),
        "fixed": fixed(header, frames),
        "baseline": label_of(header.baseline, header.baseline) if header.baseline else "",
        "plan": guarded("what was planned", lambda: _plan(picture), ""),
        "machine": list(_machine(info)),
        "outcome_tables": tuple(outcome_tables(header, frames, picture.judgement, cases).values()),
        "failures": tuple(_failure_groups(picture, tails)),
        "commands": tuple(_commands(info)),
        "versions": tuple(_versions(info)),
        "source": source,
        "citation": _citation(info),
        "bibtex": _bibtex(info),
        "section_titles": _SECTIONS,
    }

    def with_charts(figures: Sequence[Figure]) -> dict[str, Any]:
        sections: dict[str, list[Figure]] = {name: [] for name in ("metrics", *_SECTIONS)}
        for figure in figures:
            sections.setdefault(figure.chart.section, []).append(figure)
        measured = _measured(sections["metrics"], tables, first.name if first else "")
        return {**context, "sections": sections, "measured": measured}

    return charted("run.html.jinja", drawn, with_charts)


def _measured(figures: Sequence[Figure], tables: Mapping[str, Table], first: str) -> list[Measured]:
    """Pair the charts of metrics with their tables, the metric in which cases are compared first.

    A metric without a value in any trial is left out.
    """
    drawn: dict[str, Figure] = {}
    for figure in figures:
        drawn.setdefault(figure.chart.key.partition("-")[2], figure)
    told = [name for name, table in tables.items() if any(row[1].value for row in table.rows)]
    told.sort(key=lambda name: name != first)
    return [Measured(name, drawn.get(name), tables[name]) for name in told]


def _verdict(picture: RunPicture, info: RunInfo) -> Verdict:
    verdict = picture.judgement.verdict
    if not any(picture.frames.statuses.values()):
        return Verdict("open", info.state.capitalize())
    if info.is_finished:
        return Verdict(verdict, verdict.capitalize())
    kind = "failed" if verdict == "failed" else "open"
    return Verdict(kind, f"{info.state.capitalize()}, {verdict} so far")


def _plan(picture: RunPicture) -> str:
    """Say how many trials of what were planned, and how they were executed."""
    experiment = picture.header.experiment
    cases = len(picture.frames.labels)
    parts = [f"{trials(picture.header.planned)} planned: {number(cases)} case{'' if cases == 1 else 's'}"]
    if experiment.get("repeats") is not None:
        at_most = "" if experiment.get("until") is None else "at most "
        parts.append(f"{at_most}{number(int(experiment['repeats']))} repeats each")
    if experiment.get("warmup"):
        parts.append(f"{trials(int(experiment['warmup']), 'warm-up ')} each")
    if experiment.get("order"):
        parts.append(f"{experiment['order']}")
    if experiment.get("timeout_s"):
        parts.append(f"timeout {number(float(experiment['timeout_s']))} s")
    if experiment.get("seed") is not None:
        parts.append(f"seed {experiment['seed']}")
    return ", ".join(parts) + "."


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of run.json, which may be of any version; empty where there is none."""
    part = run.get(name)
    return part if isinstance(part, Mapping) else {}


def _machine(info: RunInfo) -> Iterator[tuple[str, str]]:
    run = info.content
    build = _part(run, "python_build")
    gil = {"True": ", with a GIL", "False": ", without a GIL"}.get(str(build.get("gil_enabled")), "")
    if run.get("python"):
        yield "interpreter", f"{build.get('implementation', 'Python')} {run['python']}{gil}"
    for name, told in _part(run, "variants").items():
        yield f"variant {name}", variant_in_words(told)
    cpus = run.get("cpu_count")
    processor = ", ".join(filter(None, (run.get("cpu") or "", "" if cpus is None else _cpus(cpus))))
    if processor:
        yield "processor", processor
    if info.cpus and cpus != len(info.cpus):
        yield "CPUs of a trial", ", ".join(map(str, info.cpus))
    if run.get("os"):
        yield "system", str(run["os"])
    if info.host:
        yield "host", info.host
    if run.get("governor"):
        yield "governor", str(run["governor"])
    if load := info.content.get("load_at_start"):
        yield "load when it began", number(float(load[0]))
    if len(info.sessions) > 1:
        yield "resumed", f"{len(info.sessions) - 1} times"


def _cpus(cpus: int) -> str:
    return f"{number(cpus)} CPU{'' if cpus == 1 else 's'}"


def _failure_groups(picture: RunPicture, tails: Mapping[str, str]) -> Iterator[FailureGroup]:
    final = picture.frames.trials[picture.frames.trials["is_final"]]
    for each in failures(final)[:_MOST_GROUPS]:
        yield FailureGroup(
            status=each.status,
            reason=each.reason,
            told=f"{number(each.count)} of {trials(len(final))}",
            log=each.log,
            tail=tails.get(each.log, ""),
        )


_MOST_GROUPS: Final = 20


def logs_of(picture: RunPicture) -> list[str]:
    """Return the logs of which a page shows the end."""
    final = picture.frames.trials[picture.frames.trials["is_final"]]
    return [each.log for each in failures(final)[:_MOST_GROUPS] if each.log]


def _commands(info: RunInfo) -> Iterator[tuple[str, str]]:
    argv = info.content.get("argv")
    if isinstance(argv, list) and argv:
        name = Path(str(argv[0])).name
        yield "as it was executed", shlex.join([name, *map(str, argv[1:])])
    yield "from this folder alone", "mprunner run experiment.yaml"
    yield "its summary again", f"mprunner show {info.run_id}"


def _versions(info: RunInfo) -> Iterator[tuple[str, str]]:
    run = info.content
    plugin, git, packages = (_part(run, name) for name in ("plugin", "git", "packages"))
    yield "run", info.run_id
    if info.file:
        yield "file", info.file
    yield "mprunner", str(run.get("mprunner", "unknown"))
    if run.get("python"):
        yield "Python", str(run["python"])
    if plugin:
        told = " ".join(str(plugin[name]) for name in ("name", "version") if plugin.get(name))
        hashed = str(plugin.get("source_hash") or "")[:12]
        yield "plugin", f"{told}{hashed and f', source {hashed}'}"
    if git.get("revision"):
        yield "git revision", str(git["revision"])[:12] + (", with changes" if git.get("dirty") else "")
    for name in ("isolation", "containment"):
        if run.get(name):
            yield name, str(run[name])
    if packages:
        yield "packages", ", ".join(f"{name} {version}" for name, version in packages.items())


def _citation(info: RunInfo) -> str:
    run = info.content
    machine = ", ".join(text for name, text in _machine(info) if name in ("processor", "interpreter"))
    when = moment(info.started_at).partition(",")[0]
    return (
        f"{info.experiment}, run {info.run_id}"
        + (f", measured on {when}" if when else "")
        + f" with mprunner {run.get('mprunner', '')}".rstrip()
        + (f" ({machine})" if machine else "")
        + "."
    )


def _bibtex(info: RunInfo) -> str:
    year = info.started_at[:4]
    fields = {
        "title": f"{info.experiment}: run {info.run_id}",
        "year": year,
        "note": f"measured with mprunner {info.content.get('mprunner', '')}".rstrip(),
    }
    lines = [f"  {name} = {{{_for_tex(text)}}}" for name, text in fields.items() if text]
    return f"@misc{{{re.sub(r'[^A-Za-z0-9-]', '-', info.run_id)},\n" + ",\n".join(lines) + "\n}"


def _for_tex(text: str) -> str:
    return re.sub(r"([{}%&#_$\\])", r"\\\1", text)
