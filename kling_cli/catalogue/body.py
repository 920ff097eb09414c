"""From values to the body of a create call; the way back is in `wire.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kling_cli.catalogue import paths, prompt
from kling_cli.catalogue.field import Field
from kling_cli.catalogue.model import Plan
from kling_cli.catalogue.place import Place
from kling_cli.catalogue.values import settled


def build(
    plan: Plan,
    values: Mapping[str, Any],
    *,
    external_id: str | None,
    callback_url: str | None,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the body for checked `values`, with `extra` (dotted keys) put on top.

    Defaults are left to the API, except the model. Images are URLs or bare base64.

    Raises:
        UsageError: a key of `extra` does not fit the body.
    """
    route, said = plan.route, settled(plan, values)
    body: dict[str, Any] = {}
    if route.model_at is not None:
        body[route.model_at] = plan.wire_model
    known = prompt.references(plan.product, route, said)
    for name, place in route.places.items():
        if name in said:
            handles = [each.handle for each in known if each.field == name]
            value = _spoken(plan, said, name)
            _write(body, place, plan.product.field(name), value, handles)
    for path, value in (
        (route.external_id_at, external_id),
        (route.callback_url_at, callback_url),
    ):
        if path is not None and value is not None:
            paths.put(body, path, value)
    for path, value in extra.items():
        paths.put(body, path, value)
    return body


def _spoken(plan: Plan, said: Mapping[str, Any], name: str) -> Any:
    value = said[name]
    if name == "prompt":
        return prompt.spoken(plan, said, value)
    if name == "shots":
        return tuple(
            shot._replace(words=prompt.spoken(plan, said, shot.words))
            for shot in prompt.read_shots(value)
        )
    return value


def _write(
    body: dict[str, Any], place: Place, field: Field, value: Any, handles: list[str]
) -> None:
    is_many = field.is_repeated and place.codec is None
    if place.codec is not None:
        value = prompt.CODECS[place.codec](value)
    if place.item is not None:
        entries = _entries(place, field, value if is_many else (value,), handles)
        paths.put(body, place.at, [*(paths.get(body, place.at) or []), *entries])
    elif is_many and len(value) == 1 and place.alone_at is not None:
        paths.put(body, place.alone_at, _encode(place, value[0]))
    elif is_many:
        paths.put(body, place.at, [_encode(place, each) for each in value])
    else:
        paths.put(body, place.at, _encode(place, value))
    for path, constant in place.also.items():
        paths.put(body, path, constant)


def _entries(
    place: Place, field: Field, values: Iterable[Any], handles: list[str]
) -> Iterator[dict[str, Any]]:
    for index, value in enumerate(values):
        entry = dict(place.item or {})
        bare: Any = prompt.split_handle(value)[1] if field.has_handle else value
        if place.put is None:
            entry |= dict(bare)
        else:
            entry[place.put] = _encode(place, bare)
        if place.handle_at is not None:
            entry[place.handle_at] = handles[index]
        yield entry


def _encode(place: Place, value: Any) -> Any:
    if place.encode is not None:
        return place.encode[value]
    if place.sent_as == "text":
        return str(value)
    if place.sent_as == "integer":
        return int(value)
    if place.sent_as == "milliseconds":
        return round(value * 1000)
    return value
