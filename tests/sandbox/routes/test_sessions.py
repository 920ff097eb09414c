"""Sessions know the sandbox's own videos, and end. Source: API reference, 2.6, 5.5."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.sandbox.routes.sessions import LIFE_S
from tests.sandbox.client import TASK_S, SandboxClient

pytestmark = pytest.mark.anyio

FACES = "/v1/videos/identify-face"
LIP_SYNC = "/v1/videos/advanced-lip-sync"
EDITING = "/v1/videos/multi-elements"


async def told(client: SandboxClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def refused(client: SandboxClient, path: str, **body: Any) -> str:
    answer = await client.http.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201), answer.text
    return str(answer.json()["message"])


async def a_video(
    client: SandboxClient, seconds: int, ratio: str = "16:9"
) -> dict[str, Any]:
    """Let the sandbox make a video, and return it."""
    settings = {"duration": seconds, "aspect_ratio": ratio}
    task = await client.finished(settings=settings)
    return dict(task["outputs"][0])


def lips(session: str, **more: Any) -> dict[str, Any]:
    face = {
        "face_id": "0",
        "audio_id": "880000000000000201",
        "sound_start_time": 0,
        "sound_end_time": 3000,
        "sound_insert_time": 0,
        **more,
    }
    return {"session_id": session, "face_choose": [face]}


def edit(session: str, **more: Any) -> dict[str, Any]:
    return {"session_id": session, "edit_mode": "removal", "prompt": "a", **more}


@pytest.mark.parametrize("named_by", ["id", "url"])
async def test_faces_are_seen_as_long_as_a_video_of_the_sandbox_lasts(
    named_by: str, client: SandboxClient
) -> None:
    video = await a_video(client, 8)
    key = {"id": "video_id", "url": "video_url"}[named_by]

    found = await told(client, FACES, **{key: video[named_by]})

    (face,) = found["face_data"]
    assert (face["start_time"], face["end_time"]) == (0, 8041)


async def test_no_face_is_found_where_the_name_says_so(client: SandboxClient) -> None:
    found = await told(client, FACES, video_url="https://vid.example.com/noface.mp4")

    assert found["face_data"] == []
    assert found["final_unit_deduction"] == "0.05"


async def test_a_spoken_video_is_as_long_and_of_the_same_shape(
    client: SandboxClient,
) -> None:
    video = await a_video(client, 8, "9:16")
    session = (await told(client, FACES, video_id=video["id"]))["session_id"]

    created = await told(client, LIP_SYNC, **lips(session))
    await client.advance(TASK_S)
    answer = await client.http.get(f"{LIP_SYNC}/{created['task_id']}")

    data = answer.json()["data"]
    assert data["task_result"]["videos"][0]["duration"] == "8.041"
    assert data["final_unit_deduction"] == "1"
    assert data["task_info"]["parent_video"]["id"] == video["id"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"face_id": "1"}, "face_id value '1'"),
        ({"sound_insert_time": 2500}, "within the video"),
        ({"sound_end_time": 9000}, "within the video"),
    ],
)
async def test_what_does_not_go_with_the_session_is_refused(
    more: dict[str, Any], words: str, client: SandboxClient
) -> None:
    video_url = "https://vid.example.com/a.mp4"
    session = (await told(client, FACES, video_url=video_url))["session_id"]

    assert words in await refused(client, LIP_SYNC, **lips(session, **more))


async def test_a_session_of_the_reference_takes_what_the_reference_says(
    client: SandboxClient,
) -> None:
    task = await told(client, LIP_SYNC, **lips("880000000000000401", face_id="3"))

    assert task["task_status"] == "submitted"


async def test_sessions_end_after_a_day(client: SandboxClient) -> None:
    video = {"video_url": "https://vid.example.com/a.mp4"}
    faces = (await told(client, FACES, **video))["session_id"]
    editing = (await told(client, f"{EDITING}/init-selection", **video))["session_id"]
    points = {"frame_index": 0, "points": [{"x": 0, "y": 0}]}
    await client.advance(LIFE_S - 1)
    await told(client, f"{EDITING}/add-selection", session_id=editing, **points)

    await client.advance(1)

    over = [
        await refused(client, LIP_SYNC, **lips(faces)),
        await refused(client, EDITING, **edit(editing)),
        await refused(client, f"{EDITING}/clear-selection", session_id=editing),
        await refused(client, f"{EDITING}/preview-selection", session_id=editing),
        await refused(client, f"{EDITING}/add-selection", session_id=editing, **points),
        await refused(
            client, f"{EDITING}/delete-selection", session_id=editing, **points
        ),
    ]
    assert [each.split(":")[0] for each in over] == ["Session not found or expired"] * 6


async def test_a_selection_shows_the_video_it_is_of(client: SandboxClient) -> None:
    video = await a_video(client, 10, "1:1")

    opened = await told(client, f"{EDITING}/init-selection", video_url=video["url"])

    assert (opened["width"], opened["height"]) == (960, 960)
    assert (opened["total_frame"], opened["original_duration"]) == (241, 10041)


async def test_a_video_of_another_length_is_not_recognised(
    client: SandboxClient,
) -> None:
    video = await a_video(client, 6)

    opened = await told(client, f"{EDITING}/init-selection", video_id=video["id"])

    assert opened["status"] == 1
    assert "normalized_video" not in opened


async def test_an_edited_video_is_as_long_as_the_selected_one(
    client: SandboxClient,
) -> None:
    video = await a_video(client, 8)
    opened = await told(client, f"{EDITING}/init-selection", video_id=video["id"])
    session = opened["session_id"]

    short = await refused(client, EDITING, **edit(session))
    created = await told(client, EDITING, **edit(session, duration="10"))
    await client.advance(TASK_S)
    task = await client.task(created["task_id"])

    assert short == "duration value '5' is invalid"
    assert task["outputs"][0]["duration"] == "8.041"


async def test_a_session_of_the_reference_has_its_middle_marked(
    client: SandboxClient,
) -> None:
    shown = await told(
        client, f"{EDITING}/preview-selection", session_id="880000000000000501"
    )

    assert set(shown["res"]) == {"video", "video_cover", "tracking_output"}


async def test_a_link_that_is_not_the_sandboxs_is_nobodys(
    client: SandboxClient,
) -> None:
    forged = f"{client.sandbox.base_url}/files/1/video.mp4?Expires=1&Signature=2"

    (face,) = (await told(client, FACES, video_url=forged))["face_data"]

    assert face["end_time"] == 5041
