"""Sends one request of the API over HTTP and parses the response's envelope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import anyio

from kling_cli.api.http import ProxyFailedError, httpx
from kling_cli.api.json_values import as_integer, as_text, parse_json
from kling_cli.errors import UnreachableError, UsageError
from kling_cli.settings import API_HOSTS, is_loopback_url
from kling_cli.text import is_text

_PORTS: Final = {"https": 443, "http": 80}
_UNESCAPED: Final = frozenset(' "<>\\^`{|}#')  # what a URL has only as %20 and the like


def parse_request_path(text: str, *, api_base: str) -> tuple[str, dict[str, str]]:
    """Parse a path of the API as typed; return it and its query parameters.

    The slash may be missing, and a whole URL is accepted if it is below `api_base`. A
    parameter that occurs several times is one list, as the API writes lists.

    Raises:
        UsageError: it is no path, or leads out of the API: the key goes nowhere else.
    """
    if not text.isascii() or not text.isprintable() or _UNESCAPED & set(text):
        raise _invalid_path(
            text, "it has characters that must be written as %20 and so on"
        )
    if "://" in text.partition("?")[0]:
        text = _path_below_base(text, api_base)
    path, _, query = text.partition("?")
    path = path if path.startswith("/") else f"/{path}"
    if path.startswith("//"):
        raise _invalid_path(text, "it names a host")
    for step in map(unquote, path.split("/")):
        if step in (".", "..") or not step.isprintable() or {"/", "\\"} & set(step):
            raise _invalid_path(text, "it leads elsewhere")
    params: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        params[key] = f"{params[key]},{value}" if key in params else value
    return path, params


def _path_below_base(url: str, api_base: str) -> str:
    """Return the part of a URL that follows `api_base`."""
    base, given = _split(api_base), _split(url)
    if given is None or base is None or _origin(given) != _origin(base):
        raise UsageError(
            f"{_without_query(url)} is not on {api_base}: the key is sent nowhere else",
            hint=_region_hint(given) or "give the path alone, or set KLING_API_BASE",
        )
    prefix = base.path.rstrip("/")
    if not given.path.startswith(f"{prefix}/"):
        raise _invalid_path(url, f"it is not below {api_base}")
    return given._replace(scheme="", netloc="").geturl()[len(prefix) :]


def _split(url: str) -> SplitResult | None:
    try:
        found = urlsplit(url)
        has_host = bool(found.hostname) and found.port != 0
    except ValueError:  # no port, or half an IPv6 address
        return None
    return found if has_host else None


def _origin(url: SplitResult) -> tuple[str, str, int | None, str | None]:
    port = url.port or _PORTS.get(url.scheme)
    return url.scheme, (url.hostname or "").rstrip("."), port, url.username


def _region_hint(given: SplitResult | None) -> str | None:
    for region, host in API_HOSTS.items():
        if given is not None and given.hostname == urlsplit(host).hostname:
            return f"--region {region} talks with that host"
    return None


def _invalid_path(text: str, why: str) -> UsageError:
    return UsageError(
        f"{_without_query(text)!r} is not a path of the API: {why}",
        hint="kling api GET /tasks -f task_ids=ID",
    )


def _without_query(text: str) -> str:
    """Return a URL without its query, which may hold the secrets of signed links."""
    return text.partition("?")[0]


MAX_RESPONSE_BYTES: Final = 16 << 20
EXCHANGE_TIMEOUT_S: Final = 120.0
_MIN_UPLOAD_RATE: Final = 25_000  # bytes a second: a 50 MB image in 45 minutes

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
class ApiResponse:
    """A response of the API. `code` is None when it is not the API's envelope.

    `is_json` is whether the body could be parsed at all; `date` is the server's clock.
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
    """A request of the API.

    `no_response_error` is raised when it is unknown whether the request arrived.
    """

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: Any = None
    no_response_error: type[UnreachableError] = UnreachableError


async def send_request(
    http: httpx.AsyncClient,
    request: Request,
    authorization: str,
    *,
    exchange_timeout_s: float = EXCHANGE_TIMEOUT_S,
) -> ApiResponse:
    """Send `request` and return the response, whatever its code.

    `exchange_timeout_s` bounds the whole exchange; a large body gets more.

    Raises:
        UsageError: the request cannot be written as HTTP.
        UnreachableError: nothing was sent.
        request.no_response_error: it may have arrived, and there is no response that
            can be read.
    """
    wire = _build_request(http, request, authorization)
    exchange_timeout_s += len(wire.content) / _MIN_UPLOAD_RATE
    try:
        with anyio.fail_after(exchange_timeout_s):
            response = await http.send(wire, stream=True)
            try:
                body = await _read_body(response, request)
            finally:
                await response.aclose()
    except _NOT_SENT as exc:
        raise _unreachable_error(http, exc) from exc
    except (httpx.HTTPError, OSError) as exc:  # a TLS error, a timeout: OSErrors
        raise request.no_response_error(
            f"{_host(http)} gave no answer: {_reason(exc)}",
            hint="check the network connection; `kling doctor` looks at it",
        ) from exc
    return parse_response(response, body)


def _build_request(
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


async def _read_body(response: httpx.Response, request: Request) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise request.no_response_error(
                f"the answer of {response.url.host} is larger than "
                f"{MAX_RESPONSE_BYTES >> 20} MiB",
                hint="check KLING_API_BASE: this is not how the Kling API answers",
                http=response.status_code,
            )
    return bytes(body)


def parse_response(response: httpx.Response, body: bytes) -> ApiResponse:
    """Return the envelope of a response. Source: API reference 1.5, read 2026-10-04."""
    head = ApiResponse(
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
    return ApiResponse(
        http=head.http,
        body=body,
        media_type=head.media_type,
        date=head.date,
        is_json=True,
        code=as_integer(envelope.get("code")),
        message=as_text(envelope.get("message")) or as_text(envelope.get("msg")),
        request_id=as_text(envelope.get("request_id")),
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


def _unreachable_error(http: httpx.AsyncClient, exc: Exception) -> UnreachableError:
    reason = _reason(exc)
    hint = "check the network connection and KLING_API_BASE; `kling doctor` looks at it"
    if isinstance(exc, ProxyFailedError):
        hint = f"correct or unset {exc.variable}, or name the host in NO_PROXY"
    elif "CERTIFICATE" in reason:
        hint = "check this machine's clock, and SSL_CERT_FILE behind a company's proxy"
    elif is_loopback_url(str(http.base_url)):
        hint = "is the sandbox running? start it with `kling sandbox`"
    return UnreachableError(f"{_host(http)} cannot be reached: {reason}", hint=hint)
