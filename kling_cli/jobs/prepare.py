"""From what a person asked for to a request: decided, checked, files read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kling_cli.catalogue import (
    body,
    catalogue,
    check,
    cost,
    default_model,
    paths,
    reading,
)
from kling_cli.catalogue.model import CredentialKind, Plan, Product
from kling_cli.catalogue.rule import Estimate
from kling_cli.errors import AccountError, UsageError
from kling_cli.jobs.media import with_files_read
from kling_cli.jobs.newest import steps_back
from kling_cli.text import is_text

_PAY_LESS = "choose fewer seconds, a lower resolution or a cheaper model"
_LET_IT = "that is the most by the documented limits; --max-units {most:g} lets it go"
LONG_TEXT = 4096  # characters; longer strings in a body are media


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asked for. Images and sounds may be URLs or paths.

    `extra` holds the dotted keys of `--set`; it wins over everything else. `seconds` is
    how long the result will be where that follows from what goes in. `before` is the
    call that opens its session, where the product's own command makes that one too.
    """

    product: str
    model: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    external_id: str | None = None
    seconds: float | None = None
    before: Order | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An order that has passed every check that needs no network.

    `model_reason` says why the model is another than the default, if nobody named it.
    """

    plan: Plan
    values: Mapping[str, Any]
    extra: Mapping[str, Any]
    external_id: str
    estimate: Estimate | None
    model_reason: str | None = None

    def body(self, callback_url: str | None) -> dict[str, Any]:
        """Return the JSON body of the create call."""
        return body.build(
            self.plan,
            self.values,
            external_id=self.external_id,
            callback_url=callback_url,
            extra=self.extra,
        )

    @property
    def record(self) -> str:
        """The body as the journal keeps it: no callback URL, media as their digests."""
        return json.dumps(without_media(self.body(None)), ensure_ascii=False)


def prepare(
    order: Order,
    credentials: Collection[CredentialKind],
    *,
    new_id: Callable[[], str],
) -> Request:
    """Return the request that `order` becomes; nothing is sent.

    Raises:
        UsageError: values, files or the model do not fit; the message names all of it.
        CredentialsError: these credentials cannot reach the model.
    """
    product = catalogue.described(order.product)
    if order.external_id and steps_back(order.external_id) is not None:
        raise UsageError(
            f"--external-id {order.external_id}: that word means the newest task",
            hint=f"--external-id my-{order.external_id.replace('~', '-')}",
        )
    plan, reason = default_model.plan_for(
        product, order.model, order.values, credentials
    )
    values = with_files_read(plan, order.values)
    _require_text(product, values, order)
    check.require(plan, values)
    request = Request(
        plan=plan,
        values=values,
        extra=order.extra,
        external_id=order.external_id or new_id(),
        estimate=cost.estimate(plan, values, seconds=order.seconds),
        model_reason=reason,
    )
    _require_external_id(request)
    return replace(request, estimate=_estimate(request)) if order.extra else request


def _require_text(product: Product, values: Mapping[str, Any], order: Order) -> None:
    """Refuse what JSON cannot say; it would be found out when the job is written down.

    Raises:
        UsageError: a value has bytes or escapes that are no text.
    """
    said = {field.spelling: values.get(field.name) for field in product.fields}
    said |= {"--set " + key: (key, value) for key, value in order.extra.items()}
    said["--external-id"] = order.external_id
    for name, value in said.items():
        if not is_text(value):
            raise UsageError(
                f"{name}: not a text: there are bytes or escapes in it that are no"
                " UTF-8",
                hint="type it again, or save the file it comes from as UTF-8",
            )


def _estimate(request: Request) -> Estimate | None:
    """Return what the body will cost with the fields that the person set in it.

    A body that cannot be read back costs what its values would, as far as we know.
    """
    plan = request.plan
    said, unreadable = reading.read(
        plan.product, plan.route, plan.model, request.body(None)
    )
    return request.estimate if unreadable else cost.estimate(plan, said)


def _require_external_id(request: Request) -> None:
    at = request.plan.route.external_id_at
    if at and paths.get(request.body(None), at) != request.external_id:
        raise UsageError(
            f"--set must leave {at} alone: by it a job is found again when the"
            " connection breaks",
            hint="give an id of your own with --external-id",
        )


def check_price(request: Request, max_units: float | None) -> None:
    """Refuse a job that may cost more than the person allows.

    Where the units show only later, what they can come to at most counts.

    Raises:
        AccountError: it may cost more than `max_units`, or nobody knows.
    """
    if max_units is None:
        return
    if request.estimate is None:
        raise unbounded(cost.why_unknown(request.plan))
    estimate = request.estimate
    most = estimate.at_most_units if estimate.units is None else estimate.units
    if most is None:
        raise unbounded(f"it shows only later: {estimate.basis}")
    if most > max_units:
        may = "may come to" if estimate.units is None else "is estimated at"
        raise AccountError(
            f"this job {may} {most:g} units ({estimate.basis}),"
            f" above --max-units {max_units:g}",
            hint=_PAY_LESS if estimate.units is not None else _LET_IT.format(most=most),
        )


def unbounded(why: str) -> AccountError:
    """Return the error for a limit that nobody can hold a job to."""
    return AccountError(
        f"the units of this job cannot be estimated, so --max-units cannot hold: {why}",
        hint="leave out --max-units to submit it all the same",
    )


def without_media(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_media(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_media(item) for item in value]
    if isinstance(value, str) and len(value) > LONG_TEXT:
        digest = hashlib.sha256(value.encode()).hexdigest()
        return f"sha256:{digest} ({len(value)} characters)"
    return value
