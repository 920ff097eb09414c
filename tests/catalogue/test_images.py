"""The image products. Source: API reference, sections 2.8, 2.9 and 6."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import pricing, server_validation, validation
from tests.catalogue.conftest import Planner
from tests.support.encoding import encode_body

IMAGE = "https://img.example.com/a.png"


def build(plan: Any, values: dict[str, Any]) -> dict[str, Any]:
    return encode_body(plan, values, external_id=None, callback_url=None, extra={})


@pytest.mark.parametrize(
    ("product", "model", "values", "units"),
    [
        ("image", None, {"n": 2}, 16),
        ("image", "kling-v2-1", {}, 4),
        ("image", "kling-v2-1", {"image": IMAGE, "n": 3}, 24),
        ("image", "kling-v1", {"n": 9}, 9),
        ("omni-image", None, {"n": 2, "resolution": "4k"}, 32),
        ("omni-image", None, {"series_amount": 4, "resolution": "2k"}, 32),
        ("omni-image", None, {"result_type": "series"}, 32),
        ("omni-image", "kling-image-o1", {}, 8),
        ("multi-image2image", None, {"subjects": (IMAGE,), "n": 2}, 32),
        ("expand", None, {"image": IMAGE, "left": 0.5}, 8),
        ("try-on", None, {"human_image": IMAGE, "cloth_image": IMAGE}, 1),
        ("ai-multi-shot", None, {"image": IMAGE}, 20),
    ],
)
def test_image_charges_match_the_price_list(
    planned: Planner,
    product: str,
    model: str | None,
    values: dict[str, Any],
    units: float,
) -> None:
    found = pricing.estimate_units(planned(product, model, values), values)

    assert found is not None
    assert found.units == units


def test_a_series_of_automatic_length_is_priced_at_its_maximum(
    planned: Planner,
) -> None:
    values = {"prompt": "a", "series_amount": "auto"}

    found = pricing.estimate_units(planned("omni-image", None, values), values)

    assert found is not None
    assert (found.units, found.at_most_units) == (None, 72)


def test_a_series_is_requested_by_its_number_alone(planned: Planner) -> None:
    values = {"prompt": "a", "series_amount": "3"}
    plan = planned("omni-image", None, values)

    made = build(plan, values)

    assert validation.find_problems(plan, values) == ()
    assert made["result_type"] == "series"
    assert made["series_amount"] == 3


def test_sides_that_are_not_given_are_sent_as_zero(planned: Planner) -> None:
    values = {"image": IMAGE, "left": 0.4}

    made = build(planned("expand", None, values), values)

    assert made == {
        "image": IMAGE,
        "up_expansion_ratio": 0,
        "down_expansion_ratio": 0,
        "left_expansion_ratio": 0.4,
        "right_expansion_ratio": 0,
    }


def test_the_api_requires_every_side_of_an_expansion(planned: Planner) -> None:
    plan = planned("expand", None, {"image": IMAGE})

    found = server_validation.validate_body(
        plan, {"image": IMAGE, "up_expansion_ratio": 0.5}
    )

    assert "down_expansion_ratio is required" in [each.message for each in found]


@pytest.mark.parametrize(
    ("product", "model", "values", "words"),
    [
        ("image", None, {}, "PROMPT is missing"),
        ("image", None, {"prompt": "a" * 2501}, "at most 2500 characters"),
        ("image", None, {"prompt": "a", "n": 10}, "kling-v3 takes 1 to 9"),
        ("image", None, {"prompt": "a", "resolution": "4k"}, "1k or 2k"),
        ("image", "kling-v2-1", {"prompt": "a", "image_reference": "face"}, "needs"),
        (
            "image",
            "kling-v2-1",
            {
                "prompt": "a",
                "image": IMAGE,
                "image_reference": "face",
                "human_fidelity": 1,
            },
            "for a subject only",
        ),
        (
            "image",
            None,
            {"prompt": "a", "image": IMAGE, "negative_prompt": "b"},
            "not go together with a negative prompt",
        ),
        (
            "image",
            None,
            {"prompt": "a", "image": IMAGE, "elements": tuple("1234567890")},
            "together are at most 10",
        ),
        ("image", "kling-v2-new", {"prompt": "a"}, "--image is missing"),
        ("omni-image", "kling-image-o1", {"prompt": "a", "resolution": "4k"}, "2k"),
        ("omni-image", None, {"prompt": "a", "series_amount": 10}, "2, 3"),
        ("omni-image", None, {"prompt": "a", "series_amount": 3, "n": 2}, "series"),
        ("multi-image2image", None, {"prompt": "a"}, "--subject is missing"),
        ("multi-image2image", None, {"subjects": (IMAGE,) * 5}, "at most 4"),
        ("expand", None, {"image": IMAGE}, "no side is to grow"),
        ("expand", None, {"image": IMAGE, "up": 2.5}, "0 to 2"),
        ("expand", None, {"image": IMAGE, "up": 2, "left": 1}, "3 times as large"),
        ("try-on", None, {"human_image": IMAGE}, "GARMENT is missing"),
        ("ai-multi-shot", None, {}, "IMAGE is missing"),
    ],
)
def test_invalid_values_of_an_image_model_are_refused_before_sending(
    planned: Planner, product: str, model: str | None, values: Any, words: str
) -> None:
    found = validation.find_problems(planned(product, model, values), values)

    assert words in "; ".join(each.message for each in found)


def test_messages_do_not_mention_the_older_spelling_of_image_sizes() -> None:
    from kling_cli.catalogue.definition import loader
    from kling_cli.cli.options.product_fields import product_parameters

    named = [each.name for each in product_parameters(loader.load_product("image"))]

    assert "resolution" in named
    assert "mode" not in named


def test_ten_images_without_names_are_not_confused(
    planned: Planner,
) -> None:
    values = {"prompt": "@image_1 and @image_10", "refer_images": (IMAGE,) * 10}
    plan = planned("omni-image", None, values)

    assert validation.find_problems(plan, values) == ()
    assert build(plan, values)["prompt"] == "<<<image_1>>> and <<<image_10>>>"
