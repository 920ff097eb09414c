"""A sandbox for a visitor is an account that has been used."""

from __future__ import annotations

import pytest

from kling_cli.sandbox.media.outputs import Element, Voice
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.seed_data import ELEMENT_ID, SEED_TASKS, VOICE_ID, add_seed_data
from kling_cli.sandbox.state.account import DAY_S
from kling_cli.sandbox.state.sandbox_state import SandboxState
from kling_cli.sandbox.state.tasks import Phase


@pytest.fixture
def state() -> SandboxState:
    found = SandboxState(
        SandboxOptions(has_seed_data=True), base_url="http://127.0.0.1:1"
    )
    add_seed_data(found)
    return found


def test_all_of_it_is_done_and_paid_for(state: SandboxState) -> None:
    now = state.clock.now_s()

    assert {task.phase_at(now) for task in state.tasks} == {Phase.SUCCEEDED}
    assert [task.id for task in state.tasks] == [deed.task_id for deed in SEED_TASKS]
    assert state.left("video") < state.account.units
    assert state.account.bought_at < min(t.times.created_at for t in state.tasks)


def test_the_oldest_comes_first_as_in_every_account(state: SandboxState) -> None:
    ages = [
        (state.clock.now_s() - task.times.created_at) / DAY_S for task in state.tasks
    ]

    assert ages == sorted(ages, reverse=True)


def test_its_things_have_the_ids_that_documents_name(state: SandboxState) -> None:
    outputs = [output for task in state.tasks for output in task.outputs]

    ids = [each.id for each in outputs if isinstance(each, Voice | Element)]
    assert ids == [VOICE_ID, ELEMENT_ID]


def test_without_being_asked_for_there_is_none() -> None:
    plain = SandboxState(SandboxOptions(), base_url="http://127.0.0.1:1")

    assert list(plain.tasks) == []
    assert plain.left("video") == plain.account.units
