"""What the API reference says of each create call, and where the catalogue says it.

`reference.json` has every create and direct call: fields by their dotted wire names,
typed items of `contents`, rules, the example. Read 2026-10-04.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kling_cli.catalogue import decoder
from kling_cli.catalogue.definition.schema import (
    Field,
    FieldKind,
    FieldMapping,
    Limits,
    Model,
    Product,
    Route,
)

CALLS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "reference.json").read_text("utf-8")
)


@dataclass(frozen=True, slots=True)
class Said:
    """What the catalogue says of one wire name, for one model."""

    model: Model
    field: Field
    limits: Limits
    mapping: FieldMapping
    is_key: bool = False  # an entry inside the field's own value


@dataclass(frozen=True, slots=True)
class Call:
    """A documented call and what the catalogue has for it."""

    documented: Mapping[str, Any]
    product: Product
    route: Route
    models: tuple[Model, ...]

    @property
    def id(self) -> str:
        return str(self.documented["id"])

    def said(self) -> Iterator[tuple[str, Said]]:
        """Yield every wire name that the catalogue has a mapping for."""
        for model in self.models:
            for name, limits in model.limits[self.route.name].items():
                mapping = self.route.mappings.get(name)
                if mapping is not None:
                    one = Said(model, self.product.field(name), limits, mapping)
                    yield from _names(one)

    def of(self, wire: str) -> list[Said]:
        return [one for name, one in self.said() if name == wire]

    def item(self, kind: str) -> list[Said]:
        """Return what the catalogue says of the typed items of one kind, once each."""
        return [
            one
            for name, one in self.said()
            if name.endswith("[].type") and (one.mapping.item or {}).get("type") == kind
        ]

    def covered_by_rules(self, field: str) -> bool:
        """Whether a rule can make the field necessary."""
        return any(
            field in (*rule.one_of, *rule.any_of) or rule.need.get(field) == "present"
            for rule in self.product.rules
        )


def call_of(documented: Mapping[str, Any]) -> Call | None:
    """Return the call with its part of the catalogue; None when it has none."""
    found = decoder.route_by_path(documented["path"])
    if found is None:
        return None
    product, route, model = found
    reachable = tuple(m for m in product.models if route.name in m.wire_ids)
    is_by_path = "{model}" in route.create_path
    return Call(
        documented, product, route, (model,) if is_by_path and model else reachable
    )


def _names(one: Said) -> Iterator[tuple[str, Said]]:
    mapping = one.mapping
    at = re.sub(r"\.\d+(?=\.|$)", "[]", mapping.path)
    if mapping.codec == "shot_list":
        for key in ("index", "prompt", "duration"):
            yield f"{at}[].{key}", one
    elif mapping.item is None:
        yield at, one
        is_list = one.field.is_repeated or at == "dynamic_masks"
        yield from _keys(one, one.limits, at + "[]" * is_list)
    else:
        yield from _item_names(one, at)
    yield from ((path, one) for path in mapping.constants)


def _item_names(one: Said, at: str) -> Iterator[tuple[str, Said]]:
    mapping = one.mapping
    for key in mapping.item or {}:
        yield f"{at}[].{key}", one
    if mapping.item_key is not None:
        yield f"{at}[].{mapping.item_key}", one
    else:
        yield from _keys(one, one.limits, f"{at}[]")
    if mapping.handle_key is not None:
        yield f"{at}[].{mapping.handle_key}", one


def _keys(one: Said, limits: Limits, at: str) -> Iterator[tuple[str, Said]]:
    for name, inner in (limits.keys or {}).items():
        below = Said(one.model, one.field, inner, one.mapping, is_key=True)
        yield f"{at}.{name}", below
        is_list = inner.max_items is not None
        yield from _keys(below, inner, f"{at}.{name}" + "[]" * is_list)


def wire_values(one: Said, key: str) -> set[Any]:
    """Return the words that may stand on the wire for what the catalogue says."""
    if one.mapping.item and key in one.mapping.item:
        return {one.mapping.item[key]}
    if key in one.mapping.constants:
        return {one.mapping.constants[key]}
    if one.limits.is_fixed:
        ours = {one.limits.default}
    elif one.limits.choices is not None:
        ours = set(one.limits.choices)
    elif one.limits.minimum is not None and one.field.kind is FieldKind.INTEGER:
        ours = set(range(int(one.limits.minimum), int(one.limits.maximum or 0) + 1))
    elif one.field.kind is FieldKind.SWITCH:
        ours = {True, False}
    else:
        return set()
    encode = one.mapping.encode
    if encode is not None:
        theirs = {encode[each] for each in ours if each in encode}
    else:
        theirs = ours
    return {str(each) for each in theirs} if one.mapping.sent_as == "text" else theirs


def differences(call: Call) -> Iterator[str]:
    """Yield where the catalogue differs from the reference, in a few words each."""
    placed = {name for name, _ in call.said()}
    route, fields = call.route, call.documented["fields"]
    ours = {route.model_path, route.external_id_path, route.callback_url_path}
    for wire, fact in fields.items():
        if wire in ours or (fact["type"] in ("object", "array") and wire not in placed):
            continue
        if wire not in placed:
            yield f"no {wire}"
        yield from _of_field(call, wire, fact)
    yield from (f"also {wire}" for wire in placed - set(fields))
    yield from (f"no {at}" for at in ours - {None} - set(fields))
    yield from _of_models(call)
    for kind, fact in call.documented["items"].items():
        yield from _of_item(call, kind, fact)


def _of_field(call: Call, wire: str, fact: Mapping[str, Any]) -> Iterator[str]:
    said = call.of(wire)
    key = wire.rpartition("[].")[2]
    found = set[Any]().union(*(wire_values(one, key) for one in said))
    if "enum" in fact and said and found != set(fact["enum"]):
        yield f"{wire}: words"
    for one in said:
        limits, is_typed = one.limits, key in (one.mapping.item or {})
        if "enum" not in fact and fact.get("min", limits.minimum) != limits.minimum:
            yield f"{wire}: lowest"
        if "enum" not in fact and fact.get("max", limits.maximum) != limits.maximum:
            yield f"{wire}: highest"
        if not wire.startswith("contents[]"):  # those differ by type
            yield from _of_text(one, wire, fact)
        if fact.get("required") is True and not (limits.is_required or is_typed):
            yield f"{wire}: needed"


def _of_text(one: Said, wire: str, fact: Mapping[str, Any]) -> Iterator[str]:
    is_text = one.mapping.codec is None and one.limits.choices is None
    if is_text and one.limits.max_length != fact.get("max_length"):
        yield f"{wire}: characters"


def _of_models(call: Call) -> Iterator[str]:
    at = call.route.model_path
    documented = set(call.documented["fields"].get(at, {}).get("enum", ()))
    route = call.route.name
    found = {model.wire_ids[route] for model in call.models}
    older = {m.wire_ids[route] for m in call.models if m.status != "current"}
    if at is not None:
        yield from (f"no model {name}" for name in documented - found)
        yield from (f"also model {name}" for name in found - documented - older)


def _of_item(call: Call, kind: str, fact: Mapping[str, Any]) -> Iterator[str]:
    said = call.item(kind)
    if not said:
        yield f"no item {kind}"
    for one in said:
        if one.mapping.codec is not None:
            continue  # the same item, spelled out of shots
        most = one.limits.max_items if one.field.is_repeated else 1
        if most != fact["count"][1]:
            yield f"{kind}: how many"
        is_needed = one.limits.is_required or call.covered_by_rules(one.field.name)
        if fact["required"] and not is_needed:
            yield f"{kind}: needed"
        yield from _of_keys(one, kind, fact["keys"])


def _of_keys(one: Said, kind: str, keys: Mapping[str, Any]) -> Iterator[str]:
    for key, fact in keys.items():
        inner = (one.limits.keys or {}).get(key)
        limits = one.limits if key == one.mapping.item_key else inner
        if limits is None and key != one.mapping.handle_key:
            yield f"{kind}.{key}: no mapping"
        elif limits is not None and _is_longer(limits, fact):
            yield f"{kind}.{key}: characters"


def _is_longer(limits: Limits, fact: Mapping[str, Any]) -> bool:
    """Whether another number of characters is taken; a closed list has its words."""
    return limits.choices is None and limits.max_length != fact.get("max_length")
