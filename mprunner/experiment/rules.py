"""What an experiment expects, checked against what its scenario declares: outcomes, metrics, and which cases."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, cast

from mprunner.experiment.checking import Checking
from mprunner.experiment.document import MappingNode, Node, ScalarNode, SequenceNode
from mprunner.experiment.messages import (
    NUMBER,
    TEXT,
    TRUE_OR_FALSE,
    list_of_names,
    not_a_choice,
    shown,
    text_fault,
    wrong_type,
)
from mprunner.experiment.problems import Loc, did_you_mean
from mprunner.experiment.rule_keys import MAX_RULES
from mprunner.model.declaration import Declaration, Field, FieldType
from mprunner.model.records import Status
from mprunner.model.rules import (
    OF_EACH,
    Condition,
    Expectation,
    Operand,
    OutcomeRule,
    ParamValue,
    Rules,
    Where,
)
from mprunner.values import Scalar


def refuse_repeated(checking: Checking, rules: Mapping[Loc, OutcomeRule]) -> None:
    """Report every rule whose condition one before it has, for all of its cases.

    A rule without a condition that takes every case is left out: what comes after it never applies, whatever it says.

    Args:
        checking: of the file.
        rules: of one outcome, by their paths.
    """
    seen: dict[object, list[OutcomeRule]] = {}
    for path, rule in rules.items():
        if rule.condition is None or checking.document.find(path).node.refused:
            continue
        before = seen.setdefault(_meaning(rule.condition), [])
        if any(_catches_all(each, rule) for each in before):
            hint = "the first rule that applies decides: remove one of the two"
            checking.report(path, "never applies: a rule above has the same condition", hint)
        before.append(rule)


def _meaning(condition: Condition) -> object:
    """Return what is the same for conditions that mean the same; 1 and true, equal to Python, are not."""
    values = (condition.equals, *condition.one_of)
    return condition, tuple(isinstance(value, bool | ParamValue) for value in values)


def _catches_all(earlier: OutcomeRule, later: OutcomeRule) -> bool:
    """Return whether the cases of a rule are all among those of an earlier one."""
    return all(
        name in later.where and set(later.where[name]) <= set(values)
        for name, values in earlier.where.items()
    )


Check = Callable[[Checking, Loc, ScalarNode], None]
"""Reports what is wrong with a value that something observed is compared with."""


def check_rules(checking: Checking, declared: Declaration | None) -> tuple[Rules, dict[Loc, Where]]:
    """Check what a file expects; what has another shape than it should is left out: check_structure() reports that.

    Returns:
        the rules, which are complete where there is no problem; and every ``where``, by its path.
    """
    wheres: dict[Loc, Where] = {}
    outcomes = {}
    for variable, node in islice(checking.entries(("outcomes",)), MAX_RULES):
        path = ("outcomes", variable)
        if declared is not None and variable not in declared.outcomes:
            _unknown(checking, path, "outcome", variable, list(declared.outcomes))
        rules = {place: _outcome_rule(checking, place, wheres) for place in _mappings(path, node)}
        _refuse_unreachable(checking, rules)
        refuse_repeated(checking, rules)
        outcomes[variable] = tuple(rules.values())
    expect = tuple(
        _expectation(checking, place, declared, wheres)
        for place in _mappings(("expect",), checking.node(("expect",)))
    )
    return Rules(outcomes=outcomes, expect=expect), wheres


def _mappings(path: Loc, node: Node | None) -> list[Loc]:
    items = node.items if isinstance(node, SequenceNode) else ()
    return [(*path, i) for i, item in enumerate(items[:MAX_RULES]) if isinstance(item, MappingNode)]


def _unknown(
    checking: Checking, path: Loc, kind: str, name: str, known: list[str], *, at_key: bool = True
) -> None:
    hint = did_you_mean(name, known)
    hint = hint or (f"its {kind}s are {list_of_names(known)}" if known else f"it has no {kind}s")
    checking.report(path, f"scenario '{checking.scenario}' has no such {kind}", hint, at_key=at_key)


def _outcome_rule(checking: Checking, path: Loc, wheres: dict[Loc, Where]) -> OutcomeRule:
    given = dict(checking.entries(path))
    return OutcomeRule(
        condition=None if "otherwise" in given else _condition(checking, path, given, _any_state),
        verdict=cast("Any", _text(given.get("verdict"))),
        note=_text(given.get("note")),
        where=_where(checking, path, given, wheres),
    )


def _refuse_unreachable(checking: Checking, rules: Mapping[Loc, OutcomeRule]) -> None:
    """Report what stands after a rule for every state, which one with a mistake in its condition is not."""
    last = next((path for path, rule in rules.items() if _takes_all(checking, path, rule)), None)
    for path in rules:
        if last is not None and cast("int", path[-1]) > cast("int", last[-1]):
            hint = "the first rule that applies decides: move it up"
            position = checking.document.find(last).node.position
            where = f" on line {position.line}" if position.option is None else ""
            checking.report(path, f"never applies: the rule{where} before it takes every state", hint)


def _takes_all(checking: Checking, path: Loc, rule: OutcomeRule) -> bool:
    return not rule.where and any(key == "otherwise" for key, _ in checking.entries(path))


def _expectation(
    checking: Checking, path: Loc, declared: Declaration | None, wheres: dict[Loc, Where]
) -> Expectation:
    given = dict(checking.entries(path))
    metric, status, stat = (_text(given.get(key)) for key in ("metric", "status", "stat"))
    stat = stat or "every"
    check: Check = _any_number if stat not in OF_EACH else _any_state
    if metric and declared is not None:
        field = next((each for each in declared.metrics if each.name == metric), None)
        if field is None:
            names = [each.name for each in declared.metrics]
            _unknown(checking, (*path, "metric"), "metric", metric, names, at_key=False)
        else:
            _refuse_stat(checking, path, field, stat)
            _refuse_param_of_other_kind(checking, path, field, stat)
            check = check if stat not in OF_EACH else _of_field(field)
    if status and status not in list(Status):
        fault = not_a_choice([each.value for each in Status], cast("ScalarNode", given["status"]))
        checking.report((*path, "status"), fault.message, fault.hint)
    return Expectation(
        metric=metric or None,
        status=status or None,
        stat=cast("Any", stat),
        condition=_condition(checking, path, given, check),
        where=_where(checking, path, given, wheres),
    )


def _refuse_stat(checking: Checking, path: Loc, field: Field, stat: str) -> None:
    if field.type == "str" and stat not in OF_EACH:
        message = f"{field.name} is text: there is no {stat} of it"
        checking.report((*path, "stat"), message, "use every or any, or another metric")
    for key in ("min", "max", "between") if field.type in ("str", "bool") and stat in OF_EACH else ():
        if checking.node((*path, key)) is not None:
            kind = TEXT if field.type == "str" else TRUE_OR_FALSE
            hint = "use `equals` or `one_of`" if field.type == "str" else "use `equals`, or `stat: share`"
            checking.report((*path, key), f"{field.name} is {kind}, no number", hint, at_key=True)


def _refuse_param_of_other_kind(checking: Checking, path: Loc, field: Field, stat: str) -> None:
    """Report an `equals` whose param can't be the same as the metric, as text is never a number."""
    param = _param_of_equals(checking, path)
    wanted = _kind(field.type) if stat in OF_EACH else NUMBER
    if param is not None and _kind(param.type) != wanted:
        whose = field.name if stat in OF_EACH else f"the {stat} of {field.name}"
        message = f"{param.name} is {_kind(param.type)}, and {whose} is {wanted}"
        checking.report((*path, "equals", "param"), message, "name another param, or give the value")


