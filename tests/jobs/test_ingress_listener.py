"""The listener of a run: everything that passes is kept, what is ours is news."""

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
from tests.jobs.disk import full_disk
from tests.jobs.made import SUCCEEDED
from tests.jobs.sessions import Heard, a_session, some_settings
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
    heard: Heard

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

    def kept(self, *nonces: str) -> list[bytes]:
        rows = self.session.journal.callbacks_after(0, nonces)
        return [row.raw for row in rows]


@asynccontextmanager
async def listening(folder: Path, **environ: str) -> AsyncIterator[Listening]:
    heard = Heard()
    async with a_session(some_settings(folder, **environ), heard) as session:
        notifications = Notifications(
            clock=session.clock, nonces={"n1"}, path=PathState.READY
        )
        async with open_listener(session, notifications, KEY) as server:
            yield Listening(server.url, session, notifications, heard)


async def test_a_callback_for_this_run_is_stored_and_posted(tmp_path: Path) -> None:
    async with listening(tmp_path) as door:
        status = await door.call(DONE)

        assert (status, door.kept("n1")) == (200, [DONE])
        [hint] = door.notifications.take()
    assert (hint.nonce, hint.task_id, hint.claimed) == ("n1", "t1", SUCCEEDED)
    assert hint.trust == "token"
    assert door.notifications.path is PathState.PROVEN


async def test_a_callback_for_another_process_is_stored_for_it(tmp_path: Path) -> None:
    async with listening(tmp_path) as door:
        status = await door.call(DONE, nonce="n2")

        assert (status, door.kept("n2"), door.notifications.take()) == (200, [DONE], [])
    assert door.notifications.path is PathState.READY


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
    async with listening(tmp_path) as door:
        answer = await (door.call(raw) if path is None else door.post(path, raw))

        assert (answer, door.notifications.take()) == (status, [])
    assert door.heard.events == []


async def test_callbacks_in_a_content_coding_are_refused_with_one_notice(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path) as door:
        headers = {"Content-Encoding": "gzip"}
        answers = [await door.call(DONE, headers=headers) for _ in range(2)]

        assert (answers, door.notifications.take(), door.kept("n1")) == (
            [415, 415],
            [],
            [],
        )
    [notice] = door.heard.events
    assert isinstance(notice, Notice)
    assert "gzip is not taken" in notice.message


async def test_a_signed_callback_is_trusted_more(tmp_path: Path) -> None:
    async with listening(tmp_path, KLING_WEBHOOK_SECRET=SECRET) as door:
        signed = sign(
            DONE, secrets=[Secret(SECRET)], message_id="m1", sent_at=datetime.now(UTC)
        )
        status = await door.call(DONE, headers=signed)
        [hint] = door.notifications.take()

    assert (status, hint.trust) == (200, "signed")


async def test_callbacks_without_a_signature_are_refused_with_one_notice(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path, KLING_WEBHOOK_SECRET=SECRET) as door:
        answers = [await door.call(DONE), await door.call(DONE)]

        assert (answers, door.notifications.take()) == ([401, 401], [])
    [notice] = door.heard.of(Notice)
    assert "without a valid signature" in notice.message
    assert "KLING_WEBHOOK_SECRET" in (notice.hint or "")


async def test_callbacks_that_cannot_be_stored_are_posted_all_the_same(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path) as door:
        with full_disk():
            answers = [await door.call(DONE), await door.call(DONE)]

        assert (answers, door.kept("n1")) == ([200, 200], [])
        assert len(door.notifications.take()) == 2
    [notice] = door.heard.of(Notice)
    assert "cannot be kept" in notice.message


async def test_a_callback_without_a_status_ends_no_pause(tmp_path: Path) -> None:
    silent = ReceivedCallback(
        received_at=datetime.now(UTC), product="text2video", nonce="n1",
        headers=(), raw=b"", payload=None, trust=Trust.TOKEN,
    )  # fmt: skip

    async with listening(tmp_path) as door:
        _ReceiverObserver(door.session, door.notifications)(
            CallbackAccepted(received=silent)
        )

        assert door.notifications.take() == []
    assert (to_stored_callback(silent).task_id, to_stored_callback(silent).status) == (
        None,
        None,
    )


async def test_the_headers_are_stored_as_received(tmp_path: Path) -> None:
    async with listening(tmp_path) as door:
        await door.call(DONE, headers={"X-Odd": "a b"})
        [row] = door.session.journal.callbacks_after(0, ["n1"])

    assert ("x-odd", "a b") in row.headers
    assert (row.product, row.task_id, row.status) == ("text2video", "t1", "succeeded")
