"""What the API says about raw bodies. Source: API reference, 2.2 to 2.6 and 5.1."""

from __future__ import annotations

import base64
from copy import deepcopy
from typing import Any

import pytest

from kling_cli.catalogue import decoder, server_validation
from kling_cli.catalogue.decoder import wire_name
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.catalogue.encoder import set_path
from tests.catalogue.conftest import Planner
from tests.catalogue.strategies import FRAME
from tests.support.images import png
from tests.support.sounds import wav

NEW_TEXT = {"prompt": "a boat", "settings": {"duration": 5}}
NEW_IMAGE = {
    "contents": [
        {"type": "prompt", "text": "a cat"},
        {"type": "first_frame", "url": FRAME},
    ]
}
OLD_TEXT = {"model_name": "kling-v3", "prompt": "a boat"}
OLD_IMAGE = {"model_name": "kling-v3", "image": FRAME}

SHOT = {"index": 1, "prompt": "a", "duration": "5"}
STORYBOARD = {
    "model_name": "kling-v3",
    "multi_shot": True,
    "shot_type": "customize",
    "multi_prompt": [SHOT],
}
SMALL = base64.b64encode(png(200, 400)).decode()
GOOD = base64.b64encode(png(400, 400)).decode()


def plan_of(path: str, raw: dict[str, Any]) -> Plan:
    """Return the plan as a server finds it: by path, and by the body's model."""
    found = decoder.route_by_path(path)
    assert found is not None
    product, route, model = found
    chosen = model or decoder.model_by_wire_id(
        product, route, raw.get(str(route.model_path))
    )
    assert chosen is not None
    return Plan(product=product, route=route, model=chosen)


def said_about(path: str, raw: dict[str, Any]) -> list[str]:
    return [
        each.message
        for each in server_validation.validate_body(plan_of(path, raw), raw)
    ]


def settings_of(plan: Plan) -> list[str]:
    """Return the fields that a list of values bounds and that stand by themselves."""
    return [
        name
        for name, limits in plan.limits.items()
        if limits.choices
        and name in plan.route.mappings
        and plan.route.mappings[name].item is None
        and not plan.product.field(name).is_repeated
    ]


def test_documented_requests_are_valid(documented: dict[str, Any]) -> None:
    assert said_about(documented["path"], documented["body"]) == []


@pytest.mark.parametrize("wrong", ["8K", "", 99, [], True])
def test_every_setting_refuses_values_outside_its_enum(
    documented: dict[str, Any], wrong: object
) -> None:
    raw = documented["body"]
    plan = plan_of(documented["path"], raw)
    mappings = {name: plan.route.mappings[name].path for name in settings_of(plan)}
    if plan.product.name in ("text2video", "image2video"):
        assert mappings

    for at in mappings.values():
        spoilt = deepcopy(raw)
        set_path(spoilt, at, wrong)

        messages = said_about(documented["path"], spoilt)

        assert messages
        assert at in messages[0]


