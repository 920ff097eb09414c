"""The questions. Source: API reference, sections 2.3, 2.5, 2.11 and 8."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import LEGACY, LEGACY_FROM_IMAGE, TASK_S, TURBO, SandboxClient

pytestmark = pytest.mark.anyio

FAR = 4_000_000_000_000
VIDEO_PACK = "Sandbox-video-1000Units-5Con"


async def test_a_finished_task_shows_output_and_billing(client: SandboxClient) -> None:
    task = await client.finished(options={"external_task_id": "job-1"})

    (output,) = task["outputs"]
    assert task["status"] == "succeeded"
    assert task["external_id"] == "job-1"
    assert task["update_time"] - task["create_time"] == TASK_S * 1000
    assert output.keys() == {"type", "id", "url", "duration"}
    assert output["type"] == "video"


async def test_a_running_task_has_nothing_to_show(client: SandboxClient) -> None:
    task_id = await client.ordered()
    await client.advance(TASK_S / 2)

    task = await client.task(task_id)

    assert task["status"] == "processing"
    assert (task["message"], task["outputs"], task["billing"]) == ("", [], [])


async def test_a_watermarked_copy_is_linked_when_it_was_wanted(
    client: SandboxClient,
) -> None:
    wanted = {"watermark_info": {"enabled": True}}

    task = await client.finished(options=wanted)

    (output,) = task["outputs"]
    plain, marked = [
        (await client.fetch(output[name])).content for name in ("url", "watermark_url")
    ]
    assert plain != marked
    assert marked[4:8] == b"ftyp"


async def test_both_generations_are_found_in_the_new_shape(
    client: SandboxClient,
) -> None:
    new = await client.ordered(options={"external_task_id": "e-new"})
    old = await client.ordered(LEGACY, external_task_id="e-old")

    by_id = await client.http.get("/tasks", params={"task_ids": f"{old},{new}"})
    by_external_id = await client.http.get(
        "/tasks", params={"external_task_ids": "e-old, e-new"}
    )

    found = by_id.json()["data"]
    assert [task["id"] for task in found] == [old, new]
    assert [task["external_id"] for task in found] == ["e-old", "e-new"]
    assert by_external_id.json()["data"] == found


async def test_unknown_ids_are_simply_absent(client: SandboxClient) -> None:
    known = await client.ordered()

    none = await client.http.get("/tasks", params={"task_ids": "1"})
    some = await client.http.get("/tasks", params={"task_ids": f"1,{known},2"})

    assert (none.status_code, none.json()["code"], none.json()["data"]) == (200, 0, [])
    assert [task["id"] for task in some.json()["data"]] == [known]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "task_ids or external_task_ids is required"),
        ("task_ids=", "task_ids or external_task_ids is required"),
        ("task_ids=,,", "task_ids or external_task_ids is required"),
        (
            "task_ids=" + ",".join(map(str, range(21))),
            "task_ids and external_task_ids cannot exceed 20 in total",
        ),
        (
            "task_ids=" + ",".join("ab" * 6) + "&external_task_ids=" + "c," * 9,
            "task_ids and external_task_ids cannot exceed 20 in total",
        ),
        ("task_ids=1&external_task_ids=2", "only one of"),
    ],
)
async def test_too_many_ids_and_none_are_refused(
    query: str, message: str, client: SandboxClient
) -> None:
    answer = await client.http.get(f"/tasks?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert message in answer.json()["message"]


async def test_twenty_ids_are_taken(client: SandboxClient) -> None:
    ids = ",".join(map(str, range(20)))

    answer = await client.http.get("/tasks", params={"task_ids": ids})

    assert answer.json()["data"] == []


async def test_a_legacy_task_ends_in_the_legacy_words(client: SandboxClient) -> None:
    task_id = await client.ordered(
        LEGACY, external_task_id="e-1", watermark_info={"enabled": True}
    )
    running = (await client.http.get(f"{LEGACY}/{task_id}")).json()["data"]
    await client.advance(TASK_S)

    data = (await client.http.get(f"{LEGACY}/e-1")).json()["data"]

    (video,) = data["task_result"]["videos"]
    assert running["task_status"] == "submitted"
    assert running["task_result"] == {}
    assert "final_unit_deduction" not in running
    assert data["task_id"] == task_id
    assert data["task_status"] == "succeed"
    assert data["task_info"] == {"external_task_id": "e-1"}
    assert video.keys() == {"id", "url", "watermark_url", "duration"}
    assert data["watermark_info"] == {"enabled": True}
    assert data["final_unit_deduction"] == "3"
    assert data["final_balance_deduction"] == {"quota": "0", "list_price": "0"}


@pytest.mark.parametrize("path", [LEGACY, LEGACY_FROM_IMAGE])
async def test_a_family_finds_its_own_tasks_only(
    path: str, client: SandboxClient
) -> None:
    other = LEGACY_FROM_IMAGE if path == LEGACY else LEGACY
    image = {"image": "https://img.example.com/a.png"}
    mine = await client.ordered(path, **(image if path != LEGACY else {}))
    foreign = await client.ordered(other, **(image if other != LEGACY else {}))
    new = await client.ordered(TURBO)

    found, *unknown = [
        await client.http.get(f"{path}/{task_id}")
        for task_id in (mine, foreign, new, "nobody")
    ]
    listed = await client.http.get(path)

    assert found.json()["data"]["task_id"] == mine
    assert [answer.status_code for answer in unknown] == [400] * 3
    assert unknown[2].json()["code"] == 1201
    assert unknown[2].json()["message"] == "Task not found by id/external id: nobody"
    assert [task["task_id"] for task in listed.json()["data"]] == [mine]


@pytest.mark.sandbox(slots=9)
async def test_legacy_lists_come_in_pages_newest_first(client: SandboxClient) -> None:
    made = [await client.ordered(LEGACY) for _ in range(5)]

    pages = [
        (await client.http.get(f"{LEGACY}?pageNum={number}&pageSize=2")).json()["data"]
        for number in (1, 2, 3, 4)
    ]

    ids = [[task["task_id"] for task in page] for page in pages]
    assert ids == [made[:2:-1], made[2:0:-1], made[:1], []]


@pytest.mark.parametrize(
    "query",
    [
        "pageNum=0",
        "pageNum=1001",
        "pageNum=x",
        "pageSize=0",
        "pageSize=501",
        "pageSize=",
    ],
)
async def test_pages_out_of_range_are_refused(
    query: str, client: SandboxClient
) -> None:
    answer = await client.http.get(f"{LEGACY}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert query.split("=", maxsplit=1)[0] in answer.json()["message"]


@pytest.mark.sandbox(units=100)
async def test_the_pack_shows_what_is_left(client: SandboxClient) -> None:
    await client.finished()

    answer = await client.http.get(f"/account/costs?start_time=0&end_time={FAR}")

    data = answer.json()["data"]
    video = data["resource_pack_subscribe_infos"][0]
    assert (data["code"], data["msg"]) == (0, "")
    assert (video["total_quantity"], video["remaining_quantity"]) == (100.0, 96.0)
    assert video["status"] == "online"
    assert (await client.state())["units_left"] == 96.0


@pytest.mark.parametrize(
    ("query", "packs"),
    [
        ("start_time=0&end_time=1", 0),
        (f"start_time=0&end_time={FAR}", 3),
        (f"start_time=0&end_time={FAR}&resource_pack_name=None", 0),
        (
            f"start_time=0&end_time={FAR}&resource_pack_name={VIDEO_PACK}",
            1,
        ),
    ],
)
async def test_packs_are_listed_by_the_time_they_were_bought_and_by_name(
    query: str, packs: int, client: SandboxClient
) -> None:
    answer = await client.http.get(f"/account/costs?{query}")

    assert len(answer.json()["data"]["resource_pack_subscribe_infos"]) == packs


@pytest.mark.parametrize("query", ["", "start_time=1", "start_time=x&end_time=1"])
async def test_packs_need_a_window(query: str, client: SandboxClient) -> None:
    answer = await client.http.get(f"/account/costs?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)


async def test_an_old_pack_has_expired(client: SandboxClient) -> None:
    await client.advance(100 * 86_400)

    answer = await client.http.get(f"/account/costs?start_time=0&end_time={FAR}")

    packs = answer.json()["data"]["resource_pack_subscribe_infos"]
    assert {pack["status"] for pack in packs} == {"expired"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (TURBO, ["SUBMITTED", "rendering", "SUCCEEDED"]),
        (LEGACY, ["SUBMITTED", "rendering", "SUCCEED"]),
    ],
)
async def test_odd_words_come_with_odd_fields(
    path: str, words: list[str], client: SandboxClient
) -> None:
    await client.fail("task:odd-words")
    task_id = await client.ordered(path)
    where, key = (
        (f"{LEGACY}/{task_id}", "task_status")
        if path == LEGACY
        else (f"/tasks?task_ids={task_id}", "status")
    )

    seen: list[dict[str, Any]] = []
    for pause_s in (0, TASK_S / 2, TASK_S):
        await client.advance(pause_s)
        data = (await client.http.get(where)).json()["data"]
        seen.append(data[0] if isinstance(data, list) else data)

    assert [task[key] for task in seen] == words
    assert all("queue_position" in task for task in seen)
    assert not any("update_time" in task or "updated_at" in task for task in seen)


async def test_a_task_without_outputs_succeeds_all_the_same(
    client: SandboxClient,
) -> None:
    await client.fail("task:no-outputs")

    task = await client.finished()

    assert (task["status"], task["outputs"]) == ("succeeded", [])


async def test_a_stuck_task_never_ends(client: SandboxClient) -> None:
    await client.fail("task:stuck")

    task = await client.finished()
    await client.advance(1e7)

    assert task["status"] == "processing"
    assert (await client.task(task["id"]))["status"] == "processing"


@pytest.mark.parametrize("path", [TURBO, LEGACY])
async def test_evil_names_can_be_asked_for_and_fetched(
    path: str, client: SandboxClient
) -> None:
    await client.fail("task:evil-names")

    task = await client.finished(path)

    (output,) = task["outputs"]
    assert "../" in task["id"]
    assert "\x00" in task["id"] + output["id"]
    assert (await client.file_of(task))[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("failed", "Internal generation error"),
        ("moderation", "Failure to pass the risk control system"),
        ("failed-succeed-message", "Image pixel is invalid"),
    ],
)
async def test_a_failed_task_gives_its_reason_under_a_good_envelope(
    fault: str, reason: str, client: SandboxClient
) -> None:
    await client.fail(f"task:{fault}")
    task_id = await client.ordered(LEGACY)
    await client.advance(TASK_S)

    answer = await client.http.get(f"{LEGACY}/{task_id}")

    said = answer.json()
    assert (answer.status_code, said["code"], said["message"]) == (200, 0, "SUCCEED")
    assert said["data"]["task_status"] == "failed"
    assert said["data"]["task_status_msg"] == reason
