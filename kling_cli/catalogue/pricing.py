"""How long a result is: as asked for, or as long as an input is."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from kling_cli.catalogue import media, values
from kling_cli.catalogue.constraints import is_url
from kling_cli.catalogue.definition.schema import (
    Estimate,
    FieldKind,
    Length,
    Plan,
    Rate,
)
from kling_cli.catalogue.values import completed_values, effective_values, given_values


def followed_input(plan: Plan, said: Mapping[str, Any]) -> Length | None:
    """Return the length that holds for what was said; None where no input decides."""
    real, counts = given_values(said), effective_values(plan, said)
    for each in plan.lengths:
        if each.follows in real and values.holds(each.when, real, counts):
            return each
    return None


def measured_s(plan: Plan, length: Length, said: Mapping[str, Any]) -> float | None:
    """Return the seconds of the input, where its content is at hand and tells."""
    field, value = plan.product.field(length.follows), said[length.follows]
    if field.kind is not FieldKind.AUDIO or not isinstance(value, str):
        return None
    if is_url(value):
        return None
    try:
        return media.describe_audio(base64.b64decode(value, validate=True)).seconds
    except ValueError:
        return None


_DECIMALS = 4
_ROUNDING = 1e-6


class _Span(NamedTuple):
    """How many seconds or results there will be: exactly, and at most."""

    exact: Any
    most: Any


def estimate_units(
    plan: Plan, values: Mapping[str, Any], *, seconds: float | None = None
) -> Estimate | None:
    """Return what the job will cost if it succeeds; None without a published price.

    Where that follows the length of an input, or a number of results that is left to
    the model, there is a bound by the documented limits. `seconds` is how long the
    result will be, where that is known and no field says so.
    """
    said = completed_values(plan, values)
    rate = rate_for(plan, said)
    if rate is None:
        return None
    counts, source = effective_values(plan, said), followed_input(plan, said)
    span = _span(plan, rate, said, source, seconds)
    units, most = _units(rate, span.exact), _units(rate, span.most)
    return Estimate(
        units=units,
        usd=_usd(plan, units),
        at_most_units=most if units is None else units,
        at_most_usd=_usd(plan, most if units is None else units),
        basis=_basis(plan, counts, rate) + _as_long_as(rate, source, span.exact),
    )


def why_unknown(plan: Plan) -> str:
    """Return why `estimate` has nothing to say."""
    of_what = "this combination" if plan.model.rates else plan.product.name
    return f"Kling publishes no price for {of_what}"


def charged_units(
    plan: Plan, values: Mapping[str, Any], seconds: float, *, n_outputs: int = 1
) -> float:
    """Return the units of a finished job with `seconds` of output, or `n_outputs`.

    `values` are those of the body: what it does not say is what the API assumes.
    """
    rate = rate_for(plan, values)
    if rate is None:
        return 0.0
    many = n_outputs if rate.per == "output" else seconds
    return _units(rate, many) or 0.0


def rate_for(plan: Plan, said: Mapping[str, Any]) -> Rate | None:
    """Return the rate that holds for what was said, None where none is published."""
    counts = effective_values(plan, said)
    for rate in plan.model.rates:
        if values.holds(rate.when, given_values(said), counts):
            return rate
    return None


def _span(
    plan: Plan,
    rate: Rate,
    said: Mapping[str, Any],
    source: Length | None,
    seconds: float | None,
) -> _Span:
    counts = effective_values(plan, said)
    if rate.per == "call":
        return _Span(None if rate.is_most else 1, 1)
    if rate.per == "output":
        return _Span(counts.get(str(rate.count)), _most(plan, str(rate.count)))
    if source is None:
        return _Span(counts.get("duration", seconds), _most(plan, "duration"))
    if seconds is None:
        seconds = measured_s(plan, source, said)
    return _Span(seconds, source.seconds[1] if source.seconds else None)


def _most(plan: Plan, field: str) -> float | None:
    """Return the largest number that the model takes for a field."""
    limits = plan.limits.get(field)
    if limits is None:
        return None
    numbers = [each for each in limits.choices or () if isinstance(each, int | float)]
    return max(numbers) if numbers else limits.maximum


def _units(rate: Rate, many: Any) -> float | None:
    """Return the units for so many whole seconds, results or calls."""
    if not isinstance(many, int | float):
        return None
    whole = math.floor(many + _ROUNDING)
    times = 1 if rate.per == "call" else math.ceil(whole / rate.every)
    return round(rate.units * times, _DECIMALS)


def _usd(plan: Plan, units: float | None) -> float | None:
    return None if units is None else round(units * plan.product.unit_usd, _DECIMALS)


def _basis(plan: Plan, counts: Mapping[str, Any], rate: Rate) -> str:
    named = [plan.model.id, str(counts.get("resolution") or "")]
    named.append("with sound" if counts.get("sound") else "")
    variant = " ".join(each for each in named if each)
    unit = f"{rate.every} {rate.per}s" if rate.every > 1 else rate.per
    most = "at most " if rate.is_most else ""
    return f"{variant}: {most}{rate.units:g} units per {unit}"


def _as_long_as(rate: Rate, source: Length | None, exact: Any) -> str:
    if source is None or rate.per != "second":
        return ""
    if isinstance(exact, int | float):
        return f", {exact:.1f} s of {source.noun}"
    limit = f", {source.seconds[1]:g} s at most" if source.seconds else ""
    return f", as long as the {source.noun}{limit}"
