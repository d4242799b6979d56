"""What the keys of a sweep give: one value, a list of values, a range, or rows of names that move together."""

from collections.abc import Callable, Iterator

from mprunner.spec.checking import Checking
from mprunner.spec.messages import as_yaml, shown
from mprunner.spec.model import Row, Values, names_of
from mprunner.spec.nodes import Node, ScalarNode, SequenceNode
from mprunner.spec.problems import Loc
from mprunner.spec.ranges import check_range
from mprunner.values import Scalar


def check_block(checking: Checking, path: Loc) -> dict[str, Values]:
    """Return the values of a block of the sweep, by key; report whatever is wrong with them."""
    block: dict[str, Values] = {}
    seen: set[str] = set()
    for key, node in checking.entries(path):
        names, place = names_of(key), (*path, key)
        _check_names(checking, place, names, seen)
        if len(names) > 1:
            block[", ".join(names)] = _together(checking, place, names, node)
        else:
            block[key] = check_values(checking, place, key, node)
    return block


def _check_names(checking: Checking, path: Loc, names: tuple[str, ...], seen: set[str]) -> None:
    for name in names:
        if not name and len(names) > 1:
            hint = "write the names of params with one comma between two of them"
            checking.report(path, "a name is missing beside a comma", hint, at_key=True)
            continue
        checking.check_name(path, name, alone=len(names) == 1)
        if name in seen:
            hint = "remove it from one of its keys"
            checking.report(path, f"'{name}' is given twice in one product", hint, at_key=True)
        seen.add(name)


def check_values(checking: Checking, path: Loc, name: str, node: Node) -> Values:
    """Return the values that one param takes: a value, a list or a range; report whatever is wrong with them."""
    match node:
        case ScalarNode():
            return (checking.value(path, name, node),)
        case SequenceNode():
            return _distinct(checking, path, node, lambda place, item: _one(checking, place, name, item))
    return check_range(checking, path, name, node)


def _one(checking: Checking, path: Loc, name: str, node: Node) -> Row | None:
    if isinstance(node, ScalarNode):
        return None if node.refused else (checking.value(path, name, node),)
    checking.report(path, f"must be one value, not {shown(node)}")
    return None


def _together(checking: Checking, path: Loc, names: tuple[str, ...], node: Node) -> Values:
    if not isinstance(node, SequenceNode):
        example = ", ".join("…" for _ in names)
        checking.report(path, f"must be a list of rows, not {shown(node)}", f"write it as [[{example}], …]")
        return ()
    return _distinct(checking, path, node, lambda place, item: _row(checking, place, names, item))


def _row(checking: Checking, path: Loc, names: tuple[str, ...], node: Node) -> Row | None:
    wanted = f"a row of {len(names)} values, for {', '.join(names)}"
    if not isinstance(node, SequenceNode):
        checking.report(path, f"must be {wanted}, not {shown(node)}")
        return None
    if len(node.items) != len(names):
        checking.report(path, f"must be {wanted}, not of {len(node.items)}")
        return None
    row = [
        _one(checking, (*path, i), name, item)
        for i, (name, item) in enumerate(zip(names, node.items, strict=True))
    ]
    return None if None in row else tuple(value for one in row if one is not None for value in one)


def _distinct(
    checking: Checking, path: Loc, node: SequenceNode, read: Callable[[Loc, Node], Row | None]
) -> Values:
    """Return what the items of a list are read as; a row of one is its value. Report what is given twice."""
    if not node.items:
        checking.report(path, "is an empty list", "give it values, or remove it")
    values: list[Scalar | Row] = []
    seen: dict[Row, int] = {}
    for index, item in enumerate(node.items):
        row = read((*path, index), item)
        if row is None:
            continue
        marked = tuple(_marked(row))
        if marked in seen:
            hint = "remove one; `repeats` says how often a case is measured"
            checking.report(
                checking.document.newer(path, seen[marked], index), f"{_written(row)} is given twice", hint
            )
        seen[marked] = index
        values.append(row[0] if len(row) == 1 else row)
    return tuple(values)


def _marked(row: Row) -> Iterator[Scalar]:
    """Yield what tells rows apart: true is not 1, but 1 is 1.0."""
    for value in row:
        yield isinstance(value, bool)
        yield value


def _written(row: Row) -> str:
    values = ", ".join(as_yaml(value) for value in row)
    return values if len(row) == 1 else f"[{values}]"
