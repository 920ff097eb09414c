"""The standing token: the secret in the listener's URL, the same after a restart."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Final

from kling_cli.callbacks.keyfile import create_once, replace_whole
from kling_cli.errors import UsageError

NAME: Final = "listen.token"
TOKEN_BYTES: Final = 24
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")


def load_token(state_dir: Path) -> str:
    """Return the token, made on first use; the same one for every process.

    Raises:
        UsageError: the file cannot be made or read, or holds no token.
    """
    path = state_dir / NAME
    try:
        if not path.exists():
            create_once(path, _new())
        path.chmod(0o600)  # a copied folder may have lost it
        token = path.read_bytes().decode("ascii", "replace").strip()
    except OSError as exc:
        raise _unusable(path, exc) from exc
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            f"the listener's token {path} is damaged",
            hint="make a new one, and a new URL with it: kling listen --rotate-token",
        )
    return token


def rotate_token(state_dir: Path) -> str:
    """Return a new token; URLs with the old one are dead when a listener starts.

    Raises:
        UsageError: the file cannot be made.
    """
    path = state_dir / NAME
    token = _new()
    try:
        replace_whole(path, token)
    except OSError as exc:
        raise _unusable(path, exc) from exc
    return token.decode()


def _new() -> bytes:
    return secrets.token_urlsafe(TOKEN_BYTES).encode()


def _unusable(path: Path, exc: OSError) -> UsageError:
    return UsageError(
        f"the listener's token {path} cannot be used: {exc.strerror or exc}",
        hint="set KLING_STATE_DIR to a folder that you can write to",
    )
