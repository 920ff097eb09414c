"""Job control: what a program with a terminal does about Ctrl-Z, `bg`, `fg` and `&`."""

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
LOOK_EVERY_S: Final = 1.0  # some shells move a running job without a signal

Pause = Callable[[], AbstractContextManager[None]]


def is_in_foreground(terminal: int) -> bool:
    """Return whether this process belongs to the terminal's foreground group.

    Anybody else is stopped by the kernel when it reads from the terminal or changes its
    mode. Where there is no job control, as the terminal controls no session of ours,
    everybody may.
    """
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError as exc:
        return exc.errno == errno.ENOTTY


async def share_terminal(terminal: int, pause: Pause) -> None:
    """Use a terminal in the foreground only, and stop when told to; until cancelled.

    Within `pause()` nothing is drawn and the terminal has the mode in which it was
    found: while the process is stopped, and while it is in the background.
    """
    if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:
        return  # a shell without job control has told us so
    with anyio.open_signal_receiver(signal.SIGTSTP, signal.SIGCONT) as signals:
        while True:
            if not is_in_foreground(terminal):
                with pause():
                    while not is_in_foreground(terminal):
                        await _next(signals)
                continue
            match await _next(signals):
                case signal.SIGTSTP:
                    with pause():
                        _stop()
                case signal.SIGCONT if is_in_foreground(terminal):
                    with pause():  # after SIGSTOP the shell has left its own mode
                        pass


@contextmanager
def hidden_typing(prompt: str) -> Iterator[None]:
    """Keep the terminal's echo off when the process is stopped and continued inside.

    A shell leaves its own mode behind, in which a key would be seen as it is typed.
    While the process is stopped the echo is on.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        _set_echo(is_on=True)
        _stop()

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
    """Set the echo of the terminal that controls us, if one does."""
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


async def _next(signals: AsyncIterator[signal.Signals]) -> signal.Signals | None:
    """Return the next signal; None when it is time to look again."""
    with anyio.move_on_after(LOOK_EVERY_S):
        return await anext(signals)
    return None


def _stop() -> None:
    """Stop as the default action does, and return when the process is continued."""
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, handler)
    signal.siginterrupt(signal.SIGTSTP, False)
