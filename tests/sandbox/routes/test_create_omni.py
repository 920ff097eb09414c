"""Omni videos and effects, from order to film. Source: API reference, 2.4, 2.6, 6."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.client import LEGACY, TASK_S, SandboxClient
from tests.sandbox.decoded_video import decode_video
from tests.support.images import png

pytestmark = pytest.mark.anyio

OMNI, O1 = "/omni-video/kling-3.0-omni", "/omni-video/kling-o1"
OLD = "/v1/videos/omni-video"
EFFECTS = "/v1/videos/effects"
EXTEND = "/v1/videos/video-extend"
FACE = "https://img.example.com/face.png"
CLIP = "https://vid.example.com/clip.mp4"
TALL = base64.b64encode(png(400, 800)).decode()
WORDS = {"type": "prompt", "text": "a boat"}

Json = dict[str, Any]


async def made(client: SandboxClient, path: str, body: Json) -> Json:
    """Order, let the time pass, and return the task in the new shape."""
    answer = await client.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    await client.advance(TASK_S)
    return await client.task(data.get("id") or data["task_id"])


def edit(url: str, **settings: Any) -> Json:
    return {
        "contents": [WORDS, {"type": "base_video", "url": url}],
        "settings": settings,
    }


def units_of(task: Json) -> str:
    return str(task["billing"][0]["amount"])


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        pytest.param(
            OMNI,
            {
                "contents": [WORDS],
                "settings": {"aspect_ratio": "9:16", "duration": 3, "audio": "native"},
            },
            (720, 1280, 3, True, "2.4"),
            id="a portrait with sound",
        ),
        pytest.param(
            OMNI,
            {"contents": [WORDS, {"type": "first_frame", "url": TALL, "id": "f"}]},
            (678, 1358, 5, False, "3"),
            id="of the shape of its frame",
        ),
        pytest.param(
            O1,
            edit(CLIP, resolution="1080p", audio="original"),
            (1920, 1080, 5, True, "6"),
            id="a video from elsewhere is taken to last 5 s and to be heard",
        ),
        pytest.param(
            OMNI,
            {
                "contents": [WORDS, {"type": "feature_video", "url": CLIP}],
                "settings": {"duration": 7, "aspect_ratio": "1:1"},
            },
            (960, 960, 7, False, "6.3"),
            id="a video to refer to decides nothing",
        ),
        pytest.param(
            OLD,
            {"model_name": "kling-v3-omni", "prompt": "a", "aspect_ratio": "1:1"},
            (1440, 1440, 5, False, "4"),
            id="the older default is 1080p",
        ),
    ],
)
async def test_a_film_is_as_asked_for(
    path: str,
    body: Json,
    wanted: tuple[int, int, int, bool, str],
    client: SandboxClient,
) -> None:
    task = await made(client, path, body)

    film = decode_video(await client.file_of(task))
    width, height, seconds, is_heard, units = wanted
    assert (film.width, film.height) == (width, height)
    assert film.frames == 24 * seconds + 1
    assert (film.sound_s is not None) == is_heard
    assert units_of(task) == units


async def test_an_edit_of_our_own_film_has_its_shape_length_and_sound(
    client: SandboxClient,
) -> None:
    settings = {"aspect_ratio": "9:16", "duration": 3}
    silent = await made(client, OMNI, {"contents": [WORDS], "settings": settings})
    url = silent["outputs"][0]["url"]

    task = await made(client, OMNI, edit(url, audio="original", duration=9))

    film = decode_video(await client.file_of(task))
    assert (film.width, film.height) == (720, 1280)
    assert film.frames == 24 * 3 + 1
    assert film.sound_s is None
    assert units_of(task) == "2.7"


async def test_an_edit_of_a_film_with_sound_keeps_it_when_asked_to(
    client: SandboxClient,
) -> None:
    heard = await made(
        client, OMNI, {"contents": [WORDS], "settings": {"audio": "native"}}
    )
    url = heard["outputs"][0]["url"]

    films = [
        decode_video(await client.file_of(await made(client, path, body)))
        for path, body in (
            (OMNI, edit(url, audio="original")),
            (OMNI, edit(url)),
            (OLD, {"prompt": "a", "video_list": [{"video_url": url}]}),
        )
    ]

    assert [film.sound_s is not None for film in films] == [True, False, True]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (OMNI, {"contents": []}),
        (OMNI, {"contents": [WORDS, {"type": "last_frame", "url": FACE}]}),
        (OMNI, {"contents": [WORDS, {"type": "base_video", "url": "clip.mp4"}]}),
        (OMNI, edit(CLIP, audio="native")),
        (O1, {"contents": [WORDS], "settings": {"audio": "native"}}),
        (O1, {"contents": [WORDS], "settings": {"resolution": "4k"}}),
        (OLD, {"prompt": "a"}),
        (OLD, {"prompt": "a", "aspect_ratio": "1:1", "multi_shot": True}),
        (EFFECTS, {"effect_scene": "hug", "input": {"images": [FACE, FACE]}}),
        (EFFECTS, {"effect_scene": "hug_pro", "input": {"image": FACE}}),
        (EFFECTS, {"effect_scene": "nezha", "input": {"images": [FACE, FACE]}}),
    ],
)
async def test_what_the_rules_forbid_is_a_1201(
    path: str, body: Json, client: SandboxClient
) -> None:
    answer = await client.http.post(path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert (await client.state())["tasks"] == []


@pytest.mark.parametrize(
    ("scene", "images", "size"),
    [
        ("football_live_9_16", {"image": FACE}, (720, 1280)),
        ("football_live", {"image": FACE}, (1280, 720)),
        ("nezha", {"image": TALL}, (678, 1358)),
        ("hug_pro", {"images": [FACE, FACE]}, (1280, 720)),
    ],
)
async def test_an_effect_does_not_say_how_long_it_is(
    scene: str, images: Json, size: tuple[int, int], client: SandboxClient
) -> None:
    task = await made(client, EFFECTS, {"effect_scene": scene, "input": images})
    old = (await client.http.get(f"{EFFECTS}/{task['id']}")).json()["data"]

    film = decode_video(await client.file_of(task))
    assert (film.width, film.height) == size
    assert set(task["outputs"][0]) == {"type", "id", "url"}
    assert set(old["task_result"]["videos"][0]) == {"id", "url"}


@pytest.mark.parametrize(
    ("mode", "units", "size"),
    [("std", "2", (720, 1280)), ("pro", "3.5", (1080, 1920))],
)
async def test_an_extension_costs_by_what_it_extends(
    mode: str, units: str, size: tuple[int, int], client: SandboxClient
) -> None:
    first = await client.finished(
        LEGACY, model_name="kling-v1-6", mode=mode, aspect_ratio="9:16"
    )

    task = await made(client, EXTEND, {"video_id": first["outputs"][0]["id"]})

    film = decode_video(await client.file_of(task))
    assert units_of(task) == units
    assert (film.width, film.height) == size
