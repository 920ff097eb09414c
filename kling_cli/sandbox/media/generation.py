"""Generates the outputs of a task: videos, images, audio, subtitles, library items.

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
from kling_cli.products.prompt import split_handle
from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.outputs import (
    Audio,
    Captions,
    Element,
    Image,
    Output,
    Video,
    Views,
    Voice,
    tags_of,
)
from kling_cli.sandbox.media.subtitles import Subtitles
from kling_cli.sandbox.media.video import Clip, size_for

if TYPE_CHECKING:
    from kling_cli.products.image import ImageFacts


# Source: API reference, sections 2.7, 2.8 and 2.10, read 2026-10-04.
_SEVERAL_OUTPUTS = {
    "/v1/audio/video-to-audio": ("video", "audio"),
    "/v1/general/ai-multi-shot": ("views",),
    "/solutions/e-commerce/clothing_dupe": (
        *("product_image", "model_images", "product_video"),
    ),
    "/solutions/drama_subtitle": ("subbed_video", "srt", "ass"),
}
_WITH_SOUND = frozenset(
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
Values = Mapping[str, Any]

MIN_RATIO, MAX_RATIO = 0.4, 2.5  # of an image that may be sent
IMAGE_PX = {"1k": 1024, "2k": 2048, "4k": 4096}
_SIDES = ("left", "right"), ("up", "down")
AUTO_IMAGES = 4  # how many the service makes of a series that leaves it to it: a guess
VIEW_SETS, VIEWS_A_SET = 3, 3
SAMPLE_S = 3.0
# Section 2.10, drama_subtitle: what is taken for landscape.
_FONT_SIZE, _MARGIN = 56, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequest:
    """What a task has to generate: the raw body, and the effective values.

    `label` makes its files differ from others'; `new_id` makes an id of the account's
    form. `frames` are those of a video.
    """

    path: str
    output: str
    label: str
    body: Mapping[str, Any]
    values: Mapping[str, Any]
    new_id: Callable[[], str]
    seconds: float = 5
    frames: int = 121

    @property
    def has_fixed_sound(self) -> bool:
        """Say whether its video has sound whatever was asked for."""
        kept = self.values.get("base_video") and self.values.get("keep_sound")
        return bool(kept) or self.path in _WITH_SOUND

    @property
    def has_watermark(self) -> bool:
        return bool(self.values.get("watermark"))

    def text(self, name: str) -> str:
        return str(self.body.get(name) or "")


def generate_outputs(request: MediaRequest) -> tuple[Output, ...]:
    """Return the outputs; an unknown kind is taken for a video."""
    kinds = _SEVERAL_OUTPUTS.get(request.path, (request.output,))
    return tuple(
        each for kind in kinds for each in _GENERATORS.get(kind, _video)(request)
    )


def _video(request: MediaRequest) -> Iterator[Output]:
    yield Video(
        id=request.new_id(),
        clip=_clip(request),
        has_watermark=request.has_watermark,
        session_id=request.text("session_id") or None,
        is_timed=request.path not in _UNTIMED,
    )


def _product_video(request: MediaRequest) -> Iterator[Output]:
    """Yield the video without its length, as the reference's example has it."""
    clip = _clip(request)
    yield Video(id=request.new_id(), clip=clip, type="product_video", is_timed=False)


def _image_maker(kind: str, index: int) -> Callable[[MediaRequest], Iterator[Output]]:
    """Return the generator of a single image of this type, beside a video."""

    def make(request: MediaRequest) -> Iterator[Output]:
        width, height = image_size(request.body, request.values)
        picture = Picture(width=width, height=height, label=f"{request.label}-{kind}")
        yield Image(index=index, picture=picture, type=kind)

    return make


def _subbed_video(request: MediaRequest) -> Iterator[Output]:
    yield Video(id=request.new_id(), clip=_clip(request), type="subbed_video")


def _subtitles(
    kind: Literal["srt", "ass"],
) -> Callable[[MediaRequest], Iterator[Output]]:
    def make(request: MediaRequest) -> Iterator[Output]:
        clip = _clip(request)
        yield Captions(
            subtitles=Subtitles(
                seconds=int(request.seconds),
                label=request.label,
                kind=kind,
                width=clip.width,
                height=clip.height,
                font_size=paths.get(request.body, "settings.font_size") or _FONT_SIZE,
                margin=paths.get(request.body, "settings.margin_v") or _MARGIN,
            )
        )

    return make


def _images(request: MediaRequest) -> Iterator[Output]:
    is_series = request.body.get("result_type") == "series"
    count = request.body.get("series_amount", AUTO_IMAGES) if is_series else None
    if count is None:
        count = request.values.get("n") or 1
    width, height = image_size(request.body, request.values)
    group = request.new_id() if is_series else None
    for index in range(count if isinstance(count, int) else AUTO_IMAGES):
        label = f"{request.label}-{index}"
        yield Image(
            index=index,
            picture=Picture(width=width, height=height, label=label),
            has_watermark=request.has_watermark,
            group_id=group,
        )


