"""The key under which callback paths are made: one file in the state folder, 0600."""

from __future__ import annotations

import contextlib
import os
import secrets
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
            _create(path)
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


def _create(path: Path) -> None:
    """Put a whole key under the name, unless another process was first.

    A hard link takes a name only if it is free, so that no process ever sees a part of
    a key, and all of them read the winner's.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{NAME}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        _write(draft, secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, key: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
