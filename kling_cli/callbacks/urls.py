"""The key under which callback paths are made: one file in the state folder, 0600."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kling_cli.errors import UsageError

KEY_BYTES: Final = 32
NAME: Final = "callback.key"


def load_key(state_dir: Path) -> bytes:
    """Return the key, made on first use; the same one for every process.

    Raises:
        UsageError: The file cannot be made or read, or is not a key.
    """
    path = state_dir / NAME
    try:
        if path.exists():
            path.chmod(0o600)  # a copied folder may have lost it
        else:
            create_once(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as exc:
        raise UsageError(
            f"the callback key {path} cannot be used: {exc.strerror or exc}",
            hint="set KLING_STATE_DIR to a folder that you can write to",
        ) from exc
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"the callback key {path} is damaged: {len(key)} bytes, not {KEY_BYTES}",
            hint=f"remove it (running jobs then fall back to polling): rm '{path}'",
        )
    return key


def create_once(path: Path, content: bytes) -> None:
    """Put a whole secret under the name, 0600, unless another process was first.

    A hard link takes a name only if it is free, so that no process ever sees a part of
    a secret, and all of them read the winner's.
    """
    with _draft(path, content) as draft, contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)


def replace_whole(path: Path, content: bytes) -> None:
    """Put a whole secret under the name, 0600, in place of the one that is there."""
    with _draft(path, content) as draft:
        draft.replace(path)


@contextlib.contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        _write(draft, content)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, key: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


NONCE_BYTES: Final = 16
_PRODUCT: Final = re.compile(r"[a-z0-9-]{1,64}")
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PATH: Final = re.compile(
    rb"(?P<signed>/callback/(?P<product>[a-z0-9-]{1,64})/(?P<nonce>[A-Za-z0-9_-]{1,64}))"
    rb"/(?P<mac>[^/]{1,128})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUrl:
    """The right to report on one task: its product, and a number used once."""

    product: str
    nonce: str

    def __post_init__(self) -> None:
        if not (_PRODUCT.fullmatch(self.product) and _NONCE.fullmatch(self.nonce)):
            raise ValueError(f"no path can hold {self.product!r} and {self.nonce!r}")


def new_nonce(random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh nonce out of `random_bytes`, such as `secrets.token_bytes`."""
    return _base64(random_bytes(NONCE_BYTES))


def callback_path(capability: TaskUrl, key: bytes) -> str:
    """Return the path that stands for `capability`; a secret."""
    path = f"/callback/{capability.product}/{capability.nonce}"
    return f"{path}/{_mac(path.encode(), key)}"


def match_callback_path(raw_path: bytes, key: bytes) -> TaskUrl | None:
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
    return TaskUrl(product=found["product"].decode(), nonce=found["nonce"].decode())


def _mac(path: bytes, key: bytes) -> str:
    return _base64(hmac.digest(key, path, hashlib.sha256))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
