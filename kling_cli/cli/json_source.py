"""JSON from where a command line says: a text, a file, standard input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from kling_cli.errors import UsageError
from kling_cli.text import BYTE_ORDER_MARK


def strict_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is none, or has a number that JSON cannot write: NaN, 1e999.
    """
    if isinstance(text, str):
        text = text.removeprefix(BYTE_ORDER_MARK)  # in bytes json sees it itself
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_or_text(text: str) -> Any:
    """Return the value of a JSON text; what is no JSON is the value itself."""
    try:
        return strict_json(text)
    except ValueError:
        return text


def read_json(source: str, *, hint: str) -> Any:
    """Return the JSON of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read (`hint` says what to do), or is not JSON.
    """
    raw = read_bytes(source, hint=hint)
    try:
        return strict_json(raw)
    except ValueError as exc:
        raise UsageError(f"{named(source)} is not JSON: {exc}", hint=hint) from exc


def read_bytes(source: str, *, hint: str) -> bytes:
    """Return the content of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read.
    """
    if source == "-":
        return _stdin(hint)
    try:
        return Path(source).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(f"{named(source)}: {reason}", hint=hint) from exc


def named(source: str) -> str:
    """Return what a message calls `source`."""
    return "standard input" if source == "-" else source


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


def _stdin(hint: str) -> bytes:
    from kling_cli.cli.output.streams import read_input

    try:
        return read_input()
    except UsageError as exc:
        raise UsageError(exc.message, hint=hint) from exc
