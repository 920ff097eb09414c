"""Completes the values of a request: implied ones, client defaults, API defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue import prompt
from kling_cli.catalogue.definition.schema import FieldKind, Plan
from kling_cli.catalogue.media import FileContent


def conditions_hold(
    conditions: Mapping[str, Any],
    given: Mapping[str, Any],
    effective: Mapping[str, Any],
) -> bool:
    """Return whether all conditions hold for the given and the effective values."""
    return all(
        _is_condition_met(wanted, name in given, effective.get(name))
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
    """Return the given values, and those that follow from them.

    A given value that equals a fixed one is dropped, and so is a default that the body
    has no encoding for; a choice that is a number may have been typed as text. Shots
    spelled out in a prompt become shots where the body has a list of them, and shots
    decide the duration unless it is given. Fields that the API insists on get our
    default, and client defaults apply where nothing is given.
    """
    completed = {
        name: _parse_choice(plan, name, value)
        for name, value in given_values(values).items()
    }
    completed = {**_implied_constants(plan, completed), **completed}
    for name, limits in plan.limits.items():
        if name in completed and _is_implicit(plan, name, completed[name]):
            del completed[name]
        if limits.is_sent:
            completed.setdefault(name, limits.default)
    completed = {**_client_default_values(plan, completed), **completed}
    if "shots" not in plan.limits:
        return completed
    spelled_out = _prompt_shots(completed)
    if spelled_out and plan.route.mappings["shots"].codec == "shot_list":
        del completed["prompt"]
        completed["shots"] = tuple(
            f"{each.seconds}:{each.text}" for each in sorted(spelled_out)
        )
    shots = find_shots(plan, completed)
    if shots and "duration" in plan.limits:
        completed.setdefault("duration", sum(each.seconds for each in shots))
    return completed


def _is_implicit(plan: Plan, name: str, value: Any) -> bool:
    limits, mapping = plan.limits[name], plan.route.mappings.get(name)
    if value != limits.default:
        return False
    words = mapping.encode if mapping is not None else None
    return limits.is_fixed or (words is not None and value not in words)


def _client_default_values(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    effective = effective_values(plan, given)
    return {
        name: value
        for client_default in plan.client_defaults
        if conditions_hold(client_default.when, given, effective)
        for name, value in client_default.values.items()
        if name in plan.limits
    }


def _implied_constants(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of other fields that are sent along with the given ones."""
    mappings = plan.route.mappings
    names = {
        mapping.path: name
        for name, mapping in mappings.items()
        if mapping.codec is None
    }
    return {
        names[path]: constant
        for field in given
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


def find_shots(plan: Plan, given: Mapping[str, Any]) -> tuple[prompt.Shot, ...]:
    """Return the shots that the API will see in these values; none if invalid."""
    if "shots" not in plan.limits:
        return ()
    if "shots" not in given:
        is_text = plan.route.mappings["shots"].codec == "shot_text"
        return _prompt_shots(given) if is_text else ()
    try:
        return prompt.parse_shots(given["shots"])
    except (TypeError, ValueError):
        return ()


def _prompt_shots(given: Mapping[str, Any]) -> tuple[prompt.Shot, ...]:
    """Return the shots in the prompt, unless it is to be sent as it is."""
    text = given.get("prompt")
    if given.get("multi_shot") is False or {"shots", "shot_type"} & given.keys():
        return ()
    return prompt.parse_prompt_shots(text) if isinstance(text, str) else ()


def effective_values(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in effect: the given ones, else the API's defaults.

    Fixed values of the model are in effect whatever was given.
    """
    defaulted = {k: v for k, v in plan.limits.items() if v.default is not None}
    defaults = {name: limits.default for name, limits in defaulted.items()}
    fixed = {
        name: limits.default for name, limits in defaulted.items() if limits.is_fixed
    }
    return {**defaults, **given_values(values), **fixed}
