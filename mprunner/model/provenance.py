"""Where results come from: what a journal says of its run, the code and the Python, and what must not differ."""

import hashlib
import json
import os
import platform
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import Any

from mprunner.errors import PluginError
from mprunner.model.columns import refuse_unfit
from mprunner.model.declaration import Declaration, with_cpus
from mprunner.model.experiment import Experiment, names_of
from mprunner.model.from_json import read_fields
from mprunner.model.records import fields_by_name
from mprunner.model.relevance import Relevance
from mprunner.model.rules import Rules
from mprunner.model.summary_sentence import check_summary
from mprunner.values import Scalar

_FREE_THREADED = ", free-threaded"
FORMAT = 1
"""The format of journals that is written, and the only one that it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a run is about: enough to rebuild its tables and its report without the plugin.

    Attributes:
        run_id: identifies the run.
        experiment: the resolved experiment, as JSON.
        declaration: what the scenario declared when the run began.
        planned: how many trials the plan has, warm-up trials included.
        python: the version that executes the trials, such as ``3.12.1``.
        host: the machine's name.
        cpus: how many CPUs ``cpu_count`` means in this run; None if that was not noted.
        plugin_file: the plugin's file, where ``--plugin`` gave it.
        conditions: the code and the Python that the results are of; see :func:`conditions`.
        format: of the journal.
    """

    run_id: str
    experiment: Mapping[str, Any]
    declaration: Declaration
    planned: int
    python: str
    host: str
    cpus: int | None = None
    plugin_file: str | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def baseline(self) -> Mapping[str, Scalar]:
        """What the experiment's cases are compared with, ``cpu_count`` resolved; empty if it has no baseline."""
        fields = self.declaration.params
        values = with_cpus(self.experiment.get("baseline") or {}, fields, self.cpus or 1)
        return Relevance(fields).stripped_values(values)

    @property
    def swept(self) -> tuple[str, ...]:
        """The params that the experiment sweeps, in the order of the file."""
        return tuple(
            dict.fromkeys(
                name for block in self.experiment.get("sweep", ()) for key in block for name in names_of(key)
            )
        )

    @property
    def relevance(self) -> Relevance:
        """Which params mean something to which case; those that are swept come first."""
        return Relevance(self.declaration.params, self.swept)

    @property
    def rules(self) -> Rules:
        """What the experiment expects, ``cpu_count`` resolved."""
        return Rules.from_json(self.experiment).resolved(self.declaration.params, self.cpus or 1)

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back."""
        return fields_by_name(self) | {"declaration": self.declaration.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Header":
        """Rebuild a header.

        Raises:
            KeyError, TypeError, ValueError: the value is not the JSON form of a header.
        """
        header = read_fields(cls, value)
        Experiment.from_json(header.experiment)
        declaration = header.declaration
        refuse_unfit(declaration)
        Relevance(declaration.params)
        try:
            check_summary(declaration.summary, declaration.metrics, declaration.outcomes, declaration.params)
        except PluginError as error:
            raise ValueError(error.message) from error
        return header


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A part of a run that one invocation of mprunner executed.

    Attributes:
        python: the version that executed its trials.
        host: the machine's name.
        conditions: the code and the Python that its results are of.
    """

    python: str
    host: str
    conditions: Mapping[str, str]

    @property
    def interpreter(self) -> str:
        """The Python that executed its trials, as each trial tells it."""
        name = self.conditions.get("implementation of Python", "")
        return f"{name} {self.python}{'' if self.has_gil else ' free-threading'}".strip()

    @property
    def has_gil(self) -> bool:
        """Whether its Python executes one thread at a time."""
        return _FREE_THREADED not in self.conditions.get("build of Python", "")


def identity_of(installed: Distribution) -> tuple[str, str]:
    """Return a distribution's name and version; empty where it does not say.

    ``importlib.metadata`` parses all that it says of itself for either, its README among it: a millisecond each, of
    which a run needs twenty.
    """
    said: dict[str, str] = {}
    text = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
    for line in text.splitlines():
        if not line:
            break  # what follows is the README
        key, _, value = line.partition(":")
        said.setdefault(key.lower(), value.strip())
    return said.get("name", ""), said.get("version", "")


