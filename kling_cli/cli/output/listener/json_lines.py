"""The lines of `kling listen --json`: a listener event as one JSON object; pure."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from kling_cli.cli.output.terminal.text import format_timestamp
from kling_cli.listener import events
from kling_cli.listener.forwarding.headers import joined_headers

if TYPE_CHECKING:
    from kling_cli.listener.events import JsonLineEvent

SCHEMA = "kling.listen/1"


def event_object(event: JsonLineEvent, *, seq: int, now: datetime) -> dict[str, Any]:
    """Return the JSON object of an event; a notice has none and goes to stderr."""
    type_, facts = _facts(event)
    return {
        "schema": SCHEMA,
        "type": type_,
        "seq": seq,
        "ts": format_timestamp(now),
        **facts,
    }


def _facts(event: JsonLineEvent) -> tuple[str, dict[str, Any]]:  # noqa: C901, PLR0911 -- one case a line
    match event:
        case events.Ready():
            return "ready", _ready(event)
        case events.CallbackReceived():
            return "callback", _callback(event)
        case events.Verified():
            return "verified", _verified(event)
        case events.Forwarded():
            return "forward", forward_fields(event)
        case events.Duplicate(number=number, of=of):
            return "duplicate", {"event_id": number or None, "of": of or None}
        case events.Stale():
            return "stale", _stale(event)
        case events.Rejected():
            return "rejected", _rejected(event)
        case events.TunnelChanged():
            return "tunnel", _tunnel(event)
        case events.Polled(task_ids=ids, reason=reason):
            return "poll", {"task_ids": list(ids), "reason": reason}
        case events.Reconciled():
            return "reconciled", _reconciled(event)
        case events.Stopped(reason=reason, counts=counts):
            return "stopped", {"reason": reason, "counts": dict(counts)}
        case _:
            assert_never(event)


def _ready(event: events.Ready) -> dict[str, Any]:
    return {
        "callback_url": event.callback_url,
        "local_url": event.local_url,
        "forward_to": list(event.forward_to),
    }


def _callback(event: events.CallbackReceived) -> dict[str, Any]:
    return {
        "event_id": event.number or None,
        "received_at": format_timestamp(event.received_at),
        "product": event.product,
        "task_id": event.task_id,
        "external_task_id": event.external_id,
        "status": event.status,
        "trust": event.trust,
        "since_submit_s": event.since_submit_s,
        "headers": joined_headers(event.headers),
        "body_b64": b64encode(event.raw).decode(),
    }


def _verified(event: events.Verified) -> dict[str, Any]:
    return {
        "event_id": event.number or None,
        "task_id": event.task_id,
        "is_true": event.is_true,
        "api_status": event.actual,
        "mismatches": [
            {"field": each.field, "claimed": each.claimed, "actual": each.actual}
            for each in event.mismatches
        ],
    }


def forward_fields(event: events.Forwarded) -> dict[str, Any]:
    """Return the fields of a `forward` line, which `kling replay` has too."""
    return {
        "event_id": event.number or None,
        "method": event.method,
        "url": event.url,
        "status": event.status,
        "duration_s": round(event.duration_s, 6),
        "attempt": event.attempt,
        "error": event.error,
        "hint": event.hint,
        "excerpt": event.excerpt,
    }


def _stale(event: events.Stale) -> dict[str, Any]:
    return {
        "event_id": event.number or None,
        "task_id": event.task_id,
        "status": event.status,
        "known": event.known,
    }


def _rejected(event: events.Rejected) -> dict[str, Any]:
    return {
        "event_id": event.number or None,
        "reason": event.reason,
        "status": event.status,
        "count": event.count,
        "detail": event.detail,
    }


def _tunnel(event: events.TunnelChanged) -> dict[str, Any]:
    return {
        "state": event.state,
        "public_url": event.public_url,
        "callback_url": event.callback_url,
        "detail": event.detail,
    }


def _reconciled(event: events.Reconciled) -> dict[str, Any]:
    return {
        "event_id": event.number or None,
        "task_id": event.task_id,
        "status": event.status,
        "is_missed": event.is_missed,
    }
