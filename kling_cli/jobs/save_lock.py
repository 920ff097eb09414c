"""The lock by which one process at a time saves the files of a job.

It is the operating system's, so it is released when the process ends, however it ends.
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

FOLDER: Final = "saving"  # in the state folder
_UNLOCKED: Final = -1
LOOK_EVERY_S: Final = 0.2
MOST_S: Final = 600.0  # a process that was stopped holds its locks


@asynccontextmanager
async def saving(state_dir: Path, job: str, clock: Clock) -> AsyncIterator[None]:
    """Wait until no other process saves the files of `job`, at most `MOST_S`.

    Without locks, in a folder that cannot be written for instance, everybody saves.
    """
    name = hashlib.sha256(job.encode("utf-8", "replace")).hexdigest()[:16]
    path = state_dir / FOLDER / f"{name}.lock"
    descriptor: int | None = None
    deadline = clock.monotonic() + MOST_S
    try:
        while (descriptor := _acquired(path)) is None and clock.monotonic() < deadline:
            await clock.sleep(LOOK_EVERY_S)
        yield
    finally:
        if descriptor is not None and descriptor != _UNLOCKED:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)


def _acquired(path: Path) -> int | None:
    """Return the descriptor that holds the lock; None while another process does."""
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
