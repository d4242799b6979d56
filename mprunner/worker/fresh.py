"""A worker with an interpreter of its own: ``isolation: fresh``, and plugins that start threads when imported.

The launcher does not import the scenario then. It forks the worker, which becomes a new interpreter and imports it
itself; process id, session and the kernel's promise to end it with its launcher stay.
"""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from mprunner.worker.importing import import_scenario, preload
from mprunner.worker.protocol import Hello, Order, decode, encode
from mprunner.worker.trial import (
    Place,
    Subject,
    execute_here,
    flush,
    log_traceback,
    send_error,
    subject_of,
)


def execute_fresh(hello: Hello, order: Order, place: Place) -> NoReturn:
    """Turn this forked process, which has settled in, into a new interpreter that executes the trial."""
    try:
        note = Path(hello.scratch) / "order.json"
        note.write_text(
            json.dumps([encode(hello), encode(order), os.fspath(place.tmp_path)]), encoding="utf-8"
        )
        os.set_inheritable(place.result_fd, True)
        arguments = [
            sys.executable,
            "-P",
            "-m",
            "mprunner.worker",
            "--fresh",
            str(note),
            str(place.result_fd),
        ]
        os.execv(sys.executable, arguments)
    except BaseException:  # mprunner's own fault: it must be seen, and must not reach the launcher's code
        log_traceback()
    finally:
        os._exit(1)


def main(note: str, result_fd: int) -> NoReturn:
    """Execute a trial in this interpreter, send its result and exit."""
    code = 1
    try:
        hello, order, tmp_path = json.loads(Path(note).read_text(encoding="utf-8"))
        os.set_inheritable(result_fd, False)
        code = _execute(decode(hello), decode(order), result_fd, Path(tmp_path))
    except BaseException:  # mprunner's own fault
        log_traceback()
    finally:
        flush()
        os._exit(code)


def _execute(hello: object, order: object, result_fd: int, tmp_path: Path) -> int:
    assert isinstance(hello, Hello)
    assert isinstance(order, Order)
    preload(hello)
    try:
        subject: Subject = subject_of(import_scenario(hello))
    except BaseException as error:  # it could be imported once, when the run began
        log_traceback()
        send_error(result_fd, error)
        return 0
    return execute_here(subject, order, result_fd, tmp_path)
