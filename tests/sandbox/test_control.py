"""The sandbox's own endpoints."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.client import LEGACY, TASK_S, SandboxClient

pytestmark = pytest.mark.anyio


async def test_the_state_tells_of_every_task(client: SandboxClient) -> None:
    new = await client.ordered(options={"external_task_id": "e-1"})
    old = await client.ordered(LEGACY, callback_url="http://127.0.0.1:1/")
    await client.advance(TASK_S)

    first, second = (await client.state())["tasks"]

    assert (first["id"], first["external_id"]) == (new, "e-1")
    assert (first["product"], first["model"]) == ("text2video", "kling-3.0-turbo")
    assert (first["generation"], second["generation"]) == ("new", "legacy")
    assert (second["id"], second["callback_url"]) == (old, "http://127.0.0.1:1/")
    assert (first["status"], first["units"]) == ("succeeded", 4.0)


async def test_the_state_says_the_plain_status_of_an_odd_task(
    client: SandboxClient,
) -> None:
    await client.fail("task:odd-words")
    await client.ordered()

    (task,) = (await client.state())["tasks"]

    assert task["status"] == "submitted"


async def test_controls_need_no_credentials_and_are_not_counted(
    client: SandboxClient,
) -> None:
    answer = await client.fetch(f"{client.sandbox.base_url}/_sandbox/state")

    assert answer.status_code == 200
    assert answer.json()["requests"] == []


async def test_a_web_page_cannot_reach_the_controls(client: SandboxClient) -> None:
    answer = await client.fetch(
        f"{client.sandbox.base_url}/_sandbox/state", Host="rebound.example.com"
    )

    assert (answer.status_code, answer.json()) == (403, {"error": "loopback only"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8787", "[::1]:1"])
async def test_every_name_of_this_machine_reaches_the_controls(
    host: str, client: SandboxClient
) -> None:
    answer = await client.fetch(f"{client.sandbox.base_url}/_sandbox/state", Host=host)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {}),
        ("faults", {"faults": "query:500"}),
        ("faults", {"faults": [1]}),
        ("faults", {"faults": ["query:burnt"]}),
        ("faults", []),
        ("clock", {}),
        ("clock", {"advance_s": "1"}),
        ("clock", {"advance_s": True}),
        ("clock", {"advance_s": -1}),
        ("clock", []),
        ("tasks/1", {"status": "failed"}),
    ],
)
async def test_a_wrong_command_is_refused_with_a_reason(
    path: str, body: Any, client: SandboxClient
) -> None:
    answer = await client.http.post(f"/_sandbox/{path}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'{"advance_s":1e999}'])
async def test_a_command_that_is_no_json_is_refused(
    content: bytes, client: SandboxClient
) -> None:
    answer = await client.http.post("/_sandbox/clock", content=content)

    assert answer.status_code == 400


async def test_a_wrong_rule_leaves_the_pending_ones_alone(
    client: SandboxClient,
) -> None:
    await client.fail("query:500")
    await client.http.post("/_sandbox/faults", json={"faults": ["meal:burnt"]})

    assert (await client.http.get("/tasks?task_ids=1")).status_code == 500


@pytest.mark.parametrize("status", ["submitted", "processing", "succeeded", "failed"])
async def test_a_task_is_put_into_a_status_and_stays_there(
    status: str, client: SandboxClient
) -> None:
    task_id = await client.ordered(options={"external_task_id": "e-1"})

    said = await client.control("tasks/e-1", {"status": status, "message": "so be it"})
    await client.advance(1e6)

    task = await client.task(task_id)
    is_final = status in ("succeeded", "failed")
    assert said["status"] == task["status"] == status
    assert task["message"] == ("so be it" if is_final else "")


async def test_a_status_there_is_not_is_refused(client: SandboxClient) -> None:
    task_id = await client.ordered()

    answer = await client.http.post(
        f"/_sandbox/tasks/{task_id}", json={"status": "cancelled"}
    )

    assert answer.status_code == 400
    assert "submitted, processing" in answer.json()["error"]


async def test_an_evil_task_can_be_ended_by_hand(client: SandboxClient) -> None:
    await client.fail("task:evil-names")
    await client.ordered(options={"external_task_id": "e-1"})

    await client.control("tasks/e-1", {"status": "succeeded"})

    (task,) = (await client.state())["tasks"]
    assert task["status"] == "succeeded"


async def test_there_are_no_other_controls(client: SandboxClient) -> None:
    unknown = await client.http.get("/_sandbox/secrets")
    wrong_method = await client.http.get("/_sandbox/clock")

    assert (unknown.status_code, wrong_method.status_code) == (404, 404)


def test_httpx_sends_the_host_that_is_asked_for() -> None:
    request = httpx.Request("GET", "http://127.0.0.1/", headers={"Host": "other"})

    assert request.headers["host"] == "other"
