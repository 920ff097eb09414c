"""From the raw body of a create call back to values; `body.py` is the way there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_cli.catalogue import decode, paths, prompt
from kling_cli.catalogue.field import FieldKind
from kling_cli.catalogue.model import Model, Problem, Product, Route
from kling_cli.catalogue.place import Place

_PLAIN = Place(at="")


def read(
    product: Product, route: Route, model: Model, body: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the values `body` carries, and what in it cannot be read.

    Keys nobody knows are left alone, as the API leaves them. What `body.build` made is
    made again from these values. `model` decides nothing yet: every field is read.
    """
    del model
    found = _Found()
    for at in lists(route):
        found.problems += _read_list(product, route, body, at, found)
    for name, place in route.places.items():
        if place.item is None and place.codec != "shot_text":
            found.problems += _read_place(product, route, name, body, found.values)
    values = _with_handles(product, route, found)
    return values, tuple(dict.fromkeys(found.problems))


@dataclass(slots=True)
class _Found:
    """What has been read so far; `order` are the fields of the lists' entries."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def keep(self, name: str, value: Any, *, is_many: bool, at: str) -> None:
        if is_many:
            self.values[name] = (*self.values.get(name, ()), value)
        elif name in self.values:
            raise decode.UnreadableError(at, f"{at}: there is one of its kind already")
        else:
            self.values[name] = value
        self.order.append(name)


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


def _with_handles(product: Product, route: Route, found: _Found) -> dict[str, Any]:
    values = found.values
    known = prompt.references(product, route, values)
    known = prompt.in_order(known, route, found.order)
    if isinstance(values.get("prompt"), str):
        values["prompt"] = prompt.to_handles(values["prompt"], known)
    if "shots" in values:
        values["shots"] = tuple(
            {**each, "prompt": prompt.to_handles(each["prompt"], known)}
            for each in values["shots"]
        )
    return values


def _read_list(
    product: Product, route: Route, body: Mapping[str, Any], at: str, found: _Found
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
            is_many = product.field(name).is_repeated
            found.keep(name, value, is_many=is_many, at=where)
        except decode.UnreadableError as exc:
            yield exc.problem


def _name_of(route: Route, at: str, entry: Any, where: str) -> str:
    """Find the field by the place with the most constants that the entry has."""
    if not isinstance(entry, Mapping):
        raise decode.UnreadableError(where, f"{where} must be an object")
    kinds = {
        name: place
        for name, place in route.places.items()
        if place.at == at and place.item is not None and place.codec is None
    }
    _require_known(kinds.values(), entry, where)
    matching = {
        name: len(place.item or ())
        for name, place in kinds.items()
        if all(_is_it(place, entry.get(k), v) for k, v in (place.item or {}).items())
    }
    if not matching:
        raise decode.UnreadableError(f"{where}.type", f"{where}.type is required")
    return max(matching, key=matching.__getitem__)


def _is_it(place: Place, raw: Any, constant: Any) -> bool:
    return raw == constant or (place.is_usual and raw is None)


def _require_known(
    kinds: Collection[Place], entry: Mapping[str, Any], where: str
) -> None:
    """Refuse an entry that calls itself something that no place has entries of."""
    constants = [pair for place in kinds for pair in (place.item or {}).items()]
    for key in dict(constants):
        raw = entry.get(key)
        if raw is not None and (key, raw) not in constants:
            message = f"{where}.{key} value '{raw}' is invalid"
            raise decode.UnreadableError(f"{where}.{key}", message)


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
    if raw is None and place.is_handle_optional:
        return value
    return f"{decode.decode(_PLAIN, FieldKind.TEXT, raw, wire)}={value}"


def _read_place(
    product: Product,
    route: Route,
    name: str,
    body: Mapping[str, Any],
    values: dict[str, Any],
) -> Iterator[Problem]:
    place = route.places[name]
    try:
        alone = _read_alone(place, product, name, body)
        raw = paths.get(body, place.at)
        if alone is None and (raw is None or _is_of_another(route, name, raw)):
            return
        values[name] = alone or _read_plain(place, product, name, raw)
    except decode.UnreadableError as exc:
        yield exc.problem
    for path, constant in place.also.items():
        if paths.get(body, path) != constant:
            message = f"{path} must be '{constant}' when {place.at} is given"
            yield Problem(field=path, message=message)


def _is_of_another(route: Route, name: str, raw: Any) -> bool:
    """Say whether `raw` is a word of the first of other fields at the same place."""
    words = route.places[name].encode
    for other, place in route.places.items():
        shares = words is not None and place.at == route.places[name].at
        if shares and raw in (place.encode or {}).values():
            return other != name
    return False


def _read_alone(
    place: Place, product: Product, name: str, body: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """Return the single value that stands apart from where several would."""
    at = place.alone_at
    if at is None:
        return None
    alone, several = paths.get(body, at), paths.get(body, place.at)
    if alone is not None and several is not None:
        raise decode.UnreadableError(at, f"{at} and {place.at} exclude each other")
    if isinstance(several, list) and len(several) == 1:
        raise decode.UnreadableError(place.at, f"{place.at} has 1 entry; use {at}")
    if alone is None:
        return None
    return (decode.decode(place, product.field(name).kind, alone, at),)


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
