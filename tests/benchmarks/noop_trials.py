"""Executes trials that do nothing, by this interpreter's workers or another's: as many as each line of input says.

Args:
    the interpreter of the workers; without it this one's own.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]  # the repository: what executes trials needs nothing installed

from mprunner.executors import Interrupt, LocalExecutor, ScenarioSource, VariantsExecutor  # noqa: E402
from mprunner.model.records import Attempt, Status  # noqa: E402
from mprunner.model.variants import VARIANT, Variant  # noqa: E402


def main() -> None:
    """Print how many seconds a trial took on average, for each number of them that is asked for."""
    variants = {"other": Variant(python=name) for name in sys.argv[1:2]}  # noqa: B035 - one at most
    source = ScenarioSource(
        module="mprunner_plugin_noop",
        qualname="Noop",
        files={"mprunner_plugin_noop": str(HERE / "noop.py")},
        folder=str(HERE),
        variants=variants,
    )
    params = {VARIANT: "other"} if variants else {}
    executor = VariantsExecutor(source) if variants else LocalExecutor(source)
    with tempfile.TemporaryDirectory() as logs, Interrupt() as interrupt:
        try:
            executor.start()
            for line in sys.stdin:
                attempts = [
                    Attempt(
                        trial_id=f"noop-{number}",
                        case_id="noop",
                        case_label="",
                        repeat=number,
                        attempt=1,
                        order=number,
                        is_warmup=False,
                        seed=0,
                        params=params,
                        timeout_s=60.0,
                    )
                    for number in range(int(line))
                ]
                began = perf_counter()
                done = [executor.execute(attempt, Path(logs), interrupt) for attempt in attempts]
                print((perf_counter() - began) / len(done), flush=True)
                assert all(record.status is Status.OK for record in done), done[0]
        finally:
            executor.close()


if __name__ == "__main__":
    main()
