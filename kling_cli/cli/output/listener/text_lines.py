"""The lines of `kling listen`: a listener event as one line of text; pure.

`12:00:03 #12 text2video succeeded 84121… after 41s, valid signature`, and what became
of it below with the same number. What belongs to no callback has no number.
"""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, assert_never

from kling_cli.cli.output.terminal.text import format_duration, one_line
from kling_cli.cli.output.views.callbacks import mismatch_text
from kling_cli.cli.output.views.trust_labels import trust_phrase
from kling_cli.jobs.events import Notice
from kling_cli.listener import events

if TYPE_CHECKING:
    from kling_cli.listener.events import JsonLineEvent, ListenerEvent

_EXCERPT = 160  # characters of an answer; JSON has all that was read
_TUNNEL_WORDS = {
    "up": "the tunnel is up again",
    "down": "the tunnel is down; no callback arrives until it is open again",
    "moved": "the tunnel has a new URL; callbacks to the old one do not arrive",
    "checked": "the tunnel works",
    "died": "the tunnel program has ended; starting it again",
}


def event_text(line: ListenerEvent, now: datetime) -> str:
    """Return what is printed for `line` at `now`, safe on any terminal."""
    if isinstance(line, Notice):
        return warning_text(line)
    return one_line(f"{_local_time(_event_time(line, now))} {_event_words(line)}")


def ready_text(line: events.Ready) -> str:
    """Return the first lines: the callback URL in full, and the targets."""
    told = [f"callback_url: {line.callback_url}"]
    if line.local_url != line.callback_url:
        told.append(f"on this machine: {line.local_url}")
    for url, status in zip_longest(line.forward_to, line.route_statuses):
        told.append(
            f"forwarding {status} to: {url}" if status else f"forwarding to: {url}"
        )
    return "\n".join(one_line(each) for each in told)


def warning_text(notice: Notice) -> str:
    """Return a warning, on one line."""
    hint = f" ({notice.hint})" if notice.hint else ""
    return one_line(f"warning: {notice.message}{hint}")


def is_result(line: ListenerEvent) -> bool:
    """Return whether an event is about a callback, and so is printed on stdout."""
    said_aside = events.Ready | events.TunnelChanged | events.Stopped
    return not isinstance(line, said_aside | Notice)


def is_shown_when_quiet(line: ListenerEvent) -> bool:
    """Return whether an event is printed even under `--quiet`."""
    if isinstance(line, events.Forwarded):
        return line.hint is not None or line.error is not None
    if isinstance(line, events.Verified):
        return not line.is_true
    shown = events.CallbackReceived | events.Reconciled | Notice
    return isinstance(line, shown | events.TunnelChanged)


def _event_words(line: JsonLineEvent) -> str:  # noqa: C901, PLR0911 -- one case a line
    match line:
        case events.Ready():
            return ready_text(line)
        case events.CallbackReceived():
            return _callback(line)
        case events.Forwarded():
            return _forward(line)
        case events.Verified():
            return _verified(line)
        case events.Duplicate(number=number, of=of):
            return f"{_number(number)} is a duplicate of {_number(of)}"
        case events.Stale(number=number, status=status, known=known):
            late = f"it says {status}, the task is {known} already"
            return f"{_number(number)} came late: {late}"
        case events.Rejected():
            return _rejected(line)
        case events.TunnelChanged():
            return _tunnel(line)
        case events.Polled(task_ids=ids, reason=reason):
            return f"{reason}; asked the API about {_tasks(len(ids))}"
        case events.Reconciled():
            return _reconciled(line)
        case events.Stopped():
            return _stopped(line)
        case _:
            assert_never(line)


def _callback(line: events.CallbackReceived) -> str:
    since = line.since_submit_s
    facts = (
        _number(line.number),
        line.product or "-",
        line.status or "unknown",
        line.task_id or "-",
        f"after {format_duration(since)}" if since is not None else "",
    )
    return f"{' '.join(each for each in facts if each)}, {trust_phrase(line.trust)}"


def _forward(line: events.Forwarded) -> str:
    took = f"{line.duration_s * 1000:.0f}ms"
    status = str(line.status) if line.status is not None else line.error or "no answer"
    attempt = f" attempt {line.attempt}" if line.attempt > 1 else ""
    words = f"{_number(line.number)} -> {status} {line.method} {line.url} {took}"
    hint = f": {line.hint}" if line.hint else ""
    excerpt = f" | {_truncated(line.excerpt)}" if line.excerpt else ""
    return words + attempt + hint + excerpt


def _truncated(excerpt: str) -> str:
    """Return the beginning of a response on one line, its white space folded."""
    folded = " ".join(excerpt[: 4 * _EXCERPT].split())
    return folded if len(folded) <= _EXCERPT else f"{folded[: _EXCERPT - 3]}..."


def _verified(line: events.Verified) -> str:
    if line.is_true:
        return f"{_number(line.number)} verified with the API"
    found = "; ".join(mismatch_text(each) for each in line.mismatches)
    return f"{_number(line.number)} contradicts the API: {found}"


def _rejected(line: events.Rejected) -> str:
    number = f"{_number(line.number)} " if line.number else ""
    detail = f": {line.detail}" if line.detail else ""
    times = f" ({line.count} so far)" if line.count > 1 else ""
    return f"{number}refused with {line.status}, {line.reason}{detail}{times}"


def _tunnel(line: events.TunnelChanged) -> str:
    words = _TUNNEL_WORDS[line.state]
    detail = f" ({line.detail})" if line.detail else ""
    url = f"; callback_url: {line.callback_url}" if line.callback_url else ""
    return f"{words}{detail}{url}"


def _reconciled(line: events.Reconciled) -> str:
    number = f"{_number(line.number)} " if line.number else ""
    missed = "; its callback was missed" if line.is_missed else ""
    return f"{number}{line.task_id} is {line.status}{missed}"


def _stopped(line: events.Stopped) -> str:
    said = {name: count for name, count in line.counts.items() if count}
    said = {"callbacks": line.counts.get("callbacks", 0)} | said
    counts = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in said.items())
    return f"stopped ({line.reason}): {counts}"


def _number(number: int) -> str:
    return f"#{number}" if number else "#-"


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _event_time(line: ListenerEvent, now: datetime) -> datetime:
    return line.received_at if isinstance(line, events.CallbackReceived) else now


def _local_time(moment: datetime) -> str:
    """Return the time of day in the local time zone."""
    return moment.astimezone().strftime("%H:%M:%S")
