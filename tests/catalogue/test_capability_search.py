"""Which model can do what is wanted, beside what, and for how much. Section 3."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import validation
from kling_cli.catalogue.capabilities import CapabilityMatch, best_match
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.routing import find_model


def offer(product: str, model: str, *words: str) -> CapabilityMatch | None:
    described = loader.load_product(product)
    return best_match(described, find_model(described, model), words)


@pytest.mark.parametrize(
    ("product", "model", "words", "values"),
    [
        ("text2video", "kling-3.0", ["sound", "4k"], {"resolution": "4k"}),
        ("text2video", "kling-3.0-turbo", ["sound", "720p"], {"resolution": "720p"}),
        ("text2video", "kling-2.6", ["sound"], {"resolution": "1080p"}),
        ("image2video", "kling-2.6", ["last-frame"], {"resolution": "1080p"}),
        (
            "text2video",
            "kling-2.6",
            ["voice"],
            {"sound": True, "resolution": "1080p"},
        ),
        ("image2video", "kling-v1-5", ["static-mask"], {"resolution": "1080p"}),
        ("image2video", "kling-v1-5", ["camera"], {"resolution": "1080p"}),
        ("image", "kling-v2-1", ["human-fidelity"], {"image_reference": "subject"}),
        ("talking-agent", "talking-agent", ["price"], {"title": "1"}),
    ],
)
def test_values_that_rules_require_are_part_of_the_match(
    product: str, model: str, words: list[str], values: dict[str, Any]
) -> None:
    found = offer(product, model, *words)

    assert found is not None
    assert values.items() <= found.values.items()


@pytest.mark.parametrize(
    ("product", "model", "words"),
    [
        ("text2video", "kling-2.6", ["sound", "720p"]),
        ("text2video", "kling-2.5-turbo", ["sound"]),
        ("text2video", "kling-3.0-turbo", ["no-sound"]),
        ("text2video", "kling-3.0-turbo", ["negative-prompt"]),
        ("text2video", "kling-2.6", ["duration=12"]),
        ("text2video", "kling-2.6", ["duration=long"]),
        ("text2video", "kling-3.0", ["720p", "4k"]),
        ("image2video", "kling-2.6", ["last-frame", "sound"]),
        ("image2video", "kling-3.0", ["element", "voice"]),
        ("image2video", "kling-3.0", ["element=4"]),
        ("image2video", "kling-3.0", ["last-frame=2"]),
        ("image2video", "kling-v1-5", ["camera", "duration=10"]),
        ("tts", "tts", ["4k"]),
    ],
)
def test_a_model_that_lacks_a_capability_does_not_match(
    product: str, model: str, words: list[str]
) -> None:
    assert offer(product, model, *words) is None


@pytest.mark.parametrize(
    ("words", "units", "rate"),
    [
        ([], 3.0, 0.6),
        (["sound"], 4.5, 0.9),
        (["sound", "1080p", "duration=10"], 12.0, 1.2),
        (["4k"], 15.0, 3.0),
    ],
)
def test_the_match_is_the_cheapest_variant(
    words: list[str], units: float, rate: float
) -> None:
    found = offer("text2video", "kling-3.0", *words)

    assert found is not None
    assert found.estimate is not None
    assert found.rate is not None
    assert (found.price, found.rate.units) == (units, rate)


def test_an_unknown_price_comes_last() -> None:
    found = offer("goods-studio", "goods-studio", "15s")

    assert found is not None
    assert found.price == float("inf")


WORDS = ["sound", "4k", "1080p", "last-frame", "voice", "multi-shot", "shot-type"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("product", ["text2video", "image2video"])
def test_a_match_with_prompt_and_image_violates_no_rule(
    product: str, word: str
) -> None:
    described = loader.load_product(product)
    inputs = {"prompt": "a boat", "image": "https://img.example.com/a.png"}
    own = {field.name for field in described.fields}
    for model in described.models:
        found = best_match(described, model, [word])
        if found is not None:
            given = {k: v for k, v in inputs.items() if k in own}
            if "shots" in found.values:
                del given["prompt"]
            assert not validation.find_problems(found.plan, {**given, **found.values})
