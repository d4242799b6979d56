"""Why a trial was not ok, in words."""

import signal
from typing import Final

from mprunner.escapes import printable
from mprunner.records import Record, Status

_LONGEST: Final = 200  # characters of a message


def reason(
    status: Status, error_type: str | None, message: str | None, number: int | None, exit_code: int | None
) -> str:
    """Say what a status does not: the exception, the signal, the exit code; nothing where there is no more to say.

    Args:
        status: what happened.
        error_type: the exception's type, where there was one.
        message: its first line is told, and of a long one the beginning.
        number: the signal's that ended the worker.
        exit_code: the worker's.
    """
    if error_type or message:
        first = (message or "").strip().partition("\n")[0]
        shown = first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"
        return printable(": ".join(part for part in (error_type, shown) if part))
    if status is Status.SIGNAL and number is not None:
        return _name_of(number)
    if status in (Status.EXIT, Status.NO_RESULT) and exit_code is not None:
        return f"exit code {exit_code}"
    return ""


def reason_of(record: Record) -> str:
    """Say likewise why an attempt was not ok."""
    ending, result = record.ending, record.ending.result
    error_type, message = (
        (None, ending.malformed) if result is None else (result.error_type, result.error_message)
    )
    return reason(record.status, error_type, message, ending.signal, ending.exit_code)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
