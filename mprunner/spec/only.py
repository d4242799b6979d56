"""``--only``: which cases are planned, by the values of a param; checked as a file's values of it are."""

import re
from collections.abc import Mapping

from mprunner.spec.checking import Checking, ParamTypes
from mprunner.spec.document import Document
from mprunner.spec.model import Values
from mprunner.spec.nodes import Entry, MappingNode
from mprunner.spec.option import Option, read_options
from mprunner.spec.problems import ExperimentFileError, Problem, did_you_mean
from mprunner.spec.swept import check_values

_ONLY = "--only"
_PATH = re.compile(r"^(?:params|sweep(?:\[[0-9]+\])?)\.")
_FORM = "PARAM=VALUE`, such as `--only guard=lock` or `--only guard=[lock,rlock]"


def check_only(
    texts: tuple[str, ...], scenario: str, types: ParamTypes | None
) -> tuple[tuple[Mapping[str, Values], ...], list[Problem]]:
    """Check options that say which cases are planned.

    Args:
        texts: of the options: ``param=value``, or a list or a range of values, of which a case has one.
        scenario: the scenario's name, for messages.
        types: its params; None where it is unknown, and only what needs no types is checked.

    Returns:
        a param and its values for each option, and the problems.
    """
    try:
        options = read_options(_ONLY, texts, _FORM)
    except ExperimentFileError as error:
        return (), list(error.problems)
    only: list[Mapping[str, Values]] = []
    problems: list[Problem] = []
    for option in options:
        name, document = option.key.strip(), _document(option)
        checking = Checking(document, scenario, types)
        _check_name(checking, name)
        problems += option.problems
        only.append({name: check_values(checking, (name,), name, option.node)})
        problems += checking.problems
    return tuple(only), problems


def _check_name(checking: Checking, name: str) -> None:
    """Report a name that is no param: where it is the path of one, as `--set` takes it, with what to write."""
    last, types = _PATH.sub("", name), checking.types or {}
    if last == name:
        checking.check_name((name,), name)
        return
    hint = f"write {last}" if last in types else did_you_mean(last, types)
    checking.report((name,), "is a path, and not the name of a param", hint, at_key=True)


def _document(option: Option) -> Document:
    key = option.position(0, len(option.key))
    return Document(option.source, MappingNode.of(key, {option.key.strip(): Entry(key, option.node)}))
