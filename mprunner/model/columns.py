"""Every column of mprunner's own tables, in one place: the tables, their description and the docs are made of it.

The columns of params, metrics and samples are declared by their scenario.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mprunner.model.declaration import IDENTIFIER, Declaration, Field, FieldType
from mprunner.model.relevance import conditions_in_words
from mprunner.values import Scalar

Role = Literal["key", "design", "status", "bookkeeping", "param", "metric", "sample", "outcome", "statistic"]
"""What a column is for:

- *key*: identifies a row, or the row of another table that it belongs to;
- *design*: which part of the plan a row is;
- *status*: what happened;
- *bookkeeping*: where, when and at what cost;
- *param*, *metric*, *sample*: what the scenario declares under that name;
- *outcome*: an observed state and how often it was seen;
- *statistic*: computed from rows of another table.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        type: of its values; any may be missing.
        role: what it is for.
        doc: its meaning, a phrase.
        unit: of its numbers, such as ``s``; empty where they have none.
        choices: its allowed values; empty where its type alone limits it.
    """

    type: FieldType
    role: Role
    doc: str
    unit: str = ""
    choices: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one table holds.

    Attributes:
        doc: what a row is.
        columns: its own columns by name, in order; those of params, metrics and samples are not among them.
        key: the columns that identify a row; empty where none do.
        refers_to: the table and the columns of it that rows refer to by the same names; None where there is none.
    """

    doc: str
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    refers_to: tuple[str, tuple[str, ...]] | None = None


_RUN: Final = {"run_id": Column("str", "key", "the run")}
_TRIAL: Final = {
    **_RUN,
    "trial_id": Column("str", "key", "the trial; the same in every run of the same trial"),
}
_EXPERIMENT: Final = {
    "experiment": Column("str", "design", "the experiment's name"),
    "scenario": Column("str", "design", "the scenario's name"),
}
_OF_CASE: Final = {
    "case_id": Column("str", "key", "the case; the same in every run of the same case"),
    "case_label": Column(
        "str", "design", "what tells the case from the run's others; empty for an only case"
    ),
}
_CASE: Final = {**_RUN, **_EXPERIMENT, **_OF_CASE}

