"""What happens while `kling listen` runs, told as values: one class a JSON line type.

`number` is the callback's id in the journal, which JSON calls `event_id`; every later
line about the same callback carries it. It is 0 for one that could not be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from kling_cli.jobs.events import Notice
from kling_cli.tunnels.provider import TunnelState

CHECKED: Final = "checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The door is open. Both URLs are secrets, shown once and in full.

    `callback_url` goes into a task's `callback_url`; `local_url` is the same door on
    this machine. `forward_to` are the targets, as URLs; `route_statuses` the status that each
    is for, None for all.
    """

    callback_url: str
    local_url: str
    forward_to: tuple[str, ...] = ()
    route_statuses: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackReceived:
    """A callback came in and is kept. `status` is its claim, `unknown` for odd words.

    `since_submit_s` counts from the task's creation, where that is known.
    """

    number: int
    received_at: datetime
    product: str | None
    task_id: str | None
    external_id: str | None
    status: str | None
    trust: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    raw: bytes = field(repr=False)
    since_submit_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Callback `number` says nothing that callback `of` has not said."""

    number: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Callback `number` is behind what was known of its task already."""

    number: int
    task_id: str
    status: str
    known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Requests were answered with an error; `count` is how many for this so far.

    `number` is that of a body that made no sense but was kept.
    """

    reason: str
    status: int
    count: int
    number: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A delivery to a target of ours, counted from attempt 1.

    `status` is None when there was no answer, `error` says why then. `hint` is the
    diagnosis of a failure, `excerpt` the beginning of the answer's body.
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
    """The API was asked about callback `number`.

    `actual` is the task's status there, None where the API knows no such task.
    """

    number: int
    task_id: str
    is_true: bool
    actual: str | None = None
    mismatches: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelChanged:
    """What became of the tunnel; `public_url` holds after the change.

    For `moved`, `callback_url` is the one to use from now on, in full. `checked`: it
    was looked at, and is as it was.
    """

    state: TunnelState | Literal["checked"]
    public_url: str
    detail: str | None = None
    callback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """The API was asked about tasks of which callbacks may have been missed."""

    task_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What the API said of such a task; `is_missed`: its end came by no callback.

    `number` is that of the callback made up in place of the missed one.
    """

    task_id: str
    status: str
    is_missed: bool
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The last line; `counts` are of callbacks, forwards, rejections and the like."""

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
    """Return under which name the last line counts this one, if it does."""
    match event:
        case Forwarded(is_success=is_success):
            return "forwarded" if is_success else "forward_failures"
        case Verified(is_true=is_true):
            return "verified" if is_true else "mismatched"
        case _:
            return None
