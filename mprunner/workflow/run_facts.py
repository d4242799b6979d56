"""What run.json and the journal's header say of a run: how and where it is executed, and how it ended."""

import os
import platform
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mprunner.executors import Executor, Interrupt
from mprunner.executors.orphans import Orphan
from mprunner.model.provenance import conditions
from mprunner.plugins.registry import RegisteredScenario
from mprunner.runs.folder import RunFolder
from mprunner.runs.journal import Header
from mprunner.runs.machine import GitState, describe_environment, load_average, machine_counters, utc_now
from mprunner.workflow.prepare import Prepared, cpus_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What was found when an executor was started.

    Attributes:
        orphans: processes that an earlier run left.
        git: the state of the repository that the experiment's file is in.
    """

    orphans: tuple[Orphan, ...]
    git: GitState


def spared_of(run: Mapping[str, Any], spared: int) -> dict[str, int]:
    """Return what run.json says of trials that were planned and not needed: nothing where none could be."""
    return {"spared": spared} if "spared" in run else {}


def conclusion(
    done: int,
    failures: int,
    needed: int,
    interrupt: Interrupt,
    cpu_mhz: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return what run.json says of how a run ended, the verdict left open.

    Args:
        done: how many trials are settled.
        failures: how many of them ended in another status than ok.
        needed: how many have to be, for the run to be finished.
        interrupt: what ended it early, if anything did.
        cpu_mhz: how fast its CPUs were, as far as they told.
    """
    state = "finished"
    if done < needed:
        state = "stopped" if interrupt.signal is None else "interrupted"
    return {
        "state": state,
        "done": done,
        "failures": failures,
        "finished_at": utc_now(),
        "load_at_end": load_average(),
        "counters_at_end": machine_counters(),
        "cpu_mhz": cpu_mhz,
    }


def header_of(prepared: Prepared, folder: RunFolder) -> Header:
    """Return what the journal of a run begins with."""
    return Header(
        run_id=folder.run_id,
        experiment=prepared.experiment.to_json(),
        declaration=prepared.scenario.declaration,
        planned=len(prepared.plan),
        python=platform.python_version(),
        host=socket.gethostname(),
        cpus=prepared.cpus,
        plugin_file=prepared.scenario.plugin.file,
        conditions=conditions_of(prepared.scenario),
    )


def conditions_of(scenario: RegisteredScenario) -> dict[str, str]:
    """Describe the code of a scenario and the Python that executes it, as this process has them."""
    plugin = scenario.plugin
    name = str(plugin) if plugin.file is None else "a file"
    elsewhere = scenario.cls.__module__
    return conditions(name, plugin.source_hash, elsewhere if elsewhere != plugin.module else None)


def describe_run(
    prepared: Prepared,
    executor: Executor,
    folder: RunFolder,
    started: Started,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the run.json of a run that begins."""
    return {
        "run_id": folder.run_id,
        "experiment": prepared.experiment.name,
        "file": os.path.abspath(prepared.experiment.path),
        "scenario": prepared.experiment.scenario,
        "state": "running",
        "verdict": None,
        "done": 0,
        "failures": 0,
        "finished_at": None,
        "planned": len(prepared.plan),
        **({} if prepared.experiment.until is None else {"spared": 0}),
        "seed": prepared.experiment.seed,
        "load_at_end": None,
        "counters_at_end": None,
        "cpu_mhz": None,
        **describe_session(prepared, executor, started, extra),
    }


def describe_session(
    prepared: Prepared, executor: Executor, started: Started, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe how and where one invocation of mprunner executes trials, for run.json."""
    return {
        "started_at": utc_now(),
        "argv": sys.argv,
        "containment": executor.containment,
        "isolation": executor.isolation,
        "cpus": cpus_of(prepared.experiment),
        "beside_orphans": [asdict(orphan) for orphan in started.orphans],
        "plugin": asdict(prepared.scenario.plugin),
        "load_at_start": load_average(),
        "counters_at_start": machine_counters(),
        **describe_environment(),
        "git": started.git,
        "extra": extra,
    }
