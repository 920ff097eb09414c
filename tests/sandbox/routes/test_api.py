"""What can befall creates and queries, and what is remembered of them."""

from __future__ import annotations

import httpx
import pytest

from kling_cli.sandbox.state.traffic_log import KEPT, Exchange, TrafficLog
from tests.sandbox.client import LEGACY, TURBO, SandboxClient, open_client

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("action", "http", "code"),
    [
        ("500", 500, 5000),
        ("503", 503, 5001),
        ("1302", 429, 1302),
        ("1303", 429, 1303),
        ("1101", 429, 1101),
        ("1102", 429, 1102),
        ("1304", 429, 1304),
        ("1300", 400, 1300),
        ("1301", 400, 1301),
        ("1103", 403, 1103),
        ("1201", 400, 1201),
    ],
)
async def test_a_refused_create_call_makes_nothing(
    action: str, http: int, code: int, client: SandboxClient
) -> None:
    await client.fail(f"create:{action}")

    refused, accepted = [await client.create() for _ in range(2)]

    assert (refused.status_code, refused.json()["code"]) == (http, code)
    assert refused.json()["message"]
    assert accepted.json()["code"] == 0
    assert len((await client.state())["tasks"]) == 1


@pytest.mark.parametrize(
    ("action", "http", "code"),
    [("503", 503, 5001), ("5000", 500, 5000), ("5002", 504, 5002)],
)
async def test_an_accepted_create_call_may_be_answered_with_an_error(
    action: str, http: int, code: int, client: SandboxClient
) -> None:
    await client.fail(f"create:accept-{action}")

    answer = await client.create(options={"external_task_id": "e-1"})
    again = await client.create(options={"external_task_id": "e-1"})

    assert (answer.status_code, answer.json()["code"]) == (http, code)
    assert again.json()["code"] == 1201
    assert len((await client.state())["tasks"]) == 1


async def test_a_gateway_may_answer_for_an_accepted_create_call(
    client: SandboxClient,
) -> None:
    await client.fail("create:accept-504")

    answer = await client.create()

    assert answer.status_code == 504
    assert "504 Gateway Time-out" in answer.text
    assert len((await client.state())["tasks"]) == 1


@pytest.mark.parametrize(("action", "tasks"), [("reset", 0), ("accept-reset", 1)])
async def test_a_create_call_is_reset(
    action: str, tasks: int, client: SandboxClient
) -> None:
    await client.fail(f"create:{action}")

    with pytest.raises(httpx.ReadError):
        await client.create()

    assert len((await client.state())["tasks"]) == tasks


@pytest.mark.parametrize(("action", "tasks"), [("hang", 0), ("accept-hang", 1)])
async def test_a_create_call_hangs(
    action: str, tasks: int, client: SandboxClient
) -> None:
    await client.fail(f"create:{action}")

    with pytest.raises(httpx.ReadTimeout):
        await client.http.post(TURBO, json={"prompt": "a boat"}, timeout=0.2)

    state = await client.state()
    assert len(state["tasks"]) == tasks
    assert state["requests"][0] == {
        "method": "POST",
        "path": TURBO,
        "kind": "create",
        "status": None,
        "fault": action,
        "has_authorization": True,
        "is_historic": False,
    }


async def test_a_request_that_is_refused_stays_refused(client: SandboxClient) -> None:
    await client.fail("create:accept-503")

    answer = await client.create(settings={"resolution": "9k"})

    assert answer.json()["code"] == 1201


@pytest.mark.parametrize(
    ("action", "http", "code"),
    [("500", 500, 5000), ("1302", 429, 1302), ("1004", 401, 1004), ("1002", 401, 1002)],
)
@pytest.mark.parametrize("path", ["/tasks?task_ids=1", LEGACY, f"{LEGACY}/1"])
async def test_an_error_befalls_any_query(
    path: str, action: str, http: int, code: int, client: SandboxClient
) -> None:
    await client.fail(f"query:{action}")

    answer = await client.http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (http, code)


async def test_queries_are_answered_with_pages_nothing_and_junk(
    client: SandboxClient,
) -> None:
    await client.fail("query:502html", "query:empty", "query:junk")

    html, empty, junk = [await client.http.get("/tasks?task_ids=1") for _ in range(3)]

    assert (html.status_code, html.headers["content-type"]) == (
        502,
        "text/html; charset=utf-8",
    )
    assert (empty.status_code, empty.content) == (200, b"")
    assert (junk.status_code, junk.json()) == (200, ["junk", {"data": None}])


async def test_a_query_is_reset(client: SandboxClient) -> None:
    await client.fail("query:reset")

    with pytest.raises(httpx.ReadError):
        await client.http.get("/tasks?task_ids=1")


async def test_whoever_is_not_let_in_uses_up_no_fault(client: SandboxClient) -> None:
    await client.fail("query:500")

    anonymous = await client.ask_as(None)
    owner = await client.http.get("/tasks?task_ids=1")

    assert (anonymous.status_code, owner.status_code) == (401, 500)


async def test_the_account_is_spared_the_faults_of_queries(
    client: SandboxClient,
) -> None:
    await client.fail("query:500")

    answer = await client.http.get("/account/costs?start_time=0&end_time=1")

    assert answer.json()["code"] == 0


async def test_requests_are_counted_by_kind(client: SandboxClient) -> None:
    task = await client.finished()
    await client.file_of(task)
    await client.http.get("/nowhere")

    state = await client.state()

    assert state["counts"] == {"create": 1, "query": 1, "download": 1, "other": 1}
    assert [one["kind"] for one in state["requests"]] == [
        "create",
        "query",
        "download",
        "other",
    ]


async def test_links_are_remembered_without_their_signature(
    client: SandboxClient,
) -> None:
    await client.file_of(await client.finished())

    state = await client.state()

    assert not any("Signature" in one["path"] for one in state["requests"])


def test_the_newest_requests_are_kept_and_all_are_counted() -> None:
    told: list[Exchange] = []
    ledger = TrafficLog(told.append)

    for number in range(KEPT + 5):
        ledger.record_exchange(
            Exchange(method="GET", path=f"/{number}", kind="query", status=200)
        )

    document = ledger.document()
    assert document["requests"][0]["path"] == "/5"
    assert document["counts"]["query"] == len(told) == KEPT + 5


async def test_chaos_befalls_requests_until_they_get_through() -> None:
    async with open_client(chaos=0.5) as client:
        good = 0
        for _ in range(40):
            try:
                answer = await client.http.get("/tasks?task_ids=1")
                good += answer.status_code == 200 and b"SUCCEED" in answer.content
            except httpx.TransportError:
                continue
        state = await client.state()

    assert 5 < good < 35
    assert state["counts"]["query"] == 40
