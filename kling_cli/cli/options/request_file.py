"""A complete request as JSON: everything that a product's options can say.

`--dry-run --json` prints one, `kling run` reads it; `docs/json.md` describes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kling_cli import catalogue
from kling_cli.catalogue import (
    Field,
    FieldKind,
    Limits,
    Product,
    accepts_field,
    expected_type,
    split_handle,
)
from kling_cli.cli.options.product_fields import limits_sentence
from kling_cli.cli.options.values import read_values
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.jobs.prepare import Order

KEYS = ("product", "model", "fields", "set", "external_id")
_TYPED_KINDS = (FieldKind.JSON, FieldKind.TIME, FieldKind.POINT)
_HANDLE_KEYS = {"name", "value"}
_SHOWN = 80


def of_order(order: Order, *, model: str) -> dict[str, Any]:
    """Return `order` as a request, with the model it was given if it named none."""
    request: dict[str, Any] = {
        "product": order.product,
        "model": model,
        "fields": {
            name: list(value) if isinstance(value, tuple) else value
            for each in (order.before, order)
            if each is not None
            for name, value in each.values.items()
        },
        "set": dict(order.extra),
    }
    if order.external_id is not None:
        request["external_id"] = order.external_id
    return request


def to_order(request: Any, *, external_id: str | None = None) -> Order:
    """Return the order a request stands for; `external_id` is stronger than its own.

    Raises:
        UsageError: a key, product or field is unknown, or a value of another kind.
    """
    from kling_cli.jobs.prepare import Order

    _require_object(request, "the request")
    _require_known(request, {key: key for key in KEYS}, "a request has no key")
    name = _text(request, "product")
    if name is None:
        raise UsageError(
            "the request does not say which product", hint='"product": "text2video"'
        )
    product = catalogue.load_creatable(name)
    step = catalogue.opening_step(product)
    fields = request.get("fields") or {}
    _require_object(fields, "fields")
    spellings = _spellings(product) | (_spellings(step) if step else {})
    _require_known(fields, spellings, f"{product.name} has no field")
    return Order(
        product=product.name,
        model=_text(request, "model"),
        values=_values(product, fields),
        extra=_extra(request.get("set") or {}),
        external_id=external_id or _text(request, "external_id"),
        before=Order(product=step.name, values=_values(step, fields)) if step else None,
    )


def _values(product: Product, fields: Mapping[str, Any]) -> dict[str, Any]:
    typed = {
        field.name: _typed(field, fields[field.name])
        for field in product.fields
        if fields.get(field.name) is not None
    }
    return read_values(product, typed, read_stdin=lambda: "-")


def _typed(field: Field, value: Any) -> Any:
    """Return the value as an option would have had it: one, or a list of them."""
    if not field.is_repeated:
        return _one(field, value)
    if not isinstance(value, list):
        raise UsageError(
            f"fields.{field.name}: {_shown(value)} is not a list",
            hint=f'"{field.name}": [{_shown(value)}]',
        )
    return [_one(field, each) for each in value]


def _one(field: Field, value: Any) -> Any:
    if field.has_handle and isinstance(value, dict):
        return _with_handle(field, value)
    is_source = field.kind in _TYPED_KINDS and isinstance(value, str)
    wanted = None if is_source else expected_type(field, value)
    if wanted is not None:
        raise UsageError(f"fields.{field.name}: {_shown(value)} is not {wanted}")
    return value


def _with_handle(field: Field, value: Mapping[str, Any]) -> str:
    """Return `{"name": "hero", "value": "12"}` as `hero=12`."""
    if value.keys() == _HANDLE_KEYS:
        joined = f"{value['name']}={value['value']}"
        if split_handle(joined) == (value["name"], value["value"]):
            return joined
    raise UsageError(
        f"fields.{field.name}: {_shown(value)} is not a value with a name",
        hint='{"name": "hero", "value": "…"}; a name is a word of at most 32 letters,'
        " digits, - and _",
    )


def _extra(pairs: Any) -> dict[str, Any]:
    _require_object(pairs, "set")
    for key in pairs:
        if not all(key.split(".")):
            raise UsageError(
                f"set: {key!r} is not a dotted key", hint='"settings.seed": 7'
            )
    return dict(pairs)


def _text(request: Mapping[str, Any], key: str) -> str | None:
    value = request.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise UsageError(f"{key}: {_shown(value)} is not a text")


def _require_object(value: Any, what: str) -> None:
    if not isinstance(value, dict):
        raise UsageError(
            f"{what}: {_shown(value)} is not a JSON object",
            hint='{"product": "text2video", "fields": {"prompt": "A paper boat"}}',
        )


def _spellings(product: Product) -> dict[str, str]:
    """Return the names of the fields by all that a person may call them."""
    found = {field.name: field.name for field in product.fields}
    for field in product.fields:
        for option in field.options:
            found.setdefault(option.lstrip("-").replace("-", "_"), field.name)
    if "resolution" in found:
        found.setdefault("mode", "resolution")
    return found


def _require_known(
    given: Iterable[str], spellings: Mapping[str, str], complaint: str
) -> None:
    """Refuse what is not called by its name; a near spelling gives the hint."""
    from difflib import get_close_matches

    names = list(dict.fromkeys(spellings.values()))
    for name in given:
        if name not in names:
            near = get_close_matches(name.replace("-", "_"), spellings, n=3)
            meant = " or ".join(dict.fromkeys(spellings[each] for each in near))
            hint = f"did you mean {meant}?" if meant else f"it has {', '.join(names)}"
            raise UsageError(f"{complaint} {name}", hint=hint)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_TYPES = MappingProxyType(
    {
        FieldKind.INTEGER: "integer",
        FieldKind.NUMBER: "number",
        FieldKind.TIME: ["number", "string"],  # the string is as it is typed
        FieldKind.POINT: ["object", "string"],
        FieldKind.SWITCH: "boolean",
        FieldKind.JSON: ["object", "array", "string"],  # the string is @file.json
    }
)
_NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    "required": ["name", "value"],
    "additionalProperties": False,
}


def schema(product: Product) -> dict[str, Any]:
    """Return what `kling run` takes for `product`: the widest of what its models do.

    Whether model and values go together is checked when the request is run.
    """
    fields = {
        field.name: _described(each, field)
        for each in (catalogue.opening_step(product), product)
        if each is not None
        for field in each.fields
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A request of {product.name}",
        "description": product.summary,
        "type": "object",
        "properties": {
            "product": {"const": product.name},
            "model": {
                "type": ["string", "null"],
                "examples": [model.id for model in product.models],
                "default": product.default_model,
            },
            "fields": _object(fields),
            "set": {"type": ["object", "null"]},
            "external_id": {"type": ["string", "null"]},
        },
        "required": ["product"],
        "additionalProperties": False,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _described(product: Product, field: Field) -> dict[str, Any]:
    sentence = limits_sentence(product, field)
    words = f"{field.help} {sentence}".strip()
    limits = list(_limits(product, field))
    one = _field_schema(field, limits)
    if not field.is_repeated:
        return {**one, "description": words}
    return {"type": "array", "items": one, "description": words}


def _field_schema(field: Field, limits: list[Limits]) -> dict[str, Any]:
    """Return what a single value may be."""
    if field.has_handle:
        return {"anyOf": [{"type": "string"}, _NAMED]}
    if field.kind is FieldKind.CHOICE:
        return {"enum": _choices(limits)} if limits else {"type": "string"}
    found: dict[str, Any] = {"type": _TYPES.get(field.kind, "string")}
    lows = [each.minimum for each in limits if each.minimum is not None]
    highs = [each.maximum for each in limits if each.maximum is not None]
    if limits and len(lows) == len(highs) == len(limits):
        found |= {"minimum": min(lows), "maximum": max(highs)}
    return found


def _choices(limits: list[Limits]) -> list[Any]:
    """Return every choice; a number may also be written as text."""
    known = dict.fromkeys(
        one
        for each in limits
        for one in ([each.default] if each.is_fixed else each.choices or ())
    )
    texts = [str(one) for one in known if not isinstance(one, str)]
    return [*known, *texts]


def _limits(product: Product, field: Field) -> Iterator[Limits]:
    """Yield what each model takes for the field, by each route that has it."""
    for model in product.models:
        for route in product.routes:
            if route.name in model.wire_ids and accepts_field(model, route, field.name):
                yield model.limits[route.name][field.name]
