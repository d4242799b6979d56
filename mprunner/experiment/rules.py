"""What ``outcomes``, ``expect`` and ``repeats: {until: …}`` mean: one pass over entries that have their shape."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError

from mprunner.experiment.checking import Checking
from mprunner.experiment.document import Document, MappingNode, Node, ScalarNode, SequenceNode, plain
from mprunner.experiment.keys import CONDITIONS, ConditionEntry, ExpectEntry, OutcomeEntry
from mprunner.experiment.messages import (
    NUMBER,
    TEXT,
    TRUE_OR_FALSE,
    Fault,
    list_of_names,
    not_a_choice,
    shown,
    text_fault,
    wrong_type,
)
from mprunner.experiment.problems import Loc, did_you_mean
from mprunner.experiment.value_types import measured
from mprunner.model.declaration import Declaration, Field, FieldType
from mprunner.model.records import Status
from mprunner.model.rules import OF_EACH, Condition, Expectation, OutcomeRule, ParamValue, Rules, Where
from mprunner.values import Scalar

_LISTED = ", ".join(f"`{name}`" for name in CONDITIONS)
_UNTIL = ("repeats", "until", "metric")
_Entry = TypeVar("_Entry", bound=ConditionEntry)


class _Found(NamedTuple):
    """Something wrong with an entry: with the value or key at a path from the entry on, or with all of it."""

    path: Loc
    message: str
    hint: str | None = None
    at_key: bool = False


def check_rules(checking: Checking, declared: Declaration | None) -> Rules:
    """Check what a file expects; what has another shape than it should is left out: check_structure() reports that.

    Returns:
        the rules, which are complete where there is no problem.
    """
    outcomes = {}
    for variable, node in checking.entries(("outcomes",)):
        path: Loc = ("outcomes", variable)
        if declared is not None and variable not in declared.outcomes:
            _unknown(checking, path, "outcome", variable, list(declared.outcomes), at_key=True)
        rules: dict[Loc, OutcomeRule] = {}
        for place, entry, where, is_sound in _entries(checking, path, node, OutcomeEntry):
            if is_sound:
                _report(checking, place, _wrong_values(checking, place, entry, None))
                rules[place] = OutcomeRule(
                    condition=entry.condition(), verdict=entry.verdict, note=entry.note, where=where
                )
        _refuse_unreachable(checking, rules)
        outcomes[variable] = tuple(rules.values())
    expect = []
    listed = checking.node(("expect",))
    for place, wanted, where, is_sound in _entries(checking, ("expect",), listed, ExpectEntry):
        field = _metric(checking, place, wanted, declared)
        if is_sound:
            _report(checking, place, _wrong_for_metric(checking, place, wanted, field, declared))
            expect.append(_expectation(wanted, where))
    return Rules(outcomes=outcomes, expect=tuple(expect))


def with_amounts(document: Document, declared: Declaration | None) -> Document:
    """Return a document with numbers for the times and sizes that it expects of metrics with such a unit."""
    units = {
        each.name: each.unit for each in (declared.metrics if declared else ()) if _kind(each.type) == NUMBER
    }

    def with_unit(item: Node) -> Node:
        metric = item.entries.get("metric") if isinstance(item, MappingNode) else None
        unit = units.get(str(plain(metric.node)), "") if metric is not None else ""
        if not unit or not isinstance(item, MappingNode):
            return item
        stat = item.entries.get("stat")
        if stat is not None and plain(stat.node) == "ratio":  # it has no unit
            return item
        entries = {
            key: replace(entry, node=measured(entry.node, unit))
            if key in (*CONDITIONS, "tolerance")
            else entry
            for key, entry in item.entries.items()
        }
        return replace(item, entries=entries)

    root = document.root
    expect = root.entries.get("expect") if isinstance(root, MappingNode) else None
    if expect is None or not isinstance(root, MappingNode) or not isinstance(expect.node, SequenceNode):
        return document
    items = replace(expect.node, items=tuple(map(with_unit, expect.node.items)))
    return replace(
        document, root=replace(root, entries={**root.entries, "expect": replace(expect, node=items)})
    )


def _expectation(entry: ExpectEntry, where: Where) -> Expectation:
    return Expectation(
        metric=entry.metric or None,
        status=entry.status or None,
        stat=entry.stat,
        condition=entry.condition(),
        where=where,
    )


def _entries(
    checking: Checking, path: Loc, node: Node | None, model: type[_Entry]
) -> Iterator[tuple[Loc, _Entry, Where, bool]]:
    """Yield each entry of a list with its path, the cases that it means, and whether its values can be judged.

    What is wrong in any is reported.
    """
    for index, item in enumerate(node.items if isinstance(node, SequenceNode) else ()):
        if not isinstance(item, MappingNode):
            continue
        place = (*path, index)
        entry, is_sound = _shaped(model, plain(item))
        if is_sound and (found := next(_contradictions(entry), None)):  # others may follow from the first
            blamed = checking.document.set_within(place) or (*place, *found.path)
            checking.report(blamed, found.message, found.hint)
            is_sound = False
        _check_param(checking, place, entry)
        where = _where(checking, (*place, "where")) if "where" in entry.model_fields_set else {}
        yield place, entry, where, is_sound


def _shaped(model: type[_Entry], value: dict[str, Any]) -> tuple[_Entry, bool]:
    try:
        return model.model_validate(value), True
    except ValidationError as error:
        wrong = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
        return model.model_construct(**{key: each for key, each in value.items() if key not in wrong}), False


def _report(checking: Checking, path: Loc, found: Iterator[_Found]) -> None:
    for each in found:
        checking.report((*path, *each.path), each.message, each.hint, at_key=each.at_key)


def _contradictions(entry: ConditionEntry) -> Iterator[_Found]:
    """Yield what does not fit together in an entry."""
    given = entry.given
    if "tolerance" in given and "equals" not in given:
        yield _Found((), "`tolerance` says how near `equals` must be met, and there is no `equals`")
    if "between" in given and ("min" in given or "max" in given):
        yield _Found((), "`between` has both ends", "remove `min` and `max`")
    if entry.min is not None and entry.max is not None and entry.min > entry.max:
        yield _Found((), f"`min` {entry.min} is more than `max` {entry.max}")
    yield from _impossible(given, entry)
    if isinstance(entry, ExpectEntry):
        yield from _of_no_subject(entry, given)
    elif isinstance(entry, OutcomeEntry):
        if entry.otherwise and entry.conditions:
            yield _Found((), f"has `otherwise` and `{entry.conditions[0]}`", "remove one of them")
        if not entry.otherwise and not entry.conditions:
            yield _Found((), "does not say which states", f"give it one of {_LISTED}, or `otherwise: true`")


def _impossible(given: Mapping[str, Any], entry: ConditionEntry) -> Iterator[_Found]:
    """Yield why no value meets a condition. Which one a case has for a param is not known here."""
    equals = None if isinstance(entry.equals, dict) else entry.equals
    if "tolerance" in given and isinstance(equals, str | bool):
        kind = TEXT if isinstance(equals, str) else TRUE_OR_FALSE
        message = f"says how near a number must be, and `equals` is {kind}"
        yield _Found(("tolerance",), message, "remove it")
    if equals is None and not entry.one_of:
        return
    least, most = entry.between or (entry.min, entry.max)
    others = Condition(equals=equals, tolerance=entry.tolerance, min=least, max=most)
    if not any(others.holds(each, {}) for each in entry.one_of or (equals, least, most)):
        named = [f"`{key}`" for key in given if key != "tolerance"]
        message = f"{', '.join(named[:-1])} and {named[-1]} can't hold together"
        yield _Found(("one_of" if entry.one_of else "equals",), message, "remove what is not meant")


def _of_no_subject(entry: ExpectEntry, given: Mapping[str, Any]) -> Iterator[_Found]:
    first = next(iter(entry.conditions), None)
    if len({"metric", "status"} & entry.model_fields_set) != 1:
        hint = "give it `metric` or `status`, and not both of them"
        yield _Found((), "must be about a metric or a status", hint)
    elif "metric" in entry.model_fields_set:
        if first is None:
            yield _Found((), "does not say what the metric must be", f"give it one of {_LISTED}")
    elif entry.stat not in (*OF_EACH, "share"):
        yield _Found((), f"the `{entry.stat}` of a status means nothing", "use every, any or share")
    elif entry.stat == "share" and first is None:
        hint = "give it `min` or `max`, such as `min: 0.5`"
        yield _Found((), "does not say what the share must be", hint)
    elif entry.stat != "share" and first is not None:
        message = f"every or any trial has the status or has not: `{first}` is too much"
        yield _Found((), message, f"remove `{first}`, or use `stat: share`")
    if entry.stat == "share":
        yield from _no_share(given)


def _no_share(given: Mapping[str, Any]) -> Iterator[_Found]:
    for key, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            is_number = isinstance(each, int | float) and not isinstance(each, bool)
            if is_number and key != "tolerance" and not 0 <= each <= 1:
                hint = f"write {each / 100:g} for {each:g} %" if 1 < each <= 100 else None
                yield _Found((key,), f"{each} is no share: a share is between 0 and 1", hint)


def _check_param(checking: Checking, path: Loc, entry: ConditionEntry) -> None:
    """Report an `equals` whose param is unknown, and a tolerance of one that is no number."""
    name = entry.equals["param"] if isinstance(entry.equals, dict) else None
    if name is None or checking.types is None:
        return
    param = _param(checking, entry)
    if param is None:
        _unknown(checking, (*path, "equals", "param"), "param", name, list(checking.types))
    elif "tolerance" in entry.given and _kind(param.type) != NUMBER:
        message = f"says how near a number must be, and {name} is {_kind(param.type)}"
        checking.report((*path, "tolerance"), message, "remove it", at_key=True)


def _param(checking: Checking, entry: ConditionEntry) -> Field | None:
    name = entry.equals["param"] if isinstance(entry.equals, dict) else None
    type_ = None if name is None else (checking.types or {}).get(name)
    return None if type_ is None else type_.field


def _metric(checking: Checking, path: Loc, entry: ExpectEntry, declared: Declaration | None) -> Field | None:
    """Return the metric of an expectation; report one that the scenario lacks, or a status that there is not."""
    if entry.status and entry.status not in list(Status):
        node = checking.document.find((*path, "status")).node
        fault = not_a_choice([each.value for each in Status], node)
        checking.report((*path, "status"), fault.message, fault.hint)
    if not entry.metric or declared is None:
        return None
    field = next((each for each in declared.metrics if each.name == entry.metric), None)
    if field is None:
        names = [each.name for each in declared.metrics]
        _unknown(checking, (*path, "metric"), "metric", entry.metric, names)
    return field


def _wrong_for_metric(
    checking: Checking, path: Loc, entry: ExpectEntry, field: Field | None, declared: Declaration | None
) -> Iterator[_Found]:
    """Yield what an expectation asks of its metric that the metric can't be."""
    of_each = entry.stat in OF_EACH
    if entry.stat == "ratio" and not _has_baseline(checking, declared):
        hint = "name the cases that the others are compared with, as in `baseline: {guard: none}`"
        yield _Found(("stat",), "is that to the baseline, and there is none", hint)
    if field is not None:
        kind, param = _kind(field.type), _param(checking, entry)
        if kind == TEXT and not of_each:
            message = f"{field.name} is text: there is no {entry.stat} of it"
            yield _Found(("stat",), message, "use every or any, or another metric")
        for key in entry.conditions if kind != NUMBER and of_each else ():
            if key in ("min", "max", "between"):
                hint = "use `equals` or `one_of`" if kind == TEXT else "use `equals`, or `stat: share`"
                yield _Found((key,), f"{field.name} is {kind}, no number", hint, at_key=True)
        wanted = kind if of_each else NUMBER
        if param is not None and _kind(param.type) != wanted:
            whose = field.name if of_each else f"the {entry.stat} of {field.name}"
            message = f"{param.name} is {_kind(param.type)}, and {whose} is {wanted}"
            yield _Found(("equals", "param"), message, "name another param, or give the value")
    yield from _wrong_values(checking, path, entry, field, entry.stat)


