"""Stored callbacks with defaults for every field that a test does not set."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from kling_cli.store.records import StoredCallback

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)


def a_callback(
    number: int = 1,
    *,
    task_id: str | None = "t1",
    status: str = "succeeded",
    **rest: Any,
) -> StoredCallback:
    raw = json.dumps({"id": task_id, "status": status}).encode()
    chosen: dict[str, Any] = {
        "received_at": NOON,
        "product": None,
        "nonce": None,
        "external_id": None,
        "trust": "token",
        "headers": (("content-type", "application/json"),),
        "raw": raw,
        **rest,
    }
    return StoredCallback(id=number, task_id=task_id, status=status, **chosen)
