"""Callback URLs that prove themselves: one a task, made and read without a list.

A path is `/callback/<product>/<nonce>/<mac>`, the mac an HMAC-SHA256 of the rest under
a key that never leaves the state folder. Whoever holds such a path may knock for that
task and nothing else; it is a secret and is masked wherever it is shown.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

NONCE_BYTES: Final = 16
_PRODUCT: Final = re.compile(r"[a-z0-9-]{1,64}")
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PATH: Final = re.compile(
    rb"(?P<signed>/callback/(?P<product>[a-z0-9-]{1,64})/(?P<nonce>[A-Za-z0-9_-]{1,64}))"
    rb"/(?P<mac>[^/]{1,128})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """The right to report on one task: its product, and a number used once."""

    product: str
    nonce: str

    def __post_init__(self) -> None:
        if not (_PRODUCT.fullmatch(self.product) and _NONCE.fullmatch(self.nonce)):
            raise ValueError(f"no path can hold {self.product!r} and {self.nonce!r}")


def new_nonce(random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh nonce out of `random_bytes`, such as `secrets.token_bytes`."""
    return _base64(random_bytes(NONCE_BYTES))


def callback_path(capability: Capability, key: bytes) -> str:
    """Return the path that stands for `capability`; a secret."""
    path = f"/callback/{capability.product}/{capability.nonce}"
    return f"{path}/{_mac(path.encode(), key)}"


def read_path(raw_path: bytes, key: bytes) -> Capability | None:
    """Return what a path stands for, or None if it was not made with `key`.

    Takes the bytes of the request line, undecoded: whatever is spelled otherwise
    (`//`, `%2e`, letter case) is another path. The mac is compared in constant time.
    """
    found = _PATH.fullmatch(raw_path)
    if found is None:
        return None
    expected = _mac(found["signed"], key).encode()
    if not hmac.compare_digest(expected, found["mac"]):
        return None
    return Capability(product=found["product"].decode(), nonce=found["nonce"].decode())


def _mac(path: bytes, key: bytes) -> str:
    return _base64(hmac.digest(key, path, hashlib.sha256))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
