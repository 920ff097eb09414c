"""Models as `--json` has them: everything the catalogue knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.models import (
    command_of,
    credentials_of,
    how_to_ask,
    other_names,
    taken,
)

if TYPE_CHECKING:
    from kling_cli.catalogue.field import Limits
    from kling_cli.catalogue.rule import Rate
    from kling_cli.cli.output.models import Line


def document(one: Line) -> dict[str, Any]:
    """Return what `--json` says about a model of a product."""
    model = one.model
    return {
        "model": model.id,
        "product": one.product.name,
        "command": f"kling {command_of(one)}",
        "label": model.label,
        "status": model.status,
        "note": model.note,
        "is_default": model.id == one.product.default_model,
        "names": other_names(one),
        "credentials": credentials_of(one),
        "pack": one.product.pack,
        "output": one.product.output,
        "usual_s": model.usual_s,
        "rates": [_rate_document(rate) for rate in model.rates],
        "takes": {
            field.name: _limits_document(limits)
            for field in one.product.fields
            if (limits := taken(one, field.name)) is not None
        },
        "offer": _offer_document(one),
    }


def _offer_document(one: Line) -> dict[str, Any] | None:
    offer = one.offer
    if offer is None:
        return None
    estimate = offer.estimate
    return {
        "units": estimate.units if estimate else None,
        "usd": estimate.usd if estimate else None,
        "at_most_units": estimate.at_most_units if estimate else None,
        "at_most_usd": estimate.at_most_usd if estimate else None,
        "rate": _rate_document(offer.rate) if offer.rate else None,
        "command": how_to_ask(one),
    }


def _rate_document(rate: Rate) -> dict[str, Any]:
    return {
        "units": rate.units,
        "per": rate.per,
        "every": rate.every,
        "when": {name: _plain(value) for name, value in rate.when.items()},
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _limits_document(limits: Limits) -> dict[str, Any]:
    found = {
        "choices": _plain(limits.choices),
        "min": limits.minimum,
        "max": limits.maximum,
        "max_length": limits.max_length,
        "max_items": limits.max_items,
        "default": limits.default,
        "is_fixed": limits.is_fixed or None,
        "is_required": limits.is_required or None,
    }
    return {name: value for name, value in found.items() if value is not None}
