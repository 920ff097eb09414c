"""The events of a running listener: one class for each type of JSON line.

`number` is the callback's id in the journal, called `event_id` in JSON; every later
event about the same callback has it. It is 0 for a callback that could not be stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from kling_cli.jobs.events import Notice
from kling_cli.store import StoredCallback
from kling_cli.tunnels import TunnelState

CHECKED: Final = "checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The listener accepts callbacks. Both URLs are secrets, shown once and in full.

    `callback_url` goes into a task's `callback_url`; `local_url` is the same listener
    on this machine. `forward_to` are the targets, as URLs; `route_statuses` the status
    that each is for, None for all.
    """

    callback_url: str
    local_url: str
    forward_to: tuple[str, ...] = ()
    route_statuses: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackReceived:
    """A callback was received and stored; headers that are secret are masked.

    `since_submit_s` counts from the task's creation, where that is known.
    """

    callback: StoredCallback = field(repr=False)
    since_submit_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Callback `number` repeats callback `of`."""

    number: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Callback `number` reports a status that the task has already passed: `known`."""

    number: int
    task_id: str
    status: str
    known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Requests were answered with an error; `count` is how many so far for this reason.

    `number` is that of a body that could not be parsed but was stored.
    """

    reason: str
    status: int
    count: int
    number: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A delivery to a target, counted from attempt 1.

    `status` is None when there was no response; `error` then says why. `hint` is the
    diagnosis of a failure, `excerpt` the beginning of the response body.
    """

    number: int
    method: str
    url: str
    status: int | None
    duration_s: float
    attempt: int = 1
    error: str | None = None
    hint: str | None = None
    excerpt: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the target answered with 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's success


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field in which the callback and the API differ."""

    field: str
    claimed: str | None
    actual: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The API was queried about callback `number`.

    `actual` is the task's status there, None where the API knows no such task.
    """

    number: int
    task_id: str
    is_true: bool
    actual: str | None = None
    mismatches: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelChanged:
    """The state of the tunnel changed; `public_url` is valid after the change.

    For `moved`, `callback_url` is the one to use from now on, in full. `checked`: a
    health check found it working.
    """

    state: TunnelState | Literal["checked"]
    public_url: str
    detail: str | None = None
    callback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """The API was queried about tasks of which callbacks may have been missed."""

    task_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The API's status of such a task; `is_missed`: no callback reported its end.

    `number` is that of the synthetic callback that replaces the missed one.
    """

    task_id: str
    status: str
    is_missed: bool
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The last event; `counts` are of callbacks, forwards, rejections and the like."""

    reason: str
    counts: Mapping[str, int]


JsonLineEvent = (
    Ready
    | CallbackReceived
    | Duplicate
    | Stale
    | Rejected
    | Forwarded
    | Verified
    | TunnelChanged
    | Polled
    | Reconciled
    | Stopped
)
ListenerEvent = JsonLineEvent | Notice


def count_category(event: ListenerEvent) -> str | None:
    """Return the name under which `Stopped` counts this event, None if it does not."""
    match event:
        case Forwarded(is_success=is_success):
            return "forwarded" if is_success else "forward_failures"
        case Verified(is_true=is_true):
            return "verified" if is_true else "mismatched"
        case _:
            return None
