"""The standing callback URL: its token, URL matchers, and the mark of mock callbacks.

The token is the secret in the URL; it is the same after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from kling_cli.callbacks import (
    MockDetector,
    Peer,
    Trust,
    UrlMatch,
    UrlMatcher,
    create_secret_file,
    replace_secret_file,
)
from kling_cli.errors import UsageError

CALLBACK_PATH: Final = "/callback"
MOCK_HEADER: Final = "Kling-Mock"
_RAW_CALLBACK_PATH: Final = CALLBACK_PATH.encode()
_MOCK_PREFIX: Final = b"kling mock\n"  # keeps other HMACs of this key apart
FILE_NAME: Final = "listen.token"
TOKEN_BYTES: Final = 24
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")


def load_token(state_dir: Path) -> str:
    """Return the token, created on first use; the same one for every process.

    Raises:
        UsageError: the file cannot be created or read, or contains no token.
    """
    path = state_dir / FILE_NAME
    try:
        if not path.exists():
            create_secret_file(path, _new_token())
        path.chmod(0o600)  # a copied folder may have lost it
        token = path.read_bytes().decode("ascii", "replace").strip()
    except OSError as exc:
        raise _token_error(path, exc) from exc
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            f"the listener's token {path} is damaged",
            hint="make a new one, and a new URL with it: kling listen --rotate-token",
        )
    return token


def rotate_token(state_dir: Path) -> str:
    """Return a new token; URLs with the old one are invalid once a listener starts.

    Raises:
        UsageError: the file cannot be written.
    """
    path = state_dir / FILE_NAME
    token = _new_token()
    try:
        replace_secret_file(path, token)
    except OSError as exc:
        raise _token_error(path, exc) from exc
    return token.decode()


def _new_token() -> bytes:
    return secrets.token_urlsafe(TOKEN_BYTES).encode()


def _token_error(path: Path, exc: OSError) -> UsageError:
    return UsageError(
        f"the listener's token {path} cannot be used: {exc.strerror or exc}",
        hint="set KLING_STATE_DIR to a folder that you can write to",
    )


def standing_path(token: str) -> str:
    """Return the path of the standing callback URL; a secret."""
    return f"{CALLBACK_PATH}/{token}"


def standing_url_matcher(token: str) -> UrlMatcher:
    """Return the matcher for `/callback/<token>` and `/callback?token=<token>`."""
    expected = token.encode()

    def match(raw_path: bytes, query: bytes, _peer: Peer | None) -> UrlMatch | None:
        given = _token_in_request(raw_path, query)
        return UrlMatch() if hmac.compare_digest(expected, given) else None

    return match


def tokenless_url_matcher() -> UrlMatcher:
    """Return the matcher for `/callback` without a token, from this machine only."""

    def match(raw_path: bytes, query: bytes, peer: Peer | None) -> UrlMatch | None:
        if raw_path != _RAW_CALLBACK_PATH or _token_in_request(raw_path, query):
            return None
        return UrlMatch(trust=Trust.OPEN) if is_loopback(peer) else None

    return match


def mock_signature(raw: bytes, key: bytes) -> str:
    """Return the value of `Kling-Mock` for a body, an HMAC with the callback key."""
    return hmac.new(key, _MOCK_PREFIX + raw, hashlib.sha256).hexdigest()


def mock_detector(key: bytes) -> MockDetector:
    """Return what detects mock callbacks: from this machine, signed with `key`."""

    def detect(
        raw: bytes, headers: Mapping[str, str], peer: Peer | None
    ) -> Trust | None:
        given = headers.get(MOCK_HEADER.lower())
        if given is None or not is_loopback(peer):
            return None
        expected = mock_signature(raw, key).encode()
        is_ours = hmac.compare_digest(expected, given.encode("latin-1", "replace"))
        return Trust.MOCK if is_ours else None

    return detect


def is_loopback(peer: Peer | None) -> bool:
    """Return whether a peer's address is a loopback one."""
    return peer is not None and _is_loopback(peer[0])


@lru_cache(maxsize=256)
def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _token_in_request(raw_path: bytes, query: bytes) -> bytes:
    """Return the token of a request, empty if it has none or several."""
    if raw_path.startswith(_RAW_CALLBACK_PATH + b"/"):
        return raw_path[len(_RAW_CALLBACK_PATH) + 1 :]
    if raw_path != _RAW_CALLBACK_PATH:
        return b""
    given = [pair[6:] for pair in query.split(b"&") if pair.startswith(b"token=")]
    return given[0] if len(given) == 1 else b""
