"""Views of stored callbacks; pure. All of it is untrusted text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kling_cli.cli.output.plain_lines import trust_phrase
from kling_cli.cli.output.tables import Column, fitted_table, plain_table
from kling_cli.cli.output.terminal.text import format_size, one_line
from kling_cli.clock import format_timestamp
from kling_cli.listener import events

if TYPE_CHECKING:
    from kling_cli.listener.events import JsonLineEvent
    from kling_cli.store import StoredCallback, StoredForward

_MAX_EXCERPT_LINES: Final = 3  # of a response body
_MAX_LINES: Final = 200  # of a callback that is shown while others arrive
_TRUST_WORDS: Mapping[str, str] = MappingProxyType(
    {"signed": "signature", "token": "secret-url", "open": "none"}
)


def callback_table(
    callbacks: Sequence[StoredCallback],
    forwards: Mapping[int, Sequence[StoredForward]],
    *,
    width: int | None,
) -> Iterator[str]:
    """Yield one line a callback, in columns.

    With a terminal's `width` there are headings, and columns without room are dropped;
    with None every column is written.
    """
    if width is None:
        rows = [
            _cells(callback, forwards.get(callback.id, ())) for callback in callbacks
        ]
        return plain_table(rows)
    titles = (
        Column(heading="event"),
        Column(heading="received", drop_order=2),
        Column(heading="status"),
        Column(heading="task"),
        Column(heading="product", drop_order=3),
        Column(heading="proof", drop_order=1),
        Column(heading="forwarded", drop_order=4),
    )
    drawn = [
        _terminal_cells(callback, forwards.get(callback.id, ()))
        for callback in callbacks
    ]
    return fitted_table(titles, drawn, width=width)


def callback_details(
    callback: StoredCallback, forwards: Sequence[StoredForward]
) -> Iterator[str]:
    """Yield everything about one callback: facts, headers, body, forwards."""
    from kling_cli.listener.forwarding.headers import masked_headers

    yield f"#{callback.id}  {callback.status or 'malformed'}"
    for name, value in _facts(callback):
        yield f"  {name:<10}{one_line(value)}"
    yield "headers"
    for name, value in masked_headers(callback.headers):
        yield f"  {one_line(name)}: {one_line(value)}"
    yield "body"
    for line in body_lines(callback.raw):
        yield f"  {one_line(line)}"
    if forwards:
        yield "forwarded"
    for each in forwards:
        yield f"  {one_line(_forward_text(each))}"


def new_callback_details(
    callback: StoredCallback, facts: Sequence[JsonLineEvent]
) -> Iterator[str]:
    """Yield the details of a new callback, with its verification and forwards first.

    A long body is truncated.
    """
    head, *rest = callback_details(callback, ())
    yield head
    checks = [each for each in facts if isinstance(each, events.Verified)]
    for name, words in _comparison(callback, checks[-1] if checks else None):
        yield f"  {name:<10}{one_line(words)}"
    for each in facts:
        if isinstance(each, events.Duplicate):
            yield f"  repeats   #{each.of}"
        elif isinstance(each, events.Stale):
            yield f"  late      the task was {one_line(each.known)} already"
        elif isinstance(each, events.Forwarded):
            yield f"  forwarded {delivery_line(each).partition(' ')[2]}"
    yield from rest[:_MAX_LINES]
    if len(rest) > _MAX_LINES:
        n_more = len(rest) - _MAX_LINES
        yield f"  … {n_more} more lines: kling events show {callback.id}"


def _comparison(
    callback: StoredCallback, check: events.Verified | None
) -> Iterator[tuple[str, str]]:
    """Yield what the callback claims, and what the API answers."""
    yield "claims", callback.status or "nothing that can be read"
    if check is None:
        yield "API", "not asked, or not yet"
        return
    yield "API", check.actual or "knows no such task"
    if check.is_true:
        yield "verdict", "verified with the API"
    for each in check.mismatches:
        yield "verdict", mismatch_text(each)


def body_lines(raw: bytes) -> list[str]:
    """Return a body line by line: JSON indented, all else as it is."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "backslashreplace").split("\n")


def delivery_line(event: events.Forwarded) -> str:
    """Return one line about a delivery."""
    outcome = event.status if event.status is not None else event.error
    words = f"#{event.number} {outcome} {event.method} {event.url}"
    return one_line(f"{words} {_duration_text(event.duration_s)}")


def response_excerpt(event: events.Forwarded) -> Iterator[str]:
    """Yield the first lines of the response to a delivery that was not accepted."""
    excerpt_lines = (event.excerpt or "").splitlines()
    for each in excerpt_lines[:_MAX_EXCERPT_LINES]:
        yield f"  {one_line(each)}"


def _terminal_cells(
    callback: StoredCallback, forwards: Iterable[StoredForward]
) -> tuple[str | None, ...]:
    """Return the cells with the time formatted for a person."""
    number, _, *rest = _cells(callback, forwards)
    return (number, f"{callback.received_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", *rest)


def _cells(
    callback: StoredCallback, forwards: Iterable[StoredForward]
) -> tuple[str | None, ...]:
    return (
        f"#{callback.id}",
        format_timestamp(callback.received_at),
        callback.status or "malformed",
        callback.task_id or callback.external_id,
        callback.product,
        _TRUST_WORDS.get(callback.trust, callback.trust),
        ",".join(_last_outcomes(forwards)),
    )


def trust_from_word(word: str) -> str:
    """Return the value of `trust` of a word of the column; any other unchanged."""
    return next((value for value, label in _TRUST_WORDS.items() if label == word), word)


def _last_outcomes(forwards: Iterable[StoredForward]) -> Iterator[str]:
    """Yield the last outcome for each target, in a word."""
    from kling_cli.store import last_by_url

    for each in last_by_url(forwards).values():
        yield "no-answer" if each.status is None else str(each.status)


def _facts(callback: StoredCallback) -> Iterator[tuple[str, str]]:
    yield "received", format_timestamp(callback.received_at)
    if callback.task_id:
        yield "task", callback.task_id
    if callback.external_id:
        yield "external", callback.external_id
    if callback.product:
        yield "product", callback.product
    yield "proof", trust_phrase(callback.trust)
    yield "size", format_size(len(callback.raw))


def _forward_text(each: StoredForward) -> str:
    from kling_cli.listener.forwarding.targets import Target

    outcome = each.error if each.status is None else each.status
    facts = [
        f"{format_timestamp(each.sent_at)} {outcome} {Target(url=each.url).display_url}"
    ]
    facts.append(f"after {_duration_text(each.duration_s)}")
    if each.attempt > 1:
        facts.append(f"attempt {each.attempt}")
    if each.is_replay:
        facts.append("replay")
    return ", ".join(facts)


def _duration_text(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"


def mismatch_text(one: events.Mismatch) -> str:
    """Return a difference between a callback and the API as a clause."""
    if one.field == "task_id":
        return f"the API knows no task {one.claimed}"
    name = "" if one.field == "status" else f"{one.field} "
    actual = one.actual if one.actual is not None else "nothing"
    return f"the API says {name}{actual}, the callback claimed {one.claimed}"
