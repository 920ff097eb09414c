"""One plain line an event, for a reader that is no terminal; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kling_cli.cli.report.authentication import phrase
from kling_cli.cli.report.escape import lines, one_line
from kling_cli.cli.report.quantities import duration, expected, size, units
from kling_cli.jobs import events as happened

if TYPE_CHECKING:
    from kling_cli.errors import KlingError
    from kling_cli.jobs.events import Event, JobResult

_PATH_WORDS = MappingProxyType(
    {
        "ready": "callbacks can come in",
        "proven": "callbacks arrive; polling less",
        "lost": "the way for callbacks is lost; polling more",
        "back": "the way for callbacks is back",
        "none": "no callbacks; polling",
    }
)
_NEWS_WORDS = MappingProxyType(
    {"callback": "notified by callback", "poll": "found by polling"}
)
_VIA_WORDS = MappingProxyType(
    {
        "shared": "through another kling",
        "loopback": "on this machine",
        "url": "through your URL",
    }
)


def line(event: Event) -> str | None:
    """Return what is printed for `event`, one line; None when it is not news."""
    text = _LINES[type(event)](event)
    return None if text is None else one_line(text)


def is_warning(event: Event) -> bool:
    """Return whether even a command that only looks should say this."""
    return isinstance(event, happened.Notice | happened.AskFailed)


def error_lines(error: KlingError) -> Iterator[str]:
    """Yield what a person is told about a failure: `error: …` and `hint: …`."""
    first, *rest = _message_lines(error)
    yield f"error: {first}"
    for each in rest:
        yield f"       {each}"
    if error.hint:
        yield f"hint: {' '.join(lines(error.hint))}"


def path_words(event: happened.CallbackPath) -> str:
    """Return how the way for callbacks stands, in a few words."""
    words = _PATH_WORDS.get(event.state, event.state)
    if event.via is None or event.state not in ("ready", "back"):
        return words
    return f"{words} {_VIA_WORDS.get(event.via, f'through {event.via}')}"


def summary(result: JobResult) -> str:
    """Return the last line about a job: how it ended, its time and cost."""
    name = result.task_id or result.external_id or "the job"
    facts = [f"{name} {result.state.value}"]
    if result.state is happened.State.UNKNOWN:
        facts = [f"{name} not finished"]
    if result.task_s is not None:
        facts.append(f"took {duration(result.task_s)}")
    elif result.elapsed_s is not None:
        facts.append(f"after {duration(result.elapsed_s)}")
    if result.units is not None:
        facts.append(units(result.units))
    if result.completed_by is not None:
        facts.append(_NEWS_WORDS.get(result.completed_by, result.completed_by))
    return ", ".join(facts)


def _message_lines(error: KlingError) -> list[str]:
    """Return the message's lines; one with the API's words in it stays on one."""
    if error.code is not None:
        return [one_line(error.message)]
    return lines(error.message) or [error.type]


def _with_hint(text: str, hint: str | None) -> str:
    return f"{text} ({hint})" if hint else text


def _prepared(event: happened.Prepared) -> str:
    cost = expected(event.units, event.at_most_units, event.usd)
    what = _what(event.product, event.model) + (f", {cost}" if cost else "")
    return f"{what} ({event.external_id})"


def _tunnel_opening(event: happened.TunnelOpening) -> str:
    failure = f" ({event.detail})" if event.detail else ""
    return f"opening a tunnel with {event.provider}{failure}"


def _callback_path(event: happened.CallbackPath) -> str:
    detail = f": {event.detail}" if event.detail else ""
    return _with_hint(path_words(event) + detail, event.hint)


def _waiting_for_slot(event: happened.WaitingForSlot) -> str:
    pause = duration(event.pause_s)
    return f"waiting for a slot, attempt {event.attempt}; again in {pause}"


def _send_failed(event: happened.SendFailed) -> str:
    tries = f"try {event.attempt} of {event.most_attempts}"
    pause = duration(event.retry_s)
    return f"could not submit, {tries}: {event.error.message}; again in {pause}"


def _settling(event: happened.Settling) -> str:
    return (
        f"not sure the API took the job ({event.reason}); "
        f"asking for {event.external_id}"
    )


def _submitted(event: happened.Submitted) -> str:
    usual = "" if event.usual_s is None else f", usually {duration(event.usual_s)}"
    return f"submitted {event.task_id}: {_what(event.product, event.model)}{usual}"


def _what(product: str, model: str | None) -> str:
    """Return what is made, and by which model where there is a choice."""
    return f"{product} with {model}" if model not in (None, product) else product


def _status_changed(event: happened.StatusChanged) -> str | None:
    if event.status.is_final:
        return None  # `Finished` says so, with the figures
    reason = f": {event.message}" if event.message else ""
    return f"{event.task_id} {event.status.value}{reason}"


def _callback_arrived(event: happened.CallbackArrived) -> str:
    name = event.task_id or "a task"
    how = phrase(event.trust)
    return f"callback: {name} {event.status} ({how}); checking with the API"


def _ask_failed(event: happened.AskFailed) -> str:
    pause = duration(event.retry_s)
    tries = f", try {event.attempt}" if event.attempt > 1 else ""
    return f"could not ask{tries}: {event.error.message}; again in {pause}"


def _download_resumed(event: happened.DownloadResumed) -> str:
    whole = "" if event.total_bytes is None else f" of {size(event.total_bytes)}"
    return f"resuming {event.name} after {size(event.done_bytes)}{whole}"


def _download_retry(event: happened.DownloadRetry) -> str:
    return f"{event.name}: {event.reason}; again in {duration(event.retry_s)}"


def _saved(event: happened.Saved) -> str:
    return f"saved {event.path} ({size(event.total_bytes)})"


def _notice(event: happened.Notice) -> str:
    return "warning: " + _with_hint(event.message, event.hint)


def _remark(event: happened.Remark) -> str:
    return event.message


def _finished(event: happened.Finished) -> str | None:
    if event.result.task_id is None and event.result.error is not None:
        return None  # there never was a task; the error says all
    return summary(event.result)


def _silent(_: object) -> None:
    """Say nothing: too frequent to be news on a line of its own."""


_LINES: Mapping[type, Callable[[Any], str | None]] = MappingProxyType(
    {
        happened.Prepared: _prepared,
        happened.TunnelOpening: _tunnel_opening,
        happened.CallbackPath: _callback_path,
        happened.WaitingForSlot: _waiting_for_slot,
        happened.SendFailed: _send_failed,
        happened.Settling: _settling,
        happened.Submitted: _submitted,
        happened.StatusChanged: _status_changed,
        happened.CallbackArrived: _callback_arrived,
        happened.Asking: _silent,
        happened.AskFailed: _ask_failed,
        happened.Downloading: _silent,
        happened.DownloadResumed: _download_resumed,
        happened.DownloadRetry: _download_retry,
        happened.Saved: _saved,
        happened.Notice: _notice,
        happened.Remark: _remark,
        happened.Finished: _finished,
    }
)


_COLORS = (("error:", 31), ("warning:", 33), ("hint:", 36), ("saved ", 32))


def colored(text: str) -> str:
    """Return `text` with its first word coloured, where that word means something."""
    for start, color in _COLORS:
        if text.startswith(start):
            return f"\033[{color}m{start}\033[0m{text[len(start) :]}"
    return text
