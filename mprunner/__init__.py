"""mprunner runs concurrency experiments: a YAML file names a scenario and what to vary.

Glossary; each word means one thing in code, columns, messages and docs:

- *experiment*: a YAML file: a scenario, its fixed params, a sweep, how to measure, what to expect.
- *scenario*: the code under study, provided by a plugin.
- *case*: one combination of parameter values. *repeat*: the index of one repetition of a case.
- *trial*: one case × one repeat. *attempt*: one execution of a trial. *plan*: all trials, in execution order.
- *worker*: the fresh process in which a trial is executed. *actor*: a process that the scenario starts inside
  its worker. *launcher*: the small warm process that forks workers.
- *record*: what one attempt left behind. *run*: one invocation of ``mprunner run``, and its folder; never a verb.
- *outcome*: a discrete state that a scenario observed, with how often it was seen. *metric*: a measured number
  with a unit. *verdict*: what the experiment's expectations say of them.

Importing this package imports nothing of it and next to nothing else: a spawned actor does it, inside the
measurement.
"""

import os
import sys

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from mprunner.api import Results as Results
    from mprunner.api import load as load
    from mprunner.api import run as run
    from mprunner.plugins.hookspecs import hookimpl as hookimpl


def __getattr__(name: str) -> object:
    """Import ``mprunner.hookimpl`` (which needs pluggy), ``load`` and ``run`` only when someone asks for them."""
    if name == "hookimpl":
        from mprunner.plugins.hookspecs import hookimpl  # noqa: PLC0415 - this function's docstring says why

        return hookimpl
    if name in ("Results", "load", "run"):
        from mprunner import api  # noqa: PLC0415 - this function's docstring says why

        return getattr(api, name)
    raise AttributeError(f"module 'mprunner' has no attribute {name!r}")


def _show_stacks_when_asked() -> None:
    """Have this process of a run answer SIGUSR2 with its Python stacks, for the log of a trial that times out.

    Done here because a spawned actor inherits no handler, and imports this package whatever else it imports. A
    process with a use of its own for the signal keeps it. An actor that is an interpreter has the handler of its
    process: a second one would outlive it, and Python 3.13 can't load faulthandler there.
    """
    import faulthandler  # noqa: PLC0415 - only within a run
    import signal  # noqa: PLC0415 - only within a run

    if signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL:
        faulthandler.register(signal.SIGUSR2, file=2, all_threads=True)


if "MPRUNNER_RUN" in os.environ and not hasattr(sys.modules.get("__main__"), "mprunner_interpreter"):
    _show_stacks_when_asked()
