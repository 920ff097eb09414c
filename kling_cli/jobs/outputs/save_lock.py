"""The lock that lets one process at a time save the outputs of a job.

It is a file lock of the operating system, released however the process ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from kling_cli.clock import Clock

LOCK_FOLDER: Final = "saving"  # in the state folder
_UNLOCKED: Final = -1
LOCK_POLL_S: Final = 0.2
MAX_LOCK_WAIT_S: Final = 600.0  # a process that was stopped holds its locks


@asynccontextmanager
async def exclusive_save(
    state_dir: Path, job: str, clock: Clock
) -> AsyncIterator[None]:
    """Hold the lock of `job`; wait for it at most `MAX_LOCK_WAIT_S`.

    Where locks do not work, in a folder that cannot be written for instance, every
    process saves.
    """
    name = hashlib.sha256(job.encode("utf-8", "replace")).hexdigest()[:16]
    path = state_dir / LOCK_FOLDER / f"{name}.lock"
    descriptor: int | None = None
    deadline = clock.monotonic() + MAX_LOCK_WAIT_S
    try:
        while (descriptor := _acquire(path)) is None and clock.monotonic() < deadline:
            await clock.sleep(LOCK_POLL_S)
        yield
    finally:
        if descriptor is not None and descriptor != _UNLOCKED:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)


def _acquire(path: Path) -> int | None:
    """Return the descriptor that holds the lock; None while another process has it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return _UNLOCKED
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except BlockingIOError:
        pass
    except FileNotFoundError:  # its last owner has removed it: try again
        pass
    except OSError:  # a file system without locks
        os.close(descriptor)
        return _UNLOCKED
    os.close(descriptor)
    return None
