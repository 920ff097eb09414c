from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from kling_cli.store.database import BUSY_TIMEOUT_S, JournalError
from kling_cli.store.journal import ListenerJournal
from tests.store.test_journal_callbacks import a_callback


def test_a_batch_of_callbacks_is_numbered_in_order(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(250)]

    with ListenerJournal.open(tmp_path) as journal:
        numbers = journal.add_callbacks(a_callback(task_id=name) for name in names)
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            query = "SELECT id, task_id FROM callbacks ORDER BY id"
            stored = other.execute(query).fetchall()

    assert stored == list(zip(numbers, names, strict=True))


def test_without_waiting_a_locked_journal_is_an_error(tmp_path: Path) -> None:
    with (
        ListenerJournal.open(tmp_path) as journal,
        closing(sqlite3.connect(tmp_path / "journal.db")) as other,
    ):
        journal.disable_waiting()
        other.execute("BEGIN IMMEDIATE")
        started = time.perf_counter()

        with pytest.raises(JournalError) as caught:
            journal.add_callbacks([a_callback()])

        assert time.perf_counter() - started < BUSY_TIMEOUT_S / 3
        assert caught.value.is_locked
        other.rollback()
        assert journal.add_callbacks([a_callback()]) == [1]


def test_other_errors_are_not_reported_as_locked(tmp_path: Path) -> None:
    with ListenerJournal.open(tmp_path) as journal:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            other.execute("DROP TABLE callbacks")

        with pytest.raises(JournalError) as caught:
            journal.add_callbacks([a_callback()])

    assert not caught.value.is_locked


def test_without_waiting_the_log_is_not_checkpointed(tmp_path: Path) -> None:
    with (
        ListenerJournal.open(tmp_path) as writer,
        ListenerJournal.open(tmp_path) as mover,
    ):
        writer.disable_waiting()
        before = (tmp_path / "journal.db").stat().st_size
        for _ in range(20):
            writer.add_callbacks([a_callback(raw=b"x" * 10_000)] * 30)
        assert (tmp_path / "journal.db").stat().st_size == before

        mover.checkpoint()

        assert (tmp_path / "journal.db").stat().st_size > 600 * 10_000


def test_a_long_log_is_restarted(tmp_path: Path) -> None:
    log = tmp_path / "journal.db-wal"
    with (
        ListenerJournal.open(tmp_path) as writer,
        ListenerJournal.open(tmp_path) as mover,
    ):
        writer.disable_waiting()
        writer.add_callbacks([a_callback(raw=b"x" * 10_000)] * 30)
        length = log.stat().st_size

        mover.checkpoint(max_pages=10)
        writer.add_callbacks([a_callback()])

        assert log.stat().st_size == length