def _has_baseline(checking: Checking, declared: Declaration | None) -> bool:
    """Whether the file names a baseline, or leaves it to a scenario that may have one."""
    if checking.node(("baseline",)) is None:
        return declared is None or bool(declared.baseline)
    return any(checking.entries(("baseline",)))


def _wrong_values(
    checking: Checking, path: Loc, entry: ConditionEntry, field: Field | None, stat: str = "every"
) -> Iterator[_Found]:
    """Yield which values of `equals` and `one_of` nothing observed can have."""
    for place in (("equals",), *(("one_of", index) for index in range(len(entry.one_of)))):
        node = checking.node((*path, *place))
        if isinstance(node, ScalarNode) and (fault := _value_fault(node, field, stat)):
            yield _Found(place, fault.message, fault.hint)


def _value_fault(node: ScalarNode, field: Field | None, stat: str) -> Fault | None:
    value = node.value
    if stat not in OF_EACH or (field is not None and _kind(field.type) == NUMBER):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if is_number else wrong_type(NUMBER, node)
    if field is None:
        return text_fault(value) if isinstance(value, str) else None
    if field.choices is not None:
        return None if value in field.choices else not_a_choice(field.choices, node)
    is_kind = isinstance(value, bool if field.type == "bool" else str)
    return None if is_kind else wrong_type(_kind(field.type), node)


