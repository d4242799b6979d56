"""Experiment files: from YAML text to an :class:`Experiment` and its combinations.

yaml_reader and the modules below it (tokens, scalars, nodes) know YAML and nothing of experiments; structure knows
the keys, params the values that belong to the scenario, reading puts them together.
"""

from mprunner.spec.checking import Vocabulary
from mprunner.spec.model import Experiment
from mprunner.spec.problems import ExperimentFileError, Problem
from mprunner.spec.reading import read_experiment
from mprunner.spec.sweep import Combination, count, expand

__all__ = [
    "Combination",
    "Experiment",
    "ExperimentFileError",
    "Problem",
    "Vocabulary",
    "count",
    "expand",
    "read_experiment",
]
