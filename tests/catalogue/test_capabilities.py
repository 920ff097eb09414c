"""The words of `--can`, as each product can mean them."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue.capabilities import (
    Requirement,
    parse_requirement,
    parse_requirements,
    require_known_capabilities,
)
from kling_cli.catalogue.definition import loader
from kling_cli.errors import UsageError


def meant(product: str, word: str) -> list[tuple[str, Any]]:
    described = loader.load_product(product)
    return [(each.field, each.value) for each in parse_requirement(described, word)]


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("sound", ("sound", None)),
        ("no-sound", ("sound", False)),
        ("sound=off", ("sound", False)),
        ("Last-Frame", ("last_frame", None)),
        ("duration=12", ("duration", 12)),
        ("12s", ("duration", 12)),
        ("duration=long", ("duration", "long")),
        ("4K", ("resolution", "4k")),
        ("resolution=1080p", ("resolution", "1080p")),
        ("cfg-scale=0.5", ("cfg_scale", 0.5)),
        ("element=2", ("elements", ("1", "1"))),
        ("elements", ("elements", None)),
        ("last-frame=2", ("last_frame", 2)),
        ("last-frame=1", ("last_frame", "https://example.com/file")),
    ],
)
def test_a_word_means_a_field_and_perhaps_a_value(
    word: str, meaning: tuple[str, Any]
) -> None:
    assert meant("image2video", word) == [meaning]


@pytest.mark.parametrize("word", ["4k", "16:9", "last-frame", "5s", "no-sound", "x=1"])
def test_a_word_without_a_meaning_for_a_product_has_no_requirement(word: str) -> None:
    assert meant("tts", word) == []


def test_a_fixed_value_is_a_known_word() -> None:
    assert meant("text2video", "720p") == [("resolution", "720p")]


def test_every_combination_of_meanings_is_a_set_of_requirements() -> None:
    product = loader.load_product("text2video")

    assert [*parse_requirements(product, ["sound", "4k"])] == [
        (Requirement("sound"), Requirement("resolution", "4k"))
    ]
    assert [*parse_requirements(product, ["sound", "nonsense"])] == []


def test_an_unknown_word_is_refused_with_similar_ones() -> None:
    with pytest.raises(UsageError, match="--can last-fram:") as caught:
        require_known_capabilities(loader.all_products(), ["sound", "last-fram"])

    assert "last-frame" in (caught.value.hint or "")


def test_an_unknown_word_without_similar_ones_lists_some() -> None:
    with pytest.raises(UsageError) as caught:
        require_known_capabilities(loader.all_products(), ["zzzz=1"])

    assert "duration=12" in (caught.value.hint or "")
