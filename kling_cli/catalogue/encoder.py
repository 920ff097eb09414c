"""Dotted paths into a body of JSON: `settings.audio`, `video_list.0.video_url`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from kling_cli.catalogue import prompt
from kling_cli.catalogue.definition.schema import Field, FieldMapping, Plan
from kling_cli.catalogue.values import completed_values
from kling_cli.errors import UsageError


def get_path(body: Any, path: str) -> Any:
    """Return what stands at `path`, None when there is nothing or null."""
    for step in path.split("."):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def set_path(body: dict[str, Any], path: str, value: Any) -> None:
    """Set `path` to `value`, making objects and lists where there are none yet.

    A number is an index where a list stands or nothing does yet; one past the end of a
    list appends.

    Raises:
        UsageError: the path leads through a list by a word, or through a value.
    """
    here: Any = body
    steps = path.split(".")
    for step, following in pairwise(steps):
        below = get_path(here, step)
        if below is None:
            below = [] if following.isdecimal() else {}
            _set_step(here, step, below, path)
        here = below
    _set_step(here, steps[-1], value, path)


def _set_step(here: Any, step: str, value: Any, path: str) -> None:
    if isinstance(here, dict):
        here[step] = value
    elif isinstance(here, list) and step.isdecimal():
        here[int(step) : int(step) + 1] = [value]
    else:
        raise UsageError(
            f"{path}: {step} stands where the request has no object",
            hint="see the request with --dry-run",
        )


def encode_body(
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
    route, said = plan.route, completed_values(plan, values)
    body: dict[str, Any] = {}
    if route.model_at is not None:
        body[route.model_at] = plan.wire_model
    known = prompt.find_references(plan.product, route, said)
    for name, place in route.places.items():
        if name in said:
            handles = [each.handle for each in known if each.field == name]
            value = _encode_text(plan, said, name)
            _write_field(body, place, plan.product.field(name), value, handles)
    for path, value in (
        (route.external_id_at, external_id),
        (route.callback_url_at, callback_url),
    ):
        if path is not None and value is not None:
            set_path(body, path, value)
    for path, value in extra.items():
        set_path(body, path, value)
    return body


def _encode_text(plan: Plan, said: Mapping[str, Any], name: str) -> Any:
    value = said[name]
    if name == "prompt":
        return prompt.encode_prompt(plan, said, value)
    if name == "shots":
        return tuple(
            shot._replace(words=prompt.encode_prompt(plan, said, shot.words))
            for shot in prompt.parse_shots(value)
        )
    return value


def _write_field(
    body: dict[str, Any],
    place: FieldMapping,
    field: Field,
    value: Any,
    handles: list[str],
) -> None:
    is_many = field.is_repeated and place.codec is None
    if place.codec is not None:
        value = prompt.CODECS[place.codec](value)
    if place.item is not None:
        entries = _list_entries(place, field, value if is_many else (value,), handles)
        set_path(body, place.at, [*(get_path(body, place.at) or []), *entries])
    elif is_many and len(value) == 1 and place.alone_at is not None:
        set_path(body, place.alone_at, _encode_value(place, value[0]))
    elif is_many:
        set_path(body, place.at, [_encode_value(place, each) for each in value])
    else:
        set_path(body, place.at, _encode_value(place, value))
    for path, constant in place.also.items():
        set_path(body, path, constant)


def _list_entries(
    place: FieldMapping, field: Field, values: Iterable[Any], handles: list[str]
) -> Iterator[dict[str, Any]]:
    for index, value in enumerate(values):
        entry = dict(place.item or {})
        bare: Any = prompt.split_handle(value)[1] if field.has_handle else value
        if place.put is None:
            entry |= dict(bare)
        else:
            entry[place.put] = _encode_value(place, bare)
        if place.handle_at is not None:
            entry[place.handle_at] = handles[index]
        yield entry


def _encode_value(place: FieldMapping, value: Any) -> Any:
    if place.encode is not None:
        return place.encode[value]
    if place.sent_as == "text":
        return str(value)
    if place.sent_as == "integer":
        return int(value)
    if place.sent_as == "milliseconds":
        return round(value * 1000)
    return value
