"""The state machine is pure: the API's answers decide, callbacks do not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from kling_cli.api.tasks import Task, TaskStatus
from kling_cli.jobs.waiting.state_machine import (
    Source,
    TaskState,
    after_answer,
    after_callback,
    after_failed_query,
    initial_state,
)
from tests.jobs.factories import (
    FAILED,
    PROCESSING,
    SUBMITTED,
    SUCCEEDED,
    UNKNOWN,
    a_task,
)

STORY = (SUBMITTED, PROCESSING)  # and then one of the ends


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback claims `claimed`, true or not."""

    claimed: TaskStatus


@dataclass(frozen=True, slots=True)
class Poll:
    """We ask at `time`, and the replica that answers is `behind` steps of the story."""

    time: int
    behind: int


@dataclass(frozen=True, slots=True)
class Failure:
    """We ask and get no answer."""


Step = Callback | Poll | Failure
# As many callbacks as one likes, in any order: lost, repeated, forged, before the task
# has begun and after it is over; questions at true times that never go back.
STEPS = st.lists(
    st.one_of(
        st.builds(Callback, st.sampled_from(TaskStatus)),
        st.builds(Poll, st.integers(0, 5), st.integers(0, 2)),
        st.just(Failure()),
    ),
    max_size=30,
)


def in_true_order(steps: list[Step]) -> list[Step]:
    """Return `steps` with their questions at non-decreasing times."""
    times = iter(sorted(step.time for step in steps if isinstance(step, Poll)))
    return [
        Poll(next(times), step.behind) if isinstance(step, Poll) else step
        for step in steps
    ]


def live(steps: list[Step], end: TaskStatus) -> list[TaskState]:
    """Return every state of the life that these steps lead through."""
    story = (*STORY, end)
    lives = [initial_state(a_task())]
    for step in steps:
        state = lives[-1]
        match step:
            case Callback(claimed):
                lives.append(after_callback(state, claimed))
            case Poll(time, behind):
                at = max(0, min(time, len(story) - 1) - behind)
                lives.append(after_answer(state, a_task(status=story[at])))
            case Failure():
                lives.append(after_failed_query(state))
    return lives


def completions(lives: list[TaskState]) -> int:
    pairs = pairwise(lives)
    return sum(not before.is_over and after.is_over for before, after in pairs)


@given(steps=STEPS, end=st.sampled_from((SUCCEEDED, FAILED)))
def test_any_order_of_callbacks_ends_in_the_same_state(
    steps: list[Step], end: TaskStatus
) -> None:
    last_answer: list[Step] = [Poll(time=9, behind=0)]

    lives = live(in_true_order(steps) + last_answer, end)

    assert lives[-1].task == a_task(status=end)
    assert completions(lives) == 1


@given(steps=STEPS, end=st.sampled_from((SUCCEEDED, FAILED)))
def test_a_status_never_goes_back_and_a_final_one_never_changes(
    steps: list[Step], end: TaskStatus
) -> None:
    order = (*STORY, end)

    places = [
        order.index(state.task.status) for state in live(in_true_order(steps), end)
    ]

    assert places == sorted(places)


@given(claims=st.lists(st.sampled_from(TaskStatus), min_size=1))
def test_callbacks_alone_only_make_a_query_due(
    claims: list[TaskStatus],
) -> None:
    state = initial_state(a_task())

    for claimed in claims:
        state = after_callback(state, claimed)

    assert state.task == a_task()
    assert state.is_due
    assert state.callbacks == len(claims)
    assert state.completed_by is None


@given(steps=STEPS)
def test_a_query_is_due_exactly_after_a_callback_without_a_query_since(
    steps: list[Step],
) -> None:
    lives = live(in_true_order(steps), SUCCEEDED)

    for step, state in zip(in_true_order(steps), lives[1:], strict=True):
        if not state.is_over:
            assert state.is_due == isinstance(step, Callback)


def test_a_forged_success_does_not_complete_a_task_that_goes_on() -> None:
    forged = after_callback(initial_state(a_task(status=PROCESSING)), SUCCEEDED)

    asked = after_answer(forged, a_task(status=PROCESSING))

    assert not asked.is_over
    assert asked.completed_by is None
    assert asked.claimed is None  # and takes no credit when the end does come
    assert after_answer(asked, a_task(status=SUCCEEDED)).completed_by is Source.POLL


@pytest.mark.parametrize(
    ("claims", "by"),
    [
        pytest.param([SUCCEEDED], Source.CALLBACK, id="the end was called"),
        pytest.param([FAILED], Source.CALLBACK, id="an end was called, another came"),
        pytest.param([SUCCEEDED, PROCESSING], Source.CALLBACK, id="out of order"),
        pytest.param([PROCESSING], Source.POLL, id="a callback about something else"),
        pytest.param([UNKNOWN], Source.POLL, id="a word we do not know"),
        pytest.param([], Source.POLL, id="no callback"),
    ],
)
def test_the_end_is_credited_to_what_brought_it(
    claims: list[TaskStatus], by: Source
) -> None:
    state = initial_state(a_task())
    for claimed in claims:
        state = after_callback(state, claimed)

    assert after_answer(state, a_task(status=SUCCEEDED)).completed_by is by


def test_a_task_that_is_over_at_once_is_credited_to_the_create_call() -> None:
    assert initial_state(a_task(status=FAILED)).completed_by is Source.CREATE


def test_callbacks_after_the_end_are_counted_and_cause_no_query() -> None:
    over = initial_state(a_task(status=SUCCEEDED))

    state = after_callback(over, SUBMITTED)

    assert (state.callbacks, state.is_due, state.task) == (1, False, over.task)


def test_a_lagging_answer_changes_nothing_but_the_count() -> None:
    state = initial_state(a_task(status=PROCESSING))

    after = after_answer(state, a_task(status=SUBMITTED))

    assert after.task == state.task
    assert after.queries == state.queries + 1


def test_an_unknown_status_is_stored_and_can_be_left() -> None:
    odd = after_answer(initial_state(a_task(status=PROCESSING)), a_task(status=UNKNOWN))

    assert odd.task.status is UNKNOWN
    assert after_answer(odd, a_task(status=PROCESSING)).task.status is PROCESSING


def test_the_same_status_brings_its_new_details() -> None:
    newer = Task(id="t1", status=PROCESSING, message="half done")

    assert after_answer(initial_state(a_task(status=PROCESSING)), newer).task == newer


def test_a_query_without_an_answer_counts_and_is_no_longer_due() -> None:
    state = after_failed_query(after_callback(initial_state(a_task()), SUCCEEDED))

    assert (state.queries, state.is_due, state.task.status) == (1, False, SUBMITTED)
