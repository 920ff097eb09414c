"""Decodes request bodies: the values of our fields, read back from the JSON sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_cli.catalogue import encoder, prompt
from kling_cli.catalogue.definition.loader import (
    all_historic,
    all_managed,
    all_products,
    all_steps,
)
from kling_cli.catalogue.definition.schema import (
    FieldKind,
    FieldMapping,
    Model,
    Problem,
    Product,
    Route,
)

_JSON_TYPES: Mapping[FieldKind, tuple[tuple[type, ...], str]] = {
    FieldKind.INTEGER: ((int,), "an integer"),
    FieldKind.NUMBER: ((int, float), "a number"),
    FieldKind.SWITCH: ((bool,), "a boolean"),
    FieldKind.CHOICE: ((str, int, float), "a string or a number"),
    FieldKind.POINT: ((dict,), "an object"),
    FieldKind.JSON: ((dict, list), "an object or an array"),
}


class DecodeError(Exception):
    """A value of a body cannot be decoded."""

    def __init__(self, wire: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(field=wire, message=message)


def decode_value(mapping: FieldMapping, kind: FieldKind, raw: Any, wire: str) -> Any:
    """Return our value for `raw`, which stands at `wire`.

    Raises:
        DecodeError: it is missing, of another type, or not a word of the API.
    """
    if raw is None:
        raise DecodeError(wire, f"{wire} is required")
    if mapping.encode is not None:
        return _decode_word(mapping.encode, raw, wire)
    if mapping.sent_as == "text":
        return _decode_number_text(kind, raw, wire)
    if mapping.sent_as == "integer":
        return str(require_json_type(FieldKind.INTEGER, raw, wire))
    if mapping.sent_as == "milliseconds":
        return require_json_type(FieldKind.INTEGER, raw, wire) / 1000
    return require_json_type(kind, raw, wire)


def require_json_type(kind: FieldKind, raw: Any, wire: str) -> Any:
    """Return `raw` when it has the JSON type of `kind`.

    Raises:
        DecodeError: it has another one.
    """
    types, words = _JSON_TYPES.get(kind, ((str,), "a string"))
    is_flag = isinstance(raw, bool) and kind is not FieldKind.SWITCH
    if is_flag or not isinstance(raw, types):
        raise DecodeError(wire, f"{wire} must be {words}")
    return raw


def _decode_word(encode: Mapping[Any, Any], raw: Any, wire: str) -> Any:
    for ours, theirs in encode.items():
        if type(raw) is type(theirs) and raw == theirs:
            return ours
    raise DecodeError(wire, f"{wire} value '{raw}' is invalid")


def _decode_number_text(kind: FieldKind, raw: Any, wire: str) -> Any:
    text = require_json_type(FieldKind.TEXT, raw, wire)
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text):
        raise DecodeError(wire, f"{wire} value '{text}' is invalid")
    if kind is FieldKind.INTEGER and "." in text:
        raise DecodeError(wire, f"{wire} value '{text}' is invalid")
    return int(text) if kind is FieldKind.INTEGER else float(text)


def decode_shots(raw: Any, wire: str) -> tuple[dict[str, Any], ...]:
    """Return the shots of a legacy `multi_prompt`, in the order of their indexes.

    Raises:
        DecodeError: an entry is not of the documented form.
    """
    entries = require_json_type(FieldKind.JSON, raw, wire)
    if not isinstance(entries, list):
        raise DecodeError(wire, f"{wire} must be an array")
    numbered = dict(
        _decode_shot(each, f"{wire}[{i}]") for i, each in enumerate(entries)
    )
    if sorted(numbered) != list(range(1, len(entries) + 1)):
        raise DecodeError(wire, f"{wire} indexes must count from 1")
    return tuple(numbered[number] for number in sorted(numbered))


def _decode_shot(entry: Any, wire: str) -> tuple[int, dict[str, Any]]:
    if not isinstance(entry, Mapping):
        raise DecodeError(wire, f"{wire} must be an object")
    index = decode_value(
        FieldMapping(path=""), FieldKind.INTEGER, entry.get("index"), f"{wire}.index"
    )
    words = decode_value(
        FieldMapping(path=""), FieldKind.TEXT, entry.get("prompt"), f"{wire}.prompt"
    )
    as_text = FieldMapping(path="", sent_as="text")
    seconds = decode_value(
        as_text, FieldKind.INTEGER, entry.get("duration"), f"{wire}.duration"
    )
    return index, {"duration": seconds, "prompt": words}


def route_by_path(path: str) -> tuple[Product, Route, Model | None] | None:
    """Return the product and route whose create path this is; None when there is none.

    The model is None when the body names it, and when the path names one that the
    product does not have.
    """
    everything = (*all_products(), *all_managed(), *all_steps(), *all_historic())
    for product in everything:
        for route in product.routes:
            pattern = re.escape(route.create_path).replace(r"\{model\}", "([^/]+)")
            found = re.fullmatch(pattern, path)
            if found is not None:
                name = found[1] if found.groups() else None
                return product, route, _model_by_path(product, route, name)
    return None


def model_by_wire_id(
    product: Product, route: Route, wire_id: str | None
) -> Model | None:
    """Return the model that `wire_id` names on a route; without one, its default."""
    wanted = wire_id or route.default_wire_id
    for model in product.models:
        if model.wire_ids.get(route.name) == wanted:
            return model
    return None


def _model_by_path(product: Product, route: Route, name: str | None) -> Model | None:
    if name is not None:
        return model_by_wire_id(product, route, name)
    is_only_one = route.model_path is None and len(product.models) == 1
    return product.models[0] if is_only_one else None


_PLAIN_MAPPING = FieldMapping(path="")


def decode_body(
    product: Product, route: Route, model: Model, body: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the values of `body`, and what in it cannot be decoded.

    Unknown keys are ignored, as by the API. `encode_values` makes the same body of
    these values again. `model` decides nothing yet: every field is read.
    """
    del model
    found = _DecodedValues()
    for at in list_paths(route):
        found.problems += _decode_list(product, route, body, at, found)
    for name, mapping in route.mappings.items():
        if mapping.item is None and mapping.codec != "shot_text":
            found.problems += _decode_field(product, route, name, body, found.values)
    values = _restore_handles(product, route, found)
    return values, tuple(dict.fromkeys(found.problems))


