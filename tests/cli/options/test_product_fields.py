from __future__ import annotations

from inspect import Parameter
from typing import Any, get_args

from msgspec.structs import replace

from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Field, FieldKind, Product
from kling_cli.cli.options.product_fields import choice_candidates, product_parameters


def parameter_of(field: Field) -> Parameter:
    """Return the parameter that text2video would have for one more field."""
    product = loader.load_product("text2video")
    with_field = replace(product, fields=(*product.fields, field))
    return {one.name: one for one in product_parameters(with_field)}[field.name]


def info_of(parameter: Parameter) -> Any:
    return get_args(parameter.annotation)[1]


def a_field(**changes: Any) -> Field:
    facts: dict[str, Any] = {
        "name": "extra_thing",
        "kind": FieldKind.TEXT,
        "help": "A thing.",
        "options": ("--extra-thing",),
    }
    return Field(**{**facts, **changes})


def names(product: Product) -> list[str]:
    return [one.name for one in product_parameters(product)]


def test_arguments_come_first_and_set_comes_last() -> None:
    image2video = names(loader.load_product("image2video"))

    assert image2video[:3] == ["image", "prompt", "model"]
    assert image2video[-1] == "extra"


def test_only_what_has_a_resolution_has_a_mode() -> None:
    product = loader.load_product("text2video")
    without = replace(
        product,
        fields=tuple(one for one in product.fields if one.name != "resolution"),
    )

    assert names(product)[-2:] == ["mode", "extra"]
    assert "mode" not in names(without)


def test_brackets_in_a_help_text_are_no_markup() -> None:
    info = info_of(parameter_of(a_field(help="Give [NAME=]ID.")))

    assert info.help == "Give [NAME=]ID."


def test_a_switch_can_be_turned_off() -> None:
    switch = a_field(kind=FieldKind.SWITCH, options=("--extra-thing", "-x"))

    info = info_of(parameter_of(switch))

    assert info.param_decls == ("-x",)
    assert info.default == "--extra-thing/--no-extra-thing"


def test_what_the_default_model_has_not_is_in_a_panel_of_those_that_have_it() -> None:
    text2video = loader.load_product("text2video")
    panels = {
        one.name: info_of(one).rich_help_panel
        for one in product_parameters(text2video)
        if one.name != "prompt"
    }

    assert panels["duration"] is None
    assert panels["resolution"] is None  # though two old models have it not
    assert panels["sound"] == "Only with kling-3.0 or kling-2.6"
    assert panels["multi_shot"] == "Only with kling-3.0"
    assert panels["negative_prompt"] == "Not with kling-3.0-turbo"
    assert panels["camera"] == "Only with discontinued models"


def test_a_repeated_field_is_a_list() -> None:
    kind = get_args(parameter_of(a_field(is_repeated=True)).annotation)[0]

    assert list[str] in get_args(kind)


def test_a_choice_without_a_name_for_its_value_has_one() -> None:
    choice = info_of(parameter_of(a_field(kind=FieldKind.CHOICE)))
    text = info_of(parameter_of(a_field()))

    assert choice.metavar == "VALUE"
    assert text.metavar == "EXTRA_THING"


def test_choices_are_those_of_all_models() -> None:
    printed = choice_candidates(loader.load_product("text2video"), "resolution")

    assert [value for value, _ in printed] == ["720p", "1080p", "4k"]
    assert choice_candidates(loader.load_product("text2video"), "prompt") == []


def test_an_argument_may_be_several_and_says_how_many() -> None:
    field = a_field(is_argument=True, is_repeated=True, options=(), metavar="A [B]")

    parameter = parameter_of(field)

    assert list[str] in get_args(get_args(parameter.annotation)[0])
    assert info_of(parameter).metavar == "A [B]"
    assert field.spelling == "A"


def test_a_resolution_without_choices_has_no_option() -> None:
    printed = names(loader.load_product("video-extend"))

    assert not {"resolution", "mode"} & set(printed)


def parameter(product: str, name: str) -> Parameter:
    """Return a parameter of a product's command."""
    found = product_parameters(loader.load_product(product))
    return next(one for one in found if one.name == name)


def test_mode_has_only_what_a_model_can_do() -> None:
    assert "4k" in str(parameter("text2video", "mode").annotation)
    assert "4k" not in str(parameter("multi-elements", "mode").annotation)


def test_a_choice_of_one_model_is_not_shown_but_taken() -> None:
    assert info_of(parameter("lip-sync", "model")).hidden
    assert not info_of(parameter("text2video", "model")).hidden
