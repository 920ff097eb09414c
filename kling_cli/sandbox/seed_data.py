"""An account that has been used before: what a visitor finds in it.

A sandbox that is there for one command would be empty otherwise, with nothing to list,
to look at or to delete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.library import Element, Voice
from kling_cli.sandbox.routes.create import admit
from kling_cli.sandbox.routes.envelope import Refusal
from kling_cli.sandbox.state.account import DAY_S
from kling_cli.sandbox.state.tasks import times_from

if TYPE_CHECKING:
    from kling_cli.sandbox.media.outputs import Output
    from kling_cli.sandbox.state.sandbox_state import World
    from kling_cli.sandbox.state.tasks import SandboxTask

VOICE_ID = "830000000000000301"
ELEMENT_ID = "320000000000301"
TASK_ID = "930000000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was asked for `days` ago, and under which ids it is known."""

    days: float
    task_id: str
    path: str
    body: dict[str, Any]


DEEDS = (
    Deed(
        days=9,
        task_id="880000000000000301",
        path="/v1/general/custom-voices",
        body={"voice_name": "Ann", "voice_url": "https://snd.example.com/ann.mp3"},
    ),
    Deed(
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
    Deed(
        days=1,
        task_id=TASK_ID,
        path="/text-to-video/kling-3.0-turbo",
        body={"prompt": "a paper boat on a rainy street"},
    ),
)


def give_past(world: World) -> None:
    """Let the account have done all this, and paid for it."""
    now = world.timeline.now_s()
    for deed in DEEDS:
        made = admit(world, deed.path, deed.body)
        assert not isinstance(made, Refusal), made  # noqa: S101 -- our own bodies
        world.tasks.put(_as_of(made, deed, now - deed.days * DAY_S))


def _as_of(made: SandboxTask, deed: Deed, moment: float) -> SandboxTask:
    seconds = made.times.ended_at - made.times.created_at
    return replace(
        made,
        id=deed.task_id,
        times=times_from(moment, seconds),
        outputs=tuple(_known(output) for output in made.outputs),
    )


def _known(output: Output) -> Output:
    """Return a thing of the library under the id that documents name."""
    if isinstance(output, Voice):
        return replace(output, id=VOICE_ID)
    if isinstance(output, Element):
        return replace(output, id=ELEMENT_ID)
    return output
