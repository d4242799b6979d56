"""``--set`` and ``--only``: options that change an experiment, or say which of its cases are executed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mprunner.experiment.checking import Checking, ParamTypes
from mprunner.experiment.document import Document, Entry, MappingNode, Node, ScalarNode, SequenceNode
from mprunner.experiment.messages import shown
from mprunner.experiment.parser import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    Text,
    read_text,
    refuse_characters,
)
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

MAX_OPTIONS = 100


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


def read_option(name: str, text: str, form: str) -> Option:
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


def _refuse_too_many(name: str, texts: tuple[str, ...]) -> None:
    message = None
    if len(texts) > MAX_OPTIONS:
        message = f"there are {len(texts):,} of this option; the most is {MAX_OPTIONS}"
    elif sum(map(len, texts)) > MAX_BYTES:
        message = "is longer, with the others of this option, than 256 KiB"
    if message:
        last = Source.of_option(name, texts[-1])
        raise ExperimentFileError([last.problem(Position(1, 1), message, hint="write it into the file")])


def read_options(name: str, texts: tuple[str, ...], form: str) -> list[Option]:
    """Read all options of a name.

    Raises:
        ExperimentFileError: some can't be read, each for its reason; or they are too many, or too long together.
    """
    _refuse_too_many(name, texts)
    options: list[Option] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            options.append(read_option(name, text, form))
        except ExperimentFileError as error:
            problems += error.problems
    if problems:
        raise ExperimentFileError(problems)
    return options


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
    try:
        options = read_options(_ONLY, texts, _ONLY_FORM)
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
    options = read_options(_SET, texts, _FORM)
    settings, problems = _settings(options)
    problems += _undone(settings)
    root: Node = document.root
    for setting in settings if not problems else ():
        try:
            root = _put(root, setting, 0)
            _refuse_too_large(root, setting)
        except ExperimentFileError as error:
            problems += error.problems
    told = [*document.problems, *(problem for option in options for problem in option.problems)]
    if problems:
        raise ExperimentFileError([*told, *problems])
    return replace(document, root=root, problems=tuple(told))


def _settings(options: list[Option]) -> tuple[list[_Setting], list[Problem]]:
    settings: list[_Setting] = []
    problems: list[Problem] = []
    for option in options:
        try:
            settings.append(_setting(option))
        except ExperimentFileError as error:
            problems += error.problems
    return settings, problems


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
        for earlier in settings[:number]:
            if earlier.path == later.path:
                problems.append(later.option.problem("is set twice", "remove one of the two"))
                break
            if earlier.path[: len(later.path)] == later.path:
                message = f"undoes `--set {path_text(earlier.path)}=…`, which is before it"
                problems.append(later.option.problem(message, "put the one with the shorter key first"))
                break
    return problems


def _put(node: Node | None, setting: _Setting, depth: int) -> Node:
    """Return a node with the setting's value in it, ``depth`` parts of the path away from the root.

    Raises:
        ExperimentFileError: the path leads nowhere.
    """
    if depth == len(setting.path):
        return setting.option.node
    if isinstance(node, ScalarNode) and node.value is None and not node.written:
        node = None  # `params:` and nothing after it
    part = setting.path[depth]
    if isinstance(part, int):
        return _put_item(node, part, setting, depth)
    return _put_entry(node, part, setting, depth)


def _put_entry(node: Node | None, key: str, setting: _Setting, depth: int) -> Node:
    place = setting.places[depth]
    refused = node is not None and node.refused
    match node:
        case None:
            entries, position = {}, place
        case MappingNode():
            entries, position = dict(node.entries), node.position
        case SequenceNode(items=items):
            example = path_text((*setting.path[:depth], 0, *setting.path[depth:]))
            hint = f"name one of its items, as in `--set {example}=…`" if items else None
            raise setting.refusal(depth, "is a list, which has no keys", hint)
        case ScalarNode():
            raise setting.refusal(depth, f"is {shown(node)}, not a mapping", "set all of it")
    known = entries.get(key)
    is_last = depth == len(setting.path) - 1
    value = _put(None if known is None else known.node, setting, depth + 1)
    entries[key] = Entry(place if known is None or is_last else known.key, value)
    return MappingNode.of(position, entries, refused=refused)


def _put_item(node: Node | None, index: int, setting: _Setting, depth: int) -> Node:
    match node:
        case SequenceNode(items=items) if index < len(items):
            item = _put(items[index], setting, depth + 1)
            return SequenceNode.of(node.position, (*items[:index], item, *items[index + 1 :]))
        case SequenceNode(items=items):
            count = (
                "is an empty list" if not items else f"has no item [{index}]; the last is [{len(items) - 1}]"
            )
            raise setting.refusal(depth, count, "items are counted from 0")
        case MappingNode():
            without = path_text((*setting.path[:depth], *setting.path[depth + 1 :]))
            raise setting.refusal(depth, "is a mapping, not a list", f"write `--set {without}=…`")
        case ScalarNode():
            raise setting.refusal(depth, f"is {shown(node)}, not a list", "set all of it")
    raise setting.refusal(depth, "is not there, so that it has no items", "set all of it")


def _refuse_too_large(root: Node, setting: _Setting) -> None:
    """Hold a changed document to the limits of what is read.

    Raises:
        ExperimentFileError: it is beyond one.
    """
    if root.height > MAX_DEPTH:
        raise setting.refusal(len(setting.path), f"nests lists and mappings more than {MAX_DEPTH} deep")
    if root.size > MAX_VALUES:
        raise setting.refusal(len(setting.path), f"brings the file to more than {MAX_VALUES:,} values")
