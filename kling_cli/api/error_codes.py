"""Maps the API's error codes to our errors, each with a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kling_cli.api.credentials import Credentials
from kling_cli.api.transport import ApiResponse
from kling_cli.catalogue import CredentialKind
from kling_cli.errors import (
    AccountError,
    AmbiguousError,
    ContentRefusedError,
    CredentialsError,
    KlingError,
    NoSlotError,
    RateLimitError,
    RefusedError,
    UnreachableError,
)
from kling_cli.settings import API_HOSTS, LOGIN_HINT

SUCCESS: Final = 0
NOT_YET_VALID: Final = 1003
EXPIRED: Final = 1004
TOKEN_CODES: Final = frozenset({NOT_YET_VALID, EXPIRED})
UNKNOWN_KEY_CODES: Final = frozenset({1000, 1002})  # also for a key of the other region
MAX_MESSAGE_CHARS: Final = 500

_KEYS = "check the key with `kling auth status`, or log in again: `kling auth login`"
_CLOCK = "set this machine's clock (`kling doctor` shows how far off it is)"
_CONSOLE = "see the account at https://kling.ai/dev"
_VALUES = "correct what the API names, then run the command again; nothing was created"
_CONTENT = "change the prompt or the image; nothing was created"
_LATER = "try again in a few minutes"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A code of the API: our error, its meaning in a few words, and a hint."""

    error: type[KlingError]
    meaning: str
    hint: str


# Source: API reference 5.1, read 2026-10-04.
ERROR_CODES: Final[Mapping[int, ErrorCode]] = {
    1000: ErrorCode(CredentialsError, "authentication failed", _KEYS),
    1001: ErrorCode(CredentialsError, "no credentials were sent", _KEYS),
    1002: ErrorCode(CredentialsError, "the key is not valid", _KEYS),
    1003: ErrorCode(CredentialsError, "the token is not valid yet", _CLOCK),
    1004: ErrorCode(CredentialsError, "the token has expired", _CLOCK),
    1100: ErrorCode(AccountError, "the account is in an abnormal state", _CONSOLE),
    1101: ErrorCode(AccountError, "the account is in arrears", f"top up; {_CONSOLE}"),
    1102: ErrorCode(
        AccountError,
        "the resource pack is used up or expired, or the balance too low",
        f"packs are per kind of product: buy one or top up; {_CONSOLE}",
    ),
    1103: ErrorCode(
        CredentialsError,
        "the account has no right to this product or model",
        f"choose another model, or ask for access; {_CONSOLE}",
    ),
    1200: ErrorCode(RefusedError, "the parameters are not valid", _VALUES),
    1201: ErrorCode(RefusedError, "a parameter is not valid", _VALUES),
    1202: ErrorCode(RefusedError, "the method is not valid for this path", _VALUES),
    1203: ErrorCode(RefusedError, "there is no such model or path", _VALUES),
    1300: ErrorCode(ContentRefusedError, "refused by a platform policy", _CONTENT),
    1301: ErrorCode(ContentRefusedError, "the content was refused", _CONTENT),
    1302: ErrorCode(RateLimitError, "too many requests", "slow down and try again"),
    1303: ErrorCode(
        NoSlotError,
        "all concurrent slots of the account are taken",
        "wait for running tasks (`kling list` shows them)",
    ),
    1304: ErrorCode(
        AccountError,
        "this machine's IP address is not on the account's allow list",
        f"add the address, or remove the list; {_CONSOLE}",
    ),
    5000: ErrorCode(UnreachableError, "the API had an internal error", _LATER),
    5001: ErrorCode(UnreachableError, "the API is not available", _LATER),
    5002: ErrorCode(UnreachableError, "the API timed out internally", _LATER),
}

# A code that is not in the table: by its family, then by the HTTP status.
_FAMILIES: Final[Mapping[int, int]] = {
    10: 1000,
    11: 1100,
    12: 1200,
    13: 1300,
    50: 5000,
}


def error_from_code(
    http: int, code: int, message: str | None, request_id: str | None
) -> KlingError:
    """Return the error for a response with `code` (not 0)."""
    entry = ERROR_CODES.get(code) or _unlisted_code(http, code)
    detail = " ".join((message or "").split())[:MAX_MESSAGE_CHARS]
    words = f"{entry.meaning}: {detail}" if detail else entry.meaning
    return entry.error(
        f"{words} (code {code})",
        hint=entry.hint,
        code=code,
        http=http,
        request_id=request_id,
    )


