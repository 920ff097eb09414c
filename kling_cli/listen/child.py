"""The command that a listener is there for: `kling listen -- COMMAND`."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import Process

from kling_cli.errors import UsageError

VARIABLE: Final = "KLING_CALLBACK_URL"
_STDERR: Final = 2
GRACE_S: Final = 5.0  # between asking it to end and ending it


async def run_child(
    command: Sequence[str], callback_url: str, *, is_stdout_ours: bool
) -> int:
    """Run `command` to its end and return its exit code, 128 + N for signal N.

    When cancelled it is asked to end, and ended if it does not. With `is_stdout_ours`
    what it writes to stdout goes to stderr.

    Raises:
        UsageError: it cannot be started.
    """
    try:
        process = await anyio.open_process(
            list(command),
            stdin=None,
            stdout=_STDERR if is_stdout_ours else None,
            stderr=None,
            env={**os.environ, VARIABLE: callback_url},
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
            await _end(process)
    return 128 - code if code < 0 else code


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    _send(process, signal.SIGTERM)
    with anyio.move_on_after(GRACE_S):
        await process.wait()
        return
    _send(process, signal.SIGKILL)
    await process.wait()


def _send(process: Process, what: signal.Signals) -> None:
    """Send a signal, and leave the end of the process to asyncio.

    `Process.terminate` may take note of that end first, of Ctrl-C for instance, which
    was sent to both of us; asyncio would then complain that the process is unknown.
    """
    with suppress(ProcessLookupError):
        os.kill(process.pid, what)
