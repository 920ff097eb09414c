"""What comes of an order: videos, images, sounds, subtitles, voices, elements.

The product says what it makes; the table below is for paths that make several things.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

from kling_cli.errors import KlingError
from kling_cli.products import paths
from kling_cli.products.image import describe
from kling_cli.products.limits import is_url
from kling_cli.sandbox import library
from kling_cli.sandbox.outputs import Audio, Captions, Image, Output, Video, Views
from kling_cli.sandbox.picture import Picture
from kling_cli.sandbox.sound import Sound
from kling_cli.sandbox.subtitles import Subtitles
from kling_cli.sandbox.video.clip import Clip, pictures_for, size_for

if TYPE_CHECKING:
    from kling_cli.products.image import ImageFacts

# Source: API reference, sections 2.7, 2.8 and 2.10, read 2026-10-04.
_SEVERAL = {
    "/v1/audio/video-to-audio": ("video", "audio"),
    "/v1/general/ai-multi-shot": ("views",),
    "/solutions/drama_subtitle": ("subbed_video", "srt", "ass"),
}
_HEARD = frozenset(
    {
        "/v1/audio/video-to-audio",
        "/v1/videos/avatar/image2video",
        "/v1/videos/advanced-lip-sync",
        "/v1/videos/lip-sync",
        "/solutions/talking_agent",
        "/solutions/drama_subtitle",
    }
)
DEFAULT_S = 5
AUTO_IMAGES = 4  # how many the service makes of a series that leaves it to it: a guess
VIEW_SETS, VIEWS_A_SET = 3, 3
SAMPLE_S = 3.0
MIN_RATIO, MAX_RATIO = 0.4, 2.5  # of an image that may be sent
_IMAGE_PX = {"1k": 1024, "2k": 2048, "4k": 4096}
_SIDES = ("left", "right"), ("up", "down")
# Section 2.10, drama_subtitle: what is taken for landscape.
_FONT_SIZE, _MARGIN = 56, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an order asks for: the raw body, and the values that count.

    `label` tells its files from others'; `new_id` makes an id of the account's form.
    `source` is the video that it is made from, where it is as long as that.
    """

    path: str
    output: str
    label: str
    body: Mapping[str, Any]
    wanted: Mapping[str, Any]
    new_id: Callable[[], str]
    source: Clip | None = None

    @property
    def seconds(self) -> float:
        value = self.source.duration_s if self.source else self.wanted.get("duration")
        return value if isinstance(value, int | float) and value else DEFAULT_S

    @property
    def is_heard(self) -> bool:
        """Say whether a film of it has sound whatever was asked for."""
        return self.path in _HEARD

    @property
    def has_watermark(self) -> bool:
        return bool(self.wanted.get("watermark"))

    def text(self, name: str) -> str:
        return str(self.body.get(name) or "")


def outputs_of(wish: Wish) -> tuple[Output, ...]:
    """Return what the order makes; a kind nobody knows is taken for a video."""
    kinds = _SEVERAL.get(wish.path, (wish.output,))
    return tuple(each for kind in kinds for each in _MAKERS.get(kind, _video)(wish))


def _video(wish: Wish) -> Iterator[Output]:
    yield Video(
        id=wish.new_id(),
        clip=_clip(wish),
        has_watermark=wish.has_watermark,
        session_id=wish.text("session_id") or None,
    )


def _subbed_video(wish: Wish) -> Iterator[Output]:
    yield Video(id=wish.new_id(), clip=_clip(wish), type="subbed_video")


def _subtitles(kind: Literal["srt", "ass"]) -> Callable[[Wish], Iterator[Output]]:
    def make(wish: Wish) -> Iterator[Output]:
        clip = _clip(wish)
        yield Captions(
            subtitles=Subtitles(
                seconds=int(wish.seconds),
                label=wish.label,
                kind=kind,
                width=clip.width,
                height=clip.height,
                font_size=paths.get(wish.body, "settings.font_size") or _FONT_SIZE,
                margin=paths.get(wish.body, "settings.margin_v") or _MARGIN,
            )
        )

    return make


