"""Callback URLs: paths that carry their own MAC, and the key under which they are made.

The key is one file in the state folder, with mode 0600.
"""

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
KEY_FILE_NAME: Final = "callback.key"
NONCE_BYTES: Final = 16
_PRODUCT: Final = re.compile(r"[a-z0-9-]{1,64}")
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PATH: Final = re.compile(
    rb"(?P<signed>/callback/(?P<product>[a-z0-9-]{1,64})/(?P<nonce>[A-Za-z0-9_-]{1,64}))"
    rb"/(?P<mac>[^/]{1,128})"
)


def load_key(state_dir: Path) -> bytes:
    """Return the key, made on first use; the same for every process.

    Raises:
        UsageError: the file cannot be made or read, or is not a key.
    """
    path = state_dir / KEY_FILE_NAME
    try:
        if path.exists():
            path.chmod(0o600)  # a copied folder may have lost the mode
        else:
            create_secret_file(path, secrets.token_bytes(KEY_BYTES))
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


def create_secret_file(path: Path, content: bytes) -> None:
    """Create a file with a secret atomically, 0600, unless another process was first.

    A hard link takes a name only if it is free: no process ever reads a part of a
    secret, and all of them read that of the first.
    """
    with (
        _temporary_file(path, content) as temporary,
        contextlib.suppress(FileExistsError),
    ):
        path.hardlink_to(temporary)


def replace_secret_file(path: Path, content: bytes) -> None:
    """Replace a file with a secret atomically; mode 0600."""
    with _temporary_file(path, content) as temporary:
        temporary.replace(path)


@contextlib.contextmanager
def _temporary_file(path: Path, content: bytes) -> Iterator[Path]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        _write_new(temporary, content)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _write_new(path: Path, content: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUrl:
    """What the callback URL of a task stands for: its product, and a nonce."""

    product: str
    nonce: str

    def __post_init__(self) -> None:
        if not (_PRODUCT.fullmatch(self.product) and _NONCE.fullmatch(self.nonce)):
            raise ValueError(f"no path can hold {self.product!r} and {self.nonce!r}")


def new_nonce(random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh nonce out of `random_bytes`, such as `secrets.token_bytes`."""
    return _base64(random_bytes(NONCE_BYTES))


def callback_path(task_url: TaskUrl, key: bytes) -> str:
    """Return the path of a task's callback URL; a secret."""
    path = f"/callback/{task_url.product}/{task_url.nonce}"
    return f"{path}/{_mac(path.encode(), key)}"


def match_callback_path(raw_path: bytes, key: bytes) -> TaskUrl | None:
    """Return what a path stands for, None if it was not made with `key`.

    Takes the bytes of the request line, undecoded: another spelling (`//`, `%2e`,
    letter case) is another path. The MAC is compared in constant time.
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
