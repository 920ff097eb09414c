"""The key under which callback paths are made: one file in the state folder, 0600."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
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
