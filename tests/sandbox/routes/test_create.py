"""The create calls. Source: API reference, sections 2.2 to 2.6, 5, 6 and 8."""

from __future__ import annotations

import base64
import re
import sys
import uuid
from typing import Any

import pytest

from tests.sandbox.client import (
    FROM_IMAGE,
    LEGACY,
    LEGACY_FROM_IMAGE,
    TASK_S,
    TURBO,
    SandboxClient,
    open_client,
)
from tests.sandbox.decoded_video import decode_video
from tests.support.images import png

pytestmark = pytest.mark.anyio


async def test_a_new_task_is_answered_in_the_new_shape(client: SandboxClient) -> None:
    answer = await client.create(options={"external_task_id": "job-1"})

    said = answer.json()
    data = said["data"]
    assert said["code"] == 0
    assert said["message"] == "SUCCEED"
    assert float(answer.headers["kling-sandbox-task-seconds"]) == TASK_S
    assert uuid.UUID(said["request_id"]).version == 4
    assert re.fullmatch(r"\d{18}", data["id"])
    assert data["create_time"] == data["update_time"]
    assert data == {
        "id": data["id"],
        "status": "submitted",
        "message": "",
        "create_time": data["create_time"],
        "update_time": data["update_time"],
        "external_id": "job-1",
    }


async def test_a_legacy_task_is_answered_in_the_legacy_shape(
    client: SandboxClient,
) -> None:
    answer = await client.create(LEGACY, external_task_id="job-1")

    data = answer.json()["data"]
    assert data == {
        "task_id": data["task_id"],
        "task_status": "submitted",
        "task_info": {"external_task_id": "job-1"},
        "created_at": data["created_at"],
        "updated_at": data["created_at"],
    }


async def test_without_an_external_id_none_is_told(client: SandboxClient) -> None:
    new, legacy = [await client.create(path) for path in (TURBO, LEGACY)]

    assert "external_id" not in new.json()["data"]
    assert legacy.json()["data"]["task_info"] == {}


@pytest.mark.parametrize("second", [TURBO, LEGACY, LEGACY_FROM_IMAGE])
async def test_an_external_id_is_unique_over_the_account(
    second: str, client: SandboxClient
) -> None:
    await client.ordered(options={"external_task_id": "job-1"})

    place: dict[str, Any] = {"external_task_id": "job-1"}
    more: dict[str, Any] = place if second.startswith("/v1") else {"options": place}
    if second == LEGACY_FROM_IMAGE:
        more["image"] = "https://img.example.com/a.png"
    answer = await client.create(second, **more)

    assert answer.status_code == 400
    assert answer.json()["code"] == 1201
    assert answer.json()["message"] == "External_task_id job-1 already exists"
    assert len((await client.state())["tasks"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (TURBO, {"settings": {"resolution": "4k"}}, "settings.resolution value '4k'"),
        (
            "/text-to-video/kling-3.0",
            {"settings": {"audio": "loud"}},
            "settings.audio value 'loud' is invalid",
        ),
        (TURBO, {"prompt": None}, "prompt"),
        (TURBO, {"options": {"external_task_id": 7}}, "options.external_task_id value"),
        (LEGACY, {"callback_url": ["x"]}, "callback_url value '['x']' is invalid"),
        (FROM_IMAGE, {"contents": []}, "contents cannot be empty"),
        (FROM_IMAGE, {}, "contents cannot be empty"),
        (LEGACY, {"mode": "8k"}, "mode value '8k' is invalid"),
        (LEGACY, {"model_name": "kling-v9"}, "model_name value 'kling-v9' is invalid"),
        (LEGACY_FROM_IMAGE, {"image": "data:image/png;base64,AAAA"}, "image"),
        (LEGACY_FROM_IMAGE, {"image": base64.b64encode(b"text").decode()}, "image"),
        (
            LEGACY_FROM_IMAGE,
            {"image": base64.b64encode(png(200, 200)).decode()},
            "300 px",
        ),
    ],
)
async def test_a_wrong_value_is_refused_by_name(
    path: str, body: dict[str, Any], message: str, client: SandboxClient
) -> None:
    answer = await client.create(path, **body)

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert message in answer.json()["message"]
    assert (await client.state())["tasks"] == []


async def test_settings_nobody_knows_are_ignored(client: SandboxClient) -> None:
    answer = await client.create(settings={"mood": "melancholy", "duration": 3})

    assert answer.json()["code"] == 0


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'"text"', b"[" * 100_000),
    ],
)
async def test_what_is_no_json_object_is_refused(
    content: bytes, client: SandboxClient
) -> None:
    answer = await client.http.post(TURBO, content=content)

    assert (answer.status_code, answer.json()["code"]) == (400, 1200)


