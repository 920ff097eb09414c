from __future__ import annotations

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind
from kling_cli.errors import UsageError


def test_a_product_is_parsed_once() -> None:
    assert loader.load_product("text2video") is loader.load_product("text2video")


def test_an_unknown_product_suggests_similar_ones() -> None:
    with pytest.raises(UsageError, match="txt2video") as caught:
        loader.load_product("txt2video")

    assert str(caught.value.hint).startswith("did you mean text2video")


def test_a_product_name_without_similar_ones_lists_all() -> None:
    with pytest.raises(UsageError) as caught:
        loader.load_product("zzz")

    assert caught.value.hint == f"there are {', '.join(loader.product_names())}"


def test_managed_resources_are_described_as_products_are() -> None:
    assert loader.load_description("custom-voice") in loader.all_managed()
    assert loader.load_description("tts") is loader.load_product("tts")


@pytest.mark.parametrize("name", ["../tts", "managed/custom-voice", "common", ""])
def test_a_path_is_no_product_name(name: str) -> None:
    with pytest.raises(UsageError):
        loader.load_description(name)


def test_the_shared_file_is_no_product() -> None:
    with pytest.raises(UsageError):
        loader.load_product("common")


def test_the_default_model_follows_the_credentials() -> None:
    product = loader.load_product("text2video")

    both = (CredentialKind.KEY_PAIR, CredentialKind.API_KEY)

    assert product.default_model == "kling-3.0-turbo"
    assert product.default_for(both) == "kling-3.0-turbo"
    assert product.default_for((CredentialKind.KEY_PAIR,)) == "kling-3.0"
    assert product.default_for(()) == "kling-3.0-turbo"


def test_a_field_is_found_by_its_name() -> None:
    product = loader.load_product("text2video")

    assert product.field("duration").options == ("-d", "--duration")
    with pytest.raises(KeyError):
        product.field("colour")


@pytest.mark.parametrize(
    ("name", "spelling"),
    [("last_frame", "--last-frame"), ("duration", "--duration"), ("image", "IMAGE")],
)
def test_a_field_is_spelled_as_a_person_types_it(name: str, spelling: str) -> None:
    assert loader.load_product("image2video").field(name).spelling == spelling


@pytest.mark.parametrize(
    ("model_id", "warning"),
    [
        ("kling-3.0", None),
        ("kling-v1-6", None),
        ("kling-v2-1", "reported retired"),
        ("kling-v1", "no longer offers it"),
    ],
)
def test_a_retired_model_has_a_warning(model_id: str, warning: str | None) -> None:
    models = {model.id: model for model in loader.load_product("image2video").models}

    found = models[model_id].warning

    assert (found is None) == (warning is None)
    assert (warning or "") in (found or "")
