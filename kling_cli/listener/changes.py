"""Other values in a kept callback's body: `--set KEY=VALUE`. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kling_cli.errors import UsageError
from kling_cli.listener.headers import SIGNATURES, without
from kling_cli.store.journal import KeptCallback


def with_changes(kept: KeptCallback, changes: Mapping[str, Any]) -> KeptCallback:
    """Return the callback with other values in its body, by dotted key.

    The signature it came with is left out, as it holds no longer.

    Raises:
        UsageError: the body is no JSON object, or has no such place.
    """
    if not changes:
        return kept
    try:
        body = json.loads(kept.raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UsageError(f"--set: the body of callback {kept.id} is no JSON object")
    for key, value in changes.items():
        put(body, key, value)
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return replace(kept, raw=raw, headers=without(kept.headers, SIGNATURES))


def put(body: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key, in place.

    Raises:
        UsageError: The body has no such place.
    """
    *way, last = key.split(".")
    place: Any = body
    for name in way:
        place = _step(place, name, key)
    if isinstance(place, list):
        place[_index(place, last, key)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise _no_place(key)


def _step(place: Any, name: str, key: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, name, key)]
    if isinstance(place, dict):
        return place.setdefault(name, {})
    raise _no_place(key)


def _index(place: Sequence[Any], name: str, key: str) -> int:
    if not name.isdecimal() or int(name) >= len(place):
        raise _no_place(key)
    return int(name)


def _no_place(key: str) -> UsageError:
    return UsageError(
        f"--set {key}: the body has no such place", hint="kling events show N"
    )
