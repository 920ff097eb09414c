"""What comes of orders. Source: API reference, sections 2.2 and 2.7 to 2.10."""

from __future__ import annotations

import base64
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from kling_cli.sandbox.media.generation import MediaRequest, generate_outputs
from tests.support.images import png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kling_cli.sandbox.media.outputs import Output


def made(
    output: str,
    body: Mapping[str, Any] | None = None,
    *,
    path: str = "/v1/images/generations",
    **wanted: Any,
) -> tuple[Output, ...]:
    numbers = count(1)
    wish = MediaRequest(
        path=path,
        output=output,
        label="880",
        body=body or {},
        values=wanted,
        new_id=lambda: f"83{next(numbers)}",
        seconds=wanted.get("duration", 5),
    )
    return generate_outputs(wish)


def link(name: str) -> str:
    return f"https://cdn/{name}"


def legacy(outputs: tuple[Output, ...]) -> list[tuple[str, dict[str, Any]]]:
    return [each.legacy(link) for each in outputs]


def new(outputs: tuple[Output, ...]) -> list[dict[str, Any]]:
    return [item for each in outputs for item in each.new(link)]


def size(output: Output) -> tuple[int, int]:
    (picture,) = output.files.values()
    raw = picture.render()
    return int.from_bytes(raw[16:20]), int.from_bytes(raw[20:24])


def test_as_many_images_as_asked_for_are_numbered_from_0() -> None:
    outputs = made("image", n=2, watermark=True)

    assert legacy(outputs) == [
        (
            "images",
            {
                "index": index,
                "url": f"https://cdn/image_{index}.png",
                "watermark_url": f"https://cdn/image_{index}_wm.png",
            },
        )
        for index in (0, 1)
    ]
    first, _ = outputs
    assert len({content.render() for content in first.files.values()}) == 2


def test_the_new_shape_of_an_image_has_neither_id_nor_index() -> None:
    assert new(made("image")) == [
        {"type": "image", "url": "https://cdn/image_0.png"},
    ]


@pytest.mark.parametrize(("amount", "number"), [(3, 3), ("auto", 4), (None, 4)])
def test_a_series_is_one_group(amount: int | str | None, number: int) -> None:
    body = {"result_type": "series", "series_amount": amount}
    outputs = made("image", {k: v for k, v in body.items() if v}, n=9)

    assert [name for name, _ in legacy(outputs)] == ["series_images"] * number
    assert {item["group_id"] for item in new(outputs)} == {"831"}


@pytest.mark.parametrize(
    ("body", "wanted", "pixels"),
    [
        ({}, {"resolution": "1k", "aspect_ratio": "1:1"}, (1024, 1024)),
        ({}, {"resolution": "2k", "aspect_ratio": "4:1"}, (4096, 1024)),
        ({}, {"resolution": "4k", "aspect_ratio": "1:4"}, (2048, 8192)),
        ({}, {"aspect_ratio": "auto"}, (1024, 1024)),
        ({"image": "800x400"}, {"aspect_ratio": "auto"}, (1448, 724)),
        ({"image": "800x400"}, {"aspect_ratio": "1:1"}, (1024, 1024)),
        ({"image": "https://a/b.png"}, {}, (1024, 1024)),
        ({"image": "no image"}, {}, (1024, 1024)),
        ({"left_expansion_ratio": 0.5, "up_expansion_ratio": 1}, {}, (1536, 2048)),
    ],
)
def test_an_image_has_the_asked_for_size(
    body: dict[str, Any], wanted: dict[str, Any], pixels: tuple[int, int]
) -> None:
    if body.get("image") == "800x400":
        body = {"image": base64.b64encode(png(800, 400)).decode()}

    (output,) = made("image", body, **wanted)

    assert size(output) == pixels


def test_a_sound_comes_as_mp3_and_wav_in_both_spellings() -> None:
    outputs = made("audio", duration=5.0)

    assert legacy(outputs) == [
        (
            "audios",
            {
                "id": "831",
                "url_mp3": "https://cdn/audio.mp3",
                "duration_mp3": "5.016",
                "url_wav": "https://cdn/audio.wav",
                "duration_wav": "5.000",
            },
        )
    ]
    assert new(outputs) == [
        {
            "type": "audio",
            "id": "831",
            "mp3_url": "https://cdn/audio.mp3",
            "mp3_duration": "5.016",
            "wav_url": "https://cdn/audio.wav",
            "wav_duration": "5.000",
        }
    ]


def test_a_video_given_sound_comes_with_the_sound_alone() -> None:
    outputs = made("video", path="/v1/audio/video-to-audio")

    assert [name for name, _ in legacy(outputs)] == ["videos", "audios"]


def test_a_session_is_told_with_the_legacy_video_only() -> None:
    outputs = made("video", {"session_id": "885"})

    assert legacy(outputs)[0][1]["session_id"] == "885"
    assert "session_id" not in new(outputs)[0]


def test_three_sets_of_three_views_come_of_a_subject() -> None:
    outputs = made("image", path="/v1/general/ai-multi-shot")

    items = [item for _, item in legacy(outputs)]
    assert [list(item) for item in items] == [["index", "url_1", "url_2", "url_3"]] * 3
    assert len({item[key] for item in items for key in list(item)[1:]}) == 9
    assert len(new(outputs)) == 9


def test_a_subtitled_drama_comes_with_its_subtitles() -> None:
    outputs = made("video", path="/solutions/drama_subtitle")

    items = new(outputs)
    assert [item["type"] for item in items] == ["subbed_video", "srt", "ass"]
    assert items[1] == {"type": "srt", "url": "https://cdn/subtitles.srt"}
    (ass,) = outputs[2].files.values()
    assert "Style: Default,Arial,56," in ass.render().decode()


def test_subtitles_have_the_asked_for_look() -> None:
    body = {"settings": {"font_size": 30, "margin_v": 7}}

    *_, ass = made("video", body, path="/solutions/drama_subtitle")

    (content,) = ass.files.values()
    assert "Arial,30,&H00FFFFFF,2,40,40,7" in content.render().decode()


def test_a_voice_is_shown_with_its_sample() -> None:
    outputs = made("voice", {"voice_name": "Ann"})

    assert legacy(outputs) == [
        (
            "voices",
            {
                "voice_id": "831",
                "voice_name": "Ann",
                "trial_url": "https://cdn/voice.mp3",
                "owned_by": "10000001",
            },
        )
    ]
    assert new(outputs)[0]["status"] == "succeeded"


def test_an_element_is_shown_with_its_references() -> None:
    body = {
        "element_name": "Hero",
        "element_description": "red coat",
        "reference_type": "image_refer",
        "element_image_list": {
            "frontal_image": "https://img/f.png",
            "refer_images": [{"image_url": "https://img/r.png"}],
        },
        "tag_list": [{"tag_id": "o_102"}, {"tag_id": "o_999"}],
    }

    outputs = made("element", body)

    ((name, item),) = legacy(outputs)
    assert name == "elements"
    assert item["element_id"] == 831
    assert item["element_image_list"] == {
        "frontal_image": "https://cdn/frontal.png",
        "refer_images": [{"image_url": "https://cdn/refer_1.png"}],
    }
    assert item["tag_list"] == [
        {"id": "o_102", "name": "Character", "description": "Character"}
    ]
    assert item["status"] == "succeed"
    (item,) = new(outputs)
    assert item["element_type"] == "multi_image_elements"
    assert [each["role"] for each in item["references"]] == ["frontal", "refer"]
    assert item["tags"] == [
        {"id": 102, "name": "Character", "description": "Character"}
    ]
