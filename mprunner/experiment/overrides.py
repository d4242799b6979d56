"""``--set`` and ``--only``: options that change an experiment, or say which of its cases are executed."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from mprunner.experiment.checking import Checking, ParamTypes
from mprunner.experiment.document import Document, Entry, MappingNode, Node, ScalarNode, SequenceNode
from mprunner.experiment.messages import shown
from mprunner.experiment.parser import MAX_DEPTH, Text, read_text, refuse_characters
from mprunner.experiment.problems import (
    ExperimentFileError,
    Loc,
    LocPart,
    Position,
    Problem,
    Source,
    did_you_mean,
    path_text,
    quoted,
)
from mprunner.experiment.sweeps import check_values
from mprunner.model.experiment import Values

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class Option:
    """An option that was read.

    Attributes:
        source: the option and its text, for problems.
        key: what is before the first equals sign, as it was given.
        node: the value; null where there is nothing after the sign, as in a file.
        problems: what the reader has reported of the value.
    """

    source: Source
    key: str
    node: Node
    problems: tuple[Problem, ...] = ()

    def position(self, start: int, end: int) -> Position:
        """Return the place of some characters of the key."""
        return Position(1, start + 1, max(1, end - start), self.source)

    def problem(self, message: str, hint: str | None = None) -> Problem:
        """Make a problem of the key as a whole."""
        return self.source.problem(self.position(0, len(self.key)), message, hint=hint)


def _of_each(make: Callable[[_In], _Out], items: Iterable[_In]) -> tuple[list[_Out], list[Problem]]:
    """Return what is made of each item, and the problems of those of which nothing can be made."""
    made: list[_Out] = []
    problems: list[Problem] = []
    for item in items:
        try:
            made.append(make(item))
        except ExperimentFileError as error:
            problems += error.problems
    return made, problems


def _read_option(name: str, text: str, form: str) -> Option:
    """Read the text of an option.

    Args:
        name: of the option, such as ``--set``.
        text: what was given to it.
        form: what it should look like, for the hint.

    Raises:
        ExperimentFileError: it is not ``KEY=VALUE``, or its value is not YAML at all.
    """
    hint = f"write `{name} {form}`"
    source = Source.of_option(name, text)
    whole = Text(source, text)
    refuse_characters(whole)
    key, sign, value = text.partition("=")
    if not sign:
        raise whole.fail(whole.position(0, len(text)), "has no value", hint)
    if not key.strip() or "\n" in key or "\r" in key:
        raise whole.fail(whole.position(0, len(key)), "has no key before the =", hint)
    value_text = Text(source, value, len(key) + 1)
    document = read_text(value_text)
    if document is None:
        return Option(source, key, ScalarNode(value_text.position(0), None, ""))
    return Option(source, key, document.root, document.problems)


_ONLY = "--only"
_PATH = re.compile(r"^(?:params|sweep(?:\[[0-9]+\])?)\.")
_ONLY_FORM = "PARAM=VALUE`, such as `--only guard=lock` or `--only guard=[lock,rlock]"


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
    options, problems = _of_each(lambda text: _read_option(_ONLY, text, _ONLY_FORM), texts)
    only: list[Mapping[str, Values]] = []
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
    return Document(option.source, MappingNode(key, {option.key.strip(): Entry(key, option.node)}))


_SET = "--set"
_FORM = "KEY=VALUE`, such as `--set repeats=3` or `--set sweep.guard=[none,lock]"
_PATH_HINT = "write keys with a dot between them, and [0] for the first item of a list"
_PART = re.compile(
    r"""\[(?P<index>[0-9]{1,9})\]"""
    r"""|\[(?P<quote>["'])(?P<quoted>[^"']*)(?P=quote)\]"""
    r"""|(?P<dot>\.?)(?P<key>[^.\[\]"']*[^.\[\]"'\s][^.\[\]"']*)"""
)


@dataclass(frozen=True, slots=True)
class _Setting:
    """An option whose path was read.

    Attributes:
        option: the option.
        path: the keys and indexes that lead to the value.
        places: where each of them is.
    """

    option: Option
    path: Loc
    places: tuple[Position, ...]

    def refusal(self, depth: int, message: str, hint: str | None = None) -> ExperimentFileError:
        """Return what is said of where the first ``depth`` parts lead to, at the part that follows."""
        place = self.places[min(depth, len(self.places) - 1)]
        problem = self.option.source.problem(place, message, where=self.path[:depth], hint=hint)
        return ExperimentFileError([problem])


def overridden(document: Document, texts: tuple[str, ...]) -> Document:
    """Return a document with the values that options give to it.

    Args:
        document: whose root is a mapping.
        texts: of the options: ``path=value``, each applied to what those before it have left.

    Raises:
        ExperimentFileError: some can't be read, lead nowhere, or undo another.
    """
    options, problems = _of_each(lambda text: _read_option(_SET, text, _FORM), texts)
    settings, misplaced = _of_each(_setting, options)
    problems += misplaced + _undone(settings)
    root: Node = document.root
    for setting in settings if not problems else ():
        try:
            root = _put(root, setting, 0)
        except ExperimentFileError as error:
            problems += error.problems
    told = [*document.problems, *(problem for option in options for problem in option.problems)]
    if problems:
        raise ExperimentFileError([*told, *problems])
    return replace(document, root=root, problems=tuple(told))


def _setting(option: Option) -> _Setting:
    path: list[LocPart] = []
    places: list[Position] = []
    at, end = 0, len(option.key.rstrip())
    while at < end and len(path) <= MAX_DEPTH:
        match = _PART.match(option.key, at)
        if match is None or (match["key"] is not None and (match["dot"] == ".") != (at > 0)):
            place = option.position(at, at + 1)
            message = f"{quoted(option.key)} is not the path of a key"
            raise ExperimentFileError([option.source.problem(place, message, hint=_PATH_HINT)])
        path.append(_part(match))
        places.append(option.position(match.start() + len(match["dot"] or ""), match.end()))
        at = match.end()
    if len(path) > MAX_DEPTH:
        raise ExperimentFileError([option.problem(f"leads more than {MAX_DEPTH} deep")])
    return _Setting(option, tuple(path), tuple(places))


def _part(match: re.Match[str]) -> LocPart:
    if match["index"] is not None:
        return int(match["index"])
    return match["key"].strip() if match["quoted"] is None else match["quoted"]


def _undone(settings: list[_Setting]) -> list[Problem]:
    """Report every option that sets again what one before it sets, or something around it."""
    problems: list[Problem] = []
    for number, later in enumerate(settings):
        undone = (each.path for each in settings[:number] if each.path[: len(later.path)] == later.path)
        path = next(undone, None)
        if path == later.path:
            problems.append(later.option.problem("is set twice", "remove one of the two"))
        elif path is not None:
            message = f"undoes `--set {path_text(path)}=…`, which is before it"
            problems.append(later.option.problem(message, "put the one with the shorter key first"))
    return problems


def _put(node: Node | None, setting: _Setting, depth: int) -> Node:
    """Return a node with the setting's value in it, ``depth`` parts of the path away from the root.

    Raises:
        ExperimentFileError: the path leads nowhere.
    """
    if depth == len(setting.path):
        return setting.option.node
    part, place = setting.path[depth], setting.places[depth]
    if isinstance(node, ScalarNode) and node.value is None and not node.written:
        node = None  # `params:` and nothing after it
    match node, part:
        case None, str():
            return MappingNode(place, {part: Entry(place, _put(None, setting, depth + 1))})
        case MappingNode(entries=entries), str():
            known = entries.get(part)
            value = _put(None if known is None else known.node, setting, depth + 1)
            is_last = depth == len(setting.path) - 1
            entry = Entry(place if known is None or is_last else known.key, value)
            return MappingNode(node.position, {**entries, part: entry})
        case SequenceNode(items=items), int() if part < len(items):
            item = _put(items[part], setting, depth + 1)
            return SequenceNode(node.position, (*items[:part], item, *items[part + 1 :]))
    raise setting.refusal(depth, *_nowhere(node, setting, depth))


def _nowhere(node: Node | None, setting: _Setting, depth: int) -> tuple[str, str | None]:
    """Return why a part of a path leads nowhere in a node, and what to write."""
    before, part, after = setting.path[:depth], setting.path[depth], setting.path[depth + 1 :]
    match node:
        case SequenceNode(items=()):
            return "is an empty list", None
        case SequenceNode(items=items) if isinstance(part, int):
            return f"has no item [{part}]; the last is [{len(items) - 1}]", "items are counted from 0"
        case SequenceNode():
            example = path_text((*before, 0, part, *after))
            return "is a list, which has no keys", f"name one of its items, as in `--set {example}=…`"
        case MappingNode():
            return "is a mapping, not a list", f"write `--set {path_text((*before, *after))}=…`"
        case ScalarNode():
            kind = "list" if isinstance(part, int) else "mapping"
            return f"is {shown(node)}, not a {kind}", "set all of it"
    return "is not there, so that it has no items", "set all of it"