def _refuse_tolerance(checking: Checking, path: Loc) -> None:
    """Report a tolerance of an `equals` whose param is no number."""
    param = _param_of_equals(checking, path)
    if param is not None and _kind(param.type) != NUMBER and checking.node((*path, "tolerance")) is not None:
        message = f"says how near a number must be, and {param.name} is {_kind(param.type)}"
        checking.report((*path, "tolerance"), message, "remove it", at_key=True)


def _param_of_equals(checking: Checking, path: Loc) -> Field | None:
    name = _text(checking.node((*path, "equals", "param")))
    type_ = (checking.types or {}).get(name)
    return None if type_ is None else type_.field


def _kind(type_: FieldType) -> str:
    return {"str": TEXT, "bool": TRUE_OR_FALSE}.get(type_, NUMBER)


def _condition(checking: Checking, path: Loc, given: Mapping[str, Node], check: Check) -> Condition | None:
    bounds: list[Scalar] = [_number(given.get("min")), _number(given.get("max"))]
    if isinstance(between := given.get("between"), SequenceNode) and len(between.items) == 2:
        bounds = [_number(item) for item in between.items]
    _refuse_tolerance(checking, path)
    condition = Condition(
        equals=_operand(checking, (*path, "equals"), given.get("equals"), check),
        tolerance=cast("Any", _number(given.get("tolerance"))) or 0.0,
        one_of=_several(checking, (*path, "one_of"), given.get("one_of"), check),
        min=cast("Any", bounds[0]),
        max=cast("Any", bounds[1]),
    )
    return None if condition == Condition() else condition


