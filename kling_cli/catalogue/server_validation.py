"""Validates raw request bodies as the API does; the sandbox answers with the problems.

The sandbox receives bodies of any client and knows no more of them than the API does.
Problems carry wire names, and the API's own wording where that is known.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from kling_cli.catalogue import encoder, media, validation
from kling_cli.catalogue.constraints import Violation, is_url, violations
from kling_cli.catalogue.decoder import decode_body, list_paths, wire_name
from kling_cli.catalogue.definition.schema import FieldKind, Generation, Plan, Problem
from kling_cli.catalogue.prompt import split_handle


def validate_body(plan: Plan, body: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return the problems for which the API would refuse `body`.

    Each problem's message is fit for the `message` of a 1201.
    """
    for at in list_paths(plan.route):
        if encoder.get_path(body, at) in (None, []) and _is_required_list(plan, at):
            return (Problem(field=at, message=f"{at} cannot be empty"),)
    values, unreadable = decode_body(plan.product, plan.route, plan.model, body)
    found = list(unreadable)
    for name, value in values.items():
        found += _value_problems(plan, name, value)
    if not found:
        found += _missing_fields(plan, values)
    if not found:
        found += _duplicate_handles(plan, values)
        found += _rule_problems(plan, values)
    return tuple(found)


def _duplicate_handles(plan: Plan, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each handle that is used twice."""
    seen: set[str] = set()
    for name, mapping in plan.route.mappings.items():
        value = values.get(name, ()) if mapping.handle_key else ()
        for each in value if isinstance(value, tuple) else (value,):
            handle, _ = split_handle(str(each))
            if handle is not None and handle in seen:
                at = f"{mapping.path}[].{mapping.handle_key}"
                yield Problem(field=at, message=f"{at} value '{handle}' is not unique")
            seen.add(str(handle))


def _is_required_list(plan: Plan, at: str) -> bool:
    return any(
        limits.is_required
        for name, limits in plan.limits.items()
        if name in plan.route.mappings and plan.route.mappings[name].path == at
    )


def _value_problems(plan: Plan, name: str, value: Any) -> Iterator[Problem]:
    wire, field = wire_name(plan.route, name), plan.product.field(name)
    limits = plan.limits.get(name)
    if (limits is None or limits.is_fixed) and _is_ignored_setting(plan, name):
        return
    if limits is None:
        message = f"{wire} is not supported by model '{plan.wire_model}'"
        yield Problem(field=wire, message=message)
        return
    encode = plan.route.mappings[name].encode or {}
    for violation in violations(field, limits, value):
        at = wire + violation.at
        yield Problem(field=at, message=_message(at, violation, encode))
    of_media = _MEDIA_CHECKS.get(field.kind)
    if of_media is not None:
        for each in value if field.is_repeated else (value,):
            yield from of_media(plan, name, each)


def _image_problems(plan: Plan, name: str, value: str) -> Iterator[Problem]:
    if not is_url(bare := split_handle(value)[1]):
        yield from media.image_problems_of_base64(
            bare,
            plan.max_bytes(name),
            field=wire_name(plan.route, name),
            formats=plan.route.image_formats,
            max_side_px=plan.route.image_max_side_px,
        )


def _audio_problems(plan: Plan, name: str, value: str) -> Iterator[Problem]:
    if is_url(value):
        return
    wire, limits = wire_name(plan.route, name), plan.limits[name]
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        message = f"{wire} is neither a URL nor bare base64"
        yield Problem(field=wire, message=message)
        return
    if len(raw) > plan.max_bytes(name):
        yield Problem(field=wire, message=f"{wire} is too large")
    for each in media.audio_problems(media.describe_audio(raw), seconds=limits.seconds):
        yield replace(each, field=wire, message=f"{wire} is invalid: {each.message}")


_MEDIA_CHECKS: Mapping[FieldKind, Callable[[Plan, str, str], Iterator[Problem]]] = {
    FieldKind.IMAGE: _image_problems,
    FieldKind.AUDIO: _audio_problems,
}


def _is_ignored_setting(plan: Plan, name: str) -> bool:
    """Return whether the API ignores this setting (observed, section 2.2).

    It does so for unknown settings of the new standard. A setting is known where
    another field has an encoding for it: `audio` without `native`.
    """
    at = plan.route.mappings[name].path
    is_known = any(
        plan.route.mappings[other].path == at and not limits.is_fixed
        for other, limits in plan.limits.items()
        if other != name and other in plan.route.mappings
    )
    is_new = plan.route.generation is not Generation.LEGACY
    return is_new and at.startswith("settings.") and not is_known


def _message(wire: str, violation: Violation, encode: Mapping[Any, Any]) -> str:
    value, allowed = violation.value, violation.allowed
    match violation.kind:
        case "length":
            return f"{wire} has {len(value)} characters, allowed: {allowed}"
        case "items":
            return f"{wire} has {len(value)} entries, allowed: {allowed}"
        case "missing":
            return f"{wire} is required"
        case "fixed":
            return f"{wire} value '{encode.get(value, value)}' is invalid"
        case _:
            return f"{wire} value '{value}' is invalid"


def _missing_fields(plan: Plan, values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, limits in plan.limits.items():
        if limits.is_required and name not in values:
            wire = wire_name(plan.route, name)
            yield Problem(field=wire, message=f"{wire} is required")


def _rule_problems(plan: Plan, values: Mapping[str, Any]) -> Iterator[Problem]:
    for rule in plan.rules:
        broken = (
            None
            if rule.is_client_only
            else validation.find_rule_violation(rule, plan, values)
        )
        if broken is not None:
            names = [wire_name(plan.route, each) for each in rule.fields]
            subject = ", ".join(dict.fromkeys(names))
            message = rule.wire_message or f"{subject} is invalid: {broken}"
            yield Problem(field=names[0], message=message)
