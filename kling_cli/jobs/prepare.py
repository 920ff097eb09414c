"""Turns an order into a prepared request: reads its files, then asks the catalogue."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kling_cli import catalogue
from kling_cli.catalogue import (
    CredentialKind,
    Field,
    FieldKind,
    FileContent,
    PreparedRequest,
    Product,
    is_url,
    split_handle,
)
from kling_cli.errors import AccountError, UsageError
from kling_cli.jobs.history import last_offset
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.order import Order
from kling_cli.jobs.waiting.poller import NO_ENDPOINT
from kling_cli.settings import Settings
from kling_cli.store import JobRecord
from kling_cli.text import is_text

_LINK_ONLY = {FieldKind.VIDEO: "video", FieldKind.LINK: "file"}
_PAY_LESS = "choose fewer seconds, a lower resolution or a cheaper model"
_LET_IT = "that is the most by the documented limits; --max-units {most:g} lets it go"
LONG_TEXT = 4096  # characters; longer strings in a body are media


def read_files(product: Product, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the content of local files in place of their paths.

    Content that has been read stays as it is.

    Raises:
        UsageError: a file cannot be read, is larger than any model accepts, or is a
            video, which the API takes by URL only.
    """
    read = dict(values)
    for each in product.fields:
        if each.name not in read:
            continue
        value = read[each.name]
        if each.kind in _LINK_ONLY:
            _require_no_file(each, value)
        elif each.kind in (FieldKind.IMAGE, FieldKind.AUDIO):
            read[each.name] = (
                tuple(_read_file(product, each, one) for one in value)
                if isinstance(value, list | tuple)
                else _read_file(product, each, value)
            )
    return read


def _read_file(product: Product, field: Field, value: Any) -> Any:
    """Return the content of a local file; a URL stays, and so does what is no text."""
    if isinstance(value, FileContent) or not isinstance(value, str):
        return value
    handle, name = _split_handle(field, value)
    if is_url(name):
        return value
    option, max_bytes = field.spelling, product.max_bytes(field.name)
    try:
        path = Path(name.removeprefix("file://")).expanduser()
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)  # no more, be it /dev/zero
    except (OSError, ValueError, RuntimeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(
            f"{option} {name[:200]}: {reason}", hint="give a readable file or a URL"
        ) from exc
    if len(raw) > max_bytes:
        problem = catalogue.file_size_problem(max_bytes)
        raise UsageError(f"{option} {name}: {problem.message}", hint=problem.hint)
    return FileContent.from_bytes(raw, field.kind, path=name, handle=handle)


def _split_handle(field: Field, value: str) -> tuple[str | None, str]:
    """Split `NAME=FILE`, unless a file has that name."""
    # takes a text too long for a name
    if not field.has_handle or os.path.isfile(value):  # noqa: PTH113 -- see above
        return None, value
    return split_handle(value)


def _require_no_file(field: Field, value: Any) -> None:
    """Refuse a local file where the API fetches from a URL.

    Raises:
        UsageError: the value is a file's name.
    """
    for each in value if isinstance(value, list | tuple) else (value,):
        _, name = _split_handle(field, str(each))
        path = Path(name.removeprefix("file://")).expanduser()
        if not is_url(name) and path.is_file():
            size = path.stat().st_size / 1_000_000
            raise UsageError(
                f"{field.spelling} {name}: a file on this machine ({size:.1f} MB); the"
                f" API takes a {_LINK_ONLY[field.kind]} by URL only",
                hint="put it where the internet can fetch it and give that URL; of what"
                " Kling made, kling status TASK_ID shows it",
            )


def prepare(
    order: Order,
    credentials: Collection[CredentialKind],
    *,
    new_id: Callable[[], str],
) -> PreparedRequest:
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
    values = read_files(product, order.values)
    _require_text(product, values, order)
    return catalogue.prepare_request(
        product,
        values,
        model=order.model,
        extra=order.extra,
        external_id=order.external_id or new_id(),
        credentials=credentials,
        seconds=order.seconds,
    )


def _require_text(product: Product, values: Mapping[str, Any], order: Order) -> None:
    """Refuse values that JSON cannot represent, before the job is written down.

    Raises:
        UsageError: a value has bytes or escapes that are no text.
    """
    texts = {field.spelling: values.get(field.name) for field in product.fields}
    texts |= {"--set " + key: (key, value) for key, value in order.extra.items()}
    texts["--external-id"] = order.external_id
    for name, value in texts.items():
        if not is_text(value):
            raise UsageError(
                f"{name}: not a text: there are bytes or escapes in it that are no"
                " UTF-8",
                hint="type it again, or save the file it comes from as UTF-8",
            )


def new_record(
    request: PreparedRequest,
    options: RunOptions,
    settings: Settings,
    written_at: datetime,
) -> JobRecord:
    """Return the record of the job of a request, without anything about its task."""
    plan = request.plan
    return JobRecord(
        external_id=request.external_id,
        command=options.command,
        product=plan.product.name,
        model=plan.model.id,
        route=plan.route.name,
        query_path=plan.route.query_path or NO_ENDPOINT,
        api_base=settings.api_base,
        request=journal_record(request),
        written_at=written_at,
        output=options.output,
        is_downloading=options.is_downloading,
        is_forced=options.is_forced,
    )


def journal_record(request: PreparedRequest) -> str:
    """Return the body for the journal: no callback URL, media as their digests."""
    body, path = request.body(None), request.plan.route.callback_url_path
    if path is not None and catalogue.get_path(body, path) is not None:
        catalogue.set_path(body, path, None)
    return json.dumps(without_media(body), ensure_ascii=False)


def check_price(request: PreparedRequest, max_units: float | None) -> None:
    """Refuse a job that may cost more than `max_units`.

    Where the units are known only later, their maximum counts.

    Raises:
        AccountError: it may cost more than `max_units`, or it is unknown.
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
    """Return the error for a limit on a job whose price has no bound."""
    return AccountError(
        f"the units of this job cannot be estimated, so --max-units cannot hold: {why}",
        hint="leave out --max-units to submit it all the same",
    )


def without_media(value: Any) -> Any:
    """Return JSON with a digest in place of every long string."""
    if isinstance(value, dict):
        return {key: without_media(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_media(item) for item in value]
    if isinstance(value, str) and len(value) > LONG_TEXT:
        digest = hashlib.sha256(value.encode()).hexdigest()
        return f"sha256:{digest} ({len(value)} characters)"
    return value


def new_external_id() -> str:
    """Return a new unique external id; safe in URLs and file names."""
    return f"kling-{secrets.token_hex(10)}"


def credential_kinds(settings: Settings) -> Collection[CredentialKind]:
    """Return the kinds of credentials in these settings.

    Without credentials it is an API key, so that an invalid order is reported before
    `open_session` reports the missing login.
    """
    kinds = frozenset(CredentialKind(kind) for kind in settings.credential_kinds)
    return kinds or frozenset({CredentialKind.API_KEY})
