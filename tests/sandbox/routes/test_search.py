"""`POST /tasks`. Source: API reference, sections 2.5 and 8."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import LEGACY, TASK_S, SandboxClient

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox(slots=99)]


async def found(client: SandboxClient, **body: Any) -> dict[str, Any]:
    answer = await client.http.post("/tasks", json=body)
    assert answer.json()["code"] == 0, answer.text
    return dict(answer.json()["data"])


def ids(page: dict[str, Any]) -> list[str]:
    return [task["id"] for task in page["result"]]


async def test_nothing_found_is_an_empty_page(client: SandboxClient) -> None:
    assert await found(client) == {"result": [], "count": 0, "has_more": False}


async def test_tasks_of_both_generations_come_newest_first(
    client: SandboxClient,
) -> None:
    made = [
        await client.ordered(),
        await client.ordered(LEGACY),
        await client.ordered(),
    ]

    page = await found(client)

    assert ids(page) == made[::-1]
    assert (page["count"], page["has_more"]) == (3, False)


async def test_a_cursor_leads_through_all_pages_although_tasks_are_added(
    client: SandboxClient,
) -> None:
    made = [await client.ordered() for _ in range(5)]

    seen, page = [], await found(client, limit=2)
    while True:
        seen += ids(page)
        await client.ordered()
        if not page["has_more"]:
            break
        page = await found(client, limit=2, cursor=page["next_cursor"])

    assert seen == made[::-1]


async def test_with_a_cursor_the_window_is_ignored(client: SandboxClient) -> None:
    made = [await client.ordered() for _ in range(3)]
    first = await found(client, limit=1)

    page = await found(client, cursor=first["next_cursor"], start_time=1, end_time=2)

    assert ids(page) == made[1::-1]


@pytest.mark.parametrize("as_sent", [int, str], ids=["number", "text"])
async def test_the_window_is_of_the_creation(
    as_sent: type, client: SandboxClient
) -> None:
    early = await client.ordered()
    await client.advance(3600)
    late = await client.ordered()
    border = (await client.task(late))["create_time"]

    before = await found(client, end_time=as_sent(border - 1))
    both = await found(client, end_time=as_sent(border))
    since = await found(client, start_time=as_sent(border))

    assert ids(before) == [early]
    assert ids(both) == [late, early]
    assert ids(since) == [late]


async def test_without_a_window_it_is_the_last_30_days(client: SandboxClient) -> None:
    await client.ordered()
    await client.advance(31 * 86_400)
    late = await client.ordered()

    assert ids(await found(client)) == [late]


async def test_filters_are_joined_by_and_their_values_by_or(
    client: SandboxClient,
) -> None:
    done, failed, fresh = [await client.ordered() for _ in range(3)]
    await client.control(f"tasks/{failed}", {"status": "failed"})
    await client.control(f"tasks/{done}", {"status": "succeeded"})

    by_status = {"key": "status", "values": ["succeeded", "failed"]}
    video = {"key": "product_type", "values": ["video"]}
    image = {"key": "product_type", "values": ["image", "try_on"]}

    assert ids(await found(client, filters=[by_status, video])) == [failed, done]
    assert ids(await found(client, filters=[by_status, image])) == []
    assert ids(await found(client, filters=[video])) == [fresh, failed, done]


async def test_a_status_is_that_of_now(client: SandboxClient) -> None:
    task_id = await client.ordered()
    await client.advance(TASK_S)

    running = {"key": "status", "values": ["submitted", "processing"]}
    over = {"key": "status", "values": ["succeeded"]}

    assert ids(await found(client, filters=[running])) == []
    assert ids(await found(client, filters=[over])) == [task_id]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"start_time": 2, "end_time": 1}, "start_time"),
        ({"start_time": "soon"}, "start_time"),
        ({"end_time": -1}, "end_time"),
        ({"cursor": "junk"}, "cursor"),
        ({"cursor": 7}, "cursor"),
        ({"cursor": "bnVsbA"}, "cursor"),
        ({"filters": "all"}, "filters"),
        ({"filters": [{"key": "colour", "values": ["red"]}]}, "filters.key"),
        ({"filters": ["status"]}, "filters.key"),
        ({"filters": [{"key": "status", "values": ["succeed"]}]}, "filters.values"),
        ({"filters": [{"key": "status", "values": []}]}, "filters.values"),
        ({"filters": [{"key": "status", "values": [{}]}]}, "filters.values"),
    ],
)
async def test_what_cannot_be_searched_is_refused_by_name(
    body: dict[str, Any], name: str, client: SandboxClient
) -> None:
    answer = await client.http.post("/tasks", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert answer.json()["message"].startswith(f"{name} value")


async def test_a_search_without_an_object_is_refused(client: SandboxClient) -> None:
    answer = await client.http.post("/tasks", json=[])

    assert (answer.status_code, answer.json()["code"]) == (400, 1200)
