"""Omni videos. Source: API reference, sections 2.2, 2.4, 2.6, 3.1, 5.4, 6 and 7."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import decoder, pricing, server_validation, validation
from kling_cli.catalogue.definition.schema import Plan
from tests.catalogue.conftest import Planner
from tests.support.encoding import encode_body

A, B, C = (f"https://img.example.com/{name}.png" for name in "abc")
CLIP = "https://vid.example.com/clip.mp4"
OMNI, O1 = "kling-3.0-omni", "kling-o1"
NEW, LEGACY = "api_key", "key_pair"
FRAMES = {"first_frame": A, "last_frame": B}
SHOTS = ("2:a harbour", "3:a rope")

Json = dict[str, Any]


def build(plan: Plan, values: Json) -> Json:
    return encode_body(plan, values, external_id=None, callback_url=None, extra={})


BODIES: list[tuple[str, str, str, Json, Json]] = [
    (
        "a prompt alone has a shape in both generations",
        OMNI,
        NEW,
        {"prompt": "a"},
        {
            "contents": [{"type": "prompt", "text": "a"}],
            "settings": {"aspect_ratio": "16:9"},
        },
    ),
    (
        "and the default of the new standard in the older one",
        OMNI,
        LEGACY,
        {"prompt": "a"},
        {
            "model_name": "kling-v3-omni",
            "prompt": "a",
            "mode": "std",
            "aspect_ratio": "16:9",
        },
    ),
    (
        "frames decide the shape and have names",
        OMNI,
        NEW,
        {"prompt": "from @first_frame to @last_frame", **FRAMES},
        {
            "contents": [
                {"type": "prompt", "text": "from @first_frame to @last_frame"},
                {"type": "first_frame", "url": A, "id": "first_frame"},
                {"type": "last_frame", "url": B, "id": "last_frame"},
            ]
        },
    ),
    (
        "frames are images of the list in the older body",
        OMNI,
        LEGACY,
        {"prompt": "from @first_frame to @last_frame", **FRAMES},
        {
            "model_name": "kling-v3-omni",
            "prompt": "from <<<image_1>>> to <<<image_2>>>",
            "image_list": [
                {"type": "first_frame", "image_url": A},
                {"type": "end_frame", "image_url": B},
            ],
            "mode": "std",
        },
    ),
    (
        "references come before frames, so that image_1 is the first --image",
        OMNI,
        LEGACY,
        {
            "prompt": "@image_1 @start",
            "first_frame": f"start={A}",
            "refer_images": (C,),
        },
        {
            "model_name": "kling-v3-omni",
            "prompt": "<<<image_1>>> <<<image_2>>>",
            "image_list": [
                {"image_url": C},
                {"type": "first_frame", "image_url": A},
            ],
            "mode": "std",
        },
    ),
    (
        "what has a name may be called by its number",
        OMNI,
        NEW,
        {
            "prompt": "@image_1 @video_1",
            "feature_video": CLIP,
            "refer_images": (f"r={C}",),
        },
        {
            "contents": [
                {"type": "prompt", "text": "@r @video_1"},
                {"type": "refer_image", "url": C, "id": "r"},
                {"type": "feature_video", "url": CLIP, "id": "video_1"},
            ]
        },
    ),
    (
        "a video to refer to keeps no sound in the older body",
        OMNI,
        LEGACY,
        {"prompt": "as in @video_1", "feature_video": CLIP, "duration": 12},
        {
            "model_name": "kling-v3-omni",
            "prompt": "as in <<<video_1>>>",
            "video_list": [
                {
                    "refer_type": "feature",
                    "video_url": CLIP,
                    "keep_original_sound": "no",
                }
            ],
            "mode": "std",
            "aspect_ratio": "16:9",
            "duration": "12",
        },
    ),
    (
        "an edited video keeps its sound when asked to",
        O1,
        LEGACY,
        {"prompt": "green", "base_video": f"clip={CLIP}", "keep_sound": True},
        {
            "model_name": "kling-video-o1",
            "prompt": "green",
            "video_list": [
                {
                    "refer_type": "base",
                    "video_url": CLIP,
                    "keep_original_sound": "yes",
                }
            ],
            "mode": "std",
        },
    ),
    (
        "what is the default of both goes without saying",
        OMNI,
        NEW,
        {"prompt": "a", "base_video": CLIP, "keep_sound": False, "sound": False},
        {
            "contents": [
                {"type": "prompt", "text": "a"},
                {"type": "base_video", "url": CLIP, "id": "video_1"},
            ],
            "settings": {"audio": "off"},
        },
    ),
    (
        "a storyboard with sound is text",
        OMNI,
        NEW,
        {"shots": ("2:a harbour", "3:@r"), "refer_images": (f"r={C}",), "sound": True},
        {
            "contents": [
                {"type": "prompt", "text": "shot 1, 2, a harbour; shot 2, 3, @r;"},
                {"type": "refer_image", "url": C, "id": "r"},
            ],
            "settings": {"audio": "native", "aspect_ratio": "16:9", "duration": 5},
        },
    ),
    (
        "a storyboard is a list in the older body",
        OMNI,
        LEGACY,
        {"shots": ("2:a harbour", "3:@r"), "refer_images": (f"r={C}",), "sound": True},
        {
            "model_name": "kling-v3-omni",
            "multi_shot": True,
            "shot_type": "customize",
            "multi_prompt": [
                {"index": 1, "prompt": "a harbour", "duration": "2"},
                {"index": 2, "prompt": "<<<image_1>>>", "duration": "3"},
            ],
            "image_list": [{"image_url": C}],
            "sound": "on",
            "mode": "std",
            "aspect_ratio": "16:9",
            "duration": "5",
        },
    ),
]


@pytest.mark.parametrize(
    ("model", "keys", "values", "wanted"),
    [pytest.param(*each, id=name) for name, *each in BODIES],
)
def test_inputs_become_a_body_and_values_again(
    planned: Planner, model: str, keys: str, values: Json, wanted: Json
) -> None:
    plan = planned("omni-video", model, values, keys)

    made = build(plan, values)
    found, problems = decoder.decode_body(plan.product, plan.route, plan.model, made)

    assert validation.find_problems(plan, values) == ()
    assert made == wanted
    assert problems == server_validation.validate_body(plan, made) == ()
    assert build(plan, found) == made


REFUSED: list[tuple[str, str, Json, str, str | None]] = [
    (OMNI, NEW, {}, "there is no prompt", "say what is to happen"),
    (
        OMNI,
        NEW,
        {"prompt": "a", "last_frame": A},
        "--last-frame: a last frame needs a first one",
        "add --first-frame IMAGE",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "base_video": CLIP, "feature_video": CLIP},
        "--edit, --video: one video is the most: to edit, or to refer to",
        None,
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "refer_images": (A,) * 5, "elements": ("1", "2", "3")},
        "--image, --element: images and elements together are at most 7",
        None,
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "refer_images": (A,) * 8},
        "--image: 8 of them; kling-3.0-omni takes at most 7",
        None,
    ),
    (
        O1,
        NEW,
        {
            "prompt": "a",
            "base_video": CLIP,
            "refer_images": (A, B, C),
            "elements": ("1", "2"),
        },
        "together are at most 4 beside a video",
        None,
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "feature_video": CLIP, "refer_images": (A,) * 5},
        "together are at most 4 beside a video",
        None,
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "first_frame": A, "refer_images": (A,) * 7},
        "images, frames and elements together are at most 7",
        None,
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "feature_video": CLIP, **FRAMES, "elements": ("1", "2", "3")},
        "images, frames and elements together are at most 4 beside a video",
        None,
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "base_video": CLIP, "refer_images": (A,) * 5},
        "images, frames and elements together are at most 4 beside a video",
        None,
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", **FRAMES, "refer_images": (A,)},
        "--last-frame: between two frames there are no further images",
        None,
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "first_frame": A, "elements": ("1", "2", "3", "4")},
        "--first-frame, --element: beside a frame at most 3 elements are taken",
        "7 images and elements",
    ),
    (
        O1,
        NEW,
        {"prompt": "a", **FRAMES, "elements": ("1",)},
        "--last-frame: kling-o1 takes no images and no elements between two frames",
        "add -m kling-3.0-omni",
    ),
    (
        O1,
        NEW,
        {"prompt": "a", **FRAMES, "feature_video": CLIP},
        "kling-o1 takes a first frame beside a reference video, and no last one",
        "add -m kling-3.0-omni",
    ),
    (
        O1,
        LEGACY,
        {"prompt": "a", "first_frame": A, "base_video": CLIP},
        "--edit: an edited video has frames of its own",
        "--image",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "base_video": CLIP, "duration": 7},
        "--edit: an edited video keeps its length",
        "leave -d out",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "shot 1, 2, a; shot 2, 3, b;", "base_video": CLIP},
        "--edit: an edited video is not cut into shots",
        None,
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "base_video": CLIP, "multi_shot": True},
        "--edit: an edited video is not cut into shots",
        None,
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "base_video": CLIP, "sound": True},
        "--edit: no new sound is made for an edited video",
        "--keep-sound",
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "feature_video": CLIP, "sound": True},
        "--video: no sound is made beside a reference video",
        "leave --sound out",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "feature_video": CLIP, "keep_sound": True},
        "--video: the sound of a reference video cannot be kept",
        "--edit",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "shot 1, 5, a;", "feature_video": CLIP, "multi_shot": False},
        "shots in a prompt beside a reference video are read as shots",
        "--no-multi-shot",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "keep_sound": True},
        "--keep-sound: there is no video whose sound could be kept",
        "add --edit URL",
    ),
    (
        O1,
        NEW,
        {"prompt": "shot 1, 2, a; shot 2, 3, b;"},
        "kling-o1 does not read shots in a prompt",
        "add -m kling-3.0-omni",
    ),
    (
        O1,
        NEW,
        {"prompt": "a", "first_frame": A, "duration": 7},
        "--first-frame: kling-o1 goes on from a frame for 5 or 10 s",
        "-d 5 or -d 10",
    ),
    (
        O1,
        LEGACY,
        {"prompt": "a", "duration": 7},
        "--duration 7: from words or frames alone kling-o1 makes videos of 5 or 10 s",
        "add -m kling-3.0-omni",
    ),
    (
        O1,
        NEW,
        {"prompt": "a", "duration": 12},
        "--duration 12: kling-o1 takes 3 to 10 s",
        "kling-3.0-omni does: add -m kling-3.0-omni",
    ),
    (
        O1,
        NEW,
        {"prompt": "a", "sound": True},
        "--sound: kling-o1 never has sound",
        "kling-3.0-omni does: add -m kling-3.0-omni",
    ),
    (
        O1,
        LEGACY,
        {"prompt": "a", "resolution": "4k"},
        "--resolution 4k: kling-o1 takes 720p or 1080p",
        "kling-3.0-omni does: add -m kling-3.0-omni",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "base_video": "clip=clip.mp4"},
        "--edit clip.mp4: that is not the URL of a video",
        None,
    ),
    (
        OMNI,
        NEW,
        {"prompt": "a", "shots": SHOTS},
        "PROMPT, --shot: the prompt would be ignored beside --shot",
        "put it into the shots",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "@crwn and @crown", "refer_images": (f"crown={A}",)},
        "@crwn: there is no such input",
        "the inputs are @crown",
    ),
    (
        OMNI,
        NEW,
        {"prompt": "@image_1, <<<image_3>>>", "refer_images": (A, f"b={B}")},
        "@image_3: there is no such input",
        "the inputs are @image_1 and @b",
    ),
    (OMNI, NEW, {"prompt": "@last_frame"}, "@last_frame: there is no such input", None),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "refer_images": (f"a={A}", f"a={B}")},
        "@a is part of @a",
        "give them names",
    ),
]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case[3]} {n}") for n, case in enumerate(REFUSED)]
)
def test_invalid_combinations_are_refused_before_sending(
    planned: Planner, case: tuple[str, str, Json, str, str | None]
) -> None:
    model, keys, values, message, hint = case

    found = validation.find_problems(planned("omni-video", model, values, keys), values)

    said = [each for each in found if message in each.message]
    assert said, found
    assert (hint or "") in (said[0].hint or "")


@pytest.mark.parametrize(
    ("model", "keys", "values"),
    [
        (OMNI, NEW, {"refer_images": (A,) * 7}),
        (OMNI, NEW, {"refer_images": (A,) * 7, **FRAMES}),
        (OMNI, NEW, {**FRAMES, "elements": ("1", "2", "3")}),
        (OMNI, NEW, {"feature_video": CLIP, **FRAMES}),
        (OMNI, NEW, {"base_video": CLIP, "refer_images": (A,) * 4, "keep_sound": True}),
        (O1, NEW, {"first_frame": A, "refer_images": (B,), "duration": 7}),
        (O1, NEW, {"feature_video": CLIP, "first_frame": A, "keep_sound": True}),
        (O1, NEW, {"duration": 7}),
        (O1, LEGACY, {"refer_images": (A,), "duration": 7}),
        (OMNI, LEGACY, {**FRAMES, "elements": ("1",) * 5}),
        (OMNI, LEGACY, {"multi_shot": True, "shot_type": "intelligence"}),
        (OMNI, LEGACY, {"resolution": "4k", "feature_video": CLIP}),
    ],
)
def test_valid_combinations_are_accepted_by_client_and_server(
    planned: Planner, model: str, keys: str, values: Json
) -> None:
    values = {"prompt": "a", **values}
    plan = planned("omni-video", model, values, keys)

    assert validation.find_problems(plan, values) == ()
    assert server_validation.validate_body(plan, build(plan, values)) == ()


PROMPT = {"type": "prompt", "text": "a"}
BASE = {"type": "base_video", "url": CLIP}
FRAME = {"type": "first_frame", "url": A}
IMAGE = {"type": "refer_image", "url": A}

WIRE: list[tuple[str, str, Json, str]] = [
    (OMNI, NEW, {"contents": []}, "contents[prompt].text is invalid: there is no"),
    (OMNI, NEW, {"contents": [{**FRAME, "type": "mask"}]}, "type value 'mask'"),
    (OMNI, NEW, {"contents": [PROMPT, {"url": A}]}, "contents[1].type is required"),
    (
        OMNI,
        NEW,
        {"contents": [PROMPT, {"type": "element", "element_id": "1"}]},
        "contents[1].id is required",
    ),
    (
        OMNI,
        NEW,
        {"contents": [PROMPT, {**BASE, "id": "a"}, {**IMAGE, "id": "a"}]},
        "contents[].id value 'a' is not unique",
    ),
    (
        OMNI,
        NEW,
        {"contents": [PROMPT, BASE], "settings": {"audio": "native"}},
        "settings.audio is invalid",
    ),
    (
        OMNI,
        NEW,
        {"contents": [PROMPT], "settings": {"audio": "original"}},
        "there is no video whose sound",
    ),
    (
        O1,
        NEW,
        {"contents": [PROMPT], "settings": {"audio": "native"}},
        "settings.audio value 'native' is invalid",
    ),
    (
        O1,
        NEW,
        {"contents": [PROMPT], "settings": {"audio": "loud"}},
        "settings.audio value 'loud' is invalid",
    ),
    (O1, LEGACY, {"prompt": "a"}, "aspect_ratio is invalid"),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "image_list": [{"image_url": A, "type": "last_frame"}]},
        "image_list[0].type value 'last_frame' is invalid",
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "video_list": [{"video_url": CLIP, "refer_type": "x"}]},
        "video_list[0].refer_type value 'x' is invalid",
    ),
    (
        OMNI,
        LEGACY,
        {"prompt": "a", "video_list": [{"video_url": CLIP}, {"video_url": CLIP}]},
        "there is one of its kind already",
    ),
    (
        O1,
        LEGACY,
        {"prompt": "a", "aspect_ratio": "1:1", "sound": "on"},
        "sound value 'on' is invalid",
    ),
]


@pytest.mark.parametrize(("model", "keys", "raw", "message"), WIRE)
def test_the_api_names_the_field_that_it_refuses(
    planned: Planner, model: str, keys: str, raw: Json, message: str
) -> None:
    found = server_validation.validate_body(planned("omni-video", model, {}, keys), raw)

    assert message in found[0].message
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("model", "keys", "raw"),
    [
        (OMNI, NEW, {"contents": [PROMPT, FRAME]}),
        (OMNI, NEW, {"contents": [PROMPT, IMAGE, IMAGE]}),
        (OMNI, NEW, {"contents": [PROMPT, BASE], "settings": {"audio": "off"}}),
        (OMNI, NEW, {"contents": [PROMPT], "settings": {"loud": 1}}),
        (O1, NEW, {"contents": [PROMPT], "settings": {"audio": "off"}}),
        (OMNI, LEGACY, {"prompt": "a", "video_list": [{"video_url": CLIP}]}),
        (O1, LEGACY, {"prompt": "a", "aspect_ratio": "1:1", "sound": "off"}),
    ],
)
def test_optional_parts_that_other_clients_omit_may_be_absent(
    planned: Planner, model: str, keys: str, raw: Json
) -> None:
    assert (
        server_validation.validate_body(planned("omni-video", model, {}, keys), raw)
        == ()
    )


def test_a_video_without_a_type_is_edited(planned: Planner) -> None:
    plan = planned("omni-video", OMNI, {}, LEGACY)
    raw = {"prompt": "a", "video_list": [{"video_url": CLIP}]}

    found, _ = decoder.decode_body(plan.product, plan.route, plan.model, raw)

    assert found == {"prompt": "a", "base_video": CLIP}


def test_the_api_charges_by_its_defaults_and_not_by_client_defaults(
    planned: Planner,
) -> None:
    plan = planned("omni-video", OMNI, {}, LEGACY)
    ours = pricing.estimate_units(plan, {"prompt": "a"})

    assert pricing.charged_units(plan, {"prompt": "a", "aspect_ratio": "1:1"}, 5) == 4.0
    assert ours is not None
    assert ours.units == 3.0


@pytest.mark.parametrize(("model", "most"), [(OMNI, 13.5), (O1, 9.0)])
def test_an_edit_is_priced_by_the_duration_of_its_input(
    planned: Planner, model: str, most: float
) -> None:
    values = {"prompt": "a", "base_video": f"clip={CLIP}"}

    estimate = pricing.estimate_units(planned("omni-video", model, values), values)

    assert estimate is not None
    assert (estimate.units, estimate.at_most_units) == (None, most)


def test_shots_suggest_the_model_that_accepts_them(planned: Planner) -> None:
    with pytest.raises(Exception, match="--shot: kling-o1 does not take it") as caught:
        planned("omni-video", O1, {"shots": SHOTS})

    assert "kling-3.0-omni does" in str(getattr(caught.value, "hint", ""))
