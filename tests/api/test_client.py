"""Every way a request can end, over real sockets."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import ApiKey, Credentials, KeyPair
from kling_cli.api.exchange import MAX_ANSWER_BYTES, read_answer
from kling_cli.api.http import httpx, new_http
from kling_cli.api.task import TaskStatus
from kling_cli.clock import SystemClock
from kling_cli.errors import (
    AccountError,
    AmbiguousError,
    ContentRefusedError,
    CredentialsError,
    KlingError,
    NoSlotError,
    RateLimitError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from kling_cli.secret import Secret
from tests.support import wire_server as wire
from tests.support.wire_server import Reply, WireServer, envelope, page, says

pytestmark = pytest.mark.anyio

KEY = "sk-test-0123456789abcdef"
ACCEPTED = {"id": "t1", "status": "submitted", "create_time": 1793000000000}
FINISHED = {"id": "t1", "status": "succeeded", "external_id": "e1"}
PATH = "/text-to-video/kling-3.0"
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def talking(
    *replies: Reply,
    credentials: Credentials | None = None,
    patience_s: float = 20.0,
    timeout_s: float = 20.0,
) -> AsyncIterator[tuple[KlingClient, WireServer]]:
    async with (
        wire.wire_server(*replies) as server,
        new_http(server.base_url, timeout_s=timeout_s) as http,
    ):
        signed = credentials or ApiKey(Secret(KEY))
        yield KlingClient(http, signed, SystemClock(), patience_s=patience_s), server


async def test_an_accepted_job_is_a_task() -> None:
    async with talking(envelope(ACCEPTED)) as (client, server):
        task = await client.create(PATH, {"prompt": "Ein Boot"})

    assert (task.id, task.status, task.request_id) == (
        "t1",
        TaskStatus.SUBMITTED,
        "r-1",
    )
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.json) == ("POST", PATH, {"prompt": "Ein Boot"})
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"].startswith("kling-cli/")
    assert client.request_counts.create == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("9.300", 9.3), ("0", None), ("-1", None), ("inf", None), ("9" * 40, None)],
)
def test_a_sandbox_says_how_long_a_task_will_take(
    header: str, seconds: float | None
) -> None:
    response = httpx.Response(200, headers={"Kling-Sandbox-Task-Seconds": header})

    assert read_answer(response, b"{}").task_s == seconds
    assert read_answer(httpx.Response(200), b"{}").task_s is None


@pytest.mark.parametrize(
    ("http", "code", "error"),
    [
        (401, 1000, CredentialsError),
        (401, 1001, CredentialsError),
        (401, 1002, CredentialsError),
        (401, 1003, CredentialsError),
        (401, 1004, CredentialsError),
        (403, 1103, CredentialsError),
        (429, 1100, AccountError),
        (429, 1101, AccountError),
        (429, 1102, AccountError),
        (429, 1304, AccountError),
        (400, 1200, RefusedError),
        (400, 1201, RefusedError),
        (404, 1202, RefusedError),
        (404, 1203, RefusedError),
        (400, 1300, ContentRefusedError),
        (400, 1301, ContentRefusedError),
        (429, 1302, RateLimitError),
        (429, 1303, NoSlotError),
        (200, 1201, RefusedError),
        (502, 1303, NoSlotError),
        (500, 5000, AmbiguousError),
        (503, 5001, AmbiguousError),
        (504, 5002, AmbiguousError),
        (200, 5000, AmbiguousError),
        (200, 5077, AmbiguousError),
        (500, 7777, AmbiguousError),
        (400, 1299, RefusedError),
        (400, 7777, RefusedError),
        (403, 7777, CredentialsError),
        (429, 7777, RateLimitError),
    ],
)
async def test_a_create_that_was_refused_says_why(
    http: int, code: int, error: type[KlingError]
) -> None:
    async with talking(envelope(code=code, http=http, message="so so")) as (client, _):
        with pytest.raises(error, match=rf"so so \(code {code}\)") as caught:
            await client.create(PATH, {})

    assert type(caught.value) is error
    assert (caught.value.code, caught.value.http) == (code, http)
    assert caught.value.request_id == "r-1"
    assert caught.value.hint


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(wire.reset, id="reset"),
        pytest.param(wire.leave, id="closed"),
        pytest.param(wire.reset_in_the_middle, id="reset in the body"),
        pytest.param(wire.leave_in_the_middle, id="closed in the body"),
        pytest.param(wire.junk, id="not HTTP"),
        pytest.param(page(200), id="HTML 200"),
        pytest.param(page(500), id="HTML 500"),
        pytest.param(page(502), id="HTML 502"),
        pytest.param(page(408), id="HTML 408"),
        pytest.param(says(200, b""), id="empty"),
        pytest.param(says(200, b'{"code": 0'), id="half of JSON"),
        pytest.param(says(200, b"\xff\xfe\x00"), id="not text"),
        pytest.param(says(200, b"[" * 200_000), id="deep"),
        pytest.param(says(200, b"9" * 5000), id="a long number"),
        pytest.param(says(200, b"[]"), id="a list"),
        pytest.param(says(200, b"{}"), id="no code"),
        pytest.param(envelope(ACCEPTED, code=None), id="null code"),
        pytest.param(envelope(ACCEPTED, code=True), id="true code"),
        pytest.param(envelope(None), id="no task"),
        pytest.param(envelope([]), id="a list for a task"),
        pytest.param(envelope({"status": "submitted"}), id="no id"),
        pytest.param(
            says(200, b"not gzip", headers={"Content-Encoding": "gzip"}), id="gzip"
        ),
    ],
)
async def test_a_create_whose_outcome_nobody_knows_is_ambiguous(reply: Reply) -> None:
    async with talking(reply) as (client, server):
        with pytest.raises(AmbiguousError) as caught:
            await client.create(PATH, {})

    assert len(server.seen) == 1
    assert caught.value.message


@pytest.mark.parametrize("reply", [wire.hang, wire.hang_in_the_middle])
async def test_a_create_that_is_never_answered_is_ambiguous(reply: Reply) -> None:
    async with talking(reply, timeout_s=0.1) as (client, _):
        with pytest.raises(AmbiguousError, match="took too long"):
            await client.create(PATH, {})


async def test_a_dripping_answer_ends_at_the_deadline() -> None:
    async with talking(wire.drip, patience_s=0.2) as (client, _):
        with pytest.raises(AmbiguousError, match="took too long"):
            await client.create(PATH, {})


@pytest.mark.parametrize("is_zipped", [False, True])
async def test_an_endless_answer_is_cut(is_zipped: bool) -> None:
    body = b" " * (MAX_ANSWER_BYTES + 1)
    headers = {"Content-Encoding": "gzip"} if is_zipped else {}
    reply = says(200, gzip.compress(body) if is_zipped else body, headers=headers)

    async with talking(reply) as (client, _):
        with pytest.raises(AmbiguousError, match="larger than 16 MiB"):
            await client.create(PATH, {})


@pytest.mark.parametrize("code", [0, "0", 0.0])
async def test_code_0_is_success_whatever_the_status(code: Any) -> None:
    async with talking(envelope(ACCEPTED, code=code, http=400)) as (client, _):
        task = await client.create(PATH, {})

    assert task.id == "t1"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (page(302), UnreachableError),
        (page(404), UnreachableError),
        (page(403), UnreachableError),
        (page(401), UnreachableError),
        (page(413), RefusedError),
        (page(429), RateLimitError),
        (says(401, b"{}"), CredentialsError),
    ],
)
async def test_a_gateway_that_turns_a_create_away_leaves_no_doubt(
    reply: Reply, error: type[KlingError]
) -> None:
    async with talking(reply) as (client, _):
        with pytest.raises(error) as caught:
            await client.create(PATH, {})

    assert type(caught.value) is error


async def test_a_refused_connection_is_certain() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{free.getsockname()[1]}"
    async with new_http(base_url) as http:
        client = KlingClient(http, ApiKey(Secret(KEY)), SystemClock())

        with pytest.raises(UnreachableError, match="cannot be reached") as caught:
            await client.create(PATH, {})

    assert type(caught.value) is UnreachableError
    assert "kling sandbox" in (caught.value.hint or "")


async def test_a_connection_that_is_never_taken_is_certain() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:  # fill the queue: the next one gets no answer at all
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        base_url = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with new_http(base_url, connect_timeout_s=0.2) as http:
            client = KlingClient(http, ApiKey(Secret(KEY)), SystemClock())

            with pytest.raises(UnreachableError, match="took too long") as caught:
                await client.create(PATH, {})

        for each in waiting:
            each.close()
    assert type(caught.value) is UnreachableError


async def test_a_failed_handshake_is_certain() -> None:
    async with (
        wire.wire_server(wire.hang) as server,
        new_http(f"https://127.0.0.1:{server.port}", connect_timeout_s=0.3) as http,
    ):
        client = KlingClient(http, ApiKey(Secret(KEY)), SystemClock())

        with pytest.raises(UnreachableError) as caught:
            await client.create(PATH, {})

    assert type(caught.value) is UnreachableError


async def test_a_certificate_nobody_vouches_for_is_certain_and_explained() -> None:
    async with (
        wire.wire_server(wire.hang, tls=wire.server_tls()) as server,
        new_http(f"https://127.0.0.1:{server.port}") as http,
    ):
        client = KlingClient(http, ApiKey(Secret(KEY)), SystemClock())

        with pytest.raises(UnreachableError) as caught:
            await client.create(PATH, {})

    assert type(caught.value) is UnreachableError
    assert "SSL_CERT_FILE" in (caught.value.hint or "")


async def test_a_base_without_a_host_is_certain() -> None:
    async with new_http("http://") as http:
        client = KlingClient(http, ApiKey(Secret(KEY)), SystemClock())

        with pytest.raises(UnreachableError) as caught:
            await client.create(PATH, {})

    assert type(caught.value) is UnreachableError


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(wire.reset, id="reset"),
        pytest.param(wire.leave_in_the_middle, id="closed in the body"),
        pytest.param(wire.junk, id="not HTTP"),
        pytest.param(page(200), id="HTML 200"),
        pytest.param(page(403), id="HTML 403"),
        pytest.param(page(502), id="HTML 502"),
        pytest.param(says(200, b""), id="empty"),
        pytest.param(envelope(None, code=5000, http=500), id="5000"),
        pytest.param(envelope(None, code=5001, http=503), id="5001"),
        pytest.param(envelope(None), id="null for a list"),
        pytest.param(envelope({}), id="an object for a list"),
    ],
)
async def test_a_query_that_fails_for_now_is_unreachable(reply: Reply) -> None:
    async with talking(reply) as (client, _):
        with pytest.raises(UnreachableError) as caught:
            await client.tasks(["t1"])

    assert type(caught.value) is UnreachableError
    assert caught.value.is_retryable
    assert client.request_counts.query == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(envelope(code=1302, http=429), id="1302"),
        pytest.param(envelope(code=1303, http=429), id="1303"),
        pytest.param(page(429), id="HTML"),
    ],
)
async def test_a_query_that_is_one_too_many_is_a_rate_limit(reply: Reply) -> None:
    async with talking(reply) as (client, _):
        with pytest.raises(RateLimitError):
            await client.tasks(["t1"])


async def test_account_errors_on_queries_keep_their_class() -> None:
    async with talking(envelope(code=1101, http=429)) as (client, _):
        with pytest.raises(AccountError):
            await client.tasks(["t1"])


async def test_tasks_are_asked_for_twenty_at_a_time_and_found_by_id() -> None:
    ids = [f"t{n}" for n in range(41)]
    known = envelope([{"id": "t0"}, {"id": "t40"}, {"id": "stranger"}, None, {}])

    async with talking(known) as (client, server):
        found = await client.tasks([*ids, "t1", "t2"])

    asked = [seen.params["task_ids"].split(",") for seen in server.seen]
    assert [len(chunk) for chunk in asked] == [20, 20, 1]
    assert [each for chunk in asked for each in chunk] == ids
    assert sorted(found) == ["t0", "t40"]


async def test_tasks_are_found_by_external_id() -> None:
    async with talking(envelope([FINISHED])) as (client, server):
        found = await client.tasks(["e1", "e2"], is_external=True)

    assert server.seen[0].params == {"external_task_ids": "e1,e2"}
    assert {name: task.id for name, task in found.items()} == {"e1": "t1"}


async def test_the_answer_to_one_external_id_need_not_repeat_it() -> None:
    async with talking(envelope([{"id": "t1"}])) as (client, _):
        found = await client.tasks(["e1"], is_external=True)

    assert found["e1"].id == "t1"


async def test_unknown_tasks_are_absent() -> None:
    async with talking(envelope([])) as (client, _):
        assert await client.tasks(["t1"]) == {}


@pytest.mark.parametrize("task_id", ["", ".", "..", "a,b"])
async def test_what_cannot_be_an_id_is_not_asked_for(task_id: str) -> None:
    async with talking(envelope([])) as (client, server):
        with pytest.raises(UsageError):
            await client.tasks([task_id])
        with pytest.raises(UsageError):
            await client.legacy_task("/v1/videos/text2video", task_id)

    assert server.seen == []


async def test_a_legacy_task_is_asked_for_by_its_path() -> None:
    data = {"task_id": "a/b==", "task_status": "succeed"}

    async with talking(envelope(data)) as (client, server):
        task = await client.legacy_task("/v1/videos/text2video", "a/b==")

    assert server.seen[0].target == "/v1/videos/text2video/a%2Fb%3D%3D"
    assert task is not None
    assert task.status is TaskStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("http", "code", "message"),
    [(400, 1201, "Task not found by id/external id: x"), (404, 1203, "no such")],
)
async def test_an_unknown_legacy_task_is_none(
    http: int, code: int, message: str
) -> None:
    async with talking(envelope(code=code, http=http, message=message)) as (client, _):
        assert await client.legacy_task("/v1/videos/text2video", "x") is None


async def test_another_refusal_of_a_legacy_query_is_an_error() -> None:
    reply = envelope(code=1201, http=400, message="pageSize is invalid")
    async with talking(reply) as (client, _):
        with pytest.raises(RefusedError):
            await client.legacy_task("/v1/videos/text2video", "x")


async def test_search_sends_its_filters_and_returns_a_page() -> None:
    data = {"result": [FINISHED], "count": 1, "next_cursor": "c2", "has_more": True}

    async with talking(envelope(data)) as (client, server):
        found = await client.search(
            start=LONG_AGO, statuses=["failed"], product_types=["video"], limit=5
        )

    assert server.seen[0].json == {
        "start_time": 1735689600000,
        "limit": 5,
        "filters": [
            {"key": "status", "values": ["failed"]},
            {"key": "product_type", "values": ["video"]},
        ],
    }
    assert [task.id for task in found.tasks] == ["t1"]
    assert (found.next_cursor, found.has_more) == ("c2", True)


async def test_a_legacy_list_is_paged() -> None:
    data = [{"task_id": "a", "task_status": "processing"}]
    async with talking(envelope(data)) as (client, server):
        found = await client.legacy_list("/v1/videos/text2video", page=2, size=5)

    assert server.seen[0].params == {"pageNum": "2", "pageSize": "5"}
    assert [task.id for task in found] == ["a"]


async def test_a_raw_call_returns_any_answer() -> None:
    async with talking(envelope(code=1203, http=404, message="no")) as (client, _):
        answer = await client.call("get", "/v1/models", params={"a": "b"})

    assert (answer.http, answer.code, answer.message) == (404, 1203, "no")
    assert json.loads(answer.body)["code"] == 1203


async def test_a_raw_call_that_may_change_something_and_is_lost_is_ambiguous() -> None:
    async with talking(wire.reset) as (client, _):
        with pytest.raises(AmbiguousError):
            await client.call("POST", PATH, json={})
        with pytest.raises(UnreachableError) as caught:
            await client.call("GET", PATH)

    assert type(caught.value) is UnreachableError


@pytest.mark.parametrize(
    "path", ["https://evil.example/x", "//evil.example/x", "v1/x", ""]
)
async def test_the_key_never_leaves_for_another_host(path: str) -> None:
    async with talking(envelope({})) as (client, server):
        with pytest.raises(UsageError, match="is not a path"):
            await client.call("GET", path)

    assert server.seen == []


async def test_what_json_cannot_say_is_refused_before_it_is_sent() -> None:
    async with talking(envelope(ACCEPTED)) as (client, server):
        with pytest.raises(UsageError, match="JSON"):
            await client.create(PATH, {"cfg_scale": float("nan")})
        with pytest.raises(UsageError, match="not a path"):
            await client.create("/a\x00b", {})

    assert server.seen == []


@pytest.mark.parametrize("code", [1003, 1004])
async def test_a_stale_token_is_signed_anew_once(code: int) -> None:
    date = {"Date": "Sun, 04 Oct 2026 12:00:00 GMT"}
    stale = envelope(code=code, http=401, headers=date)
    pair = KeyPair(Secret("ak"), Secret("sk" * 20))

    async with talking(stale, envelope(ACCEPTED), credentials=pair) as (client, server):
        task = await client.create("/v1/videos/text2video", {})

    tokens = [seen.headers["authorization"] for seen in server.seen]
    assert task.id == "t1"
    assert len(set(tokens)) == len(tokens) == 2
    assert client.request_counts.create == 2


async def test_a_token_that_stays_stale_is_given_up_after_two() -> None:
    async with talking(envelope(code=1004, http=401)) as (client, server):
        with pytest.raises(CredentialsError):
            await client.tasks(["t1"])

    assert len(server.seen) == 2


async def test_a_secret_that_the_api_repeats_is_not_shown() -> None:
    reply = envelope(code=1002, http=401, message=f"bad key {KEY}")
    async with talking(reply) as (client, _):
        with pytest.raises(CredentialsError) as caught:
            await client.tasks(["t1"])

    assert KEY not in caught.value.message
    assert "bad key ****" in caught.value.message
