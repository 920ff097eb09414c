"""Selects the model and the route of a request by the fields that are given."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from kling_cli.catalogue.constraints import violations
from kling_cli.catalogue.definition.schema import (
    CredentialKind,
    Model,
    Plan,
    Product,
    Route,
)
from kling_cli.errors import CredentialsError, KlingError, UsageError


def find_model(product: Product, text: str) -> Model:
    """Return the model called `text`: by its id in either spelling, or an alias.

    Raises:
        UsageError: the product has no such model; similar ones are named.
    """
    wanted = text.strip().lower()
    for model in product.models:
        if wanted in (model.id, *model.wire_ids.values(), *model.aliases):
            return model
    raise _unknown_model(product, text)


def select_route(
    product: Product,
    model_text: str | None,
    given: Collection[str],
    credentials: Collection[CredentialKind],
) -> Plan:
    """Return the first route that accepts credentials, model and the given fields.

    Without `model_text` the product's default for these credentials is used;
    `default_model.choose_plan` finds a better one.

    Raises:
        UsageError: the model does not exist, or does not accept a given field.
        CredentialsError: it can only be reached with other credentials.
    """
    _require_fields(product, given)
    model = find_model(product, model_text or product.default_for(credentials))
    fitting = [
        route
        for route in _routes_of(product, model)
        if all(accepts_field(model, route, name) for name in given)
    ]
    for route in fitting:
        if route.credentials & set(credentials):
            return Plan(product=product, route=route, model=model)
    if fitting:
        raise _api_key_needed(product, model, credentials)
    raise _field_refused(product, model, given)


def accepts_field(model: Model, route: Route, field: str) -> bool:
    """Return whether `field` can be given to `model` on `route`, or is fixed there."""
    limits = model.limits[route.name].get(field)
    return limits is not None and (limits.is_fixed or field in route.mappings)


def models_allowing(
    product: Product, field: str, value: Any, *, route: str | None = None
) -> tuple[Model, ...]:
    """Return the current models that accept a value for `field`, on a route or any."""
    described = product.field(field)
    return tuple(
        model
        for model in product.models
        if model.status == "current"
        and any(
            accepts_field(model, each, field)
            and not any(violations(described, model.limits[each.name][field], value))
            for each in _routes_of(product, model)
            if route in (None, each.name)
        )
    )


def _routes_of(product: Product, model: Model) -> Iterator[Route]:
    return (route for route in product.routes if route.name in model.wire_ids)


def _require_fields(product: Product, given: Collection[str]) -> None:
    known = [field.name for field in product.fields]
    for name in given:
        if name not in known:
            raise UsageError(
                f"{product.name} has no field {name}", hint=f"it has {', '.join(known)}"
            )


def _api_key_needed(
    product: Product, model: Model, credentials: Collection[str]
) -> KlingError:
    """Return the error for missing an API key, which opens every route."""
    hint = "run kling auth login with an API key"
    reachable = product.default_for(credentials)
    if credentials and reachable != model.id:
        hint += f", or add -m {reachable}"
    return CredentialsError(f"{model.id} needs an API key for this request", hint=hint)


def _field_refused(
    product: Product, model: Model, given: Collection[str]
) -> KlingError:
    for name in given:
        if not _model_accepts(product, model, name):
            return UsageError(
                f"{product.field(name).spelling}: {model.id} does not take it",
                hint=_suggest_models(product, name),
            )
    options = ", ".join(product.field(name).spelling for name in given)
    return UsageError(f"{model.id} does not take all of these together: {options}")


def _model_accepts(product: Product, model: Model, field: str) -> bool:
    return any(
        accepts_field(model, route, field) for route in _routes_of(product, model)
    )


def _suggest_models(product: Product, field: str) -> str:
    """Return a hint with the models that accept `field`, current ones if any."""
    able = [model for model in product.models if _model_accepts(product, model, field)]
    names = [each.id for each in able if each.status == "current"]
    names = names or [each.id for each in able]
    return f"{join_words(names)} {'do' if names[1:] else 'does'}: add -m {names[0]}"


def join_words(names: Sequence[str]) -> str:
    """Return the words as an enumeration: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _unknown_model(product: Product, text: str) -> KlingError:
    from difflib import get_close_matches

    names = [each.id for each in product.models if each.status != "discontinued"]
    elsewhere = _product_with_model(text.strip().lower())
    near = get_close_matches(text.lower(), names, n=3) or names
    hint = f"kling {elsewhere} has it" if elsewhere else f"try {', '.join(near)}"
    return UsageError(f"{product.name} has no model {text}", hint=hint)


def _product_with_model(wanted: str) -> str | None:
    from kling_cli.catalogue.definition.loader import all_products

    for product in all_products():
        for model in product.models:
            if wanted in (model.id, *model.wire_ids.values()):
                return product.name
    return None
