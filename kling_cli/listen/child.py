"""The command that a listener is there for: `kling listen -- COMMAND`.

It stays in our process group, as it may read from the terminal. What it starts, and may
leave behind, is known by a mark in the environment.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import uuid4

import anyio
import anyio.to_thread
from anyio.abc import Process

from kling_cli.errors import UsageError

VARIABLE: Final = "KLING_CALLBACK_URL"
_STDERR: Final = 2
MARK: Final = "KLING_LISTENER"
_LOOK_EVERY_S: Final = 0.05
GRACE_S: Final = 5.0  # between asking it to end and ending it


async def run_child(
    command: Sequence[str], callback_url: str, *, is_stdout_ours: bool
) -> int:
    """Run `command` to its end and return its exit code, 128 + N for signal N.

    When cancelled it is asked to end, and ended if it does not; so is what it has
    started and left behind, however it ends. With `is_stdout_ours` what it writes to
    stdout goes to stderr.

    Raises:
        UsageError: it cannot be started.
    """
    mark = uuid4().hex
    try:
        process = await anyio.open_process(
            list(command),
            stdin=None,
            stdout=_STDERR if is_stdout_ours else None,
            stderr=None,
            env={**os.environ, VARIABLE: callback_url, MARK: mark},
        )
    except OSError as exc:
        raise UsageError(
            f"cannot run {command[0]}: {exc.strerror or exc}",
            hint="give a program and its arguments after --",
        ) from exc
    try:
        code = await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process, mark)
    return 128 - code if code < 0 else code


async def _end(process: Process, mark: str) -> None:
    """Ask all that is left to end, and end what does not."""
    await _send(process, mark, signal.SIGTERM)
    with anyio.move_on_after(GRACE_S):
        await process.wait()
        while True:
            if not await anyio.to_thread.run_sync(marked, mark):
                return
            await anyio.sleep(_LOOK_EVERY_S)
    await _send(process, mark, signal.SIGKILL)
    await process.wait()


async def _send(process: Process, mark: str, what: signal.Signals) -> None:
    """Send a signal, and leave the end of the process to asyncio.

    `Process.terminate` may take note of that end first, of Ctrl-C for instance, which
    was sent to both of us; asyncio would then complain that the process is unknown.
    """
    left = await anyio.to_thread.run_sync(marked, mark)
    if process.returncode is None:
        left.append(process.pid)
    for pid in set(left):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, what)


def marked(mark: str) -> list[int]:
    """Return the processes that run with this mark in their environment."""
    import psutil

    found: list[int] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # somebody else's, or gone meanwhile
            if process.environ().get(MARK) == mark:
                found.append(process.pid)
    return found
