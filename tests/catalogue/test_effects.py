"""The scenes. Source: API reference, section 2.6."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import decoder, pricing, routing, server_validation, validation
from kling_cli.catalogue.constraints import current_choices
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Plan
from tests.support.encoding import encode_body

A, B = "https://img.example.com/a.png", "https://img.example.com/b.png"
EFFECTS = loader.load_product("effects")
SCENE = EFFECTS.field("scene")


def plan() -> Plan:
    return routing.select_route(EFFECTS, None, (), (CredentialKind.KEY_PAIR,))


def of_group(name: str) -> tuple[str, ...]:
    (group,) = (each for each in SCENE.groups if each.name == name)
    return group.choices


def test_the_scenes_are_those_of_the_page() -> None:
    dual, single, ended = map(of_group, ("dual", "single", "discontinued"))

    assert (len(dual), len(single), len(ended)) == (15, 203, 10)
    assert {"magic_match_tree", "hug", "kiss", "c4d_cartoon"} <= set(ended)
    assert len({*dual, *single, *ended}) == 228
    assert current_choices(SCENE) == dual + single
    assert plan().limits["scene"].choices == dual + single


@pytest.mark.parametrize(
    ("scene", "images", "wanted"),
    [
        ("hug_pro", (A, B), {"images": [A, B]}),
        ("day_to_night", (A,), {"image": A}),
    ],
)
def test_one_image_has_another_path_than_two(
    scene: str, images: tuple[str, ...], wanted: dict[str, Any]
) -> None:
    values = {"scene": scene, "images": images}

    made = encode_body(plan(), values, external_id=None, callback_url=None, extra={})

    assert validation.find_problems(plan(), values) == ()
    assert made == {"effect_scene": scene, "input": wanted}
    assert server_validation.validate_body(plan(), made) == ()
    assert decoder.decode_body(EFFECTS, plan().route, plan().model, made) == (
        values,
        (),
    )


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"images": (A,)}, "SCENE is missing", "kling effects --list shows them all"),
        ({"scene": "hug_pro"}, "IMAGE is missing", None),
        (
            {"scene": "hugpro", "images": (A, B)},
            "SCENE hugpro: there is no such scene",
            "did you mean hug_pro or ",
        ),
        (
            {"scene": "xyzzy", "images": (A,)},
            "SCENE xyzzy: there is no such scene",
            "kling effects --list shows them all",
        ),
        (
            {"scene": "hug", "images": (A, B)},
            "SCENE hug: discontinued on 2026-01-30",
            "did you mean hug_pro? kling effects --list shows them all",
        ),
        (
            {"scene": "magic_match_tree", "images": (A,)},
            "SCENE magic_match_tree: discontinued on 2026-07-03",
            "did you mean ",
        ),
        ({"scene": "hug_pro", "images": (A,)}, "this scene takes two images", None),
        (
            {"scene": "hug_pro", "images": (A, B, A)},
            "IMAGE: 3 of them; effects takes at most 2",
            None,
        ),
        (
            {"scene": "nezha", "images": (A, B)},
            "SCENE, IMAGE: this scene takes one image",
            "kling effects --list dual",
        ),
    ],
)
def test_a_wrong_scene_or_number_of_images_has_a_hint(
    values: dict[str, Any], message: str, hint: str | None
) -> None:
    found = validation.find_problems(plan(), values)

    said = [each for each in found if message in each.message]
    assert said, found
    assert (said[0].hint or "").startswith(hint or "")
    assert all(len(each.message) < 120 for each in found)


@pytest.mark.parametrize(
    ("scene", "given", "message"),
    [
        ("hug", {"images": [A, B]}, "effect_scene value 'hug' is invalid"),
        ("hug_pro", {"image": A}, "effect_scene, input.images is invalid"),
        ("hug_pro", {"images": [A]}, "input.images has 1 entry; use input.image"),
        ("hug_pro", {"images": A}, "input.images must be an array"),
        ("hug_pro", {"images": [A, 5]}, "input.images[1] must be a string"),
        ("hug_pro", {"images": [A, B, A]}, "input.images has 3 entries, allowed: at"),
        ("hug_pro", {"images": [A, "?"]}, "input.images is neither a URL nor bare"),
        ("nezha", {"images": [A, B]}, "effect_scene, input.images is invalid"),
        ("nezha", {"image": 5}, "input.image must be a string"),
        ("nezha", {"image": A, "images": [A, B]}, "input.image and input.images exc"),
        ("nezha", {}, "input.images is required"),
    ],
)
def test_the_api_refuses_the_wrong_body_for_a_scene(
    scene: str, given: dict[str, Any], message: str
) -> None:
    found = server_validation.validate_body(
        plan(), {"effect_scene": scene, "input": given}
    )

    assert found[0].message.startswith(message)


def test_a_scene_has_no_published_price() -> None:
    assert pricing.estimate_units(plan(), {"scene": "nezha", "images": (A,)}) is None
