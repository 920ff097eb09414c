"""From what was typed to the values of an order: JSON, files, standard input."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kling_cli.cli.fields import MODES
from kling_cli.errors import UsageError
from kling_cli.products.model import Field, FieldKind, Product

_SECONDS = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*s?")  # the API counts milliseconds
_POINT = re.compile(r"(\d*\.?\d+)\s*,\s*(\d*\.?\d+)")


def read_values(
    product: Product,
    typed: Mapping[str, Any],
    *,
    read_stdin: Callable[[], str] | None = None,
) -> dict[str, Any]:
    """Return the values that were given, by field name; `typed` has None for the rest.

    Raises:
        UsageError: no JSON, no such file, an empty prompt, two different resolutions.
    """
    given = {
        field.name: _value(field, typed[field.name])
        for field in product.fields
        if typed.get(field.name) not in (None, [], ())
    }
    if given.get("prompt") == "-":
        given["prompt"] = (read_stdin or _stdin)()
    if not str(given.get("prompt", "words")).strip():
        raise UsageError("the prompt is empty", hint="say what the video should show")
    if typed.get("mode") is not None:
        _take_mode(given, typed["mode"])
    return given


def read_extra(pairs: Sequence[str]) -> dict[str, Any]:
    """Return `--set` pairs by dotted key; a value that is no JSON is text.

    Raises:
        UsageError: a pair without a key or without `=`.
    """
    extra: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not all(key.split(".")):
            raise UsageError(
                f"--set {pair}: not of the form KEY=VALUE",
                hint="--set settings.seed=7",
            )
        extra[key] = _json_or_text(value)
    return extra


def _value(field: Field, typed: Any) -> Any:
    read = _READERS.get(field.kind, _as_typed)
    if field.is_repeated:
        return tuple(read(field, each) for each in typed)
    return read(field, typed)


def _as_typed(_field: Field, typed: Any) -> Any:
    return typed


def _point(field: Field, text: str) -> dict[str, float]:
    found = _POINT.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{field.spelling} {text}: not two shares, of width and of height",
            hint=f"{field.spelling} 0.5,0.5 is the middle of the picture",
        )
    return {"x": float(found[1]), "y": float(found[2])}


def _seconds(field: Field, text: str) -> float:
    found = _SECONDS.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{field.spelling} {text}: not a number of seconds",
            hint=f"{field.spelling} 1.5",
        )
    return float(found[1])


def _take_mode(given: dict[str, Any], mode: str) -> None:
    resolution = MODES[mode]
    if given.setdefault("resolution", resolution) != resolution:
        raise UsageError(
            f"--mode {mode} means --resolution {resolution},"
            f" and --resolution {given['resolution']} was given too",
            hint="leave one of them out",
        )


def _json(field: Field, text: str) -> Any:
    source = _file(field, text[1:]) if text.startswith("@") else text
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as exc:
        raise UsageError(
            f"{field.spelling} {text[:80]}: not JSON: {exc}",
            hint="quote it for the shell, or put it into a file and give @file.json",
        ) from exc


_READERS: Mapping[FieldKind, Callable[[Field, Any], Any]] = MappingProxyType(
    {FieldKind.JSON: _json, FieldKind.TIME: _seconds, FieldKind.POINT: _point}
)


def _file(field: Field, name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not a UTF-8 text"
        raise UsageError(f"{field.spelling} @{name}: {reason}") from exc


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _stdin() -> str:
    """Return standard input to its end, as text."""
    if sys.stdin is None:
        raise UsageError("the prompt is - but standard input is closed")
    try:
        return sys.stdin.buffer.read().decode("utf-8").strip()
    except UnicodeDecodeError as exc:
        raise UsageError("standard input is not UTF-8 text") from exc
