"""Cancellation of a run by SIGINT, SIGTERM or SIGHUP."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import anyio
from anyio.abc import TaskStatus

from kling_cli.background import background
from kling_cli.errors import ExitCode, StoppedError

T = TypeVar("T")

_EXIT_CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HANGUP,
}


async def until_signal(
    work: Callable[[], Awaitable[T]], *, is_embedded: bool = False
) -> T:
    """Return what `work` returns; cancel it when SIGINT, SIGTERM or SIGHUP comes.

    `work` closes what it opened while it is cancelled, within a bounded time; further
    signals change nothing about it. A signal that was ignored before (`nohup`) stays
    ignored. When embedded, in a program whose signals are its own, all are left to
    that program.

    Raises:
        StoppedError: a signal came first.
    """
    if is_embedded:
        return await work()
    caught: list[signal.Signals] = []
    done: list[T] = []

    async def watch(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(*_watched_signals()) as signals:
            task_status.started()
            async for number in signals:
                caught.append(number)
                scope.cancel()

    async with background() as group:
        with anyio.CancelScope() as scope:
            await group.start(watch, scope)  # first, so that no signal is missed
            done.append(await work())
    if not done:
        raise _stopped_error(caught[0])
    return done[0]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a signal interrupt a blocking call inside, such as a prompt.

    Raises:
        StoppedError: from inside, when SIGINT, SIGTERM or SIGHUP comes.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        raise _stopped_error(signal.Signals(number))

    before = {number: signal.signal(number, stop) for number in _watched_signals()}
    if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:  # Ctrl-Z, at once
        before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopped_error(number: signal.Signals) -> StoppedError:
    return StoppedError(f"stopped by {number.name}", exit_code=_EXIT_CODES[number])


def _watched_signals() -> list[signal.Signals]:
    return [
        number
        for number in _EXIT_CODES
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
