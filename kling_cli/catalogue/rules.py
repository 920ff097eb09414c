"""Rules between fields: conditions, exclusions, amounts, and a few written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from kling_cli.catalogue import prompt
from kling_cli.catalogue.conditions import holds
from kling_cli.catalogue.model import Plan
from kling_cli.catalogue.rule import Rule
from kling_cli.catalogue.values import effective, given, storyboard

_DECIMALS = 6  # 2.3 - 0.3 is to be 2


def is_broken(rule: Rule, plan: Plan, values: Mapping[str, Any]) -> str | None:
    """Return what is wrong by this rule, or None; `values` are settled already."""
    said, counts = given(values), effective(plan, values)
    if not holds(rule.when, said, counts):
        return None
    if rule.check is not None:
        return CHECKS[rule.check](plan, said, rule)
    kept = (
        holds(rule.need, said, counts)
        and (not rule.one_of or _n_given(rule.one_of, said) == 1)
        and (not rule.any_of or _n_given(rule.any_of, said) > 0)
        and sum(_n_given(group, said) > 0 for group in rule.exclusive) <= 1
        and _is_amount_kept(rule, counts)
    )
    return None if kept else rule.message


def _n_given(names: tuple[str, ...], said: Mapping[str, Any]) -> int:
    return sum(name in said for name in names)


def _is_amount_kept(rule: Rule, counts: Mapping[str, Any]) -> bool:
    if not rule.amount:
        return True
    total = math.prod(
        sum(_term(each, counts) for each in terms) for terms in rule.amount
    )
    low, high = rule.at_least, rule.at_most
    total = round(total, _DECIMALS)
    return (low is None or total >= low) and (high is None or total <= high)


def _term(term: str | float, counts: Mapping[str, Any]) -> float:
    if not isinstance(term, str):
        return term
    if term.startswith("-"):
        return -_term(term[1:], counts)
    value = counts.get(term, 0)
    if isinstance(value, list | tuple):
        return len(value)
    return value if isinstance(value, int | float) else 1


def _shots(plan: Plan, said: Mapping[str, Any], _rule: Rule) -> str | None:
    if "shots" not in plan.limits:
        return None
    try:
        prompt.read_shots(said.get("shots", ()))
    except (TypeError, ValueError) as exc:
        return str(exc)
    shots = storyboard(plan, said)
    if not shots:
        return None
    if [each.number for each in shots] != list(range(1, len(shots) + 1)):
        return "the shots are not numbered 1, 2, 3 and so on"
    if len(shots) > prompt.MAX_SHOTS:
        return f"there are {len(shots)} shots; {prompt.MAX_SHOTS} is the most"
    return _shot_lengths(shots, effective(plan, said).get("duration"))


def _shot_lengths(shots: tuple[prompt.Shot, ...], duration: Any) -> str | None:
    for number, seconds, words in shots:
        if seconds < 1:
            return f"shot {number} is shorter than 1 s"
        if not 0 < len(words) <= prompt.MAX_SHOT_CHARS:
            return (
                f"shot {number} has {len(words)} characters; "
                f"1 to {prompt.MAX_SHOT_CHARS} are allowed"
            )
    total_s = sum(each.seconds for each in shots)
    if total_s == duration:
        return None
    return f"the shots last {total_s} s together and the video {duration} s"


def _camera(_plan: Plan, said: Mapping[str, Any], _rule: Rule) -> str | None:
    camera = said["camera"]
    if not isinstance(camera, Mapping):
        return None  # its kind is wrong already
    config = camera.get("config")
    if camera.get("type") != "simple":
        return None if config is None else "only the type simple takes a config"
    moves = [v for v in config.values() if v] if isinstance(config, Mapping) else []
    if len(moves) == 1:
        return None
    return "the type simple needs a config with exactly one value that is not zero"


def _no_shots(_plan: Plan, said: Mapping[str, Any], rule: Rule) -> str | None:
    text = said.get("prompt")
    spelled_out = prompt.find_shots(text) if isinstance(text, str) else ()
    return rule.message if said.get("shots") or spelled_out else None


CHECKS: Mapping[str, Callable[[Plan, Mapping[str, Any], Rule], str | None]] = {
    "shots": _shots,
    "no shots": _no_shots,
    "camera": _camera,
}
