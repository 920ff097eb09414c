"""Ids in create bodies. Source: API reference, sections 2.6 to 2.8 and errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import (
    FROM_IMAGE,
    LEGACY,
    LEGACY_FROM_IMAGE,
    TASK_S,
    SandboxClient,
)

pytestmark = pytest.mark.anyio

STRANGE = "880000000000099999"
MONTH_S = 30 * 86_400
NO_VIDEO = f"From video not found by id: {STRANGE}"
NO_VOICE = "Voice id not found"
NO_ELEMENT = "Element id not found"
NO_AUDIO = f"Audio not found by id: {STRANGE}"
PICTURE = "https://img.example.com/f.png"
TTS = "/v1/audio/tts"
EXTEND = "/v1/videos/video-extend"
SELECTION = "/v1/videos/multi-elements"
ELEMENTS = "/v1/general/advanced-custom-elements"
VOICES = "/v1/general/custom-voices"
FRAME = [
    {"type": "prompt", "text": "@hero waves"},
    {"type": "first_frame", "url": PICTURE},
]
LIPS = {
    "face_id": "0",
    "audio_id": STRANGE,
    "sound_start_time": 0,
    "sound_end_time": 3000,
    "sound_insert_time": 0,
}
ELEMENT = {
    "element_name": "Hero",
    "element_description": "red coat",
    "reference_type": "image_refer",
    "element_image_list": {
        "frontal_image": PICTURE,
        "refer_images": [{"image_url": PICTURE}],
    },
}
VOICE = {"voice_name": "Ann", "voice_url": "https://snd.example.com/a.mp3"}

NAMES_NOTHING: list[tuple[str, dict[str, Any], str]] = [
    (EXTEND, {"video_id": STRANGE}, NO_VIDEO),
    (VOICES, {"voice_name": "Ann", "video_id": STRANGE}, NO_VIDEO),
    ("/v1/audio/video-to-audio", {"video_id": STRANGE}, NO_VIDEO),
    ("/v1/videos/identify-face", {"video_id": STRANGE}, NO_VIDEO),
    (f"{SELECTION}/init-selection", {"video_id": STRANGE}, NO_VIDEO),
    (
        "/v1/videos/lip-sync",
        {
            "input": {
                "video_id": STRANGE,
                "mode": "text2video",
                "text": "hello",
                "voice_id": "oversea_male1",
            }
        },
        NO_VIDEO,
    ),
    (
        "/v1/videos/lip-sync",
        {
            "input": {
                "video_url": "https://vid.example.com/a.mp4",
                "mode": "text2video",
                "text": "hello",
                "voice_id": "nobody",
            }
        },
        NO_VOICE,
    ),
    (TTS, {"text": "hello", "voice_id": "nobody", "voice_language": "en"}, NO_VOICE),
    (
        LEGACY,
        {
            "model_name": "kling-v2-6",
            "mode": "pro",
            "prompt": "<<<voice_1>>> sings",
            "sound": "on",
            "voice_list": [{"voice_id": STRANGE}],
        },
        NO_VOICE,
    ),
    (ELEMENTS, {**ELEMENT, "element_voice_id": STRANGE}, NO_VOICE),
    (
        FROM_IMAGE,
        {
            "contents": [
                *FRAME,
                {"type": "element", "element_id": STRANGE, "id": "hero"},
            ]
        },
        NO_ELEMENT,
    ),
    (
        LEGACY_FROM_IMAGE,
        {
            "model_name": "kling-v3",
            "image": PICTURE,
            "prompt": "<<<element_1>>> waves",
            "element_list": [{"element_id": int(STRANGE)}],
        },
        NO_ELEMENT,
    ),
    (
        "/v1/videos/avatar/image2video",
        {"image": PICTURE, "audio_id": STRANGE},
        NO_AUDIO,
    ),
    (
        "/v1/videos/advanced-lip-sync",
        {"session_id": "880000000000000401", "face_choose": [LIPS]},
        NO_AUDIO,
    ),
    (
        f"{SELECTION}/clear-selection",
        {"session_id": STRANGE},
        f"Session not found or expired: {STRANGE}",
    ),
]


async def test_an_id_that_names_nothing_is_refused_wherever_it_stands(
    client: SandboxClient,
) -> None:
    said = []
    for path, body, _ in NAMES_NOTHING:
        answer = await client.http.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, 1201), path
        said.append((path, answer.json()["message"]))

    assert said == [(path, message) for path, _, message in NAMES_NOTHING]
    state = await client.state()
    assert (state["tasks"], state["units_left"]) == ([], 1000)


async def test_a_video_can_be_built_on_from_its_end_for_thirty_days(
    client: SandboxClient,
) -> None:
    task_id = await client.ordered()
    bodies = {"task": {"video_id": task_id}, "early": {"video_id": task_id}}
    told = {}
    told["its task's id"] = (await client.http.post(EXTEND, json=bodies["task"])).json()
    await client.advance(TASK_S)
    video_id = (await client.task(task_id))["outputs"][0]["id"]
    for when, seconds in (("at once", 0), ("in time", MONTH_S - 1), ("too late", 1)):
        await client.advance(seconds)
        body = {"video_id": video_id}
        told[when] = (await client.http.post(EXTEND, json=body)).json()

    assert {when: answer["code"] for when, answer in told.items()} == {
        "its task's id": 1201,
        "at once": 0,
        "in time": 0,
        "too late": 1201,
    }
    assert told["its task's id"]["message"].endswith(task_id)


async def test_what_the_library_has_can_be_named_until_it_is_deleted(
    client: SandboxClient,
) -> None:
    for path, body in ((VOICES, VOICE), (ELEMENTS, ELEMENT)):
        await client.http.post(path, json=body)
    await client.advance(TASK_S)
    (voice,) = (await client.http.get(VOICES)).json()["data"]
    (element,) = (await client.http.get(ELEMENTS)).json()["data"]
    voice_id = voice["task_result"]["voices"][0]["voice_id"]
    element_id = element["task_result"]["elements"][0]["element_id"]
    bound = {**ELEMENT, "element_voice_id": voice_id}
    shown = {
        "contents": [
            *FRAME,
            {"type": "element", "element_id": str(element_id), "id": "hero"},
        ]
    }

    before = [
        (await client.http.post(path, json=body)).json()["code"]
        for path, body in ((ELEMENTS, bound), (FROM_IMAGE, shown))
    ]
    for name, wanted in (("voice", voice_id), ("element", element_id)):
        key = f"{name}_id"
        await client.http.post(f"/v1/general/delete-{name}s", json={key: wanted})
    after = [
        (await client.http.post(path, json=body)).json()["message"]
        for path, body in ((ELEMENTS, bound), (FROM_IMAGE, shown))
    ]

    assert (before, after) == ([0, 0], [NO_VOICE, NO_ELEMENT])
