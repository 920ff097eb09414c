"""The rules of solutions. Source: API reference, section 2.10."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import validation
from tests.catalogue.conftest import Planner
from tests.support.encoding import encode_body

IMAGE = "https://img.example.com/a.png"
TALK = {"script": "a"}


@pytest.mark.parametrize(
    ("product", "values", "words"),
    [
        ("talking-agent", TALK, "exactly one presenter"),
        ("talking-agent", {**TALK, "image": IMAGE}, "needs a voice"),
        (
            "talking-agent",
            {**TALK, "avatar": "avatar_mia_female", "voice": "female_warm_rich"},
            "has a voice already",
        ),
        (
            "talking-agent",
            {**TALK, "avatar": "avatar_mia_female", "price": "9 EUR"},
            "needs --product and --title",
        ),
        (
            "talking-agent",
            {
                **TALK,
                "avatar": "avatar_mia_female",
                "title": "Mug",
                "products": (IMAGE,),
                "speed": "1.2",
            },
            "takes no --speed",
        ),
        ("goods-studio", {"title": "Mug"}, "--image is missing"),
        ("goods-studio", {"title": "Mug", "images": (IMAGE,) * 6}, "at most 5"),
        ("virtual-try-on", {"person": "p.png", "garment": IMAGE}, "a local file"),
        ("clothing-dupe", {"music": "song.mp3"}, "a local file cannot be sent"),
        ("drama-subtitle", {"glossary": ({"source": "a"},)}, "missing"),
    ],
)
def test_invalid_values_of_a_solution_are_refused(
    planned: Planner, product: str, values: Any, words: str
) -> None:
    found = validation.find_problems(planned(product, None, values), values)

    assert words in "; ".join(each.message for each in found)


def test_required_fields_of_a_product_film_have_our_defaults(planned: Planner) -> None:
    values = {"title": "Mug", "images": (IMAGE,)}
    plan = planned("goods-studio", None, values)

    made = encode_body(plan, values, external_id=None, callback_url=None, extra={})

    assert made["settings"] == {
        "duration": 15,
        "resolution": "720p",
        "aspect_ratio": "9:16",
    }
