"""A job is accepted exactly once, whatever the outcome of the create call."""

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
from tests.jobs.factories import a_task
from tests.jobs.submission_scenario import EXTERNAL_ID, Outcome, SubmissionScenario

pytestmark = pytest.mark.anyio

ACCEPTED = a_task("t1", external_id=EXTERNAL_ID)
DOWN = UnreachableError("down")
BAD_KEY = CredentialsError("bad key", code=1002)
HANGS = object()


@pytest.mark.parametrize(
    ("outcomes", "creates", "queries"),
    [
        pytest.param([Outcome.ACCEPTED], 1, 0, id="accepted"),
        pytest.param([Outcome.ANSWER_LOST], 1, 1, id="accepted and found"),
        pytest.param(
            [Outcome.LOST, Outcome.ACCEPTED], 2, 2, id="not found, sent again"
        ),
        pytest.param(
            [Outcome.LATE, Outcome.ACCEPTED], 2, 2, id="late, and the first of two"
        ),
        pytest.param(
            [Outcome.LOST, Outcome.ANSWER_LOST], 2, 3, id="lost, then answer lost"
        ),
        pytest.param(
            [Outcome.TURNED_AWAY, Outcome.ACCEPTED], 2, 0, id="turned away once"
        ),
        pytest.param(
            [Outcome.NO_SLOT] * 3 + [Outcome.ACCEPTED], 4, 0, id="slot in the end"
        ),
        pytest.param([Outcome.RATE, Outcome.ACCEPTED], 2, 0, id="slowed down"),
    ],
)
async def test_a_job_is_accepted_once(
    outcomes: list[Outcome], creates: int, queries: int
) -> None:
    submission = SubmissionScenario(*outcomes)

    task = await submission.run()

    assert task == ACCEPTED
    assert len(submission.api.bodies) == submission.submission.creates == creates
    assert submission.api.asked == submission.submission.queries == queries


async def test_a_repeat_carries_the_same_external_id() -> None:
    submission = SubmissionScenario(
        Outcome.LOST, Outcome.TURNED_AWAY, Outcome.NO_SLOT, Outcome.ACCEPTED
    )

    await submission.run()

    ids = [body["external_id"] for body in submission.api.bodies]
    assert ids == [EXTERNAL_ID] * 4


async def test_a_repeat_that_is_refused_because_the_first_arrived_late_finds_it() -> (
    None
):
    submission = SubmissionScenario(
        Outcome.LATE, *[Outcome.TURNED_AWAY] * 4, Outcome.ACCEPTED
    )

    task = await submission.run()

    assert task == ACCEPTED
    assert len(submission.api.created_at) == 1


@pytest.mark.parametrize(
    "refusal", [Outcome.NO_QUOTA, Outcome.BAD_KEY, Outcome.REFUSED]
)
async def test_a_refusal_after_an_ambiguous_create_is_checked_by_a_query(
    refusal: Outcome,
) -> None:
    submission = SubmissionScenario(Outcome.LATE, *[Outcome.TURNED_AWAY] * 4, refusal)

    assert await submission.run() == ACCEPTED


@pytest.mark.parametrize(
    "refusal", [Outcome.NO_QUOTA, Outcome.BAD_KEY, Outcome.REFUSED]
)
async def test_a_refusal_after_an_ambiguous_create_is_final_without_a_task(
    refusal: Outcome,
) -> None:
    submission = SubmissionScenario(Outcome.LOST, refusal)

    with pytest.raises((AccountError, CredentialsError, RefusedError)):
        await submission.run()

    assert len(submission.api.bodies) == 2


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        pytest.param(Outcome.REFUSED, RefusedError, id="parameters"),
        pytest.param(Outcome.NO_QUOTA, AccountError, id="account"),
        pytest.param(Outcome.BAD_KEY, CredentialsError, id="credentials"),
        pytest.param(Outcome.CONTENT, ContentRefusedError, id="content"),
    ],
)
async def test_a_definite_refusal_is_not_tried_again(
    outcome: Outcome, kind: type[KlingError]
) -> None:
    submission = SubmissionScenario(outcome)

    with pytest.raises(kind):
        await submission.run()

    assert (len(submission.api.bodies), submission.api.asked) == (1, 0)


