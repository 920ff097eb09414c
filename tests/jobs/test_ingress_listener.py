"""The listener of a run: it stores callbacks, and posts those for the run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from kling_cli.callbacks.events import CallbackAccepted, ReceivedCallback, Trust
from kling_cli.callbacks.signatures import sign
from kling_cli.callbacks.urls import TaskUrl, callback_path
from kling_cli.jobs.events import Notice
from kling_cli.jobs.ingress import _ReceiverObserver, open_listener, to_stored_callback
from kling_cli.jobs.waiting.notifications import Notifications
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.secret import Secret
from tests.jobs.factories import SUCCEEDED
from tests.jobs.full_disk import full_disk
from tests.jobs.ingress_setup import AwaitableEventLog, a_session, some_settings
from tests.support.callback_client import current_payload

pytestmark = pytest.mark.anyio

KEY = b"k" * 32
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
DONE = json.dumps(current_payload("t1", "succeeded")).encode()


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener with its session; `n1` is a job of ours."""

    url: str
    session: Any
    notifications: Notifications
    event_log: AwaitableEventLog

    async def call(
        self, raw: bytes, nonce: str = "n1", headers: dict[str, str] | None = None
    ) -> int:
        path = callback_path(TaskUrl(product="text2video", nonce=nonce), KEY)
        return await self.post(path, raw, headers)

    async def post(
        self, path: str, raw: bytes, headers: dict[str, str] | None = None
    ) -> int:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(self.url + path, content=raw, headers=headers)
        return answer.status_code

    def stored(self, *nonces: str) -> list[bytes]:
        rows = self.session.journal.callbacks_after(0, nonces)
        return [row.raw for row in rows]


@asynccontextmanager
async def listening(folder: Path, **environ: str) -> AsyncIterator[Listening]:
    event_log = AwaitableEventLog()
    async with a_session(some_settings(folder, **environ), event_log) as session:
        notifications = Notifications(
            clock=session.clock, nonces={"n1"}, path=PathState.READY
        )
        async with open_listener(session, notifications, KEY) as server:
            yield Listening(server.url, session, notifications, event_log)


async def test_a_callback_for_this_run_is_stored_and_posted(tmp_path: Path) -> None:
    async with listening(tmp_path) as listener:
        status = await listener.call(DONE)

        assert (status, listener.stored("n1")) == (200, [DONE])
        [notification] = listener.notifications.take()
    assert (notification.nonce, notification.task_id, notification.claimed) == (
        "n1",
        "t1",
        SUCCEEDED,
    )
    assert notification.trust == "token"
    assert listener.notifications.path is PathState.PROVEN


async def test_a_callback_for_another_process_is_stored_for_it(tmp_path: Path) -> None:
    async with listening(tmp_path) as listener:
        status = await listener.call(DONE, nonce="n2")

        assert (status, listener.stored("n2"), listener.notifications.take()) == (
            200,
            [DONE],
            [],
        )
    assert listener.notifications.path is PathState.READY


@pytest.mark.parametrize(
    ("path", "raw", "status"),
    [
        pytest.param("/callback/text2video/n1/wrong", DONE, 404, id="a wrong mac"),
        pytest.param("/", DONE, 404, id="another path"),
        pytest.param(None, b"[[[[", 400, id="no JSON"),
    ],
)
async def test_a_refused_callback_is_neither_posted_nor_reported(
    tmp_path: Path, path: str | None, raw: bytes, status: int
) -> None:
    async with listening(tmp_path) as listener:
        answer = await (
            listener.call(raw) if path is None else listener.post(path, raw)
        )

        assert (answer, listener.notifications.take()) == (status, [])
    assert listener.event_log.events == []


async def test_callbacks_in_a_content_coding_are_refused_with_one_notice(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path) as listener:
        headers = {"Content-Encoding": "gzip"}
        answers = [await listener.call(DONE, headers=headers) for _ in range(2)]

        assert (answers, listener.notifications.take(), listener.stored("n1")) == (
            [415, 415],
            [],
            [],
        )
    [notice] = listener.event_log.events
    assert isinstance(notice, Notice)
    assert "gzip is not taken" in notice.message


async def test_a_signed_callback_is_trusted_more(tmp_path: Path) -> None:
    async with listening(tmp_path, KLING_WEBHOOK_SECRET=SECRET) as listener:
        signed = sign(
            DONE, secrets=[Secret(SECRET)], message_id="m1", sent_at=datetime.now(UTC)
        )
        status = await listener.call(DONE, headers=signed)
        [notification] = listener.notifications.take()

    assert (status, notification.trust) == (200, "signed")


async def test_callbacks_without_a_signature_are_refused_with_one_notice(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path, KLING_WEBHOOK_SECRET=SECRET) as listener:
        answers = [await listener.call(DONE), await listener.call(DONE)]

        assert (answers, listener.notifications.take()) == ([401, 401], [])
    [notice] = listener.event_log.of(Notice)
    assert "without a valid signature" in notice.message
    assert "KLING_WEBHOOK_SECRET" in (notice.hint or "")


async def test_callbacks_that_cannot_be_stored_are_posted_all_the_same(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path) as listener:
        with full_disk():
            answers = [await listener.call(DONE), await listener.call(DONE)]

        assert (answers, listener.stored("n1")) == ([200, 200], [])
        assert len(listener.notifications.take()) == 2
    [notice] = listener.event_log.of(Notice)
    assert "cannot be kept" in notice.message


async def test_a_callback_without_a_status_ends_no_pause(tmp_path: Path) -> None:
    silent = ReceivedCallback(
        received_at=datetime.now(UTC), product="text2video", nonce="n1",
        headers=(), raw=b"", payload=None, trust=Trust.TOKEN,
    )  # fmt: skip

    async with listening(tmp_path) as listener:
        _ReceiverObserver(listener.session, listener.notifications)(
            CallbackAccepted(received=silent)
        )

        assert listener.notifications.take() == []
    assert (to_stored_callback(silent).task_id, to_stored_callback(silent).status) == (
        None,
        None,
    )


async def test_the_headers_are_stored_as_received(tmp_path: Path) -> None:
    async with listening(tmp_path) as listener:
        await listener.call(DONE, headers={"X-Odd": "a b"})
        [row] = listener.session.journal.callbacks_after(0, ["n1"])

    assert ("x-odd", "a b") in row.headers
    assert (row.product, row.task_id, row.status) == ("text2video", "t1", "succeeded")
