"""Where a variant's trials are executed: which interpreter starts, with what around it, and where it finds modules.

Another interpreter than the runner's needs nothing installed: what a worker imports is standard library, and gets
there by links. What the runner's interpreter has installed stays out of its path, for compiled modules of one are
none of the other's.
"""

import importlib.util
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from mprunner.executors.local import VariantError
from mprunner.model.variants import Variant

OLDEST: Final = (3, 11)
"""The oldest Python that mprunner's worker can be executed by."""

PROBE_LIMIT_S: Final = 60.0
"""How long an interpreter may take to start."""

_PROBE: Final = (
    "import sys; implementation = getattr(sys, 'implementation', sys); "
    "print('\\n'.join(map(str, ['%d.%d' % sys.version_info[:2], getattr(implementation, 'name', ''), "
    "sys.version.split()[0], 'free-threading' in sys.version, sys.prefix])))"
)
"""Also Python 2 understands it."""

_PYTHON: Final = re.compile(r"(?:python|pypy)[0-9.]*t?\Z")
_LAST_WORDS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """How a launcher is started, and what it is greeted with.

    Attributes:
        name: of the variant.
        variant: what the experiment says of it.
        python: the interpreter.
        env: its environment variables.
        sys_path: where it finds modules; an empty entry stands for what it has of itself.
        files: module names of plugins that are single files, and the file of each.
        folder: the current folder; None for that of the runner.
        shared: the folder that its launcher removes if the runner dies.
    """

    name: str
    variant: Variant
    python: str
    env: Mapping[str, str]
    sys_path: tuple[str, ...]
    files: Mapping[str, str]
    folder: str | None
    shared: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A revision that was checked out: it stands in for the repository.

    Attributes:
        root: the repository's folder.
        folder: that of the checkout; the same where the files are used as they are.
    """

    root: str
    folder: str

    def of(self, path: str) -> str | None:
        """Return where a path is in the checkout: itself if it is none of the repository, None if it is not there."""
        relative = os.path.relpath(os.path.realpath(path), self.root)
        if relative == os.pardir or relative.startswith(os.pardir + os.sep) or is_installed(path):
            return path
        found = os.path.normpath(os.path.join(self.folder, relative))
        return found if os.path.exists(found) else None


def make_environment(
    name: str,
    variant: Variant,
    *,
    module: str,
    files: Mapping[str, str],
    folder: str,
    search: Sequence[str],
    checkout: Checkout | None,
    shared: Path,
) -> Environment:
    """Find a variant's interpreter, and make importable there what a worker imports.

    Args:
        name: of the variant.
        variant: what the experiment says of it.
        module: the module of the scenario's class.
        files: module names of plugins that are single files, and the file of each.
        folder: that of the experiment's file.
        search: folders in which modules are looked for last.
        checkout: of its revision, if it has one.
        shared: a folder for all variants, for links.

    Raises:
        VariantError: there is no such interpreter, it is too old, or it can't be started.
    """
    env = {**os.environ, **{key: value for key, value in variant.env.items() if value is not None}}
    for key in (key for key, value in variant.env.items() if value is None):
        env.pop(key, None)
    python = _found(name, variant, env, folder)
    is_foreign = _probed(name, variant, python, env, shared)
    if is_foreign and "PYTHONHOME" not in variant.env:
        env.pop("PYTHONHOME", None)
    links = _linked(shared / f"links-{name}", module, files, checkout, is_foreign=is_foreign)
    base = folder if checkout is None else checkout.of(folder) or checkout.folder
    first = [str(links), *(os.path.normpath(os.path.join(base, each)) for each in variant.path)]
    given = [each for each in env.get("PYTHONPATH", "").split(os.pathsep) if each]
    env["PYTHONPATH"] = os.pathsep.join([*first, *_moved(given, checkout)])
    ours = [each for each in (*sys.path, *search) if each]
    return Environment(
        name=name,
        variant=variant,
        python=python,
        env=env,
        sys_path=(*first, *(_around(ours, checkout) if is_foreign else _moved(ours, checkout))),
        files={key: (checkout.of(file) if checkout else None) or file for key, file in files.items()},
        folder=None if checkout is None else checkout.of(os.getcwd()) or checkout.folder,
        shared=str(shared),
    )


def _moved(paths: Iterable[str], checkout: Checkout | None) -> Iterator[str]:
    """Yield where paths are in a checkout, without those that it has not."""
    for path in paths:
        moved = path if checkout is None else checkout.of(path)
        if moved is not None:
            yield moved


def _around(paths: Sequence[str], checkout: Checkout | None) -> Iterator[str]:
    """Yield what another interpreter gets of our import path, and an empty entry in place of what is installed."""
    installed = [is_installed(path) for path in paths]
    place = installed.index(True) if True in installed else len(paths)
    for part, after in ((paths[:place], ("",)), (paths[place:], ())):
        yield from _moved((path for path in part if not is_installed(path)), checkout)
        yield from after


@cache
def is_installed(path: str) -> bool:
    """Return whether an entry of the import path is of the runner's interpreter: its library, or what it installs."""
    paths = sysconfig.get_paths()
    folders = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    is_zip = os.path.basename(path) == f"python{sys.version_info[0]}{sys.version_info[1]}.zip"
    return is_zip or any(Path(path).is_relative_to(folder) for folder in folders)


