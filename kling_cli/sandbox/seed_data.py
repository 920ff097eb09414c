"""Seed data: tasks of an account that has been used before.

A sandbox that lives for one command would be empty otherwise, with nothing to list, to
show or to delete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.outputs import Element, Voice
from kling_cli.sandbox.routes.create import create_task
from kling_cli.sandbox.routes.responses import Refusal
from kling_cli.sandbox.state.account import DAY_S
from kling_cli.sandbox.state.tasks import times_from

if TYPE_CHECKING:
    from kling_cli.sandbox.media.outputs import Output
    from kling_cli.sandbox.state.sandbox_state import SandboxState
    from kling_cli.sandbox.state.tasks import SandboxTask

VOICE_ID = "830000000000000301"
ELEMENT_ID = "320000000000301"
TASK_ID = "930000000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTask:
    """A create request of `days` ago, and the id of the task that it made."""

    days: float
    task_id: str
    path: str
    body: dict[str, Any]


SEED_TASKS = (
    SeedTask(
        days=9,
        task_id="880000000000000301",
        path="/v1/general/custom-voices",
        body={"voice_name": "Ann", "voice_url": "https://snd.example.com/ann.mp3"},
    ),
    SeedTask(
        days=8,
        task_id="880000000000000302",
        path="/v1/general/advanced-custom-elements",
        body={
            "element_name": "Hero",
            "element_description": "red coat",
            "reference_type": "image_refer",
            "element_image_list": {
                "frontal_image": "https://img.example.com/f.png",
                "refer_images": [{"image_url": "https://img.example.com/r1.png"}],
            },
            "tag_list": [{"tag_id": "o_102"}],
        },
    ),
    SeedTask(
        days=1,
        task_id=TASK_ID,
        path="/text-to-video/kling-3.0-turbo",
        body={"prompt": "a paper boat on a rainy street"},
    ),
)


def add_seed_data(state: SandboxState) -> None:
    """Add the seed tasks to the account, paid for."""
    now = state.clock.now_s()
    for seed in SEED_TASKS:
        made = create_task(state, seed.path, seed.body)
        assert not isinstance(made, Refusal), made  # noqa: S101 -- our own bodies
        state.tasks.put(_at_moment(made, seed, now - seed.days * DAY_S))


def _at_moment(made: SandboxTask, seed: SeedTask, moment: float) -> SandboxTask:
    seconds = made.times.ended_at - made.times.created_at
    return replace(
        made,
        id=seed.task_id,
        times=times_from(moment, seconds),
        outputs=tuple(_with_known_id(output) for output in made.outputs),
    )


def _with_known_id(output: Output) -> Output:
    """Return a voice or element under the id that the documents name."""
    if isinstance(output, Voice):
        return replace(output, id=VOICE_ID)
    if isinstance(output, Element):
        return replace(output, id=ELEMENT_ID)
    return output
