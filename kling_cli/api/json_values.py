"""Converts untrusted JSON values: each to its type, or to None."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

MAX_TEXT_CHARS: Final = 1 << 16  # characters; a signed URL has a few thousand at most
_MIN_MILLISECONDS: Final = (
    1e11  # as seconds this is the year 5138, as milliseconds 1973
)
_MAX_TIMESTAMP_S: Final = 253_402_300_799.0  # the last second a datetime can hold
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_json(raw: bytes) -> Any:
    """Return the JSON value of `raw`.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def first_value(data: Mapping[str, Any], *keys: str) -> Any:
    """Return the value of the first of `keys` that is present and not null."""
    return next((data[key] for key in keys if data.get(key) is not None), None)


def as_text(value: Any) -> str | None:
    """Return a text that can be encoded, or the digits of an integer.

    An empty text is None.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 1 << 64 else None
    if not isinstance(value, str) or not value.strip():
        return None
    return value[:MAX_TEXT_CHARS].encode("utf-8", "replace").decode("utf-8")


def as_number(value: Any) -> float | None:
    """Return a finite number, from a number or a text such as `5.041`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def as_integer(value: Any) -> int | None:
    """Return an integer, from a number or a text such as `1303`."""
    found = as_number(value)
    return int(found) if found is not None and found.is_integer() else None


def as_datetime(value: Any) -> datetime | None:
    """Return the time of Unix milliseconds (or seconds, by their size)."""
    found = as_number(value)
    if found is None or found <= 0:
        return None
    seconds = found / 1000 if found >= _MIN_MILLISECONDS else found
    return _EPOCH + timedelta(seconds=seconds) if seconds <= _MAX_TIMESTAMP_S else None


def to_unix_ms(moment: datetime | None) -> int | None:
    """Return a time in Unix milliseconds, the API's form."""
    return None if moment is None else int(moment.timestamp() * 1000)


def as_object(value: Any) -> Mapping[str, Any]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list; nothing for anything else."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from (item for item in value if isinstance(item, Mapping))
