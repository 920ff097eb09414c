"""Units and prices. Source: API reference, section 6, "Observed charges" included."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kling_cli.catalogue import pricing
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Rate
from tests.catalogue.conftest import Planner
from tests.catalogue.strategies import FRAME

TEXT = {"prompt": "a"}


@pytest.mark.parametrize(
    ("model", "values", "units"),
    [
        ("kling-3.0-turbo", {}, 4.0),
        ("kling-3.0-turbo", {"resolution": "1080p"}, 5.0),
        ("kling-3.0-turbo", {"duration": 3}, 2.4),
        ("kling-3.0", {"duration": 10}, 6.0),
        ("kling-3.0", {"resolution": "1080p"}, 4.0),
        ("kling-3.0", {"resolution": "4k"}, 15.0),
        ("kling-3.0", {"sound": True}, 4.5),
        ("kling-3.0", {"sound": True, "resolution": "1080p"}, 6.0),
        ("kling-3.0", {"sound": True, "resolution": "4k"}, 15.0),
        ("kling-2.6", {}, 1.5),
        ("kling-2.6", {"resolution": "1080p"}, 2.5),
        ("kling-2.6", {"resolution": "1080p", "sound": True}, 5.0),
        ("kling-2.6", {"resolution": "1080p", "sound": True, "voices": ("8",)}, 6.0),
        ("kling-2.5-turbo", {"duration": 10}, 3.0),
        ("kling-v2-1-master", {}, 10.0),
        ("kling-v2-master", {"duration": 10}, 20.0),
        ("kling-v1-6", {"resolution": "1080p"}, 3.5),
        ("kling-v1", {}, 1.0),
    ],
)
def test_the_price_table_is_confirmed(
    planned: Planner, model: str, values: dict[str, Any], units: float
) -> None:
    plan = planned("text2video", model, values)

    estimate = pricing.estimate_units(plan, {**TEXT, **values})

    assert estimate is not None
    assert estimate.units == units
    assert estimate.usd == pytest.approx(units * 0.14)


@pytest.mark.parametrize(
    ("model", "by_resolution"),
    [
        ("kling-3.0-turbo", {"720p": 4.0, "1080p": 5.0}),
        ("kling-3.0", {"720p": 3.0, "1080p": 4.0, "4k": 15.0}),
        ("kling-2.6", {"720p": 1.5, "1080p": 2.5}),
        ("kling-2.5-turbo", {"720p": 1.5, "1080p": 2.5}),
        ("kling-v2-1", {"720p": 2.0, "1080p": 3.5}),
        ("kling-v2-1-master", {"1080p": 10.0}),
        ("kling-v2-master", {"720p": 10.0}),
        ("kling-v1-6", {"720p": 2.0, "1080p": 3.5}),
        ("kling-v1-5", {"720p": 2.0, "1080p": 3.5}),
        ("kling-v1", {"720p": 1.0, "1080p": 3.5}),
    ],
)
def test_a_first_frame_costs_what_a_prompt_does(
    planned: Planner, model: str, by_resolution: dict[str, float]
) -> None:
    plan = planned("image2video", model, {})

    found = {
        resolution: pricing.charged_units(plan, {"resolution": resolution}, 5.041)
        for resolution in by_resolution
    }

    assert found == by_resolution


def test_models_of_both_products_have_the_same_rates() -> None:
    text, image = (
        {model.id: model.rates for model in loader.load_product(name).models}
        for name in ("text2video", "image2video")
    )

    assert {name: image[name] for name in text} == text


@pytest.mark.parametrize(
    ("resolution", "seconds", "units"),
    [
        pytest.param("1080p", 5.041, 5.0, id="a 5.041 s Turbo clip"),
        pytest.param("720p", 3.041, 2.4, id="a 3.041 s Turbo clip"),
        pytest.param("720p", 2.9999999, 2.4, id="three seconds but for rounding"),
    ],
)
def test_observed_charges_are_confirmed(
    planned: Planner, resolution: str, seconds: float, units: float
) -> None:
    plan = planned("image2video", "kling-3.0-turbo", {})

    assert pricing.charged_units(plan, {"resolution": resolution}, seconds) == units


@pytest.mark.parametrize(
    ("rate", "seconds", "n_outputs", "units"),
    [
        pytest.param(Rate(units=0.6), 3.0, 1, 1.8, id="3 s of silent Omni"),
        pytest.param(Rate(units=8, per="output", count="n"), 0, 1, 8, id="an image"),
        pytest.param(Rate(units=8, per="output", count="n"), 0, 2, 16, id="two images"),
        pytest.param(Rate(units=0.4), 11.3, 1, 4.4, id="an avatar, by its audio"),
        pytest.param(Rate(units=0.05, per="call"), 2.3, 1, 0.05, id="one TTS call"),
        pytest.param(Rate(units=0, per="call"), 0, 1, 0, id="one element"),
        pytest.param(Rate(units=0.5, every=5), 12.0, 1, 1.5, id="lip sync"),
    ],
)
def test_other_products_are_charged_by_their_unit(
    planned: Planner, rate: Rate, seconds: float, n_outputs: int, units: float
) -> None:
    plan = planned("text2video", None, {})
    plan = replace(plan, model=replace(plan.model, rates=(rate,)))

    charged = pricing.charged_units(plan, TEXT, seconds, n_outputs=n_outputs)

    assert charged == units


@pytest.mark.parametrize(
    ("rate", "values", "units", "basis"),
    [
        (Rate(units=0.05, per="call"), {}, 0.05, "kling-3.0 720p: 0.05 units per call"),
        (
            Rate(units=8, per="output", count="n"),
            {"n": 4},
            32,
            "kling-3.0 720p: 8 units per output",
        ),
        (Rate(units=0.5, every=5), {}, 0.5, "kling-3.0 720p: 0.5 units per 5 seconds"),
    ],
)
def test_an_estimate_states_its_basis(
    planned: Planner, rate: Rate, values: dict[str, Any], units: float, basis: str
) -> None:
    plan = planned("text2video", "kling-3.0", {})
    plan = replace(plan, model=replace(plan.model, rates=(rate,)))

    estimate = pricing.estimate_units(plan, values)

    assert estimate is not None
    assert (estimate.units, estimate.basis) == (units, basis)


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        pytest.param((), "no price for text2video", id="nothing"),
        pytest.param(
            (Rate(units=1, when={"resolution": ["8k"]}),),
            "no price for this combination",
            id="not for this",
        ),
    ],
)
def test_without_a_published_price_there_is_no_estimate(
    planned: Planner, rates: tuple[Rate, ...], why: str
) -> None:
    plan = planned("text2video", None, {})
    plan = replace(plan, model=replace(plan.model, rates=rates))

    assert pricing.estimate_units(plan, {}) is None
    assert why in pricing.explain_missing_price(plan)


def test_an_unbounded_number_is_not_estimated(planned: Planner) -> None:
    plan = planned("text2video", None, {})
    rate = Rate(units=8, per="output", count="n")
    plan = replace(plan, model=replace(plan.model, rates=(rate,)))

    found = pricing.estimate_units(plan, {"n": "auto"})

    assert found is not None
    assert (found.units, found.at_most_units, found.usd) == (None, None, None)


def test_without_a_price_nothing_is_charged(planned: Planner) -> None:
    plan = planned("text2video", None, {})
    plan = replace(plan, model=replace(plan.model, rates=()))

    assert pricing.charged_units(plan, TEXT, 5.0) == 0


def test_shots_decide_the_seconds_that_are_charged(planned: Planner) -> None:
    values = {"shots": ("3:a", "4:b")}

    estimate = pricing.estimate_units(planned("text2video", None, values), values)

    assert estimate is not None
    assert estimate.units == 5.6


def test_sound_that_is_not_available_is_not_charged(planned: Planner) -> None:
    plan = planned("image2video", "kling-2.5-turbo", {})

    estimate = pricing.estimate_units(plan, {"image": FRAME, "sound": True})

    assert estimate is not None
    assert "sound" not in estimate.basis