_TRIALS: Final = {
    **_TRIAL,
    **_EXPERIMENT,
    **_OF_CASE,
    "repeat": Column("int", "design", "the index of the repeat, from 0; negative for warm-up trials"),
    "attempt": Column("int", "key", "which execution of the trial this is, from 1"),
    "is_final": Column("bool", "status", "whether this is the trial's last attempt"),
    "order": Column("int", "design", "the trial's place in the plan, from 0"),
    "is_warmup": Column("bool", "design", "whether this is a warm-up trial, which `summary.csv` leaves out"),
    "status": Column("str", "status", "what happened, see below"),
    "exit_code": Column("int", "status", "the worker's exit code; empty if a signal ended it"),
    "signal": Column("int", "status", "the number of the signal that ended the worker"),
    "error_type": Column("str", "status", "the type of the exception"),
    "error_message": Column("str", "status", "the exception's message, or what is wrong with the result"),
    "leaked": Column(
        "int", "status", "how many of the trial's processes outlived its worker; all were killed"
    ),
    "containment": Column(
        "str",
        "bookkeeping",
        "how the trial's processes were kept together: `subreaper` or `process-group`; like the times, it is "
        "empty for an attempt that was cut off because mprunner was killed",
    ),
    "python": Column(
        "str",
        "bookkeeping",
        "the interpreter that executed the attempt, such as `CPython 3.13.1` or `CPython 3.14.0 free-threading`; "
        "empty if there are `variants` and it sent no result",
    ),
    "gil_enabled": Column(
        "bool",
        "bookkeeping",
        "whether that interpreter executed one thread at a time when the attempt ended; empty without a result",
    ),
    "switch_interval_s": Column(
        "float",
        "bookkeeping",
        "after how long a thread let go of the GIL, when the attempt ended; empty without a result",
        "s",
    ),
    "host": Column("str", "bookkeeping", "the machine's name"),
    "started_at": Column(
        "str", "bookkeeping", "when the attempt was started: UTC, ISO 8601 with microseconds"
    ),
    # not wall_s: that is what scenarios call their own measurement
    "trial_wall_s": Column(
        "float", "bookkeeping", "from when the worker was given the trial to its end", "s"
    ),
    "cpu_user_s": Column("float", "bookkeeping", "user CPU time of the whole process tree", "s"),
    "cpu_system_s": Column("float", "bookkeeping", "system CPU time of the whole process tree", "s"),
    "max_process_rss_bytes": Column(
        "int", "bookkeeping", "peak memory of the largest process of the tree", "bytes"
    ),
    "others_cpu_s": Column(
        "float",
        "bookkeeping",
        "CPU time that other processes used meanwhile on the CPUs that it may use, in steps of 10 ms; empty "
        "where the system does not tell",
        "s",
    ),
    "seed": Column("int", "design", "the seed of the trial's random generator"),
}
_ACTORS: Final = {
    **_TRIAL,
    "actor": Column("int", "key", "the actor's index within the trial, from 0"),
    # not kind: that is a param of scenarios, for what their actors are
    "started_by": Column(
        "str", "design", "how it was started: `fork`, `spawn`, `forkserver`, `thread` or `interpreter`"
    ),
    "pid": Column("int", "bookkeeping", "the id of its process; a thread or an interpreter has its worker's"),
    "start_latency_s": Column(
        "float", "metric", "from the call that started it to its first instruction", "s"
    ),
    "start_skew_s": Column("float", "metric", "how long after the first actor it began its first round", "s"),
    "wall_s": Column(
        "float",
        "metric",
        "from the beginning of its first round to the end of its last, waiting included",
        "s",
    ),
    "cpu_s": Column("float", "metric", "CPU time between the same moments, spinning included", "s"),
    "rounds": Column("int", "metric", "how many rounds it finished"),
    "exit_code": Column("int", "status", "the exit code of its process; negative if a signal ended it"),
    "error_type": Column("str", "status", "the type of the exception that ended it"),
}
_OUTCOMES: Final = {
    **_CASE,
    "variable": Column("str", "key", "the outcome variable"),
    "value": Column(
        "str",
        "key",
        "the state, written as text; in quotes if the state is a text that could be taken for a number, `True`, "
        "`False`, `None` or a text in quotes",
    ),
    "count": Column("int", "outcome", "how often it was observed"),
    # not rounds: that is a param of scenarios whose actors start over
    "observations": Column("int", "outcome", "how many observations of that variable the case has"),
    "share": Column("float", "outcome", "`count` divided by `observations`"),
    "share_ci_low": Column("float", "outcome", "the lower end of the share's exact 95 % interval"),
    "share_ci_high": Column("float", "outcome", "the upper end of that interval"),
    "verdict": Column(
        "str",
        "status",
        "what the first rule that applies says of the state: `acceptable`, `interesting` or `forbidden`; "
        "`unknown` if no rule applies; empty if the variable has no rules",
    ),
    "note": Column("str", "status", "the note of that rule"),
}
_SUMMARY: Final = {
    **_CASE,
    "metric": Column("str", "key", "the metric"),
    "unit": Column("str", "bookkeeping", "the metric's unit"),
    # not n: that is a param of scenarios that count
    "trials": Column("int", "statistic", "how many of those trials have a value of the metric"),
    "median": Column("float", "statistic", "the median of these values, in the metric's unit"),
    "mean": Column("float", "statistic", "their mean, in the metric's unit"),
    "sd": Column("float", "statistic", "their sample standard deviation, in the metric's unit"),
    "min": Column("float", "statistic", "the smallest value, in the metric's unit"),
    "max": Column("float", "statistic", "the largest value, in the metric's unit"),
    "ci_low": Column(
        "float",
        "statistic",
        "the lower end of the median's 95 % interval; empty for fewer than five values",
    ),
    "ci_high": Column("float", "statistic", "the upper end of that interval"),
    "ratio": Column(
        "float",
        "statistic",
        "in each repeat, the case's value divided by that of the baseline's case; the median of these ratios",
    ),
    "ratio_ci_low": Column("float", "statistic", "the lower end of the ratio's 95 % interval"),
    "ratio_ci_high": Column("float", "statistic", "the upper end of that interval"),
    "speedup": Column(
        "float",
        "statistic",
        "for durations: 1 / `ratio`, how many times faster the case is than the baseline's; only where both do as "
        "much work",
    ),
    "speedup_ci_low": Column("float", "statistic", "the lower end of the speed-up's 95 % interval"),
    "speedup_ci_high": Column("float", "statistic", "the upper end of that interval"),
    "efficiency": Column(
        "float",
        "statistic",
        "`speedup` divided by the number of processes; only where a param counts them, the baseline's case works "
        "alone, and the case itself does not",
    ),
}

