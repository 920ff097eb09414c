"""A sandbox for a visitor is an account that has been used."""

from __future__ import annotations

import pytest

from kling_cli.sandbox.media.library import Element, Voice
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.seed_data import DEEDS, ELEMENT_ID, VOICE_ID, give_past
from kling_cli.sandbox.state.account import DAY_S
from kling_cli.sandbox.state.sandbox_state import World
from kling_cli.sandbox.state.tasks import Phase


@pytest.fixture
def world() -> World:
    found = World(SandboxOptions(has_past=True), base_url="http://127.0.0.1:1")
    give_past(found)
    return found


def test_all_of_it_is_done_and_paid_for(world: World) -> None:
    now = world.timeline.now_s()

    assert {task.phase_at(now) for task in world.tasks} == {Phase.SUCCEEDED}
    assert [task.id for task in world.tasks] == [deed.task_id for deed in DEEDS]
    assert world.left("video") < world.account.units
    assert world.account.bought_at < min(t.times.created_at for t in world.tasks)


def test_the_oldest_comes_first_as_in_every_account(world: World) -> None:
    ages = [
        (world.timeline.now_s() - task.times.created_at) / DAY_S for task in world.tasks
    ]

    assert ages == sorted(ages, reverse=True)


def test_its_things_have_the_ids_that_documents_name(world: World) -> None:
    outputs = [output for task in world.tasks for output in task.outputs]

    ids = [each.id for each in outputs if isinstance(each, Voice | Element)]
    assert ids == [VOICE_ID, ELEMENT_ID]


def test_without_being_asked_for_there_is_none() -> None:
    plain = World(SandboxOptions(), base_url="http://127.0.0.1:1")

    assert list(plain.tasks) == []
    assert plain.left("video") == plain.account.units
