"""The JSON schema of the request file that `kling run` reads."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from kling_cli import catalogue
from kling_cli.catalogue import Field, FieldKind, Limits, Product, accepts_field
from kling_cli.cli.options.product_fields import limits_sentence

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
