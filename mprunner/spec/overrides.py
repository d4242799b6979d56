"""``--set``: values that take the place of those in an experiment file, or are added to it, before it is checked.

The tree of the document is changed, so that every check is that of a file; what came from an option keeps its place
in the option's text, which is where a problem with it is shown.
"""

import re
from dataclasses import dataclass, replace

from mprunner.spec.document import Document
from mprunner.spec.messages import shown
from mprunner.spec.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from mprunner.spec.option import Option, read_options
from mprunner.spec.problems import ExperimentFileError, Loc, LocPart, Position, Problem, path_text, quoted
from mprunner.spec.yaml_reader import MAX_DEPTH, MAX_VALUES

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
