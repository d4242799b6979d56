"""Experiment files: from YAML text to an :class:`Experiment` and its combinations.

yaml_reader and the modules below it (tokens, scalars, nodes, document) know YAML and nothing of experiments;
overrides changes what was read as the command line says, structure knows the keys, params the values that belong to
the scenario, reading puts them together.
"""

from mprunner.spec.checking import Vocabulary
from mprunner.spec.model import Experiment
from mprunner.spec.problems import ExperimentFileError, Problem
from mprunner.spec.reading import NOTHING, Asked, read_experiment
from mprunner.spec.sweep import Combination, Combinations, count

__all__ = [
    "NOTHING",
    "Asked",
    "Combination",
    "Combinations",
    "Experiment",
    "ExperimentFileError",
    "Problem",
    "Vocabulary",
    "count",
    "read_experiment",
]
