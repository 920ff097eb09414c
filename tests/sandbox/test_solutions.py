"""Solutions, from the order to the files. Source: API reference, section 2.10."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import TASK_S, Desk, open_door

pytestmark = pytest.mark.anyio

SUBTITLES = "/solutions/drama_subtitle"
TRY_ON = "/solutions/virtual_try_on"
EPISODE = [{"type": "source_video", "url": "https://vid.example.com/ep1.mp4"}]
OUTFIT = [
    {"type": "product_image", "url": "https://img.example.com/c.png"},
    {"type": "person_image", "url": "https://img.example.com/p.png"},
]


async def made(desk: Desk, path: str, **body: Any) -> dict[str, Any]:
    """Order, let the time pass, and return the task as `GET /solutions` shows it."""
    answer = await desk.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    await desk.advance(TASK_S)
    params = {"task_ids": data.get("id") or data["task_id"]}
    (task,) = (await desk.http.get("/solutions", params=params)).json()["data"]
    return dict(task)


async def test_an_episode_comes_back_with_its_subtitles(desk: Desk) -> None:
    task = await made(desk, SUBTITLES, contents=EPISODE, settings={"font_size": 30})

    files = [await desk.fetch(output["url"]) for output in task["outputs"]]
    assert [output["type"] for output in task["outputs"]] == [
        "subbed_video",
        "srt",
        "ass",
    ]
    film, srt, ass = [file.content for file in files]
    assert film[4:8] == b"ftyp"
    assert srt.startswith(b"1\n00:00:00,000 --> ")
    assert b"Style: Default,Arial,30," in ass


async def test_a_callback_tells_of_its_end_only(desk: Desk) -> None:
    async with open_door() as door:
        options = {"callback_url": door.url}
        await made(desk, SUBTITLES, contents=EPISODE, options=options)

        (knock,) = await door.wait_for(1)

    assert knock.status == "succeeded"


async def test_a_try_on_is_an_image_without_an_id(desk: Desk) -> None:
    task = await made(desk, TRY_ON, contents=OUTFIT)

    (output,) = task["outputs"]
    assert sorted(output) == ["type", "url"]
    assert (await desk.fetch(output["url"])).content.startswith(b"\x89PNG")


async def test_solutions_are_not_among_the_tasks(desk: Desk) -> None:
    task = await made(desk, TRY_ON, contents=OUTFIT)

    found = await desk.http.get("/tasks", params={"task_ids": task["id"]})
    page = await desk.http.post("/solutions", json={})

    assert found.json()["data"] == []
    assert [each["id"] for each in page.json()["data"]["result"]] == [task["id"]]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"voiceId": "female_warm_rich", "aspectRatio": "16:9"}, 0),
        ({"voiceId": "nobody"}, 1201),
        ({"voice_id": "female_warm_rich"}, 0),
        ({}, 1201),
        ([], 1201),
    ],
)
async def test_a_presenter_s_settings_may_be_spelled_either_way(
    settings: Any, code: int, desk: Desk
) -> None:
    contents = [
        {"type": "avatar_image", "url": "https://img.example.com/host.png"},
        {"type": "speech_script", "text": "hello"},
    ]
    body = {"contents": contents, "settings": settings}

    answer = await desk.http.post("/solutions/talking_agent", json=body)

    assert answer.json()["code"] == code
