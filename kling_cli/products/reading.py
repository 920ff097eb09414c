"""From the raw body of a create call back to values; `body.py` is the way there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kling_cli.products import decode, paths, prompt
from kling_cli.products.model import FieldKind, Model, Place, Problem, Product, Route

_PLAIN = Place(at="")


def read(
    product: Product, route: Route, model: Model, body: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the values `body` carries, and what in it cannot be read.

    Keys nobody knows are left alone, as the API leaves them. What `body.build` made is
    made again from these values. `model` decides nothing yet: every field is read.
    """
    del model
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for at in lists(route):
        found += _read_list(product, route, body, at, values)
    for name, place in route.places.items():
        if place.item is None and place.codec != "shot_text":
            found += _read_place(product, place, name, body, values)
    return _with_handles(product, route, values), tuple(found)


def lists(route: Route) -> tuple[str, ...]:
    """Return where `route` has lists of items."""
    return tuple(
        dict.fromkeys(p.at for p in route.places.values() if p.item is not None)
    )


def wire_name(route: Route, field: str) -> str:
    """Return what the API calls `field` on `route`: `contents[element].element_id`."""
    place = route.places.get(field)
    if place is None:
        return field
    if place.item is None:
        return place.at
    kind = " ".join(str(value) for value in place.item.values())
    return f"{place.at}[{kind}]" + (f".{place.put}" if place.put else "")


def _with_handles(
    product: Product, route: Route, values: dict[str, Any]
) -> dict[str, Any]:
    known = prompt.references(product, route, values)
    if isinstance(values.get("prompt"), str):
        values["prompt"] = prompt.to_handles(values["prompt"], known)
    if "shots" in values:
        values["shots"] = tuple(
            {**each, "prompt": prompt.to_handles(each["prompt"], known)}
            for each in values["shots"]
        )
    return values


def _read_list(
    product: Product,
    route: Route,
    body: Mapping[str, Any],
    at: str,
    values: dict[str, Any],
) -> Iterator[Problem]:
    entries = paths.get(body, at)
    if entries is None:
        return
    if not isinstance(entries, list):
        yield Problem(field=at, message=f"{at} must be an array")
        return
    for index, entry in enumerate(entries):
        where = f"{at}[{index}]"
        try:
            name = _name_of(route, at, entry, where)
            value = _read_entry(product, route, name, entry, where)
            _keep(
                values, name, value, is_many=product.field(name).is_repeated, at=where
            )
        except decode.UnreadableError as exc:
            yield exc.problem


def _keep(
    values: dict[str, Any], name: str, value: Any, *, is_many: bool, at: str
) -> None:
    if is_many:
        values[name] = (*values.get(name, ()), value)
    elif name in values:
        raise decode.UnreadableError(at, f"{at}: there is one of its kind already")
    else:
        values[name] = value


def _name_of(route: Route, at: str, entry: Any, where: str) -> str:
    """Find the field by the place with the most constants that the entry has."""
    if not isinstance(entry, Mapping):
        raise decode.UnreadableError(where, f"{where} must be an object")
    matching = {
        name: len(place.item)
        for name, place in route.places.items()
        if place.at == at and place.item is not None and place.codec is None
        if all(entry.get(key) == value for key, value in place.item.items())
    }
    if not matching:
        kind = entry.get("type")
        message = f"{where}.type value '{kind}' is invalid"
        raise decode.UnreadableError(f"{where}.type", message)
    return max(matching, key=matching.__getitem__)


def _read_entry(
    product: Product, route: Route, name: str, entry: Mapping[str, Any], where: str
) -> Any:
    place, kind = route.places[name], product.field(name).kind
    if place.put is None:
        return {k: v for k, v in entry.items() if k not in (place.item or {})}
    raw, wire = entry.get(place.put), f"{where}.{place.put}"
    value = decode.decode(place, kind, raw, wire)
    if place.handle_at is None:
        return value
    raw, wire = entry.get(place.handle_at), f"{where}.{place.handle_at}"
    return f"{decode.decode(_PLAIN, FieldKind.TEXT, raw, wire)}={value}"


def _read_place(
    product: Product,
    place: Place,
    name: str,
    body: Mapping[str, Any],
    values: dict[str, Any],
) -> Iterator[Problem]:
    raw = paths.get(body, place.at)
    if raw is None:
        return
    try:
        values[name] = _read_plain(place, product, name, raw)
    except decode.UnreadableError as exc:
        yield exc.problem
    for path, constant in place.also.items():
        if paths.get(body, path) != constant:
            message = f"{path} must be '{constant}' when {place.at} is given"
            yield Problem(field=path, message=message)


def _read_plain(place: Place, product: Product, name: str, raw: Any) -> Any:
    field = product.field(name)
    if place.codec is not None:
        return decode.shots(raw, place.at)
    if not field.is_repeated:
        return decode.decode(place, field.kind, raw, place.at)
    if not isinstance(raw, list):
        raise decode.UnreadableError(place.at, f"{place.at} must be an array")
    return tuple(
        decode.decode(place, field.kind, each, f"{place.at}[{index}]")
        for index, each in enumerate(raw)
    )
