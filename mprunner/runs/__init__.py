"""A run's folder: its journal, its files and the facts about its machine. No pandas."""

from mprunner.runs.atomic import bytes_written_atomically, opened, read_json, unwritable, written_atomically
from mprunner.runs.folder import (
    RunFolder,
    all_runs,
    create_run_folder,
    earlier_siblings,
    find_run,
    passed_over,
    unbegun_runs,
)
from mprunner.runs.journal import Journal, RunGoneError
from mprunner.runs.journal_reader import DAMAGE, Reading, Tally, TrialStates, lines_of, read_journal
from mprunner.runs.machine import (
    FrequencyWatch,
    asked_git,
    bindable_cpus,
    cpu_quota,
    quota_warning,
    usable_cpus,
)
from mprunner.runs.run_info import RunInfo, State, describe_session
from mprunner.runs.setting import code_of, environment_of, setting_differences, variant_in_words

__all__ = [
    "DAMAGE",
    "FrequencyWatch",
    "Journal",
    "Reading",
    "RunFolder",
    "RunGoneError",
    "RunInfo",
    "State",
    "Tally",
    "TrialStates",
    "all_runs",
    "asked_git",
    "bindable_cpus",
    "bytes_written_atomically",
    "code_of",
    "cpu_quota",
    "create_run_folder",
    "describe_session",
    "earlier_siblings",
    "environment_of",
    "find_run",
    "lines_of",
    "opened",
    "passed_over",
    "quota_warning",
    "read_journal",
    "read_json",
    "setting_differences",
    "unbegun_runs",
    "unwritable",
    "usable_cpus",
    "variant_in_words",
    "written_atomically",
]