@pytest.mark.parametrize(
    ("path", "raw", "change", "messages"),
    [
        pytest.param(*case, id=case[3][0] if case[3] else f"taken: {str(case[2])[:40]}")
        for case in [
            (
                "/text-to-video/kling-3.0",
                NEW_TEXT,
                {"settings.resolution": "8k"},
                ["settings.resolution value '8k' is invalid"],
            ),
            (
                "/text-to-video/kling-3.0",
                NEW_TEXT,
                {"settings.audio": "on"},
                ["settings.audio value 'on' is invalid"],
            ),
            (
                "/text-to-video/kling-3.0",
                NEW_TEXT,
                {"settings.duration": "5"},
                ["settings.duration must be an integer"],
            ),
            (
                "/text-to-video/kling-3.0",
                NEW_TEXT,
                {"settings.duration": 16},
                ["settings.duration value '16' is invalid"],
            ),
            (
                "/text-to-video/kling-2.6",
                NEW_TEXT,
                {"settings.audio": "native"},
                [
                    (
                        "settings.audio, settings.resolution is invalid: "
                        "Kling 2.6 makes sound at 1080p only"
                    )
                ],
            ),
            (
                "/text-to-video/kling-3.0",
                {},
                {},
                ["prompt is invalid: there is no prompt"],
            ),
            (
                "/text-to-video/kling-3.0",
                {},
                {"prompt": 5},
                ["prompt must be a string"],
            ),
            (
                "/text-to-video/kling-3.0",
                {},
                {"prompt": "b" * 3073},
                ["prompt has 3073 characters, allowed: at most 3072 characters"],
            ),
            (
                "/text-to-video/kling-3.0",
                {},
                {"prompt": "shot 1, 2, a; shot 2, 2, b;"},
                ["prompt is invalid: the shots last 4 s together and the video 5 s"],
            ),
            (
                "/text-to-video/kling-3.0",
                {},
                {"prompt": "shot 1, 2, a;", "settings.multi_shot": False},
                [],
            ),
            (
                "/text-to-video/kling-3.0",
                NEW_TEXT,
                {"options.watermark_info.enabled": "yes"},
                ["options.watermark_info.enabled must be a boolean"],
            ),
            ("/text-to-video/kling-3.0", NEW_TEXT, {"settings.colour": "red"}, []),
            ("/text-to-video/kling-3.0", NEW_TEXT, {"settings.resolution": None}, []),
            ("/text-to-video/kling-3.0-turbo", NEW_TEXT, {"settings.audio": "off"}, []),
            (
                "/text-to-video/kling-2.5-turbo",
                NEW_TEXT,
                {"settings.audio": "on"},
                ["settings.audio value 'on' is invalid"],
            ),
            (
                "/image-to-video/kling-3.0",
                {},
                {"contents": []},
                ["contents cannot be empty"],
            ),
            ("/image-to-video/kling-3.0", {}, {}, ["contents cannot be empty"]),
            (
                "/image-to-video/kling-3.0",
                {},
                {"contents": "cat"},
                ["contents must be an array"],
            ),
            (
                "/image-to-video/kling-3.0",
                {},
                {"contents": [{"type": "prompt", "text": "a"}]},
                ["contents[first_frame].url is required"],
            ),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.2": {"type": "refer_image", "url": FRAME}},
                ["contents[2].type value 'refer_image' is invalid"],
            ),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.2": "cat"},
                ["contents[2] must be an object"],
            ),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.2": {"type": "prompt", "text": "b"}},
                ["contents[2]: there is one of its kind already"],
            ),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.2": {"type": "element", "element_id": "1"}},
                ["contents[2].id is required"],
            ),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.2": {"type": "element", "element_id": 1, "id": "a"}},
                ["contents[2].element_id must be a string"],
            ),
            (
                "/image-to-video/kling-3.0-turbo",
                NEW_IMAGE,
                {"contents.2": {"type": "last_frame", "url": FRAME}},
                [
                    (
                        "contents[last_frame].url is not supported by model "
                        "'kling-3.0-turbo'"
                    )
                ],
            ),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.1.url": SMALL},
                ["the image is 200x400 px; each side needs at least 300 px"],
            ),
            ("/image-to-video/kling-3.0", NEW_IMAGE, {"contents.1.url": GOOD}, []),
            (
                "/image-to-video/kling-3.0",
                NEW_IMAGE,
                {"contents.1.url": "ftp://x"},
                ["contents[first_frame].url is neither a URL nor bare base64"],
            ),
            (
                "/v1/videos/text2video",
                OLD_TEXT,
                {"mode": "8k"},
                ["mode value '8k' is invalid"],
            ),
            (
                "/v1/videos/text2video",
                OLD_TEXT,
                {"duration": 5},
                ["duration must be a string"],
            ),
            (
                "/v1/videos/text2video",
                OLD_TEXT,
                {"duration": "five"},
                ["duration value 'five' is invalid"],
            ),
            (
                "/v1/videos/text2video",
                OLD_TEXT,
                {"duration": "5.5"},
                ["duration value '5.5' is invalid"],
            ),
            (
                "/v1/videos/text2video",
                OLD_TEXT,
                {"cfg_scale": 0.5},
                ["cfg_scale is not supported by model 'kling-v3'"],
            ),
            (
                "/v1/videos/text2video",
                {**OLD_TEXT, "model_name": "kling-v2-5-turbo"},
                {"sound": "on"},
                ["sound value 'on' is invalid"],
            ),
            (
                "/v1/videos/text2video",
                {**OLD_TEXT, "model_name": "kling-v2-5-turbo"},
                {"sound": "off"},
                [],
            ),
            (
                "/v1/videos/text2video",
                {**OLD_TEXT, "model_name": "kling-v1"},
                {"camera_control": {"type": "spin"}},
                ["camera_control.type value 'spin' is invalid"],
            ),
            (
                "/v1/videos/text2video",
                {**OLD_TEXT, "model_name": "kling-v1"},
                {"camera_control": {"config": {"pan": 1}}},
                ["camera_control.type is required"],
            ),
            (
                "/v1/videos/text2video",
                {**OLD_TEXT, "model_name": "kling-v1"},
                {"camera_control": "simple"},
                ["camera_control must be an object or an array"],
            ),
            ("/v1/videos/text2video", OLD_TEXT, {"prompt": "shot 1, 2, a;"}, []),
            ("/v1/videos/text2video", STORYBOARD, {}, []),
            ("/v1/videos/text2video", STORYBOARD, {"prompt": "ignored"}, []),
            (
                "/v1/videos/text2video",
                STORYBOARD,
                {"shot_type": None},
                ["shot_type must be 'customize' when multi_prompt is given"],
            ),
            (
                "/v1/videos/text2video",
                STORYBOARD,
                {"multi_prompt": {}},
                ["multi_prompt must be an array"],
            ),
            (
                "/v1/videos/text2video",
                STORYBOARD,
                {"multi_prompt": [1]},
                ["multi_prompt[0] must be an object"],
            ),
            (
                "/v1/videos/text2video",
                STORYBOARD,
                {"multi_prompt.0.index": 2},
                ["multi_prompt indexes must count from 1"],
            ),
            (
                "/v1/videos/text2video",
                STORYBOARD,
                {"multi_prompt.0.duration": 5},
                ["multi_prompt[0].duration must be a string"],
            ),
            (
                "/v1/videos/text2video",
                STORYBOARD,
                {"multi_prompt": None},
                [
                    (
                        "multi_shot, multi_prompt, shot_type is invalid: "
                        "a storyboard needs its shots, or a model that cuts it"
                    ),
                    "prompt, multi_prompt is invalid: there is no prompt",
                ],
            ),
            (
                "/v1/videos/image2video",
                OLD_IMAGE,
                {"image": None},
                ["image, image_tail is invalid: there is no image"],
            ),
            (
                "/v1/videos/image2video",
                OLD_IMAGE,
                {"element_list": [{"element_id": "1"}]},
                ["element_list[0].element_id must be an integer"],
            ),
            (
                "/v1/videos/image2video",
                OLD_IMAGE,
                {"element_list": [{"element_id": n} for n in range(4)]},
                ["element_list[].element_id has 4 entries, allowed: at most 3"],
            ),
            (
                "/v1/videos/image2video",
                OLD_IMAGE,
                {
                    "element_list": [{"element_id": 1}],
                    "voice_list": [{"voice_id": "1"}],
                    "sound": "on",
                },
                [
                    (
                        "element_list[].element_id, voice_list[].voice_id is invalid: "
                        "elements and voices exclude each other"
                    )
                ],
            ),
        ]
    ],
)
def test_the_api_refuses_what_the_reference_forbids(
    path: str, raw: dict[str, Any], change: dict[str, Any], messages: list[str]
) -> None:
    changed = deepcopy(raw)
    for at, value in change.items():
        set_path(changed, at, value)

    assert sorted(said_about(path, changed)) == sorted(messages)