async def test_a_full_account_is_a_queue_with_pauses_of_a_second_and_more() -> None:
    submission = SubmissionScenario(*[Outcome.NO_SLOT] * 9, Outcome.ACCEPTED)

    await submission.run()

    waits = submission.event_log.of(WaitingForSlot)
    assert [one.attempt for one in waits] == list(range(1, 10))
    assert [one.pause_s for one in waits] == pytest.approx(submission.pauses)
    assert min(submission.pauses) >= 1
    assert max(submission.pauses) <= 36


@pytest.mark.parametrize("outcome", [Outcome.NO_SLOT, Outcome.RATE])
async def test_no_slot_within_the_time_is_an_error_with_the_api_s_code(
    outcome: Outcome,
) -> None:
    submission = SubmissionScenario(outcome, timeout_s=60)

    with pytest.raises(NoSlotError) as caught:
        await submission.run()

    assert submission.clock.elapsed_s <= 60
    assert caught.value.http == 429
    assert caught.value.code in (1302, 1303)


async def test_repeated_definite_failures_are_given_up() -> None:
    submission = SubmissionScenario(Outcome.TURNED_AWAY)

    with pytest.raises(UnreachableError, match="not accepted: bad gateway") as caught:
        await submission.run()

    assert "nothing was created" in (caught.value.hint or "")
    assert submission.submission.creates == 6
    assert not submission.api.created_at
    failed = submission.event_log.of(SendFailed)
    assert [one.attempt for one in failed] == [1, 2, 3, 4, 5]
    assert [one.retry_s for one in failed] == pytest.approx(submission.pauses)


async def test_repeated_lost_calls_are_given_up_as_not_accepted() -> None:
    submission = SubmissionScenario(Outcome.LOST)

    with pytest.raises(UnreachableError, match="not accepted: connection lost"):
        await submission.run()

    assert submission.submission.creates == 6


@pytest.mark.parametrize("last", [Outcome.TURNED_AWAY, Outcome.NO_SLOT, Outcome.RATE])
async def test_giving_up_after_an_ambiguous_create_begins_with_a_query(
    last: Outcome,
) -> None:
    submission = SubmissionScenario(Outcome.LATE, last, timeout_s=60)

    assert await submission.run() == ACCEPTED


async def test_waiting_for_a_slot_uses_up_no_tries() -> None:
    submission = SubmissionScenario(
        *[Outcome.TURNED_AWAY] * 3, *[Outcome.NO_SLOT] * 5, *[Outcome.TURNED_AWAY] * 2,
        Outcome.ACCEPTED,
    )  # fmt: skip

    assert await submission.run() == ACCEPTED


async def test_an_unknown_outcome_is_reported_before_it_is_queried() -> None:
    submission = SubmissionScenario(Outcome.ANSWER_LOST)

    await submission.run()

    assert submission.event_log.of(OutcomeCheck) == [
        OutcomeCheck(external_id=EXTERNAL_ID, reason="connection lost")
    ]


async def test_failed_queries_do_not_resolve_an_unknown_outcome() -> None:
    submission = SubmissionScenario(
        Outcome.ANSWER_LOST, query_faults=[DOWN, RateLimitError("slow"), DOWN]
    )

    assert await submission.run() == ACCEPTED
    assert submission.submission.queries == 4
    assert [one.attempt for one in submission.event_log.of(QueryFailed)] == [1, 2, 3]
    assert submission.submission.creates == 1


