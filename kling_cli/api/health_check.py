"""Asking a host, for nothing, whether it is there and knows our credentials."""

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
_NO_PERMISSION: Final = 1103  # said of a key that is known


class HealthStatus(StrEnum):
    """What a host makes of our credentials."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How one host answered. `error` may go with ACCEPTED: an account in arrears.

    `ahead_s` is by how much the host's clock is ahead of ours, to a second or so.
    """

    standing: HealthStatus
    error: KlingError | None = None
    ahead_s: float | None = None
    elapsed_s: float = 0.0


async def check_credentials(
    base_url: str, credentials: Credentials, clock: Clock, *, timeout_s: float = 10.0
) -> HealthReport:
    """Ask `base_url` with `credentials` for what costs and changes nothing.

    Source: API reference 2.5 (unknown ids) and 2.11 (costs are free), read 2026-10-04.
    """
    begun = clock.monotonic()
    async with new_http(base_url, timeout_s=timeout_s) as http:
        client = KlingClient(http, credentials, clock, patience_s=EXCHANGE_TIMEOUT_S)
        try:
            answer = await _send_check(client, credentials.kind, clock.now())
        except UnreachableError as exc:
            return HealthReport(standing=HealthStatus.UNREACHABLE, error=exc)
    error = None
    if answer.code != SUCCESS:
        error = error_from_response(
            answer, base_url=base_url, credentials=credentials, is_create=False
        )
    return HealthReport(
        standing=_health_status(answer, error),
        error=error,
        ahead_s=_clock_offset_s(answer, clock.now()),
        elapsed_s=clock.monotonic() - begun,
    )


async def check_reachable(
    base_url: str, clock: Clock, *, timeout_s: float = 10.0
) -> HealthReport:
    """Ask `base_url` without credentials: any answer shows that something is there."""
    begun = clock.monotonic()
    async with new_http(base_url, timeout_s=timeout_s) as http:
        request = Request(method="GET", path="/tasks")
        try:
            answer = await send_request(
                http, request, "", patience_s=EXCHANGE_TIMEOUT_S
            )
        except UnreachableError as exc:
            return HealthReport(standing=HealthStatus.UNREACHABLE, error=exc)
    return HealthReport(
        standing=HealthStatus.REFUSED if answer.is_json else HealthStatus.UNREACHABLE,
        error=None if answer.is_json else _not_the_api_error(base_url, answer),
        ahead_s=_clock_offset_s(answer, clock.now()),
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


def _health_status(answer: ApiResponse, error: KlingError | None) -> HealthStatus:
    if error is None:
        return HealthStatus.ACCEPTED
    if isinstance(error, CredentialsError) and answer.code != _NO_PERMISSION:
        return HealthStatus.REFUSED
    is_known = answer.code in ERROR_CODES and type(error) is not UnreachableError
    return HealthStatus.ACCEPTED if is_known else HealthStatus.UNREACHABLE


def _clock_offset_s(answer: ApiResponse, now: datetime) -> float | None:
    return None if answer.date is None else (answer.date - now).total_seconds()


def _not_the_api_error(base_url: str, answer: ApiResponse) -> UnreachableError:
    return UnreachableError(
        f"{base_url} answers HTTP {answer.http} with {answer.media_type or 'nothing'}: "
        "that is not the Kling API",
        hint="correct or unset KLING_API_BASE",
        http=answer.http,
    )
