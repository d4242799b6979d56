"""Values that no case has, in what a file excludes, compares and expects: told where they are, or at an option."""

from collections.abc import Mapping

from mprunner.expected import Where
from mprunner.spec.checking import Checking
from mprunner.spec.document import Document
from mprunner.spec.matching import Sweeping, refuse_unmatched
from mprunner.spec.messages import as_flow
from mprunner.spec.model import Block, names_of
from mprunner.spec.nodes import MappingNode, ScalarNode, SequenceNode, parts
from mprunner.spec.problems import Loc, path_text
from mprunner.values import Scalar


def refuse_all_unmatched(
    checking: Checking, wheres: Mapping[Loc, Where], fixed: Mapping[str, Scalar], sweep: tuple[Block, ...]
) -> None:
    """Report every value that no case has.

    Nothing is looked for where it is not known what the cases have, nor in what has other problems.

    Args:
        checking: of the file, after all else in it was checked.
        wheres: some params and their values, by their path.
        fixed: the values that the file gives to every case.
        sweep: the blocks of its sweep.
    """
    if checking.types is None or not wheres or not _are_known(checking):
        return
    sweeping = Sweeping(fixed, sweep, checking.types)
    given = _given(checking.document)
    for path, where in wheres.items():
        if path not in checking.faulty and not checking.document.find(path).node.refused:
            _refuse_unmatched(checking, path, where, sweeping, given)


def _are_known(checking: Checking) -> bool:
    """Whether what the cases have is known: nothing is wrong with what the file fixes and sweeps."""
    fixed, sweep = (checking.node((key,)) for key in ("params", "sweep"))
    if checking.faulty & {("scenario",), ("params",), ("sweep",)}:
        return False
    if any(node is not None and node.refused for node in (fixed, sweep)):
        return False
    blocks = sweep.items if isinstance(sweep, SequenceNode) else (sweep,)
    has_shape = fixed is None or (
        isinstance(fixed, MappingNode) and all(isinstance(value, ScalarNode) for _, value in parts(fixed))
    )
    return has_shape and (sweep is None or all(isinstance(block, MappingNode) for block in blocks))


def _refuse_unmatched(
    checking: Checking, path: Loc, where: Where, sweeping: Sweeping, given: Mapping[str, Loc]
) -> None:
    """Report values that no case has: those of which an option has changed the cases, at the option."""
    document = checking.document
    whole = ("sweep",) if document.is_set(("sweep",)) else None
    places = {name: given.get(name, whole) for name in where if not document.is_set((*path, name))}
    changed = {name: place for name, place in places.items() if place is not None}
    own = {name: values for name, values in where.items() if name not in changed}
    known = len(checking.problems)
    if own:
        refuse_unmatched(checking, path, own, sweeping)
    if not changed or len(checking.problems) > known:
        return
    looked = Checking(document, checking.scenario, checking.types)
    refuse_unmatched(looked, path, where, sweeping)
    if looked.problems:
        name, place = next(iter(changed.items()))
        checking.report(
            place, f"no case is left that {path_text(path)} means", _instead(checking, name, place)
        )


def _given(document: Document) -> dict[str, Loc]:
    """Return where an option gives values of a param to the cases, by the param's name."""
    swept = [(*path, key) for path in document.mapping_paths("sweep") for key in _keys(document, path)]
    fixed = [("params", key) for key in _keys(document, ("params",))]
    given: dict[str, Loc] = {}
    for path in (*swept, *fixed):
        if (place := document.set_within(path)) is not None:
            for name in names_of(str(path[-1])):
                given.setdefault(name, place)
    return given


def _keys(document: Document, path: Loc) -> list[str]:
    place = document.find(path)
    is_there = place.path == path and isinstance(place.node, MappingNode)
    return [str(key) for key, _ in parts(place.node)] if is_there else []


def _instead(checking: Checking, name: str, place: Loc) -> str | None:
    """Return the hint to take cases of the file, where an option says which values of a param it wants."""
    node = checking.node(place)
    text = (
        as_flow(node, ",") if isinstance(node, ScalarNode | SequenceNode) and place[-1] != "sweep" else None
    )
    if text is None:
        return "`--only` takes cases of the file as it is"
    return f"`--only {name}={text}` takes the cases that have it"
