"""Identifies a process by its pid and its start time.

A pid alone may belong to somebody else by the time it is used.
"""

from __future__ import annotations

from dataclasses import dataclass

_TOLERANCE_S = 1.0  # the machine's idea of when it was booted moves with its clock


@dataclass(frozen=True, slots=True)
class Identity:
    """A process; a later one under the same pid is unequal to it.

    `started_at` is in seconds since the epoch, as the system reckons it.
    """

    pid: int
    started_at: float

    @property
    def is_alive(self) -> bool:
        """Return whether this very process still runs; one that has exited does not."""
        found = identify(self.pid)
        return (
            found is not None and abs(found.started_at - self.started_at) < _TOLERANCE_S
        )


def identify(pid: int) -> Identity | None:
    """Return who runs under `pid` now; None when nobody does."""
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return Identity(pid, process.create_time())
    except (psutil.Error, ValueError):
        return None
