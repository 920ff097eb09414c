"""Stores the login of `kling auth login`: in the system's keyring or a file, mode 0600.

`credentials.toml` always names the place, so that a machine without a login never
accesses its keyring, which may be slow or ask a person to unlock it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kling_cli.errors import CredentialsError
from kling_cli.secret import Secret
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME: Final = "credentials.toml"
KEYRING: Final = "keyring"
_SERVICE: Final = "kling-cli"
_KEYS: Final = ("api_key", "access_key", "secret_key")
_MIN_PRIORITY: Final = 1  # what the keyring project recommends; plain files have less
_LOGIN_HINT: Final = "run `kling auth login` again, or `kling auth logout`"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredentials:
    """A stored login: an API key or a pair, and the region whose host accepted it.

    `place` is `keyring` or `credentials.toml`.
    """

    api_key: Secret | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    region: str | None = None
    place: str = FILE_NAME


def read_credentials(config_dir: Path) -> StoredCredentials | None:
    """Return the login of this config folder, None when there is none.

    Raises:
        CredentialsError: there is one, but it cannot be read.
    """
    table = _read_file(config_dir / FILE_NAME)
    if table is None:
        return None
    place = FILE_NAME
    if table.get("storage") == KEYRING:
        place = KEYRING
        table |= _read_keyring(config_dir)
    return StoredCredentials(
        api_key=_secret(table, "api_key"),
        access_key=_secret(table, "access_key"),
        secret_key=_secret(table, "secret_key"),
        region=_text(table, "region"),
        place=place,
    )


def store_credentials(config_dir: Path, credentials: StoredCredentials) -> str:
    """Store a login in place of any earlier one and return where: its `place`.

    Raises:
        CredentialsError: neither keyring nor file accepts it.
    """
    keys = {
        name: value.reveal()
        for name in _KEYS
        if (value := getattr(credentials, name)) is not None
    }
    region = {"region": credentials.region} if credentials.region else {}
    if _write_keyring(config_dir, keys):
        _write_file(config_dir / FILE_NAME, {"storage": KEYRING, **region})
        return KEYRING
    _write_file(config_dir / FILE_NAME, {"storage": "file", **region, **keys})
    return FILE_NAME


def delete_credentials(config_dir: Path) -> str | None:
    """Delete the login and return where it was stored, None when there was none.

    Raises:
        CredentialsError: it exists and cannot be removed.
    """
    path = config_dir / FILE_NAME
    if not path.exists():
        return None
    place = FILE_NAME
    with contextlib.suppress(CredentialsError):  # a broken file is removed all the same
        if (_read_file(path) or {}).get("storage") == KEYRING:
            place = KEYRING
    if place == KEYRING:
        _delete_from_keyring(config_dir)
    try:
        path.unlink()
    except OSError as exc:
        raise CredentialsError(
            f"{path} cannot be removed: {exc}", hint=f"remove {path} yourself"
        ) from exc
    return place


def _secret(table: Mapping[str, Any], key: str) -> Secret | None:
    text = _text(table, key)
    return Secret(text) if text else None


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) else None


def _read_file(path: Path) -> dict[str, Any] | None:
    import tomllib

    try:
        with path.open("rb") as file:
            return tomllib.loads(decode_text(file.read()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:  # not TOML is a ValueError too
        why = type(exc).__name__ if isinstance(exc, ValueError) else exc.strerror
        raise CredentialsError(
            f"{path} cannot be read ({why})", hint=_LOGIN_HINT
        ) from None  # the parser's message may quote the key


def _write_file(path: Path, table: Mapping[str, str]) -> None:
    """Write `path` as a whole, readable by its owner alone from its first byte."""
    import tomlkit

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(tomlkit.dumps(table))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise CredentialsError(
            f"{path} cannot be written: {exc.strerror or exc}",
            hint="make the folder writable, or set KLING_CONFIG_DIR to one that is",
        ) from exc


def _keyring() -> Any | None:
    """Return the system's keyring when the extra is installed and it is a real one."""
    try:
        import keyring
    except ImportError:
        return None
    backend = keyring.get_keyring()
    return backend if backend.priority >= _MIN_PRIORITY else None


def _write_keyring(config_dir: Path, keys: Mapping[str, str]) -> bool:
    """Return whether the keyring stored the keys and returns them."""
    backend = _keyring()
    if backend is None:
        return False
    text = json.dumps(keys)
    try:
        backend.set_password(_SERVICE, str(config_dir), text)
        return bool(backend.get_password(_SERVICE, str(config_dir)) == text)
    except Exception:  # noqa: BLE001 -- backends raise whatever their system raises
        return False


def _read_keyring(config_dir: Path) -> dict[str, Any]:
    try:
        backend = _keyring()
        text = backend and backend.get_password(_SERVICE, str(config_dir))
        keys = json.loads(text or "null")
    except Exception as exc:  # noqa: BLE001 -- backends raise whatever their system raises
        raise CredentialsError(
            f"the system's keyring could not be read ({type(exc).__name__})",
            hint="unlock the keyring, or set KLING_API_KEY",
        ) from None
    if not isinstance(keys, dict):
        raise CredentialsError(
            "the login is in the system's keyring, which does not have it any more",
            hint=_LOGIN_HINT,
        )
    return keys


def _delete_from_keyring(config_dir: Path) -> None:
    backend = _keyring()
    if backend is None:
        return
    with contextlib.suppress(Exception):  # gone, or locked: our note goes anyway
        backend.delete_password(_SERVICE, str(config_dir))
