from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from kling_cli.listener.callback_writer import (
    CHECKPOINT_AFTER,
    NullWriter,
    open_callback_writer,
)
from kling_cli.store.database import JournalError
from kling_cli.store.journal import Journal
from kling_cli.store.records import StoredCallback
from tests.listener.stored_callbacks import a_callback

FRAME_BYTES = 4096 + 24  # a page in the write-ahead log and its head

pytestmark = pytest.mark.anyio


def stored_in(folder: Path) -> list[StoredCallback]:
    with Journal.open(folder) as journal:
        return journal.callbacks_after(0, ["n"])


async def test_a_callback_is_in_the_journal_when_write_returns(tmp_path: Path) -> None:
    callback = replace(a_callback(0), nonce="n", raw=b'{"a": "\xff"}')

    async with open_callback_writer(tmp_path) as writer:
        number = await writer.write(callback)
        seen = stored_in(tmp_path)

    assert seen == [replace(callback, id=number)]


async def test_concurrent_callbacks_get_their_own_numbers(
    tmp_path: Path,
) -> None:
    numbers: dict[str, int] = {}

    async def write(name: str) -> None:
        callback = replace(a_callback(0), nonce="n", task_id=name)
        numbers[name] = await writer.write(callback)

    async with (
        open_callback_writer(tmp_path) as writer,
        anyio.create_task_group() as group,
    ):
        for name in map(str, range(200)):
            group.start_soon(write, name)

    assert {one.task_id: one.id for one in stored_in(tmp_path)} == numbers
    assert len(set(numbers.values())) == 200


async def test_concurrent_callbacks_share_a_commit(tmp_path: Path) -> None:
    async with open_callback_writer(tmp_path) as writer:
        with Journal.open(tmp_path) as reader:
            reader.data_version()
            await asyncio.gather(*(writer.write(a_callback(0)) for _ in range(20)))
        frames = (tmp_path / "journal.db-wal").stat().st_size // FRAME_BYTES
        await writer.write(a_callback(0))
        more = (tmp_path / "journal.db-wal").stat().st_size // FRAME_BYTES - frames

    assert frames < 20 * more


async def test_a_write_that_fails_raises_in_its_waiter(tmp_path: Path) -> None:
    async with open_callback_writer(tmp_path) as writer:
        with sqlite3.connect(tmp_path / "journal.db") as other:
            other.execute("DROP TABLE callbacks")
        other.close()

        with pytest.raises(JournalError):
            await writer.write(a_callback(0))


async def test_callbacks_that_arrive_while_the_journal_is_locked_are_stored_in_order(
    tmp_path: Path,
) -> None:
    def write(name: str) -> asyncio.Future[int]:
        return writer.write(replace(a_callback(0), nonce="n", task_id=name))

    async with open_callback_writer(tmp_path) as writer:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            first = write("1")
            await anyio.sleep(0.2)  # the loop goes on
            assert not first.done()
            other.rollback()
        second = write("2")
        with anyio.fail_after(10):
            assert [await first, await second] == [1, 2]

        third = write("3")
        await turns(2)
        assert third.done()  # the thread has no deferred writes left

    assert [one.task_id for one in stored_in(tmp_path)] == ["1", "2", "3"]


async def turns(count: int) -> None:
    """Run `count` iterations of the event loop."""
    for _ in range(count):
        await anyio.lowlevel.checkpoint()


async def test_a_callback_whose_waiter_times_out_is_stored_all_the_same(
    tmp_path: Path,
) -> None:
    async with open_callback_writer(tmp_path) as writer:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await writer.write(replace(a_callback(0), nonce="n"))
            other.rollback()

    assert len(stored_in(tmp_path)) == 1


async def test_a_deferred_write_that_fails_raises_in_its_waiter(tmp_path: Path) -> None:
    async with open_callback_writer(tmp_path) as writer:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            impatient, waiting = (
                writer.write(a_callback(0)),
                writer.write(a_callback(0)),
            )
            await anyio.sleep(0.05)
            impatient.cancel()
            other.execute("DROP TABLE callbacks")
            other.commit()

        with anyio.fail_after(10), pytest.raises(JournalError):
            await waiting


async def test_queued_callbacks_are_stored_on_leaving(tmp_path: Path) -> None:
    async with open_callback_writer(tmp_path) as writer:
        other = sqlite3.connect(tmp_path / "journal.db", check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, other.rollback)
        release.start()
        writer.write(replace(a_callback(0), nonce="n"))
    release.join()
    other.close()

    assert len(stored_in(tmp_path)) == 1


async def test_the_write_ahead_log_is_checkpointed(tmp_path: Path) -> None:
    async with open_callback_writer(tmp_path) as writer:
        before = (tmp_path / "journal.db").stat().st_size
        await asyncio.gather(
            *(writer.write(a_callback(0)) for _ in range(CHECKPOINT_AFTER))
        )

        with anyio.move_on_after(10):
            while (tmp_path / "journal.db").stat().st_size == before:  # noqa: ASYNC110 -- a file has no event
                await anyio.sleep(0.01)
        after = (tmp_path / "journal.db").stat().st_size

    assert after > before


async def test_a_folder_that_is_a_file_fails_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(JournalError):
        async with open_callback_writer(tmp_path / "state"):
            pytest.fail("there is no journal")


async def test_without_history_callbacks_are_only_numbered() -> None:
    writer = NullWriter()

    assert [await writer.write(a_callback(0)) for _ in range(2)] == [1, 2]
