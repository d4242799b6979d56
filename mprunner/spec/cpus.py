"""``cpus`` of an experiment file: which of them can't be what it says."""

from collections.abc import Collection, Sequence

from mprunner.spec.document import Document
from mprunner.spec.problems import Problem

_SHOWN = 12


def cpu_problems(document: Document, cpus: Sequence[int], usable: Collection[int] | None) -> list[Problem]:
    """Return what is wrong with the CPUs that a file names: one twice, or one that may not be used here.

    Args:
        document: the file.
        cpus: the numbers, as the file has them.
        usable: those that a worker may be bound to, none where the platform binds no process; None to ask
            nothing of this machine.
    """
    if cpus and usable is not None and not usable:
        message, hint = "this platform does not bind processes to CPUs", "remove it"
        return [document.problem(("cpus",), message, hint, at_key=True)]
    problems: list[Problem] = []
    seen: dict[int, int] = {}
    for index, cpu in enumerate(cpus):
        if cpu in seen:
            place = document.newer(("cpus",), seen[cpu], index)
            problems.append(document.problem(place, f"CPU {cpu} is in the list twice", "remove one"))
        elif usable is not None and cpu not in usable:
            hint = f"a worker may use {list_of_cpus(usable)}"
            problems.append(document.problem(("cpus", index), f"CPU {cpu} can't be used here", hint))
        seen[cpu] = index
    return problems


def list_of_cpus(cpus: Collection[int]) -> str:
    """Return numbers of CPUs one after the other, the first of them if they are many."""
    more = f" … {max(cpus)}" if len(cpus) > _SHOWN else ""
    return ", ".join(map(str, sorted(cpus)[:_SHOWN])) + more
