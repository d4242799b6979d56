"""With what a run was executed: its machine, its interpreter, its code; and in what two of them differ."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from mprunner.model.provenance import Difference
from mprunner.runs.run_info import RunInfo

Setting = tuple[tuple[str, tuple[str, ...]], ...]
"""Facts by name, each as text; several where the sessions of a run differ in it."""

ENVIRONMENT: Final = (
    "mprunner",
    "Python",
    "implementation of Python",
    "compiler of Python",
    "GIL",
    "host",
    "system",
    "CPU",
    "CPUs",
    "CPUs allowed",
    "CPUs of a trial",
    "CPU quota",
    "governor",
    "containment",
    "isolation",
)
"""What must be the same of two runs for the machine's drift to be: where and by what they were executed."""
CODE: Final = ("plugin", "source of the plugin")
"""What must be the same of two runs for their medians to differ by nothing but drift."""


def environment_of(run: RunInfo) -> Setting:
    """Return under what a run was executed: of the facts in :data:`ENVIRONMENT` those that run.json says."""
    return _chosen(run, ENVIRONMENT)


def code_of(run: RunInfo) -> Setting:
    """Return what was executed, as far as it is the plugin's."""
    return _chosen(run, CODE)


def _chosen(run: RunInfo, names: Sequence[str]) -> Setting:
    facts = _of_side([_setting(session, {}) for session in run.sessions])
    return tuple((name, tuple(facts[name])) for name in names if name in facts)


def setting_differences(
    base: Sequence[tuple[RunInfo, Mapping[str, Any]]], new: Sequence[tuple[RunInfo, Mapping[str, Any]]]
) -> tuple[Difference, ...]:
    """Return in what the runs of two sides differ; also where runs of one side do, or the sessions of a run.

    What one side does not say, as a run of an earlier version may not, is not known to differ.

    Args:
        base: of each run what its run.json says, and the experiment of its journal's header.
        new: likewise.
    """
    ours, theirs = (
        _of_side([_setting(session, planned) for run, planned in runs for session in run.sessions])
        for runs in (base, new)
    )
    return tuple(
        Difference(what=name, then=" or ".join(ours[name]), now=" or ".join(theirs[name]))
        for name in ours
        if name in theirs and len({*ours[name], *theirs[name]}) > 1
    )


def _of_side(settings: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for one in settings for name in one)
    return {name: sorted({one[name] for one in settings if name in one}) for name in names}


def _setting(session: Mapping[str, Any], planned: Mapping[str, Any]) -> dict[str, str]:
    """Return where and with what a session was executed, as far as run.json says so."""
    facts = chain(_facts(session), _planned(planned), _part(session, "packages").items())
    return {name: text for name, value in facts if (text := _text(value))}


def _facts(run: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    plugin, git, build = (_part(run, name) for name in ("plugin", "git", "python_build"))
    yield "mprunner", run.get("mprunner")
    yield "Python", run.get("python")
    yield "implementation of Python", build.get("implementation")
    yield "compiler of Python", build.get("compiler")
    yield "GIL", {"True": "on", "False": "off"}.get(_text(build.get("gil_enabled")))
    for name, told in _part(run, "variants").items():
        yield f"variant {name}", variant_in_words(told)
    yield "host", run.get("host")
    yield "system", run.get("os")
    yield "CPU", run.get("cpu")
    yield "CPUs", run.get("cpu_count")
    yield "CPUs allowed", len(_list(run, "cpus_usable")) or None
    yield "CPUs of a trial", ", ".join(map(str, _list(run, "cpus")))
    yield "CPU quota", run.get("cpu_quota")
    yield "governor", run.get("governor")
    yield "plugin", " ".join(_text(plugin.get(name)) for name in ("name", "version")).strip()
    yield "source of the plugin", _text(plugin.get("source_hash"))[:12]
    yield "git revision", _text(git.get("revision"))[:12] + (", changed" if git.get("dirty") else "")
    for name in ("containment", "isolation", "seed"):
        yield name, run.get(name)


def variant_in_words(told: object) -> str:
    """Say what run.json tells of a variant: ``CPython 3.13.1, with a GIL, revision HEAD~1 (0123456789ab)``."""
    if not isinstance(told, Mapping):
        return ""
    gil = {"True": "with a GIL", "False": "without a GIL"}.get(_text(told.get("gil_enabled")), "")
    revision, commit = _text(told.get("revision")), _text(told.get("commit"))[:12]
    parts = (_text(told.get("python")), gil, revision and f"revision {revision}{commit and f' ({commit})'}")
    return ", ".join(filter(None, parts))


def _planned(experiment: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name in ("order", "warmup"):
        yield name, experiment.get(name)
    timeout = experiment.get("timeout_s")
    yield "timeout", None if timeout is None else f"{timeout:g} s"
    for name, limit in _part(experiment, "limits").items():
        yield f"limit of {name.replace('_', ' ')}", "none" if limit is None else limit


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = run.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(run: Mapping[str, Any], name: str) -> list[Any]:
    value = run.get(name)
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value)
