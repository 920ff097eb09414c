"""Replays stored callbacks: which ones, to which targets, with which changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

from kling_cli.callbacks import Trust
from kling_cli.clock import Clock
from kling_cli.errors import UnreachableError, UsageError
from kling_cli.listener.events import Forwarded
from kling_cli.listener.forwarding.delivery import (
    Delivery,
    EmitForwarded,
    ForwardingPolicy,
    RecordForward,
    forwarded_event,
    open_delivery_client,
    stored_forward,
)
from kling_cli.listener.forwarding.headers import SIGNATURE_HEADERS, without_headers
from kling_cli.listener.forwarding.targets import Target
from kling_cli.secret import Secret
from kling_cli.store import CallbackFilter, Journal, StoredCallback, last_by_url


def with_changes(
    callback: StoredCallback, changes: Mapping[str, Any]
) -> StoredCallback:
    """Return the callback with changed fields in its body: `--set`.

    Its signature is left out, as it is no longer valid.

    Raises:
        UsageError: the body is not a JSON object, or has no such field.
    """
    if not changes:
        return callback
    subject = f"the body of callback {callback.id}"
    raw = change_body(callback.raw, changes, subject=subject)
    headers = without_headers(callback.headers, SIGNATURE_HEADERS)
    return replace(callback, raw=raw, headers=headers)


def change_body(
    raw: bytes, changes: Mapping[str, Any], *, subject: str, hint: str | None = None
) -> bytes:
    """Return a body with changed fields, by dotted key; `subject` is what it is.

    Raises:
        UsageError: the body is not a JSON object, or has no such field.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UsageError(f"--set: {subject} is no JSON object", hint=hint)
    for key, value in changes.items():
        set_value(body, key, value)
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def set_value(body: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key, in place.

    Raises:
        UsageError: The body has no such field.
    """
    *path, last = key.split(".")
    container: Any = body
    for name in path:
        container = _child(container, name, key)
    if isinstance(container, list):
        container[_index(container, last, key)] = value
    elif isinstance(container, dict):
        container[last] = value
    else:
        raise _no_such_field(key)


def _child(container: Any, name: str, key: str) -> Any:
    if isinstance(container, list):
        return container[_index(container, name, key)]
    if isinstance(container, dict):
        return container.setdefault(name, {})
    raise _no_such_field(key)


def _index(container: Sequence[Any], name: str, key: str) -> int:
    if not name.isdecimal() or int(name) >= len(container):
        raise _no_such_field(key)
    return int(name)


def _no_such_field(key: str) -> UsageError:
    return UsageError(
        f"--set {key}: the body has no such place", hint="kling events show N"
    )


class UndeliveredError(UnreachableError):
    """A delivery was not answered with 2xx."""


def select_callbacks(
    journal: Journal, which: Sequence[str], callback_filter: CallbackFilter | None
) -> list[StoredCallback]:
    """Return the callbacks that numbers, `last` or a filter name, oldest first.

    Raises:
        UsageError: no such callback is stored, or a number is invalid.
    """
    if callback_filter is not None:
        found = journal.list_callbacks(callback_filter)
    else:
        found = [find_callback(journal, each) for each in which]
    if not found and callback_filter is not None and callback_filter.is_failed:
        raise UsageError(
            "no kept callback is one that your app did not take", hint="kling events"
        )
    if not found:
        raise UsageError("no such callback is kept", hint="kling events")
    return sorted(found, key=lambda callback: callback.id)


def find_callback(journal: Journal, which: str) -> StoredCallback:
    """Return the callback with this number, or the `last` one.

    Raises:
        UsageError: it is not stored.
    """
    if which == "last":
        newest = journal.list_callbacks(CallbackFilter(), limit=1)
        if newest:
            return newest[0]
        raise UsageError("no callback is kept yet", hint="kling listen")
    is_number = which.isascii() and which.isdigit() and len(which) <= 18  # noqa: PLR2004 -- SQLite's integers
    if not is_number:
        raise UsageError(
            f"{which[:40]!r} is no number of a callback", hint="kling events"
        )
    callback = journal.find_callback(int(which))
    if callback is None:
        raise UsageError(f"callback {which} is not kept", hint="kling events")
    return callback


def plan_replays(
    journal: Journal,
    callbacks: Sequence[StoredCallback],
    *,
    to: Sequence[Target],
    is_failed: bool,
    secrets: tuple[Secret, ...] = (),
) -> list[Delivery]:
    """Return deliveries of callbacks: to the targets named, else to the previous ones.

    `is_failed` leaves out targets that accepted it. The account's `secrets` sign a
    callback that came signed: its own signature is too old by now.

    Raises:
        UsageError: a callback was never forwarded and no target is named.
    """
    deliveries: list[Delivery] = []
    for callback in callbacks:
        targets = tuple(to) or _previous_targets(journal, callback, is_failed=is_failed)
        deliveries += [
            Delivery(
                callback=callback,
                target=target,
                is_replay=True,
                secrets=secrets if callback.trust == Trust.SIGNED else (),
            )
            for target in targets
        ]
    return deliveries


def _previous_targets(
    journal: Journal, callback: StoredCallback, *, is_failed: bool
) -> tuple[Target, ...]:
    before = last_by_url(journal.forwards_of(callback.id)).values()
    urls = [each.url for each in before if not (is_failed and each.is_delivered)]
    if not urls:
        raise UsageError(
            f"callback {callback.id} has not been passed on to anywhere",
            hint=f"kling replay {callback.id} --to 3000 (a port, a path or a URL)",
        )
    return tuple(Target(url=url) for url in urls)


async def send_replays(  # noqa: PLR0913 -- collaborators, by name
    deliveries: Sequence[Delivery],
    policy: ForwardingPolicy,
    *,
    times: int,
    clock: Clock,
    emit: EmitForwarded,
    record: RecordForward,
) -> list[Forwarded]:
    """Send each delivery `times` times, one after the other; return the events.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    events: list[Forwarded] = []
    async with open_delivery_client(
        clock, timeout_s=policy.timeout_s, is_insecure=policy.is_insecure
    ) as client:
        for delivery in chain.from_iterable(repeat(each, times) for each in deliveries):
            outcome = await client.attempt(delivery, policy)
            record(stored_forward(delivery, outcome, 1))
            event = forwarded_event(delivery, outcome, 1)
            emit(event)
            events.append(event)
    return events


def undelivered_error(events: Sequence[Forwarded]) -> UndeliveredError | None:
    """Return the error about failed deliveries, None if all were answered with 2xx."""
    missed = [event for event in events if not event.is_success]
    if not missed:
        return None
    first = missed[0]
    answer = f"answered {first.status}" if first.status else str(first.error)
    return UndeliveredError(
        f"{len(missed)} of {len(events)} deliveries failed; the first, callback"
        f" {first.number} to {first.url}: {answer}",
        hint=first.hint,
        http=first.status,
    )
