"""Partial files of downloads as the journal has them, so that a later run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kling_cli.jobs.session import Session
from kling_cli.store import JournalError, PartialPlace, PartialRecord


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
        return self.session.note(
            self.session.journal.add_partial_file,
            self.place,
            record,
            written_at=self.session.clock.now(),
        )

    def remove(self, path: Path) -> None:
        self.session.note(self.session.journal.remove_partial_file, path)
