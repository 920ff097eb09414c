"""What an answer that is no success means: from the answer to one of our errors."""

from __future__ import annotations

from typing import Final

from kling_cli.api.codes import SUCCESS, WRONG_KEY, error_for, is_refusal
from kling_cli.api.credentials import Credentials
from kling_cli.api.exchange import Answer
from kling_cli.catalogue.model import CredentialKind
from kling_cli.errors import (
    AmbiguousError,
    CredentialsError,
    KlingError,
    NoSlotError,
    RateLimitError,
    RefusedError,
    UnreachableError,
)
from kling_cli.settings.settings import HOSTS, HOW_TO_LOG_IN

_OLD_HOST: Final = "https://api.klingai.com"  # still the global service
_UNAUTHORIZED, _REQUEST_TIMEOUT, _TOO_LARGE, _TOO_MANY = 401, 408, 413, 429
_NO_API: Final = "try again; if it stays so, check KLING_API_BASE"


def error_of(
    answer: Answer, *, base_url: str, credentials: Credentials, is_create: bool
) -> KlingError:
    """Return the error that `answer` stands for.

    For a create, whatever does not certainly deny the task is an AmbiguousError.
    """
    if answer.code is None or answer.code == SUCCESS:
        return _without_code(answer, is_create=is_create)
    message = credentials.redact(answer.message or "")
    error = error_for(answer.http, answer.code, message, answer.request_id)
    if is_create and not is_refusal(answer.http, answer.code):
        return _as(AmbiguousError, error)
    if not is_create and isinstance(error, NoSlotError):
        return _as(RateLimitError, error)  # a query needs no slot: it is the rate
    if answer.code in WRONG_KEY:
        error.hint = _key_hint(message, base_url, credentials) or error.hint
    return error


def _as(kind: type[KlingError], error: KlingError) -> KlingError:
    return kind(
        error.message,
        hint=error.hint,
        code=error.code,
        http=error.http,
        request_id=error.request_id,
    )


def _without_code(answer: Answer, *, is_create: bool) -> KlingError:
    """Return the error of an answer that is not the API's envelope."""
    kind = answer.media_type or "nothing"
    said = f"the API answered HTTP {answer.http} with {kind} that cannot be read"
    error: type[KlingError] = UnreachableError
    hint = _NO_API
    if answer.http == _TOO_MANY:
        error, hint = RateLimitError, "slow down and try again"
    elif answer.http == _UNAUTHORIZED and answer.is_json:
        error, hint = CredentialsError, HOW_TO_LOG_IN
    elif answer.http == _TOO_LARGE:
        error, hint = RefusedError, "use smaller images: the request is too large"
    elif is_create and _may_have_arrived(answer.http):
        error, hint = AmbiguousError, "ask for the external id before sending again"
    return error(said, hint=hint, http=answer.http, request_id=answer.request_id)


def _may_have_arrived(http: int) -> bool:
    """Return whether the API itself may have had the request: 2xx, 5xx and 408."""
    is_client_fault = 300 <= http < 500  # noqa: PLR2004 -- redirects and refusals
    return not is_client_fault or http == _REQUEST_TIMEOUT


def _key_hint(message: str, base_url: str, credentials: Credentials) -> str | None:
    """Return what to do about a key that this host does not know."""
    if credentials.kind is CredentialKind.KEY_PAIR and "AK/SK" in message:
        return f"this needs an API key, not a key pair: {HOW_TO_LOG_IN}"
    other = other_region(base_url)
    if other is None:
        return None
    return (
        "check the key with `kling auth status`; if its account is of the other region,"
        f" use --region {other} (KLING_API_BASE={HOSTS[other]})"
    )


def other_region(base_url: str) -> str | None:
    """Return the region whose host `base_url` is not; None for a host of one's own."""
    base = base_url.rstrip("/")
    if base == HOSTS["cn"]:
        return "global"
    return "cn" if base in (HOSTS["global"], _OLD_HOST) else None
