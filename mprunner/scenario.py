"""All that a scenario plugin imports: :class:`Scenario`, :class:`Trial` and the annotations.

A scenario's types are its schema: from the ``Params`` and ``Metrics`` dataclasses come validation, defaults,
the help of ``mprunner scenarios NAME`` and the CSV's columns. Standard library only.

Example::

    @dataclass(frozen=True, kw_only=True)
    class Params:
        n: Annotated[int, Ge(1), Doc("how far to count")] = 1_000

    @dataclass(frozen=True, kw_only=True)
    class Metrics:
        wall_s: Annotated[float, Unit("s"), Doc("time spent counting")]

    class Count(Scenario[Params, Metrics]):
        \"\"\"Count to n.\"\"\"

        name = "count"

        def run(self, params: Params, trial: Trial) -> Metrics:
            watch = trial.stopwatch()
            for _ in range(params.n):
                pass
            return Metrics(wall_s=watch.elapsed_s)

    def mprunner_register_scenarios():
        return [Count]
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Generic, TypeVar, cast

from mprunner.values import Scalar, as_python, unfit

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from random import Random

    from mprunner.actors.group import ActorResult as ActorResult  # noqa: PLC0414 - plugins annotate with it
    from mprunner.actors.group import ActorsResult as ActorsResult  # noqa: PLC0414 - plugins annotate with it
    from mprunner.actors.group import Kind, Method, Sync

__all__ = ["CPU_COUNT", "Doc", "ProcessCount", "Scenario", "Stopwatch", "Trial", "Unit", "Unless", "When"]


@dataclass(frozen=True, slots=True)
class Doc:
    """What a param, a metric or an outcome means, in a few words."""

    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a metric or a param, such as ``s``, ``bytes`` or ``per_s``."""

    symbol: str


@dataclass(frozen=True, slots=True, init=False)
class When:
    """Says to which cases a param means something: those that have, for each param named here, one of the values.

    ``When(method=("map", "imap"), kind="process")`` asks for both; of several ``When``, one is enough. To a case
    without these values the param means nothing: it is no part of the case's label, and no ``where``, ``--only`` or
    ``--case`` with a value of it means that case. Two cases that differ in nothing else are one.

    Attributes:
        values: the values by param.
    """

    values: "Mapping[str, tuple[Scalar, ...]]"

    def __init__(self, **values: "Scalar | tuple[Scalar, ...]") -> None:
        called = type(self).__name__
        if not values:
            raise TypeError(f'{called} needs a param and its value: {called}(method="map")')
        several = {name: each if isinstance(each, tuple) else (each,) for name, each in values.items()}
        for name, given in several.items():
            if not given:
                raise TypeError(f"{called}({name}=()) has no value")
        object.__setattr__(self, "values", several)

    def __hash__(self) -> int:
        return hash(tuple(self.values.items()))


@dataclass(frozen=True, slots=True, init=False)
class Unless(When):
    """Says to which cases a param means nothing, as :class:`When` says to which it means something.

    ``Unless(method="serial")``: a serial loop has no number of processes. Of several ``Unless``, one is enough.
    """

    __hash__ = When.__hash__  # else it would be that of a mapping, which has none


@dataclass(frozen=True, slots=True)
class CountsProcesses:
    """Marks a param as a number of processes, so that an experiment may say ``cpu_count``."""


ProcessCount = Annotated[int, CountsProcesses()]
"""The type of a param that counts processes: at least 1, or ``cpu_count`` in an experiment.

The scenario always receives a number: ``cpu_count`` is the number of CPUs that the worker may use.
"""

CPU_COUNT: Final[int] = cast("int", "cpu_count")
"""The default value of a ``ProcessCount`` param that means one process per usable CPU."""

OutcomeValue = bool | int | float | str
State = tuple[str, OutcomeValue]
"""An outcome as it is counted: with its type's name, since to Python 1, 1.0 and True are one key."""

ParamsT = TypeVar("ParamsT")
MetricsT = TypeVar("MetricsT")


