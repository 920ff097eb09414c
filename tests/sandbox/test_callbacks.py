"""Callbacks. Source: API reference, sections 4 and 8."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.sandbox.desk import LEGACY, TASK_S, TURBO, Desk, Knock, open_desk, open_door

pytestmark = pytest.mark.anyio

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER_SECRET = "whsec_b3RoZXJzZWNyZXRvdGhlcnNlY3JldG90aGVyc2U="


def with_door(path: str, url: str) -> dict[str, Any]:
    place: dict[str, Any] = {"callback_url": url}
    return place if path == LEGACY else {"options": place}


def statuses(knocks: list[Knock]) -> list[str]:
    return [knock.status for knock in knocks]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (TURBO, ["submitted", "processing", "succeeded"]),
        (LEGACY, ["submitted", "processing", "succeed"]),
    ],
)
async def test_each_change_is_told_in_order_as_a_flat_body(
    path: str, words: list[str], desk: Desk
) -> None:
    async with open_door() as door:
        task_id = await desk.ordered(path, **with_door(path, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(3)

    assert statuses(knocks) == words
    assert {knock.path for knock in knocks} == {"/callback/secret"}
    assert {k.headers["content-type"] for k in knocks} == {
        "application/json; charset=utf-8"
    }
    assert {knock.body.get("id") or knock.body["task_id"] for knock in knocks} == {
        task_id
    }


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_the_last_body_is_what_the_query_says(path: str, desk: Desk) -> None:
    async with open_door() as door:
        task_id = await desk.ordered(path, **with_door(path, door.url))
        await desk.advance(TASK_S)
        *_, last = await door.wait_for(3)

    if path == TURBO:
        assert last.body == await desk.task(task_id)
    else:
        single = (await desk.http.get(f"{LEGACY}/{task_id}")).json()["data"]
        del single["watermark_info"]
        assert last.body == single


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_an_odd_task_is_told_in_its_odd_words(path: str, desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("task:odd-words")
        await desk.ordered(path, **with_door(path, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(3)

    last = "SUCCEED" if path == LEGACY else "SUCCEEDED"
    assert statuses(knocks) == ["SUBMITTED", "rendering", last]


async def test_each_body_is_as_of_its_change(desk: Desk) -> None:
    async with open_door() as door:
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S * 10)
        bodies = [knock.body for knock in await door.wait_for(3)]

    start = bodies[0]["create_time"]
    assert [body["update_time"] - start for body in bodies] == [0, 20_000, 100_000]
    assert [len(body["outputs"]) for body in bodies] == [0, 0, 1]


async def test_without_a_secret_nothing_is_signed(desk: Desk) -> None:
    async with open_door() as door:
        await desk.ordered(**with_door(TURBO, door.url))
        (knock,) = await door.wait_for(1)

    assert not [name for name in knock.headers if name.startswith("webhook-")]


async def test_with_secrets_each_of_them_signs() -> None:
    async with (
        open_desk(webhook_secrets=(SECRET, OTHER_SECRET)) as desk,
        open_door() as door,
    ):
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(3)

    for knock in knocks:
        for secret in (SECRET, OTHER_SECRET):
            Webhook(secret).verify(knock.raw, dict(knock.headers))
    assert len({knock.headers["webhook-id"] for knock in knocks}) == 3


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
    answer: bytes, desk: Desk
) -> None:
    async with open_door(answer) as door:
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(3)

    assert statuses(knocks) == ["submitted", "processing", "succeeded"]


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
async def test_a_door_that_is_none_disturbs_nobody(url: str, desk: Desk) -> None:
    task_id = await desk.ordered(**with_door(TURBO, url))
    await desk.advance(TASK_S)

    state = await desk.state()
    while len(state["callbacks"]) < 3:
        state = await desk.state()

    assert [one["answer"] for one in state["callbacks"]] == [None] * 3
    assert all(one["error"] for one in state["callbacks"])
    assert (await desk.task(task_id))["status"] == "succeeded"


async def test_what_was_sent_and_answered_can_be_looked_up(desk: Desk) -> None:
    async with open_door() as door:
        task_id = await desk.ordered(**with_door(TURBO, door.url))
        await door.wait_for(1)
        state = await desk.state()
        while not state["callbacks"]:
            state = await desk.state()

    assert state["callbacks"] == [
        {
            "url": door.url,
            "status": "submitted",
            "task_id": task_id,
            "answer": 200,
            "error": None,
        }
    ]


async def test_repeated_callbacks_are_equal_to_the_byte() -> None:
    async with open_desk(webhook_secrets=(SECRET,)) as desk, open_door() as door:
        await desk.fail("callback:repeat")
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(9)

    words = ["submitted", "processing", "succeeded"]
    assert statuses(knocks) == [word for word in words for _ in range(3)]
    assert len({(knock.raw, knock.headers["webhook-id"]) for knock in knocks}) == 3


async def test_shuffled_callbacks_begin_with_the_end(desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("callback:shuffle")
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(3)

    assert statuses(knocks) == ["succeeded", "submitted", "processing"]


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_a_forged_callback_claims_success_and_is_signed_wrongly(
    path: str,
) -> None:
    async with open_desk(webhook_secrets=(SECRET,)) as desk, open_door() as door:
        await desk.fail("callback:forged")
        task_id = await desk.ordered(path, **with_door(path, door.url))
        forged, real = await door.wait_for(2)
        truth = (await desk.task(task_id))["status"]

    assert forged.status == ("succeed" if path == LEGACY else "succeeded")
    assert b"http://localhost:" in forged.raw
    assert (real.status, truth) == ("submitted", "submitted")
    Webhook(SECRET).verify(real.raw, dict(real.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(forged.raw, dict(forged.headers))


async def test_a_visit_to_a_forged_link_is_seen(desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("callback:forged")
        await desk.ordered(**with_door(TURBO, door.url))
        forged, _ = await door.wait_for(2)
        answer = await desk.fetch(forged.body["outputs"][0]["url"])

    (visit,) = [
        one
        for one in (await desk.state())["requests"]
        if one["path"].startswith("/forged/")
    ]
    assert answer.status_code == visit["status"] == 404


async def test_late_callbacks_come_as_late_again_as_the_task_took(desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("callback:late")
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S - 1)
        so_far = list(door.knocks)
        await desk.advance(TASK_S + 1)
        knocks = await door.wait_for(3)

    assert so_far == []
    assert statuses(knocks) == ["submitted", "processing", "succeeded"]


async def test_where_callbacks_are_lost_nobody_knocks(desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("callback:none")
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.ordered(**with_door(TURBO, door.url))
        await desk.advance(TASK_S)
        knocks = await door.wait_for(3)

    assert len({knock.body["id"] for knock in knocks}) == 1


async def test_a_task_without_a_door_uses_up_no_fault(desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("callback:repeat")
        await desk.ordered()
        await desk.ordered(**with_door(TURBO, door.url))
        knocks = await door.wait_for(3)

    assert statuses(knocks) == ["submitted"] * 3


async def test_a_task_ended_by_hand_is_told_at_once(desk: Desk) -> None:
    async with open_door() as door:
        task_id = await desk.ordered(**with_door(TURBO, door.url))
        await door.wait_for(1)
        await desk.control(f"tasks/{task_id}", {"status": "failed", "message": "no"})
        knocks = await door.wait_for(2)

    assert statuses(knocks) == ["submitted", "failed"]
    assert knocks[1].body["message"] == "no"


@pytest.mark.sandbox(task_seconds=0.2)
async def test_a_slow_create_call_is_overtaken_by_its_callbacks(desk: Desk) -> None:
    async with open_door() as door:
        await desk.fail("create:slow")
        answer = await desk.create(**with_door(TURBO, door.url))
        before_the_answer = statuses(list(door.knocks))

    assert before_the_answer == ["submitted", "processing", "succeeded"]
    assert answer.json()["data"]["status"] == "submitted"


async def test_a_slow_create_call_without_a_door_is_answered(desk: Desk) -> None:
    await desk.fail("create:slow")

    assert (await desk.create()).json()["code"] == 0
