"""Partial files of downloads as the journal has them, so that a later run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kling_cli.jobs.job import KEPT_DAYS
from kling_cli.jobs.journal import PartialPlace
from kling_cli.jobs.journal_file import JournalError
from kling_cli.jobs.part import PartialRecord, remove_abandoned
from kling_cli.jobs.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecords:
    """Writes down the partial files of one output; a failing journal stops nothing."""

    session: Session
    place: PartialPlace

    def known(self) -> Sequence[PartialRecord]:
        try:
            return self.session.journal.partial_files(self.place)
        except JournalError:
            return ()

    def add(self, record: PartialRecord) -> bool:
        """Write it down, and remove those whose results no longer exist."""
        now = self.session.clock.now()
        self._remove_outdated(now - timedelta(days=KEPT_DAYS))
        return self.session.note(
            self.session.journal.add_partial_file, self.place, record, written_at=now
        )

    def _remove_outdated(self, before: datetime) -> None:
        try:
            outdated = self.session.journal.partial_files_before(before)
        except JournalError:
            return
        for path in outdated:
            if remove_abandoned(path):
                self.remove(path)

    def remove(self, path: Path) -> None:
        self.session.note(self.session.journal.remove_partial_file, path)
