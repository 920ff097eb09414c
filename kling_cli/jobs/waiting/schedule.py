"""The polling schedule: when to query next, and pauses after failures. In seconds.

Pure: time and jitter are handed in.
"""

from __future__ import annotations

import random
from enum import StrEnum

MIN_PAUSE_S = 1.0
MAX_PAUSE_S = 15.0
PROVEN_PAUSE_S = (
    90.0  # a 5-minute job with callbacks: 3 callbacks and at most 4 of these
)
GROWTH = 0.2  # the pause as a share of the time waited so far
LOST_MAX_PAUSE_S = 5.0
SLOT_MIN_PAUSE_S = 1.0  # the least the API asks for. Source: API reference 5.3
SLOT_MAX_PAUSE_S = 30.0


class PathState(StrEnum):
    """The state of the callback path: what callbacks can be expected."""

    NONE = "none"  # they cannot reach this run
    READY = "ready"  # a URL was given to the API; none has come yet
    PROVEN = "proven"  # one has come
    LOST = "lost"  # the tunnel is down


def next_query_s(
    path: PathState,
    *,
    waited_s: float,
    since_lost_s: float = 0.0,
    since_claim_s: float | None = None,
    jitter: float = 0.5,
) -> float:
    """Return how long to wait for a callback before the next query.

    `waited_s` counts from the submission, `since_lost_s` from the loss of the path,
    `since_claim_s` from a callback's claim that the task is over, which no answer has
    confirmed: such a task is queried soon, then at growing intervals. `jitter` in 0..1
    is the place of this pause within its spread of 20 %.
    """
    match path:
        case PathState.PROVEN:
            pause_s = PROVEN_PAUSE_S
        case PathState.LOST:
            pause_s = _growing_pause_s(since_lost_s, LOST_MAX_PAUSE_S)
        case PathState.NONE | PathState.READY:
            pause_s = _growing_pause_s(waited_s, MAX_PAUSE_S)
    if since_claim_s is not None:
        pause_s = min(pause_s, max(MIN_PAUSE_S, since_claim_s))
    return pause_s * (0.9 + 0.2 * jitter)


def retry_s(
    attempt: int, *, base_s: float = 0.5, max_s: float = 15.0, jitter: float = 0.5
) -> float:
    """Return the pause before the next attempt after failure `attempt` (from 1)."""
    pause_s = min(max_s, base_s * 2.0 ** min(attempt - 1, 30))
    return pause_s * (0.8 + 0.4 * jitter)


def slot_retry_s(attempt: int, *, jitter: float = 0.5) -> float:
    """Return the pause before the next attempt to get a slot; at least a second."""
    pause_s = min(SLOT_MAX_PAUSE_S, SLOT_MIN_PAUSE_S * 2.0 ** min(attempt - 1, 30))
    return pause_s * (1.0 + 0.2 * jitter)


def _growing_pause_s(waited_s: float, most_s: float) -> float:
    return max(MIN_PAUSE_S, min(most_s, GROWTH * waited_s))


def random_jitter() -> float:
    """Return a random number in 0..1, to hand to the functions above."""
    return random.random()  # noqa: S311 -- jitter, not a secret
