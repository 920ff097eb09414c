"""A POST as the curl command that does the same. Pure."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kling_cli import __version__
from kling_cli.listener.forwarding.headers import (
    Headers,
    forwarded_headers,
    masked_headers,
)
from kling_cli.listener.forwarding.targets import DEFAULT_PATH, Target, parse_target
from kling_cli.store import ForwardOutcomes, StoredCallback, StoredForward

_MAX_ARGUMENT_CHARS: Final = 100_000  # characters; Linux takes no longer word (128 KiB)


def curl_command(url: str, headers: Iterable[tuple[str, str]], raw: bytes) -> str:
    """Return one line for a POSIX shell; the body arrives byte for byte."""
    words = ["curl", "-sS", "-X", "POST", url]
    given = list(headers)
    names = {name.lower() for name, _ in given}
    if "content-type" not in names:
        given.append(("Content-Type", ""))  # curl would add a form's
    for name, value in given:
        words += ["-H", f"{name}: {value}" if value else f"{name}:"]
    text = _as_text(raw)
    if text is not None:
        return shlex.join([*words, "--data-raw", text])
    coded = base64.b64encode(raw).decode()
    return f"printf %s {coded} | base64 -d | {shlex.join(words)} --data-binary @-"


def _as_text(raw: bytes) -> str | None:
    """Return the body as a word for the shell; None when no word can hold it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_plain = text.isprintable()  # a line break would make two lines of it
    return text if is_plain and len(raw) <= _MAX_ARGUMENT_CHARS else None


MASKED_URL: Final = "http://127.0.0.1/callback/****"  # the real one is a secret
_UNKNOWN_SIZE: Final = -1  # as HAR has it
_MS: Final = 1000.0


def callback_fields(kept: StoredCallback) -> dict[str, Any]:
    """Return a callback as JSON has it everywhere: in lists, exports and live."""
    return {
        "event_id": kept.id,
        "received_at": _timestamp(kept.received_at),
        "product": kept.product,
        "task_id": kept.task_id,
        "external_task_id": kept.external_id,
        "status": kept.status,
        "trust": kept.trust,
        "headers": _joined_headers(masked_headers(kept.headers)),
        "body_b64": base64.b64encode(kept.raw).decode(),
    }


def _joined_headers(headers: Headers) -> dict[str, str]:
    """Return the headers by name, repeated ones joined as HTTP joins them."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def forward_fields(forward: StoredForward) -> dict[str, Any]:
    """Return a delivery as JSON has it."""
    return {
        "sent_at": _timestamp(forward.sent_at),
        "url": Target(url=forward.url).shown,
        "status": forward.status,
        "duration_s": round(forward.duration_s, 6),
        "attempt": forward.attempt,
        "error": forward.error,
        "replay": forward.is_replay,
    }


def callback_with_forwards(
    kept: StoredCallback, forwards: Iterable[StoredForward]
) -> dict[str, Any]:
    """Return a callback together with what became of it."""
    return {
        **callback_fields(kept),
        "forwards": [forward_fields(each) for each in forwards],
    }


def last_target(forwards: Sequence[StoredForward]) -> Target:
    """Return where a callback went last; where the guide's handler is, if nowhere."""
    return Target(url=forwards[-1].url) if forwards else parse_target(DEFAULT_PATH)


def callback_curl(kept: StoredCallback, url: str) -> str:
    """Return the command that sends the callback to `url` again."""
    return curl_command(url, forwarded_headers(kept.headers), kept.raw)


def to_har(
    callbacks: Iterable[StoredCallback], forwards: ForwardOutcomes
) -> dict[str, Any]:
    """Return an HTTP archive: an entry a delivery, the one to our door first.

    Source: HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/, read 2026-10-04.
    """
    entries: list[dict[str, Any]] = []
    for kept in callbacks:
        entries.append(_received_entry(kept))
        entries += [_forward_entry(kept, each) for each in forwards.get(kept.id, ())]
    creator = {"name": "kling", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _received_entry(kept: StoredCallback) -> dict[str, Any]:
    is_taken = kept.status is not None
    answer = (200, "OK") if is_taken else (400, "Bad Request")
    entry = _entry(kept, MASKED_URL, kept.received_at, 0.0, answer)
    return {**entry, "comment": f"callback {kept.id}, trust: {kept.trust}"}


def _forward_entry(kept: StoredCallback, forward: StoredForward) -> dict[str, Any]:
    url = Target(url=forward.url).shown
    answer = (forward.status or 0, forward.error or "")
    entry = _entry(kept, url, forward.sent_at, forward.duration_s, answer)
    what = "replay" if forward.is_replay else "forward"
    return {**entry, "comment": f"{what} of callback {kept.id}"}


def _entry(
    kept: StoredCallback,
    url: str,
    begun_at: datetime,
    duration_s: float,
    answer: tuple[int, str],
) -> dict[str, Any]:
    wait_ms = duration_s * _MS
    return {
        "startedDateTime": _timestamp(begun_at),
        "time": wait_ms,
        "request": _request(kept, url),
        "response": _response(*answer),
        "cache": {},
        "timings": {"send": 0, "wait": wait_ms, "receive": 0},
    }


def _request(kept: StoredCallback, url: str) -> dict[str, Any]:
    headers = masked_headers(kept.headers)
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    return {
        "method": "POST",
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [],
        "postData": {"mimeType": kinds[0] if kinds else "", **_body_fields(kept.raw)},
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": len(kept.raw),
    }


def _response(status: int, words: str) -> dict[str, Any]:
    return {
        "status": status,
        "statusText": words,
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
    except UnicodeDecodeError:  # HAR has this word for answers; readers know it
        return {"text": base64.b64encode(raw).decode(), "encoding": "base64"}


def _timestamp(when: datetime) -> str:
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
