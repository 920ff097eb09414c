"""Calls that go before others are described as products are. Source: section 2.6."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import decoder, pricing, routing, server_validation, validation
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Plan
from kling_cli.errors import UsageError
from tests.support.encoding import encode_body

MIDDLE = {"x": 0.5, "y": 0.5}
CLIP = "https://vid.example.com/a.mp4"
FACE: dict[str, Any] = {
    "session": "88",
    "face": "0",
    "audio_id": "89",
    "start": 0,
    "end": 4.0,
    "insert": 0.5,
}
EDIT: dict[str, Any] = {"session": "88", "prompt": "a", "edit": "swap"}
PICTURE = "https://img.example.com/dog.png"


def plan_for(name: str, values: dict[str, Any]) -> Plan:
    product = loader.load_description(name)
    return routing.select_route(
        product, None, tuple(values), (CredentialKind.KEY_PAIR,)
    )


def test_they_are_found_by_path_and_are_no_commands() -> None:
    steps = loader.all_steps()

    assert [each.name for each in steps] == [
        "add-selection",
        "clear-selection",
        "delete-selection",
        "identify-face",
        "init-selection",
        "preview-selection",
    ]
    for each in steps:
        assert each.name not in loader.product_names()
        assert each.step is not None
        found = decoder.route_by_path(each.routes[0].create_path)
        assert found == (each, each.routes[0], each.models[0])


def test_every_session_is_opened_by_a_step() -> None:
    used = {each.session.step for each in loader.all_products() if each.session}

    assert used == {"identify-face", "init-selection"}
    assert used <= {each.name for each in loader.all_steps()}


def test_a_name_without_description_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no product nonsense"):
        loader.load_description("nonsense")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("identify-face", {}, "a video is needed"),
        ("identify-face", {"video": CLIP, "video_id": "88"}, "a video is needed"),
        ("add-selection", {"session": "88", "frame": 0}, "--point is missing"),
        (
            "add-selection",
            {"session": "88", "frame": 0, "points": (MIDDLE,) * 11},
            "--point: 11 of them; add-selection takes at most 10",
        ),
        (
            "add-selection",
            {"session": "88", "frame": 0, "points": ({"x": 1.5, "y": 0},)},
            "--point.x 1.5: add-selection takes 0 to 1",
        ),
        ("lip-sync", {**FACE, "end": 1.5}, "the cut is shorter than 2 s"),
        ("lip-sync", {**FACE, "start": 2.3, "end": 4.2}, "the cut is shorter than 2 s"),
        ("lip-sync", {**FACE, "sound_file": CLIP}, "exactly one sound is needed"),
        ("lip-sync", {**FACE, "volume": 3.0}, "--volume 3.0: lip-sync takes 0 to 2"),
        ("multi-elements", EDIT, "a swap needs exactly one image"),
        (
            "multi-elements",
            {**EDIT, "images": (PICTURE, PICTURE)},
            "a swap needs exactly one image",
        ),
        (
            "multi-elements",
            {**EDIT, "edit": "addition"},
            "an addition needs one or two images",
        ),
        (
            "multi-elements",
            {**EDIT, "edit": "removal", "images": (PICTURE,)},
            "a removal takes no image",
        ),
        (
            "multi-elements",
            {**EDIT, "images": (PICTURE,), "duration": 7},
            "--duration 7: multi-elements takes 5 or 10 s",
        ),
    ],
)
def test_invalid_values_are_refused_by_client_and_api(
    name: str, values: dict[str, Any], message: str
) -> None:
    plan = plan_for(name, values)
    raw = encode_body(plan, values, external_id=None, callback_url=None, extra={})

    found = [each.message for each in validation.find_problems(plan, values)]

    assert any(message in each for each in found), found
    assert server_validation.validate_body(plan, raw)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("lip-sync", {**FACE, "start": 0.3, "end": 2.3}),  # binary fractions
        ("multi-elements", {**EDIT, "edit": "removal"}),
        ("multi-elements", {**EDIT, "edit": "addition", "images": (PICTURE,) * 2}),
    ],
)
def test_values_at_their_limits_are_accepted(name: str, values: dict[str, Any]) -> None:
    assert validation.find_problems(plan_for(name, values), values) == ()


@pytest.mark.parametrize(
    ("name", "values", "seconds", "units"),
    [
        ("identify-face", {}, None, 0.05),
        ("init-selection", {}, None, 0),
        ("lip-sync", {}, None, None),
        ("lip-sync", {}, 5.041, 0.5),
        ("lip-sync", {}, 12.0, 1.5),
        ("multi-elements", {"duration": 10}, None, 6),
        ("multi-elements", {"resolution": "1080p"}, None, 5),
    ],
)
def test_a_price_is_known_where_the_duration_is(
    name: str, values: dict[str, Any], seconds: float | None, units: float | None
) -> None:
    found = pricing.estimate_units(plan_for(name, values), values, seconds=seconds)

    assert (found.units if found else None) == units


@pytest.mark.parametrize("summary", loader.step_summaries(), ids=lambda one: one.name)
def test_the_head_of_a_step_says_what_its_file_says(summary: loader.Summary) -> None:
    step = loader.load_step(summary.name)

    assert (summary.summary, summary.panel) == (step.summary, step.panel)
    assert step.example.startswith(f"kling {summary.group} {summary.command} ")
