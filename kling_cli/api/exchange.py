"""One request and its answer: bounded in time and size, every failure one of ours.

What matters about a failed create is whether the request may have arrived. So each way
to fail is either certain (nothing was sent) or a doubt, raised as what the caller says
a doubt is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import anyio

from kling_cli.api.http import ProxyFailedError, httpx
from kling_cli.api.values import parse_json, text, whole
from kling_cli.errors import UnreachableError, UsageError
from kling_cli.settings.setting_values import is_loopback_url
from kling_cli.text import is_text

MAX_ANSWER_BYTES: Final = 16 << 20
PATIENCE_S: Final = 120.0
_SLOWEST_UPLOAD: Final = 25_000  # bytes a second: a 50 MB image in 45 minutes

# Failures before a byte of the request has left.
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came. `code` is None when it is not the API's envelope.

    `is_json` says whether the body could be read at all; `date` is the server's clock.
    `task_s` is how long a sandbox says that the new task will take.
    """

    http: int
    body: bytes
    media_type: str = ""
    date: datetime | None = None
    is_json: bool = False
    code: int | None = None
    message: str | None = None
    request_id: str | None = None
    data: Any = None
    task_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask; `doubt` is raised when it is not known whether it arrived."""

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: Any = None
    doubt: type[UnreachableError] = UnreachableError


async def exchange(
    http: httpx.AsyncClient,
    request: Request,
    authorization: str,
    *,
    patience_s: float = PATIENCE_S,
) -> Answer:
    """Send `request` and return the answer, whatever it says.

    `patience_s` bounds the whole exchange; a large body gets more.

    Raises:
        UsageError: the request cannot be written as HTTP.
        UnreachableError: nothing was sent.
        request.doubt: it may have arrived, and there is no answer that can be read.
    """
    wire = _wire_request(http, request, authorization)
    patience_s += len(wire.content) / _SLOWEST_UPLOAD
    try:
        with anyio.fail_after(patience_s):
            response = await http.send(wire, stream=True)
            try:
                body = await _read(response, request)
            finally:
                await response.aclose()
    except _NOT_SENT as exc:
        raise _unreachable(http, exc) from exc
    except (httpx.HTTPError, OSError) as exc:  # a TLS error, a timeout: OSErrors
        raise request.doubt(
            f"{_host(http)} gave no answer: {_reason(exc)}",
            hint="check the network connection; `kling doctor` looks at it",
        ) from exc
    return read_answer(response, body)


def _wire_request(
    http: httpx.AsyncClient, request: Request, authorization: str
) -> httpx.Request:
    import json

    is_path = request.path.startswith("/") and not request.path.startswith("//")
    if not is_path:  # a URL would take the key to another host
        raise UsageError(
            f"{request.path!r} is not a path of the API", hint="begin it with one /"
        )
    headers = {"Authorization": authorization, "Accept": "application/json"}
    content: bytes | None = None
    if not is_text([request.path, request.params, request.json]):
        raise UsageError(
            "the request is not a text: there are bytes or escapes in it that are no"
            " UTF-8",
            hint="type it again, or save the file it comes from as UTF-8",
        )
    if request.json is not None:
        headers["Content-Type"] = "application/json"
        try:
            content = json.dumps(request.json, allow_nan=False).encode()
        except ValueError as exc:
            raise UsageError(f"the request cannot be written as JSON: {exc}") from exc
    try:
        return http.build_request(
            request.method,
            request.path,
            params=request.params,
            content=content,
            headers=headers,
        )
    except (httpx.InvalidURL, ValueError) as exc:
        raise UsageError(f"{request.path!r} is not a path of the API: {exc}") from exc


async def _read(response: httpx.Response, request: Request) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise request.doubt(
                f"the answer of {response.url.host} is larger than "
                f"{MAX_ANSWER_BYTES >> 20} MiB",
                hint="check KLING_API_BASE: this is not how the Kling API answers",
                http=response.status_code,
            )
    return bytes(body)


def read_answer(response: httpx.Response, body: bytes) -> Answer:
    """Return what an HTTP answer says. Source: API reference 1.5, read 2026-10-04."""
    head = Answer(
        http=response.status_code,
        body=body,
        media_type=response.headers.get("content-type", "").partition(";")[0].strip(),
        date=_date(response.headers.get("date")),
        task_s=_seconds(response.headers.get("kling-sandbox-task-seconds")),
    )
    try:
        envelope = parse_json(body)
    except ValueError:
        return head
    if not isinstance(envelope, dict):
        envelope = {}
    return Answer(
        http=head.http,
        body=body,
        media_type=head.media_type,
        date=head.date,
        is_json=True,
        code=whole(envelope.get("code")),
        message=text(envelope.get("message")) or text(envelope.get("msg")),
        request_id=text(envelope.get("request_id")),
        data=envelope.get("data"),
        task_s=head.task_s,
    )


def _date(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(header: str | None) -> float | None:
    if header is None or not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", header):
        return None
    return float(header) or None


def _host(http: httpx.AsyncClient) -> str:
    return f"the API at {http.base_url.netloc.decode('ascii', 'replace')}"


def _reason(exc: Exception) -> str:
    if isinstance(exc, (TimeoutError, httpx.TimeoutException)):
        return "it took too long"
    return str(exc) or "the connection was lost"


def _unreachable(http: httpx.AsyncClient, exc: Exception) -> UnreachableError:
    reason = _reason(exc)
    hint = "check the network connection and KLING_API_BASE; `kling doctor` looks at it"
    if isinstance(exc, ProxyFailedError):
        hint = f"correct or unset {exc.variable}, or name the host in NO_PROXY"
    elif "CERTIFICATE" in reason:
        hint = "check this machine's clock, and SSL_CERT_FILE behind a company's proxy"
    elif is_loopback_url(str(http.base_url)):
        hint = "is the sandbox running? start it with `kling sandbox`"
    return UnreachableError(f"{_host(http)} cannot be reached: {reason}", hint=hint)
