"""Options of the command line that say something of an experiment: ``KEY=VALUE``, whose value is YAML."""

from dataclasses import dataclass

from mprunner.spec.nodes import Node, ScalarNode
from mprunner.spec.problems import ExperimentFileError, Position, Problem, Source
from mprunner.spec.tokens import MAX_BYTES, Text, refuse_characters
from mprunner.spec.yaml_reader import read_text

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
