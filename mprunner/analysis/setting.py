"""Where and with what two sides were executed, from run.json: what differs between them, before any number."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mprunner.conditions import Difference


def setting(run: Mapping[str, Any]) -> dict[str, str]:
    """Return where and with what a run was executed, in words, as far as its run.json says so."""
    return {name: text for name, text in _facts(run) if text}


def setting_differences(
    base: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> tuple[Difference, ...]:
    """Return in what the runs of two sides, given as their run.json, differ; also where runs of one side do.

    What one side does not say, as a run of an earlier version may not, is not known to differ.
    """
    ours, theirs = (_of_side([setting(run) for run in runs]) for runs in (base, new))
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
    yield "CPU quota", _text(run.get("cpu_quota"))
    yield "governor", _text(run.get("governor"))
    yield "plugin", " ".join(_text(plugin.get(name)) for name in ("name", "version")).strip()
    yield "source of the plugin", _text(plugin.get("source_hash"))[:12]
    yield "git revision", _text(git.get("revision"))[:12] + (", changed" if git.get("dirty") else "")
    yield "containment", _text(run.get("containment"))
    yield "isolation", _text(run.get("isolation"))
    for name, version in _part(run, "packages").items():
        yield name, _text(version)


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = run.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return "" if value is None else str(value)