@dataclass(slots=True)
class _DecodedValues:
    """The values and problems found so far; `order` are the fields of list entries."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any, *, is_many: bool, at: str) -> None:
        """Add a value of the list entry at `at`."""
        if is_many:
            self.values[name] = (*self.values.get(name, ()), value)
        elif name in self.values:
            raise DecodeError(at, f"{at}: there is one of its kind already")
        else:
            self.values[name] = value
        self.order.append(name)


def list_paths(route: Route) -> tuple[str, ...]:
    """Return the paths at which `route` has lists of items."""
    return tuple(
        dict.fromkeys(p.path for p in route.mappings.values() if p.item is not None)
    )


def wire_name(route: Route, field: str) -> str:
    """Return the name of `field` in bodies: `contents[element].element_id`."""
    mapping = route.mappings.get(field)
    if mapping is None:
        return field
    if mapping.item is None:
        return mapping.path
    kind = " ".join(str(value) for value in mapping.item.values())
    return f"{mapping.path}[{kind}]" + (
        f".{mapping.item_key}" if mapping.item_key else ""
    )


def _restore_handles(
    product: Product, route: Route, found: _DecodedValues
) -> dict[str, Any]:
    values = found.values
    references = prompt.reorder_references(
        prompt.find_references(product, route, values), route, found.order
    )
    if isinstance(values.get("prompt"), str):
        values["prompt"] = prompt.to_handles(values["prompt"], references)
    if "shots" in values:
        values["shots"] = tuple(
            {**each, "prompt": prompt.to_handles(each["prompt"], references)}
            for each in values["shots"]
        )
    return values


def _decode_list(
    product: Product,
    route: Route,
    body: Mapping[str, Any],
    at: str,
    found: _DecodedValues,
) -> Iterator[Problem]:
    entries = encoder.get_path(body, at)
    if entries is None:
        return
    if not isinstance(entries, list):
        yield Problem(field=at, message=f"{at} must be an array")
        return
    for index, entry in enumerate(entries):
        where = f"{at}[{index}]"
        try:
            name = _field_of_entry(route, at, entry, where)
            value = _decode_entry(product, route, name, entry, where)
            is_many = product.field(name).is_repeated
            found.add(name, value, is_many=is_many, at=where)
        except DecodeError as exc:
            yield exc.problem


def _field_of_entry(route: Route, at: str, entry: Any, where: str) -> str:
    """Return the field of a list entry: the one whose mapping shares most constants."""
    if not isinstance(entry, Mapping):
        raise DecodeError(where, f"{where} must be an object")
    kinds = {
        name: mapping
        for name, mapping in route.mappings.items()
        if mapping.path == at and mapping.item is not None and mapping.codec is None
    }
    _require_known_constants(kinds.values(), entry, where)
    matching = {
        name: len(mapping.item or ())
        for name, mapping in kinds.items()
        if all(
            _matches_constant(mapping, entry.get(k), v)
            for k, v in (mapping.item or {}).items()
        )
    }
    if not matching:
        raise DecodeError(f"{where}.type", f"{where}.type is required")
    return max(matching, key=matching.__getitem__)


def _matches_constant(mapping: FieldMapping, raw: Any, constant: Any) -> bool:
    return raw == constant or (mapping.is_default_item and raw is None)


def _require_known_constants(
    kinds: Collection[FieldMapping], entry: Mapping[str, Any], where: str
) -> None:
    """Refuse an entry whose type belongs to no mapping."""
    constants = [pair for mapping in kinds for pair in (mapping.item or {}).items()]
    for key in dict(constants):
        raw = entry.get(key)
        if raw is not None and (key, raw) not in constants:
            message = f"{where}.{key} value '{raw}' is invalid"
            raise DecodeError(f"{where}.{key}", message)


def _decode_entry(
    product: Product, route: Route, name: str, entry: Mapping[str, Any], where: str
) -> Any:
    mapping, kind = route.mappings[name], product.field(name).kind
    if mapping.item_key is None:
        return {k: v for k, v in entry.items() if k not in (mapping.item or {})}
    raw, wire = entry.get(mapping.item_key), f"{where}.{mapping.item_key}"
    value = decode_value(mapping, kind, raw, wire)
    if mapping.handle_key is None:
        return value
    raw, wire = entry.get(mapping.handle_key), f"{where}.{mapping.handle_key}"
    if raw is None and mapping.is_handle_optional:
        return value
    return f"{decode_value(_PLAIN_MAPPING, FieldKind.TEXT, raw, wire)}={value}"


def _decode_field(
    product: Product,
    route: Route,
    name: str,
    body: Mapping[str, Any],
    values: dict[str, Any],
) -> Iterator[Problem]:
    mapping = route.mappings[name]
    try:
        alone = _decode_single(mapping, product, name, body)
        raw = encoder.get_path(body, mapping.path)
        if alone is None and (raw is None or _belongs_to_other_field(route, name, raw)):
            return
        values[name] = alone or _decode_plain(mapping, product, name, raw)
    except DecodeError as exc:
        yield exc.problem
    for path, constant in mapping.constants.items():
        if encoder.get_path(body, path) != constant:
            message = f"{path} must be '{constant}' when {mapping.path} is given"
            yield Problem(field=path, message=message)


def _belongs_to_other_field(route: Route, name: str, raw: Any) -> bool:
    """Return whether `raw` is a word of another field with the same path."""
    words = route.mappings[name].encode
    for other, mapping in route.mappings.items():
        shares = words is not None and mapping.path == route.mappings[name].path
        if shares and raw in (mapping.encode or {}).values():
            return other != name
    return False


def _decode_single(
    mapping: FieldMapping, product: Product, name: str, body: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """Return the single value that stands at a path of its own, apart from lists."""
    at = mapping.single_path
    if at is None:
        return None
    alone, several = encoder.get_path(body, at), encoder.get_path(body, mapping.path)
    if alone is not None and several is not None:
        raise DecodeError(at, f"{at} and {mapping.path} exclude each other")
    if isinstance(several, list) and len(several) == 1:
        raise DecodeError(mapping.path, f"{mapping.path} has 1 entry; use {at}")
    if alone is None:
        return None
    return (decode_value(mapping, product.field(name).kind, alone, at),)


def _decode_plain(mapping: FieldMapping, product: Product, name: str, raw: Any) -> Any:
    field = product.field(name)
    if mapping.codec is not None:
        return decode_shots(raw, mapping.path)
    if not field.is_repeated:
        return decode_value(mapping, field.kind, raw, mapping.path)
    if not isinstance(raw, list):
        raise DecodeError(mapping.path, f"{mapping.path} must be an array")
    return tuple(
        decode_value(mapping, field.kind, each, f"{mapping.path}[{index}]")
        for index, each in enumerate(raw)
    )
