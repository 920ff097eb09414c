"""Views of models: capabilities and prices."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from kling_cli import catalogue
from kling_cli.catalogue import FieldKind, accepts_field
from kling_cli.cli.output.tables import (
    Column,
    labelled_lines,
    stdout_table,
)
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.text import format_duration

if TYPE_CHECKING:
    from kling_cli.catalogue import CapabilityMatch, Field, Limits, Model, Product, Rate

_MODEL_COLUMNS = (
    Column(heading="product"),
    Column(heading="model"),
    Column(heading="status", drop_order=4),
    Column(heading="units", drop_order=5),
    Column(heading="resolution", drop_order=2),
    Column(heading="seconds", drop_order=3),
    Column(heading="also takes", drop_order=1, is_wrapped=True),
)
_CAPABILITY_COLUMNS = (
    Column(heading="units"),
    Column(heading="rate", drop_order=2),
    Column(heading="status", drop_order=1),
    Column(heading="how to ask", is_wrapped=True),
)
_OWN_COLUMN = ("resolution", "duration")
_PER_LABELS = {"second": "s", "call": "call", "output": "each"}
_FREE_VALUE_KINDS = frozenset(
    {FieldKind.TEXT, FieldKind.JSON, FieldKind.IMAGE}
    | {FieldKind.AUDIO, FieldKind.VIDEO, FieldKind.LINK}
)  # kinds whose value the user supplies


def model_table(lines: Sequence[ModelListing]) -> Iterator[str]:
    """Yield one line a model with its capabilities."""
    rows = [
        (
            command_words(one),
            one.model.id,
            one.model.status,
            price_range(one.model.rates),
            _limits_text(one, "resolution"),
            _limits_text(one, "duration"),
            " ".join(_other_capabilities(one)),
        )
        for one in lines
    ]
    return stdout_table(_MODEL_COLUMNS, rows)


def capability_table(lines: Sequence[ModelListing]) -> Iterator[str]:
    """Yield one line a model: units of a job, the rate, and an example command."""
    rows = [
        (_units(one), _rate(one), one.model.status, example_command(one))
        for one in lines
    ]
    return stdout_table(_CAPABILITY_COLUMNS, rows)


def model_details(lines: Sequence[ModelListing]) -> Iterator[str]:
    """Yield a few lines for each product that has the model."""
    for one in lines:
        model = one.model
        yield f"{model.id}  {model.label}, for kling {command_words(one)}"
        fields = [
            field for field in one.product.fields if accepted_limits(one, field.name)
        ]
        yield from labelled_lines(
            [
                ("status", model.status),
                ("note", model.note),
                ("also called", ", ".join(alternative_names(one))),
                ("needs", " or ".join(credential_kinds(one)).replace("_", " ")),
                ("usually", format_duration(model.usual_s) if model.usual_s else None),
                *(("units", rate_text(rate)) for rate in model.rates),
                *((each.spelling, _field_text(one, each)) for each in fields),
            ],
            indent="  ",
            width=get_terminal_size().columns if is_terminal(sys.stdout) else None,
        )


def command_words(one: ModelListing) -> str:
    """Return the words after `kling` that run the product."""
    name = one.product.name
    named = next((each for each in catalogue.summaries() if each.name == name), None)
    if named is None:
        return name
    return f"{named.group} {named.command}" if named.group else named.command


def example_command(one: ModelListing) -> str:
    """Return a command that asks a model for the capabilities, inputs left open."""
    arguments = (each.spelling for each in one.product.fields if each.is_argument)
    chosen = [] if one.model.id == one.product.name else ["-m", one.model.id]
    words = ["kling", command_words(one), *arguments, *chosen, *_option_words(one)]
    return " ".join(words)


def _option_words(one: ModelListing) -> Iterator[str]:
    if one.offer is None:
        return
    for name, value in one.offer.values.items():
        field, limits = one.product.field(name), one.offer.plan.limits[name]
        if not limits.is_fixed and field.options:
            yield from _option(field, value)


def _option(field: Field, value: Any) -> list[str]:
    if field.kind is FieldKind.SWITCH:
        return [field.spelling if value else field.spelling.replace("--", "--no-", 1)]
    values = value if isinstance(value, tuple) else (value,)
    open_value = field.metavar or field.name.upper()
    is_open = field.kind in _FREE_VALUE_KINDS
    return [f"{field.spelling} {open_value if is_open else each}" for each in values]


def price_range(rates: Iterable[Rate]) -> str | None:
    """Return `0.6-3/s`: the lowest and the highest rate of each kind."""
    kinds: dict[str, list[float]] = {}
    for rate in rates:
        kinds.setdefault(_per(rate), []).append(rate.units)
    return " ".join(_span(units) + per for per, units in kinds.items()) or None


def _span(units: Sequence[float]) -> str:
    low, high = min(units), max(units)
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def _per(rate: Rate) -> str:
    every = f"{rate.every}" if rate.every > 1 else ""
    return f"/{every}{_PER_LABELS.get(rate.per, rate.per)}"


def rate_text(rate: Rate) -> str:
    """Return `0.9/s with sound on, resolution 720p`."""
    terms = [f"{name} {_condition_text(value)}" for name, value in rate.when.items()]
    return f"{rate.units:g}{_per(rate)}" + (
        f" with {', '.join(terms)}" if terms else ""
    )


def _condition_text(value: Any) -> str:
    words = value if isinstance(value, list | tuple) else (value,)
    return "/".join({True: "on", False: "off"}.get(w, str(w)) for w in words)


def _units(one: ModelListing) -> str | None:
    estimate = one.offer.estimate if one.offer else None
    if estimate is None or estimate.at_most_units is None:
        return None
    bound = "" if estimate.units is not None else "<="
    return f"{bound}{estimate.at_most_units:g}"


def _rate(one: ModelListing) -> str | None:
    rate = one.offer.rate if one.offer else None
    return None if rate is None else f"{rate.units:g}{_per(rate)}"


def accepted_limits(one: ModelListing, name: str) -> Limits | None:
    """Return a model's limits for a field, on the first route that has it."""
    for route in one.product.routes:
        if route.name in one.model.wire_ids and accepts_field(one.model, route, name):
            return one.model.limits[route.name][name]
    return None


