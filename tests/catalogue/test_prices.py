"""Every price of the list, and nothing but that. Source: API reference, section 6.

The tables are written off from it row by row. A row of a product that has no file yet
waits for it; a rate that no row speaks of fails.
"""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import pricing
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Plan

Values = dict[str, Any]
Units = float | None

SILENT: Values = {"sound": False}
HEARD: Values = {"sound": True}
VOICED: Values = {"sound": True, "voices": ("1",)}
EDITED: Values = {"base_video": "https://v/a.mp4"}
REFERRED: Values = {"feature_video": "https://v/a.mp4"}
IMAGE: Values = {"image": "https://i/a.png"}
FRAMED = ("text2video", "image2video")
RESOLUTIONS = ("720p", "1080p", "4k")

# Units a second: products, model, variant, then 720p, 1080p and 4k.
A_SECOND: list[tuple[tuple[str, ...], str, Values, Units, Units, Units]] = [
    (FRAMED, "kling-3.0-turbo", {}, 0.8, 1.0, None),
    (FRAMED, "kling-3.0", SILENT, 0.6, 0.8, 3),
    (FRAMED, "kling-3.0", HEARD, 0.9, 1.2, 3),
    (("motion-control",), "kling-3.0", {}, 0.9, 1.2, None),
    (("omni-video",), "kling-3.0-omni", SILENT, 0.6, 0.8, 3),
    (("omni-video",), "kling-3.0-omni", HEARD, 0.8, 1.0, 3),
    (("omni-video",), "kling-3.0-omni", EDITED, 0.9, 1.2, 3),
    (("omni-video",), "kling-3.0-omni", REFERRED, 0.9, 1.2, 3),
    (("omni-video",), "kling-o1", {}, 0.6, 0.8, None),
    (("omni-video",), "kling-o1", EDITED, 0.9, 1.2, None),
    (("omni-video",), "kling-o1", REFERRED, 0.9, 1.2, None),
    (FRAMED, "kling-2.6", SILENT, 0.3, 0.5, None),
    (FRAMED, "kling-2.6", HEARD, None, 1.0, None),
    (FRAMED[1:], "kling-2.6", VOICED, None, 1.2, None),
    (("motion-control",), "kling-2.6", {}, 0.5, 0.8, None),
    (FRAMED, "kling-2.5-turbo", {}, 0.3, 0.5, None),
    (FRAMED[1:], "kling-v2-1", {}, 0.4, 0.7, None),
    (FRAMED, "kling-v2-1-master", {}, None, 2.0, None),
    (FRAMED, "kling-v2-master", {}, 2.0, None, None),
    (FRAMED, "kling-v1-6", {}, 0.4, 0.7, None),
    (FRAMED[1:], "kling-v1-5", {}, 0.4, 0.7, None),
    (FRAMED, "kling-v1", {}, 0.2, 0.7, None),
    (("multi-image2video",), "kling-v1-6", {}, 0.4, 0.7, None),
    (("multi-elements",), "", {}, 0.6, 1.0, None),
    (("avatar",), "avatar", {}, 0.4, 0.8, None),
]

