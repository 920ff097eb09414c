"""Views of stored callbacks; pure. All of it is untrusted text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Final

from kling_cli.cli.output.tables import plain_table
from kling_cli.cli.output.terminal.text import format_size, format_timestamp, one_line
from kling_cli.cli.output.views.trust_labels import trust_phrase, trust_word
from kling_cli.listener import events

if TYPE_CHECKING:
    from kling_cli.listener.events import JsonLineEvent

if TYPE_CHECKING:
    from kling_cli.listener.events import Forwarded, Verified
    from kling_cli.store import StoredCallback, StoredForward

_MAX_EXCERPT_LINES: Final = 3  # of an answer's body
_MAX_LINES: Final = 200  # of a callback that is shown while others come


def callback_table(
    callbacks: Sequence[StoredCallback],
    forwards: Mapping[int, Sequence[StoredForward]],
    *,
    width: int | None,
) -> Iterator[str]:
    """Yield one line a callback, in columns.

    On a terminal of some width with headings, and without what has no room; without
    a width nothing is left out.
    """
    if width is None:
        rows = [_cells(kept, forwards.get(kept.id, ())) for kept in callbacks]
        return plain_table(rows)
    from kling_cli.cli.output.tables import Column, fitted_table

    titles = (
        Column(heading="event"),
        Column(heading="received", drop_order=2),
        Column(heading="status"),
        Column(heading="task"),
        Column(heading="product", drop_order=3),
        Column(heading="proof", drop_order=1),
        Column(heading="forwarded", drop_order=4),
    )
    drawn = [_terminal_cells(kept, forwards.get(kept.id, ())) for kept in callbacks]
    return fitted_table(titles, drawn, width=width)


def callback_details(
    kept: StoredCallback, forwards: Sequence[StoredForward]
) -> Iterator[str]:
    """Yield everything about one callback: facts, headers, body, forwards."""
    from kling_cli.listener.forwarding.headers import masked_headers

    yield f"#{kept.id}  {kept.status or 'malformed'}"
    for name, value in _facts(kept):
        yield f"  {name:<10}{one_line(value)}"
    yield "headers"
    for name, value in masked_headers(kept.headers):
        yield f"  {one_line(name)}: {one_line(value)}"
    yield "body"
    for line in body_lines(kept.raw):
        yield f"  {one_line(line)}"
    if forwards:
        yield "forwarded"
    for each in forwards:
        yield f"  {one_line(_forward_text(each))}"


def new_callback_details(
    kept: StoredCallback, facts: Sequence[JsonLineEvent]
) -> Iterator[str]:
    """Yield the details of a new callback, with its verification and forwards first.

    A long body is cut: a terminal is not for reading a megabyte.
    """
    from kling_cli.listener.events import Duplicate, Forwarded, Stale, Verified

    head, *rest = callback_details(kept, ())
    yield head
    checks = [each for each in facts if isinstance(each, Verified)]
    for name, words in _comparison(kept, checks[-1] if checks else None):
        yield f"  {name:<10}{one_line(words)}"
    for each in facts:
        if isinstance(each, Duplicate):
            yield f"  repeats   #{each.of}"
        elif isinstance(each, Stale):
            yield f"  late      the task was {one_line(each.known)} already"
        elif isinstance(each, Forwarded):
            yield f"  forwarded {delivery_line(each).partition(' ')[2]}"
    yield from rest[:_MAX_LINES]
    if len(rest) > _MAX_LINES:
        yield f"  … {len(rest) - _MAX_LINES} more lines: kling events show {kept.id}"


def _comparison(
    kept: StoredCallback, check: Verified | None
) -> Iterator[tuple[str, str]]:
    """Yield what the callback claims, and what the API answers."""
    yield "claims", kept.status or "nothing that can be read"
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


def delivery_line(line: Forwarded) -> str:
    """Return one line about a delivery."""
    told = line.status if line.status is not None else line.error
    words = f"#{line.number} {told} {line.method} {line.url}"
    return one_line(f"{words} {_duration_text(line.duration_s)}")


def response_excerpt(line: Forwarded) -> Iterator[str]:
    """Yield the first lines of the response to a delivery that was not accepted."""
    said = (line.excerpt or "").splitlines()
    for each in said[:_MAX_EXCERPT_LINES]:
        yield f"  {one_line(each)}"


def _terminal_cells(
    kept: StoredCallback, forwards: Iterable[StoredForward]
) -> tuple[str | None, ...]:
    """Return the cells with the time formatted for a person."""
    number, _, *rest = _cells(kept, forwards)
    return (number, f"{kept.received_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", *rest)


def _cells(
    kept: StoredCallback, forwards: Iterable[StoredForward]
) -> tuple[str | None, ...]:
    return (
        f"#{kept.id}",
        format_timestamp(kept.received_at),
        kept.status or "malformed",
        kept.task_id or kept.external_id,
        kept.product,
        trust_word(kept.trust),
        ",".join(_last_outcomes(forwards)),
    )


def _last_outcomes(forwards: Iterable[StoredForward]) -> Iterator[str]:
    """Yield the last outcome for each target, in a word."""
    from kling_cli.store import last_by_url

    for each in last_by_url(forwards).values():
        yield "no-answer" if each.status is None else str(each.status)


def _facts(kept: StoredCallback) -> Iterator[tuple[str, str]]:
    yield "received", format_timestamp(kept.received_at)
    if kept.task_id:
        yield "task", kept.task_id
    if kept.external_id:
        yield "external", kept.external_id
    if kept.product:
        yield "product", kept.product
    yield "proof", trust_phrase(kept.trust)
    yield "size", format_size(len(kept.raw))


def _forward_text(each: StoredForward) -> str:
    from kling_cli.listener.forwarding.targets import Target

    told = each.error if each.status is None else each.status
    facts = [
        f"{format_timestamp(each.sent_at)} {told} {Target(url=each.url).display_url}"
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