MEASURED: Final[Mapping[str, Column]] = {
    name: _TRIALS[name] for name in ("trial_wall_s", "cpu_user_s", "cpu_system_s", "max_process_rss_bytes")
}
"""What mprunner itself measures of every trial: summary.csv has it beside the scenario's metrics."""

_OF_A_TRIAL: Final = ("trials", ("run_id", "trial_id"))

TABLES: Final[Mapping[str, Table]] = {
    "trials": Table(
        doc="A row per attempt of a trial.", columns=_TRIALS, key=("run_id", "trial_id", "attempt")
    ),
    "actors": Table(
        doc="A row per actor of a trial's last attempt.",
        columns=_ACTORS,
        key=("run_id", "trial_id", "actor"),
        refers_to=_OF_A_TRIAL,
    ),
    "outcomes": Table(
        doc="A row per case, outcome variable and observed value.",
        columns=_OUTCOMES,
        key=("run_id", "case_id", "variable", "value"),
        refers_to=("trials", ("run_id", "case_id")),
    ),
    "samples": Table(
        doc="A row per sample of a trial's last attempt, in the order in which they were taken.",
        columns=_TRIAL,
        refers_to=_OF_A_TRIAL,
    ),
    "summary": Table(
        doc="A row per case and metric, over the final ok trials that are no warm-up; the last metrics of a case are "
        "those that mprunner measures itself.",
        columns=_SUMMARY,
        key=("run_id", "case_id", "metric"),
        refers_to=("trials", ("run_id", "case_id")),
    ),
}
"""The tables of a run in their order, by the name of their file without its ``.csv``."""

RESERVED: Final = frozenset(name for table in TABLES if table != "actors" for name in TABLES[table].columns)
"""Columns of mprunner's own in the tables where params, metrics or sample fields are columns too."""


def refuse_unfit(declaration: Declaration) -> None:
    """Refuse what no scenario declares: a column's name that is none, is mprunner's own or given twice.

    Raises:
        ValueError: the message names it.
    """
    for fields in ((*declaration.params, *declaration.metrics), declaration.sample or ()):
        counts = Counter(each.name for each in fields)
        for name, count in counts.items():
            if count > 1 or name in RESERVED or not IDENTIFIER.match(name):
                raise ValueError(f"declaration: {name!r} can't be the name of one column")


def columns_of(table: str, declaration: Declaration) -> dict[str, Column]:
    """Return all columns of a table in order: its own, and those that the scenario declares."""
    own, params = TABLES[table].columns, _declared("param", declaration.params)
    match table:
        case "trials":
            return {**own, **params, **_declared("metric", declaration.metrics)}
        case "actors":
            return {**own}
        case "samples":
            return {**own, **_declared("sample", declaration.sample or ())}
        case _:
            return {**_CASE, **params, **own}


def types_of(table: str, declaration: Declaration) -> dict[str, FieldType]:
    """Return the type of each of those columns."""
    return {name: column.type for name, column in columns_of(table, declaration).items()}


def _declared(role: Role, fields: Iterable[Field]) -> dict[str, Column]:
    return {
        each.name: Column(each.type, role, _meaning(each), each.unit, each.choices or ()) for each in fields
    }


def _meaning(field: Field) -> str:
    """Return what a column means; of a param also with which values of others: without these it has a value, too."""
    conditions = "; ".join(conditions_in_words(field))
    return " ".join(part for part in (field.doc, f"({conditions})" if conditions else "") if part)
