from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kling_cli.callbacks.signatures import verify
from kling_cli.clock import SystemClock
from kling_cli.errors import UsageError
from kling_cli.listener.events import Forwarded
from kling_cli.listener.forwarding.delivery import Delivery, ForwardingPolicy
from kling_cli.listener.forwarding.targets import Target
from kling_cli.listener.history.replay import (
    find_callback,
    plan_replays,
    select_callbacks,
    send_replays,
    undelivered_error,
    with_changes,
)
from kling_cli.secret import Secret
from kling_cli.store.journal import Journal
from kling_cli.store.records import CallbackFilter, StoredForward
from tests.listener.stored_callbacks import NOON, a_callback
from tests.support.wire_server import says, wire_server

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
HERE, THERE = "http://localhost:1/", "http://localhost:2/"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        opened.add_callbacks(
            [a_callback(), a_callback(trust="signed"), a_callback(task_id="t2")]
        )
        yield opened


def a_forward(number: int, url: str, status: int) -> StoredForward:
    return StoredForward(
        callback_id=number, sent_at=NOON, url=url, status=status, duration_s=0.1
    )


def test_callbacks_are_selected_by_number_by_last_and_by_filter(
    journal: Journal,
) -> None:
    assert [
        callback.id for callback in select_callbacks(journal, ["last", "1"], None)
    ] == [
        1,
        3,
    ]
    assert [
        callback.id
        for callback in select_callbacks(journal, [], CallbackFilter(task_id="t2"))
    ] == [3]


@pytest.mark.parametrize("which", ["0", "-1", "x", "\u0661", "9" * 30, ""])
def test_an_invalid_number_is_a_usage_error(journal: Journal, which: str) -> None:
    with pytest.raises(UsageError):
        find_callback(journal, which)


def test_there_is_no_last_callback_in_an_empty_journal(tmp_path: Path) -> None:
    with (
        Journal.open(tmp_path) as empty,
        pytest.raises(UsageError, match="no callback is kept yet"),
    ):
        find_callback(empty, "last")


def test_replays_go_to_previous_targets_or_to_those_that_failed(
    journal: Journal,
) -> None:
    journal.add_forwards(
        [a_forward(1, HERE, 500), a_forward(1, THERE, 500), a_forward(1, HERE, 200)]
    )
    callbacks = select_callbacks(journal, ["1"], None)

    everywhere = plan_replays(journal, callbacks, to=[], is_failed=False)
    failed = plan_replays(journal, callbacks, to=[], is_failed=True)
    named = plan_replays(
        journal, callbacks, to=[Target(url="http://a/")], is_failed=True
    )

    assert [each.target.url for each in everywhere] == [HERE, THERE]
    assert [each.target.url for each in failed] == [THERE]
    assert [each.target.url for each in named] == ["http://a/"]


def test_only_signed_callbacks_are_signed_anew(journal: Journal) -> None:
    callbacks = select_callbacks(journal, ["1", "2"], None)

    found = plan_replays(
        journal,
        callbacks,
        to=[Target(url=HERE)],
        is_failed=False,
        secrets=(SECRET,),
    )

    assert [each.secrets for each in found] == [(), (SECRET,)]


@pytest.mark.anyio
async def test_replays_are_signed_marked_and_recorded() -> None:
    emitted: list[Forwarded] = []
    forwards: list[StoredForward] = []
    callback = a_callback(5)

    async with wire_server(says(200, b""), says(500, b"no")) as app:
        delivery = Delivery(
            callback=callback,
            target=Target(url=app.base_url),
            is_replay=True,
            secrets=(SECRET,),
        )
        events = await send_replays(
            [delivery],
            ForwardingPolicy(),
            times=2,
            clock=SystemClock(),
            emit=emitted.append,
            record=forwards.append,
        )

    for seen in app.seen:
        now = SystemClock().now()
        assert verify(seen.body, seen.headers, [SECRET], now)
        assert seen.headers["kling-replay"] == "5"
    assert [event.status for event in events] == [200, 500]
    assert emitted == events
    assert [(each.status, each.is_replay) for each in forwards] == [
        (200, True),
        (500, True),
    ]
    error = undelivered_error(events)
    assert error is not None
    assert error.http == 500
    assert "1 of 2 deliveries failed; the first, callback 5" in error.message
    assert undelivered_error(events[:1]) is None


SIGNED = (("webhook-signature", "v1,x"), ("content-type", "application/json"))


def test_without_changes_the_callback_is_unchanged() -> None:
    callback = a_callback(raw=b"\xff", headers=SIGNED)

    assert with_changes(callback, {}) is callback


def test_values_change_by_dotted_key_and_the_signature_is_dropped() -> None:
    callback = a_callback(
        raw=b'{"a": {"b": [1, {"c": 2}]}, "x": "\xc3\xa9"}', headers=SIGNED
    )

    changed = with_changes(
        callback, {"a.b.1.c": 3, "a.b.0": None, "new.one": "y", "x": 1}
    )

    assert json.loads(changed.raw) == {
        "a": {"b": [None, {"c": 3}]},
        "x": 1,
        "new": {"one": "y"},
    }
    assert changed.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize("key", ["a.b.9", "a.b.x", "a.b.9.c", "x.y", "x.y.z"])
def test_a_missing_field_is_a_usage_error(key: str) -> None:
    callback = a_callback(raw=b'{"a": {"b": [1]}, "x": "text"}')

    with pytest.raises(UsageError, match="no such place"):
        with_changes(callback, {key: 1})


@pytest.mark.parametrize("raw", [b"[]", b"\xff", b"[" * 100_000], ids=len)
def test_a_body_that_is_not_an_object_is_a_usage_error(raw: bytes) -> None:
    with pytest.raises(UsageError, match="no JSON object"):
        with_changes(a_callback(raw=raw), {"a": 1})
