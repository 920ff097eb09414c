"""The bills and the solutions' queries. Source: API reference, 2.10 and 2.11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.client import SandboxClient

pytestmark = pytest.mark.anyio

PACKAGE = "/account/billing/package"
BALANCE = "/account/billing/balance"
FAR = 4_000_000_000_000
ALWAYS = {"start_time": 0, "end_time": FAR}
HELLO = {"text": "Good morning", "voice_id": "oversea_male1", "voice_language": "en"}


async def asked(
    client: SandboxClient, body: Any, path: str = PACKAGE
) -> dict[str, Any]:
    answer = await client.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def test_a_row_says_what_was_paid_for(client: SandboxClient) -> None:
    task = await client.finished(settings={"resolution": "1080p"})

    data = await asked(client, ALWAYS)

    (row,) = data["result"]["detail"]
    assert row == {
        "task_id": task["id"],
        "api_key_name": "sandbox",
        "product_function": "Text To Video",
        "model_name": "kling-3.0-turbo",
        "resolution": "1080p",
        "duration": "5.04",
        "refer_video_input": False,
        "video_sound": "native",
        "voice_control": False,
        "deduction_time": str(task["update_time"]),
        "package_id": "sandbox00000000000000000000video",
        "product_type": "video",
        "unit_before_deduction": 1000.0,
        "deduction_amount": 5.0,
        "unit_after_deduction": 995.0,
    }
    assert (data["count"], data["has_more"], data["next_cursor"]) == (1, False, "")


async def test_calls_are_on_the_bill_too_and_the_newest_is_first(
    client: SandboxClient,
) -> None:
    await client.finished()
    await client.http.post("/v1/audio/tts", json=HELLO)

    rows = (await asked(client, ALWAYS))["result"]["detail"]

    assert [row["product_function"] for row in rows] == ["Tts", "Text To Video"]
    assert rows[0]["unit_before_deduction"] == rows[1]["unit_after_deduction"]
    assert rows[0]["deduction_amount"] == 0.05


async def test_a_running_task_is_on_no_bill(client: SandboxClient) -> None:
    await client.ordered()

    assert (await asked(client, ALWAYS))["count"] == 0


async def test_the_cursor_leads_through_all_rows(client: SandboxClient) -> None:
    for _ in range(3):
        await client.http.post("/v1/audio/tts", json=HELLO)

    first = await asked(client, {**ALWAYS, "limit": 2})
    second = await asked(client, {"cursor": first["next_cursor"], "limit": "odd"})

    ids = [
        row["task_id"] for page in (first, second) for row in page["result"]["detail"]
    ]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("key", "value", "number"),
    [
        ("product_type", "video", 1),
        ("product_type", "try-on", 0),
        ("package_name", "Sandbox-video-1000Units-5Con", 1),
        ("package_id", "sandbox00000000000000000000image", 0),
        ("api_key_name", "sandbox", 1),
        ("api_key_name", "prod", 0),
    ],
)
async def test_filters_choose_rows(
    key: str, value: str, number: int, client: SandboxClient
) -> None:
    await client.http.post("/v1/audio/tts", json=HELLO)

    filters = [{"key": key, "values": [value]}]
    data = await asked(client, {**ALWAYS, "filters": filters})

    assert data["count"] == number


async def test_the_window_chooses_rows(client: SandboxClient) -> None:
    await client.http.post("/v1/audio/tts", json=HELLO)

    data = await asked(client, {"start_time": 0, "end_time": 1})

    assert data["count"] == 0


@pytest.mark.parametrize("path", [PACKAGE, BALANCE])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"start_time": 0},
        {"end_time": 0},
        {**ALWAYS, "limit": 0},
        {**ALWAYS, "limit": 501},
        {**ALWAYS, "filters": "all"},
        {**ALWAYS, "filters": [{"key": "colour", "values": ["red"]}]},
        {**ALWAYS, "filters": [{"key": "api_key_name", "values": []}]},
        {"cursor": "nonsense"},
        {"cursor": "WzFd"},
    ],
)
async def test_what_cannot_be_asked_is_refused(
    path: str, body: dict[str, Any], client: SandboxClient
) -> None:
    answer = await client.http.post(path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)


async def test_a_pack_is_named_in_one_way_only(client: SandboxClient) -> None:
    filters = [{"key": key, "values": ["a"]} for key in ("package_id", "package_name")]

    answer = await client.http.post(PACKAGE, json={**ALWAYS, "filters": filters})

    assert answer.json()["code"] == 1201


@pytest.mark.parametrize("path", [PACKAGE, BALANCE])
async def test_a_body_that_is_no_object_is_refused(
    path: str, client: SandboxClient
) -> None:
    answer = await client.http.post(path, json=[1])

    assert answer.json()["code"] == 1200


async def test_nothing_is_paid_in_cash(client: SandboxClient) -> None:
    await client.finished()

    data = await asked(client, ALWAYS, BALANCE)

    assert data["result"] == {"detail": []}


async def test_the_solutions_know_nothing_of_other_tasks(client: SandboxClient) -> None:
    task_id = await client.ordered()

    single = await client.http.get("/solutions", params={"task_ids": task_id})
    page = await client.http.post("/solutions", json={"limit": -3})

    assert single.json()["data"] == []
    assert page.json()["data"]["result"] == []


@pytest.mark.parametrize("path", ["/solutions?task_ids=1"])
async def test_the_solutions_take_an_api_key_only(
    path: str, client: SandboxClient
) -> None:
    answer = await client.ask_as(f"Bearer {client.token()}", path)

    assert (answer.status_code, answer.json()["code"]) == (401, 1002)


@pytest.mark.parametrize(("limit", "code"), [(500, 0), (501, 1201), ("x", 1201)])
async def test_a_page_of_solutions_has_its_limits(
    limit: Any, code: int, client: SandboxClient
) -> None:
    answer = await client.http.post("/solutions", json={"limit": limit})

    assert answer.json()["code"] == code


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("status", "succeed", 0),
        ("status", "succeeded", 0),
        ("status", "done", 1201),
        ("product_type", "video", 1201),
    ],
)
async def test_solutions_are_filtered_by_status_only(
    key: str, value: str, code: int, client: SandboxClient
) -> None:
    filters = [{"key": key, "values": [value]}]

    answer = await client.http.post("/solutions", json={"filters": filters})

    assert answer.json()["code"] == code
