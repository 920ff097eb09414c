"""Plain lines: one line of text an event, for a pipe or a log; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kling_cli import store
from kling_cli.cli.output.terminal.text import (
    escaped_lines,
    format_duration,
    format_estimate,
    format_size,
    format_units,
    one_line,
)
from kling_cli.cli.output.views.trust_labels import trust_phrase
from kling_cli.jobs import events

if TYPE_CHECKING:
    from kling_cli.errors import KlingError
    from kling_cli.jobs.events import Event, JobResult

_PATH_LABELS = MappingProxyType(
    {
        "ready": "callbacks can come in",
        "proven": "callbacks arrive; polling less",
        "lost": "the way for callbacks is lost; polling more",
        "back": "the way for callbacks is back",
        "none": "no callbacks; polling",
    }
)
_COMPLETION_LABELS = MappingProxyType(
    {"callback": "notified by callback", "poll": "found by polling"}
)
_VIA_LABELS = MappingProxyType(
    {
        "shared": "through another kling",
        "loopback": "on this machine",
        "url": "through your URL",
    }
)


def event_line(event: Event) -> str | None:
    """Return the line printed for `event`; None when it has none."""
    text = _FORMATTERS[type(event)](event)
    return None if text is None else one_line(text)


def is_warning(event: Event) -> bool:
    """Return whether an event is printed even by a brief reporter."""
    return isinstance(event, events.Notice | events.QueryFailed)


def error_lines(error: KlingError) -> Iterator[str]:
    """Yield the lines of an error: `error: …` and `hint: …`."""
    first, *rest = _message_lines(error)
    yield f"error: {first}"
    for each in rest:
        yield f"       {each}"
    if error.hint:
        yield f"hint: {' '.join(escaped_lines(error.hint))}"


def callback_path_text(event: events.CallbackPath) -> str:
    """Return the state of the callback path in a few words."""
    words = _PATH_LABELS.get(event.state, event.state)
    if event.via is None or event.state not in ("ready", "back"):
        return words
    return f"{words} {_VIA_LABELS.get(event.via, f'through {event.via}')}"


def result_summary(result: JobResult) -> str:
    """Return the last line about a job: final state, time and cost."""
    name = result.task_id or result.external_id or "the job"
    facts = [f"{name} {result.state.value}"]
    if result.state is store.State.UNKNOWN:
        facts = [f"{name} not finished"]
    if result.task_s is not None:
        facts.append(f"took {format_duration(result.task_s)}")
    elif result.elapsed_s is not None and not result.status.is_final:
        facts.append(f"after {format_duration(result.elapsed_s)}")
    if result.units is not None:
        facts.append(format_units(result.units))
    if result.completed_by is not None and not _was_complete_at_once(result):
        facts.append(_COMPLETION_LABELS.get(result.completed_by, result.completed_by))
    return ", ".join(facts)


def _was_complete_at_once(result: JobResult) -> bool:
    """Whether the create call's answer was the final state: nothing was polled for."""
    return result.completed_by == "poll" and not result.query_requests


def _message_lines(error: KlingError) -> list[str]:
    """Return the message's lines; one with the API's words stays on one line."""
    if error.code is not None:
        return [one_line(error.message)]
    return escaped_lines(error.message) or [error.type]


def _with_hint(text: str, hint: str | None) -> str:
    return f"{text} ({hint})" if hint else text


def _prepared(event: events.Prepared) -> str:
    cost = format_estimate(event.units, event.at_most_units, event.usd)
    what = _product_and_model(event.product, event.model) + (
        f", {cost}" if cost else ""
    )
    return f"{what} ({event.external_id})"


def _tunnel_opening(event: events.TunnelOpening) -> str:
    failure = f" ({event.detail})" if event.detail else ""
    return f"opening a tunnel with {event.provider}{failure}"


def _callback_path(event: events.CallbackPath) -> str:
    detail = f": {event.detail}" if event.detail else ""
    return _with_hint(callback_path_text(event) + detail, event.hint)


def _waiting_for_slot(event: events.WaitingForSlot) -> str:
    pause = format_duration(event.pause_s)
    return f"waiting for a slot, attempt {event.attempt}; again in {pause}"


def _send_failed(event: events.SendFailed) -> str:
    tries = f"try {event.attempt} of {event.most_attempts}"
    pause = format_duration(event.retry_s)
    return f"could not submit, {tries}: {event.error.message}; again in {pause}"


def _outcome_check(event: events.OutcomeCheck) -> str:
    return (
        f"not sure the API took the job ({event.reason}); "
        f"asking for {event.external_id}"
    )


def _submitted(event: events.Submitted) -> str:
    usual = (
        "" if event.usual_s is None else f", usually {format_duration(event.usual_s)}"
    )
    what = _product_and_model(event.product, event.model)
    return f"submitted {event.task_id}: {what}{usual}"


def _product_and_model(product: str, model: str | None) -> str:
    """Return what is made, and by which model where there is a choice."""
    return f"{product} with {model}" if model not in (None, product) else product


def _status_changed(event: events.StatusChanged) -> str | None:
    if event.status.is_final:
        return None  # `Finished` has it, with the figures
    reason = f": {event.message}" if event.message else ""
    return f"{event.task_id} {event.status.value}{reason}"


def _callback_arrived(event: events.CallbackArrived) -> str:
    name = event.task_id or "a task"
    how = trust_phrase(event.trust)
    return f"callback: {name} {event.status} ({how}); checking with the API"


def _query_failed(event: events.QueryFailed) -> str:
    pause = format_duration(event.retry_s)
    tries = f", try {event.attempt}" if event.attempt > 1 else ""
    return f"could not ask{tries}: {event.error.message}; again in {pause}"


def _download_resumed(event: events.DownloadResumed) -> str:
    whole = "" if event.total_bytes is None else f" of {format_size(event.total_bytes)}"
    return f"resuming {event.name} after {format_size(event.done_bytes)}{whole}"


def _download_retry(event: events.DownloadRetry) -> str:
    return f"{event.name}: {event.reason}; again in {format_duration(event.retry_s)}"


def _saved(event: events.Saved) -> str:
    return f"saved {event.path} ({format_size(event.total_bytes)})"


def _notice(event: events.Notice) -> str:
    return "warning: " + _with_hint(event.message, event.hint)


def _remark(event: events.Remark) -> str:
    return event.message


def _finished(event: events.Finished) -> str | None:
    if event.result.task_id is None and event.result.error is not None:
        return None  # there is no task; the error is printed
    return result_summary(event.result)


def _no_line(_: object) -> None:
    """Return None: too frequent for a line of its own."""


_FORMATTERS: Mapping[type, Callable[[Any], str | None]] = MappingProxyType(
    {
        events.Prepared: _prepared,
        events.TunnelOpening: _tunnel_opening,
        events.CallbackPath: _callback_path,
        events.WaitingForSlot: _waiting_for_slot,
        events.SendFailed: _send_failed,
        events.OutcomeCheck: _outcome_check,
        events.Submitted: _submitted,
        events.StatusChanged: _status_changed,
        events.CallbackArrived: _callback_arrived,
        events.Querying: _no_line,
        events.QueryFailed: _query_failed,
        events.Downloading: _no_line,
        events.DownloadResumed: _download_resumed,
        events.DownloadRetry: _download_retry,
        events.Saved: _saved,
        events.Notice: _notice,
        events.Remark: _remark,
        events.Finished: _finished,
    }
)
