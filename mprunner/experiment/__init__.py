"""Experiment files: from YAML text to an :class:`Experiment` and its combinations.

parser, scalars and document know YAML and nothing of experiments; overrides changes what was read as the command line
says, keys knows the keys, params the values that belong to the scenario, load puts them together.
"""

from mprunner.experiment.cases import Combination, Combinations, count
from mprunner.experiment.checking import Vocabulary
from mprunner.experiment.json_schema import experiment_schema
from mprunner.experiment.load import NOTHING, Asked, experiment_files, lines_of, read_experiment
from mprunner.experiment.plan import Plan, Refusal, make_plan
from mprunner.experiment.problems import ExperimentFileError, Problem
from mprunner.experiment.value_types import list_of_cpus
from mprunner.model.experiment import Experiment

__all__ = [
    "NOTHING",
    "Asked",
    "Combination",
    "Combinations",
    "Experiment",
    "ExperimentFileError",
    "Plan",
    "Problem",
    "Refusal",
    "Vocabulary",
    "count",
    "experiment_files",
    "experiment_schema",
    "lines_of",
    "list_of_cpus",
    "make_plan",
    "read_experiment",
]