class Scenario(ABC, Generic[ParamsT, MetricsT]):
    """Code under study. Subclass it as ``Scenario[Params, Metrics]``, both frozen dataclasses.

    The docstring's first line is the scenario's description. ``Params.__post_init__`` may raise ValueError to
    refuse a combination of values; such cases are left out of the plan with that reason.

    Attributes:
        name: what an experiment calls it: lower-case letters, digits and hyphens.
        outcomes: the discrete states that ``trial.observe`` may count, each with its meaning.
        sample: the frozen dataclass of ``trial.sample``'s rows, if there are any.
        summary: a sentence about a case, with metrics in it, such as ``"{lost:affected} lost updates"``; of several
            cases these metrics are the columns of the summary's table. After the colon: ``affected`` (in how many
            trials it was not 0: "3 of 10 trials"), ``of COUNT`` (its total, and that of the metric or int param
            COUNT: "31 of 60,000 rounds"), ``among COUNT`` (the same of one trial, where each trial counts the same
            things), ``range``, ``median``, ``percent`` (the mean of a share), ``max``, ``total``; or, of an outcome,
            ``states`` (how often each was observed). The part in ``[brackets]`` is left out if a metric in it has no
            value.
        serial: the values of params by which a case does its work alone, such as ``{"mode": "serial"}``; a
            speed-up over such a baseline has an efficiency.
        work: the names of the params that say how much work a case does, such as ``("numbers", "squares")``: between
            cases that differ in one of them is no speed-up. Where it is None, any number that the experiment's
            baseline names may be one of these.
        baseline: the values of the cases with which the others are compared where an experiment names none, such as
            ``{"guard": "none"}``.
        set_up_params: the names of the params that :meth:`set_up` depends on; it is called once for each combination
            of their values, but for those of which the first is None.
        needs: the packages that values of params need, such as ``{"method": {"joblib": "joblib"}}``: where one of a
            planned case can't be found by the interpreter that is to execute it, the run ends before its first trial.
    """

    name: ClassVar[str]
    outcomes: ClassVar[Mapping[str, Doc]] = {}
    sample: ClassVar[type | None] = None
    summary: ClassVar[str] = ""
    serial: ClassVar[Mapping[str, bool | int | float | str]] = {}
    work: ClassVar[Sequence[str] | None] = None
    baseline: ClassVar[Mapping[str, Scalar]] = {}
    set_up_params: ClassVar[Sequence[str]] = ()
    needs: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    @abstractmethod
    def run(self, params: ParamsT, trial: "Trial") -> MetricsT:
        """Execute one trial and return its metrics; an exception makes the trial's status ``error``."""

    def set_up(self, params: ParamsT, folder: "Path") -> None:
        """Check, before the first trial, what would fail in every trial, and make what many trials need.

        It is called in a worker, as ``run`` is, and within the trials' timeout. An exception ends the run before its
        first trial, with its message. What it leaves in the folder is there in each trial with the same values of
        :attr:`set_up_params`, as ``trial.set_up_folder``.

        Args:
            params: of the first of these cases.
            folder: an empty one.
        """


