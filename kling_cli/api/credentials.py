"""Signs requests: with an API key, or with short-lived tokens of a key pair."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from kling_cli.catalogue import CredentialKind
from kling_cli.errors import CredentialsError, KlingError
from kling_cli.secret import Secret
from kling_cli.settings import ACCOUNT_SETTINGS, LOGIN_HINT, Settings

# Source: API reference 1.3, read 2026-10-04.
TOKEN_LIFETIME: Final = timedelta(seconds=1800)
NOT_BEFORE_MARGIN: Final = timedelta(seconds=5)

RENEWAL_MARGIN: Final = timedelta(minutes=5)
_MIN_CLOCK_OFFSET: Final = timedelta(seconds=5)  # a Date header counts whole seconds


class Credentials(Protocol):
    """What the client needs to sign a request and to keep secrets out of messages."""

    @property
    def kind(self) -> CredentialKind:
        """Return the kind of these credentials, for the catalogue."""

    def authorization(self, now: datetime) -> str:
        """Return the Authorization header of a request sent at `now`."""

    def invalidate(self, clock_offset: timedelta = timedelta()) -> None:
        """Sign anew next time, for a server whose clock is ahead by `clock_offset`."""

    def redact(self, text: str) -> str:
        """Return `text` without our secrets, should the API have repeated them."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key for every endpoint. Source: API reference 1.2, read 2026-10-04."""

    key: Secret
    kind: CredentialKind = CredentialKind.API_KEY

    def authorization(self, now: datetime) -> str:  # noqa: ARG002 -- a key has no age
        return f"Bearer {self.key.reveal()}"

    def invalidate(self, clock_offset: timedelta = timedelta()) -> None:
        """Do nothing: a key is not signed."""

    def redact(self, text: str) -> str:
        return _redact(text, self.key.reveal())


@dataclass(slots=True)
class KeyPair:
    """An AccessKey and the SecretKey that signs its tokens.

    A token is reused until five minutes of its half hour are left.
    Source: API reference 1.3, read 2026-10-04.
    """

    access_key: Secret
    secret_key: Secret
    kind: CredentialKind = CredentialKind.KEY_PAIR
    _token: str | None = field(default=None, repr=False)
    _expires_at: datetime | None = None
    _clock_offset: timedelta = timedelta()

    def authorization(self, now: datetime) -> str:
        if self._expires_at is None or self._expires_at - now < RENEWAL_MARGIN:
            self._token = None
        if self._token is None:
            self._token = self._sign(now + self._clock_offset)
            self._expires_at = now + TOKEN_LIFETIME
        return f"Bearer {self._token}"

    def invalidate(self, clock_offset: timedelta = timedelta()) -> None:
        self._token = None
        self._clock_offset = (
            clock_offset if abs(clock_offset) > _MIN_CLOCK_OFFSET else timedelta()
        )

    def redact(self, text: str) -> str:
        access_key, secret_key = self.access_key.reveal(), self.secret_key.reveal()
        return _redact(text, self._token or "", secret_key, access_key)

    def _sign(self, now: datetime) -> str:
        import warnings

        import jwt

        claims = {
            "iss": self.access_key.reveal(),
            "exp": int((now + TOKEN_LIFETIME).timestamp()),
            "nbf": int((now - NOT_BEFORE_MARGIN).timestamp()),
        }
        with warnings.catch_warnings():  # a short key is the account's, not our choice
            warnings.simplefilter("ignore")
            return jwt.encode(claims, self.secret_key.reveal(), algorithm="HS256")


def credentials_from_settings(settings: Settings) -> ApiKey | KeyPair:
    """Return the credentials of the settings; an API key wins over a pair.

    Raises:
        CredentialsError: there are none, or half a pair, or they cannot be read.
        UsageError: a key, or the address it is for, is invalid.
    """
    settings.require(*ACCOUNT_SETTINGS)
    if settings.api_key is not None:
        return ApiKey(settings.api_key)
    if settings.access_key is not None and settings.secret_key is not None:
        return KeyPair(settings.access_key, settings.secret_key)
    raise missing_credentials_error(settings)


def missing_credentials_error(settings: Settings) -> KlingError:
    """Return the error that says why there are no credentials, and what to do."""
    for name in ACCOUNT_SETTINGS:
        if name in settings.problems:
            return settings.problems[name]
    if settings.access_key is not None or settings.secret_key is not None:
        return _incomplete_pair_error(settings)
    if settings.credentials_problem is not None:
        return settings.credentials_problem
    return CredentialsError("no Kling credentials", hint=LOGIN_HINT)


def _incomplete_pair_error(settings: Settings) -> CredentialsError:
    has_access = settings.access_key is not None
    there = "access_key" if has_access else "secret_key"
    missing = "KLING_SECRET_KEY" if has_access else "KLING_ACCESS_KEY"
    origin = settings.origins.get(there, "settings")
    return CredentialsError(
        f"half a key pair: {there} comes from {origin}, its other half is missing",
        hint=f"set {missing} too, or {LOGIN_HINT}",
    )


def _redact(text: str, *secrets: str) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "****")
    return text
