"""How long results are that follow an input. Source: API reference, 2, 5.4 and 6."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.decoded_video import decode_video
from tests.support.sounds import wav

if TYPE_CHECKING:
    from tests.sandbox.client import SandboxClient

pytestmark = pytest.mark.anyio

AVATAR = "/v1/videos/avatar/image2video"
MOTION = "/motion-control/kling-3.0"
EXTEND = "/v1/videos/video-extend"
FROM_VIDEO = "/v1/audio/video-to-audio"
DUPE = "/solutions/e-commerce/clothing_dupe"
TTS = "/v1/audio/tts"
FACE = "https://img.example.com/face.png"
CLIP = "https://vid.example.com/dance.mp4"


def sound(seconds: float) -> str:
    return base64.b64encode(wav(seconds)).decode()


async def talking(client: SandboxClient, **body: Any) -> dict[str, Any]:
    answer = await client.http.post(AVATAR, json={"image": FACE, **body})
    assert answer.status_code == 200, answer.text
    await client.advance(100)
    return await client.task(answer.json()["data"]["task_id"])


async def dancing(
    client: SandboxClient, url: str, orientation: str = "video"
) -> dict[str, Any]:
    contents = [{"type": "image", "url": FACE}, {"type": "video", "url": url}]
    settings = {"character_orientation": orientation}
    answer = await client.http.post(
        MOTION, json={"contents": contents, "settings": settings}
    )
    assert answer.status_code == 200, answer.text
    await client.advance(100)
    return await client.task(answer.json()["data"]["id"])


def seconds_of(task: dict[str, Any]) -> float:
    return float(task["outputs"][0]["duration"])


def units_of(task: dict[str, Any]) -> str:
    return str(task["billing"][0]["amount"])


@pytest.mark.parametrize(
    ("body", "seconds", "units"),
    [
        ({"sound_file": sound(11.3)}, 12.3, "4.4"),
        ({"sound_file": sound(4), "mode": "pro"}, 5.0, "3.2"),
        ({"sound_file": "https://snd.example.com/a.mp3"}, 6.0, "2"),
        ({"audio_id": "880000000000000201"}, 6.0, "2"),
    ],
    ids=["of a sound", "at 1080p", "of a link", "of the reference's example"],
)
async def test_an_avatar_lasts_a_second_longer_than_its_sound_and_is_paid_by_it(
    body: dict[str, Any], seconds: float, units: str, client: SandboxClient
) -> None:
    task = await talking(client, **body)

    assert seconds_of(task) == pytest.approx(seconds, abs=0.05)
    assert units_of(task) == units


async def test_the_film_of_a_sound_really_is_so_long(client: SandboxClient) -> None:
    task = await talking(client, sound_file=sound(8))

    film = decode_video(await client.file_of(task))

    assert film.duration_s == pytest.approx(9, abs=0.05)
    assert film.sound_s == pytest.approx(9, abs=0.1)


async def test_an_avatar_lasts_as_long_as_what_was_spoken(
    client: SandboxClient,
) -> None:
    said = {"text": "a" * 112, "voice_id": "genshin_klee2", "voice_language": "en"}
    speech = (await client.http.post(TTS, json=said)).json()["data"]
    (audio,) = speech["task_result"]["audios"]

    task = await talking(client, audio_id=audio["id"])

    assert float(audio["duration"]) == pytest.approx(8, abs=0.03)
    assert seconds_of(task) == pytest.approx(9, abs=0.05)
    assert units_of(task) == "3.2"


async def test_a_sound_that_was_made_here_is_known_by_its_id(
    client: SandboxClient,
) -> None:
    rain = {"prompt": "rain", "duration": 7.0}
    made = await client.http.post("/v1/audio/text-to-audio", json=rain)
    await client.advance(100)
    (audio,) = (await client.task(made.json()["data"]["task_id"]))["outputs"]

    task = await talking(client, audio_id=audio["id"])

    assert units_of(task) == "2.8"


async def test_a_dance_lasts_as_long_as_a_film_that_was_made_here(
    client: SandboxClient,
) -> None:
    own = await client.finished(settings={"duration": 9})

    task = await dancing(client, own["outputs"][0]["url"])

    assert task["outputs"][0]["duration"] == own["outputs"][0]["duration"] == "9.041"
    assert units_of(task) == "8.1"


@pytest.mark.parametrize("link", [CLIP, "own, tampered with"])
async def test_a_dance_after_a_stranger_s_film_lasts_five_seconds(
    link: str, client: SandboxClient
) -> None:
    if link != CLIP:
        query = "Expires=9999999999&Signature=0"
        link = f"{client.sandbox.base_url}/files/1/video.mp4?{query}"

    task = await dancing(client, link, "image")

    assert task["outputs"][0]["duration"] == "5.041"
    assert units_of(task) == "4.5"


async def test_an_extension_adds_to_the_film_it_is_made_from(
    client: SandboxClient,
) -> None:
    (parent,) = (await client.finished())["outputs"]

    task = await client.finished(EXTEND, video_id=parent["id"], model_name=None)

    assert seconds_of(task) == pytest.approx(5.041 + 4.5, abs=0.05)


async def test_sounds_for_a_film_last_as_long_as_it(client: SandboxClient) -> None:
    (film,) = (await client.finished(settings={"duration": 8}))["outputs"]

    made = await client.http.post(FROM_VIDEO, json={"video_id": film["id"]})
    await client.advance(100)
    video, audio = (await client.task(made.json()["data"]["task_id"]))["outputs"]

    assert video["duration"] == "8.041"
    assert float(audio["wav_duration"]) == pytest.approx(8.041, abs=0.001)


async def test_what_cannot_be_known_is_the_nearest_that_is_taken(
    client: SandboxClient,
) -> None:
    contents = [
        {"type": "product_info", "text": "Linen shirt"},
        {"type": "source_video", "url": CLIP},
        {"type": "product_image", "url": FACE},
    ]
    made = await client.http.post(DUPE, json={"contents": contents})
    await client.advance(100)
    params = {"task_ids": made.json()["data"]["id"]}
    (task,) = (await client.http.get("/solutions", params=params)).json()["data"]

    product, model, film = task["outputs"]
    types = [each["type"] for each in (product, model, film)]
    assert types == ["product_image", "model_images", "product_video"]
    assert (await client.fetch(model["url"])).content.startswith(b"\x89PNG")
    seen = decode_video((await client.fetch(film["url"])).content)
    assert seen.duration_s == pytest.approx(5.041, abs=0.001)


async def test_a_presenter_lasts_as_long_as_the_script(client: SandboxClient) -> None:
    contents = [
        {"type": "avatar_id", "text": "avatar_mia_female"},
        {"type": "speech_script", "text": "a" * 280},
    ]
    body = {"contents": contents, "settings": {"speech_rate": 0.8}}
    made = await client.http.post("/solutions/talking_agent", json=body)
    await client.advance(100)
    params = {"task_ids": made.json()["data"]["id"]}
    (task,) = (await client.http.get("/solutions", params=params)).json()["data"]

    assert seconds_of(task) == pytest.approx(25, abs=0.05)


async def test_a_face_is_seen_as_long_as_the_film_lasts(client: SandboxClient) -> None:
    (film,) = (await client.finished(settings={"duration": 7}))["outputs"]
    path = "/v1/videos/identify-face"

    own, other = [
        (await client.http.post(path, json={"video_url": url})).json()["data"]
        for url in (film["url"], CLIP)
    ]

    assert own["face_data"][0]["end_time"] == 7041
    assert other["face_data"][0]["end_time"] == 5041
