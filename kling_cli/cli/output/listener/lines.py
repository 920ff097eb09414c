"""The lines of `kling listen`: a listener event as text or as a JSON object; pure.

`12:00:03 #12 text2video succeeded 84121… after 41s, valid signature`, and later lines
about the same callback with the same number. Events about no callback have no number.
With `--json` each event is one object.
"""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, assert_never

from kling_cli.cli.output.plain_lines import trust_phrase
from kling_cli.cli.output.terminal.text import (
    format_duration,
    one_line,
)
from kling_cli.cli.output.views.callbacks import mismatch_text
from kling_cli.clock import format_timestamp
from kling_cli.jobs.events import Notice
from kling_cli.listener import events
from kling_cli.listener.history.export import callback_fields

if TYPE_CHECKING:
    from kling_cli.listener.events import JsonLineEvent, ListenerEvent

SCHEMA = "kling.listen/1"
_EXCERPT = 160  # characters of an answer; JSON has all that was read
_TUNNEL_WORDS = {
    "up": "the tunnel is up again",
    "down": "the tunnel is down; no callback arrives until it is open again",
    "moved": "the tunnel has a new URL; callbacks to the old one do not arrive",
    "checked": "the tunnel works",
    "died": "the tunnel program has ended; starting it again",
}


def event_text(event: ListenerEvent, now: datetime) -> str:
    """Return what is printed for `event` at `now`, safe on any terminal."""
    if isinstance(event, Notice):
        return warning_text(event)
    return one_line(f"{_local_time(_event_time(event, now))} {_event_words(event)}")


def ready_text(event: events.Ready) -> str:
    """Return the first lines: the callback URL in full, and the targets."""
    lines = [f"callback_url: {event.callback_url}"]
    if event.local_url != event.callback_url:
        lines.append(f"on this machine: {event.local_url}")
    for url, status in zip_longest(event.forward_to, event.route_statuses):
        lines.append(
            f"forwarding {status} to: {url}" if status else f"forwarding to: {url}"
        )
    return "\n".join(one_line(each) for each in lines)


def warning_text(notice: Notice) -> str:
    """Return a warning, on one line."""
    hint = f" ({notice.hint})" if notice.hint else ""
    return one_line(f"warning: {notice.message}{hint}")


def is_result(event: ListenerEvent) -> bool:
    """Return whether an event is about a callback, and so is printed on stdout."""
    stderr_events = events.Ready | events.TunnelChanged | events.Stopped
    return not isinstance(event, stderr_events | Notice)


def is_shown_when_quiet(event: ListenerEvent) -> bool:
    """Return whether an event is printed even under `--quiet`."""
    if isinstance(event, events.Forwarded):
        return event.hint is not None or event.error is not None
    if isinstance(event, events.Verified):
        return not event.is_true
    shown = events.CallbackReceived | events.Reconciled | Notice
    return isinstance(event, shown | events.TunnelChanged)


def _event_words(event: JsonLineEvent) -> str:  # noqa: C901, PLR0911 -- one case a line
    match event:
        case events.Ready():
            return ready_text(event)
        case events.CallbackReceived():
            return _callback(event)
        case events.Forwarded():
            return _forward(event)
        case events.Verified():
            return _verified(event)
        case events.Duplicate(number=number, of=of):
            return f"{_number(number)} is a duplicate of {_number(of)}"
        case events.Stale(number=number, status=status, known=known):
            detail = f"it says {status}, the task is {known} already"
            return f"{_number(number)} came late: {detail}"
        case events.Rejected():
            return _rejected(event)
        case events.TunnelChanged():
            return _tunnel(event)
        case events.Polled(task_ids=ids, reason=reason):
            return f"{reason}; asked the API about {_tasks(len(ids))}"
        case events.Reconciled():
            return _reconciled(event)
        case events.Stopped():
            return _stopped(event)
        case _:
            assert_never(event)


def _callback(event: events.CallbackReceived) -> str:
    since, callback = event.since_submit_s, event.callback
    facts = (
        _number(callback.id),
        callback.product or "-",
        callback.status or "unknown",
        callback.task_id or "-",
        f"after {format_duration(since)}" if since is not None else "",
    )
    return f"{' '.join(each for each in facts if each)}, {trust_phrase(callback.trust)}"


def _forward(event: events.Forwarded) -> str:
    duration = f"{event.duration_s * 1000:.0f}ms"
    status = (
        str(event.status) if event.status is not None else event.error or "no answer"
    )
    attempt = f" attempt {event.attempt}" if event.attempt > 1 else ""
    words = f"{_number(event.number)} -> {status} {event.method} {event.url} {duration}"
    hint = f": {event.hint}" if event.hint else ""
    excerpt = f" | {_truncated(event.excerpt)}" if event.excerpt else ""
    return words + attempt + hint + excerpt


