"""Estimates and computes what jobs cost, and how long their results are."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from kling_cli.catalogue import media
from kling_cli.catalogue.constraints import is_url
from kling_cli.catalogue.definition.schema import (
    DurationRule,
    Estimate,
    FieldKind,
    Plan,
    Rate,
)
from kling_cli.catalogue.values import (
    completed_values,
    conditions_hold,
    effective_values,
    given_values,
)

_DECIMALS = 4
_EPSILON = 1e-6


class _Quantity(NamedTuple):
    """The number of seconds or results: exactly if known, and at most."""

    exact: Any
    most: Any


def find_duration_rule(plan: Plan, given: Mapping[str, Any]) -> DurationRule | None:
    """Return the duration rule that applies; None where no input decides the length."""
    real, effective = given_values(given), effective_values(plan, given)
    for each in plan.duration_rules:
        if each.source in real and conditions_hold(each.when, real, effective):
            return each
    return None


def measure_input_s(
    plan: Plan, length: DurationRule, given: Mapping[str, Any]
) -> float | None:
    """Return the duration of the input, where its content is at hand and states it."""
    field, value = plan.product.field(length.source), given[length.source]
    if field.kind is not FieldKind.AUDIO or not isinstance(value, str):
        return None
    if is_url(value):
        return None
    if isinstance(value, media.FileContent):
        return value.duration_s
    try:
        return media.describe_audio(base64.b64decode(value, validate=True)).duration_s
    except ValueError:
        return None


def estimate_units(
    plan: Plan, values: Mapping[str, Any], *, seconds: float | None = None
) -> Estimate | None:
    """Return what the job will cost if it succeeds; None without a published price.

    Where the length follows an input, or the number of results is left to the model,
    there is a bound by the documented limits. `seconds` is how long the result will be,
    where that is known and no field decides it.
    """
    return estimate_completed(plan, completed_values(plan, values), seconds=seconds)


def estimate_completed(
    plan: Plan, given: Mapping[str, Any], *, seconds: float | None = None
) -> Estimate | None:
    """Return the estimate for completed values; see `estimate_units`."""
    rate = find_rate(plan, given)
    if rate is None:
        return None
    effective, source = effective_values(plan, given), find_duration_rule(plan, given)
    span = _quantity(plan, rate, given, source, seconds)
    units, most = _units(rate, span.exact), _units(rate, span.most)
    return Estimate(
        units=units,
        usd=_usd(plan, units),
        at_most_units=most if units is None else units,
        at_most_usd=_usd(plan, most if units is None else units),
        basis=_basis(plan, effective, rate) + _duration_basis(rate, source, span.exact),
    )


def explain_missing_price(plan: Plan) -> str:
    """Return why `estimate_units` has no estimate."""
    of_what = "this combination" if plan.model.rates else plan.product.name
    return f"Kling publishes no price for {of_what}"


def charged_units(
    plan: Plan, values: Mapping[str, Any], seconds: float, *, n_outputs: int = 1
) -> float:
    """Return the units charged for a finished job of `seconds`, or `n_outputs`.

    `values` are those of the body: for absent ones the API's defaults count.
    """
    rate = find_rate(plan, values)
    if rate is None:
        return 0.0
    many = n_outputs if rate.per == "output" else seconds
    return _units(rate, many) or 0.0


def find_rate(plan: Plan, given: Mapping[str, Any]) -> Rate | None:
    """Return the rate that applies to these values, None where none is published."""
    effective = effective_values(plan, given)
    for rate in plan.model.rates:
        if conditions_hold(rate.when, given_values(given), effective):
            return rate
    return None


def _quantity(
    plan: Plan,
    rate: Rate,
    given: Mapping[str, Any],
    source: DurationRule | None,
    seconds: float | None,
) -> _Quantity:
    effective = effective_values(plan, given)
    if rate.per == "call":
        return _Quantity(None if rate.is_maximum else 1, 1)
    if rate.per == "output":
        return _Quantity(
            effective.get(str(rate.count)), _maximum(plan, str(rate.count))
        )
    if source is None:
        return _Quantity(effective.get("duration", seconds), _maximum(plan, "duration"))
    if seconds is None:
        seconds = measure_input_s(plan, source, given)
    return _Quantity(seconds, source.seconds[1] if source.seconds else None)


def _maximum(plan: Plan, field: str) -> float | None:
    """Return the largest number that the model accepts for a field."""
    limits = plan.limits.get(field)
    if limits is None:
        return None
    numbers = [each for each in limits.choices or () if isinstance(each, int | float)]
    return max(numbers) if numbers else limits.maximum


def _units(rate: Rate, many: Any) -> float | None:
    """Return the units for a number of whole seconds, results or calls."""
    if not isinstance(many, int | float):
        return None
    whole = math.floor(many + _EPSILON)
    times = 1 if rate.per == "call" else math.ceil(whole / rate.every)
    return round(rate.units * times, _DECIMALS)


def _usd(plan: Plan, units: float | None) -> float | None:
    return None if units is None else round(units * plan.product.unit_usd, _DECIMALS)


def _basis(plan: Plan, effective: Mapping[str, Any], rate: Rate) -> str:
    named = [plan.model.id, str(effective.get("resolution") or "")]
    named.append("with sound" if effective.get("sound") else "")
    variant = " ".join(each for each in named if each)
    unit = f"{rate.every} {rate.per}s" if rate.every > 1 else rate.per
    most = "at most " if rate.is_maximum else ""
    return f"{variant}: {most}{rate.units:g} units per {unit}"


def _duration_basis(rate: Rate, source: DurationRule | None, exact: Any) -> str:
    if source is None or rate.per != "second":
        return ""
    if isinstance(exact, int | float):
        return f", {exact:.1f} s of {source.noun}"
    limit = f", {source.seconds[1]:g} s at most" if source.seconds else ""
    return f", as long as the {source.noun}{limit}"
