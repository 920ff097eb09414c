"""Solutions, from the order to the files. Source: API reference, section 2.10."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import TASK_S, SandboxClient, open_receiver

pytestmark = pytest.mark.anyio

SUBTITLES = "/solutions/drama_subtitle"
TRY_ON = "/solutions/virtual_try_on"
EPISODE = [{"type": "source_video", "url": "https://vid.example.com/ep1.mp4"}]
OUTFIT = [
    {"type": "product_image", "url": "https://img.example.com/c.png"},
    {"type": "person_image", "url": "https://img.example.com/p.png"},
]


async def made(client: SandboxClient, path: str, **body: Any) -> dict[str, Any]:
    """Order, let the time pass, and return the task as `GET /solutions` shows it."""
    answer = await client.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    await client.advance(TASK_S)
    params = {"task_ids": data.get("id") or data["task_id"]}
    (task,) = (await client.http.get("/solutions", params=params)).json()["data"]
    return dict(task)


async def test_an_episode_comes_back_with_its_subtitles(client: SandboxClient) -> None:
    task = await made(client, SUBTITLES, contents=EPISODE, settings={"font_size": 30})

    files = [await client.fetch(output["url"]) for output in task["outputs"]]
    assert [output["type"] for output in task["outputs"]] == [
        "subbed_video",
        "srt",
        "ass",
    ]
    film, srt, ass = [file.content for file in files]
    assert film[4:8] == b"ftyp"
    assert srt.startswith(b"1\n00:00:00,000 --> ")
    assert b"Style: Default,Arial,30," in ass


async def test_a_callback_tells_of_its_end_only(client: SandboxClient) -> None:
    async with open_receiver() as receiver:
        options = {"callback_url": receiver.url}
        await made(client, SUBTITLES, contents=EPISODE, options=options)

        (callback,) = await receiver.wait_for(1)

    assert callback.status == "succeeded"


async def test_a_try_on_is_an_image_without_an_id(client: SandboxClient) -> None:
    task = await made(client, TRY_ON, contents=OUTFIT)

    (output,) = task["outputs"]
    assert sorted(output) == ["type", "url"]
    paid = {"charge_type": "unit", "amount": "1", "package_type": "image"}
    assert task["billing"] == [paid]
    assert (await client.fetch(output["url"])).content.startswith(b"\x89PNG")


async def test_solutions_are_not_among_the_tasks(client: SandboxClient) -> None:
    task = await made(client, TRY_ON, contents=OUTFIT)

    found = await client.http.get("/tasks", params={"task_ids": task["id"]})
    page = await client.http.post("/solutions", json={})

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
    settings: Any, code: int, client: SandboxClient
) -> None:
    contents = [
        {"type": "avatar_image", "url": "https://img.example.com/host.png"},
        {"type": "speech_script", "text": "hello"},
    ]
    body = {"contents": contents, "settings": settings}

    answer = await client.http.post("/solutions/talking_agent", json=body)

    assert answer.json()["code"] == code


GOODS = [
    {"type": "ref_image", "url": "https://img.example.com/mug.png"},
    {"type": "goods_title", "text": "Enamel mug"},
]
CLOTHES = [
    {"type": "product_info", "text": "Linen shirt"},
    {"type": "source_video", "url": "https://vid.example.com/s.mp4"},
    {"type": "product_image", "url": "https://img.example.com/shirt.png"},
]
HOST = {"type": "avatar_image", "url": "https://img.example.com/host.png"}
READY = {"type": "avatar_id", "text": "avatar_mia_female"}
SCRIPT = {"type": "speech_script", "text": "hello"}
PRODUCT = {"type": "ref_image", "url": "https://img.example.com/mug.png"}
TITLE = {"type": "goods_title", "text": "Enamel mug"}
STUDIO = {"resolution": "720p", "aspect_ratio": "9:16", "duration": 15}
TERM = {"type": "glossary", "source": "term-zh", "target": "term-en"}

# What is sent in place of a good body, and the words in which it is refused.
REFUSED: dict[str, list[tuple[list[dict[str, Any]], dict[str, Any], str]]] = {
    "e-commerce/goods_studio": [
        (
            [TITLE],
            STUDIO,
            "Product image is missing. Please upload a product image.",
        ),
        (
            [PRODUCT],
            STUDIO,
            "Product title is missing. Please provide a product title.",
        ),
        (
            [PRODUCT] * 6 + [TITLE],
            STUDIO,
            "At most 5 ref_image items are allowed in contents.",
        ),
        (
            [{"type": "ref_image", "url": "bm8gcGljdHVyZQ=="}, TITLE],
            STUDIO,
            (
                "Unsupported product image. Please check the image format, size and "
                "dimensions."
            ),
        ),
        (
            [*GOODS, TITLE],
            STUDIO,
            "Only one goods_title item is allowed in contents.",
        ),
        (
            [PRODUCT, {"type": "goods_title", "text": "a" * 201}],
            STUDIO,
            "goods_title exceeds the 200-character limit.",
        ),
        (
            GOODS,
            {**STUDIO, "resolution": "4k"},
            "Unsupported resolution. Only 720p and 1080p are supported.",
        ),
        (
            GOODS,
            {**STUDIO, "aspect_ratio": "4:3"},
            "aspect_ratio only supports 9:16, 1:1 and 16:9.",
        ),
        (
            GOODS,
            {**STUDIO, "duration": 5},
            "Unsupported duration. Only 15, 30 and 60 seconds are supported.",
        ),
        (GOODS, {**STUDIO, "duration": None}, "settings.duration is required"),
        ([*GOODS, "mug"], STUDIO, "contents[2] must be an object"),  # type: ignore[list-item]  # -- what is refused
        ([], STUDIO, "contents cannot be empty"),
    ],
    "e-commerce/clothing_dupe": [
        (
            CLOTHES[::2],
            {},
            "Reference video is missing. Please upload a reference video.",
        ),
        (
            CLOTHES[1:],
            {},
            "Product description is missing. Please provide a product description.",
        ),
        (
            [*CLOTHES, {"type": "bgm", "url": ""}],
            {},
            (
                "bgm is provided but url is empty. Please provide a BGM file URL or "
                "remove bgm to use the system default BGM."
            ),
        ),
        (
            [*CLOTHES, {"type": "voice", "voice_id": "nobody"}],
            {},
            "Invalid voice_id. Please select a valid voice from the voice library.",
        ),
    ],
    "talking_agent": [
        (
            [HOST, READY, SCRIPT],
            {"voice_id": "female_warm_rich"},
            (
                "Exactly one avatar source is required: provide avatar_image (with "
                "voiceId) or avatar_id, not both."
            ),
        ),
        (
            [HOST, SCRIPT],
            {},
            "voiceId is required when uploading an avatar_image.",
        ),
        ([READY], {}, "speech_script is required for single-person videos."),
        (
            [READY, SCRIPT, TITLE],
            {},
            "Product image is missing. Please upload at least one product image.",
        ),
        (
            [READY, SCRIPT, PRODUCT],
            {},
            "goods_title is required when product content is provided.",
        ),
        (
            [READY, SCRIPT, PRODUCT, TITLE],
            {"speechRate": 1.2},
            "Speech rate adjustment not supported in Video Commerce.",
        ),
        (
            [READY, SCRIPT],
            {"speechRate": 3},
            "speechRate only supports 0.8, 1.0 and 1.2.",
        ),
    ],
    "drama_subtitle": [
        (
            [TERM],
            {},
            "Source video is missing. Please provide a source video URL.",
        ),
        (
            EPISODE * 2,
            {},
            "Only one source_video item is allowed in contents.",
        ),
        (
            [{"type": "source_video", "url": ""}],
            {},
            "source_video is missing. Please provide exactly one source_video.",
        ),
        (
            [*EPISODE, *[TERM] * 201],
            {},
            "Glossary exceeds the limit of 200 entries.",
        ),
        (
            [*EPISODE, {**TERM, "target": " "}],
            {},
            "Each glossary entry must be non-empty and no longer than 100 characters.",
        ),
        (
            EPISODE,
            {"margin_v": -1},
            "margin_v, font_size and target_cps must be positive integers.",
        ),
        (
            EPISODE,
            {"target_cps": 9},
            "target_cps out of range. Please provide a value between 10 and 20.",
        ),
    ],
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_solution_is_refused_in_the_words_of_its_page(
    name: str, client: SandboxClient
) -> None:
    said = []
    for contents, settings, _ in REFUSED[name]:
        body = {"contents": contents, "settings": settings}
        answer = await client.http.post(f"/solutions/{name}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, 1201), contents
        said.append(answer.json()["message"])

    assert said == [message for _, _, message in REFUSED[name]]
    assert (await client.state())["tasks"] == []