def test_an_ignored_setting_is_not_charged() -> None:
    raw = {**NEW_TEXT, "settings": {"audio": "off"}}
    plan = plan_of("/text-to-video/kling-3.0-turbo", raw)

    values, problems = decoder.decode_body(plan.product, plan.route, plan.model, raw)

    assert problems == ()
    assert values["sound"] is False


def test_references_decode_to_handles() -> None:
    product = loader.load_product("image2video")
    raw = {
        **OLD_IMAGE,
        "prompt": "<<<element_1>>> and <<< element_2 >>>",
        "element_list": [{"element_id": 1}, {"element_id": 2}],
    }
    plan = plan_of("/v1/videos/image2video", raw)

    values, _ = decoder.decode_body(product, plan.route, plan.model, raw)

    assert values["prompt"] == "@element_1 and @element_2"
    assert values["elements"] == ("1", "2")


@pytest.mark.parametrize(
    ("path", "field", "name"),
    [
        ("/image-to-video/kling-3.0", "image", "contents[first_frame].url"),
        ("/image-to-video/kling-3.0", "sound", "settings.audio"),
        ("/v1/videos/image2video", "last_frame", "image_tail"),
        ("/v1/videos/image2video", "elements", "element_list[].element_id"),
        ("/image-to-video/kling-3.0", "camera", "camera"),
    ],
)
def test_wire_names_are_the_names_of_the_api(path: str, field: str, name: str) -> None:
    assert wire_name(plan_of(path, OLD_IMAGE).route, field) == name


@pytest.mark.parametrize(
    ("sound_file", "message"),
    [
        ("speech.mp3", "sound_file is neither a URL nor bare base64"),
        (base64.b64encode(b"hello").decode(), "sound_file is invalid: the file is not"),
        (base64.b64encode(wav(1)).decode(), "the sound lasts 1.0 s; 2 to 300 s"),
        (base64.b64encode(wav(1) + bytes(5 << 20)).decode(), "sound_file is too large"),
        (base64.b64encode(wav(3)).decode(), None),
        ("https://snd.example.com/a.mp3", None),
    ],
    ids=["a path", "a text", "too short", "too large", "a sound", "a link"],
)
def test_audio_in_a_body_is_decoded_and_validated(
    planned: Planner, sound_file: str, message: str | None
) -> None:
    sent = {"image": "https://img.example.com/a.png", "sound_file": sound_file}
    plan = planned("avatar", None, {"image": "a", "sound_file": "b"})

    found = "; ".join(
        each.message for each in server_validation.validate_body(plan, sent)
    )

    assert (message in found) if message else found == ""
