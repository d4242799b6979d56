"""From an experiment file to an :class:`Experiment`, or to everything that is wrong with it."""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mprunner.errors import ExperimentError
from mprunner.experiment.cases import count
from mprunner.experiment.checking import Vocabulary, param_types
from mprunner.experiment.document import Document, MappingNode, ScalarNode, parts, plain
from mprunner.experiment.keys import ExperimentFile, check_structure
from mprunner.experiment.messages import list_of_names, shown, text_fault
from mprunner.experiment.params import ParamValues, check_params, cpu_problems
from mprunner.experiment.parser import MAX_BYTES, read_yaml
from mprunner.experiment.problems import ExperimentFileError, Loc, Problem, quoted
from mprunner.experiment.rules import with_amounts
from mprunner.experiment.satisfiability import unmatched
from mprunner.experiment.value_types import MAX_NAME, NAME
from mprunner.experiment.variants import variant_problems, variant_type, with_axis, without_missing
from mprunner.model.experiment import Experiment, Values
from mprunner.model.records import Limits
from mprunner.model.text import nearest, printable

MAX_TRIALS = 1_000_000

_SUFFIXES = (".yaml", ".yml")
_BEGIN = "begin it with `scenario: NAME`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person says of an experiment beside its file, as they write it.

    Attributes:
        overrides: what ``--set`` gives: values that the file does not have, or other ones.
        only: what ``--only`` gives: the values that the planned cases have.
    """

    overrides: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


NOTHING = Asked()


def read_experiment(
    path: Path,
    vocabulary_of: Callable[[str], Vocabulary],
    asked: Asked = NOTHING,
    usable_cpus: Collection[int] | None = None,
) -> Experiment:
    """Read and check an experiment file.

    Args:
        path: the file.
        vocabulary_of: returns the scenario of a name; its ExperimentError for an unknown scenario becomes a
            problem of the file, every other error is passed on.
        asked: what was said beside it.
        usable_cpus: the CPUs that a worker may be bound to, none where the platform binds no process; None
            where it is not to be executed here.

    Raises:
        ExperimentFileError: the file, or what was said beside it, has problems; all are in it, or the one syntax
            error, or everything that keeps values from being set.
        ExperimentError: there is no such file, or nothing in it.
        PluginError: the scenario's params can't be used.
    """
    raw = _read(path)
    document = read_yaml(raw, str(path))
    if document is None:
        raise ExperimentError(f"{printable(str(path))}: the file is empty", _BEGIN)
    if not isinstance(document.root, MappingNode):
        raise ExperimentFileError([*document.problems, *_shape_problems(document)])
    if asked.overrides:
        from mprunner.experiment.overrides import (  # noqa: PLC0415 - a file alone must not wait for it
            overridden,
        )

        document = overridden(document, asked.overrides)
    experiment = _resolved(document, path, vocabulary_of, asked, usable_cpus)
    return replace(experiment, path=str(path), source=raw, source_map=document)


def lines_of(path: Path) -> Mapping[Loc, int]:
    """Return the lines, counted from 1, at which a file names its scenario and at which each of its rules begins.

    They are found by ``("scenario",)``, ``("outcomes", variable)`` and ``("expect", index)``. What another file
    gives, by ``extends``, has none.

    Raises:
        ExperimentError: there is no such file, or it can't be read as YAML.
    """
    document = read_yaml(_read(path), str(path))
    if document is None:
        return {}
    top = [("scenario",), ("outcomes",), ("expect",)]
    paths: list[Loc] = [(*path, part) for path in top for part, _ in parts(document.find(path).node)]
    found = ((path, document.find(path)) for path in (("scenario",), *paths))
    return {path: (at.key or at.node.position).line for path, at in found if at.path == path}


def _shape_problems(document: Document) -> list[Problem]:
    if document.is_refused(()):
        return []
    message = f"the file must be a mapping of keys to values, not {shown(document.root)}"
    return [document.problem((), message, _BEGIN)]


def _resolved(
    document: Document,
    path: Path,
    vocabulary_of: Callable[[str], Vocabulary],
    asked: Asked,
    usable_cpus: Collection[int] | None,
) -> Experiment:
    problems = list(document.problems)
    scenario, vocabulary, scenario_problems = _scenario(document, vocabulary_of)
    declared = None if vocabulary is None else vocabulary.declaration
    types = None
    if vocabulary is not None:
        types = param_types(vocabulary.params_type, scenario) | variant_type(document, scenario)
    document = with_amounts(document, declared)
    file, structure_problems = check_structure(document, types or ())
    problems += structure_problems
    if file is not None:
        problems += cpu_problems(document, file.cpus, usable_cpus)
        problems += variant_problems(document, file.variants)
    problems += _name_problems(document, path)
    values, param_problems = check_params(document, scenario, types, declared)
    problems += scenario_problems + param_problems
    only: tuple[Mapping[str, Values], ...] = ()
    if asked.only:
        from mprunner.experiment.overrides import check_only  # noqa: PLC0415 - a file alone must not wait for it

        only, only_problems = check_only(asked.only, scenario, types)
        problems += only_problems
    if file is None or problems:
        raise ExperimentFileError(problems)
    experiment = replace(_experiment(file, values, path), overrides=asked.overrides, only=only)
    if problems := [*_too_many(document, experiment), *unmatched(document, experiment, types or {})]:
        raise ExperimentFileError(problems)
    return without_missing(experiment, file.variants)


def _experiment(file: ExperimentFile, values: ParamValues, path: Path) -> Experiment:
    return Experiment(
        name=file.name or path.stem,
        scenario=file.scenario,
        description=file.description,
        params=values.fixed,
        sweep=with_axis(values.sweep, values.fixed, file.variants),
        exclude=values.exclude,
        repeats=file.repeats if isinstance(file.repeats, int) else file.repeats.max,
        warmup=file.warmup,
        order=file.order,
        seed=file.seed,
        timeout_s=file.timeout,
        on_failure=file.on_failure,
        isolation=file.isolation,
        cpus=tuple(sorted(file.cpus)) or None,
        limits=Limits(**file.limits.model_dump()),
        retries=file.retries,
        variants={name: entry.as_variant() for name, entry in file.variants.items()},
        baseline=values.baseline,
        rules=values.rules,
        until=None if isinstance(file.repeats, int) else file.repeats.as_until(),
    )


def _scenario(
    document: Document, vocabulary_of: Callable[[str], Vocabulary]
) -> tuple[str, Vocabulary | None, list[Problem]]:
    place = document.find(("scenario",))
    name = place.node.value if place.path and isinstance(place.node, ScalarNode) else None
    if not isinstance(name, str) or text_fault(name):
        return "", None, []  # check_structure() says so
    try:
        vocabulary = vocabulary_of(name)
    except ExperimentError as error:
        return name, None, [document.problem(place.path, error.message, error.hint)]
    return name, vocabulary, []


def _name_problems(document: Document, path: Path) -> list[Problem]:
    if document.find(("name",)).path or NAME.match(path.stem):
        return []
    slug = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:MAX_NAME] or "bank"
    message = f"the file's name {quoted(path.stem)} can't be the experiment's name"
    return [document.problem((), message, f"give it one: `name: {slug}`")]


def _too_many(document: Document, experiment: Experiment) -> Iterator[Problem]:
    """Refuse by what is known without making a combination: those that will be left out count as well."""
    combinations, each = count(experiment), experiment.repeats + experiment.warmup
    if combinations * each > MAX_TRIALS:
        plural = "combination" if combinations == 1 else "combinations"
        size = f"{combinations * each:,} trials ({combinations:,} {plural} × {each:,})"
        hint = "combinations that `exclude` leaves out count as well" if experiment.exclude else None
        message = f"makes {size}; the most is {MAX_TRIALS:,}"
        yield document.problem(_size_of(document), message, hint, at_key=True)


def _size_of(document: Document) -> Loc:
    """Return the path of the key that makes an experiment large: one that an option gives, else the file's first."""
    given = [path for path in ((key,) for key in ("sweep", "repeats", "warmup")) if document.find(path).path]
    swept = [
        (*path, name) for path in document.mapping_paths("sweep") for name in plain(document.find(path).node)
    ]
    return next((path for path in [*swept, *given] if document.is_set(path)), [*given, ("scenario",)][0])