# Units a call, or an image: product, model, variant.
A_CALL: list[tuple[str, str, Values, float]] = [
    ("video-extend", "video-extend", {"resolution": "720p"}, 2),
    ("video-extend", "video-extend", {"resolution": "1080p"}, 3.5),
    ("lip-sync", "", {}, 0.5),  # each 5 seconds
    ("advanced-lip-sync", "", {}, 0.5),
    ("identify-face", "", {}, 0.05),
    ("tts", "tts", {}, 0.05),
    ("text-to-audio", "text-to-audio", {}, 0.25),
    ("video-to-audio", "video-to-audio", {}, 0.25),
    ("custom-voice", "custom-voice", {}, 0.05),
    ("image-recognize", "image-recognize", {}, 0.1),
    ("custom-element", "custom-element", {}, 0),
    ("image", "kling-v3", {}, 8),
    ("omni-image", "kling-v3-omni", {"resolution": "2k"}, 8),
    ("omni-image", "kling-v3-omni", {"resolution": "4k"}, 16),
    ("omni-image", "kling-image-o1", {}, 8),
    ("image", "kling-v2-1", {}, 4),
    ("image", "kling-v2-1", IMAGE, 8),
    ("multi-image2image", "kling-v2-1", {}, 16),
    ("image", "kling-v2", {}, 4),
    ("image", "kling-v2", IMAGE, 8),
    ("image", "kling-v2-new", IMAGE, 8),  # the same, which takes nothing else
    ("multi-image2image", "kling-v2", {}, 16),
    ("image", "kling-v1-5", {}, 4),
    ("image", "kling-v1-5", IMAGE, 8),
    ("image", "kling-v1", {}, 1),
    ("expand", "expand", {}, 8),
    ("ai-multi-shot", "ai-multi-shot", {}, 20),
    ("try-on", "kolors-virtual-try-on-v1", {}, 1),
    ("try-on", "kolors-virtual-try-on-v1-5", {}, 1),
    ("virtual-try-on", "virtual-try-on", {}, 1),
]
# "varies (differs per template)", and the solutions, which the list has no word of.
UNPRICED = {
    "effects",
    "goods-studio",
    "clothing-dupe",
    "talking-agent",
    "drama-subtitle",
}
A_UNIT = {"video": 0.14, "image": 0.0035, "try_on": 0.07}  # USD

PRODUCTS = {each.name: each for each in (*loader.all_products(), *loader.all_managed())}


def plan_of(product: str, model_id: str) -> Plan:
    """Return a plan for a model, by the first route that has it; "" is the only one."""
    described = PRODUCTS[product]
    (model,) = (one for one in described.models if model_id in ("", one.id))
    (route, *_) = (one for one in described.routes if one.name in model.wire_ids)
    return Plan(product=described, route=route, model=model)


def has_resolution(plan: Plan, resolution: str) -> bool:
    limits = plan.limits["resolution"]
    return resolution in (
        (limits.default,) if limits.is_fixed else limits.choices or ()
    )


def units_of(plan: Plan, values: Values, *, seconds: float = 1) -> Units:
    """Return what a second, a call or an image costs; None where it is not sold."""
    if pricing.find_rate(plan, values) is None:
        return None
    return pricing.charged_units(plan, values, seconds)


@pytest.mark.parametrize(
    ("product", "row"),
    [
        pytest.param(name, row, id=f"{name} {row[1]} {' '.join(row[2])}")
        for row in A_SECOND
        for name in row[0]
        if name in PRODUCTS
    ],
)
def test_prices_per_second_match_the_price_list(product: str, row: Any) -> None:
    _, model, variant, *wanted = row
    plan = plan_of(product, model)

    found = [
        units_of(plan, {**variant, "resolution": each})
        if has_resolution(plan, each)
        else None
        for each in RESOLUTIONS
    ]

    assert found == wanted


@pytest.mark.parametrize(
    ("product", "model", "variant", "units"),
    [
        pytest.param(*row, id=f"{row[0]} {row[1]} {row[3]}")
        for row in A_CALL
        if row[0] in PRODUCTS
    ],
)
def test_prices_per_call_or_image_match_the_price_list(
    product: str, model: str, variant: Values, units: float
) -> None:
    assert units_of(plan_of(product, model), variant, seconds=5) == units


def test_every_rate_is_in_the_price_list() -> None:
    priced = {
        (name, model.id) for name, one in PRODUCTS.items() for model in one.models
    }
    rows = [(name, model) for names, model, *_ in A_SECOND for name in names]
    rows += [(name, model) for name, model, *_ in A_CALL]

    missing = {
        (name, model)
        for name, model in priced
        if (name, model) not in rows and (name, "") not in rows
    }

    assert {name for name, _ in missing} == UNPRICED
    assert all(not m.rates for name in UNPRICED for m in PRODUCTS[name].models)


def test_unit_prices_match_the_price_list() -> None:
    assert {one.pack: one.unit_usd for one in PRODUCTS.values()} == A_UNIT


def test_the_bound_of_an_extension_is_its_higher_price() -> None:
    found = pricing.estimate_units(plan_of("video-extend", ""), {"video_id": "1"})

    assert found is not None
    assert (found.units, found.at_most_units) == (None, 3.5)
