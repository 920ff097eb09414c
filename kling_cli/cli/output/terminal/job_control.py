"""Job control of a process with a terminal: Ctrl-Z, `bg`, `fg` and `&`."""

from __future__ import annotations

import errno
import os
import signal
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import Final

import anyio

_STDERR: Final = 2
FOREGROUND_CHECK_S: Final = 1.0  # some shells move a running job without a signal

Pause = Callable[[], AbstractContextManager[None]]


def is_in_foreground(terminal: int) -> bool:
    """Return whether this process is in the terminal's foreground process group.

    The kernel stops a background process that reads from the terminal or changes its
    mode. Without job control, as where the terminal is not that of our session, every
    process counts as foreground.
    """
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError as exc:
        return exc.errno == errno.ENOTTY


async def share_terminal(
    terminal: int, pause: Pause, has_begun_in_background: bool = False
) -> None:
    """Stop and continue with the shell's job control; until cancelled.

    Within `pause()` nothing is drawn and the terminal has its original mode: while the
    process is stopped, and while it is in the background. A process that has begun in
    the background may be in the foreground before its signals are received here.
    """
    if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:
        return  # a shell without job control ignores the signal
    with anyio.open_signal_receiver(signal.SIGTSTP, signal.SIGCONT) as signals:
        if has_begun_in_background and is_in_foreground(terminal):
            with pause():
                pass
        while True:
            if not is_in_foreground(terminal):
                with pause():
                    while not is_in_foreground(terminal):
                        await _next_signal(signals)
                continue
            match await _next_signal(signals):
                case signal.SIGTSTP:
                    with pause():
                        _stop_process()
                case signal.SIGCONT if is_in_foreground(terminal):
                    with pause():  # after SIGSTOP the shell has left its own mode
                        pass


@contextmanager
def hidden_input(prompt: str) -> Iterator[None]:
    """Turn the terminal's echo off, also when the process is stopped and continued.

    A shell restores its own mode, in which typed keys would be visible. While the
    process is stopped the echo is on.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        _set_echo(is_on=True)
        _stop_process()

    def go_on(_number: int, _frame: FrameType | None) -> None:
        _set_echo(is_on=False)
        with suppress(OSError):  # not through the stream, which may be in use
            os.write(_STDERR, prompt.encode("utf-8", "replace"))

    handlers = {signal.SIGTSTP: stop, signal.SIGCONT: go_on}
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _set_echo(*, is_on: bool) -> None:
    """Set the echo of the controlling terminal, if there is one."""
    with suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        try:
            mode = termios.tcgetattr(terminal)
            flags = mode[3] | termios.ECHO if is_on else mode[3] & ~termios.ECHO
            mode[3] = flags
            if is_in_foreground(terminal):
                termios.tcsetattr(terminal, termios.TCSANOW, mode)
        finally:
            os.close(terminal)


async def _next_signal(signals: AsyncIterator[signal.Signals]) -> signal.Signals | None:
    """Return the next signal; None after `FOREGROUND_CHECK_S`."""
    with anyio.move_on_after(FOREGROUND_CHECK_S):
        return await anext(signals)
    return None


def _stop_process() -> None:
    """Stop as the default action does, and return when the process is continued."""
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, handler)
    signal.siginterrupt(signal.SIGTSTP, False)
