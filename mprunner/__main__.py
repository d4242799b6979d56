"""``mprunner`` and ``python -m mprunner``: the command line, which Ctrl-C ends at once where nothing can be lost."""

# Nothing is imported here: Ctrl-C during an import outside of main() would print a traceback.


def main() -> None:
    """Execute the command line, with the default action of INT in the place of ``KeyboardInterrupt``.

    An exception is not sure to end a program: what an import calls may catch it, print it and go on, or make another
    error of it. What must not be cut in half catches the signal itself, see ``signals.py``.
    """
    try:
        import gc  # noqa: PLC0415 - the reason is this function
        import os  # noqa: PLC0415 - the reason is this function
        import signal  # noqa: PLC0415

        if (
            signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):  # a shell's background job ignores it
            is_first = os.getpid() == 1  # of a container: no default action ends it
            signal.signal(signal.SIGINT, _end_by if is_first else signal.SIG_DFL)
    except KeyboardInterrupt:
        _end_by(2, None)  # the name is in what may not have been imported
    # What an import makes lives for good: at the usual threshold, looking at all of it again and again is a tenth
    # of the time that pandas or pydantic takes.
    gc.set_threshold(100_000)
    from mprunner.cli import main as command_line  # noqa: PLC0415 - after INT has its default action

    command_line()


def _end_by(number: int, frame: object) -> None:
    from mprunner.signals import end_by  # noqa: PLC0415 - nothing is imported outside of a function here

    end_by(number)


if __name__ == "__main__":
    main()
