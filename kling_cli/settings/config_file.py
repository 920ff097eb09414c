"""Reads `config.toml`, with the line of every mistake, and writes single settings."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kling_cli.errors import UsageError
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20  # a settings file of more than a mebibyte is some other file


def read_config(path: Path, known: Collection[str]) -> dict[str, str]:
    """Return the settings of `path` as text by dotted key; no file means none.

    Lists become words separated by spaces, switches `true` or `false`.

    Raises:
        UsageError: the file cannot be read, is not TOML, has a key that is not in
            `known`, or a value that is a table where text belongs.
    """
    text = _read_text(path)
    if text is None:
        return {}
    flat = _flatten(_parse_toml(path, text), known)
    for key, value in flat.items():
        if key not in known:
            raise _unknown_key_error(path, text, key, known)
        if isinstance(value, Mapping):
            raise _wrong_type_error(path, text, key)
    return {key: _as_text(path, text, key, value) for key, value in flat.items()}


def write_setting(path: Path, key: str, value: str | bool) -> None:
    """Set the top-level `key` in the file, and leave the rest of it as it is.

    The file is replaced as a whole or stays as it was; a symbolic link stays one.

    Raises:
        UsageError: the file is not TOML, or it cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    text = _read_text(path)
    try:
        document = tomlkit.parse(text or "")
    except TOMLKitError as exc:
        raise _invalid_toml_error(path, exc) from exc
    document[key] = value
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(tomlkit.dumps(document))
        part.replace(target)
    except OSError as exc:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {exc.strerror or exc}",
            hint="make it writable, or set KLING_CONFIG_DIR to a folder that is",
        ) from exc


def _read_text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise UsageError(f"{path} is too large to be a settings file")
        return decode_text(raw)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(
            f"{path} cannot be read: {exc.strerror}",
            hint="make it readable, or name another folder with KLING_CONFIG_DIR",
        ) from exc
    except ValueError as exc:
        raise UsageError(
            f"{path} cannot be read: {exc}",
            hint="make it a UTF-8 text file, or move it away",
        ) from exc


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise _invalid_toml_error(path, exc) from exc


def _invalid_toml_error(path: Path, exc: Exception) -> UsageError:
    return UsageError(
        f"{path} is not valid TOML: {exc}",
        hint=f"correct that line of {path}, or move the file away",
    )


def _flatten(
    table: Mapping[str, Any], known: Collection[str], prefix: str = ""
) -> dict[str, Any]:
    """Return values by dotted key; only tables that have known keys are flattened."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        is_section = any(other.startswith(f"{name}.") for other in known)
        if isinstance(value, Mapping) and is_section:
            flat.update(_flatten(value, known, f"{name}."))
        else:
            flat[name] = value
    return flat


def _as_text(path: Path, text: str, key: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(item, str) for item in value):
            return " ".join(value)
        case _:
            raise _wrong_type_error(path, text, key)


def _wrong_type_error(path: Path, text: str, key: str) -> UsageError:
    return UsageError(
        f"{_locate_key(path, text, key)}: {key} must be a text, a number or true/false",
        hint=f"correct that line of {path}",
    )


def _unknown_key_error(
    path: Path, text: str, key: str, known: Collection[str]
) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(key, known, n=1)
    return UsageError(
        f"{_locate_key(path, text, key)}: there is no setting {key!r}",
        hint=f"did you mean {near[0]!r}?"
        if near
        else "the settings are " + ", ".join(sorted(known)),
    )


def _locate_key(path: Path, text: str, key: str) -> str:
    """Return `path` with the line on which `key` most probably stands."""
    last = re.escape(key.rpartition(".")[2])
    pattern = re.compile(
        rf"""\s*(\[+\s*)?(['"\w-]+\s*\.\s*)*['"]?{last}['"]?\s*[=\]]"""
    )
    for number, line in enumerate(text.splitlines(), start=1):
        if pattern.match(line):
            return f"{path}, line {number}"
    return str(path)
