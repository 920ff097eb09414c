from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.store.database import FILE_NAME, JournalError, check_integrity
from kling_cli.store.journal import Journal
from tests.jobs.factories import a_record


def test_a_sound_or_missing_journal_has_no_integrity_error(tmp_path: Path) -> None:
    before = check_integrity(tmp_path)
    with Journal.open(tmp_path) as journal:
        journal.add_job(a_record())

    assert before is None
    assert check_integrity(tmp_path) is None


def test_corruption_anywhere_is_found_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with Journal.open(tmp_path) as journal:
        for number in range(300):
            journal.add_job(a_record(f"e{number}"))
    damaged = path.read_bytes()[:-4096] + b"\xee" * 4096
    path.write_bytes(damaged)

    assert check_integrity(tmp_path)
    assert path.read_bytes() == damaged


def test_a_file_that_is_not_a_database_is_an_integrity_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all " * 99)

    assert "not a database" in (check_integrity(tmp_path) or "")


def test_a_journal_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(JournalError):
        check_integrity(tmp_path)
