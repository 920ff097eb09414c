"""One job, accepted exactly once, whatever becomes of the create call."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from kling_cli.errors import (
    AccountError,
    ContentRefusedError,
    CredentialsError,
    KlingError,
    NoSlotError,
    OutcomeUnknownError,
    RateLimitError,
    RefusedError,
    UnreachableError,
)
from kling_cli.jobs.events import OutcomeCheck, QueryFailed, SendFailed, WaitingForSlot
from tests.jobs.creates import EXTERNAL_ID, Attempt, Fate
from tests.jobs.made import a_task

pytestmark = pytest.mark.anyio

ACCEPTED = a_task("t1", external_id=EXTERNAL_ID)
DOWN = UnreachableError("down")
BAD_KEY = CredentialsError("bad key", code=1002)
HANGS = object()


@pytest.mark.parametrize(
    ("fates", "creates", "queries"),
    [
        pytest.param([Fate.ACCEPTED], 1, 0, id="accepted"),
        pytest.param([Fate.ANSWER_LOST], 1, 1, id="accepted and found"),
        pytest.param([Fate.LOST, Fate.ACCEPTED], 2, 2, id="not found, sent again"),
        pytest.param([Fate.LATE, Fate.ACCEPTED], 2, 2, id="late, and the first of two"),
        pytest.param([Fate.LOST, Fate.ANSWER_LOST], 2, 3, id="lost, then answer lost"),
        pytest.param([Fate.TURNED_AWAY, Fate.ACCEPTED], 2, 0, id="turned away once"),
        pytest.param([Fate.NO_SLOT] * 3 + [Fate.ACCEPTED], 4, 0, id="slot in the end"),
        pytest.param([Fate.RATE, Fate.ACCEPTED], 2, 0, id="slowed down"),
    ],
)
async def test_a_job_is_accepted_once(
    fates: list[Fate], creates: int, queries: int
) -> None:
    attempt = Attempt(*fates)

    task = await attempt.run()

    assert task == ACCEPTED
    assert len(attempt.api.bodies) == attempt.submission.creates == creates
    assert attempt.api.asked == attempt.submission.queries == queries


async def test_a_repeat_carries_the_same_external_id() -> None:
    attempt = Attempt(Fate.LOST, Fate.TURNED_AWAY, Fate.NO_SLOT, Fate.ACCEPTED)

    await attempt.run()

    ids = [body["external_id"] for body in attempt.api.bodies]
    assert ids == [EXTERNAL_ID] * 4


async def test_a_repeat_that_is_refused_because_the_first_arrived_late_finds_it() -> (
    None
):
    attempt = Attempt(Fate.LATE, *[Fate.TURNED_AWAY] * 4, Fate.ACCEPTED)

    task = await attempt.run()

    assert task == ACCEPTED
    assert len(attempt.api.created_at) == 1


@pytest.mark.parametrize("refusal", [Fate.NO_QUOTA, Fate.BAD_KEY, Fate.REFUSED])
async def test_a_refusal_after_an_ambiguous_create_is_checked_by_a_query(
    refusal: Fate,
) -> None:
    attempt = Attempt(Fate.LATE, *[Fate.TURNED_AWAY] * 4, refusal)

    assert await attempt.run() == ACCEPTED


@pytest.mark.parametrize("refusal", [Fate.NO_QUOTA, Fate.BAD_KEY, Fate.REFUSED])
async def test_a_refusal_after_an_ambiguous_create_is_final_without_a_task(
    refusal: Fate,
) -> None:
    attempt = Attempt(Fate.LOST, refusal)

    with pytest.raises((AccountError, CredentialsError, RefusedError)):
        await attempt.run()

    assert len(attempt.api.bodies) == 2


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        pytest.param(Fate.REFUSED, RefusedError, id="parameters"),
        pytest.param(Fate.NO_QUOTA, AccountError, id="account"),
        pytest.param(Fate.BAD_KEY, CredentialsError, id="credentials"),
        pytest.param(Fate.CONTENT, ContentRefusedError, id="content"),
    ],
)
async def test_a_definite_refusal_is_not_tried_again(
    fate: Fate, kind: type[KlingError]
) -> None:
    attempt = Attempt(fate)

    with pytest.raises(kind):
        await attempt.run()

    assert (len(attempt.api.bodies), attempt.api.asked) == (1, 0)


async def test_a_full_account_is_a_queue_with_pauses_of_a_second_and_more() -> None:
    attempt = Attempt(*[Fate.NO_SLOT] * 9, Fate.ACCEPTED)

    await attempt.run()

    waits = attempt.event_log.of(WaitingForSlot)
    assert [one.attempt for one in waits] == list(range(1, 10))
    assert [one.pause_s for one in waits] == pytest.approx(attempt.pauses)
    assert min(attempt.pauses) >= 1
    assert max(attempt.pauses) <= 36


@pytest.mark.parametrize("fate", [Fate.NO_SLOT, Fate.RATE])
async def test_no_slot_within_the_time_is_an_error_with_the_api_s_code(
    fate: Fate,
) -> None:
    attempt = Attempt(fate, timeout_s=60)

    with pytest.raises(NoSlotError) as caught:
        await attempt.run()

    assert attempt.clock.elapsed_s <= 60
    assert caught.value.http == 429
    assert caught.value.code in (1302, 1303)


async def test_repeated_definite_failures_are_given_up() -> None:
    attempt = Attempt(Fate.TURNED_AWAY)

    with pytest.raises(UnreachableError, match="not accepted: bad gateway") as caught:
        await attempt.run()

    assert "nothing was created" in (caught.value.hint or "")
    assert attempt.submission.creates == 6
    assert not attempt.api.created_at
    failed = attempt.event_log.of(SendFailed)
    assert [one.attempt for one in failed] == [1, 2, 3, 4, 5]
    assert [one.retry_s for one in failed] == pytest.approx(attempt.pauses)


async def test_repeated_lost_calls_are_given_up_as_not_accepted() -> None:
    attempt = Attempt(Fate.LOST)

    with pytest.raises(UnreachableError, match="not accepted: connection lost"):
        await attempt.run()

    assert attempt.submission.creates == 6


@pytest.mark.parametrize("last", [Fate.TURNED_AWAY, Fate.NO_SLOT, Fate.RATE])
async def test_giving_up_after_an_ambiguous_create_begins_with_a_query(
    last: Fate,
) -> None:
    attempt = Attempt(Fate.LATE, last, timeout_s=60)

    assert await attempt.run() == ACCEPTED


async def test_waiting_for_a_slot_uses_up_no_tries() -> None:
    attempt = Attempt(
        *[Fate.TURNED_AWAY] * 3, *[Fate.NO_SLOT] * 5, *[Fate.TURNED_AWAY] * 2,
        Fate.ACCEPTED,
    )  # fmt: skip

    assert await attempt.run() == ACCEPTED


async def test_an_unknown_outcome_is_reported_before_it_is_queried() -> None:
    attempt = Attempt(Fate.ANSWER_LOST)

    await attempt.run()

    assert attempt.event_log.of(OutcomeCheck) == [
        OutcomeCheck(external_id=EXTERNAL_ID, reason="connection lost")
    ]


async def test_failed_queries_do_not_resolve_an_unknown_outcome() -> None:
    attempt = Attempt(Fate.ANSWER_LOST, ask_faults=[DOWN, RateLimitError("slow"), DOWN])

    assert await attempt.run() == ACCEPTED
    assert attempt.submission.queries == 4
    assert [one.attempt for one in attempt.event_log.of(QueryFailed)] == [1, 2, 3]
    assert attempt.submission.creates == 1


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(
            Attempt(Fate.ANSWER_LOST, ask_faults=[DOWN] * 99, timeout_s=60),
            id="no question is answered",
        ),
        pytest.param(
            Attempt(Fate.LOST, ask_faults=[HANGS], timeout_s=60), id="a question hangs"
        ),
        pytest.param(Attempt(Fate.HANGS, timeout_s=60), id="the create call hangs"),
        pytest.param(Attempt(Fate.HANGS_UNREAD, timeout_s=60), id="it hangs, unread"),
        pytest.param(
            Attempt(Fate.LOST, Fate.HANGS, timeout_s=60), id="the repeat hangs"
        ),
        pytest.param(
            Attempt(Fate.ANSWER_LOST, ask_faults=[BAD_KEY] * 99), id="no right to ask"
        ),
    ],
)
async def test_an_unknown_outcome_has_the_hint_that_resolves_it(
    attempt: Attempt,
) -> None:
    with pytest.raises(OutcomeUnknownError, match=EXTERNAL_ID) as caught:
        await attempt.run()

    assert caught.value.hint == f"kling wait {EXTERNAL_ID}"
    assert attempt.clock.elapsed_s <= 60
    assert attempt.submission.creates <= 2


async def test_an_unknown_outcome_is_queried_twice_with_a_pause_between() -> None:
    attempt = Attempt(Fate.LOST, Fate.ACCEPTED)

    await attempt.run()

    first, second = attempt.api.asked_at
    assert first == 0
    assert 0.4 <= second <= 0.6
    assert attempt.api.tried_at[1] - second >= 0.8


async def test_failed_queries_are_repeated_with_growing_pauses() -> None:
    attempt = Attempt(Fate.ANSWER_LOST, ask_faults=[DOWN] * 4)

    await attempt.run()

    times = attempt.api.asked_at
    pauses = [later - at for at, later in pairwise(times)]
    usual = [0.5, 1, 2, 4]
    assert pauses == [pytest.approx(one, rel=0.21) for one in usual]


async def test_four_refusals_to_answer_are_enough() -> None:
    attempt = Attempt(Fate.ANSWER_LOST, ask_faults=[BAD_KEY] * 99)

    with pytest.raises(OutcomeUnknownError):
        await attempt.run()

    assert attempt.submission.queries == 4


async def test_queries_refused_for_a_while_still_resolve_the_outcome() -> None:
    faults = [BAD_KEY, BAD_KEY, BAD_KEY, DOWN, BAD_KEY]

    attempt = Attempt(Fate.ANSWER_LOST, ask_faults=faults)

    assert await attempt.run() == ACCEPTED


@settings(deadline=None)  # the loop of a slow machine is no fault of ours
@given(
    fates=st.lists(st.sampled_from(Fate), min_size=1, max_size=12),
    ask_faults=st.lists(st.sampled_from([None, DOWN, BAD_KEY, HANGS]), max_size=12),
    timeout_s=st.sampled_from([1.0, 20.0, 600.0]),
)
def test_at_most_one_task_is_created_and_the_result_names_it(
    fates: list[Fate], ask_faults: list[object], timeout_s: float
) -> None:
    async def submit() -> tuple[Attempt, object]:
        attempt = Attempt(*fates, ask_faults=ask_faults, timeout_s=timeout_s)
        try:
            return attempt, await attempt.run()
        except KlingError as exc:
            return attempt, exc

    attempt, result = asyncio.run(submit())

    assert set(attempt.api.created_at) <= {EXTERNAL_ID}
    assert attempt.clock.elapsed_s <= timeout_s
    if isinstance(result, OutcomeUnknownError):
        return
    arrived_at = attempt.api.created_at.get(EXTERNAL_ID, 0.0)
    is_too_late = Fate.LATE in fates and arrived_at > max(
        attempt.api.asked_at, default=0.0
    )
    if isinstance(result, KlingError) and not is_too_late:
        assert attempt.api.task is None
    elif not isinstance(result, KlingError):
        assert result == attempt.api.task == ACCEPTED
