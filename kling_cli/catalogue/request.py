"""Prepares requests: chooses model and route, validates, encodes and prices, once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from kling_cli.catalogue import encoder, pricing, validation
from kling_cli.catalogue.decoder import decode_body
from kling_cli.catalogue.default_model import choose_plan
from kling_cli.catalogue.definition.schema import (
    CredentialKind,
    Estimate,
    Plan,
    Product,
)
from kling_cli.errors import UsageError


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
