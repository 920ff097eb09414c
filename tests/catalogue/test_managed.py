"""Managed resources are described as products are. Source: section 2.8."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import decoder, routing, server_validation, validation
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Plan
from tests.support.encoding import encode_body

PICTURE = "https://img.example.com/f.png"
OTHER = "https://img.example.com/r1.png"
VOICE: dict[str, Any] = {"voice_name": "Ann", "voice_url": "https://snd.example.com/a"}
ELEMENT: dict[str, Any] = {
    "element_name": "Hero",
    "description": "red coat",
    "kind": "image_refer",
    "frontal": PICTURE,
    "refer_images": (OTHER,),
    "tags": ("character",),
}


def plan_for(name: str, values: dict[str, Any]) -> Plan:
    product = loader.load_managed(name)
    return routing.select_route(
        product, None, tuple(values), (CredentialKind.KEY_PAIR,)
    )


def built(name: str, values: dict[str, Any]) -> dict[str, Any]:
    plan = plan_for(name, values)
    return encode_body(
        plan, values, external_id="job-0001", callback_url=None, extra={}
    )


def test_the_documented_voice_is_encoded() -> None:
    assert built("custom-voice", VOICE) == {**VOICE, "external_task_id": "job-0001"}


def test_the_documented_element_is_encoded() -> None:
    assert built("custom-element", ELEMENT) == {
        "element_name": "Hero",
        "element_description": "red coat",
        "reference_type": "image_refer",
        "element_image_list": {
            "frontal_image": PICTURE,
            "refer_images": [{"image_url": OTHER}],
        },
        "tag_list": [{"tag_id": "o_102"}],
        "external_task_id": "job-0001",
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("custom-voice", {"voice_name": "Ann"}),
        ("custom-voice", {**VOICE, "video_id": "88"}),
        ("custom-voice", {**VOICE, "voice_name": "A" * 21}),
        ("custom-element", {**ELEMENT, "kind": "sound_refer"}),
        ("custom-element", {**ELEMENT, "kind": "video_refer"}),
        ("custom-element", {**ELEMENT, "refer_images": (OTHER,) * 4}),
    ],
)
def test_what_is_not_allowed_is_refused(name: str, values: dict[str, Any]) -> None:
    plan = plan_for(name, values)

    raw = encode_body(plan, values, external_id=None, callback_url=None, extra={})

    assert server_validation.validate_body(plan, raw)


def test_an_unknown_tag_is_refused() -> None:
    plan = plan_for("custom-element", ELEMENT)
    raw = {**built("custom-element", ELEMENT), "tag_list": [{"tag_id": "o_109"}]}

    assert server_validation.validate_body(plan, raw)
    assert validation.find_problems(plan, {**ELEMENT, "tags": ("hero",)})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"frontal": PICTURE, "refer_images": (OTHER,)}, "image_refer"),
        ({"refer_video": "https://vid.example.com/a.mp4"}, "video_refer"),
    ],
)
def test_the_source_of_an_element_follows_from_the_values(
    values: dict[str, Any], kind: str
) -> None:
    said = {"element_name": "Hero", "description": "red coat", **values}

    assert built("custom-element", said)["reference_type"] == kind
    assert not validation.find_problems(plan_for("custom-element", said), said)


def test_messages_name_no_values_that_were_not_given() -> None:
    said = {"element_name": "Hero", "description": "red coat"}

    (problem,) = validation.find_problems(plan_for("custom-element", said), said)

    assert not problem.message.startswith("--kind")
    assert "--frontal" in (problem.hint or "")


def test_a_recording_is_a_url_and_not_a_file() -> None:
    said = {"voice_name": "Ann", "voice_url": "ann.mp3"}

    (problem,) = validation.find_problems(plan_for("custom-voice", said), said)

    assert "local file" in problem.message


@pytest.mark.parametrize("name", ["custom-voice", "text2video"])
def test_every_creatable_resource_is_found_by_its_name(name: str) -> None:
    assert loader.load_description(name).name == name


def test_they_are_found_by_path_and_are_no_commands() -> None:
    names = [each.name for each in loader.all_managed()]

    assert names == ["custom-element", "custom-voice"]
    assert not set(names) & set(loader.product_names())
    for each in loader.all_managed():
        found = decoder.route_by_path(each.routes[0].create_path)
        assert found == (each, each.routes[0], each.models[0])
