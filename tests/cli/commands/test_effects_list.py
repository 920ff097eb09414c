"""`kling effects --list`: the choices, on a terminal and in a pipe."""

from __future__ import annotations

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.cli.options.product_fields import choice_candidates, product_parameters
from kling_cli.cli.options.shared import OutputOptions
from kling_cli.cli.output.views.field_choices import print_choices
from kling_cli.errors import UsageError
from tests.cli.output.test_json_document import GOLDEN
from tests.support.kling import Kling

EFFECTS = loader.load_product("effects")
SCENE = EFFECTS.field("scene")


def listed(
    capsys: pytest.CaptureFixture[str], word: str = "", *, is_quiet: bool = False
) -> list[str]:
    assert print_choices(EFFECTS, SCENE, word, OutputOptions(is_quiet=is_quiet)) == 0
    return capsys.readouterr().out.splitlines()


def test_every_scene_is_a_line_with_its_kind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [line.split() for line in listed(capsys)]

    assert len(lines) == 228
    assert ["hug_pro", "dual", "two", "images,", "left", "and", "right"] in lines
    assert ["nezha", "single", "one", "image"] in lines
    assert ["hug", "discontinued", "2026-01-30"] in lines


@pytest.mark.parametrize(
    ("word", "number"), [("hug", 4), ("DANCE", 30), ("dual", 15), ("discontinued", 10)]
)
def test_a_word_chooses_by_name_or_kind(
    word: str, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = listed(capsys, word)

    assert len(lines) == number


def test_quietly_there_are_the_names_that_can_be_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert listed(capsys, "hug", is_quiet=True) == ["hug_pro", "tiger_hug_pro"]


def test_a_word_that_none_has_is_said() -> None:
    with pytest.raises(UsageError, match="no scene has xyzzy in its name") as caught:
        print_choices(EFFECTS, SCENE, "xyzzy", OutputOptions())

    assert caught.value.hint == "kling effects --list shows them all"


def test_the_choices_are_completed_with_what_they_are() -> None:
    assert ("hug_pro", "two images, left and right") in choice_candidates(
        EFFECTS, "scene"
    )


def test_only_what_has_too_many_choices_has_a_list() -> None:
    with_list = [
        product.name
        for product in loader.all_products()
        if "is_listing" in [each.name for each in product_parameters(product)]
    ]

    assert with_list == ["effects"]


def test_a_list_needs_no_account_and_is_one_object_under_json(kling: Kling) -> None:
    plain = kling.run("effects", "--list", "hug")
    document = kling.run("effects", "--list", "hug_pro", "--json").json()

    assert plain.exit_code == 0
    assert plain.stdout.splitlines()[-1].split() == [
        "tiger_hug",
        "discontinued",
        "2026-01-30",
    ]
    assert plain.stderr == ""
    assert list(document) == [*GOLDEN, "choices"]
    assert document["choices"] == [
        {
            "name": name,
            "group": group,
            "note": note,
            "ended": None,
        }
        for name, group, note in (
            ("hug_pro", "dual", "two images, left and right"),
            ("tiger_hug_pro", "single", "one image"),
        )
    ]
