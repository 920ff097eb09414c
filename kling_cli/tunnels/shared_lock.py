"""The lock by which the processes of one user share one listener and tunnel.

Its owner publishes the public URL; the others use that URL, and find the callbacks
meant for them in the journal. The lock is the operating system's, so it is released
when the process ends, however it ends.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from kling_cli.errors import TunnelError
from kling_cli.tunnels.agents.identity import Identity, identify

# Names of files that versions share which run beside one another.
PUBLIC: Final = "door"
LOCAL: Final = "local-door"


@dataclass(frozen=True, slots=True)
class SharedTunnel:
    """A listener that another process may use: its URLs and its owner.

    `public_url` has no path; `port` is the listener's, on 127.0.0.1 of this machine.
    `is_standing`: it belongs to `kling listen`, and is open whether or not there are
    jobs.
    """

    public_url: str
    port: int
    owner_pid: int
    is_standing: bool = False

    @property
    def local_url(self) -> str:
        """The listener's URL on this machine."""
        return f"http://127.0.0.1:{self.port}"


class SharedTunnelLock:
    """The acquired lock; a context manager that releases it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def publish(self, public_url: str, port: int, *, is_standing: bool = False) -> None:
        """Publish the listener to other processes, in place of what was published."""
        us = identify(os.getpid())
        part = self._path.with_suffix(f".{os.getpid()}.part")
        part.touch(mode=0o600)
        part.write_text(
            json.dumps(
                {
                    "public_url": public_url,
                    "port": port,
                    "is_standing": is_standing,
                    "owner_pid": os.getpid(),
                    "owner_started_at": us.started_at if us else 0.0,
                }
            )
        )
        part.replace(self._path)

    def withdraw(self) -> None:
        """Publish nothing, as the listener cannot be reached now; the lock is kept."""
        self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Release the lock; doing so twice is fine."""
        if self._descriptor is not None:
            self.withdraw()
            os.close(self._descriptor)
            self._descriptor = None


def acquire_lock(state_dir: Path, name: str = PUBLIC) -> SharedTunnelLock | None:
    """Return the lock, or None when another process holds it.

    `LOCAL` is for a listener without a tunnel; it excludes no `PUBLIC` one.

    Raises: `TunnelError` when the folder's file system knows no locks.
    """
    import fcntl

    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(state_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as exc:
        os.close(descriptor)
        raise TunnelError(
            f"{state_dir} is on a file system without locks: {exc.strerror}",
            hint="set KLING_STATE_DIR to a folder on a local disk",
        ) from exc
    lock = SharedTunnelLock(state_dir / f"{name}.json", descriptor)
    lock.withdraw()  # what a killed owner left
    return lock


def find_shared_tunnel(state_dir: Path, name: str = PUBLIC) -> SharedTunnel | None:
    """Return the listener that is published now, ours included; None without one.

    Goes by the owner's pid and start time: trying the lock could keep it from
    somebody who wants it at that moment.
    """
    try:
        raw = json.loads((state_dir / f"{name}.json").read_text())
        owner = Identity(int(raw["owner_pid"]), float(raw["owner_started_at"]))
        shared = SharedTunnel(
            str(raw["public_url"]),
            int(raw["port"]),
            owner.pid,
            is_standing=raw.get("is_standing") is True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return shared if owner.is_alive else None
