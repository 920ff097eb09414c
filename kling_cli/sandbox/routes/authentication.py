"""Checks credentials: the API key, or the older pair signed into a JWT."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.routes.responses import Refusal, refusal

if TYPE_CHECKING:
    from datetime import datetime

    from kling_cli.sandbox.state.sandbox_state import AccountKeys

# Observed. Source: API reference, sections 1.3 and 8, read 2026-10-04.
API_KEY_ONLY = (
    "Authentication error. The current API does not support AK/SK; please go to the "
    "console (https://kling.ai/dev/api-key) to create API key."
)
JWT_PARTS = 3
NOT_THREE_PARTS = "The token was expected to have 3 parts, but got {parts}"


def check_authorization(
    header: str | None, *, keys: AccountKeys, needs_api_key: bool, now: datetime
) -> Refusal | None:
    """Return why a request with this Authorization header is refused, or None."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if not scheme:
        return refusal(1001)
    if scheme.lower() != "bearer":
        return refusal(1000)
    if not token:
        return refusal(1001)
    if hmac.compare_digest(token.encode(), keys.api_key.encode()):
        return None
    if needs_api_key:
        return refusal(1002, API_KEY_ONLY)
    return _check_jwt(token, keys, now.timestamp())


def _check_jwt(token: str, keys: AccountKeys, now_s: float) -> Refusal | None:
    parts = token.count(".") + 1
    if parts != JWT_PARTS:
        # the service's library says 0 for a token without a single dot
        return refusal(1002, NOT_THREE_PARTS.format(parts=0 if parts == 1 else parts))
    claims = _claims(token, keys.secret_key)
    if claims is None or claims["iss"] != keys.access_key:
        return refusal(1002)
    if _number(claims.get("nbf", 0)) > now_s:
        return refusal(1003)
    if _number(claims["exp"]) <= now_s:
        return refusal(1004)
    return None


def _claims(token: str, secret_key: str) -> dict[str, Any] | None:
    """Return what the token says if the pair signed it; times are not looked at."""
    import jwt

    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret_key,
            algorithms=["HS256"],
            # the sandbox has a clock of its own; pyjwt would look at the machine's
            options={
                "require": ["iss", "exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError:
        return None
    return claims


def _number(claim: Any) -> float:
    return float(claim) if isinstance(claim, (int, float)) else 0.0
