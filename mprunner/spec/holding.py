"""Conditions that nothing can meet, or that mean nothing: refused by what they give, whatever they are about."""

from collections.abc import Mapping
from typing import Any

from mprunner.expected import Condition
from mprunner.spec.messages import TEXT, TRUE_OR_FALSE, fault

Given = Mapping[str, Any]
"""The keys of a condition that a file gives, with their values."""


def refuse_senseless(given: Given) -> None:
    """Refuse a condition that nothing can meet.

    Raises:
        PydanticCustomError: why, at one of its keys.
    """
    equals = given.get("equals")
    if isinstance(equals, dict):
        equals = None  # which value a case has is not known here
    if "tolerance" in given and isinstance(equals, str | bool):
        kind = TEXT if isinstance(equals, str) else TRUE_OR_FALSE
        raise fault(f"says how near a number must be, and `equals` is {kind}", "remove it", key="tolerance")
    values = given.get("one_of", [])
    if equals is None and not values:
        return
    least, most = given.get("between") or (given.get("min"), given.get("max"))
    others = Condition(equals=equals, tolerance=given.get("tolerance", 0.0), min=least, max=most)
    if not any(others.holds(each, {}) for each in values or (equals, least, most)):
        named = [f"`{key}`" for key in given if key != "tolerance"]
        message = f"{', '.join(named[:-1])} and {named[-1]} can't hold together"
        raise fault(message, "remove what is not meant", key="one_of" if values else "equals")


def refuse_no_share(given: Given) -> None:
    """Refuse a share that is not between 0 and 1.

    Raises:
        PydanticCustomError: at the key that has it.
    """
    for key, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            is_number = isinstance(each, int | float) and not isinstance(each, bool)
            if is_number and key != "tolerance" and not 0 <= each <= 1:
                hint = f"write {each / 100:g} for {each:g} %" if 1 < each <= 100 else None
                raise fault(f"{each} is no share: a share is between 0 and 1", hint, key=key)
