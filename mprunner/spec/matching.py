"""Whether a combination has some values of params, as a baseline or a ``where`` says: told before any is made."""

from collections.abc import Mapping

from mprunner.expected import Where
from mprunner.spec.checking import Checking, ParamTypes
from mprunner.spec.messages import as_yaml, list_of_names
from mprunner.spec.model import Block, Row, axes
from mprunner.spec.problems import Loc
from mprunner.values import Scalar

_CPU_COUNT = "cpu_count"


def refuse_unmatched(
    checking: Checking,
    path: Loc,
    wanted: Where,
    fixed: Mapping[str, Scalar],
    sweep: tuple[Block, ...],
) -> None:
    """Report values at a path that no combination has, one by one or together; any of a name's values will do."""
    if checking.types is None:
        return
    blocks, others = sweep or ({},), _with_defaults(fixed, checking.types)
    unknown = False
    for name, values in wanted.items():
        for index, value in enumerate(values):
            if not any(_matches({name: (value,)}, block, others) for block in blocks):
                unknown = True
                hint = f"the cases have {list_of_names(_values_of(name, blocks, others))}"
                checking.report((*path, name, index), f"no case has {as_yaml(value)} here", hint)
    if not unknown and not any(_matches(wanted, block, others) for block in blocks):
        checking.report(path, "no case has all these values", at_key=True)


def _with_defaults(fixed: Mapping[str, Scalar], types: ParamTypes) -> dict[str, Scalar]:
    return {**{name: type_.field.default for name, type_ in types.items()}, **fixed}


def _matches(wanted: Where, block: Block, others: Mapping[str, Scalar]) -> bool:
    """Return whether a combination of the block has the values: what varies on its own is looked at on its own."""
    left = dict(wanted)
    for names, rows in axes(block):
        here = [(i, left.pop(name)) for i, name in enumerate(names) if name in left]
        if here and not any(_row_matches(here, row) for row in rows):
            return False
    return all(_may_be(values, others[name]) for name, values in left.items())


def _row_matches(wanted: list[tuple[int, tuple[Scalar, ...]]], row: Row) -> bool:
    return all(_may_be(values, row[index]) for index, values in wanted)


def _may_be(values: tuple[Scalar, ...], other: Scalar) -> bool:
    """Return whether a value is one of some; `cpu_count` may be any number, on some machine."""
    return any(
        value in (other, _CPU_COUNT) or (other == _CPU_COUNT and isinstance(value, int)) for value in values
    )


def _values_of(name: str, blocks: tuple[Block, ...], others: Mapping[str, Scalar]) -> list[str]:
    found: dict[str, None] = {}
    for block in blocks:
        rows_of = {each: (rows, i) for names, rows in axes(block) for i, each in enumerate(names)}
        rows, index = rows_of.get(name, (((others[name],),), 0))
        found.update(dict.fromkeys(as_yaml(row[index]) for row in rows))
    return list(found)
