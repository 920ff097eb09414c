"""Chooses the model of a request that names none: the newest that accepts it.

The catalogue lists a product's models newest first, and names its default for each kind
of credentials. A model that is named is never changed for another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from kling_cli.catalogue import routing, validation
from kling_cli.catalogue.definition.schema import CredentialKind, Model, Plan, Product
from kling_cli.catalogue.validation import Validation
from kling_cli.catalogue.values import given_values
from kling_cli.errors import KlingError

_OFFERED_STATUSES = ("current", "historic")


class ModelChoice(NamedTuple):
    """A plan with the validation of the values for it.

    `reason` is a line for the person where the model is not the default.
    """

    plan: Plan
    validation: Validation
    reason: str | None = None


def choose_plan(
    product: Product,
    model_text: str | None,
    values: Mapping[str, Any],
    credentials: Collection[CredentialKind],
) -> ModelChoice:
    """Return the model and the route for `values`, and the values validated for them.

    Raises:
        UsageError: the model does not exist, or none accepts all the fields.
        CredentialsError: it can only be reached with other credentials.
    """
    names = tuple(values)
    if model_text is not None:
        plan = routing.select_route(product, model_text, names, credentials)
        return ModelChoice(plan, validation.validate(plan, values))
    default = routing.find_model(product, product.default_for(credentials))
    plans = _candidate_plans(product, default, names, credentials)
    choices = (ModelChoice(plan, validation.validate(plan, values)) for plan in plans)
    first = next(choices, None)
    if first is None:
        plan = routing.select_route(product, None, names, credentials)  # raises
        return ModelChoice(plan, validation.validate(plan, values))
    able = (each for each in chain((first,), choices) if not each.validation.problems)
    best = next(able, first)  # the first that accepts the fields complains of values
    if best.plan.model is default:
        return best
    shortfall = _default_model_shortfall(product, default, values)
    return best._replace(reason=f"{shortfall}; using {best.plan.model.id}")


def _candidate_plans(
    product: Product,
    default: Model,
    names: Collection[str],
    credentials: Collection[CredentialKind],
) -> Iterator[Plan]:
    """Yield a plan for each model that accepts the fields, the default first."""
    others = [
        each
        for each in product.models
        if each is not default and each.status in _OFFERED_STATUSES
    ]
    for model in (default, *others):
        try:
            yield routing.select_route(product, model.id, names, credentials)
        except KlingError:
            continue  # it does not accept a field, or needs other credentials


def _default_model_shortfall(
    product: Product, model: Model, values: Mapping[str, Any]
) -> str:
    """Return what the default model cannot do, as the first half of a sentence."""
    routes = [each for each in product.routes if each.name in model.wire_ids]
    lacking = [
        name
        for name in given_values(values)
        if not any(routing.accepts_field(model, route, name) for route in routes)
    ]
    if lacking:
        words = [f"no {name.replace('_', ' ')}" for name in lacking]
        return f"{model.id} takes {routing.join_words(words)}"
    for route in routes:
        plan = Plan(product=product, route=route, model=model)
        if all(routing.accepts_field(model, route, name) for name in values):
            return "; ".join(
                each.message for each in validation.find_problems(plan, values)
            )
    spelled = [product.field(name).spelling for name in values]
    return f"{model.id} does not take {routing.join_words(spelled)} together"
