"""Voices and elements. Source: API reference, sections 2.2, 2.8 and 8."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import SandboxClient

pytestmark = pytest.mark.anyio

VOICES = "/v1/general/custom-voices"
ELEMENTS = "/v1/general/advanced-custom-elements"
VOICE = {"voice_name": "Ann", "voice_url": "https://snd.example.com/ann.mp3"}
ELEMENT = {
    "element_name": "Hero",
    "element_description": "red coat",
    "reference_type": "image_refer",
    "element_image_list": {
        "frontal_image": "https://img.example.com/f.png",
        "refer_images": [{"image_url": "https://img.example.com/r1.png"}],
    },
    "tag_list": [{"tag_id": "o_102"}],
}
BOTH = pytest.mark.parametrize(
    ("path", "body", "delete"),
    [
        (VOICES, VOICE, "delete-voices"),
        (ELEMENTS, ELEMENT, "delete-elements"),
        (ELEMENTS, ELEMENT, "delete-advanced-elements"),
    ],
)


def kind_of(delete: str) -> str:
    return delete.rpartition("-")[2].removesuffix("s")


async def test_a_voice_is_made_and_can_be_heard(client: SandboxClient) -> None:
    task = await client.finished_task(VOICES, VOICE)

    (voice,) = task["task_result"]["voices"]
    assert (voice["voice_name"], voice["owned_by"]) == ("Ann", "10000001")
    assert (await client.fetch(voice["trial_url"])).content.startswith(b"ID3")
    assert task["final_unit_deduction"] == "0.05"


async def test_an_element_is_made_and_can_be_seen(client: SandboxClient) -> None:
    task = await client.finished_task(ELEMENTS, ELEMENT)

    (element,) = task["task_result"]["elements"]
    assert isinstance(element["element_id"], int)
    assert element["element_id"] > 2**53
    url = element["element_image_list"]["refer_images"][0]["image_url"]
    assert (await client.fetch(url)).content.startswith(b"\x89PNG")
    assert task["final_unit_deduction"] == "0"


async def test_the_new_shape_shows_it_too(client: SandboxClient) -> None:
    task = await client.finished_task(ELEMENTS, ELEMENT)

    (output,) = (await client.task(task["task_id"]))["outputs"]

    assert (output["type"], output["name"]) == ("element", "Hero")
    assert output["id"] == str(task["task_result"]["elements"][0]["element_id"])


@BOTH
async def test_what_is_deleted_is_deleted_once(
    path: str, body: dict[str, Any], delete: str, client: SandboxClient
) -> None:
    task = await client.finished_task(path, body)
    kind = kind_of(delete)
    key = f"{kind}_id"
    wanted = task["task_result"][f"{kind}s"][0][key]

    first, second = [
        await client.http.post(f"/v1/general/{delete}", json={key: str(wanted)})
        for _ in range(2)
    ]

    assert first.json()["data"] == {
        "task_id": task["task_id"],
        "task_status": "succeed",
    }
    assert (second.status_code, second.json()["code"]) == (400, 1201)
    assert second.json()["message"].endswith("already be deleted")
    (output,) = (await client.task(task["task_id"]))["outputs"]
    assert output["status"] == "deleted"
    assert (await client.http.get(path)).json()["data"] == []


@BOTH
@pytest.mark.parametrize("wanted", ["820000000000000001", "1", "", None, True, [1]])
async def test_only_ones_own_can_be_deleted(
    path: str, body: dict[str, Any], delete: str, wanted: Any, client: SandboxClient
) -> None:
    await client.http.post(path, json=body)  # not yet made

    answer = await client.http.post(
        f"/v1/general/{delete}", json={f"{kind_of(delete)}_id": wanted}
    )

    assert answer.json()["code"] == 1201


async def test_presets_are_listed_with_their_files(client: SandboxClient) -> None:
    voices = (await client.http.get("/v1/general/presets-voices")).json()["data"]
    elements = (await client.http.get("/v1/general/advanced-presets-elements")).json()

    voice = voices[0]["task_result"]["voices"][0]
    element = elements["data"][0]["task_result"]["elements"][0]
    assert (voice["owned_by"], element["owned_by"]) == ("kling", "kling")
    urls = [voice["trial_url"], element["element_image_list"]["frontal_image"]]
    assert [(await client.fetch(url)).status_code for url in urls] == [200, 200]


@pytest.mark.parametrize(
    ("path", "size", "code"),
    [
        ("presets-voices", 1000, 0),
        ("presets-voices", 1001, 1201),
        ("custom-voices", 1000, 0),
        ("advanced-presets-elements", 501, 1201),
        ("advanced-custom-elements", 501, 1201),
    ],
)
async def test_pages_of_voices_may_be_longer(
    path: str, size: int, code: int, client: SandboxClient
) -> None:
    answer = await client.http.get(f"/v1/general/{path}?pageSize={size}")

    assert answer.json()["code"] == code


async def test_presets_come_in_pages(client: SandboxClient) -> None:
    pages = [
        (
            await client.http.get(f"/v1/general/presets-voices?pageNum={n}&pageSize=2")
        ).json()["data"]
        for n in (1, 2, 3)
    ]

    assert [len(page) for page in pages] == [2, 1, 0]


@pytest.mark.parametrize("name", ["custom-elements", "presets-elements"])
async def test_the_first_generation_of_elements_is_empty(
    name: str, client: SandboxClient
) -> None:
    answer = await client.http.get(f"/v1/general/{name}")

    assert answer.json()["data"] == []


async def test_a_key_pair_is_enough(client: SandboxClient) -> None:
    answer = await client.ask_as(
        f"Bearer {client.token()}", "/v1/general/presets-voices"
    )

    assert answer.json()["code"] == 0


async def test_what_is_made_from_a_video_names_it(client: SandboxClient) -> None:
    (video,) = (await client.finished())["outputs"]

    known, unknown = [
        await client.finished_task(VOICES, {"voice_name": "Ann", "video_id": video_id})
        for video_id in (video["id"], "880000000000000101")
    ]

    parent = known["task_info"]["parent_video"]
    assert (parent["id"], parent["duration"]) == (video["id"], "5.041")
    assert (await client.fetch(parent["url"])).content[4:8] == b"ftyp"
    assert "parent_video" not in unknown["task_info"]
