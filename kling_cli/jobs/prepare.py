"""Local files as the API takes them: looked at, checked, and as bare base64."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kling_cli import catalogue
from kling_cli.catalogue import (
    CredentialKind,
    Estimate,
    Field,
    FieldKind,
    Plan,
    Problem,
    Product,
    is_url,
    split_handle,
)
from kling_cli.errors import AccountError, UsageError
from kling_cli.jobs.lookup import last_offset
from kling_cli.settings import Settings
from kling_cli.text import is_text


def with_files_read(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the content of local files in place of their paths.

    Raises:
        UsageError: a file cannot be read, or the API would not take it.
    """
    read = dict(values)
    for each in plan.product.fields:
        if each.name in read and each.kind in _LINK_ONLY:
            _require_no_file(each, read[each.name])
        if each.name not in read or each.kind not in _PROBLEMS:
            continue
        value = read[each.name]
        if each.is_repeated:
            read[each.name] = tuple(_read(plan, each, one) for one in value)
        else:
            read[each.name] = _read(plan, each, value)
    return read


def sound_seconds(content: str) -> float | None:
    """Return how long a sound lasts that has been read; None for a link to one."""
    if is_url(content):
        return None
    return catalogue.describe_audio(base64.b64decode(content)).seconds


def _read(plan: Plan, field: Field, value: str) -> str:
    """Return a URL as it is, and a local file as bare base64; a handle stays."""
    handle, name = _parted(field, value)
    if is_url(name):
        return value
    content = base64.b64encode(_content(plan, field, name)).decode("ascii")
    return content if handle is None else f"{handle}={content}"


def _parted(field: Field, value: str) -> tuple[str | None, str]:
    """Part `NAME=FILE`, unless a file is really called so."""
    # takes a text too long for a name
    if not field.has_handle or os.path.isfile(value):  # noqa: PTH113 -- see above
        return None, value
    return split_handle(value)


def _require_no_file(field: Field, value: Any) -> None:
    """Refuse what lies on this machine where the API fetches from a URL.

    Raises:
        UsageError: the value is a file's name.
    """
    for each in value if field.is_repeated else (value,):
        _, name = _parted(field, str(each))
        path = Path(name.removeprefix("file://")).expanduser()
        if not is_url(name) and path.is_file():
            size = path.stat().st_size / 1_000_000
            raise UsageError(
                f"{field.spelling} {name}: a file on this machine ({size:.1f} MB); the"
                f" API takes a {_LINK_ONLY[field.kind]} by URL only",
                hint="put it where the internet can fetch it and give that URL; of what"
                " Kling made, kling status TASK_ID shows it",
            )


def _content(plan: Plan, field: Field, name: str) -> bytes:
    option = field.spelling
    most_bytes = plan.max_bytes(field.name)
    raw = _bytes_of(name, option, most_bytes)
    if len(raw) > most_bytes:
        raise UsageError(
            f"{option} {name}: more than the {most_bytes:,} bytes allowed",
            hint="save it smaller, or give a URL",
        )
    wrong = _PROBLEMS[field.kind](plan, field, raw)
    if wrong:
        raise UsageError(
            f"{option} {name}: " + "; ".join(one.message for one in wrong),
            hint=next((one.hint for one in wrong if one.hint), None),
        )
    return raw


def _bytes_of(name: str, option: str, most_bytes: int) -> bytes:
    try:
        path = Path(name.removeprefix("file://")).expanduser()
        with path.open("rb") as file:
            return file.read(most_bytes + 1)  # no more, be it /dev/zero
    except (OSError, ValueError, RuntimeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(
            f"{option} {name[:200]}: {reason}", hint="give a readable file or a URL"
        ) from exc


def _of_image(plan: Plan, field: Field, raw: bytes) -> tuple[Problem, ...]:
    return catalogue.image_problems(
        catalogue.describe_image(raw),
        plan.max_bytes(field.name),
        formats=plan.route.image_formats,
        max_side_px=plan.route.image_max_side_px,
    )


def _of_audio(plan: Plan, field: Field, raw: bytes) -> tuple[Problem, ...]:
    limits = plan.limits.get(field.name)
    seconds = limits.seconds if limits is not None else None
    return catalogue.audio_problems(catalogue.describe_audio(raw), seconds=seconds)


_PROBLEMS = {FieldKind.IMAGE: _of_image, FieldKind.AUDIO: _of_audio}
_LINK_ONLY = {FieldKind.VIDEO: "video", FieldKind.LINK: "file"}

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
        return catalogue.encode_body(
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
    product = catalogue.load_description(order.product)
    if order.external_id and last_offset(order.external_id) is not None:
        raise UsageError(
            f"--external-id {order.external_id}: that word means the newest task",
            hint=f"--external-id my-{order.external_id.replace('~', '-')}",
        )
    plan, reason = catalogue.choose_plan(
        product, order.model, order.values, credentials
    )
    values = with_files_read(plan, order.values)
    _require_text(product, values, order)
    catalogue.require_valid(plan, values)
    request = Request(
        plan=plan,
        values=values,
        extra=order.extra,
        external_id=order.external_id or new_id(),
        estimate=catalogue.estimate_units(plan, values, seconds=order.seconds),
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
    said, unreadable = catalogue.decode_body(
        plan.product, plan.route, plan.model, request.body(None)
    )
    return request.estimate if unreadable else catalogue.estimate_units(plan, said)


def _require_external_id(request: Request) -> None:
    at = request.plan.route.external_id_path
    if at and catalogue.get_path(request.body(None), at) != request.external_id:
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
        raise unbounded(catalogue.explain_missing_price(request.plan))
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


def new_external_id() -> str:
    """Return an id that no account has seen; safe in URLs and file names."""
    return f"kling-{secrets.token_hex(10)}"


def credential_kinds(settings: Settings) -> Collection[CredentialKind]:
    """Return what these settings can sign with.

    With nothing it is as if there were an API key: what is wrong with an order is said
    before `open_session` says that there is no login.
    """
    kinds = frozenset(CredentialKind(kind) for kind in settings.credential_kinds)
    return kinds or frozenset({CredentialKind.API_KEY})
