"""Checks, free of charge, whether a host is reachable and accepts our credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import Credentials
from kling_cli.api.error_codes import ERROR_CODES, SUCCESS, error_from_response
from kling_cli.api.http import new_http
from kling_cli.api.transport import ApiResponse, Request, send_request
from kling_cli.catalogue import CredentialKind
from kling_cli.clock import Clock
from kling_cli.errors import CredentialsError, KlingError, UnreachableError

EXCHANGE_TIMEOUT_S: Final = 15.0
_NO_TASK: Final = "0"  # unknown ids are absent from the answer, which is a success
_WINDOW: Final = timedelta(days=1)
_NO_PERMISSION: Final = 1103  # the key itself is valid


class HealthStatus(StrEnum):
    """How a host responds to our credentials."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """The result of a check. `error` may accompany ACCEPTED: an account in arrears.

    `clock_offset_s` is by how much the host's clock is ahead, to a second or so.
    """

    status: HealthStatus
    error: KlingError | None = None
    clock_offset_s: float | None = None
    elapsed_s: float = 0.0


async def check_credentials(
    base_url: str, credentials: Credentials, clock: Clock, *, timeout_s: float = 10.0
) -> HealthReport:
    """Send a request to `base_url` that costs and changes nothing, with `credentials`.

    Source: API reference 2.5 (unknown ids) and 2.11 (costs are free), read 2026-10-04.
    """
    begun = clock.monotonic()
    async with new_http(base_url, timeout_s=timeout_s) as http:
        client = KlingClient(
            http, credentials, clock, exchange_timeout_s=EXCHANGE_TIMEOUT_S
        )
        try:
            response = await _send_check(client, credentials.kind, clock.now())
        except UnreachableError as exc:
            return HealthReport(status=HealthStatus.UNREACHABLE, error=exc)
    error = None
    if response.code != SUCCESS:
        error = error_from_response(
            response, base_url=base_url, credentials=credentials, is_create=False
        )
    return HealthReport(
        status=_health_status(response, error),
        error=error,
        clock_offset_s=_clock_offset_s(response, clock.now()),
        elapsed_s=clock.monotonic() - begun,
    )


async def check_reachable(
    base_url: str, clock: Clock, *, timeout_s: float = 10.0
) -> HealthReport:
    """Send a request without credentials: a JSON response shows that it is an API."""
    begun = clock.monotonic()
    async with new_http(base_url, timeout_s=timeout_s) as http:
        request = Request(method="GET", path="/tasks")
        try:
            response = await send_request(
                http, request, "", exchange_timeout_s=EXCHANGE_TIMEOUT_S
            )
        except UnreachableError as exc:
            return HealthReport(status=HealthStatus.UNREACHABLE, error=exc)
    return HealthReport(
        status=HealthStatus.REFUSED if response.is_json else HealthStatus.UNREACHABLE,
        error=None if response.is_json else _not_the_api_error(base_url, response),
        clock_offset_s=_clock_offset_s(response, clock.now()),
        elapsed_s=clock.monotonic() - begun,
    )


async def _send_check(
    client: KlingClient, kind: CredentialKind, now: datetime
) -> ApiResponse:
    if kind is CredentialKind.API_KEY:
        return await client.call("GET", "/tasks", params={"task_ids": _NO_TASK})
    end_ms = int(now.timestamp() * 1000)
    start_ms = end_ms - int(_WINDOW.total_seconds() * 1000)
    params = {"start_time": str(start_ms), "end_time": str(end_ms)}
    return await client.call("GET", "/account/costs", params=params)


def _health_status(response: ApiResponse, error: KlingError | None) -> HealthStatus:
    if error is None:
        return HealthStatus.ACCEPTED
    if isinstance(error, CredentialsError) and response.code != _NO_PERMISSION:
        return HealthStatus.REFUSED
    is_known = response.code in ERROR_CODES and type(error) is not UnreachableError
    return HealthStatus.ACCEPTED if is_known else HealthStatus.UNREACHABLE


def _clock_offset_s(response: ApiResponse, now: datetime) -> float | None:
    return None if response.date is None else (response.date - now).total_seconds()


def _not_the_api_error(base_url: str, response: ApiResponse) -> UnreachableError:
    return UnreachableError(
        f"{base_url} answers HTTP {response.http} with"
        f" {response.media_type or 'nothing'}: that is not the Kling API",
        hint="correct or unset KLING_API_BASE",
        http=response.http,
    )
