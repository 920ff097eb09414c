"""Sends callbacks to a listener as Kling, or an attacker, would."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PostResult:
    """The status of the response, and how long it took."""

    status: int
    seconds: float


def post_callback(url: str, body: bytes | dict[str, Any]) -> PostResult:
    """POST `body` to `url`; status 0 when it is closed without a response."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    place = urlsplit(url)
    line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    start = time.monotonic()
    try:
        line.request("POST", place.path, raw, {"content-type": "application/json"})
        status = line.getresponse().status
    except (ConnectionError, http.client.BadStatusLine):
        status = 0
    finally:
        line.close()
    return PostResult(status, time.monotonic() - start)


def current_payload(
    task_id: str, status: str, url: str | None = None
) -> dict[str, Any]:
    """Return a callback of the new standard. Source: API reference 4.2."""
    outputs = [{"type": "video", "id": "1", "url": url, "duration": "5.041"}]
    return {
        "id": task_id,
        "status": status,
        "message": "",
        "create_time": 1793000000000,
        "update_time": 1793000041000,
        "outputs": outputs if url else [],
    }


def legacy_payload(task_id: str, status: str) -> dict[str, Any]:
    """Return a callback of the legacy shape. Source: API reference 4.3."""
    return {"task_id": task_id, "task_status": status, "task_status_msg": ""}
