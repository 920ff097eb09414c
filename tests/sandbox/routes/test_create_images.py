"""Images, from the order to the files. Source: API reference, 2.8, 2.9, 5.3 and 6."""

from __future__ import annotations

import pytest

from tests.sandbox.client import SandboxClient

pytestmark = pytest.mark.anyio

IMAGES = "/v1/images/generations"
OMNI = "/v1/images/omni-image"
EXPAND = "/v1/images/editing/expand"
TRY_ON = "/v1/images/kolors-virtual-try-on"
VIEWS = "/v1/general/ai-multi-shot"
URL = "https://img.example.com/a.png"
TEAPOT = {"model_name": "kling-v3", "prompt": "A glass teapot"}
SERIES = {
    "model_name": "kling-v3-omni",
    "prompt": "Four posters",
    "resolution": "2k",
    "result_type": "series",
    "series_amount": 4,
    "aspect_ratio": "3:4",
}


async def size_of(client: SandboxClient, url: str) -> tuple[int, int]:
    file = await client.fetch(url)
    assert file.headers["content-type"] == "image/png"
    assert file.content.startswith(b"\x89PNG")
    head = file.content[16:24]
    return int.from_bytes(head[:4]), int.from_bytes(head[4:])


async def test_images_have_their_number_size_and_price(client: SandboxClient) -> None:
    body = {**TEAPOT, "resolution": "1k", "n": 2, "aspect_ratio": "1:1"}

    task = await client.finished_task(IMAGES, body)

    images = task["task_result"]["images"]
    assert [image["index"] for image in images] == [0, 1]
    assert [await size_of(client, each["url"]) for each in images] == [(1024, 1024)] * 2
    assert task["final_unit_deduction"] == "16"


async def test_a_series_is_told_apart_from_single_images(client: SandboxClient) -> None:
    task = await client.finished_task(OMNI, SERIES)

    result = task["task_result"]
    assert (result["result_type"], result["images"]) == ("series", [])
    assert len(result["series_images"]) == 4
    assert await size_of(client, result["series_images"][3]["url"]) == (1774, 2365)
    assert task["final_unit_deduction"] == "32"
    outputs = (await client.task(task["task_id"]))["outputs"]
    assert len({output["group_id"] for output in outputs}) == 1


async def test_an_expanded_image_is_larger(client: SandboxClient) -> None:
    sides = {"up": 0, "down": 0.5, "left": 0.5, "right": 0.5}
    body = {f"{side}_expansion_ratio": share for side, share in sides.items()}

    task = await client.finished_task(EXPAND, {"image": URL, **body})

    (image,) = task["task_result"]["images"]
    assert await size_of(client, image["url"]) == (2048, 1536)


async def test_further_views_come_in_sets_of_three(client: SandboxClient) -> None:
    task = await client.finished_task(VIEWS, {"element_frontal_image": URL})

    sets = task["task_result"]["images"]
    assert [each["index"] for each in sets] == [0, 1, 2]
    assert await size_of(client, sets[2]["url_3"]) == (1024, 1024)
    assert task["final_unit_deduction"] == "20"


async def test_a_try_on_is_one_image(client: SandboxClient) -> None:
    body = {
        "model_name": "kolors-virtual-try-on-v1-5",
        "human_image": URL,
        "cloth_image": URL,
    }

    task = await client.finished_task(TRY_ON, body)

    assert len(task["task_result"]["images"]) == 1
    assert task["final_unit_deduction"] == "1"


async def test_a_watermarked_copy_differs(client: SandboxClient) -> None:
    task = await client.finished_task(
        IMAGES, {**TEAPOT, "watermark_info": {"enabled": True}}
    )

    (image,) = task["task_result"]["images"]
    plain, marked = [
        (await client.fetch(image[key])).content for key in ("url", "watermark_url")
    ]
    assert plain != marked


@pytest.mark.sandbox(slots=3)
async def test_each_image_takes_a_slot_of_its_model(client: SandboxClient) -> None:
    codes = []
    for path, body in (
        (IMAGES, {**TEAPOT, "n": 2}),
        (IMAGES, {**TEAPOT, "n": 2}),
        (IMAGES, {**TEAPOT, "n": 1}),
        (OMNI, {**SERIES, "series_amount": 3}),
        (OMNI, SERIES),
    ):
        codes.append((await client.http.post(path, json=body)).json()["code"])

    assert codes == [0, 1303, 0, 0, 1303]


@pytest.mark.sandbox(units=8)
async def test_images_are_paid_by_a_pack_of_their_own(client: SandboxClient) -> None:
    await client.finished_task(IMAGES, TEAPOT)

    image = await client.http.post(IMAGES, json=TEAPOT)
    video = await client.create()

    assert (image.json()["code"], video.json()["code"]) == (1102, 0)


async def test_the_new_shape_has_them_as_outputs(client: SandboxClient) -> None:
    task = await client.finished_task(IMAGES, TEAPOT)

    shown = await client.task(task["task_id"])

    (output,) = shown["outputs"]
    assert sorted(output) == ["type", "url"]
    assert shown["billing"][0]["package_type"] == "image"
