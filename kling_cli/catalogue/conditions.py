"""Conditions of the catalogue: what was said of fields, and what counts for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def holds(
    conditions: Mapping[str, Any], said: Mapping[str, Any], counts: Mapping[str, Any]
) -> bool:
    """Say whether all conditions hold for what was `said` and what `counts`."""
    return all(
        _is_met(wanted, name in said, counts.get(name))
        for name, wanted in conditions.items()
    )


def _is_met(wanted: Any, is_said: bool, value: Any) -> bool:
    if wanted == "present":
        return is_said
    if wanted == "absent":
        return not is_said
    return value in wanted or ("absent" in wanted and not is_said)
