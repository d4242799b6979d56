"""Rules of an outcome that never apply, since one before them has the same condition."""

from collections.abc import Mapping

from mprunner.expected import Condition, OutcomeRule, ParamValue
from mprunner.spec.checking import Checking
from mprunner.spec.problems import Loc


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
        if any(_takes_all(each, rule) for each in before):
            hint = "the first rule that applies decides: remove one of the two"
            checking.report(path, "never applies: a rule above has the same condition", hint)
        before.append(rule)


def _meaning(condition: Condition) -> object:
    """Return what is the same for conditions that mean the same; 1 and true, equal to Python, are not."""
    values = (condition.equals, *condition.one_of)
    return condition, tuple(isinstance(value, bool | ParamValue) for value in values)


def _takes_all(earlier: OutcomeRule, later: OutcomeRule) -> bool:
    """Return whether the cases of a rule are all among those of an earlier one."""
    return all(
        name in later.where and set(later.where[name]) <= set(values)
        for name, values in earlier.where.items()
    )
