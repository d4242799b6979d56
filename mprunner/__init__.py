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

Importing this package imports nothing else: a spawned actor does it, inside the measurement.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from mprunner.hookspecs import hookimpl as hookimpl


def __getattr__(name: str) -> object:
    """Import ``mprunner.hookimpl`` (which needs pluggy) only when a plugin asks for it."""
    if name == "hookimpl":
        from mprunner.hookspecs import hookimpl  # noqa: PLC0415 - the reason is this function's docstring

        return hookimpl
    raise AttributeError(f"module 'mprunner' has no attribute {name!r}")
