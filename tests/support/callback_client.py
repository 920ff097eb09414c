"""Knocks at a listener's door as Kling, or somebody worse, would."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door said, and how long it took."""

    status: int
    seconds: float


def knock(url: str, body: bytes | dict[str, Any]) -> Answer:
    """POST `body` to `url`; a door that hangs up in the middle has status 0."""
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
    return Answer(status, time.monotonic() - start)


def new_style(task_id: str, status: str, url: str | None = None) -> dict[str, Any]:
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


def old_style(task_id: str, status: str) -> dict[str, Any]:
    """Return a callback of the legacy shape. Source: API reference 4.3."""
    return {"task_id": task_id, "task_status": status, "task_status_msg": ""}
