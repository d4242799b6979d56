"""What a file says in its scenario's words: what it fixes, sweeps, leaves out, compares and expects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mprunner.experiment.checking import Checking, ParamTypes
from mprunner.experiment.document import Document
from mprunner.experiment.messages import as_yaml
from mprunner.experiment.problems import Loc, Problem, path_text
from mprunner.experiment.rules import check_rules, check_until
from mprunner.experiment.sweeps import check_block
from mprunner.experiment.value_types import list_of_cpus
from mprunner.model.declaration import Declaration
from mprunner.model.experiment import Block, names_of
from mprunner.model.rules import Rules
from mprunner.values import Scalar

_SHOWN_VALUE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamValues:
    """The values that a file gives to params, as the scenario's types.

    Attributes:
        fixed: what it gives to every case.
        sweep: the blocks of its sweep.
        exclude: the values of combinations that it leaves out.
        baseline: what its cases are compared with: nothing, if that is empty; None where it does not say it.
        rules: what is expected of its cases.
    """

    fixed: Mapping[str, Scalar]
    sweep: tuple[Block, ...]
    exclude: tuple[Mapping[str, Scalar], ...]
    baseline: Mapping[str, Scalar] | None
    rules: Rules


def check_params(
    document: Document, scenario: str, types: ParamTypes | None, declared: Declaration | None
) -> tuple[ParamValues, list[Problem]]:
    """Check every value that a file gives to a param.

    What has another shape than it should is left out: check_structure() reports that.

    Args:
        document: the file.
        scenario: the scenario's name, for messages.
        types: its params; None where it is unknown, and only what needs no types is checked.
        declared: its metrics and outcomes; None where it is unknown.

    Returns:
        the values, which are complete where there is no problem, and the problems.
    """
    checking = Checking(document, scenario, types)
    return _checked(checking, declared), checking.problems


def _checked(checking: Checking, declared: Declaration | None) -> ParamValues:
    document = checking.document
    fixed = checking.values(("params",))
    blocks = {path: check_block(checking, path) for path in document.mapping_paths("sweep")}
    _refuse_fixed_and_swept(checking, fixed, blocks)
    _require(checking, fixed, blocks)
    sweep = tuple(blocks.values())
    listed = [path for path in document.mapping_paths("exclude") if len(path) > 1]
    exclude = {path: checking.values(path) for path in listed}
    baseline = checking.values(("baseline",))
    rules = check_rules(checking, declared)
    check_until(checking, declared)
    return ParamValues(
        fixed=fixed,
        sweep=sweep,
        exclude=tuple(exclude.values()),
        baseline=None if checking.node(("baseline",)) is None else baseline,
        rules=rules,
    )


def _refuse_fixed_and_swept(
    checking: Checking, fixed: Mapping[str, Scalar], blocks: Mapping[Loc, Block]
) -> None:
    """Report every param that is fixed, and swept as well: what an option fixes, at the option."""
    for path in blocks:
        for key, _ in checking.entries(path):
            for name in names_of(key):
                if name not in fixed:
                    continue
                if checking.document.is_set(("params", name)):
                    _refuse_set_and_swept(checking, (*path, key), name, fixed[name])
                    continue
                told = "is" if name == key else f"'{name}' is"
                hint = "remove it here or under params"
                checking.report((*path, key), f"{told} fixed under params too", hint, at_key=True)


def _refuse_set_and_swept(checking: Checking, swept: Loc, name: str, value: Scalar) -> None:
    place, text = path_text(swept), as_yaml(value)
    text = text if len(text) <= _SHOWN_VALUE else "…"
    only = f"`--only {name}={text}` executes the cases that have it"
    instead = f"`--set {place}={text}` sets all its values" if swept[-1] == name else None
    hint = f"{instead}, {only}" if instead else only
    checking.report(("params", name), f"is swept by the file, at {place}", hint, at_key=True)


def _require(checking: Checking, fixed: Mapping[str, Scalar], blocks: Mapping[Loc, Block]) -> None:
    """Report every param without a default that some case would lack."""
    given = set(fixed) | {name for name, _ in checking.entries(("params",))}
    required = [name for name, type_ in (checking.types or {}).items() if type_.field.required]
    for name in required:
        if name in given:
            continue
        lacking = [path for path in blocks if not _sweeps(checking, path, name)]
        for path in lacking if 0 < len(lacking) < len(blocks) else ():
            _missing(checking, path, name)
        if not blocks or len(lacking) == len(blocks):
            in_params = checking.document.find(("params",)).path
            _missing(checking, ("params",) if in_params else ("scenario",), name)


def _sweeps(checking: Checking, path: Loc, name: str) -> bool:
    return any(name in names_of(key) for key, _ in checking.entries(path))


def _missing(checking: Checking, path: Loc, name: str) -> None:
    message = f"required param '{name}' is missing"
    hint = f"scenario '{checking.scenario}' has no default for it: fix it under params, or sweep it"
    checking.report(path, message, hint, at_key=path != ("scenario",))


def cpu_problems(document: Document, cpus: Sequence[int], usable: Collection[int] | None) -> list[Problem]:
    """Return what is wrong with the CPUs that a file names: one twice, or one that may not be used here.

    Args:
        document: the file.
        cpus: the numbers, as the file has them.
        usable: those that a worker may be bound to, none where the platform binds no process; None to ask
            nothing of this machine.
    """
    if cpus and usable is not None and not usable:
        message, hint = "this platform does not bind processes to CPUs", "remove it"
        return [document.problem(("cpus",), message, hint, at_key=True)]
    problems: list[Problem] = []
    seen: dict[int, int] = {}
    for index, cpu in enumerate(cpus):
        if cpu in seen:
            place = document.newer(("cpus",), seen[cpu], index)
            problems.append(document.problem(place, f"CPU {cpu} is in the list twice", "remove one"))
        elif usable is not None and cpu not in usable:
            hint = f"a worker may use {list_of_cpus(usable)}"
            problems.append(document.problem(("cpus", index), f"CPU {cpu} can't be used here", hint))
        seen[cpu] = index
    return problems
