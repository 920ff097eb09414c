"""Paths that left the documentation and are served. Source: API reference, 2.0, 2.8."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import TASK_S, SandboxClient

pytestmark = pytest.mark.anyio

LIP_SYNC = "/v1/videos/lip-sync"
ELEMENTS = "/v1/general/custom-elements"
PICTURE = "https://img.example.com/f.png"
HERO = {
    "element_name": "Hero",
    "element_description": "red coat",
    "element_frontal_image": PICTURE,
    "element_refer_list": [{"image_url": PICTURE}, {"image_url": PICTURE}],
}


def lips(**said: Any) -> dict[str, Any]:
    text = {"mode": "text2video", "text": "Hello there", "voice_id": "oversea_male1"}
    video = {} if "video_url" in said else {"video_id": "880000000000000101"}
    merged = {**video, **text, **said}
    return {"input": {k: v for k, v in merged.items() if v is not None}}


async def test_the_first_lip_sync_makes_a_video_of_the_same_length(
    client: SandboxClient,
) -> None:
    (video,) = (await client.finished(settings={"duration": 7}))["outputs"]

    created = await client.http.post(LIP_SYNC, json=lips(video_id=video["id"]))
    task_id = created.json()["data"]["task_id"]
    await client.advance(TASK_S)
    single = (await client.http.get(f"{LIP_SYNC}/{task_id}")).json()["data"]
    listed = (await client.http.get(LIP_SYNC)).json()["data"]

    (made,) = single["task_result"]["videos"]
    assert (made["duration"], single["final_unit_deduction"]) == ("7.041", "1")
    assert single["task_info"]["parent_video"]["id"] == video["id"]
    assert [each["task_id"] for each in listed] == [task_id]


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ({}, 0, "SUCCEED"),
        ({"video_url": "https://vid.example.com/a.mp4"}, 0, "SUCCEED"),
        ({"text": ""}, 1201, "input.text"),
        ({"mode": "audio2video", "text": None, "voice_id": None}, 1201, "audio_type"),
        (
            {
                "mode": "audio2video",
                "audio_type": "url",
                "audio_url": "https://snd.example.com/a.mp3",
            },
            0,
            "SUCCEED",
        ),
        ({"mode": "audio2video", "audio_type": "file"}, 1201, "input.audio_file"),
        ({"voice_speed": 3}, 1201, "input.voice_speed value '3' is invalid"),
        ({"video_id": None}, 1201, "input.video_id"),
    ],
)
async def test_the_first_lip_sync_has_rules(
    said: dict[str, Any], code: int, words: str, client: SandboxClient
) -> None:
    answer = (await client.http.post(LIP_SYNC, json=lips(**said))).json()

    assert (answer["code"], words in answer["message"]) == (code, True), answer


async def test_elements_of_the_first_generation_are_a_library_of_their_own(
    client: SandboxClient,
) -> None:
    refused = await client.http.post(ELEMENTS, json={**HERO, "element_refer_list": []})
    made = (await client.http.post(ELEMENTS, json=HERO)).json()["data"]
    listed = (await client.http.get(ELEMENTS)).json()["data"]
    others = (await client.http.get("/v1/general/advanced-custom-elements")).json()
    wanted = {"element_id": made["element_id"]}
    deleted = [
        (await client.http.post("/v1/general/delete-elements", json=wanted)).json()
        for _ in range(2)
    ]

    assert refused.json()["code"] == 1201
    assert made["element_name"] == "Hero"
    urls = [made["element_frontal_image"], made["element_refer_list"][1]["image_url"]]
    assert [(await client.fetch(url)).status_code for url in urls] == [200, 200]
    assert ([each["element_id"] for each in listed], others["data"]) == (
        [made["element_id"]],
        [],
    )
    assert [each["code"] for each in deleted] == [0, 1201]
    assert (await client.http.get(ELEMENTS)).json()["data"] == []


async def test_requests_to_historic_paths_are_marked(client: SandboxClient) -> None:
    await client.http.post(LIP_SYNC, json=lips())
    await client.http.get(f"{LIP_SYNC}/1")
    await client.http.get(ELEMENTS)
    await client.http.get("/v1/videos/lip-syncs")
    await client.create()

    requests = (await client.state())["requests"]

    assert [each["is_historic"] for each in requests] == [True] * 3 + [False] * 2
