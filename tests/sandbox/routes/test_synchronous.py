"""Calls answered at once. Source: API reference, sections 2.6, 2.7, 2.8 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kling_cli.sandbox.routes.sessions import run_lengths

if TYPE_CHECKING:
    import httpx

    from tests.sandbox.client import SandboxClient

pytestmark = pytest.mark.anyio

SPEECH = "/v1/audio/tts"
RECOGNIZE = "/v1/videos/image-recognize"
FACES = "/v1/videos/identify-face"
EXAMPLE_SESSION = "880000000000000501"  # of the reference
SELECTION = "/v1/videos/multi-elements"
HELLO = {"text": "Good morning", "voice_id": "oversea_male1", "voice_language": "en"}
PICTURE = {"image": "https://img.example.com/f.png"}
VIDEO = {"video_url": "https://vid.example.com/a.mp4"}
MIDDLE = {"x": 0.5, "y": 0.4}


async def told(client: SandboxClient, path: str, body: Any) -> dict[str, Any]:
    answer = await client.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def test_speech_is_answered_with_its_sound(client: SandboxClient) -> None:
    data = await told(client, SPEECH, HELLO)

    (audio,) = data["task_result"]["audios"]
    file = await client.fetch(audio["url"])
    assert (data["task_status"], data["final_unit_deduction"]) == ("succeed", "0.05")
    assert file.headers["content-type"] == "audio/mpeg"
    assert file.content.startswith(b"ID3")
    assert float(audio["duration"]) == pytest.approx(1.0, abs=0.1)


async def test_faster_speech_is_shorter(client: SandboxClient) -> None:
    long = {**HELLO, "text": "Good morning " * 20}

    seconds = []
    for speed in (1, 2):
        data = await told(client, SPEECH, {**long, "voice_speed": speed})
        seconds.append(float(data["task_result"]["audios"][0]["duration"]))

    assert seconds[1] == pytest.approx(seconds[0] / 2, abs=0.1)


async def test_speech_does_not_take_a_voice_for_videos(client: SandboxClient) -> None:
    answer = await client.http.get("/v1/general/presets-voices")
    voice = answer.json()["data"][0]["task_result"]["voices"][0]["voice_id"]

    refused = await client.http.post(SPEECH, json={**HELLO, "voice_id": voice})

    assert refused.json()["code"] == 1201
    assert refused.json()["message"] == "Voice id not found"


async def test_an_image_is_cut_into_its_parts(client: SandboxClient) -> None:
    data = await told(client, RECOGNIZE, PICTURE)

    images = data["task_result"]["images"]
    assert [(each["type"], each["is_contain"]) for each in images] == [
        ("object_seg", True),
        ("head_seg", True),
        ("face_seg", True),
        ("cloth_seg", False),
    ]
    assert images[3]["url"] == ""
    file = await client.fetch(images[0]["url"])
    assert file.content.startswith(b"\x89PNG")
    assert data["final_unit_deduction"] == "0.1"


@pytest.mark.parametrize(("name", "number"), [("a.mp4", 1), ("two.mp4", 2)])
async def test_faces_are_found_with_their_pictures(
    name: str, number: int, client: SandboxClient
) -> None:
    body = {"video_url": f"https://vid.example.com/{name}"}

    data = await told(client, FACES, body)

    faces = data["face_data"]
    assert [face["face_id"] for face in faces] == ["0", "1"][:number]
    assert (faces[0]["start_time"], faces[0]["end_time"]) == (0, 5041)
    assert (await client.fetch(faces[-1]["face_image"])).status_code == 200
    assert data["session_id"]


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        (SPEECH, {"voice_id": "AOT"}, "text"),
        (RECOGNIZE, {}, "image"),
        (FACES, {}, "video_id"),
        (FACES, {**VIDEO, "video_id": "88"}, "video_url"),
        (f"{SELECTION}/init-selection", {}, "video_url"),
        (f"{SELECTION}/add-selection", {"session_id": "1"}, "frame_index"),
    ],
)
async def test_what_is_missing_is_named(
    path: str, body: dict[str, Any], names: str, client: SandboxClient
) -> None:
    answer = await client.http.post(path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert names in answer.json()["message"]


async def test_a_body_that_is_no_object_is_refused(client: SandboxClient) -> None:
    answer = await client.http.post(SPEECH, content=b"hello")

    assert (answer.status_code, answer.json()["code"]) == (400, 1200)


@pytest.mark.parametrize("path", [SPEECH, FACES])
async def test_only_a_post_is_answered(path: str, client: SandboxClient) -> None:
    answer = await client.http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, 1202)


@pytest.mark.sandbox(units=0.1)
async def test_calls_are_charged_until_the_pack_is_empty(client: SandboxClient) -> None:
    codes = []
    for _ in range(3):
        answer = await client.http.post(SPEECH, json=HELLO)
        codes.append(answer.json()["code"])

    assert codes == [0, 0, 1102]
    assert (await client.state())["units_left"] == 0


async def test_a_fault_of_creates_befalls_calls_too(client: SandboxClient) -> None:
    await client.fail("create:1302", "create:accept-503")

    first, second = [await client.http.post(SPEECH, json=HELLO) for _ in range(2)]

    assert (first.json()["code"], second.status_code) == (1302, 503)
    assert (await client.state())["units_left"] == pytest.approx(999.95)


async def opened(client: SandboxClient) -> dict[str, Any]:
    return await told(client, f"{SELECTION}/init-selection", VIDEO)


async def mark(
    client: SandboxClient, session_id: str, step: str = "add", **more: Any
) -> Any:
    body = {"session_id": session_id, "frame_index": 3, "points": [MIDDLE], **more}
    return await client.http.post(f"{SELECTION}/{step}-selection", json=body)


async def test_a_session_says_what_the_video_is(client: SandboxClient) -> None:
    data = await opened(client)

    assert data["status"] == 0
    assert (data["width"], data["height"], data["fps"]) == (1280, 720, 24.0)
    assert (data["total_frame"], data["original_duration"]) == (121, 5041)
    assert data["final_unit_deduction"] == "0"
    file = await client.fetch(data["normalized_video"])
    assert file.headers["content-type"] == "video/mp4"


async def test_marked_points_give_a_mask_and_a_preview(client: SandboxClient) -> None:
    session = (await opened(client))["session_id"]

    marked = (await mark(client, session)).json()["data"]
    shown = await told(
        client, f"{SELECTION}/preview-selection", {"session_id": session}
    )

    (mask,) = marked["res"]["rle_mask_list"]
    assert marked["res"]["frame_index"] == 3
    assert mask["rle_mask"]["size"] == mask["png_mask"]["size"] == [720, 1280]
    assert mask["png_mask"]["base64"].startswith("iVBORw0KGgo")
    types = [
        (await client.fetch(shown["res"][name])).headers["content-type"]
        for name in ("video", "video_cover", "tracking_output")
    ]
    assert types == ["video/mp4", "image/png", "application/json"]


async def test_only_points_that_were_added_can_be_taken_back(
    client: SandboxClient,
) -> None:
    session = (await opened(client))["session_id"]
    await mark(client, session)

    other = await mark(client, session, "delete", points=[{"x": 0.1, "y": 0.1}])
    same = await mark(client, session, "delete")
    again = await mark(client, session, "delete")

    states = [each.json()["data"]["status"] for each in (other, same, again)]
    assert states == [1, 0, 1]


async def test_a_cleared_selection_has_nothing_to_show(client: SandboxClient) -> None:
    session = (await opened(client))["session_id"]
    await mark(client, session)

    await told(client, f"{SELECTION}/clear-selection", {"session_id": session})
    shown = await told(
        client, f"{SELECTION}/preview-selection", {"session_id": session}
    )

    assert (shown["status"], "res" in shown) == (1, False)


@pytest.mark.parametrize(
    "more",
    [
        {"points": []},
        {"points": [{"x": 1.1, "y": 0}]},
        {"points": [{"x": True, "y": 0}]},
        {"points": [{"x": 0.1}]},
        {"points": ["middle"]},
        {"points": [{"x": n / 20, "y": 0} for n in range(11)]},
        {"frame_index": -1},
        {"frame_index": "3"},
    ],
)
async def test_points_that_are_none_are_refused(
    more: dict[str, Any], client: SandboxClient
) -> None:
    answer = await mark(client, EXAMPLE_SESSION, **more)

    assert answer.json()["code"] == 1201


async def test_points_to_take_back_must_be_points(client: SandboxClient) -> None:
    answer = await mark(client, EXAMPLE_SESSION, "delete", points=["middle"])

    assert answer.json()["code"] == 1201


async def test_a_frame_has_ten_points_and_a_session_ten_frames(
    client: SandboxClient,
) -> None:
    await told(client, f"{SELECTION}/clear-selection", {"session_id": EXAMPLE_SESSION})
    ten = [{"x": n / 20, "y": 0} for n in range(10)]
    full = await mark(client, EXAMPLE_SESSION, points=ten)
    over = await mark(client, EXAMPLE_SESSION)
    answers: list[httpx.Response] = [
        await mark(client, EXAMPLE_SESSION, frame_index=number)
        for number in range(10, 20)
    ]

    assert (full.json()["code"], over.json()["code"]) == (0, 1201)
    assert [each.json()["code"] for each in answers] == [0] * 9 + [1201]


@pytest.mark.parametrize(
    ("runs", "text"),
    # worked out by hand from the rule of cocoapi's rleToString
    [([0, 921600], "0PPTl0"), ([1, 2, 3], "123"), ([5, 5, 5, 5, 4], "5550O")],
)
def test_run_lengths_are_written_as_coco_does(runs: list[int], text: str) -> None:
    assert run_lengths(runs) == text