def _truncated(excerpt: str) -> str:
    """Return the beginning of a response on one line, its white space folded."""
    folded = " ".join(excerpt[: 4 * _EXCERPT].split())
    return folded if len(folded) <= _EXCERPT else f"{folded[: _EXCERPT - 3]}..."


def _verified(event: events.Verified) -> str:
    if event.is_true:
        return f"{_number(event.number)} verified with the API"
    found = "; ".join(mismatch_text(each) for each in event.mismatches)
    return f"{_number(event.number)} contradicts the API: {found}"


def _rejected(event: events.Rejected) -> str:
    number = f"{_number(event.number)} " if event.number else ""
    detail = f": {event.detail}" if event.detail else ""
    times = f" ({event.count} so far)" if event.count > 1 else ""
    return f"{number}refused with {event.status}, {event.reason}{detail}{times}"


def _tunnel(event: events.TunnelChanged) -> str:
    words = _TUNNEL_WORDS[event.state]
    detail = f" ({event.detail})" if event.detail else ""
    url = f"; callback_url: {event.callback_url}" if event.callback_url else ""
    return f"{words}{detail}{url}"


def _reconciled(event: events.Reconciled) -> str:
    number = f"{_number(event.number)} " if event.number else ""
    missed = "; its callback was missed" if event.is_missed else ""
    return f"{number}{event.task_id} is {event.status}{missed}"


def _stopped(event: events.Stopped) -> str:
    nonzero = {name: count for name, count in event.counts.items() if count}
    nonzero = {"callbacks": event.counts.get("callbacks", 0)} | nonzero
    counts = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in nonzero.items())
    return f"stopped ({event.reason}): {counts}"


def _number(number: int) -> str:
    return f"#{number}" if number else "#-"


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _event_time(event: ListenerEvent, now: datetime) -> datetime:
    if isinstance(event, events.CallbackReceived):
        return event.callback.received_at
    return now


def _local_time(moment: datetime) -> str:
    """Return the time of day in the local time zone."""
    return moment.astimezone().strftime("%H:%M:%S")


def event_object(event: JsonLineEvent, *, seq: int, now: datetime) -> dict[str, Any]:
    """Return the JSON object of an event; a notice has none and goes to stderr."""
    type_, fields = _event_fields(event)
    return {
        "schema": SCHEMA,
        "type": type_,
        "seq": seq,
        "ts": format_timestamp(now),
        **fields,
    }


def _event_fields(event: JsonLineEvent) -> tuple[str, dict[str, Any]]:  # noqa: C901, PLR0911 -- one case a line
    """Return the type of the event's JSON object, and the fields of that type."""
    match event:
        case events.Ready():
            return "ready", {
                "callback_url": event.callback_url,
                "local_url": event.local_url,
                "forward_to": list(event.forward_to),
            }
        case events.CallbackReceived(callback=callback):
            return "callback", {
                **callback_fields(callback),
                "event_id": callback.id or None,
                "since_submit_s": event.since_submit_s,
            }
        case events.Verified():
            return "verified", {
                "event_id": event.number or None,
                "task_id": event.task_id,
                "is_true": event.is_true,
                "api_status": event.actual,
                "mismatches": [
                    {"field": one.field, "claimed": one.claimed, "actual": one.actual}
                    for one in event.mismatches
                ],
            }
        case events.Forwarded():
            return "forward", forward_fields(event)
        case events.Duplicate():
            return "duplicate", {
                "event_id": event.number or None,
                "of": event.of or None,
            }
        case events.Stale():
            return "stale", {
                "event_id": event.number or None,
                "task_id": event.task_id,
                "status": event.status,
                "known": event.known,
            }
        case events.Rejected():
            return "rejected", {
                "event_id": event.number or None,
                "reason": event.reason,
                "status": event.status,
                "count": event.count,
                "detail": event.detail,
            }
        case events.TunnelChanged():
            return "tunnel", {
                "state": event.state,
                "public_url": event.public_url,
                "callback_url": event.callback_url,
                "detail": event.detail,
            }
        case events.Polled():
            return "poll", {"task_ids": list(event.task_ids), "reason": event.reason}
        case events.Reconciled():
            return "reconciled", {
                "event_id": event.number or None,
                "task_id": event.task_id,
                "status": event.status,
                "is_missed": event.is_missed,
            }
        case events.Stopped():
            return "stopped", {"reason": event.reason, "counts": dict(event.counts)}
        case _:
            assert_never(event)


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