def _images(wish: Wish) -> Iterator[Output]:
    is_series = wish.body.get("result_type") == "series"
    count = wish.body.get("series_amount", AUTO_IMAGES) if is_series else None
    if count is None:
        count = wish.wanted.get("n") or 1
    width, height = _image_size(wish)
    group = wish.new_id() if is_series else None
    for index in range(count if isinstance(count, int) else AUTO_IMAGES):
        label = f"{wish.label}-{index}"
        yield Image(
            index=index,
            picture=Picture(width=width, height=height, label=label),
            has_watermark=wish.has_watermark,
            group_id=group,
        )


def _views(wish: Wish) -> Iterator[Output]:
    side = _IMAGE_PX["1k"]
    for index in range(VIEW_SETS):
        labels = [f"{wish.label}-{index}-{n}" for n in range(VIEWS_A_SET)]
        pictures = (Picture(width=side, height=side, label=each) for each in labels)
        yield Views(index=index, pictures=tuple(pictures))


def _audio(wish: Wish) -> Iterator[Output]:
    yield Audio(
        id=wish.new_id(),
        mp3=Sound(seconds=wish.seconds, label=wish.label, kind="mp3"),
        wav=Sound(seconds=wish.seconds, label=wish.label, kind="wav"),
    )


def _voice(wish: Wish) -> Iterator[Output]:
    yield library.Voice(
        id=wish.new_id(),
        name=wish.text("voice_name"),
        sample=Sound(seconds=SAMPLE_S, label=wish.label, kind="mp3"),
    )


def _element(wish: Wish) -> Iterator[Output]:
    views = paths.get(wish.body, "element_image_list.refer_images") or ()
    side = _IMAGE_PX["1k"]
    pictures = [
        Picture(width=side, height=side, label=f"{wish.label}-{n}")
        for n in range(len(views) + 1)
    ]
    yield library.Element(
        id=wish.new_id(),
        name=wish.text("element_name"),
        description=wish.text("element_description"),
        reference_type=wish.text("reference_type"),
        frontal=pictures[0],
        refers=tuple(pictures[1:]),
        tags=library.tags_of(wish.body.get("tag_list")),
    )


def _clip(wish: Wish) -> Clip:
    seen = _seen(wish.wanted.get("image") or wish.wanted.get("last_frame"))
    ratio = _ratio_of(wish.source or seen) or _asked_ratio(wish) or 16 / 9
    width, height = size_for(str(wish.wanted.get("resolution")), ratio)
    return Clip(
        width=width,
        height=height,
        pictures=pictures_for(int(wish.seconds)),
        has_sound=bool(wish.wanted.get("sound")) or wish.is_heard,
        label=wish.label,
    )


def _image_size(wish: Wish) -> tuple[int, int]:
    """Return width and height in pixels: what was asked for, or the input's shape."""
    side = _IMAGE_PX.get(str(wish.wanted.get("resolution")), _IMAGE_PX["1k"])
    seen = _seen(wish.body.get("image") or wish.body.get("human_image"))
    ratio = _asked_ratio(wish) or _ratio_of(seen) or 1.0
    width, height = side * sqrt(ratio), side / sqrt(ratio)
    across, down = (
        1 + sum(_share(wish, f"{side}_expansion_ratio") for side in sides)
        for sides in _SIDES
    )
    return round(width * across), round(height * down)


def _share(wish: Wish, name: str) -> float:
    value = wish.body.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _asked_ratio(wish: Wish) -> float | None:
    """Return width:height as asked for; None where it is left to the model."""
    width, _, height = str(wish.wanted.get("aspect_ratio") or "").partition(":")
    if not (width.isdecimal() and height.isdecimal()):
        return None
    return int(width) / int(height)


def _ratio_of(seen: ImageFacts | Clip | None) -> float | None:
    if seen is None or not (seen.width and seen.height):
        return None
    return min(max(seen.width / seen.height, MIN_RATIO), MAX_RATIO)


def _seen(value: Any) -> ImageFacts | None:
    """Return what an image sent as base64 looks like; None for a link to one."""
    if not isinstance(value, str) or is_url(value):
        return None
    try:
        return describe(base64.b64decode(value, validate=False))
    except (KlingError, ValueError):
        return None


_MAKERS: Mapping[str, Callable[[Wish], Iterator[Output]]] = {
    "video": _video,
    "subbed_video": _subbed_video,
    "srt": _subtitles("srt"),
    "ass": _subtitles("ass"),
    "image": _images,
    "views": _views,
    "audio": _audio,
    "voice": _voice,
    "element": _element,
}
