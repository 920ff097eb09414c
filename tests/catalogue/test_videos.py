"""Video products made of one call. Source: API reference, sections 2.2, 2.4, 6."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kling_cli.catalogue import pricing, validation
from tests.catalogue.conftest import Planner
from tests.support.sounds import wav

IMAGE = "https://img.example.com/a.png"
CLIP = "https://vid.example.com/a.mp4"
MOVE = {"image": IMAGE, "video": CLIP, "orientation": "video"}
SUBJECTS = {"prompt": "a", "subjects": (IMAGE, IMAGE)}


@pytest.mark.parametrize(
    ("product", "model", "values", "words"),
    [
        ("motion-control", None, {"image": IMAGE}, "VIDEO is missing"),
        ("motion-control", None, MOVE | {"orientation": "left"}, "image or video"),
        ("motion-control", None, MOVE | {"resolution": "4k"}, "720p or 1080p"),
        ("motion-control", None, MOVE | {"elements": ("1", "2")}, "at most 1"),
        (
            "motion-control",
            None,
            MOVE | {"elements": ("1",), "orientation": "image"},
            "faces as in the video",
        ),
        ("avatar", None, {"image": IMAGE}, "exactly one sound is needed"),
        (
            "avatar",
            None,
            {"image": IMAGE, "audio_id": "1", "sound_file": "https://x/a.mp3"},
            "exactly one sound is needed",
        ),
        ("multi-image2video", None, {"prompt": "a"}, "--subject is missing"),
        ("multi-image2video", None, SUBJECTS | {"subjects": (IMAGE,) * 5}, "at most 4"),
        ("multi-image2video", None, SUBJECTS | {"duration": 7}, "5 or 10"),
        ("video-extend", None, {"prompt": "a"}, "VIDEO_ID is missing"),
    ],
)
def test_invalid_values_of_a_video_product_are_refused_before_sending(
    planned: Planner, product: str, model: str | None, values: Any, words: str
) -> None:
    found = validation.find_problems(planned(product, model, values), values)

    assert words in "; ".join(each.message for each in found)


@pytest.mark.parametrize(
    ("product", "values", "seconds", "units"),
    [
        ("motion-control", MOVE, 10, 9),
        ("motion-control", MOVE | {"resolution": "1080p"}, 5, 6),
        ("avatar", {"image": IMAGE, "audio_id": "1"}, 11, 4.4),
        ("multi-image2video", SUBJECTS | {"resolution": "1080p"}, 5, 3.5),
        ("video-extend", {"video_id": "1"}, 5, 3.5),
    ],
)
def test_video_charges_match_the_price_list(
    planned: Planner, product: str, values: Any, seconds: float, units: float
) -> None:
    plan = planned(product, None, values)

    assert pricing.charged_units(plan, values, seconds) == pytest.approx(units)


def test_the_older_motion_model_accepts_no_elements(planned: Planner) -> None:
    plan = planned("motion-control", "kling-2.6", MOVE)

    assert "elements" not in plan.limits
    assert pricing.charged_units(plan, MOVE, 5) == pytest.approx(2.5)


def sound(seconds: float) -> str:
    return base64.b64encode(wav(seconds)).decode()


@pytest.mark.parametrize(
    ("product", "values", "price", "words"),
    [
        ("motion-control", MOVE, (None, 27), "the motion video, 30 s at most"),
        ("motion-control", MOVE | {"orientation": "image"}, (None, 9), "10 s at most"),
        ("avatar", {"image": IMAGE, "audio_id": "1"}, (None, 120), "300 s at most"),
        ("avatar", {"image": IMAGE, "sound_file": "not base64"}, (None, 120), "300 s"),
        (
            "avatar",
            {"image": IMAGE, "sound_file": sound(11.3)},
            (4.4, 4.4),
            "11.3 s of sound",
        ),
        (
            "avatar",
            {"image": IMAGE, "sound_file": sound(2.99), "resolution": "1080p"},
            (1.6, 1.6),
            "0.8 units per second",
        ),
        ("video-extend", {"video_id": "1"}, (None, 3.5), "at most 3.5 units per call"),
    ],
)
def test_a_video_as_long_as_its_input_is_priced_by_it_or_bounded(
    planned: Planner,
    product: str,
    values: dict[str, Any],
    price: tuple[float | None, float],
    words: str,
) -> None:
    found = pricing.estimate_units(planned(product, None, values), values)

    assert found is not None
    assert (found.units, found.at_most_units) == price
    assert found.at_most_usd == pytest.approx(price[1] * 0.14)
    assert words in found.basis
