"""Conditions of the catalogue: what was said of fields, and what counts for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue import prompt
from kling_cli.catalogue.definition.schema import FieldKind, Plan
from kling_cli.catalogue.media import FileContent


def conditions_hold(
    conditions: Mapping[str, Any], said: Mapping[str, Any], counts: Mapping[str, Any]
) -> bool:
    """Say whether all conditions hold for what was `said` and what `counts`."""
    return all(
        _is_condition_met(wanted, name in said, counts.get(name))
        for name, wanted in conditions.items()
    )


def _is_condition_met(wanted: Any, is_said: bool, value: Any) -> bool:
    if wanted == "present":
        return is_said
    if wanted == "absent":
        return not is_said
    return value in wanted or ("absent" in wanted and not is_said)


def given_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that were given: not None, not empty; an empty file counts."""
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, FileContent) or value not in (None, "", (), [])
    }


def completed_values(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said, and what follows from it.

    A fixed value that was said nevertheless goes without saying, and so does a default
    that the body has no word for; a choice that is a number may have been typed as
    text. Shots spelled out in a prompt become shots where the body wants a list of
    them, and shots decide the duration unless somebody did. What the API insists on has
    our default, and our client_defaults speak for who says nothing.
    """
    said = {
        name: _parse_choice(plan, name, value)
        for name, value in given_values(values).items()
    }
    said = {**_implied_constants(plan, said), **said}
    for name, limits in plan.limits.items():
        if name in said and _is_implicit(plan, name, said[name]):
            del said[name]
        if limits.is_sent:
            said.setdefault(name, limits.default)
    said = {**_client_default_values(plan, said), **said}
    if "shots" not in plan.limits:
        return said
    spelled_out = _prompt_shots(said)
    if spelled_out and plan.route.mappings["shots"].codec == "shot_list":
        del said["prompt"]
        said["shots"] = tuple(
            f"{each.seconds}:{each.words}" for each in sorted(spelled_out)
        )
    shots = find_shots(plan, said)
    if shots and "duration" in plan.limits:
        said.setdefault("duration", sum(each.seconds for each in shots))
    return said


def _is_implicit(plan: Plan, name: str, value: Any) -> bool:
    limits, mapping = plan.limits[name], plan.route.mappings.get(name)
    if value != limits.default:
        return False
    words = mapping.encode if mapping is not None else None
    return limits.is_fixed or (words is not None and value not in words)


def _client_default_values(plan: Plan, said: Mapping[str, Any]) -> dict[str, Any]:
    counts = effective_values(plan, said)
    return {
        name: value
        for client_default in plan.client_defaults
        if conditions_hold(client_default.when, said, counts)
        for name, value in client_default.values.items()
        if name in plan.limits
    }


def _implied_constants(plan: Plan, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of other fields that go with what was said, whoever says it."""
    mappings = plan.route.mappings
    names = {
        mapping.path: name
        for name, mapping in mappings.items()
        if mapping.codec is None
    }
    return {
        names[path]: constant
        for field in said
        if field in mappings and mappings[field].codec is None
        for path, constant in mappings[field].constants.items()
        if path in names
    }


def _parse_choice(plan: Plan, name: str, value: Any) -> Any:
    limits = plan.limits.get(name)
    if limits is None or plan.product.field(name).kind is not FieldKind.CHOICE:
        return value
    by_text = {str(choice): choice for choice in limits.choices or ()}
    return by_text.get(value, value) if isinstance(value, str) else value


def find_shots(plan: Plan, said: Mapping[str, Any]) -> tuple[prompt.Shot, ...]:
    """Return the shots the API will see in what was said; none if unreadable."""
    if "shots" not in plan.limits:
        return ()
    if "shots" not in said:
        is_text = plan.route.mappings["shots"].codec == "shot_text"
        return _prompt_shots(said) if is_text else ()
    try:
        return prompt.parse_shots(said["shots"])
    except (TypeError, ValueError):
        return ()


def _prompt_shots(said: Mapping[str, Any]) -> tuple[prompt.Shot, ...]:
    """Return the shots in the prompt, unless the person wants it taken as it is."""
    text = said.get("prompt")
    if said.get("multi_shot") is False or {"shots", "shot_type"} & said.keys():
        return ()
    return prompt.parse_prompt_shots(text) if isinstance(text, str) else ()


def effective_values(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that will count: the given ones, and the API's defaults.

    What the model always has counts whatever was said.
    """
    known = {k: v for k, v in plan.limits.items() if v.default is not None}
    defaults = {name: limits.default for name, limits in known.items()}
    fixed = {name: limits.default for name, limits in known.items() if limits.is_fixed}
    return {**defaults, **given_values(values), **fixed}
