"""Plain lines: one line of text an event, for a pipe or a log; pure."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from kling_cli import store
from kling_cli.cli.output.terminal.text import (
    escaped_lines,
    format_duration,
    format_estimate,
    format_size,
    format_units,
    one_line,
)
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
_TRUST_PHRASES = MappingProxyType(
    {
        "signed": "valid signature",
        "token": "via the secret URL",
        "open": "not authenticated",
        "mock": "mock",
        "api": "made from the API's answer",
    }
)


def event_line(event: Event) -> str | None:
    """Return the line printed for `event`; None when it has none."""
    text = _event_words(event)
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


def _event_words(event: Event) -> str | None:  # noqa: C901, PLR0911, PLR0912 -- one case a line
    match event:
        case events.Prepared():
            cost = format_estimate(event.units, event.at_most_units, event.usd)
            what = _product_and_model(event) + (f", {cost}" if cost else "")
            return f"{what} ({event.external_id})"
        case events.TunnelOpening():
            failure = f" ({event.detail})" if event.detail else ""
            return f"opening a tunnel with {event.provider}{failure}"
        case events.CallbackPath():
            detail = f": {event.detail}" if event.detail else ""
            return _with_hint(callback_path_text(event) + detail, event.hint)
        case events.WaitingForSlot():
            again = _again_in(event.pause_s)
            return f"waiting for a slot, attempt {event.attempt}; {again}"
        case events.SendFailed():
            failure = (
                f"try {event.attempt} of {event.most_attempts}: {event.error.message}"
            )
            return f"could not submit, {failure}; {_again_in(event.retry_s)}"
        case events.OutcomeCheck():
            question = f"asking for {event.external_id}"
            return f"not sure the API took the job ({event.reason}); {question}"
        case events.Submitted(usual_s=usual_s):
            usual = "" if usual_s is None else f", usually {format_duration(usual_s)}"
            return f"submitted {event.task_id}: {_product_and_model(event)}{usual}"
        case events.StatusChanged(status=status):
            reason = f": {event.message}" if event.message else ""
            # `Finished` has the final one, with the figures
            return (
                None if status.is_final else f"{event.task_id} {status.value}{reason}"
            )
        case events.CallbackArrived():
            claim = f"{event.task_id or 'a task'} {event.status}"
            how = trust_phrase(event.trust)
            return f"callback: {claim} ({how}); checking with the API"
        case events.QueryFailed():
            tries = f", try {event.attempt}" if event.attempt > 1 else ""
            failure = f"could not ask{tries}: {event.error.message}"
            return f"{failure}; {_again_in(event.retry_s)}"
        case events.DownloadResumed(total_bytes=total):
            whole = "" if total is None else f" of {format_size(total)}"
            return f"resuming {event.name} after {format_size(event.done_bytes)}{whole}"
        case events.DownloadRetry():
            return f"{event.name}: {event.reason}; {_again_in(event.retry_s)}"
        case events.Saved():
            return f"saved {event.path} ({format_size(event.total_bytes)})"
        case events.Notice():
            return "warning: " + _with_hint(event.message, event.hint)
        case events.Remark():
            return event.message
        case events.Finished(result=result):
            is_without_task = result.task_id is None and result.error is not None
            # its error is printed
            return None if is_without_task else result_summary(result)
        case events.Querying() | events.Downloading():
            return None  # too frequent for a line of its own
        case _:
            assert_never(event)


def _with_hint(text: str, hint: str | None) -> str:
    return f"{text} ({hint})" if hint else text


def _again_in(pause_s: float) -> str:
    return f"again in {format_duration(pause_s)}"


def _product_and_model(event: events.Prepared | events.Submitted) -> str:
    """Return what is made, and by which model where there is a choice."""
    product, model = event.product, event.model
    return f"{product} with {model}" if model not in (None, product) else product


def trust_phrase(trust: str) -> str:
    """Return how a callback was authenticated, as a phrase in a sentence."""
    return _TRUST_PHRASES.get(trust, trust)