async def test_what_is_nested_too_deeply_is_refused(client: SandboxClient) -> None:
    depth = sys.getrecursionlimit() - 100  # json reads it; a walk goes too deep
    content = b'{"prompt": %s%s}' % (b"[" * depth, b"]" * depth)

    answer = await client.http.post(TURBO, content=content)

    assert (answer.status_code, answer.json()["code"]) == (400, 1200)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/text-to-video/kling-9", 1203),
        ("POST", "/text-to-video", 1203),
        ("GET", "/v1/models", 1203),
        ("GET", "/", 1203),
        ("POST", "//tasks", 1203),
        ("GET", TURBO, 1202),
        ("DELETE", LEGACY, 1202),
        ("DELETE", f"{LEGACY}/1", 1202),
        ("PUT", "/tasks", 1202),
        ("POST", "/account/costs", 1202),
        ("GET", f"{TURBO}/1", 1203),
        ("GET", f"{LEGACY}/", 1203),
    ],
)
async def test_paths_and_methods_there_are_not_are_404(
    method: str, path: str, code: int, client: SandboxClient
) -> None:
    answer = await client.http.request(method, path, json={"prompt": "a boat"})

    assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize("body", [{"model_name": "kling-v1"}, {"model_name": None}])
async def test_a_discontinued_model_is_said_to_be_one(
    body: dict[str, Any], client: SandboxClient
) -> None:
    answer = await client.create(LEGACY, **body)

    assert answer.json()["code"] == 1203
    assert "The model 'kling-v1' has been discontinued" in answer.json()["message"]


@pytest.mark.sandbox(slots=2)
async def test_over_the_slots_of_a_model_a_task_has_to_wait(
    client: SandboxClient,
) -> None:
    first = await client.ordered()
    await client.ordered()

    refused = await client.create()
    other_model = await client.create("/text-to-video/kling-3.0")
    await client.control(f"tasks/{first}", {"status": "failed"})
    after_the_end_of_one = await client.create()

    assert refused.status_code == 429
    assert refused.json() == {
        "code": 1303,
        "message": "parallel task over resource pack limit",
        "request_id": refused.json()["request_id"],
    }
    assert other_model.json()["code"] == 0
    assert after_the_end_of_one.json()["code"] == 0


@pytest.mark.sandbox(slots=1)
async def test_slots_are_shared_by_both_ways_to_a_model(client: SandboxClient) -> None:
    await client.ordered("/text-to-video/kling-3.0")

    refused = await client.create(LEGACY, model_name="kling-v3")

    assert refused.json()["code"] == 1303


@pytest.mark.sandbox(units=4)
async def test_a_pack_is_charged_on_completion_and_then_empty(
    client: SandboxClient,
) -> None:
    await client.ordered()
    beside_the_first = await client.create()
    await client.advance(TASK_S)

    refused = await client.create()

    assert beside_the_first.json()["code"] == 0
    assert (refused.status_code, refused.json()["code"]) == (429, 1102)
    assert refused.json()["message"] == "Account balance not enough"


@pytest.mark.sandbox(units=4)
@pytest.mark.parametrize("fault", ["failed", "moderation", "failed-succeed-message"])
async def test_a_failed_task_costs_nothing(fault: str, client: SandboxClient) -> None:
    await client.fail(f"task:{fault}")

    failed = await client.finished()
    again = await client.create()

    assert failed["status"] == "failed"
    assert failed["message"]
    assert failed["outputs"] == []
    assert failed["billing"][0]["amount"] == "0"
    assert again.json()["code"] == 0


@pytest.mark.parametrize(
    ("path", "body", "amount"),
    [
        (TURBO, {}, "4"),
        (TURBO, {"settings": {"duration": 3}}, "2.4"),
        (TURBO, {"settings": {"resolution": "1080p"}}, "5"),
        (LEGACY, {"mode": "4k", "duration": "10"}, "30"),
        (LEGACY, {"model_name": "kling-v2-6", "mode": "pro", "sound": "on"}, "5"),
    ],
)
async def test_whole_seconds_are_charged_at_the_rate_of_the_variant(
    path: str, body: dict[str, Any], amount: str, client: SandboxClient
) -> None:
    task = await client.finished(path, **body)

    assert task["billing"] == [
        {"charge_type": "unit", "amount": amount, "package_type": "video"}
    ]


