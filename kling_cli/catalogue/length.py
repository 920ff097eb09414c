"""How long a result is: as asked for, or as long as an input is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue import audio, conditions
from kling_cli.catalogue.field import FieldKind
from kling_cli.catalogue.limits import is_url
from kling_cli.catalogue.model import Plan
from kling_cli.catalogue.rule import Length
from kling_cli.catalogue.values import effective, given


def followed(plan: Plan, said: Mapping[str, Any]) -> Length | None:
    """Return the length that holds for what was said; None where no input decides."""
    real, counts = given(said), effective(plan, said)
    for each in plan.lengths:
        if each.follows in real and conditions.holds(each.when, real, counts):
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
        return audio.describe(base64.b64decode(value, validate=True)).seconds
    except ValueError:
        return None
