"""Actors that are processes, seen from the worker: start them, watch them, join them, collect their reports."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from time import perf_counter
from typing import cast

from mprunner.actors.bootstrap import Gate, Part, Report, bootstrap


@dataclass(frozen=True, slots=True)
class Joined:
    """An actor that has ended.

    Attributes:
        called: when it was started, in ``perf_counter`` seconds.
        report: what it handed over; None if it was killed before it could.
        pid: the id of its process.
        exit_code: of its process, None for a thread.
    """

    called: float
    report: Report | None
    pid: int | None
    exit_code: int | None


@dataclass(slots=True, kw_only=True)
class _Actor:
    """One process under way."""

    process: BaseProcess
    channel: Connection
    called: float
    watch: int
    report: Report | None = None


def run_processes(context: BaseContext, parts: Sequence[Part], gate: Gate | None) -> list[Joined]:
    """Execute each part in a process of its own and return how each ended, in the order given.

    Raises:
        pickle.PicklingError, AttributeError, TypeError: a part can't be sent to a spawned process.
    """
    started: list[_Actor] = []
    try:
        for part in parts:
            started.append(_start(context, part))  # noqa: PERF401 - known even if the next one fails
        _collect(started, gate)
        return [
            Joined(actor.called, actor.report, actor.process.pid, actor.process.exitcode) for actor in started
        ]
    finally:
        for actor in started:
            _end(actor)


def _start(context: BaseContext, part: Part) -> _Actor:
    reader, writer = context.Pipe(duplex=False)
    process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # every concrete context has it
        target=bootstrap, args=(part, writer), name=f"actor-{part.index}"
    )
    called = perf_counter()
    try:
        process.start()
    except BaseException:
        reader.close()
        raise
    finally:
        writer.close()
    return _Actor(process=process, channel=reader, called=called, watch=_watch(process))


def _watch(process: BaseProcess) -> int:
    """Open a descriptor that becomes readable when the process has ended.

    A forked child's sentinel stays silent while a grandchild that it left behind holds the other end of the
    pipe; a pidfd is of the process alone. A forkserver's child is not ours to open: its server reports the end.
    """
    if sys.platform == "linux" and process.pid is not None and not isinstance(process, ForkServerProcess):
        try:
            return os.pidfd_open(process.pid)
        except OSError:  # a kernel or a sandbox without pidfd
            pass
    return os.dup(process.sentinel)


def _collect(started: Sequence[_Actor], gate: Gate | None) -> None:
    by_channel = {actor.channel: actor for actor in started}
    by_watch = {actor.watch: actor for actor in started}
    while by_watch:
        for ready in wait([*by_channel, *by_watch]):
            if isinstance(ready, int):
                actor = by_watch.pop(ready)
                actor.process.join()
                if by_channel.pop(actor.channel, None) is not None and actor.channel.poll():
                    actor.report = _receive(actor)
            else:
                actor = by_channel.pop(cast("Connection", ready))
                actor.report = _receive(actor)
            if gate is not None and _lost(actor):
                gate.abort()


def _lost(actor: _Actor) -> bool:
    """Whether the actor will not come to the gate again although others may wait there for it."""
    return actor.report is None or actor.report.error is not None


def _receive(actor: _Actor) -> Report | None:
    try:
        report: Report = actor.channel.recv()
    except (EOFError, OSError):
        return None
    except Exception as error:  # unpickling executes code of the value's class
        report = Report(actor.called)
        report.error = type(error).__name__, f"the actor's return value can't be read: {error}"
    return report


def _end(actor: _Actor) -> None:
    if actor.process.is_alive():  # only when starting a later actor failed
        actor.process.kill()
        actor.process.join()
    actor.channel.close()
    os.close(actor.watch)
