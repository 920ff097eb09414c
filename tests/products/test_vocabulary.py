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
from kling_cli.products import body, check, choose, cost
from kling_cli.products.model import CredentialKind, Plan, Product
from kling_cli.products.parse import product as parse

HERE = Path(__file__).parent
COMMON = Path(kling_cli.products.__file__).parent / "data" / "common.toml"
A, B = "https://img.example.com/a.png", "https://img.example.com/b.png"
CLIP = "https://vid.example.com/clip.mp4"
FACE = {
    "session_id": "880000000000000401",
    "face_id": "0",
    "audio_id": "880000000000000201",
    "start_ms": 0,
    "end_ms": 4000,
    "insert_ms": 500,
    "volume": 1,
    "original_volume": 0,
}


def sketch(name: str) -> Product:
    text = (HERE / "others" / f"{name}.toml").read_text("utf-8")
    return parse(tomllib.loads(text), tomllib.loads(COMMON.read_text("utf-8")))


def plan_for(name: str, values: dict[str, Any], credentials: str = "api_key") -> Plan:
    return choose.plan(
        sketch(name), None, tuple(values), (CredentialKind(credentials),)
    )


CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "advanced-lip-sync",
        "key_pair",
        FACE,
        {
            "session_id": "880000000000000401",
            "face_choose": [
                {
                    "face_id": "0",
                    "audio_id": "880000000000000201",
                    "sound_start_time": 0,
                    "sound_end_time": 4000,
                    "sound_insert_time": 500,
                    "sound_volume": 1,
                    "original_audio_volume": 0,
                }
            ],
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
            "advanced-lip-sync",
            {**FACE, "start_ms": 2001},
            "--end, --start: the cut is shorter than 2000 ms",
        ),
        (
            "advanced-lip-sync",
            {**FACE, "sound_file": "https://x/a.mp3"},
            "--audio-id, --sound-file: give exactly one of the two",
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
        ("advanced-lip-sync", {}, None),
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
    plan = plan_for("advanced-lip-sync", {})

    assert plan.max_bytes("sound_file") == 5 * 1024 * 1024
    assert plan.max_bytes("image") == 10 * 1024 * 1024


def test_a_solution_takes_other_images() -> None:
    route = plan_for("drama-subtitle", {}).route

    assert route.image_formats == ("jpg", "png", "webp")
    assert route.image_max_side_px == 2048
