"""The voices and elements of an account: what makes them, shows them, deletes them.

Source: API reference, sections 2.2 and 2.8, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.outputs import Content, Json, Link

if TYPE_CHECKING:
    from kling_cli.sandbox.media.audio import Sound
    from kling_cli.sandbox.media.image import Picture

OWNER = "10000001"
TAGS = {
    "o_101": "Hottest",
    "o_102": "Character",
    "o_103": "Animal",
    "o_104": "Item",
    "o_105": "Costume",
    "o_106": "Scene",
    "o_107": "Effect",
    "o_108": "Others",
}
_TYPES = {"image_refer": "multi_image_elements"}
_NO_VOICE = {"voice_id": "", "voice_name": "", "trial_url": "", "owned_by": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice for videos, and a sample of it."""

    id: str
    name: str
    sample: Sound
    owner: str = OWNER
    is_deleted: bool = False

    @property
    def files(self) -> Mapping[str, Content]:
        return {"voice.mp3": self.sample}

    def new(self, link: Link) -> list[Json]:
        item = {"id": self.id, "name": self.name, "url": link("voice.mp3")}
        status = "deleted" if self.is_deleted else "succeeded"
        return [{"type": "voice", **item, "owned_by": self.owner, "status": status}]

    def legacy(self, link: Link) -> tuple[str, Json]:
        return "voices", {
            "voice_id": self.id,
            "voice_name": self.name,
            "trial_url": link("voice.mp3"),
            "owned_by": self.owner,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A subject to be used again. Its id is a number in the legacy shape."""

    id: str
    name: str
    description: str
    reference_type: str
    frontal: Picture
    refers: tuple[Picture, ...]
    tags: tuple[str, ...] = ()
    owner: str = OWNER
    is_deleted: bool = False

    @property
    def files(self) -> Mapping[str, Content]:
        views = {f"refer_{n}.png": each for n, each in enumerate(self.refers, 1)}
        return {"frontal.png": self.frontal, **views}

    def new(self, link: Link) -> list[Json]:
        kind = _TYPES.get(self.reference_type, "video_character_elements")
        return [
            {
                "type": "element",
                "id": self.id,
                "name": self.name,
                "description": self.description,
                "element_type": kind,
                "references": [self._reference(name, link) for name in self.files],
                "owned_by": self.owner,
                "status": "deleted" if self.is_deleted else "succeeded",
                "tags": [{**tag, "id": int(tag["id"][2:])} for tag in self._tags],
            }
        ]

    def legacy(self, link: Link) -> tuple[str, Json]:
        views = [{"image_url": link(name)} for name in self.files if "refer" in name]
        return "elements", {
            "element_id": int(self.id),
            "element_name": self.name,
            "element_description": self.description,
            "reference_type": self.reference_type,
            "element_image_list": {
                "frontal_image": link("frontal.png"),
                "refer_images": views,
            },
            "element_video_list": {"refer_videos": []},
            "element_voice_info": dict(_NO_VOICE),
            "tag_list": self._tags,
            "owned_by": self.owner,
            "status": "deleted" if self.is_deleted else "succeed",
        }

    @property
    def _tags(self) -> list[dict[str, str]]:
        known = [(tag, TAGS[tag]) for tag in self.tags if tag in TAGS]
        return [{"id": tag, "name": name, "description": name} for tag, name in known]

    def _reference(self, name: str, link: Link) -> Json:
        role = "frontal" if name == "frontal.png" else "refer"
        return {"type": "image", "role": role, "url": link(name)}


def tags_of(value: Any) -> tuple[str, ...]:
    """Return the tag ids of a body's `tag_list`."""
    entries = value if isinstance(value, list) else []
    return tuple(str(each.get("tag_id")) for each in entries if isinstance(each, dict))