@pytest.mark.parametrize(
    "submission",
    [
        pytest.param(
            SubmissionScenario(
                Outcome.ANSWER_LOST, query_faults=[DOWN] * 99, timeout_s=60
            ),
            id="no question is answered",
        ),
        pytest.param(
            SubmissionScenario(Outcome.LOST, query_faults=[HANGS], timeout_s=60),
            id="a question hangs",
        ),
        pytest.param(
            SubmissionScenario(Outcome.HANGS, timeout_s=60), id="the create call hangs"
        ),
        pytest.param(
            SubmissionScenario(Outcome.HANGS_UNREAD, timeout_s=60),
            id="it hangs, unread",
        ),
        pytest.param(
            SubmissionScenario(Outcome.LOST, Outcome.HANGS, timeout_s=60),
            id="the repeat hangs",
        ),
        pytest.param(
            SubmissionScenario(Outcome.ANSWER_LOST, query_faults=[BAD_KEY] * 99),
            id="no right to ask",
        ),
    ],
)
async def test_an_unknown_outcome_has_the_hint_that_resolves_it(
    submission: SubmissionScenario,
) -> None:
    with pytest.raises(OutcomeUnknownError, match=EXTERNAL_ID) as caught:
        await submission.run()

    assert caught.value.hint == f"kling wait {EXTERNAL_ID}"
    assert submission.clock.elapsed_s <= 60
    assert submission.submission.creates <= 2


async def test_an_unknown_outcome_is_queried_twice_with_a_pause_between() -> None:
    submission = SubmissionScenario(Outcome.LOST, Outcome.ACCEPTED)

    await submission.run()

    first, second = submission.api.queried_at
    assert first == 0
    assert 0.4 <= second <= 0.6
    assert submission.api.tried_at[1] - second >= 0.8


async def test_failed_queries_are_repeated_with_growing_pauses() -> None:
    submission = SubmissionScenario(Outcome.ANSWER_LOST, query_faults=[DOWN] * 4)

    await submission.run()

    times = submission.api.queried_at
    pauses = [later - at for at, later in pairwise(times)]
    usual = [0.5, 1, 2, 4]
    assert pauses == [pytest.approx(one, rel=0.21) for one in usual]


async def test_four_refusals_to_answer_are_enough() -> None:
    submission = SubmissionScenario(Outcome.ANSWER_LOST, query_faults=[BAD_KEY] * 99)

    with pytest.raises(OutcomeUnknownError):
        await submission.run()

    assert submission.submission.queries == 4


async def test_queries_refused_for_a_while_still_resolve_the_outcome() -> None:
    faults = [BAD_KEY, BAD_KEY, BAD_KEY, DOWN, BAD_KEY]

    submission = SubmissionScenario(Outcome.ANSWER_LOST, query_faults=faults)

    assert await submission.run() == ACCEPTED


@settings(deadline=None)  # the loop of a slow machine is no fault of ours
@given(
    outcomes=st.lists(st.sampled_from(Outcome), min_size=1, max_size=12),
    query_faults=st.lists(st.sampled_from([None, DOWN, BAD_KEY, HANGS]), max_size=12),
    timeout_s=st.sampled_from([1.0, 20.0, 600.0]),
)
def test_at_most_one_task_is_created_and_the_result_names_it(
    outcomes: list[Outcome], query_faults: list[object], timeout_s: float
) -> None:
    async def submit() -> tuple[SubmissionScenario, object]:
        submission = SubmissionScenario(
            *outcomes, query_faults=query_faults, timeout_s=timeout_s
        )
        try:
            return submission, await submission.run()
        except KlingError as exc:
            return submission, exc

    submission, result = asyncio.run(submit())

    assert set(submission.api.created_at) <= {EXTERNAL_ID}
    assert submission.clock.elapsed_s <= timeout_s
    if isinstance(result, OutcomeUnknownError):
        return
    arrived_at = submission.api.created_at.get(EXTERNAL_ID, 0.0)
    is_too_late = Outcome.LATE in outcomes and arrived_at > max(
        submission.api.queried_at, default=0.0
    )
    if isinstance(result, KlingError) and not is_too_late:
        assert submission.api.task is None
    elif not isinstance(result, KlingError):
        assert result == submission.api.task == ACCEPTED
