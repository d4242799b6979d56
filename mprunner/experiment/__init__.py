"""Experiment files: from YAML text to an :class:`Experiment` and its combinations.

parser, scalars and document know YAML and nothing of experiments; overrides changes what was read as the command line
says, keys knows the keys, params the values that belong to the scenario, load puts them together.
"""

from mprunner.experiment.checking import Vocabulary
from mprunner.experiment.load import NOTHING, Asked, read_experiment
from mprunner.experiment.problems import ExperimentFileError, Problem
from mprunner.experiment.sweeps import Combination, Combinations, count
from mprunner.model.experiment import Experiment

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
