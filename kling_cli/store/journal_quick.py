"""The journal as a standing listener writes to it: often, and without waiting."""

from __future__ import annotations

from pathlib import Path

from kling_cli.store.journal import Journal
from kling_cli.store.journal_file import Opened

LONG_LOG = 64_000  # pages, 256 MB


class QuickJournal(Journal):
    """An open journal whose commits outlive this process, but not a power failure.

    For callbacks: they are hints, and the API still knows what they were about. Use
    from one thread.
    """

    def __init__(self, opened: Opened, path: Path) -> None:
        super().__init__(opened, path)
        self.require_writable()
        self._read("PRAGMA synchronous = NORMAL", ())

    def never_wait(self) -> None:
        """From here on, wait neither for other writers nor for the disk.

        What is locked is said with a `JournalError`; somebody else must `move_log`.
        """
        self.wait_for_others(0)
        self._read("PRAGMA wal_autocheckpoint = 0", ())

    def move_log(self, longest: int = LONG_LOG) -> None:
        """Move what stands in the log into the database; this waits for the disk.

        Others write on meanwhile, unless the log has grown beyond `longest` pages in
        spite of this: then they must wait, and it begins anew.

        Raises:
            JournalError: it cannot be done; nothing is lost by that.
        """
        _, pages, _ = self._read("PRAGMA wal_checkpoint(PASSIVE)", ())[0]
        if pages > longest:
            self._read("PRAGMA wal_checkpoint(RESTART)", ())
