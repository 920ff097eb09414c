from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from kling_cli.jobs.events import Notice
from kling_cli.listener.forwarding.forwarder import open_delivery_log
from kling_cli.store.journal import Journal
from kling_cli.store.records import StoredForward
from tests.listener.stored_callbacks import NOON, a_callback

pytestmark = pytest.mark.anyio


def a_forward(number: int) -> StoredForward:
    return StoredForward(
        callback_id=number, sent_at=NOON, url="http://a/", status=200, duration_s=0.1
    )


async def test_all_outcomes_are_stored_on_leaving(tmp_path: Path) -> None:
    notices: list[Notice] = []

    async with open_delivery_log(tmp_path, emit=notices.append) as record:
        for number in range(1, 101):
            record(a_forward(number))

    with Journal.open(tmp_path) as journal:
        callback = journal.forwards_by_callback(
            a_callback(number) for number in range(1, 101)
        )
    assert [len(each) for each in callback.values()] == [1] * 100
    assert notices == []


async def test_outcomes_are_stored_while_the_log_is_open(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        async with open_delivery_log(tmp_path, emit=print) as record:
            record(a_forward(1))
            version = journal.data_version()
            while journal.data_version() == version and not journal.forwards_of(1):
                await _a_moment()

            assert journal.forwards_of(1) == [a_forward(1)]


async def test_a_journal_that_cannot_be_written_is_reported_once(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    notices: list[Notice] = []

    async with open_delivery_log(blocked, emit=notices.append) as record:
        record(a_forward(1))
        while not notices:
            await _a_moment()
        record(a_forward(2))

    assert len(notices) == 1
    assert "cannot be used" in notices[0].message


async def _a_moment() -> None:
    await anyio.sleep(0.01)
