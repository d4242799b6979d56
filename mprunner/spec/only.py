"""``--only``: which cases are planned, by the values of a param; checked as a file's values of it are."""

from collections.abc import Mapping

from mprunner.spec.checking import Checking, ParamTypes
from mprunner.spec.document import Document
from mprunner.spec.model import Values
from mprunner.spec.nodes import Entry, MappingNode
from mprunner.spec.option import Option, read_options
from mprunner.spec.problems import ExperimentFileError, Problem
from mprunner.spec.swept import check_values

_ONLY = "--only"
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
        checking.check_name((name,), name)
        problems += option.problems
        only.append({name: check_values(checking, (name,), name, option.node)})
        problems += checking.problems
    return tuple(only), problems


def _document(option: Option) -> Document:
    key = option.position(0, len(option.key))
    return Document(option.source, MappingNode.of(key, {option.key.strip(): Entry(key, option.node)}))
