"""Exports stored callbacks as JSON, as an HTTP archive and as curl commands. Pure."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from kling_cli import __version__
from kling_cli.clock import format_timestamp
from kling_cli.listener.forwarding.headers import (
    forwarded_headers,
    joined_headers,
    masked_headers,
)
from kling_cli.listener.forwarding.targets import DEFAULT_PATH, Target, parse_target
from kling_cli.store import ForwardOutcomes, StoredCallback, StoredForward

MASKED_URL: Final = "http://127.0.0.1/callback/****"  # the real one is a secret
_MAX_ARGUMENT_CHARS: Final = 100_000  # Linux allows 128 KiB an argument
_UNKNOWN_SIZE: Final = -1  # as HAR has it
_MS: Final = 1000.0


def curl_command(url: str, headers: Iterable[tuple[str, str]], raw: bytes) -> str:
    """Return a one-line command for a POSIX shell; it sends the body byte for byte."""
    argv = ["curl", "-sS", "-X", "POST", url]
    sent = list(headers)
    if "content-type" not in {name.lower() for name, _ in sent}:
        sent.append(("Content-Type", ""))  # curl adds a form's otherwise
    for name, value in sent:
        argv += ["-H", f"{name}: {value}" if value else f"{name}:"]
    text = _as_text(raw)
    if text is not None:
        return shlex.join([*argv, "--data-raw", text])
    encoded = base64.b64encode(raw).decode()
    return f"printf %s {encoded} | base64 -d | {shlex.join(argv)} --data-binary @-"


def _as_text(raw: bytes) -> str | None:
    """Return the body as a shell argument; None when none can hold it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_plain = text.isprintable()  # no line breaks: it is one line
    return text if is_plain and len(raw) <= _MAX_ARGUMENT_CHARS else None


def callback_fields(callback: StoredCallback) -> dict[str, Any]:
    """Return a callback as JSON has it everywhere: in lists, exports and live."""
    return {
        "event_id": callback.id,
        "received_at": format_timestamp(callback.received_at),
        "product": callback.product,
        "task_id": callback.task_id,
        "external_task_id": callback.external_id,
        "status": callback.status,
        "trust": callback.trust,
        "headers": joined_headers(masked_headers(callback.headers)),
        "body_b64": base64.b64encode(callback.raw).decode(),
    }


def forward_fields(forward: StoredForward) -> dict[str, Any]:
    """Return a delivery as JSON has it."""
    return {
        "sent_at": format_timestamp(forward.sent_at),
        "url": Target(url=forward.url).display_url,
        "status": forward.status,
        "duration_s": round(forward.duration_s, 6),
        "attempt": forward.attempt,
        "error": forward.error,
        "replay": forward.is_replay,
    }


def callback_with_forwards(
    callback: StoredCallback, forwards: Iterable[StoredForward]
) -> dict[str, Any]:
    """Return a callback together with its deliveries."""
    return {
        **callback_fields(callback),
        "forwards": [forward_fields(each) for each in forwards],
    }


def last_target(forwards: Sequence[StoredForward]) -> Target:
    """Return the target of the last delivery; without one, the guide's handler."""
    return Target(url=forwards[-1].url) if forwards else parse_target(DEFAULT_PATH)


def callback_curl(callback: StoredCallback, url: str) -> str:
    """Return the curl command that sends the callback to `url` again."""
    return curl_command(url, forwarded_headers(callback.headers), callback.raw)


def to_har(
    callbacks: Iterable[StoredCallback], forwards: ForwardOutcomes
) -> dict[str, Any]:
    """Return an HTTP archive: an entry for the callback, then one for each delivery.

    Source: HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/, read 2026-10-04.
    """
    entries: list[dict[str, Any]] = []
    for callback in callbacks:
        entries.append(_received_entry(callback))
        entries += [
            _forward_entry(callback, each) for each in forwards.get(callback.id, ())
        ]
    creator = {"name": "kling", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _received_entry(callback: StoredCallback) -> dict[str, Any]:
    is_accepted = callback.status is not None
    response = (200, "OK") if is_accepted else (400, "Bad Request")
    entry = _entry(callback, MASKED_URL, callback.received_at, 0.0, response)
    return {**entry, "comment": f"callback {callback.id}, trust: {callback.trust}"}


def _forward_entry(callback: StoredCallback, forward: StoredForward) -> dict[str, Any]:
    url = Target(url=forward.url).display_url
    response = (forward.status or 0, forward.error or "")
    entry = _entry(callback, url, forward.sent_at, forward.duration_s, response)
    what = "replay" if forward.is_replay else "forward"
    return {**entry, "comment": f"{what} of callback {callback.id}"}


def _entry(
    callback: StoredCallback,
    url: str,
    started_at: datetime,
    duration_s: float,
    response: tuple[int, str],
) -> dict[str, Any]:
    wait_ms = duration_s * _MS
    return {
        "startedDateTime": format_timestamp(started_at),
        "time": wait_ms,
        "request": _request(callback, url),
        "response": _response(*response),
        "cache": {},
        "timings": {"send": 0, "wait": wait_ms, "receive": 0},
    }


def _request(callback: StoredCallback, url: str) -> dict[str, Any]:
    headers = masked_headers(callback.headers)
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    return {
        "method": "POST",
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [],
        "postData": {
            "mimeType": kinds[0] if kinds else "",
            **_body_fields(callback.raw),
        },
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": len(callback.raw),
    }


def _response(status: int, reason: str) -> dict[str, Any]:
    return {
        "status": status,
        "statusText": reason,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _UNKNOWN_SIZE,
    }


def _body_fields(raw: bytes) -> dict[str, str]:
    try:
        return {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:  # a field of responses in HAR; readers accept it here
        return {"text": base64.b64encode(raw).decode(), "encoding": "base64"}
