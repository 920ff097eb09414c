"""Prepares requests: chooses model and route, validates, encodes and prices, once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from kling_cli.catalogue import encoder, pricing, routing, validation
from kling_cli.catalogue.decoder import decode_body
from kling_cli.catalogue.definition.schema import (
    CredentialKind,
    Estimate,
    Model,
    Plan,
    Product,
)
from kling_cli.catalogue.validation import Validation
from kling_cli.catalogue.values import given_values
from kling_cli.errors import KlingError, UsageError

_OFFERED_STATUSES = ("current", "historic")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRequest:
    """A request that has passed every check that needs no network.

    `values` are complete and valid, `encoded` is the body made from them; `extra` holds
    dotted keys that are set in it last. `model_reason` is a line for the person where
    nobody named the model and it is not the default.
    """

    plan: Plan
    values: Mapping[str, Any]
    encoded: Mapping[str, Any]
    extra: Mapping[str, Any]
    external_id: str
    estimate: Estimate | None
    model_reason: str | None = None

    def body(self, callback_url: str | None) -> dict[str, Any]:
        """Return the JSON body of the create call."""
        return encoder.complete_body(
            self.plan,
            deepcopy(dict(self.encoded)),
            external_id=self.external_id,
            callback_url=callback_url,
            extra=self.extra,
        )


def prepare_request(  # noqa: PLR0913 -- one per part of an order
    product: Product,
    values: Mapping[str, Any],
    *,
    model: str | None,
    extra: Mapping[str, Any],
    external_id: str,
    credentials: Collection[CredentialKind],
    seconds: float | None = None,
) -> PreparedRequest:
    """Return the request for a product with these values; local files have been read.

    `seconds` is how long the result will be, where no field decides that.

    Raises:
        UsageError: values or model are not valid; the message names every problem.
        CredentialsError: the model cannot be reached with these credentials.
    """
    choice = choose_plan(product, model, values, credentials)
    plan, (completed, problems) = choice.plan, choice.validation
    validation.require_valid(problems)
    request = PreparedRequest(
        plan=plan,
        values=completed,
        encoded=encoder.encode_values(plan, completed),
        extra=extra,
        external_id=external_id,
        estimate=None,
        model_reason=choice.reason,
    )
    body = request.body(None)
    _require_external_id(request, body)
    estimate = pricing.estimate_completed(plan, completed, seconds=seconds)
    if extra:
        set_values, unreadable = decode_body(product, plan.route, plan.model, body)
        if not unreadable:  # otherwise it costs what the values would, as far as known
            estimate = pricing.estimate_units(plan, set_values)
    return replace(request, estimate=estimate)


def _require_external_id(request: PreparedRequest, body: Mapping[str, Any]) -> None:
    path = request.plan.route.external_id_path
    if path and encoder.get_path(body, path) != request.external_id:
        raise UsageError(
            f"--set must leave {path} alone: by it a job is found again when the"
            " connection breaks",
            hint="give an id of your own with --external-id",
        )


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
