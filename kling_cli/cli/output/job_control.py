"""Job control: what a program with a terminal does about Ctrl-Z, `bg`, `fg` and `&`."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Final

import anyio

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
