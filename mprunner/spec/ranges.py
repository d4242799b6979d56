"""A range among a sweep's values: ``{from: 1, to: 1024, times: 2}`` or ``{from: 0, to: 10, step: 2}``.

Values are computed as decimals of what is written, so that 0.1 three times is 0.3, and an int stays one.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from typing import Final

from mprunner.spec.checking import Checking
from mprunner.spec.messages import NUMBER, WHOLE_NUMBER, as_yaml, wrong_type
from mprunner.spec.model import Values
from mprunner.spec.nodes import MappingNode, Node, ScalarNode
from mprunner.spec.param_types import BadParamError, ParamType
from mprunner.spec.problems import Loc, did_you_mean

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
