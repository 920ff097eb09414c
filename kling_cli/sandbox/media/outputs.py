"""The outputs of a task, as files and as JSON in each generation of the API.

Source: API reference, sections 2.2, 2.3, 2.7, 2.9 and 2.10, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kling_cli.sandbox.media.audio import Sound
    from kling_cli.sandbox.media.image import Picture
    from kling_cli.sandbox.media.subtitles import Subtitles
    from kling_cli.sandbox.media.video import Clip


Json = dict[str, Any]
Link = Callable[[str], str]
"""Returns the signed URL of a file by its name."""


class Content(Protocol):
    """The content of a file, not yet rendered; equal contents make equal files."""

    @property
    def media_type(self) -> str: ...

    def render(self) -> bytes: ...


class Output(Protocol):
    """One result of a task.

    `new` are its items in `outputs`; `legacy` its item and the list of `task_result`
    that it stands in.
    """

    @property
    def files(self) -> Mapping[str, Content]: ...

    def new(self, link: Link) -> list[Json]: ...

    def legacy(self, link: Link) -> tuple[str, Json]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A clip, and on request a watermarked copy; `is_timed`: its JSON has a length."""

    id: str
    clip: Clip
    has_watermark: bool = False
    type: str = "video"
    session_id: str | None = None
    is_timed: bool = True

    @property
    def files(self) -> Mapping[str, Content]:
        both = {"video.mp4": self.clip, "video_wm.mp4": self.clip.watermarked}
        return both if self.has_watermark else {"video.mp4": self.clip}

    def new(self, link: Link) -> list[Json]:
        return [{"type": self.type, **self._item(link)}]

    def legacy(self, link: Link) -> tuple[str, Json]:
        extra = {} if self.session_id is None else {"session_id": self.session_id}
        return "videos", self._item(link) | extra

    def _item(self, link: Link) -> Json:
        item = {"id": self.id, "url": link("video.mp4")}
        if self.has_watermark:
            item["watermark_url"] = link("video_wm.mp4")
        if self.is_timed:
            item["duration"] = duration_text(self.clip.duration_s)
        return item


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One of a task's images, counted from 0; `group_id` is for those of a series."""

    index: int
    picture: Picture
    has_watermark: bool = False
    group_id: str | None = None
    type: str = "image"

    @property
    def files(self) -> Mapping[str, Content]:
        both = {self._name: self.picture, self._marked: self.picture.watermarked}
        return both if self.has_watermark else {self._name: self.picture}

    def new(self, link: Link) -> list[Json]:
        group = {} if self.group_id is None else {"group_id": self.group_id}
        return [{"type": self.type, **self._urls(link), **group}]

    def legacy(self, link: Link) -> tuple[str, Json]:
        name = "images" if self.group_id is None else "series_images"
        return name, {"index": self.index, **self._urls(link)}

    @property
    def _name(self) -> str:
        return f"image_{self.index}.png"

    @property
    def _marked(self) -> str:
        return f"image_{self.index}_wm.png"

    def _urls(self, link: Link) -> Json:
        urls = {"url": link(self._name)}
        if self.has_watermark:
            urls["watermark_url"] = link(self._marked)
        return urls


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """A set of further views of one subject."""

    index: int
    pictures: tuple[Picture, ...]

    @property
    def files(self) -> Mapping[str, Content]:
        return dict(zip(self._names, self.pictures, strict=True))

    def new(self, link: Link) -> list[Json]:
        return [{"type": "image", "url": link(name)} for name in self._names]

    def legacy(self, link: Link) -> tuple[str, Json]:
        urls = {f"url_{n}": link(name) for n, name in enumerate(self._names, 1)}
        return "images", {"index": self.index, **urls}

    @property
    def _names(self) -> list[str]:
        count = len(self.pictures)
        return [f"view_{self.index}_{n}.png" for n in range(1, count + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The same sound in both formats."""

    id: str
    mp3: Sound
    wav: Sound

    @property
    def files(self) -> Mapping[str, Content]:
        return {"audio.mp3": self.mp3, "audio.wav": self.wav}

    def new(self, link: Link) -> list[Json]:
        item: Json = {"type": "audio", "id": self.id}
        for name, sound in (("mp3", self.mp3), ("wav", self.wav)):
            item[f"{name}_url"] = link(f"audio.{name}")
            item[f"{name}_duration"] = duration_text(sound.duration_s)
        return [item]

    def legacy(self, link: Link) -> tuple[str, Json]:
        item: Json = {"id": self.id}
        for name, sound in (("mp3", self.mp3), ("wav", self.wav)):
            item[f"url_{name}"] = link(f"audio.{name}")
            item[f"duration_{name}"] = duration_text(sound.duration_s)
        return "audios", item


@dataclass(frozen=True, slots=True, kw_only=True)
class Captions:
    """Subtitles as a file of their own; solutions only."""

    subtitles: Subtitles

    @property
    def files(self) -> Mapping[str, Content]:
        return {self._name: self.subtitles}

    def new(self, link: Link) -> list[Json]:
        return [{"type": self.subtitles.kind, "url": link(self._name)}]

    def legacy(self, link: Link) -> tuple[str, Json]:
        return "subtitles", {"url": link(self._name)}

    @property
    def _name(self) -> str:
        return f"subtitles.{self.subtitles.kind}"


def duration_text(seconds: float) -> str:
    """Return seconds as the API writes them, cut to milliseconds: `5.041`."""
    return f"{int(seconds * 1000 + 1e-6) / 1000:.3f}"


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
