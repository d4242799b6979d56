"""joblib's Parallel as a pool: what is written with it mostly, timed in the same three parts as the others."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from mprunner_scenarios.pools.teams import Pooling


class JoblibPool:
    """``Parallel(n_jobs, batch_size=chunksize)(delayed(task)(item) for item in items)``, in its context manager.

    Its processes are loky's, which start with the first batch and are kept for later calls: they are ended here.
    One process is none: joblib calls the function in the process that it is called in.
    """

    def __init__(
        self,
        how: Pooling,
        processes: int,
        *,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
    ) -> None:
        begin = {} if initializer is None else {"initializer": initializer, "initargs": initargs}
        self._is_loky = how.started_as == "loky"
        self._parallel = Parallel(
            n_jobs=processes,
            backend="loky" if how.kind == "process" else "threading",
            batch_size=how.chunksize or "auto",
            **begin,
        )
        self._parallel.__enter__()

    def map(self, task: Callable[[Any], object], items: Iterable[object]) -> Sequence[object]:
        """Call the task with each item; return the results in their order."""
        call = delayed(task)
        results: list[object] = self._parallel(call(item) for item in items)
        return results

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the pool: its processes when they have nothing left to do or, with ``cancel_futures``, at once."""
        self._parallel.__exit__(None, None, None)
        if self._is_loky:
            get_reusable_executor(reuse=True).shutdown(wait=wait, kill_workers=cancel_futures)
