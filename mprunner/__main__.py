"""``mprunner`` and ``python -m mprunner``: the command line, quiet from the first moment when it is interrupted."""

# Nothing is imported here: Ctrl-C during an import outside of main() would print a traceback.


def main() -> None:
    """Execute the command line; Ctrl-C while it is still being imported prints no traceback either."""
    try:
        import gc  # noqa: PLC0415 - the reason is this function

        # What an import makes lives for good: at the usual threshold, looking at all of it again and again is a tenth
        # of the time that pandas or pydantic takes.
        gc.set_threshold(100_000)
        from mprunner.cli import main as command_line  # noqa: PLC0415 - the reason is this function
    except KeyboardInterrupt:
        _end_by_interrupt()
        return
    command_line()


def _end_by_interrupt() -> None:
    import os  # noqa: PLC0415 - as above
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
