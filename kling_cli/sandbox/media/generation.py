"""What comes of an order: videos, images, sounds, subtitles, voices, elements.

The product says what it makes; the table below is for paths that make several things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kling_cli.products import paths
from kling_cli.sandbox.media import library
from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.dimensions import IMAGE_PX, film_size, image_size
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.outputs import Audio, Captions, Image, Output, Video, Views
from kling_cli.sandbox.media.subtitles import Subtitles
from kling_cli.sandbox.media.video import Clip

# Source: API reference, sections 2.7, 2.8 and 2.10, read 2026-10-04.
_SEVERAL = {
    "/v1/audio/video-to-audio": ("video", "audio"),
    "/v1/general/ai-multi-shot": ("views",),
    "/solutions/e-commerce/clothing_dupe": (
        *("product_image", "model_images", "product_video"),
    ),
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
# Source: section 2.6: results of effects have no duration.
_UNTIMED = frozenset({"/v1/videos/effects"})
AUTO_IMAGES = 4  # how many the service makes of a series that leaves it to it: a guess
VIEW_SETS, VIEWS_A_SET = 3, 3
SAMPLE_S = 3.0
# Section 2.10, drama_subtitle: what is taken for landscape.
_FONT_SIZE, _MARGIN = 56, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an order asks for: the raw body, and the values that count.

    `label` tells its files from others'; `new_id` makes an id of the account's form.
    `pictures` are those of a film of it.
    """

    path: str
    output: str
    label: str
    body: Mapping[str, Any]
    wanted: Mapping[str, Any]
    new_id: Callable[[], str]
    seconds: float = 5
    pictures: int = 121

    @property
    def is_heard(self) -> bool:
        """Say whether a film of it has sound whatever was asked for."""
        kept = self.wanted.get("base_video") and self.wanted.get("keep_sound")
        return bool(kept) or self.path in _HEARD

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
        is_timed=wish.path not in _UNTIMED,
    )


def _product_video(wish: Wish) -> Iterator[Output]:
    """Yield the film without its length, as the reference's example has it."""
    clip = _clip(wish)
    yield Video(id=wish.new_id(), clip=clip, type="product_video", is_timed=False)


def _still(kind: str, index: int) -> Callable[[Wish], Iterator[Output]]:
    """Return what makes the single image of this type beside a film."""

    def make(wish: Wish) -> Iterator[Output]:
        width, height = image_size(wish.body, wish.wanted)
        picture = Picture(width=width, height=height, label=f"{wish.label}-{kind}")
        yield Image(index=index, picture=picture, type=kind)

    return make


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
    width, height = image_size(wish.body, wish.wanted)
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
    side = IMAGE_PX["1k"]
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
    side = IMAGE_PX["1k"]
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
    width, height = film_size(wish.wanted)
    return Clip(
        width=width,
        height=height,
        pictures=wish.pictures,
        has_sound=bool(wish.wanted.get("sound")) or wish.is_heard,
        label=wish.label,
    )


_MAKERS: Mapping[str, Callable[[Wish], Iterator[Output]]] = {
    "video": _video,
    "product_video": _product_video,
    "product_image": _still("product_image", 0),
    "model_images": _still("model_images", 1),
    "subbed_video": _subbed_video,
    "srt": _subtitles("srt"),
    "ass": _subtitles("ass"),
    "image": _images,
    "views": _views,
    "audio": _audio,
    "voice": _voice,
    "element": _element,
}
