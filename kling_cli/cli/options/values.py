"""Values of arguments: task ids, times, JSON, files, standard input."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kling_cli.catalogue import Product
from kling_cli.cli.output.terminal.streams import read_input
from kling_cli.errors import UsageError
from kling_cli.jobs.order import read_values, strict_json
from kling_cli.text import decode_text, is_text, normalize_text


def parse_task_ids(task_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the task ids in the order typed, each once, without surrounding space.

    Carriage returns and a byte order mark, as of a list saved on Windows, are removed.

    Raises:
        UsageError: an id is empty, as an unset shell variable makes it.
    """
    ids = tuple(dict.fromkeys(normalize_text(each).strip() for each in task_ids))
    if not is_text(ids):
        raise UsageError(
            "a task id is not a text", hint="kling list shows the ids of this machine"
        )
    if "" in ids:
        raise UsageError(
            "a task id is empty", hint="kling list shows the ids of this machine"
        )
    return ids


def read_json(source: str, *, hint: str) -> Any:
    """Return the JSON of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read (`hint` says what to do), or is not JSON.
    """
    raw = read_bytes(source, hint=hint)
    try:
        return strict_json(raw)
    except ValueError as exc:
        raise UsageError(
            f"{source_name(source)} is not JSON: {exc}", hint=hint
        ) from exc


def read_bytes(source: str, *, hint: str) -> bytes:
    """Return the content of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read.
    """
    if source == "-":
        return _read_stdin(hint)
    try:
        return Path(source).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(f"{source_name(source)}: {reason}", hint=hint) from exc


def source_name(source: str) -> str:
    """Return the name of a source in messages."""
    return "standard input" if source == "-" else source


def _read_stdin(hint: str) -> bytes:
    try:
        return read_input()
    except UsageError as exc:
        raise UsageError(exc.message, hint=hint) from exc


def read_option_values(product: Product, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that options give; a prompt `-` is standard input.

    Raises:
        UsageError: as `read_values`, or standard input cannot be read.
    """
    return read_values(product, typed, read_stdin=_text_from_stdin)


def _text_from_stdin() -> str:
    """Return standard input to its end, as text."""
    try:
        return decode_text(read_input()).strip()
    except ValueError as exc:
        raise UsageError(
            f"standard input is {exc}", hint="save it as UTF-8, or convert it: iconv"
        ) from exc


_RELATIVE_TIME = re.compile(r"(\d+)([smhdw])")


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(text: str, now: datetime, *, option: str = "--since") -> datetime:
    """Return the time of `2h`, `3d` or an ISO date; without a zone it is UTC.

    `option` is what was typed, for the error message.

    Raises:
        UsageError: it is not a time.
    """
    try:
        if ago := _RELATIVE_TIME.fullmatch(text.strip().lower()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        stated = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as exc:
        raise UsageError(
            f"{option} {text}: not a time",
            hint="2h, 3d, 2026-10-04 or 2026-10-04T12:00",
        ) from exc
    return stated if stated.tzinfo is not None else stated.replace(tzinfo=UTC)


def resolve_task_id(typed: str | None) -> str | None:
    """Return the typed task id; `last` and `last~N` are looked up in the journal.

    Raises:
        UsageError: there is no such task.
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.jobs.history import last_offset, resolve_task_name

    if typed is None or last_offset(typed) is None:
        return typed
    return resolve_task_name(typed, load_settings({}))
