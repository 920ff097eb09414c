from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kling_cli.store.database import FILE_NAME, SCHEMA_VERSION
from kling_cli.store.journal import PAGE_SIZE, Journal
from kling_cli.store.records import (
    CallbackFilter,
    StoredCallback,
    StoredForward,
    last_by_url,
)

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
HERE = "http://localhost:3000/callback"
THERE = "http://localhost:4000/callback"


def a_callback(**columns: Any) -> StoredCallback:
    chosen: dict[str, Any] = {
        "id": 0,
        "received_at": NOON,
        "product": "text2video",
        "nonce": None,
        "task_id": "t1",
        "external_id": None,
        "status": "succeeded",
        "trust": "token",
        "headers": (("a", "b"),),
        "raw": b"\x00\xff{}",
        **columns,
    }
    return StoredCallback(**chosen)


def a_forward(number: int, status: int | None, url: str = HERE) -> StoredForward:
    return StoredForward(
        callback_id=number, sent_at=NOON, url=url, status=status, duration_s=0.25
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


def test_a_callback_is_read_as_it_was_stored(journal: Journal) -> None:
    number = journal.add_callback(a_callback())

    assert journal.find_callback(number) == a_callback(id=number)
    assert journal.find_callback(number + 1) is None


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        pytest.param(CallbackFilter(), [1, 2, 3, 4], id="all, oldest first"),
        pytest.param(CallbackFilter(task_id="t2"), [2], id="task"),
        pytest.param(CallbackFilter(task_id="mine"), [3], id="external id"),
        pytest.param(CallbackFilter(product="image2video"), [3], id="product"),
        pytest.param(CallbackFilter(status="failed"), [4], id="status"),
        pytest.param(CallbackFilter(trust="mock"), [2], id="trust"),
        pytest.param(
            CallbackFilter(since=NOON + timedelta(hours=2)), [3, 4], id="since"
        ),
        pytest.param(
            CallbackFilter(until=NOON + timedelta(hours=2)), [1, 2], id="until"
        ),
        pytest.param(CallbackFilter(after=3), [4], id="after"),
    ],
)
def test_a_filter_selects_callbacks(
    journal: Journal, wanted: CallbackFilter, numbers: list[int]
) -> None:
    journal.add_callbacks(
        [
            a_callback(),
            a_callback(task_id="t2", trust="mock", received_at=_hours(1)),
            a_callback(
                external_id="mine", product="image2video", received_at=_hours(2)
            ),
            a_callback(status="failed", received_at=_hours(3)),
        ]
    )

    assert [each.id for each in journal.list_callbacks(wanted)] == numbers


def test_a_limit_selects_the_newest(journal: Journal) -> None:
    journal.add_callbacks([a_callback()] * 5)

    assert [each.id for each in journal.list_callbacks(CallbackFilter(), limit=2)] == [
        4,
        5,
    ]


def test_pages_contain_all_callbacks_in_order(journal: Journal) -> None:
    journal.add_callbacks([a_callback()] * (2 * PAGE_SIZE + 1))

    pages = list(journal.callback_pages(CallbackFilter(after=1)))

    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE]
    numbers = [stored.id for page in pages for stored in page]
    assert numbers == list(range(2, 2 * PAGE_SIZE + 2))


def test_the_last_forward_to_each_url_decides_whether_it_failed(
    journal: Journal,
) -> None:
    journal.add_callbacks([a_callback()] * 5)
    journal.add_forwards(
        [
            a_forward(1, 200),
            a_forward(2, 500),
            a_forward(3, None),
            a_forward(3, 204),
            a_forward(4, 200),
            a_forward(4, 302, THERE),
        ]
    )

    failed = journal.list_callbacks(CallbackFilter(is_failed=True))

    assert [each.id for each in failed] == [2, 4]


def test_forwards_are_read_as_they_were_stored(journal: Journal) -> None:
    journal.add_callback(a_callback())
    first, last = a_forward(1, None), replace(a_forward(1, 200), is_replay=True)
    refused = replace(first, error="connection refused", attempt=4)

    journal.add_forwards([refused, last, a_forward(0, 200)])

    assert journal.forwards_of(1) == [refused, last]
    assert journal.forwards_of(0) == []
    assert last_by_url([refused, last]) == {HERE: last}


def test_deleting_callbacks_deletes_forwards_and_reuses_no_number(
    journal: Journal,
) -> None:
    journal.add_callbacks([a_callback(), a_callback(task_id="t2")])
    journal.add_forwards([a_forward(1, 200), a_forward(2, 200)])

    assert journal.delete_callbacks(CallbackFilter(task_id="t2")) == 1
    assert (len(journal.forwards_of(1)), journal.forwards_of(2)) == (1, [])
    assert journal.delete_callbacks(CallbackFilter()) == 1
    assert journal.add_callback(a_callback()) == 3


def test_a_journal_of_schema_version_1_is_migrated_in_place(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as old:
        old.add_callback(a_callback())
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript("DROP TABLE forwards; PRAGMA user_version = 1;")

    with Journal.open(tmp_path) as opened:
        opened.add_forwards([a_forward(1, 500)])

        assert opened.corrupt_backup is None
        assert [
            each.id for each in opened.list_callbacks(CallbackFilter(is_failed=True))
        ] == [1]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def _hours(number: int) -> datetime:
    return NOON + timedelta(hours=number)
