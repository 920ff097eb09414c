"""The product files themselves: whole, without loose ends, true to the reference."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import kling_cli.catalogue
from kling_cli.catalogue import prompt, validation
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.parser import CatalogueError, parse_product as parse
from kling_cli.catalogue.definition.schema import Model, Product, Route

DATA = Path(kling_cli.catalogue.__file__).parent / "data"
FILES = sorted(path for path in DATA.glob("*.toml") if path.stem != "common")
PRODUCTS = loader.all_products()

each_product = pytest.mark.parametrize("product", PRODUCTS, ids=lambda p: p.name)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def models_of(product: Product) -> list[tuple[Route, Model]]:
    return [
        (route, model)
        for route in product.routes
        for model in product.models
        if route.name in model.wire_ids
    ]


@each_file
def test_a_file_is_named_like_its_product(path: Path) -> None:
    assert table(path)["name"] == path.stem


@each_file
def test_the_head_of_a_file_says_what_the_file_says(path: Path) -> None:
    whole = table(path)

    summary = next(each for each in loader.summaries() if each.name == path.stem)

    name, group = whole["name"], whole.get("group", "")
    called = whole.get("command", name)
    assert summary == (name, whole["summary"], whole["panel"], group, called)


def test_products_stand_in_their_order() -> None:
    by_order = sorted(FILES, key=lambda path: table(path)["order"])

    assert list(loader.product_names()) == [path.stem for path in by_order]


def test_summaries_cost_no_parsing_and_no_imports() -> None:
    script = (
        "import sys; before = set(sys.modules)\n"
        "from kling_cli.catalogue.definition import loader\n"
        "assert loader.product_names()\n"
        "new = set(sys.modules) - before\n"
        "print({'tomllib', 'kling_cli.catalogue.definition.schema'} & new)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "set()\n"


def put_at(data: dict[str, Any], path: str, key: str) -> None:
    here: Any = data
    for step in path.split("/") if path else ():
        here = here[int(step)] if isinstance(here, list) else here[step]
    here[key] = 1


@pytest.mark.parametrize(
    "where",
    [
        "",
        "routes/new",
        "routes/new/mappings/sound",
        "limits/new/duration",
        "models/kling-3.0",
        "models/kling-3.0/usual",
        "models/kling-3.0/rates/0",
        "models/kling-v1/limits/legacy/camera/keys/type",
        "rules/0",
    ],
)
def test_an_unknown_key_is_refused_by_name(where: str) -> None:
    data = table(DATA / "text2video.toml")
    put_at(data, where, "colour")

    with pytest.raises(CatalogueError, match="unknown key colour"):
        parse(data, table(DATA / "common.toml"))


def test_an_unknown_key_in_a_shared_field_is_refused() -> None:
    common = table(DATA / "common.toml")
    put_at(common, "fields/prompt", "colour")

    with pytest.raises(CatalogueError, match=r"fields\.prompt: unknown key colour"):
        parse(table(DATA / "text2video.toml"), common)


@each_product
def test_every_field_named_anywhere_is_a_field(product: Product) -> None:
    fields = {field.name for field in product.fields}
    named = {name for route in product.routes for name in route.mappings}
    for model in product.models:
        named |= {name for limits in model.limits.values() for name in limits}
        named |= {name for rate in model.rates for name in rate.when}
        named |= {rate.count for rate in model.rates if rate.count}
    for rule in product.rules:
        named |= set(rule.fields)

    assert named - fields == set()


@each_product
def test_every_field_has_a_model_that_accepts_it(product: Product) -> None:
    taken = {
        name
        for route, model in models_of(product)
        for name, limits in model.limits[route.name].items()
        if not limits.is_fixed
    }

    assert {field.name for field in product.fields} - taken == set()


@each_product
def test_every_mapping_of_a_route_is_used_by_a_model(product: Product) -> None:
    for route in product.routes:
        used = {
            name
            for each, model in models_of(product)
            if each is route
            for name in model.limits[route.name]
        }

        assert set(route.mappings) - used == set()


@each_product
def test_every_accepted_field_has_a_mapping_or_is_fixed(product: Product) -> None:
    for route, model in models_of(product):
        for name, limits in model.limits[route.name].items():
            follows_an_input = not product.field(name).options and limits.default
            is_said = name in route.mappings or limits.is_fixed
            assert is_said or follows_an_input, (model.id, name)


@each_product
def test_rules_name_existing_models_routes_and_checks(product: Product) -> None:
    ids = {model.id for model in product.models}
    routes = {route.name for route in product.routes}
    for rule in product.rules:
        assert set(rule.models) <= ids, rule.id
        assert set(rule.routes) <= routes, rule.id
        assert rule.check is None or rule.check in validation.RULE_CHECKS, rule.id


@each_product
def test_mappings_use_codecs_the_encoder_has(product: Product) -> None:
    for route in product.routes:
        for mapping in route.mappings.values():
            assert mapping.sent_as in (None, "text", "integer", "milliseconds")
            assert mapping.codec is None or mapping.codec in prompt.CODECS
            assert mapping.handle_key is None or mapping.noun


@each_product
def test_defaults_can_be_reached_with_their_credentials(product: Product) -> None:
    usable = {kind for route in product.routes for kind in route.credentials}
    assert set(product.defaults) == usable
    for kind, model_id in product.defaults.items():
        ids = {
            model.id for route, model in models_of(product) if kind in route.credentials
        }

        assert model_id in ids


@each_product
def test_every_model_has_a_rate_a_usual_time_and_a_status(product: Product) -> None:
    for model in product.models:
        is_unpriced = product.panel == "Solutions" or product.name == "effects"
        assert model.rates or is_unpriced  # none is published
        assert model.usual_s
        assert model.usual_basis in ("observed", "estimate")
        assert model.status in ("current", "historic", "retired", "discontinued")


@each_product
def test_no_name_stands_for_two_models(product: Product) -> None:
    names = [
        name
        for model in product.models
        for name in {model.id, *model.wire_ids.values(), *model.aliases}
    ]

    assert len(names) == len(set(names))
    assert names == [name.lower() for name in names]


@each_product
def test_defaults_lie_within_their_limits(product: Product) -> None:
    for _, model in models_of(product):
        for by_field in model.limits.values():
            for name, limits in by_field.items():
                if limits.choices and limits.default is not None:
                    assert limits.default in limits.choices, (model.id, name)


# ---- The capability table of the reference. Source: API reference, section 3.1.

CAPABILITIES = {
    # model: (seconds, resolutions, sound), of text2video
    "kling-3.0-turbo": ((3, 15), ("720p", "1080p"), "always"),
    "kling-3.0": ((3, 15), ("720p", "1080p", "4k"), "asked"),
    "kling-2.6": ((5, 10), ("720p", "1080p"), "asked"),
    "kling-2.5-turbo": ((5, 10), ("720p", "1080p"), "never"),
    "kling-v2-1": ((5, 10), ("720p", "1080p"), "never"),
    "kling-v2-1-master": ((5, 10), "1080p", "never"),
    "kling-v2-master": ((5, 10), "720p", "never"),
    "kling-v1-6": ((5, 10), ("720p", "1080p"), "never"),
    "kling-v1-5": ((5, 10), ("720p", "1080p"), "never"),
    "kling-v1": ((5, 10), ("720p", "1080p"), "never"),
}

LAST_FRAME = {
    "kling-3.0-turbo": False,
    "kling-3.0": True,
    "kling-2.6": True,
    "kling-2.5-turbo": True,
    "kling-v2-1": True,
    "kling-v2-1-master": False,
    "kling-v2-master": False,
    "kling-v1-6": True,
    "kling-v1-5": True,
    "kling-v1": True,
}


@pytest.mark.parametrize("name", ["text2video", "image2video"])
def test_models_can_do_what_the_capability_table_says(name: str) -> None:
    for _, model in models_of(loader.load_product(name)):
        for limits in model.limits.values():
            duration, resolution, sound = (
                limits["duration"],
                limits["resolution"],
                limits["sound"],
            )
            seconds = duration.choices or (duration.minimum, duration.maximum)
            asked = {True: "always", False: "never"}[sound.default]
            found = (
                seconds,
                resolution.default if resolution.is_fixed else resolution.choices,
                asked if sound.is_fixed else "asked",
            )

            assert found == CAPABILITIES[model.id], model.id


def test_models_take_a_last_frame_as_the_table_says() -> None:
    product = loader.load_product("image2video")

    found = {
        model.id: all("last_frame" in limits for limits in model.limits.values())
        for model in product.models
    }

    assert found == LAST_FRAME


def test_each_product_has_the_models_of_its_pages() -> None:
    both = set(CAPABILITIES)

    found = {each.name: {model.id for model in each.models} for each in PRODUCTS}

    assert found["image2video"] == both
    assert found["text2video"] == both - {"kling-v2-1", "kling-v1-5"}
