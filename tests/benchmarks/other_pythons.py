"""What a trial by another interpreter's worker costs, over the same where that interpreter executes mprunner itself.

``make bench``. It is measured in turn for each Python of 3.11 or later that is named, or that PATH has.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import report

HERE = Path(__file__).parent
TRIALS, TURNS = 50, 12
KNOWN = [f"python3.{minor}{build}" for minor in range(11, 16) for build in ("", "t")] + ["pypy3.11"]


def main() -> None:
    """Measure each."""
    print(f"{'what':<52} {'ratio':>7}  {'range':<15} budget")
    for python in sys.argv[1:] or _on_path():
        with ExitStack() as stack:
            ours, its_own = (
                stack.enter_context(_Trials(command))
                for command in ([sys.executable, "noop_trials.py", python], [python, "noop_trials.py"])
            )
            ours.mean_s(), its_own.mean_s()  # what is read from the disk once
            what = f"no-op trial by {Path(python).name}, over its own runner"
            report(what, ours.mean_s, its_own.mean_s, TURNS, "1.2×")


def _on_path() -> Iterator[str]:
    for name in KNOWN:
        found = shutil.which(name)
        new_enough = "import sys; sys.exit(sys.version_info < (3, 11))"
        if (
            found
            and subprocess.run([found, "-c", new_enough], capture_output=True, check=False).returncode == 0
        ):
            yield found


class _Trials(subprocess.Popen[str]):
    """A program that executes trials and says how long one took."""

    def __init__(self, command: list[str]) -> None:
        super().__init__(
            command,
            cwd=HERE,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def mean_s(self) -> float:
        """Have trials executed, and return the mean."""
        assert self.stdin is not None
        assert self.stdout is not None
        self.stdin.write(f"{TRIALS}\n")
        self.stdin.flush()
        return float(self.stdout.readline())


if __name__ == "__main__":
    main()
