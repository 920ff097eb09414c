"""Encodes the body of a create call from values alone, as `prepare_request` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue import encoder
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.catalogue.values import completed_values


def encode_body(
    plan: Plan,
    values: Mapping[str, Any],
    *,
    external_id: str | None,
    callback_url: str | None,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the body for valid `values`."""
    return encoder.complete_body(
        plan,
        encoder.encode_values(plan, completed_values(plan, values)),
        external_id=external_id,
        callback_url=callback_url,
        extra=extra,
    )
