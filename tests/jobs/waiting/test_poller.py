"""Queries through the real client over a socket: in bulk, or one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import ApiKey
from kling_cli.api.http import new_http
from kling_cli.clock import SystemClock
from kling_cli.errors import CredentialsError, UnreachableError
from kling_cli.jobs.waiting.poller import Poller
from kling_cli.secret import Secret
from kling_cli.store.records import JobRecord
from tests.jobs.factories import a_record
from tests.support.wire_server import Reply, Visit, WireServer, envelope, wire_server

pytestmark = pytest.mark.anyio

LEGACY = "/v1/videos/text2video"


@asynccontextmanager
async def an_asker(
    *replies: Reply, is_bulk: bool = True
) -> AsyncIterator[tuple[Poller, WireServer]]:
    async with wire_server(*replies) as wire, new_http(wire.base_url) as http:
        client = KlingClient(http, ApiKey(Secret("k")), SystemClock())
        yield Poller(client, is_bulk=is_bulk), wire


def new_task(task_id: str, external_id: str | None = None) -> dict[str, Any]:
    return {"id": task_id, "status": "processing", "external_id": external_id}


async def answer_all(visit: Visit) -> None:
    """Know every task that is asked for."""
    ids = visit.seen.params.get("task_ids", "").split(",")
    names = visit.seen.params.get("external_task_ids", "").split(",")
    tasks = [new_task(one) for one in ids if one]
    tasks += [new_task(f"t-of-{one}", one) for one in names if one]
    await envelope(tasks)(visit)


def legacy(name: str) -> JobRecord:
    return a_record(name, task_id=name, query_path=LEGACY)


async def test_many_tasks_are_queried_twenty_a_call() -> None:
    records = [a_record(f"e{i}", task_id=f"t{i}") for i in range(45)]

    async with an_asker(answer_all) as (poller, wire):
        found = await poller.fetch(records)

    assert {key: task.id for key, task in found.items()} == {
        f"e{i}": f"t{i}" for i in range(45)
    }
    assert [len(one.params["task_ids"].split(",")) for one in wire.seen] == [20, 20, 5]


async def test_a_job_without_a_task_id_is_queried_by_its_external_id() -> None:
    async with an_asker(answer_all) as (poller, wire):
        found = await poller.fetch([a_record("e1", task_id="t1"), a_record("e2")])

    assert {key: task.id for key, task in found.items()} == {
        "e1": "t1",
        "e2": "t-of-e2",
    }
    assert [set(one.params) for one in wire.seen] == [
        {"task_ids"},
        {"external_task_ids"},
    ]


async def test_tasks_of_other_machines_are_distinct_with_one_id_each() -> None:
    records = [a_record("", task_id="t1"), a_record("", task_id="t2")]

    async with an_asker(answer_all) as (poller, _):
        found = await poller.fetch(records)

    assert {key: task.id for key, task in found.items()} == {"t1": "t1", "t2": "t2"}


async def test_a_task_that_was_not_queried_is_ignored() -> None:
    async with an_asker(envelope([new_task("t1"), new_task("t9")])) as (poller, _):
        found = await poller.fetch([a_record("e1", task_id="t1")])

    assert list(found) == ["e1"]


async def test_without_an_api_key_each_legacy_endpoint_is_queried() -> None:
    task = {"task_id": "a", "task_status": "processing"}

    async with an_asker(envelope(task), is_bulk=False) as (poller, wire):
        found = await poller.fetch([legacy("a"), a_record("b c", query_path=LEGACY)])

    assert set(found) == {"a", "b c"}
    assert [one.path for one in wire.seen] == [f"{LEGACY}/a", f"{LEGACY}/b%20c"]


async def test_one_failed_query_does_not_affect_the_others() -> None:
    task = {"task_id": "b", "task_status": "succeed"}
    broken = envelope(code=5000, http=500)

    async with an_asker(broken, envelope(task), is_bulk=False) as (poller, _):
        found = await poller.fetch([legacy("a"), legacy("b")])

    assert set(found) == {"b"}


async def test_an_unknown_task_is_absent() -> None:
    unknown = envelope(code=1201, http=400, message="Task not found by id: a")

    async with an_asker(unknown, is_bulk=False) as (poller, _):
        assert await poller.fetch([legacy("a")]) == {}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(envelope(code=5000, http=500), UnreachableError, id="broken"),
        pytest.param(envelope(code=1002, http=401), CredentialsError, id="refused"),
    ],
)
@pytest.mark.parametrize("is_bulk", [True, False])
async def test_when_no_query_is_answered_the_failure_is_reported(
    reply: Reply, error: type[Exception], *, is_bulk: bool
) -> None:
    async with an_asker(reply, is_bulk=is_bulk) as (poller, _):
        with pytest.raises(error):
            await poller.fetch([legacy("a"), legacy("b")])
