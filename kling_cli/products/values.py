"""A job's values as they will count: what was said, what follows from it, defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.products import prompt
from kling_cli.products.model import FieldKind, Plan


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was really said: not None, not empty."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and value not in ("", (), [])
    }


def settled(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said, and what follows from it.

    A fixed value that was said nevertheless goes without saying; a choice that is a
    number may have been typed as text. Shots spelled out in a
    prompt become shots where the body wants a list of them, and shots decide the
    duration unless somebody did.
    """
    said = {name: _chosen(plan, name, value) for name, value in given(values).items()}
    for name, limits in plan.limits.items():
        if limits.is_fixed and name in said and said[name] == limits.default:
            del said[name]
    shots = storyboard(plan, said)
    if not shots:
        return said
    if plan.route.places["shots"].codec == "shot_list" and "shots" not in said:
        del said["prompt"]
        said["shots"] = tuple(f"{each.seconds}:{each.words}" for each in shots)
    if "duration" in plan.limits:
        said.setdefault("duration", sum(each.seconds for each in shots))
    return said


def _chosen(plan: Plan, name: str, value: Any) -> Any:
    limits = plan.limits.get(name)
    if limits is None or plan.product.field(name).kind is not FieldKind.CHOICE:
        return value
    by_text = {str(choice): choice for choice in limits.choices or ()}
    return by_text.get(value, value) if isinstance(value, str) else value


def storyboard(plan: Plan, said: Mapping[str, Any]) -> tuple[prompt.Shot, ...]:
    """Return the shots that were asked for one way or the other; none if unreadable."""
    if "shots" not in plan.limits:
        return ()
    if "shots" not in said:
        is_off = said.get("multi_shot") is False or "shot_type" in said
        text = said.get("prompt")
        is_text = isinstance(text, str) and not is_off
        return prompt.find_shots(str(text)) if is_text else ()
    try:
        return prompt.read_shots(said["shots"])
    except (TypeError, ValueError):
        return ()


def effective(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that will count: the given ones, and the API's defaults.

    What the model always has counts whatever was said.
    """
    known = {k: v for k, v in plan.limits.items() if v.default is not None}
    defaults = {name: limits.default for name, limits in known.items()}
    fixed = {name: limits.default for name, limits in known.items() if limits.is_fixed}
    return {**defaults, **given(values), **fixed}
