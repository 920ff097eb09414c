"""Searches models by capability, in the words of `--can`.

A word is a field (`sound`, `last-frame`), a field and its value (`duration=12`,
`image=4` for four of them), a value alone (`4k`, `16:9`, `12s`), or `no-` and a switch.
What it means depends on the product, so each is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any, Final

from kling_cli.catalogue import pricing, validation
from kling_cli.catalogue.constraints import violations
from kling_cli.catalogue.definition.schema import (
    Estimate,
    Field,
    FieldKind,
    Limits,
    Model,
    Plan,
    Product,
    Rate,
    Rule,
)
from kling_cli.catalogue.routing import accepts_field
from kling_cli.catalogue.values import completed_values
from kling_cli.errors import UsageError

_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?)s")
_SWITCH_WORDS: Final = {
    "on": True, "yes": True, "true": True, "off": False, "no": False, "false": False,
}  # fmt: skip
_URL: Final = "https://example.com/file"
_SAMPLES: Final[Mapping[FieldKind, Any]] = {
    FieldKind.TEXT: "1",
    FieldKind.IMAGE: _URL,
    FieldKind.AUDIO: _URL,
    FieldKind.VIDEO: _URL,
    FieldKind.LINK: _URL,
    FieldKind.SWITCH: True,
}
_COUNTED: Final = frozenset(
    {FieldKind.IMAGE, FieldKind.AUDIO, FieldKind.VIDEO, FieldKind.LINK, FieldKind.TEXT}
)  # a number after these is how many
_SHOT: Final = "5:words"
_MAX_COUNT: Final = 1000  # more than any field accepts


@dataclass(frozen=True, slots=True)
class Requirement:
    """A value that a field must accept, or any value at all (`value` None)."""

    field: str
    value: Any = None


def parse_requirements(
    product: Product, words: Iterable[str]
) -> Iterator[tuple[Requirement, ...]]:
    """Yield every combination of meanings that the words have for a product, if any."""
    yield from combinations(
        *(tuple(parse_requirement(product, word)) for word in words)
    )


def parse_requirement(product: Product, word: str) -> Iterator[Requirement]:
    """Yield the meanings of a word for a product: a field, or the value of one."""
    name, separator, text = word.strip().lower().partition("=")
    named = [field for field in product.fields if name in option_names(field)]
    if named and not separator:
        yield from (Requirement(field.name) for field in named)
        return
    if named:
        yield from (Requirement(each.name, parse_value(each, text)) for each in named)
        return
    if not separator:
        yield from _requirements_by_value(product, name)


def _requirements_by_value(product: Product, text: str) -> Iterator[Requirement]:
    """Yield the meanings of a word that names no field."""
    seconds = _SECONDS.fullmatch(text)
    for field in product.fields:
        is_switch = field.kind is FieldKind.SWITCH
        if is_switch and text.removeprefix("no-") in option_names(field):
            yield Requirement(field.name, False)
        elif seconds and field.name == "duration":
            yield Requirement(field.name, parse_value(field, seconds[1]))
        elif field.kind is FieldKind.CHOICE and text in _choices_by_text(
            product, field
        ):
            yield Requirement(field.name, _choices_by_text(product, field)[text])


def _choices_by_text(product: Product, field: Field) -> dict[str, Any]:
    """Return every value that some model accepts for a choice, by its text."""
    found: dict[str, Any] = {}
    for model in product.models:
        for limits in model.limits.values():
            if field.name in limits:
                found |= {
                    str(one).lower(): one for one in _choices_of(limits[field.name])
                }
    return found


def _choices_of(limits: Any) -> tuple[Any, ...]:
    fixed = (limits.default,) if limits.is_fixed else ()
    return (*(limits.choices or ()), *fixed)


def option_names(field: Field) -> frozenset[str]:
    """Return the words that mean a field: its name and its long options."""
    options = (each[2:] for each in field.options if each.startswith("--"))
    return frozenset({field.name.replace("_", "-"), *options})


def parse_value(field: Field, text: str) -> Any:
    """Return the value that a text means for a field; of a list, that many samples.

    A text without a meaning is returned as it is: no model will accept it.
    """
    if field.kind in _COUNTED and text.isdecimal():
        count = min(int(text), _MAX_COUNT)
        return (
            (sample_value(field),) * count
            if field.is_repeated
            else _single_sample(field, count)
        )
    try:
        if field.kind in (FieldKind.INTEGER, FieldKind.NUMBER):
            number = float(text)
            return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        return text
    if field.kind is FieldKind.SWITCH:
        return _SWITCH_WORDS.get(text, text)
    return (text,) if field.is_repeated else text


def _single_sample(field: Field, count: int) -> Any:
    """Return a sample for a count of one; no such field has several."""
    return sample_value(field) if count == 1 else count


def sample_value(field: Field) -> Any:
    """Return a value that stands for any; a JSON field has none."""
    if field.name == "shots":
        return _SHOT
    return _SAMPLES.get(field.kind)


def require_known_capabilities(
    products: Iterable[Product], words: Iterable[str]
) -> None:
    """Refuse a word that has no meaning for any of the products.

    Raises:
        UsageError: naming the word, and similar ones.
    """
    everything = tuple(products)
    for word in words:
        if not any(True for one in everything for _ in parse_requirement(one, word)):
            raise _unknown_capability(everything, word)


def _unknown_capability(products: tuple[Product, ...], word: str) -> UsageError:
    from difflib import get_close_matches

    fields = [field for one in products for field in one.fields if field.options]
    known = sorted({each for field in fields for each in option_names(field)})
    near = get_close_matches(word.partition("=")[0], known, n=3) or known[:8]
    return UsageError(
        f"--can {word}: no model has anything of that name",
        hint=f"try {', '.join(near)}, a value such as 4k or 16:9, or duration=12",
    )


_MAX_ADDED_FIELDS: Final = 4  # how many fields rules may require in addition


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityMatch:
    """The cheapest request with which a model meets the requirements.

    `values` are the values to give, with samples for those that may be any. The
    estimate is for these values and defaults; None where it is unknown.
    """

    plan: Plan
    values: Mapping[str, Any]
    estimate: Estimate | None
    rate: Rate | None

    @property
    def price(self) -> float:
        """The sort key: units of a job at most, unknown ones last."""
        most = self.estimate.at_most_units if self.estimate else None
        return float("inf") if most is None else most


def best_match(
    product: Product, model: Model, words: Iterable[str]
) -> CapabilityMatch | None:
    """Return the cheapest match of a model for all of the words of `--can`."""
    wanted = tuple(parse_requirements(product, words))
    matches = [
        _match(plan, values)
        for plan in _plans_of(product, model)
        for each in wanted
        for given in _value_sets(plan, each)
        for values in _satisfy_rules(plan, given, frozenset(given), _MAX_ADDED_FIELDS)
    ]
    return min(matches, key=lambda match: match.price, default=None)


def _plans_of(product: Product, model: Model) -> Iterator[Plan]:
    for route in product.routes:
        if route.name in model.wire_ids:
            yield Plan(product=product, route=route, model=model)


def _match(plan: Plan, values: Mapping[str, Any]) -> CapabilityMatch:
    return CapabilityMatch(
        plan=plan,
        values=values,
        estimate=pricing.estimate_units(plan, values),
        rate=pricing.find_rate(plan, completed_values(plan, values)),
    )


def _value_sets(plan: Plan, wanted: Iterable[Requirement]) -> Iterator[dict[str, Any]]:
    """Yield the sets of values that meet the requirements; none if impossible."""
    given: list[dict[str, Any]] = [{}]
    for each in wanted:
        values = [*_candidate_values(plan, each)]
        given = [
            {**one, each.field: value}
            for one in given
            for value in values
            if one.get(each.field, value) == value
        ]
    yield from given


def _candidate_values(plan: Plan, wanted: Requirement) -> Iterator[Any]:
    if not accepts_field(plan.model, plan.route, wanted.field):
        return
    field, limits = plan.product.field(wanted.field), plan.limits[wanted.field]
    if field.kind is FieldKind.JSON:
        yield ({},) if field.is_repeated else {}  # what is in it is not the question
        return
    if wanted.value is not None:
        by_text = {str(choice): choice for choice in limits.choices or ()}
        candidates: list[Any] = [by_text.get(str(wanted.value), wanted.value)]
    elif field.kind is FieldKind.SWITCH:
        candidates = [True]
    else:
        candidates = _sample_values(plan, wanted.field, limits)
    for value in candidates:
        if not any(violations(field, limits, value)):
            yield value


def _sample_values(plan: Plan, name: str, limits: Limits) -> list[Any]:
    """Return valid values; several only where a rule may want another."""
    field = plan.product.field(name)
    if limits.choices:
        return list(limits.choices)
    numbers = [limits.default, limits.minimum, limits.maximum]
    if values := [each for each in numbers if each is not None]:
        return list(dict.fromkeys(values))
    count = max(1, limits.min_items or 1)
    return [
        (sample_value(field),) * count if field.is_repeated else sample_value(field)
    ]


def _satisfy_rules(
    plan: Plan, given: dict[str, Any], wanted: frozenset[str], depth: int
) -> Iterator[dict[str, Any]]:
    """Yield `given` with the values that the rules require; none if they forbid it."""
    broken = next(
        (rule for rule in plan.rules if _breaks_rule(rule, plan, given)), None
    )
    if broken is None:
        yield given
        return
    if depth == 0:
        return
    for name in broken.fields:
        if name not in wanted and name not in given and name in plan.limits:
            for value in _repair_values(broken, plan, name):
                yield from _satisfy_rules(
                    plan, {**given, name: value}, wanted, depth - 1
                )


def _breaks_rule(rule: Rule, plan: Plan, given: Mapping[str, Any]) -> bool:
    """Return whether the values violate a rule about one of them."""
    is_about = rule.check is None and any(name in given for name in rule.fields)
    return is_about and validation.find_rule_violation(rule, plan, given) is not None


def _repair_values(rule: Rule, plan: Plan, name: str) -> Iterator[Any]:
    """Yield the values that may satisfy a rule, as far as the model accepts them."""
    if not accepts_field(plan.model, plan.route, name):
        return
    needed = rule.need.get(name)
    values = list(needed) if isinstance(needed, list | tuple) else []
    if plan.product.field(name).kind is FieldKind.SWITCH:
        values += [True, False]
    limits = plan.limits[name]
    for value in dict.fromkeys([*values, *_sample_values(plan, name, limits)]):
        if not any(violations(plan.product.field(name), limits, value)):
            yield value