def _limits_text(one: ModelListing, name: str) -> str | None:
    limits = accepted_limits(one, name)
    if limits is None:
        return None
    if limits.choices:
        return ",".join(str(each) for each in limits.choices)
    if limits.minimum is not None:
        return f"{limits.minimum:g}-{limits.maximum:g}"
    return None if limits.default is None else str(limits.default)


def _other_capabilities(one: ModelListing) -> Iterator[str]:
    """Yield the capabilities of `--can` that the model has."""
    for field in one.product.fields:
        limits = accepted_limits(one, field.name)
        if limits is None or not field.options or field.name in _OWN_COLUMN:
            continue
        if limits.is_fixed and not limits.default:
            continue
        yield field.spelling.removeprefix("--")


def _field_text(one: ModelListing, field: Field) -> str:
    limits = accepted_limits(one, field.name)
    words = _limits_text(one, field.name) or "yes"
    if field.kind is FieldKind.SWITCH and limits is not None:
        words = "yes"
        if limits.is_fixed:
            words = "always" if limits.default else "never"
    elif limits is not None and limits.max_items is not None:
        words = f"at most {limits.max_items}"
    elif limits is not None and limits.max_length is not None:
        words = f"at most {limits.max_length} characters"
    return words


def alternative_names(one: ModelListing) -> list[str]:
    names = (*one.model.wire_ids.values(), *one.model.aliases)
    return [each for each in dict.fromkeys(names) if each not in ("", one.model.id)]


def credential_kinds(one: ModelListing) -> list[str]:
    kinds = {
        kind.value
        for route in one.product.routes
        if route.name in one.model.wire_ids
        for kind in route.credentials
    }
    return sorted(kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListing:
    """A model of a product, with the match of the capabilities searched for."""

    product: Product
    model: Model
    offer: CapabilityMatch | None = None


def model_document(one: ModelListing) -> dict[str, Any]:
    """Return the JSON object of a model of a product."""
    model = one.model
    return {
        "model": model.id,
        "product": one.product.name,
        "command": f"kling {command_words(one)}",
        "label": model.label,
        "status": model.status,
        "note": model.note,
        "is_default": model.id == one.product.default_model,
        "names": alternative_names(one),
        "credentials": credential_kinds(one),
        "pack": one.product.pack,
        "output": one.product.output,
        "usual_s": model.usual_s,
        "rates": [_rate_document(rate) for rate in model.rates],
        "takes": {
            field.name: _limits_document(limits)
            for field in one.product.fields
            if (limits := accepted_limits(one, field.name)) is not None
        },
        "offer": _match_document(one),
    }


def _match_document(one: ModelListing) -> dict[str, Any] | None:
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
        "command": example_command(one),
    }


def _rate_document(rate: Rate) -> dict[str, Any]:
    return {
        "units": rate.units,
        "per": rate.per,
        "every": rate.every,
        "when": {name: _json_value(value) for name, value in rate.when.items()},
    }


def _json_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _limits_document(limits: Limits) -> dict[str, Any]:
    found = {
        "choices": _json_value(limits.choices),
        "min": limits.minimum,
        "max": limits.maximum,
        "max_length": limits.max_length,
        "max_items": limits.max_items,
        "default": limits.default,
        "is_fixed": limits.is_fixed or None,
        "is_required": limits.is_required or None,
    }
    return {name: value for name, value in found.items() if value is not None}
