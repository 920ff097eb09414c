"""Which model a request gets that names none."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kling_cli.catalogue.capabilities import sample_value
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Rule
from kling_cli.catalogue.request import choose_plan
from kling_cli.catalogue.routing import accepts_field
from kling_cli.errors import CredentialsError, UsageError

KEY = (CredentialKind.API_KEY,)
PAIR = (CredentialKind.KEY_PAIR,)
FRAME = {"image": "cat.png", "prompt": "it purrs"}
HERO = {**FRAME, "prompt": "@hero waves", "elements": ("hero=12",)}


@pytest.mark.parametrize(
    ("product", "values", "model", "reason"),
    [
        pytest.param("image2video", FRAME, "kling-3.0-turbo", None, id="anything"),
        pytest.param(
            "image2video",
            HERO,
            "kling-3.0",
            "kling-3.0-turbo takes no elements; using kling-3.0",
            id="a field",
        ),
        pytest.param(
            "image2video",
            {**HERO, "last_frame": "end.png", "voices": ("ann=3",)},
            "kling-3.0",
            "kling-3.0-turbo takes no elements, no last frame and no voices;"
            " using kling-3.0",
            id="several fields",
        ),
        pytest.param(
            "text2video",
            {"prompt": "a boat", "resolution": "4k", "duration": 12},
            "kling-3.0",
            "--resolution 4k: kling-3.0-turbo takes 720p or 1080p; using kling-3.0",
            id="a value",
        ),
        pytest.param(
            "text2video",
            {"prompt": "a boat", "sound": False},
            "kling-3.0",
            "--no-sound: kling-3.0-turbo always has sound; using kling-3.0",
            id="a switch",
        ),
        pytest.param(
            "text2video",
            {"prompt": "a boat", "cfg_scale": 0.5},
            "kling-v1-6",
            "kling-3.0-turbo takes no cfg scale; using kling-v1-6",
            id="what only an old one has",
        ),
        pytest.param(
            "text2video",
            {"prompt": "a boat", "duration": 77},
            "kling-3.0-turbo",
            None,
            id="what none can do",
        ),
        pytest.param(
            "image2video",
            {**HERO, "duration": 77},
            "kling-3.0",
            "kling-3.0-turbo takes no elements; using kling-3.0",
            id="what one nearly can do",
        ),
    ],
)
def test_the_newest_model_that_accepts_the_values_is_chosen(
    product: str, values: dict[str, Any], model: str, reason: str | None
) -> None:
    choice = choose_plan(loader.load_product(product), None, values, KEY)

    assert (choice.plan.model.id, choice.reason) == (model, reason)


def test_rules_count_in_the_choice_of_the_model() -> None:
    only_long = Rule(
        id="only-long",
        message="rain takes longer",
        when={"negative_prompt": "absent"},
        need={"duration": [10]},
        models=("kling-3.0-turbo",),
    )
    product = replace(loader.load_product("text2video"), rules=(only_long,))

    short = choose_plan(product, None, {"prompt": "rain"}, KEY)
    long = choose_plan(product, None, {"prompt": "rain", "duration": 10}, KEY)

    assert short.plan.model.id == "kling-3.0"
    assert short.reason == "rain takes longer; using kling-3.0"
    assert (long.plan.model.id, long.reason) == ("kling-3.0-turbo", None)


def test_a_named_model_is_never_changed() -> None:
    with pytest.raises(UsageError, match=r"--element: kling-3\.0-turbo does not"):
        choose_plan(loader.load_product("image2video"), "turbo", HERO, KEY)


def test_a_field_of_no_model_is_refused_for_the_default() -> None:
    product = loader.load_product("text2video")

    with pytest.raises(UsageError, match="text2video has no field colour"):
        choose_plan(product, None, {"colour": "red"}, KEY)


def test_credentials_limit_the_choice_of_models() -> None:
    product = loader.load_product("text2video")
    choice = choose_plan(product, None, {"prompt": "a boat"}, PAIR)

    assert (choice.plan.model.id, choice.reason) == ("kling-3.0", None)
    with pytest.raises(CredentialsError, match="needs an API key"):
        choose_plan(loader.load_product("goods-studio"), None, {}, PAIR)


@pytest.mark.parametrize("name", loader.product_names())
def test_no_field_of_any_current_model_needs_a_model_named(name: str) -> None:
    product = loader.load_product(name)
    fields = {
        field
        for model in product.models
        if model.status == "current"
        for limits in model.limits.values()
        for field, each in limits.items()
        if not each.is_fixed
    }

    for field in fields:
        value = sample_value(product.field(field))
        plan = choose_plan(product, None, {field: value}, KEY).plan
        assert accepts_field(plan.model, plan.route, field), field
