"""The session of a run, and what it does when the journal fails."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from kling_cli.errors import CredentialsError, UsageError
from kling_cli.jobs.events import Notice, Remark
from kling_cli.secret import Secret
from kling_cli.store.database import FILE_NAME, JournalError
from kling_cli.store.journal import Journal
from kling_cli.store.records import Stage
from tests.jobs.factories import a_record, a_task
from tests.jobs.full_disk import full_disk
from tests.jobs.ingress_setup import AwaitableEventLog, a_session, some_settings

pytestmark = pytest.mark.anyio


async def test_without_credentials_not_even_a_journal_is_made(tmp_path: Path) -> None:
    settings = replace(some_settings(tmp_path), api_key=None)

    with pytest.raises(CredentialsError):
        async with a_session(settings, AwaitableEventLog()):
            pytest.fail("it was opened")

    assert not (tmp_path / "state").exists()


async def test_an_api_key_queries_in_bulk_and_a_key_pair_one_by_one(
    tmp_path: Path,
) -> None:
    by_pair = replace(
        some_settings(tmp_path),
        api_key=None,
        access_key=Secret("a"),
        secret_key=Secret("s" * 32),
    )

    async with a_session(some_settings(tmp_path), AwaitableEventLog()) as session:
        is_bulk_by_key = session.poller.is_bulk
    async with a_session(by_pair, AwaitableEventLog()) as session:
        is_bulk_by_pair = session.poller.is_bulk

    assert (is_bulk_by_key, is_bulk_by_pair) == (True, False)


async def test_a_journal_that_was_set_aside_is_reported(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / FILE_NAME).write_bytes(b"no database at all " * 99)
    event_log = AwaitableEventLog()

    async with a_session(some_settings(tmp_path), event_log):
        pass

    [notice] = event_log.of(Notice)
    assert str(state / f"{FILE_NAME}.corrupt-1") in notice.message


async def test_a_journal_that_cannot_be_used_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")

    with pytest.raises(JournalError):
        async with a_session(some_settings(tmp_path), AwaitableEventLog()):
            pytest.fail("it was opened")


async def test_a_failed_write_is_reported_once_and_ends_nothing(tmp_path: Path) -> None:
    event_log = AwaitableEventLog()
    async with a_session(some_settings(tmp_path), event_log) as session:
        session.journal.add_job(a_record())
        with full_disk():
            session.write(session.journal.update_job, "e1", stage=Stage.FAILED)
            session.write(session.journal.update_job, "e1", stage=Stage.FAILED)
        session.write(session.journal.update_job, "e1", message="better now")
        record = session.journal.find_job("e1")

    assert len(event_log.of(Notice)) == 1
    assert record == a_record(message="better now", stage=Stage.FAILED)


class Lock:
    """Another program that is writing to the journal, and does not let go."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "state" / FILE_NAME, isolation_level=None)
        self._db.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._db.close()


async def test_what_a_locked_journal_did_not_take_is_written_at_the_end(
    tmp_path: Path,
) -> None:
    event_log = AwaitableEventLog()
    async with a_session(some_settings(tmp_path), event_log) as session:
        await session.add_job(a_record())
        lock = Lock(tmp_path)
        began = session.clock.monotonic()
        for number in range(20):
            session.write(session.journal.update_job, "e1", message=f"note {number}")
        session.write(session.journal.record_task, "e1", a_task("t1"))
        took_s = session.clock.monotonic() - began
        record = session.journal.find_job("e1")  # others may write: it can be read
        lock.release()

    with Journal.open(tmp_path / "state") as journal:
        later = journal.find_job("e1")
    assert record == a_record()
    assert took_s < 2  # not once for each of them
    assert later is not None
    assert (later.task_id, later.message) == ("t1", None)
    assert event_log.of(Notice) == []


async def test_a_journal_that_stays_locked_is_reported_with_file_and_remedy(
    tmp_path: Path,
) -> None:
    event_log = AwaitableEventLog()
    async with a_session(some_settings(tmp_path), event_log) as session:
        await session.add_job(a_record())
        lock = Lock(tmp_path)
        session.write(session.journal.update_job, "e1", message="lost")

    lock.release()
    [notice] = event_log.of(Notice)
    assert str(tmp_path / "state" / FILE_NAME) in notice.message
    assert "locked" in notice.message
    assert "KLING_STATE_DIR" in str(notice.hint)


async def test_a_job_is_written_down_as_soon_as_others_let_us(tmp_path: Path) -> None:
    event_log = AwaitableEventLog()
    async with (
        a_session(some_settings(tmp_path), event_log) as session,
        anyio.create_task_group() as group,
    ):
        lock = Lock(tmp_path)

        async def release() -> None:
            await anyio.sleep(0.4)  # the loop is free to do so
            lock.release()

        group.start_soon(release)
        await session.add_job(a_record())

        assert session.journal.find_job("e1") == a_record()
        assert [each.message for each in event_log.of(Remark)] == [
            "another program locks the journal: waiting"
        ]


async def test_a_note_with_a_mistake_in_it_is_not_hushed_up(tmp_path: Path) -> None:
    async with a_session(some_settings(tmp_path), AwaitableEventLog()) as session:
        session.journal.add_job(a_record())

        with pytest.raises(UsageError, match="used before"):
            session.write(session.journal.add_job, a_record())
