"""Whether a scenario refuses a combination of values: its ``Params`` are made, and may raise ValueError."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from mprunner.errors import PluginError
from mprunner.records import label_of
from mprunner.values import Scalar

_GENERATED = "<string>"  # where dataclasses say that they have written the code of an __init__
Reason = Callable[[Mapping[str, Scalar]], str | None]
"""Returns why a scenario refuses some values of its params; None if it does not."""


def reasons_of(scenario: str, params_type: type) -> Reason:
    """Return what tells why a scenario refuses a combination.

    Args:
        scenario: its name.
        params_type: its ``Params``, a dataclass; a combination has a value of each of its fields.

    Returns:
        a function that raises PluginError where ``Params`` fails in another way than by ValueError.
    """
    make = maker_of(params_type)

    def reason(params: Mapping[str, Scalar]) -> str | None:
        try:
            make(params)
        except ValueError as error:
            return str(error) or "it gives no reason"
        except Exception as error:  # __post_init__ is code of the plugin's
            raise PluginError(
                f"scenario {scenario!r} can't check {label_of(params, params)}: {type(error).__name__}: {error}",
                "its Params refuse a combination by raising ValueError",
            ) from error
        return None

    return reason


def maker_of(params_type: type) -> Callable[[Mapping[str, Scalar]], object]:
    """Return what makes params of a value for each field.

    The ``__init__`` of a frozen dataclass makes a call for each field, seconds for a million combinations.
    Of a class in which that does nothing but set the fields, they are set at once.
    """
    if not _only_sets_fields(params_type):
        return lambda params: params_type(**params)
    checked: Callable[[object], object] = getattr(params_type, "__post_init__", lambda made: None)

    def make(params: Mapping[str, Scalar]) -> object:
        made: Any = object.__new__(params_type)
        made.__dict__.update(params)
        checked(made)
        return made

    return make


def _only_sets_fields(params_type: type) -> bool:
    """Whether making an object of a dataclass sets its fields in its ``__dict__``, and does nothing else unasked."""
    names = [field.name for field in fields(params_type)]
    kind: Any = params_type
    return (
        "__init__" in vars(kind)
        and getattr(kind.__init__, "__code__", None) is not None
        and kind.__init__.__code__.co_filename == _GENERATED
        and list(inspect.signature(kind).parameters) == names
        and kind.__new__ is object.__new__
        and kind.__dictoffset__ != 0
        and not hasattr(kind, "__slots__")
        and (kind.__dataclass_params__.frozen or kind.__setattr__ is object.__setattr__)
        and not any(hasattr(inspect.getattr_static(kind, name, None), "__set__") for name in names)
    )
