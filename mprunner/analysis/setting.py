"""Where and with what two sides were executed, from run.json: what differs between them, before any number."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mprunner.model.provenance import Difference
from mprunner.runs import RunInfo

PLANNED = "planned_experiment"
"""The key under which a run's experiment is added to the content of its run.json."""


def sessions(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a run.json as it is of each invocation of mprunner that executed a part of the run."""
    return RunInfo(run).sessions


def setting(run: Mapping[str, Any]) -> dict[str, str]:
    """Return where and with what a run was executed, in words, as far as its run.json says so."""
    return {name: text for name, text in _facts(run) if text}


def setting_differences(
    base: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> tuple[Difference, ...]:
    """Return in what the runs of two sides differ; also where runs of one side do, or the sessions of a run.

    What one side does not say, as a run of an earlier version may not, is not known to differ.

    Args:
        base: of each run its run.json, and under :data:`PLANNED` the experiment of its journal's header.
        new: the same of the new side.
    """
    ours, theirs = (
        _of_side([setting(session) for run in runs for session in sessions(run)]) for runs in (base, new)
    )
    return tuple(
        Difference(what=name, then=" or ".join(ours[name]), now=" or ".join(theirs[name]))
        for name in ours
        if name in theirs and len({*ours[name], *theirs[name]}) > 1
    )


def _of_side(settings: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for one in settings for name in one)
    return {name: sorted({one[name] for one in settings if name in one}) for name in names}


def _facts(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    plugin, git, build = (_part(run, name) for name in ("plugin", "git", "python_build"))
    yield "mprunner", _text(run.get("mprunner"))
    yield "Python", _text(run.get("python"))
    yield "implementation of Python", _text(build.get("implementation"))
    yield "compiler of Python", _text(build.get("compiler"))
    yield "GIL", {"True": "on", "False": "off"}.get(_text(build.get("gil_enabled")), "")
    yield "host", _text(run.get("host"))
    yield "system", _text(run.get("os"))
    yield "CPU", _text(run.get("cpu"))
    yield "CPUs", _text(run.get("cpu_count"))
    usable = run.get("cpus_usable")
    yield "CPUs allowed", str(len(usable)) if isinstance(usable, list) else ""
    bound = run.get("cpus")
    yield "CPUs of a trial", ", ".join(map(str, bound)) if isinstance(bound, list) else ""
    yield "CPU quota", _text(run.get("cpu_quota"))
    yield "governor", _text(run.get("governor"))
    yield "plugin", " ".join(_text(plugin.get(name)) for name in ("name", "version")).strip()
    yield "source of the plugin", _text(plugin.get("source_hash"))[:12]
    yield "git revision", _text(git.get("revision"))[:12] + (", changed" if git.get("dirty") else "")
    yield "containment", _text(run.get("containment"))
    yield "isolation", _text(run.get("isolation"))
    yield "seed", _text(run.get("seed"))
    yield from _planned(_part(run, PLANNED))
    for name, version in _part(run, "packages").items():
        yield name, _text(version)


def _planned(experiment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("order", "warmup"):
        yield name, _text(experiment.get(name))
    timeout = experiment.get("timeout_s")
    yield "timeout", "" if timeout is None else f"{timeout:g} s"
    for name, limit in _part(experiment, "limits").items():
        yield f"limit of {name.replace('_', ' ')}", "none" if limit is None else _text(limit)


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = run.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return "" if value is None else str(value)
