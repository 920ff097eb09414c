"""The child process of `kling listen -- COMMAND`.

It stays in our process group, because it may read from the terminal. Processes that it
starts, and may leave running, are recognised by a marker in their environment.
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

CALLBACK_URL_VARIABLE: Final = "KLING_CALLBACK_URL"
_STDERR: Final = 2
MARKER_VARIABLE: Final = "KLING_LISTENER"
_POLL_S: Final = 0.05
TERMINATION_GRACE_S: Final = 5.0  # between SIGTERM and SIGKILL


async def run_child(
    command: Sequence[str], callback_url: str, *, is_stdout_reserved: bool
) -> int:
    """Run `command` to its end and return its exit code, 128 + N for signal N.

    When cancelled, it gets SIGTERM, then SIGKILL; so do the processes that it leaves
    running, however it ends. With `is_stdout_reserved` its stdout goes to our stderr.

    Raises:
        UsageError: it cannot be started.
    """
    marker = uuid4().hex
    try:
        process = await anyio.open_process(
            list(command),
            stdin=None,
            stdout=_STDERR if is_stdout_reserved else None,
            stderr=None,
            env={
                **os.environ,
                CALLBACK_URL_VARIABLE: callback_url,
                MARKER_VARIABLE: marker,
            },
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
            await _terminate(process, marker)
    return 128 - code if code < 0 else code


async def _terminate(process: Process, marker: str) -> None:
    """Send SIGTERM to what is left, and SIGKILL after the grace period."""
    await _send_signal(process, marker, signal.SIGTERM)
    with anyio.move_on_after(TERMINATION_GRACE_S):
        await process.wait()
        while True:
            if not await anyio.to_thread.run_sync(find_marked_processes, marker):
                return
            await anyio.sleep(_POLL_S)
    await _send_signal(process, marker, signal.SIGKILL)
    await process.wait()


async def _send_signal(process: Process, marker: str, signum: signal.Signals) -> None:
    """Send a signal, and leave reaping the process to asyncio.

    `Process.terminate` may reap it first, after Ctrl-C for instance, which both of us
    get; asyncio would then complain that the process is unknown.
    """
    pids = await anyio.to_thread.run_sync(find_marked_processes, marker)
    if process.returncode is None:
        pids.append(process.pid)
    for pid in set(pids):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)


def find_marked_processes(marker: str) -> list[int]:
    """Return the ids of processes that have this marker in their environment."""
    import psutil

    found: list[int] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # another user's, or gone meanwhile
            if process.environ().get(MARKER_VARIABLE) == marker:
                found.append(process.pid)
    return found
