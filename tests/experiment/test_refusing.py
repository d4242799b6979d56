"""Params are made as their own __init__ makes them, only faster where that does nothing but set them."""

import functools
from dataclasses import InitVar, dataclass, field, fields
from typing import ClassVar

import pytest

from mprunner.experiment.cases import maker_of
from mprunner_scenarios import locked_counter, pool_map, race_bank, spawn_count


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """The usual one."""

    kinds: ClassVar[int] = 1
    a: int
    b: int = 2

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ValueError(f"{self.a} twice")


@dataclass(frozen=True, kw_only=True)
class Inheriting(Frozen):
    """Has what another has, and its check."""

    c: int = 3


@dataclass
class Plain:
    """Without a check, and not frozen."""

    a: int
    b: int = 2


@dataclass
class OwnSet(Plain):
    """Sets a field in its own way."""

    def __setattr__(self, name, value):
        super().__setattr__(name, value + 1)


@dataclass(frozen=True, slots=True)
class Slots:
    """Has no __dict__."""

    a: int
    b: int = 2


@dataclass(init=False)
class OwnInit:
    """Makes itself."""

    a: int
    b: int

    def __init__(self, a, b):
        self.a, self.b = b, a


class Below(OwnInit):
    """Inherits how it is made."""


@dataclass
class OwnNew(Plain):
    """Is made in its own way."""

    def __new__(cls, **values):
        made = super().__new__(cls)
        made.extra = 1
        return made


@dataclass(frozen=True)
class Passing:
    """Takes what is no field."""

    a: int
    b: InitVar[int] = 2
    total: int = field(init=False)

    def __post_init__(self, b: int) -> None:
        object.__setattr__(self, "total", self.a + b)


class Doubling:
    """A field that keeps twice what it is given."""

    def __get__(self, made, of=None):
        return 2 if made is None else made.__dict__["kept"]

    def __set__(self, made, value):
        made.__dict__["kept"] = 2 * value


@dataclass
class Described:
    """Has a field that is a descriptor."""

    a: int
    b: int = Doubling()


BUNDLED = (locked_counter, pool_map, race_bank, spawn_count)
KINDS = [Frozen, Inheriting, Plain, OwnSet, Slots, OwnInit, Below, OwnNew, Passing, Described]


def shown(made):
    return [getattr(made, each.name) for each in fields(made)], getattr(made, "extra", None)


@pytest.mark.parametrize("params_type", KINDS)
def test_params_are_what_calling_their_class_makes(params_type):
    values = {"a": 5, "b": 7} | ({"c": 9} if params_type is Inheriting else {})
    made = maker_of(params_type)(values)
    assert type(made) is params_type
    assert shown(made) == shown(params_type(**values))


@pytest.mark.parametrize("params_type", [Frozen, Inheriting])
def test_their_check_refuses_as_it_does(params_type):
    with pytest.raises(ValueError, match=r"^5 twice$"):
        maker_of(params_type)({"a": 5, "b": 5, "c": 5} if params_type is Inheriting else {"a": 5, "b": 5})


def test_an_init_that_something_was_put_around_is_called():
    calls = []

    @dataclass
    class Wrapped:
        """Its __init__ is counted, as a decorator that checks types would do it."""

        a: int
        b: int = 2

    original = Wrapped.__init__

    @functools.wraps(original)
    def counted(self, **values):
        calls.append(values)
        original(self, **values)

    Wrapped.__init__ = counted
    maker_of(Wrapped)({"a": 1, "b": 2})
    assert calls == [{"a": 1, "b": 2}]


def test_the_params_of_every_bundled_scenario_are_set_at_once():
    """Else a million combinations take seconds."""
    for params_type in (Frozen, Inheriting, Plain, *(each.Params for each in BUNDLED)):
        assert "made" in maker_of(params_type).__code__.co_varnames
