from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import (
    CredentialKind,
    Field,
    FieldKind,
    Generation,
    Limits,
    Model,
    Product,
    Route,
)
from kling_cli.cli.options.product_fields import limits_sentence

A, B = Limits(choices=(5, 10)), Limits(minimum=3.0, maximum=15.0)


def sentence(kind: FieldKind = FieldKind.INTEGER, /, **limits: Limits | None) -> str:
    """Return the sentence about a field where models `a`, `b`… have these limits."""
    field = Field(name="x", kind=kind, help="", options=("--x",))
    models = tuple(
        a_model(name, {} if one is None else {"x": one}) for name, one in limits.items()
    )
    return limits_sentence(a_product(field, models), field)


def a_model(name: str, limits: dict[str, Limits], **changes: Any) -> Model:
    facts: dict[str, Any] = {
        "id": name,
        "label": name,
        "aliases": (),
        "status": "current",
        "wire_ids": {"new": name},
        "limits": {"new": limits},
        "rates": (),
    }
    return Model(**{**facts, **changes})


def a_product(field: Field, models: tuple[Model, ...]) -> Product:
    route = Route(
        name="new",
        generation=Generation.NEW,
        create_path="/x",
        query_path="/tasks",
        credentials=frozenset({CredentialKind.API_KEY}),
        mappings={},
        model_path=None,
        default_wire_id=None,
        external_id_path=None,
        callback_url_path=None,
        image_max_bytes=1,
    )
    return Product(
        name="p",
        summary="",
        panel="",
        pack="video",
        unit_usd=0.1,
        output="video",
        defaults={CredentialKind.API_KEY: models[0].id},
        fields=(field,),
        routes=(route,),
        models=models,
    )


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        pytest.param({"a": A, "b": A}, "5 or 10.", id="all the same"),
        pytest.param({"a": A, "b": B}, "5 or 10 (a), 3 to 15 (b).", id="two kinds"),
        pytest.param(
            {"a": A, "b": B, "c": B, "d": B},
            "5 or 10 (a), otherwise 3 to 15.",
            id="a common kind",
        ),
        pytest.param({"a": A, "b": None}, "5 or 10. Only with a.", id="few have it"),
        pytest.param(
            {"a": A, "b": A, "c": None}, "5 or 10. Not with c.", id="few have it not"
        ),
        pytest.param({"a": None}, "", id="nobody has it"),
        pytest.param(
            {"a": Limits(is_fixed=True, default=1)}, "", id="nobody can choose it"
        ),
        pytest.param({"a": Limits()}, "", id="no limits"),
        pytest.param(
            {"a": Limits(max_length=9), "b": Limits(), "c": Limits(), "d": Limits()},
            "At most 9 characters (a), otherwise any.",
            id="limits for one",
        ),
        pytest.param({"a": Limits(max_items=6)}, "At most 6.", id="items"),
        pytest.param({"a": Limits(choices=("x",))}, "x.", id="one choice"),
    ],
)
def test_limits_are_listed_by_model(
    limits: dict[str, Limits | None], words: str
) -> None:
    assert sentence(**limits) == words


def test_a_flag_lists_the_models_that_have_it() -> None:
    assert sentence(FieldKind.SWITCH, a=Limits(), b=None) == "Only with a."


def test_retired_models_are_not_mentioned() -> None:
    field = Field(name="x", kind=FieldKind.INTEGER, help="", options=("--x",))
    gone = a_model("b", {"x": B}, status="discontinued")

    printed = limits_sentence(a_product(field, (a_model("a", {"x": A}), gone)), field)

    assert printed == "5 or 10."


def test_the_real_products_say_who_can_do_what() -> None:
    product = loader.load_product("text2video")

    printed = limits_sentence(product, product.field("duration"))

    assert printed == "3 to 15 (kling-3.0-turbo, kling-3.0), otherwise 5 or 10."
