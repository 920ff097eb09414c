"""One door a user: whoever holds the lock has the listener and the tunnel.

The others share its public URL: the callbacks that reach it are written into the
journal, where every process finds its own. The lock is the system's, so it is gone
with the process, however that ends.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kling_cli.errors import TunnelError
from kling_cli.tunnels.process_identity import Identity, identify

PUBLIC: Final = "door"
LOCAL: Final = "local-door"


@dataclass(frozen=True, slots=True)
class PublishedDoor:
    """A door that is open now: where it can be reached, and whose it is.

    `public_url` has no path; `port` is the listener's, on 127.0.0.1 of this machine.
    A standing one is that of a listener, open whether or not there are jobs.
    """

    public_url: str
    port: int
    owner_pid: int
    is_standing: bool = False

    @property
    def local_url(self) -> str:
        """The same door for whoever calls from this machine."""
        return f"http://127.0.0.1:{self.port}"


class Lease:
    """The right to have the door, until released; a context manager that releases."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path = path
        self._lock: int | None = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def publish(self, public_url: str, port: int, *, is_standing: bool = False) -> None:
        """Tell the other processes where the door is; replaces what was said before."""
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
        """Say that the door cannot be reached now; the right to it stays."""
        self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the door up; another process may claim it. Doing so twice is fine."""
        if self._lock is not None:
            self.withdraw()
            os.close(self._lock)
            self._lock = None


def claim(state_dir: Path, name: str = PUBLIC) -> Lease | None:
    """Return the right to the door, or None when another process has it.

    A `LOCAL` door is one without a tunnel; it keeps nobody from having a public one.

    Raises: `TunnelError` when the folder's file system knows no locks.
    """
    import fcntl

    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(state_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError as exc:
        os.close(lock)
        raise TunnelError(
            f"{state_dir} is on a file system without locks: {exc.strerror}",
            hint="set KLING_STATE_DIR to a folder on a local disk",
        ) from exc
    lease = Lease(state_dir / f"{name}.json", lock)
    lease.withdraw()  # what a killed owner left
    return lease


def look(state_dir: Path, name: str = PUBLIC) -> PublishedDoor | None:
    """Return the door that is open now, ours included; None when there is none.

    Goes by the owner's pid and start time: trying the lock could keep it from
    somebody who wants it at that moment.
    """
    try:
        raw = json.loads((state_dir / f"{name}.json").read_text())
        owner = Identity(int(raw["owner_pid"]), float(raw["owner_started_at"]))
        door = PublishedDoor(
            str(raw["public_url"]),
            int(raw["port"]),
            owner.pid,
            is_standing=raw.get("is_standing") is True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return door if owner.is_alive else None