class Stopwatch:
    """Measures from its creation, in seconds of a monotonic clock; as a context manager, until the block ends."""

    def __init__(self) -> None:
        self._stopped: float | None = None
        self._started = perf_counter()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start, or until the block ended."""
        return (perf_counter() if self._stopped is None else self._stopped) - self._started

    def __enter__(self) -> "Stopwatch":
        self._stopped = None
        self._started = perf_counter()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopped = perf_counter()


class Trial:
    """What the runner gives a scenario's ``run``.

    A test of a scenario can build one itself:
    ``Trial(RaceBank, seed=0, repeat=0, tmp_path=tmp_path)``.

    Attributes:
        seed: derived from the experiment's seed and the repeat alone, so that every case gets the same work.
        repeat: the index of this repetition; negative for a warm-up trial.
        tmp_path: a scratch folder, also ``TMPDIR``; removed afterwards.
        set_up_folder: what the scenario's ``set_up`` has left for this trial; None where it was not called, or where
            its folder is gone with a launcher that was killed.
    """

    def __init__(self, scenario: type[Scenario[Any, Any]], *, seed: int, repeat: int, tmp_path: Path) -> None:
        self.seed = seed
        self.repeat = repeat
        self.tmp_path = tmp_path
        self.set_up_folder: Path | None = None
        self.observed: dict[str, Counter[State]] = {name: Counter() for name in scenario.outcomes}
        self.samples: list[object] = []
        self.actors: list[ActorResult] = []
        self.tell_failed: Callable[[ActorResult], object] = lambda actor: None
        self._sample_type = scenario.sample

    @cached_property
    def rng(self) -> "Random":
        """A random generator seeded with :attr:`seed`."""
        from random import Random  # noqa: PLC0415 - it brings hashlib; most scenarios need no randomness

        return Random(self.seed)

    def context(self, method: "Method") -> "BaseContext":
        """Return the multiprocessing context of a start method: fork, spawn or forkserver.

        ``default`` is the one that this Python uses where none is named, forkserver since Python 3.14:
        ``get_start_method`` of the context, and the kind of its actors, say which that is.
        """
        import multiprocessing  # noqa: PLC0415 - this module is imported by spawned actors of one-file plugins

        named: str = method
        if method == "default":  # as long as it is not asked for, it may still be set
            named = (
                multiprocessing.get_start_method(allow_none=True)
                or multiprocessing.get_all_start_methods()[0]
            )
        try:
            return multiprocessing.get_context(named)
        except ValueError:
            raise ValueError(f"method is one of fork, spawn, forkserver, default; not {method!r}") from None

    def stopwatch(self) -> Stopwatch:
        """Start a stopwatch."""
        return Stopwatch()

    def run_actors(
        self,
        actors: Sequence[Callable[[], object]],
        *,
        kind: "Kind" = "process",
        method: "Method" = "fork",
        sync: "Sync" = "none",
        rounds: int = 1,
        settle: Callable[[], Hashable] | None = None,
    ) -> "ActorsResult":
        """Start one actor per callable, line them up at a start gate, join them.

        A failing or killed actor is a fact in the result, never a hang;
        ``result.raise_failures()`` makes it the trial's error.

        Args:
            actors: what each actor executes, such as ``functools.partial(withdraw, balance, 1000)``. Under
                spawn and forkserver, and for an interpreter, it is pickled: a function of a module, not a lambda.
            kind: ``process``; ``thread`` for threads of the worker itself; ``interpreter`` for such threads with an
                interpreter and a GIL of their own. What multiprocessing makes for these is of ``context("spawn")``.
            method: the start method of the processes, or ``default``; it means nothing to threads and
                interpreters.
            sync: how a round starts. ``none``: as the processes come up, and later as the kernel wakes them;
                ``barrier``: all sleep until the last has arrived; ``spin``: all spin on a shared word, and
                start within a microsecond of one another where each has a CPU.
            rounds: how often the same actors do their work.
            settle: called by one actor alone when all have done a round. It reads the state reached, resets
                it, and returns it to be counted in ``result.settled``.

        Raises:
            ValueError: rounds is less than 1, or kind, method or sync is unknown.
            TypeError: an actor can't be called, or can't be handed to an interpreter.
            InterpretersMissing: kind is interpreter, and this Python is older than 3.13, or no CPython.
            pickle.PicklingError, AttributeError, TypeError: an actor can't be sent to a spawned process.
        """
        from mprunner.actors.group import run_actors  # noqa: PLC0415 - as for multiprocessing above

        result = run_actors(
            self.context(method),
            actors,
            kind=kind,
            sync=sync,
            rounds=rounds,
            settle=settle,
            first_index=len(self.actors),
            tell_failed=self.tell_failed,
        )
        self.actors.extend(result.actors)
        return result

    def observe(self, **states: OutcomeValue | Mapping[Any, int]) -> None:
        """Count outcomes: one state by its value, or many by a mapping of states to counts.

        Raises:
            ValueError: the scenario declares no such outcome, a state is not a finite scalar, or a count is no
                int of at least 0.
        """
        for variable, state in states.items():
            if variable not in self.observed:
                declared = ", ".join(self.observed) or "none"
                raise ValueError(
                    f"outcome {variable!r} is not declared by the scenario (declared: {declared})"
                )
            counts = state.items() if isinstance(state, Mapping) else [(state, 1)]
            for value, given in counts:
                count = as_python(given)
                if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                    raise ValueError(f"outcome {variable!r}: {given!r} is no count of {value!r}")
                self.observed[variable][_state(variable, value)] += count

    def sample(self, row: object) -> None:
        """Add one row, of the scenario's ``sample`` type, to the samples table.

        Raises:
            TypeError: the scenario declares no samples, or the row is of another type.
        """
        if self._sample_type is None:
            raise TypeError("the scenario declares no samples: set its `sample` to a dataclass")
        if not isinstance(row, self._sample_type):
            raise TypeError(f"a sample is a {self._sample_type.__name__}, not {type(row).__name__}")
        self.samples.append(row)


def _state(variable: str, value: object) -> State:
    value = as_python(value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            plain: OutcomeValue = str.__str__(value) if isinstance(value, str) else kind(value)
            break
    else:
        raise ValueError(f"outcome {variable!r}: {value!r} is not a bool, int, float or str")
    if (reason := unfit(plain)) is not None:
        raise ValueError(f"outcome {variable!r} {reason}")
    return type(plain).__name__, plain
