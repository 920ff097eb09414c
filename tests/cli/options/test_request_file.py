"""Orders as JSON requests, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings

from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Field, FieldKind, Plan, Product
from kling_cli.errors import UsageError
from kling_cli.jobs.order import Order, of_order, read_values, to_order
from tests.catalogue.strategies import jobs
from tests.support.encoding import encode_body


def typed(product: Product, values: dict[str, Any]) -> dict[str, Any]:
    """Return values as the parsed command line has them."""
    return {
        name: _as_options(product.field(name), value) for name, value in values.items()
    }


def _as_options(field: Field, value: Any) -> Any:
    if field.is_repeated:
        return [_as_option(field, each) for each in value]
    return _as_option(field, value)


def _as_option(field: Field, value: Any) -> Any:
    if field.kind is FieldKind.JSON:
        return json.dumps(value)
    return str(value) if field.kind is FieldKind.CHOICE else value


@settings(deadline=None)
@given(jobs())
def test_what_options_say_survives_the_request_and_makes_the_same_body(
    job: tuple[Plan, dict[str, Any]],
) -> None:
    plan, values = job
    assume(str(values.get("prompt", "words")).strip())
    assume(not re.fullmatch(r"[-+.,\d\s]+", str(values.get("negative_prompt", ""))))
    product, step = plan.product, loader.opening_step(plan.product)
    order = Order(
        product=product.name,
        model=plan.model.id,
        values=read_values(product, typed(product, values), read_stdin=lambda: "in"),
        extra={"some.thing": [1, None]},
        external_id="mine",
        before=Order(product=step.name, values={"video": "v1"}) if step else None,
    )

    request = json.loads(json.dumps(of_order(order, model=plan.model.id)))
    again = to_order(request)

    assert again == order
    assert _body(plan, again) == _body(plan, order)


def _body(plan: Plan, order: Order) -> dict[str, Any]:
    return encode_body(
        plan,
        order.values,
        external_id=order.external_id,
        callback_url=None,
        extra=order.extra,
    )


def test_the_smallest_request_is_a_product_and_what_it_needs() -> None:
    order = to_order({"product": "text2video", "fields": {"prompt": "a boat"}})

    assert order == Order(product="text2video", values={"prompt": "a boat"})


def test_null_is_as_good_as_nothing() -> None:
    order = to_order(
        {
            "product": "text2video",
            "model": None,
            "fields": {"prompt": "a boat", "duration": None},
            "set": None,
            "external_id": None,
        }
    )

    assert order == Order(product="text2video", values={"prompt": "a boat"})


def test_a_dash_is_a_prompt_like_any_other() -> None:
    order = to_order({"product": "text2video", "fields": {"prompt": "-"}})

    assert order.values == {"prompt": "-"}


def test_an_external_id_that_was_typed_is_stronger() -> None:
    request = {"product": "tts", "external_id": "theirs"}

    assert to_order(request, external_id="mine").external_id == "mine"
    assert to_order(request).external_id == "theirs"


def test_a_named_value_is_an_object_or_the_text_of_the_option() -> None:
    images = [{"name": "hero", "value": "a.png"}, "style=b.png", "c.png"]

    order = to_order({"product": "omni-image", "fields": {"refer_images": images}})

    assert order.values["refer_images"] == ("hero=a.png", "style=b.png", "c.png")


def test_json_is_a_value_or_the_name_of_a_file(tmp_path: Path) -> None:
    move = {"type": "simple", "config": {"pan": 3}}
    (tmp_path / "camera.json").write_text(json.dumps(move))
    source = f"@{tmp_path}/camera.json"

    orders = [
        to_order({"product": "text2video", "fields": {"camera": each}})
        for each in (move, source)
    ]

    assert [order.values["camera"] for order in orders] == [move, move]


WRONG = [
    pytest.param([], "[] is not a JSON object", None, id="a list"),
    pytest.param({}, "does not say which product", "text2video", id="no product"),
    pytest.param({"product": 7}, "7 is not a text", None, id="product"),
    pytest.param(
        {"product": "text2vido"}, "no product text2vido", "text2video", id="near"
    ),
    pytest.param(
        {"product": "tts", "feilds": {}}, "no key feilds", "mean fields", id="key"
    ),
    pytest.param(
        {"product": "tts", "zzz": {}}, "no key zzz", "product, model", id="no near key"
    ),
    pytest.param(
        {"product": "text2video", "fields": {"aspect-ratio": "1:1"}},
        "text2video has no field aspect-ratio",
        "aspect_ratio",
        id="field",
    ),
    pytest.param(
        {"product": "omni-image", "fields": {"image": ["a.png"]}},
        "omni-image has no field image",
        "mean refer_images",
        id="option",
    ),
    pytest.param(
        {"product": "text2video", "fields": {"mode": "pro"}},
        "text2video has no field mode",
        "mean resolution",
        id="mode",
    ),
    pytest.param(
        {"product": "text2video", "fields": {"duration": "5"}},
        'fields.duration: "5" is not a whole number',
        None,
        id="kind",
    ),
    pytest.param(
        {"product": "text2video", "fields": {"sound": 1}},
        "fields.sound: 1 is not yes or no",
        None,
        id="switch",
    ),
    pytest.param(
        {"product": "image2video", "fields": {"image": {"url": "x" * 99}}},
        "… is not an image",
        None,
        id="long",
    ),
    pytest.param(
        {"product": "text2video", "fields": {"shots": "3:a boat"}},
        "is not a list",
        '"shots": ["3:a boat"]',
        id="one for many",
    ),
    pytest.param(
        {
            "product": "omni-image",
            "fields": {"refer_images": [{"name": "a b", "value": "c"}]},
        },
        "is not a value with a name",
        '"name": "hero"',
        id="handle",
    ),
    pytest.param(
        {"product": "omni-image", "fields": {"refer_images": [{"url": "c"}]}},
        "is not a value with a name",
        '"name": "hero"',
        id="no handle",
    ),
    pytest.param(
        {"product": "text2video", "fields": {"camera": "pan"}},
        "not JSON",
        "@file.json",
        id="json text",
    ),
    pytest.param(
        {"product": "text2video", "fields": {"prompt": " "}},
        "the prompt is empty",
        None,
        id="no words",
    ),
    pytest.param(
        {"product": "tts", "set": {"a..b": 1}}, "not a dotted key", "seed", id="set"
    ),
    pytest.param({"product": "tts", "set": [1]}, "set: [1]", None, id="set list"),
    pytest.param({"product": "tts", "fields": "x"}, "fields: ", None, id="fields"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "complaint", "hint"), WRONG)
def test_what_is_wrong_with_a_request_is_said(
    request_: Any, complaint: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as caught:
        to_order(request_)

    assert complaint in caught.value.message
    assert hint is None or hint in str(caught.value.hint)
