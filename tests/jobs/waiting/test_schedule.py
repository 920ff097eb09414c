"""Bounds and growth of every pause; test_watcher_cost.py counts a whole wait."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from kling_cli.jobs.waiting.schedule import (
    LOST_MAX_PAUSE_S,
    MAX_PAUSE_S,
    MIN_PAUSE_S,
    PROVEN_PAUSE_S,
    SLOT_MAX_PAUSE_S,
    SLOT_MIN_PAUSE_S,
    PathState,
    next_query_s,
    retry_s,
    slot_retry_s,
)

JITTERS = st.floats(0, 1)
TIMES = st.floats(0, 1e9)


@given(path=st.sampled_from(PathState), waited_s=TIMES, lost_s=TIMES, jitter=JITTERS)
def test_a_pause_is_never_shorter_or_longer_than_the_path_allows(
    path: PathState, waited_s: float, lost_s: float, jitter: float
) -> None:
    least_s = PROVEN_PAUSE_S if path is PathState.PROVEN else MIN_PAUSE_S
    most_s = {
        PathState.PROVEN: PROVEN_PAUSE_S,
        PathState.LOST: LOST_MAX_PAUSE_S,
    }.get(path, MAX_PAUSE_S)

    pause_s = next_query_s(path, waited_s=waited_s, since_lost_s=lost_s, jitter=jitter)

    assert least_s * 0.89 < pause_s < most_s * 1.11


@pytest.mark.parametrize("path", [PathState.NONE, PathState.READY])
@given(waited_s=TIMES, more_s=TIMES)
def test_pauses_grow_with_the_time_waited(
    path: PathState, waited_s: float, more_s: float
) -> None:
    sooner_s = next_query_s(path, waited_s=waited_s)

    assert next_query_s(path, waited_s=waited_s + more_s) >= sooner_s


@pytest.mark.parametrize(
    ("waited_s", "pause_s"), [(0, 1), (5, 1), (20, 4), (50, 10), (75, 15), (900, 15)]
)
def test_a_poll_comes_after_a_fifth_of_the_time_waited(
    waited_s: float, pause_s: float
) -> None:
    assert next_query_s(PathState.NONE, waited_s=waited_s) == pytest.approx(pause_s)


@pytest.mark.parametrize(
    ("since_claim_s", "pause_s"), [(0, 1), (1, 1), (2, 2), (8, 8), (90, 90), (500, 90)]
)
def test_a_claimed_end_is_queried_soon_and_then_at_growing_intervals(
    since_claim_s: float, pause_s: float
) -> None:
    asked = next_query_s(PathState.PROVEN, waited_s=600, since_claim_s=since_claim_s)

    assert asked == pytest.approx(pause_s)


def test_a_claim_never_delays_a_query() -> None:
    asked = next_query_s(PathState.NONE, waited_s=5, since_claim_s=50)

    assert asked == pytest.approx(1)


def test_a_lost_path_counts_from_its_loss_however_long_the_wait_was() -> None:
    pause_s = next_query_s(PathState.LOST, waited_s=3000, since_lost_s=0)

    assert pause_s == MIN_PAUSE_S


@given(attempt=st.integers(1, 10**6), jitter=JITTERS)
def test_a_retry_is_bounded_however_often_it_failed(
    attempt: int, jitter: float
) -> None:
    assert 0.4 <= retry_s(attempt, jitter=jitter) <= 15 * 1.21


def test_retries_back_off() -> None:
    assert [retry_s(attempt) for attempt in (1, 2, 3, 4)] == [0.5, 1, 2, 4]


@given(attempt=st.integers(1, 10**6), jitter=JITTERS)
def test_a_slot_is_never_retried_within_a_second(attempt: int, jitter: float) -> None:
    pause_s = slot_retry_s(attempt, jitter=jitter)

    assert SLOT_MIN_PAUSE_S <= pause_s <= SLOT_MAX_PAUSE_S * 1.21


def test_pauses_for_a_slot_double() -> None:
    pauses = [slot_retry_s(attempt, jitter=0) for attempt in (1, 2, 3, 9)]

    assert pauses == [1, 2, 4, SLOT_MAX_PAUSE_S]