def version_of(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed, or does not say."""
    try:
        return identity_of(distribution(package))[1] or None
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as it was when a run began.

    Attributes:
        what: its name.
        then: as it was.
        now: as it is.
    """

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what differs between two mappings of JSON values; the order of keys is no difference."""
    names = dict.fromkeys([*then, *now])
    pairs = ((name, _shown(then, name), _shown(now, name)) for name in names)
    return tuple(Difference(what=name, then=a, now=b) for name, a, b in pairs if a != b)


def _shown(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return "nothing"
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def conditions(
    plugin: str, plugin_hash: str, plugin_module: str, scenario_module: str | None
) -> dict[str, str]:
    """Describe the code under study and the Python that executes it, both as this process has them.

    Args:
        plugin: where the scenario comes from, in words.
        plugin_hash: the :func:`source_hash` of the plugin's module.
        plugin_module: the name of that module.
        scenario_module: the module of the scenario's class, where the plugin has imported it from elsewhere.
    """
    build = " ".join((*platform.python_build(), platform.python_compiler()))
    found = {"plugin": plugin, "source of the plugin": _shortened(plugin_hash)}
    if files := beside(sys.modules.get(plugin_module)):
        found["modules beside the plugin"] = " ".join(f"{file.name} {file_hash(file)}" for file in files)
    if scenario_module is not None:
        found["source of the scenario"] = _shortened(source_hash(sys.modules.get(scenario_module)))
    return found | {
        "Python": platform.python_version(),
        "implementation of Python": platform.python_implementation(),
        "build of Python": build + (_FREE_THREADED if sysconfig.get_config_var("Py_GIL_DISABLED") else ""),
    }


def _shortened(digest: str) -> str:
    return digest[:12] or "unreadable"


def file_hash(file: Path) -> str:
    """Return what :func:`conditions` says of the source of a plugin that is one file; nothing of it is executed."""
    try:
        return _shortened(hashlib.sha256(file.read_bytes()).hexdigest())
    except OSError:
        return _shortened("")


def source_hash(module: ModuleType | None) -> str:
    """Return the sha256 of a module's source and of every other module of its package; empty if unreadable."""
    try:
        folder = _package_folder(module)
        if folder is None:
            return hashlib.sha256(source_files(module)[0].read_bytes()).hexdigest()
        digest = hashlib.sha256()
        for file in source_files(module):
            digest.update(
                f"{file.relative_to(folder)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode()
            )
        return digest.hexdigest()
    except OSError:
        return ""


def source_files(module: ModuleType | None) -> list[Path]:
    """Return the file of a module, or those of its package; of a plugin's only file also those beside it."""
    folder = _package_folder(module)
    if folder is not None:
        return sorted(folder.rglob("*.py"))
    return [Path(str(getattr(module, "__file__", ""))), *beside(module)]


ONE_FILE = "mprunner_plugin_"
"""With it begins the name of a module that is a plugin's only file, as ``--plugin`` gives it."""


def beside(module: ModuleType | None) -> list[Path]:
    """Return the files in the folder of a plugin's only file that it imports, or one of them does."""
    if not getattr(module, "__name__", "").startswith(ONE_FILE):
        return []
    own = Path(str(getattr(module, "__file__", "")))
    found, left = {own}, [own]
    while left:
        names = _imported_by(left.pop())
        new = {file for name in names if (file := _own_file(name, own.parent))} - found
        found |= new
        left += new
    return sorted(found - {own})


def _imported_by(file: Path) -> Iterator[str]:
    """Return the names of what a file imports, wherever in it; of ``from a import b`` both ``a`` and ``a.b``."""
    import ast  # noqa: PLC0415 - only where a plugin is one file

    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _own_file(module: str, folder: Path) -> Path | None:
    """Return the file of a module that was found in a folder; None for one from elsewhere."""
    file = Path(str(getattr(sys.modules.get(module), "__file__", None)))
    top = module.partition(".")[0]
    is_there = file.is_relative_to(folder) and file.relative_to(folder).parts[0] in (top, f"{top}.py")
    return file if is_there else None


class SourceWatch:
    """Notices that the source of modules has changed since it began to watch.

    A fork has what was imported, but an actor that is spawned, or a worker that is an interpreter of its own, imports
    what is there by then.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        files = {file for name in modules for file in source_files(sys.modules.get(name))}
        self._seen = {file: (_stat(file), file_hash(file)) for file in files}

    def changed(self) -> Path | None:
        """Return a file that is not what it was; to ask costs a few microseconds a file."""
        for file, (then, digest) in self._seen.items():
            if (now := _stat(file)) != then:
                if file_hash(file) != digest:
                    return file
                self._seen[file] = now, digest
        return None


def _stat(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _package_folder(module: ModuleType | None) -> Path | None:
    """Return the folder of the outermost package of a module, None for a module in none.

    A namespace package has no file: it may be shared with what has nothing to do with the module.
    """
    parts = getattr(module, "__name__", "").split(".")
    for end in range(len(parts)):
        package = sys.modules.get(".".join(parts[: end + 1]))
        file = getattr(package, "__file__", None)
        if file is not None and hasattr(package, "__path__"):
            return Path(file).parent
    return None
