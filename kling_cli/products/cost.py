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
_ROUNDING = 1e-6


def estimate(
    plan: Plan, values: Mapping[str, Any], *, seconds: float | None = None
) -> Estimate | None:
    """Return what the job will cost if it succeeds; None where nobody can know.

    Unknown is what the API does not publish, what follows the length of an input, and
    a number of outputs left to the model. `seconds` is how long the result will be
    where no field says so.
    """
    said = settled(plan, values)
    counts = {"duration": seconds, **effective(plan, said)}
    rate = _rate(plan, said)
    times = None if rate is None else _times(rate, counts)
    if rate is None or times is None:
        return None
    units = round(rate.units * times, _DECIMALS)
    usd = round(units * plan.product.unit_usd, _DECIMALS)
    return Estimate(units=units, usd=usd, basis=_basis(plan, counts, rate))


def charge(
    plan: Plan, values: Mapping[str, Any], seconds: float, *, n_outputs: int = 1
) -> float:
    """Return the units of a finished job with `seconds` of output, or `n_outputs`."""
    said = settled(plan, values)
    rate = _rate(plan, said)
    if rate is None:
        return 0.0
    times = n_outputs if rate.per == "output" else _times(rate, {"duration": seconds})
    return round(rate.units * (times or 0), _DECIMALS)


def _rate(plan: Plan, said: Mapping[str, Any]) -> Rate | None:
    counts = effective(plan, said)
    for rate in plan.model.rates:
        if rules.holds(rate.when, given(said), counts):
            return rate
    return None


def _times(rate: Rate, counts: Mapping[str, Any]) -> float | None:
    """Return how often the rate is due: whole seconds, outputs, or once a call."""
    if rate.per == "call":
        return 1
    many = (
        counts.get("duration") if rate.per == "second" else counts.get(str(rate.count))
    )
    if not isinstance(many, int | float):
        return None
    whole = math.floor(many + _ROUNDING)
    return math.ceil(whole / rate.every)


def _basis(plan: Plan, counts: Mapping[str, Any], rate: Rate) -> str:
    named = [plan.model.id, str(counts.get("resolution") or "")]
    named.append("with sound" if counts.get("sound") else "")
    variant = " ".join(each for each in named if each)
    unit = f"{rate.every} {rate.per}s" if rate.every > 1 else rate.per
    return f"{variant}: {rate.units:g} units per {unit}"
