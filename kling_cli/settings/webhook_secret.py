"""Parses webhook secrets of Standard Webhooks, and derives their signing keys.

Accepted is what the library `standardwebhooks` accepts: `whsec_` or not, base64 with or
without padding, characters outside of base64 left out. Source: API reference 4.5, read
2026-10-04, and standardwebhooks 1.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kling_cli.errors import UsageError
from kling_cli.secret import Secret, refuse_invisible

PREFIX: Final = "whsec_"
EXPECTED_FORMAT: Final = "whsec_ and base64 are expected"
_HINT: Final = (
    "copy it whole: whsec_ and base64; several are separated by blanks or commas"
)


def parse_secrets(text: str) -> tuple[Secret, ...]:
    """Return the secrets of a list separated by spaces or commas: one at least.

    Raises:
        ValueError: (complaint, hint) one is no secret, or there is none; nothing is
            quoted.
    """
    words = [word for word in re.split(r"[\s,\ufeff]+", text) if word]
    if not words:
        raise ValueError("is not a webhook secret: it is empty", _HINT)
    for number, word in enumerate(words, start=1):
        which = f"number {number} of {len(words)} " if len(words) > 1 else "it "
        try:
            signing_keys(word)
        except ValueError as exc:
            raise ValueError(f"is not a webhook secret: {which}{exc}", _HINT) from None
    return tuple(Secret(word) for word in words)


def parse_secret_options(option: str, texts: Iterable[str]) -> tuple[Secret, ...]:
    """Return the secrets that a repeatable option gives, each text a list of them.

    Raises:
        UsageError: one is no secret.
    """
    try:
        return tuple(secret for text in texts for secret in parse_secrets(text))
    except ValueError as exc:
        complaint, hint = exc.args
        raise UsageError(f"{option} {complaint}", hint=hint) from None


def signing_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys that a secret stands for, that of the library first.

    The library leaves out the characters `-` and `_` of url-safe base64. A decoder that
    does not has another key, so such a secret stands for two.

    Raises:
        ValueError: it is no secret; the message ends a sentence and quotes nothing.
    """
    import base64
    import binascii
    import contextlib

    refuse_invisible(text)
    coded = text.removeprefix(PREFIX)
    if not coded:
        raise ValueError(f"has nothing after {PREFIX}" if text else "is empty")
    try:
        keys = [base64.b64decode(f"{coded}==")]
    except binascii.Error:
        raise ValueError("is no whole base64: a part of it is missing") from None
    if not keys[0]:
        raise ValueError("has no base64 in it")
    if "-" in coded or "_" in coded:
        with contextlib.suppress(binascii.Error):
            keys.append(base64.urlsafe_b64decode(f"{coded}=="))
    return tuple(dict.fromkeys(keys))


def has_foreign_characters(text: str) -> bool:
    """Return whether a secret has characters outside of base64, which are left out."""
    return re.search(r"[^A-Za-z0-9+/=_-]", text.removeprefix(PREFIX)) is not None
