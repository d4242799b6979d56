"""``mprunner`` and ``python -m mprunner``: the command line, quiet from the first moment when it is interrupted."""

import os
import signal


def main() -> None:
    """Execute the command line; Ctrl-C while it is still being imported prints no traceback either."""
    try:
        from mprunner.cli import main as command_line  # noqa: PLC0415 - the reason is this function
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return
    command_line()


if __name__ == "__main__":
    main()