def _operand(checking: Checking, path: Loc, node: Node | None, check: Check) -> Operand:
    if isinstance(node, ScalarNode):
        check(checking, path, node)
        return node.value
    if isinstance(node, MappingNode) and "param" in node.entries:
        name = _text(node.entries["param"].node)
        if name and checking.types is not None and name not in checking.types:
            _unknown(checking, (*path, "param"), "param", name, list(checking.types), at_key=False)
        return ParamValue(name)
    return None


def _several(checking: Checking, path: Loc, node: Node | None, check: Check) -> tuple[Scalar, ...]:
    values: list[Scalar] = []
    for index, item in enumerate(node.items if isinstance(node, SequenceNode) else ()):
        if isinstance(item, ScalarNode) and not item.refused:
            check(checking, (*path, index), item)
            values.append(item.value)
    return tuple(values)


def _where(checking: Checking, path: Loc, given: Mapping[str, Node], wheres: dict[Loc, Where]) -> Where:
    path = (*path, "where")
    where: dict[str, tuple[Scalar, ...]] = {}
    for name, node in checking.entries(path) if "where" in given else ():
        place = (*path, name)
        checking.check_name(place, name)
        match node:
            case ScalarNode():
                where[name] = (checking.value(place, name, node),)
            case SequenceNode(items=items) if items and all(isinstance(item, ScalarNode) for item in items):
                where[name] = tuple(
                    checking.value((*place, i), name, cast("ScalarNode", item))
                    for i, item in enumerate(items)
                )
            case SequenceNode(items=()):
                checking.report(place, "is an empty list", "give it values, or remove it")
            case _:
                held = "one that holds more than values" if isinstance(node, SequenceNode) else shown(node)
                checking.report(
                    place, f"must be one value or a list of values, not {held}", "as in [none, lock]"
                )
    if where:
        wheres[path] = where
    return where


def _any_state(checking: Checking, path: Loc, node: ScalarNode) -> None:
    if isinstance(node.value, str) and (fault := text_fault(node.value)):
        checking.report(path, fault.message, fault.hint)


def _any_number(checking: Checking, path: Loc, node: ScalarNode) -> None:
    if not isinstance(node.value, int | float) or isinstance(node.value, bool):
        fault = wrong_type(NUMBER, node)
        checking.report(path, fault.message, fault.hint)


def _of_field(field: Field) -> Check:
    """Return the check of a value that each trial's metric is compared with."""

    def check(checking: Checking, path: Loc, node: ScalarNode) -> None:
        if field.type in ("int", "float"):
            _any_number(checking, path, node)
        elif field.choices is not None and node.value not in field.choices:
            fault = not_a_choice(field.choices, node)
            checking.report(path, fault.message, fault.hint)
        elif not isinstance(node.value, bool if field.type == "bool" else str):
            fault = wrong_type(TRUE_OR_FALSE if field.type == "bool" else TEXT, node)
            checking.report(path, fault.message, fault.hint)

    return check


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""


def _number(node: Node | None) -> Scalar:
    value = node.value if isinstance(node, ScalarNode) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
