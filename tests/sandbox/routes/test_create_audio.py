"""Sounds, from the order to the files. Source: API reference, sections 2.7 and 6."""

from __future__ import annotations

import io
import wave

import pytest

from tests.sandbox.client import SandboxClient

pytestmark = pytest.mark.anyio

FROM_TEXT = "/v1/audio/text-to-audio"
FROM_VIDEO = "/v1/audio/video-to-audio"
RAIN = {"prompt": "Rain on a tin roof", "duration": 3.5}


async def test_a_sound_lasts_as_long_as_asked_for(client: SandboxClient) -> None:
    task = await client.finished_task(FROM_TEXT, RAIN)

    (audio,) = task["task_result"]["audios"]
    mp3, wav = [await client.fetch(audio[key]) for key in ("url_mp3", "url_wav")]
    assert mp3.headers["content-type"] == "audio/mpeg"
    assert mp3.content.startswith(b"ID3")
    assert (audio["duration_mp3"], audio["duration_wav"]) == ("3.504", "3.500")
    with wave.open(io.BytesIO(wav.content)) as file:
        assert file.getnframes() == 3.5 * file.getframerate()
    assert task["final_unit_deduction"] == "0.25"


async def test_the_new_shape_spells_it_its_own_way(client: SandboxClient) -> None:
    task = await client.finished_task(FROM_TEXT, RAIN)

    (output,) = (await client.task(task["task_id"]))["outputs"]

    assert sorted(output) == [
        "id",
        "mp3_duration",
        "mp3_url",
        "type",
        "wav_duration",
        "wav_url",
    ]


async def test_a_video_comes_back_with_its_sound(client: SandboxClient) -> None:
    (video,) = (await client.finished())["outputs"]

    task = await client.finished_task(FROM_VIDEO, {"video_id": video["id"]})

    result = task["task_result"]
    assert task["task_info"]["parent_video"]["id"] == video["id"]
    assert list(result) == ["videos", "audios"]
    film = await client.fetch(result["videos"][0]["url"])
    assert film.content[4:8] == b"ftyp"
    # there is sound to be heard in it
    assert b"mp4a" in film.content


async def test_sounds_are_paid_by_the_video_pack(client: SandboxClient) -> None:
    await client.finished_task(FROM_TEXT, RAIN)

    assert (await client.state())["units_left"] == 999.75
