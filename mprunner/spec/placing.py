"""Where something is that an experiment was read from, for errors that show only once it is planned."""

from mprunner.spec.model import Experiment
from mprunner.spec.overrides import overridden
from mprunner.spec.problems import Loc, path_text, printable
from mprunner.spec.yaml_reader import read_yaml


def placed(experiment: Experiment, message: str, *paths: Loc) -> str:
    """Return a message after the place of what it is about.

    Args:
        experiment: an experiment; one that was not read from a file has no places.
        message: what is wrong with it.
        paths: of which the first that the file has, or an option gave, is to blame.
    """
    file = printable(experiment.path)
    document = read_yaml(experiment.source, file)
    if document is None:
        return f"{file}: {message}" if file else message
    document = overridden(document, experiment.overrides)
    path = next((path for path in paths if document.find(path).path == path), None)
    if path is None:
        return f"{file}: {message}"
    at = document.problem(path, message, at_key=True)
    place = f"{file}: {printable(at.file)}" if at.is_option else f"{file}:{at.line}:{at.column}"
    return f"{place}: {path_text(path)}: {message}"
