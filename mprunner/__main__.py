"""``mprunner`` and ``python -m mprunner``: the command line, which Ctrl-C ends at once where nothing can be lost."""

# Nothing is imported here: Ctrl-C during an import outside of main() would print a traceback.


def main() -> None:
    """Execute the command line, with the default action of INT in the place of ``KeyboardInterrupt``.

    An exception is not sure to end a program: what an import calls may catch it, print it and go on, or make another
    error of it. What must not be cut in half catches the signal itself, see ``executors/interrupt.py``.
    """
    try:
        import gc  # noqa: PLC0415 - the reason is this function
        import signal  # noqa: PLC0415 - as above

        if (
            signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):  # a shell's background job ignores it
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        _end_by_interrupt()
        return
    # What an import makes lives for good: at the usual threshold, looking at all of it again and again is a tenth
    # of the time that pandas or pydantic takes.
    gc.set_threshold(100_000)
    from mprunner.cli import main as command_line  # noqa: PLC0415 - as above

    command_line()


def _end_by_interrupt() -> None:
    import os  # noqa: PLC0415 - as above
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