def _views(request: MediaRequest) -> Iterator[Output]:
    side = IMAGE_PX["1k"]
    for index in range(VIEW_SETS):
        labels = [f"{request.label}-{index}-{n}" for n in range(VIEWS_A_SET)]
        pictures = (Picture(width=side, height=side, label=each) for each in labels)
        yield Views(index=index, pictures=tuple(pictures))


def _audio(request: MediaRequest) -> Iterator[Output]:
    yield Audio(
        id=request.new_id(),
        mp3=Sound(seconds=request.seconds, label=request.label, kind="mp3"),
        wav=Sound(seconds=request.seconds, label=request.label, kind="wav"),
    )


def _voice(request: MediaRequest) -> Iterator[Output]:
    yield Voice(
        id=request.new_id(),
        name=request.text("voice_name"),
        sample=Sound(seconds=SAMPLE_S, label=request.label, kind="mp3"),
    )


def _element(request: MediaRequest) -> Iterator[Output]:
    views = paths.get(request.body, "element_image_list.refer_images") or ()
    side = IMAGE_PX["1k"]
    pictures = [
        Picture(width=side, height=side, label=f"{request.label}-{n}")
        for n in range(len(views) + 1)
    ]
    yield Element(
        id=request.new_id(),
        name=request.text("element_name"),
        description=request.text("element_description"),
        reference_type=request.text("reference_type"),
        frontal=pictures[0],
        refers=tuple(pictures[1:]),
        tags=tags_of(request.body.get("tag_list")),
    )


def _clip(request: MediaRequest) -> Clip:
    width, height = video_size(request.values)
    return Clip(
        width=width,
        height=height,
        frames=request.frames,
        has_sound=bool(request.values.get("sound")) or request.has_fixed_sound,
        label=request.label,
    )


_GENERATORS: Mapping[str, Callable[[MediaRequest], Iterator[Output]]] = {
    "video": _video,
    "product_video": _product_video,
    "product_image": _image_maker("product_image", 0),
    "model_images": _image_maker("model_images", 1),
    "subbed_video": _subbed_video,
    "srt": _subtitles("srt"),
    "ass": _subtitles("ass"),
    "image": _images,
    "views": _views,
    "audio": _audio,
    "voice": _voice,
    "element": _element,
}


def video_size(values: Values) -> tuple[int, int]:
    """Return width and height in pixels: those of an input frame, or as asked for."""
    facts = _describe_input(next(_frames(values), None))
    ratio = _ratio_of(facts) or _requested_ratio(values) or _scene_ratio(values)
    return size_for(str(values.get("resolution")), ratio)


def _frames(values: Values) -> Iterator[str]:
    """Yield the images that a video may have its aspect ratio from."""
    for name in ("first_frame", "image", "last_frame", "images"):
        value = values.get(name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, str):
                yield split_handle(each)[1]


def _scene_ratio(values: Values) -> float:
    """Return the default aspect ratio: some scenes are portraits by name."""
    is_portrait = str(values.get("scene")).endswith("_9_16")
    return 9 / 16 if is_portrait else 16 / 9


def image_size(body: Values, values: Values) -> tuple[int, int]:
    """Return width and height in pixels: as asked for, or the ratio of the input."""
    side = IMAGE_PX.get(str(values.get("resolution")), IMAGE_PX["1k"])
    facts = _describe_input(body.get("image") or body.get("human_image"))
    ratio = _requested_ratio(values) or _ratio_of(facts) or 1.0
    width, height = side * sqrt(ratio), side / sqrt(ratio)
    across, down = (
        1 + sum(_share(body, f"{side}_expansion_ratio") for side in sides)
        for sides in _SIDES
    )
    return round(width * across), round(height * down)


def _share(body: Values, name: str) -> float:
    value = body.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _requested_ratio(values: Values) -> float | None:
    """Return width:height as asked for; None where it is left to the model."""
    width, _, height = str(values.get("aspect_ratio") or "").partition(":")
    if not (width.isdecimal() and height.isdecimal()):
        return None
    return int(width) / int(height)


def _ratio_of(facts: ImageFacts | None) -> float | None:
    if facts is None or not (facts.width and facts.height):
        return None
    return min(max(facts.width / facts.height, MIN_RATIO), MAX_RATIO)


def _describe_input(value: Any) -> ImageFacts | None:
    """Return the facts of an image sent as base64; None for a URL."""
    if not isinstance(value, str) or is_url(value):
        return None
    try:
        return describe(base64.b64decode(value, validate=False))
    except (KlingError, ValueError):
        return None
