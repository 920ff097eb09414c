"""Which route and model a request takes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kling_cli.catalogue import routing
from kling_cli.catalogue.definition import loader
from kling_cli.errors import CredentialsError, UsageError
from tests.catalogue.conftest import Planner

T2V = loader.load_product("text2video")
I2V = loader.load_product("image2video")


@pytest.mark.parametrize(
    ("text", "model_id"),
    [
        pytest.param("kling-3.0", "kling-3.0", id="new spelling"),
        pytest.param("kling-v3", "kling-3.0", id="legacy spelling"),
        pytest.param("KLING-V3", "kling-3.0", id="capitals"),
        pytest.param(" 2.6 ", "kling-2.6", id="short"),
        pytest.param("turbo", "kling-3.0-turbo", id="nickname"),
        pytest.param("kling-v2-1-master", "kling-v2-1-master", id="historic"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(text: str, model_id: str) -> None:
    assert routing.find_model(T2V, text).id == model_id


def test_an_unknown_model_suggests_similar_ones() -> None:
    with pytest.raises(
        UsageError, match=r"text2video has no model kling-3\.1"
    ) as caught:
        routing.find_model(T2V, "kling-3.1")

    assert "kling-3.0" in str(caught.value.hint)


def test_a_model_name_without_similar_ones_lists_all() -> None:
    with pytest.raises(UsageError) as caught:
        routing.find_model(T2V, "zzz")

    assert "kling-3.0-turbo, kling-3.0, kling-2.6" in str(caught.value.hint)
    assert "kling-v1," not in str(caught.value.hint)


def test_a_model_of_another_product_suggests_that_product() -> None:
    with pytest.raises(UsageError) as caught:
        routing.find_model(T2V, "kling-v1-5")

    assert caught.value.hint == "kling image2video has it"


@pytest.mark.parametrize(
    ("model", "given", "credentials", "path"),
    [
        (None, ["prompt"], "api_key", "/text-to-video/kling-3.0-turbo"),
        (None, ["prompt"], "key_pair", "/v1/videos/text2video"),
        ("kling-v3", ["prompt"], "api_key", "/text-to-video/kling-3.0"),
        ("kling-3.0", ["negative_prompt"], "api_key", "/v1/videos/text2video"),
        ("kling-3.0", ["voices"], "api_key", "/v1/videos/text2video"),
        ("kling-v1-6", ["prompt"], "api_key", "/v1/videos/text2video"),
        ("kling-3.0-turbo", ["sound"], "api_key", "/text-to-video/kling-3.0-turbo"),
    ],
)
def test_the_first_route_that_accepts_the_fields_is_selected(
    planned: Planner, model: str | None, given: list[str], credentials: str, path: str
) -> None:
    plan = planned("text2video", model, dict.fromkeys(given), credentials)

    assert plan.create_path == path


def test_a_key_pair_defaults_to_a_model_it_can_reach(planned: Planner) -> None:
    plan = planned("image2video", None, {}, "key_pair")

    assert plan.wire_model == "kling-v3"


def test_a_model_unreachable_with_these_credentials_is_a_credentials_error(
    planned: Planner,
) -> None:
    with pytest.raises(
        CredentialsError, match=r"kling-3\.0-turbo needs an API key"
    ) as e:
        planned("text2video", "kling-3.0-turbo", {}, "key_pair")

    assert "-m kling-3.0" in str(e.value.hint)


def test_without_credentials_an_api_key_is_asked_for() -> None:
    with pytest.raises(CredentialsError) as caught:
        routing.select_route(T2V, None, (), ())

    assert caught.value.hint == "run kling auth login with an API key"


def test_a_field_the_model_lacks_suggests_models_that_have_it(
    planned: Planner,
) -> None:
    with pytest.raises(UsageError, match="--negative-prompt: kling-3") as caught:
        planned("text2video", None, {"negative_prompt": "rain"})

    assert caught.value.hint == (
        "kling-3.0, kling-2.6 and kling-2.5-turbo do: add -m kling-3.0"
    )


def test_a_field_of_old_models_only_suggests_those(planned: Planner) -> None:
    with pytest.raises(UsageError) as caught:
        planned("text2video", None, {"cfg_scale": 0.5})

    assert caught.value.hint == "kling-v1-6 and kling-v1 do: add -m kling-v1-6"


def test_fields_that_no_route_accepts_together_are_named() -> None:
    new, legacy = T2V.routes
    mappings = {
        name: p for name, p in legacy.mappings.items() if name != "aspect_ratio"
    }
    product = replace(T2V, routes=(new, replace(legacy, mappings=mappings)))

    with pytest.raises(UsageError, match="together: --shot-type, --aspect-ratio"):
        routing.select_route(
            product, "kling-3.0", ("shot_type", "aspect_ratio"), tuple(T2V.defaults)
        )


def test_an_unknown_field_is_refused(planned: Planner) -> None:
    with pytest.raises(UsageError, match="text2video has no field colour") as caught:
        planned("text2video", None, {"colour": "red"})

    assert "duration" in str(caught.value.hint)


def test_current_models_that_accept_a_value_are_found() -> None:
    found = routing.models_allowing(T2V, "duration", 7)
    legacy = routing.models_allowing(T2V, "duration", 7, route="legacy")

    assert [model.id for model in found] == ["kling-3.0-turbo", "kling-3.0"]
    assert [model.id for model in legacy] == ["kling-3.0"]
    assert routing.models_allowing(T2V, "duration", 77) == ()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_joined_as_in_a_sentence(names: list[str], sentence: str) -> None:
    assert routing.join_words(names) == sentence
