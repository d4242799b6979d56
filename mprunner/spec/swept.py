"""What the keys of a sweep give: one value, a list of values, a range, or rows of names that move together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mprunner.spec.checking import Checking
from mprunner.spec.messages import as_yaml, shown
from mprunner.spec.model import Row, Values, names_of
from mprunner.spec.nodes import MappingNode, Node, ScalarNode, SequenceNode, parts
from mprunner.spec.param_types import BadParamError, ParamType
from mprunner.spec.problems import Loc, Position
from mprunner.spec.ranges import check_range
from mprunner.spec.scalars import RefusedScalarError, plain_scalar
from mprunner.values import Scalar

_RANGE = {"from", "to", "step", "times"}
_SHOWN_VALUES = 12
_SHOWN_WORD = 40
_NOWHERE = Position(1, 1)


def check_block(checking: Checking, path: Loc) -> dict[str, Values]:
    """Return the values of a block of the sweep, by key; report whatever is wrong with them."""
    block: dict[str, Values] = {}
    seen: set[str] = set()
    for key, node in checking.entries(path):
        names, place = names_of(key), (*path, key)
        if _is_stray(checking, path, key, node, next(reversed(block), None)):
            continue
        _check_names(checking, place, names, seen)
        if len(names) > 1:
            block[", ".join(names)] = _together(checking, place, names, node)
        else:
            block[key] = check_values(checking, place, key, node)
    return block


def _is_stray(checking: Checking, path: Loc, key: str, node: Node, before: str | None) -> bool:
    """Return whether a key is a value of the one before it, as in {guard: none, lock}; report it then."""
    types = checking.types or {}
    if before is None or before not in types or key in types or not _is_nothing(node):
        return False
    first = checking.node((*path, before))
    if not isinstance(first, ScalarNode) or not _are_values(types[before], [key]):
        return False
    hint = f"a list is written {before}: [{first.written}, {key}]"
    checking.report((*path, key), f"is a value of {before}, and not a param", hint, at_key=True)
    return True


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None and not node.written


def _are_values(type_: ParamType, texts: Sequence[str]) -> bool:
    """Return whether each of some texts would be a value of a param, if it stood alone."""
    try:
        for text in texts:
            type_.checked(ScalarNode(_NOWHERE, plain_scalar(text), text))
    except (BadParamError, RefusedScalarError):
        return False
    return True


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
            known = len(checking.problems)
            value = checking.value(path, name, node)
            if len(checking.problems) > known and (listed := _as_list(checking, name, node)):
                checking.problems[-1] = replace(checking.problems[-1], hint=f"write it as {listed}")
            return (value,)
        case SequenceNode():
            return _distinct(checking, path, node, lambda place, item: _one(checking, place, name, item))
    if names := _names_alone(node):
        checking.report(
            path, "is a mapping of names without values", f"a list is written [{', '.join(names)}]"
        )
        return ()
    return check_range(checking, path, name, node)


def _as_list(checking: Checking, name: str, node: ScalarNode) -> str | None:
    """Return the list that a wrong value is meant to be: values with commas between them, and no brackets."""
    type_ = (checking.types or {}).get(name)
    texts = [text.strip() for text in node.written.split(",")]
    if type_ is None or not 1 < len(texts) <= _SHOWN_VALUES or not _are_values(type_, texts):
        return None
    return f"[{(', ' if node.position.option is None else ',').join(texts)}]"  # a shell parts words at spaces


def _names_alone(node: MappingNode) -> list[str]:
    """Return the keys of a mapping such as {none, lock}, which is no list; none where it may be a range."""
    entries = node.entries
    are_alone = all(_is_nothing(each) for _, each in parts(node))
    is_short = 0 < len(entries) <= _SHOWN_VALUES and max(map(len, entries)) <= _SHOWN_WORD
    return list(entries) if are_alone and is_short and not _RANGE & set(entries) else []


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
