"""Encodes values into request bodies, and reads and writes dotted paths in JSON.

Paths look like `settings.audio` and `video_list.0.video_url`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from kling_cli.catalogue import prompt
from kling_cli.catalogue.definition.schema import Field, FieldMapping, Plan
from kling_cli.errors import UsageError


def get_path(body: Any, path: str) -> Any:
    """Return the value at `path`, None when it is absent or null."""
    for step in path.split("."):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def set_path(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at `path`, creating objects and lists where none exist yet.

    A number is an index where a list exists or nothing does yet; one past the end of a
    list appends.

    Raises:
        UsageError: the path leads through a list by a name, or through a value.
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


def encode_values(plan: Plan, completed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of completed values alone, with the model.

    Other defaults are left to the API. Images are URLs or bare base64.
    """
    route = plan.route
    body: dict[str, Any] = {}
    if route.model_path is not None:
        body[route.model_path] = plan.wire_model
    references = prompt.find_references(plan.product, route, completed)
    for name, mapping in route.mappings.items():
        if name in completed:
            handles = [each.handle for each in references if each.field == name]
            value = _encode_text(plan, completed, name)
            _write_field(body, mapping, plan.product.field(name), value, handles)
    return body


def complete_body(
    plan: Plan,
    body: dict[str, Any],
    *,
    external_id: str | None,
    callback_url: str | None,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Add ids and callback URL to `body`, then `extra` (dotted keys), and return it.

    Raises:
        UsageError: a key of `extra` does not fit the body.
    """
    for path, value in (
        (plan.route.external_id_path, external_id),
        (plan.route.callback_url_path, callback_url),
    ):
        if path is not None and value is not None:
            set_path(body, path, value)
    for path, value in extra.items():
        set_path(body, path, value)
    return body


def _encode_text(plan: Plan, given: Mapping[str, Any], name: str) -> Any:
    value = given[name]
    if name == "prompt":
        return prompt.encode_prompt(plan, given, value)
    if name == "shots":
        return tuple(
            shot._replace(text=prompt.encode_prompt(plan, given, shot.text))
            for shot in prompt.parse_shots(value)
        )
    return value


def _write_field(
    body: dict[str, Any],
    mapping: FieldMapping,
    field: Field,
    value: Any,
    handles: list[str],
) -> None:
    is_many = field.is_repeated and mapping.codec is None
    if mapping.codec is not None:
        value = prompt.CODECS[mapping.codec](value)
    if mapping.item is not None:
        entries = _list_entries(mapping, field, value if is_many else (value,), handles)
        set_path(body, mapping.path, [*(get_path(body, mapping.path) or []), *entries])
    elif is_many and len(value) == 1 and mapping.single_path is not None:
        set_path(body, mapping.single_path, _encode_value(mapping, value[0]))
    elif is_many:
        set_path(body, mapping.path, [_encode_value(mapping, each) for each in value])
    else:
        set_path(body, mapping.path, _encode_value(mapping, value))
    for path, constant in mapping.constants.items():
        set_path(body, path, constant)


def _list_entries(
    mapping: FieldMapping, field: Field, values: Iterable[Any], handles: list[str]
) -> Iterator[dict[str, Any]]:
    for index, value in enumerate(values):
        entry = dict(mapping.item or {})
        bare: Any = prompt.split_handle(value)[1] if field.has_handle else value
        if mapping.item_key is None:
            entry |= dict(bare)
        else:
            entry[mapping.item_key] = _encode_value(mapping, bare)
        if mapping.handle_key is not None:
            entry[mapping.handle_key] = handles[index]
        yield entry


def _encode_value(mapping: FieldMapping, value: Any) -> Any:
    if mapping.encode is not None:
        return mapping.encode[value]
    if mapping.sent_as == "text":
        return str(value)
    if mapping.sent_as == "integer":
        return int(value)
    if mapping.sent_as == "milliseconds":
        return round(value * 1000)
    return value