def _kind(type_: FieldType) -> str:
    return {"str": TEXT, "bool": TRUE_OR_FALSE}.get(type_, NUMBER)


def _unknown(
    checking: Checking, path: Loc, kind: str, name: str, known: list[str], *, at_key: bool = False
) -> None:
    hint = did_you_mean(name, known)
    hint = hint or (f"its {kind}s are {list_of_names(known)}" if known else f"it has no {kind}s")
    checking.report(path, f"scenario '{checking.scenario}' has no such {kind}", hint, at_key=at_key)


def _where(checking: Checking, path: Loc) -> Where:
    where: dict[str, tuple[Scalar, ...]] = {}
    for name, node in checking.entries(path):
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
                message = f"must be one value or a list of values, not {held}"
                checking.report(place, message, "as in [none, lock]")
    return where


def _refuse_unreachable(checking: Checking, rules: Mapping[Loc, OutcomeRule]) -> None:
    """Report every rule of an outcome that never applies, as one before it takes all that it could."""
    hint = "the first rule that applies decides: "
    seen: dict[object, list[OutcomeRule]] = {}
    takes_all: Loc | None = None
    for path, rule in rules.items():
        if takes_all is not None:
            position = checking.document.find(takes_all).node.position
            where = f" on line {position.line}" if position.option is None else ""
            message = f"never applies: the rule{where} before it takes every state"
            checking.report(path, message, f"{hint}move it up")
        if rule.condition is None:
            takes_all = takes_all or (None if rule.where else path)
            continue
        before = seen.setdefault(_meaning(rule.condition), [])
        if any(_catches_all(each, rule) for each in before):
            message = "never applies: a rule above has the same condition"
            checking.report(path, message, f"{hint}remove one of the two")
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


def check_until(checking: Checking, declared: Declaration | None) -> None:
    """Report a metric of `until` that the scenario lacks or that is no number; check_structure() reports all else."""
    node = checking.node(_UNTIL)
    if declared is None or not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return
    numbers = [field.name for field in declared.metrics if _kind(field.type) == NUMBER]
    field = next((field for field in declared.metrics if field.name == node.value), None)
    others = f"its numbers are {list_of_names(numbers)}" if numbers else "it has no metric that is a number"
    if field is None:
        hint = did_you_mean(node.value, numbers) or others
        checking.report(_UNTIL, f"scenario '{checking.scenario}' has no such metric", hint)
    elif field.name not in numbers:
        checking.report(_UNTIL, f"{field.name} is {_kind(field.type)}, not {NUMBER}", others)