def is_certain_refusal(http: int, code: int) -> bool:
    """Return whether a response to a create call excludes that the task exists.

    A server error does not, nor does a code that says "unavailable": gateways answer so
    for requests that they have passed on.
    """
    entry = ERROR_CODES.get(code)
    if entry is not None:
        return entry.error is not UnreachableError
    return http < _SERVER_ERROR and code // 100 != _SERVER_ERROR_FAMILY


_SERVER_ERROR: Final = 500
_SERVER_ERROR_FAMILY: Final = 50


def _unlisted_code(http: int, code: int) -> ErrorCode:
    family = _FAMILIES.get(code // 100)
    if family is not None:
        return ErrorCode(
            ERROR_CODES[family].error, "the API refused", ERROR_CODES[family].hint
        )
    if http in (401, 403):
        return ErrorCode(CredentialsError, "the API refused the credentials", _KEYS)
    if http == 429:  # noqa: PLR2004 -- Too Many Requests
        return ErrorCode(RateLimitError, "too many requests", "slow down and try again")
    if http >= _SERVER_ERROR:
        return ErrorCode(UnreachableError, "the API had an error", _LATER)
    return ErrorCode(RefusedError, "the API refused", _VALUES)


_OLD_HOST: Final = "https://api.klingai.com"  # still the global service
_UNAUTHORIZED, _REQUEST_TIMEOUT, _TOO_LARGE, _TOO_MANY = 401, 408, 413, 429
_NO_API: Final = "try again; if it stays so, check KLING_API_BASE"


def error_from_response(
    response: ApiResponse, *, base_url: str, credentials: Credentials, is_create: bool
) -> KlingError:
    """Return the error that a response stands for.

    For a create call, any response that does not exclude the task is an AmbiguousError.
    """
    if response.code is None or response.code == SUCCESS:
        return _error_without_code(response, is_create=is_create)
    message = credentials.redact(response.message or "")
    error = error_from_code(response.http, response.code, message, response.request_id)
    if is_create and not is_certain_refusal(response.http, response.code):
        return error.converted_to(AmbiguousError)
    if not is_create and isinstance(error, NoSlotError):
        # a query needs no slot: it is the rate
        return error.converted_to(RateLimitError)
    if response.code in UNKNOWN_KEY_CODES:
        error.hint = _key_hint(message, base_url, credentials) or error.hint
    return error


def _error_without_code(response: ApiResponse, *, is_create: bool) -> KlingError:
    """Return the error of a response that is not the API's envelope."""
    kind = response.media_type or "nothing"
    detail = f"the API answered HTTP {response.http} with {kind} that cannot be read"
    error: type[KlingError] = UnreachableError
    hint = _NO_API
    if response.http == _TOO_MANY:
        error, hint = RateLimitError, "slow down and try again"
    elif response.http == _UNAUTHORIZED and response.is_json:
        error, hint = CredentialsError, LOGIN_HINT
    elif response.http == _TOO_LARGE:
        error, hint = RefusedError, "use smaller images: the request is too large"
    elif is_create and _may_have_been_processed(response.http):
        error, hint = AmbiguousError, "ask for the external id before sending again"
    return error(detail, hint=hint, http=response.http, request_id=response.request_id)


def _may_have_been_processed(http: int) -> bool:
    """Return whether the API itself may have had the request: 2xx, 5xx and 408."""
    is_client_fault = 300 <= http < 500  # noqa: PLR2004 -- redirects and refusals
    return not is_client_fault or http == _REQUEST_TIMEOUT


def _key_hint(message: str, base_url: str, credentials: Credentials) -> str | None:
    """Return a hint for a key that this host does not know."""
    if credentials.kind is CredentialKind.KEY_PAIR and "AK/SK" in message:
        return f"this needs an API key, not a key pair: {LOGIN_HINT}"
    other = other_region(base_url)
    if other is None:
        return None
    return (
        "check the key with `kling auth status`; if its account is of the other region,"
        f" use --region {other} (KLING_API_BASE={API_HOSTS[other]})"
    )


def other_region(base_url: str) -> str | None:
    """Return the region of the other official host; None for any other host."""
    base = base_url.rstrip("/")
    if base == API_HOSTS["cn"]:
        return "global"
    return "cn" if base in (API_HOSTS["global"], _OLD_HOST) else None