@pytest.mark.parametrize(
    ("path", "body", "size", "has_sound"),
    [
        (TURBO, {}, (1280, 720), True),
        (TURBO, {"settings": {"aspect_ratio": "9:16"}}, (720, 1280), True),
        (LEGACY, {"aspect_ratio": "1:1"}, (960, 960), False),
        (LEGACY, {"mode": "pro", "sound": "on"}, (1920, 1080), True),
        (LEGACY_FROM_IMAGE, {"image": "https://img.example.com/a.png"}, None, False),
        (
            LEGACY_FROM_IMAGE,
            {"image": base64.b64encode(png(900, 600)).decode()},
            (1176, 784),
            False,
        ),
    ],
)
async def test_the_file_is_what_was_ordered(
    path: str,
    body: dict[str, Any],
    size: tuple[int, int] | None,
    has_sound: bool,
    client: SandboxClient,
) -> None:
    task = await client.finished(path, **body)

    film = decode_video(await client.file_of(task))

    assert (film.width, film.height) == (size or (1280, 720))
    assert (film.sound_s is not None) == has_sound
    assert film.frames == 121
    assert task["outputs"][0]["duration"] == "5.041"


async def test_an_image_shapes_the_video_of_the_new_path_too(
    client: SandboxClient,
) -> None:
    image = base64.b64encode(png(400, 800)).decode()
    contents = [
        {"type": "prompt", "text": "it blinks"},
        {"type": "first_frame", "url": image},
    ]

    task = await client.finished(FROM_IMAGE, contents=contents)

    film = decode_video(await client.file_of(task))
    assert film.height == pytest.approx(2 * film.width, rel=0.01)


async def test_a_task_takes_the_usual_time_of_its_model_over_speed() -> None:
    async with open_client(task_seconds=None, speed=2.0) as client:
        turbo = await client.ordered()
        await client.advance(13)
        almost = await client.task(turbo)
        await client.advance(1.5)  # 28 s are usual for Turbo

        assert almost["status"] == "processing"
        assert (await client.task(turbo))["status"] == "succeeded"


async def test_a_seed_makes_the_same_ids_and_keys_again() -> None:
    seen = []
    for _ in range(2):
        async with open_client(seed=3) as client:
            seen.append((client.sandbox.api_key, await client.ordered()))

    assert seen[0] == seen[1]


async def test_without_a_seed_everything_differs() -> None:
    seen = set()
    for _ in range(2):
        async with open_client(seed=None) as client:
            seen |= {
                client.sandbox.api_key,
                client.sandbox.secret_key,
                await client.ordered(),
            }

    assert len(seen) == 6


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            LEGACY_FROM_IMAGE,
            {
                "model_name": "kling-v3",
                "image": "https://img.example.com/a.png",
                "prompt": "a boat",
                "mode": "std",
                "duration": "5",
                "multi_prompt": [],
                "camera_control": {"type": "", "config": {}},
                **dict.fromkeys(
                    (
                        *("image_tail", "negative_prompt", "static_mask"),
                        *("external_task_id", "callback_url"),
                    ),
                    "",
                ),
            },
            id="legacy",
        ),
        pytest.param(
            FROM_IMAGE,
            {
                "contents": [
                    {"type": "prompt", "text": "a boat"},
                    {
                        "type": "first_frame",
                        "url": "https://img.example.com/a.png",
                        "id": "",
                    },
                ],
                "settings": {"resolution": "", "duration": 5, "audio": ""},
                "options": {"external_task_id": "", "callback_url": ""},
            },
            id="new",
        ),
        pytest.param(
            "/v1/videos/identify-face",
            {"video_id": "", "video_url": "https://vid.example.com/a.mp4"},
            id="at once",
        ),
    ],
)
async def test_an_empty_value_is_as_good_as_nothing(
    path: str, body: dict[str, Any], client: SandboxClient
) -> None:
    answers = [(await client.http.post(path, json=body)).json() for _ in range(2)]

    assert [each["code"] for each in answers] == [0, 0], answers
    tasks = (await client.state())["tasks"]
    assert [(each["external_id"], each["callback_url"]) for each in tasks] == [
        (None, None)
    ] * len(tasks)


async def test_an_empty_string_is_no_required_value(client: SandboxClient) -> None:
    answer = await client.http.post("/v1/audio/text-to-audio", json={"prompt": ""})

    assert answer.json()["message"] == "prompt is required"


async def test_o1_goes_on_from_a_frame_for_five_or_ten_seconds(
    client: SandboxClient,
) -> None:
    body = {
        "contents": [
            {"type": "prompt", "text": "a boat"},
            {"type": "first_frame", "url": "https://img.example.com/a.png"},
        ],
        "settings": {"duration": 7},
    }

    answer = await client.http.post("/omni-video/kling-o1", json=body)

    assert answer.json()["code"] == 1201
    assert answer.json()["message"] == (
        "Duration only supports 5 or 10 seconds when no refer_image is provided"
    )
