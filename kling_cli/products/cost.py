"""What a job costs, in units of its pack; estimated before, charged at the end.

Source: API reference, section 6, read 2026-10-04. Amounts follow whole seconds: a clip
of 5.041 s is charged as 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kling_cli.products import rules
from kling_cli.products.model import Estimate, Plan, Rate
from kling_cli.products.values import effective, given, settled

_DECIMALS = 4


def estimate(plan: Plan, values: Mapping[str, Any]) -> Estimate | None:
    """Return what the job will cost if it succeeds; None where nobody can know.

    Unknown is what the API does not publish, and what follows the length of an input.
    """
    said = settled(plan, values)
    rate, seconds = _rate(plan, said), effective(plan, said).get("duration")
    if rate is None or (rate.per == "second" and seconds is None):
        return None
    units = _units(rate, _count(plan, said, rate), seconds)
    usd = round(units * plan.product.unit_usd, _DECIMALS)
    return Estimate(units=units, usd=usd, basis=_basis(plan, said, rate, seconds))


def charge(plan: Plan, values: Mapping[str, Any], seconds: float) -> float:
    """Return the units a finished job of `seconds` of output is charged."""
    said = settled(plan, values)
    rate = _rate(plan, said)
    return 0.0 if rate is None else _units(rate, _count(plan, said, rate), seconds)


def _rate(plan: Plan, said: Mapping[str, Any]) -> Rate | None:
    counts = effective(plan, said)
    for rate in plan.model.rates:
        if rules.holds(rate.when, given(said), counts):
            return rate
    return None


def _count(plan: Plan, said: Mapping[str, Any], rate: Rate) -> float:
    value = effective(plan, said).get(rate.count) if rate.count else 1
    return value if isinstance(value, int | float) else 1


def _units(rate: Rate, count: float, seconds: float | None) -> float:
    if rate.per == "second":
        whole = math.floor((seconds or 0) + 1e-6)
        count *= math.ceil(whole / rate.every)
    return round(rate.units * count, _DECIMALS)


def _basis(
    plan: Plan, said: Mapping[str, Any], rate: Rate, seconds: float | None
) -> str:
    counts = effective(plan, said)
    variant = [plan.model.id, counts.get("resolution")]
    variant.append("with sound" if counts.get("sound") else None)
    named = ", ".join(str(each) for each in variant if each)
    if rate.per != "second":
        return f"{rate.units:g} a {rate.per} ({named})"
    a_while = "s" if rate.every == 1 else f"{rate.every} s"
    return f"{seconds:g} s at {rate.units:g} a {a_while} ({named})"
