"""What a film takes over from the one that it is made of, besides its length.

Only the sandbox's own films are known; of another one nothing follows, but that its
sound can be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.video import Clip
from kling_cli.sandbox.state.sources import bare, made, own_clip

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

_PRO_PX = 1080 * 1080  # between the areas of 720p and 1080p


def inherited(world: World, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are as in the film that is edited or goes on."""
    edited, extended = said.get("base_video"), said.get("video_id")
    opened = own_clip(world, said)
    film = opened or made(world, str(bare(edited or extended or "")))
    if not isinstance(film, Clip):
        return {}
    shape = {"aspect_ratio": f"{film.width}:{film.height}"}
    if opened is not None:
        return shape
    if edited is None:
        is_pro = film.width * film.height > _PRO_PX
        return {**shape, "resolution": "1080p" if is_pro else "720p"}
    return shape if film.has_sound else {**shape, "keep_sound": False}
