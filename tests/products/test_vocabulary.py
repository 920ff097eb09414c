"""Products the program does not have yet can be described without new code.

The files in `others/` are sketches, one for each turn of the vocabulary that the
catalogue's own files do not need. Source of the requests: API reference, 2.4 to 2.10.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import kling_cli.products
from kling_cli.products import body, catalogue, check, choose, cost
from kling_cli.products.model import CredentialKind, Plan, Product
from kling_cli.products.parse import product as parse

HERE = Path(__file__).parent
COMMON = Path(kling_cli.products.__file__).parent / "data" / "common.toml"
A, B = "https://img.example.com/a.png", "https://img.example.com/b.png"
CLIP = "https://vid.example.com/clip.mp4"


def sketch(name: str) -> Product:
    text = (HERE / "others" / f"{name}.toml").read_text("utf-8")
    return parse(tomllib.loads(text), tomllib.loads(COMMON.read_text("utf-8")))


def plan_for(name: str, values: dict[str, Any], credentials: str = "api_key") -> Plan:
    return choose.plan(
        sketch(name), None, tuple(values), (CredentialKind(credentials),)
    )


CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "omni-video",
        "api_key",
        {
            "prompt": "@hero pours tea in the room from @room",
            "refer_images": (f"room={A}",),
            "elements": ("hero=320000000000001",),
            "sound_of": "native",
            "aspect_ratio": "16:9",
        },
        {
            "contents": [
                {"type": "prompt", "text": "@hero pours tea in the room from @room"},
                {"type": "refer_image", "url": A, "id": "room"},
                {"type": "element", "element_id": "320000000000001", "id": "hero"},
            ],
            "settings": {"audio": "native", "aspect_ratio": "16:9"},
            "options": {"external_task_id": "job-0001"},
        },
    ),
    (
        "omni-video",
        "api_key",
        {
            "prompt": "Put the crown of @crown on the girl in @clip",
            "refer_images": (f"crown={A}",),
            "base_video": f"clip={CLIP}",
            "sound_of": "original",
            "resolution": "1080p",
        },
        {
            "contents": [
                {
                    "type": "prompt",
                    "text": "Put the crown of @crown on the girl in @clip",
                },
                {"type": "refer_image", "url": A, "id": "crown"},
                {"type": "base_video", "url": CLIP, "id": "clip"},
            ],
            "settings": {"audio": "original", "resolution": "1080p"},
            "options": {"external_task_id": "job-0001"},
        },
    ),
    (
        "omni-video",
        "key_pair",
        {
            "prompt": "@hero walks from @image_1 into @room",
            "image": B,
            "refer_images": (f"room={A}",),
            "elements": ("hero=320000000000001",),
            "sound_of": "off",
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "duration": 5,
        },
        {
            "model_name": "kling-v3-omni",
            "prompt": "<<<element_1>>> walks from <<<image_1>>> into <<<image_2>>>",
            "image_list": [{"type": "first_frame", "image_url": B}, {"image_url": A}],
            "element_list": [{"element_id": 320000000000001}],
            "sound": "off",
            "mode": "std",
            "aspect_ratio": "16:9",
            "duration": "5",
            "external_task_id": "job-0001",
        },
    ),
    (
        "omni-video",
        "key_pair",
        {
            "prompt": "Make @clip green",
            "base_video": f"clip={CLIP}",
            "keep_sound": True,
        },
        {
            "model_name": "kling-v3-omni",
            "prompt": "Make <<<video_1>>> green",
            "video_list": [
                {"refer_type": "base", "video_url": CLIP, "keep_original_sound": "yes"}
            ],
            "external_task_id": "job-0001",
        },
    ),
    (
        "omni-image",
        "key_pair",
        {
            "prompt": "Four posters in the style of @style",
            "refer_images": (f"style={A}",),
            "resolution": "2k",
            "result_type": "series",
            "series_amount": "4",
            "aspect_ratio": "3:4",
        },
        {
            "model_name": "kling-v3-omni",
            "prompt": "Four posters in the style of <<<image_1>>>",
            "image_list": [{"image": A}],
            "resolution": "2k",
            "result_type": "series",
            "series_amount": 4,
            "aspect_ratio": "3:4",
            "external_task_id": "job-0001",
        },
    ),
    (
        "drama-subtitle",
        "api_key",
        {
            "source_video": CLIP,
            "glossary": ({"source": "term-zh", "target": "term-en"},),
            "language": "en",
            "cps": 17,
        },
        {
            "contents": [
                {"type": "source_video", "url": CLIP},
                {"type": "glossary", "source": "term-zh", "target": "term-en"},
            ],
            "settings": {"target_language": "en", "target_cps": 17},
            "options": {"external_task_id": "job-0001"},
        },
    ),
    (
        "element",
        "api_key",
        {
            "element_name": "Hero",
            "kind": "image_refer",
            "frontal": A,
            "refer_images": (B,),
            "tags": ("o_102",),
        },
        {
            "element_name": "Hero",
            "reference_type": "image_refer",
            "element_image_list": {
                "frontal_image": A,
                "refer_images": [{"image_url": B}],
            },
            "tag_list": [{"tag_id": "o_102"}],
            "external_task_id": "job-0001",
        },
    ),
    (
        "effects",
        "api_key",
        {"scene": "hug_pro", "images": (A, B)},
        {
            "effect_scene": "hug_pro",
            "input": {"images": [A, B]},
            "external_task_id": "job-0001",
        },
    ),
]


@pytest.mark.parametrize(
    ("name", "credentials", "values", "wanted"),
    CASES,
    ids=[f"{name} {n}" for n, (name, *_) in enumerate(CASES)],
)
def test_a_request_goes_there_and_back(
    name: str, credentials: str, values: dict[str, Any], wanted: dict[str, Any]
) -> None:
    plan = plan_for(name, values, credentials)

    assert check.problems(plan, values) == ()
    made = body.build(plan, values, external_id="job-0001", callback_url=None, extra={})
    assert made == wanted
    assert body.wire_check(plan, made) == ()

    found, _ = body.read(plan.product, plan.route, plan.model, made)
    again = body.build(plan, found, external_id="job-0001", callback_url=None, extra={})
    assert again == made


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "omni-video",
            {"prompt": "a", "refer_images": (A,) * 5, "elements": ("1", "2", "3")},
            "--refer, --element: reference images and elements together are at most 7",
        ),
        (
            "omni-video",
            {"prompt": "a", "last_frame": A},
            "--last-frame: a last frame needs a first one",
        ),
        (
            "omni-video",
            {"prompt": "a", "base_video": "clip.mp4"},
            "--base-video clip.mp4: that is not the URL of a video",
        ),
        (
            "drama-subtitle",
            {"source_video": CLIP, "glossary": ({"source": "a"},)},
            "--term.target: it is missing",
        ),
        (
            "element",
            {"element_name": "a", "kind": "image_refer", "tags": ("x",)},
            "--tag x: element takes o_101 or o_102",
        ),
        (
            "effects",
            {"scene": "hug_pro", "images": (A,)},
            "--pair: 1 of them; effects takes at least 2",
        ),
        (
            "effects",
            {"scene": "hug_pro", "image": A},
            "SCENE: this scene takes two images",
        ),
    ],
)
def test_a_rule_of_another_product_is_kept(
    name: str, values: dict[str, Any], message: str
) -> None:
    found = check.problems(plan_for(name, values), values)

    assert message in [each.message for each in found]


@pytest.mark.parametrize(
    ("name", "values", "units"),
    [
        ("omni-video", {"duration": 3}, 1.8),
        ("omni-video", {"duration": 3, "sound_of": "native"}, 2.4),
        ("omni-video", {"duration": 3, "base_video": CLIP}, 2.7),
        ("omni-image", {"n": 3}, 24),
        ("omni-image", {"result_type": "series", "resolution": "4k"}, 64),
        ("omni-image", {"result_type": "series", "series_amount": "auto"}, None),
        ("drama-subtitle", {}, None),
        ("element", {}, 0),
    ],
)
def test_a_price_of_another_product_is_known_or_not(
    name: str, values: dict[str, Any], units: float | None
) -> None:
    estimate = cost.estimate(plan_for(name, values), values)

    assert (estimate.units if estimate else None) == units


def test_a_file_may_have_a_limit_of_its_own() -> None:
    product = catalogue.load("lip-sync")
    plan = choose.plan(product, None, (), (CredentialKind.API_KEY,))

    assert plan.max_bytes("sound_file") == 5 * 1024 * 1024
    assert plan.max_bytes("image") == 10 * 1024 * 1024


def test_a_product_may_have_no_query_path_and_no_model() -> None:
    plan = plan_for("effects", {})

    assert plan.route.query_path is None
    assert plan.route.model_at is None
    assert plan.create_path == "/v1/videos/effects"


def test_a_solution_takes_other_images() -> None:
    route = plan_for("drama-subtitle", {}).route

    assert route.image_formats == ("jpg", "png", "webp")
    assert route.image_max_side_px == 2048


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"images": A}, "input.images must be an array"),
        ({"images": [A, 5]}, "input.images[1] must be a string"),
        ({"images": [A, B, A]}, "input.images has 3 entries, allowed: at most 2"),
        ({"images": [A, "?"]}, "input.images is neither a URL nor bare base64"),
        ({"image": A}, "effect_scene, input.images, input.image is invalid: "),
    ],
)
def test_a_plain_list_is_checked_on_the_wire(raw: dict[str, Any], message: str) -> None:
    plan = plan_for("effects", {})

    found = body.wire_check(plan, {"effect_scene": "hug_pro", "input": raw})

    assert len(found) == 1
    assert found[0].message.startswith(message)
