"""Whether a model can do what is wanted, how it has to be asked, and for how much.

Rules between fields are respected: what else has to be said is found by trying, so
that sound that there is in 1080p only is offered in 1080p. Rules about what nobody has
spoken of, such as a prompt that is missing, are left to the job itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kling_cli.catalogue import cost, rules
from kling_cli.catalogue.capability import Demand, demands, sample
from kling_cli.catalogue.choose import takes
from kling_cli.catalogue.field import FieldKind, Limits
from kling_cli.catalogue.limits import faults
from kling_cli.catalogue.model import Model, Plan, Product
from kling_cli.catalogue.rule import Estimate, Rate, Rule
from kling_cli.catalogue.values import settled

_DEPTH: Final = 4  # how many further fields may have to be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The cheapest way in which a model does what is wanted.

    `values` is what has to be said, samples standing for what is any. The estimate is
    of a job with these values and defaults; None where nobody can know.
    """

    plan: Plan
    values: Mapping[str, Any]
    estimate: Estimate | None
    rate: Rate | None

    @property
    def price(self) -> float:
        """What it is sorted by: units of a job at most, unknown ones last."""
        most = self.estimate.at_most_units if self.estimate else None
        return float("inf") if most is None else most


def best(product: Product, model: Model, words: Iterable[str]) -> Offer | None:
    """Return the cheapest offer of a model for all of the words of `--can`."""
    wanted = tuple(demands(product, words))
    offers = [
        _offer(plan, values)
        for plan in _plans(product, model)
        for each in wanted
        for said in _said(plan, each)
        for values in _completed(plan, said, frozenset(said), _DEPTH)
    ]
    return min(offers, key=lambda offer: offer.price, default=None)


def _plans(product: Product, model: Model) -> Iterator[Plan]:
    for route in product.routes:
        if route.name in model.wire_ids:
            yield Plan(product=product, route=route, model=model)


def _offer(plan: Plan, values: Mapping[str, Any]) -> Offer:
    return Offer(
        plan=plan,
        values=values,
        estimate=cost.estimate(plan, values),
        rate=cost.rate_for(plan, settled(plan, values)),
    )


def _said(plan: Plan, wanted: Iterable[Demand]) -> Iterator[dict[str, Any]]:
    """Yield the values that meet the demands one by one; none if one cannot be met."""
    said: list[dict[str, Any]] = [{}]
    for each in wanted:
        values = [*_values(plan, each)]
        said = [
            {**one, each.field: value}
            for one in said
            for value in values
            if one.get(each.field, value) == value
        ]
    yield from said


def _values(plan: Plan, wanted: Demand) -> Iterator[Any]:
    if not takes(plan.model, plan.route, wanted.field):
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
        candidates = _any(plan, wanted.field, limits)
    for value in candidates:
        if not any(faults(field, limits, value)):
            yield value


def _any(plan: Plan, name: str, limits: Limits) -> list[Any]:
    """Return values of which any will do; one is enough where no rule asks for it."""
    field = plan.product.field(name)
    if limits.choices:
        return list(limits.choices)
    numbers = [limits.default, limits.minimum, limits.maximum]
    if values := [each for each in numbers if each is not None]:
        return list(dict.fromkeys(values))
    count = max(1, limits.min_items or 1)
    return [(sample(field),) * count if field.is_repeated else sample(field)]


def _completed(
    plan: Plan, said: dict[str, Any], wanted: frozenset[str], depth: int
) -> Iterator[dict[str, Any]]:
    """Yield `said` with what the rules want beside it; nothing if they forbid it."""
    broken = next((rule for rule in plan.rules if _breaks(rule, plan, said)), None)
    if broken is None:
        yield said
        return
    if depth == 0:
        return
    for name in broken.fields:
        if name not in wanted and name not in said and name in plan.limits:
            for value in _repairs(broken, plan, name):
                yield from _completed(plan, {**said, name: value}, wanted, depth - 1)


def _breaks(rule: Rule, plan: Plan, said: Mapping[str, Any]) -> bool:
    """Say whether a rule about something that was said is broken."""
    is_about = rule.check is None and any(name in said for name in rule.fields)
    return is_about and rules.is_broken(rule, plan, said) is not None


def _repairs(rule: Rule, plan: Plan, name: str) -> Iterator[Any]:
    """Yield the values that may mend a rule, as far as the model takes them."""
    if not takes(plan.model, plan.route, name):
        return
    needed = rule.need.get(name)
    values = list(needed) if isinstance(needed, list | tuple) else []
    if plan.product.field(name).kind is FieldKind.SWITCH:
        values += [True, False]
    limits = plan.limits[name]
    for value in dict.fromkeys([*values, *_any(plan, name, limits)]):
        if not any(faults(plan.product.field(name), limits, value)):
            yield value
