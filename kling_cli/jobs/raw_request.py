"""A raw call: what a person wants sent as it is, and the job it may be. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from kling_cli.errors import UsageError
from kling_cli.jobs.ask import SOLUTIONS_PATH, TASKS_PATH
from kling_cli.jobs.prepare import Request, check_price, unbounded, without_media
from kling_cli.products import body as bodies
from kling_cli.products import cost, find, paths
from kling_cli.products.model import Generation, Model, Plan, Product, Route
from kling_cli.text import is_text

# What is asked with POST and changes nothing. Source: API reference 2.5, 2.10, 2.11.
_QUESTIONS = (
    TASKS_PATH,
    SOLUTIONS_PATH,
    "/account/billing/balance",
    "/account/billing/package",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCall:
    """One request: `path` begins with a slash and has no query, `body` is JSON."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def is_question(self) -> bool:
        """Whether it changes nothing, so that it may be asked again."""
        if self.method == "POST":
            return self.path in _QUESTIONS
        return self.method == "GET"

    @property
    def creates(self) -> tuple[Product, Route] | None:
        """What it makes, as far as the catalogue knows."""
        found = find.by_path(self.path) if self.method == "POST" else None
        return None if found is None else found[:2]

    @property
    def external_id(self) -> str | None:
        """The external id in the body of a create call."""
        at = self.creates[1].external_id_at if self.creates else None
        found = paths.get(self.body, at) if at else None
        return found if isinstance(found, str) and found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest(Request):
    """A request whose body somebody else has written; it goes out as it is."""

    raw: Mapping[str, Any]

    def body(self, callback_url: str | None) -> dict[str, Any]:
        """Return the body; it says itself where callbacks are to go, if anywhere."""
        del callback_url
        return dict(self.raw)

    @property
    def record(self) -> str:
        """The body as the journal keeps it: no callback URL, media as their digests."""
        kept, at = deepcopy(dict(self.raw)), self.plan.route.callback_url_at
        if at is not None and paths.get(kept, at) is not None:
            paths.put(kept, at, None)
        return json.dumps(without_media(kept), ensure_ascii=False)


def as_request(call: RawCall, *, new_id: Callable[[], str]) -> RawRequest | None:
    """Return the job that a create call starts; None when the catalogue knows of none.

    The body gets an external id if it has none: by it the job is found again when the
    connection breaks. A model that the catalogue does not know is taken at its word.

    Raises:
        UsageError: the body is no object, or something in it no text.
    """
    if call.creates is None:
        return None
    product, route = call.creates
    body = {} if call.body is None else deepcopy(call.body)
    if not isinstance(body, dict) or call.params:
        raise UsageError(
            f"POST {call.path} takes a JSON object and no query",
            hint="give the fields with -f, or the body with --input FILE",
        )
    if not is_text(body):
        raise UsageError(
            f"the body of POST {call.path} is not a text: there are bytes or escapes in"
            " it that are no UTF-8",
            hint="type it again, or save the file it comes from as UTF-8",
        )
    plan = Plan(product=product, route=route, model=_model(product, route, call))
    external_id = _external_id(route, body) or new_id()
    if route.external_id_at is not None:
        paths.put(body, route.external_id_at, external_id)
    values, unreadable = bodies.read(product, route, plan.model, body)
    return RawRequest(
        plan=plan,
        values=values,
        extra={},
        external_id=external_id,
        estimate=None if unreadable else cost.estimate(plan, values),
        raw=body,
    )


def require_price(call: RawCall, max_units: float | None) -> None:
    """Refuse a call that may cost more than the person allows; questions are free.

    Raises:
        AccountError: it may cost more than `max_units`, or nobody knows.
        UsageError: its body cannot be a job.
    """
    if max_units is None or call.is_question:
        return
    request = as_request(call, new_id=str)
    if request is None:
        raise unbounded(f"the catalogue does not have {call.method} {call.path}")
    check_price(request, max_units)


def _external_id(route: Route, body: Mapping[str, Any]) -> str | None:
    at = route.external_id_at
    found = paths.get(body, at) if at is not None else None
    if found is None or found == "":
        return None
    if not isinstance(found, str):
        raise UsageError(
            f"{at} is {json.dumps(found)}, and the API wants a text",
            hint=f"-f {at}=ID, or leave it out and kling makes one",
        )
    return found


def _model(product: Product, route: Route, call: RawCall) -> Model:
    """Return the model that path or body names, though nobody may know it."""
    if route.model_at is not None:
        named = paths.get(call.body, route.model_at) or route.default_wire_id
    elif "{model}" in route.create_path:
        named = call.path.rpartition("/")[2]
    else:
        return product.models[0]
    return find.by_wire_id(product, route, str(named)) or _stranger(route, str(named))


def _stranger(route: Route, name: str) -> Model:
    return Model(
        id=name,
        label=name,
        aliases=(),
        status="current",
        wire_ids={route.name: name},
        limits={route.name: {}},
        rates=(),
    )


def way_out(call: RawCall) -> str:
    """Return what to do about a call of which nobody knows whether it was done."""
    if call.external_id is not None:
        return f"kling wait {call.external_id}"
    if call.creates is None:
        return "look whether it was done before you send it again"
    route = call.creates[1]
    if route.query_path is None:
        return "it may have been charged; send it again for a result"
    if route.generation is Generation.LEGACY:
        look = f"kling api GET {route.query_path}"
    else:
        look = "kling list --remote"
    return f"{look} lists what there is; send it again only if it is not there"
