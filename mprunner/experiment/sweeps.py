"""A sweep: what its keys give, and the ranges among their values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Context, Decimal
from typing import Final

from mprunner.experiment.checking import BadParamError, Checking, ParamType
from mprunner.experiment.document import MappingNode, Node, ScalarNode, SequenceNode, parts
from mprunner.experiment.messages import NUMBER, WHOLE_NUMBER, as_yaml, shown, wrong_type
from mprunner.experiment.problems import Loc, Position, did_you_mean
from mprunner.experiment.scalars import RefusedScalarError, plain_scalar
from mprunner.experiment.value_types import measured
from mprunner.model.experiment import Row, Values, names_of
from mprunner.values import Scalar

MAX_VALUES: Final = 10_000  # of one range
MAX_ALL_VALUES: Final = 100_000  # of all ranges of a file

_ENDS = ("from", "to")
_WAYS = ("step", "times")
_EXAMPLE = "write {from: 1, to: 1024, times: 2} or {from: 0, to: 10, step: 2}"

_Number = int | float
_EXACTLY: Final = Context(prec=800)
"""Digits enough for the sum of any two numbers that a file can hold; those of a product grow without end."""


def check_range(checking: Checking, path: Loc, name: str, node: MappingNode) -> Values:
    """Return the values of a range, as the type of its param; report what is wrong with it, and return none."""
    if not _has_its_keys(checking, path, node):
        return ()
    if type_ := (checking.types or {}).get(name):
        unit = type_.field.unit
        amounts = {
            key: measured(node.entries[key].node, unit)
            for key in ("from", "to", "step")
            if key in node.entries
        }
        entries = {key: replace(node.entries[key], node=each) for key, each in amounts.items()}
        node = replace(node, entries={**node.entries, **entries})
    numbers = {key: _number(checking, (*path, key), entry.node) for key, entry in node.entries.items()}
    known = {key: number for key, number in numbers.items() if number is not None}
    if len(known) < len(numbers) or not _leads_somewhere(checking, path, known):
        return ()
    return _typed(checking, path, name, node, known)


def _has_its_keys(checking: Checking, path: Loc, node: MappingNode) -> bool:
    known = len(checking.problems)
    for key in node.entries:
        if key not in (*_ENDS, *_WAYS):
            hint = did_you_mean(key, (*_ENDS, *_WAYS)) or _EXAMPLE
            checking.report((*path, key), "a range has no such key", hint, at_key=True)
    for key in _ENDS:
        if key not in node.entries:
            checking.report(path, f"the range has no '{key}'", _EXAMPLE)
    given = [way for way in _WAYS if way in node.entries]
    if not given:
        checking.report(path, "the range has neither 'step' nor 'times'", _EXAMPLE)
    elif len(given) > 1:
        checking.report(path, "the range has both 'step' and 'times'", "remove one of them")
    return len(checking.problems) == known


def _number(checking: Checking, path: Loc, node: Node) -> _Number | None:
    if (
        isinstance(node, ScalarNode)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return node.value
    fault = wrong_type(NUMBER, node)
    checking.report(path, fault.message, fault.hint)
    return None


def _leads_somewhere(checking: Checking, path: Loc, numbers: Mapping[str, _Number]) -> bool:
    """Return whether the values begin at `from` and get to `to`; report why not."""
    first, last = numbers["from"], numbers["to"]
    if "times" in numbers:
        faults = {
            "times": (numbers["times"] <= 1, f"must be more than 1, not {numbers['times']}"),
            "from": (first <= 0, f"must be more than 0 where `times` is given, not {first}"),
            "to": (last < first, f"must be at least {first}, where the range begins, not {last}"),
        }
    else:
        step = numbers["step"]
        away = (last < first and step > 0) or (last > first and step < 0)
        faults = {
            "step": (step == 0 or away, f"leads away from {last}" if step else "must not be 0"),
        }
    wrong = {key: message for key, (is_wrong, message) in faults.items() if is_wrong}
    for key, message in wrong.items():
        checking.report((*path, key), message)
    return not wrong


def _typed(
    checking: Checking, path: Loc, name: str, node: MappingNode, numbers: Mapping[str, _Number]
) -> Values:
    """Return each value as its param's type; report the first that is refused, and no other."""
    type_ = None if checking.types is None else checking.types.get(name)
    if type_ is not None and not _ends_fit(checking, path, node, type_):
        return ()
    values: list[_Number] = []
    for value in _values(numbers):
        if len(values) == MAX_VALUES:
            checking.report(path, f"the range has more than {MAX_VALUES:,} values")
            return ()
        if values and value == values[-1]:
            checking.report(path, f"two of its values are both {as_yaml(value)}: numbers are no finer")
            return ()
        values.append(value)
        checking.ranged += 1
        if checking.ranged > MAX_ALL_VALUES:
            checking.report(path, f"the ranges of the file have more than {MAX_ALL_VALUES:,} values together")
            return ()
    try:
        return tuple(value if type_ is None else type_.checked(_as_node(node, value)) for value in values)
    except BadParamError as error:
        checking.report(path, error.fault.message, error.fault.hint)
        return ()


def _ends_fit(checking: Checking, path: Loc, node: MappingNode, type_: ParamType) -> bool:
    kind = type_.field.type
    if kind not in ("int", "float"):
        hint = "list its values: [first, second]"
        checking.report(
            path, f"only a param that is a number takes a range, and {type_.field.name} is none", hint
        )
        return False
    wrong = [key for key in node.entries if kind == "int" and not _is_whole(node.entries[key].node)]
    for key in wrong:
        entry = node.entries[key].node
        fault = wrong_type(WHOLE_NUMBER, entry)
        checking.report((*path, key), fault.message, fault.hint)
    return not wrong


def _is_whole(node: Node) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, int)


def _values(numbers: Mapping[str, _Number]) -> Iterator[_Number]:
    """Yield the values from the first to the last, both included where they are hit."""
    exact = {key: Decimal(str(number)) for key, number in numbers.items()}
    whole = all(isinstance(number, int) for key, number in numbers.items() if key != "to")
    number_of: Callable[[Decimal], _Number] = int if whole else float
    value, last = exact["from"], exact["to"]
    upwards = exact.get("step", 1) > 0
    while (value <= last) if upwards else (value >= last):
        yield number_of(value)
        value = (
            _EXACTLY.multiply(value, exact["times"])
            if "times" in exact
            else _EXACTLY.add(value, exact["step"])
        )


def _as_node(node: MappingNode, value: _Number) -> ScalarNode:
    return ScalarNode(node.position, value, as_yaml(value))


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