def _found(name: str, variant: Variant, env: Mapping[str, str], folder: str) -> str:
    """Return the path of a variant's interpreter."""
    wanted = variant.python
    if not wanted:
        return sys.executable
    if os.sep in wanted:
        found = os.path.normpath(os.path.join(folder, Path(wanted).expanduser()))
        if not os.access(found, os.X_OK) or os.path.isdir(found):
            hint = "name a file that may be executed, or a name that PATH has"
            raise VariantError(name, "python", f"there is no interpreter {found}", hint)
        return found
    at = shutil.which(wanted, path=env.get("PATH"))
    if at is None:
        known = ", ".join(_on_path(env.get("PATH", ""))) or "none"
        raise VariantError(name, "python", f"PATH has no {wanted}", f"the interpreters that it has: {known}")
    return os.path.abspath(at)


def _on_path(path: str) -> list[str]:
    """Return the names of the interpreters that PATH has."""
    names: set[str] = set()
    for folder in path.split(os.pathsep):
        try:
            names |= {each for each in os.listdir(folder or ".") if _PYTHON.match(each)}
        except OSError:
            continue
    return sorted(
        names, key=lambda each: [int(part) if part.isdigit() else 0 for part in re.split(r"\D+", each)]
    )


def _probed(name: str, variant: Variant, python: str, env: Mapping[str, str], folder: Path) -> bool:
    """Start an interpreter, for nothing but to see that it can be; return whether it is another than the runner's."""
    if not (variant.python or variant.env or variant.flags):
        return False
    key = "python" if variant.python else "flags" if variant.flags else "env"
    shown = " ".join((variant.python or "Python", *variant.flags))
    try:
        done = subprocess.run(
            [python, *variant.flags, "-c", _PROBE],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PROBE_LIMIT_S,
            start_new_session=True,
            check=False,
        )
        lines, words = done.stdout.splitlines(), (done.stderr.strip() or f"exit code {done.returncode}")
    except subprocess.TimeoutExpired:
        lines, words = [], f"it was not done within {PROBE_LIMIT_S:g} s"
    except OSError as error:
        lines, words = [], str(error.strerror)
    told = lines[-5:]  # what its start prints comes before
    if len(told) < 5 or not re.fullmatch(r"[0-9]+\.[0-9]+", told[0]):
        raise VariantError(name, key, f"{shown} can't be started", words[-_LAST_WORDS:])
    version = tuple(map(int, told[0].split(".")))
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        hint = f"name one of {oldest} or later"
        raise VariantError(
            name, "python", f"{shown} is Python {told[2]}, which is too old for a worker", hint
        )
    ours = (
        sys.implementation.name,
        sys.version.split(maxsplit=1)[0],
        str("free-threading" in sys.version),
        sys.prefix,
    )
    return tuple(told[1:]) != ours


def _linked(
    folder: Path, module: str, files: Mapping[str, str], checkout: Checkout | None, *, is_foreign: bool
) -> Path:
    """Make a folder of links to what a worker imports that is not the user's own."""
    folder.mkdir()
    names = ["mprunner"]
    if is_foreign:
        top = module.partition(".")[0]
        names += ["annotated_types", "mprunner_scenarios", *([] if module in files else [top])]
    for name in dict.fromkeys(names):
        at = _place_of(name)
        is_moved = checkout is not None and at is not None and checkout.of(str(at)) != str(at)
        if at is not None and (name == "mprunner" or not is_moved):
            (folder / at.name).symlink_to(at)
    return folder


def _place_of(name: str) -> Path | None:
    """Return the folder of a package, or the file of a module."""
    module: Any = sys.modules.get(name)
    spec = module.__spec__ if module is not None else importlib.util.find_spec(name)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    return Path(folders[0]) if folders else Path(spec.origin) if spec.origin else None
