"""Callbacks. Source: API reference, sections 4 and 8."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.sandbox.client import (
    LEGACY,
    TASK_S,
    TURBO,
    ReceivedCallback,
    SandboxClient,
    open_client,
    open_receiver,
)

pytestmark = pytest.mark.anyio

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER_SECRET = "whsec_b3RoZXJzZWNyZXRvdGhlcnNlY3JldG90aGVyc2U="


def with_callback_url(path: str, url: str) -> dict[str, Any]:
    place: dict[str, Any] = {"callback_url": url}
    return place if path == LEGACY else {"options": place}


def statuses(callbacks: list[ReceivedCallback]) -> list[str]:
    return [callback.status for callback in callbacks]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (TURBO, ["submitted", "processing", "succeeded"]),
        (LEGACY, ["submitted", "processing", "succeed"]),
    ],
)
async def test_each_change_is_told_in_order_as_a_flat_body(
    path: str, words: list[str], client: SandboxClient
) -> None:
    async with open_receiver() as receiver:
        task_id = await client.ordered(path, **with_callback_url(path, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(3)

    assert statuses(callbacks) == words
    assert {callback.path for callback in callbacks} == {"/callback/secret"}
    assert {k.headers["content-type"] for k in callbacks} == {
        "application/json; charset=utf-8"
    }
    assert {
        callback.body.get("id") or callback.body["task_id"] for callback in callbacks
    } == {task_id}


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_the_last_body_is_what_the_query_says(
    path: str, client: SandboxClient
) -> None:
    async with open_receiver() as receiver:
        task_id = await client.ordered(path, **with_callback_url(path, receiver.url))
        await client.advance(TASK_S)
        *_, last = await receiver.wait_for(3)

    if path == TURBO:
        assert last.body == await client.task(task_id)
    else:
        single = (await client.http.get(f"{LEGACY}/{task_id}")).json()["data"]
        del single["watermark_info"]
        assert last.body == single


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_an_odd_task_is_told_in_its_odd_words(
    path: str, client: SandboxClient
) -> None:
    async with open_receiver() as receiver:
        await client.fail("task:odd-words")
        await client.ordered(path, **with_callback_url(path, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(3)

    last = "SUCCEED" if path == LEGACY else "SUCCEEDED"
    assert statuses(callbacks) == ["SUBMITTED", "rendering", last]


async def test_each_body_is_as_of_its_change(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S * 10)
        bodies = [callback.body for callback in await receiver.wait_for(3)]

    start = bodies[0]["create_time"]
    assert [body["update_time"] - start for body in bodies] == [0, 20_000, 100_000]
    assert [len(body["outputs"]) for body in bodies] == [0, 0, 1]


async def test_without_a_secret_nothing_is_signed(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        (callback,) = await receiver.wait_for(1)

    assert not [name for name in callback.headers if name.startswith("webhook-")]


async def test_with_secrets_each_of_them_signs() -> None:
    async with (
        open_client(webhook_secrets=(SECRET, OTHER_SECRET)) as client,
        open_receiver() as receiver,
    ):
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(3)

    for callback in callbacks:
        for secret in (SECRET, OTHER_SECRET):
            Webhook(secret).verify(callback.raw, dict(callback.headers))
    assert len({callback.headers["webhook-id"] for callback in callbacks}) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        b"junk\r\n\r\n",
    ],
    ids=["500", "302", "junk"],
)
async def test_a_door_that_fails_hears_of_the_next_change_all_the_same(
    answer: bytes, client: SandboxClient
) -> None:
    async with open_receiver(answer) as receiver:
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(3)

    assert statuses(callbacks) == ["submitted", "processing", "succeeded"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/nobody",
        "gopher://127.0.0.1/",
        "nonsense",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1\x00/",
    ],
)
async def test_a_callback_url_that_is_none_disturbs_nothing(
    url: str, client: SandboxClient
) -> None:
    task_id = await client.ordered(**with_callback_url(TURBO, url))
    await client.advance(TASK_S)

    state = await client.state()
    while len(state["callbacks"]) < 3:
        state = await client.state()

    assert [one["answer"] for one in state["callbacks"]] == [None] * 3
    assert all(one["error"] for one in state["callbacks"])
    assert (await client.task(task_id))["status"] == "succeeded"


async def test_what_was_sent_and_answered_can_be_looked_up(
    client: SandboxClient,
) -> None:
    async with open_receiver() as receiver:
        task_id = await client.ordered(**with_callback_url(TURBO, receiver.url))
        await receiver.wait_for(1)
        state = await client.state()
        while not state["callbacks"]:
            state = await client.state()

    assert state["callbacks"] == [
        {
            "url": receiver.url,
            "status": "submitted",
            "task_id": task_id,
            "answer": 200,
            "error": None,
        }
    ]


async def test_repeated_callbacks_are_equal_to_the_byte() -> None:
    async with (
        open_client(webhook_secrets=(SECRET,)) as client,
        open_receiver() as receiver,
    ):
        await client.fail("callback:repeat")
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(9)

    words = ["submitted", "processing", "succeeded"]
    assert statuses(callbacks) == [word for word in words for _ in range(3)]
    assert (
        len({(callback.raw, callback.headers["webhook-id"]) for callback in callbacks})
        == 3
    )


async def test_shuffled_callbacks_begin_with_the_end(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        await client.fail("callback:shuffle")
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(3)

    assert statuses(callbacks) == ["succeeded", "submitted", "processing"]


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_a_forged_callback_claims_success_and_is_signed_wrongly(
    path: str,
) -> None:
    async with (
        open_client(webhook_secrets=(SECRET,)) as client,
        open_receiver() as receiver,
    ):
        await client.fail("callback:forged")
        task_id = await client.ordered(path, **with_callback_url(path, receiver.url))
        forged, real = await receiver.wait_for(2)
        truth = (await client.task(task_id))["status"]

    assert forged.status == ("succeed" if path == LEGACY else "succeeded")
    assert b"http://localhost:" in forged.raw
    assert (real.status, truth) == ("submitted", "submitted")
    Webhook(SECRET).verify(real.raw, dict(real.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(forged.raw, dict(forged.headers))


async def test_a_visit_to_a_forged_link_is_seen(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        await client.fail("callback:forged")
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        forged, _ = await receiver.wait_for(2)
        answer = await client.fetch(forged.body["outputs"][0]["url"])

    (visit,) = [
        one
        for one in (await client.state())["requests"]
        if one["path"].startswith("/forged/")
    ]
    assert answer.status_code == visit["status"] == 404


async def test_late_callbacks_come_as_late_again_as_the_task_took(
    client: SandboxClient,
) -> None:
    async with open_receiver() as receiver:
        await client.fail("callback:late")
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S - 1)
        so_far = list(receiver.callbacks)
        await client.advance(TASK_S + 1)
        callbacks = await receiver.wait_for(3)

    assert so_far == []
    assert statuses(callbacks) == ["submitted", "processing", "succeeded"]


async def test_where_callbacks_are_lost_nobody_knocks(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        await client.fail("callback:none")
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        await client.advance(TASK_S)
        callbacks = await receiver.wait_for(3)

    assert len({callback.body["id"] for callback in callbacks}) == 1


async def test_a_task_without_a_callback_url_uses_up_no_fault(
    client: SandboxClient,
) -> None:
    async with open_receiver() as receiver:
        await client.fail("callback:repeat")
        await client.ordered()
        await client.ordered(**with_callback_url(TURBO, receiver.url))
        callbacks = await receiver.wait_for(3)

    assert statuses(callbacks) == ["submitted"] * 3


async def test_a_task_ended_by_hand_is_told_at_once(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        task_id = await client.ordered(**with_callback_url(TURBO, receiver.url))
        await receiver.wait_for(1)
        await client.control(f"tasks/{task_id}", {"status": "failed", "message": "no"})
        callbacks = await receiver.wait_for(2)

    assert statuses(callbacks) == ["submitted", "failed"]
    assert callbacks[1].body["message"] == "no"


@pytest.mark.sandbox(task_seconds=0.2)
async def test_a_slow_create_call_is_overtaken_by_its_callbacks(
    client: SandboxClient,
) -> None:
    async with open_receiver() as receiver:
        await client.fail("create:slow")
        answer = await client.create(**with_callback_url(TURBO, receiver.url))
        before_the_answer = statuses(list(receiver.callbacks))

    assert before_the_answer == ["submitted", "processing", "succeeded"]
    assert answer.json()["data"]["status"] == "submitted"


async def test_a_slow_create_call_without_a_callback_url_is_answered(
    client: SandboxClient,
) -> None:
    await client.fail("create:slow")

    assert (await client.create()).json()["code"] == 0
