"""The lines of `kling listen --json`: a listener event as one JSON object; pure."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from kling_cli.cli.output.terminal.text import format_timestamp
from kling_cli.listener import events

if TYPE_CHECKING:
    from kling_cli.listener.events import JsonLineEvent

SCHEMA = "kling.listen/1"


def event_object(line: JsonLineEvent, *, seq: int, now: datetime) -> dict[str, Any]:
    """Return the JSON object of an event; a notice has none and goes to stderr."""
    type_, facts = _facts(line)
    return {
        "schema": SCHEMA,
        "type": type_,
        "seq": seq,
        "ts": format_timestamp(now),
        **facts,
    }


def dumps(document: dict[str, Any]) -> str:
    """Return `document` on one line, in ASCII: it can hurt no terminal."""
    return json.dumps(document, allow_nan=False)


def _facts(line: JsonLineEvent) -> tuple[str, dict[str, Any]]:  # noqa: C901, PLR0911 -- one case a line
    match line:
        case events.Ready():
            return "ready", _ready(line)
        case events.CallbackReceived():
            return "callback", _callback(line)
        case events.Verified():
            return "verified", _verified(line)
        case events.Forwarded():
            return "forward", _forward(line)
        case events.Duplicate(number=number, of=of):
            return "duplicate", {"event_id": number or None, "of": of or None}
        case events.Stale():
            return "stale", _stale(line)
        case events.Rejected():
            return "rejected", _rejected(line)
        case events.TunnelChanged():
            return "tunnel", _tunnel(line)
        case events.Polled(task_ids=ids, reason=reason):
            return "poll", {"task_ids": list(ids), "reason": reason}
        case events.Reconciled():
            return "reconciled", _reconciled(line)
        case events.Stopped(reason=reason, counts=counts):
            return "stopped", {"reason": reason, "counts": dict(counts)}
        case _:
            assert_never(line)


def _ready(line: events.Ready) -> dict[str, Any]:
    return {
        "callback_url": line.callback_url,
        "local_url": line.local_url,
        "forward_to": list(line.forward_to),
    }


def _callback(line: events.CallbackReceived) -> dict[str, Any]:
    return {
        "event_id": line.number or None,
        "received_at": format_timestamp(line.received_at),
        "product": line.product,
        "task_id": line.task_id,
        "external_task_id": line.external_id,
        "status": line.status,
        "trust": line.trust,
        "since_submit_s": line.since_submit_s,
        "headers": _headers(line.headers),
        "body_b64": b64encode(line.raw).decode(),
    }


def _headers(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the headers by name, repeated ones joined as HTTP joins them."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _verified(line: events.Verified) -> dict[str, Any]:
    return {
        "event_id": line.number or None,
        "task_id": line.task_id,
        "is_true": line.is_true,
        "api_status": line.actual,
        "mismatches": [
            {"field": each.field, "claimed": each.claimed, "actual": each.actual}
            for each in line.mismatches
        ],
    }


def _forward(line: events.Forwarded) -> dict[str, Any]:
    return {
        "event_id": line.number or None,
        "method": line.method,
        "url": line.url,
        "status": line.status,
        "duration_s": round(line.duration_s, 6),
        "attempt": line.attempt,
        "error": line.error,
        "hint": line.hint,
        "excerpt": line.excerpt,
    }


def _stale(line: events.Stale) -> dict[str, Any]:
    return {
        "event_id": line.number or None,
        "task_id": line.task_id,
        "status": line.status,
        "known": line.known,
    }


def _rejected(line: events.Rejected) -> dict[str, Any]:
    return {
        "event_id": line.number or None,
        "reason": line.reason,
        "status": line.status,
        "count": line.count,
        "detail": line.detail,
    }


def _tunnel(line: events.TunnelChanged) -> dict[str, Any]:
    return {
        "state": line.state,
        "public_url": line.public_url,
        "callback_url": line.callback_url,
        "detail": line.detail,
    }


def _reconciled(line: events.Reconciled) -> dict[str, Any]:
    return {
        "event_id": line.number or None,
        "task_id": line.task_id,
        "status": line.status,
        "is_missed": line.is_missed,
    }
