"""Actors that are interpreters: each in a thread of the worker, with a GIL and modules of its own.

They share the worker's memory and descriptors, but no object: what an actor is to do travels as it does to a spawned
process, pickled, and so does its report. A descriptor is duplicated where it arrives.

Needs CPython 3.13, whose module for this is private, or 3.14, where it is ``concurrent.interpreters``. Python 3.12
has interpreters with a GIL of their own in C alone.
"""

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from multiprocessing.context import get_spawning_popen, set_spawning_popen
from multiprocessing.reduction import ForkingPickler
from time import perf_counter, thread_time
from typing import Any

from mprunner.actors.bootstrap import Part, Report, describe, execute, pickled_report, anonymous_file

_SCRIPT = """\
import sys
sys.path[:] = path
from mprunner.actors.interpreters import enter
enter(part, descriptor)
"""