def _read(path: Path) -> bytes:
    shown_path = printable(str(path))
    if os.path.isdir(path):  # Path.is_dir() raises on a name that is too long
        files = _experiments_in(path)
        example = f", such as {printable(str(path / files[0]))}" if files else ""
        raise ExperimentError(f"{shown_path} is a folder", f"name a file in it{example}")
    if path == Path("-") and not path.exists():
        raise ExperimentError("standard input is not read", "save the experiment in a file, and name that")
    try:
        if path.suffix == ".py" and path.is_file():
            hint = f"name a YAML file, and give this one beside it: `--plugin {shown_path}`"
            raise ExperimentError(f"{shown_path} is Python, and no experiment", hint)
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for whoever writes into it
            raise ExperimentError(
                f"{shown_path} is no regular file", "save the experiment in a file, and name that"
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExperimentError(
            f"{shown_path} can't be read: {reason}", "name a file that you may read"
        ) from None


def _missing(path: Path) -> ExperimentError:
    if path.is_symlink():
        target = printable(os.readlink(path))
        return ExperimentError(
            f"{printable(str(path))} is a link to {target}, which is not there", "mend the link"
        )
    return ExperimentError(f"there is no file {printable(str(path))}", _missing_hint(path))


def _missing_hint(path: Path) -> str:
    files = _experiments_in(path.parent)
    beside = [path.parent / f"{path.name}{suffix}" for suffix in _SUFFIXES]
    below = [path.parent / "experiments" / each.name for each in (path, *beside)]
    meant = next((each for each in [*beside, *below] if each.is_file()), None)
    if meant is None and (near := nearest(path.name, files)):
        meant = path.with_name(near)
    if meant is not None:
        return f"did you mean '{printable(str(meant))}'?"
    if files:
        return f"{printable(str(path.parent))} holds {list_of_names([printable(file) for file in files])}"
    return f"there is no experiment in {printable(str(path.parent))}"


def _experiments_in(folder: Path) -> list[str]:
    """Return the names of the experiment files in a folder, sorted; none where it can't be read."""
    try:
        return _names_in(folder)
    except (OSError, ValueError):
        return []


def experiment_files(paths: Sequence[Path]) -> tuple[list[Path], list[ExperimentError]]:
    """Return the files that some paths stand for, each once, and what is wrong with the folders among them.

    A folder stands for its ``*.yaml`` and ``*.yml`` files, sorted, but for hidden ones and those in other folders.
    Whether a file is there is told by whoever reads it.
    """
    files: dict[str, Path] = {}
    errors: list[ExperimentError] = []
    for path in paths:
        try:
            found = _in_folder(path) if os.path.isdir(path) else [path]
        except ExperimentError as error:
            errors.append(error)
            continue
        for file in found:
            files.setdefault(_identity(file), file)
    return list(files.values()), errors


def _in_folder(folder: Path) -> list[Path]:
    shown = printable(str(folder))
    try:
        names = _names_in(folder)
    except OSError as error:
        raise ExperimentError(
            f"{shown} can't be read: {error.strerror}", "name a folder that you may read"
        ) from None
    if not names:
        raise ExperimentError(
            f"there is no experiment in the folder {shown}",
            "name a folder with *.yaml or *.yml files, or a file",
        )
    return [folder / name for name in names]


def _names_in(folder: Path) -> list[str]:
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.suffix in _SUFFIXES and not entry.name.startswith(".") and not entry.is_dir()
    )


def _identity(file: Path) -> str:
    try:
        return os.path.realpath(file)
    except (OSError, ValueError):  # it can be no file: whoever reads it says so
        return str(file)
